"""Limit the depth of a page's elements before it is parsed.

The HTML standard has a parser look through all open elements at most tags, so a page that nests n elements takes n^2
steps: 480 kB of ``<ul><li>`` take half a minute. Nobody writes such pages; generators of traps do, and so do programs
that never close an element. Browsers cut at a few hundred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

DEEPEST = 2_000
"""Elements that may be open at once. Deeper ones lose their tags, and their text stays."""

# What never ends is taken as it is to the end of the page, so that the search stays linear.
_TAG = re.compile(rb"<!--.*?(?:-->|\Z)|<(/?)([a-zA-Z][^\s/>]*)[^>]*(?:>|\Z)", re.DOTALL)

_NEVER_DEEP = frozenset(
    # Elements without content, and those that end where the next of their kind begins.
    b"area base br col embed hr img input link meta param source track wbr "
    b"a body button dd dt head html li nobr optgroup option p rp rt tbody td tfoot th thead tr".split()
)
_HTML = frozenset(
    b"abbr address article aside b bdi bdo big blockquote canvas caption center cite code colgroup data datalist del "
    b"details dfn dialog dir div dl em fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 header hgroup i "
    b"iframe ins kbd label legend main map mark marquee menu meter nav noscript object ol output picture pre progress "
    b"q ruby s samp script search section select slot small span strike strong style sub summary sup svg table "
    b"template textarea time title tt u ul var video audio applet math".split()
)
"""HTML ignores the slash of ``<div/>``; other elements (of SVG, mostly) end with it."""


def limit_depth(html: bytes, deepest: int = DEEPEST) -> bytes:
    """The page without the tags of elements that are nested deeper than ``deepest``; itself where there are none."""
    if html.count(b"<") - html.count(b"</") <= deepest:
        return html
    kept = [html[begin:end] for begin, end in _shallow_parts(html, deepest)]
    return html if len(kept) == 1 else b" ".join(kept)


def _shallow_parts(html: bytes, deepest: int) -> Iterator[tuple[int, int]]:
    """Where the parts between the tags lie that are too deep."""
    depth = begin = 0
    for tag in _TAG.finditer(html):
        name = tag[2]
        if name is None or (name := name.lower()) in _NEVER_DEEP:
            continue
        if tag[1]:
            is_deep = depth > deepest
            depth = max(depth - 1, 0)
        elif html[tag.end() - 2 : tag.end()] == b"/>" and name not in _HTML:
            continue
        else:
            depth += 1
            is_deep = depth > deepest
        if is_deep:
            yield begin, tag.start()
            begin = tag.end()
    yield begin, len(html)
