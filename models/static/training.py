"""A static encoder in training: exact gradients of the whole batch, sparse Adam, no autograd.

One step: means of the token rows, their unit vectors, InfoNCE with its gradient (:mod:`models.loss`), back through
length and mean to one gradient a text, and from there to the rows of the tokens (:mod:`models.static.optimizer`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders import TokenBatch
from models.loss.collisions import Hashes
from models.loss.info_nce import InfoNce
from models.static.encoder import StaticEncoder
from models.static.optimizer import Adam, Moments, gradient_norm, occurrences
from models.static.parallel import cores
from models.static.pooling import Floats, means, unit, unit_backward


class StaticTrainable:
    """Trains the rows of ``encoder`` in place.

    ``clip``: the gradient is scaled down to this Euclidean norm where it is longer. The row of the unknown token is
    not trained where it begins as zero: at length 1 the mean is as if such a token were not there.
    """

    def __init__(
        self,
        encoder: StaticEncoder,
        loss: InfoNce | None = None,
        *,
        adam: Adam | None = None,
        clip: float | None = None,
        threads: int | None = None,
    ) -> None:
        self._encoder, self._loss, self._adam, self._clip = encoder, loss or InfoNce(), adam or Adam(), clip
        self._threads = threads or cores()
        self._untrained = encoder.untrained
        self._moments = Moments(
            np.zeros_like(encoder.rows), np.zeros_like(encoder.rows), np.zeros(len(encoder.rows), np.int32)
        )

    def step(
        self,
        queries: TokenBatch,
        passages: TokenBatch,
        *,
        negatives: TokenBatch | None = None,
        lr: float,
        seed: int = 0,
    ) -> float:
        """One step of Adam on one batch; returns its mean loss. ``seed`` is not used: nothing here is random."""
        parts = [queries, passages, *([negatives] if negatives is not None else [])]
        ids, offsets = joined(parts)
        loss, gradients = self._gradients(ids, offsets, _hashes(queries, passages, negatives))
        where = occurrences(ids, offsets, len(self._encoder.rows), skip=self._untrained)
        scale = 1.0
        if self._clip is not None:
            norm = gradient_norm(where, gradients, self._threads)
            scale = min(1.0, self._clip / norm) if norm > 0 else 1.0
        self._adam.update(self._encoder.rows, self._moments, where, gradients, lr, scale, self._threads)
        return loss

    def _gradients(self, ids: NDArray[Any], offsets: NDArray[np.int64], hashes: Hashes) -> tuple[float, Floats]:
        """Mean loss, and the gradient [n, d] of each text for one occurrence of a token in it.

        The texts are the queries, as many passages, and then the hard negatives.
        """
        units, inverse = unit(means(self._encoder.rows, ids, offsets, self._threads))
        rows = len(hashes.queries)
        hard = None if hashes.negatives is None else units[2 * rows :]
        found = self._loss.of_arrays(units[:rows], units[rows : 2 * rows], hard, hashes=hashes, threads=self._threads)
        sides = [side for side in (found.d_queries, found.d_passages, found.d_negatives) if side is not None]
        sizes = np.maximum(np.diff(offsets), 1).astype(np.float32)
        return found.loss, unit_backward(units, inverse / sizes, np.concatenate(sides))

    def state(self) -> dict[str, Any]:
        """Rows and moments, copied; the next step depends on nothing else."""
        first, second, steps = self._moments
        held = {"rows": self._encoder.rows, "first_moment": first, "second_moment": second, "steps": steps}
        return {name: array.copy() for name, array in held.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        first, second, steps = self._moments
        for array, name in (
            (self._encoder.rows, "rows"), (first, "first_moment"), (second, "second_moment"), (steps, "steps"),
        ):  # fmt: skip
            if array.shape != np.shape(state[name]):
                raise ValueError(f"{name} {np.shape(state[name])} in the state, {array.shape} in this model")
            array[...] = state[name]

    def save(self, folder: Path) -> None:
        self._encoder.save(folder)

    def encoder(self) -> StaticEncoder:
        encoder = self._encoder
        return StaticEncoder(encoder.reader, encoder.rows, encoder.prompts, self._threads, encoder.limit)


def _hashes(queries: TokenBatch, passages: TokenBatch, negatives: TokenBatch | None) -> Hashes:
    return Hashes.of_arrays(queries.hashes, passages.hashes, None if negatives is None else negatives.hashes)


def joined(parts: Sequence[TokenBatch]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The texts of several batches as one: ids and offsets."""
    sizes = np.concatenate([np.diff(part.offsets) for part in parts])
    ids = [part.ids[part.offsets[0] : part.offsets[-1]] for part in parts]
    return np.concatenate(ids), np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
