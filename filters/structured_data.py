"""What a page states about its article as data for search engines: JSON-LD in the words of schema.org."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

DEEPEST = 6
"""So deep in the data an article is looked for."""
LONGEST = 1 << 20
"""Longer scripts are catalogues; they are not read."""
KINDS = ("Article", "BlogPosting", "Report")
_SCRIPT_SIGNS = re.compile(
    r"^\s*(?://\s*|/\*\s*)?<!\[CDATA\[(?:\s*\*/)?|(?://\s*|/\*\s*)?\]\]>(?:\s*\*/)?\s*;?\s*$|;\s*$"
)
"""Types of an article end in one of these words."""

_STATED = frozenset(("headline", "articleBody", "text", "liveBlogUpdate"))


class StatedArticle(NamedTuple):
    """The article that a page states to hold; None for what it does not state."""

    headline: str | None = None
    body: str | None = None
    publisher: str | None = None


def stated_article(scripts: Iterable[str]) -> StatedArticle:
    """The first article in the JSON-LD of a page. Data that are no JSON state nothing."""
    for text in scripts:
        if len(text) > LONGEST:
            continue
        try:
            data = _read_json(text)
        except (ValueError, RecursionError):
            continue
        for article in _articles(data, 0):
            publisher = article.get("publisher")
            name = publisher.get("name") if isinstance(publisher, dict) else publisher
            headline = article.get("headline") or article.get("name")
            return StatedArticle(*map(_text, (headline, _body(article), name)))
    return StatedArticle()


def _read_json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(_SCRIPT_SIGNS.sub("", text), strict=False)  # slower, and takes line breaks in strings


def _body(article: dict[str, Any]) -> Any:
    """The stated text: of the article itself, or of the updates of a live blog."""
    updates = article.get("liveBlogUpdate")
    if isinstance(updates, list) and not _text(article.get("articleBody")):
        bodies = (_text(update.get("articleBody")) for update in updates if isinstance(update, dict))
        return "\n".join(filter(None, bodies))
    return article.get("articleBody") or article.get("text")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value and not value.isspace() else None


def _articles(data: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > DEEPEST:
        return
    if isinstance(data, list):
        for member in data:
            yield from _articles(member, depth + 1)
    elif isinstance(data, dict):
        kinds = data.get("@type")
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            if isinstance(kind, str) and kind.endswith(KINDS) and not _STATED.isdisjoint(data):
                yield data
                break
        for value in (data.get("@graph"), data.get("mainEntity"), data.get("mainEntityOfPage")):
            if isinstance(value, dict | list):
                yield from _articles(value, depth + 1)
