"""Moving rows through the engine's shuffle in packed form.

A record-by-record GroupByKey costs tens of microseconds a row in Python. Here rows are sorted into partitions as Arrow
columns, each partition's rows travel as zstd-compressed Arrow blobs under the partition's number, and one GroupByKey
brings the blobs of a partition together: the same shuffle, a fraction of the cost and of the bytes. A partition is one
record in an engine's worker, so partitions are planned to :data:`PARTITION_BYTES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from ccpairs import storage

PARTITION_BYTES = 64 << 20
"""Rows of one partition or shard, uncompressed; an engine holds one such group at a time in a worker."""

PARTITIONS_WANTED = 64
SMALLEST_PARTITION = 4 << 20
"""Data too small for that many partitions of ``PARTITION_BYTES`` gets smaller ones, but none below this size."""

BUFFER_BYTES = 64 << 20
BUFFER_ROWS = 500_000
BLOB_BYTES = 4 << 20
"""Rows of one blob, uncompressed: small enough for an engine's sort buffers."""

_IPC = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=1))
_MIX = np.uint64(0x9E3779B97F4A7C15)


def partitions_for(total_bytes: int) -> int:
    """How many partitions keep a group at or below the size planned for, and give every core several of them."""
    return max(1, -(-total_bytes // PARTITION_BYTES), min(PARTITIONS_WANTED, -(-total_bytes // SMALLEST_PARTITION)))


def pack(table: pa.Table) -> Iterator[bytes]:
    """A table as self-describing compressed blobs of bounded size."""
    rows = max(1, int(table.num_rows * BLOB_BYTES / max(table.nbytes, 1)))
    for start in range(0, table.num_rows, rows):
        part = table.slice(start, rows).combine_chunks()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, part.schema, options=_IPC) as writer:
            writer.write_table(part)
        yield sink.getvalue().to_pybytes()


def unpack(blobs: Iterable[bytes]) -> pa.Table:
    """The rows of all blobs as one table; blobs must share one schema."""
    return pa.concat_tables(map(open_blob, blobs))


def open_blob(blob: bytes) -> pa.Table:
    """The rows of one blob."""
    return pa.ipc.open_stream(blob).read_all()


def split_by(table: pa.Table, partition: np.ndarray[Any, Any]) -> Iterator[tuple[int, pa.Table]]:
    """The rows of each partition, given the partition number of every row."""
    order = np.argsort(partition, kind="stable")
    numbers, starts = np.unique(partition[order], return_index=True)
    ends = np.append(starts, len(order))[1:]
    table = table.take(pa.array(order))
    for number, start, end in zip(numbers, starts, ends, strict=True):
        yield int(number), table.slice(start, end - start)


def partition_of_keys(table: pa.Table, partitions: int) -> np.ndarray[Any, Any]:
    """The partition of every row by its ``int64`` column ``key``; equal keys share one."""
    keys = table.column("key").to_numpy().astype(np.int64).view(np.uint64)
    mixed = keys * _MIX
    mixed ^= mixed >> np.uint64(32)
    numbers: np.ndarray[Any, Any] = (mixed * _MIX >> np.uint64(32)) % np.uint64(partitions)
    return numbers.astype(np.int64)


def at_end(value: Any) -> Any:
    """An element for ``finish_bundle``."""
    return WindowedValue(value, MIN_TIMESTAMP, [GlobalWindow()])


class TableBuffer:
    """Collects tables until there is enough to be worth splitting."""

    def __init__(self) -> None:
        self._tables: list[pa.Table] = []
        self._rows = self._bytes = 0

    def add(self, table: pa.Table) -> bool:
        """Add a table; true when the buffer should be emptied."""
        self._tables.append(table)
        self._rows += table.num_rows
        self._bytes += table.nbytes
        return self._rows >= BUFFER_ROWS or self._bytes >= BUFFER_BYTES

    def take(self) -> pa.Table | None:
        table = pa.concat_tables(self._tables) if self._rows else None
        self._tables, self._rows, self._bytes = [], 0, 0
        return table


class PackByKey(beam.DoFn):
    """Tables -> (partition, blob). ``reduce`` (table -> table) may drop rows that cannot win before they travel."""

    def __init__(self, partitions: int, reduce: Callable[[pa.Table], pa.Table] | None) -> None:
        self._partitions, self._reduce = partitions, reduce

    def start_bundle(self) -> None:
        self._buffer = TableBuffer()

    def process(self, table: pa.Table) -> Iterator[tuple[int, bytes]]:
        if self._buffer.add(table):
            yield from self._blobs()

    def finish_bundle(self) -> Iterator[Any]:
        yield from map(at_end, self._blobs())

    def _blobs(self) -> Iterator[tuple[int, bytes]]:
        table = self._buffer.take()
        if table is None:
            return
        if self._reduce is not None:
            table = self._reduce(table)
        for number, part in split_by(table, partition_of_keys(table, self._partitions)):
            for blob in pack(part):
                yield number, blob


class Together(beam.PTransform):
    """Tables with a ``key`` column in, tables out in which all rows of a key stand together (a join's shuffle)."""

    def __init__(
        self, partitions: int, reduce: Callable[[pa.Table], pa.Table] | None = None, label: str | None = None
    ) -> None:
        super().__init__(label)
        self._partitions, self._reduce = partitions, reduce

    def expand(self, tables: Any) -> Any:
        return (
            tables
            | "pack rows by partition"
            >> beam.ParDo(PackByKey(self._partitions, self._reduce)).with_output_types(tuple[int, bytes])
            | "bring partitions together" >> beam.GroupByKey()
            | "unpack rows" >> beam.MapTuple(lambda _, blobs: unpack(blobs))
        )


class ReadTables(beam.DoFn):
    """(number, [(parquet uri, first row group, end)]) -> the tables in them, a row group at a time."""

    def process(self, group: tuple[int, Iterable[tuple[str, int, int]]]) -> Iterator[pa.Table]:
        for uri, first, end in group[1]:
            system, path = storage.locate(uri)
            with system.open_input_file(path) as stream:
                file = pq.ParquetFile(stream)
                for number in range(first, end):
                    table = file.read_row_group(number)
                    # A reader's metadata differs from file to file (footers); rows of all files must concatenate.
                    yield table.replace_schema_metadata(None)
