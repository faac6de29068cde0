"""The pool as vectors: encoded once per model and side, kept beside it, mapped by whoever needs them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError
from ccpairs.storage import remove_on_failure
from models.encoders import Encoder, Role
from models.ranks.kept import new_map
from pipelines.judge.pool import Pool

Told = Callable[[int], None]
"""Told how many more texts were encoded."""


def vectors_file(work: Path, pool: Pool, model: str, role: Role) -> Path:
    """Where the vectors of a pool's texts on one side lie; ``model`` is a fingerprint."""
    return work / "vectors" / f"{pool.fingerprint}-{model}-{role}.npy"


def open_vectors(work: Path, pool: Pool, model: str, role: Role) -> NDArray[np.float32]:
    """The vectors [rows, dimension] of a pool, in the order of its arrays, as a read-only memory map."""
    vectors: NDArray[np.float32] = np.load(vectors_file(work, pool, model, role), mmap_mode="r")
    return vectors


def encode_pool(work: Path, pool: Pool, encoder: Encoder, role: Role, told: Told | None = None) -> None:
    """Encode one side of a pool, unless that is done. Raises ``UserError`` where a vector is not finite."""
    file = vectors_file(work, pool, encoder.fingerprint, role)
    if file.is_file():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f".tmp-{file.name}")
    with remove_on_failure(half):
        vectors = new_map(half, np.float32, (pool.rows, encoder.dimension))
        first = 0
        for batch in pool.batches([role]):
            here = pool.place[first : first + batch.num_rows]
            vectors[here] = checked(encoder.encode(batch.column(0).to_pylist(), role))
            first += batch.num_rows
            if told is not None:
                told(batch.num_rows)
        vectors.flush()  # type: ignore[attr-defined]
        del vectors
        os.replace(half, file)


def checked(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors; raises ``UserError`` where one is not finite."""
    if not np.isfinite(vectors).all():
        raise UserError("the model gives vectors that are not finite; its training diverged or its files are damaged")
    return vectors
