"""Lengths and word counts that compare across scripts, so that no threshold punishes a language for its writing."""

from __future__ import annotations

import re

# Kana, Han and Hangul: a character says about as much as three Latin letters.
_DENSE = re.compile("[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]")
_LETTERS_PER_DENSE = 3
# Scripts that put no space between words: Thai, Lao, Tibetan, Burmese, Khmer; kana and Han.
UNSPACED = re.compile(
    "[\u0e01-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
_UNSPACED_PER_WORD = 2.5


def letters_worth(text: str) -> int:
    """Length of a text in characters of an alphabet: a Han character, kana or Hangul syllable counts three."""
    if text.isascii():
        return len(text)
    return len(text) + (_LETTERS_PER_DENSE - 1) * len(_DENSE.findall(text))


def unspaced_characters(text: str) -> int:
    """How many characters of the text belong to scripts that put no space between words."""
    return 0 if text.isascii() else len(UNSPACED.findall(text))


def words_worth(spaced_words: int, unspaced: int) -> int:
    """Number of words of a text with so many words between spaces and so many unspaced characters."""
    return spaced_words + int(unspaced / _UNSPACED_PER_WORD)
