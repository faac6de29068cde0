from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.pair import Pair
from filters.perplexity import Limit, Limits, Perplexity, parse_limits
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

PAIR = Pair("Why does water boil?", "Because its molecules move fast enough.", "title_passage", language="en")
AT_MOST_340 = Perplexity({"en": 340.0})


@pytest.mark.parametrize(
    ("perplexity", "reason"),
    [(None, None), (12.5, None), (339.9, None), (340.0, "high_perplexity"), (98_000.0, "high_perplexity")],
)
def test_a_pair_is_dropped_from_the_threshold_on(perplexity: float | None, reason: str | None) -> None:
    assert AT_MOST_340.reason(PAIR._replace(perplexity=perplexity)) == reason


@pytest.mark.parametrize("language", [None, "de"])
def test_a_language_without_a_threshold_passes(language: str | None) -> None:
    assert AT_MOST_340.reason(PAIR._replace(perplexity=98_000.0, language=language)) is None


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_odd_texts_do_not_matter(text: str) -> None:
    odd = Pair(text, text, text, language="en", perplexity=400.0)
    assert AT_MOST_340.reason(odd) == "high_perplexity"
    assert AT_MOST_340.reason(odd._replace(perplexity=None)) is None


@pytest.mark.parametrize(
    ("text", "limits", "shown"),
    [
        ("off", {}, "off"),
        ("340", {"*": Limit(340.0, False)}, "340"),
        ("P90", {"*": Limit(90.0, True)}, "p90"),
        ("en=340.5, de=p60", {"en": Limit(340.5, False), "de": Limit(60.0, True)}, "en=340.5,de=p60"),
        ("p90,en=1500", {"*": Limit(90.0, True), "en": Limit(1500.0, False)}, "p90,en=1500"),
    ],
)
def test_limits_as_a_user_gives_them(text: str, limits: dict[str, Limit], shown: str) -> None:
    assert parse_limits(text) == Limits(limits)
    assert str(parse_limits(text)) == shown
    assert parse_limits(shown) == parse_limits(text)


@pytest.mark.parametrize(
    "text", ["", "p", "p0", "p100", "p9.5", "0", "-3", "inf", "nan", "en=", "=340", "en=1,en=2", "1,2"]
)
def test_nonsense_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="a percentile such as p90"):
        parse_limits(text)


@given(st.floats(1, 1e9) | st.integers(1, 10**9))
def test_every_perplexity_is_shown_as_it_is_read(value: float) -> None:
    limits = Limits({"en": Limit(float(value), False)})
    assert parse_limits(str(limits)) == limits


@given(TEXTS)
def test_any_text_gives_limits_or_is_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert set(parse_limits(text).by_language.values()) >= set()


def test_percentiles_become_perplexities_of_each_model() -> None:
    percentiles = {"en": {60: 520.0, 90: 1570.0}.__getitem__, "de": {60: 610.0, 90: 1200.0}.__getitem__}
    assert parse_limits("p90").thresholds(percentiles) == {"en": 1570.0, "de": 1200.0}
    assert parse_limits("en=340,de=p60").thresholds(percentiles) == {"en": 340.0, "de": 610.0}
    assert parse_limits("de=p60").thresholds(percentiles) == {"de": 610.0}
    assert parse_limits("off").thresholds(percentiles) == {}
    with pytest.raises(ValueError, match="no language model of fr"):
        parse_limits("fr=340").thresholds(percentiles)
