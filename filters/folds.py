"""Folds, and the hashes by which texts and documents are told apart: 64 bits, the same everywhere, 0 for none.

Cross-fitting needs pairs that say the same thing in one fold, or a model would judge what it has learned by heart. A
pair's *base* decides: its passage's document (source and id), and where none is known the passage's text, without case,
width and spacing. So the titles and bodies that were paired with one answer fall together, and so do all passages of an
article. What equal texts join besides, ``pipelines.judge.equal_texts`` tells. The query's document never decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import xxhash
from numpy.typing import NDArray

from ccpairs.errors import UserError
from filters.text import normalise_for_id

Hashes = NDArray[np.uint64]

MOST_FOLDS = 100

_SEED = np.uint64(0x666F6C6473)  # so that a fold tells nothing about the pool, which is drawn by hashes too
_TEXTS_AT_ONCE = 128
"""Texts looked at in one step: they stay in a core's cache."""
_CACHED_WORD = 64
"""Characters of the longest word that is remembered."""

_cached = lru_cache(1 << 16)(normalise_for_id)


def text_hashes(texts: Sequence[str]) -> Hashes:
    """xxh3 of each text as ``normalise_for_id`` leaves it, uint64 [n]: equal ones are one text."""
    steps = range(0, len(texts), _TEXTS_AT_ONCE)
    return np.array([each for at in steps for each in _hashes_of(texts[at : at + _TEXTS_AT_ONCE])], np.uint64)


def document_hashes(source: str, ids: Iterable[str | None]) -> Hashes:
    """xxh3 of the source and each document id, uint64 [n]; 0 where none is known."""
    return np.array([0 if each is None else _hash(f"{source}\0{each}".encode()) for each in ids], np.uint64)


def bases_of(documents: Hashes, passages: Hashes) -> Hashes:
    """The hash on which each pair's fold hangs, uint64 [n]: its passage's document, or the text where that is 0."""
    return np.where(documents != 0, documents, passages)


def folds_of(documents: Hashes, passages: Hashes, folds: int) -> NDArray[np.uint8]:
    """The fold of each pair, uint8 [n] below ``folds``, by the hashes of its passage's document (or 0) and text.

    Raises ``UserError`` where ``folds`` is below 1 or above 100.
    """
    return folds_of_bases(bases_of(documents, passages), folds)


def folds_of_bases(bases: Hashes, folds: int) -> NDArray[np.uint8]:
    """The fold of each pair, uint8 [n] below ``folds``, by the hash of its base.

    Raises ``UserError`` where ``folds`` is below 1 or above 100.
    """
    if not 1 <= folds <= MOST_FOLDS:
        raise UserError(f"{folds} folds; choose from 1 (each pair is judged by a model that knows it) to {MOST_FOLDS}")
    mixed = bases ^ _SEED
    # SplitMix64's last step (Steele, Lea, Flood, 2014): every bit of the hash decides
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed >> np.uint64(32)) * np.uint64(folds) >> np.uint64(32)).astype(np.uint8)


def _hash(data: bytes | memoryview) -> int:
    return xxhash.xxh3_64_intdigest(data) or 1


def _hashes_of(texts: Sequence[str]) -> list[int]:
    """Plain ASCII, which most texts are, only needs lower case, and gets it in one go."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)) + 1)
    data = np.frombuffer(b"\0".join([*encoded, b""]), np.uint8)
    printable = (data - np.uint8(0x20)) <= np.uint8(0x7E - 0x20)
    # White space to fold: a space after a space, or beside the zero byte that parts two texts
    odd = ~printable
    odd[ends - 1] = False
    spaces = (data == 0x20) | (data == 0)
    odd[1:] |= spaces[1:] & spaces[:-1]
    odd[0] |= spaces[0]
    capitals = (data - np.uint8(ord("A"))) < np.uint8(26)
    lowered = (data + capitals * np.uint8(0x20)).data
    hashes = [_hash(lowered[start : end - 1]) for start, end in pairwise([0, *ends.tolist()])]
    for row in np.unique(np.searchsorted(ends, np.flatnonzero(odd), side="right")).tolist():
        hashes[row] = _hash(_folded(texts[row]).encode("utf-8", "surrogatepass"))
    return hashes


def _folded(text: str) -> str:
    """``normalise_for_id``, word by word: most words of most texts are ASCII, and the others repeat."""
    words = (word.lower() if word.isascii() else _normalised(word) for word in text.split())
    return " ".join(filter(None, words))


def _normalised(word: str) -> str:
    return _cached(word) if len(word) <= _CACHED_WORD else normalise_for_id(word)
