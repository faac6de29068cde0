"""Metrics of a run by ir-measures, which asks trec_eval's own code.

nDCG@10 is trec_eval's: gain is the relevance, discount log2(rank + 1), as in BEIR's tables. Recall@100 and MRR@10 take
a relevance of 1 and more as relevant. Means are over the judged queries; one without results, or without a relevant
document, counts 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ccpairs.errors import UserError
from models.evaluation.task import Run

METRICS = {"nDCG@10": "nDCG@10", "recall@100": "R@100", "MRR@10": "RR@10"}
"""Name in our tables -> name in ir-measures."""


@dataclass(frozen=True)
class Scores:
    """``mean``: metric -> mean over the queries. ``by_query``: query id -> metric -> value. All from 0 to 1."""

    mean: dict[str, float]
    by_query: dict[str, dict[str, float]]


def score(qrels: Mapping[str, Mapping[str, int]], run: Run) -> Scores:
    """Scores of a run, whose order counts and whose scores do not; queries without judgements are left out.

    A relevance below 0 counts as 0.
    """
    ir_measures = import_ir_measures()
    measures = {ir_measures.parse_measure(theirs): ours for ours, theirs in METRICS.items()}
    judged = {query: {doc: max(0, relevance) for doc, relevance in docs.items()} for query, docs in qrels.items()}
    # The libraries break ties between scores each in their own way; places have none.
    places = {
        query: {document: float(len(found) - place) for place, (document, _) in enumerate(found)}
        for query, found in run.items()
        if query in judged
    }
    by_query: dict[str, dict[str, float]] = {query: dict.fromkeys(METRICS, 0.0) for query in judged}
    for value in ir_measures.iter_calc(list(measures), judged, places):
        by_query[value.query_id][measures[value.measure]] = float(value.value)
    mean = {name: sum(values[name] for values in by_query.values()) / len(by_query) for name in METRICS}
    return Scores(mean, by_query)


def import_ir_measures() -> Any:
    try:
        import ir_measures
    except ImportError:
        raise UserError("metrics need ir-measures; pip install 'ccpairs[cpu]' brings it") from None
    return ir_measures
