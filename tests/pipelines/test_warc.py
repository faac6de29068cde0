from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.errors import DamagedInput
from pipelines.inputs import InputFile
from pipelines.warc import CONVERSION, RESPONSE, WebRecord, read_warc
from tests.pipelines.web_records import archive, http, record, response

LIMIT = 1 << 20


def read(path: Path, kind: str = RESPONSE, max_bytes: int = LIMIT) -> list[WebRecord]:
    records = list(read_warc(InputFile(str(path), "warc"), kind, max_bytes))
    sound = [record for record in records if isinstance(record, WebRecord)]
    assert sound == records
    return sound


@pytest.mark.parametrize("name", ["a.warc.gz", "a.warc"])
def test_a_response(name: str, tmp_path: Path) -> None:
    path = archive(tmp_path / name, response(7, b"<html>The lake</html>"))
    assert read(path) == [
        WebRecord(
            id="<urn:uuid:00000007>",
            url="https://example.com/7",
            created=1660557600,
            status=200,
            content_type="text/html",
            charset="utf-8",
            payload=b"<html>The lake</html>",
        )
    ]


def test_other_records_are_passed_over_and_not_counted(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.warc.gz",
        record("warcinfo", b"software: test\r\n", uri=None),
        record("request", b"GET / HTTP/1.1\r\n\r\n"),
        response(1),
        record("revisit", http(b"")),
        record("metadata", b"fetchTimeMs: 1"),
        response(2),
    )
    file = InputFile(str(path), "warc")
    urls = [record.url for record in read_warc(file, RESPONSE, LIMIT) if isinstance(record, WebRecord)]
    assert urls == ["https://example.com/1", "https://example.com/2"]
    assert file.meter.records == 2


def test_a_conversion(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.warc.wet.gz", record("conversion", "Titel\nWörter".encode()), response(1))
    (found,) = read(path, CONVERSION)
    assert (found.status, found.content_type, found.payload) == (None, "text/plain", "Titel\nWörter".encode())


DEFLATE = zlib.compressobj(wbits=-15)
RAW_DEFLATE = DEFLATE.compress(b"abcde") + DEFLATE.flush()
BLOCKS = {
    "chunked": (http(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", more="Transfer-Encoding: chunked\r\n"), b"abcde"),
    "gzip": (http(gzip.compress(b"abcde"), more="Content-Encoding: gzip\r\n"), b"abcde"),
    "deflate": (http(zlib.compress(b"abcde"), more="Content-Encoding: deflate\r\n"), b"abcde"),
    "stored decoded, headers left as they were": (
        http(b"<html>abcde", more="Content-Encoding: gzip\r\n"),
        b"<html>abcde",
    ),
    "lines that end in newlines only": (b"HTTP/1.1 200 OK\nContent-Type: text/html\n\nabcde", b"abcde"),
    "no body": (http(b""), b""),
    "raw deflate": (http(RAW_DEFLATE, more="Content-Encoding: deflate\r\n"), b"abcde"),
    "raw deflate, chunked": (
        http(
            b"%x\r\n%b\r\n0\r\n\r\n" % (len(RAW_DEFLATE), RAW_DEFLATE),
            more="Content-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n",
        ),
        b"abcde",
    ),
    "x-gzip": (http(gzip.compress(b"abcde"), more="Content-Encoding: x-gzip\r\n"), b"abcde"),
    "gzip without its header": (http(RAW_DEFLATE, more="Content-Encoding: gzip\r\n"), b"abcde"),
    "gzip that no header names": (http(gzip.compress(b"abcde")), b"abcde"),
    "gzip with a wrong checksum": (
        http(gzip.compress(b"abcde")[:-8] + bytes(8), more="Content-Encoding: gzip\r\n"),
        b"abcde",
    ),
    "gzip as the transfer encoding": (
        http(
            b"19\r\n" + gzip.compress(b"abcde") + b"\r\n0\r\n\r\n",
            more="Transfer-Encoding: gzip, chunked\r\n",
        ),
        b"abcde",
    ),
    "chunks with extensions": (
        http(b"3;a=b\r\nabc\r\n2;c\r\nde\r\n0\r\n\r\n", more="Transfer-Encoding: chunked\r\n"),
        b"abcde",
    ),
    "chunks that break off": (http(b"3\r\nabc\r\n8\r\nde", more="Transfer-Encoding: chunked\r\n"), b"abcde"),
    "chunks with bare line feeds": (http(b"5\nabcde\n0\n\n", more="Transfer-Encoding: chunked\r\n"), b"abcde"),
    "a text that begins as a chunk does": (
        http(b"5\r\nabcdefgh", more="Transfer-Encoding: chunked\r\n"),
        b"5\r\nabcdefgh",
    ),
    "zlib called gzip": (http(zlib.compress(b"abcde"), more="Content-Encoding: gzip\r\n"), b"abcde"),
}


@pytest.mark.parametrize("case", BLOCKS)
def test_bodies(case: str, tmp_path: Path) -> None:
    block, payload = BLOCKS[case]
    (found,) = read(archive(tmp_path / "a.warc.gz", record("response", block)))
    assert (found.payload, found.status, found.content_type) == (payload, 200, "text/html")


def test_no_http_headers(tmp_path: Path) -> None:
    (found,) = read(archive(tmp_path / "a.warc.gz", record("response", b"<html>abc")))
    assert (found.payload, found.status, found.content_type) == (b"<html>abc", None, None)


@pytest.mark.parametrize(
    ("content_type", "mime", "charset"),
    [
        ("text/html", "text/html", None),
        ('Text/HTML; Charset="ISO-8859-1"', "text/html", "ISO-8859-1"),
        ("text/html; charset=utf-8; x=y", "text/html", "utf-8"),
        ("", None, None),
    ],
)
def test_content_types(content_type: str, mime: str | None, charset: str | None, tmp_path: Path) -> None:
    (found,) = read(archive(tmp_path / "a.warc.gz", response(1, content_type=content_type)))
    assert (found.content_type, found.charset) == (mime, charset)


def test_addresses_between_angle_brackets_and_missing_headers(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.warc.gz",
        record("response", http(b"a"), uri="<https://example.com/b>"),
        record("response", http(b"a"), uri=None, warc_date=""),
    )
    first, second = read(path)
    assert first.url == "https://example.com/b"
    assert (second.url, second.created) == (None, None)


def test_pages_beyond_the_limit_have_no_payload(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.warc.gz", response(1, b"a" * 101), response(2, b"a" * 100))
    assert [each.payload and len(each.payload) for each in read(path, max_bytes=100)] == [None, 100]


def test_a_page_that_grows_when_it_is_decoded_ends_at_the_limit(tmp_path: Path) -> None:
    block = http(gzip.compress(bytes(50 << 20)), more="Content-Encoding: gzip\r\n")
    (found,) = read(archive(tmp_path / "a.warc.gz", record("response", block)))
    assert found.payload is None


def test_a_decompression_bomb_ends_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.inputs.FREE_EXPANSION", 1 << 20)
    path = archive(tmp_path / "a.warc.gz", response(1, bytes(50 << 20)))
    with pytest.raises(DamagedInput, match=r"^a\.warc\.gz: .*decompression bomb"):
        read(path)


@pytest.mark.parametrize("name", ["a.warc.gz", "a.warc"])
@pytest.mark.parametrize("cut", [10, 300])
def test_truncated_files(name: str, cut: int, tmp_path: Path) -> None:
    path = archive(tmp_path / name, response(1), response(2))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DamagedInput, match=rf"^{name}: .*(truncated|too early)"):
        read(path)


def test_records_before_the_damage_are_read(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.warc", *(response(number, bytes(100_000)) for number in range(3)))
    path.write_bytes(path.read_bytes()[:-50_000])
    records = read_warc(InputFile(str(path), "warc"), RESPONSE, LIMIT)
    urls = [record.url for record in (next(records), next(records)) if isinstance(record, WebRecord)]
    assert urls == ["https://example.com/0", "https://example.com/1"]
    with pytest.raises(DamagedInput):
        next(records)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_any_bytes_end_in_records_or_in_one_error(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int
) -> None:
    path = tmp_path_factory.mktemp("warc") / "a.warc"
    sound = response(1, b"<html>abc")
    path.write_bytes(sound[:at] + junk + sound[at:])
    problem = "a.warc: "
    try:
        list(read_warc(InputFile(str(path), "warc"), RESPONSE, LIMIT))
    except DamagedInput as error:
        problem = str(error)
    assert problem.startswith("a.warc: ")


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("commoncrawl/annotated-pages.warc.gz", 300),
        ("commoncrawl/dolma_sample-0000.warc.gz", 22),
        ("commoncrawl/pywb_iana.warc.gz", 48),
        ("commoncrawl/resiliparse_clueweb-quirk.warc.gz", 29),
        ("commoncrawl/resiliparse_warcfile.warc.gz", 16),
        ("commoncrawl/whirlwind.warc.gz", 1),
        ("news/CC-NEWS-20220815000000-00000.warc.gz", 97),
    ],
)
def test_real_files(path: str, number: int, real_data: Path) -> None:
    assert len(read(real_data / path)) == number
