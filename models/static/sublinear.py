"""A static encoder whose means count repeated tokens sublinearly, as retrieval by words does.

Of a token that a text repeats the 1st, 2nd, 4th, 8th … occurrence counts, the others do not: with tf occurrences it
weighs 1 + floor(log2 tf). The judge reads its models so, which keeps more of the right pairs at the same share of wrong
ones (docs/consistency.md). The model, its training and its folder are those of any static encoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders import Role
from models.static.encoder import StaticEncoder
from models.static.parallel import by_weight, compiled, in_slices
from models.static.pooling import MIN_POSITIONS, Floats

Ids = NDArray[Any]


class SublinearEncoder:
    """``encoder`` with sublinear term frequency. Its vectors are no longer those of other libraries."""

    def __init__(self, encoder: StaticEncoder) -> None:
        self._encoder = encoder

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    @property
    def fingerprint(self) -> str:
        """The model's own, and how it is read."""
        return f"{self._encoder.fingerprint}-sublinear"

    def encode(self, texts: Sequence[str], role: Role) -> Floats:
        """Unit vectors, float32 [n, d], in the order of the texts."""
        ids, offsets = self._encoder.tokens(texts, role)
        size, threads = self._encoder.reader.vocabulary_size, self._encoder.threads
        return self._encoder.encode_tokens(*without_repeats(ids, offsets, size, threads))


def without_repeats(
    ids: Ids, offsets: NDArray[np.int64], vocabulary_size: int, threads: int
) -> tuple[Ids, NDArray[np.int64]]:
    """Ids, flat, and offsets, int64 [n + 1], of what counts of each text, in its order.

    ``ids`` flat and below ``vocabulary_size``, ``offsets`` [n + 1] from 0. The same for any number of threads.
    """
    counts, sizes = np.empty(len(ids), np.bool_), np.zeros(len(offsets), np.int64)
    bounds = by_weight(offsets[1:], threads if len(ids) > MIN_POSITIONS else 1)
    in_slices(lambda begin, end: _count(ids, offsets, begin, end, vocabulary_size, counts, sizes), bounds)
    return ids[counts], np.cumsum(sizes)


@compiled
def _count(
    ids: Ids,
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    vocabulary_size: int,
    counts: NDArray[np.bool_],
    sizes: NDArray[np.int64],
) -> None:
    """Which occurrences count in texts ``first`` to ``last``, and in ``sizes[text + 1]`` how many do."""
    seen = np.zeros(vocabulary_size, np.int64)
    for text in range(first, last):
        for at in range(offsets[text], offsets[text + 1]):
            token = np.int64(ids[at])
            seen[token] += 1
            counts[at] = seen[token] & (seen[token] - 1) == 0
            sizes[text + 1] += counts[at]
        for at in range(offsets[text], offsets[text + 1]):
            seen[np.int64(ids[at])] = 0
