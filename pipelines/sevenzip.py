"""Streaming members of a 7z archive: nothing is written to disk, memory stays flat at any size.

py7zr reads the archive's directory (the header at its end). The packed bytes are decoded here, block by block, for two
reasons: py7zr feeds its decoders faster than it drains them, and some of them ignore the limit on a block's output, so
one crafted megabyte could become gigabytes in memory. No more bytes are ever read from a folder than the directory
declares, so the directory alone tells a decompression bomb. PPMd is not read, because its decoder for Python can crash
the process.

Archives are often *solid*: to read a member, all members before it in its folder (7z's word for one compressed stream)
are decoded and dropped, and their checksums verified too. BZip2, which StackExchange uses, can be decoded from the
midst on: where the caller knows what stands at a member's beginning, what is before it is neither decoded nor verified.
"""

from __future__ import annotations

import bz2
import io
import lzma
import posixpath
import re
import zlib
from collections.abc import Callable, Collection, Iterator
from typing import Any, BinaryIO, Protocol, TypeAlias

import py7zr
from py7zr.exceptions import PasswordRequired

from ccpairs.errors import DamagedInput, UnreadableInput, WrongSource
from pipelines.bzip2_blocks import UNFED, start_at_seam
from pipelines.inputs import FREE_EXPANSION, MAX_EXPANSION

MAGIC = b"7z\xbc\xaf\x27\x1c"

BLOCK = 1 << 21
"""Bytes read and decoded at a time."""

MAX_DICTIONARY = 1 << 30
"""Largest dictionary in bytes that an LZMA decoder may ask for."""

_SIGNATURE = 32
_BZIP2 = (b"\x04\x02\x02",)
_ENCRYPTION = b"\x06\xf1\x07\x01"


class _Decoder(Protocol):
    """What the decoders of ``bz2`` and ``lzma`` have in common; the others are brought to this shape."""

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Stored:
    needs_input = True

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return data


class _Deflate:
    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=-15)

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)


def _lzma1(properties: bytes, size: int) -> _Decoder:
    rest, lc = divmod(properties[0], 9)
    pb, lp = divmod(rest, 5)
    dictionary = int.from_bytes(properties[1:5], "little")
    return _raw_lzma({"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb}, dictionary, size)


def _lzma2(properties: bytes, size: int, *before: dict[str, int]) -> _Decoder:
    power = properties[0]
    return _raw_lzma({"id": lzma.FILTER_LZMA2}, (2 | (power & 1)) << (power // 2 + 11), size, *before)


def _raw_lzma(spec: dict[str, int], dictionary: int, size: int, *before: dict[str, int]) -> _Decoder:
    # A dictionary larger than the data is never used, and smaller than 4 KiB is not allowed.
    dictionary = max(min(dictionary, size), 4096)
    if dictionary > MAX_DICTIONARY:
        raise ValueError(f"it asks for a dictionary of {dictionary:,} bytes, more than {MAX_DICTIONARY:,}")
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[*before, {**spec, "dict_size": dictionary}])


_DECODERS: dict[tuple[bytes, ...], tuple[str, Callable[[bytes, int], _Decoder]]] = {
    (b"\x00",): ("Copy", lambda properties, size: _Stored()),
    (b"\x21",): ("LZMA2", _lzma2),
    # The filter for machine code, which some writers (py7zr) put into archives of text too.
    (b"\x21", b"\x03\x03\x01\x03"): ("LZMA2 + BCJ", lambda p, size: _lzma2(p, size, {"id": lzma.FILTER_X86})),
    (b"\x03\x01\x01",): ("LZMA", _lzma1),
    (b"\x04\x01\x08",): ("Deflate", lambda properties, size: _Deflate()),
    _BZIP2: ("BZip2", lambda properties, size: bz2.BZ2Decompressor()),
}
"""The 7z methods of a folder, outermost first -> name, and what makes a decoder of (properties, unpacked size)."""

_DECODE_ERRORS = (EOFError, OSError, ValueError, IndexError, MemoryError, zlib.error, lzma.LZMAError)


Seam: TypeAlias = Callable[[str, str], re.Pattern[bytes]]
"""(base name of a member, that of the next) -> what stands where they meet; group 1 is where the next one begins."""


def read_members(
    raw: BinaryIO, name: str, wanted: Collection[str], seam: Seam | None = None
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield (base name, blocks of bytes) of each wanted member, in the order of the archive.

    ``raw`` is the seekable archive, ``name`` stands in error messages, ``wanted`` are base names: where in the archive
    a member lies, and what tricks its path plays, does not matter. Blocks that the caller leaves unread are skipped.
    ``seam`` finds the first wanted member without decoding all before it; a wrong place shows in the member's checksum.
    Raises ``DamagedInput`` for an archive that is truncated, corrupt, encrypted, a decompression bomb, or packed by
    another method than BZip2, LZMA, LZMA2, Deflate and Copy.
    """
    for folder, position, packed, files in _directory(raw, name):
        names = [posixpath.basename(file.filename.replace("\\", "/")) for file in files]
        last = max((i for i, base in enumerate(names) if base in wanted), default=-1)
        if last < 0:
            continue
        total = sum(file.uncompressed for file in files[: last + 1])
        if total > FREE_EXPANSION and total > MAX_EXPANSION * packed:
            raise DamagedInput(
                f"{name}: {packed:,} compressed bytes are declared to hold {total:,}; "
                f"not read, as no dump expands {MAX_EXPANSION} times (a decompression bomb?)"
            )
        source = _Unpacked(raw, name, position, packed, folder)
        first = next(i for i, base in enumerate(names) if base in wanted)
        # Without a checksum of its own, a member is only known to be the right one when all before it was decoded.
        if seam and first and files[first].crc32 is not None:
            before = sum(file.uncompressed for file in files[:first])
            if source.skip(before, seam(names[first - 1], names[first])):
                files, names, last = files[first:], names[first:], last - first
        for file, base in zip(files[: last + 1], names, strict=False):
            blocks = source.member(file.filename, file.uncompressed, file.crc32)
            if base in wanted:
                yield base, blocks
            for _ in blocks:
                pass


def list_members(raw: BinaryIO, name: str) -> list[str]:
    """The names of all members of an archive; raises ``DamagedInput`` as ``read_members`` does."""
    raw.seek(0)
    return [file.filename for _, _, _, files in _directory(raw, name) for file in files]


def _directory(raw: BinaryIO, name: str) -> Iterator[tuple[Any, int, int, list[Any]]]:
    """(folder, position, packed bytes, its files) for every folder; the folder of files without content is None."""
    try:
        raw.seek(0)
    except io.UnsupportedOperation:
        message = f"{name}: a 7z archive must lie where it can be read from its end; copy it to a disk first"
        raise DamagedInput(message) from None
    if raw.read(len(MAGIC)) != MAGIC:
        raise WrongSource(f"{name}: is not a 7z archive; fetch it again, or give the right --source")
    raw.seek(0)
    try:
        archive: Any = py7zr.SevenZipFile(raw)
        files = list(archive.files)
        streams = archive.header.main_streams
        folders = streams.unpackinfo.folders if streams else []
        found = [(None, 0, 0, [file for file in files if file.emptystream])]
        stream, size = 0, raw.seek(0, io.SEEK_END)
        for folder in folders:
            position = _SIGNATURE + streams.packinfo.packpos + streams.packinfo.packpositions[stream]
            packed = streams.packinfo.packsizes[stream]
            if position + packed > size:
                raise EOFError(f"it speaks of {position + packed:,} bytes, but the file has {size:,}")
            found.append((folder, position, packed, [file for file in files if file.folder is folder]))
            stream += len(folder.packed_indices)
    except PasswordRequired as error:
        raise _encrypted(name) from error
    except UnreadableInput:
        raise
    except Exception as error:  # whatever a damaged directory makes py7zr stumble over
        raise DamagedInput(f"{name}: the archive's directory cannot be read ({error}); fetch the file again") from error
    yield from found


def _encrypted(name: str) -> DamagedInput:
    return DamagedInput(f"{name}: the archive is encrypted; unpack it with its password and give the .xml files")


class _Unpacked:
    """The decoded bytes of one folder, cut into its members."""

    def __init__(self, raw: BinaryIO, name: str, position: int, packed: int, folder: Any) -> None:
        self._raw, self._name, self._position, self._left = raw, name, position, packed
        self._rest = b""
        self._folder, self._advice = folder, ""
        self._decoder = self._decoder_of(folder) if folder is not None else _Stored()

    def _decoder_of(self, folder: Any) -> _Decoder:
        methods = tuple(coder["method"] for coder in folder.coders)
        if _ENCRYPTION in methods:
            raise _encrypted(self._name)
        if methods not in _DECODERS:
            known = ", ".join(sorted(label for label, _ in _DECODERS.values()))
            found = " + ".join(method.hex() for method in methods)
            raise DamagedInput(
                f"{self._name}: packed by a method that is not read here (7z method {found}; known are {known}); "
                "unpack it and give the .xml files"
            )
        label, make = _DECODERS[methods]
        try:
            return make(folder.coders[0]["properties"] or b"", folder.unpacksizes[-1])
        except _DECODE_ERRORS as error:
            raise DamagedInput(f"{self._name}: its {label} data cannot be unpacked ({error})") from error

    def skip(self, before: int, seam: re.Pattern[bytes]) -> bool:
        """Go on where group 1 of ``seam`` begins, ``before`` bytes into the folder; False where that is not found."""
        if self._folder is None or tuple(coder["method"] for coder in self._folder.coders) != _BZIP2:
            return False
        try:
            total = self._folder.unpacksizes[-1]
            started = start_at_seam(self._raw, self._position, self._left, before, total, seam)
        except OSError:  # comes again in decoding, which names the member
            return False
        if started:
            self._decoder, self._rest = started.decoder, started.text
            self._position, self._left = self._position + started.fed, self._left - UNFED - started.fed
            # Somebody may have written what looks like the seam into a member before it.
            self._advice = "; if that does not help, unpack it and give the .xml files"
        return started is not None

    def member(self, filename: str, size: int, crc: int | None) -> Iterator[bytes]:
        """The next ``size`` bytes, which must have the checksum ``crc``."""
        seen = 0
        while size:
            if not self._rest:
                self._rest = self._decode(filename)
            block, self._rest = self._rest[:size], self._rest[size:]
            size -= len(block)
            seen = zlib.crc32(block, seen)
            if not size and crc is not None and seen != crc:
                advice = "fetch the file again" + self._advice
                raise DamagedInput(f"{self._name}: the checksum of {filename!r} is wrong; {advice}")
            yield block

    def _decode(self, filename: str) -> bytes:
        try:
            while True:
                packed = b""
                if self._decoder.needs_input and self._left:
                    if self._raw.tell() != self._position:
                        self._raw.seek(self._position)
                    packed = self._raw.read(min(BLOCK, self._left))
                    if not packed:
                        raise EOFError("the file is too short")
                    self._position += len(packed)
                    self._left -= len(packed)
                block = self._decoder.decompress(packed, BLOCK)
                if block:
                    return block
                if not packed and not (self._decoder.needs_input and self._left):
                    raise EOFError("the packed bytes end too early")
        except _DECODE_ERRORS as error:
            raise DamagedInput(f"{self._name}: {filename!r} cannot be unpacked ({error}); fetch it again") from error
