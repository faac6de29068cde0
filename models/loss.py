"""InfoNCE over a whole batch without ever holding batch x batch: the one loss of every encoder that is trained here.

Rows of queries are scored a block at a time, and the gradient follows in closed form in the same pass, so memory is
block x batch and nothing is kept for a backward pass. The scale, 1/B with B the number of pairs of *all* ranks, is in
the loss: sums over ranks, never means, give the gradient that one process would have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BLOCK_FLOATS = {"cpu": 1 << 23, "cuda": 1 << 28}
"""Scores held at a time where no ``block`` is given: 32 MiB fit the caches of a CPU more or less, 1 GiB a GPU."""


class Gradients(NamedTuple):
    """The loss, its gradient, each of the shape of what it belongs to, and the derivative by log(temperature)."""

    loss: Tensor
    d_queries: Tensor
    d_passages: Tensor
    d_negatives: Tensor | None
    d_log_tau: Tensor


class ArrayGradients(NamedTuple):
    """:class:`Gradients` in numpy's terms."""

    loss: float
    d_queries: NDArray[Any]
    d_passages: NDArray[Any]
    d_negatives: NDArray[Any] | None
    d_log_tau: float


class Hashes(NamedTuple):
    """64-bit hashes of the texts of *all* pairs of the batch, int64 [B] (and [n] of the hard negatives)."""

    queries: Tensor
    passages: Tensor
    negatives: Tensor | None = None

    @classmethod
    def of_arrays(
        cls,
        queries: NDArray[np.uint64],
        passages: NDArray[np.uint64],
        negatives: NDArray[np.uint64] | None = None,
        device: torch.device | str = "cpu",
    ) -> Hashes:
        def tensor(values: NDArray[np.uint64]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(values).view(np.int64)).to(device)

        return cls(tensor(queries), tensor(passages), None if negatives is None else tensor(negatives))


@dataclass(frozen=True)
class InfoNce:
    """L = (1/B) sum_i (log Z_i - s_ii), s_ij = q_i . p_j / temperature, Z_i the sum of exp over row i's candidates.

    The candidates are the passages of the batch and the hard negatives. The flags add, to the same Z_i, those of GTE
    (Li et al. 2023, arXiv:2308.03281, eq. 2-3): ``passage_to_query`` the scores of row i's passage with the other
    queries, ``query_to_query`` and ``passage_to_passage`` those within a side. The positive counts once.

    A candidate is masked where it comes from a pair with row i's query or passage (:class:`Hashes`), or where its
    cosine is above the positive's by more than ``margin``. ``dims`` (Matryoshka, Kusupati et al. 2022,
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
    ) -> Gradients:
        """Loss and gradient of some rows of a batch of B pairs.

        passages [B, d] and negatives [n, d] are those of all ranks; queries [B, d] too, or only the ``rows`` (where
        :attr:`needs_all_queries` is false). All are unit vectors of one floating type. ``rows``, all B by default, are
        the rows that this rank scores: the sum of loss and gradients over ranks is that of the whole batch.
        ``temperature`` stands in for the fixed one where it is learned. Raises ValueError where the shapes do not fit.
        """
        rows = range(len(passages)) if rows is None else rows
        if len(queries) not in (len(passages), len(rows)):
            raise ValueError(f"{len(queries)} queries for {len(rows)} of {len(passages)} rows")
        if self.needs_all_queries and len(queries) != len(passages):
            raise ValueError("queries are candidates of this loss, so it needs those of all rows")
        tau = self.temperature if temperature is None else temperature
        with torch.no_grad():
            collisions = None if hashes is None else _Collisions(hashes)
            if not self.dims:
                return self._score(queries, passages, negatives, rows, collisions, tau)
            return self._prefixes(queries, passages, negatives, rows, collisions, tau)

    def of_arrays(
        self,
        queries: NDArray[Any],
        passages: NDArray[Any],
        negatives: NDArray[Any] | None = None,
        *,
        hashes: Hashes | None = None,
        temperature: float | None = None,
    ) -> ArrayGradients:
        """The same of numpy arrays on the CPU; neither the inputs nor the results are copied."""
        got = self(
            torch.from_numpy(queries),
            torch.from_numpy(passages),
            None if negatives is None else torch.from_numpy(negatives),
            hashes=hashes,
            temperature=temperature,
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
        rows: range,
        collisions: _Collisions | None,
        tau: float | Tensor,
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
            got = self._score(q, p, n, rows, collisions, tau)
            loss += got.loss / len(self.dims)
            d_log_tau += got.d_log_tau / len(self.dims)
            for total, prefix, gradient in zip(totals, cut, got[1:4], strict=True):
                if total is not None and prefix is not None and gradient is not None:
                    total[:, :dim].add_(prefix.back(gradient), alpha=1 / len(self.dims))
        d_queries, d_passages, d_negatives = totals
        assert d_queries is not None
        assert d_passages is not None
        return Gradients(loss, d_queries, d_passages, d_negatives, d_log_tau)

    def _score(
        self,
        queries: Tensor,
        passages: Tensor,
        negatives: Tensor | None,
        rows: range,
        collisions: _Collisions | None,
        tau: float | Tensor,
    ) -> Gradients:
        batch, device = len(passages), queries.device
        d_queries, d_passages = torch.zeros_like(queries), torch.zeros_like(passages)
        d_negatives = None if negatives is None else torch.zeros_like(negatives)
        # (is the left side the query?, candidates, their gradient); the first holds the positives on its diagonal
        terms = [(True, passages, d_passages)]
        if self.passage_to_query:
            terms.append((False, queries, d_queries))
        if self.query_to_query:
            terms.append((True, queries, d_queries))
        if self.passage_to_passage:
            terms.append((False, passages, d_passages))
        if negatives is not None and d_negatives is not None:
            terms.append((True, negatives, d_negatives))
        in_batch = len(terms) - (negatives is not None)
        columns = sum(len(right) for _, right, _ in terms)
        low = torch.bfloat16 if self.products == "bf16" and multiplies_bf16(device.type) else queries.dtype
        lowered = {id(right): right.to(low) for _, right, _ in terms}

        block = self.block or max(16, min(2048, BLOCK_FLOATS.get(device.type, 1 << 23) // max(1, columns)))
        scores = queries.new_empty(min(block, len(rows)), columns)
        loss, d_log_tau = queries.new_zeros(()), queries.new_zeros(())
        shift = rows.start if len(queries) != batch else 0  # where only the rows' queries were given
        for begin in range(rows.start, rows.stop, block):
            end = min(begin + block, rows.stop)
            here, at = scores[: end - begin], torch.arange(begin, end, device=device)
            line = at - begin
            q, p = queries[begin - shift : end - shift], passages[begin:end]
            scaled_q, scaled_p = q / tau, p / tau
            parts, spans, column = [], [], 0
            for of_query, right, _ in terms:
                spans.append(column)
                parts.append(here[:, column : column + len(right)])
                torch.mm(scaled_q if of_query else scaled_p, right.T, out=parts[-1])
                column += len(right)

            positive = parts[0][line, at]
            if self.margin is not None:
                here.masked_fill_(here > (positive + self.margin / tau)[:, None], -torch.inf)
            for part in parts[:in_batch]:
                part[line, at] = -torch.inf
            if collisions is not None:
                collisions.mask(begin, end, parts[:in_batch], parts[in_batch] if negatives is not None else None)

            top = torch.maximum(here.amax(1), positive)
            here.sub_(top[:, None]).exp_()
            others = here.sum(1)
            total = others + (positive - top).exp_()
            loss += torch.nn.functional.softplus(top + others.log() - positive).sum()
            parts[0][line, at] = -others  # total * (p_ii - 1), without the cancellation
            weight = 1 / (total * batch * tau)

            weighted_q, weighted_p = (q * weight[:, None]).to(low), (p * weight[:, None]).to(low)
            for (of_query, right, d_right), part in zip(terms, parts, strict=True):
                part = part.to(low)
                d_left = (part @ lowered[id(right)]).to(q.dtype).mul_(weight[:, None])
                d_log_tau -= torch.linalg.vecdot(d_left, q if of_query else p).sum()
                (d_queries[begin - shift : end - shift] if of_query else d_passages[begin:end]).add_(d_left)
                weighted = weighted_q if of_query else weighted_p
                if low == q.dtype:
                    d_right.addmm_(part.T, weighted)
                else:
                    d_right += part.T @ weighted
        return Gradients(loss / batch, d_queries, d_passages, d_negatives, d_log_tau)


@cache
def multiplies_bf16(kind: str) -> bool:
    """Whether a device has instructions for products in bf16."""
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return kind != "cpu" or bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


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


class _Collisions:
    """Which pairs of the batch share a query or a passage, so that neither is a negative of the other.

    Most rows share nothing: only those that do are compared with all columns.
    """

    def __init__(self, hashes: Hashes) -> None:
        self.hashes = hashes
        self.shared = _repeated(hashes.queries) | _repeated(hashes.passages)
        if hashes.negatives is not None:
            self.shared |= torch.isin(hashes.passages, hashes.negatives)
        self.rows = self.shared.nonzero()[:, 0].cpu()  # once a step, so that blocks without any cost nothing

    def mask(self, begin: int, end: int, parts: list[Tensor], negatives: Tensor | None) -> None:
        first, last = torch.searchsorted(self.rows, torch.tensor([begin, end])).tolist()
        if first == last:
            return
        queries, passages, hard = self.hashes
        rows = self.rows[first:last].to(queries.device)
        same = (queries[rows, None] == queries) | (passages[rows, None] == passages)
        for part in parts:
            part[rows - begin] = part[rows - begin].masked_fill_(same, -torch.inf)
        if negatives is not None and hard is not None:
            same = passages[rows, None] == hard
            negatives[rows - begin] = negatives[rows - begin].masked_fill_(same, -torch.inf)


def _repeated(values: Tensor) -> Tensor:
    """Whether each value stands more than once, bool [n]."""
    ordered, order = values.sort()
    twin = ordered[1:] == ordered[:-1]
    repeated = torch.zeros_like(values, dtype=torch.bool)
    repeated[order[1:]] = twin
    repeated[order[:-1]] |= twin
    return repeated


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
