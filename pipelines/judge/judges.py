"""The judges of a run, as a worker holds them: of each fold a model and two rankers for each pool, and BM25.

A worker gets the plan, which names everything by its path, and opens what it needs when it first needs it. Vectors and
coarse pools are memory maps, so processes of one machine share them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ccpairs.pair import JUDGEMENT
from filters.folds import Hashes
from models.encoders import Encoder, Role, load_encoder
from models.ranks import Golds, RankPool, open_ranker
from models.ranks.bm25 import VERSION as BM25_VERSION
from models.ranks.bm25 import Bm25Ranker
from pipelines.judge.fold_groups import FoldGroups
from pipelines.judge.pool import REPEATED, ROLES, Pool, open_pool
from pipelines.judge.vectors import checked, open_vectors

NOT_COMPUTED = 0
"""A rank that nobody counted; true ranks begin at 1."""


@dataclass(frozen=True)
class JudgePlan:
    """What a worker needs to know.

    ``work``: the local folder of pools, vectors and models. ``pools``: source -> folder of its pool. ``models``: the
    folder of each fold's model, none where BM25 alone judges; static ones count repeated tokens sublinearly where
    ``sublinear_tf`` is set. ``bm25_size``: how many members of the pool BM25 has, 0 where it does not judge.
    ``threads``: of one worker process. ``trust_remote_code``: run the code that models bring. ``prompts``: in the
    place of the models' own. ``groups``: the file of what equal texts join into one fold, None where nothing does.
    """

    work: Path
    pools: Mapping[str, Path]
    models: tuple[Path, ...]
    sublinear_tf: bool
    folds: int
    max_rank: int
    rank_path: str
    bm25_size: int
    threads: int
    trust_remote_code: bool = False
    prompts: Mapping[Role, str] | None = None
    groups: Path | None = None


class Pairs(NamedTuple):
    """Pairs of one source to be judged.

    ``query_texts`` and ``passage_texts`` [n]: hashes of the texts; ``documents`` [n, b]: of the documents, 0 for none.
    A member that shares one of them, on whichever side, is no competitor. ``folds`` uint8 [n].
    """

    source: str
    queries: Sequence[str]
    passages: Sequence[str]
    folds: NDArray[np.uint8]
    query_texts: Hashes
    passage_texts: Hashes
    documents: Hashes

    @property
    def keys(self) -> Hashes:
        """What members may share with each pair, [n, 2 + b]."""
        return np.column_stack([self.query_texts, self.passage_texts, self.documents])


class Judgement(NamedTuple):
    """Of each pair: similarity float32 (NaN where no model judged) and ranks int32 (0 where not computed)."""

    similarity: NDArray[np.float32]
    passage_ranks: NDArray[np.int32]
    query_ranks: NDArray[np.int32]
    bm25_passage_ranks: NDArray[np.int32]
    bm25_query_ranks: NDArray[np.int32]


class Judges:
    """Judges pairs, one batch at a time: what it holds uses all of its threads for one."""

    def __init__(self, plan: JudgePlan) -> None:
        self.plan = plan
        # What has several threads uses all of them for one batch; with one each, workers' threads go side by side.
        self._turn: Any = threading.Lock() if plan.threads > 1 else contextlib.nullcontext()
        self._rankers: dict[tuple[Path, int, Role], Any] = {}
        self._lexical: dict[Path, Bm25Ranker] = {}
        self._pools: dict[str, Pool] = {}

    @cached_property
    def encoders(self) -> list[Encoder]:
        """The model of each fold."""
        plan = self.plan
        return [
            load_encoder(
                folder,
                plan.threads,
                sublinear_tf=plan.sublinear_tf,
                trust_remote_code=plan.trust_remote_code,
                prompts=plan.prompts,
            )
            for folder in plan.models
        ]

    @cached_property
    def groups(self) -> FoldGroups:
        """What falls into one fold beyond pairs of one document."""
        return FoldGroups.load(self.plan.groups)

    def pool(self, source: str) -> Pool:
        """The pool in which a source's ranks are counted."""
        if source not in self._pools:
            self._pools[source] = open_pool(self.plan.pools[source])
        return self._pools[source]

    @property
    def paths(self) -> list[str]:
        """The ways in which ranks are counted."""
        self.open_all()
        return sorted({ranker.name for ranker in self._rankers.values()})

    def open_all(self) -> None:
        """Open every ranker, so that what they keep on disk is there before workers look for it."""
        for source in self.plan.pools:
            if self.plan.bm25_size:
                self._bm25(source)
            for fold in range(len(self.plan.models)):
                for role in ROLES:
                    self._ranker(fold, source, role)

    def judge(self, pairs: Pairs) -> Judgement:
        """Similarities and ranks of some pairs, by the model of each pair's fold and by BM25."""
        count = len(pairs.queries)
        ranks = [np.full(count, NOT_COMPUTED, np.int32) for _ in range(4)]
        judgement = Judgement(np.full(count, np.nan, np.float32), *ranks)
        with self._turn:
            if self.plan.models:
                for fold in range(self.plan.folds):
                    rows = np.flatnonzero(pairs.folds == fold)
                    if len(rows):
                        self._by_model(fold, rows, pairs, judgement)
            if self.plan.bm25_size:
                self._by_bm25(pairs, judgement)
        return judgement

    def _by_model(self, fold: int, rows: NDArray[np.int64], pairs: Pairs, judgement: Judgement) -> None:
        encoder = self.encoders[fold]
        queries = checked(encoder.encode([pairs.queries[row] for row in rows], "query"))
        passages = checked(encoder.encode([pairs.passages[row] for row in rows], "passage"))
        judgement.similarity[rows] = np.einsum("ij,ij->i", queries, passages)
        keys = pairs.keys[rows]
        ranker = self._ranker(fold, pairs.source, "passage")
        ranks = ranker.ranks(Golds(queries, passages, and_repeated(pairs.passage_texts[rows]), keys))
        judgement.passage_ranks[rows] = ranks
        left = np.flatnonzero(ranks <= self.plan.max_rank)
        ranker = self._ranker(fold, pairs.source, "query")
        golds = Golds(passages[left], queries[left], and_repeated(pairs.query_texts[rows[left]]), keys[left])
        judgement.query_ranks[rows[left]] = ranker.ranks(golds)

    def _ranker(self, fold: int, source: str, role: Role) -> Any:
        pool = self.pool(source)
        key = (pool.folder, fold, role)
        if key not in self._rankers:
            vectors = open_vectors(self.plan.work, pool, self.encoders[fold].fingerprint, role)
            self._rankers[key] = open_ranker(
                RankPool(vectors, pool.competitors(role), pool.keys(role)),
                max_rank=self.plan.max_rank,
                path=self.plan.rank_path,
                folder=self.plan.work / "coarse" / f"{pool.fingerprint}-{self.encoders[fold].fingerprint}-{role}",
                threads=self.plan.threads,
            )
        return self._rankers[key]

    def _by_bm25(self, pairs: Pairs, judgement: Judgement) -> None:
        ranks = self._bm25(pairs.source).ranks(
            pairs.queries,
            pairs.passages,
            and_repeated(pairs.query_texts),
            and_repeated(pairs.passage_texts),
            pairs.keys,
            max_rank=self.plan.max_rank,
        )
        judgement.bm25_passage_ranks[:] = ranks.passage
        judgement.bm25_query_ranks[:] = ranks.query

    def _bm25(self, source: str) -> Bm25Ranker:
        """BM25 over the first members of a source's pool, those of the lowest hash; made where it is not there yet."""
        pool = self.pool(source)
        if pool.folder not in self._lexical:
            folder = self.plan.work / "bm25" / f"{pool.fingerprint}-{self.plan.bm25_size}-{BM25_VERSION}"
            if not folder.is_dir():
                index_pool(pool, self.plan.bm25_size, self.plan.threads).save(folder)
            self._lexical[pool.folder] = Bm25Ranker.load(folder, threads=self.plan.threads)
        return self._lexical[pool.folder]


def and_repeated(texts: Hashes) -> Hashes:
    """Texts that are no competitors [n], and beside them what stands for repeated ones in a pool, [n, 2]."""
    return np.column_stack([texts, np.full(len(texts), REPEATED)])


def index_pool(pool: Pool, size: int, threads: int) -> Bm25Ranker:
    """BM25 of the first ``size`` members of a pool; their texts are in memory while it is made."""
    count = min(size, pool.rows)
    texts: dict[Role, list[str]] = {role: [""] * count for role in ROLES}
    first = 0
    for batch in pool.batches(ROLES):
        here = pool.place[first : first + batch.num_rows]
        first += batch.num_rows
        inside = batch.filter(pa.array(here < size))
        for side, role in enumerate(ROLES):
            for place, text in zip(here[here < size].tolist(), inside.column(side).to_pylist(), strict=True):
                texts[role][place] = text
    queries, passages = (pool.competitors(role)[:count] for role in ROLES)
    keys = [pool.keys(role).first(count) for role in ROLES]
    return Bm25Ranker.of(texts["query"], texts["passage"], queries, passages, *keys, threads=threads)


def judgement_columns(judgement: Judgement, pairs: Pairs, judges: Judges) -> list[pa.Array]:
    """The columns that judged shards add, in the order of their schema."""
    count = len(pairs.queries)
    size = np.full(count, judges.pool(pairs.source).rows if judges.plan.models else 0)
    values: dict[str, tuple[NDArray[Any], NDArray[np.bool_] | None]] = {
        "similarity": (judgement.similarity, np.isnan(judgement.similarity)),
        "passage_rank": (judgement.passage_ranks, judgement.passage_ranks == NOT_COMPUTED),
        "query_rank": (judgement.query_ranks, judgement.query_ranks == NOT_COMPUTED),
        "pool_size": (size, size == 0),
        "fold": (pairs.folds, None),
        "bm25_passage_rank": (judgement.bm25_passage_ranks, judgement.bm25_passage_ranks == NOT_COMPUTED),
        "bm25_query_rank": (judgement.bm25_query_ranks, judgement.bm25_query_ranks == NOT_COMPUTED),
    }
    return [pa.array(values[field.name][0], mask=values[field.name][1]).cast(field.type) for field in JUDGEMENT]
