from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.pages import PageRules, Refused, Taken, after_title, decode, judge
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


@pytest.mark.parametrize(
    ("payload", "charset", "text", "encoding"),
    [
        ("é".encode(), None, "é", "utf-8"),
        ("é".encode(), "iso-8859-1", "é", "utf-8"),
        ("é".encode("latin-1"), "iso-8859-1", "é", "cp1252"),
        ("日本語".encode("shift-jis"), "Shift_JIS", "日本語", "shift-jis"),
        (b"a\xff", "utf-8", "a\ufffd", "broken utf-8"),
        (b"", None, "", "utf-8"),
    ],
)
def test_decoding(payload: bytes, charset: str | None, text: str, encoding: str) -> None:
    found = decode(payload, charset)
    assert (found.text, found.encoding.replace("_", "-")) == (text, encoding)


@given(st.binary(max_size=60), st.none() | st.sampled_from(["utf-8", "utf-16", "gbk", "x-nonsense", "", "é"]))
def test_any_bytes_can_be_decoded(payload: bytes, charset: str | None) -> None:
    assert isinstance(decode(payload, charset).text, str)


@given(st.none() | TEXTS, st.lists(TEXTS | st.just(PROSE), max_size=5))
def test_any_text_is_taken_or_refused(title: str | None, paragraphs: list[str]) -> None:
    judged = judge(title, paragraphs, PageRules())
    if isinstance(judged, Taken):
        assert judged.title == title
        assert all(150 <= len(passage) <= 1000 for passage in judged.passages)
        assert judged.passages
    else:
        assert isinstance(judged, Refused)
        assert judged.reason
