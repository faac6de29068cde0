"""Who is near to a query among other queries of a pool: by a model's vectors, or by words where no model judges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.bm25 import K1, B, import_bm25s, words
from pipelines.judge.decoys import Neighbours, Rows

LOOKED_AT = 64
"""Neighbours that are found: those that may not be used are among them."""
ASKED_AT_ONCE, ANSWERING_AT_ONCE = 512, 32_768


def by_vectors(vectors_of: Sequence[Any], place: Rows) -> Neighbours:
    """Neighbours by the dot product of the queries' vectors, those of each fold's model in the pool's order."""

    def neighbours(fold: int, asking: Rows, group: Rows) -> Iterator[Rows]:
        vectors = vectors_of[fold]
        for start in range(0, len(asking), ASKED_AT_ONCE):
            ours = vectors[place[asking[start : start + ASKED_AT_ONCE]]]
            for mine, likely in zip(ours, _likely(ours, vectors, place[group]), strict=True):
                # Summed up one by one: a product of matrices may round otherwise with other threads.
                exact = (vectors[place[group[likely]]].astype(np.float64) * mine).sum(axis=1)
                yield group[likely[np.argsort(-exact, kind="stable")]]

    return neighbours


def _likely(ours: Any, vectors: Any, theirs: Rows) -> list[Rows]:
    """Of each row of ``ours``, the positions in ``theirs`` of its nearest ones, ascending."""
    scores = np.empty((len(ours), 0), np.float32)
    positions = np.empty((len(ours), 0), np.int64)
    for start in range(0, len(theirs), ANSWERING_AT_ONCE):
        part = theirs[start : start + ANSWERING_AT_ONCE]
        scores = np.hstack([scores, ours @ vectors[part].T])
        positions = np.hstack([positions, np.broadcast_to(start + np.arange(len(part)), (len(ours), len(part)))])
        count = min(LOOKED_AT, scores.shape[1])
        best = np.argpartition(scores, scores.shape[1] - count, axis=1)[:, scores.shape[1] - count :]
        scores, positions = np.take_along_axis(scores, best, 1), np.take_along_axis(positions, best, 1)
    return list(np.sort(positions, axis=1))


def by_words(queries: Sequence[str]) -> Neighbours:
    """Neighbours by BM25, the queries of the others being the documents; ``queries`` in the order of the rows."""

    def neighbours(_: int, asking: Rows, group: Rows) -> Iterator[Rows]:
        vocabulary: dict[str, int] = {}
        corpus = [
            np.fromiter(
                (vocabulary.setdefault(word, len(vocabulary)) for word in words(queries[row].lower())), np.int32
            )
            for row in group.tolist()
        ]
        if not vocabulary:
            yield from (group[:0] for _ in asking)
            return
        index = import_bm25s().BM25(method="lucene", k1=K1, b=B)
        index.index((corpus, vocabulary), create_empty_token=False, show_progress=False)
        for row in asking.tolist():
            scores = index.get_scores_from_ids([vocabulary[word] for word in words(queries[row].lower())])
            likely = _best(scores)
            yield group[likely[scores[likely] > 0]]

    return neighbours


def _best(scores: NDArray[np.float32]) -> Rows:
    """Positions of the highest scores, the highest first, equal ones in order."""
    count = min(LOOKED_AT, len(scores))
    cut = np.partition(scores, len(scores) - count)[len(scores) - count]
    likely = np.flatnonzero(scores >= cut)
    return likely[np.argsort(-scores[likely], kind="stable")][:count]
