"""The scores of a batch and the gradient of InfoNCE by its vectors, without ever holding batch x batch.

A *block* of rows is scored against all candidates, and the gradient of these rows follows at once. That of the
candidates is a sum over rows, and waits for a *band* of blocks: then each *tile* of candidates adds up what the band
gives it. So blocks and tiles have one owner each, for what they write, and may be the work of any thread; where the
threads are torch's own, or a GPU's, a band is one block and a tile all candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from models.loss.collisions import Collisions
    from models.loss.info_nce import InfoNce

BLOCK_FLOATS = {"cpu": 1 << 23, "cuda": 1 << 28}
"""Scores of a block where no ``block`` is given: 32 MiB fit the caches of a CPU more or less, 1 GiB a GPU."""
MOST_ROWS = 2_048
LONE_ROWS, LONE_FLOATS = 256, 1 << 22
"""The same where each block is one thread's: enough rows for a product at full speed, or so many scores."""
BLOCKS_PER_BAND = 8
TILE_COLUMNS = 512

Each = Callable[[Callable[[range], Any], Iterable[range]], Iterator[Any]]
"""``map``, or one that shares the work among threads."""


class Gradients(NamedTuple):
    """The loss, its gradient, each of the shape of what it belongs to, and the derivative by log(temperature)."""

    loss: Tensor
    d_queries: Tensor
    d_passages: Tensor
    d_negatives: Tensor | None
    d_log_tau: Tensor


class _Candidates(NamedTuple):
    """One set of candidates of each row, scored against its query, or else against its passage."""

    of_query: bool
    vectors: Tensor
    lowered: Tensor
    """The same in the type of the gradient's products."""
    gradient: Tensor
    columns: slice


class RowBlocks:
    """One call of the loss, whose arguments its class tells; :meth:`gradients` does the work."""

    def __init__(
        self,
        loss: InfoNce,
        queries: Tensor,
        passages: Tensor,
        negatives: Tensor | None,
        rows: range,
        collisions: Collisions | None,
        tau: float | Tensor,
        pool: Executor | None,
    ) -> None:
        self.loss, self.queries, self.passages, self.rows = loss, queries, passages, rows
        self.collisions, self.tau, self.pool = collisions, tau, pool
        self.batch = len(passages)
        self.shift = rows.start if len(queries) != self.batch else 0  # where only the rows' queries were given
        self.d_queries, self.d_passages = torch.zeros_like(queries), torch.zeros_like(passages)
        self.d_negatives = None if negatives is None else torch.zeros_like(negatives)
        kind = queries.device.type
        self.low = torch.bfloat16 if loss.products == "bf16" and multiplies_bf16(kind) else queries.dtype
        self.terms = list(self._terms(negatives))
        columns = self.terms[-1].columns.stop
        if pool is None:
            self.block = loss.block or max(16, min(MOST_ROWS, BLOCK_FLOATS.get(kind, 1 << 23) // max(1, columns)))
            band = self.block
        else:
            self.block = loss.block or max(16, min(LONE_ROWS, LONE_FLOATS // max(1, columns)))
            band = BLOCKS_PER_BAND * self.block
        self.band = min(band, max(1, len(rows)))
        self.kept = queries.new_empty(self.band, columns, dtype=self.low)
        self.weighted = {
            of_query: queries.new_empty(self.band, queries.shape[1], dtype=self.low)
            for of_query in {term.of_query for term in self.terms}
        }
        self.spare: list[Tensor] = []

    def _terms(self, negatives: Tensor | None) -> Iterator[_Candidates]:
        """The first holds the positives on its diagonal, the hard negatives come last."""
        loss, queries, passages = self.loss, self.queries, self.passages
        wanted = [(True, passages, self.d_passages)]
        if loss.passage_to_query:
            wanted.append((False, queries, self.d_queries))
        if loss.query_to_query:
            wanted.append((True, queries, self.d_queries))
        if loss.passage_to_passage:
            wanted.append((False, passages, self.d_passages))
        if negatives is not None and self.d_negatives is not None:
            wanted.append((True, negatives, self.d_negatives))
        lowered = {id(vectors): vectors.to(self.low) for _, vectors, _ in wanted}
        first = 0
        for of_query, vectors, gradient in wanted:
            columns = slice(first, first + len(vectors))
            yield _Candidates(of_query, vectors, lowered[id(vectors)], gradient, columns)
            first = columns.stop

    def gradients(self) -> Gradients:
        """Loss and gradient of the rows."""
        each: Each = map if self.pool is None else self.pool.map
        loss, d_log_tau = self.queries.new_zeros(()), self.queries.new_zeros(())
        for band in _spans(self.rows, self.band):
            for of_block, d_of_block in each(partial(self._score, band.start), _spans(band, self.block)):
                loss += of_block
                d_log_tau += d_of_block
            for term in self.terms:
                tile = TILE_COLUMNS if self.pool is not None else max(1, len(term.vectors))
                for _ in each(partial(self._add, term, len(band)), _spans(range(len(term.vectors)), tile)):
                    pass
        return Gradients(loss / self.batch, self.d_queries, self.d_passages, self.d_negatives, d_log_tau)

    def _score(self, first: int, rows: range) -> tuple[Tensor, Tensor]:
        """Of a block of the band that begins at ``first``: the sum of its losses, and the derivative by log(tau).

        Adds the gradient of the rows as left side, and leaves what the candidates' needs in ``kept`` and ``weighted``.
        """
        begin, end, batch = rows.start, rows.stop, self.batch
        here = slice(begin - first, end - first)
        at = torch.arange(begin, end, device=self.queries.device)
        line = at - begin
        own = slice(begin - self.shift, end - self.shift)
        left = {True: self.queries[own], False: self.passages[begin:end]}
        scaled = {of_query: left[of_query] / self.tau for of_query in self.weighted}
        scores, lent = self._room(here)
        parts = [scores[:, term.columns] for term in self.terms]
        for term, part in zip(self.terms, parts, strict=True):
            torch.mm(scaled[term.of_query], term.vectors.T, out=part)
        in_batch = len(parts) - (self.d_negatives is not None)

        positive = parts[0][line, at]
        if self.loss.margin is not None:
            scores.masked_fill_(scores > (positive + self.loss.margin / self.tau)[:, None], -torch.inf)
        for part in parts[:in_batch]:
            part[line, at] = -torch.inf
        if self.collisions is not None:
            hard = parts[in_batch] if self.d_negatives is not None else None
            self.collisions.mask(begin, end, parts[:in_batch], hard)

        top = torch.maximum(scores.amax(1), positive)
        scores.sub_(top[:, None]).exp_()
        others = scores.sum(1)
        total = others + (positive - top).exp_()
        loss = torch.nn.functional.softplus(top + others.log() - positive).sum()
        parts[0][line, at] = -others  # total * (p_ii - 1), without the cancellation
        weight = (1 / (total * batch * self.tau))[:, None]

        for of_query, weighted in self.weighted.items():
            weighted[here] = left[of_query] * weight
        if lent is not None:
            self.kept[here] = scores
            self.spare.append(lent)
        d_log_tau = self.queries.new_zeros(())
        for term in self.terms:
            d_left = (self.kept[here, term.columns] @ term.lowered).to(scores.dtype).mul_(weight)
            d_log_tau -= torch.linalg.vecdot(d_left, left[term.of_query]).sum()
            (self.d_queries[own] if term.of_query else self.d_passages[begin:end]).add_(d_left)
        return loss, d_log_tau

    def _room(self, here: slice) -> tuple[Tensor, Tensor | None]:
        """Where the scores of a block go: into the band, or where that holds another type, into what is to be lent."""
        if self.low == self.queries.dtype:
            return self.kept[here], None
        try:
            lent = self.spare.pop()
        except IndexError:
            lent = self.queries.new_empty(min(self.block, self.band), self.kept.shape[1])
        return lent[: here.stop - here.start], lent

    def _add(self, term: _Candidates, rows: int, tile: range) -> None:
        """Add to the gradient of a tile of candidates what the band's first ``rows`` give it."""
        first = term.columns.start
        part = self.kept[:rows, first + tile.start : first + tile.stop].T
        weighted = self.weighted[term.of_query][:rows]
        gradient = term.gradient[tile.start : tile.stop]
        if self.low == gradient.dtype:
            gradient.addmm_(part, weighted)
        else:
            gradient += part @ weighted


def _spans(whole: range, size: int) -> Iterator[range]:
    for begin in range(whole.start, whole.stop, size):
        yield range(begin, min(begin + size, whole.stop))


@cache
def multiplies_bf16(kind: str) -> bool:
    """Whether a device has instructions for products in bf16."""
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return kind != "cpu" or bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
