"""One input file: opening it, whatever its compression and place, and noticing when it is damaged.

Files open through smart-open (local paths, http(s), s3, gs). Compression is told by the first bytes, never by the
name. Every stream is metered: raw bytes read (progress), their SHA-256 (provenance), decompressed bytes (bomb limit).
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO, cast

import smart_open

from ccpairs.errors import DamagedInput

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZSTD_WINDOW_LOG = 31
"""Reddit dumps are made with a 2 GiB window; zstd refuses it unless asked."""

FREE_EXPANSION = 1 << 28
MAX_EXPANSION = 400
"""A stream may grow to 256 MiB unasked; beyond that, to 400 times its compressed bytes (JSON dumps stay below 40)."""

MAX_LINE = 1 << 27
"""Longest line in bytes (128 MiB); a longer one means that the file is not made of lines."""

BLOCK = 1 << 20
READ_ERRORS = (EOFError, OSError, zlib.error, lzma.LZMAError, zstd.ZstdError)


@dataclass
class Meter:
    """What has been read of one file so far."""

    raw_bytes: int = 0
    text_bytes: int = 0
    records: int | None = None
    """Records that the container held, counted apart from the outcomes of a reader; None where nothing counts them."""
    sha256: str | None = None


class MeteredFile(io.RawIOBase):
    """A seekable binary file that meters and hashes what is read from start to end."""

    def __init__(self, raw: IO[bytes], meter: Meter) -> None:
        self._raw, self._meter = raw, meter
        self._hash = hashlib.sha256()
        self._hashed = 0
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._raw.seekable()

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = self._raw.seek(offset, whence)
        return self._position

    def readinto(self, buffer: Any) -> int:
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def read(self, size: int | None = -1) -> bytes:
        block = self._raw.read(-1 if size is None else size)
        start, end = self._position, self._position + len(block)
        self._position = end
        if start <= self._hashed < end:
            self._hash.update(memoryview(block)[self._hashed - start :])
            self._hashed = end
            self._meter.raw_bytes = end
        elif not block and size != 0 and self._hashed == start:
            self._meter.sha256 = self._hash.hexdigest()
        return block

    def readall(self) -> bytes:
        return self.read(-1)

    def close(self) -> None:
        self._raw.close()
        super().close()


class GuardedStream(io.RawIOBase):
    """A decompressed stream that ends a bomb at the limit and says what is wrong with a damaged file."""

    def __init__(self, stream: IO[bytes], name: str, meter: Meter) -> None:
        self._stream, self._name, self._meter = stream, name, meter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(BLOCK), b""))
        try:
            block = self._stream.read(size)
        except READ_ERRORS as error:
            raise damaged(self._name, self._meter, error) from error
        meter = self._meter
        meter.text_bytes += len(block)
        if meter.text_bytes > FREE_EXPANSION and meter.text_bytes > MAX_EXPANSION * meter.raw_bytes:
            raise DamagedInput(
                f"{self._name}: {meter.raw_bytes:,} compressed bytes grew to more than {meter.text_bytes:,}; "
                f"stopped, as no dump expands {MAX_EXPANSION} times (a decompression bomb?)"
            )
        return block

    def readall(self) -> bytes:
        return self.read(-1)

    def close(self) -> None:
        self._stream.close()
        super().close()


def damaged(name: str, meter: Meter, error: BaseException) -> DamagedInput:
    """The one line for a file that cannot be read on, with the place and what to do."""
    cut = isinstance(error, EOFError)
    what = "ends too early (truncated)" if cut else f"is corrupt ({error})"
    return DamagedInput(f"{name}: the file {what}, after {meter.raw_bytes:,} raw bytes; fetch it again")


def decompressed(raw: IO[bytes], name: str, meter: Meter) -> BinaryIO:
    """Wrap a raw stream (positioned at its start) in the decompressor that its first bytes ask for."""
    buffered = io.BufferedReader(cast(io.RawIOBase, raw), buffer_size=BLOCK)
    try:
        magic = buffered.peek(8)[:8]
    except READ_ERRORS as error:
        raise damaged(name, meter, error) from error
    stream: IO[bytes]
    if magic[:4] == b"\x28\xb5\x2f\xfd" or (magic[1:4] == b"\x2a\x4d\x18" and 0x50 <= magic[0] <= 0x5F):
        options = {zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
        stream = cast("IO[bytes]", zstd.ZstdFile(buffered, "rb", options=options))
    elif magic[:2] == b"\x1f\x8b":
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=buffered, mode="rb"))
    elif magic[:3] == b"BZh":
        stream = bz2.BZ2File(buffered, "rb")
    elif magic[:6] == b"\xfd7zXZ\x00":
        stream = lzma.LZMAFile(buffered, "rb")
    else:
        stream = buffered
    return cast(BinaryIO, GuardedStream(stream, name, meter))


@dataclass(frozen=True)
class InputFile:
    """A file to read, or one byte range ``[begin, end)`` of it.

    ``size`` is in bytes and ``version`` is what changes when the file does (modification time, ETag); both None where
    unknown. ``form`` is one of the source's forms.
    """

    uri: str
    form: str
    size: int | None = None
    version: str | None = None
    begin: int | None = None
    end: int | None = None
    limit: int | None = None
    meter: Meter = field(default_factory=Meter, compare=False, repr=False)

    @property
    def name(self) -> str:
        return self.uri.rstrip("/").rsplit("/", 1)[-1].split("?", 1)[0]

    @property
    def parent(self) -> str:
        """Name of the folder that holds the file, or the empty string."""
        parts = self.uri.rstrip("/").rsplit("/", 2)
        return parts[-2] if len(parts) > 1 else ""

    def open_raw(self) -> BinaryIO:
        """The bytes of the file as they are stored; seekable where its place allows it."""
        try:
            raw = open(self.uri, "rb") if "://" not in self.uri else smart_open.open(self.uri, "rb", compression="disable")
        except Exception as error:  # every storage client has its own exceptions
            raise DamagedInput(f"{self.uri}: cannot be opened ({error})") from error
        return cast(BinaryIO, MeteredFile(raw, self.meter))

    def open(self) -> BinaryIO:
        """The decompressed bytes from the start; raises ``DamagedInput`` when truncated, corrupt or a bomb."""
        return decompressed(self.open_raw(), self.name, self.meter)

    def lines(self) -> Iterator[bytes]:
        """Lines of the decompressed file without their line ends; blank ones too, so that counting gives line numbers.

        The meter counts the lines that are not blank: those are the records.
        """
        self.meter.records = 0
        rest = b""
        with self.open() as stream:
            while block := stream.read(BLOCK):
                lines = (rest + block).split(b"\n")
                rest = lines.pop()
                if len(rest) > MAX_LINE:
                    raise DamagedInput(f"{self.name}: a line is longer than {MAX_LINE:,} bytes; is this a file of lines?")
                # Counted before they are handed out: at the end of the file both counts must agree.
                self.meter.records += sum(map(_is_record, lines))
                yield from lines
        if rest:
            self.meter.records += _is_record(rest)
            yield rest


def _is_record(line: bytes) -> bool:
    return bool(line) and not line.isspace()
