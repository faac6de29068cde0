"""What is to be made of a source, and the manifests of what was made: of its kept pairs, and of its dropped ones."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.manifest import MANIFEST_NAME, Manifest, ShardInfo, StageCounts, read_manifest
from ccpairs.output_folder import clear_shards, refuse_foreign
from ccpairs.version import __version__
from filters.consistency import Consistency, leakage
from filters.false_keep import KeptByK, Rate
from pipelines.accounts import check_counts
from pipelines.judge.candidates import Candidates
from pipelines.judge.decoy_files import decoys_by_k, decoys_file, info_of, numbers_of
from pipelines.judge.pool import Pool
from pipelines.judge.request import JudgeRequest
from pipelines.judge.shards import Note, ShardTask
from pipelines.judge.tally import Tally
from pipelines.shard_run import digest

TOOLS = ("pyarrow", "numpy", "torch", "numba", "tokenizers", "transformers")
STAGE = "judge"


@dataclass(frozen=True)
class JudgedReport:
    """What came of one source: the manifest of its kept pairs, their folder, and whether it was already there."""

    manifest: Manifest
    folder: str
    reused: bool = False

    @property
    def dropped(self) -> str:
        """The folder of the dropped pairs."""
        return storage.join(storage.parent(storage.parent(self.folder)), "dropped", self.manifest.source)


@dataclass(frozen=True)
class Judgement:
    """What is to be made of one source. ``shaped``: everything but the rule that shapes a judgement."""

    request: JudgeRequest
    candidates: Candidates
    output: str
    rule: Consistency
    shaped: Mapping[str, Any]
    pool: Pool | None
    decoys: pa.Table | None
    tasks: Sequence[ShardTask]
    before: JudgedReport | None

    @property
    def source(self) -> str:
        return self.candidates.source

    @property
    def folder(self) -> str:
        """That of the kept pairs."""
        return storage.join(self.output, "pairs", self.source)

    @property
    def dropped(self) -> str:
        return storage.join(self.output, "dropped", self.source)

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "rule": self.request.rule.told(self.source),
            "k": self.rule.k,
            "judged": {**self.request.told(), **self.shaped},
            "candidates": self.candidates.manifest.settings,
        }

    @property
    def inputs_hash(self) -> str:
        manifest = self.candidates.manifest
        before = self.before.manifest.settings_hash if self.before else None
        return digest([manifest.settings_hash, manifest.inputs_hash, self.candidates.identity, before])

    def make_room(self) -> None:
        """Remove the manifests, for they must not stand over half of the shards, and files of other shards."""
        names = {shard.name for shard in self.candidates.shards}
        refuse_foreign(self.dropped, self.source)
        for folder in (self.folder, self.dropped):
            clear_shards(folder, self.source, keep=names)


def judge_versions() -> dict[str, str]:
    """Versions of what shapes vectors and shards."""
    found = {"ccpairs": __version__}
    for tool in TOOLS:
        try:
            found[tool] = importlib.metadata.version(tool)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def finished(judgement: Judgement) -> JudgedReport | None:
    """The report of a source that these settings were already applied to."""
    try:
        kept, dropped = read_manifest(judgement.folder), read_manifest(judgement.dropped)
    except UserError:
        return None
    wanted = digest(judgement.settings), judgement.inputs_hash
    for folder, manifest in ((judgement.folder, kept), (judgement.dropped, dropped)):
        sizes = storage.sizes_in(folder)
        if (manifest.settings_hash, manifest.inputs_hash) != wanted or any(
            sizes.get(shard.name) != shard.bytes for shard in manifest.shards
        ):
            return None
    return JudgedReport(kept, judgement.folder, reused=True)


def write_manifests(judgement: Judgement, notes: Sequence[Note | None], paths: Sequence[str]) -> JudgedReport:
    """Add up the notes of all shards and write the manifests, that of the kept pairs last."""
    tally = Tally()
    kept, dropped = [], []
    for task, note in zip(judgement.tasks, notes, strict=True):
        if note is None:
            raise AssertionError(f"{task.shard[0]} was judged, but left no note")
        tally.add(note.tally)
        kept.append(note.kept)
        dropped.append(note.dropped)
    manifest = manifest_of(
        judgement.candidates.manifest,
        settings=judgement.settings,
        inputs_hash=judgement.inputs_hash,
        tally=tally,
        shards=kept,
        judged=told_of(judgement, tally, paths),
    )
    return write_both(manifest, tally, dropped, judgement.folder, judgement.dropped)


def manifest_of(
    before: Manifest,
    *,
    settings: Mapping[str, Any],
    inputs_hash: str,
    tally: Tally,
    shards: Sequence[ShardInfo],
    judged: Mapping[str, Any],
) -> Manifest:
    """The manifest of kept pairs, ``before`` being that of the candidates."""
    reasons = dict(sorted(tally.reasons.items()))
    return dataclasses.replace(
        before,
        stage="pairs",
        settings=settings,
        settings_hash=digest(settings),
        inputs_hash=inputs_hash,
        versions={**before.versions, **judge_versions()},
        counts=(*before.counts, StageCounts(STAGE, "pair", tally.read, tally.kept, reasons, made=tally.kept)),
        pair_types=dict(sorted((name, number) for name, number in tally.kept_by_type.items() if number)),
        shards=tuple(shards),
        rejected=(),
        judged=judged,
    )


def write_both(
    manifest: Manifest, tally: Tally, dropped: Sequence[ShardInfo], folder: str, dropped_folder: str
) -> JudgedReport:
    """Check that the counts add up; then write the manifest of the dropped pairs and that of the kept ones."""
    check_counts(manifest)
    types = {name: number - tally.kept_by_type[name] for name, number in sorted(tally.read_by_type.items())}
    other = dataclasses.replace(
        manifest,
        stage="dropped",
        pair_types={name: number for name, number in types.items() if number},
        shards=tuple(dropped),
    )
    if other.rows != sum(tally.reasons.values()):
        raise AssertionError(f"{sum(tally.reasons.values())} pairs dropped, {other.rows} rows in their shards")
    storage.write_bytes(storage.join(dropped_folder, MANIFEST_NAME), other.to_json())
    storage.write_bytes(storage.join(folder, MANIFEST_NAME), manifest.to_json())
    return JudgedReport(manifest, folder)


def told_of(judgement: Judgement, tally: Tally, paths: Sequence[str]) -> dict[str, Any]:
    """What a manifest says of a judgement: by whom, where, and what came of it."""
    pool = judgement.pool
    drawn = None
    if pool is not None:
        drawn = {name: getattr(pool, name) for name in ("name", "rows", "wanted", "candidates", "fingerprint")}
    rounds = []
    if judgement.before is not None and judgement.before.manifest.judged is not None:
        rounds = list(judgement.before.manifest.judged["rounds"])
    file = None
    if judgement.decoys is not None:
        uri = decoys_file(judgement.output, judgement.source)
        file = dataclasses.asdict(info_of(uri, judgement.decoys))
    return {
        "models": list(judgement.shaped["models"]),
        "pool": drawn,
        "rank_paths": list(paths),
        "decoys_file": file,
        "rounds": [*rounds, {"kept": tally.kept, "came": tally.came, "left": tally.left}],
        **outcome(judgement.rule, tally, judgement.decoys, pool.rows if pool else 0, judgement.request.bm25_pool_size),
    }


def outcome(
    rule: Consistency, tally: Tally, decoys: pa.Table | None, pool: int, bm25_pool: int | None
) -> dict[str, Any]:
    """What a rule made of pairs and decoys, at its k and at every other."""
    sizes = {"model": pool, "bm25": min(bm25_pool or 0, pool)}
    types = {
        name: {"read": read, "kept": tally.kept_by_type[name], "rate": _share(tally.kept_by_type[name], read)}
        for name, read in sorted(tally.read_by_type.items())
    }
    counts = decoys_by_k(rule, decoys) if decoys is not None else {}
    return {
        "k": rule.k,
        "direction": rule.direction,
        "judge": rule.judge,
        "min_similarity": rule.min_similarity,
        "max_rank": rule.max_rank,
        "leakage": {judge: leakage(rule.k, sizes[judge]) for judge in rule.judges},
        "keep_rate": _share(tally.kept, tally.read),
        "pair_types": types,
        "decoys": numbers_of(decoys) if decoys is not None else {},
        "at_k": {
            direction: _at_every_k(needed, counts.get(direction, {})) for direction, needed in tally.needed.items()
        },
    }


def _at_every_k(pairs: KeptByK, decoys: Mapping[Any, KeptByK]) -> list[dict[str, Any]]:
    rows = []
    for k in range(1, pairs.max_rank + 1):
        rates = {kind: _rate(counts.rate(k)) for kind, counts in decoys.items()}
        rows.append({"k": k, "kept": pairs.kept(k), "keep_rate": _share(pairs.kept(k), pairs.total), **rates})
    return rows


def _rate(rate: Rate) -> dict[str, Any]:
    return {
        "kept": rate.kept,
        "of": rate.of,
        "rate": _share(rate.kept, rate.of),
        "low": round(rate.low, 6),
        "high": round(rate.high, 6),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
