"""Cross-fitting: no model has seen a pair of its own fold."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.encoders import load_encoder
from models.static.encoder import StaticEncoder, static_encoder
from models.static.tokenizer import open_tokenizer
from models.trainer.corpus import open_corpus
from models.trainer.folds import NOBODYS, train_folds
from models.trainer.job import Watch
from models.trainer.learner import SAMPLE_TEXTS
from models.trainer.tokens import Grouping
from tests.models.trainer.pairs import SMALL, write_pairs

FRUITS, TREES = ("apple", "pear", "plum"), ("oak", "elm", "ash")
# Words of the one fold never stand in the other, so the vectors that moved show which fold was trained on.
ROWS = [
    (f"{' '.join(query)}", f"{' '.join(passage)}")
    for words in (FRUITS, TREES)
    for query in permutations(words)
    for passage in product(words, repeat=2)
]


def fold_of(table: pa.Table) -> NDArray[np.uint8]:
    return np.array([TREES[0] in query for query in table["query"].to_pylist()], np.uint8)


GROUPING = Grouping(fold_of, ("query",), "by the word oak")
SETTINGS = SMALL.with_values({"data.batch_size": 8}, "test")


def trained_words(model: Path, untrained: NDArray[np.float32]) -> list[str]:
    """Of four words, those whose vector is no longer what it was before training."""
    encoder = load_encoder(model)
    assert isinstance(encoder, StaticEncoder)
    tokens = {word: encoder.reader.tokenizer.token_to_id(word) for word in ("apple", "plum", "oak", "elm")}
    return [word for word, token in tokens.items() if (encoder.rows[token] != untrained[token]).any()]


def test_a_model_has_trained_on_all_folds_but_its_own(tmp_path: Path) -> None:
    corpus = open_corpus([write_pairs(tmp_path / "a.parquet", ROWS)])
    said: list[str] = []
    first, second = train_folds(corpus, 2, GROUPING, SETTINGS, tmp_path / "models", Watch(said.append))
    tokenizer = open_tokenizer(tmp_path / "models" / "tokenizer.json")
    untrained = static_encoder(tokenizer, 16, SETTINGS.data.seed, corpus.sample(SAMPLE_TEXTS)).rows
    assert trained_words(first, untrained) == ["oak", "elm"]
    assert trained_words(second, untrained) == ["apple", "plum"]
    assert said[1:] == ["model of fold 0: training on 54 pairs", "model of fold 1: training on 54 pairs"]


def test_found_done(tmp_path: Path) -> None:
    corpus = open_corpus([write_pairs(tmp_path / "a.parquet", ROWS)])
    said: list[str] = []
    first = train_folds(corpus, 2, GROUPING, SETTINGS, tmp_path / "models", Watch(said.append))
    prints = [load_encoder(path).fingerprint for path in first]
    again = train_folds(corpus, 2, GROUPING, SETTINGS, tmp_path / "models", Watch(said.append))
    assert [load_encoder(path).fingerprint for path in again] == prints
    assert said[-2:] == ["model of fold 0: found done", "model of fold 1: found done"]


def test_one_fold_trains_on_everything(tmp_path: Path) -> None:
    corpus = open_corpus([write_pairs(tmp_path / "a.parquet", ROWS)])
    said: list[str] = []
    [model] = train_folds(corpus, 1, GROUPING, SETTINGS, tmp_path / "models", Watch(said.append))
    assert load_encoder(model).dimension == 16
    assert said[-1] == "model of fold 0: training on 108 pairs"


def test_rows_that_are_nobody_s_are_trained_on_by_none(tmp_path: Path) -> None:
    corpus = open_corpus([write_pairs(tmp_path / "a.parquet", ROWS)])
    said: list[str] = []
    grouping = Grouping(lambda table: np.where(fold_of(table), NOBODYS, 0).astype(np.uint8), ("query",), "no trees")
    train_folds(corpus, 1, grouping, SETTINGS, tmp_path / "models", Watch(said.append))
    assert said[-1] == "model of fold 0: training on 54 pairs"
