"""What settings of the fold models are worth: the preset, and what it would keep with one of them changed.

    python -m benchmarks.consistency.presets [--work build/consistency] [--only NAME ...]

About a minute a row on two cores; the last rows, all-MiniLM-L6-v2 beside the preset's models, need ten minutes. The
work folder is that of ``benchmarks.consistency``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.consistency.candidates import Exchanged, exchanged, neighbour_model
from benchmarks.consistency.judging import MAX_RANK, Asked, by_models, encoded, survivors, train, with_bm25
from benchmarks.consistency.tables import rates
from filters.consistency import Consistency, Judge, Judged
from models.encoders import Role
from models.trainer.settings import Settings, load_settings

CHANGES: dict[str, dict[str, Any]] = {
    "the preset": {},
    "256 dimensions": {"model.dimension": 256},
    "512 dimensions": {"model.dimension": 512},
    "2,048 dimensions": {"model.dimension": 2048},
    "vocabulary of 64,000": {"model.vocabulary_size": 64_000},
    "temperature 0.03": {"loss.temperature": 0.03},
    "temperature 0.1": {"loss.temperature": 0.1},
    "queries to passages only": {"loss.passage_to_query": False},
    "margin 0": {"loss.margin": 0.0},
    "lr 3e-3": {"optimizer.lr": 3e-3},
    "lr 5e-4": {"optimizer.lr": 5e-4},
    "batches of all sources": {"data.one_source_batches": False},
    "batches of 256": {"data.batch_size": 256},
    "batches of 4,096": {"data.batch_size": 4096},
    "3 epochs": {"data.epochs": 3.0},
    "16 epochs": {"data.epochs": 16.0},
    "next to no training": {"data.steps": 1, "optimizer.lr": 1e-9},
}
LINEAR = "linear term frequency"
FOLDS = (4,)
ROUNDS = (2, MAX_RANK)
GIVEN, CHARS = "all-MiniLM-L6-v2", 600
"""For comparison a model that was trained on a billion pairs, by whose neighbours the near mismatches were chosen; and
how much of a text it reads."""
NEAR = 0.02


def row(name: str, pairs: Exchanged, judged: Judged, by: Judge = "model") -> str:
    """True, far and near kept at k = 2, and true kept at 2 % near, read off between two k."""
    needed = Consistency(max_rank=MAX_RANK, judge=by).smallest_k(judged)
    at = [{"true": 0.0, "far": 0.0, "near": 0.0}, *(rates(pairs, needed <= k) for k in range(1, MAX_RANK + 1))]
    level = np.interp(NEAR, [each["near"] for each in at], [each["true"] for each in at])
    return f"| {name} | {at[2]['true']:.3f} / {at[2]['far']:.4f} / {at[2]['near']:.4f} | {level:.3f} |"


def judge(
    pairs: Exchanged, data: Path, folds: int, settings: Settings, work: Path, *, sublinear_tf: bool = True
) -> Judged:
    rows = np.arange(len(pairs))
    vectors = encoded(pairs, train(pairs, data, folds, settings, work), sublinear_tf=sublinear_tf)
    return by_models(pairs, vectors, [Asked(rows, rows, pairs.folds(folds))])[0]


def judge_by_large_model(pairs: Exchanged) -> Judged:
    """Ranks by a model that was trained elsewhere, and BM25's beside."""
    model, rows = neighbour_model(), np.arange(len(pairs))
    texts: dict[Role, list[str]] = {"query": pairs.queries, "passage": pairs.passages}
    vectors = {role: model.encode([text[:CHARS] for text in of], role) for role, of in texts.items()}
    every = [Asked(rows, rows, np.zeros(len(pairs), np.uint8))]
    return with_bm25(pairs, every, by_models(pairs, [vectors], every))[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("build/consistency"))
    parser.add_argument("--only", nargs="*", metavar="NAME", help="rows, by their names")
    options = parser.parse_args()
    preset = load_settings("preliminary")
    pairs, data = exchanged(options.work, 0.4)
    print("| settings | true / far / near kept at k = 2 | true at 2 % near |\n|---|--:|--:|", flush=True)

    def wanted(name: str) -> bool:
        return not options.only or name in options.only

    for name, values in CHANGES.items():
        if wanted(name):
            settings = preset.with_values(values, name)
            print(row(name, pairs, judge(pairs, data, 2, settings, options.work)), flush=True)
    if wanted(LINEAR):
        print(row(LINEAR, pairs, judge(pairs, data, 2, preset, options.work, sublinear_tf=False)), flush=True)
    for folds in FOLDS:
        if wanted(name := f"{folds} folds"):
            print(row(name, pairs, judge(pairs, data, folds, preset, options.work)), flush=True)
    for k in ROUNDS:
        if wanted(name := f"a second round, on what ranks up to {k} keep"):
            first = judge(pairs, data, 2, preset, options.work)
            left = survivors(pairs, data, first, k, options.work)
            print(row(name, pairs, judge(pairs, left, 2, preset, options.work)), flush=True)
    if wanted(GIVEN):
        judged = judge_by_large_model(pairs)
        print(row(GIVEN, pairs, judged), flush=True)
        print(row(f"{GIVEN} or BM25", pairs, judged, "either"), flush=True)


if __name__ == "__main__":
    main()
