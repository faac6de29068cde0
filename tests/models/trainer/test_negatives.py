"""Hard negatives of the data: beside their rows in the tokens, candidates of every batch, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.trainer.corpus import Corpus, open_corpus
from models.trainer.job import Watch, prepare
from models.trainer.loop import Batches, train
from models.trainer.settings import Settings
from models.trainer.tokens import text_hash
from tests.models.trainer.pairs import SILENT, SMALL, WORDS, pairs, write_pairs
from tests.models.transformer.tiny_bert import write_tiny_bert

ROWS = [(f"{query} q{n}", f"{passage} p{n}") for n, (query, passage) in enumerate(pairs(20))]


def negatives_of(row: int, count: int) -> list[str]:
    return [f"{WORDS[(row + n) % len(WORDS)]} {WORDS[n]} n{row} {n}" for n in range(count)]


def write_triplets(path: Path, counts: Sequence[int], rows: Sequence[tuple[str, str]] = ROWS) -> Corpus:
    lines = [
        {"query": query, "passage": passage, "negatives": negatives_of(row, count)}
        for row, ((query, passage), count) in enumerate(zip(rows, counts, strict=True))
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return open_corpus([str(path)])


def settings_of(kind: str, tmp_path: Path, **values: Any) -> Settings:
    chosen: dict[str, Any] = {"data.batch_size": 100, "data.steps": 1, "loss.temperature": 0.1}
    if kind == "transformer":
        bert = write_tiny_bert(tmp_path / "bert")
        chosen |= {"model.kind": "transformer", "model.init": str(bert), "optimizer.chunk_tokens": 60}
    return SMALL.with_values(chosen | {key.replace("__", "."): value for key, value in values.items()}, "test")


@pytest.mark.parametrize("most", [-1, 2, 1, 0])
def test_a_batch_holds_the_negatives_of_its_rows(tmp_path: Path, most: int) -> None:
    counts = [row % 4 for row in range(20)]
    corpus = open_corpus([write_pairs(tmp_path / "plain.parquet", pairs(30, 5))])
    corpus = Corpus((*corpus.sources, *write_triplets(tmp_path / "t.jsonl", counts).sources))
    settings = settings_of("static", tmp_path, data__batch_size=16, data__steps=12, data__negatives=most)
    said: list[str] = []
    prepared = prepare(settings, corpus, tmp_path / "out", Watch(said.append))
    row_of = {text_hash(query): row for row, (query, _) in enumerate(ROWS)}
    seen = 0
    for batch in Batches(prepared.sources, settings).following():
        rows = [row_of[each] for each in batch.queries.hashes.tolist() if each in row_of]
        expected = [text for row in rows for text in negatives_of(row, counts[row])[: most if most >= 0 else None]]
        found = [] if batch.negatives is None else batch.negatives.hashes.tolist()
        assert found == list(map(text_hash, expected))
        seen += len(found)
    assert (seen > 0) == (most != 0)
    if most == -1:
        assert "t: 30 hard negatives of 15 rows, up to 3 a row" in said


@pytest.mark.parametrize("kind", ["static", "transformer"])
@pytest.mark.parametrize("counts", [[2] * 20, [row % 4 for row in range(20)]], ids=["triplets", "ragged"])
def test_the_loss_of_a_training_is_that_of_sentence_transformers(tmp_path: Path, kind: str, counts: list[int]) -> None:
    losses = pytest.importorskip("sentence_transformers.losses")
    corpus = write_triplets(tmp_path / "t.jsonl", counts)
    settings = settings_of(kind, tmp_path)
    prepared = prepare(settings, corpus, tmp_path / "out", SILENT)
    encoder = prepared.learner.encoder
    texts = [text for row, count in enumerate(counts) for text in negatives_of(row, count)]
    sides = [
        torch.from_numpy(np.array(encoder.encode(list(side), role)))  # type: ignore[arg-type]
        for side, role in (([q for q, _ in ROWS], "query"), ([p for _, p in ROWS], "passage"), (texts, "passage"))
    ]
    oracle = losses.MultipleNegativesRankingLoss(model=None, scale=10.0)
    expected = float(oracle.compute_loss_from_embeddings(sides, labels=None))
    trained = train(settings, prepared.learner, Batches(prepared.sources, settings), tmp_path / "out", "data")
    assert trained.first_loss == pytest.approx(expected, rel=1e-4)
    without = float(oracle.compute_loss_from_embeddings(sides[:2], labels=None))
    assert abs(without - expected) > 1e-2


def test_negatives_that_are_answers_of_the_query_are_masked(tmp_path: Path) -> None:
    """A second answer of a query is none of its negatives, in whichever row it stands as one."""
    lines = [
        {"query": "q one", "pos": ["first answer", "second answer"], "neg": ["Second  answer", "first answer"]},
        {"query": "q one", "pos": ["third answer"], "neg": ["second answer"]},
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    corpus = open_corpus([str(tmp_path / "a.jsonl")])
    settings = settings_of("static", tmp_path)
    prepared = prepare(settings, corpus, tmp_path / "out", SILENT)
    trained = train(settings, prepared.learner, Batches(prepared.sources, settings), tmp_path / "out", "data")
    assert trained.first_loss == 0


def test_batches_without_candidates_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    corpus = open_corpus([write_pairs(tmp_path / "a.parquet", [(f"question {n}", "one answer") for n in range(8)])])
    settings = settings_of("static", tmp_path, data__batch_size=4, data__steps=3)
    prepared = prepare(settings, corpus, tmp_path / "out", SILENT)
    train(settings, prepared.learner, Batches(prepared.sources, settings), tmp_path / "out", "data")
    assert caplog.text.count("every candidate of the batch is masked, because its rows share one query or one") == 1
    assert "3 of the steps had no candidate left" in caplog.text
