"""Titles and abstracts of papers: what is cut off them, and which of them are no use.

Catalogues of papers hold what publishers sent: "Abstract" glued to the first word, copyright lines at the end, markup,
front matter that has a title like any paper. The cleaners return plain text (``plain(x) == x``), possibly empty; the
filters name a reason. All text in, text or reason out.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import ClassVar

from filters.latex import latex_to_text
from filters.text import normalise_for_id, plain

_TAG = re.compile(
    r"</?(?:(?:jats|mml|xhtml|ce|sb):[a-z-]{1,20}|[ibpaqsu]|em|strong|su[bp]|inf|br|hr|italic|bold|roman|sc|scp|tt|span"
    r"|div|font|small|big|title|sec|list|list-item|[uo]l|li|h[1-6]|math|m[ionr]|mrow|msu[bp]|mfrac|inline-formula)"
    r"(?:\s[^<>]{0,300})?/?>",
    re.IGNORECASE,
)
_BLOCK_TAG = re.compile(
    r"</?(?:(?:jats|ce):)?(?:p|br|hr|div|sec|title|li|list-item|h[1-6])\b[^<>]{0,300}>", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,31}\d{0,2}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")

# MAG joins the paragraphs of an abstract with ":::".
_JOINT = ":::"


def unmarked(text: str) -> str:
    """Entities decoded; HTML, JATS, MathML and LaTeX marks taken off; plain."""
    if "&" in text:
        # Twice: catalogues escape what was escaped already ("&amp;lt;").
        for _ in range(2):
            text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    if "<" in text:
        text = _TAG.sub("", _BLOCK_TAG.sub(" ", text))
    if _JOINT in text:
        text = text.replace(_JOINT, " ")
    return plain(latex_to_text(text))


# --- titles -------------------------------------------------------------------------------------------------------

_TRANSLATED = re.compile(r"^\[([^\[\]]{10,})\]\.?(?: ?\((?:author'?s transl|transl)\))?\.?(?: ?\[[^\[\]]{3,60}\])?\.?$")
_IN_LANGUAGE = re.compile(r" ?\[(?:Article|Abstract|Text|Paper) in [^\[\]]{2,40}\]\.?$", re.IGNORECASE)
_REPORT_NUMBER = re.compile(r"^ADP ?\d{6} TITLE ?: ")
_TITLE_LABEL = re.compile(r"^(?:Research|Original|Full|Review|Regular) (?:Article|Paper)\s*[:.]\s*", re.IGNORECASE)
_FOOTNOTE_MARKS = " *†‡§¶#"


def clean_title(title: str) -> str:
    """A title as plain text, without the brackets of translated titles, footnote marks and the final full stop."""
    text = unmarked(title)
    if "[" in text:
        text = _IN_LANGUAGE.sub("", text)
        if found := _TRANSLATED.match(text):
            text = found[1]
    if ":" in text:
        text = _TITLE_LABEL.sub("", _REPORT_NUMBER.sub("", text))
    text = text.rstrip(_FOOTNOTE_MARKS)
    if text.endswith(".") and _STOP_STAYS.search(text, max(0, len(text) - 6)) is None:
        text = text[:-1]
    return plain(text)


_STOP_STAYS = re.compile(r"(?:\.\.|\b(?:etc|al|Inc|Jr|[A-Za-z]))\.$")

# Front and back matter is made of few words. A title of nothing else ("Notes on contributors", "Panel 2: discussion and
# closing remarks", "Biographical notes on speakers and list of participants") is no paper's.
_MATTER_TABLE = """
abbreviations about abstract abstracts acknowledgement acknowledgements acknowledgment acknowledgments addendum address
advertisement advertisements advertising agenda announcement announcements annual appendices appendix article articles
author authors award awards back bibliography biographical biographies biography blank board book books brief briefs
calendar call captions chair chairman chairs chairperson chapter classified closing colophon column comment
commentary comments committee committees concluding conclusion conclusions conference content contents contributions
contributor contributors copyright corrections correspondence corrigenda corrigendum cover coming cumulative
dedication delegates demo demos demonstrations demonstration description descriptions diary discussion editor editorial
editorials editors end epilogue errata erratum events exhibit exhibition exhibitions exhibitor exhibitors
figures foreword forthcoming forward front frontamtter frontispiece frontmatter full general glossary guest guide
guidelines image imprint index indexes indices information inside instructions interview introducing introduction
introductions introductory invited issue issues item items keynote keynotes keyword keywords letter letters list
manuscript masthead matter meeting meetings member members membership memoriam message minutes miscellanea
miscellaneous name news newsletter note notes notice notices obituaries obituary office officers opening oral
organisation organisers organization organizers organizing outside overview page pages panel panelists panels paper
papers part participant participants poster posters preface preliminary preliminaries presentation presentations
president presidential prizes proceedings program programme prologue publication publications publisher published
publishers reader readers received referees references rejoinder remarks replies reply report reports response
responses retracted retraction review reviewer reviewers reviews schedule secretary section sections session sessions
speaker speakers special speech sponsors statement subject subscription summaries summary supplement tables
table talk talks thank thanks title toc tributes untitled upcoming volume welcome workshop
editoriale éditorial sommaire avant propos inhalt inhaltsverzeichnis vorwort buchbesprechung buchbesprechungen
a an and at by for from in n of on our s the this to us with your next new no not available
i ii iii iv v vi vii viii ix x xi xii b c d
"""
_MATTER = frozenset(_MATTER_TABLE.split())
_WORD = re.compile(r"[^\W_]+")

# Notices that hang on another paper, and names of the dead.
_NOTICE = re.compile(
    r"\W*(?:erratum|errata|corrigend(?:um|a)|addend(?:um|a)|retract(?:ion|ed)|notice of retraction|"
    r"expression of concern|(?:author |publisher |publisher['’]s )?correction(?= to|:)|book reviews?(?=:| of)|"
    r"in memoriam|obituar(?:y|ies)|withdrawn|reply to|response to (?:the )?(?:letter|comment)|title pages?|"
    r"front ?matter)\b",
    re.IGNORECASE,
)
# A volume of proceedings, not a paper.
_VOLUME = re.compile(
    r"(?:conference |annual |selected )?(?:proceedings|transactions|abstracts|papers|minutes|report) "
    r"(?:of|from|presented at) the\b.*"
    r"\b(?:conference|workshop|symposium|meeting|congress|society|annual|seminar|session|council|academy)\b",
    re.IGNORECASE,
)
# A reviewed book stands with its price, pages or number.
_REVIEWED_BOOK = re.compile(
    r"\bISBN\b|[£€$] ?\d+\.\d\d\b|\b(?:[Pp]p\. ?[ivxlc\d]|\d+ ?pp\b)"
    r"|\b(?:price|cloth|hardback|paperback|hbk|pbk)\b.{0,12}[£€$]"
)
_BOOK_MARKS = ("ISBN", "pp", "Pp", "p.", "£", "€", "$")


@dataclass(frozen=True)
class TitleFilter:
    """Drop titles that say nothing about a paper's content."""

    min_chars: int = 6
    max_chars: int = 400

    name: ClassVar[str] = "title"

    def reason(self, title: str) -> str | None:
        """Why this (cleaned) title is no use, or None."""
        if not title:
            return "no_title"
        if len(title) < self.min_chars:
            return "title_too_short"
        if len(title) > self.max_chars:
            return "title_too_long"
        if 2 * sum(map(str.isalpha, title)) < len(title) - title.count(" "):
            return "title_not_text"
        if title.endswith((", Proceedings", ", proceedings")) or _VOLUME.match(title):
            return "boilerplate_title"
        if _NOTICE.match(title) or _is_book_review(title) or _is_matter(title):
            return "boilerplate_title"
        return None


def _is_book_review(title: str) -> bool:
    return any(mark in title for mark in _BOOK_MARKS) and _REVIEWED_BOOK.search(title) is not None


def _is_matter(title: str) -> bool:
    return all(word in _MATTER or word.isdigit() for word in _WORD.findall(title.lower()))


# --- abstracts ----------------------------------------------------------------------------------------------------

_LABEL = (
    r"(?i:abstract|a ?b ?s ?t ?r ?a ?c ?t|summary|synopsis|résumé|resumen|resumo|zusammenfassung|аннотация|要旨|摘要)"
)
# Subjects that begin with the word: "Abstract Syntax is ..." keeps it, "Abstract The area ..." loses it.
_ABSTRACT_WHAT = (
    r"Algebra|Argument|Art\b|Cauchy|Concept|Data\b|Dialect|Discourse|Domain|Elementary|Expression|Famil|Harmonic|"
    r"Interpret|Machine|Manifest|Meaning|Object|Reasoning|Representation|Scene|Semantic|State\b|Syntax|Thought|Wiener|Word"
)
_LABELLED = re.compile(
    rf"(?:\W|\d{{1,2}}\.){{0,20}}(?:{_LABEL} ?[.:—–|∙•]+[\s—–-]*|{_LABEL} ?- |(?:ABSTRACT|SUMMARY|SYNOPSIS)(?![a-z]) ?"
    rf"|(?:Abstract|Summary) ?(?!{_ABSTRACT_WHAT})(?=[1-9]\b|[\"“‘'(A-Z]))"
)
_FORM_ONLY = re.compile(
    r"(?:Summary|Abstract) form only(?: given)?[.,:;]* *|\[?(?:International|National) audience\]?[.:]? +|UNLABELLED:? "
)
_GLUED_NUMBER = re.compile(r"\d{1,5}(?=(?i:background|introduction|objectives?|purpose|aims?)\b)")
_COPYRIGHT_HEAD = re.compile(
    r"(?:©|\([cC]\)|[Cc]opyright ?(?:©|\([cC]\))?) ?(?:19|20)\d\d[^.]{1,100}?"
    r"(?:(?:Ltd|Inc|B\.V|Co|Publ)\.[^.]{0,40}?)?\. ?"
    r"(?:Published by [^.]{3,60}(?:B\.V)?\. ?)?(?:All [Rr]ights [Rr]eserved\. ?)?(?=[A-Z\"“(])"
)
_COPYRIGHT_TAIL = re.compile(
    r"""(?:(?<=[.!?)\]"”’…])|(?<=\.\ )|(?<=[a-z\d]\ ))\s*\[?(?:
      (?:Crown\ )?Copyright\ ?(?:©|\([cC]\)|\d{4}|of\ |by\ |held\ ) | ©
    | \([cC]\)\ ?(?:\d{4}|[Cc]opyright|the\ authors?)
    | \d{4}\ ?(?:©|\([cC]\)) | All\ rights\ (?:are\ )?reserved
    | (?:19|20)\d\d\ (?:Published\ by|Elsevier|Wiley|Academic\ Press|The\ Authors?|American\ \w+\ Society|Springer)
    | Published\ (?:by|in\ \d{4}\ by)\ (?:Elsevier|John\ Wiley|Wiley|Oxford|Cambridge|Springer|AIP|Taylor|SAGE)
    | This\ article\ is\ (?:protected\ by\ copyright|a\ U\.?S\.?\ Government|categorized\ under)
    ).{0,220}$""",
    re.VERBOSE,
)
_LAST_WORDS = re.compile(
    r" *(?:\((?:tr-)?auth(?:or)?s?\.?\)|Language: [a-z]{2,3}|Peer Reviewed|\((?:Author|Publisher) abstract\)"
    r"|\(ABSTRACT TRUNCATED[^()]{0,30}\)|\(PsycINFO[^()]{3,90}\)"
    r"|\[(?:References|Journal translation)[^\[\]]{0,120}\])\.?$"
)
_TRUNCATED = re.compile(r" ?(?:\.\.\.|…)$")
_SENTENCE_ENDS = re.compile(r"[.!?][\"”’)\]]?(?= )")
_TAIL_WINDOW = 300
# A look for these costs a tenth of the patterns.
_COPYRIGHT_MARKS = (
    "©",
    "opyright",
    "(c)",
    "(C)",
    "eserved",
    "ublished ",
    "Elsevier",
    "Press",
    "Author",
    "Wiley",
    "Society",
)
_LAST_MARKS = (")", ").", "]", "].", "Reviewed", "Reviewed.")
_SHORTEST_REST = 100


def clean_abstract(abstract: str) -> str:
    """An abstract as plain text, without its heading, copyright lines and markup.

    One that the catalogue cut off in the middle of a word ("with a narro...") ends at its last whole sentence.
    """
    text = unmarked(abstract)
    for _ in range(2):  # "Summary Abstract: …", "© 2014 Elsevier. Abstract …"
        before = text
        for head in (_COPYRIGHT_HEAD, _FORM_ONLY, _LABELLED, _GLUED_NUMBER):
            if found := head.match(text):
                text = text[found.end() :]
        if text == before:
            break
    return plain(_without_tail(text))


def _without_tail(text: str) -> str:
    for _ in range(3):
        start = max(0, len(text) - _TAIL_WINDOW)
        tail, found = text[start:], None
        if tail.endswith(_LAST_MARKS) or "Language: " in tail:
            found = _LAST_WORDS.search(text, start)
        if found is None and any(mark in tail for mark in _COPYRIGHT_MARKS):
            found = _COPYRIGHT_TAIL.search(text, start)
        if found is None:
            break
        text = text[: found.start()].rstrip()
    if _TRUNCATED.search(text, max(0, len(text) - 5)):
        ends = [found.end() for found in _SENTENCE_ENDS.finditer(text)]
        whole = ends[-1] if ends and ends[-1] >= _SHORTEST_REST else text.rstrip(". …").rfind(" ")
        text = text[:whole] if whole > 0 else text
    return text


_NO_ABSTRACT = re.compile(
    r"(?:\W|abstract|summary){0,20}(?:no (?:abstract|summary)\b|(?:an? )?abstract (?:is )?not (?:available|provided)"
    r"|not available\b|(?:n/?a|none)\b(?=\W{0,20}$)|unavailable\b|there is no abstract|first page preview"
    r"|this (?:article|paper|item|document) (?:has|contains|does not have) (?:no|an?) abstract"
    r"|this (?:is a|article is a) correction|(?:in )?the original (?:publication|version) of this article"
    r"|the full text of this (?:preprint|article)|click (?:to|here)|please (?:see|click|refer)"
    r"|in lieu of an abstract|see (?:pdf|full text|article)\b|to (?:read|view|access) (?:the full|this))",
    re.IGNORECASE,
)
_GRANTS = re.compile(r"[^.]*\[[\w, /-]{4,}\];")
_SCRIPT = re.compile(
    r"\bfunction ?\(\w*\) ?\{|\bvar \w+ ?= ?\S|\bdocument\.(?:write|getE)|\bwindow\.\w+ ?=|\.js\b[\"']|\w\.embed\("
)
_SCRIPT_MARKS = ("function(", "function (", "var ", "document.write", "document.getE", "window.", ".js", ".embed(")
_LEADERS = re.compile(r"(?:\. ?){8,}|_{8,}")


@dataclass(frozen=True)
class AbstractFilter:
    """Drop abstracts that are none: placeholders, funding lines, scripts, tables of contents, whole papers."""

    min_chars: int = 100
    max_chars: int = 8192

    name: ClassVar[str] = "abstract"

    def reason(self, abstract: str) -> str | None:
        """Why this (cleaned) abstract is no use, or None."""
        if not abstract:
            return "no_abstract"
        if _NO_ABSTRACT.match(abstract):
            return "boilerplate_abstract"
        if len(abstract) < self.min_chars:
            return "abstract_too_short"
        if len(abstract) > self.max_chars:
            return "abstract_too_long"
        if _is_wreckage(abstract):
            return "boilerplate_abstract"
        return None


def _is_wreckage(text: str) -> bool:
    """Something else that was taken for an abstract: a list of grants, a script, a table of contents with its dots."""
    return (
        ("];" in text and _GRANTS.match(text) is not None)
        or (("..." in text or ". . ." in text or "___" in text) and _LEADERS.search(text) is not None)
        or (any(mark in text for mark in _SCRIPT_MARKS) and _SCRIPT.search(text) is not None)
    )


def without_title(abstract: str, title: str) -> str:
    """The abstract without its own title in front, where it begins by repeating it."""
    if abstract[:2].casefold() != title[:2].casefold() or len(abstract) < len(title):
        return abstract
    head = abstract[: len(title)]
    if normalise_for_id(head) != normalise_for_id(title):
        return abstract
    rest = abstract[len(title) :]
    # "Parsing German" in front of "Parsing German is hard": the title is the beginning of the first sentence.
    if rest and not _NEW_SENTENCE.match(rest):
        return abstract
    return plain(rest.lstrip(" .:;—–|-"))


_NEW_SENTENCE = re.compile(r" ?[.:;—–|]| - | [A-Z\"“(]")
