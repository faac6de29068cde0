"""Ranks of all pairs, and of decoys, by fold models and by BM25, with the modules that the judge itself uses."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.consistency.candidates import SOURCES, Exchanged, Rows, write
from filters.consistency import Consistency, Judged, Ranks
from filters.false_keep import KeptByK, Kind, MaxFalseKeep
from filters.folds import Hashes
from models.encoders import Role, load_encoder
from models.ranks import Golds, RankPool, open_ranker
from models.ranks.bm25 import Bm25Ranker
from models.trainer.corpus import open_corpus
from models.trainer.folds import train_folds
from models.trainer.job import Watch
from models.trainer.settings import Settings, digest
from pipelines.judge.decoys import Members, choose
from pipelines.judge.identity import grouping
from pipelines.judge.judges import and_repeated
from pipelines.judge.neighbours import by_vectors
from pipelines.judge.pool import competitors_of

MAX_RANK = 20

log = logging.getLogger("ccpairs")

Vectors = dict[Role, NDArray[np.float32]]


@dataclass(frozen=True)
class Asked:
    """Pairs whose ranks are counted: rows of the pool on either side, of exchanged pairs or of decoys.

    ``folds`` uint8 [n]; ``kind`` and ``source`` are those of decoys, None for the pairs themselves.
    """

    queries: Rows
    passages: Rows
    folds: NDArray[np.uint8]
    kind: Kind | None = None
    source: int = 0


def train(pairs: Exchanged, data: Path, folds: int, settings: Settings, work: Path) -> list[Path]:
    """The folders of the fold models, trained by the settings; those that are there are found."""
    corpus = open_corpus([str(data / source) for source in SOURCES])
    home = work / "models" / f"{digest([corpus.identity, settings.told()])[:12]}-{folds}"
    return train_folds(corpus, folds, grouping(folds, pairs.groups), settings, home, Watch(log.info))


def survivors(pairs: Exchanged, data: Path, judged: Judged, k: int, work: Path) -> Path:
    """The pairs that are kept at k, as the trainer reads them."""
    keep = Consistency(k=k, max_rank=MAX_RANK).decide(judged).keep
    for number, source in enumerate(SOURCES):
        table = pq.read_table(data / source / "pairs.parquet").filter(pa.array(keep[pairs.source == number]))
        write(table, work / f"survivors-{k}" / source / "pairs.parquet")
    return work / f"survivors-{k}"


def encoded(pairs: Exchanged, models: Iterable[Path], *, sublinear_tf: bool = True) -> list[Vectors]:
    """The pool by each model, read as the judge reads it."""
    encoders = [load_encoder(model, sublinear_tf=sublinear_tf) for model in models]
    return [
        {"query": each.encode(pairs.queries, "query"), "passage": each.encode(pairs.passages, "passage")}
        for each in encoders
    ]


def no_competitors(pairs: Exchanged, asked: Asked) -> tuple[Hashes, Hashes, Hashes]:
    """Hashes of query texts and passage texts that are none, and the keys; of decoys the documents of both pairs."""
    queries, passages = pairs.query_texts[asked.queries], pairs.passage_texts[asked.passages]
    keys = np.column_stack([queries, passages, pairs.documents[asked.queries]])
    if asked.kind is not None:
        keys = np.hstack([keys, pairs.documents[asked.passages]])
    return and_repeated(queries), and_repeated(passages), keys


def by_models(pairs: Exchanged, vectors: list[Vectors], every: Sequence[Asked]) -> list[Judged]:
    """Similarities and ranks, each pair by the model of its fold, in the pool of all pairs."""
    sizes = [len(asked.folds) for asked in every]
    ranks = [Ranks(np.zeros(size, np.int32), np.zeros(size, np.int32)) for size in sizes]
    similarities = [np.zeros(size, np.float32) for size in sizes]
    queries, passages = competitors_of(pairs.query_texts, pairs.passage_texts, pairs.documents)
    for fold, sides in enumerate(vectors):
        of_queries = open_ranker(RankPool(sides["query"], *queries), max_rank=MAX_RANK)
        of_passages = open_ranker(RankPool(sides["passage"], *passages), max_rank=MAX_RANK)
        for asked, (passage, query), similarity in zip(every, ranks, similarities, strict=True):
            here = np.flatnonzero(asked.folds == fold)
            query_texts, passage_texts, keys = (each[here] for each in no_competitors(pairs, asked))
            ours, theirs = sides["query"][asked.queries[here]], sides["passage"][asked.passages[here]]
            similarity[here] = np.einsum("ij,ij->i", ours, theirs)
            passage[here] = of_passages.ranks(Golds(ours, theirs, passage_texts, keys))
            left = np.flatnonzero(passage[here] <= MAX_RANK)
            golds = Golds(theirs[left], ours[left], query_texts[left], keys[left])
            query[here[left]] = of_queries.ranks(golds)
    return [Judged(model=of_model, similarity=each) for of_model, each in zip(ranks, similarities, strict=True)]


def with_bm25(pairs: Exchanged, every: list[Asked], judged: list[Judged]) -> list[Judged]:
    """The same with BM25's ranks beside."""
    (queries, query_keys), (passages, passage_keys) = competitors_of(
        pairs.query_texts, pairs.passage_texts, pairs.documents
    )
    ranker = Bm25Ranker.of(pairs.queries, pairs.passages, queries, passages, query_keys, passage_keys)
    found = []
    for asked, of_model in zip(every, judged, strict=True):
        texts = [pairs.queries[row] for row in asked.queries], [pairs.passages[row] for row in asked.passages]
        found.append(of_model._replace(bm25=Ranks(*ranker.ranks(*texts, *no_competitors(pairs, asked)))))
    return found


def decoys(pairs: Exchanged, vectors: list[Vectors], folds: int, wanted: int) -> list[Asked]:
    """Known mismatches, as the judge makes them: it does not know which of these pairs were exchanged."""
    rows = np.arange(len(pairs))
    members = Members(pa.array(pairs.ids), pairs.folds(folds), pairs.query_texts, pairs.passage_texts, pairs.documents)
    order = np.random.default_rng(0).permutation(len(pairs))
    neighbours = by_vectors([sides["query"] for sides in vectors], rows)
    return [
        Asked(made.queries, made.passages, made.folds, cast(Kind, made.kind), source)
        for source in range(len(SOURCES))
        for made in choose(members, np.flatnonzero(pairs.source == source), order, wanted, folds, neighbours)
    ]


def needed_by(rule: Consistency, asked: Asked, judged: Judged, of_pairs: Judged) -> NDArray[np.int32]:
    """The smallest k of the decoys that count: as the judge does it, near ones whose donor survives at MAX_RANK."""
    needed = rule.smallest_k(judged)
    if asked.kind == "near":
        needed = needed[rule.smallest_k(of_pairs)[asked.passages] <= MAX_RANK]
    return needed


def chosen_k(
    rule: Consistency, every: list[Asked], judged: list[Judged], of_pairs: Judged, allowed: MaxFalseKeep
) -> list[int | None]:
    """Of each source the loosest k whose decoys are kept no more often than allowed; None where none holds."""
    chosen = []
    for source in range(len(SOURCES)):
        counts = {
            asked.kind: KeptByK.of(needed_by(rule, asked, ranks, of_pairs), MAX_RANK)
            for asked, ranks in zip(every, judged, strict=True)
            if asked.kind is not None and asked.source == source
        }
        chosen.append(allowed.loosest_k(counts))
    return chosen
