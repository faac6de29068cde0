"""One run of the engine that ends in shards, and how a command tells whether it was done before."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow.parquet as pq

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.manifest import MANIFEST_NAME, Manifest, ShardInfo, read_manifest
from ccpairs.output_folder import clear_shards, refuse_foreign
from ccpairs.version import __version__
from pipelines.assemble import ShardPlan
from pipelines.engine import Engine
from pipelines.progress import Done, shown
from pipelines.shuffle import partitions_for
from pipelines.write_shards import missing_shards

ASSEMBLE_BYTES_PER_SECOND = 12 << 20
"""Rows that one core gets through, roughly: is a second process worth starting?"""
MOST_SHARDS = 100_000
"""At 100 MB each these hold 10 TB. File systems and object stores list more of them slowly."""
NOTHING = b'{"shards": [], "rejected": [], "counts": []}'
TOOLS = (
    *("apache-beam", "pyarrow", "resiliparse", "fastwarc", "selectolax", "msgspec", "py7zr"),
    *("fasttext-community", "ufal-kenlm", "sentencepiece"),
)


@dataclass(frozen=True)
class Made:
    """What a run left: its shards, its files of rejects, and ``[stage, outcome, reason, number]`` of every count."""

    shards: tuple[ShardInfo, ...]
    rejected: tuple[ShardInfo, ...]
    counts: Sequence[Sequence[Any]]


def make_shards(engine: Engine, graph: Callable[[Any], Any], plan: ShardPlan, *, row_bytes: int, pieces: int) -> Made:
    """Run the graph that ``plan`` describes, over so many bytes of rows in so many pieces, into empty folders."""
    refuse_foreign(plan.rejected_folder, "rejected")
    clear_shards(plan.folder, plan.source)
    clear_shards(plan.rejected_folder, "rejected")
    storage.write_bytes(plan.result, NOTHING)  # what stays where no row and no reject comes to the last step
    with shown(f"assemble {plan.source}", plan.shards, partial(shard_progress, plan.folder), unit="shards"):
        engine.run(
            graph,
            seconds=row_bytes / ASSEMBLE_BYTES_PER_SECOND,
            parts=max(pieces, plan.partitions),
            row_bytes=row_bytes,
        )
    found = json.loads(storage.read_bytes(plan.result))
    shards = [ShardInfo(**info) for info in found["shards"]]
    shards += missing_shards(plan.source, plan.shards, plan.folder, shards)
    rejected = [ShardInfo(**info) for info in found["rejected"]]
    return Made(by_name(shards), by_name(rejected), found["counts"])


def by_name(shards: Sequence[ShardInfo]) -> tuple[ShardInfo, ...]:
    return tuple(sorted(shards, key=lambda shard: shard.name))


def shard_progress(folder: str) -> Done:
    return Done(sum(name.endswith(".parquet") for name in storage.names_in(folder)))


def row_bytes(uri: str) -> int:
    """The size of a Parquet file's rows, uncompressed."""
    metadata = read_metadata(uri)
    return sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))


def read_metadata(uri: str) -> pq.FileMetaData:
    system, path = storage.locate(uri)
    with system.open_input_file(path) as stream:
        return pq.ParquetFile(stream).metadata


def read_list(files: Sequence[str], total_bytes: int) -> list[str]:
    """Lines ``[uri, first row group, end]`` that cut Parquet files into pieces of a bounded size."""
    lines = []
    piece = max(total_bytes // partitions_for(total_bytes), 1)
    for uri in files:
        metadata = read_metadata(uri)
        first = size = 0
        for number in range(metadata.num_row_groups):
            size += metadata.row_group(number).total_byte_size
            if size >= piece or number + 1 == metadata.num_row_groups:
                lines.append(json.dumps([uri, first, number + 1]))
                first, size = number + 1, 0
    return lines


def finished(folder: str, settings_hash: str, inputs_hash: str) -> Manifest | None:
    """The manifest of a directory that already holds what these settings make of these inputs."""
    if not storage.exists(storage.join(folder, MANIFEST_NAME)):
        return None
    try:
        manifest = read_manifest(folder)
    except UserError:
        return None
    same = (manifest.settings_hash, manifest.inputs_hash, dict(manifest.versions)) == (
        *(settings_hash, inputs_hash, versions()),
    )
    sizes = storage.sizes_in(folder)
    return manifest if same and all(sizes.get(shard.name) == shard.bytes for shard in manifest.shards) else None


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]


def versions() -> dict[str, str]:
    """Versions of what shapes the bytes of shards."""
    found = {"ccpairs": __version__}
    for tool in TOOLS:
        try:
            found[tool] = importlib.metadata.version(tool)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
