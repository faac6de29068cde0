"""The pairs that are trained on: finished shards by their manifests, or any Parquet files with query and passage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.manifest import Manifest, read_manifest
from ccpairs.shards import source_folders

TEXTS = ("query", "passage")
LICENCE = "license"
ROWS_AT_ONCE = 8_192


@dataclass(frozen=True)
class Source:
    """Files of one source. ``identity``: what tells these bytes from others. ``manifest``: of shards of ours."""

    name: str
    files: tuple[str, ...]
    rows: int
    identity: tuple[str, ...]
    manifest: Manifest | None = None

    def batches(self, columns: Sequence[str] = TEXTS) -> Iterator[pa.Table]:
        """The rows in order, some thousand at a time; memory stays at that."""
        for uri in self.files:
            system, path = storage.locate(uri)
            with system.open_input_file(path) as stream:
                for batch in open_parquet(stream, uri).iter_batches(batch_size=ROWS_AT_ONCE, columns=list(columns)):
                    yield pa.Table.from_batches([batch])

    def licences(self) -> dict[str, int]:
        """Licence -> rows under it, most rows first, as the column ``license`` has it; "unknown" where a row has none.

        Empty where a file has no such column, as other people's Parquet.
        """
        found: Counter[str] = Counter()
        for uri in self.files:
            system, path = storage.locate(uri)
            with system.open_input_file(path) as stream:
                opened = open_parquet(stream, uri)
                if LICENCE not in opened.schema_arrow.names:
                    return {}
                for batch in opened.iter_batches(columns=[LICENCE]):
                    for each in pc.value_counts(batch.column(0).cast(pa.string())).to_pylist():
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


def open_corpus(uris: Sequence[str]) -> Corpus:
    """The pairs under folders and files. Folders of ours are known by their manifests.

    Raises ``UserError``: nothing there, shards that are not finished, columns that are missing, no row at all.
    """
    by_name: dict[str, list[Source]] = {}
    for uri in dict.fromkeys(uris):
        for source in sources_at(uri):
            by_name.setdefault(source.name, []).append(source)
    sources = []
    for name, parts in sorted(by_name.items()):
        sources.append(
            Source(
                name,
                tuple(file for part in parts for file in part.files),
                sum(part.rows for part in parts),
                tuple(each for part in parts for each in part.identity),
                parts[0].manifest if len(parts) == 1 else None,
            )
        )
    corpus = Corpus(tuple(source for source in sources if source.rows))
    if not corpus.rows:
        raise UserError(f"{', '.join(uris)}: there is no pair to train on; name finished shards with rows in them")
    return corpus


def sources_at(uri: str) -> list[Source]:
    if folders := source_folders(uri):
        return [_of_manifest(folder) for folder in folders]
    if not storage.exists(uri):
        raise UserError(f"no file or folder {uri}; name a build's output, a folder of Parquet files, or such a file")
    names = [name for name in storage.names_in(uri) if name.endswith(".parquet") and not name.startswith(".")]
    files = [storage.join(uri, name) for name in names] or ([uri] if uri.endswith(".parquet") else [])
    if not files:
        raise UserError(f"{uri} holds no Parquet file and no finished shards; name a build's output or such files")
    if unfit := [file for file in files if not storage.is_file(file)]:
        raise UserError(f"{unfit[0]} is not a regular file that can be opened; remove it, or put the file back")
    rows, identity = 0, []
    for file in files:
        system, path = storage.locate(file)
        with system.open_input_file(path) as stream:
            opened = open_parquet(stream, file)
            _check_columns(opened.schema_arrow, file)
            if file != uri and {"pair_id", "pair_type"} <= set(opened.schema_arrow.names):
                raise UserError(
                    f"{uri} holds shards of ccpairs but no manifest, so they may not be all; finish the build, or name "
                    "the files themselves"
                )
            rows += opened.metadata.num_rows
        info = system.get_file_info(path)
        identity.append(f"{path} {info.size} {info.mtime_ns}")
    return [Source(Path(uri).stem, tuple(files), rows, tuple(identity))]


def _of_manifest(folder: str) -> Source:
    manifest = read_manifest(folder)
    files = tuple(storage.join(folder, shard.name) for shard in manifest.shards)
    for file in files[:1]:
        system, path = storage.locate(file)
        if not storage.exists(file):
            raise UserError(f"{file} is named in the manifest but missing; run the build again")
        with system.open_input_file(path) as stream:
            _check_columns(open_parquet(stream, file).schema_arrow, file)
    return Source(manifest.source, files, manifest.rows, tuple(shard.sha256 for shard in manifest.shards), manifest)


def open_parquet(stream: Any, uri: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(stream)
    except pa.ArrowInvalid as error:
        raise UserError(f"{uri} is no Parquet file, or a damaged one ({error}); make it again") from None


def _check_columns(schema: pa.Schema, file: str) -> None:
    if missing := [name for name in TEXTS if name not in schema.names]:
        raise UserError(f"{file} has no column {missing[0]} (it has {', '.join(schema.names)}); rename its columns")
    for name in TEXTS:
        kind = schema.field(name).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise UserError(f"{file}: the column {name} holds {kind}; it must hold text")
