"""Does the consistency filter pay? Real pairs with 40 % of the passages exchanged, filtered in every way.

    python -m benchmarks.consistency [--work build/consistency] [--seeds 10] [--steps 150 300]
                                    [--plot FILE.png] [--to docs/consistency.md]

Prints, for each filter, how many right pairs and how many mismatches it keeps, and nDCG@10 of static models trained on
what is left, each for the same steps and from the same seeds, with paired differences against no filter and their 95 %
intervals. The second round trains on what ranks up to 20 by the first one's 2 folds keep, as ``--rounds 2`` does. About
60 minutes on two cores; a second run finds candidates, neighbours, fold models and scores in --work.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.consistency import judging
from benchmarks.consistency.candidates import KINDS, SOURCES, TRUE, Exchanged, exchanged
from benchmarks.consistency.judging import MAX_RANK, Asked
from benchmarks.consistency.tables import Kept, curve_table, decoy_rows, kept_table, rates, retrieval_table
from filters.consistency import Consistency, Judge, Judged
from filters.false_keep import MaxFalseKeep
from models.trainer.settings import load_settings

SECOND = "second round"
FOLDS = {"1 fold": 1, "2 folds": 2, "4 folds": 4, SECOND: 2}
K = 2
NEAR_LIMIT = 0.02
DECOYS = 2_000
BEGIN, END = "<!-- begin of what benchmarks.consistency writes -->", "<!-- end -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("build/consistency"), help="what is made once lies here")
    parser.add_argument("--share", type=float, default=0.4, help="of the passages that are exchanged")
    parser.add_argument("--preset", default="preliminary", help="of the fold models")
    parser.add_argument("--seeds", type=int, default=10, help="0: without the retrieval part")
    parser.add_argument("--steps", type=int, nargs="+", default=[150, 300], help="a table for each number of steps")
    parser.add_argument("--plot", type=Path, help="true kept against near kept, as PNG (needs matplotlib)")
    parser.add_argument("--to", type=Path, help="page in which to replace the tables, and beside which to put the plot")
    options = parser.parse_args()
    clock = time.perf_counter()

    def said(what: str) -> None:
        print(f"[{time.perf_counter() - clock:,.0f} s] {what}", flush=True)

    pairs, data = exchanged(options.work, options.share)
    said("pairs: " + ", ".join(f"{np.sum(pairs.kind == kind):,} {name}" for name, kind in KINDS.items()))
    judged, decoys = judge_all(pairs, data, options.work, options.preset)
    filters, chosen = filters_of(pairs, judged, *decoys)
    lines = curves(judged)
    page = [*told_of(pairs), "", *kept_table(pairs, filters), "", *chosen, ""]
    page += [*curve_table(pairs, lines), *decoy_rows(*decoys, judged["2 folds"])]
    print("\n".join(page), flush=True)
    if options.to or options.plot:
        from benchmarks.consistency.picture import draw

        plot = options.plot or options.to.with_name(f"{options.to.stem}-curves.png")
        draw(plot, {name: [rates(pairs, keep) for keep in each] for name, each in lines.items()})
        page += ["", f'<img src="{plot.name}" alt="right pairs kept against near mismatches kept" width="640">']
    for steps in options.steps if options.seeds else ():
        retrieval = ["", *retrieval_table(pairs, filters, options.seeds, steps, options.work)]
        print("\n".join(retrieval))
        page += retrieval
    if options.to:
        text = options.to.read_text(encoding="utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        options.to.write_text(f"{before}{BEGIN}\n\n" + "\n".join(page) + f"\n\n{END}{after}", encoding="utf-8")
    said("done")


def told_of(pairs: Exchanged) -> list[str]:
    of = [", ".join(f"{np.sum(pairs.source == at):,} {source}" for at, source in enumerate(SOURCES))]
    of += [", ".join(f"{np.sum(pairs.kind == kind):,} {name}" for name, kind in KINDS.items())]
    return [f"{len(pairs):,} pairs ({of[0]}): {of[1]}. All of them are the pool."]


def judge_all(
    pairs: Exchanged, data: Path, work: Path, preset: str
) -> tuple[dict[str, Judged], tuple[list[Asked], list[Judged]]]:
    """Of each number of folds, and of a second round, the judged pairs; and the judged decoys of 2 folds.

    2 folds and the second round have BM25 beside.
    """
    rows = np.arange(len(pairs))
    settings = load_settings(preset)
    found: dict[str, Judged] = {}
    of_decoys: tuple[list[Asked], list[Judged]] = ([], [])
    for name, folds in FOLDS.items():
        start = time.perf_counter()
        given = data
        if name == SECOND:
            given = judging.survivors(pairs, data, found["2 folds"], MAX_RANK, work)
        models = judging.train(pairs, given, folds, settings, work)
        trained = time.perf_counter()
        vectors = judging.encoded(pairs, models)
        every = [Asked(rows, rows, pairs.folds(folds))]
        if name == "2 folds":
            every += judging.decoys(pairs, vectors, folds, DECOYS)
        judged = judging.by_models(pairs, vectors, every)
        took = time.perf_counter() - trained
        print(f"{name}: trained in {trained - start:,.0f} s, judged in {took:,.0f} s", flush=True)
        if name == "2 folds":
            start = time.perf_counter()
            judged = judging.with_bm25(pairs, every, judged)
            of_decoys = every[1:], judged[1:]
            print(f"BM25: {time.perf_counter() - start:,.0f} s", flush=True)
        found[name] = judged[0]
    found[SECOND] = found[SECOND]._replace(bm25=found["2 folds"].bm25)
    return found, of_decoys


def filters_of(
    pairs: Exchanged, judged: Mapping[str, Judged], every: list[Asked], of_decoys: list[Judged]
) -> tuple[dict[str, Kept], list[str]]:
    """Name of a filter -> which pairs it keeps, bool [n]; and lines that say which k decoys chose."""

    def kept(name: str, judge: Judge = "model", k: int = K) -> Kept:
        return Consistency(k=k, judge=judge, max_rank=MAX_RANK).decide(judged[name]).keep

    found = {
        "no filter": np.ones(len(pairs), bool),
        f"self-judged (1 fold), k = {K}": kept("1 fold"),
        f"2 folds, k = {K}": kept("2 folds"),
        f"4 folds, k = {K}": kept("4 folds"),
        f"{SECOND}, k = {K}": kept(SECOND),
        f"BM25, k = {K}": kept("2 folds", "bm25"),
        f"2 folds or BM25, k = {K}": kept("2 folds", "either"),
        f"{SECOND} or BM25, k = {K}": kept(SECOND, "either"),
        f"2 folds or BM25, k = {MAX_RANK}": kept("2 folds", "either", MAX_RANK),
    }
    lines = []
    for judge, name in (("model", "2 folds"), ("either", "2 folds or BM25")):
        rule = Consistency(judge=judge, max_rank=MAX_RANK)  # type: ignore[arg-type]
        chosen = judging.chosen_k(rule, every, of_decoys, judged["2 folds"], MaxFalseKeep({"near": NEAR_LIMIT}))
        limits = np.array([k or 1 for k in chosen])  # where not even k = 1 holds, the judge takes 1, with a warning
        ks = ", ".join(f"{source} {k or '1 (even that keeps more)'}" for source, k in zip(SOURCES, chosen, strict=True))
        lines.append(f"- k by decoys (near at most {NEAR_LIMIT:.0%}), {name}: {ks}")
        found[f"{name}, k by decoys"] = rule.smallest_k(judged["2 folds"]) <= limits[pairs.source]
    similarity = judged["2 folds"].similarity
    assert similarity is not None
    found[f"cosine, as many as (2 folds, k = {K})"] = highest(similarity, int(kept("2 folds").sum()))
    for name in (f"2 folds, k = {K}", f"2 folds or BM25, k = {K}"):
        found[f"any, as many of each source as ({name})"] = like(pairs, found[name])
    found["oracle"] = pairs.kind == TRUE
    return found, lines


def highest(values: NDArray[np.float32], count: int) -> Kept:
    keep = np.zeros(len(values), bool)
    keep[np.argsort(-values, kind="stable")[:count]] = True
    return keep


def like(pairs: Exchanged, keep: Kept) -> Kept:
    """Random pairs, of each source as many as are kept: tells what is due to the sources from what is due to pairs."""
    chance = np.random.default_rng(0).random(len(pairs), np.float32)
    found = np.zeros(len(pairs), bool)
    for source in range(len(SOURCES)):
        here = pairs.source == source
        found |= highest(np.where(here, chance, -1), int(keep[here].sum()))
    return found


def curves(judged: Mapping[str, Judged]) -> dict[str, list[Kept]]:
    """Name of a judge -> which pairs it keeps at each k."""
    lines: list[tuple[str, str, Judge]] = [
        ("1 fold", "1 fold", "model"), ("2 folds", "2 folds", "model"), ("4 folds", "4 folds", "model"),
        (SECOND, SECOND, "model"), ("BM25", "2 folds", "bm25"), ("2 folds or BM25", "2 folds", "either"),
        (f"{SECOND} or BM25", SECOND, "either"), ("2 folds and BM25", "2 folds", "both"),
    ]  # fmt: skip
    found = {}
    for name, of, judge in lines:
        needed = Consistency(judge=judge, max_rank=MAX_RANK).smallest_k(judged[of])
        found[name] = [needed <= k for k in range(1, MAX_RANK + 1)]
    return found


if __name__ == "__main__":
    main()
