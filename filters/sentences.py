"""Cutting long text into passages at the ends of sentences."""

from __future__ import annotations

import re
import unicodedata

# Ends of sentences where a space follows: Latin, Greek and Cyrillic, Armenian, Arabic, Devanagari, Ethiopic, Khmer,
# Burmese and Tibetan stops. East Asian stops end one wherever they stand.
_SPACED_STOPS = ".!?\u2026\u0589\u061f\u06d4\u0964\u0965\u1362\u17d4\u104b\u0f0d"
_STOPS = "\u3002\uff01\uff1f\uff61"
_CLOSERS = "\"'\u2019\u201d\u00bb)\\]\u300d\u300f\uff09\u3011\u300b"
_STOP = re.compile(rf"[{_SPACED_STOPS}][{_CLOSERS}]*(?=\s)|[{_STOPS}](?![{_STOPS}])[{_CLOSERS}]*")

_OPENERS = "\"'\u2018\u201c\u00ab([{"
_LONGEST_ABBREVIATION = 12
# A sentence may end in some of these. It is then cut one sentence earlier, which harms less than "Dr. | Smith".
_ABBREVIATION = re.compile(
    r"(?:mrs?|ms|dr|prof|st|mt|vs|cf|ca|approx|resp|incl|excl|figs?|eqs?|sect?|chap|vols?|nr|pp?|eds?|al|viz|etc|jr|sr|"
    r"inc|ltd|corp|bros|dept|univ|gen|lt|sgt|capt|cmdr|adm|rev|hon|gov|sen|jan|feb|apr|aug|sept?|oct|nov|dec|ave|blvd|"
    r"ph\.d|bzw|evtl|ggf|\d{1,2}|(?:[^\W\d_]\.)+[^\W\d_])",
    re.IGNORECASE,
)

_JOINERS = "\u200c\u200d"


def cut_at_sentences(text: str, max_chars: int) -> list[str]:
    """Cut text into stripped, non-empty pieces of at most ``max_chars`` characters that together hold all of it.

    Each piece is as long as fits and ends at the end of a sentence; where its first sentence is too long, at a space;
    where there is no space either, anywhere, but not between a letter and its marks.
    """
    if max_chars < 1:
        raise ValueError(f"max_chars must be at least 1, not {max_chars}")
    text = text.strip()
    pieces = []
    start, length = 0, len(text)
    while length - start > max_chars:
        end = _end_of_piece(text, start, start + max_chars)
        pieces.append(text[start:end].rstrip())
        while text[end].isspace():
            end += 1
        start = end
    if start < length:
        pieces.append(text[start:])
    return pieces


def _end_of_piece(text: str, start: int, limit: int) -> int:
    """Where the piece from ``start`` ends, at most at ``limit``, which lies inside the text."""
    stops = [stop.span() for stop in _STOP.finditer(text, start, limit + 1)]
    for stop, end in reversed(stops):
        if end <= limit and _ends_sentence(text, start, stop, end):
            return end
    space = text.rfind(" ", start + 1, limit + 1)
    return space if space != -1 else _between_letters(text, start, limit)


def _ends_sentence(text: str, start: int, stop: int, end: int) -> bool:
    if text[stop] in _STOPS:
        return True
    following = text[end : end + 8].lstrip().lstrip(_OPENERS)
    if following[:1].islower():
        return False
    if text[stop] != ".":
        return True
    before = text[max(start, stop - _LONGEST_ABBREVIATION) : stop].rsplit(None, 1)
    word = before[-1].lstrip(_OPENERS) if before else ""
    if word.lower() == "no":
        return not following[:1].isdigit()
    initial = len(word) == 1 and word.isupper()
    return not initial and _ABBREVIATION.fullmatch(word) is None


def _between_letters(text: str, start: int, limit: int) -> int:
    end = limit
    while end > start and (
        unicodedata.category(text[end])[0] == "M" or text[end] in _JOINERS or text[end - 1] == "\u200d"
    ):
        end -= 1
    return end if end > start else limit
