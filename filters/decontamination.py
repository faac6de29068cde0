"""Decontamination: does a pair repeat a query or a document of an evaluation set?

Two rules, on each side of a pair, over texts as sequences of words (:mod:`filters.ngrams`):

* *exact*: the side is an evaluation query, an evaluation document, or a document's title, word for word;
* *n-grams*: the side shares enough n-grams with one evaluation text. Shares are of the shorter of the two, so neither
  clean text around a document nor leaving out parts of it hides it.

All evaluation texts are one index, a buffer that may be mapped from a file and shared by processes: sorted hashes of
n-grams with the text each comes from, and before them a bitmap, which most n-grams of clean text do not pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.ngrams import Hashes, Indices, hash_words

if TYPE_CHECKING:
    from ccpairs.pair import Pair

EXACT, NGRAMS = "contaminated_exact", "contaminated_ngram"

Keep = Callable[[NDArray[Any]], Callable[[], NDArray[Any]]]

MAGIC = b"ccpairs evaluation texts 1\n".ljust(32, b"\0")
_ALIGNMENT = 64
_RUN = 1 << 22
"""Entries that are sorted in memory at once while an index is built."""
_BITS_PER_NGRAM, _MOST_BITS = 16, 31
_TEXTS_PER_NGRAM = 16
"""An n-gram that more texts share is boilerplate; it is kept for the first of them."""


@dataclass(frozen=True)
class ContaminationRules:
    """What counts as a copy. Lengths are in words; a character of a script without spaces is a word."""

    ngrams: bool = True
    """Whether shared n-grams count, or whole texts only."""
    ngram: int = 8
    min_share: float = 0.15
    """Of the n-grams of the evaluation text or of the side, whichever has fewer."""
    min_hits: int = 5
    """Different n-grams that a side must share with an evaluation text; all of a text that has fewer."""
    min_words: int = 4
    """Shorter texts count only where the query of a pair is an evaluation query."""

    def needed(self, of_text: Indices, of_side: Indices) -> NDArray[np.float64]:
        """How many n-grams a side must share with a text."""
        return np.maximum(np.minimum(self.min_hits, of_text), self.min_share * np.minimum(of_text, of_side))


class EvaluationText(NamedTuple):
    """A query or a document of an evaluation set."""

    name: str
    """For the one who reads the rejects: ``scifact/corpus/4983``."""
    text: str
    title: str = ""
    is_query: bool = False


class Contamination(NamedTuple):
    """Why a pair must go, and which evaluation text it repeats."""

    reason: str
    detail: str


class EvaluationTexts:
    """The index of evaluation texts; does not change once it is built.

    ``buffer`` is what :class:`IndexBuilder` wrote; raises ``ValueError`` where it is something else.
    """

    def __init__(self, buffer: bytes | NDArray[np.uint8]) -> None:
        data = np.frombuffer(buffer, np.uint8)
        start = len(MAGIC) + 8
        if data[: len(MAGIC)].tobytes() != MAGIC:
            raise ValueError("not an index of evaluation texts, or one of another version")
        size = int(data[len(MAGIC) : start].view("<u8")[0])
        header = json.loads(data[start : start + size].tobytes())
        self.rules = ContaminationRules(**header["rules"])
        arrays: dict[str, NDArray[Any]] = {}
        position = start + size
        for name, kind, count in header["arrays"]:
            position += -position % _ALIGNMENT
            end = position + count * np.dtype(kind).itemsize
            if end > len(data):
                raise ValueError("an index of evaluation texts that ends too early")
            arrays[name] = data[position:end].view(kind)
            position = end
        self._exact, self._exact_texts = arrays["exact"], arrays["exact_texts"]
        self._ngrams, self._ngram_texts = arrays["ngrams"], arrays["ngram_texts"]
        self._of_text, self._bitmap = arrays["of_text"], arrays["bitmap"]
        self._names, self._name_ends = arrays["names"], arrays["name_ends"]
        self._shift = np.uint64(64 - (len(self._bitmap) * 8).bit_length() + 1)

    @classmethod
    def load(cls, path: str) -> EvaluationTexts:
        """The index in a local file, mapped: processes share its pages. Raises ``ValueError``, ``OSError``."""
        return cls(np.memmap(path, np.uint8, "r"))

    def __len__(self) -> int:
        """Evaluation texts in the index."""
        return len(self._name_ends)

    @property
    def ngrams(self) -> int:
        """N-grams in the index; one that several texts share counts for each."""
        return len(self._ngrams)

    def matches(self, pairs: Sequence[Pair]) -> list[Contamination | None]:
        """What each pair repeats, or None where it repeats nothing; best asked for hundreds of pairs at once."""
        words = hash_words([side for pair in pairs for side in (pair.query, pair.passage)])
        found: list[Contamination | None] = [None] * len(pairs)
        if self.rules.ngrams:
            for side, text, hits in self._shared(*words.ngrams(self.rules.ngram)):
                found[side // 2] = found[side // 2] or self._contamination(side, text, hits)
        lengths = words.counts()
        lengths[1::2][lengths[1::2] < self.rules.min_words] = 0
        hashes = words.texts()
        known, at = _find(self._exact, hashes)
        # Backwards: of the two sides of a pair, the query is named.
        for side, place in zip(known[::-1].tolist(), at[::-1].tolist(), strict=True):
            if lengths[side]:
                found[side // 2] = self._contamination(side, int(self._exact_texts[place]))
        return found

    def name(self, text: int) -> str:
        """Name of the evaluation text of that number."""
        begin = int(self._name_ends[text - 1]) if text else 0
        return self._names[begin : int(self._name_ends[text])].tobytes().decode()

    def _contamination(self, side: int, text: int, hits: int | None = None) -> Contamination:
        reason = EXACT if hits is None else NGRAMS
        extent = "whole text" if hits is None else f"{hits} of {self._of_text[text]} {self.rules.ngram}-grams"
        return Contamination(reason, f"{('query', 'passage')[side % 2]}: {self.name(text)}, {extent}")

    def _shared(self, hashes: Hashes, of_side: Indices) -> Iterator[tuple[int, int, int]]:
        """(side, evaluation text, n-grams in both) of sides that share enough; the text they share most of first."""
        spots = hashes >> self._shift
        bits = self._bitmap[spots >> np.uint64(3)] >> (spots & np.uint64(7)).astype(np.uint8)
        maybe = np.flatnonzero(bits & np.uint8(1))
        known, first = _find(self._ngrams, hashes[maybe])
        if not len(known):
            return
        places = maybe[known]
        sides = np.searchsorted(np.cumsum(of_side), places, "right")
        once = _distinct(hashes[places], sides)
        sides, first, wanted = sides[once], first[once], hashes[places[once]]
        each = np.searchsorted(self._ngrams, wanted, "right") - first
        at = np.repeat(first - np.cumsum(each) + each, each) + np.arange(each.sum())
        both, hits = np.unique(
            np.repeat(sides, each) * len(self) + self._ngram_texts[at].astype(np.int64), return_counts=True
        )
        side, text = np.divmod(both, len(self))
        of_text = self._of_text[text].astype(np.int64)
        enough = np.flatnonzero(hits >= self.rules.needed(of_text, of_side[side]))
        order = enough[np.lexsort((text[enough], -hits[enough] / of_text[enough], side[enough]))]
        yield from zip(side[order].tolist(), text[order].tolist(), hits[order].tolist(), strict=True)


class IndexBuilder:
    """Builds the index from texts that come in batches: ``add`` them, then write ``blocks()`` one after the other.

    Sorted runs go through ``keep``, which may put an array on disk and returns a function that brings it back, so that
    memory is bounded by a few runs, the bitmap, and some 50 bytes for each text. The same texts in the same order give
    the same bytes, whatever the batches.
    """

    def __init__(self, rules: ContaminationRules, keep: Keep = lambda array: lambda: array) -> None:
        self.rules = rules
        self._keep = keep
        self._names = bytearray()
        self._name_ends: list[Indices] = []
        self.texts = self.chars = 0
        self._of_text: list[Indices] = []
        self._exact = _Runs(keep)
        self._ngrams = _Runs(keep)

    def add(self, texts: Sequence[EvaluationText]) -> None:
        """Take in a batch of queries and documents; some thousands at once keep it fast."""
        first = self.texts
        self.texts += len(texts)
        self.chars += sum(len(text.title) + len(text.text) for text in texts)
        numbers = np.arange(first, self.texts)
        names = [text.name.encode("utf-8", "replace") for text in texts]
        self._name_ends.append(np.cumsum([len(name) for name in names]) + len(self._names))
        self._names += b"".join(names)
        whole = hash_words([f"{text.title} {text.text}" for text in texts])
        titled = np.flatnonzero([text.title != "" for text in texts])
        bodies = hash_words([texts[number].text for number in titled.tolist()])
        titles = hash_words([texts[number].title for number in titled.tolist()])
        least = np.where([text.is_query for text in texts], 1, self.rules.min_words)
        of_titled = numbers[titled]
        for words, owners, at_least in (
            (whole, numbers, least),
            (bodies, of_titled, least[titled]),
            (titles, of_titled, self.rules.ngram),
        ):
            take = words.counts() >= at_least
            self._exact.add(words.texts()[take], owners[take])
        of_text = np.zeros(len(texts), np.int64)
        if self.rules.ngrams:
            hashes, repeated = whole.ngrams(self.rules.ngram)
            owners = np.repeat(numbers, repeated)
            once = _distinct(hashes, owners)
            self._ngrams.add(hashes[once], owners[once])
            of_text = np.bincount(owners[once] - first, minlength=len(texts))
        self._of_text.append(of_text)

    def blocks(self) -> Iterator[bytes]:
        """The bytes of the index, in blocks."""
        exact = list(self._exact.sorted_parts(1))
        bits = max(10, min(_MOST_BITS, (self._ngrams.total * _BITS_PER_NGRAM).bit_length()))
        bitmap = np.zeros((1 << bits) // 8, np.uint8)
        ngrams = []
        for hashes, texts in self._ngrams.sorted_parts(_TEXTS_PER_NGRAM):
            spots = hashes >> np.uint64(64 - bits)
            np.bitwise_or.at(bitmap, spots >> np.uint64(3), np.uint8(1) << (spots & np.uint64(7)).astype(np.uint8))
            ngrams.append((len(hashes), self._keep(hashes), self._keep(texts)))
        arrays: dict[str, tuple[str, Sequence[tuple[int, Callable[[], NDArray[Any]]]]]] = {
            "exact": ("<u8", _in_memory([hashes for hashes, _ in exact])),
            "exact_texts": ("<u4", _in_memory([texts for _, texts in exact])),
            "ngrams": ("<u8", [(count, hashes) for count, hashes, _ in ngrams]),
            "ngram_texts": ("<u4", [(count, texts) for count, _, texts in ngrams]),
            "bitmap": ("u1", _in_memory([bitmap])),
            "of_text": ("<u4", _in_memory(self._of_text)),
            "name_ends": ("<u8", _in_memory(self._name_ends)),
            "names": ("u1", _in_memory([np.frombuffer(self._names, np.uint8)])),
        }
        shape = [(name, kind, sum(count for count, _ in parts)) for name, (kind, parts) in arrays.items()]
        header = json.dumps({"rules": asdict(self.rules), "arrays": shape}).encode()
        yield MAGIC + len(header).to_bytes(8, "little") + header
        position = len(MAGIC) + 8 + len(header)
        for kind, parts in arrays.values():
            padding = -position % _ALIGNMENT
            yield bytes(padding)
            position += padding
            for _, part in parts:
                block = part().astype(kind, copy=False).tobytes()
                yield block
                position += len(block)


def _in_memory(arrays: Sequence[NDArray[Any]]) -> list[tuple[int, Callable[[], NDArray[Any]]]]:
    return [(len(array), partial(np.asarray, array)) for array in arrays]


class _Runs:
    """Hashes with the texts they come from, sorted in runs that ``keep`` may put on disk."""

    def __init__(self, keep: Keep) -> None:
        self.total = 0
        self._keep = keep
        self._waiting: list[tuple[Hashes, NDArray[np.uint32]]] = []
        self._waits = 0
        self._runs: list[tuple[Callable[[], Hashes], Callable[[], NDArray[np.uint32]]]] = []

    def add(self, hashes: Hashes, texts: Indices) -> None:
        self._waiting.append((hashes, texts.astype(np.uint32)))
        self._waits += len(hashes)
        self.total += len(hashes)
        if self._waits >= _RUN:
            self._sort_what_waits()

    def sorted_parts(self, texts_per_hash: int) -> Iterator[tuple[Hashes, NDArray[np.uint32]]]:
        """All of it by hash and then by text, in parts of about a run each."""
        self._sort_what_waits()
        parts = self.total // _RUN + 1
        edges = [part * (1 << 64) // parts for part in range(1, parts)]
        cuts = [
            np.array([0, *np.searchsorted(hashes, np.array(edges, np.uint64)), len(hashes)])
            for hashes in (run() for run, _ in self._runs)
        ]
        for part in range(parts):
            taken = [
                (hashes()[cut[part] : cut[part + 1]], texts()[cut[part] : cut[part + 1]])
                for (hashes, texts), cut in zip(self._runs, cuts, strict=True)
            ]
            hashes, texts = _sorted(taken)
            # An entry goes where as many before it have its hash.
            extra = np.zeros(len(hashes), bool)
            extra[texts_per_hash:] = hashes[texts_per_hash:] == hashes[:-texts_per_hash]
            yield hashes[~extra], texts[~extra]

    def _sort_what_waits(self) -> None:
        if self._waits:
            hashes, texts = _sorted(self._waiting)
            self._runs.append((self._keep(hashes), self._keep(texts)))
        self._waiting, self._waits = [], 0


def _sorted(parts: Sequence[tuple[Hashes, NDArray[np.uint32]]]) -> tuple[Hashes, NDArray[np.uint32]]:
    """By hash; entries of a hash stay in their order, which is that of the texts."""
    if not parts:
        return np.empty(0, np.uint64), np.empty(0, np.uint32)
    hashes, texts = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    order = np.argsort(hashes, kind="stable")
    return hashes[order], texts[order]


def _distinct(hashes: Hashes, owners: Indices) -> Indices:
    """Places of the different hashes of each owner, in order."""
    # One sort of mixed keys in place of two; two owners' hashes meet as rarely as any two hashes.
    keys = hashes + owners.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.sort(np.unique(keys, return_index=True)[1])


def _find(sorted_hashes: Hashes, hashes: Hashes) -> tuple[Indices, Indices]:
    """Places in ``hashes`` of those that are known, and where they first stand among the sorted ones."""
    if not len(sorted_hashes):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    at = np.searchsorted(sorted_hashes, hashes)
    known = np.flatnonzero(sorted_hashes[np.minimum(at, len(sorted_hashes) - 1)] == hashes)
    return known, at[known]
