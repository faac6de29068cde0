"""What was found, as lines of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.consistency.candidates import KINDS, SETS, SOURCES, Exchanged
from benchmarks.consistency.judging import MAX_RANK, Asked, needed_by
from benchmarks.consistency.retrieval import Course, Difference
from filters.consistency import Consistency, Judged

HARDEST = "reddit"
"""Nobody can tell which of many posts a short comment answers: its pairs lower every figure of all sources."""
SHOWN = (1, 2, 3, 5, 10, 20)

Kept = NDArray[np.bool_]


def rates(pairs: Exchanged, keep: Kept) -> dict[str, float]:
    return {name: float(keep[pairs.kind == kind].mean()) for name, kind in KINDS.items()}


def kept_table(pairs: Exchanged, filters: Mapping[str, Kept]) -> Iterator[str]:
    groups = {f"all but {HARDEST}": pairs.source != SOURCES.index(HARDEST)}
    groups |= {source: pairs.source == number for number, source in enumerate(SOURCES)}
    names = [*KINDS, *(f"{name}: true / near" for name in groups)]
    yield f"| keep when | pairs | {' | '.join(names)} |"
    yield "|---|--:|" + "--:|" * len(names)
    for name, keep in filters.items():
        cells = [f"{keep.sum():,}", *(f"{share:.4f}" for share in rates(pairs, keep).values())]
        for here in groups.values():
            of = [keep[here & (pairs.kind == KINDS[kind])].mean() for kind in ("true", "near")]
            cells.append(" / ".join(f"{share:.3f}" for share in of))
        yield f"| {name} | {' | '.join(cells)} |"


def curve_table(pairs: Exchanged, lines: Mapping[str, Sequence[Kept]]) -> Iterator[str]:
    yield "| true / far / near kept | " + " | ".join(f"k = {k}" for k in SHOWN) + " |"
    yield "|---|" + "--:|" * len(SHOWN)
    for name, each in lines.items():
        cells = [rates(pairs, each[k - 1]) for k in SHOWN]
        yield f"| {name} | " + " | ".join(f"{c['true']:.3f} / {c['far']:.4f} / {c['near']:.3f}" for c in cells) + " |"


def decoy_rows(every: Sequence[Asked], judged: Sequence[Judged], of_pairs: Judged) -> Iterator[str]:
    """What decoys say of the same rates."""
    for name, judge in (("2 folds", "model"), ("BM25", "bm25"), ("2 folds or BM25", "either")):
        rule = Consistency(judge=judge, max_rank=MAX_RANK)  # type: ignore[arg-type]
        needed = {
            kind: np.concatenate(
                [
                    needed_by(rule, asked, of, of_pairs)
                    for asked, of in zip(every, judged, strict=True)
                    if asked.kind == kind
                ]
            )
            for kind in ("far", "near")
        }
        cells = (f"- / {(needed['far'] <= k).mean():.4f} / {(needed['near'] <= k).mean():.3f}" for k in SHOWN)
        yield f"| decoys, {name} | " + " | ".join(cells) + " |"


def retrieval_table(pairs: Exchanged, filters: Mapping[str, Kept], seeds: int, steps: int, work: Path) -> Iterator[str]:
    course = Course.of(pairs, steps, work)
    found: dict[str, list[list[float]]] = {name: [] for name in filters}
    for seed in range(seeds):
        for name, keep in filters.items():
            values = course.ndcg(np.flatnonzero(keep), seed)
            found[name].append([*values, float(np.mean(values))])
        print(f"seed {seed}: " + ", ".join(f"{name} {runs[-1][-1]:.3f}" for name, runs in found.items()), flush=True)
    columns = [*SETS, "mean"]
    yield f"nDCG@10 after {steps} steps, {seeds} seeds; paired differences to no filter, 95 % interval, *: 0 is outside"
    yield ""
    yield "| keep when | " + " | ".join(f"{name} | difference" for name in columns) + " |"
    yield "|---|" + "--:|--:|" * len(columns)
    scores = {name: np.array(runs) for name, runs in found.items()}
    base = scores["no filter"]
    for name, runs in scores.items():
        cells = []
        for column in range(len(columns)):
            cells.append(f"{runs[:, column].mean():.4f}")
            cells.append("" if name == "no filter" else told(Difference.of(runs[:, column], base[:, column])))
        yield f"| {name} | " + " | ".join(cells) + " |"
    ours = [
        name
        for name in filters
        if name not in ("no filter", "oracle") and not name.startswith(("cosine", "self", "any"))
    ]
    best = max(ours, key=lambda name: float(scores[name][:, -1].mean()))
    yield f"\nThe best filter by the mean, chosen after the fact: {best}. Its mean nDCG@10 less that of"
    for name in filters:
        if name.startswith(("no filter", "self", "cosine", "any", "oracle")):
            yield f"- {name}: {told(Difference.of(scores[best][:, -1], scores[name][:, -1]))}"


def told(difference: Difference) -> str:
    return f"{difference.mean:+.4f} ± {difference.half:.4f}{' *' if difference.significant else ''}"
