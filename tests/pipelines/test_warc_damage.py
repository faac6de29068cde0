"""Web archives with damaged records: each costs itself alone, and is counted where it stands."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ccpairs.errors import DamagedInput
from pipelines.inputs import InputFile
from pipelines.source import MALFORMED, Reject
from pipelines.sources.commoncrawl import CommonCrawl
from pipelines.warc import CONVERSION, RESPONSE, DamagedRecord, read_warc
from tests.pipelines.web_records import archive, http, record, response

LIMIT = 1 << 20
SECOND = "https://example.com/2"


def read(path: Path, kind: str = RESPONSE) -> list[str | int | None]:
    """The address of each record, and the offset of each damaged one."""
    file = InputFile(str(path), "warc")
    records = list(read_warc(file, kind, LIMIT))
    assert file.meter.records == len(records)
    return [each.offset if isinstance(each, DamagedRecord) else each.url for each in records]


def urls(*numbers: int) -> list[str]:
    return [f"https://example.com/{number}" for number in numbers]


def with_length(number: int, length: str) -> bytes:
    """A response whose Content-Length says something else than its length."""
    return record("response", http(b"<p>lake</p>"), uri=f"https://example.com/{number}", content_length=length)


WRONG = ["", "many", "-1", "0", "5", "60", "65", "80", "500", "10000", "999999999999999999999"]


@pytest.mark.parametrize("name", ["a.warc.gz", "a.warc"])
@pytest.mark.parametrize("length", WRONG)
def test_a_wrong_content_length(length: str, name: str, tmp_path: Path) -> None:
    parts = [response(1), with_length(2, length), *map(response, range(3, 9))]
    path = archive(tmp_path / name, *parts)
    offset = len(gzip.compress(parts[0]) if name.endswith(".gz") else parts[0])
    assert read(path) == [*urls(1), offset, *urls(3, 4, 5, 6, 7, 8)]


def test_a_wrong_content_length_in_one_gzip_member_of_all_records(tmp_path: Path) -> None:
    parts = [response(1), with_length(2, "10000"), response(3)]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(gzip.compress(b"".join(parts)))
    assert read(path) == [*urls(1), 0, *urls(3)]


@pytest.mark.parametrize("name", ["a.warc.gz", "a.warc"])
@pytest.mark.parametrize("first_line", [b"WXRC/1.0\r\n", b"", b"\x00\x00\x00\x00\r\n", b"WARC/1.0 "])
def test_a_damaged_first_line(first_line: bytes, name: str, tmp_path: Path) -> None:
    parts = [response(1), first_line + response(2).removeprefix(b"WARC/1.0\r\n"), response(3)]
    offset = len(gzip.compress(parts[0]) if name.endswith(".gz") else parts[0])
    assert read(archive(tmp_path / name, *parts)) == [*urls(1), offset, *urls(3)]


@pytest.mark.parametrize("at", [0, 2])
def test_the_first_or_the_last_record_is_damaged(at: int, tmp_path: Path) -> None:
    parts = [*map(response, range(3))]
    parts[at] = b"not a record\r\n"
    rest = urls(*(number for number in range(3) if number != at))
    assert [each for each in read(archive(tmp_path / "a.warc.gz", *parts)) if isinstance(each, str)] == rest
    assert [each for each in read(archive(tmp_path / "a.warc", *parts)) if isinstance(each, str)] == rest


def test_text_between_records(tmp_path: Path) -> None:
    parts = [response(1), b"not a record\r\n", response(2)]
    assert read(archive(tmp_path / "a.warc", *parts)) == [*urls(1), len(parts[0]), *urls(2)]


@pytest.mark.parametrize("at", [-6, -1])
def test_a_gzip_member_with_a_wrong_checksum(at: int, tmp_path: Path) -> None:
    members = [gzip.compress(response(number)) for number in range(4)]
    broken = bytearray(members[1])
    broken[at] ^= 0xFF
    members[1] = bytes(broken)
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(members))
    assert read(path) == [*urls(0), len(members[0]), *urls(2, 3)]


def test_every_flipped_byte_costs_one_member(tmp_path: Path) -> None:
    members = [gzip.compress(response(number)) for number in range(3)]
    path = tmp_path / "a.warc.gz"
    begin = len(members[0])
    for at in range(begin, begin + len(members[1]), 7):
        data = bytearray(b"".join(members))
        data[at] ^= 0xFF
        path.write_bytes(data)
        found = read(path)
        assert found[0] == urls(0)[0], at
        assert found[-1] == urls(2)[0], at
        assert len(found) == 3, (at, found)


def test_damage_in_the_only_member_fails_the_file(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(b"".join(response(number, bytes(range(256)) * 90) for number in range(60))))
    data[-300] ^= 0xFF
    path = tmp_path / "a.warc.gz"
    path.write_bytes(data)
    with pytest.raises(DamagedInput, match=r"^a\.warc\.gz: .*download"):
        read(path)


def test_a_file_without_any_record_fails(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.warc", b"<!DOCTYPE html><html><title>404</title></html>")
    with pytest.raises(DamagedInput, match=r"^a\.warc: holds no readable WARC record"):
        read(path)


def test_damaged_records_are_rejects_with_their_place(tmp_path: Path) -> None:
    source = CommonCrawl()
    parts = [response(1), with_length(2, "many"), response(3)]
    outcomes = list(source.read(InputFile(str(archive(tmp_path / "a.warc", *parts)), "warc")))
    assert outcomes[1] == Reject(
        MALFORMED, detail="the record states no valid Content-Length", position=f"byte {len(parts[0])}"
    )
    texts = [record("conversion", b"x"), b"WORC/1.0\r\n\r\n", record("conversion", b"y")]
    found = list(source.read(InputFile(str(archive(tmp_path / "a.warc.wet.gz", *texts)), "wet")))
    assert [each.reason for each in found if isinstance(each, Reject)] == ["no_title", MALFORMED, "no_title"]


ARC = (
    b"filedesc://a.arc 0.0.0.0 20080101000000 text/plain 76\n"
    b"1 0 Archive\nURL IP-address Archive-date Content-type Archive-length\n1234567\n\n"
    b"http://example.com/1 192.0.2.7 20080102030405 text/html 55\n"
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>lake</p>\n\n"
    b"http://example.com/2 192.0.2.7 20080102030405 text/html 9999\n"
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>lost</p>\n\n"
    b"http://example.com/3 192.0.2.7 20080102030406 text/html 55\n"
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>bank</p>\n\n"
)


@pytest.mark.parametrize("name", ["a.arc", "a.arc.gz"])
def test_arc_files(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(ARC) if name.endswith("gz") else ARC)
    records = list(read_warc(InputFile(str(path), "warc"), RESPONSE, LIMIT))
    first, damage, third = records
    assert isinstance(damage, DamagedRecord)
    assert first == (None, "http://example.com/1", 1199243045, 200, "text/html", None, b"<p>lake</p>")
    assert third == (None, "http://example.com/3", 1199243046, 200, "text/html", None, b"<p>bank</p>")
    assert CommonCrawl().form_of(name) == "warc"


@pytest.mark.parametrize("packed", [False, True])
def test_zstd_frames_with_a_dictionary(packed: bool, tmp_path: Path) -> None:
    zstd = pytest.importorskip("backports.zstd")
    parts = [response(number) for number in range(40)]
    dictionary = zstd.train_dict(parts, 4096)
    frame = zstd.compress(dictionary.dict_content) if packed else dictionary.dict_content
    head = b"\x5d\x2a\x4d\x18" + len(frame).to_bytes(4, "little") + frame
    frames = [zstd.compress(part, zstd_dict=dictionary) for part in parts]
    path = tmp_path / "a.warc.zst"
    path.write_bytes(head + b"".join(frames))
    assert read(path) == urls(*range(40))
    frames[3] = frames[3][:-9] + b"\xff" * 9
    path.write_bytes(head + b"".join(frames))
    found = read(path)
    assert [each for each in found if isinstance(each, str)] == urls(*(each for each in range(40) if each != 3))
    assert sum(isinstance(each, int) for each in found) == 1


def test_conversions_after_damage(tmp_path: Path) -> None:
    parts = [record("conversion", b"a"), b"junk\n", record("conversion", b"b")]
    assert len(read(archive(tmp_path / "a.warc.wet", *parts), CONVERSION)) == 3


def test_zeros_between_members_are_damage_and_at_the_end_padding(tmp_path: Path) -> None:
    members = [gzip.compress(response(number)) for number in range(3)]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(members[0] + bytes(5000) + members[1] + members[2] + bytes(700))
    assert read(path) == [*urls(0), len(members[0]), *urls(1, 2)]


def test_a_damaged_zstd_frame_without_a_dictionary(tmp_path: Path) -> None:
    zstd = pytest.importorskip("backports.zstd")
    frames = [bytearray(zstd.compress(response(number))) for number in range(4)]
    frames[1][40:60] = b"\xff" * 20
    path = tmp_path / "a.warc.zst"
    path.write_bytes(b"".join(frames))
    assert read(path) == [*urls(0), len(frames[0]), *urls(2, 3)]


def test_damaged_dictionaries_fail_the_file(tmp_path: Path) -> None:
    pytest.importorskip("backports.zstd")
    path = tmp_path / "a.warc.zst"
    for frame, size, said in ((b"abc", 3, "its dictionary is damaged"), (b"abc", 900, "truncated")):
        path.write_bytes(b"\x5d\x2a\x4d\x18" + size.to_bytes(4, "little") + frame)
        with pytest.raises(DamagedInput, match=said):
            read(path)


def test_frames_without_their_dictionary_fail_the_file(tmp_path: Path) -> None:
    zstd = pytest.importorskip("backports.zstd")
    parts = [response(number) for number in range(40)]
    path = tmp_path / "a.warc.zst"
    path.write_bytes(zstd.compress(parts[0], zstd_dict=zstd.train_dict(parts, 4096)))
    with pytest.raises(DamagedInput, match="needs a zstd dictionary that it does not hold"):
        read(path)
