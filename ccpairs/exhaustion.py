"""Explain in one line that memory or disk space ran out, or that the system refuses to write a file.

Python, Arrow, NumPy, PyTorch and the libraries in Rust and C++ report this in different ways: by ``errno``, by a type,
or by text alone. An error in a worker process arrives as a ``RuntimeError`` whose text is the traceback of the
worker, so types are read from that text too.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ccpairs import errors
from ccpairs.errors import DamagedInput, UserError
from ccpairs.machine import available_memory, free_space, readable

OUT_OF_MEMORY = re.compile(
    r"std::bad_alloc|can(?:no|')t allocate memory|not enough memory|insufficient memory|out of memory"
    r"|unable to allocate|alloc of size \d+ failed|java\.lang\.OutOfMemoryError",
    re.IGNORECASE,
)
"""What libraries say where memory runs out: C++, torch, zstd, zlib, CUDA, NumPy, Arrow, Flink."""

WANTED = re.compile(r"(?:allocate|of size):? ([\d.]+) ?(bytes|[KMGTPE]i?B)?", re.IGNORECASE)
CUT_SHORT = re.compile(r"\d+ requested and \d+ written|unexpected pos \d+ vs \d+|PytorchStreamWriter failed writing")
"""What NumPy and torch say, without an ``errno``, where a file takes fewer bytes than they write."""

NUMBER = re.compile(r"\[errno (\d+)\]|\(os error (\d+)\)", re.IGNORECASE)
PATH = re.compile(r": '([^']+)'$")
TRACEBACK = "Traceback (most recent call last):\n"
STEP = re.compile(r" \[while running '.*?'\]", re.DOTALL)
"""What Beam appends to the message of an error in a step of its graph."""

NAMED = re.compile(r"(ccpairs\.errors\.\w+|(?:\w+\.)*\w*(?:Error|Exception))(?:: |$)")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
REFUSED = {errno.EROFS: "the file system is read-only", errno.EACCES: "permission denied",
           errno.EPERM: "permission denied"}  # fmt: skip
TOLD = {os.strerror(number): number for number in (*FULL, errno.EROFS)} | {"can't start new thread": errno.EAGAIN}
"""What stands for an ``errno`` in messages that do not give it."""
OTHER = {
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine",
    errno.EAGAIN: "no more processes or threads can be started, for memory or their number is used up (ulimit -v, -u)",
    errno.EIO: "the disk or its connection fails (input/output error)",
}


@dataclass(frozen=True)
class _Cause:
    """One error of a chain: the name of its type, its message, ``errno`` and path where they are known.

    ``is_nearby``: it is the error that was raised or its declared cause, not one that was being handled meanwhile.
    """

    name: str
    message: str
    number: int | None
    path: str | None
    is_nearby: bool = True

    @property
    def is_memory(self) -> bool:
        return (
            self.name.endswith(("MemoryError", "OutOfMemoryError"))
            or self.number == errno.ENOMEM
            or bool(OUT_OF_MEMORY.search(self.message))
        )

    @property
    def is_full(self) -> bool:
        return self.number in FULL or bool(CUT_SHORT.search(self.message))


def explain(error: BaseException, less_memory: str = "", path: str | None = None) -> str | None:
    """What ran out or was refused, how much is there, and what to do, in one line; None for any other error.

    ``less_memory`` says what the user can do where memory runs out, ``path`` what was written where the error does not.
    """
    for cause in _causes(error):
        if cause.is_memory:
            return _memory(cause.message, less_memory)
        if cause.is_full:
            return _full(cause, cause.path or path)
        if cause.is_nearby and cause.number in REFUSED:
            where = cause.path or path or "a file"
            return f"cannot write {where}: {REFUSED[cause.number]}; choose another folder, or allow it"
        if cause.is_nearby and cause.number in OTHER:
            return f"{cause.path + ': ' if cause.path else ''}{OTHER[cause.number]}"
    return None


def is_out_of_memory(error: BaseException) -> bool:
    return any(cause.is_memory for cause in _causes(error))


def memory_left() -> str:
    """``, 1.2 GB are free now``, or nothing where the system does not say."""
    free = available_memory()
    return "" if free is None else f", {readable(free)} are free now"


def name_full_file(error: OSError, path: str) -> None:
    """Say which file could not be written, where the error does not; Arrow's and NumPy's do not."""
    if error.errno is None and CUT_SHORT.search(str(error)):
        error.errno, error.strerror = errno.ENOSPC, os.strerror(errno.ENOSPC)
    if error.errno in FULL and error.filename is None:
        error.filename = path


@contextmanager
def unwrapped_errors() -> Iterator[None]:
    """Raise ``UserError`` and ``DamagedInput`` as they were raised, where Beam wraps them or makes text of them."""
    try:
        yield
    except Exception as error:
        if (own := _own_error(error)) is None:
            raise
        raise own from None


def _own_error(error: Exception) -> UserError | DamagedInput | None:
    if isinstance(error, UserError | DamagedInput):
        return type(error)(STEP.sub("", str(error)))
    name, message = _last_error(str(error)) if isinstance(error, RuntimeError) else ("", "")
    module, _, kind = name.rpartition(".")
    found = getattr(errors, kind, None) if module == errors.__name__ else None
    if not (isinstance(found, type) and issubclass(found, UserError | DamagedInput)):
        return None
    return found(message.splitlines()[0])


def _causes(error: BaseException | None) -> Iterator[_Cause]:
    is_nearby, seen = True, set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield _cause(error, is_nearby)
        is_nearby = is_nearby and error.__cause__ is not None
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _cause(error: BaseException, is_nearby: bool) -> _Cause:
    if isinstance(error, OSError) and error.errno is not None:
        path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
        return _Cause(type(error).__name__, str(error), error.errno, path, is_nearby)
    name = "MemoryError" if isinstance(error, MemoryError) else type(error).__name__
    message = str(error)
    if isinstance(error, RuntimeError):
        told, message = _last_error(message)
        name = told.rpartition(".")[2] or name
    found = NUMBER.search(message)
    number = int(found[1] or found[2]) if found else next((TOLD[told] for told in TOLD if told in message), None)
    path_found = PATH.search(message.rstrip())
    return _Cause(name, message, number, path_found[1] if path_found else None, is_nearby)


def _last_error(text: str) -> tuple[str, str]:
    """The dotted type and the message of the error that a text tells of: the last one of its last traceback.

    The lines of a traceback are indented; the first one that is not names the error. Beam names the error it wraps, so
    the name furthest in counts.
    """
    _, found, traceback = text.rpartition(TRACEBACK)
    if found:
        lines = traceback.splitlines()
        first = next((number for number, line in enumerate(lines) if line[:1].strip()), len(lines))
        text = "\n".join(lines[first:])
    text, name = STEP.sub("", text).strip(), ""
    while (named := NAMED.match(text)) and name in ("", "RuntimeError"):
        name, text = named[1], text[named.end() :]
    return name, text


def _memory(message: str, less_memory: str) -> str:
    wanted = WANTED.search(message)
    size = ""
    if wanted:
        unit = (wanted[2] or "bytes").lower()
        size = readable(int(float(wanted[1]))) if unit == "bytes" else f"{wanted[1]} {wanted[2]}"
    if "java.lang.OutOfMemoryError" in message:
        return "Flink's memory ran out; raise -Xmx in JAVA_TOOL_OPTIONS, or --parallelism (docs/engines.md)"
    if "CUDA" in message or "HIP" in message:
        line = f"the memory of the GPU ran out{f': it takes {size} more' if size else ''}"
    else:
        line = f"memory ran out{f': it takes {size} more' if size else ''}{memory_left()}"
    return f"{line}; {less_memory or 'end other programs, or use a machine with more memory'}"


def _full(cause: _Cause, path: str | None) -> str:
    where = path or "a file"
    if cause.number == errno.EFBIG:
        return f"{where} grows past the largest size that a file may have here; raise the limit (ulimit -f)"
    what = "the disk quota is used up" if cause.number == errno.EDQUOT else "the disk is full"
    temporary = tempfile.gettempdir()
    # Without a path it may be any of these.
    places = dict.fromkeys([path] if path else [os.curdir, temporary])
    spaces = [space for place in places if place and "://" not in place and (space := free_space(place))]
    free = " and ".join(f"{readable(size)} are free in {folder}" for folder, size in spaces)
    is_temporary = path is not None and os.path.abspath(path).startswith(os.path.join(temporary, "tmp"))
    cure = "make room, or name another folder in TMPDIR" if is_temporary else "make room"
    return f"cannot write {where}: {what}{f' ({free})' if free else ''}; {cure}"
