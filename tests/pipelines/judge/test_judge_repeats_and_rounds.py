"""Texts that repeat in a pool compete once; a next round trains on pairs that survive at the loosest k."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from ccpairs.pair import JUDGED_SCHEMA
from filters.consistency import Consistency
from filters.folds import text_hashes
from models.static.encoder import static_encoder
from models.static.tokenizer import train_tokenizer
from models.trainer.folds import NOBODYS
from pipelines.engine import Engine
from pipelines.judge.fold_models import of_survivors
from pipelines.judge.identity import grouping
from pipelines.judge.judges import JudgePlan, Judges, Pairs
from pipelines.judge.pool import REPEATED, ROLES, Pool, PoolPlan, make_pools
from pipelines.judge.vectors import encode_pool
from tests.pipelines.judge.small_candidates import Row, write_candidates

# The same answer, and twice a better one to "salt salt": under a title and under title and body.
ROWS = [
    Row("salt river", "salt sea stone", "q1", "p1"),
    Row("old question", "salt", "q2", "p2"),
    Row("old question with its body", "salt", "q3", "p3"),
    Row("gold", "iron", "q4", "p4"),
]


def pool_of(folder: Path) -> Pool:
    plan = PoolPlan("all", 100, (write_candidates(folder, ROWS),))
    (pool,) = make_pools([plan], Engine(), str(folder / "out"), folder / "work")
    return pool


def test_the_first_of_equal_texts_is_the_competitor(tmp_path: Path) -> None:
    pool = pool_of(tmp_path)
    competitors = pool.competitors("passage")
    salt = text_hashes(["salt"])[0]
    assert sorted(np.flatnonzero(pool.texts("passage") == salt).tolist()) == sorted(
        np.flatnonzero((competitors == salt) | (competitors == REPEATED)).tolist()
    )
    assert np.count_nonzero(competitors == REPEATED) == 1
    assert np.count_nonzero(pool.competitors("query") == REPEATED) == 0


def test_a_better_text_that_stands_twice_beats_once(tmp_path: Path) -> None:
    pool = pool_of(tmp_path)
    folder = tmp_path / "model"
    encoder = static_encoder(train_tokenizer([text for row in ROWS for text in row[:2]] * 2, 80), 16)
    encoder.save(folder)
    for role in ROLES:
        encode_pool(tmp_path / "work", pool, encoder, role)
    plan = JudgePlan(tmp_path / "work", {"reddit": pool.folder}, (folder,), False, 1, 20, "faiss", 100, 1)
    query, passage = ["salt salt"], ["salt sea stone"]
    hashes = [text_hashes(side) for side in (query, passage)]
    pairs = Pairs("reddit", query, passage, np.zeros(1, np.uint8), hashes[0], hashes[1], np.zeros((1, 2), np.uint64))
    judgement = Judges(plan).judge(pairs)
    assert judgement.passage_ranks.tolist() == [2]
    assert judgement.bm25_passage_ranks.tolist() == [2]


WAYS = ("salt", "sea salt", "salt sea", "salt salt", "sea")
FAQ = [
    *(Row(f"{way} {name}", f"{name} stone", f"q{name}-{way}", f"p{name}-{way}") for name in "abcd" for way in WAYS),
    Row("sea salt a", "iron stone", "q5", "p5"),  # a question of two answers
    Row("b stone", "b salt", "q6", "p6"),  # an answer that is a question
]


@pytest.mark.parametrize("path", ["auto", "faiss"])
def test_members_that_share_a_text_on_whichever_side_never_compete(path: str, tmp_path: Path) -> None:
    (pool,) = make_pools(
        [PoolPlan("all", 100, (write_candidates(tmp_path, FAQ),))], Engine(), str(tmp_path / "out"), tmp_path / "work"
    )
    encoder = static_encoder(train_tokenizer([text for row in FAQ for text in row[:2]] * 2, 80), 16)
    encoder.save(tmp_path / "model")
    for role in ROLES:
        encode_pool(tmp_path / "work", pool, encoder, role)
    queries, passages = [row.query for row in FAQ], [row.passage for row in FAQ]
    ours, theirs = (encoder.encode(queries, "query"), encoder.encode(passages, "passage"))
    judges = Judges(
        JudgePlan(tmp_path / "work", {"reddit": pool.folder}, (tmp_path / "model",), False, 1, 20, path, 100, 1)
    )
    hashes, none = [text_hashes(side) for side in (queries, passages)], np.zeros((len(FAQ), 2), np.uint64)
    folds = np.zeros(len(FAQ), np.uint8)
    found = judges.judge(Pairs("reddit", queries, passages, folds, hashes[0], hashes[1], none))

    def rank(row: int, side: int, scores: NDArray[np.float64]) -> int:
        """By the rule: texts that score higher, once each, without those of members that share a text with the pair."""
        own = set(FAQ[row][:2])
        shared = {member[side] for member in FAQ if own & set(member[:2])}
        better = {FAQ[at][side] for at in np.flatnonzero(scores > scores[row] + 1e-6)}
        return 1 + len(better - shared)

    scores = ours.astype(np.float64) @ theirs.T.astype(np.float64)
    assert found.passage_ranks.tolist() == [rank(row, 1, scores[row]) for row in range(len(FAQ))]
    assert found.query_ranks.tolist() == [rank(row, 0, scores[:, row]) for row in range(len(FAQ))]
    assert found.bm25_query_ranks[:20].tolist() == [1] * 20


def test_survivors_are_those_that_the_loosest_rule_keeps() -> None:
    ranks = [(1, 1), (20, 20), (21, None), (3, 21)]
    columns = {
        "query": ["q"] * 4,
        "passage": ["same passage"] * 4,
        "source": ["reddit"] * 4,
        "passage_rank": [passage for passage, _ in ranks],
        "query_rank": [query for _, query in ranks],
        "similarity": [0.5] * 4,
    }
    table = pa.table({field.name: pa.array(columns.get(field.name, [None] * 4), field.type) for field in JUDGED_SCHEMA})
    folds = grouping(2)
    survivors = of_survivors(folds, Consistency(20, max_rank=20))
    fold = int(folds.of(table)[0])
    assert survivors.of(table).tolist() == [fold, fold, NOBODYS, NOBODYS]
    assert set(folds.columns) < set(survivors.columns)
    assert survivors.identity != folds.identity
