"""Shards and the public way to read them: ours, and those of pandas and Hugging Face as they are."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ccpairs
from ccpairs.errors import UserError
from ccpairs.manifest import MANIFEST_NAME, Manifest, ShardInfo
from ccpairs.pair import PAIR_SCHEMA, to_column
from ccpairs.shards import ROWS_PER_GROUP, encode_shard, read_pairs, shard_name, write_shard

SHARDS = 3
ROWS = 10


def table_of(numbers: range, source: str = "reddit") -> pa.Table:
    values: dict[str, list[object]] = {
        "query": [f"Why is sea {number} salty?" for number in numbers],
        "passage": [f"Rivers carry salt to sea {number}." for number in numbers],
        "pair_id": [f"{number:032x}" for number in numbers],
        "source": [source for _ in numbers],
        "pair_type": ["title_comment" for _ in numbers],
        "votes": [number if number % 2 else None for number in numbers],
        "created": [1420070400 + number for number in numbers],
    }
    columns = [to_column(values.get(field.name, [None] * len(numbers)), field.type) for field in PAIR_SCHEMA]
    return pa.Table.from_arrays(columns, schema=PAIR_SCHEMA)


def source_folder(folder: Path, source: str = "reddit", shards: int = SHARDS) -> Path:
    """A finished source directory of ``shards`` shards, and an empty one as sources with few pairs have them."""
    count = shards + 1
    tables = [table_of(range(ROWS * number, ROWS * (number + 1)), source) for number in range(shards)]
    tables.append(PAIR_SCHEMA.empty_table())
    infos = [
        write_shard(table, str(folder / source), shard_name(source, number, count))
        for number, table in enumerate(tables)
    ]
    manifest = Manifest(source, "candidates", {}, "", "", {}, (), (), {}, tuple(infos))
    (folder / source / MANIFEST_NAME).write_bytes(manifest.to_json())
    return folder / source


def test_names_sort_in_the_order_of_the_shards() -> None:
    assert shard_name("reddit", 7, 128) == "reddit-00007-of-00128.parquet"


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    table = table_of(range(100))
    pieces = pa.concat_tables([table.slice(0, 30), table.slice(30)])
    data = encode_shard(table)
    assert encode_shard(pieces) == data
    info = write_shard(table, str(tmp_path / "new"), "shard.parquet")
    assert (tmp_path / "new" / "shard.parquet").read_bytes() == data
    assert info == ShardInfo("shard.parquet", 100, len(data), hashlib.sha256(data).hexdigest())


def test_shards_suit_those_who_stream() -> None:
    table = table_of(range(ROWS_PER_GROUP + 1))
    metadata = pq.ParquetFile(pa.BufferReader(encode_shard(table))).metadata
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [ROWS_PER_GROUP, 1]
    columns = [metadata.row_group(0).column(number) for number in range(metadata.num_columns)]
    assert {column.compression for column in columns} == {"ZSTD"}
    assert all(column.has_offset_index for column in columns)


def test_pairs_come_in_the_order_of_the_shards(tmp_path: Path) -> None:
    pairs = read_pairs(str(source_folder(tmp_path)))
    assert len(pairs) == SHARDS * ROWS
    found = list(pairs)
    assert [pair["pair_id"] for pair in found] == [f"{number:032x}" for number in range(SHARDS * ROWS)]
    assert list(found[0]) == PAIR_SCHEMA.names
    assert found[1]["created"].timestamp() == 1420070401
    assert list(pairs) == found  # it can be read again
    assert pairs.schema.equals(PAIR_SCHEMA)
    assert [manifest.source for manifest in pairs.manifests] == ["reddit"]


def test_as_a_table(tmp_path: Path) -> None:
    table = read_pairs(str(source_folder(tmp_path))).to_table()
    assert table.equals(table_of(range(SHARDS * ROWS)))


def test_only_some_columns(tmp_path: Path) -> None:
    folder = str(source_folder(tmp_path))
    pairs = read_pairs(folder, columns=["votes", "query"])
    assert next(iter(pairs)) == {"votes": None, "query": "Why is sea 0 salty?"}
    assert pairs.to_table().column_names == pairs.schema.names == ["votes", "query"]


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    pairs = read_pairs(str(source_folder(tmp_path)), columns=["query", "score"])
    for read in (lambda: next(iter(pairs)), lambda: pairs.schema, pairs.to_table):
        with pytest.raises(UserError, match=r"^no column score; the shards have query, passage, pair_id, "):
            read()


def test_batches_are_no_larger_than_asked(tmp_path: Path) -> None:
    batches = list(read_pairs(str(source_folder(tmp_path))).batches(rows=4))
    assert max(batch.num_rows for batch in batches) == 4
    assert sum(batch.num_rows for batch in batches) == SHARDS * ROWS


def test_several_sources_are_read_one_after_the_other(tmp_path: Path) -> None:
    for name in ("reddit", "s2orc"):
        source_folder(tmp_path / "out" / "candidates", name)
    (tmp_path / "out" / "candidates" / "unfinished").mkdir()
    for place in (tmp_path / "out", tmp_path / "out" / "candidates", f"{tmp_path}/out/"):
        pairs = read_pairs(str(place))
        assert [manifest.source for manifest in pairs.manifests] == ["reddit", "s2orc"]
        assert [pair["source"] for pair in pairs] == ["reddit"] * SHARDS * ROWS + ["s2orc"] * SHARDS * ROWS
        pairs.verify()


def test_a_folder_without_a_manifest_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = source_folder(tmp_path)
    (folder / MANIFEST_NAME).unlink()
    with pytest.raises(ccpairs.UserError) as caught:
        read_pairs(str(folder))
    assert (
        str(caught.value) == f"{folder} has no _manifest.json, so it holds no finished shards; finish the build first"
    )


@pytest.mark.parametrize("place", ["gone", "empty"])
def test_a_folder_with_nothing_in_it_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"has no _manifest\.json"):
        read_pairs(str(tmp_path / place))


def test_verify_passes_what_is_sound(tmp_path: Path) -> None:
    read_pairs(str(source_folder(tmp_path))).verify()


@pytest.mark.parametrize("place", [4, 500, -5])
def test_verify_finds_a_flipped_byte(tmp_path: Path, place: int) -> None:
    folder = source_folder(tmp_path)
    shard = folder / shard_name("reddit", 1, SHARDS + 1)
    data = bytearray(shard.read_bytes())
    data[place] ^= 1
    shard.write_bytes(data)
    with pytest.raises(UserError) as caught:
        read_pairs(str(folder)).verify()
    assert str(caught.value) == f"{shard} is not what its manifest says (SHA-256 differs); run the build again"


def test_a_shard_that_is_missing(tmp_path: Path) -> None:
    folder = source_folder(tmp_path)
    shard = folder / shard_name("reddit", 1, SHARDS + 1)
    shard.unlink()
    pairs = read_pairs(str(folder))
    for read in (pairs.verify, lambda: list(pairs)):
        with pytest.raises(UserError) as caught:
            read()
        assert str(caught.value) == f"{shard} is named in the manifest but missing; run the build again"


def test_a_shard_that_is_cut(tmp_path: Path) -> None:
    folder = source_folder(tmp_path)
    shard = folder / shard_name("reddit", 2, SHARDS + 1)
    shard.write_bytes(shard.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"of-00004\.parquet is damaged \(.*\); run the build again$"):
        list(read_pairs(str(folder)))


def test_a_shard_that_no_manifest_names_is_not_read(tmp_path: Path) -> None:
    folder = source_folder(tmp_path)
    (folder / "reddit-00004-of-00005.parquet").write_bytes(b"of another run")
    assert len(list(read_pairs(str(folder)))) == SHARDS * ROWS


def test_no_shard_stays_open(tmp_path: Path) -> None:
    folder = source_folder(tmp_path)
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    for _ in range(20):
        list(read_pairs(str(folder)))
    after = set(os.listdir("/proc/self/fd")) if before else set()
    assert len(after) <= len(before)


def test_pandas_reads_the_folder_as_it_is(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    folder = source_folder(tmp_path)
    frame = pandas.read_parquet(folder)
    assert list(frame.columns) == PAIR_SCHEMA.names
    assert list(frame["pair_id"]) == [f"{number:032x}" for number in range(SHARDS * ROWS)]
    assert str(frame["created"].dtype) == "datetime64[ms, UTC]"


def test_arrow_reads_the_folder_as_it_is(tmp_path: Path) -> None:
    folder = source_folder(tmp_path)
    assert pq.read_table(folder).sort_by("pair_id").equals(table_of(range(SHARDS * ROWS)))


HUGGING_FACE = """
import sys
from datasets import load_dataset
rows = load_dataset("parquet", data_files=sys.argv[1], split="train")
print(len(rows), rows.column_names == sys.argv[2].split(","), rows[0]["query"], rows[29]["pair_id"])
stream = load_dataset("parquet", data_files=sys.argv[1], split="train", streaming=True)
print(sum(1 for _ in stream), next(iter(stream))["created"].timestamp())
"""


def test_hugging_face_reads_the_shards_as_they_are(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    folder = source_folder(tmp_path / "out")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    command = [sys.executable, "-c", HUGGING_FACE, f"{folder}/*.parquet", ",".join(PAIR_SCHEMA.names)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"30 True Why is sea 0 salty? {29:032x}", "30 1420070400.0"]


def test_manifests_are_plain_data(tmp_path: Path) -> None:
    (manifest,) = read_pairs(str(source_folder(tmp_path))).manifests
    assert dataclasses.is_dataclass(manifest)
    assert manifest == ccpairs.read_manifest(str(tmp_path / "reddit"))
