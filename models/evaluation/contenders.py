"""What can be evaluated: BM25, and every model that :func:`models.encoders.load_encoder` opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models.encoder_pool import EncoderPool
from models.encoders import Encoder, Role, load_encoder
from models.evaluation import bm25, search
from models.evaluation.task import Progress, Run, Task
from models.hub import find_model
from models.model_folder import ModelFolder, read_model_folder
from models.sentence_transformers_folder import SentenceTransformersFolder

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
    prompts: Mapping[Role, str] | None = None,
) -> Contender:
    """``bm25``, or the encoder in a folder, under a name for the table; texts are cut to ``max_length`` tokens.

    ``processes``: so many encode on this machine's CPU, each with a copy of the model. ``prompts`` stand in the place
    of the folder's own. Raises ``UserError`` where the folder holds no model that loads.
    """
    if model == BM25:
        settings = {"k1": bm25.K1, "b": bm25.B, "tokens": r"lower-case \w+, no stemming, no stop words"}
        return Contender(BM25, None, settings)
    stated = check_model(model, trust_remote_code, prompts)
    assert stated is not None
    opening = partial(open_encoder, stated.folder, max_length, batch_tokens, trust_remote_code, prompts)
    encoder = EncoderPool(opening, processes) if processes else opening()
    settings = {"fingerprint": encoder.fingerprint, "max_length": max_length, "prompts": stated.prompts}
    return Contender(name, encoder, {**settings, "similarity": stated.similarity})


def check_model(
    model: str, trust_remote_code: bool = False, prompts: Mapping[Role, str] | None = None
) -> ModelFolder | None:
    """What the model's folder states, None for BM25; a name of the hub is downloaded, no weights are loaded.

    Raises ``UserError`` where there is no such model, or one that cannot be evaluated.
    """
    if model == BM25:
        return None
    return read_model_folder(find_model(model), prompts, trust_remote_code=trust_remote_code)


def open_encoder(
    folder: Path,
    max_length: int | None,
    batch_tokens: int | None,
    trust_remote_code: bool = False,
    prompts: Mapping[Role, str] | None = None,
) -> Encoder:
    """The encoder in a folder, with texts cut and batches filled as asked."""
    encoder = load_encoder(folder, trust_remote_code=trust_remote_code, prompts=prompts, raw_dot=True)
    if isinstance(encoder, SentenceTransformersFolder):
        if max_length:
            encoder.cut(max_length)
            refuse_beyond(folder, max_length, encoder.max_tokens)
        if batch_tokens:
            encoder.fill_batches(batch_tokens)
        return encoder
    if batch_tokens and isinstance(encoder, Batched):
        encoder.batch_tokens = batch_tokens
    if not max_length:
        return encoder
    tokenising = cast(Tokenising, encoder)
    refuse_beyond(folder, max_length, tokenising.most_tokens)
    return Cut(tokenising, max_length)


def refuse_beyond(folder: Path, max_length: int, most: int | None) -> None:
    """Raise ``UserError`` where more tokens are asked for than the model reads."""
    if most is not None and max_length > most:
        raise UserError(f"{folder}: reads at most {most:,} tokens of a text; lower --max-length {max_length:,}")


@runtime_checkable
class Batched(Protocol):
    """An encoder that works in batches of so many tokens; a static one has none."""

    batch_tokens: int


class Tokenising(Encoder, Protocol):
    """What our own encoders can do beyond the protocol."""

    @property
    def most_tokens(self) -> int | None: ...

    def tokens(
        self, texts: Sequence[str], role: Role, max_tokens: int | None = None
    ) -> tuple[NDArray[Any], NDArray[np.int64]]: ...

    def encode_tokens(self, ids: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[np.float32]: ...


class Cut:
    """One of our encoders that reads the first ``max_length`` tokens of a text, prompt and specials among them."""

    def __init__(self, encoder: Tokenising, max_length: int) -> None:
        self.encoder, self.max_length = encoder, max_length
        self.dimension, self.fingerprint = encoder.dimension, f"{encoder.fingerprint}-t{max_length}"

    def encode(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        return self.encoder.encode_tokens(*self.encoder.tokens(texts, role, self.max_length))
