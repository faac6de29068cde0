"""What can be trained on: finished shards, Parquet of others; and what cannot, in one line each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccpairs.errors import UserError
from models.trainer.corpus import open_corpus
from tests.models.trainer.pairs import pairs, write_pairs


def test_the_sources_of_a_build(built_samples: Any) -> None:
    corpus = open_corpus([str(built_samples.output)])
    assert [source.name for source in corpus.sources] == [
        "commoncrawl", "communityqa", "news", "reddit", "s2orc", "stackexchange", "wikipedia",
    ]  # fmt: skip
    for source in corpus.sources:
        assert source.manifest is not None
        assert source.rows == source.manifest.rows == sum(table.num_rows for table in source.batches())


def test_licences_are_counted(built_samples: Any, tmp_path: Path) -> None:
    for source in open_corpus([str(built_samples.output)]).sources:
        rows = [row for table in source.batches(["license"]) for row in table.column("license").to_pylist()]
        assert source.licences() == {name or "unknown": rows.count(name) for name in set(rows)}
        assert list(source.licences().values()) == sorted(source.licences().values(), reverse=True)
    (of_others,) = open_corpus([write_pairs(tmp_path / "mine.parquet", pairs(5))]).sources
    assert of_others.licences() == {}


def test_parquet_of_others_file_and_folder(tmp_path: Path) -> None:
    one = write_pairs(tmp_path / "mine.parquet", pairs(5))
    write_pairs(tmp_path / "more" / "0.parquet", pairs(3))
    write_pairs(tmp_path / "more" / "1.parquet", pairs(4))
    corpus = open_corpus([one, str(tmp_path / "more")])
    assert [(source.name, source.rows, len(source.files)) for source in corpus.sources] == [
        ("mine", 5, 1),
        ("more", 7, 2),
    ]


def test_another_file_is_another_corpus(tmp_path: Path) -> None:
    path = write_pairs(tmp_path / "a.parquet", pairs(5))
    before = open_corpus([path]).identity
    assert open_corpus([path]).identity == before
    write_pairs(tmp_path / "a.parquet", pairs(6))
    assert open_corpus([path]).identity != before


def test_a_sample_takes_from_each_source_in_proportion(tmp_path: Path) -> None:
    files = [
        write_pairs(tmp_path / "a.parquet", [("qa", "pa")] * 10),
        write_pairs(tmp_path / "b.parquet", [("qb", "pb")] * 30),
    ]
    sample = open_corpus(files).sample(40)
    assert {text: sample.count(text) for text in sample} == {"qa": 5, "pa": 5, "qb": 15, "pb": 15}


def test_shards_without_a_manifest(built_samples: Any, tmp_path: Path) -> None:
    shard = next((built_samples.output / "candidates" / "reddit").glob("*.parquet"))
    (tmp_path / shard.name).write_bytes(shard.read_bytes())
    with pytest.raises(UserError, match="holds shards of ccpairs but no manifest"):
        open_corpus([str(tmp_path)])
    assert open_corpus([str(tmp_path / shard.name)]).rows > 0  # named itself, it is what the user wants


def test_a_column_that_is_missing(tmp_path: Path) -> None:
    pq.write_table(pa.table({"query": ["a"], "text": ["b"]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"a\.parquet has no column passage \(it has query, text\); rename its columns"):
        open_corpus([str(tmp_path / "a.parquet")])


def test_a_column_that_holds_no_text(tmp_path: Path) -> None:
    pq.write_table(pa.table({"query": [1], "passage": ["b"]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"a\.parquet: the column query holds int64; it must hold text"):
        open_corpus([str(tmp_path / "a.parquet")])


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file or folder"):
        open_corpus([str(tmp_path / "none")])
    with pytest.raises(UserError, match="holds no Parquet file and no finished shards"):
        open_corpus([str(tmp_path)])


def test_no_rows(tmp_path: Path) -> None:
    table = pa.table({"query": pa.array([], pa.string()), "passage": pa.array([], pa.string())})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UserError, match="there is no pair to train on"):
        open_corpus([str(tmp_path / "a.parquet")])


def test_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(UserError, match=r"a\.parquet is no Parquet file, or a damaged one"):
        open_corpus([str(tmp_path / "a.parquet")])
