"""The folder that a command writes: its address, who writes it now, and which files in it are ours to replace.

``OUTPUT/_ccpairs`` marks a local output as ours. It is locked while a command runs; the lock belongs to that one
process and ends with it, however it ends. Object stores have neither.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
import re
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.interruption import temporary
from ccpairs.local_files import is_address, is_text, local_path, one_line
from ccpairs.manifest import MANIFEST_NAME
from ccpairs.object_stores import reason_of
from ccpairs.version import __version__

MARKER = "_ccpairs"
SAMPLE_DUMPS = "sample-dumps"
WORK = "_work"
OUR_FOLDERS = ("candidates", "rejected", "extracts", "pairs", "dropped", "decoys", WORK)
"""What ``build``, ``judge`` and ``refilter`` write below an output, and clear when they write it anew."""
JUDGED = ("pairs", "dropped", "decoys", WORK)
"""Those that ``judge`` writes."""
SECONDS_TO_END = 3.0
"""How long a process that was killed may take to end before its output counts as being written."""
SECONDS_BETWEEN_TRIES = 0.1

log = logging.getLogger("ccpairs")
_held: set[tuple[int, int]] = set()
"""Device and inode of the files that this process has locked: to close one again would end the lock."""


def output_uri(uri: str, flag: str = "--output") -> str:
    """An output as the commands use it: a local path without ``~`` and ``file://``, or an address without ``?``.

    Raises ``UserError`` for what cannot be an output.
    """
    if not uri.strip():
        raise UserError(f"{flag} is empty; name a folder")
    if is_address(uri):
        storage.check_address(uri)
        return uri
    if not is_text(uri):
        raise UserError(f"{flag} {one_line(uri)}: the name is not UTF-8; choose another {flag}")
    return local_path(uri) if uri.startswith(("file:/", "~", "//")) else uri


@contextlib.contextmanager
def hold_output(uri: str, command: str, flag: str = "--output") -> Iterator[None]:
    """Make an output, mark it as ours and keep other commands out of it while the block runs.

    Raises ``UserError`` where it cannot be written, where another process writes it, and where somebody removed it
    meanwhile: whatever the block raises then has that cause.
    """
    if is_address(uri):
        _try_to_write(uri)
        yield
        return
    path = local_path(uri)
    with _refuse_unwritable(uri, flag):
        if os.path.isfile(path):
            raise UserError(f"cannot write to {uri}: it is a file; choose another {flag}")
        os.makedirs(path, exist_ok=True)
    with hold_file(os.path.join(path, MARKER), uri, command, flag=flag):
        with _refuse_unwritable(uri, flag):
            storage.remove_temporary(storage.join(path, WORK), below=True)
        try:
            yield
        except Exception:  # worker processes were killed then
            for name in OUR_FOLDERS:
                storage.remove_temporary(storage.join(path, name), below=True)
            raise


@contextlib.contextmanager
def hold_file(path: str, uri: str, command: str, *, flag: str = "--output", stays: bool = True) -> Iterator[None]:
    """Lock a file, which says who writes ``uri``, while the block runs; ``stays`` as a mark, or is removed then."""
    if _identity(path) in _held:
        yield
        return
    with _refuse_unwritable(uri, flag):
        descriptor = _open_locked(path, uri, flag)
    identity = _identity(descriptor)
    assert identity is not None
    _held.add(identity)
    try:
        data = os.pread(descriptor, 1 << 16, 0)
        if data.strip(b"\0") and not data.startswith(b'{"ccpairs"'):
            raise UserError(f"{path} is not ccpairs' own file of this name; move it away, or choose another {flag}")
        mark = Mark.parse(data).with_command(command)
        with _refuse_unwritable(uri, flag):
            _write(descriptor, mark.to_json(running=command))
        if not stays:
            with temporary(path):
                try:
                    yield
                finally:
                    if _identity(path) == identity:
                        os.unlink(path)
            return
        try:
            with _quiet_without(path, identity):
                yield
        except Exception:
            if _identity(path) != identity:
                raise _removed(uri, command) from None
            raise
        if _identity(path) != identity:
            raise _removed(uri, command)
        with contextlib.suppress(OSError):
            _write(descriptor, mark.to_json())
    finally:
        _held.discard(identity)
        os.close(descriptor)


@contextlib.contextmanager
def _quiet_without(path: str, identity: tuple[int, int]) -> Iterator[None]:
    """Drop log lines once the file is gone: all that follows from it is told in one line at the end."""

    def is_there(_: logging.LogRecord) -> bool:
        return _identity(path) == identity

    handlers = list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(is_there)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(is_there)


def _removed(uri: str, command: str) -> UserError:
    return UserError(
        f"{uri}, or its {MARKER}, was removed while ccpairs {command} wrote it; type the same command again"
    )


@contextlib.contextmanager
def _refuse_unwritable(uri: str, flag: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or reason_of(error)
        raise UserError(f"cannot write to {uri}: {reason}; choose another {flag}") from None


def _try_to_write(uri: str) -> None:
    probe = storage.join(uri, WORK, "writable")
    with _refuse_unwritable(uri, "--output"):
        storage.write_bytes(probe, b"")
        storage.remove(probe)


def _identity(file: str | int) -> tuple[int, int] | None:
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _open_locked(path: str, uri: str, flag: str) -> int:
    """The descriptor of a file that this process has locked. Raises ``UserError`` where another has."""
    give_up = time.monotonic() + SECONDS_TO_END
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if _lock(descriptor, uri) and _identity(path) == _identity(descriptor):
                return descriptor
            writer = Mark.parse(os.pread(descriptor, 1 << 16, 0)).writer()
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if time.monotonic() > give_up:
            raise UserError(f"{uri} is being written by {writer}; wait for it or choose another {flag}")
        time.sleep(SECONDS_BETWEEN_TRIES)


def _lock(descriptor: int, uri: str) -> bool:
    try:
        # A record lock: children do not inherit it, and the system drops it with the process. NFS knows it too.
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return False
        log.warning("%s: its file system has no locks (%s); let no other command write there", uri, error.strerror)
    return True


def _write(descriptor: int, data: bytes) -> None:
    os.pwrite(descriptor, data, 0)
    os.ftruncate(descriptor, len(data))


@dataclass(frozen=True)
class Mark:
    """What ``_ccpairs`` says: the commands that have written the folder, and the process that writes it."""

    commands: tuple[str, ...] = ()
    running: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def parse(data: bytes) -> Mark:
        """The mark in a file; an empty one where a killed process has cut it short."""
        try:
            values = json.loads(data)
            return Mark(tuple(map(str, values["commands"])), dict(values.get("running", {})))
        except (ValueError, KeyError, TypeError):
            return Mark()

    def with_command(self, command: str) -> Mark:
        return Mark(tuple(sorted({*self.commands, command})))

    def to_json(self, running: str | None = None) -> bytes:
        values: dict[str, Any] = {"ccpairs": __version__, "commands": self.commands}
        if running is not None:
            started = time.strftime("%Y-%m-%d %H:%M:%S")
            host = socket.gethostname()
            values["running"] = {"command": running, "pid": os.getpid(), "host": host, "started": started}
        return (json.dumps(values) + "\n").encode()

    def writer(self) -> str:
        """The process that writes the folder, for a message."""
        if not {"command", "pid", "host", "started"} <= set(self.running):
            return "another process"
        there = "" if self.running["host"] == socket.gethostname() else f" on {self.running['host']}"
        return "process {pid}{there} (ccpairs {command}, started {started})".format(there=there, **self.running)


def commands_of(folder: str) -> tuple[str, ...]:
    """The commands whose mark a local folder bears."""
    try:
        with open(os.path.join(folder, MARKER), "rb") as file:
            return Mark.parse(file.read()).commands
    except OSError:
        return ()


def is_output(folder: str) -> bool:
    """Is a local folder an output of ours, by its mark or, of earlier releases, by a manifest in its place?"""
    if os.path.isfile(os.path.join(folder, MARKER)):
        return True
    for stage in ("candidates", "pairs"):
        with contextlib.suppress(OSError), os.scandir(os.path.join(folder, stage)) as sources:
            if any(os.path.isfile(os.path.join(source.path, MANIFEST_NAME)) for source in sources):
                return True
    return False


def folder_of_ours(uri: str, output: str, names: Collection[str] = OUR_FOLDERS) -> str | None:
    """The folder among ``names`` in an output that holds a file or folder, links followed; None where none does."""
    if is_address(uri) != is_address(output):
        return None
    if is_address(uri):
        place, places = uri, {name: storage.join(output, name) for name in names}
    else:
        place = os.path.realpath(local_path(uri))
        places = {name: os.path.realpath(os.path.join(local_path(output), name)) for name in names}
    return next((storage.join(output, name) for name in names if f"{place}/".startswith(f"{places[name]}/")), None)


def refuse_inside(uri: str, flag: str, output: str, names: Collection[str] = OUR_FOLDERS) -> None:
    """Raise ``UserError`` where an input lies in a folder that the command writes."""
    if folder := folder_of_ours(uri, output, names):
        raise UserError(f"{flag} {uri} lies in {folder}, which ccpairs writes; move it, or choose another --output")


def shard_pattern(prefix: str) -> re.Pattern[str]:
    """The names of shards of a source, or of its rejects (prefix ``rejected``), however many there are."""
    return re.compile(rf"{re.escape(prefix)}-\d{{5,}}-of-\d{{5,}}\.parquet")


def refuse_foreign(folder: str, prefix: str) -> list[str]:
    """The names in a folder of shards, hidden ones aside. Raises ``UserError`` where one is not of our giving."""
    ours = shard_pattern(prefix)
    names = [name for name in storage.names_in(folder) if not name.startswith(".")]
    foreign = [name for name in names if name != MANIFEST_NAME and not ours.fullmatch(name)]
    if foreign:
        others = f" and {len(foreign) - 1:,} more" if len(foreign) > 1 else ""
        raise UserError(
            f"{folder} holds {foreign[0]}{others}, which ccpairs did not write; move it away, "
            "or choose another --output"
        )
    return names


def check_unfinished(output: str, source: str, stage: str, beside: Mapping[str, str]) -> None:
    """:func:`refuse_foreign`, early, where a source's shards are not finished and so will be cleared.

    ``beside``: other stages that are cleared with ``stage`` -> what the names of their shards begin with.
    """
    if not storage.exists(storage.join(output, stage, source, MANIFEST_NAME)):
        for name, prefix in {stage: source, **beside}.items():
            refuse_foreign(storage.join(output, name, source), prefix)


def clear_shards(folder: str, prefix: str, keep: Collection[str] = ()) -> None:
    """Make a folder of shards and remove the manifest, then all shards but those to ``keep``, and half-written files.

    Raises ``UserError``, with everything left as it was, where the folder holds files that are not ours.
    """
    names = refuse_foreign(folder, prefix)
    storage.remove(storage.join(folder, MANIFEST_NAME))  # first of all: it must not stand over half of its shards
    for name in names:
        if name not in keep:
            storage.remove(storage.join(folder, name))
    storage.make_folder(folder)
    storage.remove_temporary(folder)
