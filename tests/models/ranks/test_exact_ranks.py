"""Ranks by every path against counting them one by one, on pools that are made to go wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models.ranks import Golds, RankPool, open_ranker
from models.ranks.opening import choose, chosen_path
from models.ranks.rule import TOLERANCE

PATHS = ("faiss", "int8", "bf16")
MAX_RANK = 5

Floats = NDArray[np.float32]


def unit(vectors: NDArray[np.floating]) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def counted(pool: RankPool, golds: Golds, max_rank: int = MAX_RANK) -> list[int]:
    """The rule, written down the long way."""
    found = []
    for row in range(len(golds.anchors)):
        anchor = golds.anchors[row].astype(np.float64)
        bar = anchor @ golds.golds[row].astype(np.float64) + TOLERANCE
        beaten = 0
        for member in range(len(pool.vectors)):
            if pool.texts[member] in golds.texts[row][golds.texts[row] != 0]:
                continue
            known = golds.documents[row][golds.documents[row] != 0]
            if np.isin(pool.documents[member], known).any():
                continue
            beaten += anchor @ pool.vectors[member].astype(np.float64) > bar
        found.append(min(1 + beaten, max_rank + 1))
    return found


def pool_of(vectors: Floats) -> RankPool:
    """Members with a text of their own and no documents."""
    count = len(vectors)
    return RankPool(vectors, np.arange(1, count + 1, dtype=np.uint64), np.zeros((count, 2), np.uint64))


def golds_of(anchors: Floats, golds: Floats) -> Golds:
    """Pairs that are not in the pool."""
    count = len(anchors)
    texts = np.arange(1 << 40, (1 << 40) + count, dtype=np.uint64)[:, None]
    return Golds(anchors, golds, texts, np.zeros((count, 2), np.uint64))


def random_case(members: int, pairs: int, dimension: int, seed: int) -> tuple[RankPool, Golds]:
    """Pairs whose gold scores are anywhere from the worst to the best."""
    random = np.random.default_rng(seed)
    vectors = unit(random.standard_normal((members, dimension)))
    anchors = unit(random.standard_normal((pairs, dimension)))
    mixed = np.linspace(0, 1.5, pairs)[:, None] * anchors + random.standard_normal((pairs, dimension)) / dimension**0.5
    return pool_of(vectors), golds_of(anchors, unit(mixed))


def ranks(path: str, pool: RankPool, golds: Golds, **given: object) -> list[int]:
    ranker = open_ranker(pool, max_rank=MAX_RANK, path=path, threads=1, **given)  # type: ignore[arg-type]
    found: list[int] = ranker.ranks(golds).tolist()
    return found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("members", "dimension"), [(3_000, 32), (700, 21), (1, 8), (9, 7)])
def test_random_vectors(path: str, members: int, dimension: int) -> None:
    pool, golds = random_case(members, 60, dimension, seed=members)
    expected = counted(pool, golds)
    assert ranks(path, pool, golds) == expected
    assert members < 100 or len(set(expected)) > 2, "the case is too easy to show anything"


@pytest.mark.parametrize("path", PATHS)
def test_a_pool_of_nothing_and_nothing_to_rank(path: str) -> None:
    pool, golds = random_case(50, 4, 16, seed=0)
    nobody = RankPool(pool.vectors[:0], pool.texts[:0], pool.documents[:0])
    assert ranks(path, nobody, golds) == [1] * 4
    nothing = Golds(*(array[:0] for array in golds))  # type: ignore[arg-type]
    assert ranks(path, pool, nothing) == []


@pytest.mark.parametrize("path", PATHS)
def test_ties_never_beat(path: str) -> None:
    one = unit(np.ones((1, 16)))
    pool = pool_of(np.repeat(one, 300, axis=0))
    assert ranks(path, pool, golds_of(one, one)) == [1]
    assert ranks(path, pool, golds_of(one, -one)) == [MAX_RANK + 1]


@pytest.mark.parametrize("path", PATHS)
def test_scores_at_the_edge_of_the_tolerance(path: str) -> None:
    """Members that are better than the gold by less than the tolerance, by about it, and by more."""
    anchor = np.zeros((1, 64), np.float32)
    anchor[0, 0] = 1
    gold = np.zeros((1, 64), np.float32)
    gold[0, :2] = 0.5, 0.75**0.5
    better = np.float32(0.5) + np.array([-1e-6, 0, 2e-7, 9e-7, 1.2e-6, 2e-6, 1e-5], np.float32)
    vectors = np.zeros((len(better), 64), np.float32)
    vectors[:, 0], vectors[:, 1] = better, np.sqrt(1 - better.astype(np.float64) ** 2)
    pool, golds = pool_of(vectors), golds_of(anchor, gold)
    expected = counted(pool, golds)
    assert 1 < expected[0] < MAX_RANK
    assert ranks(path, pool, golds) == expected


@pytest.mark.parametrize("path", PATHS)
def test_empty_texts_are_zero_vectors(path: str) -> None:
    pool, golds = random_case(400, 20, 24, seed=3)
    pool.vectors[::3] = 0
    golds.anchors[0], golds.golds[1] = 0, 0
    assert ranks(path, pool, golds) == counted(pool, golds)


@pytest.mark.parametrize("path", PATHS)
def test_equal_texts_and_common_documents_are_no_competitors(path: str) -> None:
    pool, golds = random_case(500, 40, 16, seed=4)
    random = np.random.default_rng(5)
    pool = pool._replace(
        texts=random.integers(1, 12, 500).astype(np.uint64), documents=random.integers(0, 9, (500, 2)).astype(np.uint64)
    )
    golds = golds._replace(
        texts=random.integers(0, 12, (40, 2)).astype(np.uint64),
        documents=random.integers(0, 9, (40, 4)).astype(np.uint64) * (random.random((40, 4)) < 0.3),
    )
    golds = golds._replace(documents=golds.documents.astype(np.uint64))
    expected = counted(pool, golds)
    assert expected != counted(pool, golds._replace(texts=np.zeros_like(golds.texts)))
    assert expected != counted(pool, golds._replace(documents=np.zeros_like(golds.documents)))
    assert ranks(path, pool, golds) == expected


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 90), st.sampled_from([3, 8, 33]))
def test_few_distinct_vectors_many_times(seed: int, members: int, dimension: int) -> None:
    random = np.random.default_rng(seed)
    few = unit(np.vstack([random.integers(-1, 2, (6, dimension)), random.standard_normal((3, dimension))]))
    pool = pool_of(few[random.integers(0, 9, members)])
    golds = golds_of(few[random.integers(0, 9, 12)], few[random.integers(0, 9, 12)])
    expected = counted(pool, golds)
    for path in PATHS:
        assert ranks(path, pool, golds) == expected


@pytest.mark.parametrize("path", PATHS)
def test_threads_and_neighbours_in_the_batch_change_nothing(path: str) -> None:
    pool, golds = random_case(6_000, 300, 48, seed=6)
    rankers = [open_ranker(pool, max_rank=20, path=path, threads=threads) for threads in (1, 2, 3)]
    whole = rankers[0].ranks(golds).tolist()
    assert whole[:5] == counted(pool, Golds(*(array[:5] for array in golds)), 20)  # type: ignore[arg-type]
    for ranker in rankers[1:]:
        assert ranker.ranks(golds).tolist() == whole
    parts = [rankers[0].ranks(Golds(*(array[part] for array in golds))) for part in (slice(7), slice(7, None))]  # type: ignore[arg-type]
    assert np.concatenate(parts).tolist() == whole


@pytest.mark.parametrize("path", ["int8", "bf16"])
def test_coded_pools_are_kept_and_what_is_damaged_is_made_anew(path: str, tmp_path: Path) -> None:
    pool, golds = random_case(2_000, 30, 32, seed=7)
    np.save(tmp_path / "vectors.npy", pool.vectors)
    pool = pool._replace(vectors=np.load(tmp_path / "vectors.npy", mmap_mode="r"))
    expected = counted(pool, golds)
    folder = tmp_path / "coded"
    assert ranks(path, pool, golds, folder=folder) == expected
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.npy")}
    assert before
    assert ranks(path, pool, golds, folder=folder) == expected
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.npy")} == before
    largest = max(before, key=lambda file: file.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[-1] ^= 1
    largest.write_bytes(data)
    assert ranks(path, pool, golds, folder=folder) == expected
    assert largest.read_bytes() != bytes(data)


def test_statistics_tell_what_was_looked_at() -> None:
    pool, golds = random_case(5_000, 100, 32, seed=8)
    ranker = open_ranker(pool, max_rank=MAX_RANK, path="int8", threads=1)
    ranker.ranks(golds)
    assert ranker.statistics.asked == 500_000
    assert 0 < ranker.statistics.looked < 500_000
    assert 0 < ranker.statistics.checked_share < 0.2
    assert ranker.name.startswith("int8")


@pytest.mark.parametrize(
    ("rates", "path"),
    [
        ({"fp32": 1, "bf16": 5, "int8": 10}, "int8"),
        ({"fp32": 1, "bf16": 5, "int8": 2}, "bf16"),
        ({"fp32": 1, "bf16": 0, "int8": 0}, "faiss"),
        ({"fp32": 1, "bf16": 1.2, "int8": 1.4}, "faiss"),
    ],
)
def test_the_fastest_path_is_chosen_where_it_is_worth_it(rates: dict[str, float], path: str) -> None:
    assert choose(rates) == path


def test_the_probe_chooses_a_path_that_works() -> None:
    pool, golds = random_case(300, 10, 16, seed=9)
    assert chosen_path() in PATHS
    assert ranks("auto", pool, golds) == counted(pool, golds)


def test_a_path_that_there_is_not() -> None:
    pool, _ = random_case(10, 1, 8, seed=0)
    with pytest.raises(UserError, match="there is no path 'int4' to exact ranks; choose one of auto, "):
        open_ranker(pool, path="int4")
