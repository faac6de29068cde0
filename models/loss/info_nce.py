"""InfoNCE over a whole batch without ever holding batch x batch: the one loss of every encoder that is trained here.

Rows of queries are scored a block at a time, and the gradient follows in closed form in the same pass, so memory is
block x batch and nothing is kept for a backward pass. The scale, 1/B with B the number of pairs of *all* ranks, is in
the loss: sums over ranks, never means, give the gradient that one process would have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

import torch
from numpy.typing import NDArray
from torch import Tensor

from models.lone_threads import lone_threads
from models.loss.collisions import Collisions, Hashes
from models.loss.row_blocks import Gradients, RowBlocks

Score = Callable[[Tensor, Tensor, Tensor | None], Gradients]
"""Queries, passages and hard negatives -> loss and gradient, of one call's rows."""


class ArrayGradients(NamedTuple):
    """:class:`models.loss.row_blocks.Gradients` in numpy's terms."""

    loss: float
    d_queries: NDArray[Any]
    d_passages: NDArray[Any]
    d_negatives: NDArray[Any] | None
    d_log_tau: float


@dataclass(frozen=True)
class InfoNce:
    """L = (1/B) sum_i (log Z_i - s_ii), s_ij = q_i . p_j / temperature, Z_i the sum of exp over row i's candidates.

    The candidates are the passages of the batch and the hard negatives. The flags add, to the same Z_i, those of GTE
    (Li et al. 2023, arXiv:2308.03281, eq. 2-3): ``passage_to_query`` the scores of row i's passage with the other
    queries, ``query_to_query`` and ``passage_to_passage`` those within a side. The positive counts once.

    A candidate is masked where it comes from a pair with row i's query or passage (:mod:`models.loss.collisions`), or
    where its cosine is above the positive's by more than ``margin``. ``dims`` (Matryoshka, Kusupati et al. 2022,
    arXiv:2205.13147): the mean of the losses of these prefixes, each normalised anew.

    ``products="bf16"`` makes the gradient's two products in bf16 where the processor multiplies bf16 itself; elsewhere
    they stay in fp32, which is the faster there by 2 (AVX-512) to 9 times (AVX2). Scores stay in fp32: at temperature
    0.01 a score rounded to bf16 is wrong by up to 0.25, its probability by a quarter.
    """

    temperature: float = 0.01
    passage_to_query: bool = False
    query_to_query: bool = False
    passage_to_passage: bool = False
    margin: float | None = None
    dims: Sequence[int] = ()
    products: Literal["fp32", "bf16"] = "fp32"
    block: int | None = None

    @property
    def needs_all_queries(self) -> bool:
        """Whether queries are candidates, so that a rank needs those of all ranks."""
        return self.passage_to_query or self.query_to_query

    def __call__(
        self,
        queries: Tensor,
        passages: Tensor,
        negatives: Tensor | None = None,
        *,
        rows: range | None = None,
        hashes: Hashes | None = None,
        temperature: float | Tensor | None = None,
        threads: int | None = None,
    ) -> Gradients:
        """Loss and gradient of some rows of a batch of B pairs.

        passages [B, d] and negatives [n, d] are those of all ranks; queries [B, d] too, or only the ``rows`` (where
        :attr:`needs_all_queries` is false). All are unit vectors of one floating type. ``rows``, all B by default, are
        the rows that this rank scores: the sum of loss and gradients over ranks is that of the whole batch.
        ``temperature`` stands in for the fixed one where it is learned. ``threads``: so many share the work on a CPU,
        and their number changes no bit; None leaves it to torch, whose threads change some. Raises ValueError where
        the shapes do not fit.
        """
        rows = range(len(passages)) if rows is None else rows
        if len(queries) not in (len(passages), len(rows)):
            raise ValueError(f"{len(queries)} queries for {len(rows)} of {len(passages)} rows")
        if self.needs_all_queries and len(queries) != len(passages):
            raise ValueError("queries are candidates of this loss, so it needs those of all rows")
        tau = self.temperature if temperature is None else temperature
        with torch.no_grad(), nullcontext() if threads is None else lone_threads(threads) as pool:
            collisions = None if hashes is None else Collisions(hashes)

            def score(q: Tensor, p: Tensor, n: Tensor | None) -> Gradients:
                return RowBlocks(self, q, p, n, rows, collisions, tau, pool).gradients()

            if self.dims:
                return self._prefixes(queries, passages, negatives, score)
            return score(queries, passages, negatives)

    def of_arrays(
        self,
        queries: NDArray[Any],
        passages: NDArray[Any],
        negatives: NDArray[Any] | None = None,
        *,
        hashes: Hashes | None = None,
        temperature: float | None = None,
        threads: int | None = None,
    ) -> ArrayGradients:
        """The same of numpy arrays on the CPU; neither the inputs nor the results are copied."""
        got = self(
            torch.from_numpy(queries),
            torch.from_numpy(passages),
            None if negatives is None else torch.from_numpy(negatives),
            hashes=hashes,
            temperature=temperature,
            threads=threads,
        )
        d_negatives = None if got.d_negatives is None else got.d_negatives.numpy()
        return ArrayGradients(
            float(got.loss), got.d_queries.numpy(), got.d_passages.numpy(), d_negatives, float(got.d_log_tau)
        )

    def differentiable(
        self,
        queries: Tensor,
        passages: Tensor,
        negatives: Tensor | None = None,
        *,
        log_tau: Tensor | None = None,
        hashes: Hashes | None = None,
    ) -> Tensor:
        """The loss as a node of autograd's graph, for ordinary training code; the gradient is made at once."""
        return cast(Tensor, _Node.apply(self, queries, passages, negatives, log_tau, hashes))  # type: ignore[no-untyped-call]

    def _prefixes(
        self,
        queries: Tensor,
        passages: Tensor,
        negatives: Tensor | None,
        score: Score,
    ) -> Gradients:
        width, sides = queries.shape[1], [queries, passages, negatives]
        totals = [None if side is None else torch.zeros_like(side) for side in sides]
        loss, d_log_tau = queries.new_zeros(()), queries.new_zeros(())
        for dim in self.dims:
            if not 0 < dim <= width:
                raise ValueError(f"a prefix of {dim} dimensions of vectors that have {width}")
            cut = [None if side is None else _Prefix(side, dim) for side in sides]
            q, p, n = (None if prefix is None else prefix.unit for prefix in cut)
            assert q is not None
            assert p is not None
            got = score(q, p, n)
            loss += got.loss / len(self.dims)
            d_log_tau += got.d_log_tau / len(self.dims)
            for total, prefix, gradient in zip(totals, cut, got[1:4], strict=True):
                if total is not None and prefix is not None and gradient is not None:
                    total[:, :dim].add_(prefix.back(gradient), alpha=1 / len(self.dims))
        d_queries, d_passages, d_negatives = totals
        assert d_queries is not None
        assert d_passages is not None
        return Gradients(loss, d_queries, d_passages, d_negatives, d_log_tau)


class _Prefix:
    """The first ``dim`` components of vectors, at length 1, and the way back for a gradient. All of them stay as is."""

    def __init__(self, vectors: Tensor, dim: int) -> None:
        self.whole = dim == vectors.shape[1]
        cut = vectors[:, :dim]
        self.norm = None if self.whole else cut.norm(dim=1, keepdim=True).clamp_(min=1e-12)
        self.unit = vectors if self.norm is None else cut / self.norm

    def back(self, gradient: Tensor) -> Tensor:
        if self.norm is None:
            return gradient
        along = torch.linalg.vecdot(gradient, self.unit)[:, None]
        back: Tensor = (gradient - along * self.unit) / self.norm
        return back


class _Node(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        loss: InfoNce,
        queries: Tensor,
        passages: Tensor,
        negatives: Tensor | None,
        log_tau: Tensor | None,
        hashes: Hashes | None,
    ) -> Tensor:
        temperature = None if log_tau is None else log_tau.exp()
        got = loss(queries, passages, negatives, hashes=hashes, temperature=temperature)
        ctx.save_for_backward(*got[1:])
        return got.loss

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Any:
        wanted = zip(ctx.needs_input_grad[1:5], ctx.saved_tensors, strict=True)
        return (None, *(gradient * upstream if wants else None for wants, gradient in wanted), None)
