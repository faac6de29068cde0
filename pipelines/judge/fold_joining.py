"""Find the groups of all candidates: the engine hashes texts and documents, one file for each shard; one process joins.

::

    shards ──one by one──> pieces: query, passage and base of each row ──> the groups, one file in the work folder
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ccpairs import storage
from ccpairs.errors import UserError
from pipelines.engine import Engine
from pipelines.judge.candidates import Candidates, verify
from pipelines.judge.equal_texts import VERSION, Hashed, joined
from pipelines.judge.identity import row_hashes
from pipelines.judge.pool import FAILED, numbered_lines
from pipelines.progress import Done, shown
from pipelines.shard_run import digest

COLUMNS = ("source", "query", "passage", "query_doc", "passage_doc")
HASHES = pa.schema([pa.field(name, pa.uint64(), nullable=False) for name in ("query", "passage", "base")])
ROWS_AT_ONCE = 1 << 20
BYTES_PER_SECOND = 50 << 20

log = logging.getLogger("ccpairs")


def make_groups(candidates: Sequence[Candidates], engine: Engine, output: str, work: Path) -> Path:
    """The file of the groups of all candidates, made where it is not there yet; ``work`` is a local folder."""
    identity = digest([VERSION, [[each.source, each.identity] for each in candidates]])[:16]
    file = work / "folds" / f"{identity}.npy"
    if file.is_file():
        log.info("folds: found done")
        return file
    pieces = storage.join(output, "_work", "fold-pieces", identity)
    names = [
        [(each.uri(shard), shard.sha256, storage.join(pieces, shard.name)) for shard in each.shards]
        for each in candidates
    ]
    _hash(names, engine, output, pieces, sum(shard.bytes for each in candidates for shard in each.shards))

    def read() -> Iterator[Hashed]:
        for number, shards in enumerate(names):
            for _, _, piece in shards:
                system, path = storage.locate(piece)
                with system.open_input_file(path) as stream:
                    for batch in pq.ParquetFile(stream).iter_batches(batch_size=ROWS_AT_ONCE):
                        yield Hashed(number, *(column.to_numpy() for column in batch.columns))

    groups = joined(read, [each.manifest.rows for each in candidates])
    groups.save(file)
    storage.remove(pieces)
    if len(groups.bases):
        number = len(np.unique(groups.lowest))
        log.info(
            "folds: equal texts join %s documents or passages into %s groups",
            *(f"{each:,}" for each in (len(groups.bases) + number, number)),
        )
    return file


def _hash(names: Sequence[Sequence[tuple[str, str, str]]], engine: Engine, output: str, pieces: str, size: int) -> None:
    """One piece for each shard, by the engine. Raises ``UserError`` where one cannot be read."""
    storage.make_folder(pieces)
    for name in storage.names_in(pieces):
        if name.endswith(FAILED):
            storage.remove(storage.join(pieces, name))
    lines = [json.dumps(shard) for shards in names for shard in shards]
    listing = storage.join(output, "_work", "folds.jsonl")
    storage.write_bytes(listing, "".join(line + "\n" for line in lines).encode())

    def look() -> Done:
        return Done(sum(name.endswith(".parquet") for name in storage.names_in(pieces)))

    with shown("folds", len(lines), look, unit="shards"):
        engine.run(lambda pipeline: _hash_graph(pipeline, listing), seconds=size / BYTES_PER_SECOND, parts=len(lines))
    for name in storage.names_in(pieces):
        if name.endswith(FAILED):
            raise UserError(storage.read_bytes(storage.join(pieces, name)).decode())


def _hash_graph(pipeline: Any, listing: str) -> None:
    _ = (
        pipeline
        | "the list of shards" >> beam.Create([listing])
        | "its lines" >> beam.FlatMap(numbered_lines)
        | "spread shards" >> beam.GroupByKey()
        | "hash texts" >> beam.ParDo(HashPairs())
    )


class HashPairs(beam.DoFn):
    """(number, lines ``[shard, sha256, piece]``) -> pieces."""

    def process(self, item: tuple[int, Any]) -> None:
        for line in item[1]:
            shard, sha256, piece = json.loads(line)
            if not storage.exists(piece):
                try:
                    verify(shard, sha256)
                    hash_shard(shard, piece)
                except UserError as error:
                    storage.write_bytes(f"{piece}{FAILED}", str(error).encode())


def hash_shard(shard: str, piece: str) -> None:
    """Write the hashes of the rows of a shard."""
    system, path = storage.locate(shard)
    with (
        system.open_input_file(path) as stream,
        storage.atomic_output(piece) as target,
        pq.ParquetWriter(target, HASHES, compression="none", use_dictionary=False) as writer,
    ):
        file = pq.ParquetFile(stream)
        for group in range(file.num_row_groups):
            hashes = row_hashes(file.read_row_group(group, columns=list(COLUMNS)))
            columns = [pa.array(each) for each in (hashes.queries, hashes.passages, hashes.bases)]
            writer.write_table(pa.Table.from_arrays(columns, schema=HASHES))
