"""From a page of the web to its title and passages, or the reason why it is not taken. This runs in the child process
(:mod:`pipelines.page_worker`), so it imports nothing heavy: neither Beam nor Arrow, and nothing of ``ccpairs``.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from selectolax.lexbor import LexborHTMLParser

from filters.last_resort import find_main_text, resiliparse_text
from filters.mojibake import mend_mojibake
from filters.nesting import limit_depth
from filters.page_outline import outline
from filters.passages import LONG_LINE, MAX_CHARS, MIN_CHARS, passages
from filters.quality import default_page_filters, first_text_reason
from filters.structured_data import stated_article
from filters.titles import letters_of, page_title
from pipelines.charsets import REPLACEMENT, decode_page

QUALITY = default_page_filters()
EXTRACTORS = ("ccpairs", "resiliparse", "trafilatura")
JUDGED_CHARS = 5_000
"""The quality of a text is judged by its first paragraphs up to so many characters: the rest is of the same kind."""
BEFORE_TITLE = 6
"""The title is looked for in so many first paragraphs."""
EXCERPT = 500
"""Characters of a refused page's text that are kept for the sample of rejects."""


class PageRules(msgspec.Struct, frozen=True):
    """What shapes the passages of a page. ``per_page`` 0 stands for all of them."""

    extractor: str = "ccpairs"
    max_chars: int = MAX_CHARS
    min_chars: int = MIN_CHARS
    per_page: int = 0
    quality: bool = True


class Page(msgspec.Struct, array_like=True):
    """A page as it was fetched."""

    payload: bytes
    charset: str | None
    url: str | None


class Taken(msgspec.Struct, tag=True, array_like=True):
    """The title of a page and its passages (never none), as plain text."""

    title: str
    passages: list[str]


class Refused(msgspec.Struct, tag=True, array_like=True):
    """Why a page is not taken, and what is known of it."""

    reason: str
    title: str | None = None
    excerpt: str | None = None


Judged: TypeAlias = Taken | Refused


def judge(title: str | None, paragraphs: Sequence[str], rules: PageRules) -> Judged:
    """Title and passages of a text, if it has a title, reads like prose and is long enough."""
    paragraphs = [paragraph for paragraph in paragraphs if paragraph and not paragraph.isspace()]
    excerpt = " ".join(paragraphs)[:EXCERPT] or None
    if not title:
        return Refused("no_title", None, excerpt)
    title, paragraphs = mend_mojibake(title), [mend_mojibake(paragraph) for paragraph in paragraphs]
    if not paragraphs:
        return Refused("no_main_text", title)
    if rules.quality:
        reason = first_text_reason(QUALITY, "\n".join(paragraphs)[:JUDGED_CHARS])
        if reason is not None:
            return Refused(reason, title, excerpt)
    made = passages(after_title(paragraphs, title), rules.max_chars, rules.min_chars)
    sound = [passage for passage in made if REPLACEMENT not in passage]
    if REPLACEMENT in title or (made and not sound):
        return Refused("bad_encoding", title, excerpt)
    if not made:
        return Refused("text_too_short", title, excerpt)
    return Taken(title, sound[: rules.per_page or None])


def after_title(paragraphs: Sequence[str], title: str) -> Sequence[str]:
    """The paragraphs after the one that says the title again, with what short lines stand before it.

    The title at the start of the passage would give the answer away; before it is the way to the page.
    """
    said = letters_of(title)
    for number, paragraph in enumerate(paragraphs[:BEFORE_TITLE]):
        if letters_of(paragraph) == said:
            return paragraphs[number + 1 :]
        if len(paragraph) >= LONG_LINE:
            break
    return paragraphs


def read_page(page: Page, rules: PageRules) -> Judged:
    """Read a page of HTML. Its passages are the first ones: there a text says what its title promises."""
    html = decode_page(page.payload, page.charset)
    # The parser takes UTF-8 as it is; only other encodings must go through the text.
    payload = page.payload.removeprefix(codecs.BOM_UTF8)
    markup = payload if html.encoding == "utf-8" else html.text.encode("utf-8", "replace")
    shallow = limit_depth(markup)
    if shallow is not markup:
        html = html._replace(text=shallow.decode("utf-8", "replace"))
    tree = LexborHTMLParser(shallow)
    outlined = outline(tree)
    stated = stated_article(outlined.data)
    title = page_title(tree, outlined.titles, page.url, stated)
    if rules.extractor == "ccpairs":
        paragraphs = find_main_text(tree, outlined, html.text, title, stated.body)
    else:
        paragraphs = _EXTRACTORS[rules.extractor](html.text)
    return judge(title, paragraphs, rules)


def _trafilatura(html: str) -> list[str]:
    from trafilatura import extract

    text = extract(html, include_comments=False)
    return [line for line in map(str.strip, (text or "").splitlines()) if line]


_EXTRACTORS: Mapping[str, Callable[[str], list[str]]] = {"resiliparse": resiliparse_text, "trafilatura": _trafilatura}


def page_reader(settings: Mapping[str, Any]) -> Callable[[bytes], bytes]:
    """The function that the child process runs: from an encoded :class:`Page` to an encoded :data:`Judged`."""
    rules = msgspec.convert(settings, PageRules)
    decoder = msgspec.msgpack.Decoder(Page)
    encode = msgspec.msgpack.Encoder().encode
    return lambda message: encode(read_page(decoder.decode(message), rules))
