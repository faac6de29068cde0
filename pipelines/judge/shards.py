"""Judged shards: a file of kept and one of dropped pairs from one candidate shard, and a note that both are done.

``judge`` (:mod:`pipelines.judge.judge_shards`) and ``refilter`` (:mod:`pipelines.judge.redecide`) write them by this
code, which needs no model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.exhaustion import is_out_of_memory
from ccpairs.manifest import ShardInfo
from ccpairs.pair import JUDGED_SCHEMA
from ccpairs.shards import ROWS_PER_GROUP, ShardWriter
from filters.consistency import Consistency
from pipelines.judge.candidates import verify
from pipelines.judge.tally import Tally


@dataclass(frozen=True)
class ShardTask:
    """One shard: where its rows are, and where they go. ``key`` is a hash of everything that shapes the result.

    ``shard``: the candidate shard, or the files of kept and dropped rows to decide about again; ``sha256`` of each.
    ``before``: the file of what an earlier round kept of it.
    """

    source: str
    shard: tuple[str, ...]
    sha256: tuple[str, ...]
    kept: str
    dropped: str
    note: str
    key: str
    before: str | None = None

    @property
    def failure(self) -> str:
        """Where the line is left that says why the shard failed."""
        return f"{self.note}.failed"

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> ShardTask:
        values = json.loads(line)
        return cls(**{**values, "shard": tuple(values["shard"]), "sha256": tuple(values["sha256"])})


class Note(NamedTuple):
    """What came of a shard; it is written last."""

    key: str
    kept: ShardInfo
    dropped: ShardInfo
    tally: Tally


def found_notes(tasks: Sequence[ShardTask]) -> list[Note | None]:
    """Of each shard its note, where it was done with the same settings and its files are there."""
    folders = {uri.rpartition("/")[0] for task in tasks for uri in (task.kept, task.dropped)}
    sizes = {folder: storage.sizes_in(folder) for folder in folders}

    def size(uri: str) -> int | None:
        folder, _, name = uri.rpartition("/")
        return sizes[folder].get(name)

    def found(task: ShardTask) -> Note | None:
        try:
            values = json.loads(storage.read_bytes(task.note))
            kept, dropped = ShardInfo(**values["kept"]), ShardInfo(**values["dropped"])
            note = Note(values["key"], kept, dropped, Tally.of(values["tally"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        whole = size(task.kept) == note.kept.bytes and size(task.dropped) == note.dropped.bytes
        return note if note.key == task.key and whole else None

    return [found(task) for task in tasks]


def try_split(tables: Iterator[pa.Table], rule: Consistency, task: ShardTask) -> None:
    """:func:`write_split`; a line that the user can mend is left for the command, and the other shards go on."""
    try:
        for uri, sha256 in zip(task.shard, task.sha256, strict=True):
            verify(uri, sha256)
        write_split(tables, rule, task)
    except UserError as error:
        storage.write_bytes(task.failure, str(error).encode())


def begin(tasks: Sequence[ShardTask], listing: str) -> None:
    """Write the list of shards to do, and forget what an earlier try left of them."""
    for task in tasks:
        storage.remove(task.note)
        storage.remove(task.failure)
    storage.write_bytes(listing, "".join(task.to_json() + "\n" for task in tasks).encode())


def raise_failures(tasks: Sequence[ShardTask]) -> None:
    """Raise ``UserError`` with the first failure of these shards, if any failed."""
    failed = [task for task in tasks if storage.exists(task.failure)]
    if failed:
        others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise UserError(f"{storage.read_bytes(failed[0].failure).decode()}{others}")


def row_groups(uri: str, schema: pa.Schema) -> Iterator[pa.Table]:
    """The row groups of a shard as tables. Raises ``UserError`` where it cannot be read."""
    try:
        system, path = storage.locate(uri)
        with system.open_input_file(path) as stream:
            for batch in pq.ParquetFile(stream).iter_batches(batch_size=ROWS_PER_GROUP):
                yield pa.Table.from_batches([batch]).cast(schema)
    except (OSError, pa.ArrowException, ValueError) as error:
        if is_out_of_memory(error):
            raise
        raise UserError(f"{uri} cannot be read ({error}); make it again") from None


def write_split(tables: Iterator[pa.Table], rule: Consistency, task: ShardTask) -> None:
    """Write the rows that a rule keeps in one file and all others in another, in their order; then the note."""
    tally, before = Tally(), kept_before(task.before)
    name = task.kept.rpartition("/")[2]
    with (
        storage.atomic_output(task.kept) as kept_file,
        storage.atomic_output(task.dropped) as dropped_file,
        ShardWriter(kept_file, JUDGED_SCHEMA) as kept,
        ShardWriter(dropped_file, JUDGED_SCHEMA) as dropped,
    ):
        for table in tables:
            keep = pa.array(tally.count(table, rule, before))
            kept.write(table.filter(keep))
            dropped.write(table.filter(pc.invert(keep)))
        infos = [writer.close(name) for writer in (kept, dropped)]
    values = {"key": task.key, "kept": asdict(infos[0]), "dropped": asdict(infos[1]), "tally": tally.told()}
    storage.write_bytes(task.note, json.dumps(values).encode())


def kept_before(uri: str | None) -> frozenset[str] | None:
    """The pair ids in a file of kept rows."""
    if uri is None:
        return None
    system, path = storage.locate(uri)
    return frozenset(pq.read_table(path, filesystem=system, columns=["pair_id"]).column("pair_id").to_pylist())
