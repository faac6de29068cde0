from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identity import pair_id, shard_of

KNOWN = {
    ("Why is the sea salty?", "Rivers carry salt to it."): "ee359027895336139cea4db98adc2c72",
    ("", ""): "153283be9f2a26d405087bbed866d0de",
    ("Waarom is de zee zout?", "日本語の文です。"): "2ac1caab296f6d7b8fd9695f7963c372",
    ("a", "\ud800"): "6bd2e10d940e05bfb55405079e7cc6c8",
}


@pytest.mark.parametrize("pair", KNOWN)
def test_identities_never_change(pair: tuple[str, str]) -> None:
    # They are what shards are sorted by and what later stages refer to: a change breaks every set made before.
    assert pair_id(*pair) == KNOWN[pair]


@pytest.mark.parametrize(
    "query",
    [
        "why IS the sea\u00a0salty?",
        "  Why  is\tthe\nsea salty?  ",
        "Ｗｈｙ is the sea salty?",
        "Why is the ſea ſalty?",
    ],
)
def test_case_width_and_spacing_make_no_other_pair(query: str) -> None:
    assert pair_id(query, "x") == pair_id("Why is the sea salty?", "x")


def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert pair_id("caf\u00e9", "\ufb01sh") == pair_id("cafe\u0301", "fish")


def test_the_two_sides_are_told_apart() -> None:
    assert len({pair_id(*pair) for pair in [("a", "b"), ("b", "a"), ("a b", ""), ("", "a b"), ("ab", "")]}) == 5
    assert pair_id("a\x1fb", "c") == pair_id("a b", "c") != pair_id("a", "b\x1fc")


@given(st.text(st.characters(), max_size=30), st.text(st.characters(), max_size=30))
def test_any_texts_have_an_identity(query: str, passage: str) -> None:
    identity = pair_id(query, passage)
    assert len(identity) == 32
    assert set(identity) <= set("0123456789abcdef")
    assert identity == pair_id(query.strip(), f" {passage} ")


def test_shards_are_equal_ranges_of_the_leading_bits() -> None:
    bounds = {
        "0000000000000000": 0,
        "3fffffffffffffff": 0,
        "4000000000000000": 1,
        "7fffffffffffffff": 1,
        "8000000000000000": 2,
        "c000000000000000": 3,
        "ffffffffffffffff": 3,
    }
    assert {leading: shard_of(leading + "f" * 16, 4) for leading in bounds} == bounds


IDENTITIES = st.integers(0, (1 << 128) - 1).map(lambda number: f"{number:032x}")


@given(st.lists(IDENTITIES, min_size=1), st.integers(1, 100_000))
def test_shards_in_order_are_identities_in_order(identities: list[str], shards: int) -> None:
    numbers = [shard_of(identity, shards) for identity in sorted(identities)]
    assert numbers == sorted(numbers)
    assert all(0 <= number < shards for number in numbers)


@given(st.data(), st.integers(1, 1 << 20))
def test_every_shard_can_be_reached(data: st.DataObject, shards: int) -> None:
    number = data.draw(st.integers(0, shards - 1))
    first = -(-(number << 64) // shards)  # the lowest leading bits of the shard
    assert shard_of(f"{first:016x}{'0' * 16}", shards) == number
    assert first == 0 or shard_of(f"{first - 1:016x}{'f' * 16}", shards) == number - 1


def test_pairs_spread_evenly() -> None:
    counts = [0] * 8
    for number in range(8000):
        counts[shard_of(pair_id(f"question {number}", "answer"), 8)] += 1
    assert min(counts) > 880
    assert max(counts) < 1120
