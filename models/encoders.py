"""What an encoder is, of whichever kind: texts in, unit vectors out; and what the trainer asks of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models.custom_code import refuse_custom_code

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
    path: str | Path, threads: int | None = None, *, sublinear_tf: bool = False, trust_remote_code: bool = False
) -> Encoder:
    """The encoder in a folder: a static one, or a transformer. UserError where there is none.

    ``threads``: how many work on an ``encode``; the cores that this process may use where None. They change no bit.
    ``sublinear_tf``: a static one counts repeated tokens so (:mod:`models.static.sublinear`).
    ``trust_remote_code``: run the code that a transformer brings; such a model is refused otherwise.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name a folder that training wrote, or a downloaded model's")
    if not trust_remote_code:
        refuse_custom_code(folder)
    if _is_static(folder):
        from models.static.encoder import StaticEncoder
        from models.static.sublinear import SublinearEncoder

        static = StaticEncoder.load(folder, threads)
        return SublinearEncoder(static) if sublinear_tf else static
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: no model here; it has neither a modules.json of a static encoder nor a config.json")
    from models.transformer.encoder import TransformerEncoder

    encoder = TransformerEncoder(folder, trust_remote_code=trust_remote_code)
    encoder.threads = threads or encoder.threads
    return encoder


def _is_static(folder: Path) -> bool:
    modules = folder / "modules.json"
    if not modules.is_file():
        return False
    try:
        kinds = [module["type"] for module in json.loads(modules.read_text(encoding="utf-8"))]
        return any(kind.startswith("sentence_transformers.") and "StaticEmbedding" in kind for kind in kinds)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{modules}: not the list of modules that sentence-transformers writes ({error})") from None
