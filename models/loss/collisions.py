"""Texts that stand several times in a batch: what shares a text is no negative of each other.

A hard negative is none for a row whose query has it as a positive, in that row or in another one of the batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


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


class Collisions:
    """Which pairs of the batch share a query or a passage, so that neither is a negative of the other.

    Most rows share nothing: only those that do are compared with all columns.
    """

    def __init__(self, hashes: Hashes) -> None:
        self.hashes = hashes
        shared = _repeated(hashes.queries) | _repeated(hashes.passages)
        if hashes.negatives is not None:
            shared |= torch.isin(hashes.passages, hashes.negatives)
            distinct, self.passage_numbers = torch.unique(hashes.passages, return_inverse=True)
            places = torch.searchsorted(distinct, hashes.negatives).clamp_(max=len(distinct) - 1)
            # Of each negative the number of the passage that it is, or else one more than there are.
            self.negative_numbers = torch.where(distinct[places] == hashes.negatives, places, len(distinct))
            self.distinct = len(distinct)
        self.rows = shared.nonzero()[:, 0].cpu()  # once a step, so that blocks without any cost nothing

    def mask(self, begin: int, end: int, parts: list[Tensor], negatives: Tensor | None) -> None:
        """Set the scores of rows ``begin`` to ``end`` to -inf where they collide.

        ``parts``: of each set of candidates of the batch itself, [end - begin, B]; ``negatives`` [end - begin, n].
        """
        first, last = torch.searchsorted(self.rows, torch.tensor([begin, end])).tolist()
        if first == last:
            return
        queries, passages, hard = self.hashes
        rows = self.rows[first:last].to(queries.device)
        same = (queries[rows, None] == queries) | (passages[rows, None] == passages)
        for part in parts:
            part[rows - begin] = part[rows - begin].masked_fill_(same, -torch.inf)
        if negatives is not None and hard is not None:
            positives = same.new_zeros(len(rows), self.distinct + 1, dtype=torch.float32)
            positives.index_add_(1, self.passage_numbers, same.to(torch.float32))
            is_positive = positives[:, self.negative_numbers] > 0
            negatives[rows - begin] = negatives[rows - begin].masked_fill_(is_positive, -torch.inf)


def leaves_no_candidate(hashes: Hashes) -> bool:
    """Whether every candidate of every row collides: all rows share one query, or all one passage.

    Rows that collide in pairs share one text all together: of three that do so in different ones, two would be equal.
    """
    queries, passages, negatives = hashes
    if not (bool((queries == queries[0]).all()) or bool((passages == passages[0]).all())):
        return False
    return negatives is None or bool(torch.isin(negatives, passages).all())


def _repeated(values: Tensor) -> Tensor:
    """Whether each value stands more than once, bool [n]."""
    ordered, order = values.sort()
    twin = ordered[1:] == ordered[:-1]
    repeated = torch.zeros_like(values, dtype=torch.bool)
    repeated[order[1:]] = twin
    repeated[order[:-1]] |= twin
    return repeated
