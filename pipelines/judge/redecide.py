"""Deciding again about judged pairs, from their columns: another k, direction, floor or judge, and no model asked.

::

    OLD/pairs/SOURCE/… ───┐ merged by
    OLD/dropped/SOURCE/… ─┴─ pair_id ──> the rule ──> NEW/pairs/SOURCE/…, NEW/dropped/SOURCE/…

The shards are, byte for byte, those that ``judge`` would have written with that rule.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.manifest import MANIFEST_NAME, Manifest, read_manifest
from ccpairs.output_folder import clear_shards, refuse_foreign
from ccpairs.pair import JUDGED_SCHEMA
from ccpairs.shards import source_folders
from filters.consistency import Consistency
from pipelines.build import SourceReport, counted
from pipelines.engine import Engine
from pipelines.judge.decoy_files import check_decoys_file, decoys_by_k, decoys_file, open_decoys
from pipelines.judge.manifests import STAGE, manifest_of, outcome, write_both
from pipelines.judge.pool import numbered_lines
from pipelines.judge.rules import RuleChoice, choice_of, with_k_of_decoys
from pipelines.judge.shards import ShardTask, begin, found_notes, raise_failures, row_groups, try_split
from pipelines.judge.tally import Tally
from pipelines.progress import Done, shown
from pipelines.refilter import Refiltered
from pipelines.shard_run import digest

ROWS_PER_SECOND = 100_000
"""Rows that one core decides about, roughly: is a second process worth starting?"""

log = logging.getLogger("ccpairs")


@dataclass(frozen=True)
class JudgedSource:
    """One source's judged pairs: the folders of kept and dropped ones with their manifests, and its decoys."""

    folder: str
    kept: Manifest
    dropped_folder: str
    dropped: Manifest
    decoys: str

    @property
    def source(self) -> str:
        return self.kept.source

    @property
    def judged(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.kept.settings["judged"]
        return found


def judged_place(uri: str) -> str | None:
    """Where the kept pairs of a judge's output are: ``uri/pairs``, or ``uri`` itself; None where there are none."""
    inner = storage.join(uri, "pairs")
    place = inner if storage.exists(inner) else uri
    folders = source_folders(place)
    return place if folders and all(read_manifest(each).stage == "pairs" for each in folders) else None


def find_judged(place: str, sources: Sequence[str] = ()) -> list[JudgedSource]:
    """The judged sources there. Raises ``UserError`` where one of ``sources`` or the dropped pairs are missing."""
    found = []
    for folder in source_folders(place):
        kept = read_manifest(folder)
        if sources and kept.source not in sources:
            continue
        home = storage.parent(storage.parent(folder))
        dropped_folder = storage.join(home, "dropped", kept.source)
        if not storage.exists(storage.join(dropped_folder, MANIFEST_NAME)):
            raise UserError(f"{dropped_folder} is missing; put the dropped pairs back beside {folder}, or judge again")
        dropped = read_manifest(dropped_folder)
        if dropped.settings_hash != kept.settings_hash or dropped.inputs_hash != kept.inputs_hash:
            raise UserError(f"{dropped_folder} and {folder} are of different runs; judge again")
        for where, manifest in ((folder, kept), (dropped_folder, dropped)):
            sizes = storage.sizes_in(where)
            for shard in manifest.shards:
                if sizes.get(shard.name) != shard.bytes:
                    raise UserError(
                        f"{storage.join(where, shard.name)} is missing or not what its manifest says; judge again"
                    )
        found.append(JudgedSource(folder, kept, dropped_folder, dropped, decoys_file(home, kept.source)))
    if missing := [name for name in sources if name not in {each.source for each in found}]:
        there = ", ".join(read_manifest(folder).source for folder in source_folders(place))
        raise UserError(f"{place} holds no {', '.join(missing)}; it holds {there}")
    return found


@dataclass(frozen=True)
class Redecision:
    """One run over judged sources; ``given`` are the flags of the rule."""

    sources: Sequence[JudgedSource]
    output: str
    given: Any

    def run(self, engine: Engine) -> list[Refiltered]:
        """Decide again about each source. Raises ``UserError`` where a rule asks for what was not judged."""
        return [self._redecide(each, engine) for each in self.sources]

    def _redecide(self, old: JudgedSource, engine: Engine) -> Refiltered:
        folder, dropped = (storage.join(self.output, name, old.source) for name in ("pairs", "dropped"))
        if storage.same_place(folder, old.folder) or storage.same_place(dropped, old.dropped_folder):
            raise UserError(f"--output {self.output} is where the input lies; choose another --output")
        choice = choice_of(self.given, old.kept.settings["rule"])
        decoys = open_decoys(old.decoys) if (old.kept.judged or {}).get("decoys_file") else None
        rule = self._rule(old, choice, decoys)
        settings = {
            **old.kept.settings,
            "rule": choice.told(old.source),
            "k": rule.k,
            "refiltered_from": old.kept.settings_hash,
        }
        made_from = digest([old.kept.inputs_hash, *(_sums(each) for each in (old.kept, old.dropped))])
        if (done := _finished(folder, dropped, digest(settings), made_from)) is not None:
            log.info("refilter %s: found done (%s pairs)", old.source, f"{done.rows:,}")
            return Refiltered(old.kept, SourceReport(done, folder, reused=True), {})
        tasks = [
            ShardTask(
                source=old.source,
                shard=(storage.join(old.folder, one.name), storage.join(old.dropped_folder, other.name)),
                sha256=(one.sha256, other.sha256),
                kept=storage.join(folder, one.name),
                dropped=storage.join(dropped, one.name),
                note=storage.join(self.output, "_work", "notes", f"{one.name}.json"),
                key=digest([repr(rule), one.sha256, other.sha256]),
            )
            for one, other in zip(old.kept.shards, old.dropped.shards, strict=True)
        ]
        refuse_foreign(dropped, old.source)
        check_decoys_file(self.output, old.source)
        for place in (folder, dropped):
            clear_shards(place, old.source, keep={shard.name for shard in old.kept.shards})
        self._shards(tasks, rule, old, engine)
        if decoys is not None:
            storage.write_bytes(decoys_file(self.output, old.source), storage.read_bytes(old.decoys))
        return Refiltered(old.kept, self._manifests(old, tasks, rule, settings, made_from, decoys), {})

    def _rule(self, old: JudgedSource, choice: RuleChoice, decoys: pa.Table | None) -> Consistency:
        judged = old.judged
        rule = choice.rule(old.source, judged["max_rank"])
        for judge, there in (("model", judged["models"]), ("bm25", judged["bm25_pool_size"])):
            if judge in rule.judges and not there:
                raise UserError(
                    f"{old.source} was judged without ranks by {judge}; judge the candidates with --judge {rule.judge}"
                )
        if rule.min_similarity is not None and not judged["models"]:
            raise UserError(f"{old.source} was judged by BM25 alone, so its pairs have no similarity")
        limits = choice.limits(old.source)
        if limits is not None and decoys is None:
            raise UserError(f"{old.source} was judged without decoys; judge it with --decoys, or name --top-k")
        counts = decoys_by_k(rule, decoys)[rule.direction] if decoys is not None else {}
        return with_k_of_decoys(rule, limits, counts, old.source)

    def _shards(self, tasks: Sequence[ShardTask], rule: Consistency, old: JudgedSource, engine: Engine) -> None:
        undone = [task for task, note in zip(tasks, found_notes(tasks), strict=True) if note is None]
        if len(undone) < len(tasks):
            log.info("refilter %s: %d of %d shards found done", old.source, len(tasks) - len(undone), len(tasks))
        if not undone:
            return
        listing = storage.join(self.output, "_work", f"refilter-{old.source}.jsonl")
        begin(undone, listing)
        rows = old.kept.rows + old.dropped.rows
        log.info("refilter %s: %s of judged pairs", old.source, counted(rows, "row"))

        def look() -> Done:
            return Done(sum(storage.exists(task.note) for task in undone))

        with shown(f"refilter {old.source}", len(undone), look, unit="shards"):
            engine.run(
                partial(redecide_graph, listing=listing, rule=rule),
                seconds=rows / ROWS_PER_SECOND,
                parts=len(undone),
            )
        raise_failures(undone)

    def _manifests(
        self,
        old: JudgedSource,
        tasks: Sequence[ShardTask],
        rule: Consistency,
        settings: Mapping[str, Any],
        made_from: str,
        decoys: pa.Table | None,
    ) -> SourceReport:
        tally, notes = Tally(), [note for note in found_notes(tasks) if note is not None]
        for note in notes:
            tally.add(note.tally)
        before = old.kept.judged or {}
        pool = (before.get("pool") or {}).get("rows", 0)
        manifest = manifest_of(
            dataclasses.replace(old.kept, counts=tuple(each for each in old.kept.counts if each.stage != STAGE)),
            settings=settings,
            inputs_hash=made_from,
            tally=tally,
            shards=[note.kept for note in notes],
            judged={**before, **outcome(rule, tally, decoys, pool, old.judged["bm25_pool_size"])},
        )
        folder, dropped = (storage.join(self.output, name, old.source) for name in ("pairs", "dropped"))
        report = write_both(manifest, tally, [note.dropped for note in notes], folder, dropped)
        return SourceReport(report.manifest, report.folder)


def _sums(manifest: Manifest) -> list[str]:
    return [shard.sha256 for shard in manifest.shards]


def _finished(folder: str, dropped: str, settings_hash: str, inputs_hash: str) -> Manifest | None:
    """The manifest of a source about which this was decided already."""
    try:
        both = [read_manifest(each) for each in (folder, dropped)]
    except UserError:
        return None
    for place, manifest in zip((folder, dropped), both, strict=True):
        sizes = storage.sizes_in(place)
        if (manifest.settings_hash, manifest.inputs_hash) != (settings_hash, inputs_hash) or any(
            sizes.get(shard.name) != shard.bytes for shard in manifest.shards
        ):
            return None
    return both[0]


def redecide_graph(pipeline: Any, *, listing: str, rule: Consistency) -> None:
    """Decide about the shards that a file lists; one group for each, spread over the workers."""
    _ = (
        pipeline
        | "the list of shards" >> beam.Create([listing])
        | "its lines" >> beam.FlatMap(numbered_lines)
        | "spread shards" >> beam.GroupByKey()
        | "decide again" >> beam.ParDo(DecideAgain(rule))
    )


class DecideAgain(beam.DoFn):
    """(number, lines of tasks) -> files."""

    def __init__(self, rule: Consistency) -> None:
        self._rule = rule

    def process(self, item: tuple[int, Any]) -> None:
        for line in item[1]:
            task = ShardTask.from_json(line)
            try_split(rows_of(task), self._rule, task)


def rows_of(task: ShardTask) -> Iterator[pa.Table]:
    """The rows of a judged shard, kept and dropped, in the order of the candidates."""
    kept, dropped = (row_groups(uri, JUDGED_SCHEMA) for uri in task.shard)
    return merged(kept, dropped)


def merged(one: Iterator[pa.Table], other: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The rows of two runs of tables, each sorted by ``pair_id``, as one; a table of each is in memory."""
    left, right = _next_rows(one), _next_rows(other)
    while left is not None and right is not None:
        last = min(table.column("pair_id")[-1].as_py() for table in (left, right))
        parts = [table.filter(pc.less_equal(table.column("pair_id"), last)) for table in (left, right)]
        yield pa.concat_tables(parts).sort_by("pair_id")
        left = left.slice(len(parts[0])) if len(parts[0]) < len(left) else _next_rows(one)
        right = right.slice(len(parts[1])) if len(parts[1]) < len(right) else _next_rows(other)
    for table, rest in ((left, one), (right, other)):
        if table is not None:
            yield table
            yield from rest


def _next_rows(tables: Iterator[pa.Table]) -> pa.Table | None:
    return next((table for table in tables if table.num_rows), None)
