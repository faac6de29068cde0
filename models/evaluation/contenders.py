"""What can be evaluated: BM25, a folder of ours, a folder of sentence-transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models.encoders import Encoder, Role, load_encoder
from models.evaluation import bm25, search
from models.evaluation.sentence_transformers_folder import SentenceTransformersFolder, is_foreign
from models.evaluation.task import Progress, Run, Task

if TYPE_CHECKING:
    from models.static.encoder import StaticEncoder

BM25 = "bm25"


@dataclass(frozen=True)
class Contender:
    """One that takes part. ``encoder`` is None for BM25; ``settings``: what shapes its results."""

    name: str
    encoder: Encoder | None
    settings: Mapping[str, Any]

    def search(self, task: Task, depth: int = 100, progress: Progress | None = None) -> Run:
        if self.encoder is None:
            return bm25.search(task, depth, progress)
        return search.search(self.encoder, task, depth, progress)


def open_contender(model: str, name: str, max_length: int | None = None, batch_tokens: int | None = None) -> Contender:
    """``bm25``, or the encoder in a folder, under a name for the table; texts are cut to ``max_length`` tokens.

    Raises ``UserError`` where the folder holds no model that loads.
    """
    if model == BM25:
        settings = {"k1": bm25.K1, "b": bm25.B, "tokens": r"lower-case \w+, no stemming, no stop words"}
        return Contender(BM25, None, settings)
    folder = Path(model).expanduser()
    if not folder.exists():
        raise UserError(f"no model {model}; name a folder that training wrote, one of sentence-transformers, or bm25")
    encoder = open_encoder(folder, max_length, batch_tokens)
    return Contender(name, encoder, {"fingerprint": encoder.fingerprint, "max_length": max_length})


def open_encoder(folder: Path, max_length: int | None, batch_tokens: int | None) -> Encoder:
    """By our loaders; by sentence-transformers where the folder has modules that ours do not know."""
    if is_foreign(folder):
        return SentenceTransformersFolder(folder, max_length)
    from models.static.encoder import StaticEncoder

    encoder = load_encoder(folder)
    if isinstance(encoder, StaticEncoder):
        return CutStatic(encoder, max_length) if max_length else encoder
    return encoder


class CutStatic:
    """A static encoder that reads the first ``max_length`` tokens of a text, its prompt among them."""

    def __init__(self, encoder: StaticEncoder, max_length: int) -> None:
        self.encoder, self.max_length = encoder, max_length
        self.dimension, self.fingerprint = encoder.dimension, encoder.fingerprint

    def encode(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        return self.encoder.encode_tokens(*self.encoder.tokens(texts, role, self.max_length))
