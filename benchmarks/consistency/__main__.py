"""Does the consistency filter pay? Real pairs with 40 % of the passages exchanged, filtered in every way.

    python -m benchmarks.consistency [--work build/consistency] [--seeds 10] [--steps 300] [--plot FILE.png]

Prints, for each filter, how many right pairs and how many mismatches it keeps, and nDCG@10 of static models trained on
what is left, each for the same steps and from the same seeds, with paired differences against no filter and their 95 %
intervals. About 20 minutes on two cores; a second run finds candidates, neighbours and fold models in --work.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.consistency import judging
from benchmarks.consistency.candidates import KINDS, SETS, SOURCES, TRUE, Exchanged, exchanged
from benchmarks.consistency.judging import MAX_RANK, Asked
from benchmarks.consistency.retrieval import Course, Difference
from filters.consistency import Consistency, Judge, Judged
from filters.false_keep import MaxFalseKeep

FOLDS = (1, 2, 4)
K = 2
NEAR_LIMIT = 0.02
DECOYS = 2_000

Kept = NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("build/consistency"), help="what is made once lies here")
    parser.add_argument("--share", type=float, default=0.4, help="of the passages that are exchanged")
    parser.add_argument("--preset", default="preliminary", help="of the fold models")
    parser.add_argument("--seeds", type=int, default=10, help="0: without the retrieval part")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--plot", type=Path, help="true kept against near kept, as PNG (needs matplotlib)")
    options = parser.parse_args()
    clock = time.perf_counter()

    def said(what: str) -> None:
        print(f"[{time.perf_counter() - clock:,.0f} s] {what}", flush=True)

    pairs, data = exchanged(options.work, options.share)
    said("pairs: " + ", ".join(f"{np.sum(pairs.kind == kind):,} {name}" for name, kind in KINDS.items()))
    judged, decoys = judge_all(pairs, data, options.work, options.preset)
    filters = filters_of(pairs, judged, decoys)
    said("judged")
    print("\n" + "\n".join(kept_table(pairs, filters)))
    print("\n" + "\n".join(curve_table(pairs, curves(judged))))
    if options.plot:
        from benchmarks.consistency.picture import draw

        draw(options.plot, {name: [rates(pairs, keep) for keep in each] for name, each in curves(judged).items()})
    if options.seeds:
        print("\n" + "\n".join(retrieval_table(pairs, filters, options.seeds, options.steps)))
    said("done")


def judge_all(
    pairs: Exchanged, data: Path, work: Path, preset: str
) -> tuple[dict[int, Judged], tuple[list[Asked], list[Judged]]]:
    """Of each number of folds the judged pairs (2 with BM25 beside), and the judged decoys of 2 folds."""
    rows = np.arange(len(pairs))
    found: dict[int, Judged] = {}
    of_decoys: tuple[list[Asked], list[Judged]] = ([], [])
    for folds in FOLDS:
        start = time.perf_counter()
        models = judging.train(data, folds, preset, work / f"models-{data.name}-{preset.replace('/', '_')}-{folds}")
        trained = time.perf_counter()
        vectors = judging.encoded(pairs, models)
        every = [Asked(rows, rows, pairs.folds(folds))]
        if folds == 2:
            every += judging.decoys(pairs, vectors, folds, DECOYS)
        judged = judging.by_models(pairs, vectors, every)
        took = time.perf_counter() - trained
        print(f"folds {folds}: trained in {trained - start:,.0f} s, judged in {took:,.0f} s", flush=True)
        if folds == 2:
            start = time.perf_counter()
            judged = judging.with_bm25(pairs, every, judged)
            of_decoys = every[1:], judged[1:]
            print(f"BM25: {time.perf_counter() - start:,.0f} s", flush=True)
        found[folds] = judged[0]
    return found, of_decoys


def filters_of(
    pairs: Exchanged, judged: Mapping[int, Judged], decoys: tuple[list[Asked], list[Judged]]
) -> dict[str, Kept]:
    """Name of a filter -> which pairs it keeps, bool [n]."""

    def kept(folds: int, judge: Judge = "model", k: int = K) -> Kept:
        return Consistency(k=k, judge=judge, max_rank=MAX_RANK).decide(judged[folds]).keep

    found = {
        "no filter": np.ones(len(pairs), bool),
        f"self-judged (1 fold), k = {K}": kept(1),
        f"2 folds, k = {K}": kept(2),
        f"4 folds, k = {K}": kept(4),
        f"BM25, k = {K}": kept(2, "bm25"),
        f"2 folds or BM25, k = {K}": kept(2, "either"),
        f"2 folds or BM25, k = {MAX_RANK}": kept(2, "either", MAX_RANK),
    }
    for judge, name in (("model", "2 folds"), ("either", "2 folds or BM25")):
        rule = Consistency(judge=judge, max_rank=MAX_RANK)  # type: ignore[arg-type]
        chosen = judging.chosen_k(rule, *decoys, MaxFalseKeep({"near": NEAR_LIMIT}))
        limits = np.array([0 if k is None else k for k in chosen])
        print(f"k by decoys, {name}: " + ", ".join(f"{s} {k or 'none'}" for s, k in zip(SOURCES, chosen, strict=True)))
        found[f"{name}, k by decoys"] = rule.smallest_k(judged[2]) <= limits[pairs.source]
    similarity = judged[2].similarity
    assert similarity is not None
    for name in (f"2 folds, k = {K}", f"2 folds or BM25, k = {MAX_RANK}"):
        count = int(found[name].sum())
        keep = np.zeros(len(pairs), bool)
        keep[np.argsort(-similarity, kind="stable")[:count]] = True
        found[f"cosine, as many as ({name})"] = keep
    found["oracle"] = pairs.kind == TRUE
    return found


def curves(judged: Mapping[int, Judged]) -> dict[str, list[Kept]]:
    """Name of a judge -> which pairs it keeps at each k."""
    lines: list[tuple[str, int, Judge]] = [
        ("1 fold", 1, "model"), ("2 folds", 2, "model"), ("4 folds", 4, "model"), ("BM25", 2, "bm25"),
        ("2 folds or BM25", 2, "either"), ("2 folds and BM25", 2, "both"),
    ]  # fmt: skip
    found = {}
    for name, folds, judge in lines:
        needed = Consistency(judge=judge, max_rank=MAX_RANK).smallest_k(judged[folds])
        found[name] = [needed <= k for k in range(1, MAX_RANK + 1)]
    return found


def rates(pairs: Exchanged, keep: Kept) -> dict[str, float]:
    return {name: float(keep[pairs.kind == kind].mean()) for name, kind in KINDS.items()}


def kept_table(pairs: Exchanged, filters: Mapping[str, Kept]) -> Iterator[str]:
    names = [*KINDS, *(f"{source}: true / near" for source in SOURCES)]
    yield f"| keep when | pairs | {' | '.join(names)} |"
    yield "|---|--:|" + "--:|" * len(names)
    for name, keep in filters.items():
        cells = [f"{keep.sum():,}", *(f"{share:.4f}" for share in rates(pairs, keep).values())]
        for number in range(len(SOURCES)):
            here = pairs.source == number
            of = [keep[here & (pairs.kind == KINDS[kind])].mean() for kind in ("true", "near")]
            cells.append(" / ".join(f"{share:.3f}" for share in of))
        yield f"| {name} | {' | '.join(cells)} |"


def curve_table(pairs: Exchanged, lines: Mapping[str, Sequence[Kept]]) -> Iterator[str]:
    ks = (1, 2, 3, 5, 10, 20)
    yield "| true / far / near kept | " + " | ".join(f"k = {k}" for k in ks) + " |"
    yield "|---|" + "--:|" * len(ks)
    for name, each in lines.items():
        cells = [rates(pairs, each[k - 1]) for k in ks]
        yield f"| {name} | " + " | ".join(f"{c['true']:.3f} / {c['far']:.4f} / {c['near']:.3f}" for c in cells) + " |"


def retrieval_table(pairs: Exchanged, filters: Mapping[str, Kept], seeds: int, steps: int) -> Iterator[str]:
    course = Course.of(pairs, steps)
    found: dict[str, list[list[float]]] = {name: [] for name in filters}
    for seed in range(seeds):
        start = course.start(seed)
        for name, keep in filters.items():
            values = course.ndcg(start, np.flatnonzero(keep), seed)
            found[name].append([*values, float(np.mean(values))])
        print(f"seed {seed}: " + ", ".join(f"{name} {runs[-1][-1]:.3f}" for name, runs in found.items()), flush=True)
    columns = [*SETS, "mean"]
    yield f"nDCG@10 after {steps} steps, {seeds} seeds; paired differences to no filter, 95 % intervals, *: 0 is outside"
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
    ours = [name for name in filters if name not in ("no filter", "oracle") and not name.startswith(("cos", "self"))]
    best = max(ours, key=lambda name: float(scores[name][:, -1].mean()))
    yield f"\nThe best filter by the mean, chosen after the fact: {best}. Its mean nDCG@10 less that of"
    for name in filters:
        if name.startswith(("no filter", "self", "cosine", "oracle")):
            yield f"- {name}: {told(Difference.of(scores[best][:, -1], scores[name][:, -1]))}"


def told(difference: Difference) -> str:
    return f"{difference.mean:+.4f} ± {difference.half:.4f}{' *' if difference.significant else ''}"


if __name__ == "__main__":
    main()
