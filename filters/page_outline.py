"""The outline of a web page: its block elements as *boxes*, its paragraphs as *runs* of text.

:func:`outline` walks the HTML tree once. What is not shown stays out: elements that are hidden by an attribute, text
that is meant for screen readers alone. What a script would show stays in: content that React streams behind the page,
and the content of shadow roots.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from selectolax.lexbor import LexborHTMLParser, LexborNode

from filters.page_roles import (
    BODY,
    COMMENTS,
    CONSENT,
    FRAME,
    MINOR,
    NEUTRAL,
    Role,
    is_hidden,
    is_hidden_inside,
    role_of,
)

PROSE = 60
"""A run with this many characters outside links is prose."""
MOSTLY_LINKS = 0.5
"""A paragraph or a box with a larger share of links than this is no text."""
NOSCRIPT_WORDS = 10
"""What is shown only where scripts do not run is text if it has so many words; else it stands for a picture."""
LONGEST_NAMES = 500
"""Characters of a class or an id that are looked at."""
DEEPEST = 200
"""Elements nested deeper than this are read as one text: nobody writes such pages, generators of traps do."""


DEEPEST_SHADOW = 8
"""So deep may shadow roots and streamed content stand in each other."""
LONGEST_UNSEEN = 300
"""A longer text is not taken for a remark to screen readers."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


TEXT = "-text"
UNREAD = _set(
    "-comment -document-type script style template svg math iframe object embed canvas audio video map "
    "select option button input textarea dialog datalist progress meter head link meta title img source track area "
    "base col colgroup frameset applet rp rt nav amp-ad amp-sidebar amp-consent amp-user-notification"
)
"""Elements whose text is no running text. ``nav`` is among them: it is the one name that is never misleading."""
_RARELY_TEXT = _set("nav dialog button")
"""Unread elements that hold the text of some page all the same: left open, or opened by a script."""
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

    __slots__ = ("items", "links", "prose", "role", "said", "size", "sure", "tag", "word")

    def __init__(self, tag: str, role: Role) -> None:
        self.tag = tag
        self.role, self.word = role
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

    def replace_items(self, items: list[Item]) -> None:
        """Hold these items and no others."""
        self.items = []
        self.size = self.links = self.prose = self.said = self.sure = 0
        for item in items:
            if isinstance(item, Box):
                self.add(item)
            else:
                self.add_run(item)

    @property
    def boxes(self) -> Iterator[Box]:
        return (item for item in self.items if isinstance(item, Box))


Item: TypeAlias = "Box | Run"


class Outline(NamedTuple):
    """What is kept of a page: its boxes, its first-level headings, wherever they stand, and its data (JSON-LD)."""

    body: Box
    titles: list[str]
    data: list[str]


_DATA = 'script[type^="application/ld+json" i]'
# What may be hidden inside a sentence; the tags and attributes decide. One query for all, and of few selectors: walking
# the tree costs most.
_DATA_AND_UNSEEN = (
    f'{_DATA},[hidden],[style*="none" i],[style*="hidden" i],[class*="idden"],[class~="d-none"],[class*="sr-only"],'
    '[class*="creen"]'
)


def outline(
    tree: LexborHTMLParser, *, with_names: bool = True, with_hidden: bool = False, with_unread: bool = False
) -> Outline:
    """The boxes and runs of a page; text that is not shown is taken out of the tree.

    Without ``with_names`` boxes get their roles by their tags alone. With ``with_hidden`` the outline holds hidden
    blocks too, as if a script had shown them; ``with_unread`` adds menus, dialogs and buttons.
    """
    reader = _Reader(tree, with_names, with_hidden, with_unread)
    data: list[str] = []
    for node in tree.css(_DATA_AND_UNSEEN):
        tag = node.tag or ""
        if tag == "script":
            data.append(node.text())
        elif is_hidden_inside(tag, node.attributes) and len(node.text()) < LONGEST_UNSEEN:
            node.decompose()
    if tree.body is not None:
        reader.read(tree.body.first_child, reader.page, False, 0)
        reader.end_run(reader.page)
    return Outline(reader.page, reader.titles, data)


class _Reader:
    """Builds the boxes in one walk; text gathers until a border of a box ends the run."""

    def __init__(self, tree: LexborHTMLParser, with_names: bool, with_hidden: bool, with_unread: bool) -> None:
        self.page = Box("body", Role(BODY, "<body>"))
        self.titles: list[str] = []
        self._parts: list[str] = []
        self._links = 0
        self._with_names = with_names
        self._with_hidden = with_hidden or with_unread
        self._with_unread = with_unread
        self._tree = tree
        self._streams: dict[str, str] | None = None
        self._streamed: set[str] = set()
        self._shadows = 0

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
                # Empty elements separate, if they do anything. A template looks empty: its content is no child.
                if tag == "br":
                    parts.append("\n")
                elif tag == "template":
                    self._read_template(child, box, in_link, depth)
                elif parts and tag not in INLINE and tag not in UNREAD:
                    self.end_run(box)
            elif tag in INLINE:
                if depth < DEEPEST:
                    self.read(first, box, in_link or (tag == "a" and not _is_anchor(child)), depth + 1)
                else:
                    parts.append(child.text())
            elif tag not in UNREAD or (self._with_unread and tag in _RARELY_TEXT):
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
        tag = node.tag or ""
        if attributes:
            if is_hidden(attributes) and not self._with_hidden and not self._is_streamed(attributes.get("id")):
                return
            get = attributes.get
            classes, name = get("class"), get("id")
            if classes and len(classes) > LONGEST_NAMES:
                classes = classes[:LONGEST_NAMES]  # roles are remembered, and nobody needs to remember more
            if name and len(name) > LONGEST_NAMES:
                name = name[:LONGEST_NAMES]
            role = role_of(tag, classes, name, get("role"), get("itemprop"))
            if role is CONSENT:
                return
            if not self._with_names:
                role = role_of(tag)
            if "aria-hidden" in attributes and attributes["aria-hidden"] == "true" and role.part != BODY:
                # Screen readers pass over it; a name that says the same means that nobody sees it.
                if role.part != NEUTRAL and not self._with_hidden:
                    return
                role = Role(FRAME, "aria-hidden")
        else:
            role = role_of(tag)
        if self._parts:
            self.end_run(box)
        inner = Box(tag, role)
        titles = len(self.titles)
        self.read(first, inner, in_link, depth + 1)
        if self._parts:
            self.end_run(inner)
        if inner.items:
            if tag == "h1":
                self.titles.append(" ".join(run.text for run in _runs(inner)))
            elif inner.role == MINOR:
                if len(self.titles) > titles:
                    _forget_word(inner)  # the head of the text, perhaps with its first paragraph
                elif tag == "figure" and _holds_quote(inner):
                    inner.role = NEUTRAL
            box.add(inner)

    def _read_template(self, node: LexborNode, box: Box, in_link: bool, depth: int) -> None:
        """Read what a browser shows in a template's place: a shadow root, or what React sends later in the page."""
        attributes = node.attributes
        name = attributes.get("id") or ""
        content: LexborNode | None = None
        shadow = None
        if _PLACEHOLDER.search(name):
            content = self._streamed_content(name)
        elif ("shadowrootmode" in attributes or "shadowroot" in attributes) and self._shadows < DEEPEST_SHADOW:
            # The parser gives the content of a template as markup only.
            shadow = LexborHTMLParser("<div" + (node.html or "").removeprefix("<template"))
            content = shadow.body and shadow.body.first_child
        if content is not None and depth < DEEPEST:
            self._shadows += 1
            self.end_run(box)
            self.read(content, box, in_link, depth + 1)
            self.end_run(box)
            self._shadows -= 1

    def _streamed_content(self, placeholder: str) -> LexborNode | None:
        if self._streams is None:
            scripts = "".join(script.text() for script in self._tree.css("script") if "$R" in script.text())
            self._streams = {}
            for one, other in _STREAM_CALL.findall(scripts):
                source, target = (other, one) if _PLACEHOLDER.search(one) else (one, other)
                self._streams.setdefault(target, source)
        name = self._streams.get(placeholder)
        if name is None or name in self._streamed:
            return None
        self._streamed.add(name)
        node = self._tree.css_first(f'[id="{name}"]')
        return node.first_child if node is not None else None

    def _is_streamed(self, name: str | None) -> bool:
        """Is this hidden block sent by React to be shown, and not read yet in its place?"""
        if not name or not _STREAM.search(name) or name in self._streamed:
            return False
        self._streamed.add(name)
        return True


# React sends late content in <div hidden id="S:0"> and moves it with $RC("B:0","S:0"), $RS("S:1","P:1") and the like.
_STREAM = re.compile(r"(?:^|[\w-])S:[0-9a-f]+$")
_PLACEHOLDER = re.compile(r"(?:^|[\w-])[BP]:[0-9a-f]+$")
_STREAM_CALL = re.compile(r'\$R[A-Z]\(\s*["\']([\w:.-]*[BPS]:[0-9a-f]+)["\']\s*,\s*["\']([\w:.-]*[BPS]:[0-9a-f]+)["\']')


def _is_anchor(node: LexborNode) -> bool:
    """Is this ``<a>`` a target of links, and none itself? Old pages leave it open, so that it holds the whole text."""
    attributes = node.attributes
    return "href" not in attributes and ("name" in attributes or "id" in attributes)


def _forget_word(box: Box) -> None:
    """Take the role from a box, and from the boxes in it that have the same word as a part of their names."""
    word = box.word.strip("<>")
    box.role = NEUTRAL
    for inner in box.boxes:
        if inner.role == MINOR and inner.word.strip("<>") == word:
            _forget_word(inner)


def _holds_quote(figure: Box) -> bool:
    return any(inner.tag == "blockquote" and inner.role == NEUTRAL for inner in figure.boxes)


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
