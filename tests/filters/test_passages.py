from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.passages import PassageWords, passages, running_text
from filters.text import plain
from tests.filters.odd_texts import ODD_TEXTS, TEXTS


def test_paragraphs_are_put_together() -> None:
    assert passages(["One one one.", "Two two two.", "Three."], max_chars=40, min_chars=10) == [
        "One one one. Two two two. Three.",
    ]


def test_passages_of_one_text_are_about_equally_long() -> None:
    assert passages(["a" * 9] * 4, max_chars=30, min_chars=1) == ["a" * 9 + " " + "a" * 9] * 2


def test_a_long_paragraph_is_cut_at_sentences() -> None:
    assert passages(["One is one. Two is two. Three is three."], max_chars=25, min_chars=1) == [
        "One is one. Two is two.",
        "Three is three.",
    ]


def test_a_text_shorter_than_the_least_gives_none() -> None:
    assert passages(["Too short."], max_chars=100, min_chars=50) == []
    assert passages([], max_chars=100, min_chars=1) == []
    assert passages(["", " \n"], max_chars=100, min_chars=1) == []


@pytest.mark.parametrize("case", ODD_TEXTS)
def test_odd_texts(case: str) -> None:
    odd = ODD_TEXTS[case]
    for passage in passages([odd, odd[:1000]], 200, 10):
        assert plain(passage) == passage
        assert 10 <= len(passage) <= 200


@given(st.lists(TEXTS, max_size=8), st.integers(1, 60))
def test_nothing_is_lost_and_nothing_is_too_long(texts: list[str], max_chars: int) -> None:
    made = passages(texts, max_chars, min_chars=1)
    assert all(0 < len(passage) <= max_chars for passage in made)
    assert "".join("".join(made).split()) == "".join("".join(map(plain, texts)).split())


@given(st.lists(TEXTS, max_size=8), st.integers(1, 40), st.integers(0, 60))
def test_no_passage_is_shorter_than_asked(texts: list[str], min_chars: int, more: int) -> None:
    made = passages(texts, min_chars + more, min_chars)
    assert all(min_chars <= len(passage) <= min_chars + more for passage in made)


def test_running_text_leaves_menus_out() -> None:
    sentence = "A sentence that is long enough to be read."
    assert running_text(["Home", "Contact us", sentence, "Winter", sentence, "Imprint", "Privacy"]) == [
        sentence,
        "Winter",
        sentence,
    ]


@given(st.lists(TEXTS, max_size=8))
def test_running_text_keeps_the_order(lines: list[str]) -> None:
    kept = running_text(lines)
    stripped = iter([line.strip() for line in lines])
    assert all(line in stripped for line in kept)  # each is found after the one before it


ARTICLE = [
    "The town of Elm has a new bridge, the mayor of Elm said on Monday.",
    "The old bridge of the town was closed after a flood in May.",
    "Children painted the railing of the bridge in blue and yellow.",
]


@pytest.mark.parametrize(
    ("summary", "number"),
    [
        ("A flood closed the old bridge", 1),
        ("Railing painted blue and yellow", 2),
        ("New bridge, says mayor of Elm", 0),
    ],
)
def test_the_passage_that_a_summary_is_about(summary: str, number: int) -> None:
    assert PassageWords(ARTICLE).closest(summary) == ARTICLE[number]


def test_a_summary_of_something_else_has_no_passage() -> None:
    assert PassageWords(ARTICLE).closest("Stock prices fell sharply") is None
    assert PassageWords(ARTICLE).closest("") is None
    assert PassageWords([]).closest("A flood") is None


def test_of_equal_passages_the_first_is_taken() -> None:
    assert PassageWords(["b a one.", "a b two."]).closest("a b") == "b a one."


def test_scripts_without_spaces() -> None:
    assert (
        PassageWords(["新しい橋が町にできた。", "子供たちが手すりを青く塗った。"]).closest("手すりは青")
        == "子供たちが手すりを青く塗った。"
    )


@given(st.lists(TEXTS, max_size=5), TEXTS)
def test_the_closest_passage_is_one_of_them(texts: list[str], summary: str) -> None:
    found = PassageWords(texts).closest(summary)
    assert found is None or found in texts
