"""Writing the containers of the dumps, such that equal content gives equal bytes at any time and place."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import py7zr
from py7zr.helpers import ArchiveTimestamp

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

WINDOW_LOG = 31
"""Reddit dumps are packed with ``zstd --long=31``."""

# The tables of the long-distance matcher grow with the window unless told otherwise; the texts here are small.
_LONG_WINDOW: dict[int, int] = {
    zstd.CompressionParameter.window_log: WINDOW_LOG,
    zstd.CompressionParameter.enable_long_distance_matching: 1,
    zstd.CompressionParameter.ldm_hash_log: 16,
    zstd.CompressionParameter.checksum_flag: 1,
}


def write_file(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def joined(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def gzipped(content: bytes) -> bytes:
    """One gzip member without a time."""
    return gzip.compress(content, compresslevel=6, mtime=0)


def long_window_zstd(content: bytes) -> bytes:
    """A zstd frame whose header asks for a window of 2 GiB, and which does not say how long the content is."""
    packed = io.BytesIO()
    with zstd.ZstdFile(packed, "wb", options=_LONG_WINDOW) as file:
        file.write(content)
    return packed.getvalue()


def multistream_bz2(streams: Iterable[bytes]) -> tuple[bytes, list[int]]:
    """bz2 streams one after the other, and where each of them begins."""
    packed, offsets = b"", []
    for content in streams:
        offsets.append(len(packed))
        packed += bz2.compress(content)
    return packed, offsets


def seven_zip(path: str, members: Mapping[str, bytes], written: datetime) -> None:
    """A solid 7z archive, packed with BZip2 as the StackExchange dumps are."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    stamp = ArchiveTimestamp.from_datetime(written.astimezone(UTC).timestamp())
    with py7zr.SevenZipFile(path, "w", filters=[{"id": py7zr.FILTER_BZIP2}]) as archive:
        for name, content in members.items():
            archive.writestr(content, name)
        files: list[dict[str, Any]] = archive.header.files_info.files
        for file in files:
            file.update(creationtime=stamp, lastwritetime=stamp, lastaccesstime=stamp)
