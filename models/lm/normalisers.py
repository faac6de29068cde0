"""What is done to a text before SentencePiece sees it.

Perplexities of two normalisers cannot be compared, and public tools use the same model files with different ones. So
each has a name and a version, which the sidecar of a model states. A change in what comes out is a new version.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Normaliser(NamedTuple):
    name: str
    version: int
    normalise: Callable[[str], str]


_PUNCTUATION = {
    **dict.fromkeys("„”“«»」「《》", '"'),
    **dict.fromkeys("´’", "'"),
    **dict.fromkeys("，、", ","),
    **dict.fromkeys("∶：", ":"),
    **dict.fromkeys("–━►", "-"),
    **{"。": ".", "．": ". ", "；": ";", "？": "?", "！": "!", "（": "(", "）": ")", "【": "[", "】": "]"},
    **{"〈": "<", "〉": ">", "～": "~", "％": "%", "…": "...", "—": " - "},
}
_CONTROLS = bytes([*range(0x20), 0x7F])
_ASCII = bytes(ord("0") if chr(code).isdigit() else ord(chr(code).lower()) for code in range(128)) + bytes(
    range(128, 256)
)


class _Characters(dict[int, str | None]):
    """What becomes of a decomposed, lower-case character; filled as characters are met."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Mn" or code < 0x20 or 0x7F <= code < 0xA0:
            self[code] = None
        elif category == "Nd":
            self[code] = "0"
        else:
            self[code] = _PUNCTUATION.get(character, character)
        return self[code]


_CHARACTERS = _Characters()


def ccnet(text: str) -> str:
    """Lower case, accents stripped, digits 0, punctuation of other scripts as in ASCII, control characters removed.

    Line ends are control characters, so lines are glued without a space. It is what CCNet does before it tokenises
    (``cc_net/text_normalizer.py``), and what its published models and cut-offs were made with.
    """
    text = text.strip()
    if text.isascii():
        return text.encode("ascii").translate(_ASCII, _CONTROLS).decode("ascii")
    return unicodedata.normalize("NFD", text.lower()).translate(_CHARACTERS)


CCNET = Normaliser("ccnet", 1, ccnet)

NORMALISERS: Mapping[str, Normaliser] = {each.name: each for each in (CCNET,)}
"""By name: the version of each that this code has."""
