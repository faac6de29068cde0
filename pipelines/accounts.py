"""What a source's files and stages did, counted: the numbers of the manifest, and that they add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ccpairs import storage
from ccpairs.manifest import InputInfo, Manifest, StageCounts
from pipelines.extract import ExtractCounts, ExtractTask, read_counts, read_failure
from pipelines.source import Source


@dataclass(frozen=True)
class Extracted:
    """The tasks of one source with their counts (None where the file failed)."""

    source: Source
    tasks: Sequence[ExtractTask]
    counts: Sequence[ExtractCounts | None]

    @property
    def whole(self) -> list[tuple[ExtractTask, ExtractCounts]]:
        pairs = zip(self.tasks, self.counts, strict=True)
        return [(task, counts) for task, counts in pairs if counts is not None]

    @property
    def rows(self) -> int:
        return sum(counts.rows for _, counts in self.whole)

    @property
    def bytes(self) -> int:
        return sum(counts.bytes for _, counts in self.whole)

    @property
    def kinds(self) -> dict[str, int]:
        total: Counter[str] = Counter()
        for _, counts in self.whole:
            total.update(counts.kinds)
        return dict(total)


def source_joins(source: Source) -> bool:
    return "key" in source.extract_schema.names


def extracted(source: Source, tasks: Sequence[ExtractTask]) -> Extracted:
    """The counts of every task of a source, from the footers of the extracts.

    A file is taken whole or not at all: where one of its splits failed, none of them counts.
    """
    folder = tasks[0].target.rpartition("/")[0]
    names = set(storage.names_in(folder))
    failed = {task.file.identity for task in tasks if task.extract.rpartition("/")[2] not in names}
    counts = [None if task.file.identity in failed else read_counts(task.extract) for task in tasks]
    return Extracted(source, tasks, counts)


def by_target(done: Extracted) -> list[tuple[ExtractTask, ExtractCounts | None]]:
    return sorted(zip(done.tasks, done.counts, strict=True), key=lambda pair: pair[0].target)


def inputs_of(done: Extracted) -> tuple[InputInfo, ...]:
    """One entry for each input file, its splits added up, in the order of the names."""
    files: dict[tuple[str, ...], list[tuple[ExtractTask, ExtractCounts | None]]] = {}
    for task, counts in zip(done.tasks, done.counts, strict=True):
        files.setdefault(task.file.identity, []).append((task, counts))
    infos = []
    for _, parts in sorted(files.items()):
        whole = [counts for _, counts in parts if counts is not None]
        broken = [read_failure(task) for task, counts in parts if counts is None and not storage.exists(task.extract)]
        rejected: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        for counts in whole:
            rejected.update(counts.rejected)
            failed.update(counts.failed)
        file = parts[0][0].file
        infos.append(
            InputInfo(
                uri=file.uri,
                form=file.form,
                size=file.size,
                sha256=next((counts.sha256 for counts in whole if counts.sha256), None),
                read=sum(counts.read for counts in whole),
                rows=sum(counts.rows for counts in whole),
                rejected=dict(sorted(rejected.items())),
                failed=dict(sorted(failed.items())),
                error=broken[0] if broken else None,
            )
        )
    return tuple(infos)


def stage_counts(
    done: Extracted, found: Sequence[Sequence[Any]], *, joined: bool
) -> tuple[tuple[StageCounts, ...], dict[str, int]]:
    """The counts of every stage, from the extracts' footers and from what the engine added up."""
    counts = counted_stages(found)
    stages = [extract_counts(done)]
    if joined:
        join = counts.get("join", {})
        stages.append(
            StageCounts(
                *("join", "row", done.rows, join.get("kept", Counter())[""]),
                rejected=dict(sorted(join.get("rejected", Counter()).items())),
                made=join.get("made", Counter())[""],
            )
        )
    pairs = counts.get("pairs", {})
    read, kept = pairs.get("read", Counter())[""], pairs.get("kept", Counter())[""]
    rejected = dict(sorted(pairs.get("rejected", Counter()).items()))
    stages.append(StageCounts("pairs", "pair", read, kept, rejected=rejected, made=kept))
    return tuple(stages), dict(sorted(pairs.get("pair_type", Counter()).items()))


def counted_stages(found: Sequence[Sequence[Any]]) -> dict[str, dict[str, Counter[str]]]:
    """Stage -> outcome -> number by reason, from ``[stage, outcome, reason, number]`` of every count."""
    counts: dict[str, dict[str, Counter[str]]] = {}
    for stage, outcome, reason, number in found:
        counts.setdefault(stage, {}).setdefault(outcome, Counter())[reason] += number
    return counts


def extract_counts(done: Extracted) -> StageCounts:
    rejected: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for _, counts in done.whole:
        rejected.update(counts.rejected)
        failed.update(counts.failed)
    left_out: Counter[str] = Counter()
    for _, counts in done.whole:
        left_out.update(counts.left_out)
    read, kept = (sum(getattr(counts, name) for _, counts in done.whole) for name in ("read", "kept"))
    return StageCounts(
        *("extract", done.source.unit, read, kept, dict(sorted(rejected.items())), dict(sorted(failed.items()))),
        left_out=dict(sorted(left_out.items())),
        made=done.rows,
    )


def check_counts(manifest: Manifest) -> None:
    """Hold the stages against each other: nothing lost, nothing twice. Raises ``AssertionError`` (our bug)."""
    for counts in manifest.counts:
        counts.check()
    for before, after in zip(manifest.counts, manifest.counts[1:], strict=False):
        if before.made != after.read:
            raise AssertionError(f"{before.stage} made {before.made}, but {after.stage} read {after.read}")
    if manifest.counts[-1].kept != manifest.rows or sum(manifest.pair_types.values()) != manifest.rows:
        raise AssertionError(f"{manifest.counts[-1].kept} pairs kept, {manifest.rows} rows in the shards")
