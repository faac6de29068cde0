from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.ngrams import hash_words
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

SAME = [
    ("Hello,  World!", "hello world"),
    ("one\ntwo\r\n\tthree", "One two THREE"),
    ("don’t", "don't"),
    ("snake_case", "snake case"),
    ("Café", "cafe"),
    ("e\u0301te\u0301", "été"),
    ("STRASSE", "straße"),
    ("ﬁne １２", "fine 12"),
    ("soft\u00adhyphen", "softhyphen"),
    ("天文学", "天 文 学。"),
    ("…«Кот»…", "кот"),
    ("a\ud800b", "a b"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_makes_no_difference(one: str, other: str) -> None:
    words = hash_words([one, other])
    first, second = words.texts().tolist()
    assert first == second
    assert words.counts()[0] == words.counts()[1]


@pytest.mark.parametrize(
    ("one", "other"), [("a b", "ab"), ("ab ba", "ba ab"), ("listen", "silent"), ("кот", "ток"), ("1 2", "12")]
)
def test_other_words_have_another_hash(one: str, other: str) -> None:
    first, second = hash_words([one, other]).texts().tolist()
    assert first != second


def test_words_are_counted_text_by_text() -> None:
    assert hash_words(["", "one", " two words ", "...", "水は水", "😀"]).counts().tolist() == [0, 1, 2, 0, 3, 0]


def test_no_texts_have_no_words() -> None:
    words = hash_words([])
    assert (words.counts().tolist(), words.texts().tolist()) == ([], [])
    assert [part.tolist() for part in words.ngrams(3)] == [[], []]


def test_ngrams_stay_inside_their_text() -> None:
    hashes, counts = hash_words(["a b c d", "e f", "b c d"]).ngrams(3)
    assert counts.tolist() == [2, 0, 1]
    assert hashes.tolist() == hash_words(["a b c", "b c d", "b c d"]).texts().tolist()


def test_a_stretch_has_the_same_hash_wherever_it_stands() -> None:
    filler = "filler " * 20_000  # several chunks
    words = hash_words([filler + "the quick brown fox", "the quick brown fox"])
    hashes, counts = words.ngrams(4)
    assert counts.tolist() == [20_001, 1]
    assert hashes[-1] == hashes[-2] == words.texts()[1]


@given(st.lists(TEXTS, max_size=6), st.integers(1, 4))
def test_a_batch_says_what_its_texts_say_alone(texts: list[str], n: int) -> None:
    hashes, counts = hash_words(texts).ngrams(n)
    alone = [hash_words([text]).ngrams(n) for text in texts]
    assert counts.tolist() == [count for _, each in alone for count in each.tolist()]
    assert hashes.tolist() == [value for each, _ in alone for value in each.tolist()]


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_texts_are_taken(name: str) -> None:
    words = hash_words([ODD_TEXTS[name], "and a text behind it"])
    assert words.counts()[1] == 5
    assert words.texts()[1] == hash_words(["and a text behind it"]).texts()[0]
