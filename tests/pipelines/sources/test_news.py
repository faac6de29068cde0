from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.errors import DamagedInput, WrongSource
from ccpairs.pair import Pair
from filters.text import plain
from pipelines.inputs import InputFile
from pipelines.opt_out import parse_opt_out
from pipelines.source import Failure, Reject
from pipelines.sources.news import News
from pipelines.web import WebExtract
from tests.pipelines.web_records import PROSE, archive, response, sentences

LONG = "\n".join(
    [" ".join(sentences(6)), " ".join(sentences(6, 6)), " ".join(sentences(6, 12)), " ".join(sentences(6, 18))]
)


def source(opt_out: str = "", **settings: Any) -> News:
    return News(WebExtract(**settings), opt_out=parse_opt_out(opt_out))


def read(path: Path, reader: News | None = None) -> list[Any]:
    reader = reader or News()
    file = InputFile(str(path), reader.form_of(path.name) or "")
    found = list(reader.read(file))
    assert file.meter.records == len(found)
    return found


def articles(path: Path, *made: Any) -> Path:
    texts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in made]
    path.write_bytes(b"\n".join(texts) + b"\n")
    return path


def queries(found: Any) -> list[tuple[str, str]]:
    return [(pair.pair_type, pair.query) for pair in found]


CC_NEWS = {"title": "The lake is clear", "text": PROSE, "url": "https://lakes.org/1", "date": "2019-11-18 10:30:00"}


def test_an_article(tmp_path: Path) -> None:
    assert read(articles(tmp_path / "news.jsonl", CC_NEWS)) == [
        [
            Pair(
                query="The lake is clear",
                passage=PROSE,
                pair_type="title_passage",
                query_doc="https://lakes.org/1",
                passage_doc="https://lakes.org/1",
                url="https://lakes.org/1",
                created=1574073000,
            )
        ]
    ]


NEWS_PLEASE: dict[str, Any] = {
    "authors": [],
    "date_publish": "2019-11-18 10:30:00",
    "description": None,
    "language": "en",
    "maintext": PROSE.replace(". ", ".\n", 1),
    "source_domain": "lakes.org",
    "title": "The lake is clear - Lakes.org",
    "url": "https://lakes.org/1",
}
WHOLE: Mapping[str, Callable[[Any], str]] = {
    "a line": json.dumps,
    "an object over several lines": lambda record: json.dumps(record, indent=4),
    "an array": lambda record: json.dumps([record]),
    "an array over several lines": lambda record: json.dumps([record], indent=1),
}


@pytest.mark.parametrize("case", WHOLE)
def test_files_that_are_one_document(case: str, tmp_path: Path) -> None:
    path = tmp_path / "article.json"
    path.write_text("\n" + WHOLE[case](NEWS_PLEASE))
    ((pair,),) = read(path)
    assert pair == Pair(
        query="The lake is clear",
        passage=PROSE,
        pair_type="title_passage",
        query_doc="https://lakes.org/1",
        passage_doc="https://lakes.org/1",
        url="https://lakes.org/1",
        language="en",
        created=1574073000,
    )


def test_an_article_without_an_address_is_named_after_its_place(tmp_path: Path) -> None:
    nameless = {"title": "The lake", "text": PROSE}
    found = read(articles(tmp_path / "news.jsonl", nameless, b"", nameless, {**nameless, "id": 77}))
    assert [pairs[0].passage_doc for pairs in found] == ["news:1", "news:3", "77"]


HIGHLIGHTED = {
    "id": "0001d1afc246a7964130f43ae940af6bc6c57f01",
    "article": LONG.replace("\n", " "),
    "highlights": f"{sentences(1, 20)[0][:-1]} .\nNEW: {sentences(1, 1)[0]}\nStocks fell sharply in Tokyo .",
}


def test_highlights_go_with_the_passage_that_tells_it(tmp_path: Path) -> None:
    (found,) = read(articles(tmp_path / "cnn.jsonl", HIGHLIGHTED), source(max_passage_chars=400))
    assert queries(found) == [("highlight_passage", sentences(1, 20)[0]), ("highlight_passage", sentences(1, 1)[0])]
    late, early = found
    assert sentences(1, 20)[0] in late.passage
    assert sentences(1, 1)[0] in early.passage
    assert late.passage != early.passage
    assert {pair.query_doc for pair in found} == {pair.passage_doc for pair in found} == {HIGHLIGHTED["id"]}


def test_highlights_as_a_list_and_beside_a_title(tmp_path: Path) -> None:
    made = {**CC_NEWS, "highlights": [sentences(1)[0], "", sentences(1)[0]]}
    (found,) = read(articles(tmp_path / "cnn.jsonl", made))
    assert queries(found) == [("title_passage", "The lake is clear"), ("highlight_passage", sentences(1)[0])]


HEADS = {
    "CNN": f"LONDON, England (CNN) -- {PROSE}",
    "CNN, short": f"(CNN) {PROSE}",
    "CNN, by name": f"(CNN Student News) -- {PROSE}",
    "Daily Mail": "By . Jo Doe . PUBLISHED: . 14:11 EST, 25 October 2013 . | . "
    f"UPDATED: . 15:36 EST, 25 October 2013 . {PROSE}",
    "Daily Mail, older": f"By . Jo Doe . Last updated at 3:50 PM on 8th July 2011 . {PROSE}",
    "Daily Mail, a line each": "By\nJo Doe\nPUBLISHED:\n14:11 EST, 25 October 2013\n|\n"
    f"UPDATED:\n15:36 EST, 1 May 2014\n{PROSE}",
    "video": f"Scroll down for video . {PROSE}",
    "video in the middle": PROSE.replace(". ", ". Scroll down for video . ", 1),
    "nothing": PROSE,
}


@pytest.mark.parametrize("case", HEADS)
def test_what_stands_before_every_text_of_a_paper_is_cut_off(case: str, tmp_path: Path) -> None:
    ((pair,),) = read(articles(tmp_path / "a.jsonl", {"title": "The lake", "article": HEADS[case]}))
    assert pair.passage == PROSE


STORY = "\n\n".join(
    [*LONG.split("\n"), "@highlight", sentences(1, 20)[0][:-1], "@highlight", "NEW: " + sentences(1)[0][:-1]]
)


def test_a_story(tmp_path: Path) -> None:
    (tmp_path / "0a1b.story").write_text(STORY)
    (found,) = read(tmp_path / "0a1b.story", source(max_passage_chars=400))
    assert queries(found) == [("highlight_passage", sentences(1, i)[0][:-1]) for i in (20, 0)]
    assert all(pair.query in pair.passage for pair in found)
    assert {pair.query_doc for pair in found} == {"0a1b"}


def tar(path: Path, members: Mapping[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as made:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return path


MEMBERS = {
    "cnn/stories/a.story": STORY.encode(),
    "cnn/stories/._a.story": b"\x00\x05\x16\x07",
    "cnn/readme.txt": b"Stories",
    "../../etc/b.story": STORY.encode(),
    "cnn/stories/c.story": b"\xff\xfe",
}


@pytest.mark.parametrize(
    ("name", "mode"), [("cnn_stories.tgz", "w:gz"), ("stories.tar", "w"), ("stories.tar.bz2", "w:bz2")]
)
def test_an_archive_of_stories(name: str, mode: str, tmp_path: Path) -> None:
    first, second, third = read(tar(tmp_path / name, MEMBERS, mode))
    assert [first[0].passage_doc, second[0].passage_doc] == ["a", "b"]
    assert (third.reason, third.position) == ("malformed_record", "cnn/stories/c.story")
    assert sorted(each.name for each in tmp_path.iterdir()) == [name]


def test_a_web_archive(tmp_path: Path) -> None:
    ((pair,),) = read(archive(tmp_path / "CC-NEWS-20220815000000-00000.warc.gz", response(3)))
    assert (pair.query, pair.passage, pair.pair_type) == ("The clear lake 3", PROSE, "title_passage")


REFUSED: Mapping[str, tuple[Any, str]] = {
    "cut": (b'{"title": "a', "malformed_record"),
    "a list": (b'["a"]x', "malformed_record"),
    "no text": ({"title": "a"}, "malformed_record"),
    "a text that is a number": ({"title": "a", "text": 7}, "malformed_record"),
    "not UTF-8": (b'{"title": "\xff", "text": "b"}', "malformed_record"),
    "deep nesting": (b'{"a": ' + b"[" * 100_000, "malformed_record"),
    "neither title nor highlights": ({"text": PROSE}, "no_title"),
    "a title that says nothing": ({"title": "Home", "text": PROSE}, "no_title"),
    "an empty text": ({"title": "The lake", "text": " "}, "no_main_text"),
    "a short text": ({"title": "The lake", "text": "The lake is clear."}, "no_main_text"),
    "too few words": (
        {"title": "The lake", "text": "The lake of the north is still clear, it seems."},
        "too_few_words",
    ),
    "highlights of another text": (
        {"text": PROSE, "highlights": "Stocks fell sharply in Tokyo"},
        "highlight_not_in_text",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_rejected(case: str, tmp_path: Path) -> None:
    made, reason = REFUSED[case]
    first, found = read(articles(tmp_path / "a.jsonl", CC_NEWS, made))
    assert isinstance(first, list)
    assert (found.reason, found.position) == (reason, "line 2")


def test_a_story_that_is_too_large(tmp_path: Path) -> None:
    content = STORY.encode() + bytes(1 << 20)
    (tmp_path / "a.story").write_bytes(content)
    for path in (tmp_path / "a.story", tar(tmp_path / "stories.tgz", {"a.story": content})):
        (found,) = read(path, source(max_page_mb=1))
        assert found == Reject("page_too_large", position="a.story")


def test_opt_out(tmp_path: Path) -> None:
    path = articles(tmp_path / "a.jsonl", CC_NEWS, HIGHLIGHTED)
    assert read(path, source(f"lakes.org\nid:{HIGHLIGHTED['id']}")) == [Reject("opted_out")] * 2
    (tmp_path / "0a1b.story").write_text(STORY)
    assert read(tmp_path / "0a1b.story", source("id:0a1b")) == [Reject("opted_out")]


@pytest.mark.parametrize("name", ["a.json.gz", "a.jsonl.gz", "stories.tgz", "a.story.gz", "a.warc.gz"])
def test_damaged_files(name: str, tmp_path: Path) -> None:
    content = {
        "a.json.gz": json.dumps([CC_NEWS] * 9).encode(),
        "a.jsonl.gz": (json.dumps(CC_NEWS) + "\n").encode() * 9,
        "stories.tgz": gzip.decompress(tar(tmp_path / name, MEMBERS).read_bytes()),
        "a.story.gz": STORY.encode(),
        "a.warc.gz": response(1) * 9,
    }[name]
    packed = gzip.compress(content)
    for damaged in (packed[:-9], packed[: len(packed) // 2], packed[:-8] + b"12345678"):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(DamagedInput, match=rf"^{name}: "):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.json", b'[{"title": "a"}, {"ti', "is one JSON document, and not sound"),
        ("a.json", b'{\n"title": "a"\n', "is one JSON document, and not sound"),
        ("a.json", b"[" * 200_000, "is one JSON document, and not sound"),
        ("stories.tar", b"not a tar file, " * 100, "the archive is damaged"),
        ("stories.tar", b"", "the archive is damaged"),
    ],
)
def test_files_that_are_not_what_they_should_be(name: str, content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DamagedInput, match=rf"^{name}: {problem}"):
        read(tmp_path / name)


def test_an_archive_damaged_in_the_middle(tmp_path: Path) -> None:
    whole = tar(tmp_path / "stories.tar", {f"{i}.story": STORY.encode() * 20 for i in range(9)}, "w").read_bytes()
    header = whole.index(b"4.story")
    (tmp_path / "stories.tar").write_bytes(whole[:header] + b"\xff" * 512 + whole[header + 512 :])
    with pytest.raises(DamagedInput, match=r"^stories\.tar: the archive is damaged in the middle"):
        read(tmp_path / "stories.tar")
    (tmp_path / "stories.tar").write_bytes(whole[: header - 700])
    with pytest.raises(DamagedInput, match=r"^stories\.tar: the archive is damaged"):
        read(tmp_path / "stories.tar")


def test_a_document_too_long_to_be_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.sources.news.MAX_WHOLE", 1000)
    (tmp_path / "a.json").write_text(json.dumps([CC_NEWS] * 9))
    with pytest.raises(
        DamagedInput, match=r"^a\.json: one JSON document of more than 1,000 bytes; make an object a line"
    ):
        read(tmp_path / "a.json")


def test_a_decompression_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.inputs.FREE_EXPANSION", 1 << 20)
    for name, content in {"a.json.gz": b"[" + b" " * (20 << 20), "a.story.gz": bytes(20 << 20)}.items():
        (tmp_path / name).write_bytes(gzip.compress(content))
        with pytest.raises(DamagedInput, match=rf"^{name}: .*bomb"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("CC-NEWS-20220815000000-00000.warc.gz", "warc"),
        ("a.warc.wet.gz", None),
        ("a.warc.wat.gz", None),
        ("cc_news.jsonl.gz", "articles"),
        ("article.json", "articles"),
        ("0001d1afc246a7964130f43ae940af6bc6c57f01.story", "story"),
        ("cnn_stories.tgz", "stories"),
        ("dailymail_stories.tar.gz", "stories"),
        ("photos.tgz", None),
        ("Posts.xml", None),
    ],
)
def test_forms(name: str, form: str | None) -> None:
    assert News().form_of(name) == form


SNIFFED = {
    "articles": ("a.jsonl", json.dumps(CC_NEWS).encode() + b"\n", None),
    "articles of CNN": ("a.jsonl", json.dumps(HIGHLIGHTED).encode() + b"\n", None),
    "a long first line": ("a.jsonl", b'{"title": "a", "description": "b', None),
    "an array": ("a.json", json.dumps([NEWS_PLEASE], indent=2).encode(), None),
    "a story": ("a.story", STORY.encode(), None),
    "a WARC file": ("a.warc.gz", response(1), None),
    "no JSON": ("a.jsonl", b"title,text\n", "begins with b'title,text\\n'; articles are JSON objects"),
    "other JSON": ("a.jsonl", b'{"title": "a", "body": "b"}\n{}\n', 'have neither "text", "maintext" nor "article"'),
    "articles by address": (
        "a.json",
        b'{\n "https://a.org/1": {\n  "title": "a", "text": "b"}}\n',
        "its articles are members of one object; make an array of them",
    ),
    "Mongo's id first": ("a.json", b'{\n "_id": {"$oid": "5f"},\n "title": "a", "text": "b"}\n', None),
    "pages of CCNet": ("a.jsonl", b'{"raw_content": "a"}\n', "read it with --source commoncrawl"),
    "no story": ("a.story", b"PNG\x00", "is no text"),
    "no archive": ("a.warc.gz", b"<html>", "not with WARC/"),
}


@pytest.mark.parametrize("case", SNIFFED)
def test_sniff(case: str) -> None:
    name, head, problem = SNIFFED[case]
    file = InputFile(name, News().form_of(name) or "")
    if problem is None:
        News().sniff(file, head)
    else:
        with pytest.raises(WrongSource) as caught:
            News().sniff(file, head)
        assert str(caught.value).startswith(f"{name}: ")
        assert problem in str(caught.value)


TEXT = st.none() | st.text(max_size=40) | st.sampled_from([PROSE, "By . ", "(CNN) -- ", sentences(1)[0]])
RECORDS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("title", "text", "maintext", "article", "highlights", "url", "id", "date"), TEXT)
)


@given(RECORDS.map(lambda record: json.dumps(record).encode()) | st.binary(max_size=60))
def test_any_line_has_an_outcome(tmp_path_factory: pytest.TempPathFactory, line: bytes) -> None:
    path = articles(tmp_path_factory.mktemp("news") / "a.jsonl", CC_NEWS, line.replace(b"\n", b" "))
    for found in read(path)[1:]:
        if isinstance(found, Reject):
            continue
        assert found
        assert all(text and plain(text) == text for pair in found for text in (pair.query, pair.passage))


def test_real_pages_hold_the_body_of_the_article(real_data: Path) -> None:
    """The share of words that passages and true body have in common, as F1; 0.97 of the kept pages when written."""
    bodies = json.loads((real_data / "news" / "article-bodies.json").read_text())
    found = read(real_data / "news" / "CC-NEWS-20220815000000-00000.warc.gz", source(passages_per_page=0))
    assert len(found) == 97
    assert not any(isinstance(each, Failure) for each in found)
    scores = []
    for pairs in found:
        if isinstance(pairs, list) and pairs[0].url in bodies:
            text = Counter(" ".join(pair.passage for pair in pairs).split())
            body = Counter(bodies[pairs[0].url].split())
            scores.append(2 * sum((text & body).values()) / (sum(text.values()) + sum(body.values())))
    assert len(scores) >= 90
    assert sum(scores) / len(scores) >= 0.94
