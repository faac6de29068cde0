"""Where outputs live: local folders, s3, gs and the rest of what Arrow's file systems reach.

A file appears under its final name only when it is whole: locally it is written under a temporary name in the same
folder and renamed; object stores show an object when its upload is complete.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs as arrow_fs

from ccpairs.addresses import STORES, address_parts, scheme_of, start_of
from ccpairs.errors import UserError
from ccpairs.exhaustion import name_full_file
from ccpairs.interruption import after_children_end, temporary
from ccpairs.local_files import as_text, is_address, is_text, local_path
from ccpairs.object_stores import locate_object, reason_of

DIGESTED_AT_ONCE = 1 << 20
TEMPORARY = ".tmp-"
"""Prefix of half-written files; Arrow and Hugging Face readers pass over names that start with a dot."""


def locate(uri: str) -> tuple[Any, str]:
    """The Arrow file system and the path inside it of a local path or URI. Raises ``UserError`` for other addresses.

    An address with secrets or options is refused, because it would be written into manifests and lists.
    """
    if not is_address(uri):
        if not is_text(uri):
            raise UserError(f"cannot use {as_text(uri)}: the name is not UTF-8; rename it")
        return arrow_fs.LocalFileSystem(), local_path(uri)
    check_address(uri)
    try:
        return locate_object(uri)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise UserError(f"cannot use {uri}: {reason_of(error)}") from None


def check_address(uri: str) -> None:
    """Raise ``UserError`` for an address that cannot be that of a file or folder; no server is asked."""
    public, user_info, _ = address_parts(uri)
    if scheme_of(uri) not in STORES:
        raise UserError(f"cannot use {public}: {start_of(uri)} is not known here; use a path, s3:// or gs://")
    if (user_info and "@" not in public) or "?" in uri or "#" in uri:
        raise UserError(
            f"cannot use {re.split('[?#]', public)[0]}: an address that is written down takes no user info, no ? and "
            "no #; give keys, region and endpoint by environment variables (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, …)"
        )


def join(uri: str, *names: str) -> str:
    root = uri if uri.endswith("://") else uri.rstrip("/")  # what lacks its bucket is still that scheme's
    return "/".join([root, *names]) if names else uri


def parent(uri: str) -> str:
    """The folder that holds a file or folder."""
    return (uri if is_address(uri) else local_path(uri)).rstrip("/").rpartition("/")[0]


def same_place(one: str, other: str) -> bool:
    """Do two names mean the same file or folder?"""
    (system, path), (other_system, other_path) = locate(one), locate(other)
    return bool(system.equals(other_system)) and os.path.realpath(path) == os.path.realpath(other_path)


def exists(uri: str) -> bool:
    system, path = locate(uri)
    return bool(system.get_file_info(path).type != arrow_fs.FileType.NotFound)


def is_file(uri: str) -> bool:
    """Is it a regular file? Others, such as a FIFO, may keep a reader waiting for ever."""
    system, path = locate(uri)
    return bool(system.get_file_info(path).type == arrow_fs.FileType.File)


def names_in(uri: str) -> list[str]:
    """Sorted base names of the files and folders in a folder; empty where there is no such folder."""
    system, path = locate(uri)
    if isinstance(system, arrow_fs.LocalFileSystem):  # Arrow fails at a name that is not UTF-8
        try:
            return sorted(map(as_text, os.listdir(path)))
        except (FileNotFoundError, NotADirectoryError):
            return []
    if system.get_file_info(path).type != arrow_fs.FileType.Directory:
        return []
    return sorted(info.base_name for info in system.get_file_info(arrow_fs.FileSelector(path)))


def sizes_in(uri: str) -> dict[str, int]:
    """Base name -> bytes of the regular files in a folder; empty where there is no such folder."""
    system, path = locate(uri)
    if isinstance(system, arrow_fs.LocalFileSystem):
        infos = system.get_file_info([f"{path}/{name}" for name in names_in(uri)])
    elif system.get_file_info(path).type == arrow_fs.FileType.Directory:
        infos = system.get_file_info(arrow_fs.FileSelector(path))
    else:
        return {}
    return {info.base_name: info.size for info in infos if info.type == arrow_fs.FileType.File}


def read_bytes(uri: str) -> bytes:
    """Raises ``FileNotFoundError``."""
    system, path = locate(uri)
    with system.open_input_stream(path) as stream:
        return bytes(stream.read())


def sha256(uri: str) -> str:
    """The SHA-256 of a file, in hex digits, read a piece at a time. Raises ``FileNotFoundError``."""
    digest = hashlib.sha256()
    system, path = locate(uri)
    with system.open_input_stream(path) as stream:
        while piece := stream.read(DIGESTED_AT_ONCE):
            digest.update(piece)
    return digest.hexdigest()


def make_folder(uri: str) -> None:
    system, path = locate(uri)
    system.create_dir(path, recursive=True)


def remove(uri: str) -> None:
    """Remove a file or a folder with all that is in it, if it is there."""
    system, path = locate(uri)
    kind = system.get_file_info(path).type
    if kind == arrow_fs.FileType.Directory:
        system.delete_dir(path)
    elif kind == arrow_fs.FileType.File:
        system.delete_file(path)


@contextmanager
def atomic_output(uri: str) -> Iterator[Any]:
    """A stream whose bytes become the file ``uri`` when the block ends; nothing appears if it raises.

    >>> with atomic_output("out/part.bin") as stream:
    ...     stream.write(b"...")
    """
    system, path = locate(uri)
    folder, _, name = path.rpartition("/")
    if folder:
        system.create_dir(folder, recursive=True)
    if not isinstance(system, arrow_fs.LocalFileSystem):
        stream = system.open_output_stream(path)
        try:
            yield stream
        except BaseException:
            with suppress(OSError):
                stream.close()  # Arrow cannot give up an upload, only complete it
                system.delete_file(path)
            raise
        stream.close()
        return
    half = f"{folder}/{TEMPORARY}{name}.{os.getpid()}.{threading.get_ident()}.{uuid.uuid4().hex[:8]}"
    with temporary(half):
        try:
            with system.open_output_stream(half) as stream:
                yield stream
            system.move(half, path)
        except BaseException as error:
            if isinstance(error, OSError):
                name_full_file(error, uri)
            if system.get_file_info(half).type == arrow_fs.FileType.File:
                system.delete_file(half)
            raise


@contextmanager
def remove_on_failure(path: Path) -> Iterator[None]:
    """Remove a local file or folder, which the block makes and renames, where the block raises or a signal ends it."""
    with temporary(path):
        try:
            yield
        except BaseException as error:
            if isinstance(error, OSError):
                name_full_file(error, str(path))
            shutil.rmtree(path, ignore_errors=True)
            with suppress(OSError):
                path.unlink()
            raise


def write_bytes(uri: str, data: bytes) -> None:
    """Write a small file atomically."""
    with atomic_output(uri) as stream:
        stream.write(data)


def remove_temporary(uri: str, below: bool = False) -> int:
    """Remove the files that killed runs left half-written in a folder, or in all folders ``below`` it too.

    Removes those of killed worker processes as well, if a signal ends the command later. Returns how many it removes
    now. Links are not followed. Object stores have none.
    """
    system, path = locate(uri)
    if not isinstance(system, arrow_fs.LocalFileSystem):
        return 0
    after_children_end(partial(_remove_half_written, path, below), key=(path, below))
    return _remove_half_written(path, below)


def _remove_half_written(path: str, below: bool) -> int:
    removed = 0
    for folder, _, names in os.walk(path):
        for name in names:
            if name.startswith(TEMPORARY):
                with suppress(FileNotFoundError):
                    os.unlink(os.path.join(folder, name))
                    removed += 1
        if not below:
            break
    return removed
