"""From the lines of a section to its text: prose in one piece, and nothing where the section is a mere list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from filters.scripts import letters_worth

_SENTENCE_END = re.compile(r"""[.!?…。！？।؟۔։][\])"'»”’」』）]*$""")
_INTRODUCTION = re.compile(r"(?:^|(?<=[.!?]\s)|(?<=[。！？]))[^.!?。！？]*[:：]$")

SHORTEST_SENTENCE_ITEM = 60
"""Characters from which a list item that ends like a sentence counts as prose."""


_CONTINUES = re.compile(r"[,;)，、；）。]|\.(?=\s|$)")
"""No paragraph begins with these: the one before goes on."""
_CONJUNCTIONS = (" and", " or")


class Line(NamedTuple):
    """A paragraph or a list item, as plain text; without text it stands for what was dropped, a table, say."""

    text: str
    item: bool = False
    indented: bool = False


def section_text(lines: Iterable[Line], max_chars: int | None = None) -> str:
    """The lines of a section as one text; empty where list items hold more of it than sentences do.

    With ``max_chars``, it ends soon after so many characters.
    """
    pieces: list[str] = []  # texts, and between them what joins them
    prose = listed = 0
    unended = was_indented = False  # does the last piece, a list item or an indented line, lack a mark at its end?
    for text, item, indented in lines:
        if not text:
            if not unended:
                _drop_introductions(pieces)
            continue
        ended = _SENTENCE_END.search(text) is not None
        if item and not (ended and len(text) >= SHORTEST_SENTENCE_ITEM):
            listed += len(text)
        else:
            prose += len(text)
        if unended and (item or indented):
            pieces.append("; ")
        elif unended and not was_indented:
            pieces.append(". ")
        elif pieces:
            pieces.append("" if _CONTINUES.match(text) else " ")
        was_indented = indented
        unended = (
            (item or indented) and not ended and text[-1] not in ",;:，；：、" and not text.endswith(_CONJUNCTIONS)
        )
        pieces.append(text)
        if max_chars is not None and prose + listed > max_chars:
            break
    if unended:
        pieces.append(".")
    else:
        _drop_introductions(pieces)
    return "".join(pieces).strip() if prose >= listed else ""


# "Smith, J. 2009. Rocks.", "... Rēzne, 2003.", "pp. 12-14": lines of a bibliography, whatever marks them up.
_BOOK_LINE = re.compile(
    r"(?<!\d)[,:;(]\s*(?:1[5-9]|20)\d\d[a-z]?(?:\W{1,3}(?:\d{1,4}|[ivxlc]+) ?\w{0,3})?\W*$"
    r"|^[^.!?]{3,80}(?<!\d)[,.] ?\(?(?:1[5-9]|20)\d\d[a-z]?\)?[.,:]"
    r"|\b(?:pp?|S|с|стр|vol|no|ed|eds|hrsg|isbn|issn|doi)\. ?\d"
    # "— 320 с.", "Наука, 1985. —", "Beck, München 2001.", "岩波書店、2001年。", "12-34頁"
    r"|[—–-] ?\d{1,4} ?(?:с|стр|p|pp|S)\.|[,:] ?(?:1[5-9]|20)\d\d\. ?[—–]"
    r"|[.,:;] (?-i:[A-ZÄÖÜÉ])[\w./-]+ (?:1[5-9]|20)\d\d\W*$"
    r"|[、，（(] ?(?:1[5-9]|20)\d\d年?[^。]{0,24}。?$|\d ?[頁页]",
    re.IGNORECASE,
)
_LONGEST_BOOK_LINE = 400
# What editors say about the sources of the page itself.
_ABOUT_PAGE = re.compile(
    r"\bthis (?:article|page|section|list)\b|\b(?:main|linked) article\b|\b(?:following|these|above"
    r"|below) (?:references|sources|books"
    r"|links|works)\b|\bpublic domain\b|\bbibliography\b.{0,40}\bsee\b|\bsee\b.{0,40}\bbibliography\b",
    re.IGNORECASE,
)

LEAST_PROSE_LETTERS = 80
"""Letters of prose that a section named after sources ("Literature", "Notes") must have to count as prose."""


def is_list_of_sources(lines: Iterable[tuple[Line, int, bool]]) -> bool:
    """Tell whether a section that is named after sources only lists some.

    Args:
        lines: each line as plain text, its length in the page's markup (characters), and whether it cites: holds a
            template of a citation, a link to the web or a book's number.
    """
    prose = other = 0
    letters = 0.0
    for (text, item, _), chars, cites in lines:
        if not text and not cites:
            continue
        is_book = len(text) < _LONGEST_BOOK_LINE and _BOOK_LINE.search(text) is not None
        is_sentence = _SENTENCE_END.search(text) is not None and not is_book
        if item or cites or not is_sentence or _ABOUT_PAGE.search(text):
            other += chars
        else:
            prose += chars
            letters += letters_worth(text)
    return letters < LEAST_PROSE_LETTERS or prose < 2 * other


def _drop_introductions(pieces: list[str]) -> None:
    """Drop last sentences that end in a colon: what they introduced is gone."""
    while pieces and pieces[-1].endswith((":", "：")):
        pieces[-1] = _INTRODUCTION.sub("", pieces[-1]).rstrip()
        if pieces[-1]:
            return
        del pieces[-2:]
