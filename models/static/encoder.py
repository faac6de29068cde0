"""The static encoder: mean of token vectors at length 1, and the folder that it is kept in.

The folder is one of sentence-transformers (modules StaticEmbedding and Normalize), laid out so that model2vec reads it
too. Everything that shapes a vector is in it, the prompts included.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from ccpairs.errors import UserError
from models.card import write_card
from models.encoders import Role
from models.model_folder import (
    MODEL2VEC,
    SETTINGS,
    ModelFolder,
    NeedsSentenceTransformers,
    check_rows,
    read_json,
    read_model_folder,
)
from models.static.optimizer import occurrences
from models.static.parallel import cores
from models.static.pooling import Floats, means, unit
from models.static.readers import TokenReader, id_limit, open_reader, unknown_id
from models.static.tokenizer import read_tokenizer
from models.static.words import WordReader

PROMPTS: Mapping[Role, str] = {"query": "", "passage": ""}
"""No words before a text: to a mean of vectors they are one more constant, and on SciFact and MED they gave at most
0.006 nDCG@10 more, and in one setting 0.02 less. So a caller who forgets the prompts gets the right vectors too."""
INITIAL_SCALE = np.float32(0.1)
MODULE = "0_StaticEmbedding"
WEIGHTS = "embedding.weight"
MODEL2VEC_TOKENS = 512
"""Where model2vec cuts a text when its folder does not say."""


class TextLimit(NamedTuple):
    """Where model2vec cuts a text, prompt included: at so many characters, then at so many tokens."""

    chars: int
    tokens: int


class StaticEncoder:
    """Texts to unit vectors. ``rows`` float32 [V, d], one a token of the reader's vocabulary; further ones are unused.

    A text none of whose tokens has a vector (an empty one, where the prompt is empty) gives the zero vector: it is
    similar to nothing. It is what sentence-transformers gives, too.
    """

    def __init__(
        self,
        reader: TokenReader,
        rows: Floats,
        prompts: Mapping[Role, str] = PROMPTS,
        threads: int | None = None,
        limit: TextLimit | None = None,
    ) -> None:
        if rows.shape[0] < reader.vocabulary_size:
            raise ValueError(f"{rows.shape[0]} rows for a vocabulary of {reader.vocabulary_size}")
        self.reader, self.rows, self.prompts, self.limit = reader, rows, dict(prompts), limit
        self.threads = threads or cores()
        # Behind white space a word begins anew, so there the ids of prompt and text are those of both in one.
        apart = isinstance(reader, WordReader)
        self._prefixes = {
            role: reader.tokenizer.encode(prompt, add_special_tokens=False).ids
            for role, prompt in prompts.items()
            if not prompt or (apart and prompt.endswith(" ") and limit is None)
        }

    @property
    def dimension(self) -> int:
        return int(self.rows.shape[1])

    @property
    def most_tokens(self) -> int | None:
        """How many tokens of a text are read at most; None for all."""
        return self.limit.tokens if self.limit else None

    @property
    def untrained(self) -> int | None:
        """The token that training leaves alone: the unknown one, where its vector is zero; None where it is not."""
        token = unknown_id(self.reader.tokenizer)
        return None if token is None or self.rows[token].any() else token

    @cached_property
    def fingerprint(self) -> str:
        digest = xxhash.xxh3_128(np.ascontiguousarray(self.rows).data)
        limit = [] if self.limit is None else [self.limit]
        digest.update(json.dumps([self.reader.tokenizer.to_str(), self.prompts, *limit], sort_keys=True).encode())
        return digest.hexdigest()

    def tokens(
        self, texts: Sequence[str], role: Role, max_tokens: int | None = None
    ) -> tuple[NDArray[np.uint16 | np.uint32], NDArray[np.int64]]:
        """Ids, flat, and offsets int64 [n + 1] of the texts with their prompt, the first ``max_tokens`` of each."""
        prefix = self._prefixes.get(role)
        if prefix is None:
            texts = [self.prompts[role] + text for text in texts]
        if self.limit is not None:
            texts = [text[: self.limit.chars] for text in texts]
            max_tokens = min(max_tokens or self.limit.tokens, self.limit.tokens)
        return self.reader.read(texts, prefix=prefix or (), max_tokens=max_tokens)

    def encode(self, texts: Sequence[str], role: Role) -> Floats:
        """Unit vectors, float32 [n, d], in the order of the texts."""
        return self.encode_tokens(*self.tokens(texts, role))

    def encode_tokens(self, ids: NDArray[Any], offsets: NDArray[np.int64]) -> Floats:
        """The same for texts that :meth:`tokens` has read."""
        return unit(means(self.rows, ids, offsets, self.threads))[0]

    def save(self, folder: Path) -> None:
        """Write the folder; ``modules.json``, by which it is known, comes last."""
        module = folder / MODULE
        module.mkdir(parents=True, exist_ok=True)
        (folder / "1_Normalize").mkdir(exist_ok=True)
        save_file({WEIGHTS: np.ascontiguousarray(self.rows)}, module / "model.safetensors")
        self.reader.tokenizer.save(str(module / "tokenizer.json"))
        prompts = {
            "query": self.prompts["query"],
            "document": self.prompts["passage"],
            "passage": self.prompts["passage"],
        }
        _write_json(
            folder / SETTINGS,
            {
                "__version__": {},
                "prompts": prompts,
                "default_prompt_name": None,
                "similarity_fn_name": "cosine",
                "model_type": "SentenceTransformer",
                "normalize": True,  # model2vec's word for the second module
            },
        )
        size, dimension = self.rows.shape
        about = f"The mean of a text's token vectors: {size:,} tokens of {dimension} dimensions."
        write_card(folder, "Static text encoder", about, self.prompts, ["static-embeddings"])
        # The old class paths: they load in every release since 3.2, those of the fifth do not load in the third.
        modules = [(MODULE, "StaticEmbedding"), ("1_Normalize", "Normalize")]
        _write_json(
            folder / "modules.json",
            [
                {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{name}"}
                for index, (path, name) in enumerate(modules)
            ],
        )

    @classmethod
    def load(cls, folder: Path, threads: int | None = None, prompts: Mapping[Role, str] | None = None) -> StaticEncoder:
        """The encoder that :meth:`save`, sentence-transformers or model2vec wrote; UserError where there is none."""
        stated = read_model_folder(folder, prompts)
        if stated.kind == "sentence-transformers":
            raise NeedsSentenceTransformers(folder, stated.reason)
        if stated.kind != "static":
            raise UserError(f"{folder}: no static encoder here, but a {stated.kind}")
        return cls.of_folder(stated, threads)

    @classmethod
    def of_folder(cls, stated: ModelFolder, threads: int | None = None) -> StaticEncoder:
        """The encoder of a folder whose statements were read; UserError where it is not whole."""
        weights = stated.home / "model.safetensors"
        tensors = _tensors(weights)
        tokenizer = read_tokenizer(stated.home / "tokenizer.json")
        tokenizer.no_padding()
        limit = None
        if MODEL2VEC in tensors:
            config = read_json(stated.home / "config.json")
            rows = _model2vec_rows(tensors, tokenizer, weights)
            most = config.get("max_length", MODEL2VEC_TOKENS)
            if most is not None:
                limit = TextLimit(most * int(np.median([len(token) for token in tokenizer.get_vocab()])), most)
            tokenizer.no_truncation()
        elif WEIGHTS in tensors and tensors[WEIGHTS].ndim == 2:
            rows = tensors[WEIGHTS].astype(np.float32, copy=False)
        else:
            raise UserError(f"{weights}: holds no matrix {WEIGHTS}; is it a static encoder's?")
        reader = open_reader(tokenizer, threads)
        check_rows(stated.folder, reader.vocabulary_size, len(rows))
        return cls(reader, rows, stated.prompts, threads, limit)


def _tensors(weights: Path) -> dict[str, NDArray[Any]]:
    try:
        try:
            return load_file(weights)
        except (TypeError, AttributeError, KeyError):  # bf16, which NumPy does not have
            import torch
            from safetensors.torch import load_file as load_torch_file

            return {
                name: (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
                for name, tensor in load_torch_file(weights).items()
            }
    except (OSError, SafetensorError) as error:
        raise UserError(f"{weights}: no weights that can be read ({error}); train or copy the model again") from None


def _model2vec_rows(tensors: Mapping[str, NDArray[Any]], tokenizer: Tokenizer, weights: Path) -> Floats:
    """A row for each token: mapped, weighted, and zero for the unknown token, which model2vec leaves out."""
    tokens = id_limit(tokenizer)
    embeddings, mapping, factors = tensors[MODEL2VEC], tensors.get("mapping"), tensors.get("weights")
    if embeddings.ndim != 2 or tokens > (len(embeddings) if mapping is None else len(mapping)):
        raise UserError(f"{weights}: fewer vectors than its tokenizer has tokens ({tokens:,}); copy the model again")
    rows = np.array(embeddings if mapping is None else embeddings[mapping], np.float32)
    if factors is not None:
        if len(factors) != len(rows):
            raise UserError(f"{weights}: {len(factors):,} weights for {len(rows):,} tokens; copy the model again")
        rows *= factors.astype(np.float32)[:, None]
    if (unknown := unknown_id(tokenizer)) is not None:
        rows[unknown] = 0
    return rows


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def static_encoder(tokenizer: Tokenizer, dimension: int, seed: int = 0, texts: Sequence[str] = ()) -> StaticEncoder:
    """An encoder to be trained: random rows, that of the unknown token zero.

    With ``texts`` (a sample of those to be trained on) the rows begin in proportion to the inverse document frequency
    of their tokens, log((n + 1) / (df + 1)) / log(n): a mean then says more of its rare words than of others.
    """
    reader = WordReader(tokenizer)
    size = reader.vocabulary_size
    rows = INITIAL_SCALE * np.random.default_rng(seed).standard_normal((size, dimension), np.float32)
    unknown = unknown_id(tokenizer)
    if unknown is not None:
        rows[unknown] = 0
    if len(texts) > 1:
        ids, offsets = reader.read(texts)
        where = occurrences(ids, offsets, size, skip=unknown)
        documents = np.zeros(size)
        for token, texts_of in zip(where.tokens, np.split(where.texts, where.starts[1:-1]), strict=True):
            documents[token] = len(np.unique(texts_of))
        rows *= (np.log((len(texts) + 1) / (documents + 1)) / np.log(len(texts))).astype(np.float32)[:, None]
    return StaticEncoder(reader, rows)
