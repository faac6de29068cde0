"""Readers of a static encoder's texts: the fast one where the tokenizer is of our kind, else the library's own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ccpairs.errors import UserError
from models.static.tokenizer import check_tokenizer, readable
from models.static.words import Ids, WordReader

AT_A_TIME = 4_096
"""Texts that the library is handed at once; their encodings take far more memory than their ids."""


class TokenReader(Protocol):
    """Texts to ids, without special tokens. ``vocabulary_size``: ids lie below it."""

    tokenizer: Tokenizer
    vocabulary_size: int

    def read(
        self, texts: Sequence[str], *, prefix: Sequence[int] = (), max_tokens: int | None = None
    ) -> tuple[Ids, NDArray[np.int64]]:
        """Ids, flat, and offsets, int64 [n + 1]: of each text ``prefix`` and its own ids, cut to ``max_tokens``."""


class LibraryReader:
    """Reads by any tokenizer of the library `tokenizers`, its truncation included."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_padding()
        self.tokenizer = tokenizer
        self.vocabulary_size = id_limit(tokenizer)
        self._dtype: Any = np.uint16 if self.vocabulary_size <= 1 << 16 else np.uint32

    def read(
        self, texts: Sequence[str], *, prefix: Sequence[int] = (), max_tokens: int | None = None
    ) -> tuple[Ids, NDArray[np.int64]]:
        parts: list[Ids] = [np.empty(0, self._dtype)]
        sizes = [0]
        for first in range(0, len(texts), AT_A_TIME):
            batch = [readable(text) for text in texts[first : first + AT_A_TIME]]
            for encoding in self.tokenizer.encode_batch_fast(batch, add_special_tokens=False):
                ids = np.array([*prefix, *encoding.ids], self._dtype)[:max_tokens]
                parts.append(ids)
                sizes.append(len(ids))
        return np.concatenate(parts), np.cumsum(sizes, dtype=np.int64)


def open_reader(tokenizer: Tokenizer, threads: int | None = None) -> TokenReader:
    """A reader that gives the ids of the tokenizer, the fastest there is."""
    try:
        check_tokenizer(tokenizer, "")
    except UserError:
        return LibraryReader(tokenizer)
    return WordReader(tokenizer, threads)


def id_limit(tokenizer: Tokenizer) -> int:
    """The number above all ids of a tokenizer."""
    return max(tokenizer.get_vocab().values(), default=-1) + 1


def unknown_id(tokenizer: Tokenizer) -> int | None:
    """The id of the unknown token, of any kind of tokenizer; None where there is none."""
    model = json.loads(tokenizer.to_str())["model"]
    if "unk_id" in model:  # unigram
        found: int | None = model["unk_id"]
        return found
    token = model.get("unk_token")
    return tokenizer.token_to_id(token) if token else None


def without_special_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """A copy that adds none to a text, whoever uses it; a static encoder never counts them."""
    told = json.loads(tokenizer.to_str())
    return Tokenizer.from_str(json.dumps({**told, "post_processor": None}))
