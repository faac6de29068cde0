"""Compressed files of independent members (gzip) or frames (zstd), such as web archives, read member by member.

A damaged member does not cost the file: :meth:`Members.skip_damage` finds the next member, so that a reader can count
the damaged one and go on.
"""

from __future__ import annotations

import io
import sys
import zlib
from collections.abc import Callable
from typing import IO, Any

from ccpairs.errors import DamagedInput
from pipelines.inputs import READ_ERRORS, Meter, count_text, damaged
from pipelines.zstd_window import LONG, memory_needed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP_MAGIC = b"\x1f\x8b\x08"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
BLOCK_BYTES = 1 << 18
KEPT_BYTES = 4 << 20
"""Compressed bytes of the current member that are kept, so that a search for the next member can start inside it."""
CODEC_ERRORS = (zlib.error, zstd.ZstdError)


class DamagedMember(Exception):
    """A member cannot be decompressed, or its checksum is wrong; the next member may be readable."""


class _Gzip:
    """A decompressor of one gzip member, in the shape of ``bz2.BZ2Decompressor``."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)


def zstd_dictionary(frame: bytes) -> Any:
    """Read the dictionary in the first frame of a ``.warc.zst`` file, which may itself be zstd-compressed.

    The layout is IIPC's proposal "Zstandard in WARC": a skippable frame 0x184D2A5D before the frames that need it.
    """
    try:
        return zstd.ZstdDict(zstd.decompress(frame) if frame.startswith(ZSTD_MAGIC) else frame)
    except ValueError as error:
        raise zstd.ZstdError(f"its dictionary is damaged: {error}") from None


class Members:
    """The text of one member at a time.

    ``read`` gives b"" at the end of a member, and ``open_next`` goes to the next one. A file that ends inside a member
    raises ``DamagedInput`` (truncated), a damaged member raises ``DamagedMember``.
    """

    def __init__(self, raw: IO[bytes], name: str, meter: Meter, magic: bytes, new: Callable[[], Any]) -> None:
        self._raw, self._name, self._meter, self._magic, self._new = raw, name, meter, magic, new
        self._decoder: Any = None
        self._kept = bytearray()
        """Raw bytes from ``_kept_from`` on that were given to the decoder or are still to be given."""
        self._kept_from = 0
        self._given = 0
        """How many of the kept bytes the decoder has been given."""
        self.offset = 0
        """Where the current member begins, in bytes of the file."""

    def open_next(self) -> bool:
        """Go to the next member; False at the end of the file, which zeros may pad.

        Zeros before another member are a hole: ``DamagedMember``.
        """
        if self._decoder is not None:
            unused = len(self._decoder.unused_data)
            self._drop(self._given - unused)
        start = self._kept_from
        while True:
            zeros = len(self._kept) - len(self._kept.lstrip(b"\0"))
            if zeros < len(self._kept):
                break
            self._drop(zeros)
            if not self._fill():
                return False
        self._drop(zeros)
        if self._kept_from > start:
            self.offset = start
            self._kept[:0] = b"\0"  # the search for the next member begins after a byte of the damage
            self._kept_from -= 1
            raise DamagedMember("zeros where a member should begin")
        self._begin()
        return True

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes of the current member; b"" at its end."""
        decoder = self._decoder
        try:
            while not decoder.eof:
                data = b""
                if decoder.needs_input:
                    if self._given == len(self._kept) and not self._fill():
                        raise damaged(self._name, self._meter, EOFError())
                    data = bytes(self._kept[self._given :])
                    self._given = len(self._kept)
                    self._forget()
                if block := decoder.decompress(data, size):
                    count_text(block, self._name, self._meter)
                    return bytes(block)
        except CODEC_ERRORS as error:
            if "Dictionary mismatch" in str(error):
                raise DamagedInput(
                    f"{self._name}: needs a zstd dictionary that it does not hold; download the archive's own file, "
                    "which begins with it"
                ) from None
            raise DamagedMember(str(error)) from None
        return b""

    def skip_damage(self) -> bool:
        """Go to the next member after a damaged one; False where the file holds no further member."""
        self._drop(1)
        while True:
            at = self._kept.find(self._magic)
            if at < 0:
                self._drop(max(len(self._kept) - len(self._magic) + 1, 0))
                if not self._fill():
                    return False
                continue
            self._drop(at)
            if self._begins_record():
                self._begin()
                return True
            self._drop(1)

    def _begins_record(self) -> bool:
        """Whether a member that begins with the kept bytes holds text: magic bytes occur by chance, too."""
        while len(self._kept) < BLOCK_BYTES and self._fill():
            pass
        try:
            return bool(self._new().decompress(bytes(self._kept[:BLOCK_BYTES]), 64))
        except CODEC_ERRORS:
            return False

    def _begin(self) -> None:
        self._decoder, self._given, self.offset = self._new(), 0, self._kept_from

    def _fill(self) -> bool:
        try:
            block = self._raw.read(BLOCK_BYTES)
        except READ_ERRORS as error:
            raise damaged(self._name, self._meter, error) from error
        self._kept += block
        return bool(block)

    def _drop(self, size: int) -> None:
        del self._kept[:size]
        self._kept_from += size
        self._given = max(self._given - size, 0)

    def _forget(self) -> None:
        if len(self._kept) > KEPT_BYTES:
            self._drop(len(self._kept) - KEPT_BYTES // 2)


def zstd_decompressor(dictionary: Any = None) -> Callable[[], Any]:
    """Make decompressors of single zstd frames."""
    return lambda: zstd.ZstdDecompressor(zstd_dict=dictionary)


def gzip_decompressor() -> Any:
    return _Gzip()


def open_members(raw: IO[bytes], name: str, meter: Meter) -> Members | None:
    """The members of a gzip or zstd file; None where the file is neither, or needs a long window.

    ``raw`` is a buffered, peekable stream.
    """
    buffered = raw
    assert isinstance(buffered, io.BufferedReader)
    try:
        head = buffered.peek(64)
        magic = head[:8]
        if magic.startswith(GZIP_MAGIC):
            return Members(buffered, name, meter, GZIP_MAGIC, gzip_decompressor)
        if magic.startswith(ZSTD_MAGIC) and memory_needed(head) <= LONG:
            return Members(buffered, name, meter, ZSTD_MAGIC, zstd_decompressor())
        if magic[1:4] == b"\x2a\x4d\x18" and magic[0] == 0x5D:
            size = int.from_bytes(buffered.read(8)[4:], "little")
            frame = buffered.read(size)
            if len(frame) < size:
                raise EOFError
            return Members(buffered, name, meter, ZSTD_MAGIC, zstd_decompressor(zstd_dictionary(frame)))
    except READ_ERRORS as error:
        raise damaged(name, meter, error) from error
    return None
