"""The consistency filter: keep a pair when each side finds the other among the first k of a pool.

E5 (Wang et al. 2022, section 3.1) keeps a pair when its passage is in the top k of the passages of a pool, k = 2 by
hand. Here the query must be found by its passage, too (``mutual``); ``query-to-passage`` is the paper literally.

A decision is made of ranks and of nothing else, so that another k, direction or judge needs no model again. For each
pair there is a smallest k that keeps it; the rule compares it with its own, and decoys are counted by it
(:mod:`filters.false_keep`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError

Direction = Literal["mutual", "query-to-passage"]
Judge = Literal["model", "bm25", "either", "both"]

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
JUDGES: tuple[Judge, ...] = get_args(Judge)

PASSAGE_RANK_ABOVE_K = "passage_rank_above_k"
QUERY_RANK_ABOVE_K = "query_rank_above_k"
LOW_SIMILARITY = "low_similarity"
REASONS = (PASSAGE_RANK_ABOVE_K, QUERY_RANK_ABOVE_K, LOW_SIMILARITY)
"""In the order in which a rule looks: the first that holds is a dropped pair's reason."""

NEVER = np.int32(np.iinfo(np.int32).max)
"""The smallest k of a pair that no k keeps."""

HIGH_LEAKAGE = 1e-4
"""Share of random pairs that a direction lets pass, above which a pool is too small for its k."""


class Ranks(NamedTuple):
    """The ranks that one judge gave to n pairs, int32 [n] each, from 1.

    0 stands for none (null in the shards): the query side is not asked where the passage was beaten more often than is
    counted. In a direction that counts, no rank is a rank above every k.
    """

    passage: NDArray[np.int32]
    query: NDArray[np.int32]


class Judged(NamedTuple):
    """What is known of n pairs; None where that judge did not judge. ``similarity`` is the model's, float32 [n]."""

    model: Ranks | None = None
    bm25: Ranks | None = None
    similarity: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Decision:
    """What a rule made of n pairs. ``codes``, uint8 [n]: 0 for a kept one, else 1 + its reason's place in REASONS."""

    codes: NDArray[np.uint8]

    @property
    def keep(self) -> NDArray[np.bool_]:
        return np.equal(self.codes, 0)

    def reason(self, row: int) -> str | None:
        """Why a pair is dropped; None where it is kept."""
        if self.codes[row] == 1:
            return PASSAGE_RANK_ABOVE_K
        if self.codes[row] == 2:
            return QUERY_RANK_ABOVE_K
        return LOW_SIMILARITY if self.codes[row] else None

    def dropped(self) -> Mapping[str, int]:
        """How many pairs each reason dropped, of the reasons that dropped any."""
        counts = np.bincount(self.codes, minlength=len(REASONS) + 1)[1:].tolist()
        return {reason: count for reason, count in zip(REASONS, counts, strict=True) if count}


@dataclass(frozen=True)
class Consistency:
    """Keep pairs whose ranks are at most ``k``; ``min_similarity`` is a floor besides, none by default.

    ``judge``: whose ranks. *either* keeps what the model or BM25 alone would keep, *both* what each of them would.
    ``max_rank``: up to where the ranks are exact. Raises ``UserError`` where k is not from 1 to ``max_rank``, or a
    word is none of the above.
    """

    k: int = 2
    direction: Direction = "mutual"
    judge: Judge = "model"
    min_similarity: float | None = None
    max_rank: int = 20

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise UserError(f"direction {self.direction!r} is none of {', '.join(DIRECTIONS)}")
        if self.judge not in JUDGES:
            raise UserError(f"judge {self.judge!r} is none of {', '.join(JUDGES)}")
        if self.k < 1:
            raise UserError(f"k = {self.k} keeps nothing; choose 1 or more")
        if self.k > self.max_rank:
            raise UserError(
                f"k = {self.k}, but ranks are exact up to {self.max_rank} only; choose a smaller k, or judge with "
                f"--max-rank {self.k}"
            )
        if self.min_similarity is not None and not -1 <= self.min_similarity <= 1:
            raise UserError(f"a similarity is from -1 to 1, so {self.min_similarity:g} is no floor")

    @property
    def judges(self) -> tuple[Judge, ...]:
        """The judges whose ranks the rule reads: the model, BM25, or the two."""
        return ("model", "bm25") if self.judge in ("either", "both") else (self.judge,)

    def decide(self, judged: Judged) -> Decision:
        """Which pairs are kept, and why the others are not.

        Raises ``UserError`` where the rule asks for what was not judged.
        """
        passage, both, similar = self._needed(judged)
        above = [passage > self.k, both > self.k, ~similar]
        return Decision(np.select(above, [1, 2, 3], 0).astype(np.uint8))

    def smallest_k(self, judged: Judged) -> NDArray[np.int32]:
        """The smallest k that keeps each pair, int32 [n]; NEVER where none up to ``max_rank`` does.

        Raises ``UserError`` as :meth:`decide` does.
        """
        _, both, similar = self._needed(judged)
        return np.where(similar & (both <= self.max_rank), both, NEVER)

    def _needed(self, judged: Judged) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
        """The k that the passage side needs and that both sides need, and whether the similarity is enough."""
        found = [_of_judge(getattr(judged, judge), judge, self) for judge in self.judges]
        merge = np.minimum if self.judge == "either" else np.maximum
        passage, both = (merge.reduce(sides) for sides in zip(*found, strict=True))
        if self.min_similarity is None:
            return passage, both, np.ones(len(passage), bool)
        if judged.similarity is None:
            raise UserError("a similarity floor needs pairs that a model has judged; judge with --judge model")
        return passage, both, judged.similarity >= np.float32(self.min_similarity)


def leakage(k: int, pool_size: int) -> float:
    """About the share of random pairs that a direction lets pass; more than 1 in 10,000 (HIGH_LEAKAGE) is lax."""
    return min(1.0, k / pool_size) if pool_size else 1.0


def _of_judge(ranks: Ranks | None, judge: str, rule: Consistency) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The k that the passage side needs and that both sides need."""
    if ranks is None:
        raise UserError(f"these pairs have no ranks by {judge}; judge the candidates with --judge {rule.judge}")
    passage = np.where(ranks.passage == 0, NEVER, ranks.passage)
    if rule.direction == "query-to-passage":
        return passage, passage
    if np.any((ranks.query == 0) & (passage <= rule.max_rank)):
        raise UserError(
            f"these pairs have ranks by {judge} in one direction only; judge the candidates with --direction mutual, "
            "or decide with --direction query-to-passage"
        )
    return passage, np.maximum(passage, np.where(ranks.query == 0, NEVER, ranks.query))
