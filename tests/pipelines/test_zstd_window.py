from __future__ import annotations

import io
import os
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import zstd_window
from pipelines.inputs import InputFile, Meter, decompressed
from pipelines.zstd_window import long_window_reader, memory_needed

MAGIC = b"\x28\xb5\x2f\xfd"
TWO_GIB = MAGIC + b"\x00\xa8"  # no sizes, no checksum; window descriptor 21 << 3: 2^(10 + 21)
TEXT = b"".join(b"line %d: the sea is %d m deep\n" % (number, number * number) for number in range(2000))


def frame(text: bytes, window_log: int = 31, **more: int) -> bytes:
    """A frame with a checksum that does not say how long its content is."""
    parameters = {"window_log": window_log, "checksum_flag": 1, **more}
    packed = io.BytesIO()
    options = {int(getattr(zstd.CompressionParameter, name)): value for name, value in parameters.items()}
    with zstd.ZstdFile(packed, "wb", options=options) as file:
        file.write(text)
    return packed.getvalue()


def zeros(blocks: int) -> bytes:
    """A frame of so many blocks of 128 KiB, run-length encoded, with a 2 GiB window."""
    run, last = ((1 << 20 | 1 << 1 | bit).to_bytes(3, "little") + b"\0" for bit in (0, 1))
    return TWO_GIB + run * (blocks - 1) + last


def reader(data: bytes) -> io.BufferedReader[zstd_window.LongWindowReader] | None:
    return long_window_reader(io.BufferedReader(io.BytesIO(data)), data[:18])  # type: ignore[arg-type]


def in_memory(data: bytes) -> zstd.ZstdFile:
    return zstd.ZstdFile(io.BytesIO(data), options={zstd.DecompressionParameter.window_log_max: 31})


def outcome(data: bytes, step: int = -1) -> bytes | type[Exception]:
    """The text of the frames, or the type of what reading them raised."""
    file = reader(data)
    assert file is not None
    with file:
        try:
            return b"".join(iter(lambda: file.read(step), b""))
        except (EOFError, zstd.ZstdError) as error:
            return type(error)


def expected(data: bytes) -> bytes | type[Exception]:
    try:
        return in_memory(data).read()
    except (EOFError, zstd.ZstdError) as error:
        return type(error)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def mappings() -> int:
    """How many unlinked files this process has mapped."""
    return Path("/proc/self/maps").read_text(encoding="utf-8").count("(deleted)")


@pytest.mark.parametrize(
    ("head", "needed"),
    [
        (TWO_GIB, 1 << 31),
        (MAGIC + b"\x00\x88", 1 << 27),
        (MAGIC + b"\x00\x89", (1 << 27) + (1 << 24)),
        (MAGIC + b"\x20\x07", 7),
        (MAGIC + b"\x40\xa8\x01\x02", 0x201 + 256),
        (MAGIC + b"\x80\xa8\x00\x00\x00\x01", 1 << 24),
        (MAGIC + b"\xc2\xa8\xff\xff" + (1 << 40).to_bytes(8, "little"), 1 << 31),
        (MAGIC + b"\xe3\xff\xff\xff\xff" + (1 << 30).to_bytes(8, "little"), 1 << 30),
        (MAGIC + b"\xe3\xff\xff\xff\xff", 0),
        (MAGIC, 0),
        (b"", 0),
        (b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd", 0),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", 0),
    ],
)
def test_memory_that_a_frame_needs(head: bytes, needed: int) -> None:
    assert memory_needed(head) == needed


def test_a_frame_that_needs_little_is_not_for_this_reader() -> None:
    assert reader(frame(TEXT, 27)) is None


needs_libzstd = pytest.mark.skipif(reader(TWO_GIB) is None, reason="no libzstd.so.1, or no disk to decode on")


@needs_libzstd
def test_the_text_of_a_long_window() -> None:
    assert outcome(frame(TEXT)) == TEXT


@needs_libzstd
@pytest.mark.parametrize(
    "following",
    [
        frame(TEXT),
        frame(TEXT, 10),
        zstd.compress(TEXT),
        b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + frame(TEXT),
        frame(b"") + frame(TEXT) + b"\x5f\x2a\x4d\x18\x00\x00\x00\x00",
    ],
    ids=["long", "short", "one segment", "skippable", "empty"],
)
def test_frames_one_after_the_other(following: bytes) -> None:
    assert outcome(frame(TEXT) + following) == TEXT + TEXT


@needs_libzstd
def test_references_to_what_has_left_the_memory() -> None:
    first = random.Random(0).randbytes(zstd_window.RESIDENT * 5 // 4)
    packed = frame(first + first, 28, compression_level=1, enable_long_distance_matching=1, ldm_hash_log=20)
    assert len(packed) < 1.01 * len(first)
    assert outcome(packed, 1 << 20) == first + first


@needs_libzstd
def test_memory_stays_flat() -> None:
    file = reader(zeros(8 * 300))
    assert file is not None
    size, most, before = 0, 0, resident()
    with file:
        while block := file.read(1 << 20):
            size, most = size + len(block), max(most, resident() - before)
    assert size == 300 << 20
    assert most < 2 * zstd_window.RESIDENT


@needs_libzstd
@pytest.mark.parametrize("end", [*range(6, 30), -5, -4, -1])
def test_a_truncated_frame(end: int) -> None:
    assert outcome(frame(TEXT)[:end]) is EOFError
    assert outcome(frame(TEXT) + frame(TEXT)[:end]) is EOFError


@needs_libzstd
def test_all_whole_blocks_of_a_truncated_frame_are_read() -> None:
    file = reader(zeros(2)[:-4])
    assert file is not None
    with file.detach() as stream:
        steps = [stream.readinto(bytearray(1 << 16)) for _ in range(2)]
        with pytest.raises(EOFError):
            stream.readinto(bytearray(1))
    assert steps == [1 << 16, 1 << 16]


@needs_libzstd
@pytest.mark.parametrize(
    ("at", "problem"),
    [(-1, "Restored data doesn't match checksum"), (-400, "."), (5, "Frame requires too much memory for decoding")],
)
def test_a_corrupt_frame_raises_what_decoding_in_memory_raises(at: int, problem: str) -> None:
    data = bytearray(frame(TEXT))
    data[at] ^= 0x5A
    for file in (in_memory(frame(TEXT) + data), reader(frame(TEXT) + data)):
        assert file is not None
        with pytest.raises(zstd.ZstdError, match=f"Unable to decompress Zstandard data: .*{problem}"):
            file.read()


@needs_libzstd
def test_after_an_error_nothing_more_is_decoded() -> None:
    file = reader(frame(TEXT) + b"<html>")
    assert file is not None
    for _ in range(3):
        with pytest.raises(zstd.ZstdError, match="Unknown frame descriptor"):
            file.read()


PIECES = [
    frame(TEXT[:5000]),
    frame(TEXT[:5000], 20),
    frame(b""),
    # All with checksums: what a damaged frame without one decodes to differs from version to version.
    zstd.compress(TEXT, options={int(zstd.CompressionParameter.checksum_flag): 1}),
    zstd.compress(b""),
    b"\x53\x2a\x4d\x18\x03\x00\x00\x00abc",
    zeros(3),
    frame(random.Random(1).randbytes(200_000), 27),
]


@needs_libzstd
@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(PIECES), max_size=5),
    st.sampled_from([1000, 65_536, 131_072, 1 << 20]),
    st.floats(0, 1),
    st.sampled_from(["whole", "cut", "flipped"]),
)
def test_any_frames_give_what_decoding_in_memory_gives(
    pieces: list[bytes], step: int, share: float, damage: str
) -> None:
    data = bytearray(frame(TEXT[:3000]) + b"".join(pieces))
    at = 18 + int(share * (len(data) - 19))
    if damage == "cut":
        del data[at:]
    elif damage == "flipped":
        data[at] ^= 1 << at % 8
    assert outcome(bytes(data), step) == expected(bytes(data))


@needs_libzstd
@pytest.mark.parametrize("closed", [True, False])
def test_the_file_is_gone_when_the_reader_is_closed_or_forgotten(closed: bool) -> None:
    before = mappings()
    file = reader(frame(TEXT))
    assert file is not None
    assert file.read(10) == TEXT[:10]
    assert mappings() == before + 1
    if closed:
        file.close()
        with pytest.raises(ValueError, match="closed"):
            file.read(10)
    del file
    assert mappings() == before


@needs_libzstd
def test_a_forked_process_cannot_spoil_the_window() -> None:
    program = f"""
import io, os, sys
from pipelines.zstd_window import long_window_reader
data = {frame(TEXT)!r}
file = long_window_reader(io.BufferedReader(io.BytesIO(data)), data[:18]).detach()
text = file.read(10)
if not (child := os.fork()):
    try:
        file.read(10)
    except ValueError:
        os._exit(7)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(text + file.read()))
"""
    root = Path(zstd_window.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["7", str(len(TEXT))]


def read_by_inputs(data: bytes) -> bytes:
    with decompressed(io.BytesIO(data), "dump", Meter()) as file:
        return file.read()


def test_without_libzstd_the_window_is_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise OSError("libzstd.so.1: cannot open shared object file")

    monkeypatch.setattr(zstd_window, "_libraries", missing)
    assert reader(frame(TEXT)) is None
    assert read_by_inputs(frame(TEXT)) == TEXT


@needs_libzstd
def test_without_room_for_the_file_the_window_is_kept_in_memory() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, hard))
    try:
        assert reader(frame(TEXT)) is None
        assert read_by_inputs(frame(TEXT)) == TEXT
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert reader(frame(TEXT)) is not None


@pytest.mark.skipif(not os.path.ismount("/dev/shm"), reason="no /dev/shm")
def test_a_file_system_that_is_memory_is_known() -> None:
    with tempfile.TemporaryFile(dir="/dev/shm") as file:
        assert zstd_window._in_memory(file.fileno())


@needs_libzstd
def test_real_dumps(real_data: Path) -> None:
    for path in sorted((real_data / "reddit").glob("*.zst")):
        with InputFile(str(path), "lines").open() as file:
            assert file.read() == in_memory(path.read_bytes()).read()
