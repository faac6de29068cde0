"""The build: find the inputs, extract each, assemble each source, write its manifest last.

::

    OUTPUT/extracts/SOURCE/NAME-HASH.parquet    one per input file (and .rejects.parquet beside it)
    OUTPUT/candidates/SOURCE/SOURCE-*.parquet   the shards, and _manifest.json, written last
    OUTPUT/rejected/SOURCE/rejected-*.parquet   what was judged unfit, with the reason
    OUTPUT/_work/                               lists that the engine reads; may be deleted after a run

Every file appears whole or not at all and is named by what it was made from, so a rerun after any interruption redoes
only what is missing, and the bytes are the same.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import apache_beam as beam

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.interruption import after_children_end
from ccpairs.manifest import MANIFEST_NAME, InputInfo, Manifest
from ccpairs.output_folder import check_unfinished
from filters.pairs import default_pair_filters
from pipelines.accounts import (
    Extracted,
    by_target,
    check_counts,
    extracted,
    inputs_of,
    source_joins,
    stage_counts,
)
from pipelines.assemble import Listings, ShardPlan, assemble
from pipelines.discover import Found
from pipelines.engine import Engine, warn_of_size
from pipelines.extract import (
    PROGRESS,
    ExtractFiles,
    ExtractTask,
    extract_name,
    settings_of,
)
from pipelines.inputs import InputFile
from pipelines.progress import Done, shown
from pipelines.shard_run import MOST_SHARDS, digest, finished, make_shards, read_list, versions
from pipelines.shuffle import PARTITION_BYTES, partitions_for
from pipelines.source import Source
from pipelines.text_quality import TextQuality

EXTRACT_BYTES_PER_SECOND = 6 << 20
"""Input that one core gets through, roughly: is a second process worth starting?"""
BYTES_OF_UNKNOWN = 256 << 20

log = logging.getLogger("ccpairs")


@dataclass(frozen=True)
class BuildRequest:
    """What to build: the inputs of each source, where to, and the choices that every source shares."""

    sources: Mapping[str, Source]
    inputs: Mapping[str, Found]
    output: str
    rejected: str = "sample"
    num_shards: int | None = None
    rows_per_shard: int | None = None
    quality: Mapping[str, TextQuality] = field(default_factory=dict)
    argv: Sequence[str] = ()


@dataclass(frozen=True)
class SourceReport:
    """What came out of one source: the manifest, and whether it was already there."""

    manifest: Manifest
    folder: str
    reused: bool = False

    @property
    def failures(self) -> tuple[InputInfo, ...]:
        return tuple(info for info in self.manifest.inputs if info.error is not None)


@dataclass
class Build:
    """One run of the command."""

    request: BuildRequest
    engine: Engine
    reports: list[SourceReport] = field(default_factory=list)

    def run(self) -> list[SourceReport]:
        """Do whatever is not done yet; one report for each source."""
        for name in self.request.sources:
            check_unfinished(self.request.output, name, "candidates", {"rejected": "rejected"})
        tasks = self.plan()
        expected = [expected_bytes(source, tasks[name]) for name, source in self.request.sources.items()]
        warned = self.engine.is_local and warn_of_size(max(expected, default=0), self.request.argv, "before the start")
        self.extract([task for group in tasks.values() for task in group])
        for name, source in self.request.sources.items():
            self.reports.append(self.assemble(extracted(source, tasks[name]), warned))
        return self.reports

    def plan(self) -> dict[str, list[ExtractTask]]:
        """The tasks of each source; files that may be read in parallel give several."""
        return {
            name: [
                ExtractTask(name, piece, self._target(source, piece))
                for file in self.request.inputs[name].files
                for piece in pieces(source, file)
            ]
            for name, source in self.request.sources.items()
        }

    def _target(self, source: Source, piece: Any) -> str:
        return storage.join(
            self.request.output, "extracts", source.name, extract_name(source, piece, self.request.rejected)
        )

    def extract(self, tasks: Sequence[ExtractTask]) -> None:
        """Extract what has no extract yet, in one run of the engine over all sources."""
        there: dict[str, set[str]] = {}
        for task in tasks:
            folder = task.target.rpartition("/")[0]
            if folder not in there:
                storage.make_folder(folder)
                storage.remove_temporary(folder)
                there[folder] = set(storage.names_in(folder))
        missing = [task for task in tasks if not is_in(task.extract, there)]
        if len(missing) < len(tasks):
            log.info("extract: %d of %d extracts found done", len(tasks) - len(missing), len(tasks))
        if not missing:
            return
        # Largest first: the engine deals the groups out in turn, so the last to finish are small.
        missing.sort(key=lambda task: (-task_bytes(task), task.target))
        listing = self._work("extract.jsonl", [task.to_json() for task in missing])
        after_children_end(partial(remove_progress, list(there)), key="progress")
        total = sum(map(task_bytes, missing))
        addresses = {task.target: task.file.address for task in missing if task.file.address != task.file.uri}
        log.info("extract: %s, %s bytes%s", counted(len(missing), "file"), f"{total:,}", unknown_sizes(missing))
        with shown("extract", total, partial(extract_progress, missing)):
            self.engine.run(
                partial(
                    extract_graph,
                    listing=listing,
                    sources=self.request.sources,
                    rejected=self.request.rejected,
                    addresses=addresses,
                ),
                seconds=total / EXTRACT_BYTES_PER_SECOND,
                parts=len(missing),
            )

    def assemble(self, done: Extracted, warned: bool) -> SourceReport:
        """Assemble one source, unless its manifest says that nothing changed."""
        source, output = done.source, self.request.output
        folder = storage.join(output, "candidates", source.name)
        settings = self.settings(source)
        inputs = inputs_of(done)
        identity = digest([[task.target.rpartition("/")[2], counts is None] for task, counts in by_target(done)])
        old = finished(folder, digest(settings), identity)
        if old is not None:
            log.info("assemble %s: found done (%s pairs)", source.name, f"{old.rows:,}")
            return SourceReport(old, folder, reused=True)
        # Of the pairs only an upper bound is known, which may be far off.
        compared = min(most_pairs(done), 4 * done.rows) * self.quality(source).duplicates.bytes_per_pair
        self.engine.check_shuffle(extract_bytes(done) + compared)
        plan, listings = self._shard_plan(done, folder), self._listings(done)
        if self.engine.is_local and not warned:
            warn_of_size(done.bytes + compared, self.request.argv, f"before assembling {source.name}")
        log.info("assemble %s: %s rows into %s", source.name, f"{done.rows:,}", counted(plan.shards, "shard"))
        made = make_shards(
            self.engine,
            partial(run_assemble, source=source, listings=listings, plan=plan),
            plan,
            row_bytes=done.bytes,
            pieces=len(done.whole),
        )
        counts, pair_types = stage_counts(done, made.counts, joined=source_joins(source))
        manifest = Manifest(
            source=source.name,
            stage="candidates",
            settings=settings,
            settings_hash=digest(settings),
            inputs_hash=identity,
            versions=versions(),
            inputs=inputs,
            counts=counts,
            pair_types=pair_types,
            shards=made.shards,
            rejected=made.rejected,
            rejected_mode=self.request.rejected,
        )
        check_counts(manifest)
        storage.write_bytes(storage.join(folder, MANIFEST_NAME), manifest.to_json())
        return SourceReport(manifest, folder)

    def settings(self, source: Source) -> dict[str, Any]:
        """Every setting that shapes a source's candidates."""
        return {
            **settings_of(source),
            **dataclasses.asdict(source.pair),
            "limit": next((file.limit for file in self.request.inputs[source.name].files), None),
            "num_shards": self.request.num_shards,
            "rows_per_shard": self.request.rows_per_shard,
            "rejected": self.request.rejected,
            "pair_filters": [repr(each) for each in default_pair_filters()],
            "text_quality": self.quality(source).described,
        }

    def quality(self, source: Source) -> TextQuality:
        return self.request.quality.get(source.name, TextQuality())

    def _listings(self, done: Extracted) -> Listings:
        name = f"assemble-{done.source.name}"
        names = set(storage.names_in(storage.join(self.request.output, "extracts", done.source.name)))
        rejects = [task.rejects for task, _ in done.whole if task.rejects.rpartition("/")[2] in names]
        rows = [task.extract for task, _ in done.whole]
        return Listings(
            rows=self._work(f"{name}-extracts.jsonl", read_list(rows, done.bytes)),
            rejects=self._work(f"{name}-rejects.jsonl", read_list(rejects, done.bytes)),
        )

    def _shard_plan(self, done: Extracted, folder: str) -> ShardPlan:
        source, output = done.source, self.request.output
        return ShardPlan(
            source=source.name,
            shards=self._shards(done),
            partitions=partitions_for(done.bytes),
            folder=folder,
            rejected_folder=storage.join(output, "rejected", source.name),
            result=storage.join(output, "_work", f"assemble-{source.name}-result.json"),
            rejected=self.request.rejected,
            quality=self.quality(source),
        )

    def _shards(self, done: Extracted) -> int:
        """As asked for; else as many as keep a shard near the size that engines hold in one worker."""
        if self.request.num_shards is not None:
            return self.request.num_shards
        most = most_pairs(done)
        if self.request.rows_per_shard is not None:
            shards = max(1, -(-most // self.request.rows_per_shard))
            if shards > MOST_SHARDS:
                raise UserError(
                    f"--rows-per-shard {self.request.rows_per_shard:,} makes {shards:,} shards of {done.source.name}, "
                    f"more than {MOST_SHARDS:,}; choose {-(-most // MOST_SHARDS):,} or more"
                )
            return shards
        texts_a_pair = 2 if source_joins(done.source) else 1
        return max(1, -(-most * texts_a_pair * done.bytes // max(done.rows, 1) // PARTITION_BYTES))

    def _work(self, name: str, lines: Sequence[str]) -> str:
        uri = storage.join(self.request.output, "_work", name)
        storage.write_bytes(uri, "".join(line + "\n" for line in lines).encode())
        return uri


def most_pairs(done: Extracted) -> int:
    """An upper bound of the pairs that extracts can make."""
    return min(done.source.most_pairs(done.kinds, done.rows), 1 << 62)


def pieces(source: Source, file: InputFile) -> list[InputFile]:
    """A file, or its byte ranges where the source can read them independently."""
    ranges = source.split(file) if file.limit is None and file.problem is None else ()
    return [dataclasses.replace(file, begin=begin, end=end) for begin, end in ranges] or [file]


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def unknown_sizes(tasks: Sequence[ExtractTask]) -> str:
    unknown = sum(task.file.size is None for task in tasks)
    return f" if the {unknown:,} of unknown size have {BYTES_OF_UNKNOWN:,} each" if unknown else ""


def task_bytes(task: ExtractTask) -> int:
    """Bytes to read; a guess for files in long lists, which are not asked for their sizes."""
    file = task.file
    if file.begin is not None and file.end is not None:
        return file.end - file.begin
    return BYTES_OF_UNKNOWN if file.size is None else file.size


def expected_bytes(source: Source, tasks: Sequence[ExtractTask]) -> int:
    """A guess, from the sizes of the inputs alone, at the extract rows that a source will shuffle."""
    if any(task.file.limit is not None for task in tasks):
        return 0
    return int(sum(map(task_bytes, tasks)) * source.rows_per_input_byte)


def extract_bytes(done: Extracted) -> int:
    """The size of a source's extract files: about what its rows take on their way through a shuffle."""
    if not done.tasks:
        return 0
    sizes = storage.sizes_in(done.tasks[0].target.rpartition("/")[0])
    return sum(sizes.get(task.extract.rpartition("/")[2], 0) for task, _ in done.whole)


def is_in(uri: str, there: Mapping[str, set[str]]) -> bool:
    folder, _, name = uri.rpartition("/")
    return name in there[folder]


def extract_graph(
    pipeline: Any, *, listing: str, sources: Mapping[str, Source], rejected: str, addresses: Mapping[str, str]
) -> None:
    """One group per file, so that the engine spreads files over its workers."""
    _ = (
        pipeline
        | "the list of files" >> beam.Create([listing])
        | "its lines" >> beam.FlatMap(numbered_tasks)
        | "spread files" >> beam.GroupByKey()
        | "extract files" >> beam.ParDo(ExtractFiles(dict(sources), rejected, dict(addresses)))
    )


def numbered_tasks(listing: str) -> list[tuple[int, str]]:
    return list(enumerate(storage.read_bytes(listing).decode().splitlines()))


def run_assemble(pipeline: Any, *, source: Source, listings: Listings, plan: ShardPlan) -> None:
    assemble(pipeline, source, listings, plan)


def remove_progress(folders: Sequence[str]) -> None:
    """Remove what extracts that were ended left behind to say how far they were."""
    for uri in (storage.join(folder, name) for folder in folders for name in storage.names_in(folder)):
        if uri.endswith(PROGRESS):
            storage.remove(uri)


def extract_progress(tasks: Sequence[ExtractTask]) -> Done:
    """How many bytes of the inputs have been extracted, from what lies in the output folders."""
    names: dict[str, set[str]] = {}
    amount = files = 0
    for task in tasks:
        folder, _, _ = task.target.rpartition("/")
        if folder not in names:
            names[folder] = set(storage.names_in(folder))
        if is_in(task.extract, names) or is_in(task.failure, names):
            amount += task_bytes(task)
            files += 1
        elif is_in(task.progress, names):
            try:
                amount += min(int(storage.read_bytes(task.progress) or b"0"), task_bytes(task))
            except FileNotFoundError:
                continue  # it has just finished
    return Done(amount, f"{files} of {len(tasks)} files")
