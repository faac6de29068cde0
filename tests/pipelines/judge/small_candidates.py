"""Small finished candidates on disk, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from ccpairs.manifest import MANIFEST_NAME, Manifest, StageCounts
from ccpairs.pair import PAIR_SCHEMA
from ccpairs.shards import shard_name, write_shard
from pipelines.identity import pair_id
from pipelines.judge.candidates import Candidates


class Row(NamedTuple):
    query: str
    passage: str
    query_doc: str | None = None
    passage_doc: str | None = None
    pair_type: str = "title_passage"


def rows(count: int) -> list[Row]:
    """Pairs that each have a document of their own."""
    return [Row(f"Why is sea {n} salty?", f"Rivers carry salt to sea {n}.", f"q{n}", f"p{n}") for n in range(count)]


def table_of(given: Sequence[Row], source: str = "reddit") -> pa.Table:
    """Candidates sorted by their ids."""
    columns = {
        **{name: [getattr(row, name) for row in given] for name in Row._fields},
        "pair_id": [pair_id(row.query, row.passage) for row in given],
        "source": [source] * len(given),
    }
    arrays = [pa.array(columns.get(field.name, [None] * len(given)), field.type) for field in PAIR_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=PAIR_SCHEMA).sort_by("pair_id")


def write_candidates(output: Path, given: Sequence[Row], source: str = "reddit", shards: int = 1) -> Candidates:
    """Write finished candidates to ``output/candidates/SOURCE``."""
    return write_table(output, table_of(given, source), source, shards)


def write_table(output: Path, table: pa.Table, source: str, shards: int) -> Candidates:
    folder = output / "candidates" / source
    size = -(-len(table) // shards)
    infos = [
        write_shard(table.slice(size * number, size), str(folder), shard_name(source, number, shards))
        for number in range(shards)
    ]
    types = {item["values"]: item["counts"] for item in table.column("pair_type").value_counts().to_pylist()}
    counts = (StageCounts("pairs", "pair", len(table), len(table), made=len(table)),)
    manifest = Manifest(source, "candidates", {}, "", "", {}, (), counts, types, tuple(infos))
    (folder / MANIFEST_NAME).write_bytes(manifest.to_json())
    return Candidates(str(folder), manifest)
