"""Ranks by FAISS' flat search, on the graphics cards where it sees any: the reference, and the way where small numbers
are not fast.

A slice of the pool is in the index at a time. The nearest of each row are asked for, more of them while all may beat;
where a score's float32 error leaves it open, the rule decides. A row leaves when it is beaten ``max_rank`` times.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models.evaluation.search import QUERIES, SLICE, WIDEST, flat_index, import_faiss
from models.ranks.questions import NOT_FINITE, Golds, RankPool, Statistics, Tally, checked_golds
from models.ranks.rule import ROOM, TOLERANCE, bars, competes, dot
from models.static.parallel import compiled

FIRST = 4_096
"""Members of the first slice, which most bad pairs do not survive."""
SPARE = 12
"""Nearest asked for beyond ``max_rank``: the pair itself, its text again, the rest of its document."""
GPU_ERROR = 2.0**-8
"""Of products on a graphics card, in units of both lengths: their factors may be cut to 11 bits (TF32)."""


class FlatRanker:
    """Counts by flat search. ``threads``: of FAISS, its own number where None."""

    def __init__(self, pool: RankPool, max_rank: int, threads: int | None) -> None:
        self._pool, self._max_rank, self._threads, self._tally = pool, max_rank, threads, Tally()
        self._index, self._lock = flat_index(pool.vectors.shape[1]), threading.Lock()
        on_gpu = not isinstance(self._index, import_faiss().IndexFlatIP)
        self.name = "faiss-gpu" if on_gpu else "faiss"
        self._error = GPU_ERROR if on_gpu else pool.vectors.shape[1] * 2.0**-23  # of a sum in any order

    @property
    def statistics(self) -> Statistics:
        return self._tally.so_far()

    def ranks(self, golds: Golds) -> NDArray[np.int32]:
        golds = checked_golds(golds, self._pool.vectors.shape[1])
        beaten, found = np.zeros(len(golds.anchors), np.int32), np.empty(len(golds.anchors), np.float64)
        bars(golds.anchors, golds.golds, TOLERANCE, found)
        done = Statistics(asked=len(beaten) * len(self._pool.vectors))
        with self._lock, faiss_threads(self._threads):
            for begin, end in pairwise(slices(len(self._pool.vectors))):
                alive = np.flatnonzero(beaten < self._max_rank)
                if not len(alive):
                    break
                self._index.add(self._pool.vectors[begin:end])
                try:
                    for at in range(0, len(alive), QUERIES):
                        self._ask(golds, alive[at : at + QUERIES], begin, end, found, beaten, done)
                finally:
                    self._index.reset()
        self._tally.add(done)
        return beaten + np.int32(1)

    def _ask(
        self,
        golds: Golds,
        rows: NDArray[np.int64],
        begin: int,
        end: int,
        found: NDArray[np.float64],
        beaten: NDArray[np.int32],
        done: Statistics,
    ) -> None:
        """Add what members ``begin`` to ``end``, those in the index, do to some rows."""
        done.looked += len(rows) * (end - begin)
        pool = self._pool
        longest = np.linalg.norm(pool.vectors[begin:end], axis=1).max()
        if not np.isfinite(longest):
            raise UserError(NOT_FINITE)
        for wide in sorted({min(each, end - begin) for each in (self._max_rank + SPARE, WIDEST)}):
            anchors = golds.anchors[rows]
            scores, members = self._index.search(anchors, wide)
            lengths = np.linalg.norm(anchors, axis=1).astype(np.float64)
            error = (self._error * 1.01 + ROOM) * lengths * longest + ROOM
            undecided = np.zeros(len(rows), np.bool_)
            done.checked += count_nearest(
                scores, members, error, wide == end - begin, undecided, rows, found, golds.anchors, golds.texts,
                golds.keys, begin, pool, beaten, self._max_rank,
            )  # fmt: skip
            rows = rows[undecided]
            if not len(rows):
                return
        done.checked += len(rows) * (end - begin)
        count_all(
            rows, found, golds.anchors, golds.texts, golds.keys, begin, end, pool, beaten, self._max_rank,
        )  # fmt: skip


def slices(count: int) -> list[int]:
    return [0, *range(FIRST, count, SLICE), count] if count else [0]


@contextmanager
def faiss_threads(count: int | None) -> Iterator[None]:
    """FAISS with so many threads in what this thread asks of it."""
    faiss = import_faiss()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count or before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


@compiled
def count_nearest(
    scores: NDArray[np.float32],
    members: NDArray[np.int64],
    error: NDArray[np.float64],
    everyone: bool,
    undecided: NDArray[np.bool_],
    rows: NDArray[np.int64],
    bars: NDArray[np.float64],
    anchors: NDArray[np.float32],
    own_texts: NDArray[np.uint64],
    own_keys: NDArray[np.uint64],
    begin: int,
    pool: RankPool,
    beaten: NDArray[np.int32],
    max_rank: int,
) -> int:
    """Add to ``beaten`` who of the nearest beats each row; returns exact checks.

    ``scores`` and ``members`` [r, k] are of the nearest first, and ``everyone`` tells that these are all. A row whose
    k-th may still beat is ``undecided``, and nothing is added for it.
    """
    checked = 0
    for row in range(len(rows)):
        place = rows[row]
        count = beaten[place]
        decided = everyone
        for at in range(scores.shape[1]):
            score = np.float64(scores[row, at])
            if score <= bars[place] - error[row]:
                decided = True
                break
            member = begin + members[row, at]
            first, last = pool.keys.starts[member], pool.keys.starts[member + 1]
            if not competes(pool.texts[member], first, last, pool.keys.hashes, own_texts[place], own_keys[place]):
                continue
            if score <= bars[place] + error[row]:
                checked += 1
                if dot(anchors[place], pool.vectors[member]) <= bars[place]:
                    continue
            count += 1
            if count >= max_rank:
                decided = True
                break
        undecided[row] = not decided
        if decided:
            beaten[place] = count
    return checked


@compiled
def count_all(
    rows: NDArray[np.int64],
    bars: NDArray[np.float64],
    anchors: NDArray[np.float32],
    own_texts: NDArray[np.uint64],
    own_keys: NDArray[np.uint64],
    begin: int,
    end: int,
    pool: RankPool,
    beaten: NDArray[np.int32],
    max_rank: int,
) -> None:
    """Add to ``beaten`` who of a slice beats some rows, by the rule alone."""
    for place in rows:
        for member in range(begin, end):
            if beaten[place] >= max_rank:
                break
            first, last = pool.keys.starts[member], pool.keys.starts[member + 1]
            if competes(pool.texts[member], first, last, pool.keys.hashes, own_texts[place], own_keys[place]):
                beaten[place] += dot(anchors[place], pool.vectors[member]) > bars[place]
