from __future__ import annotations

import gzip
import io
import json
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccpairs.errors import DamagedInput, UnreadableInput, WrongSource
from pipelines.content_kind import check_records, explained, kind_of
from pipelines.inputs import InputFile

HTML = b"<!DOCTYPE html>\n<html><head><title>Sign in &amp; go on</title></head>\n<body>Please do.</body></html>"
S3_ERROR = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>'
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("RC_1.ndjson"))
    return stream.getvalue()


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("RC_1.ndjson", "{}")
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), stream)
    return stream.getvalue()


def database(folder: Path) -> bytes:
    connection = sqlite3.connect(folder / "x.db")
    connection.execute("create table x (y)")
    connection.commit()
    connection.close()
    return (folder / "x.db").read_bytes()


def what(head: bytes) -> str | None:
    kind = kind_of(head)
    return kind.what if kind else None


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (HTML, "an HTML page titled 'Sign in & go on'"),
        (b"\xef\xbb\xbf\n<!-- x -->\n<HTML lang=en><body>", "an HTML page"),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0"><html>', "an HTML page"),
        (b"<head><title>301 Moved</title></head>", "an HTML page titled '301 Moved'"),
        (S3_ERROR, "an error of an object store (AccessDenied)"),
        (b"<Error><Code>NoSuchKey</Code>", "an error of an object store (NoSuchKey)"),
        (LFS, "a Git LFS pointer"),
        (b"%PDF-1.7\n", "a PDF document"),
        (zipped(), "a zip archive (or an office document)"),
        (tar(), "a tar archive"),
        (parquet(), "a Parquet file"),
        (gzip.compress(b"{}", mtime=0), "a gzip file inside another"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"WARC/1.0\r\n", "a web archive (WARC)"),
        ("{}\n".encode("utf-16"), "text in UTF-16"),
        ('{"id": "a"}\n'.encode("utf-16-le"), "text in UTF-16"),
        (b'<?xml version="1.0"?>\n<rss version="2.0">', "XML (<rss>)"),
        (
            b'{"error": {"code": 404, "message": "no"}}',
            "a JSON document about an error (\"{'code': 404, 'message': 'no'}\")",
        ),
        (b'{\n "message": "Not Found",\n "status": "404"\n}\n', "a JSON document about an error ('Not Found')"),
        (b'[{"id": "a"}, {"id": "b"}]', "one JSON array, not a record a line"),
        (b'[\n  {"id": "a"},\n  {"id": "b"}\n]', "one JSON array, not a record a line"),
        (b'[["a", "b"], ["c", "d"]]', "one JSON array, not a record a line"),
        (b'[{"id": "cut', "one JSON array, not a record a line"),
        (b'{\n  "id": "a"\n}\n', "one JSON document over several lines"),
        (b"Sorry, this file is not here any more.\n", "plain text"),
        (b"id,title\n1,a\n", "plain text"),
        (bytes(range(128, 256)) * 4, "binary data"),
        (b'{"id": "a"}\n{"id": "b"}\n', None),
        (b'{"id": "a", "title": "cut', None),
        (b'["What is tin?", "A metal."]\n["What', None),
        (b'["What is tin?", "cut', None),
    ],
)
def test_what_the_first_bytes_look_like(head: bytes, expected: str | None) -> None:
    assert what(head) == expected


def test_a_database(tmp_path: Path) -> None:
    assert what(database(tmp_path)) == "an SQLite database"


@pytest.mark.parametrize("head", [b"<", b"{", b"[", b"\0", b"a", b"", b"<!DOCTYPE", b"[[", b"{\n"])
def test_any_beginning_has_an_answer(head: bytes) -> None:
    kind_of(head)


def file_with(head: bytes) -> InputFile:
    file = InputFile("/data/RC_1.zst", "comments")
    file.meter.head = head
    return file


@pytest.mark.parametrize(("read", "malformed"), [(10, 10), (1, 1), (100, 91)])
def test_a_file_of_malformed_records_fails(read: int, malformed: int) -> None:
    with pytest.raises(DamagedInput) as caught:
        check_records(
            file_with(b"id,title\n1,a"), "line", read=read, kept=read - malformed, malformed=malformed, first="no JSON"
        )
    assert str(caught.value) == (
        f"RC_1.zst: {malformed} of {read} lines are malformed (the first: no JSON); it looks like plain text and "
        "begins with 'id,title 1,a'; give the right --source, or fetch it again"
    )


@pytest.mark.parametrize(("read", "malformed"), [(10, 9), (3, 2), (2, 1), (100, 90), (5, 0)])
def test_a_file_with_some_sound_records_is_kept(read: int, malformed: int) -> None:
    check_records(file_with(b"{}"), "line", read=read, kept=read - malformed, malformed=malformed, first="x")


def test_a_stand_in_fails_whatever_a_source_makes_of_it() -> None:
    with pytest.raises(DamagedInput) as caught:
        check_records(file_with(LFS), "story", read=1, kept=0, malformed=0, first=None)
    assert str(caught.value) == (
        "RC_1.zst: looks like a Git LFS pointer and begins with 'version https://git-lfs.github.com/spec/v1 oid "
        "sha256:4d7a…'; get the file itself (git lfs pull)"
    )


def test_errors_are_explained() -> None:
    damaged, wrong = DamagedInput("x: the archive's directory cannot be read"), WrongSource("x: is no dump of ours")
    assert "looks like an HTML page titled 'Sign in & go on'" in str(explained(damaged, file_with(HTML)))
    assert explained(damaged, file_with(b"{}")) is damaged
    assert explained(damaged, file_with(b"")) is damaged
    assert str(explained(wrong, file_with(b"%PDF-1.4"))) == "x: is no dump of ours; it looks like a PDF document"
    unreadable = UnreadableInput("x: the server sent nothing for 60 s")
    assert explained(unreadable, file_with(HTML)) is unreadable
    error = explained(wrong, file_with(b'{"message": "Not Found"}'))
    assert isinstance(error, WrongSource)
    assert str(error) == (
        "RC_1.zst: looks like a JSON document about an error ('Not Found') and begins with "
        '\'{"message": "Not Found"}\'; check its address, and fetch it again'
    )
    assert explained(damaged, file_with(b'{"message": "of a good record"}')) is damaged


def test_a_file_of_no_byte_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "site.7z").touch()
    file = InputFile(str(tmp_path / "site.7z"), "archive")
    assert file.open().read() == b""
    assert str(explained(WrongSource("x: is no archive"), file)) == (
        "site.7z: holds no byte; remove it, or fetch it again"
    )


def test_the_beginning_of_a_file_that_is_opened_again_is_decompressed(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(HTML))
    file = InputFile(str(tmp_path / "a.gz"), "articles")
    for _ in range(2):
        assert file.open().read() == file.meter.head == HTML


def test_nothing_is_made_of_json_beyond_its_beginning() -> None:
    deep = b'{"a":' * 2000
    assert what(deep[:4096]) is None
    assert json.dumps(what(b"[" * 4096)) == '"one JSON array, not a record a line"'
