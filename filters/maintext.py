"""The main text of a web page: its paragraphs, without menus, comments, teasers and the rest of the frame.

A page is read in five steps.

1. :func:`filters.page_outline.outline` walks the HTML tree once and keeps of it only *boxes* (block elements) and
   *runs* of text, the text of one paragraph together with how much of it is links.
2. Each box gets a *role* from its tag and its names (:mod:`filters.page_roles`).
3. :func:`prune` drops the boxes that are not main text by their role. Names are guesses, so what the boxes contain
   decides with them: :func:`weigh_names` takes roles back from words that stand on too much of the page's *prose*
   (paragraphs that are not made of links), and a box that holds too much of it stays, whatever its name.
4. :func:`body_of` goes down from the page to the smallest box that still holds nearly all the prose. What stands
   beside the way after it is dropped; prose before it is kept, for the opening paragraph often stands outside. What
   stands before the title of the page (a notice about cookies, say) is dropped.
5. :func:`trimmed` and :func:`with_followers` drop the lines about the text and the headings that lost theirs.

Where little comes out, :mod:`filters.last_resort` looks again.

Sizes are in characters. The few thresholds were set on annotated pages of many languages
(``benchmarks/commoncrawl.py`` measures them); around their values the result hardly moves.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from filters.page_outline import HEADINGS, MOSTLY_LINKS, PROSE, Box, Item, Run
from filters.page_roles import BODY, COMMENTS, FRAME, MINOR, NEUTRAL
from filters.titles import letters_of

NEARLY_ALL = 0.8
"""The body is the smallest box with this share of the prose."""
ENOUGH = 0.25
"""If this share of the prose is outside of the boxes named as frame, those names are believed ..."""
BIG_FRAME = 2.0
"""... but for a box with this many times the prose that is outside of all of them."""
FRAME_LIMIT = 0.3
"""If they are not believed, a box named as frame is still dropped if it holds less than this share of the prose."""
TOGETHER = 2.0
"""... or if it and its neighbours of the same name hold less than this many times as much."""
MINOR_LIMIT = 0.08
"""A box with a doubtful name is dropped if it holds less than this share."""
ENOUGH_MARKED = 200
"""A body that is marked as such is believed in if it holds this much prose (and ``ENOUGH`` of the page's)."""
ENOUGH_BESIDE_COMMENTS = 200
"""Comments are dropped if this much prose is outside of them (else the page is a forum)."""
TEXT_LINKS = 0.1
TEXT_PROSE = 0.75
TEXT_WEIGHT = 2.0
"""A box with at most this share of links and at least this share of prose reads like a text: its prose counts so many
times."""
AFTER_TITLE = 0.5
AFTER_TITLE_BUT_LONG = 0.15
LONG = 400
"""What stands before the heading that is the page's title is dropped if the first share of the prose follows, or the
second and so many characters: a notice may be longer than the text."""
MISLEADING = 0.4
"""A word that stands right on this share of the prose does not name a part of the frame."""
ARTICLES = 3
"""So many articles beside each other are a text and teasers, where one has the title of the page as its heading."""
META = 120
"""A longer paragraph is not taken for a line about the text (date, author, way to the page)."""
TEASERS = 3
"""So many paragraphs that break off are teasers of other pages, where they are less than half of the text."""
LABELS = 5
LABEL = 40
LABEL_WORDS = 3
"""So many first lines are labels ("Print", "Text size") if they have so few characters and words and are no sentences;
further ones may be a list that belongs to the text."""


class Paragraph(NamedTuple):
    """One paragraph of the result; ``tag`` is the element that it stands in."""

    text: str
    tag: str


def main_text(page: Box, title: str | None = None) -> list[str]:
    """The paragraphs of the main text of an outlined page, in order, white space folded; empty where there is none.

    ``title`` is the title of the page: what stands before the heading that says it is left out. First-level headings
    are left out too: they are titles. Other headings stay if text follows them.
    """
    prune(page)
    return [text for text, tag in with_followers(trimmed(body_of(page, letters_of(title or "")))) if tag != "h1"]


def trimmed(paragraphs: list[Paragraph]) -> list[Paragraph]:
    """The paragraphs without lines about the text (date, author, way to the page) before its first prose, without
    short lines that are no sentences after its last, without teasers of other pages, and without notices to those whose
    browser runs no scripts.
    """
    said = [p for p in paragraphs if not (len(p.text) < 2 * META and _is_about_scripts(p.text))]
    said = _without_teasers(said)
    while said and len(said[-1].text) < META and _COPYRIGHT.search(said[-1].text):
        said.pop()
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


def _without_teasers(paragraphs: list[Paragraph]) -> list[Paragraph]:
    """The paragraphs without those that break off, where these stand together: they advertise other pages."""
    prose = [p for p in paragraphs if len(p.text) >= PROSE]
    broken = [i for i, p in enumerate(prose) if p.text.endswith(_BROKEN_OFF)]
    if len(broken) < TEASERS or broken[-1] - broken[0] > 2 * len(broken):
        return paragraphs
    teasers = {prose[i] for i in broken}
    if 2 * _prose_of(list(teasers)) > _prose_of(paragraphs):
        return paragraphs
    return [p for p in paragraphs if p not in teasers]


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
_COPYRIGHT = re.compile(r"^(?:©|\(c\) |copyright (?:©|\(c\)|\d{4}))", re.IGNORECASE)
_BROKEN_OFF = ("\u2026", "...", "[\u2026]", "[...]")
_SCRIPTS = re.compile("java ?script", re.IGNORECASE)
_SWITCHED = re.compile("enabl|requir|activ|aktiv|disabl|habilit|browser|navegador|navigateur|cookies", re.IGNORECASE)
# A date in figures or with the name of a month, a time, a sign of copyright, a way to the page ("Home > News > ...").
_ABOUT = re.compile(
    r"\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b\d{4}[./-]\d{1,2}[./-]\d{1,2}\b|\d年|\b\d{1,2}:\d{2}\b|©"
    r"|\b\d{1,2}(?:\.|st|nd|rd|th|º)? (?:de |of )?[^\W\d_]{3,10}[.,]* (?:de |del )?\d{4}\b"
    r"|\b[^\W\d_]{3,10}\.? \d{1,2}(?:st|nd|rd|th)?, \d{4}\b|\S [>»›/|] [^>»›]+ [>»›/|] \S"
)


def prune(page: Box) -> None:
    """Drop the boxes that are not main text."""
    bodies = _marked_bodies(page, [])
    is_marked = sum(body.sure for body in bodies) >= max(ENOUGH_MARKED, ENOUGH * page.said)
    weigh_names(page, bodies if is_marked else [page])
    prose, comments = page.prose, 0.0
    if prose > page.said >= ENOUGH_BESIDE_COMMENTS:
        prose, comments = page.said, float("inf")
    sure = page.sure
    if sure >= ENOUGH * prose:
        limits = _Limits(MINOR_LIMIT * sure, BIG_FRAME * sure, comments or FRAME_LIMIT * sure)
    else:
        limits = _Limits(MINOR_LIMIT * prose, FRAME_LIMIT * prose, comments, together=True)
    _drop(page, limits, is_marked)


class _Limits(NamedTuple):
    """The prose that a box of each role must hold to stay, alone or ``together`` with neighbours of the same name."""

    minor: float
    frame: float
    comments: float
    together: bool = False


def _marked_bodies(box: Box, bodies: list[Box]) -> list[Box]:
    """Add the outermost boxes whose markup says that they hold the text, in no part of the frame."""
    for inner in box.items:
        if isinstance(inner, Box) and inner.sure and inner.role < FRAME:
            if inner.role == BODY:
                bodies.append(inner)
            else:
                _marked_bodies(inner, bodies)
    return bodies


def weigh_names(page: Box, bodies: list[Box]) -> None:
    """Take roles back where what the boxes contain speaks against their names.

    A word that stands on too much of the page's prose names no part of the frame, unless it stands outside of a body
    that is marked as such. Readers' comments are many: a box named so that holds no box of a comment is read as any
    other part of the frame.
    """
    directly: Counter[str] = Counter()
    for body in bodies:
        _count_prose(body, directly, in_comments=False)
    words = {word for word, prose in directly.items() if prose >= MISLEADING * (page.said or page.prose)}
    changed = False
    for body in bodies:
        changed |= _take_back(body, words)
    if changed and bodies[0] is not page:
        _count_again(page)


def _count_prose(box: Box, directly: Counter[str], in_comments: bool) -> None:
    """Count the prose that stands right in the boxes of each word; of readers' comments only lone paragraphs."""
    for inner in box.items:
        if isinstance(inner, Box) and inner.prose:
            role = inner.role
            if role >= MINOR and (role < COMMENTS or (inner.tag == "p" and not in_comments)):
                directly[inner.word] += sum(item.prose for item in inner.items if isinstance(item, Run))
            _count_prose(inner, directly, in_comments or role == COMMENTS)


def _take_back(box: Box, words: set[str]) -> bool:
    """Change the roles inside a box; was there one to change?"""
    changed = False
    for inner in box.items:
        if isinstance(inner, Box) and inner.prose:
            if inner.word in words:
                inner.role, changed = NEUTRAL, True
            elif inner.role == COMMENTS:
                if _holds_comments(inner):
                    continue
                inner.role, changed = FRAME, True
            changed |= _take_back(inner, words)
    if changed:
        box.replace_items(box.items)
    return changed


def _holds_comments(box: Box) -> bool:
    return any(inner.role == COMMENTS or _holds_comments(inner) for inner in box.boxes)


def _count_again(box: Box) -> None:
    for inner in box.boxes:
        _count_again(inner)
    box.replace_items(box.items)


def _drop(box: Box, limits: _Limits, is_marked: bool) -> bool:
    """Drop the inner boxes that hold too little prose for their role; was there one?

    The prose of a box that reads like a text counts for more, but not where the text is marked and this is outside.
    """
    kept: list[Item] = []
    changed = False
    shared = _shared_prose(box, TOGETHER * limits.frame) if limits.together else None
    for item in box.items:
        if isinstance(item, Box):
            role = item.role
            prose = item.prose
            if shared and prose and role == FRAME:
                prose = max(prose, shared.get(item.word, 0))
            if (
                role >= MINOR
                and prose < (least := limits[role - MINOR])
                and (is_marked or role == MINOR or TEXT_WEIGHT * prose < least or not _reads_like_text(item))
            ):
                changed = True
                continue
            changed |= _drop(item, limits, is_marked and item.role != BODY)
        kept.append(item)
    if changed:
        box.replace_items(kept)
    return changed


def _shared_prose(box: Box, least: float) -> dict[str, int]:
    """The prose of the inner boxes of each word of the frame that read like texts, where it is so much."""
    shared: Counter[str] = Counter()
    for inner in box.boxes:
        if inner.prose and inner.role == FRAME and _reads_like_text(inner):
            shared[inner.word] += inner.prose
    return {word: prose for word, prose in shared.items() if prose >= least}


def _reads_like_text(box: Box) -> bool:
    return box.links <= TEXT_LINKS * box.size and box.prose >= TEXT_PROSE * box.size


def body_of(page: Box, title: str = "") -> list[Paragraph]:
    """The paragraphs of the smallest box that holds nearly all the prose, after the prose that stands before it."""
    box, before = page, []
    while True:
        inner = [item for item in box.items if isinstance(item, Box)]
        body = next((item for item in inner if item.prose > NEARLY_ALL * box.prose), None)
        if body is None and (body := _article_with(title, inner)) is None:
            break
        before += inner[: inner.index(body)]
        box = body
    opening = [p for item in before for p in _paragraphs(item) if len(p.text) >= PROSE or p.tag == "h1"]
    rest = list(_paragraphs(box))
    before_title = next((i for i, p in enumerate(opening) if p.tag == "h1" and letters_of(p.text) == title), None)
    if before_title is not None:
        return [*opening[before_title:], *rest]
    headings = [i for i, p in enumerate(rest) if p.tag == "h1"]
    if headings:
        start = next((i for i in headings if letters_of(rest[i].text) == title), 0)
        after, whole = _prose_of(rest[start:]), _prose_of(rest)
        is_text = after >= AFTER_TITLE * whole or (after >= LONG and after >= AFTER_TITLE_BUT_LONG * whole)
        return rest[start:] if is_text else rest
    starts = [i for i, p in enumerate(opening) if p.tag == "h1"]
    return [*opening[starts[-1] if starts else 0 :], *rest]


def _article_with(title: str, boxes: list[Box]) -> Box | None:
    """The one of several articles beside each other that has the title of the page as its heading."""
    articles = [box for box in boxes if box.tag == "article"]
    if not title or len(articles) < ARTICLES:
        return None
    found = [box for box in articles if box.prose >= LONG and _has_heading(box, title)]
    return found[0] if len(found) == 1 and found[0].prose > sum(box.prose for box in articles) / 2 else None


def _has_heading(box: Box, title: str) -> bool:
    if box.tag == "h1":
        return letters_of(" ".join(item.text for item in box.items if isinstance(item, Run))) == title
    return any(_has_heading(inner, title) for inner in box.boxes)


def _prose_of(paragraphs: list[Paragraph]) -> int:
    return sum(len(p.text) for p in paragraphs if len(p.text) >= PROSE)


def _paragraphs(box: Box) -> Iterator[Paragraph]:
    """The runs of a box, without those that are mostly links."""
    for item in box.items:
        if isinstance(item, Run):
            if item.links <= MOSTLY_LINKS * len(item.text):
                yield Paragraph(item.text, box.tag)
        elif item.tag == "p" or item.links <= MOSTLY_LINKS * item.size:
            yield from _paragraphs(item)
