"""Exact ranks in a large pool beside FAISS's flat search: same vectors, both directions, and the same ranks.

    python -m benchmarks.rank [--pool 1000000] [--pairs 4000] [--dimensions 256 384] [--swapped 0.6]

Real pairs (medical questions, StackExchange, papers, Wikipedia), built by the command, by static models that have
trained on the other half of them. ``--swapped`` of those that are ranked have another pair's passage, so that about a
fifth is kept. The pool is all real pairs, filled up with mixtures of two of their vectors each. The flat search asks
for the 3 best, which decide k = 2; ours counts up to 20, and only pairs that pass in one direction are asked in the
other. Every rank is held against that of the FAISS path. Coding the pool, once for all pairs, is a column of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import real_folder
from ccpairs import read_pairs
from models.encoders import load_encoder
from models.evaluation.search import import_faiss
from models.ranks import Golds, RankPool, open_ranker
from models.ranks.opening import rates
from models.static.parallel import cores
from models.trainer.corpus import open_corpus
from models.trainer.folds import train_folds
from models.trainer.job import Watch
from models.trainer.settings import load_settings
from pipelines.judge.identity import grouping, row_hashes

SOURCES = ("communityqa", "stackexchange", "s2orc", "wikipedia")
MAX_RANK = 20
K = 2

Floats = NDArray[np.float32]


class Vectors(NamedTuple):
    """Both sides of the real pairs, [n, d], by the model of fold 0; ``judged``: rows of that fold."""

    queries: Floats
    passages: Floats
    judged: NDArray[np.int64]


class Took(NamedTuple):
    """Seconds by the clock, and what came out: the passage ranks of all, the query ranks of those that are left."""

    seconds: float
    passage_ranks: NDArray[np.int32]
    query_ranks: NDArray[np.int32]


def build(folder: Path) -> list[str]:
    inputs = [f"{source}={place}" for source in SOURCES if (place := real_folder(source)) is not None]
    if len(inputs) < len(SOURCES):
        sys.exit("skipped: no real sample files; name their folder in CCPAIRS_REAL_DATA")
    command = [sys.executable, "-m", "ccpairs.build", "--source", ",".join(SOURCES), "--quiet", "--rejected", "none"]
    subprocess.run([*command, "--output", str(folder), "--input", *inputs], check=True, stdout=subprocess.DEVNULL)
    return [str(folder / "candidates" / source) for source in SOURCES]


def vectors_of(data: list[str], dimension: int, work: Path) -> Vectors:
    settings = load_settings("preliminary").with_values({"model.dimension": dimension}, "settings")
    models = train_folds(open_corpus(data), 2, grouping(2), settings, work / str(dimension), Watch(lambda line: None))
    encoder = load_encoder(models[0])
    tables = [read_pairs(folder).to_table() for folder in data]
    texts = [[text for table in tables for text in table[name].to_pylist()] for name in ("query", "passage")]
    folds = np.concatenate([row_hashes(table).folds(2) for table in tables])
    return Vectors(encoder.encode(texts[0], "query"), encoder.encode(texts[1], "passage"), np.flatnonzero(folds == 0))


def filled_up(vectors: Floats, size: int, random: np.random.Generator) -> Floats:
    """The vectors, and mixtures of two of them each, of length 1, up to ``size``."""
    pool = np.empty((size, vectors.shape[1]), np.float32)
    pool[: len(vectors)] = vectors[:size]
    for begin in range(len(vectors), size, 1 << 16):
        end = min(begin + (1 << 16), size)
        one, other = random.integers(0, len(vectors), (2, end - begin))
        share = random.uniform(0.3, 0.7, (end - begin, 1)).astype(np.float32)
        mixed = share * vectors[one] + (1 - share) * vectors[other]
        pool[begin:end] = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9)
    return pool


def plain(vectors: Floats) -> RankPool:
    """Members of which only the vectors count."""
    return RankPool(vectors, np.arange(1, len(vectors) + 1, dtype=np.uint64), np.zeros((len(vectors), 2), np.uint64))


def golds(anchors: Floats, found: Floats, members: NDArray[np.int64]) -> Golds:
    """Pairs whose gold is a member of the pool: no competitor of itself."""
    return Golds(anchors, found, (members + 1).astype(np.uint64)[:, None], np.zeros((len(anchors), 2), np.uint64))


def flat_search(pools: tuple[Floats, Floats], sides: tuple[Floats, Floats]) -> float:
    """Seconds that FAISS's flat index takes for the 3 best of every pair in both directions."""
    faiss = import_faiss()
    seconds = 0.0
    for vectors, anchors in zip(pools, sides, strict=True):
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        index.search(anchors[:64], 3)
        clock = time.perf_counter()
        index.search(anchors, K + 1)
        seconds += time.perf_counter() - clock
    return seconds


def ranked(rankers: list[Any], queries: Floats, passages: Floats, rows: tuple[NDArray[np.int64], ...]) -> Took:
    clock = time.perf_counter()
    first = rankers[0].ranks(golds(queries, passages, rows[1]))
    left = np.flatnonzero(first <= MAX_RANK)
    second = rankers[1].ranks(golds(passages[left], queries[left], rows[0][left]))
    return Took(time.perf_counter() - clock, first, second)


def measure(vectors: Vectors, size: int, pairs: int, swapped: float, machine: dict[str, float]) -> str:
    random = np.random.default_rng(0)
    asking = np.sort(random.choice(vectors.judged, min(pairs, len(vectors.judged)), replace=False))
    finding = asking.copy()
    wrong = np.flatnonzero(random.random(len(asking)) < swapped)
    finding[wrong] = np.roll(asking[wrong], 1)
    queries, passages = vectors.queries[asking], vectors.passages[finding]
    pools = filled_up(vectors.passages, size, random), filled_up(vectors.queries, size, random)
    searched = flat_search(pools, (queries, passages))
    clock = time.perf_counter()
    rankers = [open_ranker(plain(pool), max_rank=MAX_RANK) for pool in pools]
    coding = time.perf_counter() - clock
    few = min(64, len(asking))  # compiles
    ranked(rankers, queries[:few], passages[:few], (asking[:few], finding[:few]))
    before = [(r.statistics.looked, r.statistics.checked, r.statistics.asked) for r in rankers]
    ours = ranked(rankers, queries, passages, (asking, finding))
    looked, checked, asked = (
        sum(after - then[at] for after, then in zip(column, before, strict=True))
        for at, column in enumerate(
            [
                [r.statistics.looked for r in rankers],
                [r.statistics.checked for r in rankers],
                [r.statistics.asked for r in rankers],
            ]
        )
    )
    whole = 2 * len(asking) * size
    flat = ranked(
        [open_ranker(plain(pool), max_rank=MAX_RANK, path="faiss") for pool in pools],
        queries, passages, (asking, finding),
    )  # fmt: skip
    differing = int(np.sum(ours.passage_ranks != flat.passage_ranks))
    differing += int(np.sum(ours.query_ranks != flat.query_ranks))
    left = np.flatnonzero(ours.passage_ranks <= MAX_RANK)
    kept = np.sum((ours.passage_ranks[left] <= K) & (ours.query_ranks <= K)) / len(asking)
    operations = sum(r.statistics.operations for r in rankers)
    rate = operations / max(sum(r.statistics.seconds for r in rankers), 1e-9)
    name = rankers[0].name
    row = (
        f"{queries.shape[1]}", f"{size:,}", f"{len(asking):,}", f"{100 * kept:.1f} %", f"{searched:.1f} s",
        f"{ours.seconds:.2f} s", f"**{searched / ours.seconds:.1f}**", f"{flat.seconds:.1f} s", f"{coding:.1f} s",
        f"{looked / whole:.2f} ({looked / max(asked, 1):.2f})", f"{checked / max(looked, 1):.1e}",
        f"{rate / 1e9:,.0f} / {machine.get(name, machine['fp32']) / 1e9:,.0f}", name, str(differing),
    )  # fmt: skip
    return "| " + " | ".join(row) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=4_000)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[256, 384])
    parser.add_argument("--swapped", type=float, default=0.6)
    options = parser.parse_args()
    machine = rates()
    print(
        f"{cores()} cores; products of one core: " + ", ".join(f"{k} {v / 1e9:,.0f} GOP/s" for k, v in machine.items())
    )
    heads = (
        "d", "pool", "pairs", "kept", "flat, top 3", "ours", "times", "FAISS path, ranks to 20", "coding the pool",
        "share of scores looked at (of those asked)", "checked exactly, of those", "GOP/s of a core / the machine's",
        "path", "ranks that differ",
    )  # fmt: skip
    print("\n| " + " | ".join(heads) + " |\n|" + "--:|" * len(heads))
    with tempfile.TemporaryDirectory() as work:
        data = build(Path(work) / "build")
        for dimension in options.dimensions:
            vectors = vectors_of(data, dimension, Path(work))
            print(measure(vectors, options.pool, options.pairs, options.swapped, machine), flush=True)


if __name__ == "__main__":
    main()
