"""Local files: what a path names, folders through symbolic links, globs, and opening without waiting.

A folder is entered once, however many links lead to it, so loops of links end.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from urllib.parse import unquote

from ccpairs.errors import UserError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/|://")
_MAGIC = re.compile(r"[*?[]")
_NOT_SHOWN = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories of characters that would break a line, or that no stream takes."""
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def is_address(uri: str) -> bool:
    """Does a name lead away from the local file system (``s3://…``, ``https://…``, mistyped ``s3:/…``)?"""
    return _SCHEME.match(uri) is not None and not uri.startswith("file:")


def local_path(uri: str) -> str:
    """The absolute path of a local name or ``file:`` address, without ``~``, ``//`` and ``..``; links stay.

    Raises ``UserError`` for a ``file:`` address of another host.
    """
    path = os.path.expanduser(_path_of_address(uri) if uri.startswith("file:/") else uri)
    parts = path.split("/")
    if ".." in parts:  # the parent of what a link leads to, as the system understands it
        last = len(parts) - parts[::-1].index("..")
        path = os.path.join(os.path.realpath("/".join(parts[:last])), *parts[last:])
    return "/" + os.path.abspath(path).lstrip("/")


def _path_of_address(uri: str) -> str:
    rest = uri.removeprefix("file:")
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        if host not in ("", "localhost"):
            raise UserError(f"{uri}: names a file on the host {host!r}; write file:///PATH with three slashes")
        rest = slash + rest
    return unquote(rest, errors="surrogateescape")


def is_text(path: str) -> bool:
    """Is a path UTF-8? Python holds the bytes of others as lone surrogates, which no text file takes."""
    return not any(map(_is_surrogate, path))


def as_text(path: str) -> str:
    """The path with every byte that is not UTF-8 written as ``\\xff``."""
    return "".join(_escaped(each) if _is_surrogate(each) else each for each in path)


def one_line(text: str) -> str:
    """The text with line ends, control characters and bytes that are not UTF-8 escaped, for a message."""
    return "".join(_escaped(each) if unicodedata.category(each) in _NOT_SHOWN else each for each in text)


def _is_surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte of a file name
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


@dataclass(frozen=True)
class LocalFile:
    """A file on its path. ``problem``: why it cannot be read, where that is known before it is opened."""

    path: str
    size: int = 0
    version: str | None = None
    problem: str | None = None


def look_at(path: str) -> LocalFile:
    """Size and modification time of a file. Raises ``OSError`` where there is none."""
    try:
        status = os.stat(path)
    except OSError as error:
        if error.errno in _NOT_THERE:
            raise
        return LocalFile(path, problem=f"cannot be read ({error.strerror}); make it readable, or remove it")
    if not is_text(path):
        return LocalFile(path, problem="the name is not UTF-8; rename the file or its folder")
    if kind := _kind_of(status.st_mode):
        return LocalFile(path, problem=f"is {kind}, not a regular file; write its content to a file")
    return LocalFile(path, status.st_size, str(status.st_mtime_ns))


def _kind_of(mode: int) -> str | None:
    """What it is that is not a regular file; None for a regular one."""
    if stat.S_ISREG(mode):
        return None
    return next((name for test, name in _KINDS if test(mode)), "special")


def open_regular(path: str) -> BufferedReader:
    """Open a regular file for reading. Raises ``OSError`` for anything else, where opening could wait for ever."""

    def opener(name: str, flags: int) -> int:
        _refuse_special(name, os.stat(name).st_mode)  # opening a device may already do something
        descriptor = os.open(name, flags | os.O_NONBLOCK)
        try:
            _refuse_special(name, os.fstat(descriptor).st_mode)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    return open(path, "rb", opener=opener)


def _refuse_special(name: str, mode: int) -> None:
    if kind := _kind_of(mode):
        raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", name)


PassesOver = Callable[[str], bool]


@dataclass
class FolderWalk:
    """The files in a folder and below it; ``passes_over`` is asked about the real path of each folder and link.

    After ``files()`` has ended, ``dangling`` holds the links that lead nowhere.
    """

    folder: str
    passes_over: PassesOver = lambda _: False
    dangling: list[str] = field(default_factory=list)

    def files(self) -> Iterator[LocalFile]:
        """All files that are not hidden, and folders that cannot be listed, with a problem and a ``/`` at the end."""
        for folder, entries in _folders_below(self.folder, self.passes_over):
            if isinstance(entries, OSError):
                reason = f"the folder cannot be listed ({entries.strerror}); make it readable, or remove it"
                yield LocalFile(f"{folder}/", problem=reason)
                continue
            for entry in entries:
                if not entry.name.startswith(".") and not _is_folder(entry):
                    yield from self._file(entry)

    def _file(self, entry: os.DirEntry[str]) -> Iterator[LocalFile]:
        if entry.is_symlink() and self.passes_over(os.path.realpath(entry.path)):
            return
        try:
            yield look_at(entry.path)
        except OSError:  # a link that leads nowhere or in a circle, or a file that has just gone
            self.dangling.append(entry.path)


def _folders_below(
    folder: str, passes_over: PassesOver = lambda _: False
) -> Iterator[tuple[str, list[os.DirEntry[str]] | OSError]]:
    """A folder and all folders below it, each once, with its entries sorted by name, or why it has none.

    Links are followed after everything else, so that a folder is reached by its own path where there is one.
    """
    entered: set[object] = set()
    waiting, links = [folder], deque[str]()
    while waiting or links:
        path = waiting.pop() if waiting else links.popleft()
        try:
            status = os.stat(path)
            real = os.path.realpath(path)
            identity = (status.st_dev, status.st_ino) if status.st_ino else real
            if identity in entered or passes_over(real):
                continue
            entered.add(identity)
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield path, error
            continue
        yield path, entries
        for entry in entries:
            if _is_folder(entry):
                (links if entry.is_symlink() else waiting).append(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def has_magic(path: str) -> bool:
    return _MAGIC.search(path) is not None


def expand_glob(pattern: str) -> tuple[list[str], list[str]]:
    """The sorted paths that match an absolute pattern: ``*``, ``?``, ``[…]`` inside a name, ``**`` for any folders.

    Names that begin with a dot match where the pattern's part does too. A part that exists as it is written is taken
    so. The second list holds the folders that cannot be looked into.
    """
    found, closed = [""], set[str]()
    parts = pattern.strip("/").split("/")
    for number, part in enumerate(parts, 1):
        if "**" in part:
            below = {base: list(_folders_below(base or "/")) for base in found}
            closed |= {path for each in below.values() for path, entries in each if isinstance(entries, OSError)}
            found = sorted({path.rstrip("/") for each in below.values() for path, _ in each} - closed)
            part = part.replace("**", "*")
            if part == "*" and number < len(parts):
                continue  # the folders themselves, at any depth
        found = [path for base in found for path in _matches(base, part, closed)]
    return sorted(set(found)), sorted(closed)


def _matches(folder: str, part: str, closed: set[str]) -> list[str]:
    """The paths in a folder that match one part of a pattern; the folder joins ``closed`` if it cannot be read."""
    try:
        if os.path.lexists(f"{folder}/{part}"):
            return [f"{folder}/{part}"]
        names = os.listdir(folder or "/") if has_magic(part) else []
        os.stat(f"{folder}/.")  # may a name in it be looked up?
    except OSError as error:
        if error.errno not in _NOT_THERE:
            closed.add(folder)
        return []
    hidden = part.startswith(".")
    return [f"{folder}/{n}" for n in names if fnmatch.fnmatchcase(n, part) and (hidden or not n.startswith("."))]
