"""The words of texts as numbers: those of ``models.evaluation.bm25``, found by compiled loops and told apart by hash.

A word is a run of letters, digits and underscores (``\\w+``) in lower case. Two words are the same where their 64-bit
hashes are: among a million words some two share one with a probability of 3e-8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.evaluation.bm25 import words
from models.static.parallel import by_weight, compiled, in_slices


class Words(NamedTuple):
    """The words of n texts in order: hashes uint64 [words], and where each text ends, int64 [n]."""

    hashes: NDArray[np.uint64]
    ends: NDArray[np.int64]


def words_of(texts: Sequence[str], threads: int) -> Words:
    encoded = [_cut_already(text).encode() for text in texts]
    sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
    byte_ends = np.cumsum(sizes)
    data = np.frombuffer(b"".join(encoded), np.uint8)
    slices = by_weight(byte_ends + 64 * np.arange(1, len(texts) + 1), threads)
    counts = np.zeros(len(texts), np.int64)
    in_slices(lambda begin, end: _count_words(data, byte_ends, begin, end, counts), slices)
    ends = np.cumsum(counts)
    hashes = np.empty(int(counts.sum()), np.uint64)
    in_slices(lambda begin, end: _hash_words(data, byte_ends, begin, end, ends, hashes), slices)
    return Words(hashes, ends)


def _cut_already(text: str) -> str:
    """Text whose words are runs of ASCII letters, digits, underscores and of anything that is not ASCII."""
    return text if text.isascii() else " ".join(words(text.lower()))


_IN_WORD = np.array([byte >= 0x80 or words(chr(byte)) != [] for byte in range(256)])
_LOWER = np.array([byte + 32 if 65 <= byte <= 90 else byte for byte in range(256)], np.uint8)
_SEED = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


@compiled
def _count_words(
    data: NDArray[np.uint8], ends: NDArray[np.int64], first: int, last: int, counts: NDArray[np.int64]
) -> None:
    for text in range(first, last):
        begin = ends[text - 1] if text else 0
        inside, count = False, 0
        for at in range(begin, ends[text]):
            now = _IN_WORD[data[at]]
            count += now and not inside
            inside = now
        counts[text] = count


@compiled
def _hash_words(
    data: NDArray[np.uint8],
    ends: NDArray[np.int64],
    first: int,
    last: int,
    word_ends: NDArray[np.int64],
    hashes: NDArray[np.uint64],
) -> None:
    for text in range(first, last):
        at = ends[text - 1] if text else 0
        place = word_ends[text - 1] if text else 0
        end = ends[text]
        while at < end:
            if not _IN_WORD[data[at]]:
                at += 1
                continue
            value = _SEED  # FNV-1a, mixed at its end
            while at < end and _IN_WORD[data[at]]:
                value = (value ^ np.uint64(_LOWER[data[at]])) * _PRIME
                at += 1
            value *= _MIX
            hashes[place] = value ^ (value >> _HALF)
            place += 1


class Vocabulary:
    """Words to numbers from 0, in the order in which they are first met; a hash table that kernels read."""

    def __init__(self) -> None:
        self.hashes = np.empty(1 << 12, np.uint64)
        self.size = 0
        self.slots = _empty_slots(len(self.hashes))

    def add(self, hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The number of each word, int32 [words]; words that are not there are added."""
        ids = np.empty(len(hashes), np.int32)
        done = 0
        while done < len(hashes):
            done, self.size = _add_words(hashes, done, self.slots, self.hashes, self.size, ids)
            if self.size == len(self.hashes):
                self.hashes = np.concatenate([self.hashes, np.empty_like(self.hashes)])
                self.slots = _empty_slots(len(self.hashes))
                _place_words(self.hashes, self.size, self.slots)
        return ids

    def ordered(self, order: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
        """Hashes and slots of the words by new numbers: word ``order[i]`` gets number i."""
        hashes = self.hashes[: self.size][order]
        slots = _empty_slots(self.size)
        _place_words(hashes, self.size, slots)
        return hashes, slots


def look_up(
    hashes: NDArray[np.uint64], known: NDArray[np.uint64], slots: NDArray[np.int32], threads: int
) -> NDArray[np.int32]:
    """The number of each word, int32 [words]; those unknown get numbers from ``len(known)`` on, equal ones the same."""
    ids = np.empty(len(hashes), np.int32)
    slices = by_weight(np.arange(1, len(hashes) + 1), threads)
    in_slices(lambda begin, end: _find_words(hashes, begin, end, known, slots, ids), slices)
    missing = np.flatnonzero(ids < 0)
    ids[missing] = len(known) + np.unique(hashes[missing], return_inverse=True)[1]
    return ids


def _empty_slots(words: int) -> NDArray[np.int32]:
    return np.full(1 << (2 * words).bit_length(), -1, np.int32)


@compiled
def _slot_of(value: np.uint64, known: NDArray[np.uint64], slots: NDArray[np.int32]) -> int:
    """Where a hash stands, or the empty slot where it would."""
    mask = np.uint64(len(slots) - 1)
    slot = value & mask
    while slots[slot] >= 0 and known[slots[slot]] != value:
        slot = (slot + np.uint64(1)) & mask
    return int(slot)


@compiled
def _add_words(
    hashes: NDArray[np.uint64],
    first: int,
    slots: NDArray[np.int32],
    known: NDArray[np.uint64],
    size: int,
    ids: NDArray[np.int32],
) -> tuple[int, int]:
    """Number words until they end or the table is full; how many are numbered, and its new size."""
    for at in range(first, len(hashes)):
        slot = _slot_of(hashes[at], known, slots)
        if slots[slot] < 0:
            if size == len(known):
                return at, size
            known[size] = hashes[at]
            slots[slot] = size
            size += 1
        ids[at] = slots[slot]
    return len(hashes), size


@compiled
def _place_words(known: NDArray[np.uint64], size: int, slots: NDArray[np.int32]) -> None:
    for number in range(size):
        slots[_slot_of(known[number], known, slots)] = number


@compiled
def _find_words(
    hashes: NDArray[np.uint64],
    first: int,
    last: int,
    known: NDArray[np.uint64],
    slots: NDArray[np.int32],
    ids: NDArray[np.int32],
) -> None:
    for at in range(first, last):
        ids[at] = slots[_slot_of(hashes[at], known, slots)]
