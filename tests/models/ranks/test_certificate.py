"""The bounds by which coarse products settle scores hold for whatever vectors there are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from models.ranks.certificate import GROUP, CodedPool, CodedRows, code_pool, code_rows, prefixes
from models.ranks.opening import multiplies_rightly
from models.ranks.openings import Thresholds, count_open
from models.ranks.small_numbers import KINDS, Bfloat16, Int8, Kind

USABLE = [kind for kind in KINDS.values() if multiplies_rightly(kind)]
NUMBERS = st.floats(-1, 1, width=32) | st.sampled_from([0.0, 1.0, 1e-20, 3e-4])


def kinds(function: Any) -> Any:
    return pytest.mark.parametrize("kind", USABLE, ids=lambda kind: kind.name)(function)


def coded(members: NDArray[np.float32], anchors: NDArray[np.float32], kind: Kind) -> tuple[CodedPool, CodedRows]:
    pool = code_pool(members, kind, np.empty)
    return pool, code_rows(anchors, pool, kind)


def products(pool: CodedPool, rows: CodedRows, kind: Kind, width: int) -> NDArray[Any]:
    """As integers or numbers, of the first ``width`` components."""
    size = len(rows.codes) * len(pool.codes)
    return kind.multiply(np.ascontiguousarray(rows.codes[:, :width]), pool.codes[:, :width], kind.buffer(size))


def models(seed: int, count: int, dimension: int) -> NDArray[np.float32]:
    """Unit vectors with heavier and lighter components, and a few of one component alone."""
    random = np.random.default_rng(seed)
    made = random.standard_normal((count, dimension)) * np.linspace(1, 0.2, dimension)
    made[: count // 50] *= np.arange(dimension) == 3
    lengths = np.linalg.norm(made, axis=1, keepdims=True)
    units: NDArray[np.float32] = (made / np.maximum(lengths, 1e-9)).astype(np.float32)
    return units


def worst(pool: CodedPool, rows: CodedRows, kind: Kind, exact: NDArray[np.float64], prefix: int) -> float:
    """The largest error of a prefix's products in units of its bound; a bound that holds is not exceeded."""
    width = prefixes(pool.codes.shape[1])[prefix]
    found = kind.decode(products(pool, rows, kind, width), 1.0) * rows.scale[:, None]
    bound = rows.error[:, None] + rows.length[:, None] * pool.residuals
    bound += rows.tails[:, prefix, None] * pool.tails[prefix].repeat(GROUP)[: len(pool.codes)]
    return float((np.abs(found - exact[:, pool.order]) / bound).max(initial=0))


@kinds
def test_products_of_any_prefix_are_within_the_bound(kind: Kind) -> None:
    members, anchors = models(0, 3_000, 200), models(1, 60, 200)
    pool, rows = coded(members, anchors, kind)
    exact = anchors.astype(np.float64) @ members.astype(np.float64).T
    assert prefixes(200) == [64, 96, 128, 160, 200]
    for prefix in range(5):
        assert 0 < worst(pool, rows, kind, exact, prefix) < 1


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 40), st.sampled_from([1, 2, 31, 100]))
def test_the_bound_holds_for_any_vectors(data: st.DataObject, count: int, dimension: int) -> None:
    members = data.draw(arrays(np.float32, (count, dimension), elements=NUMBERS, fill=st.just(np.float32(0.25))))
    anchors = data.draw(arrays(np.float32, (3, dimension), elements=NUMBERS, fill=st.just(np.float32(0))))
    exact = anchors.astype(np.float64) @ members.astype(np.float64).T
    for kind in USABLE:
        pool, rows = coded(members, anchors, kind)
        for prefix in range(len(prefixes(dimension))):
            assert worst(pool, rows, kind, exact, prefix) <= 1


def test_fine_codes_tell_the_score_but_for_the_members_own_residual() -> None:
    members, anchors = models(0, 3_000, 200), models(1, 60, 200)
    pool, rows = coded(members, anchors, Int8())
    found = (rows.fine.astype(np.int64) @ pool.codes.astype(np.int64).T) * rows.fine_scale[:, None]
    assert np.abs(rows.fine.astype(np.int64) @ pool.codes.astype(np.int64).T).max() < 2**31
    exact = anchors.astype(np.float64) @ members.astype(np.float64).T
    bound = rows.fine_error[:, None] + rows.length[:, None] * pool.residuals
    assert (np.abs(found - exact[:, pool.order]) <= bound).all()
    assert rows.fine_error.max() < rows.error.min() / 10


@kinds
def test_no_member_that_beats_is_passed_over(kind: Kind) -> None:
    members, anchors = models(0, 3_000, 200), models(1, 60, 200)
    pool, rows = coded(members, anchors, kind)
    exact = anchors.astype(np.float64) @ members.astype(np.float64).T
    residuals = np.maximum.reduceat(pool.residuals, np.arange(0, 3_000, GROUP)).astype(np.float64)
    for bar in (-0.2, 0.0, 0.1, 0.4):
        for prefix, width in enumerate(prefixes(200)):
            thresholds = Thresholds(
                (bar - rows.error) / rows.scale, rows.length / rows.scale, rows.tails[:, prefix] / rows.scale,
                residuals, pool.tails[prefix],
            )  # fmt: skip
            opened = count_open(products(pool, rows, kind, width), kind.products(kind.mask), thresholds)
            beating = (exact > bar).sum(axis=1)
            assert (opened >= beating).all()
            assert opened.sum() < 3_000 * 60 or bar < 0.1


@kinds
def test_an_order_is_a_permutation(kind: Kind) -> None:
    pool, _ = coded(models(0, 5_000, 40), models(1, 1, 40), kind)
    assert np.array_equal(np.sort(pool.order), np.arange(5_000))


class CutOff(Int8):
    """int8 products as by instructions that take one factor without a sign, add two products in 16 bits and cut off."""

    def multiply(self, rows: NDArray[Any], columns: NDArray[Any], out: torch.Tensor) -> NDArray[Any]:
        twos = (rows.astype(np.int32)[:, None] + 128) * columns
        sums = np.clip(twos[..., ::2] + twos[..., 1::2], -(2**15), 2**15 - 1).sum(axis=2, dtype=np.int32)
        products: NDArray[Any] = sums - 128 * columns.sum(axis=1, dtype=np.int32)
        return products


def test_products_that_are_cut_off_are_noticed() -> None:
    assert multiplies_rightly(Int8())
    assert not multiplies_rightly(CutOff())


@pytest.mark.parametrize("dimension", [1, 384, 600, 4_096])
def test_products_of_fine_codes_fit_32_bits(dimension: int) -> None:
    codes, scale = Int8().fine(np.array([[0.5] * dimension, [-0.5] * dimension]))
    assert abs(int(codes[0].astype(np.int64).sum()) * 127) < 2**31
    assert codes * scale[:, None] == pytest.approx(np.array([[0.5] * dimension, [-0.5] * dimension]), rel=1e-3)


def opened(products: NDArray[Any], mask: int, threshold: float) -> int:
    """How many of these products would be opened."""
    one, none = np.ones(1), np.zeros(1)
    thresholds = Thresholds(np.full(1, threshold), one, one, none, none)
    return int(count_open(products[None], products.dtype.type(mask), thresholds)[0])


@pytest.mark.parametrize(
    ("threshold", "count"),
    [(-9e9, 5), (-3.5, 5), (-3.0, 4), (-0.5, 3), (0.0, 2), (6.999, 2), (7.0, 1), (7.5, 1), (8.0, 0), (9e9, 0)],
)
def test_integers_above_a_threshold_are_opened(threshold: float, count: int) -> None:
    assert opened(np.array([7, -3, 0, -1, 8], np.int32), Int8.mask, threshold) == count


@pytest.mark.parametrize("value", [1.0, 0.50390625, 0.5, 1e-30, 0.0, -1e-30, -0.5, -0.50390625, -1.0])
def test_a_bf16_just_above_a_threshold_is_opened_and_few_below(value: float) -> None:
    bits = torch.tensor([value], dtype=torch.bfloat16).view(torch.int16).numpy()
    assert opened(bits, Bfloat16.mask, value - abs(value) * 1e-6 - 1e-37) == 1
    assert opened(bits, Bfloat16.mask, value + abs(value) * 0.02 + 1e-35) == 0
