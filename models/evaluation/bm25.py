"""BM25, the baseline that every model is shown beside.

Lucene's variant with k1 0.9 and b 0.4 (Anserini's settings, which BEIR's tables use), by bm25s. A token is a run of
letters, digits and underscores in lower case (``\\w+``); no stemming, no stop words: figures with a stemmer differ by a
point or two. Documents that share no token with a query are not in its result.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import numpy as np

from ccpairs.errors import UserError
from models.evaluation.ranking import best_rows, id_order
from models.evaluation.task import Progress, Run, Task

K1 = 0.9
B = 0.4

words = re.compile(r"\w+").findall


def search(task: Task, depth: int = 100, progress: Progress | None = None) -> Run:
    """The ``depth`` best documents of each query that share a token with it; equal scores stand by document id.

    The tokens of the whole corpus and the index are in memory.
    """
    bm25s = import_bm25s()
    vocabulary: dict[str, int] = {}
    corpus = []
    for text in task.documents():
        tokens = words(text.lower())
        corpus.append(np.fromiter((vocabulary.setdefault(token, len(vocabulary)) for token in tokens), np.int32))
        if progress is not None:
            progress(1)
    if not vocabulary:  # every document is empty; bm25s divides by their mean length
        return {query.id: [] for query in task.queries}
    index = bm25s.BM25(method="lucene", k1=K1, b=B)
    index.index((corpus, vocabulary), create_empty_token=False, show_progress=False)
    order = id_order(task.document_ids)
    run: Run = {}
    for query in task.queries:
        known = [vocabulary[token] for token in words(query.text.lower()) if token in vocabulary]
        scores = index.get_scores_from_ids(known)
        if query.id in task.itself:
            scores[task.itself[query.id]] = 0
        rows = best_rows(scores, order, depth)
        run[query.id] = [(task.document_ids[row], float(scores[row])) for row in rows if scores[row] > 0]
    return run


def import_bm25s() -> Any:
    try:
        import bm25s
    except ImportError:
        raise UserError("BM25 needs bm25s; pip install 'ccpairs[cpu]' brings it") from None
    logging.getLogger("bm25s").setLevel(logging.WARNING)  # importing it turns its debug lines on
    return bm25s
