"""One input file: opening it, whatever its compression and place, and noticing when it is damaged.

Local files open here, http(s) addresses in :mod:`pipelines.http_files`, s3, gs and the rest of Arrow's stores in
:mod:`pipelines.objects`, what else smart-open knows through it. Compression is told by the first bytes, never by the
name. Every stream is metered: raw bytes read (progress), their SHA-256 (provenance), decompressed bytes (bomb limit).
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any, BinaryIO, cast

import smart_open

from ccpairs.addresses import STORES, hide_secrets, public_address, query_digest, scheme_of, secrets_in
from ccpairs.errors import DamagedInput, UnreadableInput
from ccpairs.local_files import is_address, local_path, open_regular
from ccpairs.object_stores import reason_of
from pipelines.http_files import HttpFile
from pipelines.http_requests import is_http
from pipelines.objects import open_object
from pipelines.zstd_window import WINDOW_LOG, long_window_reader

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FREE_EXPANSION = 1 << 28
MAX_EXPANSION = 400
"""A stream may grow to 256 MiB unasked; beyond that, to 400 times its compressed bytes (JSON dumps stay below 40)."""

MAX_LINE = 1 << 27
"""Longest line in bytes (128 MiB); a longer one means that the file is not made of lines."""

BLOCK = 1 << 20
STREAM_BLOCK = 1 << 16
HEAD = 18
"""First bytes of a file that tell its compression, and the window of a zstd frame."""

HEAD_BYTES = 4096
"""First bytes of a file that are kept to tell what it is."""

READ_ERRORS = (EOFError, OSError, zlib.error, lzma.LZMAError, zstd.ZstdError)


@dataclass
class Meter:
    """What has been read of one file so far."""

    raw_bytes: int = 0
    text_bytes: int = 0
    records: int | None = None
    """Records that the container held, counted apart from the outcomes of a reader; None where nothing counts them."""
    sha256: str | None = None
    head: bytes = b""
    """First bytes, decompressed where they could be: they tell what a file is that is not a dump."""


class MeteredFile(io.RawIOBase):
    """A seekable binary file that meters and hashes what is read from start to end."""

    def __init__(self, raw: IO[bytes], meter: Meter, name: str) -> None:
        self._raw, self._meter, self._name = raw, meter, name
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
        try:
            block = self._raw.read(-1 if size is None else size)
        except (DamagedInput, MemoryError):
            raise
        except Exception as error:  # every storage client has its own exceptions; none of them is the file's fault
            raise UnreadableInput(
                f"{self._name}: the storage does not give the file, after {self._position:,} raw bytes "
                f"({reason_of(error)}); run the command again"
            ) from error
        start, end = self._position, self._position + len(block)
        self._position = end
        if not self._hashed and not start:
            self._meter.head = block[:HEAD_BYTES]
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


class ConcatenatedStreams(io.RawIOBase):
    """The text of compressed streams that stand one after the other (bzip2, xz), padded with zeros or not.

    The standard library's readers take whatever follows a whole stream for the end of the file, so that a damaged
    second stream would pass unseen; here it raises what the decompressor raises.
    """

    def __init__(self, raw: IO[bytes], decompressor: Callable[[], Any]) -> None:
        self._raw, self._new = raw, decompressor
        self._current = decompressor()

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        limit = -1 if size is None else size
        while True:
            following = b""
            if self._current.eof:
                following = self._current.unused_data.lstrip(b"\0")
                while not following:
                    if not (following := self._raw.read(STREAM_BLOCK)):
                        return b""
                    following = following.lstrip(b"\0")
                self._current = self._new()
            elif self._current.needs_input and not (following := self._raw.read(STREAM_BLOCK)):
                raise EOFError("a compressed stream has no end")
            if block := self._current.decompress(following, limit):
                return bytes(block)

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
        count_text(block, self._name, self._meter)
        return block

    def readall(self) -> bytes:
        return self.read(-1)

    def close(self) -> None:
        self._stream.close()
        super().close()


def count_text(block: bytes, name: str, meter: Meter) -> None:
    """Count decompressed bytes and keep the first ones; raise ``DamagedInput`` where a decompression bomb begins."""
    if not meter.text_bytes:
        meter.head = block[:HEAD_BYTES]
    meter.text_bytes += len(block)
    if meter.text_bytes > FREE_EXPANSION and meter.text_bytes > MAX_EXPANSION * meter.raw_bytes:
        raise DamagedInput(
            f"{name}: {meter.raw_bytes:,} compressed bytes grew to more than {meter.text_bytes:,}; "
            f"stopped, as no dump expands {MAX_EXPANSION} times (a decompression bomb?)"
        )


def damaged(name: str, meter: Meter, error: BaseException) -> DamagedInput:
    """The one line for a file that cannot be read on, with the place and what to do."""
    cut = isinstance(error, EOFError)
    what = "ends too early (truncated)" if cut else f"is corrupt ({error})"
    return DamagedInput(f"{name}: the file {what}, after {meter.raw_bytes:,} raw bytes; fetch it again")


def decompressed(raw: IO[bytes], name: str, meter: Meter) -> BinaryIO:
    """Wrap a raw stream (positioned at its start) in the decompressor that its first bytes ask for."""
    buffered = io.BufferedReader(cast(io.RawIOBase, raw), buffer_size=BLOCK)
    try:
        magic = buffered.peek(HEAD)[:HEAD]
    except READ_ERRORS as error:
        raise damaged(name, meter, error) from error
    stream: IO[bytes]
    if magic[:4] == b"\x28\xb5\x2f\xfd" or (magic[1:4] == b"\x2a\x4d\x18" and 0x50 <= magic[0] <= 0x5F):
        options = {int(zstd.DecompressionParameter.window_log_max): WINDOW_LOG}
        stream = long_window_reader(buffered, magic) or cast(
            "IO[bytes]", zstd.ZstdFile(buffered, "rb", options=options)
        )
    elif magic[:2] == b"\x1f\x8b":
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=buffered, mode="rb"))
    elif magic[:3] == b"BZh":
        stream = cast("IO[bytes]", ConcatenatedStreams(buffered, bz2.BZ2Decompressor))
    elif magic[:6] == b"\xfd7zXZ\x00":
        stream = cast("IO[bytes]", ConcatenatedStreams(buffered, partial(lzma.LZMADecompressor, lzma.FORMAT_XZ)))
    else:
        stream = buffered
    return cast(BinaryIO, GuardedStream(stream, name, meter))


@dataclass(frozen=True)
class InputFile:
    """A file to read, or one byte range ``[begin, end)`` of it.

    ``size`` is in bytes and ``version`` is what changes when the file does (modification time, ETag); both None where
    unknown. ``form`` is one of the source's forms. ``problem`` says why a file cannot be read, if that is known
    before a run.

    ``uri`` is what may be written: made from an address with secrets, it keeps neither user info nor query, and
    ``query`` a hash of what the query says about which file is meant. ``address`` is what is opened. It stays in memory
    and never goes into a file, a message or a log.
    """

    uri: str
    form: str
    size: int | None = None
    version: str | None = None
    begin: int | None = None
    end: int | None = None
    limit: int | None = None
    problem: str | None = None
    query: str = ""
    address: str = field(default="", compare=False, repr=False)
    meter: Meter = field(default_factory=Meter, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.address:
            object.__setattr__(self, "address", self.uri)
            object.__setattr__(self, "query", query_digest(self.uri, has_version=self.version is not None))
            object.__setattr__(self, "uri", public_address(self.uri))

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells this file from all others, without secrets."""
        return self.uri, self.query, str(self.size), str(self.version)

    @property
    def name(self) -> str:
        return self._path().rsplit("/", 1)[-1]

    @property
    def parent(self) -> str:
        """Name of the folder that holds the file, or the empty string."""
        parts = self._path().rsplit("/", 2)
        return parts[-2] if len(parts) > 1 else ""

    def _path(self) -> str:
        return self.uri.rstrip("/")

    def open_raw(self) -> BinaryIO:
        """The bytes of the file as they are stored; seekable where its place allows it."""
        if self.problem is not None:
            raise DamagedInput(f"{self.uri}: {self.problem}")
        raw: IO[bytes]
        try:
            if "://" not in self.address:
                raw = open_regular(self.address)
            elif is_http(self.address):
                # The splits of a file must be of the same version; a file that is read in one go is whole as it is.
                raw = HttpFile(self.address, self.size, self.version if self.begin is not None else None)
            elif scheme_of(self.address) in STORES:
                raw = open_object(self.address)
            else:
                raw = smart_open.open(self.address, "rb", compression="disable")
        except Exception as error:  # every storage client has its own exceptions
            reason = hide_secrets(reason_of(error), secrets_in([self.address]))
            raise DamagedInput(f"{self.uri}: cannot be opened ({reason})") from error
        return cast(BinaryIO, MeteredFile(raw, self.meter, self.name))

    def check_unchanged(self) -> None:
        """Raise ``DamagedInput`` where a local file is not the one any more whose size and version were noted."""
        if "://" in self.uri or self.version is None:
            return
        try:
            status = os.stat(self.uri)
        except OSError as error:
            raise DamagedInput(f"{self.uri}: was removed while it was read ({error.strerror}); put it back") from None
        if (status.st_size, str(status.st_mtime_ns)) != (self.size, self.version):
            raise DamagedInput(
                f"{self.uri}: changed while it was read, from {self.size or 0:,} to {status.st_size:,} bytes; "
                "type the same command again when nothing writes to it"
            )

    def open(self) -> BinaryIO:
        """The decompressed bytes from the start; raises ``DamagedInput`` when truncated, corrupt or a bomb."""
        self.meter.text_bytes = 0
        return decompressed(self.open_raw(), self.name, self.meter)

    def lines(self) -> Iterator[bytes]:
        """Lines of the decompressed file without their line ends; blank ones too, so that counting gives line numbers.

        The meter counts the lines that are not blank: those are the records.
        """
        self.meter.records = 0
        pieces: list[bytes] = []  # of the line that the last block did not end; joined once, however long it gets
        length = 0
        with self.open() as stream:
            while block := stream.read(BLOCK):
                end = block.rfind(b"\n") + 1
                if end:
                    lines = b"".join([*pieces, block[: end - 1]]).split(b"\n")
                    # Counted before they are handed out: at the end of the file both counts must agree.
                    self.meter.records += len(lines) - lines.count(b"") - sum(map(bytes.isspace, lines))
                    yield from lines
                    pieces, length = [], 0
                pieces.append(block[end:])
                length += len(block) - end
                if length > MAX_LINE:
                    raise DamagedInput(
                        f"{self.name}: a line is longer than {MAX_LINE:,} bytes; is this a file of lines?"
                    )
        if rest := b"".join(pieces):
            self.meter.records += not rest.isspace()
            yield rest


def read_bytes(uri: str) -> bytes:
    """The decompressed content of a small file; raises ``DamagedInput``."""
    with InputFile(uri if is_address(uri) else local_path(uri), "").open() as stream:
        return stream.read(-1)
