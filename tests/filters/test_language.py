from __future__ import annotations

from functools import cache

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccpairs.pair import CANDIDATE_SCHEMA, Pair
from filters.language import LANGUAGES, Language, parse_languages, text_to_identify
from models.language_id import LanguageIdentifier, default_model_path
from pipelines.samples.other_languages import FOREIGN
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

LONG = "Ice is less dense than water, because its molecules stand farther apart in the lattice."


@cache
def identifier() -> LanguageIdentifier:
    return LanguageIdentifier(default_model_path())


def reason(language: str | None, score: float | None, keep: Language) -> str | None:
    return keep.reason(Pair("query", "passage", "title_passage", language=language, language_score=score))


@pytest.mark.parametrize(
    ("language", "score", "expected"),
    [
        ("en", 0.99, None),
        ("en", 0.5, None),
        ("en", 0.49, "language_uncertain"),
        ("de", 0.99, "wrong_language"),
        ("de", 0.3, "language_uncertain"),
        ("und", 0.0, "language_uncertain"),
        (None, None, "language_uncertain"),
        ("en", None, None),
        ("de", None, "wrong_language"),
        ("en", float("nan"), "language_uncertain"),
    ],
)
def test_english_is_kept_by_default(language: str | None, score: float | None, expected: str | None) -> None:
    assert reason(language, score, Language()) == expected


def test_any_set_of_languages_or_all() -> None:
    assert reason("de", 0.9, Language(("en", "de"))) is None
    assert reason("fr", 0.9, Language(("en", "de"))) == "wrong_language"
    assert reason("fr", 0.9, Language(())) is None
    assert reason("fr", 0.4, Language((), min_score=0.3)) is None
    assert reason(None, None, Language((), min_score=0.0)) is None


def test_all_languages_keep_an_uncertain_one_unless_a_threshold_is_given() -> None:
    assert reason("zu", 0.2, Language(())) is None
    assert reason("zu", 0.2, Language((), min_score=0.5)) == "language_uncertain"
    assert reason("zu", 0.2, Language(("zu",))) == "language_uncertain"


@settings(deadline=None)  # the first example pays for imports
@given(st.floats(0, 1) | st.just(0.65), st.floats(0, 1) | st.just(0.65), st.sampled_from(["en", "de"]))
def test_the_decision_is_the_same_from_the_columns_of_a_shard(score: float, least: float, language: str) -> None:
    keep = Language(min_score=least)
    kind = CANDIDATE_SCHEMA.field("language_score").type
    (recorded,) = pa.array([score], kind).to_pylist()
    assert reason(language, recorded, keep) == reason(language, score, keep)


def test_a_long_passage_is_identified_alone() -> None:
    assert text_to_identify("Why does ice float?", LONG) == LONG
    assert text_to_identify("氷はなぜ水に浮くのですか", "水は凍ると体積が増えて軽くなるため、氷は水に浮きます。") == (
        "水は凍ると体積が増えて軽くなるため、氷は水に浮きます。"
    )


def test_a_short_passage_stands_behind_no_more_of_the_query_than_its_own_length() -> None:
    assert text_to_identify("Why does ice float?", "It is less dense than water.") == (
        "Why does ice float? It is less dense than water."
    )
    assert text_to_identify(LONG, "Es ist leichter.") == "Ice is less Es ist leichter."


@pytest.mark.parametrize("passage", ["", " "])
def test_a_title_is_never_identified_alone(passage: str) -> None:
    assert text_to_identify("Why does ice float?", passage).strip() == ""


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_odd_texts(text: str) -> None:
    for query, passage in ((text, "word"), ("word", text), (text, text)):
        assert len(text_to_identify(query, passage)) <= 2 * len(passage) + 1
    ((language, score),) = identifier().identify([text_to_identify(text, text)])
    assert reason(language, score, Language()) in (None, "wrong_language", "language_uncertain")


@given(TEXTS, TEXTS)
def test_what_is_identified_ends_with_the_passage(query: str, passage: str) -> None:
    assert text_to_identify(query, passage).endswith(passage)


def test_the_names_are_those_of_the_model() -> None:
    assert set(LANGUAGES) == identifier().languages


@pytest.mark.parametrize(
    ("text", "languages"),
    [("en", ("en",)), ("en,de", ("en", "de")), (" DE , en,de,", ("de", "en")), ("all", ()), ("ALL", ())],
)
def test_parsing_languages(text: str, languages: tuple[str, ...]) -> None:
    assert parse_languages(text) == languages


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("english", "'english' (did you mean en (English)?)"),
        ("en-US", "'en-us' (did you mean en (English)?)"),
        ("de,frensh", "lid.176: 'frensh' (did you mean fr (French)"),
        ("eng", "'eng' (did you mean en (English)?)"),
        ("xx,en,qq", "'xx', 'qq'; give codes"),
        ("", "no language is named"),
        ("en,all", "all goes alone"),
    ],
)
def test_unknown_languages_are_named_with_what_may_be_meant(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$") as raised:
        parse_languages(text)
    assert message in str(raised.value)


def test_every_text_in_another_language_in_the_samples_is_found_even_under_an_english_query() -> None:
    texts = [text_to_identify("Why is the sky blue during the day?", each.answer) for each in FOREIGN]
    assert [language for language, _ in identifier().identify(texts)] == [each.language for each in FOREIGN]
