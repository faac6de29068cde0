"""Adam on the rows that a batch touches, with the gradient of each row summed and applied in one loop.

Positions of the batch are sorted by token. A token's row then has one owner, who adds up the gradients of the texts it
stands in and updates moments and row at once. There is no gradient matrix over the vocabulary and no scatter-add, and
the order of every sum is fixed, so results do not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.static.parallel import by_weight, compiled, in_slices
from models.static.pooling import Floats, add_rows


class Occurrences(NamedTuple):
    """Where each distinct token of a batch stands.

    ``tokens``: int64 [k], ascending. ``starts``: int64 [k + 1]; token i stands in the texts
    ``texts[starts[i]:starts[i + 1]]`` (int32, ascending, as often as it stands there).
    """

    tokens: NDArray[np.int64]
    starts: NDArray[np.int64]
    texts: NDArray[np.int32]


def occurrences(ids: NDArray[Any], offsets: NDArray[np.int64], vocabulary_size: int, skip: int | None) -> Occurrences:
    """The positions of a batch by token, without the token ``skip``: a counting sort in the order of the texts."""
    counts = np.zeros(vocabulary_size, np.int64)
    _count_tokens(ids, counts)
    skipped = 0
    if skip is not None:
        skipped, counts[skip] = int(counts[skip]), 0
    tokens = np.flatnonzero(counts)
    starts = np.zeros(len(tokens) + 1, np.int64)
    np.cumsum(counts[tokens], out=starts[1:])
    places = np.full(vocabulary_size, len(ids) - skipped, np.int64)  # what is skipped goes behind the rest
    places[tokens] = starts[:-1]
    texts = np.empty(len(ids), np.int32)
    _sort_positions(ids, offsets, places, texts)
    return Occurrences(tokens, starts, texts[: starts[-1]])


class Moments(NamedTuple):
    """Adam's running means of gradient and squared gradient, float32 [V, d], and steps of each row, int32 [V]."""

    first: Floats
    second: Floats
    steps: NDArray[np.int32]


class Adam(NamedTuple):
    """Kingma and Ba 2015, for the rows that a batch touches; a row that it does not touch keeps its moments.

    The bias is corrected by the number of updates of the row, not of the whole: a rare token's first update then has
    the size ``lr`` like everyone's.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def update(
        self,
        rows: Floats,
        moments: Moments,
        where: Occurrences,
        gradients: Floats,
        lr: float,
        scale: float,
        threads: int,
    ) -> None:
        """Update, in place, the rows of the tokens. ``gradients`` [n, d]: of each text, per occurrence of a token."""
        in_slices(
            lambda begin, end: _adam(
                rows, *moments, *where, gradients, begin, end,
                np.float32(lr), np.float32(scale), self.beta1, self.beta2, np.float32(self.epsilon),
            ),
            _bounds(where, threads),
        )  # fmt: skip


def gradient_norm(where: Occurrences, gradients: Floats, threads: int) -> float:
    """The Euclidean norm of the whole gradient with respect to the rows."""
    squares = np.zeros(len(where.tokens), np.float64)
    in_slices(
        lambda begin, end: _row_squares(where.starts, where.texts, gradients, begin, end, squares),
        _bounds(where, threads),
    )
    return float(np.sqrt(squares.sum()))


def _bounds(where: Occurrences, threads: int) -> NDArray[np.int64]:
    update_cost = 4  # an update of a row takes about as long as so many additions to it
    return by_weight(where.starts[1:] + update_cost * np.arange(1, len(where.tokens) + 1), threads)


@compiled
def _count_tokens(ids: NDArray[Any], counts: NDArray[np.int64]) -> None:
    for position in range(len(ids)):
        counts[ids[position]] += 1


@compiled
def _sort_positions(
    ids: NDArray[Any], offsets: NDArray[np.int64], places: NDArray[np.int64], texts: NDArray[np.int32]
) -> None:
    for text in range(len(offsets) - 1):
        for position in range(offsets[text], offsets[text + 1]):
            token = ids[position]
            texts[places[token]] = text
            places[token] += 1


@compiled
def _row_squares(
    starts: NDArray[np.int64],
    texts: NDArray[np.int32],
    gradients: Floats,
    first: int,
    last: int,
    squares: NDArray[np.float64],
) -> None:
    total = np.empty(gradients.shape[1], np.float32)
    for index in range(first, last):
        add_rows(gradients, texts, starts[index], starts[index + 1], total)
        square = 0.0
        for column in range(len(total)):
            square += float(total[column]) ** 2
        squares[index] = square


@compiled
def _adam(
    rows: Floats,
    first_moment: Floats,
    second_moment: Floats,
    steps: NDArray[np.int32],
    tokens: NDArray[np.int64],
    starts: NDArray[np.int64],
    texts: NDArray[np.int32],
    gradients: Floats,
    first: int,
    last: int,
    lr: np.float32,
    scale: np.float32,
    beta1: float,
    beta2: float,
    epsilon: np.float32,
) -> None:
    total = np.empty(gradients.shape[1], np.float32)
    one = np.float32(1)
    keep1, keep2 = np.float32(beta1), np.float32(beta2)
    for index in range(first, last):
        token = tokens[index]
        add_rows(gradients, texts, starts[index], starts[index + 1], total)
        steps[token] += 1
        rate = lr / np.float32(1 - beta1 ** steps[token])
        correction = one / np.float32(1 - beta2 ** steps[token])
        for column in range(len(total)):
            slope = total[column] * scale
            mean = keep1 * first_moment[token, column] + (one - keep1) * slope
            square = keep2 * second_moment[token, column] + (one - keep2) * slope * slope
            first_moment[token, column] = mean
            second_moment[token, column] = square
            rows[token, column] -= rate * mean / (np.sqrt(square * correction) + epsilon)
