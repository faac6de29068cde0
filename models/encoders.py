"""What an encoder is, of whichever kind: texts in, unit vectors out; and what the trainer asks of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError

Role = Literal["query", "passage"]
"""Which side of a pair a text stands on; it decides the prefix."""


class TokenBatch(NamedTuple):
    """Tokenised texts, one after the other.

    ``ids``: uint16, uint32 or int32, flat. ``offsets``: int64 [n + 1], text i is ``ids[offsets[i]:offsets[i + 1]]``.
    ``hashes``: uint64 [n], xxh3 of each normalised text; equal texts are no negatives of each other.
    """

    ids: NDArray[Any]
    offsets: NDArray[np.int64]
    hashes: NDArray[np.uint64]


class Encoder(Protocol):
    """Texts to unit vectors whose dot product is the similarity."""

    @property
    def dimension(self) -> int: ...

    @property
    def fingerprint(self) -> str:
        """A name that changes when any vector could: weights, tokenizer and prefixes."""

    def encode(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """Vectors [n, dimension] of length 1, in the order of the texts; any text is taken, the empty one too."""


class Trainable(Protocol):
    """A model in training."""

    def step(
        self,
        queries: TokenBatch,
        passages: TokenBatch,
        *,
        negatives: TokenBatch | None = None,
        lr: float,
        seed: int,
    ) -> float:
        """One step of the optimizer on one global batch; returns its mean loss. Negatives belong to all rows."""

    def state(self) -> dict[str, Any]:
        """All that the next step depends on; :meth:`restore` of it continues bit by bit."""

    def restore(self, state: Mapping[str, Any]) -> None: ...

    def save(self, folder: Path) -> None:
        """Write a folder that :func:`load_encoder` and sentence-transformers read."""

    def encoder(self) -> Encoder:
        """An encoder that shares the weights."""


def load_encoder(
    path: str | Path,
    threads: int | None = None,
    *,
    sublinear_tf: bool = False,
    trust_remote_code: bool = False,
    prompts: Mapping[Role, str] | None = None,
    raw_dot: bool = False,
) -> Encoder:
    """The encoder in a folder: a static one, a transformer, or one that sentence-transformers computes.

    ``threads``: how many work on an ``encode``; the cores that this process may use where None. They change no bit.
    ``sublinear_tf``: a static one counts repeated tokens so (:mod:`models.static.sublinear`).
    ``trust_remote_code``: run the code that a model brings; such a model is refused otherwise. ``prompts`` stand in the
    place of the folder's own. ``raw_dot``: also take models whose similarity is the dot product of vectors of any
    length. Raises ``UserError`` where there is no model, or one whose vectors cannot be computed exactly.
    """
    from models.model_folder import NeedsSentenceTransformers, read_model_folder
    from models.sentence_transformers_folder import SentenceTransformersFolder
    from models.truncation import TruncatedEncoder

    stated = read_model_folder(path, prompts, trust_remote_code=trust_remote_code)
    if stated.similarity == "dot" and not raw_dot:
        raise UserError(
            f"{stated.folder}: compares by the dot product of vectors of any length, which only ccpairs evaluate does; "
            "name a model that compares by cosine"
        )
    encoder: Encoder
    try:
        if stated.kind == "static":
            from models.static.encoder import StaticEncoder
            from models.static.sublinear import SublinearEncoder

            static = StaticEncoder.of_folder(stated, threads)
            encoder = SublinearEncoder(static) if sublinear_tf else static
        elif stated.kind == "transformer":
            from models.transformer.encoder import TransformerEncoder

            encoder = TransformerEncoder(stated, trust_remote_code=trust_remote_code, threads=threads)
        else:
            raise NeedsSentenceTransformers(stated.folder, stated.reason)
    except NeedsSentenceTransformers as found:
        return SentenceTransformersFolder(stated, found.reason, trust_remote_code=trust_remote_code)
    return TruncatedEncoder(encoder, stated.truncate_dim) if stated.truncate_dim else encoder
