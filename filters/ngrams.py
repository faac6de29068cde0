"""Texts as sequences of words, and hashes of any stretch of them, for whole batches at once.

A word is a run of letters and digits; case, accents, width, punctuation, line breaks and the amount of white space make
no difference. In scripts without spaces (Han, kana, Thai, Lao, Khmer, Burmese, Tibetan) each character is a word.

The hash is a polynomial modulo 2^64 over the bytes of the words, one separator behind each, so that the hash of a
stretch follows from two running sums (Karp and Rabin 1987): numpy computes those of a batch without a loop over words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]

_SPACE = 0x20
_ASCII = bytes(ord(chr(code).lower()) if chr(code).isalnum() else _SPACE for code in range(128)) + bytes(
    range(128, 256)
)
# Texts that are not written in ASCII letters come as one run, so that the call for a run is paid once.
_NOT_ASCII = re.compile("[^\x00-\x7f]+(?:[ ,.]+[^\x00-\x7f]+)*")
_WITHOUT_SPACES = re.compile("[\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")

_CHUNK = 1 << 15
"""Bytes of text whose running sums are taken in one go: four arrays of 64-bit numbers that stay in a core's cache."""
_MASK = (1 << 64) - 1
_BASE = 0x9E3779B97F4A7C15  # odd, so it has an inverse modulo 2^64
_INVERSE = pow(_BASE, -1, 1 << 64)


class Words(NamedTuple):
    """The words of several texts, as running sums at their borders.

    ``sums`` and ``inverses`` have one entry per word and one more; the words of text ``t`` are
    ``first[t]`` to ``first[t + 1]``.
    """

    sums: Hashes
    inverses: Hashes
    first: Indices

    def counts(self) -> Indices:
        """Words in each text."""
        return np.diff(self.first)

    def texts(self) -> Hashes:
        """The hash of each text as a whole; that of texts without words means nothing."""
        return self._stretches(self.first[:-1], self.first[1:])

    def ngrams(self, n: int) -> tuple[Hashes, Indices]:
        """The hashes of all n-grams of all texts in order, and how many there are of each text."""
        of_text = np.maximum(self.counts() - (n - 1), 0)
        before = np.cumsum(of_text) - of_text
        begin = np.repeat(self.first[:-1] - before, of_text)
        begin += np.arange(len(begin))
        return self._stretches(begin, begin + n), of_text

    def _stretches(self, begin: Indices, end: Indices) -> Hashes:
        found = (self.sums[end] - self.sums[begin]) * self.inverses[begin]
        # The low bits of such a sum know little of the order of letters; the high ones do.
        found ^= found >> np.uint64(32)
        found *= np.uint64(0xD6E8FEB86659FD93)
        found ^= found >> np.uint64(32)
        return found


def hash_words(texts: Sequence[str]) -> Words:
    """The words of a batch of texts."""
    folded = [_folded(text) for text in texts]
    letters = np.frombuffer(b" ".join([*folded, b""]), np.uint8)
    offsets = np.zeros(len(folded) + 1, np.int64)
    np.cumsum([len(text) + 1 for text in folded], out=offsets[1:])
    in_word = letters != _SPACE
    behind_letter = np.zeros_like(in_word)
    behind_letter[1:] = in_word[:-1]
    ends = np.flatnonzero(behind_letter > in_word)
    compact = letters[in_word | behind_letter]
    borders = np.zeros(len(ends) + 1, np.int64)
    np.add(np.flatnonzero(compact == _SPACE), 1, out=borders[1:])
    return Words(*_running_sums(compact, borders), np.searchsorted(ends, offsets))


def _folded(text: str) -> bytes:
    if not text.isascii():
        text = _NOT_ASCII.sub(_fold_run, text)
    return text.encode().translate(_ASCII)


def _fold_run(run: re.Match[str]) -> str:
    return run[0].translate(_FOLD)


class _Fold(dict[int, str]):
    """What becomes of a character: its letters without accents, lower-cased; a space where it is none."""

    def __missing__(self, code: int) -> str:
        kept = []
        for letter in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", chr(code)).casefold()):
            if letter.isalnum():
                kept.append(f" {letter} " if _WITHOUT_SPACES.match(letter) else letter)
            elif unicodedata.category(letter) not in ("Mn", "Mc", "Me", "Cf"):
                kept.append(" ")
        self[code] = "".join(kept)
        return self[code]


_FOLD = _Fold()


@cache
def _tables() -> tuple[Hashes, Hashes, Hashes]:
    """A number for each byte, and the powers of the base and of its inverse for each place in a chunk."""
    codes = np.arange(1, 257, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # splitmix64
    codes = (codes ^ (codes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    codes = (codes ^ (codes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    powers, inverses = (np.full(_CHUNK + 1, base, np.uint64) for base in (_BASE, _INVERSE))
    powers[0] = inverses[0] = 1
    return codes ^ (codes >> np.uint64(31)), np.multiply.accumulate(powers), np.multiply.accumulate(inverses)


def _running_sums(letters: NDArray[np.uint8], borders: Indices) -> tuple[Hashes, Hashes]:
    """At each border, the sum over the letters before it, and the inverse of the base's power there."""
    codes, powers, inverses = _tables()
    sums, unshift = np.zeros(len(borders), np.uint64), np.ones(len(borders), np.uint64)
    total, shift, back = 0, 1, 1
    done = 1  # the first border lies before the first letter
    for begin in range(0, len(letters), _CHUNK):
        piece = codes[letters[begin : begin + _CHUNK]]
        piece *= powers[: len(piece)]
        np.cumsum(piece, out=piece)
        end = int(np.searchsorted(borders, begin + len(piece), "right"))
        here = borders[done:end] - begin
        sums[done:end] = piece[here - 1] * np.uint64(shift) + np.uint64(total)
        unshift[done:end] = inverses[here] * np.uint64(back)
        total = (total + shift * int(piece[-1])) & _MASK
        shift, back = shift * int(powers[_CHUNK]) & _MASK, back * int(inverses[_CHUNK]) & _MASK
        done = end
    return sums, unshift
