"""What is asked of a ranker, and what it answers: the terms that all paths share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

NOT_FINITE = "the pool holds vectors that are not finite; the model's training diverged or its files are damaged"


class Keys(NamedTuple):
    """What tells who is no competitor: hashes of the documents and texts of the pairs that a member stands for.

    Member m has ``hashes[starts[m] : starts[m + 1]]``, sorted; ``starts`` int64 [P + 1], ``hashes`` uint64 [K].
    """

    starts: NDArray[np.int64]
    hashes: Hashes

    def first(self, members: int) -> Keys:
        """The keys of the first members."""
        return Keys(self.starts[: members + 1], self.hashes[: self.starts[members]])


def keys_of(hashes: Hashes, owners: NDArray[np.int64] | None = None) -> Keys:
    """The keys of P members, by the hashes of each, uint64 [P, w], 0 for none.

    ``owners`` int64 [P]: the member that gets them, by default each its own.
    """
    count, width = hashes.shape
    of = np.repeat(np.arange(count) if owners is None else owners, width)
    flat = np.ascontiguousarray(hashes).reshape(-1)
    of, flat = of[flat != 0], flat[flat != 0]
    order = np.lexsort((flat, of))
    of, flat = of[order], flat[order]
    new = np.ones(len(flat), bool)
    new[1:] = (of[1:] != of[:-1]) | (flat[1:] != flat[:-1])
    return Keys(np.concatenate([[0], np.cumsum(np.bincount(of[new], minlength=count))]), flat[new])


class RankPool(NamedTuple):
    """The side that is searched: P members of d dimensions.

    ``vectors`` float32 [P, d], of length 1 or zero, may be a read-only memory map: it is read, never copied as a whole.
    ``texts`` uint64 [P]: hash of the member's text on this side. ``keys``: by which it may share something with a pair.

    Any order gives the same ranks. A random one is the fastest: a bad pair is then beaten by the first few thousand.
    """

    vectors: NDArray[np.float32]
    texts: Hashes
    keys: Keys


class Golds(NamedTuple):
    """The n pairs to rank.

    ``anchors`` float32 [n, d]: the vectors that ask. ``golds`` float32 [n, d]: those that should be found. ``texts``
    uint64 [n, a]: texts that are no competitors, the gold text first. ``keys`` uint64 [n, b]: keys whose members are
    no competitors. 0 = none in both.
    """

    anchors: NDArray[np.float32]
    golds: NDArray[np.float32]
    texts: Hashes
    keys: Hashes

    def part(self, rows: slice | NDArray[np.int64]) -> Golds:
        """Some of the pairs."""
        return Golds(self.anchors[rows], self.golds[rows], self.texts[rows], self.keys[rows])


@dataclass
class Statistics:
    """What a ranker has done since it was opened.

    ``asked``: scores that a flat search would make, pairs x pool. ``looked``: those that were made, if only in part.
    ``checked``: those that needed their exact value. ``operations``: multiplications and additions of the coarse
    product (0 for FAISS), ``seconds``: of CPU that it took, all threads together.
    """

    asked: int = 0
    looked: int = 0
    checked: int = 0
    operations: float = 0
    seconds: float = 0

    def add(self, other: Statistics) -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    @property
    def looked_share(self) -> float:
        return self.looked / max(self.asked, 1)

    @property
    def checked_share(self) -> float:
        """Of the scores that were looked at."""
        return self.checked / max(self.looked, 1)

    @property
    def rate(self) -> float:
        """Operations of the product in a second of one core."""
        return self.operations / self.seconds if self.seconds else 0.0


class Ranker(Protocol):
    """Counts who beats a pair. Many threads may ask one ranker."""

    @property
    def name(self) -> str:
        """The path that was taken; it never changes a rank."""

    @property
    def statistics(self) -> Statistics: ...

    def ranks(self, golds: Golds) -> NDArray[np.int32]:
        """1 + how many of the pool beat each gold, int32 [n]; ``max_rank + 1`` where that is above ``max_rank``."""


class Tally:
    """Statistics that several threads add to."""

    def __init__(self) -> None:
        self._total, self._lock = Statistics(), threading.Lock()

    def add(self, part: Statistics) -> None:
        with self._lock:
            self._total.add(part)

    def so_far(self) -> Statistics:
        with self._lock:
            return replace(self._total)


def checked_pool(pool: RankPool) -> RankPool:
    """The pool in the layout that the kernels read; copies only what has another. ValueError where shapes disagree."""
    count = len(pool.vectors)
    if pool.vectors.ndim != 2 or pool.vectors.dtype != np.float32:
        raise ValueError(f"vectors {pool.vectors.shape} {pool.vectors.dtype}; float32 [P, d] is needed")
    starts, hashes = pool.keys
    if pool.texts.shape != (count,) or starts.shape != (count + 1,) or starts[-1] != len(hashes):
        raise ValueError(f"texts {pool.texts.shape} and starts of keys {starts.shape} of {count} vectors")
    return RankPool(frozen(pool.vectors), frozen(pool.texts), Keys(frozen(starts), frozen(hashes)))


def checked_golds(golds: Golds, dimension: int) -> Golds:
    """The same of the pairs; their vectors must be finite too."""
    count = len(golds.anchors)
    for vectors in (golds.anchors, golds.golds):
        if vectors.shape != (count, dimension) or vectors.dtype != np.float32:
            raise ValueError(f"vectors {vectors.shape} {vectors.dtype}; float32 [{count}, {dimension}] is needed")
        if not np.isfinite(vectors).all():
            raise ValueError("a vector of a pair is not finite")
    for hashes in (golds.texts, golds.keys):
        if hashes.ndim != 2 or len(hashes) != count:
            raise ValueError(f"hashes {hashes.shape} of {count} pairs")
    return Golds(*(frozen(array) for array in golds))


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only view, so that each kernel is compiled once, for memory maps and for arrays alike."""
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view
