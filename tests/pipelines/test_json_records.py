from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pipelines.json_records import BAD_RECORD, decode_any, head_records, record_decoder


class Inner(msgspec.Struct):
    text: str | None = None


class Record(msgspec.Struct):
    title: str
    created: int | float | str | None = None
    day: str | None = None
    texts: list[str] | None = None
    inner: Inner | None = None
    anything: Any = None
    shown: bool | None = None


MENDED: dict[str, tuple[bytes, Record]] = {
    "a byte-order mark": (b'\xef\xbb\xbf{"title": "a"}', Record("a")),
    "half a pair": (b'{"title": "a\\ud83d b"}', Record("a b")),
    "the other half": (b'{"title": "\\ude00"}', Record("")),
    "half a pair before a whole one": (b'{"title": "\\ud83d\\ud83d\\ude00"}', Record("\U0001f600")),
    "an escaped backslash is no half": (b'{"title": "\\\\ud83d", "created": NaN}', Record("\\ud83d")),
    "a raw half": (b'{"title": "a\xed\xa0\xbd"}', Record("a")),
    "a pair as two raw halves": (b'{"title": "\xed\xa0\xbd\xed\xb8\x80"}', Record("\U0001f600")),
    "no number": (b'{"title": "a", "created": NaN, "anything": [Infinity]}', Record("a", anything=[None])),
    "control characters": (b'{"title": "a\tb\x01"}', Record("a\tb\x01")),
    "one for true": (b'{"title": "a", "shown": 1}', Record("a", shown=True)),
    "a text in pieces": (b'{"title": ["a", null, "b"]}', Record("a\nb")),
    "a text in pieces inside": (b'{"title": "a", "inner": {"text": ["b", "c"]}}', Record("a", inner=Inner("b\nc"))),
    "a list stays where one is wanted": (b'{"title": ["a"], "texts": ["b", "c"]}', Record("a", texts=["b", "c"])),
    "a Mongo date as text": (b'{"title": "a", "created": {"$date": "2020-01-01T00:00:00Z"}}', Record("a", 1577836800)),
    "a Mongo date as number": (b'{"title": "a", "created": {"$date": 1577836800000}}', Record("a", 1577836800)),
    "a Mongo date as long": (
        b'{"title": "a", "created": {"$date": {"$numberLong": "1577836800000"}}}',
        Record("a", 1577836800),
    ),
    "a Mongo date where a text is wanted": (
        b'{"title": "a", "day": {"$date": 1577836800000}}',
        Record("a", day="2020-01-01T00:00:00+00:00"),
    ),
    "a Mongo id": (b'{"title": {"$oid": "5f1e"}}', Record("5f1e")),
    "Mongo numbers": (b'{"title": "a", "created": {"$numberInt": "7"}}', Record("a", 7)),
}


@pytest.mark.parametrize("case", MENDED)
def test_records_that_nearly_decode(case: str) -> None:
    line, record = MENDED[case]
    assert record_decoder(Record)(line) == record


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b'{"title": 7}',
        b'{"title": ["a", 7]}',
        b'{"title": {"$date": []}}',
        b'{"title": {"$numberLong": [1]}}',
        b'{"title": "\xff"}',
        b'{"title": NaN}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_records_that_are_damaged(line: bytes) -> None:
    with pytest.raises(BAD_RECORD):
        record_decoder(Record)(line)


def test_any_record() -> None:
    assert decode_any(b'\xef\xbb\xbf["\\ud800", 1]') == ["", 1]


def test_the_records_of_a_head() -> None:
    head = b'id,text\n\n{"a": 1}\n{"b": \n[2]\n{"c": "cut o'
    assert list(head_records(head)) == [{"a": 1}, [2]]


def test_a_source_may_mend_its_records() -> None:
    decode = record_decoder(Record, lambda record: {**record, "title": str(record["title"])})
    assert decode(b'{"title": 7}') == Record("7")
