"""Exact ranks of pairs among the members of a pool: by a model's vectors (:func:`open_ranker`), and by BM25."""

from models.ranks.opening import open_ranker
from models.ranks.questions import Golds, Keys, Ranker, RankPool, Statistics, keys_of

__all__ = ["Golds", "Keys", "RankPool", "Ranker", "Statistics", "keys_of", "open_ranker"]
