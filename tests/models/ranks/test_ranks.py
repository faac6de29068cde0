"""Every path gives the ranks of the rule, which are counted here in the plainest way."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models.ranks import Golds, Ranker, RankPool, keys_of, open_ranker
from models.ranks.opening import multiplies_rightly
from models.ranks.small_numbers import KINDS

PATHS = [*(name for name, kind in KINDS.items() if multiplies_rightly(kind)), "faiss"]
TOLERANCE = 1e-6


def vectors(*rows: Sequence[float]) -> NDArray[np.float32]:
    return np.array(rows, np.float32)


def hashes(*rows: list[int]) -> NDArray[np.uint64]:
    return np.array(rows, np.uint64)


def pool_of(members: NDArray[np.float32], texts: list[int] | None = None) -> RankPool:
    """A pool of unknown documents; without texts, of different ones, 1,000,000 and on."""
    told = range(1_000_000, 1_000_000 + len(members)) if texts is None else texts
    return RankPool(members, np.array(told, np.uint64), keys_of(np.zeros((len(members), 2), np.uint64)))


def asked(
    anchors: NDArray[np.float32],
    golds: NDArray[np.float32],
    texts: NDArray[np.uint64] | None = None,
    documents: NDArray[np.uint64] | None = None,
) -> Golds:
    none = np.zeros((len(anchors), 1), np.uint64)
    return Golds(anchors, golds, none if texts is None else texts, none if documents is None else documents)


def by_the_rule(pool: RankPool, golds: Golds, max_rank: int) -> list[int]:
    ranks, members = [], pool.vectors.astype(np.float64)
    for anchor, gold, texts, documents in zip(*golds, strict=True):
        asking = anchor.astype(np.float64)
        beats = members @ asking > gold.astype(np.float64) @ asking + TOLERANCE
        beats &= ~np.isin(pool.texts, texts[texts != 0])
        shared = np.isin(pool.keys.hashes, documents[documents != 0])
        beats[np.repeat(np.arange(len(members)), np.diff(pool.keys.starts))[shared]] = False
        ranks.append(1 + min(int(beats.sum()), max_rank))
    return ranks


def unit(random: np.random.Generator, count: int, dimension: int) -> NDArray[np.float32]:
    """Unit vectors whose first components weigh more, as those of models do."""
    made = random.standard_normal((count, dimension)) * np.linspace(1, 0.1, dimension)
    units: NDArray[np.float32] = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    return units


@pytest.mark.parametrize("path", PATHS)
def test_a_rank_is_one_more_than_the_members_that_beat_the_gold(path: str) -> None:
    pool = pool_of(vectors([1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1], [-1, 0]))
    golds = asked(vectors([1, 0], [1, 0], [0, 1], [-1, 0]), vectors([1, 0], [0.7, 0.7], [0.7, 0.7], [1, 0]))
    assert open_ranker(pool, path=path).ranks(golds).tolist() == [1, 3, 3, 5]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("max_rank", "ranks"), [(1, [1, 2, 2, 2]), (2, [1, 2, 3, 3]), (3, [1, 2, 3, 4])])
def test_ranks_end_above_max_rank(path: str, max_rank: int, ranks: list[int]) -> None:
    pool = pool_of(vectors([0.9, 0], [0.8, 0], [0.7, 0], [0.6, 0], [0.5, 0]))
    golds = asked(vectors(*[[1, 0]] * 4), vectors([0.95, 0], [0.85, 0], [0.75, 0], [0.1, 0]))
    assert open_ranker(pool, path=path, max_rank=max_rank).ranks(golds).tolist() == ranks


@pytest.mark.parametrize("path", PATHS)
def test_a_member_must_be_better_by_more_than_the_tolerance(path: str) -> None:
    pool = pool_of(vectors([0.5, 0.1], [0.5 + 5e-7, 0.2], [0.5 + 9e-7, 0.3], [0.5 + 11e-7, 0.4], [0.5 + 2e-6, 0.5]))
    golds = asked(vectors([1, 0], [1, 0]), vectors([0.5, 0], [0.5 + 5e-7, 0]))
    assert open_ranker(pool, path=path).ranks(golds).tolist() == [3, 2]


@pytest.mark.parametrize("path", PATHS)
def test_equal_vectors_never_beat(path: str) -> None:
    one = unit(np.random.default_rng(0), 1, 48)
    golds = asked(one.repeat(40, axis=0), one.repeat(40, axis=0))
    assert open_ranker(pool_of(one.repeat(3_000, axis=0)), path=path).ranks(golds).tolist() == [1] * 40


@pytest.mark.parametrize("path", PATHS)
def test_the_own_text_is_no_competitor_and_0_is_no_text(path: str) -> None:
    pool = pool_of(vectors([0.9, 0], [0.8, 0], [0.7, 0], [0.6, 0]), texts=[7, 8, 7, 0])
    golds = asked(vectors(*[[1, 0]] * 4), vectors(*[[0.5, 0]] * 4), hashes([7, 0], [8, 0], [7, 8], [0, 0]))
    assert open_ranker(pool, path=path).ranks(golds).tolist() == [3, 4, 2, 5]


@pytest.mark.parametrize("path", PATHS)
def test_members_that_share_a_document_are_no_competitors_and_0_is_no_document(path: str) -> None:
    members = vectors([0.9, 0], [0.8, 0], [0.7, 0], [0.6, 0])
    pool = RankPool(members, hashes([1], [2], [3], [4])[:, 0], keys_of(hashes([5, 6], [6, 0], [0, 5], [0, 0])))
    golds = asked(
        vectors(*[[1, 0]] * 4), vectors(*[[0.5, 0]] * 4), documents=hashes([5, 0, 0], [6, 0, 0], [0, 0, 0], [9, 6, 5])
    )
    assert open_ranker(pool, path=path).ranks(golds).tolist() == [3, 3, 5, 2]


@pytest.mark.parametrize("path", PATHS)
def test_a_member_that_stands_for_many_pairs_has_the_keys_of_all(path: str) -> None:
    """A passage that a hundred queries have is no competitor of any of them."""
    owners, numbers = np.zeros(101, np.int64), np.arange(101, dtype=np.uint64)
    owners[100] = 100
    keys = keys_of(np.stack([2 * numbers + 1, np.full(101, 500, np.uint64)], axis=1), owners)
    assert np.diff(keys.starts).tolist() == [101, *[0] * 99, 2]
    members = np.zeros((101, 2), np.float32)
    members[[0, 100]] = [[0.9, 0], [0.8, 0]]
    pool = pool_of(members)._replace(keys=keys)
    own = hashes(*([key] for key in (1, 2, 99, 199, 200, 201, 202)))
    golds = asked(vectors(*[[1, 0]] * 7), vectors(*[[0.5, 0]] * 7), documents=own)
    assert open_ranker(pool, path=path).ranks(golds).tolist() == [2, 3, 2, 2, 3, 2, 3]


@pytest.mark.parametrize("path", PATHS)
def test_zero_vectors_are_similar_to_nothing(path: str) -> None:
    pool = pool_of(vectors([0, 0], [0, 0], [1, 0], [-1, 0]))
    golds = asked(vectors([0, 0], [1, 0], [1, 0]), vectors([1, 0], [0, 0], [-0.5, 0]))
    assert open_ranker(pool, path=path).ranks(golds).tolist() == [1, 2, 4]


@pytest.mark.parametrize("path", PATHS)
def test_a_pool_of_zero_vectors(path: str) -> None:
    golds = asked(vectors([1, 0], [1, 0]), vectors([0.5, 0], [-0.5, 0]))
    assert open_ranker(pool_of(vectors([0, 0], [0, 0])), path=path).ranks(golds).tolist() == [1, 3]


@pytest.mark.parametrize("path", PATHS)
def test_an_empty_pool_and_no_pairs(path: str) -> None:
    none = np.zeros((0, 3), np.float32)
    one = vectors([1, 0, 0])
    assert open_ranker(pool_of(none), path=path).ranks(asked(one, one)).tolist() == [1]
    ranks = open_ranker(pool_of(one), path=path).ranks(asked(none, none))
    assert ranks.dtype == np.int32
    assert ranks.shape == (0,)


class Large(NamedTuple):
    pool: RankPool
    golds: Golds
    ranks: list[int]


@pytest.fixture(scope="module")
def large() -> Large:
    """A pool of several phases and stretches, pairs of all ranks, and their ranks by the rule."""
    random = np.random.default_rng(1)
    members = unit(random, 36_000, 96)
    members[::50] = members[7]
    texts, documents = random.integers(0, 20_000, 36_000), random.integers(0, 9_000, (36_000, 2))
    pool = RankPool(members, texts.astype(np.uint64), keys_of(documents.astype(np.uint64)))
    anchors = unit(random, 200, 96)
    places = np.geomspace(1, 20_000, 200).astype(int) - 1
    own = np.take_along_axis(np.argsort(-anchors @ members.T, axis=1), places[:, None], axis=1)[:, 0]
    golds = Golds(anchors, members[own], pool.texts[own, None], documents[own].astype(np.uint64))
    return Large(pool, golds, by_the_rule(pool, golds, 20))


@pytest.fixture(scope="module", params=PATHS)
def ranker(large: Large, request: pytest.FixtureRequest) -> Ranker:
    return open_ranker(large.pool, path=request.param, threads=2)


def test_paths_give_the_ranks_of_the_rule(large: Large, ranker: Ranker) -> None:
    assert {1, 2, 10, 19, 20, 21} <= set(large.ranks)
    assert ranker.ranks(large.golds).tolist() == large.ranks


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 5])
def test_the_number_of_threads_changes_no_rank(large: Large, path: str, threads: int) -> None:
    assert open_ranker(large.pool, path=path, threads=threads).ranks(large.golds).tolist() == large.ranks


def test_rows_do_not_depend_on_each_other(large: Large, ranker: Ranker) -> None:
    some = np.random.default_rng(2).permutation(200)[:90]
    found = ranker.ranks(large.golds.part(some))
    assert found.tolist() == [large.ranks[row] for row in some]
    assert ranker.ranks(large.golds.part(slice(7, 8))).tolist() == large.ranks[7:8]


def test_several_threads_ask_one_ranker(large: Large, ranker: Ranker) -> None:
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(ranker.ranks, [large.golds] * 3))
    assert [answer.tolist() for answer in answers] == [large.ranks] * 3


@pytest.mark.parametrize("path", PATHS)
def test_a_memory_map_is_searched_and_statistics_tell_what_was_spared(large: Large, path: str, tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", large.pool.vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    ranker = open_ranker(large.pool._replace(vectors=mapped), path=path, threads=1)
    assert ranker.ranks(large.golds).tolist() == large.ranks
    done = ranker.statistics
    assert done.asked == 200 * 36_000
    assert 0.1 < done.looked_share < 0.9
    assert 0 <= done.checked_share < 0.01
    assert (done.operations > 0, done.seconds > 0) == (path != "faiss", path != "faiss")


@pytest.mark.parametrize("path", PATHS)
def test_more_equal_scores_than_a_search_returns(path: str) -> None:
    random = np.random.default_rng(3)
    anchor = unit(random, 1, 32)
    near = (anchor + 0.3 * unit(random, 4, 32)).astype(np.float32)
    pool = pool_of(np.concatenate([anchor.repeat(5_000, axis=0), near]), texts=[9] * 5_000 + [1, 2, 3, 4])
    gold = near[np.argsort(near @ anchor[0])[1:2]]
    assert open_ranker(pool, path=path).ranks(asked(anchor, gold, hashes([9]))).tolist() == [3]


COMPONENTS = st.sampled_from([0.0, 0.0, 0.5, -0.5, 0.5 + 3e-7, 0.5 + 6e-6, 0.25])


@st.composite
def adversarial(draw: st.DrawFn) -> tuple[RankPool, Golds]:
    """Small pools of few different components, so that ties, near-ties, zeros and duplicates are the rule."""
    dimension = draw(st.sampled_from([1, 3, 8, 70]))
    kinds = np.array(draw(st.lists(st.lists(COMPONENTS, min_size=3, max_size=3), min_size=1, max_size=6)), np.float32)
    kinds = np.tile(kinds, (1, -(-dimension // 3)))[:, :dimension] / np.float32(np.sqrt(max(dimension, 4) / 4))
    few = st.integers(0, len(kinds) - 1)
    picks = draw(st.lists(few, max_size=40))
    pairs = draw(st.lists(st.tuples(few, few), max_size=6))
    hash_ = st.integers(0, 4)

    def table(rows: int, width: int) -> NDArray[np.uint64]:
        told = draw(st.lists(hash_, min_size=rows * width, max_size=rows * width))
        return np.array(told, np.uint64).reshape(rows, width)

    pool = RankPool(
        kinds[picks].reshape(-1, dimension),
        table(len(picks), 1)[:, 0],
        keys_of(table(len(picks), draw(st.sampled_from([2, 30])))),
    )
    anchors, golds = (kinds[[pair[side] for pair in pairs]].reshape(-1, dimension) for side in (0, 1))
    return pool, Golds(
        anchors, golds, table(len(pairs), draw(st.integers(1, 2))), table(len(pairs), draw(st.integers(0, 3)))
    )


@settings(deadline=None, max_examples=100)
@given(adversarial(), st.integers(1, 5))
def test_adversarial_pools(question: tuple[RankPool, Golds], max_rank: int) -> None:
    expected = by_the_rule(*question, max_rank)
    for path in PATHS:
        assert open_ranker(question[0], path=path, max_rank=max_rank, threads=2).ranks(question[1]).tolist() == expected


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_pool_that_is_not_finite_is_refused(path: str, value: float) -> None:
    one = vectors([1, 0])
    with pytest.raises(UserError, match="not finite"):
        open_ranker(pool_of(vectors([1, 0], [value, 0])), path=path).ranks(asked(one, one))


@pytest.mark.parametrize("path", PATHS)
def test_pairs_that_do_not_fit_are_refused(path: str) -> None:
    ranker = open_ranker(pool_of(vectors([1, 0])), path=path)
    with pytest.raises(ValueError, match=r"float32 \[1, 2\] is needed"):
        ranker.ranks(asked(vectors([1, 0, 0]), vectors([1, 0, 0])))
    with pytest.raises(ValueError, match="not finite"):
        ranker.ranks(asked(vectors([np.nan, 0]), vectors([1, 0])))


def test_a_pool_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="of 2 vectors"):
        open_ranker(RankPool(vectors([1, 0], [0, 1]), hashes([1])[:, 0], keys_of(hashes([0, 0]))))
    with pytest.raises(ValueError, match="float64"):
        open_ranker(RankPool(np.ones((1, 2)), hashes([1])[:, 0], keys_of(hashes([0, 0]))))  # type: ignore[arg-type]
