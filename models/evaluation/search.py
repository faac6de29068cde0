"""Exact search by dot product with FAISS, on the graphics cards where this FAISS sees any.

The corpus passes in slices: a slice is encoded, searched by all queries, and forgotten, so memory holds one slice and
the best documents of each query, however large the corpus is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models.encoder_pool import EncoderPool
from models.encoders import Encoder, Role
from models.evaluation.ranking import BestSoFar, id_order
from models.evaluation.task import Progress, Run, Task

SLICE = 65_536
"""Documents in the index at a time: 100 MB of vectors of 384 dimensions."""
AT_A_TIME = 2_048
"""Texts that an encoder is handed at once, so that progress can be shown; so many for each process of a pool."""
QUERIES = 1_024
"""Queries that FAISS is asked at once."""
WIDEST = 2_048
"""Results for one query; FAISS gives no more on a graphics card."""


def search(
    encoder: Encoder, task: Task, depth: int = 100, progress: Progress | None = None, slice_size: int = SLICE
) -> Run:
    """The ``depth`` documents of the highest dot product for each query of the task.

    Equal scores stand by document id; only where more than 2,048 documents of a slice share the score at the cut does
    FAISS choose among them. Raises ``UserError`` where the encoder gives vectors that are not finite.
    """
    wanted = depth + bool(task.itself)
    order = id_order(task.document_ids)
    queries = encode(encoder, [query.text for query in task.queries], "query")
    blocks = [queries[at : at + QUERIES] for at in range(0, len(queries), QUERIES)]
    found = [BestSoFar(len(block), wanted, order) for block in blocks]
    index = flat_index(encoder.dimension)
    texts, first = task.documents(), 0
    while part := list(islice(texts, slice_size)):
        index.add(encode(encoder, part, "passage", progress))
        for block, best in zip(blocks, found, strict=True):
            scores, rows = nearest(index, block, wanted)
            best.add(scores, np.where(rows < 0, rows, rows + first))
        first += len(part)
        index.reset()
    scores_of, rows_of = (
        chain.from_iterable(best.scores for best in found),
        chain.from_iterable(best.rows for best in found),
    )
    return {
        query.id: list(_named(task, query.id, scores, rows))[:depth]
        for query, scores, rows in zip(task.queries, scores_of, rows_of, strict=True)
    }


def _named(task: Task, query: str, scores: NDArray[np.float32], rows: NDArray[np.int64]) -> Iterator[tuple[str, float]]:
    itself = task.itself.get(query)
    for score, row in zip(scores.tolist(), rows.tolist(), strict=True):
        if row >= 0 and row != itself:
            yield task.document_ids[row], score


def encode(encoder: Encoder, texts: Sequence[str], role: Role, progress: Progress | None = None) -> NDArray[np.float32]:
    """Vectors float32 [n, dimension]; raises ``UserError`` where one is not finite."""
    vectors = np.empty((len(texts), encoder.dimension), np.float32)
    at_a_time = AT_A_TIME * (encoder.processes if isinstance(encoder, EncoderPool) else 1)
    for at in range(0, len(texts), at_a_time):
        part = texts[at : at + at_a_time]
        vectors[at : at + len(part)] = encoder.encode(part, role)
        if progress is not None:
            progress(len(part))
    if not np.isfinite(vectors).all():
        broken = int((~np.isfinite(vectors).all(axis=1)).sum())
        raise UserError(
            f"the model gives vectors that are not finite for {broken:,} of {len(texts):,} texts; "
            "its training diverged or its files are damaged"
        )
    return vectors


def flat_index(dimension: int) -> Any:
    """An empty exact FAISS index by inner product, spread over the graphics cards where there are any."""
    faiss = import_faiss()
    index = faiss.IndexFlatIP(dimension)
    if getattr(faiss, "get_num_gpus", lambda: 0)():
        options = faiss.GpuMultipleClonerOptions()
        options.shard = True
        return faiss.index_cpu_to_all_gpus(index, options)
    return index


def import_faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise UserError("searching needs FAISS; pip install 'ccpairs[cpu]' (or 'ccpairs[gpu]') brings it") from None
    return faiss


def nearest(index: Any, queries: NDArray[np.float32], depth: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Scores and rows [queries, at least min(depth, rows)] of the nearest rows, with those that tie at the cut."""
    most = min(max(WIDEST, depth), index.ntotal)
    wide = min(depth + 1, most)
    scores, rows = index.search(queries, wide)
    if wide < most and (scores[:, depth - 1] == scores[:, -1]).any():
        scores, rows = index.search(queries, most)
    return scores, rows
