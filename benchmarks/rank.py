"""Exact ranks in a large pool beside FAISS's flat search: same vectors, both directions, and the same ranks.

    python -m benchmarks.rank [--pool 1000000] [--pairs 4000] [--dimensions 256 384] [--swapped 0.3] [--rounds 2]

Real pairs (medical questions, StackExchange, papers, Wikipedia), built by the command, by static models that have
trained on the other half of them. ``--swapped`` of those that are ranked have another pair's passage, so that about a
fifth is kept. The pool is all real pairs, filled up with mixtures of two of their vectors each, as memory maps. The
flat search asks for the 3 best, which decide k = 2; ours counts up to 20, and only pairs that pass in one direction are
asked in the other. The two take turns, and the best round of each counts, by the clock and by CPU time (which holds
what FAISS's threads wait). Every rank is held against that of the FAISS path. Coding the pool, once for all pairs, is a
column of its own.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import cpu_seconds, real_folder
from ccpairs import read_pairs
from models.encoders import load_encoder
from models.evaluation.search import import_faiss
from models.ranks import Golds, RankPool, Statistics, keys_of, open_ranker
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
    """Seconds by the clock and of CPU."""

    clock: float
    cpu: float

    @classmethod
    def of(cls, work: Callable[[], object]) -> Took:
        clock, cpu = time.perf_counter(), cpu_seconds()
        work()
        return cls(time.perf_counter() - clock, cpu_seconds() - cpu)

    def or_better(self, other: Took | None) -> Took:
        return self if other is None else Took(min(self.clock, other.clock), min(self.cpu, other.cpu))


class Ranks(NamedTuple):
    """The passage ranks of all pairs, and the query ranks of those that are left."""

    passage: NDArray[np.int32]
    query: NDArray[np.int32]


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
    none = keys_of(np.zeros((len(vectors), 2), np.uint64))
    return RankPool(vectors, np.arange(1, len(vectors) + 1, dtype=np.uint64), none)


def golds(anchors: Floats, found: Floats, members: NDArray[np.int64]) -> Golds:
    """Pairs whose gold is a member of the pool: no competitor of itself."""
    return Golds(anchors, found, (members + 1).astype(np.uint64)[:, None], np.zeros((len(anchors), 2), np.uint64))


def flat_search(index: Any, anchors: Floats) -> Callable[[], object]:
    index.search(anchors[:64], K + 1)
    return lambda: index.search(anchors, K + 1)


def ranked(rankers: list[Any], queries: Floats, passages: Floats, rows: tuple[NDArray[np.int64], ...]) -> Ranks:
    first = rankers[0].ranks(golds(queries, passages, rows[1]))
    left = np.flatnonzero(first <= MAX_RANK)
    return Ranks(first, rankers[1].ranks(golds(passages[left], queries[left], rows[0][left])))


def measure(vectors: Vectors, size: int, options: argparse.Namespace, machine: dict[str, float], work: Path) -> str:
    random = np.random.default_rng(0)
    asking = np.sort(random.choice(vectors.judged, min(options.pairs, len(vectors.judged)), replace=False))
    finding = asking.copy()
    wrong = np.flatnonzero(random.random(len(asking)) < options.swapped)
    finding[wrong] = np.roll(asking[wrong], 1)
    sides = vectors.queries[asking], vectors.passages[finding]
    pools = mapped(vectors.passages, size, random, work), mapped(vectors.queries, size, random, work)
    rankers: list[Any] = []
    coding = Took.of(lambda: rankers.extend(open_ranker(plain(pool), max_rank=MAX_RANK, folder=work) for pool in pools))
    found: list[Ranks] = []
    flat: Took | None = None
    ours: Took | None = None
    for _ in range(options.rounds):
        turn = Took(0, 0)
        for pool, anchors in zip(pools, sides, strict=True):
            index = import_faiss().IndexFlatIP(pool.shape[1])
            index.add(pool)
            took = Took.of(flat_search(index, anchors))
            turn = Took(turn.clock + took.clock, turn.cpu + took.cpu)
            del index
        flat = turn.or_better(flat)
        ours = Took.of(lambda: found.append(ranked(rankers, *sides, (asking, finding)))).or_better(ours)
    assert flat is not None
    assert ours is not None
    references = [open_ranker(plain(pool), max_rank=MAX_RANK, path="faiss") for pool in pools]
    reference = Took.of(lambda: found.append(ranked(references, *sides, (asking, finding))))
    differing = sum(
        int(np.sum(one != other)) for each in found[:-1] for one, other in zip(each, found[-1], strict=True)
    )
    done = Statistics()
    for ranker in rankers:
        done.add(ranker.statistics)
    left = np.flatnonzero(found[0].passage <= MAX_RANK)
    kept = np.sum((found[0].passage[left] <= K) & (found[0].query <= K)) / len(asking)
    name = rankers[0].name
    row = (
        f"{pools[0].shape[1]}", f"{size:,}", f"{len(asking):,}", f"{100 * kept:.1f} %", f"{flat.clock:.1f} s",
        f"{ours.clock:.2f} s", f"**{flat.clock / ours.clock:.1f}**", f"{flat.cpu / ours.cpu:.1f}",
        f"{reference.clock:.1f} s", f"{coding.clock:.1f} s",
        f"{done.looked / (2 * len(asking) * size * options.rounds):.2f}", f"{done.checked_share:.1e}",
        f"{done.rate / 1e9:,.0f} / {machine.get(name, machine['fp32']) / 1e9:,.0f}", name, str(differing),
    )  # fmt: skip
    return "| " + " | ".join(row) + " |"


def mapped(vectors: Floats, size: int, random: np.random.Generator, work: Path) -> Floats:
    """The pool of these vectors as a memory map, as a worker has it."""
    file = work / f"pool-{len(list(work.glob('pool-*')))}.npy"
    np.save(file, filled_up(vectors, size, random))
    pool: Floats = np.load(file, mmap_mode="r")
    return pool


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
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    machine = rates()
    print(
        f"{cores()} cores; products of one core: " + ", ".join(f"{k} {v / 1e9:,.0f} GOP/s" for k, v in machine.items())
    )
    heads = (
        "d", "pool", "pairs", "kept", "flat, top 3", "ours", "times", "by CPU time", "FAISS path, ranks to 20",
        "coding", "share of scores looked at", "of those checked exactly", "GOP/s of a core / the machine's",
        "path", "ranks that differ",
    )  # fmt: skip
    print("\n| " + " | ".join(heads) + " |\n|" + "--:|" * len(heads))
    compiled()
    with tempfile.TemporaryDirectory() as work:
        data = build(Path(work) / "build")
        for dimension in options.dimensions:
            vectors, place = vectors_of(data, dimension, Path(work)), Path(work) / f"ranks-{dimension}"
            place.mkdir()
            print(measure(vectors, options.pool, options, machine, place), flush=True)
            shutil.rmtree(place)  # gigabytes


if __name__ == "__main__":
    main()
