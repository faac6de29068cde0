"""What is judged: the finished source directories of a build, and their shards."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.manifest import MANIFEST_NAME, Manifest, ShardInfo, read_manifest
from ccpairs.shards import source_folders
from pipelines.shard_run import digest

log = logging.getLogger("ccpairs")


@dataclass(frozen=True)
class Candidates:
    """One source's candidates."""

    folder: str
    manifest: Manifest

    @property
    def source(self) -> str:
        return self.manifest.source

    @property
    def shards(self) -> tuple[ShardInfo, ...]:
        return self.manifest.shards

    @property
    def identity(self) -> str:
        """Changes when any pair could."""
        return digest([shard.sha256 for shard in self.shards])

    def uri(self, shard: ShardInfo) -> str:
        return storage.join(self.folder, shard.name)


def find_candidates(uri: str, sources: Sequence[str] = ()) -> list[Candidates]:
    """The candidates under a build's output, sorted by source; those of ``sources`` where some are named.

    Raises ``UserError``: none there, not candidates, a source that is not there, a shard that is missing.
    """
    inner = storage.join(uri, "candidates")
    place = inner if storage.exists(inner) else uri
    folders = source_folders(place)
    found = sorted((Candidates(each, read_manifest(each)) for each in folders or [place]), key=lambda each: each.source)
    for each in found:
        if each.manifest.stage != "candidates":
            raise UserError(
                f"{each.folder} holds {each.manifest.stage}, which are judged; name the output of a build, or decide "
                "again about judged pairs by ccpairs refilter"
            )
    there = [each.source for each in found]
    if missing := [name for name in sources if name not in there]:
        raise UserError(f"{uri} holds no {', '.join(missing)}; it holds {', '.join(there)}")
    if place not in folders:
        for name in storage.names_in(place):
            if not storage.exists(storage.join(place, name, MANIFEST_NAME)) and (not sources or name in sources):
                log.warning("%s has no manifest, so it is not finished: left out", storage.join(place, name))
    chosen = [each for each in found if not sources or each.source in sources]
    for each in chosen:
        sizes = storage.sizes_in(each.folder)
        for shard in each.shards:
            if sizes.get(shard.name) != shard.bytes:
                raise UserError(f"{each.uri(shard)} is missing or not what its manifest says; run the build again")
    return chosen


def verify(uri: str, sha256: str) -> None:
    """Raises ``UserError`` where a file is not what its manifest says: a damaged one may be read without complaint."""
    try:
        found = storage.sha256(uri)
    except OSError as error:
        raise UserError(f"{uri} cannot be read ({error}); make it again") from None
    if found != sha256:
        raise UserError(f"{uri} is not what its manifest says (SHA-256 differs); make it again")
