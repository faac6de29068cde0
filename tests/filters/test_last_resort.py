from __future__ import annotations

import json

import pytest
from selectolax.lexbor import LexborHTMLParser

from filters.last_resort import find_main_text
from filters.page_outline import outline
from filters.structured_data import stated_article
from tests.filters.test_maintext import ONE, THREE, TWO

TEXT = f"<p>{ONE}</p><p>{TWO}</p><p>{THREE}</p>"
WHOLE = [ONE, TWO, THREE]
TITLE = "Lakes of the north"
STATE = {"headline": TITLE, "blocks": [{"type": "text", "value": line} for line in WHOLE]}
FLAT = [{"article": 1}, {"title": 2, "body": 3}, TITLE, [4, 5, 6], *WHOLE]
NOTICE = "<p>You have no subscription yet? Log in to read this article and all others.</p>"


def text(html: str) -> list[str]:
    tree = LexborHTMLParser(html)
    outlined = outline(tree)
    return find_main_text(tree, outlined, html, TITLE, stated_article(outlined.data).body)


PAGES = {
    "nothing is short of anything": (f"<body>{TEXT}</body>", WHOLE),
    "hidden until a script runs": (f'<body><div style="display:none">{TEXT}</div></body>', WHOLE),
    "invisible until a script runs": (f'<body><main style="visibility: hidden">{TEXT}</main></body>', WHOLE),
    "the whole body hidden": (f'<body style="display:none">{TEXT}</body>', WHOLE),
    "transparent until a script runs": (f'<body style="opacity:0"><div style="opacity: 0">{TEXT}</div></body>', WHOLE),
    "hidden behind a notice": (f"<body>{NOTICE}<div hidden><h1>Lakes of the north</h1>{TEXT}</div></body>", WHOLE),
    "names on everything": (
        f'<body><div class="comment"><div class="comment-text">{TEXT}</div></div><p>About us: {THREE}</p></body>',
        [*WHOLE, f"About us: {THREE}"],
    ),
    "only in the data": (
        '<body><div id="root"></div><script type="application/ld+json">{"@type": "NewsArticle", "headline": "Lakes", '
        f'"articleBody": "{ONE}\\n{TWO}\\n&lt;b&gt;{THREE}"}}</script></body>',
        [ONE, TWO, f"<b>{THREE}"],
    ),
    "only in the data of Next, as paragraphs": (
        '<body><script id="__NEXT_DATA__" type="application/json">'
        f"{json.dumps({'props': {'article': STATE}})}</script></body>",
        WHOLE,
    ),
    "only in the data of Nuxt, as a list of values": (
        f'<body><script type="application/json">{json.dumps(FLAT)}</script></body>',
        WHOLE,
    ),
    "only in a script": (
        f"<body><script>window.__NUXT__=(function(a){{return {{title:{json.dumps(TITLE)},"
        f"body:{json.dumps(TEXT)}}}}})(1)</script></body>",
        WHOLE,
    ),
    "data of another article": (
        f"<body>{NOTICE}<script>x = {json.dumps({'title': 'Rivers of the north', 'text': TEXT})}</script></body>",
        [NOTICE[3:-4]],
    ),
    "only in the updates of a live blog": (
        '<body><script type="application/ld+json; charset=utf-8">'
        + json.dumps({"@type": "LiveBlogPosting", "liveBlogUpdate": [{"articleBody": body} for body in WHOLE]})
        + "</script></body>",
        WHOLE,
    ),
    "only in a template": (f"<body><template><h1>{TITLE}</h1>{TEXT * 3}</template></body>", WHOLE * 3),
    "a template with placeholders": (f"<body><template>{TEXT * 3}<#= label #></template></body>", []),
    "in a menu that is left open": (f"<body><nav><a href='/'>Home</a>{TEXT}</body>", WHOLE),
    "a hidden menu is no text": (f'<body><p>{ONE}</p><div hidden><a href="/">{TWO} {THREE}</a></div></body>', [ONE]),
    "no text anywhere": ("<body><div hidden>Menu</div></body>", []),
}


@pytest.mark.parametrize("case", PAGES)
def test_pages(case: str) -> None:
    html, paragraphs = PAGES[case]
    assert text(html) == paragraphs


def test_a_long_text_is_not_looked_for_again() -> None:
    long = f"<p>{' '.join([ONE, TWO, THREE] * 3)}</p>"
    assert text(f"<body>{long}<div hidden>{long * 4}</div></body>") == [" ".join([ONE, TWO, THREE] * 3)]
