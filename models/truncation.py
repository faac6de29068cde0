"""Encoders whose first dimensions alone count: Matryoshka models that are kept cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders import Encoder, Role


class TruncatedEncoder:
    """The first ``dimension`` numbers of an encoder's vectors, at length 1 again."""

    def __init__(self, encoder: Encoder, dimension: int) -> None:
        self._encoder: Any = encoder
        self.dimension = min(dimension, encoder.dimension)

    @property
    def fingerprint(self) -> str:
        """The model's own, and the number of dimensions."""
        return f"{self._encoder.fingerprint}-d{self.dimension}"

    @property
    def most_tokens(self) -> int | None:
        """How many tokens of a text are read at most; None for all."""
        found: int | None = self._encoder.most_tokens
        return found

    def tokens(
        self, texts: Sequence[str], role: Role, max_tokens: int | None = None
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Ids, flat, and offsets int64 [n + 1] of the texts with their prompt."""
        found: tuple[NDArray[Any], NDArray[np.int64]] = self._encoder.tokens(texts, role, max_tokens)
        return found

    def encode(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """Unit vectors, float32 [n, dimension], in the order of the texts."""
        return self._cut(self._encoder.encode(texts, role))

    def encode_tokens(self, ids: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
        """The same for texts that :meth:`tokens` has read."""
        return self._cut(self._encoder.encode_tokens(ids, offsets))

    def _cut(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        first = vectors[:, : self.dimension]
        lengths = np.linalg.norm(first, axis=1, keepdims=True)
        cut: NDArray[np.float32] = np.divide(first, lengths, out=np.zeros_like(first), where=lengths > 0)
        return cut
