"""Exact ranks in a large pool beside FAISS's flat search: same vectors, both directions, and the same ranks.

    python -m benchmarks.rank [--pool 1000000] [--pairs 4000] [--dimensions 256 384] [--swapped 0.3]

Real pairs (medical questions, StackExchange, papers, Wikipedia), built by the command, by static models that have
trained on the other half of them. ``--swapped`` of those that are ranked have another pair's passage, so that about a
fifth is kept. The pool is all real pairs, filled up with mixtures of two of their vectors each, as memory maps. The
flat search asks for the 3 best, which decide k = 2; ours counts up to 20, and only pairs that pass in one direction are
asked in the other. Every rank is held against that of the FAISS path. Coding the pool, once for all pairs, is a column
of its own. Memory is what the process holds beside its maps, more than before.
"""

from __future__ import annotations

import argparse
import shutil
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
from models.ranks import Golds, RankPool, Statistics, open_ranker
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


def measure(vectors: Vectors, size: int, pairs: int, swapped: float, machine: dict[str, float], work: Path) -> str:
    random = np.random.default_rng(0)
    asking = np.sort(random.choice(vectors.judged, min(pairs, len(vectors.judged)), replace=False))
    finding = asking.copy()
    wrong = np.flatnonzero(random.random(len(asking)) < swapped)
    finding[wrong] = np.roll(asking[wrong], 1)
    queries, passages = vectors.queries[asking], vectors.passages[finding]
    pools = mapped(vectors.passages, size, random, work), mapped(vectors.queries, size, random, work)
    searched = flat_search(pools, (queries, passages))
    clock, memory = time.perf_counter(), held_mb()
    rankers = [open_ranker(plain(pool), max_rank=MAX_RANK, folder=work) for pool in pools]
    coding = time.perf_counter() - clock
    ours = ranked(rankers, queries, passages, (asking, finding))
    memory = held_mb() - memory
    done = Statistics()
    for ranker in rankers:
        done.add(ranker.statistics)
    references = [open_ranker(plain(pool), max_rank=MAX_RANK, path="faiss") for pool in pools]
    flat = ranked(references, queries, passages, (asking, finding))
    differing = int(np.sum(ours.passage_ranks != flat.passage_ranks))
    differing += int(np.sum(ours.query_ranks != flat.query_ranks))
    left = np.flatnonzero(ours.passage_ranks <= MAX_RANK)
    kept = np.sum((ours.passage_ranks[left] <= K) & (ours.query_ranks <= K)) / len(asking)
    name = rankers[0].name
    row = (
        f"{queries.shape[1]}", f"{size:,}", f"{len(asking):,}", f"{100 * kept:.1f} %", f"{searched:.1f} s",
        f"{ours.seconds:.2f} s", f"**{searched / ours.seconds:.1f}**", f"{flat.seconds:.1f} s", f"{coding:.1f} s",
        f"{memory:,.0f} MB", f"{done.looked / (2 * len(asking) * size):.2f}", f"{done.checked_share:.1e}",
        f"{done.rate / 1e9:,.0f} / {machine.get(name, machine['fp32']) / 1e9:,.0f}", name, str(differing),
    )  # fmt: skip
    return "| " + " | ".join(row) + " |"


def mapped(vectors: Floats, size: int, random: np.random.Generator, work: Path) -> Floats:
    """The pool of these vectors as a memory map, as a worker has it."""
    file = work / f"pool-{len(list(work.glob('pool-*')))}.npy"
    np.save(file, filled_up(vectors, size, random))
    pool: Floats = np.load(file, mmap_mode="r")
    return pool


def held_mb() -> float:
    """What this process holds now beside files that it maps, in MB; 0 where that is not told."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return int(next((line for line in lines if line.startswith("RssAnon:")), "RssAnon: 0 kB").split()[1]) / 1024


def compiled() -> None:
    """Ranks of a few pairs, so that no measurement holds the compilers' time."""
    few = filled_up(np.eye(64, dtype=np.float32), 8_192, np.random.default_rng(0))
    for path in ("auto", "faiss"):
        ranked([open_ranker(plain(few), path=path)] * 2, few[:64], few[64:128], (np.arange(64), np.arange(64, 128)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=4_000)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[256, 384])
    parser.add_argument("--swapped", type=float, default=0.3)
    options = parser.parse_args()
    machine = rates()
    print(
        f"{cores()} cores; products of one core: " + ", ".join(f"{k} {v / 1e9:,.0f} GOP/s" for k, v in machine.items())
    )
    heads = (
        "d", "pool", "pairs", "kept", "flat, top 3", "ours", "times", "FAISS path, ranks to 20", "coding the pool",
        "held", "share of scores looked at", "of those checked exactly", "GOP/s of a core / the machine's",
        "path", "ranks that differ",
    )  # fmt: skip
    print("\n| " + " | ".join(heads) + " |\n|" + "--:|" * len(heads))
    compiled()
    with tempfile.TemporaryDirectory() as work:
        data = build(Path(work) / "build")
        for dimension in options.dimensions:
            vectors, place = vectors_of(data, dimension, Path(work)), Path(work) / f"ranks-{dimension}"
            place.mkdir()
            print(measure(vectors, options.pool, options.pairs, options.swapped, machine, place), flush=True)
            shutil.rmtree(place)  # gigabytes


if __name__ == "__main__":
    main()
