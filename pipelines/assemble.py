"""Assemble: extracts in, candidate shards out, with one shuffle for dedup, global order and shards.

::

    extracts ─> tables ─> (join) ─> pairs ─> filters ─> GroupByKey on the shard ─> sort, drop equal ids, write
                             │          └─> (compare texts) ─> verdicts ──┘                      │
                             └─ rejects and counts ──────────────────────────────────────────────┴─> one result file

Nothing here depends on the engine, on the number of workers or on the order of the inputs: inside a shard rows are
sorted by all their columns, and of equal pairs the first stays (most votes first).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import pyarrow as pa

from ccpairs import storage
from ccpairs.pair import Pair, from_column
from filters.pairs import PairFilter, default_pair_filters
from pipelines.duplicates import FindDuplicates
from pipelines.filter_pairs import BLOBS, ROWS, FilterPairs
from pipelines.join import PAIRS, JoinPlan
from pipelines.rejects import LowestRejects, RejectRow
from pipelines.shuffle import ReadTables
from pipelines.source import Source
from pipelines.tally import COUNTS, REJECTS, reject_group
from pipelines.text_quality import TextQuality
from pipelines.write_shards import WriteRejects, WriteResult, WriteShard

Tallied = Any
"""A Beam ``DoOutputsTuple`` with the outputs ``rejects`` and ``counts``, beside its main one."""


@dataclass(frozen=True)
class ShardPlan:
    """Where the pairs of one source go, by which filters, and how wide its shuffles are.

    ``result`` is where the counts and shard infos are left.
    """

    source: str
    shards: int
    partitions: int
    folder: str
    rejected_folder: str
    result: str
    rejected: str = "sample"
    filters: tuple[PairFilter, ...] = dataclasses.field(default_factory=default_pair_filters)
    quality: TextQuality = dataclasses.field(default_factory=TextQuality)


@dataclass(frozen=True)
class Listings:
    """Files that name what to read: one JSON line per piece, ``[parquet uri, first row group, end]``."""

    rows: str
    rejects: str


def assemble(pipeline: Any, source: Source, listings: Listings, plan: ShardPlan) -> Any:
    """Build the graph that turns one source's extracts into candidate shards."""
    rows = read_pieces(pipeline, listings.rows, "extracts")
    rounds = source.join(rows, JoinPlan(source.name, plan.partitions, plan.rejected))
    if rounds is None:
        pairs = rows | "rows are pairs" >> beam.ParDo(ToPairs())
    else:
        pairs = flatten([paired[PAIRS] for paired in rounds], "pairs of all rounds")
    rejects = []
    if plan.rejected != "none":
        rejects = [read_pieces(pipeline, listings.rejects, "rejects") | "reject rows" >> beam.FlatMap(rows_of)]
    return to_shards(pairs, rejects, rounds or (), plan)


def to_shards(pairs: Any, rejects: Sequence[Any], tallied: Sequence[Tallied], plan: ShardPlan) -> Any:
    """Filter lists of pairs and write them as shards, with all rejects beside them.

    ``rejects`` are collections of reject rows of earlier stages, ``tallied`` steps before this one that count.
    """
    filtered = pairs | "filter pairs" >> beam.ParDo(
        FilterPairs(plan.filters, plan.quality, plan.shards, plan.source, plan.rejected)
    ).with_outputs(ROWS, REJECTS, COUNTS, main=BLOBS)
    written = (
        flatten([filtered[BLOBS], *verdicts(filtered[ROWS], plan)], "rows and verdicts")
        | "bring shards together" >> beam.GroupByKey()
        | "write shards"
        >> beam.ParDo(WriteShard(plan.source, plan.shards, plan.folder, plan.rejected)).with_outputs(
            REJECTS, COUNTS, main="shards"
        )
    )
    tallied = [*tallied, filtered, written]
    counts = (
        flatten([outputs[COUNTS] for outputs in tallied], "counts of all steps")
        | "add up counts" >> beam.CombinePerKey(sum)
        | "counts as results" >> beam.Map(lambda item: (0, ("counts", [*item[0], item[1]])))
    )
    found = flatten([outputs[REJECTS] for outputs in tallied], "rejects of all steps")
    results = [counts, written["shards"] | "shards as results" >> beam.Map(lambda info: (0, ("shards", info)))]
    if plan.rejected != "none":
        results.append(write_rejects(flatten([found, *rejects], "rejects of all stages"), plan))
    return (
        flatten(results, "results")
        | "bring results together" >> beam.GroupByKey()
        | "write results" >> beam.ParDo(WriteResult(plan.result))
    )


def verdicts(rows: Any, plan: ShardPlan) -> list[Any]:
    """What comparing the texts of a source with each other says: collections of (shard, blob of verdicts)."""
    if not plan.quality.compares:
        return []
    return [rows | "compare texts" >> FindDuplicates(plan.quality.duplicates, plan.shards, plan.partitions)]


class ToPairs(beam.DoFn):
    """Tables with the columns of ``Pair``, among others -> lists of ``Pair``."""

    def process(self, table: pa.Table) -> Iterator[list[Pair]]:
        columns = (from_column(table.column(name)) for name in Pair._fields)
        yield list(map(Pair._make, zip(*columns, strict=True)))


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


def write_rejects(rejects: Any, plan: ShardPlan) -> Any:
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
        | "write rejects" >> beam.ParDo(WriteRejects(plan.rejected_folder, files))
        | "rejects as results" >> beam.Map(lambda info: (0, ("rejected", info)))
    )


def rows_of(table: pa.Table) -> Iterator[RejectRow]:
    """Reject rows of a table, as they were when they were written."""
    return zip(*map(from_column, table.columns), strict=True)


def flatten(collections: Sequence[Any], label: str) -> Any:
    return collections[0] if len(collections) == 1 else tuple(collections) | label >> beam.Flatten()
