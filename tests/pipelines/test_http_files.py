"""Reading from servers that stall, break off, refuse or contradict themselves."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import io
import json
import random
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import py7zr
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccpairs.addresses import public_address
from ccpairs.build import main
from ccpairs.errors import DamagedInput, UnreadableInput
from ccpairs.manifest import read_manifest
from pipelines import http_requests, wiki_dump
from pipelines.http_files import HttpFile, describe
from pipelines.inputs import InputFile, read_bytes
from pipelines.sevenzip import read_members
from tests.pipelines.http_server import (
    Handler,
    ServedFile,
    Server,
    cut_after,
    hang_up,
    refuse,
    running_server,
    send_all,
    send_without_length,
    stall_after,
    state_length,
    stay_silent,
    trickle,
)

DATA = random.Random(1).randbytes(300_000)
AGAIN = "run the command again later, or download the file and give its path"


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(http_requests, "READ_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(http_requests, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(http_requests, "LONGEST_WAIT_SECONDS", 0.01)


def read_all(url: str, size: int | None = None) -> bytes:
    with HttpFile(url, size) as file:
        return file.read()


def failure_of(url: str, size: int | None = None) -> str:
    """What the message says after the file's name."""
    with pytest.raises(UnreadableInput) as caught:
        read_all(url, size)
    name, separator, what = str(caught.value).partition(": ")
    assert (name, separator) == (InputFile(url, "").name, ": ")
    return what


# --- what is mended


def test_a_sound_file_costs_one_request(server: Server) -> None:
    url, file = server.add("a.bin", DATA)
    assert read_all(url, len(DATA)) == DATA
    assert file.asked == ["GET"]


@pytest.mark.parametrize(
    ("trick", "resumed_at"),
    [(cut_after(100_000), 100_000), (stall_after(100_000), 100_000), (trickle, None), (hang_up, 0), (stay_silent, 0)],
    ids=["short body", "stall", "trickle", "no answer", "silence"],
)
def test_a_break_is_resumed_where_it_was(server: Server, trick: object, resumed_at: int | None) -> None:
    url, file = server.add("a.bin", DATA, tricks=[trick])
    assert read_all(url, len(DATA)) == DATA
    first, second = file.asked
    assert first == "GET"
    if resumed_at is not None:
        assert second == (f"GET bytes={resumed_at}-" if resumed_at else "GET")


def test_a_chunked_body_that_breaks_off_is_resumed(server: Server) -> None:
    url, file = server.add("a.bin", DATA, tricks=[cut_after(100_000)], states_size=False)
    assert read_all(url) == DATA
    assert file.asked == ["GET", "HEAD", "GET bytes=100000-"]


@pytest.mark.parametrize("options", [{"has_ranges": False}, {"etag": None}], ids=["no ranges", "no versions"])
def test_without_ranges_or_versions_a_file_is_read_again_from_its_start(
    server: Server, options: dict[str, object]
) -> None:
    url, file = server.add("a.bin", DATA, tricks=[cut_after(100_000), cut_after(150_000)], **options)
    assert read_all(url, len(DATA)) == DATA
    assert len(file.asked) == 3


def part(content_range: str, body: bytes, **headers: str) -> object:
    """Answer with this part, whatever was asked for."""

    def trick(handler: Handler, file: ServedFile) -> None:
        handler.send_response(206)
        for name, value in {"Content-Range": content_range, "ETag": '"v1"', **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return trick


@pytest.mark.parametrize(
    "answer",
    [
        part("bytes 0-299999/300000", DATA, **{"Content-Length": "300000"}),
        part("bytes 100000-149999/300000", DATA[100_000:150_000] + DATA[:50_000]),
        part("bytes 100000-149999/300000", DATA[100_000:150_000] + DATA[:50_000], **{"Content-Length": "100000"}),
        part("bytes 100000-299999/300000", DATA, **{"Content-Length": "300000"}),
        part("", DATA[100_000:]),
    ],
    ids=["another start", "longer than its range", "a length that is not the range's", "whole file", "no range"],
)
def test_a_part_that_is_not_what_was_asked_for_is_not_read(server: Server, answer: object) -> None:
    url, file = server.add("a.bin", DATA, tricks=[cut_after(100_000), answer])
    assert read_all(url, len(DATA)) == DATA
    assert len(file.asked) == 3


def test_an_answer_that_ends_in_its_headers_is_no_empty_file(server: Server) -> None:
    url, _ = server.add("a.bin", DATA, tricks=[send_without_length(0)], on_head=refuse(405))
    assert read_all(url) == DATA


def test_a_busy_server_is_asked_again(server: Server) -> None:
    url, file = server.add("a.bin", DATA, tricks=[refuse(503, Retry_After="3600"), refuse(429), refuse(500)])
    assert read_all(url, len(DATA)) == DATA
    assert len(file.asked) == 4


def test_many_breaks_are_no_matter_while_there_is_progress(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_requests, "PROGRESS_BYTES", 10_000)
    url, file = server.add("a.bin", DATA, always=cut_after(20_000))
    assert read_all(url, len(DATA)) == DATA
    assert len(file.asked) == 15


def test_a_retry_after_is_waited_for_up_to_the_bound(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    monkeypatch.setattr(http_requests, "LONGEST_WAIT_SECONDS", 30.0)
    tricks = [refuse(503, Retry_After="7"), refuse(503, Retry_After="3600"), refuse(503, Retry_After="soon")]
    url, _ = server.add("a.bin", DATA, tricks=tricks)
    assert read_all(url) == DATA
    assert waits[:2] == [7.0, 30.0]
    assert waits[2] < 0.01


def test_user_and_password_of_an_address_are_used(server: Server) -> None:
    url, file = server.add("a.bin", DATA)
    read_all(url.replace("://", "://ann:s%40cret@"))
    assert file.authorizations == ["Basic " + base64.b64encode(b"ann:s@cret").decode()]


# --- what fails, and how it is called


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"always": cut_after(1_234), "has_ranges": False},
            f"the server sent 1,234 of 300,000 bytes (6 attempts); {AGAIN}",
        ),
        ({"always": refuse(503)}, f"the server answered 503 Service Unavailable (6 attempts); {AGAIN}"),
        ({"always": stay_silent}, f"the server sent nothing for 0.3 s (3 attempts); {AGAIN}"),
        ({"always": stall_after(0)}, f"the server sent nothing for 0.3 s (3 attempts); {AGAIN}"),
        ({"always": hang_up}, f"the server broke off before it answered (6 attempts); {AGAIN}"),
        ({"always": refuse(404)}, "the server answered 404 Not Found; check the address"),
        (
            {"always": refuse(403)},
            "the server answered 403 Forbidden; the address needs credentials, or its signature has expired; "
            "get a new address",
        ),
        (
            {"always": refuse(401)},
            "the server answered 401 Unauthorized; the address needs a user name and a password, as in "
            "https://USER:PASSWORD@HOST/FILE",
        ),
        ({"always": refuse(204)}, "the server answered 204 No Content; check the address"),
        (
            {"always": refuse(302, Location="/a.bin")},
            "the server redirects more than 10 times (in a circle?); check the address",
        ),
        (
            {"always": refuse(302, Location="ftp://host/a?token=secret")},
            "the server redirects to an address that is not http(s); check the address",
        ),
        (
            {"headers": {"Transfer-Encoding": "gzip, chunked"}},
            "the server encodes the file (gzip) although it is asked not to; download the file and give its path",
        ),
        (
            {"headers": {"Content-Length": "1, 2"}},
            "the server does not answer in HTTP; check the address",
        ),
        (
            {"headers": {"Content-Encoding": "br"}},
            "the server encodes the file (br) although it is asked not to; download the file and give its path",
        ),
    ],
    ids=lambda value: value.split(";")[0] if isinstance(value, str) else "",
)
def test_the_message_names_the_fault_of_the_server(server: Server, options: dict[str, object], message: str) -> None:
    url, _ = server.add("a.bin", DATA, **options)
    assert failure_of(url + "?token=secret", len(DATA)) == message


def test_a_trickle_is_a_stall(server: Server) -> None:
    url, _ = server.add("a.bin", DATA, always=trickle)
    assert failure_of(url).startswith("the server sent only ")


@pytest.mark.parametrize("states_size", [True, False], ids=["short Content-Length", "chunked"])
@pytest.mark.parametrize("has_ranges", [True, False], ids=["ranges", "no ranges"])
def test_a_body_shorter_than_head_stated(server: Server, states_size: bool, has_ranges: bool) -> None:
    url, _ = server.add("a.bin", DATA[:1000], states_size=states_size, has_ranges=has_ranges)
    assert failure_of(url, 1500) == f"the server sent 1,000 of 1,500 bytes (6 attempts); {AGAIN}"


def test_a_body_without_a_length_is_held_against_that_of_head(server: Server) -> None:
    url, file = server.add("a.bin", DATA, always=send_without_length(1_000), on_head=state_length(len(DATA)))
    assert failure_of(url).startswith("the server sent 1,000 of 300,000 bytes (6 attempts); ")
    file.always = send_without_length(len(DATA))
    assert read_all(url) == DATA
    file.on_head = refuse(405)
    assert read_all(url) == DATA


def test_a_body_longer_than_head_stated(server: Server) -> None:
    url, _ = server.add("a.bin", DATA)
    assert failure_of(url, 1500) == (
        "the server stated 1,500 bytes, then 300,000 (a wrong size, or the file changed); run the command again; "
        "if that does not help, download the file and give its path"
    )
    url, _ = server.add("b.bin", DATA, states_size=False)
    assert failure_of(url, 1500).startswith("the server sends more than the 1,500 bytes that it stated; ")


def changes_to(data: bytes, etag: str | None) -> object:
    """Break off after 100,000 bytes, and serve another file from then on."""

    def trick(handler: Handler, file: ServedFile) -> None:
        cut_after(100_000)(handler, file)
        file.data, file.etag = data, etag

    return trick


@pytest.mark.parametrize(
    ("before", "after", "has_ranges", "how"),
    [
        ('"v1"', '"v2"', True, 'it was version "v1", then "v2"'),
        ('W/"v1"', 'W/"v2"', True, 'it was version W/"v1", then W/"v2"'),
        ('"v1"', '"v2"', False, 'it was version "v1", then "v2"'),
        (None, None, True, "its beginning is another one"),
    ],
    ids=["ETag", "weak ETag", "no ranges", "no ETag"],
)
def test_two_versions_of_a_file_are_never_glued_together(
    server: Server, before: str | None, after: str | None, has_ranges: bool, how: str
) -> None:
    url, _ = server.add("a.bin", DATA, tricks=[changes_to(DATA[::-1], after)], etag=before, has_ranges=has_ranges)
    assert failure_of(url) == f"the file on the server changed while it was read ({how}); run the command again"


def test_the_splits_of_a_file_are_of_one_version(server: Server) -> None:
    url, _ = server.add("a.bin", DATA, etag='"v2"')
    file = InputFile(url, "", len(DATA), '"v1"', begin=1000, end=2000)
    with file.open_raw() as raw, pytest.raises(UnreadableInput, match='it was version "v1", then "v2"'):
        raw.seek(1000)


def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        assert failure_of(f"http://{host}/a?token=secret") == f"{host} refuses the connection (6 attempts); {AGAIN}"


def test_a_server_without_tls(server: Server) -> None:
    url, _ = server.add("a.bin", DATA)
    host = url.split("/")[2]
    assert failure_of(url.replace("http:", "https:")).startswith(f"TLS with {host} fails (")


def test_certificates_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = "the certificates that REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) names cannot be read; name a PEM file"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    assert failure_of("https://127.0.0.1:9/a") == said


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "ftp://127.0.0.1:9", "http://"])
def test_a_proxy_that_is_none(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", proxy)
    assert failure_of("http://127.0.0.1:9/a?token=secret") == (
        "the address of the proxy is not that of an http proxy; check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
    )


def test_a_name_that_cannot_be_looked_up() -> None:
    assert failure_of("http://ann:secret@nowhere.invalid/a?token=secret").startswith("the name nowhere.invalid ")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ann:secret@host:8080/a/b@c.gz?X-Amz-Signature=a/b@c#d", "https://host:8080/a/b@c.gz"),
        ("http://[::1]:80/a?b", "http://[::1]:80/a"),
        ("http://host?a=b/c", "http://host"),
        ("http://ann:se#cret@host/a?b=secret", "http://host/a"),
        ("http://ann:se/cret@host/a?b=secret", "http://host/a"),
    ],
)
def test_messages_hold_no_secrets(url: str, shown: str) -> None:
    assert public_address(url) == shown


def test_an_address_that_is_none() -> None:
    assert failure_of("http://host:port/a") == "is not a valid address; check the address"


# --- encodings


def test_a_gzip_file_that_is_labelled_so_is_read_as_it_is(server: Server) -> None:
    url, _ = server.add("a.jsonl.gz", gzip.compress(b"line\n", mtime=0), headers={"Content-Encoding": "gzip"})
    assert list(InputFile(url, "").lines()) == [b"line"]


def test_gzip_around_a_compressed_file_is_refused(server: Server) -> None:
    twice = gzip.compress(gzip.compress(b"line\n", mtime=0), mtime=0)
    url, _ = server.add("a.jsonl.gz", twice, headers={"Content-Encoding": "gzip"})
    with pytest.raises(DamagedInput, match="the server compresses the file although it is asked not to; download"):
        list(InputFile(url, "").lines())


@pytest.mark.parametrize("states_size", [True, False], ids=["Content-Length", "chunked"])
def test_gzip_that_head_did_not_announce_is_named(server: Server, states_size: bool) -> None:
    packed = gzip.compress(b"line\n" * 1000, mtime=0)
    url, _ = server.add("a.jsonl", packed, headers={"Content-Encoding": "gzip"}, states_size=states_size)
    said = "the server compresses the file although it is asked not to; download the file and give its path"
    assert failure_of(url, 5000) == said


def test_gzip_around_a_parquet_file_is_refused(server: Server) -> None:
    url, _ = server.add("a.parquet", gzip.compress(b"PAR1" * 100), headers={"Content-Encoding": "gzip"})
    assert failure_of(url).startswith("the server compresses the file although it is asked not to; ")


def test_a_corrupt_file_that_came_whole_is_still_corrupt(server: Server) -> None:
    data = bytearray(gzip.compress(b"line\n" * 1000, mtime=0))
    data[-6] ^= 0xFF
    url, _ = server.add("a.jsonl.gz", bytes(data))
    with pytest.raises(DamagedInput, match=r"^a\.jsonl\.gz: the file is corrupt \(CRC check failed"):
        list(InputFile(url, "").lines())


# --- seeking


def archive(data: bytes) -> bytes:
    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w", filters=[{"id": py7zr.FILTER_COPY}]) as writer:
        writer.writestr(data, "Posts.xml")
    return stream.getvalue()


def test_reading_here_and_there(server: Server) -> None:
    url, file = server.add("a.bin", DATA, tricks=[send_all, cut_after(10), refuse(503)])
    with HttpFile(url, len(DATA)) as stream:
        assert stream.seekable()
        assert stream.seek(-5, io.SEEK_END) == 299_995
        assert stream.read() == DATA[-5:]
        assert stream.read() == b""
        stream.seek(100)
        assert stream.read(200_000) == DATA[100:200_100]
        assert stream.seek(1, io.SEEK_CUR) == 200_101
        assert stream.read(1) == DATA[200_101:200_102]
        stream.seek(len(DATA) + 1)
        assert stream.read() == b""
    assert file.asked[1] == "GET bytes=299995-365530"


def test_a_7z_archive_is_read_by_parts(server: Server) -> None:
    data = random.Random(2).randbytes(20_000_000)
    url, file = server.add("site.7z", archive(data))
    input_file = InputFile(url, "", len(file.data))
    with input_file.open_raw() as raw:
        name, blocks = next(read_members(raw, "site.7z", ["Posts.xml"]))
        assert name == "Posts.xml"
        assert file.bytes_sent < 1_000_000  # the directory alone
        assert hashlib.sha256(b"".join(blocks)).digest() == hashlib.sha256(data).digest()
        while raw.read(1 << 20):
            pass
    assert input_file.meter.sha256 == hashlib.sha256(file.data).hexdigest()
    assert file.bytes_sent < 1.1 * len(file.data)
    assert len(file.asked) < 15


def test_a_7z_archive_on_a_server_without_ranges(server: Server) -> None:
    url, _ = server.add("site.7z", archive(b"<posts/>"), has_ranges=False)
    host = url.split("/")[2]
    with InputFile(url, "").open_raw() as raw, pytest.raises(DamagedInput) as caught:
        list(read_members(raw, "site.7z", ["Posts.xml"]))
    assert str(caught.value) == (
        f"{host} does not answer range requests, which 7z archives and Parquet files need; "
        f"download {url} and give the local path"
    )


def test_a_7z_archive_whose_server_fails_is_not_called_damaged(server: Server) -> None:
    url, _ = server.add("site.7z", archive(DATA), tricks=[send_all], always=refuse(503))
    with InputFile(url, "").open_raw() as raw, pytest.raises(UnreadableInput, match="answered 503 Service Unavailable"):
        list(read_members(raw, "site.7z", ["Posts.xml"]))


def multistream_dump(pages: int) -> tuple[bytes, bytes]:
    """A MediaWiki dump of some bz2 streams, and its index."""
    streams = [b"<mediawiki><siteinfo/>"]
    text = "<ns>0</ns><revision><model>wikitext</model><text>Salt.</text></revision>"
    streams += [f"<page><title>Lake {i}</title><id>{i}</id>{text}</page>".encode() for i in range(pages)]
    streams += [b"</mediawiki>"]
    packed, index = b"", ""
    for number, stream in enumerate(streams):
        if 0 < number <= pages:
            index += f"{len(packed)}:{number}:Lake {number}\n"
        packed += bz2.compress(stream)
    return packed, bz2.compress(index.encode())


@pytest.mark.parametrize(("has_ranges", "splits"), [(True, 4), (False, 0)])
def test_a_dump_is_split_where_its_server_answers_range_requests(
    server: Server, monkeypatch: pytest.MonkeyPatch, has_ranges: bool, splits: int
) -> None:
    monkeypatch.setattr(wiki_dump, "SMALLEST_SPLIT", 1)
    monkeypatch.setattr(wiki_dump, "SPLIT_BYTES", 1)
    dump, index = multistream_dump(4)
    server.add("lakewiki-20240101-pages-articles-multistream-index.txt.bz2", index)
    name = "lakewiki-20240101-pages-articles-multistream.xml.bz2"
    url, _ = server.add(name, dump, has_ranges=has_ranges)
    file = InputFile(url, "pages", len(dump), '"v1"')
    ranges = wiki_dump.split_ranges(file)
    assert len(ranges) == splits
    titles = []
    for piece in [replace(file, begin=begin, end=end) for begin, end in ranges] or [file]:
        _, found = wiki_dump.read_wiki(piece)
        titles += [page.title for page in found if isinstance(page, wiki_dump.Page)]
    assert titles == ["Lake 0", "Lake 1", "Lake 2", "Lake 3"]


def test_parquet_over_http(server: Server) -> None:
    table = pa.table({"text": ["a", "b"]})
    stream = io.BytesIO()
    pq.write_table(table, stream)
    url, _ = server.add("a.parquet", stream.getvalue())
    with InputFile(url, "").open_raw() as raw:
        assert pq.read_table(raw).equals(table)
    url, _ = server.add("b.parquet", stream.getvalue(), has_ranges=False)
    with InputFile(url, "").open_raw() as raw, pytest.raises(UnreadableInput, match="does not answer range requests"):
        pq.ParquetFile(raw)


def test_a_server_without_ranges_is_read_on_after_it_was_asked_for_them(server: Server) -> None:
    url, file = server.add("a.bin", DATA, has_ranges=False)
    with HttpFile(url) as stream:
        assert not stream.seekable()
        assert stream.read() == DATA
    assert file.asked == ["GET bytes=0-65535"]


# --- what is known before the run


@pytest.mark.parametrize(
    "on_head",
    [refuse(405), refuse(403), refuse(404), refuse(503), state_length(0), state_length(None), stay_silent, hang_up],
    ids=["405", "403", "404", "503", "length 0", "no length", "silence", "no answer"],
)
def test_a_get_counts_where_head_fails(server: Server, on_head: object) -> None:
    url, file = server.add("a.bin", DATA, on_head=on_head, tricks=[refuse(503), refuse(503)])
    assert describe(url) == (300_000, '"v1"')
    assert file.asked == ["HEAD", "GET", "GET", "GET"]


def test_head_alone_is_enough(server: Server) -> None:
    url, file = server.add("a.bin", DATA)
    assert describe(url) == (300_000, '"v1"')
    assert file.asked == ["HEAD"]


def test_an_empty_file_is_empty(server: Server) -> None:
    url, _ = server.add("a.bin", b"")
    assert describe(url) == (0, '"v1"')
    assert read_all(url) == b""
    with HttpFile(url) as file:
        assert file.seek(0, io.SEEK_END) == 0


def test_a_server_that_stays_busy_is_named_before_the_run(server: Server) -> None:
    url, _ = server.add("a.bin", DATA, on_head=refuse(503), always=refuse(503))
    with pytest.raises(UnreadableInput) as caught:
        describe(f"{url}?token=secret")
    assert str(caught.value) == f"{url}: the server answered 503 Service Unavailable (3 attempts); {AGAIN}"


def test_a_list_is_read_with_retries_and_never_in_part(server: Server) -> None:
    url, _ = server.add("paths.gz", gzip.compress(b"a\nb\n", mtime=0), tricks=[refuse(503), cut_after(10)])
    assert read_bytes(url) == b"a\nb\n"
    url, _ = server.add("paths.txt", b"a\nb\n", always=cut_after(2), has_ranges=False)
    with pytest.raises(UnreadableInput, match="the server sent 2 of 4 bytes"):
        read_bytes(url)


# --- the whole command


def faq(first: int, count: int) -> bytes:
    """Lines of community question answering, all different."""
    lines = (
        json.dumps([f"Why is sea number {i} salty?", f"Rivers carry salt from the rocks to sea number {i}, every day."])
        for i in range(first, first + count)
    )
    return "".join(f"{line}\n" for line in lines).encode()


IN_THIS_PROCESS = ["--source", "communityqa", "--quiet", "--direct_num_workers=1"]
"""Where the impatience holds, too."""


def test_a_build_over_http_mends_what_it_can(server: Server, tmp_path: Path) -> None:
    tricks = [refuse(503), cut_after(5_000), stall_after(4_000)]
    url, _ = server.add("faq.jsonl", faq(0, 200), tricks=tricks, on_head=state_length(0))
    names, _ = server.add("list.txt", f"{url}?token=secret\n".encode(), tricks=[cut_after(9)])
    assert main([*IN_THIS_PROCESS, "--input", f"@{names}", "--output", str(tmp_path / "out")]) == 0
    assert read_manifest(str(tmp_path / "out" / "candidates" / "communityqa")).rows == 200


def test_a_build_names_the_input_whose_server_fails_and_finishes_the_others(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, _ = server.add("good.jsonl", faq(0, 100))
    short, _ = server.add("short.jsonl", faq(100, 100)[:5_000], on_head=state_length(9_000))
    busy, _ = server.add("busy.jsonl", faq(200, 100), always=refuse(503))
    (tmp_path / "list.txt").write_text(f"{good}\n{busy}?token=secret\n")
    arguments = ["--input", f"@{tmp_path}/list.txt", short, "--output", str(tmp_path / "out")]
    assert main([*IN_THIS_PROCESS, *arguments]) == 3
    written = "".join(capsys.readouterr())
    assert f"{short}: the server sent 5,000 of 9,000 bytes (6 attempts); {AGAIN}" in written
    assert f"busy.jsonl: the server answered 503 Service Unavailable (6 attempts); {AGAIN}" in written
    assert "corrupt" not in written
    assert read_manifest(str(tmp_path / "out" / "candidates" / "communityqa")).rows == 100


def test_a_build_whose_address_leads_nowhere_ends_before_it_starts(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, _ = server.add("gone.jsonl", b"", on_head=refuse(404), always=refuse(404))
    arguments = ["--input", f"{url}?token=secret", "--output", str(tmp_path / "out")]
    assert main([*IN_THIS_PROCESS, *arguments]) == 2
    assert capsys.readouterr().err == f"ccpairs: {url}: the server answered 404 Not Found; check the address\n"
