from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.errors import UserError
from filters.consistency import NEVER, Consistency, Judge, Judged, Ranks, leakage


def ranks(passage: Sequence[int], query: Sequence[int]) -> Ranks:
    return Ranks(np.array(passage, np.int32), np.array(query, np.int32))


def similarities(*values: float) -> Any:
    return np.array(values, np.float32)


def reasons(rule: Consistency, judged: Judged) -> list[str | None]:
    decision = rule.decide(judged)
    return [decision.reason(row) for row in range(len(decision.codes))]


def test_by_default_both_ranks_must_be_at_most_2() -> None:
    judged = Judged(ranks([1, 2, 3, 2, 3, 21], [1, 2, 2, 3, 3, 0]))
    decision = Consistency().decide(judged)
    assert decision.keep.tolist() == [True, True, False, False, False, False]


@pytest.mark.parametrize(
    ("passage", "query", "reason"),
    [
        (2, 2, None),
        (3, 2, "passage_rank_above_k"),
        (2, 3, "query_rank_above_k"),
        (3, 3, "passage_rank_above_k"),
        (21, 0, "passage_rank_above_k"),
        (0, 0, "passage_rank_above_k"),
    ],
)
def test_the_first_rank_that_is_too_high_is_the_reason(passage: int, query: int, reason: str | None) -> None:
    assert reasons(Consistency(k=2), Judged(ranks([passage], [query]))) == [reason]


def test_the_papers_reading_asks_for_the_passage_alone() -> None:
    judged = Judged(ranks([2, 3, 1], [21, 1, 0]))
    assert Consistency(direction="query-to-passage").decide(judged).keep.tolist() == [True, False, True]


def test_similarity_is_a_floor_besides() -> None:
    judged = Judged(ranks([1, 1, 9], [1, 1, 9]), similarity=similarities(0.5, 0.499, 0.499))
    assert reasons(Consistency(min_similarity=0.5), judged) == [None, "low_similarity", "passage_rank_above_k"]


def test_a_similarity_that_is_not_known_is_below_every_floor() -> None:
    judged = Judged(ranks([1], [1]), similarity=similarities(np.nan))
    assert reasons(Consistency(min_similarity=-1), judged) == ["low_similarity"]


JUDGED = Judged(
    model=ranks([1, 1, 9, 9, 1, 9], [1, 9, 1, 9, 9, 1]),
    bm25=ranks([1, 1, 1, 9, 9, 1], [9, 1, 1, 9, 1, 9]),
)
P, Q = "passage_rank_above_k", "query_rank_above_k"


@pytest.mark.parametrize(
    ("judge", "expected"),
    [
        ("model", [None, Q, P, P, Q, P]),
        ("bm25", [Q, None, None, P, P, Q]),
        ("either", [None, None, None, P, Q, Q]),
        ("both", [Q, Q, P, P, P, P]),
    ],
)
def test_whose_ranks_count(judge: Judge, expected: list[str | None]) -> None:
    assert reasons(Consistency(judge=judge), JUDGED) == expected


def test_either_judge_must_keep_a_pair_by_itself() -> None:
    """One judge's passage rank and the other's query rank do not make a kept pair."""
    judged = Judged(model=ranks([1], [5]), bm25=ranks([5], [1]))
    assert Consistency(judge="either").smallest_k(judged).tolist() == [5]


def test_reasons_are_counted() -> None:
    assert Consistency().decide(JUDGED).dropped() == {P: 3, Q: 2}
    assert Consistency().decide(Judged(ranks([1], [1]))).dropped() == {}


def test_the_smallest_k_of_a_pair() -> None:
    judged = Judged(ranks([1, 2, 20, 21, 3, 0], [1, 7, 20, 0, 21, 0]))
    assert Consistency().smallest_k(judged).tolist() == [1, 7, 20, NEVER, NEVER, NEVER]


def test_no_k_keeps_a_pair_below_the_floor() -> None:
    judged = Judged(ranks([1, 1], [1, 1]), similarity=similarities(0.1, 0.9))
    assert Consistency(min_similarity=0.5).smallest_k(judged).tolist() == [NEVER, 1]


RANK = st.integers(1, 21)


@given(
    st.lists(st.tuples(RANK, RANK, RANK, RANK, st.floats(-1, 1, width=32)), max_size=8),
    st.sampled_from(["model", "bm25", "either", "both"]),
    st.sampled_from(["mutual", "query-to-passage"]),
    st.sampled_from([None, 0.25]),
)
def test_a_rule_keeps_what_needs_no_more_than_its_k(
    rows: list[tuple[int, int, int, int, float]], judge: Any, direction: Any, floor: float | None
) -> None:
    columns = np.array(rows, np.float32).reshape(-1, 5).T
    one, two, three, four = columns[:4].astype(np.int32)
    judged = Judged(Ranks(one, two), Ranks(three, four), columns[4])
    rule = Consistency(judge=judge, direction=direction, min_similarity=floor)
    smallest = rule.smallest_k(judged)
    for k in (1, 2, 20):
        decision = replace(rule, k=k).decide(judged)
        assert decision.keep.tolist() == (smallest <= k).tolist()
        assert sum(decision.dropped().values()) + decision.keep.sum() == len(rows)


def test_no_pairs_are_no_trouble() -> None:
    rule = Consistency()
    assert rule.decide(Judged(ranks([], []))).keep.tolist() == []
    assert rule.smallest_k(Judged(ranks([], []))).tolist() == []


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"k": 0}, "k = 0 keeps nothing; choose 1 or more"),
        ({"k": 21}, "exact up to 20 only; choose a smaller k, or judge with --max-rank 21"),
        ({"direction": "both"}, "direction 'both' is none of mutual, query-to-passage"),
        ({"judge": "me"}, "judge 'me' is none of model, bm25, either, both"),
        ({"min_similarity": 80}, "a similarity is from -1 to 1, so 80 is no floor"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        Consistency(**values)


def test_k_may_be_as_large_as_ranks_are_exact() -> None:
    assert Consistency(k=50, max_rank=50).decide(Judged(ranks([50, 51], [1, 1]))).keep.tolist() == [True, False]


@pytest.mark.parametrize("judge", ["bm25", "either", "both"])
def test_a_judge_that_did_not_judge_is_named(judge: Judge) -> None:
    complaint = f"no ranks by bm25; judge the candidates with --judge {judge}"
    with pytest.raises(UserError, match=complaint):
        Consistency(judge=judge).decide(Judged(ranks([1], [1])))


def test_a_direction_that_was_not_asked_is_named() -> None:
    with pytest.raises(UserError, match=r"ranks by model in one direction only; .* --direction mutual"):
        Consistency().decide(Judged(ranks([1, 21], [0, 0])))


def test_a_floor_needs_a_model() -> None:
    with pytest.raises(UserError, match="--judge model"):
        Consistency(judge="bm25", min_similarity=0.1).decide(Judged(bm25=ranks([1], [1])))


def test_leakage_is_k_of_the_pool() -> None:
    assert leakage(2, 1_000_000) == 2e-6
    assert leakage(2, 1) == 1
    assert leakage(2, 0) == 1
