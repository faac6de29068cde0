"""The manifest of a source directory: what it holds, from what it was made, and the counts that must add up.

It is written last. A directory without one is not data yet, and readers refuse it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.pair import SCHEMA_VERSION

MANIFEST_NAME = "_manifest.json"
"""Arrow and pandas pass over names that start with an underscore, so a directory reads as Parquet as it is."""


@dataclass(frozen=True)
class ShardInfo:
    """One Parquet file: its base name, rows, bytes and SHA-256 of the file."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class InputInfo:
    """One input file: where it was, size in bytes, SHA-256 (None where it was not read to its end), and its counts.

    ``error`` is the one line that says why the file failed; its records are then not counted.
    """

    uri: str
    form: str
    size: int | None = None
    sha256: str | None = None
    read: int = 0
    rows: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class StageCounts:
    """What one stage did with what it read: ``read == kept + sum(rejected) + sum(failed)``."""

    stage: str
    unit: str
    read: int
    kept: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Parts of kept units, by reason: they are not among ``rejected``."""
    made: int = 0
    """How many of the next stage's units came out of what was kept (a page may make several pairs)."""

    def check(self) -> None:
        """Raises ``AssertionError`` (our bug) where something was lost or counted twice."""
        found = self.kept + sum(self.rejected.values()) + sum(self.failed.values())
        if self.read != found:
            raise AssertionError(f"{self.stage}: read {self.read} but kept + rejected + failed = {found}: {self}")


@dataclass(frozen=True)
class Manifest:
    """Everything about one source directory. ``settings_hash`` covers the settings, not the inputs."""

    source: str
    stage: str
    settings: Mapping[str, Any]
    settings_hash: str
    inputs_hash: str
    versions: Mapping[str, str]
    inputs: tuple[InputInfo, ...]
    counts: tuple[StageCounts, ...]
    pair_types: Mapping[str, int]
    shards: tuple[ShardInfo, ...]
    rejected: tuple[ShardInfo, ...] = ()
    rejected_mode: str = "sample"
    judged: Mapping[str, Any] | None = None
    """Of judged shards: by which models, in which pool, by which rule, and what became of the decoys."""
    schema_version: int = SCHEMA_VERSION

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)

    def to_json(self) -> bytes:
        return (json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n").encode()


def parse_manifest(data: bytes, where: str) -> Manifest:
    """Raises ``UserError`` where the manifest is of another version or damaged."""
    try:
        values = json.loads(data)
        version = values["schema_version"]
        if version != SCHEMA_VERSION:
            raise UserError(f"{where}: written with schema version {version}, this ccpairs reads {SCHEMA_VERSION}")
        values["inputs"] = tuple(InputInfo(**item) for item in values["inputs"])
        values["counts"] = tuple(StageCounts(**item) for item in values["counts"])
        values["shards"] = tuple(ShardInfo(**item) for item in values["shards"])
        values["rejected"] = tuple(ShardInfo(**item) for item in values["rejected"])
        return Manifest(**values)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{where}: the manifest is damaged ({error}); run the build again") from None


def read_manifest(uri: str) -> Manifest:
    """The manifest of a source directory (a local path or URI, e.g. ``out/candidates/reddit``).

    Raises ``UserError`` where there is none: the directory is not finished.
    """
    where = storage.join(uri, MANIFEST_NAME)
    try:
        data = storage.read_bytes(where)
    except (FileNotFoundError, NotADirectoryError):
        inner = [name for name in storage.names_in(uri) if storage.exists(storage.join(uri, name, MANIFEST_NAME))]
        hint = f"; did you mean one of {', '.join(inner)} inside it?" if inner else "; finish the build first"
        raise UserError(f"{uri} has no {MANIFEST_NAME}, so it holds no finished shards{hint}") from None
    except OSError as error:
        raise UserError(f"{where} cannot be read ({error}); make it readable") from None
    return parse_manifest(data, where)
