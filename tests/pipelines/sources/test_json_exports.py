"""What exports make of JSON records, and what every source that reads JSON makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.inputs import InputFile
from pipelines.source import Reject, Source
from pipelines.sources.commoncrawl import CommonCrawl
from pipelines.sources.communityqa import CommunityQA
from pipelines.sources.news import News
from pipelines.sources.reddit import Reddit
from pipelines.sources.s2orc import S2ORC
from pipelines.sources.wikipedia import Wikipedia
from tests.pipelines.sources.test_news import CC_NEWS
from tests.pipelines.sources.test_reddit import COMMENT
from tests.pipelines.web_records import PROSE

ABSTRACT = (
    "We measure the water of seven lakes through a year and find that it is clear where the shore is left alone. "
)
RECORDS: dict[str, tuple[Source, str, Any]] = {
    "reddit": (Reddit(), "RC_2016-01.json", COMMENT),
    "news": (News(), "news.jsonl", CC_NEWS),
    "commoncrawl": (CommonCrawl(), "en_head.json", {"url": "https://a.b/", "title": "A lake", "raw_content": PROSE}),
    "s2orc": (S2ORC(), "abstracts-part0.jsonl", {"corpusid": 7, "abstract": ABSTRACT}),
    "wikipedia": (
        Wikipedia(),
        "kilt.json",
        {"wikipedia_id": "7", "wikipedia_title": "Lake", "text": ["Lake", ABSTRACT]},
    ),
    "communityqa": (CommunityQA(), "faq.jsonl", ["Is the lake clear?", ABSTRACT]),
}


def outcomes(path: Path, source: Source, content: bytes) -> list[Any]:
    path.write_bytes(content)
    file = InputFile(str(path), source.form_of(path.name) or "")
    source.sniff(file, content.removeprefix(b"\xef\xbb\xbf"))
    return list(source.read(file))


@pytest.mark.parametrize("name", RECORDS)
def test_a_byte_order_mark_changes_nothing(tmp_path: Path, name: str) -> None:
    source, file, record = RECORDS[name]
    line = json.dumps(record).encode()
    found = outcomes(tmp_path / file, source, b"\xef\xbb\xbf" + line + b"\n" + line)
    assert found == outcomes(tmp_path / file, source, line + b"\n" + line)
    assert not isinstance(found[0], Reject)


@pytest.mark.parametrize("name", RECORDS)
def test_half_a_surrogate_pair_costs_no_record(tmp_path: Path, name: str) -> None:
    source, file, record = RECORDS[name]
    line = json.dumps(record).replace("a", "a\\ud83d", 30).encode()
    line = line.replace(b"a\\ud83d", b"a").replace(b"clear", b"clear\\ud83d")  # in texts alone, not in keys
    (found,) = outcomes(tmp_path / file, source, line)
    assert not isinstance(found, Reject)
    repr(found).encode()


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("odd", [b"a,b,c", b'{"cut": "of'])
def test_an_odd_first_line_is_one_malformed_record(tmp_path: Path, name: str, odd: bytes) -> None:
    source, file, record = RECORDS[name]
    first, second = outcomes(tmp_path / file, source, odd + b"\n" + json.dumps(record).encode())
    assert first.reason == "malformed_record"
    assert not isinstance(second, Reject)


def news(tmp_path: Path, **changed: Any) -> Any:
    (found,) = outcomes(tmp_path / "news.jsonl", News(), json.dumps({**CC_NEWS, **changed}).encode())
    return found


@pytest.mark.parametrize(
    "date",
    [
        {"$date": "2019-11-18T10:30:00Z"},
        {"$date": 1574073000000},
        {"$date": {"$numberLong": "1574073000000"}},
    ],
)
def test_a_date_of_mongo(tmp_path: Path, date: Any) -> None:
    assert news(tmp_path, date=date) == news(tmp_path)
    assert news(tmp_path)[0].created == 1574073000


def test_an_id_of_mongo(tmp_path: Path) -> None:
    assert news(tmp_path, url=None, id={"$oid": "5f1e"})[0].query_doc == "5f1e"


def test_a_text_in_pieces(tmp_path: Path) -> None:
    assert news(tmp_path, text=[PROSE]) == news(tmp_path)
    assert news(tmp_path, title=["The lake", "is clear"])[0].query == "The lake is clear"


@pytest.mark.parametrize("empty", [None, "", " "])
def test_a_title_without_a_text(tmp_path: Path, empty: str | None) -> None:
    assert news(tmp_path, text=empty) == Reject("no_main_text", "The lake is clear", position="line 1")


def test_a_null_text_beside_another(tmp_path: Path) -> None:
    assert news(tmp_path, maintext=None) == news(tmp_path)
    assert news(tmp_path, text=None, maintext=PROSE) == news(tmp_path)


def test_entities_that_are_escaped_twice(tmp_path: Path) -> None:
    (pair,) = news(tmp_path, title="Lake &amp;amp; sea", text=PROSE + " So says R&amp;amp;D.")
    assert pair.query == "Lake & sea"
    assert pair.passage.endswith("So says R&D.")
