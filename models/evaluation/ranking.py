"""The best documents of many, with ties decided: by score, then by document id.

Libraries break ties each in their own way (trec_eval by descending id, FAISS and BM25 by the order of the corpus), so
the same scores give other figures. Here equal scores stand in the order of the ids as strings, whatever the order of
the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def id_order(ids: Sequence[str]) -> NDArray[np.int64]:
    """int64 [n]: the place of each id among the sorted ids."""
    order = np.empty(len(ids), np.int64)
    order[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    return order


def best_rows(scores: NDArray[np.float32], order: NDArray[np.int64], depth: int) -> NDArray[np.int64]:
    """Rows of the ``depth`` best of ``scores`` [n], best first; of equal ones those first in ``order`` [n]."""
    rows = np.arange(len(scores))
    if len(scores) > depth:
        rows = np.flatnonzero(scores >= np.partition(scores, len(scores) - depth)[len(scores) - depth])
    return rows[np.lexsort((order[rows], -scores[rows]))][:depth]


class BestSoFar:
    """The ``depth`` best rows of each query over the slices of a corpus; memory does not grow with the corpus."""

    def __init__(self, queries: int, depth: int, order: NDArray[np.int64]) -> None:
        self.depth = depth
        self.order = np.append(order, np.iinfo(np.int64).max)  # of row -1, which stands for none
        self.scores = np.empty((queries, 0), np.float32)
        self.rows = np.empty((queries, 0), np.int64)

    def add(self, scores: NDArray[np.float32], rows: NDArray[np.int64]) -> None:
        """Take in the best of a slice: both [queries, m]; a row -1 is none."""
        scores = np.hstack([self.scores, np.where(rows < 0, -np.inf, scores).astype(np.float32)])
        rows = np.hstack([self.rows, rows])
        best = np.lexsort((self.order[rows], -scores), axis=-1)[:, : self.depth]
        self.scores, self.rows = np.take_along_axis(scores, best, 1), np.take_along_axis(rows, best, 1)
