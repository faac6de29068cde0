"""BM25 as a judge: pairs a second beside bm25s, and what it keeps of right pairs and of mismatches.

    python -m benchmarks.bm25_ranks [--work build/consistency] [--pools 24000 100000] [--pairs 4000] [--no-quality]

The pairs are real candidates, those of ``benchmarks.consistency``, and lie in its folder; pools are filled up with
mixtures of them. bm25s scores the whole pool for each question, by its compiled scorer: the least that counting ranks
with it would cost, with its words found beforehand. Ours include finding words. Speed is by CPU time of one thread, and
by the clock with all cores. *Exchanged* is the share of pairs with another passage of the pool.

The second table asks all pairs of the first benchmark, 40 % of them mismatches, and counts ranks by bm25s' scores, too:
there a question's words count as they stand, as in a search engine.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import bm25s
import numpy as np
import pyarrow as pa
from bm25s.stopwords import STOPWORDS_EN
from numpy.typing import NDArray

from benchmarks.consistency.candidates import FAR, NEAR, TRUE, exchanged
from benchmarks.judge_candidates import enlarge
from ccpairs import read_pairs
from filters.consistency import Consistency, Judged, Ranks
from filters.folds import document_hashes, text_hashes
from models.ranks.bm25 import Bm25Ranker, Bm25Ranks
from models.ranks.bm25_beaten import TOLERANCE, Excluded
from models.ranks.bm25_index import K1, B, weighed
from models.ranks.questions import keys_of
from models.static.parallel import cores

BM25S_PAIRS = 400
MAX_RANK = 20
NEAR_LIMIT = 0.02


class Pairs(NamedTuple):
    """Pairs and their hashes, as a ranker asks for them."""

    queries: Sequence[str]
    passages: Sequence[str]
    query_texts: NDArray[np.uint64]
    passage_texts: NDArray[np.uint64]
    documents: NDArray[np.uint64]

    def take(self, rows: NDArray[np.int64]) -> Pairs:
        queries, passages = ([side[row] for row in rows.tolist()] for side in (self.queries, self.passages))
        return Pairs(queries, passages, self.query_texts[rows], self.passage_texts[rows], self.documents[rows])

    def indexed(self, threads: int | None = None) -> Bm25Ranker:
        keys = keys_of(self.documents)
        return Bm25Ranker.of(*self[:4], keys, keys, threads=threads)

    def ranks(self, ranker: Bm25Ranker) -> Bm25Ranks:
        own = self.query_texts[:, None], self.passage_texts[:, None]
        return ranker.ranks(self.queries, self.passages, *own, self.documents, max_rank=MAX_RANK)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("build/consistency"), help="what is made once lies here")
    parser.add_argument("--pools", type=int, nargs="+", default=[24_000, 100_000])
    parser.add_argument("--pairs", type=int, default=4_000)
    parser.add_argument("--no-quality", action="store_true", help="speed alone")
    options = parser.parse_args()
    mixed, _ = exchanged(options.work, 0.4)
    print("| pool | exchanged | pairs/s, one core | of it us a pair: words, passage side, query side | "
          "bm25s: passage side, query side | times | pairs/s, all cores |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for size in options.pools:
        everything = pool_of(options.work, size)
        for share in (0.0, 0.4, 0.8):
            print_speed(everything.take(np.arange(size)), options.pairs, share)
    if not options.no_quality:
        print_kept(Pairs(*mixed_columns(mixed)), mixed.kind)


def mixed_columns(mixed: Any) -> tuple[Any, ...]:
    return mixed.queries, mixed.passages, mixed.query_texts, mixed.passage_texts, mixed.documents


def pool_of(work: Path, size: int) -> Pairs:
    """Candidates, at least so many, in a random order."""
    folder = work / f"bm25-pool-{size}"
    if not folder.is_dir():
        enlarge(work / "build" / "candidates", size + size // 10, folder)
    table = read_pairs(str(folder / "candidates")).to_table()
    table = table.take(pa.array(np.random.default_rng(0).permutation(len(table))))
    queries, passages = (table.column(name).to_pylist() for name in ("query", "passage"))
    sources = table.column("source").to_pylist()
    documents = [
        np.concatenate([document_hashes(*row) for row in zip(sources, [[each] for each in ids], strict=True)])
        for ids in (table.column(name).to_pylist() for name in ("query_doc", "passage_doc"))
    ]
    return Pairs(queries, passages, text_hashes(queries), text_hashes(passages), np.stack(documents, axis=1))


def print_speed(pool: Pairs, count: int, share: float) -> None:
    random = np.random.default_rng(1)
    moved = random.permutation(count)[: round(share * count)]
    giver = np.arange(count)
    giver[moved] = np.roll(moved, 1)
    given = pool.take(giver)
    asked = pool.take(np.arange(count))._replace(passages=given.passages, passage_texts=given.passage_texts)
    ranker = pool.indexed(1)
    whole = best(lambda: asked.ranks(ranker), time.process_time)
    parts = [seconds / count * 1e6 for seconds in parts_of(ranker, asked)]
    theirs = [best(each, time.process_time, 1) / BM25S_PAIRS * 1e6 for each in scoring_by_bm25s(pool, asked)]
    ranker.threads = cores()
    clock = best(lambda: asked.ranks(ranker), time.perf_counter)
    print(
        f"| {len(ranker):,} | {share:.0%} | {count / whole:,.0f} | {', '.join(f'{each:.0f}' for each in parts)} | "
        f"{', '.join(f'{each:,.0f}' for each in theirs)} | {sum(theirs) / (whole / count * 1e6):.0f}x | "
        f"{count / clock:,.0f} |",
        flush=True,
    )


def parts_of(ranker: Bm25Ranker, asked: Pairs) -> Iterator[float]:
    """Seconds to find the words, to rank the passages, and to rank the queries of the pairs that are left."""
    sides = ranker._queries, ranker._passages
    yield best(lambda: ranker._bags(asked.queries, asked.passages), time.process_time)
    bags = ranker._bags(asked.queries, asked.passages)
    questions, answers = (weighed(bag, side.statistics, 1) for bag, side in zip(bags, sides, strict=True))
    passages = Excluded(asked.passage_texts[:, None], asked.documents)
    queries = Excluded(asked.query_texts[:, None], asked.documents)
    every = np.arange(len(asked.queries))
    found = np.flatnonzero(ranker._in_side(sides[1], questions, answers, passages, every, MAX_RANK) <= MAX_RANK)
    yield best(lambda: ranker._in_side(sides[1], questions, answers, passages, every, MAX_RANK), time.process_time)
    yield best(lambda: ranker._in_side(sides[0], answers, questions, queries, found, MAX_RANK), time.process_time)


def best(work: Callable[[], object], clock: Callable[[], float], rounds: int = 3) -> float:
    """Seconds of the quickest of some rounds, after one that is not counted."""
    work()
    times = []
    for _ in range(rounds):
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)


class Searched:
    """One side of a pool, indexed by bm25s."""

    def __init__(self, texts: Sequence[str], stop: frozenset[str], k1: float, b: float) -> None:
        self.numbers: dict[str, int] = {}
        self.stop = stop
        corpus = [
            np.array([self.numbers.setdefault(word, len(self.numbers)) for word in self.words(text)], np.int32)
            for text in texts
        ]
        self.index = bm25s.BM25(method="lucene", k1=k1, b=b)
        self.index.index((corpus, self.numbers), create_empty_token=False, show_progress=False)
        self.index.activate_numba_scorer()
        self.scores_of([0])  # compiles

    def words(self, text: str) -> list[str]:
        return [word for word in re.findall(r"\w+", text.lower()) if word not in self.stop]

    def known(self, text: str) -> NDArray[np.int32]:
        return np.array([self.numbers[word] for word in self.words(text) if word in self.numbers], np.int32)

    def scores_of(self, known: Sequence[int] | NDArray[np.int32]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = self.index.get_scores_from_ids(np.asarray(known, np.int32))
        return scores


def scoring_by_bm25s(pool: Pairs, asked: Pairs) -> Iterator[Callable[[], object]]:
    """Scoring the pool's passages for some queries, and its queries for their passages."""
    for texts, questions in ((pool.passages, asked.queries), (pool.queries, asked.passages)):
        searched = Searched(texts, frozenset(), K1, B)
        known = [searched.known(text) for text in questions[:BM25S_PAIRS]]
        yield lambda searched=searched, known=known: [searched.scores_of(each) for each in known]  # type: ignore[misc]


def print_kept(pairs: Pairs, kind: NDArray[np.int8]) -> None:
    """What mutual ranks keep of right pairs and mismatches, all of them in the pool."""
    counts = ", ".join(
        f"{np.sum(kind == each):,} {name}" for each, name in ((TRUE, "true"), (FAR, "far"), (NEAR, "near"))
    )
    print(f"\n{counts} pairs; kept by mutual top-k, true / far / near, and true kept where near is 2 %\n")
    ks = (1, 2, 3, 5, 10, 20)
    print(f"| scores | {' | '.join(f'k = {k}' for k in ks)} | near 2 % |\n|---|{'---|' * (len(ks) + 1)}")
    rankings: dict[str, Callable[[], Ranks]] = {
        f"weights on both sides, k1 {K1}, b {B} (ours)": lambda: Ranks(*pairs.ranks(pairs.indexed())),
        "bm25s, k1 0.9, b 0.4": lambda: ranks_by_bm25s(pairs, frozenset(), 0.9, 0.4),
        f"bm25s, k1 {K1}, b {B}": lambda: ranks_by_bm25s(pairs, frozenset(), K1, B),
        "bm25s, k1 0.9, b 0.4, without stop words": lambda: ranks_by_bm25s(pairs, frozenset(STOPWORDS_EN), 0.9, 0.4),
    }
    for name, ranking in rankings.items():
        smallest = Consistency(judge="bm25", max_rank=MAX_RANK).smallest_k(Judged(bm25=ranking()))
        shares = np.array([[(smallest[kind == each] <= k).mean() for each in (TRUE, FAR, NEAR)] for k in range(21)])
        cells = [f"{shares[k, 0]:.3f} / {shares[k, 1]:.4f} / {shares[k, 2]:.3f}" for k in ks]
        print(f"| {name} | {' | '.join(cells)} | {np.interp(NEAR_LIMIT, shares[:, 2], shares[:, 0]):.3f} |", flush=True)


def ranks_by_bm25s(pairs: Pairs, stop: frozenset[str], k1: float, b: float) -> Ranks:
    passage, query = (
        np.array(list(ranks_in(Searched(texts, stop, k1, b), questions, own, pairs.documents)), np.int32)
        for texts, questions, own in (
            (pairs.passages, pairs.queries, pairs.passage_texts),
            (pairs.queries, pairs.passages, pairs.query_texts),
        )
    )
    return Ranks(passage, query)


def ranks_in(
    searched: Searched, questions: Sequence[str], own: NDArray[np.uint64], documents: NDArray[np.uint64]
) -> Iterator[int]:
    """The rank of each pair among all; every pair is in the pool, at its own place."""
    for row, question in enumerate(questions):
        scores = searched.scores_of(searched.known(question))
        if not scores[row]:
            yield MAX_RANK + 1
            continue
        better = np.flatnonzero(scores > scores[row] * (1 + TOLERANCE))
        if len(better) > 200:  # no pair has so many of its own text or document among them
            yield MAX_RANK + 1
            continue
        rivals = own[better] != own[row]
        for mine in documents[row]:
            rivals &= (documents[better] != mine).all(axis=1) | (mine == 0)
        yield min(1 + int(rivals.sum()), MAX_RANK + 1)


if __name__ == "__main__":
    main()
