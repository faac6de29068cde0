"""The static encoder: mean of token vectors at length 1, and the folder that it is kept in.

The folder is one of sentence-transformers (modules StaticEmbedding and Normalize), laid out so that model2vec reads it
too. Everything that shapes a vector is in it, the prompts included.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from ccpairs.errors import UserError
from models.card import write_card
from models.encoders import Role
from models.static.optimizer import occurrences
from models.static.parallel import cores
from models.static.pooling import Floats, means, unit
from models.static.tokenizer import UNKNOWN_ID, open_tokenizer
from models.static.words import WordReader

PROMPTS: Mapping[Role, str] = {"query": "", "passage": ""}
"""No words before a text: to a mean of vectors they are one more constant, and on SciFact and MED they gave at most
0.006 nDCG@10 more, and in one setting 0.02 less. So a caller who forgets the prompts gets the right vectors too."""
INITIAL_SCALE = np.float32(0.1)
MODULE = "0_StaticEmbedding"
WEIGHTS = "embedding.weight"


class StaticEncoder:
    """Texts to unit vectors. ``rows`` float32 [V, d], one a token of the reader's vocabulary.

    A text none of whose tokens has a vector (an empty one, where the prompt is empty) gives the zero vector: it is
    similar to nothing. It is what sentence-transformers gives, too.
    """

    def __init__(
        self, reader: WordReader, rows: Floats, prompts: Mapping[Role, str] = PROMPTS, threads: int | None = None
    ) -> None:
        if rows.shape[0] != reader.vocabulary_size:
            raise ValueError(f"{rows.shape[0]} rows for a vocabulary of {reader.vocabulary_size}")
        self.reader, self.rows, self.prompts = reader, rows, dict(prompts)
        self.threads = threads or cores()
        self._prefixes = {
            role: reader.tokenizer.encode(prompt, add_special_tokens=False).ids for role, prompt in prompts.items()
        }

    @property
    def dimension(self) -> int:
        return int(self.rows.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        digest = xxhash.xxh3_128(np.ascontiguousarray(self.rows).data)
        digest.update(json.dumps([self.reader.tokenizer.to_str(), self.prompts], sort_keys=True).encode())
        return digest.hexdigest()

    def tokens(
        self, texts: Sequence[str], role: Role, max_tokens: int | None = None
    ) -> tuple[NDArray[np.uint16 | np.uint32], NDArray[np.int64]]:
        """Ids, flat, and offsets int64 [n + 1] of the texts with their prompt, the first ``max_tokens`` of each."""
        return self.reader.read(texts, prefix=self._prefixes[role], max_tokens=max_tokens)

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
            folder / "config_sentence_transformers.json",
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
    def load(cls, folder: Path, threads: int | None = None) -> StaticEncoder:
        """The encoder of a folder that :meth:`save` or sentence-transformers wrote; UserError where it is not whole."""
        modules = _read_json(folder / "modules.json")
        try:
            home = folder / next(module["path"] for module in modules if "StaticEmbedding" in module["type"])
        except (StopIteration, TypeError, KeyError):
            raise UserError(f"{folder}: its modules.json names no StaticEmbedding") from None
        weights = home / "model.safetensors"
        try:
            tensors = load_file(weights)
        except (OSError, SafetensorError) as error:
            raise UserError(
                f"{weights}: no weights that can be read ({error}); train or copy the model again"
            ) from None
        if WEIGHTS not in tensors or tensors[WEIGHTS].ndim != 2:
            raise UserError(f"{weights}: holds no matrix {WEIGHTS}; is it a static encoder's?")
        rows = tensors[WEIGHTS].astype(np.float32, copy=False)
        reader = WordReader(open_tokenizer(home / "tokenizer.json"), threads)
        if len(rows) != reader.vocabulary_size:
            raise UserError(f"{folder}: {len(rows)} vectors, but its tokenizer has {reader.vocabulary_size} tokens")
        given = _read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
        prompts: dict[Role, str] = {
            "query": given.get("query") or "",
            "passage": given.get("passage") or given.get("document") or "",
        }
        return cls(reader, rows, prompts, threads)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); train or copy the model again") from None


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
    rows[UNKNOWN_ID] = 0
    if len(texts) > 1:
        ids, offsets = reader.read(texts)
        where = occurrences(ids, offsets, size, skip=UNKNOWN_ID)
        documents = np.zeros(size)
        for token, texts_of in zip(where.tokens, np.split(where.texts, where.starts[1:-1]), strict=True):
            documents[token] = len(np.unique(texts_of))
        rows *= (np.log((len(texts) + 1) / (documents + 1)) / np.log(len(texts))).astype(np.float32)[:, None]
    return StaticEncoder(reader, rows)
