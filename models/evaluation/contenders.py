"""What can be evaluated: BM25, a folder of ours, a folder of sentence-transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models.custom_code import refuse_custom_code
from models.encoder_pool import EncoderPool
from models.encoders import Encoder, Role, load_encoder
from models.evaluation import bm25, search
from models.evaluation.sentence_transformers_folder import SentenceTransformersFolder, is_foreign
from models.evaluation.task import Progress, Run, Task

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

    def close(self) -> None:
        """End its processes, where it has some."""
        if isinstance(self.encoder, EncoderPool):
            self.encoder.close()


def open_contender(
    model: str,
    name: str,
    max_length: int | None = None,
    batch_tokens: int | None = None,
    processes: int | None = None,
    trust_remote_code: bool = False,
) -> Contender:
    """``bm25``, or the encoder in a folder, under a name for the table; texts are cut to ``max_length`` tokens.

    ``processes``: so many encode on this machine's CPU, each with a copy of the model. Raises ``UserError`` where the
    folder holds no model that loads.
    """
    if model == BM25:
        settings = {"k1": bm25.K1, "b": bm25.B, "tokens": r"lower-case \w+, no stemming, no stop words"}
        return Contender(BM25, None, settings)
    check_model(model, trust_remote_code)
    folder = Path(model).expanduser()
    opening = partial(open_encoder, folder, max_length, batch_tokens, trust_remote_code)
    encoder = EncoderPool(opening, processes) if processes else opening()
    return Contender(name, encoder, {"fingerprint": encoder.fingerprint, "max_length": max_length})


def check_model(model: str, trust_remote_code: bool = False) -> None:
    """Raise ``UserError`` where there is no such model, or one whose code is not trusted; nothing is loaded."""
    folder = Path(model).expanduser()
    if model != BM25 and not folder.exists():
        raise UserError(f"no model {model}; name a folder that training wrote, one of sentence-transformers, or bm25")
    if model != BM25 and not trust_remote_code:
        refuse_custom_code(folder)


def open_encoder(
    folder: Path, max_length: int | None, batch_tokens: int | None, trust_remote_code: bool = False
) -> Encoder:
    """By our loaders; by sentence-transformers where the folder has modules that ours do not know."""
    if is_foreign(folder):
        return SentenceTransformersFolder(folder, max_length, batch_tokens, trust_remote_code)
    encoder = load_encoder(folder, trust_remote_code=trust_remote_code)
    if batch_tokens and isinstance(encoder, Batched):
        encoder.batch_tokens = batch_tokens
    return Cut(cast(Tokenising, encoder), max_length) if max_length else encoder


@runtime_checkable
class Batched(Protocol):
    """An encoder that works in batches of so many tokens; a static one has none."""

    batch_tokens: int


class Tokenising(Encoder, Protocol):
    """What our own encoders can do beyond the protocol."""

    def tokens(
        self, texts: Sequence[str], role: Role, max_tokens: int | None = None
    ) -> tuple[NDArray[Any], NDArray[np.int64]]: ...

    def encode_tokens(self, ids: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[np.float32]: ...


class Cut:
    """One of our encoders that reads the first ``max_length`` tokens of a text, prompt and specials among them."""

    def __init__(self, encoder: Tokenising, max_length: int) -> None:
        self.encoder, self.max_length = encoder, max_length
        self.dimension, self.fingerprint = encoder.dimension, encoder.fingerprint

    def encode(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        return self.encoder.encode_tokens(*self.encoder.tokens(texts, role, self.max_length))
