"""The main text of a web page: its paragraphs, without menus, comments, teasers and the rest of the frame.

A page is read in five steps.

1. :func:`outline` walks the HTML tree once and keeps of it only *boxes* (block elements) and *runs* of text, the
   text of one paragraph together with how much of it is links.
2. Each box gets a *role* from its tag and its names (:mod:`filters.page_roles`).
3. :func:`prune` drops the boxes that are not main text by their role, unless too much of the page's *prose*
   (paragraphs that are not made of links) would go with them: then the name was misleading.
4. :func:`body_of` goes down from the page to the smallest box that still holds nearly all the prose. What stands
   beside the way after it is dropped; prose before it is kept, for the opening paragraph often stands outside.
5. :func:`trimmed` and :func:`with_followers` drop the lines about the text and the headings that lost theirs.

Sizes are in characters. The few thresholds were set on annotated pages of many languages
(``benchmarks/commoncrawl.py`` measures them); around their values the result hardly moves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from selectolax.lexbor import LexborHTMLParser, LexborNode

from filters.page_roles import BODY, COMMENTS, FRAME, MINOR, NEUTRAL, is_hidden, role_of

PROSE = 60
"""A run with this many characters outside links is prose."""
NEARLY_ALL = 0.8
"""The body is the smallest box with this share of the prose."""
ENOUGH = 0.25
"""If this share of the prose is outside of the boxes named as frame, those names are believed ..."""
BIG_FRAME = 2.0
"""... but for a box with this many times the prose that is outside of all of them."""
FRAME_LIMIT = 0.3
"""If they are not believed, a box named as frame is still dropped if it holds less than this share of the prose."""
MINOR_LIMIT = 0.08
"""A box with a doubtful name is dropped if it holds less than this share."""
ENOUGH_BESIDE_COMMENTS = 200
"""Comments are dropped if this much prose is outside of them (else the page is a forum)."""
MOSTLY_LINKS = 0.5
"""A paragraph or a box with a larger share of links than this is no text."""
NOSCRIPT_WORDS = 10
"""What is shown only where scripts do not run is text if it has so many words; else it stands for a picture."""
META = 120
"""A longer paragraph is not taken for a line about the text (date, author, way to the page)."""
LABELS = 5
LABEL = 40
LABEL_WORDS = 3
"""So many first lines are labels ("Print", "Text size") if they have so few characters and words and are no sentences;
further ones may be a list that belongs to the text."""
LONGEST_NAMES = 500
"""Characters of a class or an id that are looked at."""
DEEPEST = 200
"""Elements nested deeper than this are read as one text: nobody writes such pages, generators of traps do."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


TEXT = "-text"
UNREAD = _set(
    "-comment -document-type script style template svg math iframe object embed canvas audio video map "
    "select option button input textarea dialog datalist progress meter head link meta title img source track area "
    "base col colgroup frameset applet rp rt nav"
)
"""Elements whose text is no running text. ``nav`` is among them: it is the one name that is never misleading."""
INLINE = _set(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q ruby s samp small span strike "
    "strong sub sup time tt u var wbr nobr g"
)
HEADINGS = _set("h1 h2 h3 h4 h5 h6")


class Run(NamedTuple):
    """The text between two borders of boxes, white space folded; how much of it is links, how much is prose."""

    text: str
    links: int
    prose: int


class Box:
    """A block element: its tag, its role, what is in it, and how much of that is links and prose.

    ``sure`` is the prose that is in no inner box named as frame or comments; ``said`` that in no box of comments.
    """

    __slots__ = ("items", "links", "prose", "role", "said", "size", "sure", "tag")

    def __init__(self, tag: str, role: int) -> None:
        self.tag, self.role = tag, role
        self.items: list[Item] = []
        self.size = self.links = self.prose = self.said = self.sure = 0

    def add(self, box: Box) -> None:
        """Put a box with all that it holds at the end of this one."""
        self.items.append(box)
        self.size += box.size
        self.links += box.links
        if box.prose:
            self.prose += box.prose
            if box.role < COMMENTS:
                self.said += box.said
                if box.role < FRAME:
                    self.sure += box.sure

    def add_run(self, run: Run) -> None:
        """Put a run at the end of this box."""
        self.items.append(run)
        self.size += len(run.text)
        self.links += run.links
        self.prose += run.prose
        self.said += run.prose
        self.sure += run.prose


Item: TypeAlias = "Box | Run"


class Paragraph(NamedTuple):
    """One paragraph of the result; ``tag`` is the element that it stands in."""

    text: str
    tag: str


def main_text(page: Box) -> list[str]:
    """The paragraphs of the main text of an outlined page, in order, white space folded; empty where there is none.

    The page's first-level heading is left out: it is the title. Other headings stay if text follows them.
    """
    prune(page)
    return [text for text, tag in with_followers(trimmed(body_of(page))) if tag != "h1"]


def trimmed(paragraphs: list[Paragraph]) -> list[Paragraph]:
    """The paragraphs without lines about the text (date, author, way to the page) before its first prose, without
    short lines that are no sentences after its last, and without notices to those whose browser runs no scripts.
    """
    said = [p for p in paragraphs if not (len(p.text) < 2 * META and _is_about_scripts(p.text))]
    first = next((i for i, p in enumerate(said) if len(p.text) >= META), None)
    if first is None:
        return said
    last = next(i for i in range(len(said), 0, -1) if len(said[i - 1].text) >= PROSE or _END.search(said[i - 1].text))
    opening = [
        p
        for i, p in enumerate(said[:first])
        if p.tag in HEADINGS or _END.search(p.text) or not (_ABOUT.search(p.text) or (i < LABELS and _is_label(p.text)))
    ]
    return opening + said[first:last]


def _is_label(line: str) -> bool:
    return len(line) < LABEL and len(line.split()) <= LABEL_WORDS


def _is_about_scripts(text: str) -> bool:
    return _SCRIPTS.search(text) is not None and _SWITCHED.search(text) is not None


def with_followers(paragraphs: list[Paragraph]) -> Iterator[Paragraph]:
    """The paragraphs without headings that nothing follows.

    A heading that is followed by one of its own level or above, or by nothing, has lost its text: most often it
    stood above a list of links.
    """
    followers = [*(tag for _, tag in paragraphs[1:]), "h1"]
    for paragraph, follower in zip(paragraphs, followers, strict=False):
        text, tag = paragraph
        if not (tag in HEADINGS and len(text) < PROSE and follower in HEADINGS and follower <= tag):
            yield paragraph


_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f\u061f\u06d4\u0964][\"'\u2019\u201d\u00bb\u00ab)\]]*$")
_SCRIPTS = re.compile("java ?script", re.IGNORECASE)
_SWITCHED = re.compile("enabl|requir|activ|aktiv|disabl|habilit|browser|navegador|navigateur|cookies", re.IGNORECASE)
# A date in figures or with the name of a month, a time, a sign of copyright, a way to the page ("Home > News > ...").
_ABOUT = re.compile(
    r"\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b\d{4}[./-]\d{1,2}[./-]\d{1,2}\b|\d年|\b\d{1,2}:\d{2}\b|©"
    r"|\b\d{1,2}(?:\.|st|nd|rd|th|º)? (?:de |of )?[^\W\d_]{3,10}[.,]* (?:de |del )?\d{4}\b"
    r"|\b[^\W\d_]{3,10}\.? \d{1,2}(?:st|nd|rd|th)?, \d{4}\b|\S [>»›/|] [^>»›]+ [>»›/|] \S"
)


class Outline(NamedTuple):
    """What is kept of a page: its boxes, and its first-level headings, wherever they stand."""

    body: Box
    titles: list[str]


def outline(tree: LexborHTMLParser) -> Outline:
    """The boxes and runs of a page."""
    reader = _Reader()
    if tree.body is not None:
        reader.read(tree.body.first_child, reader.page, False, 0)
        reader.end_run(reader.page)
    return Outline(reader.page, reader.titles)


class _Reader:
    """Builds the boxes in one walk; text gathers until a border of a box ends the run."""

    def __init__(self) -> None:
        self.page = Box("body", BODY)
        self.titles: list[str] = []
        self._parts: list[str] = []
        self._links = 0

    def end_run(self, box: Box) -> None:
        parts = self._parts
        text = (parts[0] if len(parts) == 1 else "".join(parts)).strip()
        if text:
            # Most often there is nothing to fold, and then splitting and joining costs more than looking.
            if not text.isprintable() or "  " in text:
                text = " ".join(text.split())
            links = self._links
            box.add_run(Run(text, links, _prose(text, links)))
        parts.clear()
        self._links = 0

    def read(self, child: LexborNode | None, box: Box, in_link: bool, depth: int) -> None:
        """Read a node and all that follow it inside the same element."""
        parts = self._parts
        while child is not None:
            tag = child.tag
            if tag == TEXT:
                text = child.text_content or ""
                if not text.isspace():
                    parts.append(text)
                    if in_link:
                        self._links += len(text.strip())
                elif parts:
                    parts.append(" ")
            elif (first := child.first_child) is None:
                # Empty elements separate, if they do anything.
                if tag == "br":
                    parts.append("\n")
                elif parts and tag not in INLINE and tag not in UNREAD:
                    self.end_run(box)
            elif tag in INLINE:
                if depth < DEEPEST:
                    self.read(first, box, in_link or tag == "a", depth + 1)
                else:
                    parts.append(child.text())
            elif tag not in UNREAD:
                if tag == "noscript" and len(child.text().split()) < NOSCRIPT_WORDS:
                    pass  # an image that scripts load later; it does not part the text around it
                elif depth < DEEPEST:
                    self._read_block(child, first, box, in_link, depth)
                else:
                    parts.append(child.text())
            elif tag == "nav" and parts:
                self.end_run(box)
            child = child.next

    def _read_block(self, node: LexborNode, first: LexborNode, box: Box, in_link: bool, depth: int) -> None:
        attributes = node.attributes
        if attributes and is_hidden(attributes):
            return
        if self._parts:
            self.end_run(box)
        tag = node.tag or ""
        if attributes:
            get = attributes.get
            classes, name = get("class"), get("id")
            if classes and len(classes) > LONGEST_NAMES:
                classes = classes[:LONGEST_NAMES]  # roles are remembered, and nobody needs to remember more
            if name and len(name) > LONGEST_NAMES:
                name = name[:LONGEST_NAMES]
            role = role_of(tag, classes, name, get("role"), get("itemprop"))
        else:
            role = role_of(tag)
        inner = Box(tag, role)
        titles = len(self.titles)
        self.read(first, inner, in_link, depth + 1)
        if self._parts:
            self.end_run(inner)
        if inner.items:
            if tag == "h1":
                self.titles.append(" ".join(run.text for run in _runs(inner)))
            elif role == MINOR and len(self.titles) > titles:
                inner.role = NEUTRAL  # the head of the text, perhaps with its first paragraph
            box.add(inner)


_EAST_ASIAN = re.compile("[\u2e80-\U0010ffff]")


def _prose(text: str, links: int) -> int:
    """Size of a run if it is prose, else 0. A character of East Asian scripts says as much as three others."""
    size = len(text)
    if 3 * size < PROSE:
        return 0
    if not text.isascii():
        size += 2 * len(_EAST_ASIAN.findall(text))
    return size - links if size - links >= PROSE and links <= MOSTLY_LINKS * size else 0


def _runs(box: Box) -> Iterator[Run]:
    for item in box.items:
        if isinstance(item, Run):
            yield item
        else:
            yield from _runs(item)


def prune(page: Box) -> None:
    """Drop the boxes that are not main text."""
    if page.prose > page.said >= ENOUGH_BESIDE_COMMENTS:
        _drop(page, {COMMENTS: float("inf")})
    if page.sure >= ENOUGH * page.prose:
        sure = page.sure
        _drop(page, {COMMENTS: FRAME_LIMIT * sure, FRAME: BIG_FRAME * sure, MINOR: MINOR_LIMIT * sure})
    else:
        _drop(page, {FRAME: FRAME_LIMIT * page.prose, MINOR: MINOR_LIMIT * page.prose})


def _drop(box: Box, least_prose: dict[int, float]) -> bool:
    """Drop the inner boxes of these roles that hold less prose than given; was there one?"""
    kept: list[Item] = []
    changed = False
    for item in box.items:
        if isinstance(item, Box):
            if item.role in least_prose and item.prose < least_prose[item.role]:
                changed = True
                continue
            changed |= _drop(item, least_prose)
        kept.append(item)
    if changed:
        box.items = []
        box.size = box.links = box.prose = box.said = box.sure = 0
        for item in kept:
            if isinstance(item, Box):
                box.add(item)
            else:
                box.add_run(item)
    return changed


def body_of(page: Box) -> list[Paragraph]:
    """The paragraphs of the smallest box that holds nearly all the prose, after the prose that stands before it."""
    box, before = page, []
    while True:
        inner = [item for item in box.items if isinstance(item, Box)]
        body = next((item for item in inner if item.prose > NEARLY_ALL * box.prose), None)
        if body is None:
            break
        before += inner[: inner.index(body)]
        box = body
    opening = [p for item in before for p in _paragraphs(item) if len(p.text) >= PROSE or p.tag == "h1"]
    rest = list(_paragraphs(box))
    if any(p.tag == "h1" for p in rest):
        return rest
    starts = [i for i, p in enumerate(opening) if p.tag == "h1"]
    return [*opening[starts[-1] if starts else 0 :], *rest]


def _paragraphs(box: Box) -> Iterator[Paragraph]:
    """The runs of a box, without those that are mostly links."""
    for item in box.items:
        if isinstance(item, Run):
            if item.links <= MOSTLY_LINKS * len(item.text):
                yield Paragraph(item.text, box.tag)
        elif item.tag == "p" or item.links <= MOSTLY_LINKS * item.size:
            yield from _paragraphs(item)
