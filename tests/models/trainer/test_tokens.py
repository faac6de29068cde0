"""The cache of tokens: what was read is what comes out, made once, and never another's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ccpairs.errors import UserError
from models.static.encoder import StaticEncoder, static_encoder
from models.static.tokenizer import train_tokenizer
from models.trainer.corpus import open_corpus
from models.trainer.tokens import Grouping, join, left_out, text_hash, tokenised
from tests.models.trainer.pairs import pairs, write_pairs

ROWS = pairs(300)


@pytest.fixture(scope="module")
def encoder() -> StaticEncoder:
    return static_encoder(train_tokenizer([text for pair in ROWS for text in pair], 100), 8)


def test_any_rows_in_any_order(encoder: StaticEncoder, tmp_path: Path) -> None:
    corpus = open_corpus([write_pairs(tmp_path / "a.parquet", ROWS)])
    [source] = tokenised(corpus, encoder, "id", 6, tmp_path / "tokens")
    assert len(source) == 300
    rows = np.array([299, 0, 7, 7])
    for side, role in ((0, "query"), (1, "passage")):
        texts = [ROWS[row][side] for row in rows]
        ids, offsets = encoder.tokens(texts, role, 6)  # type: ignore[arg-type]
        taken = source.take(rows, side)
        assert taken.ids.tolist() == ids.tolist()
        assert taken.offsets.tolist() == offsets.tolist()
        assert taken.hashes.tolist() == [text_hash(text) for text in texts]


def test_batches_one_after_the_other(encoder: StaticEncoder, tmp_path: Path) -> None:
    [source] = tokenised(open_corpus([write_pairs(tmp_path / "a.parquet", ROWS)]), encoder, "id", 99, tmp_path / "t")
    whole, parts = source.take(np.arange(10), 1), join([source.take(np.arange(4), 1), source.take(np.arange(4, 10), 1)])
    assert [array.tolist() for array in parts] == [array.tolist() for array in whole]


def test_made_once(encoder: StaticEncoder, tmp_path: Path) -> None:
    corpus = open_corpus([write_pairs(tmp_path / "a.parquet", ROWS)])
    read: list[int] = []
    tokenised(corpus, encoder, "id", 9, tmp_path / "tokens", told=read.append)
    tokenised(corpus, encoder, "id", 9, tmp_path / "tokens", told=read.append)
    assert sum(read) == 300


@pytest.mark.parametrize("changed", ["identity", "length", "data"])
def test_never_another_s(encoder: StaticEncoder, tmp_path: Path, changed: str) -> None:
    path = write_pairs(tmp_path / "a.parquet", ROWS)
    tokenised(open_corpus([path]), encoder, "id", 9, tmp_path / "tokens")
    if changed == "data":
        write_pairs(tmp_path / "a.parquet", ROWS[:50])
    read: list[int] = []
    identity, length = "other" if changed == "identity" else "id", 8 if changed == "length" else 9
    tokenised(open_corpus([path]), encoder, identity, length, tmp_path / "tokens", told=read.append)
    assert sum(read) == (50 if changed == "data" else 300)
    assert len(list((tmp_path / "tokens").iterdir())) == 1, "the old tokens are still there"


def test_what_was_half_written_is_made_anew(encoder: StaticEncoder, tmp_path: Path) -> None:
    corpus = open_corpus([write_pairs(tmp_path / "a.parquet", ROWS)])
    tokenised(corpus, encoder, "id", 9, tmp_path / "tokens")
    [made] = (tmp_path / "tokens").iterdir()
    made.rename(made.with_name(f".tmp-{made.name}"))
    [source] = tokenised(corpus, encoder, "id", 9, tmp_path / "tokens")
    assert len(source) == 300


def test_rows_without_a_text_are_left_out(encoder: StaticEncoder, tmp_path: Path) -> None:
    rows = [("a river", "the sea"), (None, "x"), ("x", None), ("", "x"), ("a book", "a stone")]
    corpus = open_corpus([write_pairs(tmp_path / "a.parquet", rows)])
    sources = tokenised(corpus, encoder, "id", 9, tmp_path / "tokens")
    assert (len(sources[0]), left_out(corpus, sources)) == (2, 3)
    assert sources[0].take(np.array([1]), 0).hashes.tolist() == [text_hash("a book")]


def test_nothing_but_rows_without_a_text(encoder: StaticEncoder, tmp_path: Path) -> None:
    corpus = open_corpus([write_pairs(tmp_path / "a.parquet", [(None, "x"), ("x", "")])])
    with pytest.raises(UserError, match="no row of the data has both a query and a passage"):
        tokenised(corpus, encoder, "id", 9, tmp_path / "tokens")


def test_groups_stand_beside_their_rows(encoder: StaticEncoder, tmp_path: Path) -> None:
    corpus = open_corpus([write_pairs(tmp_path / "a.parquet", [("a", "river"), (None, "x"), ("b", "salt water")])])
    grouping = Grouping(
        lambda table: np.array([len(t.as_py()) for t in table["passage"]], np.uint8), ("passage",), "len"
    )
    [source] = tokenised(corpus, encoder, "id", 9, tmp_path / "tokens", grouping=grouping)
    assert source.groups is not None
    assert source.groups.tolist() == [5, 10]


def test_texts_that_are_the_same_to_a_reader_have_one_hash() -> None:
    assert text_hash("The  River") == text_hash("the river ") == text_hash("Ｔhe river")
    assert text_hash("the river") != text_hash("the rivers")
