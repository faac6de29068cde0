from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given

from ccpairs.pair import Pair
from filters.pairs import (
    EmptySide,
    Letters,
    PairFilter,
    PassageLength,
    PassageRepeatsQuery,
    QueryLength,
    UrlOnly,
    default_pair_filters,
    first_reason,
)
from filters.scripts import letters_worth
from filters.text import plain
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

GOOD = "Water boils at a lower temperature on mountains, because the air pressure is lower there."

REJECTED = {
    "empty_query": ("", GOOD),
    "empty_passage": ("Why does water boil?", ""),
    "query_too_short": ("Hm", GOOD),
    "query_too_long": ("word " * 4_000, GOOD),
    "passage_too_short": ("Why does water boil?", "Because."),
    "passage_too_long": ("Why does water boil?", "word " * 8_000),
    "url_only": ("Where is the dump?", "https://example.org/dumps/enwiki.xml.bz2"),
    "no_letters": ("Why does water boil?", "84 104 105 115 32 112 97 112 101 114"),
    "passage_repeats_query": ("Is Bell's palsy inherited ?", "Is Bell’s palsy inherited?"),
}


@pytest.mark.parametrize("reason", REJECTED)
def test_each_reason(reason: str) -> None:
    query, passage = REJECTED[reason]
    assert _reason(query, passage) == reason


PASSES = {
    "English": ("why does water boil sooner on mountains", GOOD),
    "a short entity": ("Oak", "An oak is a hardwood tree or shrub of the genus Quercus."),
    "two Han characters": ("天文", "天文学是研究宇宙空间天体的学科。"),
    "Japanese": ("水はなぜ沸騰するのか", "気圧が低いと沸点が下がるからです。"),
    "Korean": ("물은 왜 끓나요?", "기압이 낮으면 끓는점이 내려갑니다."),
    "Arabic": ("لماذا يغلي الماء؟", "لأن الضغط الجوي أقل في الجبال."),
    "Russian": ("Почему кипит вода?", "Потому что давление воздуха в горах ниже."),
    "Hindi": ("पानी क्यों उबलता है?", "क्योंकि पहाड़ों पर हवा का दबाव कम होता है।"),
    "Thai": ("ทำไมน้ำเดือด", "เพราะความดันอากาศบนภูเขาต่ำกว่า"),
    "Burmese": ("ရေ ဘာကြောင့် ဆူသလဲ", "တောင်ပေါ်တွင် လေဖိအား နည်းသောကြောင့် ဖြစ်သည်။"),
    "capitals": ("WHY DOES IT BOIL", "BECAUSE THE PRESSURE OF THE AIR IS LOWER"),
    "code": ("sum of a list in Python", "total = 0; for x in [1, 2, 3]: total += x; print(total)"),
    "an address with words": ("Where are the dumps?", "https://dumps.example.org has all of them, by month"),
    "an answer that begins with the question": ("What is an oak?", "What is an oak? A hardwood tree."),
    "a title about an address": ("What is www.example.com for?", "It is reserved for use in documentation."),
}


@pytest.mark.parametrize("case", PASSES)
def test_good_pairs_pass(case: str) -> None:
    query, passage = PASSES[case]
    assert _reason(query, passage) is None


@pytest.mark.parametrize(
    ("one", "query", "passage", "reason"),
    [
        (QueryLength(min_letters=3), "abc", GOOD, None),
        (QueryLength(min_letters=4), "abc", GOOD, "query_too_short"),
        (QueryLength(max_letters=4), "abcd", GOOD, None),
        (QueryLength(max_letters=3), "abcd", GOOD, "query_too_long"),
        (PassageLength(min_letters=3), "q", "水", None),
        (PassageLength(min_letters=1, max_letters=5), "q", "水水", "passage_too_long"),
        (Letters(min_share=0.5), "ab12", "ab12", None),
        (Letters(min_share=0.51), "ab12", "ab12", "no_letters"),
        (Letters(), "ab", "😀😀❤️❤️", "no_letters"),
        (UrlOnly(min_letters=0), "http://a.b", "http://a.b", None),
        (PassageRepeatsQuery(min_new_letters=4), "one two", "One, two! abc", "passage_repeats_query"),
        (PassageRepeatsQuery(min_new_letters=3), "one two", "One, two! abc", None),
        (PassageRepeatsQuery(), "???", "!!!", None),
        (EmptySide(), "q", "p", None),
    ],
)
def test_thresholds_are_fields(one: PairFilter, query: str, passage: str, reason: str | None) -> None:
    assert one.reason(Pair(query, passage, "title_body")) == reason


def test_the_first_filter_that_rejects_gives_the_reason() -> None:
    pair = Pair("???", "...", "title_body")
    assert first_reason([PassageLength(), Letters()], pair) == "passage_too_short"
    assert first_reason([Letters(), PassageLength()], pair) == "no_letters"
    assert first_reason([], pair) is None


def test_filters_are_frozen_and_have_names_of_their_own() -> None:
    filters = default_pair_filters()
    assert len({one.name for one in filters}) == len(filters)
    with pytest.raises(dataclasses.FrozenInstanceError):
        filters[1].min_letters = 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "length"), [("", 0), ("abc", 3), ("водa", 4), ("水", 3), ("한글", 6), ("カナ a", 8), ("😀", 1)]
)
def test_letters_worth(text: str, length: int) -> None:
    assert letters_worth(text) == length


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_texts_on_either_side(name: str) -> None:
    text = plain(ODD_TEXTS[name])
    for one in default_pair_filters():
        assert one.reason(Pair(text, GOOD, "title_body")) in {None, *REJECTED}
        assert one.reason(Pair(GOOD, text, "title_body")) in {None, *REJECTED}
        assert one.reason(Pair(text, text, "title_body")) in {None, *REJECTED}


@given(TEXTS, TEXTS)
def test_any_pair_gets_a_known_reason_or_none(query: str, passage: str) -> None:
    for one in default_pair_filters():
        assert one.reason(Pair(query, passage, "title_body")) in {None, *REJECTED}


@given(TEXTS)
def test_no_text_is_the_passage_of_itself(text: str) -> None:
    assert _reason(text, text) is not None


def _reason(query: str, passage: str) -> str | None:
    return first_reason(default_pair_filters(), Pair(query, passage, "title_body"))
