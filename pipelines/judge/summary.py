"""What ``judge`` says at its end: pairs kept of each source and why others were not, what became of decoys, rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ccpairs.command_line import table
from pipelines.judge.manifests import JudgedReport

SOME_K = (1, 2, 3, 5, 10, 20)


def summary(reports: Sequence[JudgedReport], every_k: bool = False) -> Iterator[str]:
    """The tables of what happened, a line at a time; at ``every_k`` or at some what else would have been kept."""
    yield from kept_table(reports)
    yield ""
    yield from decoys_table(reports)
    yield from at_k_table(reports, every_k)
    yield from rounds_table(reports)
    for report in reports:
        yield f"{report.manifest.source}: {report.folder}" + ("  (found done)" if report.reused else "")


def kept_table(reports: Sequence[JudgedReport]) -> Iterator[str]:
    """Pairs read and kept of each source and of all, and how many each reason dropped."""
    stages = [(report.manifest.source, report.manifest.counts[-1]) for report in reports]
    reasons = sorted({reason for _, stage in stages for reason in stage.rejected})
    rows = [("source", "k", "pairs", "kept", "rate", *reasons)]
    total: Counter[str] = Counter()
    for report, (source, stage) in zip(reports, stages, strict=True):
        total.update({"pairs": stage.read, "kept": stage.kept, **stage.rejected})
        counts = [stage.rejected.get(reason, 0) for reason in reasons]
        rows.append((source, str(judged(report)["k"]), *_line(stage.read, stage.kept, counts)))
    rows.append(("all", "", *_line(total["pairs"], total["kept"], [total[reason] for reason in reasons])))
    yield from table(rows)


def _line(read: int, kept: int, counts: Sequence[int]) -> tuple[str, ...]:
    return f"{read:,}", f"{kept:,}", percent(kept / read if read else None), *(f"{number:,}" for number in counts)


def decoys_table(reports: Sequence[JudgedReport]) -> Iterator[str]:
    """Of each source how many decoys of each kind its rule keeps, with the 95 % interval."""
    kinds = sorted({kind for report in reports for kind in judged(report)["decoys"]})
    if not kinds:
        return
    rows = [("decoys kept", *(head for kind in kinds for head in (f"{kind} decoys", "kept", "rate", "95 % interval")))]
    for report in reports:
        found = at_k(report)
        cells = [_cells(found.get(kind)) for kind in kinds]
        rows.append((report.manifest.source, *(cell for part in cells for cell in part)))
    yield from table(rows)
    yield ""


def at_k_table(reports: Sequence[JudgedReport], every_k: bool) -> Iterator[str]:
    """What each source's pairs and decoys come to at other k, in both directions; a star marks the rule's k."""
    kinds = sorted({kind for report in reports for kind in judged(report)["decoys"]})
    directions = sorted({direction for report in reports for direction in judged(report)["at_k"]})
    rows = [("kept at other k", "k", *(head for each in directions for head in (each, *kinds)))]
    for report in reports:
        found = judged(report)
        for k in range(1, found["max_rank"] + 1):
            if not found["at_k"] or not (every_k or k in SOME_K or k == found["k"]):
                continue
            cells = [
                cell
                for direction in directions
                for told in [found["at_k"][direction][k - 1]]
                for cell in (percent(told["keep_rate"]), *(_with_interval(told.get(kind)) for kind in kinds))
            ]
            rows.append((report.manifest.source, f"{'*' if k == found['k'] else ''}{k}", *cells))
    yield from table(rows)
    yield ""


def _with_interval(rate: Mapping[str, Any] | None) -> str:
    if rate is None or not rate["of"]:
        return ""
    return f"{percent(rate['rate'])} ({100 * rate['low']:.2f} to {100 * rate['high']:.2f})"


def _cells(rate: Mapping[str, Any] | None) -> tuple[str, ...]:
    if rate is None or not rate["of"]:
        return "0", "", "", ""
    interval = f"{percent(rate['low'])} to {percent(rate['high'])}"
    return f"{rate['of']:,}", f"{rate['kept']:,}", percent(rate["rate"]), interval


def rounds_table(reports: Sequence[JudgedReport]) -> Iterator[str]:
    """What each round kept, and whom it kept that the one before had not, and the other way round."""
    if all(len(judged(report)["rounds"]) < 2 for report in reports):
        return
    rows = [("source", "round", "kept", "newly kept", "no longer kept")]
    for report in reports:
        for number, told in enumerate(judged(report)["rounds"], start=1):
            changes = ("", "") if number == 1 else (f"{told['came']:,}", f"{told['left']:,}")
            rows.append((report.manifest.source, str(number), f"{told['kept']:,}", *changes))
    yield from table(rows)
    yield ""


def judged(report: JudgedReport) -> Mapping[str, Any]:
    found = report.manifest.judged
    assert found is not None
    return found


def at_k(report: JudgedReport) -> Mapping[str, Any]:
    """What a manifest says of the k of its rule, in the rule's direction; nothing where no pair was judged."""
    found = judged(report)
    rows = found["at_k"].get(found["direction"], ())
    return next((row for row in rows if row["k"] == found["k"]), {})


def percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f} %"
