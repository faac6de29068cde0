"""Inputs in object stores (s3, gs, …): listed and read through Arrow's file systems, as outputs are written."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from pyarrow import fs as arrow_fs

from ccpairs.addresses import public_address
from ccpairs.errors import UnreadableInput
from ccpairs.object_stores import address_in, locate_object

REQUEST_BYTES = 8 << 20
"""Bytes that a request brings: it takes some ten milliseconds whatever it brings."""


def find_objects(address: str) -> tuple[list[tuple[str, arrow_fs.FileInfo]], bool]:
    """The objects that an address names, a folder or a pattern holds, sorted; and whether it named the object itself.

    Each comes as its address and what Arrow says about it. A name that is there goes before the pattern that it may
    look like. In a folder, names that begin with a dot and the empty objects that stand for folders are left out.
    Raises ``OSError`` where the store does not answer.
    """
    system, path = locate_object(address)
    name = public_address(address).partition("://")[2].partition("/")[2]
    root = path[: len(path) - len(name.rstrip("/"))].rstrip("/")
    this = _info(system, path)
    named = this.type == arrow_fs.FileType.File and not name.endswith("/")
    if named:
        found = [this]
    elif this.type == arrow_fs.FileType.NotFound and is_pattern(name):
        found = list(_matches(system, root, name.rstrip("/").split("/")))
    else:
        found = [info for info in _list(system, path, recursive=True) if not info.base_name.startswith(".")]
    if not found and root and system.get_file_info(root).type == arrow_fs.FileType.NotFound:
        raise FileNotFoundError("no such bucket; check its name")
    objects = {info.path: info for info in found if info.type == arrow_fs.FileType.File}
    return [(address_in(address, each[len(root) + 1 :]), info) for each, info in sorted(objects.items())], named


def is_pattern(name: str) -> bool:
    return any(character in name for character in "*?[")


def _info(system: Any, path: str) -> arrow_fs.FileInfo:
    try:
        return system.get_file_info(path)
    except OSError:
        _list(system, path, recursive=False)  # raises an error that says more: an answer about one object has no text
        raise


def _list(system: Any, folder: str, *, recursive: bool) -> list[arrow_fs.FileInfo]:
    selector = arrow_fs.FileSelector(folder, allow_not_found=True, recursive=recursive)
    return cast("list[arrow_fs.FileInfo]", system.get_file_info(selector))


def _matches(system: Any, folder: str, parts: list[str]) -> Iterator[arrow_fs.FileInfo]:
    """What lies below a folder and matches a pattern, part by part, so that only what may match is listed."""
    part, *rest = parts
    if "**" in part:
        expression = _expression("/".join(parts))
        below = _list(system, folder, recursive=True)
        yield from (info for info in below if expression.match(info.path[len(folder) + 1 :]))
    elif not is_pattern(part):
        inside = f"{folder}/{part}"
        yield from _matches(system, inside, rest) if rest else [system.get_file_info(inside)]
    else:
        expression = _expression(part)
        matching = [info for info in _list(system, folder, recursive=False) if expression.match(info.base_name)]
        if not rest:
            yield from matching
        for info in matching if rest else ():
            if info.type == arrow_fs.FileType.Directory:
                yield from _matches(system, info.path, rest)


def _expression(pattern: str) -> re.Pattern[str]:
    from apache_beam.io.filesystem import FileSystem

    return re.compile(FileSystem.translate_pattern(pattern))  # the rules of local patterns


def open_object(address: str) -> BinaryIO:
    """The bytes of an object, seekable. Raises ``OSError``."""
    system, path = locate_object(address)
    return cast(BinaryIO, io.BufferedReader(_Object(system, path), REQUEST_BYTES))


class _Object(io.RawIOBase):
    """An object, of which every request must bring bytes of the same version."""

    def __init__(self, system: Any, path: str) -> None:
        self._system, self._path = system, path
        self._version = system.get_file_info(path).mtime_ns
        self._file = system.open_input_file(path)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        count = int(self._file.readinto(buffer))
        if not count and self._system.get_file_info(self._path).mtime_ns != self._version:
            raise UnreadableInput(f"{self._path.rpartition('/')[2]}: changed while it was read; run the command again")
        return count

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
