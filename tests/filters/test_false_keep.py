from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.errors import UserError
from filters.consistency import NEVER
from filters.false_keep import KeptByK, MaxFalseKeep, interval, parse_max_false_keep


def by_k(*counts: int) -> KeptByK:
    """So many pairs that k = 1, 2, ... keeps first; the last are those that none keeps."""
    return KeptByK(np.array(counts, np.int64))


@pytest.mark.parametrize(
    ("kept", "of", "low", "high"),
    [
        # Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 5
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0, 0.1684),
        (1, 29, 0.0009, 0.1776),
        # none of n: 1 - 0.025 ** (1 / n)
        (0, 10, 0.0, 0.3085),
        (10, 10, 0.6915, 1.0),
        (0, 2000, 0.0, 0.0018),
    ],
)
def test_the_interval_is_that_of_clopper_and_pearson(kept: int, of: int, low: float, high: float) -> None:
    assert [round(end, 4) for end in interval(kept, of)] == [low, high]


def test_of_nothing_every_share_is_possible() -> None:
    assert interval(0, 0) == (0, 1)


def test_the_interval_of_a_million_is_close_to_the_normal_one() -> None:
    low, high = interval(200_000, 1_000_000)
    half = 1.959964 * math.sqrt(0.2 * 0.8 / 1e6)
    assert [low, high] == pytest.approx([0.2 - half, 0.2 + half], abs=2e-6)


@given(st.integers(1, 300).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_at_the_ends_of_the_interval_the_tails_are_a_fortieth(case: tuple[int, int]) -> None:
    kept, of = case
    low, high = interval(kept, of)

    def probability(share: float, numbers: range) -> float:
        return math.fsum(math.comb(of, number) * share**number * (1 - share) ** (of - number) for number in numbers)

    assert low == 0 if kept == 0 else probability(low, range(kept, of + 1)) == pytest.approx(0.025, rel=1e-9)
    assert high == 1 if kept == of else probability(high, range(kept + 1)) == pytest.approx(0.025, rel=1e-9)


def test_pairs_are_counted_by_the_smallest_k() -> None:
    smallest = np.array([1, 1, 2, 3, NEVER, 4], np.int32)
    counted = KeptByK.of(smallest, max_rank=3)
    assert counted.counts.tolist() == [2, 1, 1, 2]
    assert [counted.kept(k) for k in (1, 2, 3)] == [2, 3, 4]
    assert (counted.total, counted.max_rank) == (6, 3)


def test_counts_of_shards_add_up() -> None:
    assert (by_k(1, 2, 3) + by_k(10, 0, 7)).counts.tolist() == [11, 2, 10]


def test_counts_of_no_pairs_are_zeros_and_their_rate_is_none() -> None:
    counted = KeptByK.of(np.empty(0, np.int32), max_rank=2)
    assert counted.counts.tolist() == [0, 0, 0]
    assert counted.rate(1)[:] == (0, 0, 0, 1)
    assert math.isnan(counted.rate(1).share)


def test_rates_at_every_k() -> None:
    rates = by_k(1, 1, 0, 18).rates()
    assert [rate.kept for rate in rates] == [1, 2, 2]
    assert [rate.share for rate in rates] == [0.05, 0.1, 0.1]
    assert (round(rates[0].low, 4), round(rates[0].high, 4)) == (0.0013, 0.2487)


NEAR = by_k(10, 10, 20, 40, 920)  # 1 %, 2 %, 4 %, 8 %
FAR = by_k(0, 0, 1, 0, 999)


@pytest.mark.parametrize(
    ("limits", "k"),
    [
        ({"near": 0.02}, 2),
        ({"near": 0.0199}, 1),
        ({"near": 0.5}, 4),
        ({"near": 0.009}, None),
        ({"near": 0.05, "far": 0.0005}, 2),
        ({"near": 0.05, "far": 0.001}, 3),
        ({"far": 0.0}, 2),
    ],
)
def test_the_loosest_k_is_the_largest_that_holds_every_limit(limits: Mapping[Any, float], k: int | None) -> None:
    assert MaxFalseKeep(limits).loosest_k({"near": NEAR, "far": FAR}) == k


def test_the_upper_end_of_the_interval_is_the_stricter_choice() -> None:
    assert MaxFalseKeep({"near": 0.02}, bound="upper").loosest_k({"near": NEAR}) == 1
    assert MaxFalseKeep({"near": 0.02}, bound="upper").loosest_k({"near": by_k(0, 0, 100)}) is None
    assert MaxFalseKeep({"near": 0.02}).loosest_k({"near": by_k(0, 0, 100)}) == 2


@pytest.mark.parametrize("decoys", [{}, {"near": by_k(0, 0)}], ids=["no kind", "none of the kind"])
def test_without_decoys_no_limit_is_held(decoys: dict[Any, KeptByK]) -> None:
    assert MaxFalseKeep({"near": 0.9}).loosest_k(decoys) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("near=0.02", MaxFalseKeep({"near": 0.02})),
        ("near=0.02,far=0.001", MaxFalseKeep({"near": 0.02, "far": 0.001})),
        (" far = 1e-3 , bound=upper", MaxFalseKeep({"far": 0.001}, "upper")),
        ("near=0", MaxFalseKeep({"near": 0.0})),
    ],
)
def test_limits_are_read(text: str, expected: MaxFalseKeep) -> None:
    assert parse_max_false_keep(text) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0.02", "'0.02' says no false-keep rate; write near=0.02"),
        ("", "'' says no false-keep rate"),
        ("middle=0.02", "says no false-keep rate"),
        ("near=0.02,near=0.03", "says no false-keep rate"),
        ("near=0.02,", "says no false-keep rate"),
        ("near=2%", "'2%' in 'near=2%' is no rate"),
        ("near=1", "'1' in 'near=1' is no rate"),
        ("near=-0.1", "'-0.1' in .* is no rate"),
        ("near=nan", "'nan' in .* is no rate"),
        ("bound=upper", "'bound=upper' limits nothing"),
        ("near=0.02,bound=lower", "bound=lower in .* is none of estimate, upper"),
    ],
)
def test_nonsense_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        parse_max_false_keep(text)
