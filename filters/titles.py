"""The title of a web page: which of its candidates to take, and where the name of the site is cut off.

Pages name themselves up to three times: ``<title>``, which search engines read and which most often carries the name
of the site; ``og:title``, for social media; and the first-level heading. None of them is always the best: a heading
may be a logo, a ``<title>`` may be the site's name on every page. So they confirm each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from unicodedata import normalize
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from filters.structured_data import StatedArticle
from filters.text import decode_entities, plain

MAX_TITLE = 300
"""Longer ones are lists of search words or whole paragraphs; they are not taken."""
MAX_HEADINGS = 8
"""So many first-level headings are looked at."""
WHOLE_TITLE_WORDS = 3
"""A part of a title with this many words can stand alone."""

ONE_VOTE = 1.5
"""More than the weight of any one of the places where a page names itself, and less than of two."""
NOTHING_STATED = StatedArticle()
_EAST_ASIAN = "\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_SEPARATOR = re.compile(
    r"\s+(?:[-–—~:/|¦›‹·•→←*«»⋆★☆●■▪▶▷►◆◇♦✦]|::|--|\|\||//|\\\\)\s+|\s*[|｜¦：]\s*|(?<=\S)[–—－]\s+|(?<=\S):\s+"
    rf"|(?<=[{_EAST_ASIAN}])[-_—－]+"
)
# Between these the parts are surely of different kinds. A dash or a colon may belong to the sentence, but not in
# scripts that do without spaces.
_STRONG = re.compile(r"[|｜¦»›‹·•→←~⋆★☆●■▪▶▷►◆◇♦✦]|::|^\S+$")
# How the name of a site begins after a title that the page says without it.
_ADDED = re.compile(r"\s*(?://|\\|[<>@\[(（【［〈⋆★☆●■▪▶▷►◆◇♦✦]|(?<=[\u2e80-\ua4cf\uac00-\ud7af])\s[-–—:])")
_UNSPACED = re.compile(rf"[{_EAST_ASIAN}]|[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff]{{2}}")
_BARS = re.compile(r"\s*[|｜¦]\s*")
_WORD = re.compile(r"\w+")
_TRUNCATED = re.compile(r"\s*(?:\.{3,}|…)$")
_COMMON_LABELS = frozenset(
    ["www", "com", "org", "net", "info", "co", "blog", "blogs", "news", "wordpress", "blogspot", "github", "tumblr"]
)
_SAYS_NOTHING = frozenset(
    (
        *("404", "404notfound", "accessdenied", "accueil", "article", "artikel", "attentionrequiredcloudflare", "blog"),
        *("blogarchive", "detail", "details", "error", "forbidden", "forum", "home", "homepage", "inicio", "index"),
        *("indexhtml", "justamoment", "loading", "login", "mainpage", "menu", "news", "notfound", "pagenotfound"),
        *("register", "search", "signin", "start", "startseite", "untitled", "untitleddocument", "welcome"),
    )
)


_TITLES = 'title,meta[property^="og:"],meta[name^="og:"]'


def page_title(
    tree: LexborHTMLParser, headings: Iterable[str], url: str | None, stated: StatedArticle = NOTHING_STATED
) -> str | None:
    """The title of a parsed page, with its first-level headings, or None where it has none that says anything."""
    title: str | None = None
    properties: dict[str, str] = {}
    nodes = tree.head.css(_TITLES) if tree.head is not None else []
    if all(node.tag != "title" for node in nodes):
        # Whatever is printed before the head, an error message of the server say, puts the head into the body.
        nodes = tree.css(_TITLES)
    for node in nodes:
        tag = node.tag
        if tag == "title":
            if title is None and (node.parent is None or node.parent.tag != "svg"):
                title = node.text()
        elif tag == "meta":
            attributes = node.attributes
            name = attributes.get("property") or attributes.get("name")
            content = attributes.get("content")
            if name and content:
                properties.setdefault(name, content)
    return choose_title(
        title,
        properties.get("og:title"),
        list(islice(headings, MAX_HEADINGS)),
        site_name=properties.get("og:site_name"),
        url=url,
        stated=stated,
    )


def choose_title(
    title: str | None,
    social: str | None = None,
    headings: Sequence[str] = (),
    *,
    site_name: str | None = None,
    url: str | None = None,
    stated: StatedArticle = NOTHING_STATED,
) -> str | None:
    """The title that reads best of ``<title>``, ``og:title`` and the first-level headings, without the site's name.

    What two of these and the headline of the article's data say alike is the title, even where ``<title>`` says
    something else: that one is often written anew for search engines.
    """
    first, second, headline = map(_clean, (title, social, stated.headline))
    known = {letters_of(text) for text in (first, second, headline)}
    # Some pages state their own title as the name of the site.
    site = Site([name for name in (site_name, stated.publisher) if name and letters_of(name) not in known], url)
    rest = [text for text in map(_clean, headings) if text and not site.is_name(text)]
    confirming = [text for text in (second, headline, *rest) if text]
    sure = {letters_of(text) for text in rest} & {letters_of(headline)}
    cut_first, cut_second = (
        _part_among(text, sure) or _without_added(cut_site_name(text, site, confirming), confirming) if text else ""
        for text in (first, second)
    )
    candidates = [cut for cut in (cut_first, cut_second) if cut] + rest
    agreed = _agreed_title(cut_first, cut_second, headline, rest)
    if agreed is not None and not _is_no_title(agreed, site) and not _is_logo(agreed, [first], site):
        return _completed(agreed, candidates)
    for candidate in candidates:
        if not _is_no_title(candidate, site):
            return _completed(candidate, candidates)
    # Only the name of the site is left: that is the title of a home page.
    return next((text for text in (first, second) if text and _says_something(text)), None)


def _agreed_title(title: str, social: str, headline: str, headings: Sequence[str]) -> str | None:
    """What at least two of them say alike, in the words of the first that says it; None where each says its own."""
    votes: dict[str, float] = {}
    spelling: dict[str, str] = {}
    for text, weight in ((title, 1.0), (social, 1.1), (headline, 0.9)):
        if key := letters_of(text):
            votes[key] = votes.get(key, 0.0) + weight
            spelling.setdefault(key, text)
    for text in {letters_of(text): text for text in headings}.values():
        key = letters_of(text)
        votes[key] = votes.get(key, 0.0) + 1.1
        spelling.setdefault(key, text)
    best = max(votes, key=votes.__getitem__, default="")
    return spelling[best] if best and votes[best] > ONE_VOTE else None


def _part_among(title: str, keys: set[str]) -> str | None:
    """The part of a title between bars that says one of these."""
    return next((part for part in _BARS.split(title) if letters_of(part) in keys), None)


def _without_added(title: str, confirming: Sequence[str]) -> str:
    """The title without what it adds in brackets or the like to a title that the page says, too."""
    for text in confirming:
        if title.startswith(text) and _ADDED.match(title, len(text)) is not None and _can_stand_alone(text):
            return text
    return title


class Site:
    """What is known of a site's name: what the page states (``og:site_name``, the publisher) and its address."""

    def __init__(self, names: Iterable[str], url: str | None) -> None:
        self._names = [key for name in names if (key := letters_of(name))]
        try:
            host = (urlsplit(url or "").hostname or "").lower()
        except ValueError:
            host = ""
        self._path = (url or "").casefold().partition("//")[2].partition("/")[2]
        labels = [label for label in host.split(".") if label and label not in _COMMON_LABELS]
        self._labels = [letters_of(label) for label in labels]
        self._label_words = [words for label in labels if len(words := label.split("-")) > 1]
        self._whole = {letters_of(host), letters_of(host.removeprefix("www.")), *self._names, *self._labels} - {""}

    def is_exactly(self, text: str) -> bool:
        """Is this the name of the site and nothing more? So is a text without letters and digits."""
        key = letters_of(text)
        return not key or key in self._whole

    def is_name(self, text: str) -> bool:
        """Is this the name of the site, perhaps with a few letters more (``Stadt Ahlen`` on ahlen.de)?"""
        if self.is_exactly(text):
            return True
        key = letters_of(text)
        if any(
            all(word in key for word in words) and len(key) <= 4 * sum(map(len, words)) for words in self._label_words
        ):
            return True
        for name in self._names:
            if len(name) >= 4 and (key.startswith(name) or name.startswith(key)) and len(key) >= 4:
                return len(key) <= 3 * len(name)
        return any(
            (len(label) >= 4 and label in key and len(key) <= 2 * len(label) + 6) or (len(key) >= 4 and key in label)
            for label in self._labels
        )

    def path_words(self, text: str) -> int:
        """How many of the longer words of a text stand in the path of the page's address."""
        return sum(word in self._path for word in _WORD.findall(text.casefold()) if len(word) > 3)


def cut_site_name(title: str, site: Site, confirming: Sequence[str] = ()) -> str:
    """The title without the name of the site and of its sections.

    What the other titles of the page (``confirming``) say word for word is surely the title. Without them, parts that
    are the site's name are cut off at both ends, and whatever follows a bar or the like. A dash or a colon may stand
    inside a title, so there nothing else is cut.
    """
    # In French a closing quotation mark looks like a separator.
    found = list(_SEPARATOR.finditer(title.replace("»", '"') if "«" in title else title))
    if not found:
        return title
    spans = list(zip([0, *(s.end() for s in found)], [*(s.start() for s in found), len(title)], strict=True))
    pieces = [title[start:end] for start, end in spans]
    known = {letters_of(text) for text in confirming if len(text) >= 4}
    known.discard(letters_of(title))
    for start in range(len(pieces)):
        for end in range(len(pieces), start, -1):
            part = title[spans[start][0] : spans[end - 1][1]]
            # Signs at an end count for nothing in letters_of(): the shorter part says the same.
            if (
                letters_of(part) in known
                and letters_of(pieces[end - 1])
                and not site.is_name(part)
                and not _is_logo(part, pieces, site)
            ):
                return part
    start, end = 0, len(pieces)
    while end - start > 1 and _is_no_title(pieces[end - 1], site):
        end -= 1
    while end - start > 1 and _is_no_title(pieces[start], site):
        start += 1
    end = next((i for i in range(start + 1, end) if site.is_exactly(pieces[i])), end)
    for i in range(start, end - 1):
        if _STRONG.search(found[i][0]) and _can_stand_alone(title[spans[start][0] : spans[i][1]]):
            end = i + 1
            break
    return title[spans[start][0] : spans[end - 1][1]]


def _is_logo(part: str, pieces: Sequence[str], site: Site) -> bool:
    """Does the page's address speak of another part of the title, and not of this one? Then this is a heading that
    stands on every page.
    """
    return site.path_words(part) == 0 and max(map(site.path_words, pieces)) >= 2


def _can_stand_alone(part: str) -> bool:
    return len(part.split()) >= WHOLE_TITLE_WORDS or len(_UNSPACED.findall(part)) >= 2 * WHOLE_TITLE_WORDS


def _completed(title: str, candidates: Sequence[str]) -> str:
    """A title that ends in dots is replaced by a candidate that goes on where it stops."""
    if _TRUNCATED.search(title):
        begin = letters_of(_TRUNCATED.sub("", title))
        for other in candidates:
            if not _TRUNCATED.search(other) and letters_of(other).startswith(begin):
                return other
    return title


def _clean(text: str | None) -> str:
    clean = plain(decode_entities(text)) if text else ""
    return clean if len(clean) <= MAX_TITLE else ""


def _is_no_title(text: str, site: Site) -> bool:
    return site.is_name(text) or not _says_something(text)


def _says_something(text: str) -> bool:
    return letters_of(text) not in _SAYS_NOTHING and sum(map(str.isalpha, text)) >= 2


def letters_of(text: str) -> str:
    """What is left of a text when only its letters and digits count, without accents: what titles are compared by.

    Only the beginning of a text longer than any title is looked at: sorting its marks takes quadratic time.
    """
    return _letters_of(text[: 2 * MAX_TITLE])


@lru_cache(maxsize=1 << 10)  # the parts of a title are compared with each other
def _letters_of(text: str) -> str:
    return "".join(filter(str.isalnum, normalize("NFKD", text.casefold()) if not text.isascii() else text.lower()))
