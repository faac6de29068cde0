"""Wikitext, first step: comments and extension tags, whose content is not wikitext.

References, galleries and maps go; formulas become readable text; ``<nowiki>`` and code keep their words, with every
character that means something in wikitext turned into an entity, so that later steps take it for text.
"""

from __future__ import annotations

import re

from filters.latex import latex_to_text

GAP = "\x01"
"""Stands where something that may have carried words was dropped."""
REFERENCES = "\x02"
"""Stands where a list of references begins."""
CITATION = "\x03"
"""Stands where a citation or a link to the web was."""
PIPE = "\x04"
"""A ``|`` that is text."""
MARKS = re.compile("[\x00-\x04]")

_DROPPED = ("ref", "gallery", "timeline", "imagemap", "graph", "mapframe", "maplink", "score", "templatedata",
            "templatestyles", "section", "categorytree", "inputbox", "hiero", "charinsert", "dynamicpagelist", "ce",
            "phonos", "noinclude", "includeonly", "style", "script")  # fmt: skip
_VERBATIM = ("nowiki", "pre", "source", "syntaxhighlight", "code", "tt", "chem")
_LISTINGS = ("pre", "source", "syntaxhighlight", "code")
_OPENING = re.compile(rf"<(?:!--|(references|{'|'.join(_DROPPED + _VERBATIM)}|math)(?![\w-])([^<>]*)>)", re.IGNORECASE)
_CLOSING = {tag: re.compile(rf"</{tag}\s*>", re.IGNORECASE) for tag in ("references", "math", *_DROPPED, *_VERBATIM)}
_SPECIAL = {ord(char): f"&#{ord(char)};" for char in "[]{}|'=<>*#:;!_"}
_LEFT_OVER = re.compile(r"\\[A-Za-z]+|[{}\\&]|\b(?:begin|end|array|matrix|aligned?)\b")

_LONGEST_FORMULA = 120
"""Characters of a formula that a reader still follows without its typesetting."""


def without_tags(text: str) -> str:
    """Take comments and extension tags out of wikitext. Linear time: each closing tag is searched for only once."""
    out: list[str] = []
    missing: set[str] = set()
    position = 0
    while found := _OPENING.search(text, position):
        out.append(text[position : found.start()])
        tag = (found[1] or "").lower()
        if not tag:
            end = text.find("-->", found.end())
            position = len(text) if end < 0 else end + 3
            continue
        position = found.end()
        if tag == "references":
            out.append(REFERENCES)
        if found[2].endswith("/"):
            continue
        closing = None if tag in missing else _CLOSING[tag].search(text, position)
        if closing is None:
            missing.add(tag)
            continue
        out.append(_content(tag, found[2], text[position : closing.start()]))
        position = closing.end()
    out.append(text[position:])
    return "".join(out)


def _content(tag: str, attributes: str, inner: str) -> str:
    if tag == "math":
        return formula_text(inner).translate(_SPECIAL)
    if tag in _VERBATIM:
        # A listing of several lines makes no passage.
        return GAP if tag in _LISTINGS and "\n" in inner else inner.translate(_SPECIAL)
    return ""


def formula_text(latex: str) -> str:
    """A formula as a line of text, or a gap where nobody could read it: ``\\alpha^2`` -> ``α^2``."""
    if len(latex) > 2 * _LONGEST_FORMULA:
        return GAP
    text = latex_to_text(f"${' '.join(latex.split())}$").strip("$ ")
    if not text or len(text) > _LONGEST_FORMULA or _LEFT_OVER.search(text):
        return GAP
    return text
