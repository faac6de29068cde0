"""Assemble: extracts in, candidate shards out, with one shuffle for dedup, global order and shards.

::

    extracts ─> tables ─> (join) ─> pairs ─> filters ─> GroupByKey on the shard ─> sort, drop equal ids, write
                             └─ rejects and counts ──────────────────────────────────┴─> one small result file

Nothing here depends on the engine, on the number of workers or on the order of the inputs: inside a shard rows are
sorted by all their columns, and of equal pairs the first stays (most votes first).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccpairs import storage
from ccpairs.manifest import ShardInfo
from ccpairs.pair import PAIR_SCHEMA, Pair, from_column, to_column
from ccpairs.shards import shard_name, write_shard
from filters.pairs import PairFilter, default_pair_filters, first_reason
from pipelines.identity import pair_id, shard_of
from pipelines.join import PAIRS, JoinPlan
from pipelines.rejects import LowestRejects, RejectRow, rejects_table
from pipelines.shuffle import ReadTables, at_end, pack, split_by, unpack
from pipelines.source import Source
from pipelines.tally import COUNTS, REJECTS, TallyingDoFn, reject_group

BLOBS = "blobs"
ROWS_IN_BUFFER = 50_000
CHARS_IN_BUFFER = 64_000_000


@dataclass(frozen=True)
class AssemblePlan:
    """Where a source's candidates go, and how wide its shuffles are.

    ``extracts`` and ``reject_files`` are URIs of files with one JSON line per piece to read: ``[uri, first row group,
    end]``. ``result`` is where the counts and shard infos are left.
    """

    source: Source
    extracts: str
    reject_files: str
    shards: int
    partitions: int
    folder: str
    rejected_folder: str
    result: str
    rejected: str = "sample"
    filters: tuple[PairFilter, ...] = dataclasses.field(default_factory=default_pair_filters)


class ToPairs(beam.DoFn):
    """Tables whose rows are pairs already -> lists of ``Pair``."""

    def process(self, table: pa.Table) -> Iterator[list[Pair]]:
        yield list(map(Pair._make, zip(*map(from_column, table.columns), strict=True)))


class FilterPairs(TallyingDoFn):
    """Lists of pairs -> (shard, blob) of the pairs that every filter lets pass."""

    def __init__(self, filters: Sequence[PairFilter], shards: int, source: str, rejected: str) -> None:
        super().__init__("pairs", source, rejected)
        self._filters, self._shards = tuple(filters), shards

    def start_bundle(self) -> None:
        super().start_bundle()
        self._rows: list[tuple[Any, ...]] = []
        self._chars = 0

    def process(self, pairs: Sequence[Pair]) -> Iterator[tuple[int, bytes]]:
        self.count("read", len(pairs))
        for pair in pairs:
            identity = pair_id(pair.query, pair.passage)
            reason = first_reason(self._filters, pair)
            if reason is not None:
                self.reject_pair(reason, pair, identity)
                continue
            self._rows.append((pair.query, pair.passage, identity, self.source, *pair[2:]))
            self._chars += len(pair.query) + len(pair.passage)
            if len(self._rows) >= ROWS_IN_BUFFER or self._chars >= CHARS_IN_BUFFER:
                yield from self._blobs()

    def finish_bundle(self) -> Iterator[Any]:
        yield from map(at_end, self._blobs())
        yield from self.tallies()

    def _blobs(self) -> Iterator[tuple[int, bytes]]:
        if not self._rows:
            return
        shards = np.array([shard_of(row[2], self._shards) for row in self._rows])
        table = table_of(self._rows, PAIR_SCHEMA)
        self._rows, self._chars = [], 0
        for number, part in split_by(table, shards):
            for blob in pack(part):
                yield number, blob


class WriteShard(TallyingDoFn):
    """(shard, blobs) -> one Parquet file; emits its ``ShardInfo`` as a dict and rejects equal pairs."""

    def __init__(self, plan: AssemblePlan) -> None:
        super().__init__("pairs", plan.source.name, plan.rejected)
        self._folder, self._shards = plan.folder, plan.shards

    def process(self, group: tuple[int, Iterable[bytes]]) -> Iterator[dict[str, Any]]:
        number, blobs = group
        table, duplicates = sorted_and_distinct(unpack(blobs))
        columns = (from_column(duplicates.column(name)) for name in ("pair_id", *Pair._fields))
        for identity, *values in zip(*columns, strict=True):
            self.reject_pair("duplicate_pair", Pair._make(values), identity)
        self.count("kept", table.num_rows)
        for item in pc.value_counts(table.column("pair_type")).to_pylist():
            self.count("pair_type", item["counts"], item["values"])
        yield dataclasses.asdict(write_shard(table, self._folder, shard_name(self.source, number, self._shards)))


class WriteRejects(beam.DoFn):
    """(number, rejects) -> one Parquet file of rejects; emits its ``ShardInfo`` as a dict."""

    def __init__(self, plan: AssemblePlan, files: int) -> None:
        self._folder, self._files = plan.rejected_folder, files

    def process(self, group: tuple[int, Iterable[Any]]) -> Iterator[dict[str, Any]]:
        number, parts = group
        rows = [row for part in parts for row in part]
        if rows:
            name = shard_name("rejected", number, self._files)
            yield dataclasses.asdict(write_shard(rejects_table(rows), self._folder, name))


class WriteResult(beam.DoFn):
    """Everything that came out (one group) -> the result file that the command reads."""

    def __init__(self, plan: AssemblePlan) -> None:
        self._result = plan.result

    def process(self, group: tuple[int, Iterable[tuple[str, Any]]]) -> Iterator[str]:
        found: dict[str, list[Any]] = {"shards": [], "rejected": [], "counts": []}
        for kind, value in group[1]:
            found[kind].append(value)
        storage.write_bytes(self._result, json.dumps(found).encode())
        yield self._result


def table_of(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.Table.from_arrays(
        [to_column(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


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


def read_pieces(pipeline: Any, listing: str, label: str) -> Any:
    """The tables named in a listing file, read in parallel; the list is data, never part of the graph."""
    return (
        pipeline
        | f"{label}: the list" >> beam.Create([listing])
        | f"{label}: its lines" >> beam.FlatMap(numbered_lines)
        | f"{label}: spread" >> beam.GroupByKey()
        | f"{label}: read" >> beam.ParDo(ReadTables())
    )


def numbered_lines(listing: str) -> list[tuple[int, tuple[str, int, int]]]:
    lines = storage.read_bytes(listing).decode().splitlines()
    return [(number, tuple(json.loads(line))) for number, line in enumerate(lines)]


def assemble(pipeline: Any, plan: AssemblePlan) -> Any:
    """Build the graph that turns one source's extracts into candidate shards."""
    source = plan.source
    rows = read_pieces(pipeline, plan.extracts, "extracts")
    join = JoinPlan(source.name, plan.partitions, plan.rejected)
    rounds = source.join(rows, join)
    if rounds is None:
        pair_lists = [rows | "rows are pairs" >> beam.ParDo(ToPairs())]
    else:
        pair_lists = [paired[PAIRS] for paired in rounds]
    pairs = flatten(pair_lists, "pairs of all rounds")
    filtered = pairs | "filter pairs" >> beam.ParDo(
        FilterPairs(plan.filters, plan.shards, source.name, plan.rejected)
    ).with_outputs(REJECTS, COUNTS, main=BLOBS)
    written = (
        filtered[BLOBS]
        | "bring shards together" >> beam.GroupByKey()
        | "write shards" >> beam.ParDo(WriteShard(plan)).with_outputs(REJECTS, COUNTS, main="shards")
    )
    tallied = [*(rounds or ()), filtered, written]
    counts = (
        flatten([outputs[COUNTS] for outputs in tallied], "counts of all steps")
        | "add up counts" >> beam.CombinePerKey(sum)
        | "counts as results" >> beam.Map(lambda item: (0, ("counts", [*item[0], item[1]])))
    )
    rejects = flatten([outputs[REJECTS] for outputs in tallied], "rejects of all steps")
    results = [counts, written["shards"] | "shards as results" >> beam.Map(lambda info: (0, ("shards", info)))]
    if plan.rejected != "none":
        read = read_pieces(pipeline, plan.reject_files, "rejects") | "reject rows" >> beam.FlatMap(rows_of)
        results.append(write_rejects(flatten([rejects, read], "rejects of all stages"), plan))
    return (
        flatten(results, "results")
        | "bring results together" >> beam.GroupByKey()
        | "write results" >> beam.ParDo(WriteResult(plan))
    )


def write_rejects(rejects: Any, plan: AssemblePlan) -> Any:
    """Write the rejects: the lowest hashes of each reason in one file, or all of them in as many files as shards."""
    if plan.rejected == "all":
        files = plan.shards
        numbered = rejects | "spread rejects" >> beam.Map(lambda row: (row[-1] * files >> 64, [row]))
    else:
        files = 1
        numbered = (
            rejects
            | "rejects by reason" >> beam.Map(reject_group)
            | "sample rejects" >> beam.CombinePerKey(LowestRejects())
            | "one file of rejects" >> beam.Map(lambda item: (0, item[1]))
        )
    return (
        numbered
        | "bring rejects together" >> beam.GroupByKey()
        | "write rejects" >> beam.ParDo(WriteRejects(plan, files))
        | "rejects as results" >> beam.Map(lambda info: (0, ("rejected", info)))
    )


def rows_of(table: pa.Table) -> Iterator[RejectRow]:
    """Reject rows of a table, as they were when they were written."""
    return zip(*map(from_column, table.columns), strict=True)


def flatten(collections: Sequence[Any], label: str) -> Any:
    return collections[0] if len(collections) == 1 else tuple(collections) | label >> beam.Flatten()


def missing_shards(plan: AssemblePlan, written: Sequence[ShardInfo]) -> list[ShardInfo]:
    """Write the shards that got no rows, as empty files, so that the numbering has no holes."""
    names = {info.name for info in written}
    expected = [shard_name(plan.source.name, number, plan.shards) for number in range(plan.shards)]
    empty = PAIR_SCHEMA.empty_table()
    return [write_shard(empty, plan.folder, name) for name in expected if name not in names]
