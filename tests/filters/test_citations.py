from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.citations import ContextFilter, Span, citation_context, without_marks
from filters.text import plain
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

EXCERPTS = {
    "numbers": ("attention [12, 13] and gates [3–5] work.", "attention and gates work."),
    "author and year": ("it works (Smith and Jones, 2010; Roe et al., 2011a,b).", "it works."),
    "author and year without a comma": ("it works (see Bahdanau 2015).", "it works."),
    "particles": ("it works (van der Berg, 2011; de la Cruz et al., 2003).", "it works."),
    "names in the sentence stay": ("Smith et al. (2019) show that it works", "Smith et al. show that it works"),
    "names at the end": ("the method of Artetxe et al. (2018).", "the method of Artetxe et al."),
    "names without a space": ("contrast sets (Gardneret al., 2020) help", "contrast sets help"),
    "a remark beside a citation stays": ("gated nets (LSTMs; Hochreiter, 1997) win", "gated nets (LSTMs) win"),
    "keys": ("we need data [Smith05, BCB14, VSP+17]", "we need data"),
    "raised numbers": ("of the disease.12,13 The protein", "of the disease. The protein"),
    "ellipses around": ("… as the method does, it works …", "as the method does, it works"),
    "numbers in round brackets": ("shown in mice (12, 13) and rats (42,50).", "shown in mice and rats."),
    "a lone number where others cite so": ("found in mice (12, 13) and in rats (42).", "found in mice and in rats."),
    "numbers with pages": ("it is [12, p. 5], so says he [see 3, 4]", "it is, so says he"),
    "groups of numbers": ("works [1]–[5], [7] and [9]; so it is", "works; so it is"),
    "pages": ("so it is (Smith 2001: 12; Jones 1999, p. 4) and", "so it is and"),
    "pages behind a colon": ("it holds (Shleifer and Vishny, 2008: 63).", "it holds."),
    "pages of a signal": ("it holds (see Miller et al., 2004, pp. 3-5).", "it holds."),
    "chapters and tables": ("it holds (cf. Roe 2001, chap. 3; Doe 2003, Table 2).", "it holds."),
    "years to come": ("it holds (Smith, in press; Doe, n.d.).", "it holds."),
    "the page of a name in the sentence": ("Smith (2001: 12) says so (p. 13).", "Smith says so."),
    "an acronym": ("it holds (World Health Organization [WHO], 2020).", "it holds."),
    "words before numbers": ("it holds (refs 12, 13) here (Refs. [4]) too", "it holds here too"),
    "numbers in brackets of their own": ("studies (7)-(9), (12 and 13) and [4, 5, and 6] show", "studies, and show"),
    "signals and remarks": (
        "so (but see Smith, 2001) it is (quoted in Roe 2001: 12) here (see Doe 2001 for a review; Roe, 1999)",
        "so it is here",
    ),
    "organisations and initials": ("it holds (WHO, 2001; J. Smith, 2002; d'Andrea 2003).", "it holds."),
    "citations with a comma between": ("it holds (Smith 2001, Jones 2002 and Roe 2003).", "it holds."),
    "no citation: doses": ("at doses (10, 20) and on days (1, 3, 7)", "at doses (10, 20) and on days (1, 3, 7)"),
    "no citation: an interval": ("with a 95% CI (12-15) here", "with a 95% CI (12-15) here"),
    "no citation: a point": ("the point (12, 13) of the grid", "the point (12, 13) of the grid"),
    "no citation: a vector": ("the row vector (1, 0, 0) is", "the row vector (1, 0, 0) is"),
    "no citation: a range": ("numbers in the range (10, 20)", "numbers in the range (10, 20)"),
    "no citation: a lone number": ("in three cases (12) of twenty", "in three cases (12) of twenty"),
    "no citation: an equation": ("by Eq. (12, 13) it holds", "by Eq. (12, 13) it holds"),
    "no citation: a year": ("between (January and March 2010) in Rome", "between (January and March 2010) in Rome"),
    "no citation: a sample": ("found in mice (n = 20) of (WMT 2014)", "found in mice (n = 20) of (WMT 2014)"),
    "no citation: a decimal": ("a p value of 0.05 was", "a p value of 0.05 was"),
}


@pytest.mark.parametrize("case", EXCERPTS)
def test_without_marks(case: str) -> None:
    excerpt, text = EXCERPTS[case]
    assert without_marks(excerpt) == text


def span(text: str, part: str) -> Span:
    return text.index(part), text.index(part) + len(part)


TEXT = (
    "We follow earlier work on this in all that we do here. Peters et al. (2018) showed that deep word vectors help "
    "(Devlin et al., 2019; Smith, 2010) on many tasks of language [7]. The next says that i.e. nothing helps (cf. Roe)."
)
MARKS = [span(TEXT, part) for part in ("Peters et al. (2018)", "(Devlin et al., 2019;", "Smith, 2010)", "[7]", "Roe")]


@pytest.mark.parametrize("mark", MARKS[:4])
def test_the_context_is_the_sentence_without_any_mark(mark: Span) -> None:
    assert citation_context(TEXT, mark, MARKS) == "showed that deep word vectors help on many tasks of language."


def test_abbreviations_do_not_end_the_sentence_and_emptied_brackets_go() -> None:
    text = TEXT + " End."
    assert citation_context(text, MARKS[4], MARKS) == (
        "showed that deep word vectors help on many tasks of language. The next says that i.e. nothing helps."
    )


def test_a_short_sentence_takes_the_one_before_along() -> None:
    text = "It has rained on the fields for seven days. So it was [3]. Then it stopped."
    mark = span(text, "[3]")
    assert citation_context(text, mark, [mark]) == "It has rained on the fields for seven days. So it was."


def test_a_context_stays_inside_its_line() -> None:
    text = "2. METHODS\nWe measure the temperature of the water in each of the seven lakes [3]\n3. RESULTS"
    mark = span(text, "[3]")
    expected = "We measure the temperature of the water in each of the seven lakes"
    assert citation_context(text, mark, [mark]) == expected


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        ("As shown before.", "context_too_short"),
        ("word " * 300, "context_too_long"),
        ("Smith J 2010 12 34-56 78 90 Jones K 2011 13 57-58 79 91", "context_not_text"),
        ("as the method needs no labelled data, it runs on every corpus", None),
    ],
)
def test_context_filter(context: str, reason: str | None) -> None:
    assert ContextFilter().reason(context) == reason


def test_a_long_row_of_stops_takes_no_time() -> None:
    stops = "." * 300_000
    assert without_marks(f"it works{stops} here ... …") == f"it works{stops} here"


@pytest.mark.parametrize("case", ODD_TEXTS)
def test_odd_texts(case: str) -> None:
    text = ODD_TEXTS[case]
    half = len(text) // 2
    for context in (without_marks(text[:50_000]), citation_context(text, (half, half + 1), [(half, half + 1)])):
        ContextFilter().reason(context)
        assert plain(context) == context


@given(TEXTS, st.integers(0, 80), st.integers(0, 80))
def test_contexts_are_plain_and_hold_no_hidden_mark(text: str, one: int, other: int) -> None:
    mark = min(one, other), max(one, other)
    context = citation_context(text, mark, [mark])
    assert plain(context) == context
    assert "\0" not in context
