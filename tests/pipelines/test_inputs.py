from __future__ import annotations

import bz2
import dataclasses
import gzip
import hashlib
import io
import lzma
import re
import tempfile
import tracemalloc
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, cast

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from ccpairs.errors import DamagedInput, UnreadableInput
from pipelines import inputs
from pipelines.inputs import InputFile, decompressed

TEXT = "".join(f"line {number}: the sea is {number} m deep\n" for number in range(1000)).encode()


def long_window_zstd(text: bytes) -> bytes:
    """A frame that states the window of Reddit's dumps, 2 GiB, and holds the text uncompressed."""
    frame = bytearray(b"\x28\xb5\x2f\xfd\x00\xa8")  # no sizes, no checksum; window descriptor 21 << 3: 2^(10 + 21)
    for start in range(0, len(text), 1 << 17):
        block = text[start : start + (1 << 17)]
        last = start + len(block) >= len(text)
        frame += (len(block) << 3 | last).to_bytes(3, "little") + block
    return bytes(frame)


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "zst": partial(zstd.compress, options={zstd.CompressionParameter.checksum_flag: 1}),
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "long.zst": long_window_zstd,
}


def halves(compress: Callable[[bytes], bytes]) -> bytes:
    """Two streams, one after the other."""
    middle = len(TEXT) // 2
    return compress(TEXT[:middle]) + compress(TEXT[middle:])


def file_of(folder: Path, data: bytes, name: str = "dump.bin") -> InputFile:
    path = folder / name
    path.write_bytes(data)
    return InputFile(str(path), "lines", size=len(data))


def read(file: InputFile) -> bytes:
    with file.open() as stream:
        return stream.read()


@pytest.mark.parametrize("kind", [*COMPRESSIONS, "plain"])
def test_the_first_bytes_tell_the_compression_whatever_the_name(tmp_path: Path, kind: str) -> None:
    data = COMPRESSIONS.get(kind, bytes)(TEXT)
    file = file_of(tmp_path, data, "dump.txt")
    assert read(file) == TEXT
    assert (file.meter.raw_bytes, file.meter.text_bytes) == (len(data), len(TEXT))
    assert file.meter.sha256 == hashlib.sha256(data).hexdigest()


def test_the_window_of_reddit_dumps_is_more_than_zstd_allows_unasked() -> None:
    with pytest.raises(zstd.ZstdError):
        zstd.decompress(long_window_zstd(TEXT))


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_streams_one_after_the_other(tmp_path: Path, kind: str) -> None:
    data = halves(COMPRESSIONS[kind])
    file = file_of(tmp_path, data)
    assert read(file) == TEXT
    assert file.meter.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_zeros_between_and_after_streams_are_padding(tmp_path: Path, kind: str) -> None:
    middle = len(TEXT) // 2
    first, second = COMPRESSIONS[kind](TEXT[:middle]), COMPRESSIONS[kind](TEXT[middle:])
    assert read(file_of(tmp_path, first + bytes(100_000) + second + bytes(4))) == TEXT


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_a_truncated_file(tmp_path: Path, kind: str, share: float) -> None:
    data = COMPRESSIONS[kind](TEXT)
    file = file_of(tmp_path, data[: max(6, int(share * len(data)))])
    with pytest.raises(DamagedInput) as caught:
        read(file)
    assert str(caught.value) == (
        f"dump.bin: the file ends too early (truncated), after {file.meter.raw_bytes:,} raw bytes; fetch it again"
    )


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_a_file_cut_inside_its_second_stream(tmp_path: Path, kind: str) -> None:
    file = file_of(tmp_path, halves(COMPRESSIONS[kind])[:-10])
    with pytest.raises(DamagedInput, match=r"^dump\.bin: the file ends too early"):
        list(file.lines())


def corrupted(data: bytes, begin: int) -> bytes:
    return data[:begin] + bytes(255 - byte for byte in data[begin : begin + 12]) + data[begin + 12 :]


@pytest.mark.parametrize("kind", ["zst", "gz", "bz2", "xz"])
def test_a_corrupt_file(tmp_path: Path, kind: str) -> None:
    data = COMPRESSIONS[kind](TEXT)
    with pytest.raises(DamagedInput) as caught:
        read(file_of(tmp_path, corrupted(data, len(data) // 2)))
    assert str(caught.value).startswith("dump.bin: the file is corrupt (")
    assert str(caught.value).endswith(" raw bytes; fetch it again")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("kind", ["zst", "gz", "bz2", "xz"])
@pytest.mark.parametrize("offset", [0, 4], ids=["magic", "header"])
def test_a_corrupt_second_stream_is_not_taken_for_the_end_of_the_file(tmp_path: Path, kind: str, offset: int) -> None:
    first = COMPRESSIONS[kind](TEXT[: len(TEXT) // 2])
    file = file_of(tmp_path, corrupted(halves(COMPRESSIONS[kind]), len(first) + offset))
    with pytest.raises(DamagedInput, match=r"^dump\.bin: the file is corrupt \("):
        list(file.lines())


@pytest.mark.parametrize("kind", ["zst", "gz", "bz2", "xz"])
def test_text_after_the_last_stream_is_damage(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DamagedInput, match=r"^dump\.bin: the file is corrupt \("):
        read(file_of(tmp_path, COMPRESSIONS[kind](TEXT) + b"<html>502 Bad Gateway</html>"))


def test_a_checksum_that_does_not_fit(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(TEXT))
    data[-6] ^= 1  # inside the CRC
    with pytest.raises(DamagedInput, match=r"^dump\.bin: the file is corrupt \(CRC check failed"):
        read(file_of(tmp_path, bytes(data)))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DamagedInput, match=r"gone\.zst: cannot be opened \(.*No such file"):
        InputFile(str(tmp_path / "gone.zst"), "lines").open()


MIB = 1 << 20


@pytest.mark.parametrize("kind", ["zst", "gz", "bz2", "xz"])
def test_a_decompression_bomb_ends_at_the_limit_in_flat_memory(tmp_path: Path, kind: str) -> None:
    file = file_of(tmp_path, COMPRESSIONS[kind](bytes(MIB)) * 400)
    tracemalloc.start()
    try:
        with (
            file.open() as stream,
            pytest.raises(DamagedInput, match=r"^dump\.bin: .* compressed bytes grew to more than .* bomb\?\)$"),
        ):
            deque(iter(partial(stream.read, MIB), b""), maxlen=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert inputs.FREE_EXPANSION < file.meter.text_bytes <= inputs.FREE_EXPANSION + MIB
    assert peak < 32 * MIB


def test_a_large_file_that_expands_like_a_dump_is_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "FREE_EXPANSION", 1 << 10)
    assert read(file_of(tmp_path, gzip.compress(TEXT))) == TEXT


def test_the_limit_grows_with_the_compressed_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "FREE_EXPANSION", 1 << 10)
    monkeypatch.setattr(inputs, "MAX_EXPANSION", 2)
    with pytest.raises(DamagedInput, match="no dump expands 2 times"):
        read(file_of(tmp_path, gzip.compress(TEXT)))


def test_a_line_without_end_is_refused_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_LINE", 16 * MIB)
    file = file_of(tmp_path, b"short\n" + b"x" * (64 * MIB))
    found: list[bytes] = []
    tracemalloc.start()
    try:
        with pytest.raises(DamagedInput) as caught:
            found.extend(file.lines())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(caught.value) == "dump.bin: a line is longer than 16,777,216 bytes; is this a file of lines?"
    assert found == [b"short"]
    assert file.meter.text_bytes <= 18 * MIB
    assert peak < 24 * MIB


def test_a_line_as_long_as_the_limit_is_read(tmp_path: Path) -> None:
    line = b"x" * inputs.MAX_LINE
    file = file_of(tmp_path, line + b"\nnext\n")
    assert list(map(len, file.lines())) == [inputs.MAX_LINE, 4]


def test_records_are_the_lines_that_are_not_blank(tmp_path: Path) -> None:
    file = file_of(tmp_path, b"one\n\n  \t\ntwo\r\n\r\n\x00\nlast")
    assert list(file.lines()) == [b"one", b"", b"  \t", b"two\r", b"\r", b"\x00", b"last"]
    assert file.meter.records == 4


@settings(deadline=None, max_examples=60)
@given(
    st.one_of(st.binary(max_size=300), st.lists(st.sampled_from([b"\n", b"a", b" ", b"\r", b"bc\n"])).map(b"".join)),
    st.integers(8, 24),
    st.sampled_from(["plain", "zst", "gz", "bz2", "xz"]),
)
def test_lines_are_the_text_split_at_line_feeds_whatever_the_blocks(text: bytes, block: int, kind: str) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(inputs, "BLOCK", block)
        text = b"a" + text  # or it might begin with the magic of a compression
        file = file_of(Path(folder), COMPRESSIONS.get(kind, bytes)(text))
        found = list(file.lines())
    expected = text.split(b"\n")
    assert found == (expected if expected[-1] else expected[:-1])
    assert file.meter.records == sum(1 for line in found if line.strip())
    assert file.meter.text_bytes == len(text)


def test_reading_in_any_steps_meters_and_hashes_each_byte_once(tmp_path: Path) -> None:
    file = file_of(tmp_path, TEXT)
    with file.open_raw() as raw:
        assert raw.read(10) == TEXT[:10]
        raw.seek(5)
        assert raw.read(15) == TEXT[5:20]
        assert file.meter.raw_bytes == 20
        assert raw.tell() == 20
        raw.seek(0)
        while raw.read(777):
            pass
    assert file.meter.raw_bytes == len(TEXT)
    assert file.meter.sha256 == hashlib.sha256(TEXT).hexdigest()


def test_a_file_that_was_not_read_from_start_to_end_has_no_hash(tmp_path: Path) -> None:
    file = file_of(tmp_path, TEXT)
    with file.open_raw() as raw:
        raw.seek(100)
        raw.read()
        assert raw.read() == b""
    assert file.meter.sha256 is None


def test_damage_met_while_the_first_bytes_are_read_names_the_file() -> None:
    class Broken:
        readable = seekable = lambda self: True
        closed = False

        def readinto(self, buffer: bytearray) -> int:
            raise OSError("connection reset")

    with pytest.raises(DamagedInput, match=r"^far\.zst: the file is corrupt \(connection reset\)"):
        decompressed(Broken(), "far.zst", inputs.Meter())  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), RuntimeError("slow down")])
def test_a_storage_that_fails_is_not_a_corrupt_file(error: Exception) -> None:
    class Failing(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            raise error

    failing = cast("IO[bytes]", Failing())
    stream = cast("IO[bytes]", inputs.MeteredFile(failing, inputs.Meter(), "far.zst"))
    message = f"far.zst: the storage does not give the file, after 0 raw bytes ({error}); run the command again"
    with pytest.raises(UnreadableInput, match=f"^{re.escape(message)}$"):
        decompressed(stream, "far.zst", inputs.Meter())


@pytest.mark.parametrize(
    ("uri", "name", "parent"),
    [
        ("/data/reddit/RC_2012-01.zst", "RC_2012-01.zst", "reddit"),
        ("RC_2012-01.zst", "RC_2012-01.zst", ""),
        ("https://host/a/papers.gz?X-Signature=ab/cd%2F&e=1", "papers.gz", "a"),
        ("https://me:pass/word@host/papers.gz", "papers.gz", "host"),
        ("s3://bucket/key/x.warc.gz", "x.warc.gz", "key"),
        ("/data/why?.jsonl", "why?.jsonl", "data"),
        ("/data/beer.stackexchange.com/", "beer.stackexchange.com", "data"),
    ],
)
def test_names(uri: str, name: str, parent: str) -> None:
    file = InputFile(uri, "")
    assert (file.name, file.parent) == (name, parent)


def test_the_address_of_a_file_is_not_what_is_written_of_it() -> None:
    file = InputFile("https://me:SECRET@host/x.gz?id=1&token=SECRET", "lines")
    assert file.uri == "https://host/x.gz"
    assert file.address == "https://me:SECRET@host/x.gz?id=1&token=SECRET"
    assert "SECRET" not in f"{file!r} {file} {file.identity}"
    assert dataclasses.replace(file, form="other").address == file.address
    local = InputFile("/data/why?token=a.gz", "lines")
    assert (local.uri, local.address, local.query) == ("/data/why?token=a.gz", "/data/why?token=a.gz", "")


def test_files_are_told_apart_by_what_their_queries_mean() -> None:
    one, again, other = (
        InputFile(f"https://host/download?{query}", "lines") for query in ("id=1&token=a", "id=1&token=b", "id=2")
    )
    assert one == again
    assert one.identity == again.identity
    assert one != other
    assert one.identity != other.identity
