"""From texts to token ids at the speed of a table look-up, for words repeat.

The library that defines the tokenizer alone would hold a static encoder back. :class:`WordReader` gives its ids another
way: a compiled loop cuts UTF-8 bytes into words and looks each up in a table; only a word that is not there yet goes to
the library.

Why the ids are the same: normaliser and splitter work inside the chunks between ASCII white space, and inside a chunk
of ASCII letters, digits and punctuation they do nothing but lower-case and cut. Any other chunk is looked up whole.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.static.parallel import by_weight, compiled, cores, in_slices
from models.static.tokenizer import check_tokenizer

FIRST_BLOCK_BYTES, BLOCK_BYTES = 1 << 16, 1 << 24
BLOCK_FOR_KEYS = 8
"""A block has at most so many times the bytes of all words in the table, but for the limits above."""
TABLE_BYTES = 1 << 26
"""Words are forgotten, all at once, when those of a table take more."""

_SPACE, _WORD, _SIGN, _OTHER = 0, 1, 2, 3
Ids = NDArray[Any]
"""uint16 where the vocabulary allows it, else uint32."""

_NO_LIMIT = np.iinfo(np.int64).max


class WordReader:
    """Texts to ids, equal to ``tokenizer.encode(text, add_special_tokens=False).ids``. Safe to share among threads."""

    def __init__(self, tokenizer: Tokenizer, threads: int | None = None) -> None:
        check_tokenizer(tokenizer, "the given tokenizer")
        self.tokenizer = tokenizer
        self.vocabulary_size: int = max(tokenizer.get_vocab().values(), default=-1) + 1  # ids may leave gaps
        self.dtype = np.uint16 if self.vocabulary_size <= 1 << 16 else np.uint32
        self.threads = threads or cores()
        self._too_long: int = getattr(tokenizer.model, "max_input_chars_per_word", 1 << 40) + 1
        self._table = _WordTable()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, object]:
        return {"tokenizer": self.tokenizer, "threads": self.threads}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def read(
        self, texts: Sequence[str], *, prefix: Sequence[int] = (), max_tokens: int | None = None
    ) -> tuple[Ids, NDArray[np.int64]]:
        """Ids, flat, and offsets, int64 [n + 1]: of each text ``prefix`` and its own ids, cut to ``max_tokens``."""
        flat: list[Ids] = []
        sizes: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
        for block in _blocks(texts, self._block_bytes):
            ids, counts = self._read_block(block, np.array(prefix, np.int64), max_tokens)
            flat.append(ids)
            sizes.append(counts)
        return np.concatenate([np.empty(0, self.dtype), *flat]), np.cumsum(np.concatenate(sizes))

    def _block_bytes(self) -> int:
        """Bytes to be read at once: few while the table holds few words, so that a new word is soon looked up."""
        return min(max(FIRST_BLOCK_BYTES, BLOCK_FOR_KEYS * len(self._table.keys)), BLOCK_BYTES)

    def _read_block(
        self, texts: list[bytes], prefix: NDArray[np.int64], max_tokens: int | None
    ) -> tuple[Ids, NDArray[np.int64]]:
        data = np.frombuffer(b"".join(texts), np.uint8)
        ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
        starts = ends - np.fromiter(map(len, texts), np.int64, len(texts))
        limit = _NO_LIMIT if max_tokens is None else max(max_tokens, 0)
        prefix = prefix[:limit]
        room = limit - len(prefix)
        words = np.empty(len(data), np.int32)
        stops = np.empty(len(data), np.int32)
        counts, missing, sizes = np.empty(len(texts), np.int64), np.empty(len(texts), np.int64), np.empty_like(ends)
        slices = by_weight(ends + 64 * np.arange(1, len(texts) + 1), self.threads if len(data) > 1 << 14 else 1)
        with self._lock:
            table = self._table
            keys = (table.slots, table.hashes, table.key_starts, table.keys)
            in_slices(
                lambda begin, end: _find_words(
                    data, starts, ends, begin, end, room, *keys, words, stops, counts, missing
                ),
                slices,
            )
            self._learn(data, starts, words, stops, counts, missing)
            pieces = (table.piece_starts, table.pieces)
            in_slices(lambda begin, end: _count(words, starts, counts, begin, end, room, pieces[0], sizes), slices)
            sizes += len(prefix)
            targets = np.cumsum(sizes) - sizes
            ids = np.empty(int(sizes.sum()), self.dtype)
            in_slices(
                lambda begin, end: _expand(words, starts, targets, sizes, prefix, begin, end, *pieces, ids), slices
            )
            if len(table.keys) > TABLE_BYTES:
                self._table = _WordTable()
        return ids, sizes

    def _learn(
        self,
        data: NDArray[np.uint8],
        starts: NDArray[np.int64],
        words: NDArray[np.int32],
        stops: NDArray[np.int32],
        counts: NDArray[np.int64],
        missing: NDArray[np.int64],
    ) -> None:
        """Look the words up that the table did not hold, add them, and fill the gaps in ``words``."""
        gaps: dict[bytes, list[int]] = {}
        for text in np.flatnonzero(missing).tolist():
            first = int(starts[text])
            for place in (first + np.flatnonzero(words[first : first + counts[text]] < 0)).tolist():
                begin, end = -1 - int(words[place]), int(stops[place])
                gaps.setdefault(data[begin:end].tobytes(), []).append(place)
        if not gaps:
            return
        known: dict[bytes, int] = {}  # "Word" and "word" are two gaps and one entry
        fresh = dict.fromkeys(map(_key, gaps))
        # The library needs seconds to find that ten megabytes without a space are no word.
        found = self.tokenizer.encode_batch_fast(
            ["x" * self._too_long if _too_long(key, self._too_long) else key.decode("utf-8") for key in fresh],
            add_special_tokens=False,
        )
        for key, encoding in zip(fresh, found, strict=True):
            known[key] = self._table.add(key, encoding.ids)
        for raw, places in gaps.items():
            words[places] = known[_key(raw)]
        self._table.settle()


def _key(raw: bytes) -> bytes:
    """What a word is looked up by: in lower case where it is ASCII, else as it stands."""
    return raw.lower() if raw.isascii() else raw


def _too_long(key: bytes, length: int) -> bool:
    """Whether the tokenizer takes no word of that length: all such words are one to it."""
    return len(key) >= length and key.isascii() and key.isalnum()


def _blocks(texts: Sequence[str], block_bytes: Callable[[], int]) -> Iterator[list[bytes]]:
    """The texts as UTF-8, in lists of about so many bytes; asked anew before each."""
    block: list[bytes] = []
    size, limit = 0, block_bytes()
    for text in texts:
        encoded = text.encode("utf-8", "replace")
        block.append(encoded)
        size += len(encoded)
        if size >= limit:
            yield block
            block, size, limit = [], 0, block_bytes()
    if block:
        yield block


class _WordTable:
    """Words (bytes) to ids, as flat arrays that a kernel can read: open addressing, keys compared byte by byte."""

    def __init__(self) -> None:
        self.keys = np.empty(0, np.uint8)
        self.key_starts = np.zeros(1, np.int64)
        self.piece_starts = np.zeros(1, np.int64)
        self.pieces = np.empty(0, np.int32)
        self.hashes = np.empty(0, np.uint64)
        self.slots = np.full(1 << 16, -1, np.int32)
        self._new: list[tuple[bytes, list[int]]] = []

    def __len__(self) -> int:
        return len(self.hashes)

    def add(self, key: bytes, ids: list[int]) -> int:
        """The entry of a new word; it can be found after :meth:`settle`."""
        self._new.append((key, ids))
        return len(self) + len(self._new) - 1

    def settle(self) -> None:
        """Take what was added into the arrays."""
        keys, ids = zip(*self._new, strict=True)
        first = len(self)
        self.keys = np.concatenate([self.keys, np.frombuffer(b"".join(keys), np.uint8)])
        self.key_starts = _longer(self.key_starts, keys)
        self.piece_starts = _longer(self.piece_starts, ids)
        self.pieces = np.concatenate([self.pieces, *(np.array(each, np.int32) for each in ids)])
        self.hashes = np.concatenate([self.hashes, np.zeros(len(keys), np.uint64)])
        _hash_all(self.keys, self.key_starts, first, self.hashes)
        if 2 * len(self) > len(self.slots):
            self.slots = np.full(1 << (4 * len(self)).bit_length(), -1, np.int32)
            first = 0
        _place_all(self.hashes, first, self.slots)
        self._new = []


def _longer(starts: NDArray[np.int64], items: Sequence[bytes | list[int]]) -> NDArray[np.int64]:
    return np.concatenate([starts, starts[-1] + np.cumsum(np.fromiter(map(len, items), np.int64, len(items)))])


def _classes() -> NDArray[np.uint8]:
    table = np.full(256, _OTHER, np.uint8)
    for code in range(33, 127):
        table[code] = _WORD if chr(code).isalnum() else _SIGN
    table[[ord(space) for space in " \t\n\r"]] = _SPACE
    return table


_CLASS = _classes()
_LOWER = np.array([code + 32 if 65 <= code <= 90 else code for code in range(256)], np.uint8)
_SEED = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


@compiled
def _hash_all(keys: NDArray[np.uint8], starts: NDArray[np.int64], first: int, hashes: NDArray[np.uint64]) -> None:
    for entry in range(first, len(hashes)):
        value = _SEED
        for at in range(starts[entry], starts[entry + 1]):
            value = (value ^ np.uint64(keys[at])) * _PRIME
        value *= _MIX
        hashes[entry] = value ^ (value >> _HALF)


@compiled
def _place_all(hashes: NDArray[np.uint64], first: int, slots: NDArray[np.int32]) -> None:
    mask = np.uint64(len(slots) - 1)
    for entry in range(first, len(hashes)):
        slot = hashes[entry] & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = entry


@compiled
def _look_up(
    data: NDArray[np.uint8],
    begin: int,
    end: int,
    ascii_word: bool,
    slots: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    key_starts: NDArray[np.int64],
    keys: NDArray[np.uint8],
) -> int:
    """The entry of a word, or -1."""
    value = _SEED
    if ascii_word:
        for at in range(begin, end):
            value = (value ^ np.uint64(_LOWER[data[at]])) * _PRIME
    else:
        for at in range(begin, end):
            value = (value ^ np.uint64(data[at])) * _PRIME
    value *= _MIX
    value ^= value >> _HALF
    mask = np.uint64(len(slots) - 1)
    slot = value & mask
    while slots[slot] >= 0:
        entry = slots[slot]
        start = key_starts[entry]
        if hashes[entry] == value and key_starts[entry + 1] - start == end - begin:
            same = True
            for at in range(end - begin):
                byte = data[begin + at]
                if keys[start + at] != (_LOWER[byte] if ascii_word else byte):
                    same = False
                    break
            if same:
                return int(entry)
        slot = (slot + np.uint64(1)) & mask
    return -1


@compiled
def _find_words(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    first: int,
    last: int,
    limit: int,
    slots: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    key_starts: NDArray[np.int64],
    keys: NDArray[np.uint8],
    words: NDArray[np.int32],
    stops: NDArray[np.int32],
    counts: NDArray[np.int64],
    missing: NDArray[np.int64],
) -> None:
    """Entries of the words of texts ``first`` to ``last``, from ``words[starts[text]]`` on; at most ``limit`` a text.

    A word that the table lacks is written as ``-1 - begin``, its end as ``stops`` at the same place. A text has at most
    as many words as bytes, so its words fit where its bytes are.
    """
    for text in range(first, last):
        at, end, place, lacking = starts[text], ends[text], starts[text], 0
        while at < end and place - starts[text] < limit:
            if _CLASS[data[at]] == _SPACE:
                at += 1
                continue
            stop, plain = at, True
            while stop < end and _CLASS[data[stop]] != _SPACE:
                if _CLASS[data[stop]] == _OTHER:
                    plain = False
                stop += 1
            while at < stop and place - starts[text] < limit:
                cut = stop
                if plain:
                    cut = at + 1
                    if _CLASS[data[at]] == _WORD:
                        while cut < stop and _CLASS[data[cut]] == _WORD:
                            cut += 1
                entry = _look_up(data, at, cut, plain, slots, hashes, key_starts, keys)
                words[place] = entry
                if entry < 0:
                    words[place] = -1 - at
                    stops[place] = cut
                    lacking += 1
                place += 1
                at = cut
        counts[text] = place - starts[text]
        missing[text] = lacking


@compiled
def _count(
    words: NDArray[np.int32],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    first: int,
    last: int,
    limit: int,
    piece_starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
) -> None:
    """Pieces of each text, at most ``limit``."""
    for text in range(first, last):
        size = 0
        for place in range(starts[text], starts[text] + counts[text]):
            size += piece_starts[words[place] + 1] - piece_starts[words[place]]
        sizes[text] = min(size, limit)


@compiled
def _expand(
    words: NDArray[np.int32],
    starts: NDArray[np.int64],
    targets: NDArray[np.int64],
    sizes: NDArray[np.int64],
    prefix: NDArray[np.int64],
    first: int,
    last: int,
    piece_starts: NDArray[np.int64],
    pieces: NDArray[np.int32],
    ids: Ids,
) -> None:
    """Write prefix and pieces of each text at its target."""
    for text in range(first, last):
        to, end, place = targets[text], targets[text] + sizes[text], starts[text]
        for at in range(len(prefix)):
            ids[to] = prefix[at]
            to += 1
        while to < end:
            word = words[place]
            for at in range(piece_starts[word], piece_starts[word + 1]):
                if to < end:
                    ids[to] = pieces[at]
                    to += 1
            place += 1
