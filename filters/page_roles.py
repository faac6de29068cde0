"""What part a box plays in a web page, by its tag and its names.

People name the parts of their pages with the same few hundred words everywhere (``sidebar``, ``related-posts``,
``comment-list``), whatever language the page is in. What frameworks write into the same attributes are no names of
parts: ``print:text-black`` and ``rounded-card`` say how a box looks. They are not read.

A word is a guess. :func:`filters.maintext.prune` believes it only where what the box contains agrees.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

BODY, NEUTRAL, MINOR, FRAME, COMMENTS = range(5)
"""Parts: certainly of the body; unknown; doubtful; frame of the page; readers' comments."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


class Role(NamedTuple):
    """The part that a box plays, and the word that says so (a tag in brackets; empty for an unknown part)."""

    part: int
    word: str


UNKNOWN = Role(NEUTRAL, "")

_ROLE_OF_TAG = {
    "article": Role(BODY, "<article>"),
    "main": Role(BODY, "<main>"),
    "footer": Role(FRAME, "<footer>"),
    "noscript": Role(FRAME, "<noscript>"),
    "aside": Role(FRAME, "<aside>"),
    "menu": Role(FRAME, "<menu>"),
    "figcaption": Role(FRAME, "<figcaption>"),
    "figure": Role(MINOR, "<figure>"),
    "form": Role(MINOR, "<form>"),
    "header": Role(MINOR, "<header>"),
    "address": Role(MINOR, "<address>"),
}
_PART_OF_ARIA = {
    "main": BODY,
    "banner": MINOR,
    "navigation": FRAME,
    "complementary": FRAME,
    "contentinfo": FRAME,
    "search": FRAME,
    "dialog": FRAME,
    "alertdialog": FRAME,
    "alert": FRAME,
    "menu": FRAME,
}

# Words in the parts of a name (the parts of ``post-related`` are post and related).
_COMMENT_PARTS = re.compile("comment(?!ary|ator)|disqus|^respond$|kommentar|^repl(?:y|ies)$")
_FRAME_PARTS = re.compile(
    "sidebar|^sidebox$|^foot$|footer|^nav|navi|menu|breadcrumb|paginat|pager|toolbar|^toc$|(?<!re)search|dropdown|^skip"
    "|^lang$|related|similar|recommend|recent|popular|trending|^also|readmore|blogroll|infobox|navbox|^tags?$|taxonomy"
    "|share(?!holder)|sharing|social(?!is)|newsletter|subscri|login|signup|(?<![a-z])rating|flair|^cta$|widget"
    "|promo|advert|^ads?$|banner|sponsor|outbrain|taboola|cookie|consent|gdpr|popup|modal|overlay|copyright"
    "|(?<!ac)credit|signature|avatar|^bio$|^posted$|carousel|gallery|akismet|colophon"
)
_MINOR_PARTS = re.compile(
    "caption|byline|author(?!it)|^meta$|^date|header|(?<![a-z])print|user|profile|^info$|teaser|disclaimer|slider"
    "|hidden|license|^notes?$|register|contact|^links?$|figure|(?<!il)legal|^form$|^prev|(?<![a-z])icon(?!ic)"
    "|category|button|^card$|topic"
)
# WordPress puts the tags and categories of a post into the classes of the post itself, and whether it has comments;
# themes say on the box around everything that there is a sidebar; a page builder calls every box a widget; Word calls
# every paragraph by its style.
_NOTHING_FOLLOWS = _set("tag category elementor has no with without is not")
_NOTHING_PRECEDES = _set("open closed enabled disabled left right active layout on off grid")
# ``hover:text-button``, ``[&_>a]:mt-2``, ``w-1/2``, ``!hidden``, ``-mt-4``: variants, values and signs of utilities,
# and words that begin names of utilities. None of these begins the name of a part.
_IS_SYNTAX = re.compile(r"[]:[/@!()&>=%#.,;'\"*+$<{}|~^?]|^-")
_UTILITIES = _set(
    "text bg border rounded font overflow shadow ring leading tracking items justify self space divide gap px py pt pb "
    "pl pr mx my mt mb ml mr w h min max z flex inset opacity cursor select transition duration ease delay animate "
    "transform scale rotate translate object aspect whitespace decoration underline outline accent fill stroke snap "
    "will backdrop blur from via hyphens clamp size u css sc"
)
_BODY_NAME = re.compile(
    r"^(?:.*-)?(?:article|entry|post|story|news|text)-{0,2}(?:body|content|text|copy)(?:-{0,2}(?:text|inner|content))?$"
)
"""Names of the box that holds the text, which outweigh another name of the same box."""


def is_hidden(attributes: Mapping[str, str | None]) -> bool:
    """Do the attributes of an element say that it is not shown?

    ``aria-hidden`` does not: it is for screen readers, and what bears it can be seen.
    """
    if ("hidden" in attributes and attributes["hidden"] != "until-found") or "amp-access-hide" in attributes:
        return True
    style = attributes.get("style")
    if style is None:
        return False
    style = style.lower()
    if not ("none" in style or "hidden" in style):
        return False
    style = style.replace(" ", "")
    return "display:none" in style or "visibility:hidden" in style


_IS_CONSENT = re.compile(
    r"(?:(?:js|c|m|o|block|wp|sp|the)-{1,2})?(?:(?:eu-?)?cookies?|gdpr|dsgvo|consent|privacy|rgpd|lgpd)-{0,2}"
    r"(?:(?:consent|cookies?|law|policy|info|compliance|use|usage|and|settings|preferences|warning|accept)-{0,2}){0,2}"
    r"(?:banner|notice|bar|consent|popup|pop-up|modal|overlay|wall|dialog|message|alert|layer|hint|hinweis|disclaimer"
    r"|notification|manager|prompt|box)(?:-{1,2}(?:container|wrapper|wrap|inner|content|box|text|body))?"
    r"|onetrust-(?:consent|banner|pc)-sdk|cybotcookiebotdialog|didomi-(?:host|popup|notice)|usercentrics-root"
    r"|qc-cmp2?-container|cmplz-cookiebanner\S*|cli-modal|cky-(?:consent|modal)\S*|iubenda-cs-banner"
    r"|truste-consent-track|sp-message-container\S*|moove-gdpr-cookie-(?:info-bar|modal)|cc-window|cc-banner"
)


_ABOUT_CONSENT = re.compile(
    "cookie|consent|gdpr|dsgvo|rgpd|lgpd|privacy|onetrust|didomi|usercentrics|cmp|cli-|cky|iubenda|sp[-_]message|cc-",
    re.I,
)
CONSENT = Role(FRAME, "consent")
"""A notice about cookies, by the names that the tools give it that make them: nothing in it belongs to a text."""


def _is_consent(names: str) -> bool:
    return _ABOUT_CONSENT.search(names) is not None and any(
        _IS_CONSENT.fullmatch(name) for name in names.lower().replace("_", "-").split()
    )


INSIDE_SENTENCES = _set("a abbr b em font i label small span strong sub sup time")
_FOR_SCREEN_READERS = re.compile(
    r"(?<![\w:-])(?:u-|is-|cdk-)?(?:sr-?only|visually-?hidden|screen-?reader(?:-?(?:text|only))?"
    r")(?![\w-])",
    re.IGNORECASE,
)
_HIDDEN_CLASS = re.compile(r"(?<!\S)(?:hidden|d-none)(?!\S)")
_SHOWN_ELSEWHERE = re.compile(r":(?:block|inline|flex|grid|contents|table)|\bd-\w+-(?:block|inline|flex|grid)")


def is_hidden_inside(tag: str, attributes: Mapping[str, str | None]) -> bool:
    """Do the attributes of an element inside a text say that it is not shown, or for screen readers alone?"""
    classes = attributes.get("class") or ""
    if _FOR_SCREEN_READERS.search(classes.replace("_", "-")) is not None:
        return True
    if tag not in INSIDE_SENTENCES:
        return False
    if is_hidden(attributes):
        return True
    return _HIDDEN_CLASS.search(classes) is not None and _SHOWN_ELSEWHERE.search(classes) is None


@lru_cache(maxsize=1 << 16)
def role_of(
    tag: str,
    classes: str | None = None,
    name: str | None = None,
    aria: str | None = None,
    part: str | None = None,
) -> Role:
    """The role of an element by its tag and its attributes class, id, role and itemprop."""
    role = _ROLE_OF_TAG.get(tag, UNKNOWN)
    if role.part == BODY:
        return role
    if (classes and _is_consent(classes)) or (name and _is_consent(name)):
        return CONSENT
    if part == "articleBody":
        return Role(BODY, part)
    for names in (classes, name):
        if names:
            other = _role_of_names(names)
            if other.part > role.part:
                role = other
    if aria is not None:
        said = _PART_OF_ARIA.get(aria, NEUTRAL)
        if said == BODY or said > role.part:
            return Role(said, f"role={aria}")
    return role


def _role_of_names(names: str) -> Role:
    found = UNKNOWN
    is_body = False
    for name in names.split():
        role = _role_of_name(name)
        if role.part > found.part:
            found = role
        elif role is _NAMED_BODY:
            is_body = True
    return UNKNOWN if is_body else found


_NAMED_BODY = Role(BODY, "")


@lru_cache(maxsize=1 << 16)
def _role_of_name(name: str) -> Role:
    name = name.lower().replace("_", "-")
    first, dash, _ = name.partition("-")
    if (dash and first in _UTILITIES) or name.startswith("mso") or _IS_SYNTAX.search(name) is not None:
        return UNKNOWN
    role = UNKNOWN
    for segment in name.split("--"):  # block, element, modifier
        parts = segment.split("-")
        if parts[-1] not in _NOTHING_PRECEDES:
            for part in parts:
                if part in _NOTHING_FOLLOWS:
                    break
                other = _role_of_part(part)
                if other.part > role.part:
                    role = other
    return _NAMED_BODY if role is UNKNOWN and _BODY_NAME.match(name) is not None else role


@lru_cache(maxsize=1 << 15)
def _role_of_part(part: str) -> Role:
    word = part.rstrip("0123456789")
    for meaning, words in ((COMMENTS, _COMMENT_PARTS), (FRAME, _FRAME_PARTS), (MINOR, _MINOR_PARTS)):
        found = words.search(word)
        if found is not None:
            return Role(meaning, found[0])
    return UNKNOWN
