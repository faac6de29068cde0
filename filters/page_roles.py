"""What part a box plays in a web page, by its tag and its names.

People name the parts of their pages with the same few hundred words everywhere (``sidebar``, ``related-posts``,
``comment-list``), whatever language the page is in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

BODY, NEUTRAL, MINOR, FRAME, COMMENTS = range(5)
"""Roles: certainly part of the body; unknown; doubtful; frame of the page; readers' comments."""

_ROLE_OF_TAG = {
    "article": BODY,
    "main": BODY,
    "footer": FRAME,
    "noscript": FRAME,
    "aside": FRAME,
    "menu": FRAME,
    "figcaption": FRAME,
    "figure": MINOR,
    "form": MINOR,
    "header": MINOR,
    "address": MINOR,
}
_ROLE_OF_ARIA = {
    "main": BODY,
    "banner": MINOR,
    "navigation": FRAME,
    "complementary": FRAME,
    "contentinfo": FRAME,
    "search": FRAME,
    "dialog": FRAME,
    "alert": FRAME,
    "menu": FRAME,
}


# Words in the parts of a name (the parts of ``post-related`` are post and related).
_COMMENT_PARTS = re.compile("comment|disqus|^respond$|kommentar|^repl(?:y|ies)$")
_FRAME_PARTS = re.compile(
    "sidebar|^sidebox$|^foot$|footer|^nav|navi|menu|breadcrumb|paginat|pager|toolbar|^toc$|search|dropdown|^skip"
    "|^lang$|related|similar|recommend|recent|popular|trending|^also|readmore|blogroll|infobox|navbox|^tags?$|taxonomy"
    "|share|sharing|social|newsletter|subscri|login|signup|rating|flair|^cta$|widget|promo|advert"
    "|^ads?$|banner|sponsor|outbrain|taboola|cookie|consent|gdpr|popup|modal|overlay|copyright|credit|signature|avatar"
    "|^bio$|^posted$|carousel|gallery|akismet|colophon"
)
_MINOR_PARTS = re.compile(
    "caption|byline|author|^meta$|^date|header|print|user|profile|^info$|teaser|disclaimer|slider|hidden|license"
    "|^notes?$|register|contact|^links?$|figure|legal|^form$|^prev|icon|category|button|^card$|topic"
)
# WordPress puts the tags and categories of a post into the classes of the post itself, and whether it has comments;
# themes say on the box around everything that there is a sidebar; a page builder calls every box a widget.
_NOTHING_FOLLOWS = frozenset(("tag", "category", "elementor", "has", "no", "with", "without", "is"))
_NOTHING_PRECEDES = frozenset(
    ("open", "closed", "enabled", "disabled", "left", "right", "active", "layout", "on", "off")
)


def is_hidden(attributes: Mapping[str, str | None]) -> bool:
    """Do the attributes of an element say that it is not shown?"""
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    style = attributes.get("style")
    return style is not None and "none" in style and "display:none" in style.replace(" ", "")


@lru_cache(maxsize=1 << 16)
def role_of(
    tag: str, classes: str | None = None, name: str | None = None, aria: str | None = None, part: str | None = None
) -> int:
    """The role of an element by its tag and its attributes class, id, role and itemprop."""
    role = _ROLE_OF_TAG.get(tag, NEUTRAL)
    if role == BODY:
        return role
    role = max(role, _role_of_names(classes or ""), _role_of_names(name or ""))
    if part == "articleBody":
        return BODY
    if aria is not None:
        said = _ROLE_OF_ARIA.get(aria, NEUTRAL)
        return BODY if said == BODY else max(role, said)
    return role


def _role_of_names(names: str) -> int:
    role = NEUTRAL
    for name in names.lower().replace("_", "-").split():
        parts = name.split("-")
        if parts[-1] not in _NOTHING_PRECEDES:
            for part in parts:
                if part in _NOTHING_FOLLOWS:
                    break
                role = max(role, _role_of_part(part))
    return role


@lru_cache(maxsize=1 << 15)
def _role_of_part(part: str) -> int:
    word = part.rstrip("0123456789")
    if _COMMENT_PARTS.search(word):
        return COMMENTS
    if _FRAME_PARTS.search(word):
        return FRAME
    return MINOR if _MINOR_PARTS.search(word) else NEUTRAL
