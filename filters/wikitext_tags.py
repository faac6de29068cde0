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
EQUALS = "\x05"
"""A ``=`` that is text."""
MARKS = re.compile("[\x00-\x05]")

_DROPPED = ("ref", "gallery", "timeline", "imagemap", "graph", "mapframe", "maplink", "score", "templatedata",
            "templatestyles", "section", "categorytree", "inputbox", "hiero", "charinsert", "dynamicpagelist",
            "phonos", "noinclude", "includeonly", "style", "script")  # fmt: skip
_VERBATIM = ("nowiki", "pre", "source", "syntaxhighlight", "code", "tt", "chem", "ce")
_WORDLESS = ("hiero", "score", "charinsert")
"""What is dropped of these may stand for words of the sentence."""
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
    return GAP if tag in _WORDLESS else ""


_WORDS = re.compile(r"\\(?:ce|text(?:rm|it|bf)?|math(?:rm|it|bf|sf)|mbox|operatorname)\s*\{([^{}]*)\}")
_SHORT_FRACTION = re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)")
# Two-dimensional parts, those that hold no other.
_STACKED = re.compile(
    r"\\([dt]?frac|[dt]?binom)\s*\{([^{}]*)\}\s*\{([^{}]*)\}|\\sqrt\s*\{([^{}]*)\}|([_^])\{([^{}]*)\}"
)
_ONE_TERM = re.compile(r"\\?\w*|\([^()]*\)")
_DEEPEST_FORMULA = 8


def _on_one_line(latex: str) -> str:
    """Fractions, roots and indices with the brackets that they need on one line: ``\\frac{a+b}{c}`` -> ``(a+b)/c``."""
    latex = _SHORT_FRACTION.sub(r"\1/\2 ", _WORDS.sub(r"\1", latex))
    for _ in range(_DEEPEST_FORMULA):
        latex, changed = _STACKED.subn(_flat, latex)
        if not changed:
            break
    return latex


def _flat(found: re.Match[str]) -> str:
    if found[4] is not None:
        return f"√{_term(found[4])}"
    if found[5]:
        return f"{found[5]}{_term(found[6])}"
    upper, lower = found[2], found[3]
    return f"({upper} choose {lower})" if found[1].endswith("binom") else f"{_term(upper)}/{_term(lower)}"


def _term(latex: str) -> str:
    """In brackets, unless it is one name or number."""
    latex = latex.strip()
    return latex if _ONE_TERM.fullmatch(latex) else f"({latex})"


def formula_text(latex: str) -> str:
    """A formula as a line of text, or a gap where nobody could read it: ``\\alpha^2`` -> ``α^2``."""
    if len(latex) > 2 * _LONGEST_FORMULA or "\\begin" in latex:
        return GAP
    text = latex_to_text(f"${_on_one_line(' '.join(latex.split()))}$").strip("$ ")
    if not text or len(text) > _LONGEST_FORMULA or _LEFT_OVER.search(text):
        return GAP
    return text
