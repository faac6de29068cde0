"""MinHash of passages: which of them share most of their word 5-shingles, without comparing every two.

A signature keeps, for each of 128 seeded permutations of the 32-bit integers, the smallest image of a text's shingles.
Two texts agree in a permutation with the probability of their Jaccard similarity: shared shingles over all shingles
(Broder, "On the resemblance and containment of documents", 1997). Signatures are cut into bands, and texts that agree
in all rows of a band are candidates: with probability ``1 - (1 - jaccard ** rows) ** bands``, the S-curve
(Leskovec, Rajaraman, Ullman, *Mining of Massive Datasets*, 3.4).

All hashes are polynomials and mixes modulo 2^64 with constants written here: the same on every machine, and computed
over whole batches at a time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from filters.scripts import UNSPACED
from filters.text import normalise_for_id

Array: TypeAlias = np.ndarray[Any, Any]

PERMUTATIONS = 128
SHINGLE = 5
"""Words of a shingle. A text of fewer words is one shingle."""

_WINDOW = 1 << 18
_SHINGLES_AT_ONCE = 1 << 16
"""Bytes and shingles looked at in one step: they and what is computed of them stay in a core's cache."""

_LONG_WORD = re.compile(rb"([^ ]{1000})[^ ]+")
"""In texts longer than a window, so many bytes of a word count."""


def _constants(seed: int, count: int) -> Array:
    """Well-mixed 64-bit integers: SplitMix64 (Steele, Lea, Flood, 2014)."""
    states = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    states = (states ^ (states >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    states = (states ^ (states >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Array = states ^ (states >> np.uint64(31))
    return mixed


# Punctuation, symbols, spaces and controls part words; in ASCII that is all but letters and digits.
_SPACE = 0x20
_LOWER = bytes(ord(chr(byte).lower()) if chr(byte).isalnum() else _SPACE for byte in range(0x80))
_LOWER += bytes(range(0x80, 0x100))
_BASE = int(_constants(1, 1)[0]) | 1
_POWERS = np.cumprod(np.full(2 * _WINDOW + 2, _BASE, np.uint64))
_INVERSES = np.cumprod(np.full(2 * _WINDOW + 2, pow(_BASE, -1, 1 << 64), np.uint64))
_OF_PLACE = _constants(3, SHINGLE)
_OF_TEXT = int(_constants(4, 1)[0]) | 1
_FACTORS = (_constants(5, 1024) >> np.uint64(32)).astype(np.uint32) | np.uint32(1)
_MASKS = (_constants(6, 1024) >> np.uint64(32)).astype(np.uint32)
_OF_ROW = _constants(7, 1024)


class Words(NamedTuple):
    """The words of n texts: a 64-bit hash of each (``uint64[words]``), and where each text ends (``int64[n]``)."""

    hashes: Array
    ends: Array

    @property
    def starts(self) -> Array:
        return np.append(np.int64(0), self.ends)[:-1]


def hash_words(texts: Sequence[str]) -> Words:
    """The words of texts, compared without case, width, punctuation and spacing.

    In scripts that put no space between words (Han, kana, Thai …) every character counts as a word.
    """
    encoded = [_words_of(text) for text in texts]
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
    bytes_ = np.frombuffer(b" ".join([b"", *encoded, b""]).translate(_LOWER), np.uint8)
    part = bytes_ != _SPACE
    edges = np.flatnonzero(part[1:] != part[:-1])
    starts, ends = edges[::2], edges[1::2]
    hashes = np.empty(len(starts), np.uint64)
    word = 0
    while word < len(starts):
        begin = starts[word]
        last = max(word + 1, int(np.searchsorted(ends, begin + _WINDOW)))
        window = (bytes_[begin + 1 : ends[last - 1] + 1] - np.uint8(_SPACE)).astype(np.uint64)
        window *= _POWERS[: len(window)]
        sums = np.cumsum(window, out=window)[ends[word:last] - begin - 1]
        sums[1:] -= sums[:-1].copy()
        sums *= _INVERSES[starts[word:last] - begin]
        hashes[word:last] = sums
        word = last
    return Words(mix(hashes), np.searchsorted(starts, np.cumsum(lengths + 1)))


def text_keys(words: Words) -> Array:
    """A 64-bit hash of each text, the same for texts of the same words; 0 where a text has none (``uint64[n]``)."""
    keys = np.zeros(len(words.ends), np.uint64)
    starts, some = words.starts, words.ends > words.starts
    if some.any():
        place = np.arange(len(words.hashes)) - np.repeat(starts, words.ends - starts)
        powers = np.cumprod(np.full(int(place.max()) + 1, _OF_TEXT, np.uint64))
        keys[some] = np.maximum(mix(np.add.reduceat(words.hashes * powers[place], starts[some])), np.uint64(1))
    return keys


def signatures(words: Words, permutations: int = PERMUTATIONS) -> Array:
    """MinHash signatures (``uint32[n, permutations]``, at most 1,024); all ones where a text has no words.

    A permutation is ``(x ^ mask) * factor`` modulo 2^32, with an odd factor. The first columns are the same whatever
    their number.
    """
    starts, some = words.starts, words.ends > words.starts
    signed = np.full((permutations, len(starts)), 0xFFFFFFFF, np.uint32)
    starts, ends = starts[some], words.ends[some]
    shingles = _shingles(words.hashes, starts, ends)
    first = np.append(0, np.cumsum(np.maximum(ends - starts - SHINGLE + 1, 1)))
    smallest = np.full((permutations, len(starts)), 0xFFFFFFFF, np.uint32)
    buffer = np.empty(_SHINGLES_AT_ONCE, np.uint32)
    for begin in range(0, len(shingles), _SHINGLES_AT_ONCE):
        block = shingles[begin : begin + _SHINGLES_AT_ONCE]
        images = buffer[: len(block)]
        # A text that goes on from the block before is the first of this one.
        low, high = np.searchsorted(first, begin, "right") - 1, np.searchsorted(first, begin + len(block))
        texts = np.maximum(first[low:high] - begin, 0)
        for row in range(permutations):
            np.bitwise_xor(block, _MASKS[row], out=images)
            np.multiply(images, _FACTORS[row], out=images)
            found = smallest[row, low:high]
            np.minimum(found, np.minimum.reduceat(images, texts), out=found)
    signed[:, some] = smallest
    return signed.T


@cache
def bands_for(jaccard: float, permutations: int = PERMUTATIONS) -> tuple[int, int]:
    """Bands and rows of a band for a wanted similarity, 0 < jaccard < 1.

    Of all that fit, those for which the area below the S-curve left of the similarity and the area above it right of it
    are least together (both with the same weight, as in datasketch).
    """
    steps = 1000
    left = jaccard * (np.arange(steps) + 0.5) / steps
    right = jaccard + (1 - jaccard) * (np.arange(steps) + 0.5) / steps

    def errors(bands: int, rows: int) -> float:
        false_positives = jaccard * np.mean(1 - (1 - left**rows) ** bands)
        return float(false_positives + (1 - jaccard) * np.mean((1 - right**rows) ** bands))

    fitting = [(bands, rows) for bands in range(1, permutations + 1) for rows in range(1, permutations // bands + 1)]
    return min(fitting, key=lambda shape: errors(*shape))


def probability_found(jaccard: float, bands: int, rows: int) -> float:
    """The S-curve: how probably two texts of this similarity agree in a band."""
    return float(1 - (1 - jaccard**rows) ** bands)


def band_keys(signed: Array, bands: int, rows: int) -> Array:
    """A 64-bit hash of every band of signatures (``uint64[n, bands]``); different bands never share one on purpose."""
    keys = np.empty((len(signed), bands), np.uint64)
    for band in range(bands):
        total = np.full(len(signed), _OF_ROW[-1 - band], np.uint64)
        for row in range(rows):
            total += signed[:, band * rows + row].astype(np.uint64) * _OF_ROW[row]
        keys[:, band] = mix(total)
    return keys


def _words_of(text: str) -> bytes:
    """Bytes of which ``_LOWER`` makes words between spaces."""
    if not text.isascii():
        text = _apart().sub(" ", normalise_for_id(text))
        if UNSPACED.search(text) is not None:
            text = UNSPACED.sub(r" \g<0> ", text)
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded) > _WINDOW:
        encoded = _LONG_WORD.sub(rb"\1", encoded.translate(_LOWER))
    return encoded


@cache
def _apart() -> re.Pattern[str]:
    """What parts words; beyond the first 65,536 code points emoji and pictographs, as one range."""
    signs = [chr(code) for code in range(0x10000) if unicodedata.category(chr(code))[0] in "PSZ" or code < 0x20]
    signs.remove(" ")
    return re.compile(f"[{re.escape(''.join(signs))}\x7f-\x9f\U0001f000-\U0001faff]+")


def _shingles(hashes: Array, starts: Array, ends: Array) -> Array:
    """The shingles of every text, one text after the other, as ``uint32``; no text may be empty."""
    padded = np.append(hashes, np.zeros(SHINGLE - 1, np.uint64))
    sums = hashes * _OF_PLACE[0]
    for place in range(1, SHINGLE):
        sums += padded[place : place + len(hashes)] * _OF_PLACE[place]
    whole = np.ones(len(hashes), bool)
    for place in range(1, SHINGLE):
        at = ends - place
        whole[at[at > starts]] = False
    short = ends - starts < SHINGLE
    at, end = starts[short], ends[short]
    sums[at] = hashes[at] * _OF_PLACE[0]
    for place in range(1, SHINGLE):
        sums[at] += np.where(at + place < end, padded[at + place], np.uint64(0)) * _OF_PLACE[place]
    return (mix(sums[whole]) >> np.uint64(32)).astype(np.uint32)


def mix(values: Array) -> Array:
    """Mix 64-bit integers so that each bit depends on all (the finish of MurmurHash3, public domain)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    mixed: Array = values ^ (values >> np.uint64(33))
    return mixed
