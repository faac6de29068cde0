"""Ranks by a coarse product with a certificate: few scores need to be exact, and most rows need few scores.

The pool passes in chunks. A row leaves when it is beaten ``max_rank`` times: bad pairs after a few thousand members.
The rows that stay are multiplied with the rest by a prefix of their components, as short as their gold score allows.
In each product a maximum over 64 members tells whether any can beat; only those are opened (``openings.py``).

Threads take blocks of rows, so a chunk of the pool is in a core's cache while many rows use it. What a row meets does
not depend on other rows, and who beats it is decided by the rule, so neither the blocks nor the threads change a rank.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from models.ranks.certificate import CHUNK, GROUP, STRETCH, CodedPool, CodedRows, code_rows, prefixes
from models.ranks.openings import Members, Rows, Thresholds, count_open, open_products
from models.ranks.questions import Golds, RankPool, Statistics, Tally, checked_golds
from models.ranks.rule import TOLERANCE, bars
from models.ranks.small_numbers import Floats, Kind
from models.static.parallel import even, in_slices

ROWS = 512
"""Rows of a block at most."""
BATCH = 16_384
"""Pairs that are coded at once, up to four times as many for many threads: their codes take 4 KB each."""
TRIED = 128
"""One in so many members of the pool, up to a chunk, tells which prefix is the cheapest."""
FIRST = CHUNK
GROWTH = 4
"""All rows meet so many members, by all their components; those that are left meet four times as many, and so on."""


class Batch(NamedTuple):
    """Pairs in work: ``bars`` float64 [n] is what a score must exceed, ``beaten`` int32 [n] how often it was."""

    golds: Golds
    rows: CodedRows
    bars: Floats
    beaten: NDArray[np.int32]

    def asking(self) -> Rows:
        coded, golds = self.rows, self.golds
        return Rows(
            self.bars, coded.fine, coded.fine_scale, coded.fine_error, coded.length,
            golds.anchors, golds.texts, golds.keys, self.beaten,
        )  # fmt: skip


class Block(NamedTuple):
    """Rows of a batch that one thread takes through members ``begin`` to ``end``, by a prefix of their components."""

    rows: NDArray[np.int64]
    prefix: int
    begin: int
    end: int


class CoarseRanker:
    """Counts by coarse products of one kind."""

    def __init__(self, pool: RankPool, coded: CodedPool, kind: Kind, max_rank: int, threads: int) -> None:
        self._pool, self._coded, self._kind = pool, coded, kind
        self._max_rank, self._threads, self._tally = max_rank, threads, Tally()
        self._prefixes = prefixes(pool.vectors.shape[1])
        groups = np.arange(0, len(coded.residuals), GROUP)
        self._residuals = (
            np.maximum.reduceat(coded.residuals, groups).astype(np.float64) if len(groups) else np.empty(0)
        )

    @property
    def name(self) -> str:
        return self._kind.name

    @property
    def statistics(self) -> Statistics:
        return self._tally.so_far()

    def ranks(self, golds: Golds) -> NDArray[np.int32]:
        golds = checked_golds(golds, self._pool.vectors.shape[1])
        beaten = np.zeros(len(golds.anchors), np.int32)
        size = min(max(BATCH, self._threads * 16 * ROWS), 4 * BATCH)
        for at in range(0, len(beaten), size):
            self._count(golds.part(slice(at, at + size)), beaten[at : at + size])
        self._tally.add(Statistics(asked=len(beaten) * len(self._pool.vectors)))
        return beaten + np.int32(1)

    def _count(self, golds: Golds, beaten: NDArray[np.int32]) -> None:
        found = np.empty(len(beaten), np.float64)
        bars(golds.anchors, golds.golds, TOLERANCE, found)
        batch = Batch(golds, code_rows(golds.anchors, self._coded, self._kind), found, beaten)
        cost = np.zeros((len(beaten), len(self._prefixes)), np.float32)
        cost[:, :-1] = np.inf
        for begin, end in pairwise(phases(len(self._pool.vectors))):
            alive = np.flatnonzero(beaten < self._max_rank)
            if begin == FIRST and len(self._prefixes) > 1:
                self._reckon(batch, alive, cost)
            self._in_threads(batch, list(self._blocks(alive, cost, begin, end)))

    def _blocks(self, alive: NDArray[np.int64], cost: NDArray[np.float32], begin: int, end: int) -> Iterator[Block]:
        """Blocks of rows to which the same prefix is cheap, as many for each thread."""
        best = cost[alive].argmin(axis=1)
        alive = alive[np.lexsort((cost[alive, best], best))]
        count = min(self._threads * -(-len(alive) // (self._threads * ROWS)), len(alive))
        for first, last in pairwise(even(len(alive), count).tolist()):
            rows = alive[first:last]
            yield Block(rows, int(cost[rows].sum(axis=0).argmin()), begin, end)

    def _in_threads(self, batch: Batch, blocks: list[Block]) -> None:
        waiting = iter(blocks)  # each block is one thread's, whoever comes first

        def work(_first: int, _last: int) -> None:
            with one_thread():
                room = self._kind.buffer(ROWS * CHUNK)
                for block in waiting:
                    self._pass(batch, block, room)

        in_slices(work, even(self._threads, min(self._threads, len(blocks))))

    def _pass(self, batch: Batch, block: Block, room: torch.Tensor) -> None:
        """Take the rows of a block past its part of the pool."""
        done, rows, coded = Statistics(), block.rows, self._coded
        asking = batch.asking()
        width, mask = self._prefixes[block.prefix], self._kind.products(self._kind.mask)
        for leg in range(block.begin, block.end, STRETCH):
            rows = rows[batch.beaten[rows] < self._max_rank]
            if not len(rows):
                break
            codes, bounds = self._asking(batch, rows, block.prefix)
            for at in range(leg, min(leg + STRETCH, block.end), CHUNK):
                end = min(at + CHUNK, block.end)
                clock = time.thread_time()
                products = self._kind.multiply(codes, coded.codes[at:end, :width], room)
                done.seconds += time.thread_time() - clock
                done.operations += 2.0 * len(rows) * (end - at) * width
                done.looked += len(rows) * (end - at)
                done.checked += open_products(
                    products, mask, self._thresholds(bounds, block.prefix, at), rows, asking,
                    Members(coded.codes[at:end], coded.residuals[at:end], coded.order[at:end]),
                    self._pool, self._max_rank,
                )  # fmt: skip
        self._tally.add(done)

    def _asking(self, batch: Batch, rows: NDArray[np.int64], prefix: int) -> tuple[NDArray[Any], Floats]:
        """The codes [r, width] of some rows, and what their thresholds are made of [3, r], in steps of a product."""
        coded = batch.rows
        bounds = np.stack([batch.bars[rows] - coded.error[rows], coded.length[rows], coded.tails[rows, prefix]])
        return np.ascontiguousarray(coded.codes[rows, : self._prefixes[prefix]]), bounds / coded.scale[rows]

    def _thresholds(self, bounds: Floats, prefix: int, at: int, members: int = CHUNK) -> Thresholds:
        """Those of some rows with so many members from ``at`` on."""
        groups = slice(at // GROUP, (at + members) // GROUP)
        base, length, tail = bounds
        return Thresholds(base, length, tail, self._residuals[groups], self._coded.tails[prefix, groups])

    def _reckon(self, batch: Batch, alive: NDArray[np.int64], cost: NDArray[np.float32]) -> None:
        """Set what a score of each row costs by each prefix, in components, by the middle of the first stretch.

        That is tried on few members where the pool is small: it must not cost more than it can save.
        """
        at = min(STRETCH, len(self._coded.codes)) // CHUNK // 2 * CHUNK
        tried = min(max(len(self._coded.codes) // TRIED // GROUP, 2) * GROUP, CHUNK)
        columns = self._coded.codes[at : at + tried]

        def work(first: int, last: int) -> None:
            with one_thread():
                room = self._kind.buffer(ROWS * CHUNK)
                for begin in range(first, last, ROWS):
                    rows = alive[begin : min(begin + ROWS, last)]
                    for prefix, width in enumerate(self._prefixes):
                        codes, bounds = self._asking(batch, rows, prefix)
                        products = self._kind.multiply(codes, columns[:, :width], room)
                        mask = self._kind.products(self._kind.mask)
                        opened = count_open(products, mask, self._thresholds(bounds, prefix, at, tried))
                        cost[rows, prefix] = width + opened / len(columns) * self._kind.opening

        in_slices(work, even(len(alive), self._threads))


def phases(count: int) -> list[int]:
    """Where rows that left are put away and blocks are made anew."""
    bounds, at = [0], FIRST
    while at < count:
        bounds.append(at)
        at *= GROWTH
    return [*bounds, count]


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch's products without threads of their own, in this thread alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
