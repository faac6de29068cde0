from __future__ import annotations

import io
import os
import random
import struct
import tracemalloc
import zlib
from itertools import combinations
from pathlib import Path
from typing import Any

import py7zr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccpairs.errors import DamagedInput, WrongSource
from pipelines import sevenzip
from pipelines.sevenzip import read_members
from pipelines.xml_rows import seam

METHODS = {
    "BZip2": [{"id": py7zr.FILTER_BZIP2}],
    "LZMA": [{"id": py7zr.FILTER_LZMA}],
    "LZMA2": [{"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "LZMA2 + BCJ": [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "Deflate": [{"id": py7zr.FILTER_DEFLATE}],
    "Copy": [{"id": py7zr.FILTER_COPY}],
}
# Two and a half blocks that do not pack well, then a run that packs very well.
LONG = b"".join(i.to_bytes(4, "big") for i in range(0, 330_000 * 7919, 7919))[: sevenzip.BLOCK * 5 // 2] + bytes(
    3 << 20
)


def archive(*members: tuple[str, bytes], method: str = "BZip2", **options: Any) -> bytes:
    """A solid archive: all members stand in one compressed stream."""
    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w", filters=METHODS[method], **options) as writer:
        for name, data in members:
            writer.writestr(data, name)
    return stream.getvalue()


def members_of(data: bytes, *wanted: str) -> list[tuple[str, bytes]]:
    return [(name, b"".join(blocks)) for name, blocks in read_members(io.BytesIO(data), "site.7z", wanted)]


def renamed(old: str, new: str) -> bytes:
    """An archive whose member has a name that no honest writer gives it."""
    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w") as writer:
        writer.set_encoded_header_mode(False)
        writer.writestr(b"text", old)
    data = stream.getvalue()
    assert len(old) == len(new)
    data = data.replace(old.encode("utf-16-le"), new.encode("utf-16-le"))
    offset, size = struct.unpack("<QQ", data[12:28])
    start = struct.pack("<QQL", offset, size, zlib.crc32(data[32 + offset : 32 + offset + size]))
    return data[:8] + struct.pack("<L", zlib.crc32(start)) + start + data[32:]


@pytest.mark.parametrize("method", METHODS)
def test_reads_each_packing_method(method: str) -> None:
    data = archive(("Badges.xml", b"badges"), ("Posts.xml", LONG), ("Users.xml", b"users"), method=method)
    assert members_of(data, "Posts.xml") == [("Posts.xml", LONG)]


def test_members_come_in_the_order_of_the_archive() -> None:
    data = archive(("PostLinks.xml", b"links"), ("Posts.xml", b"posts"))
    assert members_of(data, "Posts.xml", "PostLinks.xml") == [("PostLinks.xml", b"links"), ("Posts.xml", b"posts")]


def test_a_member_is_found_in_any_folder() -> None:
    assert members_of(archive(("dump/2014/Posts.xml", b"posts")), "Posts.xml") == [("Posts.xml", b"posts")]


def test_an_empty_member() -> None:
    assert members_of(archive(("Posts.xml", b""), ("Tags.xml", b"x")), "Posts.xml") == [("Posts.xml", b"")]


def test_an_archive_without_the_member_yields_nothing() -> None:
    assert members_of(archive(("Tags.xml", b"x")), "Posts.xml") == []


def test_blocks_that_are_not_read_are_skipped() -> None:
    data = archive(("Posts.xml", LONG), ("PostLinks.xml", b"links"))
    found = {name: next(blocks) for name, blocks in read_members(io.BytesIO(data), "x", ["Posts.xml", "PostLinks.xml"])}
    assert found["PostLinks.xml"] == b"links"


@pytest.mark.parametrize("name", ["../../../etc/Posts.xml", "/etc/passwd.d/Posts.xml", "..\\..\\windows\\Posts.xml"])
def test_names_with_path_tricks_write_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    data = renamed("x" * (len(name) - 9) + "Posts.xml", name)
    assert members_of(data, "Posts.xml") == [("Posts.xml", b"text")]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_memory_stays_flat() -> None:
    data = archive(("PostHistory.xml", bytes(48 << 20)), ("Posts.xml", bytes(48 << 20)))
    tracemalloc.start()
    try:
        sizes = [sum(map(len, blocks)) for _, blocks in read_members(io.BytesIO(data), "x", ["Posts.xml"])]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sizes == [48 << 20]
    assert peak < 24 << 20  # 16 MiB of them for the archive's directory


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kept", [0, 6, 31, 32, 40, 0.5, 0.9, -1])
def test_a_truncated_archive(method: str, kept: float) -> None:
    data = archive(("Posts.xml", LONG[:5000]), method=method)
    with pytest.raises(DamagedInput, match=r"^site.7z: "):
        members_of(data[: int(kept * len(data)) if 0 < kept < 1 else int(kept)], "Posts.xml")


@pytest.mark.parametrize("method", METHODS)
def test_a_flipped_bit_in_the_data_is_noticed(method: str) -> None:
    data = bytearray(archive(("Posts.xml", LONG[:5000]), method=method))
    data[32 + 2000] ^= 4
    with pytest.raises(DamagedInput, match="fetch"):
        members_of(bytes(data), "Posts.xml")


def test_the_checksum_of_a_skipped_member_counts_too() -> None:
    data = bytearray(archive(("Badges.xml", b"badges"), ("Posts.xml", b"posts"), method="Copy"))
    data[32] ^= 1
    with pytest.raises(DamagedInput, match=r"checksum of 'Badges.xml' is wrong"):
        members_of(bytes(data), "Posts.xml")


WHOLE = archive(("Tags.xml", b"tags" * 50), ("Posts.xml", LONG[:3000]), method="LZMA2")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(6, len(WHOLE) - 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=3))
def test_damage_anywhere_is_damaged_input_or_harmless(damages: list[tuple[int, bytes]]) -> None:
    data = bytearray(WHOLE)
    for place, noise in damages:
        data[place : place + len(noise)] = noise
    try:
        found = members_of(bytes(data[: len(WHOLE)]), "Posts.xml")
    except DamagedInput:
        return
    assert found == [("Posts.xml", LONG[:3000])]


@pytest.mark.parametrize("header_too", [False, True])
def test_an_encrypted_archive(header_too: bool) -> None:
    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w", password="secret", header_encryption=header_too) as writer:
        writer.writestr(b"text", "Posts.xml")
    with pytest.raises(DamagedInput, match=r"^site.7z: the archive is encrypted; unpack it with its password"):
        members_of(stream.getvalue(), "Posts.xml")


def test_an_unknown_method_says_which_ones_are_read() -> None:
    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w", filters=[{"id": py7zr.FILTER_ZSTD, "level": 3}]) as writer:
        writer.writestr(b"text", "Posts.xml")
    with pytest.raises(DamagedInput, match=r"known are BZip2, Copy, Deflate, LZMA, LZMA2, LZMA2 \+ BCJ"):
        members_of(stream.getvalue(), "Posts.xml")


@pytest.mark.parametrize("method", ["BZip2", "LZMA2", "Deflate"])
def test_a_bomb_is_not_read(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = archive(("Posts.xml", bytes(2 << 20)), method=method)
    monkeypatch.setattr(sevenzip, "FREE_EXPANSION", 1 << 20)
    with pytest.raises(DamagedInput, match=r"declared to hold 2,097,152; not read.*bomb"):
        members_of(data, "Posts.xml")


def test_the_expansion_of_real_dumps_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sevenzip, "FREE_EXPANSION", 0)
    assert members_of(archive(("Posts.xml", b"<row/>\n" * 100)), "Posts.xml") == [("Posts.xml", b"<row/>\n" * 100)]


@pytest.mark.parametrize("data", [b"", b"7z", b"Not Found", b'{"message": "Not Found"}' * 9])
def test_what_is_no_archive_is_called_that(data: bytes) -> None:
    with pytest.raises(WrongSource, match=r"^a\.7z: is not a 7z archive; fetch it again"):
        list(read_members(io.BytesIO(data), "a.7z", ["Posts.xml"]))


def test_a_place_without_random_access() -> None:
    end, other_end = os.pipe()
    os.close(other_end)
    with open(end, "rb") as pipe, pytest.raises(DamagedInput, match="copy it to a disk first"):
        list(read_members(pipe, "site.7z", ["Posts.xml"]))


def table(root: str, rows: int, seed: int = 1, row: bytes = b"") -> bytes:
    """A table of some 140 bytes a row, with ``row`` in its midst."""
    chance = random.Random(f"{root} {seed}")
    words = [bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(2000)]
    lines = [b'  <row Id="%d" Text="%s" />' % (i, b" ".join(chance.choices(words, k=18))) for i in range(rows)]
    lines[rows // 2 : rows // 2] = [row] * bool(row)
    opening = b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\r\n<%s>\r\n' % root.encode()
    return opening + b"\r\n".join(lines) + b"\r\n</%s>" % root.encode()


SITE = {
    "Badges.xml": table("badges", 4_000),
    "PostHistory.xml": table("posthistory", 30_000),
    "PostLinks.xml": table("postlinks", 100),
    "Posts.xml": table("posts", 12_000),
    "Tags.xml": table("tags", 50),
    "Users.xml": table("users", 9_000),
}


@pytest.fixture(scope="module")
def site() -> bytes:
    """An archive of some 9 blocks, with its members in one stream."""
    return archive(*SITE.items())


def found_in(data: bytes, *wanted: str) -> dict[str, bytes]:
    return {name: b"".join(blocks) for name, blocks in read_members(io.BytesIO(data), "site.7z", wanted, seam)}


def damaged(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :]


@pytest.mark.parametrize("wanted", [*combinations(SITE, 1), *combinations(SITE, 2)][::2], ids=" ".join)
def test_members_from_the_midst_are_the_same(site: bytes, wanted: tuple[str, ...]) -> None:
    assert found_in(site, *wanted) == {name: SITE[name] for name in wanted}


@pytest.mark.parametrize("wanted", [["Posts.xml"], ["PostLinks.xml", "Posts.xml"], ["Users.xml"]])
def test_damage_before_the_wanted_members_is_not_met(site: bytes, wanted: list[str]) -> None:
    assert found_in(damaged(site, 40_000), *wanted) == {name: SITE[name] for name in wanted}
    with pytest.raises(DamagedInput, match="fetch"):
        members_of(damaged(site, 40_000), *wanted)


@pytest.mark.parametrize("place", [0.68, 0.75, 0.8])
def test_damage_in_a_wanted_member_is_noticed(site: bytes, place: float) -> None:
    with pytest.raises(DamagedInput, match=r"^site.7z: .*'Posts.xml'.* fetch"):
        found_in(damaged(site, int(place * len(site))), "Posts.xml")


def test_an_opening_inside_a_member_before_is_no_beginning() -> None:
    row = SITE["Posts.xml"][:80]
    data = archive(("PostHistory.xml", table("posthistory", 30_000, row=row)), ("Posts.xml", SITE["Posts.xml"]))
    assert found_in(data, "Posts.xml") == {"Posts.xml": SITE["Posts.xml"]}


def test_a_forged_beginning_shows_in_the_checksum() -> None:
    history = table("posthistory", 30_000)
    forged = history[:-1000] + b"</posthistory>" + SITE["Posts.xml"][:80] + history[-1000:]
    data = archive(("PostHistory.xml", forged), ("Posts.xml", SITE["Posts.xml"]))
    with pytest.raises(DamagedInput, match=r"checksum of 'Posts.xml' is wrong; fetch .* unpack it and give the .xml"):
        found_in(data, "Posts.xml")


def test_runs_that_make_blocks_unequal() -> None:
    history = SITE["PostHistory.xml"] + b" " * 12_000_000
    data = archive(("PostHistory.xml", history), ("Posts.xml", SITE["Posts.xml"]))
    assert found_in(data, "Posts.xml") == {"Posts.xml": SITE["Posts.xml"]}


def test_members_that_are_no_tables_are_decoded_from_the_start() -> None:
    data = archive(("readme", SITE["PostHistory.xml"]), ("Posts.xml", SITE["Posts.xml"]))
    assert found_in(data, "Posts.xml") == {"Posts.xml": SITE["Posts.xml"]}


@pytest.mark.parametrize("method", ["Deflate", "Copy"])
def test_other_methods_are_decoded_from_the_start(method: str) -> None:
    data = archive(*SITE.items(), method=method)
    assert found_in(data, "Posts.xml") == {"Posts.xml": SITE["Posts.xml"]}


def test_an_empty_member_behind_others() -> None:
    assert found_in(archive(("Tags.xml", b"x"), ("Posts.xml", b"")), "Posts.xml") == {"Posts.xml": b""}


def test_a_truncated_archive_with_a_seam(site: bytes) -> None:
    with pytest.raises(DamagedInput, match=r"^site.7z: "):
        found_in(site[: len(site) // 2], "Posts.xml")
