from __future__ import annotations

import json
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import shuffle
from pipelines.shuffle import (
    ReadTables,
    TableBuffer,
    Together,
    pack,
    partition_of_keys,
    partitions_for,
    split_by,
    unpack,
)

SCHEMA = pa.schema([pa.field("key", pa.int64(), nullable=False), pa.field("text", pa.string())])
ROWS = st.lists(st.tuples(st.integers(-(1 << 63), (1 << 63) - 1), st.none() | st.text(max_size=20)), max_size=40)


def table_of(rows: Sequence[tuple[int, str | None]]) -> pa.Table:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], []]
    return pa.table(columns, schema=SCHEMA)


def rows_of(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


@given(ROWS.filter(bool), st.integers(1, 2000))
def test_what_is_unpacked_is_what_was_packed(rows: list[tuple[int, str | None]], blob_bytes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shuffle, "BLOB_BYTES", blob_bytes)
        table = table_of(rows)
        found = unpack(pack(table))
    assert found.schema == SCHEMA
    assert rows_of(found) == rows


@given(ROWS.filter(bool), st.integers(0, 39), st.integers(0, 40))
def test_a_part_of_a_table_packs_as_that_part_alone(
    rows: list[tuple[int, str | None]], start: int, length: int
) -> None:
    part = table_of(rows).slice(start, length)
    if part.num_rows:
        assert rows_of(unpack(pack(part))) == rows[start : start + length]


def test_blobs_are_bounded() -> None:
    table = table_of([(number, "sea water " * 1000) for number in range(2000)])
    blobs = list(pack(table))
    sizes = [unpack([blob]).nbytes for blob in blobs]
    assert max(sizes) <= shuffle.BLOB_BYTES * 1.1
    assert len(blobs) == pytest.approx(table.nbytes / shuffle.BLOB_BYTES, abs=1.5)


def test_a_row_larger_than_a_blob_travels_alone() -> None:
    long = "x" * (shuffle.BLOB_BYTES + 10)
    rows = [(1, long), (2, "short"), (3, long)]
    assert [rows_of(unpack([blob])) for blob in pack(table_of(rows))] == [[row] for row in rows]


def test_blobs_are_compressed() -> None:
    table = table_of([(1, "sea water " * 10_000)])
    assert sum(map(len, pack(table))) < table.nbytes / 20


def test_an_empty_table_makes_no_blob() -> None:
    assert list(pack(table_of([]))) == []


@given(ROWS, st.data())
def test_parts_hold_every_row_once_in_its_partition(rows: list[tuple[int, str | None]], data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(0, 5), min_size=len(rows), max_size=len(rows)))
    parts = {number: rows_of(part) for number, part in split_by(table_of(rows), np.array(numbers, dtype=np.int64))}
    expected: dict[int, list[Any]] = {}
    for number, row in zip(numbers, rows, strict=True):
        expected.setdefault(number, []).append(row)  # the order inside a part is that of the table
    assert parts == expected
    assert list(parts) == sorted(parts)
    assert all(type(number) is int for number in parts)


@given(ROWS, st.integers(1, 1000))
def test_equal_keys_share_a_partition(rows: list[tuple[int, str | None]], partitions: int) -> None:
    table = table_of(rows + rows[::-1])
    numbers = partition_of_keys(table, partitions)
    assert all(0 <= number < partitions for number in numbers)
    by_key: dict[int, set[int]] = {}
    for key, number in zip(table.column("key").to_pylist(), numbers, strict=True):
        by_key.setdefault(key, set()).add(int(number))
    assert all(len(found) == 1 for found in by_key.values())


@pytest.mark.parametrize("step", [1, 36, 1 << 20, 1 << 40])
def test_keys_of_any_pattern_spread_evenly(step: int) -> None:
    table = table_of([(number * step, None) for number in range(20_000)])
    counts = Counter(partition_of_keys(table, 20).tolist())
    assert len(counts) == 20
    assert min(counts.values()) > 800
    assert max(counts.values()) < 1200


def test_partitions_are_the_same_on_every_machine() -> None:
    table = table_of([(0, None), (1, None), (-1, None), (1 << 62, None)])
    assert partition_of_keys(table, 1000).tolist() == [0, 360, 82, 613]


@given(st.integers(0, 1 << 45))
def test_partitions_keep_to_their_size(total: int) -> None:
    partitions = partitions_for(total)
    assert partitions >= 1
    assert total <= partitions * shuffle.PARTITION_BYTES


def test_more_bytes_never_make_fewer_partitions() -> None:
    counts = [partitions_for(1 << bits) for bits in range(45)]
    assert counts == sorted(counts)
    assert counts[0] == 1


def test_a_buffer_asks_to_be_emptied_by_rows_or_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffle, "BUFFER_ROWS", 5)
    monkeypatch.setattr(shuffle, "BUFFER_BYTES", 10_000)
    buffer = TableBuffer()
    assert buffer.take() is None
    assert not buffer.add(table_of([(1, "a"), (2, "b")]))
    assert buffer.add(table_of([(3, "c"), (4, "d"), (5, "e")]))
    taken = buffer.take()
    assert taken is not None
    assert taken.num_rows == 5
    assert buffer.take() is None
    assert buffer.add(table_of([(1, "x" * 10_001)]))


def together(folder: Path, parts: Sequence[pa.Table], partitions: int, reduce: Any = None) -> list[list[Any]]:
    """What ``Together`` gives for tables that come one by one: the rows of each of its tables."""
    out = folder / "groups.jsonl"

    def write(groups: list[list[Any]]) -> None:
        out.write_text("\n".join(map(json.dumps, groups)))

    with beam.Pipeline("FnApiRunner", options=PipelineOptions([])) as pipeline:
        _ = (
            pipeline
            | beam.Create([0])
            | beam.FlatMap(lambda _: parts)
            | Together(partitions, reduce, "bring together")
            | beam.Map(rows_of)
            | beam.combiners.ToList()
            | beam.Map(write)
        )
    return [[tuple(row) for row in json.loads(group)] for group in out.read_text().splitlines()]


def test_rows_of_a_key_come_together_wherever_they_were(tmp_path: Path) -> None:
    rows: list[tuple[int, str | None]] = [(number % 50, f"text {number}") for number in range(1000)]
    random.Random(1).shuffle(rows)
    found = together(tmp_path, [table_of(rows[start : start + 70]) for start in range(0, 1000, 70)], 7)
    assert sorted(row for group in found for row in group) == sorted(rows)
    assert len(found) == 7
    keys = [{key for key, _ in group} for group in found]
    assert sum(map(len, keys)) == len(set().union(*keys)) == 50


def test_rows_that_can_no_longer_win_do_not_travel(tmp_path: Path) -> None:
    def first_of_each(table: pa.Table) -> pa.Table:
        return table.group_by("key", use_threads=False).aggregate([("text", "min")]).rename_columns(["key", "text"])

    found = together(tmp_path, [table_of([(1, "b"), (1, "a"), (2, "c")])], 1, first_of_each)
    assert [sorted(group) for group in found] == [[(1, "a"), (2, "c")]]


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 30), st.integers(1, 9), st.data())
def test_row_groups_are_read_as_asked(rows: int, rows_per_group: int, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "extract.parquet")
        table = table_of([(number, str(number)) for number in range(rows)])
        with_footer = table.replace_schema_metadata({"ccpairs": "counts that differ from file to file"})
        pq.write_table(with_footer, path, row_group_size=rows_per_group)
        groups = -(-rows // rows_per_group)
        first = data.draw(st.integers(0, groups))
        end = data.draw(st.integers(first, groups))
        tables = list(ReadTables().process((0, [(path, first, end)])))
    assert len(tables) == end - first
    assert all(not each.schema.metadata for each in tables)
    expected = rows_of(table.slice(first * rows_per_group, (end - first) * rows_per_group))
    assert [row for each in tables for row in rows_of(each)] == expected
