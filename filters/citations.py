"""What authors say where they cite: the sentence around a citation, without the citation itself.

A mark left in the text ("[12]", "(Smith et al., 2010)") would give the cited title away, or teach a model to match
numbers. Parsers of full text say where each mark stands; excerpts of a citation graph do not, so there the usual styles
are recognised.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from filters.scholarly import unmarked
from filters.text import plain

Span: TypeAlias = tuple[int, int]
"""Begin and end of a stretch of text, in characters."""

_WINDOW = 1500
"""How far from a mark its sentence may begin or end; farther text is not looked at."""

_SHORT_SENTENCE = 60
"""A sentence shorter than this says too little; the one before it is taken along."""

# The set of stops comes first and the abbreviations are looked at behind it: so the pattern skips from stop to stop.
_SENTENCE_END = re.compile(
    r"[.!?。！？\n](?:(?<=[。！？\n])|(?<!\bal\.)(?<!\bcf\.)(?<!\bvs\.)(?<!\bca\.)(?<!\bFig\.)(?<!\bFigs\.)(?<!\bEq\.)(?<!\bEqs\.)"
    r"(?<!\bRef\.)(?<!\bRefs\.)(?<!\bSec\.)(?<!\bDr\.)(?<!\bNo\.)(?<!\bapprox\.)(?<!\bresp\.)(?<!\b[A-Za-z]\.)"
    r"[\"”’')\]]{0,3}\s+(?=[\"“‘(\[]?[^\W_a-z]|\0))"
)
_HIDDEN = "\0"
_HIDDEN_RUN = re.compile("\0{2,}")


def citation_context(text: str, mark: Span, marks: Sequence[Span]) -> str:
    """The sentence around ``mark`` as plain text, with all ``marks`` of the text cut out; empty where there is none."""
    begin, end = max(0, mark[0] - _WINDOW), min(len(text), mark[1] + _WINDOW)
    hidden = _hide(text, begin, end, marks)
    at, until = mark[0] - begin, mark[1] - begin
    first, last, before = 0, len(hidden), 0
    for found in _SENTENCE_END.finditer(hidden):
        if found.end() <= at:
            first, before = found.end(), first
        elif found.start() >= until:
            last = found.end()
            break
    context = without_marks(hidden[first:last])
    if len(context) < _SHORT_SENTENCE and first:
        context = without_marks(hidden[before:last])
    return context


def _hide(text: str, begin: int, end: int, marks: Sequence[Span]) -> str:
    """``text[begin:end]`` with every mark overwritten: the full stop of "et al." must not end a sentence."""
    letters = list(text[begin:end])
    for start, stop in marks:
        if start < end and stop > begin:
            low, high = max(start, begin) - begin, min(stop, end) - begin
            letters[low:high] = _HIDDEN * (high - low)
    return "".join(letters)


_SEE = r"(?:(?:see|also|e\.g\.|i\.e\.|cf\.|reviewed (?:in|by)|refs?\.?|references?)[ ,]*){0,3}"
_PAGE = (
    r"(?: ?[:,] ?(?i:pp?\.?|chap(?:ter)?s?\.?|ch\.?|S\.|sec(?:tion)?s?\.?|§{1,2}|figs?\.?|figures?|tables?"
    r"|tab\.|notes?|nn?\.|vols?\.|para\.)?"
    r" ?(?:\d|[ivxlc]{1,6}\b)[\divxlc.–-]{0,12}(?:, ?\d{1,4}(?:[–-]\d{1,4})?){0,4}(?: ?ff?\.?)?)"
)
_BRACKET = rf"\[ ?{_SEE}\d{{1,4}}[a-z]?(?:(?: ?[-,;–—] ?(?:and )?| and )\d{{1,4}}[a-z]?){{0,40}}(?:{_PAGE})? ?\]"
_NUMBERS = re.compile(rf" ?{_BRACKET}(?: ?(?:[-,;–—]|and|or|to) ?{_BRACKET}){{0,40}}")
# "(12, 13)": numbers that rise, unless the words around speak of a place, a range or an amount.
_ROUND_NUMBERS = re.compile(
    rf" ?\(({_SEE})(\d{{1,3}}(?:(?: ?[-,;–—] ?(?:and )?| and | & )\d{{1,3}}){{0,40}}"
    r"(?:\) ?[-,;–—] ?\(\d{1,3}){0,40})\)"
)
_LAST_WORD = re.compile(r"([^\s(\[]{1,40})\s*$")
_NO_REFERENCE_TABLE = """
a age aged ages an at between block blocks case cases cell cells channel channels chapter chapters chromosome
chromosomes ci class classes cluster clusters columns concentration concentrations coordinate coordinates day
days degree degrees dimension dimensions dose doses epoch epochs eq eqs equation equations example exon exons
fig figs figure figures frequencies frequency from grade grades group groups hour hours in index indices
integers interval intervals item items lag lags lane lanes layer layers length level levels line lines location
locations matrix mean means median minutes model month months node nodes number numbers of order orders pair
pairs panel panels parameter parameters phase phases pixel pixels point points position positions primes range
ranges rank ranks ratio rows score scores sec section sections set sets shape size sizes stage stages state
states step steps table tables temperature temperatures the threshold thresholds trial trials tuple tuples type
types value values vector vectors version versions wavelengths week weeks weight weights window windows year
years
"""
_NO_REFERENCE_BEFORE = frozenset(_NO_REFERENCE_TABLE.split())
_AMOUNT_BEHIND = re.compile(
    r"\s*(?:[%°]|percent\b|of the (?:grid|plane|matrix|map|image|lattice)\b|respectively\b|(?:years|days|hours)\b)"
)
_PAGE_ALONE = re.compile(r" ?\((?:[Ii]bid\.?,? ?)?pp?\. ?\d{1,4}(?: ?[–-] ?\d{1,4})?\)")
_ACRONYM = re.compile(r" \[[A-Z][A-Za-z&]{1,9}\](?=,? (?:19|20)\d\d)")
_RAISED = re.compile(r"(?<=[a-z)][.,;])\d{1,3}(?:[,–-]\d{1,3}){0,20}(?=\s|$)")
_PARENTHESIS = re.compile(r" ?[(\[]([^()\[\]]{4,400})[)\]]")
_YEAR_ALONE = re.compile(
    r"(?<=[a-z.’'s]) ?\((?:19|20)\d\d[a-z]?(?:, ?(?:19|20)?\d{0,2}[a-z]?){0,6}(?:" + _PAGE + r")?\)"
)
_NAME = (
    r"(?!January|February|March|April|May\b|June|July|August|September|October|November|December)"
    r"[^\W\d_a-z][\w'’-]*[a-z][\w'’-]*"
)
_AUTHOR_YEAR = re.compile(
    r"\s*(?:(?:but|see|also|e\.g\.|i\.e\.|cf\.|from|after|and|for (?:an? )?(?:reviews?|overview)|as in"
    r"|(?:adapted|quoted|cited|reviewed|discussed|described|reported) (?:from|in|by))[ ,]*){0,4}"
    r"(?:(?:de|van|der|den|von|la|le|del|di|da|dos|d['’]) ?){0,3}(?:[A-Z]\. ?){0,3}"
    rf"(?:{_NAME}|[A-Z]{{2,6}}(?=, ))"
    rf"(?:[ ,]+(?:{_NAME}|[A-Z]{{1,2}}(?:,| )(?=\d)|[A-Z]\.|(?:et )?al\.?,?|and|&"
    rf"|de|van|der|den|von|la|le|del|di|da|dos)){{0,12}}"
    r"[ ,]+\(?(?:(?:19|20)\d\d[a-z]?(?:, ?(?:(?:19|20)\d\d)?[a-z]?\b){0,8}|in press|forthcoming|n\.d\."
    r"|submitted|in preparation"
    rf"|unpublished(?: \w+)?|pers(?:onal|\.) comm(?:unication|\.)){_PAGE}?(?:, (?:emphasis|italics"
    rf"|translation) (?:in )?\w+)?(?:,? for (?:an? )?(?:\w+ )?"
    r"(?:reviews?|overview|surveys?|details|discussions?|examples?)"
    rf"|,? (?:among|inter) \w+|,? and references therein)?\s*"
)
_KEY = re.compile(r"\s*(?:[A-Z][A-Za-z+]{1,12}\d{2,4}[a-z]?(?:, ?|\s*$)){1,12}")
_NOTHING_LEFT = re.compile(
    r" ?\((?:[\s,;.&\0–-]|and|see|e\.g\.|cf\.|i\.e\.|also|[Rr]efs?\.?|[Rr]eferences?){0,30}\)| ?\[[\s,;&\0–-]{0,30}\]"
    r"| ?[(\[][\s,;]{0,5}\0|\0[\s,;]{0,5}[)\]]"
)
_BEFORE_STOP = re.compile(r"(?:\s|(?<=[,;])[,;])+(?=[,;.:?!])")
_STOPS_AT_BEGIN = re.compile(r"^[\s.…,;:)\]–-]+")
_ELLIPSES = re.compile(r"(?:(?:\.\.\.|…)\s*)*")
"""Matched from the end of a text backwards, so that a long row of stops inside it takes linear time."""


def without_marks(text: str) -> str:
    """Plain text with citations of the usual styles taken out: ``[3, 5–7]``, ``(Smith and Jones, 2010)``, ``.12,13``.

    An author who is part of the sentence ("Smith et al. (2010) show") keeps the name and loses the year.
    """
    if _HIDDEN in text:
        text = _NOTHING_LEFT.sub("", _HIDDEN_RUN.sub(_HIDDEN, text)).replace(_HIDDEN, "")
    text = unmarked(text)
    if "[" in text:
        text = _NUMBERS.sub("", text)
    if "(" in text or "[" in text:
        text = _without_round_numbers(_PAGE_ALONE.sub("", _ACRONYM.sub("", text)))
        text = _PARENTHESIS.sub(_without_citations, text)
        text = _NOTHING_LEFT.sub("", _YEAR_ALONE.sub("", text))
    text = _RAISED.sub("", text).replace("et al..", "et al.")
    text = _STOPS_AT_BEGIN.sub("", _BEFORE_STOP.sub("", plain(text)))
    return plain(text[: len(text) - _match_end(_ELLIPSES, text[::-1])])


def _match_end(pattern: re.Pattern[str], text: str) -> int:
    """Where the match at the beginning of a text ends; 0 where there is none."""
    found = pattern.match(text)
    return found.end() if found else 0


def _without_round_numbers(text: str) -> str:
    """Take out ``(12, 13)``; where a text cites so, a lone ``(12)`` too."""
    several = 0

    def shown(found: re.Match[str]) -> str:
        nonlocal several
        if not _is_reference(found, several):
            return found[0]
        several += 1
        return ""

    text = _ROUND_NUMBERS.sub(shown, text)
    return _ROUND_NUMBERS.sub(shown, text) if several else text


def _is_reference(found: re.Match[str], several: int) -> bool:
    numbers = [int(number) for number in re.findall(r"\d+", found[2])]
    if found[1]:
        return True
    if (len(numbers) == 1 and not several) or numbers[0] == 0 or numbers != sorted(set(numbers)):
        return False
    if _AMOUNT_BEHIND.match(found.string, found.end()):
        return False
    before = _LAST_WORD.search(found.string, max(0, found.start() - 48), found.start())
    if before is None:
        return True
    word = before[1].lower().strip(".,;:\"'”’)")
    is_amount = word[-1:].isdigit() and not re.fullmatch("(?:19|20)[0-9]{2}", word)
    return len(word) > 1 and not is_amount and word[-1].isalnum() and word not in _NO_REFERENCE_BEFORE


# "; ", and the comma or "and" of "Smith 2001, Jones 2002".
_BETWEEN_CITATIONS = re.compile(
    r";|(?<=(?:19|20)\d\d),? and (?=[A-Z][a-z])|(?<=(?:19|20)\d\d), (?=[A-Z][a-z][^;]{0,80}\d{4})"
)


def _without_citations(found: re.Match[str]) -> str:
    parts = _BETWEEN_CITATIONS.split(found[1])
    kept = [part for part in parts if not (_AUTHOR_YEAR.fullmatch(part) or _KEY.fullmatch(part))]
    if len(kept) == len(parts):
        return found[0]
    whole = found[0]
    opening = whole[: whole.index(found[1])]
    return f"{opening}{';'.join(kept).strip()}{whole[-1]}" if kept else ""


@dataclass(frozen=True)
class ContextFilter:
    """Drop contexts that say too little about what they cite, and lines of reference lists."""

    min_chars: int = 50
    max_chars: int = 1000
    max_digits: float = 0.15

    name: ClassVar[str] = "context"

    def reason(self, context: str) -> str | None:
        """Why this (cleaned) context is no use, or None."""
        if len(context) < self.min_chars:
            return "context_too_short"
        if len(context) > self.max_chars:
            return "context_too_long"
        letters, digits = sum(map(str.isalpha, context)), sum(map(str.isdigit, context))
        if 2 * letters < len(context) or digits > self.max_digits * len(context):
            return "context_not_text"
        return None
