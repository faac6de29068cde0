from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from filters.page_outline import Box, outline


def texts(html: str, **options: bool) -> list[str]:
    return list(_texts(outline(LexborHTMLParser(f"<html><body>{html}</body></html>"), **options).body))


def _texts(box: Box) -> list[str]:
    return [text for item in box.items for text in (_texts(item) if isinstance(item, Box) else [item.text])]


SHOWN = {
    "inline, by its style": (
        '<p>The lake <span style="display:none">, see map,</span>is clear.</p>',
        ["The lake is clear."],
    ),
    "inline, by an attribute": ("<p>The lake<i hidden> (map)</i> is clear.</p>", ["The lake is clear."]),
    "inline, invisible": ('<p>The lake<b style="VISIBILITY: Hidden"> (map)</b> is clear.</p>', ["The lake is clear."]),
    "inline, by a utility class": (
        '<p>The lake<span class="x hidden"> (map)</span> is clear.</p>',
        ["The lake is clear."],
    ),
    "shown on wide screens": ('<p>The <span class="hidden md:inline">clear </span>lake.</p>', ["The clear lake."]),
    "for screen readers": ('<p>The lake<a href="#">.<span class="sr-only"> Opens a map</span></a></p>', ["The lake."]),
    "for screen readers, other names": (
        '<p>A<span class="visually-hidden">b</span><span class="u-visuallyHidden">c</span>'
        '<span class="screen-reader-text">d</span><span class="VisuallyHidden">e</span>'
        " lake.</p>",
        ["A lake."],
    ),
    "for screen readers, a block": ('<h2 class="sr-only">Text of the article</h2><p>The lake.</p>', ["The lake."]),
    "shown to screen readers and others": ('<p><span class="not-sr-only">The</span> lake.</p>', ["The lake."]),
    "a first letter": (
        '<p><span class="sr-only">T</span><span aria-hidden="true">T</span>he lake.</p>',
        ["The lake."],
    ),
    "a class that only sounds like it": ('<p>The <b class="mind-reader">clear</b> lake.</p>', ["The clear lake."]),
    "hidden blocks": ('<p hidden>No</p><div style="display: none">No</div><p>The lake.</p>', ["The lake."]),
    "hidden to be found by a search": ('<p hidden="until-found">The lake.</p>', ["The lake."]),
    "seen, but not by screen readers": ('<p aria-hidden="true">The lake.</p>', ["The lake."]),
    "a closed menu": ('<div class="menu" aria-hidden="true">Home</div><p>The lake.</p>', ["The lake."]),
    "content that React streams": (
        '<main><template id="B:0"></template><p>Below.</p></main><div hidden id="S:0"><p>The lake.</p></div>'
        '<script>$RC("B:0","S:0")</script>',
        ["The lake.", "Below."],
    ),
    "content that React streams in pieces": (
        '<main><!--$?--><template id="B:1"></template><!--/$--></main><div hidden id="S:1"><p>One.</p>'
        '<template id="P:2"></template><p>Three.</p></div><script>$RC("B:1","S:1")</script>'
        '<div hidden id="S:2"><p>Two.</p></div><script>$RS("S:2","P:2")</script>',
        ["One.", "Two.", "Three."],
    ),
    "streamed content without a place": ('<div hidden id="S:0"><p>The lake.</p></div>', ["The lake."]),
    "streamed content that names itself": (
        '<div hidden id="S:0"><template id="B:0"></template><p>The lake.</p></div><script>$RC("B:0","S:0")</script>',
        ["The lake."],
    ),
    "a shadow root": (
        '<my-page><template shadowrootmode="open"><style>p {}</style><p>The lake.</p></template></my-page>',
        ["The lake."],
    ),
    "a template": ("<template><p>No</p></template><p>The lake.</p>", ["The lake."]),
}


@pytest.mark.parametrize("case", SHOWN)
def test_what_is_shown(case: str) -> None:
    html, expected = SHOWN[case]
    assert texts(html) == expected


def test_hidden_blocks_on_demand() -> None:
    assert texts('<div hidden><p>The lake.</p></div><p style="display:none">Two.</p>', with_hidden=True) == [
        "The lake.",
        "Two.",
    ]


def test_shadow_roots_in_shadow_roots_end() -> None:
    assert texts("<div><template shadowrootmode=open>" * 2_000 + "<p>The lake.</p>") == []


def test_hidden_text_is_not_part_of_a_heading() -> None:
    tree = LexborHTMLParser('<h1>The lake<span class="sr-only"> (opens a map)</span></h1><h1 hidden>No</h1>')
    assert outline(tree).titles == ["The lake"]


def test_the_data_of_a_page() -> None:
    tree = LexborHTMLParser('<head><script type="application/ld+json">{"a": 1}</script></head><script>var b</script>')
    assert outline(tree).data == ['{"a": 1}']
