"""Which pairs fall into one fold beyond those of one document: those whose texts are equal, and what they join.

A pair's fold hangs on its *base*: the document of its passage, or the passage's text where no document is known. Equal
passage texts join the bases of their pairs, and so do equal query texts: a model must not judge an answer or a question
that it has trained on. Joins chain, so a text that very many pairs have may join most of a source into one group, of
which a model has then seen next to nothing. So no group of a source of 20 pairs or more may hold more than half of it:
while one does, the texts of that source's pairs join by the next of :data:`LIMITS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.folds import Hashes
from models.static.parallel import compiled
from pipelines.judge.fold_groups import FoldGroups

ANY = 2**62
LIMITS = ((ANY, ANY), (100, ANY), (10, ANY), (0, ANY), (0, 100), (0, 10), (0, 0))
"""How many pairs, of all sources, may have a query text, and a passage text, that still joins."""
FEW = 20
"""Pairs of a source whose groups may be of any size."""
VERSION = 1
"""Changes when the same pairs would fall into other groups."""
_BITS_PER_PAIR, _MOST_BITS = 8, 1 << 33


class Hashed(NamedTuple):
    """Some pairs of one source, by its number: hashes of their query texts, passage texts and bases, uint64 [n]."""

    source: int
    queries: Hashes
    passages: Hashes
    bases: Hashes


Read = Callable[[], Iterator[Hashed]]
"""Reads all pairs, some at a time; it is called several times."""


class _Joins(NamedTuple):
    """Texts that pairs of several bases have: one row for each text, base and source; sorted by text.

    ``pairs``: how many pairs, of all sources, have the text. ``side``: 0 for queries, 1 for passages.
    """

    texts: Hashes
    bases: Hashes
    sources: NDArray[np.int64]
    pairs: NDArray[np.int64]
    side: int


def joined(read: Read, rows: Sequence[int]) -> FoldGroups:
    """The groups of all pairs; ``rows``: how many each source has, by its number.

    Neither the order of the pairs nor how they are split changes anything. Memory: at most 2 GiB to tell which texts
    may repeat, and about 100 bytes for each pair that has a text of several bases.
    """
    every = [_joins(read, side, sum(rows)) for side in (0, 1)]
    bases = np.unique(np.concatenate([each.bases for each in every]))
    sizes = _sizes(read, bases, len(rows))
    levels = np.zeros(len(rows), np.int64)
    while True:
        parents = np.arange(len(bases))
        for each in every:
            limits = np.array([limit[each.side] for limit in LIMITS])[levels]
            join = each.pairs <= limits[each.sources]
            texts, places = each.texts[join], np.searchsorted(bases, each.bases[join])
            same = np.flatnonzero(texts[1:] == texts[:-1])
            _unite(parents, places[same], places[same + 1])
        groups = _roots(parents)
        largest = np.array([np.bincount(groups, mine).max(initial=0) if len(groups) else 0 for mine in sizes])
        most = np.maximum(np.array(rows) // 2, sizes.max(axis=1, initial=0))  # a document may be larger by itself
        high = (largest > most) & (np.array(rows) >= FEW) & (levels < len(LIMITS) - 1)
        if not high.any():
            break
        levels[high] += 1
    low = groups != np.arange(len(bases))
    return FoldGroups(bases[low], bases[groups[low]])


def _joins(read: Read, side: int, rows: int) -> _Joins:
    """The texts of one side that pairs of several bases have."""
    bits = min(max(64, 1 << (_BITS_PER_PAIR * max(rows, 1) - 1).bit_length()), _MOST_BITS)
    shift = np.uint64(64 - (bits.bit_length() - 1))
    seen, again = (np.zeros(bits // 8, np.uint8) for _ in range(2))
    for hashed in read():
        _mark(_side(hashed, side), shift, seen, again)
    del seen
    parts = [np.empty((3, 0), np.uint64)]
    for hashed in read():
        texts = _side(hashed, side)
        repeated = _marked(texts, shift, again)
        source = np.full(np.count_nonzero(repeated), hashed.source, np.uint64)
        parts.append(np.stack([texts[repeated], hashed.bases[repeated], source]))
    texts, bases, sources = np.concatenate(parts, axis=1)
    order = np.lexsort((sources, bases, texts))
    texts, bases, sources = texts[order], bases[order], sources[order].astype(np.int64)
    new_text = np.ones(len(texts), bool)
    new_text[1:] = texts[1:] != texts[:-1]
    number = np.cumsum(new_text) - 1
    new_base = new_text.copy()
    new_base[1:] |= bases[1:] != bases[:-1]
    new = new_base.copy()
    new[1:] |= sources[1:] != sources[:-1]
    several = np.bincount(number, new_base) > 1
    wanted = new & several[number]
    return _Joins(texts[wanted], bases[wanted], sources[wanted], np.bincount(number)[number[wanted]], side)


def _side(hashed: Hashed, side: int) -> Hashes:
    return np.ascontiguousarray(hashed.passages if side else hashed.queries)


def _sizes(read: Read, bases: Hashes, sources: int) -> NDArray[np.int64]:
    """How many pairs of each source [sources, m] have each of these bases."""
    sizes = np.zeros((sources, len(bases)), np.int64)
    for hashed in read() if len(bases) else ():
        places = np.minimum(np.searchsorted(bases, hashed.bases), len(bases) - 1)
        places = places[bases[places] == hashed.bases]
        sizes[hashed.source] += np.bincount(places, minlength=len(bases))
    return sizes


@compiled
def _mark(hashes: Hashes, shift: Any, seen: NDArray[np.uint8], again: NDArray[np.uint8]) -> None:
    """Set the bits of hashes, by their first bits; those that were set before are set in ``again`` too."""
    for at in range(len(hashes)):
        bit = hashes[at] >> shift
        byte, mask = np.int64(bit >> np.uint64(3)), np.uint8(1 << np.int64(bit & np.uint64(7)))
        if seen[byte] & mask:
            again[byte] |= mask
        else:
            seen[byte] |= mask


@compiled
def _marked(hashes: Hashes, shift: Any, again: NDArray[np.uint8]) -> NDArray[np.bool_]:
    found = np.zeros(len(hashes), np.bool_)
    for at in range(len(hashes)):
        bit = hashes[at] >> shift
        found[at] = again[np.int64(bit >> np.uint64(3))] >> np.uint8(np.int64(bit & np.uint64(7))) & 1
    return found


@compiled
def _unite(parents: NDArray[np.int64], ones: NDArray[np.int64], others: NDArray[np.int64]) -> None:
    """Join the groups of each one and other; the lowest place of a group is its root."""
    for at in range(len(ones)):
        one, other = ones[at], others[at]
        while parents[one] != one:
            parents[one] = parents[parents[one]]
            one = parents[one]
        while parents[other] != other:
            parents[other] = parents[parents[other]]
            other = parents[other]
        parents[max(one, other)] = min(one, other)


@compiled
def _roots(parents: NDArray[np.int64]) -> NDArray[np.int64]:
    """The root of each; parents stand before their children."""
    roots = parents.copy()
    for at in range(len(roots)):
        roots[at] = roots[roots[at]]
    return roots
