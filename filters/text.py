"""Plain text: the one form in which every query and passage is kept, and the form by which pairs are told apart."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from html import unescape
from html.entities import html5
from typing import Literal

_ASCII_CONTROLS = dict.fromkeys((*range(0x20), 0x7F))

# Invisible characters that carry no text: controls, soft hyphen, zero-width space, direction marks, byte-order mark,
# interlinear marks, tags and non-characters. Joiners (U+200C, U+200D) and variation selectors stay: Persian, the
# scripts of India and emoji are spelled with them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufdd0-\ufdef"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
    + "]"
)
# Characters that print nothing, yet Unicode calls them symbols or letters; people use them as blanks.
_BLANKS = re.compile("[\u2800\u3164\uffa0]")
_SURROGATES = re.compile("[\ud800-\udfff]")

# "&amp;amp;", "&amp;lt;": what was escaped twice.
_ESCAPED_AGAIN = re.compile("&(?:amp;)+(?=(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)")
_ENTITY = re.compile("&(?:#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));")

# Sorting combining marks takes quadratic time in their number, so a run of them ends here. The longest run that any
# language needs is far below 30 (Unicode's stream-safe format has the same limit).
_MARKS_IN_A_ROW = 30


def plain(text: str) -> str:
    """Text as it is kept in the record: NFC, no control characters, white space folded to single spaces, stripped.

    Entities are left alone: decoding them is the business of whoever knows the markup. Halves of surrogate pairs are
    joined, lone ones go, so the result always encodes to UTF-8. ``plain(plain(x)) == plain(x)``.
    """
    if not text.isprintable():
        text = _visible(text)
    elif "  " in text or text[:1] == " " or text[-1:] == " ":
        text = " ".join(text.split())
    if text.isascii():
        return text
    if "\u3164" in text or "\u2800" in text or "\uffa0" in text:
        text = " ".join(_BLANKS.sub(" ", text).split())
    return _normalised("NFC", text)


def normalise_for_id(text: str) -> str:
    """Text by which pairs are told apart: NFKC, case-folded, white space folded.

    Texts that differ only in case, width, ligatures or spacing get the same identity.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    folded = _normalised("NFKC", _normalised("NFKC", text).casefold())
    return " ".join(folded.split())


def lower_ends(text: str) -> str:
    """The first and last words of a text in lower case, where its author says what it is; all of a short text."""
    return (text if len(text) < 600 else f"{text[:200]}\n{text[-400:]}").lower()


def decode_entities(text: str) -> str:
    """Decode HTML entities once, those that end in a semicolon.

    The old names that HTML allows without one stay: in running text they are ``&section=2`` of an address.
    """
    return _ENTITY.sub(_decoded, text) if "&" in text else text


def decode_escaped_entities(text: str) -> str:
    """Decode HTML entities, also those that were escaped twice or more (``&amp;amp;lt;``), as exports hold them."""
    if "&amp;" in text:
        text = _ESCAPED_AGAIN.sub("&", text)
    return decode_entities(text)


def _visible(text: str) -> str:
    text = " ".join(text.split())
    if text.isprintable():
        return text
    if text.isascii():
        return " ".join(text.translate(_ASCII_CONTROLS).split())
    if _SURROGATES.search(text) is not None:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return " ".join(_INVISIBLE.sub("", text).split())


def _decoded(entity: re.Match[str]) -> str:
    name = entity[1]
    return unescape(entity[0]) if name is None else html5.get(name + ";", entity[0])


def _normalised(form: Literal["NFC", "NFKC"], text: str) -> str:
    if unicodedata.is_normalized(form, text):
        return text
    return unicodedata.normalize(form, _long_runs_of_marks().sub(r"\1", text))


@cache
def _long_runs_of_marks() -> re.Pattern[str]:
    marks = [chr(code) for code in range(0x300, 0x20000) if unicodedata.combining(chr(code))]
    return re.compile(f"([{''.join(marks)}]{{{_MARKS_IN_A_ROW}}})[{''.join(marks)}]+")
