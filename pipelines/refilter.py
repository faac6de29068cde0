"""Other thresholds for what a build has made, without reading a dump or asking a model again.

::

    OLD/candidates ──────────────────────> pairs ──┐
    OLD/rejected ─> pairs of such a threshold ─────┴─> filters by the scores in the record ─> NEW/candidates
              └───> all other rejects ──────────────────────────────────────────────────────> NEW/rejected

Near-duplicates and repeats are compared anew.

Where the build kept all its rejects, the shards are, byte for byte, those of a build with the new thresholds. Where it
kept a sample, thresholds can be made stricter; what a looser one would bring back is there only as far as it was kept,
and the command says how much is missing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.manifest import MANIFEST_NAME, Manifest, StageCounts, read_manifest
from ccpairs.shards import source_folders
from filters.perplexity import HIGH_PERPLEXITY
from pipelines.accounts import check_counts, counted_stages
from pipelines.assemble import Listings, ShardPlan, ToPairs, flatten, read_pieces, rows_of, to_shards
from pipelines.build import SourceReport
from pipelines.engine import Engine, warn_of_size
from pipelines.shard_run import digest, finished, make_shards, read_list, row_bytes, versions
from pipelines.shuffle import partitions_for
from pipelines.tally import COUNTS, REJECTS, TallyingDoFn
from pipelines.text_quality import TextQuality

REDECIDED = (
    *("wrong_language", "language_uncertain", HIGH_PERPLEXITY, "near_duplicate", "repeated_passage", "repeated_query"),
    "duplicate_pair",  # it lost to an equal pair, which another threshold may reject
)
"""Reasons that follow from scores and from other pairs, not from the pair's texts: they are decided again."""

AGAIN = "again"
STAGE = "refilter"

log = logging.getLogger("ccpairs")


@dataclass(frozen=True)
class Refiltered:
    """What came out of one source, beside what it was before."""

    before: Manifest
    report: SourceReport
    unseen: Mapping[str, int]
    """How many rejects of each reason the build did not keep, so that no threshold can bring them back."""


@dataclass(frozen=True)
class Refilter:
    """One run of the command: ``quality`` gives the new settings of a source from its manifest."""

    input: str
    output: str
    engine: Engine
    quality: Any
    sources: Sequence[str] = ()
    argv: Sequence[str] = ()

    def run(self) -> list[Refiltered]:
        """Refilter each source that is not done yet. Raises ``UserError`` where there is nothing to refilter."""
        return [self._refilter(folder, manifest) for folder, manifest in self._chosen()]

    def _chosen(self) -> list[tuple[str, Manifest]]:
        inner = storage.join(self.input, "candidates")  # beside them may be what was made of them
        place = inner if storage.exists(inner) else self.input
        found = [(folder, read_manifest(folder)) for folder in source_folders(place) or [place]]
        there = [manifest.source for _, manifest in found]
        if missing := [name for name in self.sources if name not in there]:
            raise UserError(f"{self.input} holds no {', '.join(missing)}; it holds {', '.join(there)}")
        chosen = [
            (folder, manifest) for folder, manifest in found if not self.sources or manifest.source in self.sources
        ]
        for folder, manifest in chosen:
            if manifest.stage != "candidates":
                raise UserError(f"{folder} holds {manifest.stage}, not candidates; name the output of a build")
            rejects = storage.join(self.output, "rejected", manifest.source)
            if storage.same_place(folder, self._folder(manifest.source)) or storage.same_place(
                self._rejects_beside(folder, manifest), rejects
            ):
                raise UserError(f"--output {self.output} is where the input lies; choose another --output")
        return chosen

    def _folder(self, source: str) -> str:
        return storage.join(self.output, "candidates", source)

    def _refilter(self, old_folder: str, old: Manifest) -> Refiltered:
        quality: TextQuality = self.quality(old)
        settings = {**old.settings, "text_quality": quality.described, "refiltered_from": old.settings_hash}
        made_from = digest([old.settings_hash, old.inputs_hash, [shard.sha256 for shard in old.shards]])
        folder = self._folder(old.source)
        rejects = self._reject_files(old_folder, old)
        done = finished(folder, digest(settings), made_from)
        if done is not None:
            log.info("refilter %s: found done (%s pairs)", old.source, f"{done.rows:,}")
            return Refiltered(old, SourceReport(done, folder, reused=True), unseen(old, rejects))
        shards = [storage.join(old_folder, shard.name) for shard in old.shards]
        size = sum(map(row_bytes, [*shards, *rejects]))
        compared = old.counts[-1].read * quality.duplicates.bytes_per_pair
        self.engine.check_shuffle(sum(shard.bytes for shard in old.shards) + compared)
        if self.engine.is_local:
            warn_of_size(size + compared, self.argv, f"before refiltering {old.source}", "refilter")
        plan = ShardPlan(
            source=old.source,
            shards=len(old.shards),
            partitions=partitions_for(size),
            folder=folder,
            rejected_folder=storage.join(self.output, "rejected", old.source),
            result=storage.join(self.output, "_work", f"refilter-{old.source}-result.json"),
            rejected=old.rejected_mode,
            filters=(),
            quality=quality,
        )
        listings = Listings(self._work(plan, "shards", shards, size), self._work(plan, "rejects", rejects, size))
        log.info("refilter %s: %s pairs", old.source, f"{old.rows:,}")
        graph = partial(redecide, listings=listings, plan=plan)
        made = make_shards(self.engine, graph, plan, row_bytes=size, pieces=len(shards) + len(rejects))
        stage, pair_types = pairs_stage(old, made.counts)
        manifest = replace(
            old,
            settings=settings,
            settings_hash=digest(settings),
            inputs_hash=made_from,
            versions=versions(),
            counts=(*old.counts[:-1], stage),
            pair_types=pair_types,
            shards=made.shards,
            rejected=made.rejected,
        )
        check_counts(manifest)
        storage.write_bytes(storage.join(folder, MANIFEST_NAME), manifest.to_json())
        return Refiltered(old, SourceReport(manifest, folder), unseen(old, rejects))

    @staticmethod
    def _rejects_beside(folder: str, old: Manifest) -> str:
        return storage.join(storage.parent(storage.parent(folder)), "rejected", old.source)

    def _reject_files(self, folder: str, old: Manifest) -> list[str]:
        """The files of rejects that a build left beside its candidates."""
        files = [storage.join(self._rejects_beside(folder, old), info.name) for info in old.rejected]
        if lost := [uri for uri in files if not storage.exists(uri)]:
            raise UserError(f"{lost[0]} is named in the manifest but missing; put the rejects back, or build again")
        return files

    def _work(self, plan: ShardPlan, what: str, files: Sequence[str], size: int) -> str:
        uri = storage.join(self.output, "_work", f"refilter-{plan.source}-{what}.jsonl")
        storage.write_bytes(uri, "".join(line + "\n" for line in read_list(files, size)).encode())
        return uri


class TakeUpAgain(TallyingDoFn):
    """Tables of rejects -> lists of the pairs to decide again; all other rejects pass on as they are."""

    def __init__(self, source: str, rejected: str) -> None:
        super().__init__(STAGE, source, rejected)
        self._to_pairs = ToPairs()

    def process(self, table: pa.Table) -> Iterator[Any]:
        again = pc.and_(pc.equal(table["stage"], "pairs"), pc.is_in(table["reason"], pa.array(REDECIDED)))
        pairs = table.filter(again)
        for item in pc.value_counts(pairs["reason"]).to_pylist():
            self.count(AGAIN, item["counts"], item["values"])
        if pairs.num_rows:
            yield from self._to_pairs.process(pairs)
        for row in rows_of(table.filter(pc.invert(again))):
            yield beam.pvalue.TaggedOutput(REJECTS, row)


def redecide(pipeline: Any, *, listings: Listings, plan: ShardPlan) -> None:
    """Build the graph that decides about the pairs of shards and rejects again."""
    kept = read_pieces(pipeline, listings.rows, "shards") | "rows are pairs" >> beam.ParDo(ToPairs())
    taken = read_pieces(pipeline, listings.rejects, "rejects") | "take up again" >> beam.ParDo(
        TakeUpAgain(plan.source, plan.rejected)
    ).with_outputs(REJECTS, COUNTS, main=AGAIN)
    to_shards(flatten([kept, taken[AGAIN]], "all pairs"), [], [taken], plan)


def pairs_stage(old: Manifest, found: Sequence[Sequence[Any]]) -> tuple[StageCounts, dict[str, int]]:
    """The counts of the last stage: what was not taken up again stays as it was counted."""
    counts = counted_stages(found)
    again = counts.get(STAGE, {}).get(AGAIN, Counter())
    pairs = counts.get("pairs", {})
    before = old.counts[-1]
    rejected = Counter(dict(before.rejected))
    rejected.subtract(again)
    rejected.update(pairs.get("rejected", Counter()))
    kept = pairs.get("kept", Counter())[""]
    stage = replace(before, kept=kept, made=kept, rejected={name: n for name, n in sorted(rejected.items()) if n})
    return stage, dict(sorted(pairs.get("pair_type", Counter()).items()))


def unseen(old: Manifest, rejects: Sequence[str]) -> dict[str, int]:
    """Rejects that were counted but not kept, by reason, of the reasons that are decided again."""
    if old.rejected_mode == "all":
        return {}
    missing = Counter({reason: old.counts[-1].rejected.get(reason, 0) for reason in REDECIDED})
    for uri in rejects:
        system, path = storage.locate(uri)
        table = pq.read_table(path, filesystem=system, columns=["stage", "reason"])
        inside = table.filter(pc.equal(table["stage"], "pairs"))["reason"]
        missing.subtract({item["values"]: item["counts"] for item in pc.value_counts(inside).to_pylist()})
    return {reason: number for reason, number in missing.items() if number > 0}
