"""The order of the data: every row once, sources in proportion, the same from any step on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.errors import UserError
from models.trainer.order import BLOCK, BLOCKS_TOGETHER, DataOrder, RowOrder, mixture


@pytest.mark.parametrize("count", [1, 5, BLOCK, BLOCK * BLOCKS_TOGETHER + 1, 3 * BLOCK * BLOCKS_TOGETHER - 7])
def test_every_row_once_an_epoch(count: int) -> None:
    order = RowOrder(count, "reddit", seed=1)
    first, second = order.rows(0, count), order.rows(count, count)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(count))


def test_another_order_each_epoch_for_each_source_and_seed() -> None:
    orders = [
        RowOrder(100, "a", 0).rows(0, 100),
        RowOrder(100, "a", 0).rows(100, 100),
        RowOrder(100, "b", 0).rows(0, 100),
        RowOrder(100, "a", 1).rows(0, 100),
    ]
    assert len({tuple(order.tolist()) for order in orders}) == 4


@given(st.integers(1, 50), st.integers(0, 200), st.integers(0, 200))
def test_any_stretch_is_part_of_the_whole(count: int, first: int, number: int) -> None:
    whole = RowOrder(count, "a", 0).rows(0, 400)
    assert RowOrder(count, "a", 0).rows(first, number).tolist() == whole[first : first + number].tolist()


def test_neighbours_are_parted_across_blocks() -> None:
    """Data that is sorted by something must not come in that order."""
    rows = RowOrder(BLOCK * BLOCKS_TOGETHER, "a", 0).rows(0, 1_000)
    assert len(set((rows // BLOCK).tolist())) == BLOCKS_TOGETHER


def order(one_source: bool = False, seed: int = 0) -> DataOrder:
    rows = {"a": 1_000, "b": 3_000}
    return DataOrder(rows, mixture("proportional", rows), 64, seed, one_source)


def test_sources_keep_their_share_at_every_step() -> None:
    data = order()
    for step in range(1, 40):
        batch = data.next_batch()
        assert sum(len(rows) for _, rows in batch) == 64
        assert abs(data.used["a"] - 16 * step) <= 3


def test_one_epoch_uses_nearly_every_row() -> None:
    data = order()
    used: dict[str, set[int]] = {"a": set(), "b": set()}
    for _ in range(4_000 // 64):
        for name, rows in data.next_batch():
            used[name].update(rows.tolist())
    assert len(used["a"]) + len(used["b"]) >= 4_000 // 64 * 64 - 3


def test_batches_of_one_source() -> None:
    data = order(one_source=True)
    names = []
    for _ in range(40):
        [(name, rows)] = data.next_batch()
        assert len(rows) == 64
        names.append(name)
    assert names.count("a") == 10


@pytest.mark.parametrize("one_source", [False, True])
def test_a_batch_follows_from_seed_and_step(one_source: bool) -> None:
    whole = order(one_source)
    used: list[dict[str, int]] = []
    batches = []
    for _ in range(9):
        used.append(dict(whole.used))
        batches.append(whole.next_batch())
    later = order(one_source)
    later.go_to(7, used[7])
    for expected in batches[7:]:
        for (name, rows), (other, others) in zip(later.next_batch(), expected, strict=True):
            assert name == other
            assert np.array_equal(rows, others)


def test_another_seed_another_order() -> None:
    assert [rows.tolist() for _, rows in order(seed=1).next_batch()] != [
        rows.tolist() for _, rows in order().next_batch()
    ]


@pytest.mark.parametrize(
    ("mix", "weights"),
    [
        ("proportional", {"a": 0.1, "b": 0.9}),
        ("sqrt", {"a": 0.25, "b": 0.75}),
        ("b=0.5", {"a": 10 / 55, "b": 45 / 55}),
        ("sqrt,a=0", {"a": 0.0, "b": 1.0}),
    ],
)
def test_mixtures(mix: str, weights: dict[str, float]) -> None:
    assert mixture(mix, {"a": 10, "b": 90}) == pytest.approx(weights)


def test_a_source_of_weight_zero_never_comes() -> None:
    rows = {"a": 10, "b": 90, "c": 5}
    data = DataOrder(rows, mixture("a=0,c=0", rows), 50, 0)
    assert [name for name, _ in data.next_batch()] == ["b"]


@pytest.mark.parametrize(
    ("mix", "said"),
    [
        ("cubic", "cubic is neither proportional nor sqrt"),
        ("c=1", "no source c in the data; there is a, b"),
        ("a=x", "x is no factor"),
        ("a=-1", "-1 is no factor"),
        ("a=0,b=0", "leaves no source"),
    ],
)
def test_mixtures_that_are_none(mix: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        mixture(mix, {"a": 1, "b": 2})
