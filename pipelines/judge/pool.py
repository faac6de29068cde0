"""The pool: the pairs among which ranks are counted, drawn by lowest hash.

::

    shards ──one by one──> pieces: rows of a hash below a threshold ──> the lowest N of all pieces

The threshold follows from the rows that the manifests state, so that the pieces hold a few more than N. Which pairs are
drawn hangs on their ids alone, not on shards or workers.

A pool is a folder: ``rows.parquet`` with the texts by source and pair id, arrays with a hash or a number of each
member, and ``pool.json``, written last. Arrays, and vectors made later, are in the order of the hash: a random order,
in which the start of a pool is like its whole. ``place.npy`` tells where in it a row stands.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.pair import PAIR_SCHEMA
from filters.folds import Hashes
from models.encoders import Role
from pipelines.engine import Engine
from pipelines.judge.candidates import Candidates, verify
from pipelines.judge.identity import pair_hashes, row_hashes
from pipelines.progress import Done, shown
from pipelines.shard_run import digest

if TYPE_CHECKING:  # it loads torch, and --help works without
    from models.ranks import Keys

ROLES: tuple[Role, Role] = ("query", "passage")
COLUMNS = ("source", "pair_id", "query", "passage", "query_doc", "passage_doc")
KEY = pa.field("key", pa.uint64(), nullable=False)
PIECE_SCHEMA = pa.schema([KEY, *(PAIR_SCHEMA.field(name) for name in COLUMNS)])
ROWS_AT_ONCE = 8_192
SAMPLE_BYTES_PER_SECOND = 200 << 20
FACTS = "pool.json"
FAILED = ".failed"
HIGHEST = (1 << 64) - 1
REPEATED = np.uint64(1)
"""In the place of the hash of a text that is no competitor of any pair."""
VERSION = 2
"""Changes when the same candidates would give another pool."""

log = logging.getLogger("ccpairs")


class PoolPlan(NamedTuple):
    """A pool to be drawn: its name (``all``, or a source's), how many pairs at most, and from which candidates."""

    name: str
    wanted: int
    candidates: tuple[Candidates, ...]

    @property
    def rows(self) -> int:
        return sum(each.manifest.rows for each in self.candidates)

    @property
    def identity(self) -> str:
        """The same for the same draw: from other shards of the same pairs it may be another."""
        return digest([VERSION, self.wanted, [[each.source, each.identity] for each in self.candidates]])


@dataclass(frozen=True)
class Pool:
    """A pool that lies ready. ``fingerprint`` changes when a text or document of any member does."""

    folder: Path
    name: str
    rows: int
    wanted: int
    candidates: int
    fingerprint: str

    @cached_property
    def place(self) -> NDArray[np.int64]:
        """Where in the arrays each row of the file stands, int64 [rows]."""
        return self._array("place")

    def texts(self, role: Role) -> Hashes:
        """Hashes of the members' texts on one side, uint64 [rows]."""
        return self._array(f"{role}-texts")

    def competitors(self, role: Role) -> Hashes:
        """The same, with :data:`REPEATED` for a text that a member before has, too: a text competes once.

        Where the same answer stands with a title and with the question's body, each would otherwise count it twice.
        """
        return self._array(f"{role}-competitors")

    def keys(self, role: Role) -> Keys:
        """The keys of the competitors: hashes of all texts and documents of all members with the competitor's text.

        A pair with one of these texts or documents has the competitor's text as a right answer, or comes from the same
        place: they say nothing against each other.
        """
        from models.ranks import Keys

        return Keys(self._array(f"{role}-key-starts"), self._array(f"{role}-keys"))

    @cached_property
    def documents(self) -> Hashes:
        """Hashes of the members' documents, of query and passage, uint64 [rows, 2]; 0 for none."""
        return self._array("documents")

    def batches(self, columns: Sequence[str], rows: int = ROWS_AT_ONCE) -> Iterator[pa.RecordBatch]:
        """The rows of the file, some thousand at a time."""
        with pq.ParquetFile(self.folder / "rows.parquet") as file:
            yield from file.iter_batches(batch_size=rows, columns=list(columns))

    def _array(self, name: str) -> NDArray[Any]:
        array: NDArray[Any] = np.load(self.folder / f"{name}.npy", mmap_mode="r" if self.rows else None)
        return array


def make_pools(plans: Sequence[PoolPlan], engine: Engine, output: str, work: Path) -> list[Pool]:
    """Draw the pools that are not there yet; ``work`` is a local folder, pieces pass through ``output``."""
    draws = [_Draw(plan, work, output) for plan in plans]
    missing = [draw for draw in draws if not (draw.place / FACTS).is_file()]
    if len(missing) < len(draws):
        log.info("pool: found done (%s)", ", ".join(draw.plan.name for draw in draws if draw not in missing))
    while missing:
        _sample(missing, engine, output)
        for draw in missing:
            _assemble(draw)
            storage.remove(draw.pieces)
        missing = [draw.with_more() for draw in missing if not (draw.place / FACTS).is_file()]
    return [open_pool(draw.place) for draw in draws]


class _Draw:
    """One pool in the making; ``more`` times the pieces that are expected to do."""

    def __init__(self, plan: PoolPlan, work: Path, output: str, more: float = 1.0) -> None:
        self.plan, self.more, self._work, self._output = plan, more, work, output
        self.place = work / "pool" / f"{plan.name}-{plan.identity[:16]}"
        self.pieces = storage.join(output, "_work", "pool-pieces", f"{self.place.name}-{more:g}")

    def with_more(self) -> _Draw:
        return _Draw(self.plan, self._work, self._output, 2 * self.more)

    def failures(self) -> list[str]:
        """Files with a line about a shard that could not be read."""
        return [storage.join(self.pieces, name) for name in storage.names_in(self.pieces) if name.endswith(FAILED)]

    @property
    def threshold(self) -> int:
        """The highest hash of a piece: one that fewer than the wanted rows keep to less than once in 10^9 draws."""
        if self.plan.wanted >= self.plan.rows:
            return HIGHEST
        expected = (self.plan.wanted + 6 * self.plan.wanted**0.5 + 36) * self.more
        return min(HIGHEST, int(expected / self.plan.rows * HIGHEST))


def open_pool(folder: Path) -> Pool:
    """A pool that :func:`make_pools` has left."""
    return Pool(folder, **json.loads((folder / FACTS).read_text(encoding="utf-8")))


def _sample(draws: Sequence[_Draw], engine: Engine, output: str) -> None:
    """One piece for each shard, by the engine. Raises ``UserError`` where one cannot be read."""
    lines, size = [], 0
    for draw in draws:
        storage.make_folder(draw.pieces)
        for failure in draw.failures():
            storage.remove(failure)
        for each in draw.plan.candidates:
            for shard in each.shards:
                size += shard.bytes
                piece = storage.join(draw.pieces, shard.name)
                lines.append(json.dumps([each.uri(shard), shard.sha256, draw.threshold, piece]))
    listing = storage.join(output, "_work", "pool.jsonl")
    storage.write_bytes(listing, "".join(line + "\n" for line in lines).encode())

    def look() -> Done:
        return Done(sum(name.endswith(".parquet") for draw in draws for name in storage.names_in(draw.pieces)))

    with shown("pool", len(lines), look, unit="shards"):
        engine.run(
            lambda pipeline: _sample_graph(pipeline, listing), seconds=size / SAMPLE_BYTES_PER_SECOND, parts=len(lines)
        )
    for failure in (each for draw in draws for each in draw.failures()):
        raise UserError(storage.read_bytes(failure).decode())


def _sample_graph(pipeline: Any, listing: str) -> None:
    _ = (
        pipeline
        | "the list of shards" >> beam.Create([listing])
        | "its lines" >> beam.FlatMap(numbered_lines)
        | "spread shards" >> beam.GroupByKey()
        | "draw pairs" >> beam.ParDo(DrawPairs())
    )


def numbered_lines(listing: str) -> list[tuple[int, str]]:
    return list(enumerate(storage.read_bytes(listing).decode().splitlines()))


class DrawPairs(beam.DoFn):
    """(number, lines ``[shard, sha256, threshold, piece]``) -> pieces."""

    def process(self, item: tuple[int, Any]) -> None:
        for line in item[1]:
            shard, sha256, threshold, piece = json.loads(line)
            if not storage.exists(piece):
                try:
                    verify(shard, sha256)
                    draw_from(shard, threshold, piece)
                except UserError as error:
                    storage.write_bytes(f"{piece}{FAILED}", str(error).encode())


def draw_from(shard: str, threshold: int, piece: str) -> None:
    """Write the rows of a shard whose hash is no higher than ``threshold``, with the hash beside them."""
    system, path = storage.locate(shard)
    with (
        system.open_input_file(path) as stream,
        storage.atomic_output(piece) as target,
        pq.ParquetWriter(target, PIECE_SCHEMA, compression="zstd") as writer,
    ):
        file = pq.ParquetFile(stream)
        for group in range(file.num_row_groups):
            ids = file.read_row_group(group, columns=["source", "pair_id"])
            source = ids.column("source")[0].as_py()
            keys = pair_hashes(source, ids.column("pair_id").to_pylist())
            low = keys <= np.uint64(threshold)
            if low.any():
                rows = file.read_row_group(group, columns=list(COLUMNS)).filter(pa.array(low))
                columns = [pa.array(keys[low]), *(rows.column(name) for name in COLUMNS)]
                writer.write_table(pa.Table.from_arrays(columns, schema=PIECE_SCHEMA))


def _assemble(draw: _Draw) -> None:
    """Make the pool of its pieces, unless they hold fewer pairs than wanted."""
    plan, place = draw.plan, draw.place
    files = [storage.join(draw.pieces, shard.name) for each in plan.candidates for shard in each.shards]
    keys = np.concatenate([np.empty(0, np.uint64), *map(_keys, files)])
    wanted = min(plan.wanted, plan.rows)
    if len(keys) < wanted:
        return
    chosen = np.argsort(keys, kind="stable")[:wanted]
    places = np.full(len(keys), -1, np.int64)
    places[chosen] = np.arange(wanted)
    half = place.with_name(f".tmp-{place.name}")
    shutil.rmtree(half, ignore_errors=True)
    with storage.remove_on_failure(half):
        half.mkdir(parents=True)
        fingerprint = _write(files, places, wanted, half)
        pool = Pool(place, plan.name, wanted, plan.wanted, plan.rows, fingerprint)
        facts = {name: value for name, value in asdict(pool).items() if name != "folder"}
        (half / FACTS).write_text(json.dumps(facts), encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)
        half.rename(place)


def _keys(piece: str) -> Hashes:
    system, path = storage.locate(piece)
    keys: Hashes = pq.read_table(path, filesystem=system, columns=["key"]).column("key").to_numpy()
    return keys


def _write(files: Sequence[str], places: NDArray[np.int64], wanted: int, folder: Path) -> str:
    """Write rows and arrays of the chosen rows, those with a place; returns the fingerprint."""
    arrays: dict[str, NDArray[Any]] = {f"{role}-texts": np.empty(wanted, np.uint64) for role in ROLES}
    documents = np.empty((wanted, 2), np.uint64)
    digest = xxhash.xxh3_128()
    schema = pa.schema([PAIR_SCHEMA.field(name) for name in COLUMNS])
    first = 0
    with pq.ParquetWriter(folder / "rows.parquet", schema, compression="zstd") as writer:
        for uri in files:
            system, path = storage.locate(uri)
            with system.open_input_file(path) as stream:
                for batch in pq.ParquetFile(stream).iter_batches(batch_size=ROWS_AT_ONCE, columns=list(COLUMNS)):
                    here = places[first : first + batch.num_rows]
                    first += batch.num_rows
                    rows = pa.Table.from_batches([batch], schema).filter(pa.array(here >= 0))
                    if not rows.num_rows:
                        continue
                    writer.write_table(rows)
                    here = here[here >= 0]
                    hashes = row_hashes(rows)
                    arrays["query-texts"][here], arrays["passage-texts"][here] = hashes.queries, hashes.passages
                    documents[here] = hashes.documents
                    for row in zip(*(rows.column(name).to_pylist() for name in COLUMNS), strict=True):
                        digest.update("\0".join(part or "" for part in row).encode() + b"\0")
    sides = competitors_of(arrays["query-texts"], arrays["passage-texts"], documents)
    for role, (texts, keys) in zip(ROLES, sides, strict=True):
        arrays |= {f"{role}-competitors": texts, f"{role}-key-starts": keys.starts, f"{role}-keys": keys.hashes}
    arrays["documents"] = documents
    for name, array in {**arrays, "place": places[places >= 0]}.items():
        np.save(folder / f"{name}.npy", array)
    return digest.hexdigest()


def competitors_of(queries: Hashes, passages: Hashes, documents: Hashes) -> tuple[tuple[Hashes, Keys], ...]:
    """Of the query side and of the passage side the texts that compete, and the keys of these members.

    Takes the hashes of the members' texts, uint64 [n] each, and of their documents, uint64 [n, 2].
    """
    from models.ranks import keys_of

    found = []
    for own in (queries, passages):
        _, first, inverse = np.unique(own, return_index=True, return_inverse=True)
        owners = first[inverse]
        repeated = owners != np.arange(len(own))
        found.append(
            (np.where(repeated, REPEATED, own), keys_of(np.column_stack([queries, passages, documents]), owners))
        )
    return tuple(found)
