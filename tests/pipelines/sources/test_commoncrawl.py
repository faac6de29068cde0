from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ccpairs.errors import DamagedInput, UserError, WrongSource
from ccpairs.pair import Pair
from filters.text import plain
from pipelines.inputs import InputFile
from pipelines.opt_out import parse_opt_out
from pipelines.source import Failure, Reject
from pipelines.sources.commoncrawl import CommonCrawl
from pipelines.web import WebExtract
from tests.pipelines.web_records import PROSE, archive, page, record, response, sentences


def source(opt_out: str = "", **settings: Any) -> CommonCrawl:
    return CommonCrawl(WebExtract(**settings), opt_out=parse_opt_out(opt_out))


def read(path: Path, reader: CommonCrawl | None = None) -> list[Any]:
    reader = reader or CommonCrawl()
    file = InputFile(str(path), reader.form_of(path.name) or "")
    found = list(reader.read(file))
    assert file.meter.records == len(found)
    return found


def counts(found: list[Any]) -> Counter[str]:
    return Counter(each.reason if isinstance(each, Reject | Failure) else "kept" for each in found)


def test_a_page_becomes_its_title_and_its_first_passage(tmp_path: Path) -> None:
    (found,) = read(archive(tmp_path / "a.warc.gz", response(3)))
    assert found == [
        Pair(
            query="The clear lake 3",
            passage=PROSE,
            pair_type="title_passage",
            query_doc="https://example.com/3",
            passage_doc="https://example.com/3",
            url="https://example.com/3",
            created=1660557600,
        )
    ]


def test_passages_per_page_and_their_lengths(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.warc.gz", response(3, page(3, length=24)))
    (one,) = read(path, source(max_passage_chars=300))
    (three,) = read(path, source(max_passage_chars=300, passages_per_page=3))
    (every,) = read(path, source(max_passage_chars=300, passages_per_page=0))
    assert one == three[:1] == every[:1]
    assert three == every[:3]
    assert {pair.query for pair in every} == {"The clear lake 3"}
    assert " ".join(pair.passage for pair in every) == " ".join(sentences(24))
    assert all(150 <= len(pair.passage) <= 300 for pair in every)


LOREM = "Lorem ipsum dolor sit amet. " * 20
REFUSED: Mapping[str, tuple[bytes, str]] = {
    "another status": (response(1, status="404 Not Found"), "http_status"),
    "no HTTP": (record("response", page()), "http_status"),
    "another type": (response(1, content_type="application/pdf"), "not_html"),
    "no type, and no page": (response(1, b"GIF89a", content_type=""), "not_html"),
    "too large": (response(1, b"<html>" + bytes(1 << 20)), "page_too_large"),
    "no title": (response(1, page(1, title="")), "no_title"),
    "no main text": (response(1, b"<title>The lake</title><nav>Home</nav>"), "no_main_text"),
    "no page": (response(1, b""), "no_title"),
    "too few words": (response(1, b"<title>The lake</title><p>It is clear.</p>"), "too_few_words"),
    "no prose": (response(1, f"<title>The lake</title><p>{LOREM}</p>".encode()), "lorem_ipsum"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_rejected(case: str, tmp_path: Path) -> None:
    made, reason = REFUSED[case]
    (found,) = read(archive(tmp_path / "a.warc.gz", made), source(max_page_mb=1))
    assert isinstance(found, Reject)
    assert (found.reason, found.position) == (reason, "<urn:uuid:00000001>")


def test_quality_filters_can_be_turned_off(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.warc.gz", REFUSED["no prose"][0])
    (found,) = read(path, source(quality_filters=False))
    assert found[0].passage == LOREM.strip()


def test_text_that_is_shorter_than_the_shortest_passage(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.warc.gz", response(3))
    (found,) = read(path, source(min_passage_chars=900))
    assert found.reason == "text_too_short"


def test_the_title_is_not_said_again_at_the_start_of_the_passage(tmp_path: Path) -> None:
    body = f"<title>The lake</title><div>Home</div><h2>The Lake!</h2><p>{PROSE}</p><p>{PROSE[:200]}</p>"
    (found,) = read(archive(tmp_path / "a.warc.gz", response(1, body.encode())))
    assert found[0].passage.startswith(PROSE[:100])


ENCODED = {
    "utf-8": ("text/html", "", "utf-8"),
    "utf-8 with a mark": ("text/html", "", "utf-8-sig"),
    "what the server says": ("text/html; charset=iso-8859-1", "", "iso-8859-1"),
    "what the page says": ("text/html", '<meta charset="windows-1252">', "windows-1252"),
    "utf-8, whatever the server says": ("text/html; charset=iso-8859-1", "", "utf-8"),
    "utf-16": ("text/html; charset=utf-16", "", "utf-16"),
}


@pytest.mark.parametrize("case", ENCODED)
def test_encodings(case: str, tmp_path: Path) -> None:
    content_type, meta, encoding = ENCODED[case]
    body = f"<html><head>{meta}<title>Der schöne Weiher</title></head><p>Größe: {PROSE}</p></html>".encode(encoding)
    (found,) = read(archive(tmp_path / "a.warc.gz", response(1, body, content_type=content_type)))
    assert (found[0].query, found[0].passage[:6]) == ("Der schöne Weiher", "Größe:")


def test_opt_out(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.warc.gz", response(1), response(2, uri="https://www.other.org/2"))
    assert counts(read(path, source("other.org"))) == {"kept": 1, "opted_out": 1}
    assert counts(read(path, source("https://example.com/1"))) == {"kept": 1, "opted_out": 1}
    assert counts(read(path, source("id:<urn:uuid:00000001>"))) == {"kept": 1, "opted_out": 1}


@pytest.mark.parametrize("extractor", ["ccpairs", "resiliparse", "trafilatura"])
def test_extractors(extractor: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "a.warc.gz", response(3, page(3, length=24)))
    (found,) = read(path, source(extractor=extractor, passages_per_page=0))
    text = " ".join(pair.passage for pair in found)
    assert text == " ".join(sentences(24))


def test_an_extractor_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "trafilatura", None)
    with pytest.raises(UserError, match=r"^--extractor trafilatura needs that library .*pip install"):
        source(extractor="trafilatura")


def test_a_page_that_hangs_the_extractor_is_killed_and_counted(tmp_path: Path) -> None:
    # As large as a page may be: some seconds of work.
    trap = response(666, b"<title>The lake</title>" + b"<div><p>The lake is clear.<a href=x>y</a></div>" * 200_000)
    found = read(archive(tmp_path / "a.warc.gz", response(1), trap, response(2)), source(page_timeout=1))
    assert counts(found) == {"kept": 2, "extract_timeout": 1}
    assert found[1] == Failure("extract_timeout", "no answer in 1 s", "<urn:uuid:00000666>")


def test_pages_that_are_made_to_hurt_parsers(tmp_path: Path) -> None:
    bodies = [
        b"<a" + b" b=c" * 200_000,
        b"<table>" * 20_000 + b"<tr><td>x" * 20_000,
        b"<" * 1_000_000,
        b"\x00" * 1_000_000,
        bytes(range(256)) * 1000,
        b"<!--" * 100_000,
        b"&" * 500_000,
        b"<p>" + b"a" * 2_000_000,
        b"<title>" + b"T - " * 200_000,
    ]
    found = read(archive(tmp_path / "a.warc.gz", *(response(i, b"<html>" + body) for i, body in enumerate(bodies))))
    assert {each.reason for each in found} <= {"no_title"}


@pytest.mark.parametrize("name", ["a.warc.gz", "a.warc.wet.gz", "a.json.gz"])
def test_damaged_files(name: str, tmp_path: Path) -> None:
    line = json.dumps({"url": "https://example.com", "title": "The lake", "raw_content": PROSE}).encode() + b"\n"
    content = {
        "a.warc.gz": b"".join(map(response, range(9))),
        "a.warc.wet.gz": record("conversion", b"The lake\n" + PROSE.encode()) * 9,
        "a.json.gz": line * 9,
    }[name]
    packed = gzip.compress(content)
    for damaged in (packed[:-9], packed[: len(packed) // 2], packed[:-8] + b"12345678"):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(DamagedInput, match=rf"^{name}: "):
            read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.warc.gz", "a.warc.wet.gz", "a.json.gz"])
def test_decompression_bombs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.inputs.FREE_EXPANSION", 1 << 20)
    content = {
        "a.warc.gz": response(1, bytes(20 << 20)),
        "a.warc.wet.gz": record("conversion", bytes(20 << 20)),
        "a.json.gz": b"\n" * (20 << 20),
    }[name]
    (tmp_path / name).write_bytes(gzip.compress(content))
    with pytest.raises(DamagedInput, match=rf"^{name}: .*bomb"):
        read(tmp_path / name)


def wet(*texts: str) -> list[bytes]:
    return [
        record("conversion", text.encode(), number=i, uri=f"https://lakes.org/{i}") for i, text in enumerate(texts, 1)
    ]


def test_wet(tmp_path: Path) -> None:
    records = wet(f"The lake | Lakes\nHome\nContact\n{PROSE}\nImprint", f"\n{PROSE}", "The lake\nHome", "The lake")
    found = read(archive(tmp_path / "a.warc.wet.gz", record("warcinfo", b"a"), *records))
    (pair,) = found[0]
    assert (pair.query, pair.passage, pair.url) == ("The lake", PROSE, "https://lakes.org/1")
    assert [each.reason for each in found[1:]] == ["no_title", "no_main_text", "no_main_text"]


def test_a_wet_text_that_is_too_large(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.warc.wet.gz", *wet("The lake\n" + PROSE * 2000))
    assert counts(read(path, source(max_page_mb=1))) == {"page_too_large": 1}


CCNET = {
    "url": "https://lakes.org/1",
    "date_download": "2022-08-15T10:00:00Z",
    "digest": "sha1:ABC",
    "length": 800,
    "nlines": 2,
    "source_domain": "lakes.org",
    "title": "The lake",
    "raw_content": f"The lake\n{PROSE}",
    "language": "en",
    "language_score": 0.9,
    "perplexity": 211.5,
    "bucket": "head",
}
DOLMA = {
    "id": "https://lakes.org/1",
    "text": f"The lake\n{PROSE}",
    "source": "common-crawl",
    "metadata": {key: CCNET[key] for key in CCNET if key not in ("raw_content", "title")} | {"title": "The lake"},
}


def lines(path: Path, *made: Any) -> Path:
    texts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in made]
    path.write_bytes(gzip.compress(b"\n".join(texts) + b"\n"))
    return path


@pytest.mark.parametrize("record_", [CCNET, DOLMA], ids=["CCNet", "Dolma"])
def test_lines_of_ccnet(record_: Any, tmp_path: Path) -> None:
    ((found,),) = read(lines(tmp_path / "en_head_0000.json.gz", record_))
    assert found == Pair(
        query="The lake",
        passage=PROSE,
        pair_type="title_passage",
        query_doc="https://lakes.org/1",
        passage_doc="https://lakes.org/1",
        url="https://lakes.org/1",
        language="en",
        language_score=0.9,
        perplexity=211.5,
        created=1660557600,
    )


def test_lines_that_are_no_pages(tmp_path: Path) -> None:
    found = read(
        lines(
            tmp_path / "a.json.gz",
            *(b'{"raw_content": "a', b"[]", {"url": "https://lakes.org"}, {**CCNET, "title": 7}, b""),
            *({**CCNET, "title": None}, {**CCNET, "raw_content": ""}, CCNET),
        )
    )
    assert [each.reason for each in found[:-1]] == ["malformed_record"] * 4 + ["no_title", "no_main_text"]
    assert found[1].position == "line 2"
    assert found[4].position == "line 6"


def test_opt_out_of_lines(tmp_path: Path) -> None:
    assert counts(read(lines(tmp_path / "a.json.gz", CCNET, DOLMA), source("lakes.org"))) == {"opted_out": 2}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("CC-MAIN-20220807150925-20220807180925-00000.warc.gz", "warc"),
        ("a.warc", "warc"),
        ("CC-MAIN-20220807150925-20220807180925-00000.warc.wet.gz", "wet"),
        ("en_head_0000.json.gz", "ccnet"),
        ("cc_en_head-0091.jsonl.gz", "ccnet"),
        ("a.warc.wat.gz", None),
        ("RC_2012-01.zst", None),
    ],
)
def test_forms(name: str, form: str | None) -> None:
    assert CommonCrawl().form_of(name) == form


SNIFFED = {
    "a WARC file": ("a.warc.gz", response(1), None),
    "a WET file": ("a.warc.wet.gz", wet("a")[0], None),
    "lines": ("a.json.gz", json.dumps(CCNET).encode() + b"\n", None),
    "a WET file named as a WARC file": (
        "a.warc.gz",
        wet("a")[0],
        "holds conversion records; rename it to NAME.warc.wet.gz",
    ),
    "a WARC file named as a WET file": (
        "a.warc.wet.gz",
        response(1),
        "holds response records; rename it to NAME.warc.gz",
    ),
    "a WAT file": (
        "a.warc.gz",
        record("metadata", b'{"Container": {}, "Envelope": {}}'),
        "is a WAT file, which holds no text",
    ),
    "no archive": ("a.warc.gz", b"<html>", "begins with b'<html>', not with WARC/"),
    "no JSON": ("a.json.gz", b"title,text\n", "begins with b'title,text\\n'"),
    "other JSON": ("a.json.gz", b'{"title": "a", "body": "b"}\n', 'have neither "raw_content" nor "text"'),
}


@pytest.mark.parametrize("case", SNIFFED)
def test_sniff(case: str) -> None:
    name, head, problem = SNIFFED[case]
    reader = CommonCrawl()
    file = InputFile(name, reader.form_of(name) or "")
    if problem is None:
        reader.sniff(file, head)
    else:
        with pytest.raises(WrongSource) as caught:
            reader.sniff(file, head)
        assert str(caught.value).startswith(f"{name}: ")
        assert problem in str(caught.value)


REAL = {
    "annotated-pages.warc.gz": (300, 280),
    "dolma_cc_en_head-0091.jsonl.gz": (10, 10),
    "dolma_sample-0000.warc.gz": (22, 20),
    "pywb_iana.warc.gz": (48, 12),
    "resiliparse_clueweb-quirk.warc.gz": (29, 28),
    "resiliparse_warcfile.warc.gz": (16, 6),
    "whirlwind.warc.gz": (1, 1),
    "whirlwind.warc.wet.gz": (1, 1),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files(name: str, real_data: Path) -> None:
    number, least_kept = REAL[name]
    found = read(real_data / "commoncrawl" / name)
    kept = counts(found)["kept"]
    assert (len(found), kept >= least_kept) == (number, True)
    assert not any(isinstance(each, Failure) for each in found)
    for pairs in found:
        for pair in () if isinstance(pairs, Reject) else pairs:
            assert plain(pair.query) == pair.query
            assert plain(pair.passage) == pair.passage
            assert 150 <= len(pair.passage) <= 1000


def test_the_main_text_of_real_pages(real_data: Path) -> None:
    """F1 over the strings that must and that must not be in the passages of annotated pages (0.936 when written)."""
    annotated = json.loads((real_data / "commoncrawl" / "annotated-pages.json").read_text())
    found = read(real_data / "commoncrawl" / "annotated-pages.warc.gz", source(passages_per_page=0))
    texts = {pairs[0].url: " ".join(pair.passage for pair in pairs) for pairs in found if isinstance(pairs, list)}
    hits = Counter[str]()
    for url, strings in annotated.items():
        for kind in ("with", "without"):
            hits[kind] += sum(" ".join(string.split()) in texts.get(url, "") for string in strings[kind])
    wanted = sum(len(strings["with"]) for strings in annotated.values())
    assert 2 * hits["with"] / (hits["with"] + hits["without"] + wanted) >= 0.92
