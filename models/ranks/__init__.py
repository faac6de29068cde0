"""Exact ranks of pairs among the members of a pool: by a model's vectors (:func:`open_ranker`), and by BM25."""

from models.ranks.opening import open_ranker
from models.ranks.questions import Golds, Ranker, RankPool, Statistics

__all__ = ["Golds", "RankPool", "Ranker", "Statistics", "open_ranker"]
