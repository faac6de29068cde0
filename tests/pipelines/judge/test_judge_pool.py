"""The pool: the pairs of lowest hash, the same for any shards, with arrays in the order of the hash."""

from __future__ import annotations

from itertools import count, islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from filters.folds import document_hashes, text_hashes
from pipelines.engine import Engine
from pipelines.judge.candidates import Candidates
from pipelines.judge.identity import pair_hashes
from pipelines.judge.pool import Pool, PoolPlan, make_pools
from tests.pipelines.judge.small_candidates import Row, rows, table_of, write_candidates, write_table


def draw(tmp_path: Path, wanted: int, *candidates: Candidates) -> Pool:
    (pool,) = make_pools([PoolPlan("all", wanted, candidates)], Engine(), str(tmp_path / "out"), tmp_path / "work")
    return pool


def texts_in_order(pool: Pool, role: str) -> list[str]:
    """The texts of a pool in the order of its arrays."""
    found = [""] * pool.rows
    texts = [text for batch in pool.batches([role]) for text in batch.column(0).to_pylist()]
    for place, text in zip(pool.place.tolist(), texts, strict=True):
        found[place] = text
    return found


def test_it_holds_the_pairs_of_lowest_hash_in_its_order(tmp_path: Path) -> None:
    candidates = write_candidates(tmp_path, rows(300), shards=3)
    table = table_of(rows(300))
    keys = pair_hashes("reddit", table.column("pair_id").to_pylist())
    lowest = np.argsort(keys)[:40]
    pool = draw(tmp_path, 40, candidates)
    assert texts_in_order(pool, "query") == table.column("query").take(pa.array(lowest)).to_pylist()
    assert texts_in_order(pool, "passage") == table.column("passage").take(pa.array(lowest)).to_pylist()
    assert (pool.rows, pool.wanted, pool.candidates) == (40, 40, 300)


def test_its_arrays_belong_to_its_members(tmp_path: Path) -> None:
    pool = draw(tmp_path, 20, write_candidates(tmp_path, rows(100)))
    queries, passages = (texts_in_order(pool, role) for role in ("query", "passage"))
    assert pool.texts("query").tolist() == text_hashes(queries).tolist()
    assert pool.texts("passage").tolist() == text_hashes(passages).tolist()
    numbers = [query.split()[3] for query in queries]
    assert pool.documents[:, 0].tolist() == document_hashes("reddit", [f"q{n}" for n in numbers]).tolist()
    assert pool.documents[:, 1].tolist() == document_hashes("reddit", [f"p{n}" for n in numbers]).tolist()


def test_shards_make_no_difference(tmp_path: Path) -> None:
    pools = [
        draw(tmp_path / str(shards), 50, write_candidates(tmp_path / str(shards), rows(200), shards=shards))
        for shards in (1, 2, 7)
    ]
    assert len({pool.fingerprint for pool in pools}) == 1
    assert all(texts_in_order(pool, "query") == texts_in_order(pools[0], "query") for pool in pools)
    for name in ("place.npy", "query-texts.npy", "passage-texts.npy", "documents.npy"):
        assert len({(pool.folder / name).read_bytes() for pool in pools}) == 1


def test_a_pool_larger_than_the_data_is_all_of_it(tmp_path: Path) -> None:
    pool = draw(tmp_path, 1_000, write_candidates(tmp_path, rows(30), shards=4))
    assert (pool.rows, pool.wanted) == (30, 1_000)
    assert sorted(texts_in_order(pool, "query")) == sorted(row.query for row in rows(30))


@pytest.mark.parametrize("wanted", [1, 299, 300, 301])
def test_it_has_as_many_as_wanted(wanted: int, tmp_path: Path) -> None:
    assert draw(tmp_path, wanted, write_candidates(tmp_path, rows(300))).rows == min(wanted, 300)


def test_pairs_whose_hashes_are_all_high_are_drawn_too(tmp_path: Path) -> None:
    """Where fewer rows than expected are below the threshold, it is raised."""
    high = (f"{n:032x}" for n in count() if pair_hashes("reddit", [f"{n:032x}"])[0] >> np.uint64(62) == 3)
    table = table_of(rows(2_000))
    ids = pa.array(sorted(islice(high, 2_000)))
    table = table.set_column(table.schema.get_field_index("pair_id"), table.schema.field("pair_id"), ids)
    assert draw(tmp_path, 100, write_table(tmp_path, table, "reddit", 2)).rows == 100


def test_sources_with_the_same_pairs_draw_by_themselves(tmp_path: Path) -> None:
    both = [write_candidates(tmp_path, rows(400), source) for source in ("news", "reddit")]
    pool = draw(tmp_path, 400, *both)
    sources = [source for batch in pool.batches(["source"]) for source in batch.column(0).to_pylist()]
    assert sources == sorted(sources)
    assert 150 < sources.count("news") < 250
    ids = [identity for batch in pool.batches(["pair_id"]) for identity in batch.column(0).to_pylist()]
    assert set(ids[: sources.count("news")]) != set(ids[sources.count("news") :])


def test_one_pair_and_empty_shards(tmp_path: Path) -> None:
    empty = write_candidates(tmp_path, [], "news")
    one = write_candidates(tmp_path, [Row("Who?", "Nobody knows who it was.")], "reddit", shards=3)
    pool = draw(tmp_path, 10, empty, one)
    assert texts_in_order(pool, "query") == ["Who?"]
    assert pool.documents.tolist() == [[0, 0]]


def test_one_for_each_source(tmp_path: Path) -> None:
    news, reddit = (write_candidates(tmp_path, rows(size), name) for name, size in (("news", 20), ("reddit", 50)))
    plans = [PoolPlan("news", 30, (news,)), PoolPlan("reddit", 30, (reddit,))]
    pools = make_pools(plans, Engine(), str(tmp_path / "out"), tmp_path / "work")
    assert [(pool.name, pool.rows) for pool in pools] == [("news", 20), ("reddit", 30)]


def test_what_is_there_is_found(tmp_path: Path) -> None:
    candidates = write_candidates(tmp_path, rows(50))
    first = draw(tmp_path, 10, candidates)
    before = (first.folder / "rows.parquet").stat().st_mtime_ns
    assert draw(tmp_path, 10, candidates) == first
    assert (first.folder / "rows.parquet").stat().st_mtime_ns == before
    assert draw(tmp_path, 11, candidates).folder != first.folder


def test_a_text_that_changes_changes_the_fingerprint(tmp_path: Path) -> None:
    """Also where it changes in case alone, which leaves the pair's id as it is."""
    pools = []
    for word in ("salty", "SALTY"):
        given = [Row(f"Why is sea {n} {word}?", f"Rivers carry salt to sea {n}.") for n in range(5)]
        pools.append(draw(tmp_path / word, 5, write_candidates(tmp_path / word, given)))
    ids = [[i for batch in pool.batches(["pair_id"]) for i in batch.column(0).to_pylist()] for pool in pools]
    assert ids[0] == ids[1]
    assert pools[0].fingerprint != pools[1].fingerprint
