"""A static encoder in training: exact gradients of the whole batch, sparse Adam, no autograd.

One step: means of the token rows, their unit vectors, InfoNCE with its gradient (:mod:`models.loss`), back through
length and mean to one gradient a text, and from there to the rows of the tokens (:mod:`models.static.optimizer`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.encoders import TokenBatch
from models.loss import Gradients, Hashes, InfoNce
from models.static.encoder import StaticEncoder
from models.static.optimizer import Adam, Moments, gradient_norm, occurrences
from models.static.parallel import cores, even
from models.static.pooling import Floats, means, unit, unit_backward
from models.static.tokenizer import UNKNOWN_ID

RANGES = 16
ROWS_PER_RANGE = 256
"""A batch is scored in at most so many ranges, each of so many rows at least; each has a gradient of all passages."""


class StaticTrainable:
    """Trains the rows of ``encoder`` in place.

    ``clip``: the gradient is scaled down to this Euclidean norm where it is longer. The row of the unknown token is
    not trained. It begins as zero: at length 1 the mean is as if such a token were not there.
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
        where = occurrences(ids, offsets, len(self._encoder.rows), skip=UNKNOWN_ID)
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
        loss, back = loss_by_ranges(self._loss, units[:rows], units[rows : 2 * rows], hard, hashes, self._threads)
        sizes = np.maximum(np.diff(offsets), 1).astype(np.float32)
        return loss, unit_backward(units, inverse / sizes, back)

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
        return StaticEncoder(self._encoder.reader, self._encoder.rows, self._encoder.prompts, self._threads)


def loss_by_ranges(
    loss: InfoNce, queries: Floats, passages: Floats, negatives: Floats | None, hashes: Hashes, threads: int
) -> tuple[float, Floats]:
    """The loss and its gradient with respect to queries, passages and negatives, one after the other [2 B + N, d].

    Ranges of rows are scored each by one thread, as ranks would share them. The ranges depend on the batch alone and
    are added up in order, so the number of threads changes no bit; torch's own threads inside a product would.
    """
    batch = len(queries)
    count = max(1, min(RANGES, batch // ROWS_PER_RANGE))
    bounds = even(batch, count).tolist()
    q, p, n = (None if side is None else torch.from_numpy(side) for side in (queries, passages, negatives))
    assert q is not None
    assert p is not None

    def score(begin: int, end: int) -> Gradients:
        own = q if loss.needs_all_queries else q[begin:end]
        return loss(own, p, n, rows=range(begin, end), hashes=hashes)

    total = 0.0
    back = np.zeros((2 * batch + (0 if negatives is None else len(negatives)), queries.shape[1]), np.float32)
    for (begin, _), part in zip(pairwise(bounds), in_order(score, bounds, min(threads, count)), strict=True):
        total += float(part.loss)
        first = 0 if loss.needs_all_queries else begin
        back[first : first + len(part.d_queries)] += part.d_queries.numpy()
        back[batch : 2 * batch] += part.d_passages.numpy()
        if part.d_negatives is not None:
            back[2 * batch :] += part.d_negatives.numpy()
    return total, back


def in_order(score: Callable[[int, int], Gradients], bounds: Sequence[int], threads: int) -> Iterator[Gradients]:
    """What ``score(begin, end)`` finds of each slice, in their order, ``threads`` of them at a time and few held.

    Each thread's products are its own work: torch's threads inside one would change bits, and wait for each other.
    """
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, "loss", initializer=torch.set_num_threads, initargs=(1,)) as pool:
            running: deque[Future[Gradients]] = deque()
            for begin, end in pairwise(bounds):
                running.append(pool.submit(score, begin, end))
                if len(running) > threads:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
    finally:
        # The number is a thread's own, but for new threads and for some libraries it is the one last set by any.
        torch.set_num_threads(before)


def _hashes(queries: TokenBatch, passages: TokenBatch, negatives: TokenBatch | None) -> Hashes:
    return Hashes.of_arrays(queries.hashes, passages.hashes, None if negatives is None else negatives.hashes)


def joined(parts: Sequence[TokenBatch]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The texts of several batches as one: ids and offsets."""
    sizes = np.concatenate([np.diff(part.offsets) for part in parts])
    ids = [part.ids[part.offsets[0] : part.offsets[-1]] for part in parts]
    return np.concatenate(ids), np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
