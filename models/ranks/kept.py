"""Coded pools on disk, as memory maps that the processes of a machine share through the page cache.

A pool lies in a folder of its own, named by the vectors and the kind of code. It is written under another name and
renamed when it is whole; a digest of each array is kept beside them. What does not fit its digest is made anew.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from ccpairs.storage import TEMPORARY
from models.ranks.certificate import CodedPool, code_pool
from models.ranks.small_numbers import Kind

LAYOUT = 2
"""Goes up when codes are made in another way."""
SEAL = "seal.json"
PART = 1 << 26


def coded_pool(vectors: NDArray[np.float32], kind: Kind, folder: Path | None) -> CodedPool:
    """The coded pool of these vectors: in memory, or found or made in ``folder``."""
    if folder is None:
        return code_pool(vectors, kind, np.empty)
    home = folder / f"{kind.name}-{LAYOUT}-{digest(vectors)}-{'x'.join(map(str, vectors.shape))}"
    found = _opened(home)
    if found is not None:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{TEMPORARY}{home.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}"
    draft.mkdir()
    try:
        _write(draft, vectors, kind)
        try:
            draft.rename(home)
        except OSError:  # another process was faster; or there is one that is damaged
            found = _opened(home)
            if found is not None:
                return found
            home.rename(folder / f"{draft.name}.damaged")
            shutil.rmtree(folder / f"{draft.name}.damaged")
            draft.rename(home)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    made = _opened(home)
    if made is None:
        raise OSError(f"{home}: what was just written cannot be read back")
    return made


def _write(home: Path, vectors: NDArray[np.float32], kind: Kind) -> None:
    def allocate(shape: tuple[int, ...], dtype: type[Any]) -> NDArray[Any]:
        return new_map(home / "codes.npy", dtype, shape)

    coded = code_pool(vectors, kind, allocate)
    seals = {}
    for name, array in coded._asdict().items():
        if name == "codes":
            array.flush()
        else:
            np.save(home / f"{name}.npy", array)
        seals[name] = digest(array)
    (home / SEAL).write_text(json.dumps(seals), encoding="ascii")


def new_map(path: Path, dtype: type[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """A memory map of a new ``.npy`` file with its space reserved, as on a full disk a write would kill the process."""
    array: NDArray[Any] = np.lib.format.open_memmap(path, "w+", dtype, shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    return array


def _opened(home: Path) -> CodedPool | None:
    """The coded pool in a folder; None where there is none or it is not what was written."""
    try:
        seals = json.loads((home / SEAL).read_text(encoding="ascii"))
        # mode c: torch warns of arrays that cannot be written; nobody writes
        arrays = {name: np.load(home / f"{name}.npy", mmap_mode="c").view(np.ndarray) for name in CodedPool._fields}
        sound = all(digest(array) == seals[name] for name, array in arrays.items())
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None
    return CodedPool(**arrays) if sound else None


def digest(array: NDArray[Any]) -> str:
    """xxh3-128 of the bytes, in hex digits."""
    state, flat = xxhash.xxh3_128(), np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    for at in range(0, len(flat), PART):
        state.update(flat[at : at + PART].data)
    return state.hexdigest()
