"""Shards: Parquet files of pairs, and the public way to read them.

A shard is sorted by ``pair_id``, zstd-compressed, in row groups of :data:`ROWS_PER_GROUP` rows, which suits trainers
that stream. Shard *i* of *n* holds the pairs whose leading ``pair_id`` bits fall into the *i*-th of *n* equal ranges,
so shards read in order are a global random shuffle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.manifest import MANIFEST_NAME, Manifest, ShardInfo, read_manifest

ROWS_PER_GROUP = 8_192
_UNIQUE_TEXT = ("query", "passage", "pair_id", "query_doc", "passage_doc", "url")


def shard_name(source: str, index: int, count: int) -> str:
    return f"{source}-{index:05d}-of-{count:05d}.parquet"


class ShardWriter:
    """Rows as one Parquet file on a stream. The same rows give the same bytes, in however many tables they come.

    It holds less than one row group, and counts and digests what it writes. Close it to make the file whole.

    >>> with atomic_output(uri) as stream, ShardWriter(stream, schema) as writer:
    ...     writer.write(table)
    ...     info = writer.close("name.parquet")
    """

    def __init__(self, stream: Any, schema: pa.Schema) -> None:
        self._stream, self._schema = _Digested(stream), schema
        self._waiting: list[pa.Table] = []
        self._rows = self._waiting_rows = 0
        self._writer = pq.ParquetWriter(
            self._stream,
            schema,
            compression="zstd",
            compression_level=3,
            use_dictionary=[name for name in schema.names if name not in _UNIQUE_TEXT],
            write_page_index=True,
        )

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:  # else Arrow's writer would end the file when it is collected, on a stream that is gone
            self._stream.lost = True
            self._writer.close()

    def write(self, table: pa.Table) -> None:
        """Add rows; a row group is written when it is full, for it has no rows but the last may have fewer."""
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        if self._waiting_rows >= ROWS_PER_GROUP:
            whole = self._waiting_rows // ROWS_PER_GROUP * ROWS_PER_GROUP
            rows = pa.concat_tables(self._waiting)
            self._write(rows.slice(0, whole))
            self._waiting, self._waiting_rows = [rows.slice(whole)], rows.num_rows - whole

    def _write(self, rows: pa.Table) -> None:
        for start in range(0, rows.num_rows, ROWS_PER_GROUP):
            # In one piece: where the pages of a column end would else depend on the tables.
            self._writer.write_table(rows.slice(start, ROWS_PER_GROUP).combine_chunks())
        self._rows += rows.num_rows

    def close(self, name: str) -> ShardInfo:
        """Write what is left and the footer; what a manifest says of the file ``name``."""
        if self._waiting_rows:  # Hugging Face's reader stumbles over a row group without rows
            self._write(pa.concat_tables(self._waiting))
        self._writer.close()
        return ShardInfo(name, self._rows, self._stream.bytes, self._stream.digest.hexdigest())


class _Digested:
    """A stream to write to that knows how many bytes went through it, and their SHA-256."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.bytes, self.digest = 0, hashlib.sha256()
        self.closed = self.lost = False

    def write(self, data: Any) -> int:
        if not self.lost:
            self.bytes += len(data)
            self.digest.update(data)
            self._stream.write(data)
        return len(data)

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        self._stream.flush()

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        """Whoever opened the stream below closes it."""
        self.closed = True


def encode_shard(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file; the same table gives the same bytes with the same pyarrow."""
    sink = pa.BufferOutputStream()
    with ShardWriter(sink, table.schema) as writer:
        writer.write(table)
        writer.close("")
    return bytes(sink.getvalue())


def write_shard(table: pa.Table, folder: str, name: str) -> ShardInfo:
    """Write a table atomically as ``folder/name``."""
    data = encode_shard(table)
    storage.write_bytes(storage.join(folder, name), data)
    return ShardInfo(name, table.num_rows, len(data), hashlib.sha256(data).hexdigest())


class PairReader:
    """The pairs of one finished source directory, or of several; iterating gives one dict a pair, in shard order.

    Attributes: ``manifests`` (one per source directory), ``schema`` (Arrow).
    """

    def __init__(self, folders: Sequence[str], columns: Sequence[str] | None = None) -> None:
        self._folders = tuple(folders)
        self._columns = list(columns) if columns is not None else None
        self.manifests: tuple[Manifest, ...] = tuple(read_manifest(folder) for folder in folders)

    def __len__(self) -> int:
        return sum(manifest.rows for manifest in self.manifests)

    @property
    def shards(self) -> list[str]:
        """URIs of the Parquet files, in order."""
        return [
            storage.join(folder, shard.name)
            for folder, manifest in zip(self._folders, self.manifests, strict=True)
            for shard in manifest.shards
        ]

    @property
    def schema(self) -> pa.Schema:
        with _open_shard(self.shards[0]) as file:
            schema = file.schema_arrow
        if self._columns is None:
            return schema
        missing = [name for name in self._columns if name not in schema.names]
        if missing:
            raise UserError(f"no column {', '.join(missing)}; the shards have {', '.join(schema.names)}")
        return pa.schema([schema.field(name) for name in self._columns])

    def batches(self, rows: int = ROWS_PER_GROUP) -> Iterator[pa.RecordBatch]:
        """Record batches of at most ``rows`` rows, one shard after the other; memory stays at one row group."""
        self.schema  # noqa: B018 - refuses unknown columns before anything is read
        for uri in self.shards:
            with _open_shard(uri) as file:
                yield from file.iter_batches(batch_size=rows, columns=self._columns)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in self.batches():
            yield from batch.to_pylist()

    def to_table(self) -> pa.Table:
        """Everything as one Arrow table, in memory."""
        return pa.Table.from_batches(list(self.batches()), schema=self.schema)

    def verify(self) -> None:
        """Read every shard and hold its SHA-256 against the manifest; raises ``UserError`` at the first difference."""
        for folder, manifest in zip(self._folders, self.manifests, strict=True):
            for shard in manifest.shards:
                uri = storage.join(folder, shard.name)
                if hashlib.sha256(_shard_bytes(uri)).hexdigest() != shard.sha256:
                    raise UserError(f"{uri} is not what its manifest says (SHA-256 differs); run the build again")


def _shard_bytes(uri: str) -> bytes:
    try:
        return storage.read_bytes(uri)
    except FileNotFoundError:
        raise UserError(f"{uri} is named in the manifest but missing; run the build again") from None


def _open_shard(uri: str) -> pq.ParquetFile:
    system, path = storage.locate(uri)
    try:
        return pq.ParquetFile(system.open_input_file(path))
    except FileNotFoundError:
        raise UserError(f"{uri} is named in the manifest but missing; run the build again") from None
    except pa.ArrowInvalid as error:
        raise UserError(f"{uri} is damaged ({error}); run the build again") from None


STAGE_FOLDERS = ("pairs", "candidates")
"""Where the outputs of judge and of build hold their source directories; the later stage goes first."""


def source_folders(uri: str) -> list[str]:
    """The source directories with a manifest at or directly below ``uri``, or inside a folder of its stages."""
    if storage.exists(storage.join(uri, MANIFEST_NAME)):
        return [uri]
    below = [storage.join(uri, name) for name in storage.names_in(uri)]
    if found := [folder for folder in below if storage.exists(storage.join(folder, MANIFEST_NAME))]:
        return found
    for name in STAGE_FOLDERS:
        inner = storage.join(uri, name)
        if storage.exists(inner) and (found := source_folders(inner)):
            return found
    return []


def read_pairs(uri: str, columns: Sequence[str] | None = None) -> PairReader:
    """Open the pairs under a local path or URI: one source's directory, or an output with several.

    >>> for pair in ccpairs.read_pairs("out/candidates/reddit"):
    ...     print(pair["query"], "->", pair["passage"])

    In the output of ``judge`` they are those that were kept. ``columns`` limits what is read. Raises ``UserError``
    where there is no manifest: such shards are not finished.
    """
    folders = source_folders(uri)
    return PairReader(folders or [uri], columns)
