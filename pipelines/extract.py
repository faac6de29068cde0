"""Extract: one input file (or one split of it) in, one typed Parquet extract out.

The extract's name derives from the input's identity and the settings that shaped it, so a rerun redoes only what is
missing or changed. Its footer holds the counts of the file. Rejects go to a Parquet file beside it, which is written
first; a file that fails leaves a ``.failed.json`` with the reason instead, and the next run tries it again.
"""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from ccpairs import storage
from ccpairs.addresses import hide_secrets, secrets_in
from ccpairs.errors import DamagedInput
from ccpairs.exhaustion import explain, is_out_of_memory
from ccpairs.local_files import one_line, open_regular
from ccpairs.pair import to_column
from ccpairs.version import __version__
from pipelines.content_kind import check_records, explained
from pipelines.inputs import InputFile
from pipelines.rejects import REJECT_SCHEMA, SAMPLE_PER_REASON, RejectLog, reject_row, rejects_table, sample_key
from pipelines.source import MALFORMED, OPTED_OUT, Failure, Partial, Reject, Row, Source

LAYOUT = 1
"""Version of what this module writes; raise it when old extracts can no longer be used."""

FOOTER = b"ccpairs"
ROWS_PER_BATCH = 16_384
BYTES_PER_BATCH = 32 << 20
SECONDS_BETWEEN_PROGRESS = 2.0
PROGRESS = ".progress"
"""Ending of a small file that says how far an extract is; it is removed when the extract is done."""


@dataclass(frozen=True)
class ExtractTask:
    """A file to extract and where its extract goes (``target`` without its ending)."""

    source: str
    file: InputFile
    target: str

    @property
    def extract(self) -> str:
        return self.target + ".parquet"

    @property
    def rejects(self) -> str:
        return self.target + ".rejects.parquet"

    @property
    def failure(self) -> str:
        return self.target + ".failed.json"

    @property
    def progress(self) -> str:
        return self.target + PROGRESS

    def to_json(self) -> str:
        """The task without the address of its file, which may hold secrets."""
        values = dataclasses.asdict(self)
        del values["file"]["meter"], values["file"]["address"]
        return json.dumps(values)

    @staticmethod
    def from_json(text: str, addresses: Mapping[str, str] = MappingProxyType({})) -> ExtractTask:
        """``addresses``: target -> address of the file, where that is another than its ``uri``."""
        values = json.loads(text)
        address = addresses.get(values["target"], values["file"]["uri"])
        return ExtractTask(values["source"], InputFile(**values["file"], address=address), values["target"])


@dataclass(frozen=True)
class ExtractCounts:
    """The counts of one extract, kept in its footer: ``read == kept + rejected + failed`` in records of the file.

    ``rows`` came out of the kept records, ``kinds`` counts them by the extract's ``kind`` column (joined sources),
    ``bytes`` is their size in memory: what a shuffle has to carry.
    """

    read: int = 0
    kept: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    """Parts of kept records, by reason."""
    rows: int = 0
    bytes: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    sha256: str | None = None


def settings_of(source: Source) -> dict[str, Any]:
    return {**dataclasses.asdict(source.extract), "opt_out": source.opt_out.digest()}


def extract_name(source: Source, file: InputFile, rejected: str) -> str:
    """Base name of a file's extract: readable, then a hash of all that shapes it."""
    identity = [
        *(__version__, LAYOUT, source.name, source.extract_version, settings_of(source), source.extract_schema.names),
        *(file.uri, file.form, file.size, file.version, file.begin, file.end, file.limit, rejected, SAMPLE_PER_REASON),
        *([file.query] if file.query else []),
    ]
    digest = xxhash.xxh3_64_hexdigest(json.dumps(identity, sort_keys=True, default=str).encode())
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", file.name).lstrip("._")[:80] or "input"
    return f"{stem}-{digest}"


class RowWriter:
    """Buffers rows and writes them as record batches; memory stays at one batch."""

    def __init__(self, stream: Any, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(stream, schema, compression="zstd", compression_level=1)
        self._kind = schema.get_field_index("kind")
        self.buffer: list[Row] = []
        self.rows = 0
        self.bytes = 0
        self.kinds: Counter[str] = Counter()

    def flush(self) -> None:
        if not self.buffer:
            return
        columns = zip(*self.buffer, strict=True)
        arrays = [to_column(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._writer.write_batch(batch)
        self.rows += batch.num_rows
        self.bytes += batch.nbytes
        if self._kind >= 0:
            self.kinds.update(row[self._kind] for row in self.buffer)
        self.buffer.clear()

    def close(self, footer: bytes) -> None:
        self._writer.add_key_value_metadata({FOOTER: footer})
        self._writer.close()

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()  # while its stream is open; left to the garbage collector, it would complain


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cycles once in many records: rows hold none, and a buffer full of them takes long to look through."""
    usual = gc.get_threshold()
    gc.set_threshold(10 * ROWS_PER_BATCH, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


class FileExtraction:
    """Reads one file to its end and counts every outcome."""

    def __init__(self, source: Source, task: ExtractTask, rejected: str) -> None:
        self._source, self._task, self._file = source, task, task.file
        self._log = RejectLog(rejected)
        self._keeps_all_rejects = rejected == "all"
        self._open_rejects = ExitStack()
        self._reject_writer: Any = None
        self._seed = sample_key(self._file.name, self._file.begin)
        self._read = self._kept = 0
        self._rejected: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._first_malformed: str | None = None
        self._next_progress = time.monotonic() + SECONDS_BETWEEN_PROGRESS
        self._batch_start = 0

    def run(self) -> ExtractCounts:
        """Write the extract and its rejects; raises ``DamagedInput`` and then leaves neither."""
        schema = self._source.extract_schema
        with (
            rare_collections(),
            storage.atomic_output(self._task.extract) as stream,
            RowWriter(stream, schema) as writer,
        ):
            with self._open_rejects:
                self._consume(writer)
                writer.flush()
                counts = self._counts(writer)
                self._write_rejects()
            writer.close(json.dumps(dataclasses.asdict(counts)).encode())
        return counts

    def _write_rejects(self) -> None:
        if not len(self._log):
            return
        if self._reject_writer is None:
            stream = self._open_rejects.enter_context(storage.atomic_output(self._task.rejects))
            self._reject_writer = self._open_rejects.enter_context(
                pq.ParquetWriter(stream, REJECT_SCHEMA, compression="zstd")
            )
        self._reject_writer.write_table(rejects_table(self._log.drain()))

    def _consume(self, writer: RowWriter) -> None:
        """Count and buffer every outcome. The loop is the hot one: what need not run for each record does not."""
        outcomes = self._source.read(self._file)
        add_rows, buffer, read = writer.buffer.extend, writer.buffer, 0
        for outcome in islice(outcomes, self._file.limit):
            read += 1
            kind = type(outcome)
            if kind is Reject:
                self._read = read
                self._reject(outcome)  # type: ignore[arg-type]
            elif kind is Failure:
                self._read = read
                self._fail(outcome)  # type: ignore[arg-type]
            elif kind is Partial:
                self._read = read
                self._kept += 1
                self._leave_out(outcome.left_out)  # type: ignore[union-attr]
                add_rows(outcome)  # type: ignore[arg-type]
            else:
                self._kept += 1
                add_rows(outcome)  # type: ignore[arg-type]
            if len(buffer) >= ROWS_PER_BATCH or not read & 15:
                self._now_and_then(writer, read)
        self._read = read
        outcomes.close()  # type: ignore[attr-defined]  # a generator; lets readers end their children

    def _now_and_then(self, writer: RowWriter, read: int) -> None:
        if len(writer.buffer) >= ROWS_PER_BATCH or self._bytes_since_batch() >= BYTES_PER_BATCH:
            writer.flush()
            if self._keeps_all_rejects:  # a sample is small and is chosen when the file has ended
                self._write_rejects()
            self._batch_start = self._file.meter.text_bytes + self._file.meter.raw_bytes
        if not read & 1023 and time.monotonic() > self._next_progress:
            self._show_progress()

    def _leave_out(self, parts: Iterable[Reject]) -> None:
        """Count parts of a record that is kept, and log some of them among the rejects."""
        for part in parts:
            self._left_out[part.reason] += part.records
            self._sample(part)

    def _fail(self, failure: Failure) -> None:
        self._failed[failure.reason] += 1
        self._sample(Reject(failure.reason, detail=failure.detail, position=failure.position))

    def _bytes_since_batch(self) -> int:
        meter = self._file.meter
        return meter.text_bytes + meter.raw_bytes - self._batch_start

    def _reject(self, reject: Reject) -> None:
        self._rejected[reject.reason] += 1
        if reject.reason == MALFORMED and self._first_malformed is None:
            self._first_malformed = reject.detail or "no detail"
        self._sample(reject)

    def _sample(self, reject: Reject) -> None:
        # The hash of the record's number, seeded by its file: a reject that is not kept must cost next to nothing.
        key = xxhash.xxh3_64_intdigest(b"%d" % self._read, self._seed)
        if self._log.wants("extract", reject.reason, key):
            if reject.reason == OPTED_OUT:  # whoever asked to be left out is not kept among the rejects either
                reject = Reject(OPTED_OUT)
            reject = self._source.anonymised(reject)
            position = f"{self._source.unit} {self._read}"
            self._log.add(
                reject_row("extract", self._source.name, reject, key, file=self._file.name, position=position)
            )

    def _show_progress(self) -> None:
        self._next_progress = time.monotonic() + SECONDS_BETWEEN_PROGRESS
        storage.write_bytes(self._task.progress, str(self._file.meter.raw_bytes).encode())

    def _counts(self, writer: RowWriter) -> ExtractCounts:
        lost = self._read - self._kept - sum(self._rejected.values()) - sum(self._failed.values())
        inside = self._file.meter.records
        if lost or (inside is not None and self._file.limit is None and inside != self._read):
            raise AssertionError(
                f"{self._file.uri}: {inside} records inside, {self._read} read, {lost} unaccounted for"
            )
        sha256 = self._digest()
        if self._file.limit is None:
            self._file.check_unchanged()
        if not self._read:
            raise DamagedInput(f"{self._file.name}: holds no {self._source.unit}; remove it, or fetch it again")
        check_records(
            self._file,
            self._source.unit,
            read=self._read,
            kept=self._kept,
            malformed=self._rejected[MALFORMED],
            first=self._first_malformed,
        )
        return ExtractCounts(
            read=self._read,
            kept=self._kept,
            rejected=dict(sorted(self._rejected.items())),
            failed=dict(sorted(self._failed.items())),
            left_out=dict(sorted(self._left_out.items())),
            rows=writer.rows,
            bytes=writer.bytes,
            kinds=dict(sorted(writer.kinds.items())),
            sha256=sha256,
        )

    def _digest(self) -> str | None:
        """The SHA-256 of the whole file: from reading it, or from reading it once more where it is at hand."""
        file = self._file
        if file.meter.sha256 or file.limit is not None or file.begin or "://" in file.uri:
            return file.meter.sha256
        try:
            with open_regular(file.uri) as raw:
                return hashlib.file_digest(raw, "sha256").hexdigest()
        except OSError as error:
            raise DamagedInput(f"{file.uri}: cannot be read again ({error.strerror}); put it back") from None


def extract_file(source: Source, task: ExtractTask, rejected: str = "sample") -> ExtractCounts | None:
    """Extract one file; None where the file is damaged (``task.failure`` then says why)."""
    counts = reason = None
    try:
        counts = FileExtraction(source, task, rejected).run()
    except Exception as error:
        if (reason := why_failed(task.file, error)) is None:
            raise
    finally:
        storage.remove(task.progress)
    if reason is None:
        storage.remove(task.failure)
    else:  # here, where what the file took of the memory is free again
        line = one_line(hide_secrets(" ".join(reason.split()), secrets_in([task.file.address])))
        storage.write_bytes(task.failure, json.dumps({"error": line}).encode())
    return counts


def why_failed(file: InputFile, error: Exception) -> str | None:
    """Why one file failed: damaged, changed, or too large for the memory; None where it is no fault of the file."""
    if not is_out_of_memory(error):
        return str(explained(cause_of(error, file), file)) if isinstance(error, DamagedInput) else None
    less_memory = "use fewer processes (--direct_num_workers=1)"
    if "zstandard" in str(error).lower():
        less_memory = (
            "its zstd window of up to 2 GiB needs so much memory, or a folder on a disk with so much room: name one in "
            f"TMPDIR (now {tempfile.gettempdir()})"
        )
    return f"{file.name}: after {file.meter.raw_bytes:,} raw bytes, {explain(error, less_memory)}"


def cause_of(error: DamagedInput, file: InputFile) -> DamagedInput:
    """The error, or that the file changed while it was read, which explains any other."""
    try:
        file.check_unchanged()
    except DamagedInput as changed:
        return changed
    return error


def read_counts(extract: str) -> ExtractCounts:
    """The counts in the footer of an extract."""
    system, path = storage.locate(extract)
    with system.open_input_file(path) as stream:
        metadata = pq.ParquetFile(stream).metadata.metadata
    return ExtractCounts(**json.loads(metadata[FOOTER]))


def read_failure(task: ExtractTask) -> str:
    """Why a task has no extract."""
    try:
        return str(json.loads(storage.read_bytes(task.failure))["error"])
    except FileNotFoundError:
        return f"{task.file.name}: left no extract and no reason; run the command again"


class ExtractFiles(beam.DoFn):
    """Extracts the files of one group (Beam side of :func:`extract_file`).

    Addresses with secrets are not in the list of tasks, which is a file, but travel inside the job.
    """

    def __init__(self, sources: dict[str, Source], rejected: str, addresses: dict[str, str]) -> None:
        self._sources, self._rejected, self._addresses = sources, rejected, addresses

    def process(self, group: tuple[int, Iterable[str]]) -> Iterator[str]:
        for line in group[1]:
            task = ExtractTask.from_json(line, self._addresses)
            extract_file(self._sources[task.source], task, self._rejected)
            yield task.target
