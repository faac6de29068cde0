"""The fast reader gives the ids of the library that defines the tokenizer, for any text."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import Whitespace

from ccpairs.errors import UserError
from models.static import words
from models.static.tokenizer import UNKNOWN_ID, check_tokenizer, open_tokenizer, readable, train_tokenizer
from models.static.words import WordReader
from tests.filters.odd_texts import ODD_TEXTS

CORPUS = [
    "The quick brown fox jumps over the lazy dog, again and again.",
    "Naïve cafés serve crème brûlée; the dog's café won't.",
    "Быстрая лисица прыгает через ленивую собаку.",
    "東京都の天気は晴れです。 漢字 漢字",
    "Numbers: 1, 2, 3, 42, 2016 and 3.14; e-mail a_b@example.org!",
    "שלום עולם مرحبا بالعالم 😀 😀 “quoted” — dashed – words…",
] * 3


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(CORPUS, 400)


@pytest.fixture(scope="module")
def reader(tokenizer: Tokenizer) -> WordReader:
    return WordReader(tokenizer, threads=2)


def expected(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    found = tokenizer.encode_batch([readable(text) for text in texts], add_special_tokens=False)
    return [each.ids for each in found]


def read(reader: WordReader, texts: Sequence[str], **how: object) -> list[list[int]]:
    ids, offsets = reader.read(texts, **how)  # type: ignore[arg-type]
    return [ids[begin:end].tolist() for begin, end in pairwise(offsets)]


MIXED = st.text(
    alphabet="The quickDOG's, 42_\t\n\r\x0b\x0c\x00\x7f\u0301\u0308éÉßİΣς漢字が\u3000\u00a0\u2028“’…ñ😀\u200dж\ud800",
    max_size=60,
)


@given(texts=st.lists(st.text(max_size=40) | st.text(st.characters(), max_size=30) | MIXED, max_size=6))
@settings(deadline=None, max_examples=150)
def test_ids_are_those_of_the_library(reader: WordReader, tokenizer: Tokenizer, texts: list[str]) -> None:
    assert read(reader, texts) == expected(tokenizer, texts)


@pytest.mark.parametrize("name", list(ODD_TEXTS))
def test_odd_texts_have_the_ids_of_the_library(reader: WordReader, tokenizer: Tokenizer, name: str) -> None:
    texts = [ODD_TEXTS[name][:100_000], "the dog"]
    assert read(reader, texts) == expected(tokenizer, texts)


def test_ten_megabytes(reader: WordReader, tokenizer: Tokenizer) -> None:
    sentence = "All work and no play makes Jack a dull boy. "
    ids, offsets = reader.read([sentence * 230_000, "x" * 10_000_000])
    assert ids[:-1].tolist() == expected(tokenizer, [sentence])[0] * 230_000
    assert (ids[-1], offsets.tolist()) == (UNKNOWN_ID, [0, len(ids) - 1, len(ids)])


def test_every_character_between_letters(reader: WordReader, tokenizer: Tokenizer) -> None:
    """Each code point of the basic plane and of the emoji, where it could join or part two letters."""
    texts = [f"a{chr(code)}B" for code in [*range(0xD800), *range(0xE000, 0x10000), *range(0x1F300, 0x1FB00)]]
    assert read(reader, texts) == expected(tokenizer, texts)


def test_names_of_special_tokens_are_plain_text(reader: WordReader, tokenizer: Tokenizer) -> None:
    found = read(reader, ["[UNK]"])
    assert found == expected(tokenizer, ["[UNK]"])
    assert UNKNOWN_ID not in found[0][1:-1]
    assert len(found[0]) > 1


def test_prefix_and_limit(reader: WordReader) -> None:
    whole = read(reader, ["the dog jumps over the fox", "the", ""])
    cut = read(reader, ["the dog jumps over the fox", "the", ""], prefix=[7, 8], max_tokens=4)
    assert cut == [[7, 8, *whole[0][:2]], [7, 8, *whole[1][:2]], [7, 8]]
    assert read(reader, ["the dog"], prefix=[7, 8], max_tokens=1) == [[7]]
    assert read(reader, ["the dog"], max_tokens=0) == [[]]


def test_no_texts(reader: WordReader) -> None:
    assert read(reader, []) == []


def test_many_blocks_are_as_one(reader: WordReader, monkeypatch: pytest.MonkeyPatch) -> None:
    once = read(reader, CORPUS)
    monkeypatch.setattr(words, "BLOCK_BYTES", 100)
    assert read(reader, CORPUS) == once


def test_a_full_table_is_begun_anew(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "TABLE_BYTES", 10)
    reader = WordReader(tokenizer)
    assert [read(reader, [text])[0] for text in CORPUS] == expected(tokenizer, CORPUS)
    assert len(reader._table) == 0


def test_a_table_that_grows_keeps_its_words(tokenizer: Tokenizer) -> None:
    reader = WordReader(tokenizer)
    texts = [f"w{number}x" for number in range(70_000)]
    assert read(reader, texts) == read(reader, texts) == expected(tokenizer, texts)


def test_threads_may_share_a_reader(tokenizer: Tokenizer) -> None:
    reader = WordReader(tokenizer, threads=2)
    texts = [" ".join(CORPUS[index:]) + f" number{index}" for index in range(18)] * 20
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read(reader, texts), range(16)))
    assert found == [expected(tokenizer, texts)] * 16


def test_a_reader_can_be_sent_to_another_process(reader: WordReader) -> None:
    assert read(pickle.loads(pickle.dumps(reader)), CORPUS) == read(reader, CORPUS)


def test_the_same_texts_train_the_same_tokenizer(tokenizer: Tokenizer) -> None:
    assert [train_tokenizer(CORPUS, 400).to_str() == tokenizer.to_str() for _ in range(5)] == [True] * 5


def test_odd_texts_train_a_tokenizer() -> None:
    short = [text[:1000] for text in ODD_TEXTS.values()]
    texts = [*short, "漢字" * 3000]
    reader = WordReader(train_tokenizer(texts, 500))
    assert read(reader, texts) == expected(reader.tokenizer, texts)


@pytest.mark.parametrize("texts", [[], ["", " \n"], ["\x00\x01"]])
def test_texts_without_letters_train_none(texts: list[str]) -> None:
    with pytest.raises(UserError, match="they hold no letters"):
        train_tokenizer(texts)


def test_another_kind_of_tokenizer_is_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    other = Tokenizer(BPE())
    other.pre_tokenizer = Whitespace()
    with pytest.raises(UserError, match=r"^x: a static encoder needs a lower-casing BertNormalizer"):
        check_tokenizer(other, "x")
    added = Tokenizer.from_str(tokenizer.to_str())
    added.add_special_tokens(["[CLS]"])
    with pytest.raises(UserError, match="take them out of added_tokens"):
        check_tokenizer(added, "x")
    cut = Tokenizer.from_str(tokenizer.to_str())
    cut.enable_truncation(5)
    with pytest.raises(UserError, match="set both to null"):
        check_tokenizer(cut, "x")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match=r"tokenizer.json: not a tokenizer.json that can be read"):
        open_tokenizer(tmp_path / "tokenizer.json")
