"""The end of a shuffle: groups of rows in, one Parquet file each out, and one small file about everything.

Rows and *verdicts* of a shard come in one group. Verdicts are what could only be known with all pairs of a source in
view (near-duplicates, repeats): they travel apart from the texts, by ``pair_id``, so that texts are shuffled once.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccpairs import storage
from ccpairs.manifest import ShardInfo
from ccpairs.pair import PAIR_SCHEMA, Pair, from_column
from ccpairs.shards import shard_name, write_shard
from pipelines.rejects import rejects_table
from pipelines.shuffle import open_blob
from pipelines.tally import TallyingDoFn
from pipelines.verdicts import VERDICT_SCHEMA, by_pair


class WriteShard(TallyingDoFn):
    """(shard, blobs) -> one Parquet file; emits its ``ShardInfo`` as a dict.

    Rejects equal pairs, and pairs that a verdict speaks against.
    """

    def __init__(self, source: str, shards: int, folder: str, rejected: str) -> None:
        super().__init__("pairs", source, rejected)
        self._folder, self._shards = folder, shards

    def process(self, group: tuple[int, Iterable[bytes]]) -> Iterator[dict[str, Any]]:
        number, blobs = group
        rows, verdicts = rows_and_verdicts(blobs)
        table, duplicates = sorted_and_distinct(rows)
        for identity, pair in identified(duplicates):
            self.reject_pair("duplicate_pair", pair, identity)
        table = self._heard(table, verdicts)
        self.count("kept", table.num_rows)
        for item in pc.value_counts(table.column("pair_type")).to_pylist():
            self.count("pair_type", item["counts"], item["values"])
        yield dataclasses.asdict(write_shard(table, self._folder, shard_name(self.source, number, self._shards)))

    def _heard(self, table: pa.Table, verdicts: pa.Table) -> pa.Table:
        """The rows that no verdict speaks against; the others are rejected."""
        if not verdicts.num_rows:
            return table
        verdict = by_pair(verdicts)
        condemned = pc.is_in(table.column("pair_id"), pa.array(list(verdict), pa.string()))
        for identity, pair in identified(table.filter(condemned)):
            reason, original = verdict[identity]
            self.reject_pair(reason, pair, identity, duplicate_of=original)
        return table.filter(pc.invert(condemned))


def rows_and_verdicts(blobs: Iterable[bytes]) -> tuple[pa.Table, pa.Table]:
    """The rows of a shard, and what was found about them."""
    rows, verdicts = [PAIR_SCHEMA.empty_table()], [VERDICT_SCHEMA.empty_table()]
    for blob in blobs:
        table = open_blob(blob)
        (verdicts if table.schema.names == VERDICT_SCHEMA.names else rows).append(table)
    return pa.concat_tables(rows), pa.concat_tables(verdicts)


def identified(table: pa.Table) -> Iterator[tuple[str, Pair]]:
    """The ``pair_id`` and the pair of every row."""
    columns = (from_column(table.column(name)) for name in ("pair_id", *Pair._fields))
    for identity, *values in zip(*columns, strict=True):
        yield identity, Pair._make(values)


def sorted_and_distinct(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Rows sorted by ``pair_id``, one row per id, and the rows that were dropped for it.

    Of equal ids the row with most votes stays, then the first by its other columns, so the choice depends on the rows
    alone.
    """
    keys = [("pair_id", "ascending"), ("votes", "descending")]
    keys += [(name, "ascending") for name in table.schema.names if name not in ("pair_id", "votes", "source")]
    table = table.take(pc.sort_indices(table, sort_keys=keys)).combine_chunks()
    ids = table.column("pair_id")
    first = np.ones(table.num_rows, dtype=bool)
    if table.num_rows > 1:
        first[1:] = np.asarray(pc.not_equal(ids.slice(1), ids.slice(0, table.num_rows - 1)))
    return table.filter(pa.array(first)), table.filter(pa.array(~first))


class WriteRejects(beam.DoFn):
    """(number, rejects) -> one Parquet file of rejects; emits its ``ShardInfo`` as a dict."""

    def __init__(self, folder: str, files: int) -> None:
        self._folder, self._files = folder, files

    def process(self, group: tuple[int, Iterable[Any]]) -> Iterator[dict[str, Any]]:
        number, parts = group
        rows = [row for part in parts for row in part]
        if rows:
            name = shard_name("rejected", number, self._files)
            yield dataclasses.asdict(write_shard(rejects_table(rows), self._folder, name))


class WriteResult(beam.DoFn):
    """Everything that came out (one group) -> the result file that the command reads."""

    def __init__(self, result: str) -> None:
        self._result = result

    def process(self, group: tuple[int, Iterable[tuple[str, Any]]]) -> Iterator[str]:
        found: dict[str, list[Any]] = {"shards": [], "rejected": [], "counts": []}
        for kind, value in group[1]:
            found[kind].append(value)
        storage.write_bytes(self._result, json.dumps(found).encode())
        yield self._result


def missing_shards(source: str, shards: int, folder: str, written: Sequence[ShardInfo]) -> list[ShardInfo]:
    """Write the shards that got no rows, as empty files, so that the numbering has no holes."""
    names = {info.name for info in written}
    expected = [shard_name(source, number, shards) for number in range(shards)]
    empty = PAIR_SCHEMA.empty_table()
    return [write_shard(empty, folder, name) for name in expected if name not in names]
