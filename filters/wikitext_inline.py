"""Wikitext, last step: the marks inside a line, and the repair of what dropped templates left behind."""

from __future__ import annotations

import re
from html import unescape

from filters.text import plain
from filters.wikitext_tags import CITATION, EQUALS, GAP, PIPE

_QUOTES = re.compile(r"'{2,}")
_BOLD_AFTER_WORD = re.compile(r"(?<=\w)'{3}(?!')")
_BREAK = re.compile(r"<(?:br|hr|p|li|dd|dt|div|tr|td|th)(?![\w-])[^<>]*>|</(?:p|li|div|tr|td|th)\s*>", re.IGNORECASE)
_SUPERSCRIPT = re.compile(r"(?<=\d)<sup>([−–+-]?\d+)</sup>", re.IGNORECASE)
_ELEMENT = re.compile(r"</?[A-Za-z][^<>]*>")
# What is taken is not given back (the plus signs), or a link without its end would take quadratic time.
_WEB_LINK = re.compile(r"\[(?:(?:https?:|ftp:)?//|mailto:)[^\s\]\[]*+[ \t]*+([^\[\]\n]*+)\]", re.IGNORECASE)
_SWITCH = re.compile(r"__[A-ZÀ-ÞА-Я]{3,30}__")
_VARIANTS = re.compile(r"-\{(?:[^{}|]*\|)?([^{}]*)\}-")
_BRACKETS_LEFT = re.compile(r"\{\{+|\}\}+|\[\[+|\]\]+|\{\||\|\}")
_ENTITY_TYPO = re.compile(r"& ?(nbsp|ndash|mdash|thinsp|minus) ?;")

# What a dropped template leaves: "( ; born 1815)", "()", "the , or". White space is folded before, and repetitions are
# bounded, so that a line of nothing but commas takes linear time too.
_ORPHAN = re.compile(r"^[\])]+ ?")
_OPENED = re.compile(r"([(\[（])(?:[ \x01]{0,4}(?:[,;:،；][ \x01]{0,4}){1,6}| {1,4})")
_CLOSED = re.compile(r"(?: {0,4}[,;،；][ \x01,;،；]{0,12}| {1,4})([)\]）])")
_EMPTY = re.compile(r" ?(?:\([ \x01–—-]{0,8}\)|\[[ \x01]{0,8}\]|（[ \x01]{0,8}）)")
_DOUBLED = re.compile(r"[,;][ \x01]{0,4}(?=[,;.](?!\.))")
_BEFORE_MARK = re.compile(r"[ \x01]{1,4}([,.])(?=[ \x01]|$)")
_GAP_IN_ASIDE = re.compile(r" ?\([^()\x01]{0,80}\x01[^()]{0,80}\)")
_GAP_AT_MARK = re.compile(r"[ \x01]{0,4}\x01 ?(?=[.,;:!?)\]»”]|$)|(?<=[(\[«“]) ?\x01|^ ?\x01")


def without_web_links(text: str) -> str:
    """Links to the web, in the text of a whole page, become their label and a ``CITATION`` mark."""
    return _WEB_LINK.sub(CITATION + r"\1", text) if "//" in text or "mailto:" in text else text


def inline_text(line: str) -> str:
    """One line (or heading) without any marks, as plain text."""
    if "''" in line:
        line = _without_quotes(line)
    if "<" in line:
        line = _SUPERSCRIPT.sub(r"^\1", line)
        line = _ELEMENT.sub("", _BREAK.sub(" ", line))
    if "__" in line:
        line = _SWITCH.sub("", line)
    if "-{" in line:
        line = _VARIANTS.sub(_first_variant, line)
    if "{" in line or "}" in line or "]]" in line or "[[" in line:
        line = _BRACKETS_LEFT.sub("", line)
    if "&" in line:
        line = unescape(unescape(_ENTITY_TYPO.sub(r"&\1;", line)))
    return mended(line.replace(CITATION, "").replace(PIPE, "|").replace(EQUALS, "="))


def mended(line: str) -> str:
    """A line without marks as plain text, with what dropped templates left behind repaired."""
    return plain(_repaired(" ".join(line.split())).replace(GAP, " "))


def _without_quotes(line: str) -> str:
    """Take out the marks of italics and bold. Where both are unpaired, one mark of bold is an apostrophe and italics.

    ``the ''Eagle'''s crew`` reads "the Eagle's crew".
    """
    runs = [len(run) for run in _QUOTES.findall(line)]
    italics, bold = (sum(run in (count, 5) for run in runs) for count in (2, 3))
    if italics % 2 and bold % 2:
        line = _BOLD_AFTER_WORD.sub("'", line, count=1)
    return _QUOTES.sub(_apostrophes, line)


def _apostrophes(found: re.Match[str]) -> str:
    """Italic, bold or both; four are an apostrophe and bold, beyond five the rest are apostrophes."""
    count = len(found[0])
    return "'" * (1 if count == 4 else max(0, count - 5))


def _first_variant(found: re.Match[str]) -> str:
    """``-{zh-hans:A; zh-hant:B}-`` shows ``A``, ``-{A}-`` shows ``A``."""
    return found[1].partition(";")[0].rpartition(":")[2]


def _repaired(line: str) -> str:
    if "(" in line or "[" in line or "（" in line:
        line = _OPENED.sub(r"\1", line)
        line = _CLOSED.sub(r"\1", line)
        line = _EMPTY.sub("", line)
    line = _ORPHAN.sub("", line)
    line = _DOUBLED.sub("", line)
    line = _BEFORE_MARK.sub(r"\1", line)
    if GAP in line:
        line = _GAP_AT_MARK.sub("", _GAP_IN_ASIDE.sub("", line))
    return line
