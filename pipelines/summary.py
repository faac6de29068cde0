"""What a build says at its end: a short table, what was rejected and why, what failed, and pairs to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from ccpairs.command_line import table
from ccpairs.local_files import one_line
from ccpairs.shards import read_pairs
from pipelines.build import SourceReport, counted, pieces
from pipelines.discover import Found
from pipelines.refilter import Refiltered
from pipelines.source import Source

REASONS_SHOWN = 6
CHARS_SHOWN = 200


def summary(reports: Sequence[SourceReport]) -> Iterator[str]:
    """The table of what happened, a line at a time."""
    rows = [("source", "inputs", "records read", "records kept", "failed", "pairs", "shards")]
    for report in reports:
        manifest = report.manifest
        extract = manifest.counts[0]
        rows.append(
            (
                manifest.source,
                f"{len(manifest.inputs) - len(report.failures)} of {len(manifest.inputs)}",
                f"{extract.read:,}",
                f"{extract.kept:,}",
                f"{sum(extract.failed.values()):,}",
                f"{manifest.rows:,}",
                f"{len(manifest.shards):,}",
            )
        )
    yield from table(rows)
    yield ""
    for report in reports:
        yield f"{report.manifest.source}: {report.folder}" + ("  (found done)" if report.reused else "")
        for stage in report.manifest.counts:
            reasons = {**stage.rejected, **stage.failed}
            if reasons:
                yield f"  rejected in {stage.stage} (of {stage.read:,} {stage.unit}s): {most_frequent(reasons)}"
            if stage.left_out:
                yield f"  left out of the {stage.unit}s kept in {stage.stage}: {most_frequent(dict(stage.left_out))}"


def before_and_after(done: Sequence[Refiltered]) -> Iterator[str]:
    """What other thresholds changed, source by source and reason by reason."""
    rows: list[tuple[str, ...]] = [("source", "", "before", "after", "change")]
    for each in done:
        before, after = each.before.counts[-1], each.report.manifest.counts[-1]
        rows.append(change("pairs", before.kept, after.kept, each.report.manifest.source))
        reasons = sorted({*before.rejected, *after.rejected})
        found = [(reason, before.rejected.get(reason, 0), after.rejected.get(reason, 0)) for reason in reasons]
        rows += [change(reason, old, new) for reason, old, new in found if old != new]
    yield from table(rows)
    yield ""
    for each in done:
        report = each.report
        yield f"{report.manifest.source}: {report.folder}" + ("  (found done)" if report.reused else "")
        if each.unseen:
            yield (
                f"  not looked at again, for the build kept a sample: {most_frequent(dict(each.unseen))} "
                "(build with --rejected all to bring them back)"
            )


def change(what: str, before: int, after: int, source: str = "") -> tuple[str, ...]:
    return source, what, f"{before:,}", f"{after:,}", f"{after - before:+,}"


def most_frequent(reasons: dict[str, int]) -> str:
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    whole = len(ranked) <= REASONS_SHOWN + 1  # "1 other reason" is no shorter than its name
    shown = [f"{reason} {number:,}" for reason, number in (ranked if whole else ranked[:REASONS_SHOWN])]
    rest = [] if whole else ranked[REASONS_SHOWN:]
    return ", ".join(shown + ([f"{len(rest)} other reasons {sum(n for _, n in rest):,}"] if rest else []))


def failures(reports: Sequence[SourceReport]) -> Iterator[str]:
    """A line for each input that failed."""
    for report in reports:
        for info in report.failures:
            uri, name = one_line(info.uri), one_line(info.uri.rsplit("/", 1)[-1])
            error = (info.error or "").removeprefix(f"{uri}: ").removeprefix(f"{name}: ")
            yield f"{report.manifest.source}: {uri}: {error}"


def some_pairs(folder: str, number: int) -> Iterator[str]:
    """The first pairs of a source, which are random ones, for shards are in the order of a hash."""
    pairs = read_pairs(folder, columns=["query", "passage", "pair_type"])
    for pair in islice(pairs, number):
        yield f"  [{pair['pair_type']}]"
        yield f"    query:   {shortened(pair['query'])}"
        yield f"    passage: {shortened(pair['passage'])}"


def shortened(text: str) -> str:
    return text if len(text) <= CHARS_SHOWN else text[: CHARS_SHOWN - 1].rstrip() + "…"


def dry_run(sources: Iterable[Source], inputs: dict[str, Found]) -> Iterator[str]:
    """What a build would read, and by which reader."""
    for source in sources:
        found = inputs[source.name]
        sizes = [file.size or 0 for file in found.files]
        yield f"{source.name}: {counted(len(found.files), 'file')}, {sum(sizes):,} bytes"
        forms = Counter(file.form for file in found.files)
        for form, number in sorted(forms.items()):
            yield f"  {counted(number, 'file')} by the reader {form}: {source.forms[form]}"
        rows = []
        for file in found.files:
            parts = pieces(source, file) if "://" not in file.uri else [file]
            size = f"{file.size:,}" if file.size is not None else "?"
            note = parts[0].problem or (f"in {len(parts)} parts" if len(parts) > 1 else "")
            rows.append((f"    {one_line(file.uri)}", file.form, f"{size} bytes", note))
        yield from table(rows)
        if found.ignored:
            some = ", ".join(map(one_line, found.ignored[:5])) + (", …" if len(found.ignored) > 5 else "")
            yield f"  not read by this source ({counted(len(found.ignored), 'file')}): {some}"
