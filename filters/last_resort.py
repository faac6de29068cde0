"""The main text of a page that gives little by the usual rules, though it holds more.

Names mislead, scripts show what the markup hides, and some pages keep their text only in data for search engines. So
a text that is short beside what the page visibly holds, or short at all, is looked for again: by tags without names,
among the hidden blocks, by another extractor, in the data, in what scripts start from. Another text is taken only if it
is several times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from resiliparse.extract.html2text import extract_plain_text
from selectolax.lexbor import LexborHTMLParser

from filters.maintext import main_text
from filters.page_outline import Outline, outline
from filters.page_state import lines_of, state_text, template_markup
from filters.scripts import letters_worth

LITTLE = 0.15
"""A text with less than this share of the page's prose is looked for again ..."""
SHORT = 600
"""... and so is one with fewer letters (a character of East Asian scripts counts for several)."""
GAIN = 3.0
"""Another text is taken if it is this many times as long."""
LEAST = 250
"""Another text with fewer letters is not taken."""


def find_main_text(
    tree: LexborHTMLParser, outlined: Outline, html: str, title: str | None, stated_body: str | None
) -> list[str]:
    """The paragraphs of the main text of a page, by the usual rules or, where they find little, by others.

    ``html`` is the page that ``tree`` was parsed from, ``stated_body`` the text that its data state.
    """
    visible = outlined.body.said
    paragraphs = main_text(outlined.body, title)
    if sum(map(len, paragraphs)) >= max(SHORT, LITTLE * visible):
        return paragraphs
    size = _size(paragraphs)
    if size >= max(SHORT, LITTLE * visible):
        return paragraphs
    tries: list[Callable[[], Sequence[str]]] = [
        lambda: main_text(outline(tree, with_names=False).body, title) if visible > GAIN * size else [],
        lambda: main_text(outline(tree, with_hidden=True).body, title),
        lambda: resiliparse_text(html) if visible > GAIN * size else [],
        lambda: lines_of(stated_body or ""),
        lambda: state_text(tree, title),
        lambda: _template_text(tree, title) if size < LEAST else [],
        lambda: main_text(outline(tree, with_unread=True).body, title) if not size else [],
        lambda: resiliparse_text(html) if not size and "<template" not in html else [],
    ]
    for attempt in tries:
        found = list(attempt())
        if _size(found) >= max(LEAST, GAIN * size):
            return found
    return paragraphs


def _template_text(tree: LexborHTMLParser, title: str | None) -> list[str]:
    """The main text of a template; empty where it is short, for dialogs are templates too."""
    markup = template_markup(tree)
    found = main_text(outline(LexborHTMLParser(markup)).body, title) if markup else []
    return found if _size(found) >= SHORT else []


def _size(paragraphs: Sequence[str]) -> int:
    return sum(map(letters_worth, paragraphs))


def resiliparse_text(html: str) -> list[str]:
    """The lines of resiliparse's main text."""
    text = extract_plain_text(html, main_content=True, preserve_formatting=True, list_bullets=False, comments=False)
    return [line for line in map(str.strip, text.splitlines()) if line]
