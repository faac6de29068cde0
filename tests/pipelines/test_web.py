from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.mojibake import mend_mojibake
from pipelines.pages import PageRules, Refused, Taken, after_title, judge
from pipelines.web import at_least_one, count_or_all, unix_time
from tests.filters.odd_texts import TEXTS
from tests.pipelines.web_records import PROSE


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2022-08-15T10:00:00Z", 1660557600),
        ("2022-08-15 10:00:00", 1660557600),
        ("2022-08-15T12:00:00+02:00", 1660557600),
        ("2022-08-15", 1660521600),
        (" 2022-08-15 ", 1660521600),
        ("15 August 2022", None),
        ("None", None),
        ("", None),
        (None, None),
    ],
)
def test_times(text: str | None, time: int | None) -> None:
    assert unix_time(text) == time


@given(TEXTS)
def test_any_text_is_a_time_or_none(text: str) -> None:
    assert unix_time(text) is None or isinstance(unix_time(text), int)


def test_counts_of_flags() -> None:
    assert [count_or_all("all"), count_or_all("1"), count_or_all("12"), at_least_one("3")] == [0, 1, 12, 3]
    for parse in (count_or_all, at_least_one):
        for text in ("0", "-1", "many", ""):
            with pytest.raises(ValueError, match=r"number|invalid"):
                parse(text)


@pytest.mark.parametrize(
    ("paragraphs", "rest"),
    [
        (["The lake", "It is clear."], ["It is clear."]),
        (["Home", "News", "THE LAKE!", "It is clear."], ["It is clear."]),
        (["It is clear.", "Home"], ["It is clear.", "Home"]),
        (["x" * 100, "The lake", "It is clear."], ["x" * 100, "The lake", "It is clear."]),
        (["The lake"], []),
    ],
)
def test_text_after_the_title(paragraphs: list[str], rest: list[str]) -> None:
    assert after_title(paragraphs, "The lake") == rest


@given(st.none() | TEXTS, st.lists(TEXTS | st.just(PROSE), max_size=5))
def test_any_text_is_taken_or_refused(title: str | None, paragraphs: list[str]) -> None:
    judged = judge(title, paragraphs, PageRules())
    if isinstance(judged, Taken):
        assert judged.title == mend_mojibake(title or "")
        assert all(150 <= len(passage) <= 1000 for passage in judged.passages)
        assert judged.passages
    else:
        assert isinstance(judged, Refused)
        assert judged.reason


def test_texts_with_undecodable_characters_are_left_out() -> None:
    rules = PageRules(quality=False)
    assert judge("The lake \ufffd", [PROSE], rules) == Refused("bad_encoding", "The lake \ufffd", PROSE[:500])
    assert judge("The lake", [PROSE + "\ufffd"], rules) == Refused("bad_encoding", "The lake", PROSE[:500])
    rules = PageRules(quality=False, max_chars=len(PROSE) + 10)
    assert judge("The lake", [PROSE + "\ufffd", PROSE], rules) == Taken("The lake", [PROSE])


def test_mojibake_is_mended() -> None:
    assert judge("The lakeâ€™s bank", [PROSE + " It wasnâ€™t."], PageRules(quality=False)) == Taken(
        "The lake’s bank", [PROSE + " It wasn’t."]
    )
