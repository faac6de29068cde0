"""Wikitext into sections of plain text.

Five steps, each in its own room: comments and extension tags (:mod:`filters.wikitext_tags`), everything that nests
(:mod:`filters.wikitext_brackets`, templates by :mod:`filters.wikitext_templates`), headings and lines (here), the marks
inside a line (:mod:`filters.wikitext_inline`), and which lines make a passage (:mod:`filters.wikitext_prose`). No step
looks at a character more than a fixed number of times, so the time is linear in the text, whatever is unclosed in it.

What goes: tables, references, infoboxes, files and their captions, categories, galleries, link lists, and sections that
only list sources. What stays: prose, quotations, list items that say something.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from filters.wikitext_brackets import flatten
from filters.wikitext_inline import inline_text, without_web_links
from filters.wikitext_prose import Line, is_list_of_sources, section_text
from filters.wikitext_renderers import is_coordinates
from filters.wikitext_tags import CITATION, MARKS, PIPE, REFERENCES, without_tags
from filters.wikitext_templates import template_name, template_text
from filters.wikitext_words import (
    CATEGORY_PREFIXES,
    FILE_PREFIXES,
    PROJECT_PREFIXES,
    is_disambiguation_template,
    is_source_heading,
)

_LANGUAGE_PREFIX = re.compile(r"[a-z]{2,3}(?:-[a-z]{2,10}){0,2}$|simple$")
_MEDIA_FILE = re.compile(r"\.(?:jpe?g|png|svg|gif|tiff?|webp|og[agv]|webm|mp[34]|pdf|djvu|mid)\s*$", re.IGNORECASE)
_HEADING = re.compile(r"(={1,6})(.+?)\1[\s\x01-\x03]*$")
_LIST_MARKS = " \t*#:;"
_TABLE_LEFT_OVERS = ("|", "!", "{|")
# "Main article: X" in italics and on a line of its own, as wikis without a template for it write it.
_POINTER = re.compile(r"[\s:*]*''(?!')[^'\n]{1,60}:[^'\n]{1,200}''[\s.]*$")
_ALL_BOLD = re.compile(r"'''[^']{1,80}'''[\s\x01-\x03]*$")
_MARKS_AT_END = frozenset(".!?:;,。！？：")
_BOOK_NUMBER = re.compile(r"\bISBN[\s:-]*(?:1[03][:\s-]*)?[\dX–-]{9}|\b(?:ISSN|OCLC|PMID|doi:)\s*[\dX.–-]{4}")


@dataclass(frozen=True)
class Namespaces:
    """Prefixes of links that are not to articles, case-folded: the customary ones and what the dump's header names."""

    files: frozenset[str] = FILE_PREFIXES
    categories: frozenset[str] = CATEGORY_PREFIXES

    @staticmethod
    def named(files: Iterable[str], categories: Iterable[str]) -> Namespaces:
        return Namespaces(
            FILE_PREFIXES | {name.casefold() for name in files},
            CATEGORY_PREFIXES | {name.casefold() for name in categories},
        )


CUSTOMARY = Namespaces()


class Section(NamedTuple):
    """A section with text of its own. ``path`` holds the headings that lead to it, empty for the lead."""

    path: tuple[str, ...]
    text: str


@dataclass
class Article:
    sections: list[Section] = field(default_factory=list)
    sources: list[Section] = field(default_factory=list)
    """Sections with text that are named after sources and only list some."""
    disambiguation: bool = False


class _Reader:
    """What one page's templates and links are turned into."""

    def __init__(self, namespaces: Namespaces) -> None:
        self.namespaces = namespaces
        self.disambiguation = False

    def template(self, inner: str) -> str:
        name = template_name(inner.partition("|")[0])
        if is_disambiguation_template(name):
            self.disambiguation = True
            return ""
        return template_text(name, inner)

    def link(self, inner: str) -> str:
        target, bar, label = inner.replace(PIPE, "|").partition("|")
        target = target.strip()
        prefix, colon, rest = target.partition(":")
        if colon and prefix:
            folded = prefix.strip().casefold()
            if folded in self.namespaces.files or folded in self.namespaces.categories or _MEDIA_FILE.search(target):
                return ""
            if not bar:
                if _LANGUAGE_PREFIX.match(prefix) and prefix not in PROJECT_PREFIXES:
                    return ""  # the same article in another language
                if folded in PROJECT_PREFIXES:
                    target = rest
        if bar and label.strip():
            return label
        return _shown(target.lstrip(":"), trimmed=bool(bar))


def _shown(target: str, trimmed: bool) -> str:
    """What a link without a label shows; ``[[Mercury (planet)|]]`` shows ``Mercury``."""
    shown = target.partition("#")[0] or target.lstrip("#")
    if trimmed:
        shown = shown.rpartition(":")[2].partition("(")[0].partition(",")[0].strip()
    return shown


def read_article(wikitext: str, namespaces: Namespaces = CUSTOMARY, max_chars: int | None = None) -> Article:
    """The sections of a page that have text of their own, in order, and whether it is a disambiguation page.

    With ``max_chars``, the text of each section ends soon after that many characters (reading on would be for nothing).
    """
    reader = _Reader(namespaces)
    if MARKS.search(wikitext):
        wikitext = MARKS.sub("", wikitext)
    text = without_web_links(without_tags(wikitext.replace("\r", "")))
    flat = flatten(text, reader.template, reader.link)
    if reader.disambiguation:
        return Article(disambiguation=True)
    article = Article()
    for path, lines in _sections(flat):
        text = section_text(_lines(lines), max_chars)
        if text:
            titles = tuple(title for title in path if title)
            is_kept = not any(map(is_source_heading, path)) or not is_list_of_sources(_weighed(lines))
            (article.sections if is_kept else article.sources).append(Section(titles, text))
    return article


def _sections(flat: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The path of headings and the lines of each section."""
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    for line in flat.split("\n"):
        heading = _HEADING.match(line) if line[:1] == "=" else None
        if heading is None:
            lines.append(line)
            continue
        yield tuple(title for _, title in path), lines
        lines = []
        level = len(heading[1])
        while path and path[-1][0] >= level:
            path.pop()
        path.append((level, inline_text(heading[2])))
    yield tuple(title for _, title in path), lines


def _weighed(raw: list[str]) -> Iterator[tuple[Line, int, bool]]:
    """The lines of a section with their length and whether they cite."""
    for line in raw:
        before, references, _ = line.partition(REFERENCES)
        if before and not before.isspace():
            text = Line(_line_text(before), before[0] in "*#;", before[0] == ":")
            yield text, len(before), CITATION in before or "://" in before or _BOOK_NUMBER.search(before) is not None
        if references:
            return


def _lines(raw: list[str]) -> Iterator[Line]:
    for line in raw:
        before, references, _ = line.partition(REFERENCES)
        if before and not before.isspace():
            yield Line(_line_text(before), before[0] in "*#;", before[0] == ":")
        if references:
            return


def _line_text(line: str) -> str:
    """What one line says; empty for sources, pointers and what is left of tables."""
    bare = line.lstrip(_LIST_MARKS)
    if not bare or bare.startswith(_TABLE_LEFT_OVERS):
        return ""
    if line[0] in "*#;:" and (CITATION in line or "://" in line or _BOOK_NUMBER.search(line)):
        return ""
    if "''" in line and _POINTER.match(line):
        return ""
    text = inline_text(bare)
    if text and text[-1] not in _MARKS_AT_END and (line[0] == ";" or _ALL_BOLD.match(bare)):
        return f"{text}:"  # a heading in all but name
    return "" if is_coordinates(text) else text
