"""Files of rows, whichever their format: Parquet, JSON lines, CSV and TSV, the last three compressed or not.

Rows are read some thousand at a time, so memory does not grow with a file. A file that cannot be read is a
``UserError`` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json
import pyarrow.parquet as pq
import xxhash
from pyarrow import fs as arrow_fs

from ccpairs.errors import DamagedInput, UserError
from ccpairs.object_stores import reason_of
from models.trainer.columns import is_list, is_text

ROWS_AT_ONCE = 8_192
BLOCK_BYTES = 1 << 23
"""Bytes of text that are parsed at once; a row of CSV is no longer than that."""

WHOLE_BYTES = 1 << 26
PIECES, PIECE_BYTES = 16, 1 << 20
"""A Parquet file above ``WHOLE_BYTES`` is told from others by its size, its footer and this many pieces."""

FORMS = {
    ".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".csv": "csv", ".tsv": "tsv",
}  # fmt: skip
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
NAMED_ONLY = ".json"
"""Read where it is named; in folders it is mostly a list of files or of settings."""

OpenHttp = Callable[[str], BinaryIO]


def form_of(name: str) -> str | None:
    """``parquet``, ``jsonl``, ``csv`` or ``tsv`` by the end of a name; None for any other."""
    path = PurePosixPath(name.lower())
    form = FORMS.get(path.with_suffix("").suffix if path.suffix in COMPRESSIONS else path.suffix)
    return None if form == "parquet" and path.suffix in COMPRESSIONS else form


@dataclass(frozen=True)
class TableFile:
    """``uri`` without secrets, for messages. ``path`` lies in ``system``; without one it is opened by ``http``."""

    uri: str
    path: str
    form: str
    system: Any = field(default=None, compare=False)
    http: OpenHttp | None = field(default=None, compare=False)

    def is_regular(self) -> bool:
        """Others, such as a FIFO, may keep a reader waiting for ever."""
        return self.system is None or self.system.get_file_info(self.path).type == arrow_fs.FileType.File

    def schema(self) -> pa.Schema:
        """Names and types of the columns; CSV's are all text, and those of JSON are of its first rows."""
        with self._readable():
            if self.form == "parquet":
                with self._open() as stream:
                    return pq.ParquetFile(stream).schema_arrow
            with self._open_text() as stream:
                if self.form == "jsonl":
                    first, _ = next(_blocks(stream), (b"", 0))
                    return pa.schema([field.with_type(_json_type(field.type)) for field in _parsed(first).schema])
                names = self._csv(stream, None).schema.names
                return pa.schema([(name, pa.string()) for name in names])

    def batches(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Some columns of all rows in order."""
        with self._readable():
            if self.form == "parquet":
                with self._open() as stream:
                    opened = pq.ParquetFile(stream)
                    for batch in opened.iter_batches(batch_size=ROWS_AT_ONCE, columns=list(columns)):
                        yield pa.Table.from_batches([batch])
                return
            schema = self.schema()
            wanted = pa.schema([schema.field(name) for name in columns])
            with self._open_text() as stream:
                for table in self._text_tables(stream, wanted):
                    for first in range(0, table.num_rows, ROWS_AT_ONCE):
                        yield table.slice(first, ROWS_AT_ONCE)

    def rows(self, columns: Sequence[str]) -> int:
        """How many rows there are; text must be read for it, which shows a row that cannot be read."""
        if self.form == "parquet":
            with self._readable(), self._open() as stream:
                return int(pq.ParquetFile(stream).metadata.num_rows)
        return sum(table.num_rows for table in self.batches(columns))

    def digest(self) -> str:
        """What tells the content from others, wherever a copy lies and whenever it was made."""
        with self._readable(), self._open() as stream:
            size = stream.size() if self.form == "parquet" else 0  # a server may give text from its beginning only
            hasher = xxhash.xxh3_128()
            if size <= WHOLE_BYTES:
                size = 0
                while block := stream.read(PIECE_BYTES):
                    hasher.update(block)
                    size += len(block)
            else:
                footer = int.from_bytes(stream.read_at(4, size - 8), "little")
                hasher.update(stream.read_at(footer + 8, size - footer - 8))
                for number in range(PIECES):
                    hasher.update(stream.read_at(PIECE_BYTES, (size - PIECE_BYTES) * number // (PIECES - 1)))
            return f"{size} {hasher.hexdigest()}"

    def _open(self) -> Any:
        if self.system is None:
            assert self.http is not None
            return pa.PythonFile(self.http(self.path), mode="r")
        return self.system.open_input_file(self.path)

    def _open_text(self) -> Any:
        suffix = PurePosixPath(self.uri.lower()).suffix
        raw = self._open()
        return pa.CompressedInputStream(raw, COMPRESSIONS[suffix]) if suffix in COMPRESSIONS else raw

    def _text_tables(self, stream: Any, schema: pa.Schema) -> Iterator[pa.Table]:
        if self.form != "jsonl":
            for batch in self._csv(stream, schema.names):
                yield pa.Table.from_batches([batch])
            return
        for block, lines in _blocks(stream):
            try:
                yield _parsed(block, schema)
            except pa.ArrowInvalid as error:
                raise pa.ArrowInvalid(f"{error} of the part that begins at line {lines + 1:,}") from None

    def _csv(self, stream: Any, columns: Sequence[str] | None) -> Any:
        return pa_csv.open_csv(
            stream,
            pa_csv.ReadOptions(block_size=BLOCK_BYTES),
            pa_csv.ParseOptions(delimiter="\t" if self.form == "tsv" else ",", newlines_in_values=True),
            pa_csv.ConvertOptions(include_columns=columns, column_types=dict.fromkeys(columns or (), pa.string())),
        )

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise UserError(f"{self.uri} is missing; name a file that is there") from None
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError, OSError, EOFError) as error:
            kind = {"parquet": "Parquet", "jsonl": "JSON lines", "csv": "CSV", "tsv": "TSV"}[self.form]
            reason = reason_of(error)
            raise UserError(f"{self.uri} is no {kind} file, or a damaged one ({reason}); make it again") from None
        except DamagedInput as error:
            raise UserError(f"{self.uri}: {error}") from None


def _blocks(stream: Any) -> Iterator[tuple[bytes, int]]:
    """Whole lines, about :data:`BLOCK_BYTES` at a time, and how many lines went before them."""
    rest, lines, is_first = b"", 0, True
    while True:
        read = stream.read(BLOCK_BYTES)
        block = rest + read
        if is_first and block.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
            raise pa.ArrowInvalid("it is one JSON array; write an object a line, as jq -c '.[]' does")
        if is_first:
            block, is_first = block.removeprefix(b"\xef\xbb\xbf"), False
        end = block.rfind(b"\n") + 1 if read else len(block)
        rest = block[end:]
        if block[:end].strip():
            yield block[:end], lines
        lines += block.count(b"\n", 0, end)
        if not read:
            return


def _parsed(block: bytes, schema: pa.Schema | None = None) -> pa.Table:
    """Lines of JSON as a table: of all columns, or of those of a schema."""
    if not block:
        return pa.table({})
    handling = "infer" if schema is None else "ignore"
    return pa_json.read_json(
        pa.BufferReader(block),
        pa_json.ReadOptions(block_size=len(block) + 1),
        pa_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior=handling),
    )


def _json_type(kind: pa.DataType) -> pa.DataType:
    """The type of a column of JSON: text that looks like a date is text, and so is one whose first rows are null."""
    if is_list(kind):
        return pa.list_(_json_type(kind.value_type))
    return pa.string() if is_text(kind) or pa.types.is_timestamp(kind) or pa.types.is_null(kind) else kind
