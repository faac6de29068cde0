"""The pairs that are trained on: finished shards by their manifests, or files of other people."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.manifest import Manifest
from models.trainer.columns import LABELS, TEXTS, Columns, find_columns, is_list
from models.trainer.inputs import Input, distinct_names, find_inputs
from models.trainer.tables import OpenHttp, TableFile

log = logging.getLogger("ccpairs")

LICENCE = "license"
OURS = {"pair_type", "query_doc", "passage_doc"}
"""Columns by which a shard or an extract of ours is known without its manifest."""


@dataclass(frozen=True)
class Source:
    """Files of one source and their columns. ``identity``: what tells its pairs from others, wherever they lie.

    ``manifest``: of finished shards.
    """

    name: str
    files: tuple[TableFile, ...]
    rows: int
    identity: tuple[str, ...]
    manifest: Manifest | None = None
    columns: tuple[Columns, ...] = field(default=())
    checksums: tuple[str, ...] = field(default=(), repr=False)

    @property
    def has_negatives(self) -> bool:
        return any(columns.negatives for columns in self.columns)

    def batches(self, columns: Sequence[str] = TEXTS) -> Iterator[pa.Table]:
        """The pairs in order, some thousand at a time; memory stays at that.

        ``query``, ``passage`` and, where the file has them, ``negatives`` are read under these names, whatever the file
        calls them. Other ``columns`` are read as they are.
        """
        for file, found in zip(self.files, self.columns, strict=True):
            others = [name for name in columns if name not in TEXTS]
            for table in file.batches(list(dict.fromkeys([*found.names, *others]))):
                yield found.pairs_of(table)

    def verify(self) -> None:
        """Hold every finished shard against its manifest. Raises ``UserError`` where one differs."""
        for file, expected in zip(self.files, self.checksums, strict=False):
            if storage.sha256(file.uri) != expected:
                raise UserError(f"{file.uri} is not what its manifest says (SHA-256 differs); make it again")

    def licences(self) -> dict[str, int]:
        """Licence -> rows under it, most rows first, as the column ``license`` has it; "unknown" where a row has none.

        Empty where a file has no such column, as other people's mostly.
        """
        found: Counter[str] = Counter()
        for file in self.files:
            if file.form != "parquet" or LICENCE not in file.schema().names:
                return {}
            for table in file.batches([LICENCE]):
                for each in pc.value_counts(table[LICENCE].cast(pa.string())).to_pylist():
                    found[each["values"] or "unknown"] += each["counts"]
        return dict(found.most_common())


@dataclass(frozen=True)
class Corpus:
    """All sources, by name, each name once."""

    sources: tuple[Source, ...]

    @property
    def rows(self) -> int:
        return sum(source.rows for source in self.sources)

    @property
    def identity(self) -> list[list[str]]:
        return [[source.name, *source.identity] for source in self.sources]

    def sample(self, texts: int) -> list[str]:
        """About so many texts, queries and passages, the first ones of each source in proportion to its rows."""
        found: list[str] = []
        for source in self.sources:
            wanted = max(1, round(texts / 2 * source.rows / max(self.rows, 1)))
            for table in source.batches():
                part = table.slice(0, wanted)
                found += [text for name in TEXTS for text in part.column(name).to_pylist() if text]
                wanted -= len(part)
                if wanted <= 0:
                    break
        return found


def open_corpus(uris: Sequence[str], columns: Sequence[Columns] = (), http: OpenHttp | None = None) -> Corpus:
    """The pairs under folders, files and patterns. Shards of ours are known by their manifests.

    ``columns``: what files of other people call theirs, where it is told. ``http`` opens an address, with random
    access. Raises ``UserError``: nothing there, shards that are not finished, missing or cut, columns that are missing,
    no row at all.
    """
    inputs = _once([each for uri in dict.fromkeys(uris) for each in find_inputs(uri, http)])
    by_name: dict[str, list[Source]] = {}
    for name, each in zip(distinct_names(inputs), inputs, strict=True):
        made = _of_manifest(name, each, each.manifest) if each.manifest else _of_others(name, each, columns)
        by_name.setdefault(name, []).append(made)
    corpus = Corpus(tuple(source for _, parts in sorted(by_name.items()) if (source := _joined(parts)).rows))
    if not corpus.rows:
        raise UserError(f"{', '.join(uris)}: there is no pair to train on; name finished shards with rows in them")
    return corpus


def _once(inputs: Sequence[Input]) -> list[Input]:
    """The inputs without those that are named twice; ``UserError`` where two share only some files."""
    found: list[Input] = []
    first: dict[tuple[str, str], Input] = {}
    for each in inputs:
        keys = [(file.system.type_name if file.system else "", file.path) for file in each.files]
        if keys and all(
            key in first and first[key].files == each.files and first[key].name == each.name for key in keys
        ):
            continue
        if there := [key for key in keys if key in first]:
            raise UserError(f"{there[0][1]} is named by {first[there[0]].place} and by {each.place}; name it once")
        first.update(dict.fromkeys(keys, each))
        found.append(each)
    return found


def _joined(parts: Sequence[Source]) -> Source:
    """The parts of one name as one source."""
    if len(parts) == 1:
        return parts[0]
    if parts[0].manifest is not None:
        log.info("%s: the shards of %d folders are one source; NAME=URI tells them apart", parts[0].name, len(parts))
    return Source(
        parts[0].name,
        tuple(file for part in parts for file in part.files),
        sum(part.rows for part in parts),
        tuple(each for part in parts for each in part.identity),
        columns=tuple(each for part in parts for each in part.columns),
        checksums=tuple(each for part in parts for each in part.checksums),
    )


def _of_others(name: str, given: Input, told: Sequence[Columns]) -> Source:
    """A source of files of other people; a line says which columns it takes where that is not plain."""
    rows, identity, found = 0, [], []
    for file in given.files:
        if not file.is_regular():
            raise UserError(f"{file.uri} is not a regular file that can be opened; remove it, or put the file back")
        schema = file.schema()
        if given.is_folder and set(schema.names) >= OURS:
            raise UserError(
                f"{given.place} holds shards of ccpairs but no manifest, so they may not be all; finish the build, or "
                "name the files themselves"
            )
        columns = find_columns(schema, file.uri, told)
        if columns not in found:
            _say(name, columns, schema)
        found.append(columns)
        of_lists = is_list(schema.field(columns.passage).type)
        rows += (
            sum(map(len, map(columns.pairs_of, file.batches(columns.names)))) if of_lists else file.rows(columns.names)
        )
        identity.append(file.digest() if columns.is_plain else f"{file.digest()} {columns}")
    return Source(name, given.files, rows, tuple(identity), columns=tuple(found))


def _say(name: str, columns: Columns, schema: pa.Schema) -> None:
    if not columns.is_plain:
        by = "found by name; --columns says otherwise" if columns.by_name else "by --columns"
        log.info("%s: %s (%s)", name, columns, by)
    elif labels := sorted(LABELS & {each.lower() for each in schema.names}):
        log.warning("%s: the column %s is not read: every row counts as a positive pair", name, labels[0])


def _of_manifest(name: str, given: Input, manifest: Manifest) -> Source:
    sizes = storage.sizes_in(given.place)
    for file, shard in zip(given.files, manifest.shards, strict=True):
        if shard.name not in sizes:
            raise UserError(f"{file.uri} is named in the manifest but missing; run the build again")
        if sizes[shard.name] != shard.bytes:
            raise UserError(
                f"{file.uri} has {sizes[shard.name]:,} bytes, and its manifest says {shard.bytes:,}; copy it again, or "
                "run the build again"
            )
    for file in given.files[:1]:
        if missing := [text for text in TEXTS if text not in file.schema().names]:
            raise UserError(f"{file.uri} has no column {missing[0]}; run the build again")
    checksums = tuple(shard.sha256 for shard in manifest.shards)
    plain = (Columns(),) * len(given.files)
    return Source(name, given.files, manifest.rows, checksums, manifest, plain, checksums)
