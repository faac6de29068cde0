from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from filters.maintext import main_text
from filters.page_outline import outline
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

ONE = "The water of the lake is so clear that the stones on its ground can be counted from any boat."
TWO = "In winter, when the ice is a hand thick, the children of the village skate to school across it."
THREE = "Nobody knows who built the tower on the island, but the fishermen use it to find their way home."


def text(body: str, title: str | None = None) -> list[str]:
    return main_text(outline(LexborHTMLParser(f"<html><body>{body}</body></html>")).body, title)


def links(number: int) -> str:
    return "".join(f'<li><a href="/{i}">Another story about a lake</a></li>' for i in range(number))


PAGES = {
    "paragraphs": (f"<p>{ONE}</p><p>{TWO}</p>", [ONE, TWO]),
    "text in divs": (f"<div>{ONE}<br>{TWO}</div><div>{THREE}</div>", [f"{ONE} {TWO}", THREE]),
    "inline elements": (f"<p>{ONE} <b>Truly</b>, <i>every</i> stone.</p>", [f"{ONE} Truly, every stone."]),
    "no space between inline elements": (f"<p>{ONE} H<sub>2</sub>O</p>", [f"{ONE} H2O"]),
    "white space": (f"<p>\n  {ONE}\n\t</p>\n", [ONE]),
    "menu": (f"<nav>{THREE}</nav><p>{ONE}</p>", [ONE]),
    "scripts and styles": (f"<p>{ONE}</p><script>var a = '{TWO}'</script><style>p {{}}</style>", [ONE]),
    "comment in the markup": (f"<p>{ONE}</p><!-- {TWO} -->", [ONE]),
    "sidebar by its class": (f'<p>{ONE}</p><p>{TWO}</p><div class="right-sidebar"><p>{THREE}</p></div>', [ONE, TWO]),
    "footer by its id": (f'<p>{ONE}</p><p>{TWO}</p><div id="footer"><p>{THREE}</p></div>', [ONE, TWO]),
    "footer by its tag": (f"<p>{ONE}</p><p>{TWO}</p><footer><p>{THREE}</p></footer>", [ONE, TWO]),
    "part of the page by its ARIA role": (
        f'<p>{ONE}</p><p>{TWO}</p><div role="complementary"><p>{THREE}</p></div>',
        [ONE, TWO],
    ),
    "comments of readers": (
        f'<p>{ONE}</p><p>{TWO}</p><p>{ONE}</p><div class="comment-list"><p>{THREE}</p></div>',
        [ONE, TWO, ONE],
    ),
    "nothing but comments: a forum": (f'<div class="comment"><p>{ONE}</p></div>', [ONE]),
    "a misleading name": (f'<div class="sidebar"><p>{ONE}</p><p>{TWO}</p></div><p>Imprint</p>', [ONE, TWO]),
    "a name that only says that something exists": (
        f'<div class="has-sidebar post-no-related"><p>{ONE}</p></div>',
        [ONE],
    ),
    "tags of WordPress in a class": (f'<article class="post tag-newsletter"><p>{ONE}</p></article>', [ONE]),
    "hidden": (f"<p>{ONE}</p><p hidden>{TWO}</p><p style='display: none'>{THREE}</p>", [ONE]),
    "a list of links": (f"<p>{ONE}</p><ul>{links(5)}</ul>", [ONE]),
    "links inside a paragraph": (f'<p>{ONE} <a href="/">See the map.</a></p>', [f"{ONE} See the map."]),
    "beside the body": (
        f"<div><article><p>{ONE}</p><p>{TWO}</p><p>{THREE}</p><p>{ONE}</p></article></div><div>Weather: fine.</div>",
        [ONE, TWO, THREE, ONE],
    ),
    "the first heading is the title": (f"<h1>The lake</h1><p>{ONE}</p>", [ONE]),
    "headings": (f"<h2>Summer</h2><p>{ONE}</p><h2>Winter</h2><p>{TWO}</p>", ["Summer", ONE, "Winter", TWO]),
    "a heading that lost its text": (
        f"<p>{ONE}</p><h3>More</h3><ul>{links(3)}</ul><h3>Winter</h3><p>{TWO}</p>",
        [ONE, "Winter", TWO],
    ),
    "a heading at the end": (f"<p>{ONE}</p><h3>More</h3>", [ONE]),
    "the head of an article with its first paragraph": (
        f'<header class="entry-header"><h1>The lake</h1><p>{ONE}</p></header><div>' + f"<p>{TWO}</p>" * 20 + "</div>",
        [ONE, *[TWO] * 20],
    ),
    "a page for those without scripts": (f"<noscript><p>{ONE}</p></noscript>", [ONE]),
    "a picture for those without scripts": (
        f'<p>{ONE} <noscript><img src="a.png"></noscript>{TWO}</p>',
        [f"{ONE} {TWO}"],
    ),
    "lines about the text": (
        f"<p>3 May 2021, 10:30</p><p>Home > Lakes > North</p><p>© Ann Example</p><p>{ONE} {TWO}</p>",
        [f"{ONE} {TWO}"],
    ),
    "a first sentence": (f"<p>A lake is lost.</p><p>{ONE}</p><p>{TWO}</p>", ["A lake is lost.", ONE, TWO]),
    "a menu inside a text": (f"<div>{ONE}<nav>Home</nav>{TWO}</div>", [ONE, TWO]),
    "short lines at the end": (f"<p>{ONE} {TWO}</p><p>Print</p><p>Read more:</p>", [f"{ONE} {TWO}"]),
    "a notice about scripts": (
        f"<p>Please enable JavaScript in your browser to see this page.</p><p>{ONE} {TWO}</p>",
        [f"{ONE} {TWO}"],
    ),
    "utilities on every paragraph": (
        f'<p class="text-lg print:text-black">{ONE}</p><p class="text-lg hover:text-button">{TWO}</p>',
        [ONE, TWO],
    ),
    "a name on most of the paragraphs": (
        f'<p class="caption">{ONE}</p><p class="caption">{TWO}</p><p class="caption">{THREE}</p><p>{ONE}</p>',
        [ONE, TWO, THREE, ONE],
    ),
    "a name on one paragraph": (f"<p>{ONE}</p>" * 20 + f'<p class="caption">{TWO}</p>', [ONE] * 20),
    "a text named as comment": (
        f"<p>{THREE}</p><p>{THREE}</p><p>{THREE}</p>" + f'<div class="comment">{f"<p>{ONE}</p><p>{TWO}</p>" * 3}</div>',
        [THREE, THREE, THREE, *[ONE, TWO] * 3],
    ),
    "a footer beside a short text that is marked": (
        f'<div itemprop="articleBody"><p>{ONE} {TWO} {THREE}</p></div>'
        f'<div class="footer"><p>{ONE} {TWO} {ONE}</p></div>',
        [f"{ONE} {TWO} {THREE}"],
    ),
    "teasers of other pages": (
        f"<p>{ONE}</p><p>{TWO}</p><p>{THREE}</p><p>{ONE}</p><div>"
        + "".join(
            f"<h4>{n}</h4><p>The lake of {n} has seen many a storm, but none like the one that ...</p>" for n in "ABC"
        )
        + "</div>",
        [ONE, TWO, THREE, ONE],
    ),
    "a lead under the heading": (
        f'<div class="article-header"><h1 class="header-title">The lake</h1><div class="header-lead">{ONE}</div></div>'
        + f"<p>{TWO}</p>" * 20,
        [ONE, *[TWO] * 20],
    ),
    "a quote in a figure": (
        f"<p>{TWO}</p>" * 20 + f"<figure><blockquote>{ONE}</blockquote></figure><p>{TWO}</p>",
        [*[TWO] * 20, ONE, TWO],
    ),
    "a target of links that is left open": (f'<a name="top"><p>{ONE}</p><p>{TWO}</p>', [ONE, TWO]),
    "one name on the box of each paragraph": (
        "".join(f'<div class="related-text"><p>{line}</p></div>' for line in (ONE, TWO, THREE, ONE, TWO, THREE)),
        [ONE, TWO, THREE, ONE, TWO, THREE],
    ),
    "notices about cookies by their names": (
        f'<div class="cookie-banner">{f"<p>{THREE}</p>" * 9}</div><p>{ONE}</p><p>{TWO}</p>'
        f'<div id="onetrust-consent-sdk">{f"<p>{THREE}</p>" * 9}</div>',
        [ONE, TWO],
    ),
    "a recipe for cookies": (f'<div class="cookie-recipe-box"><p>{ONE}</p><p>{TWO}</p></div>', [ONE, TWO]),
    "what AMP shows to others": (
        f"<p>{ONE}</p><section amp-access-hide><p>{THREE}</p></section><amp-consent><p>{THREE}</p></amp-consent>",
        [ONE],
    ),
    "the line at the end": (
        f"<p>{ONE} {TWO}</p><p>© 2024 The Lake Herald. All rights reserved, in all countries.</p>",
        [f"{ONE} {TWO}"],
    ),
    "no text": ("<nav>Home</nav>", []),
    "empty": ("", []),
}


def test_a_notice_before_the_title_may_be_longer_than_the_text() -> None:
    notice = f"<div>{f'<p>{THREE}</p>' * 20}</div>"
    assert text(f"{notice}<div><h1>The lake</h1>{f'<p>{ONE}</p>' * 6}</div>", "The lake") == [ONE] * 6


def test_of_several_articles_the_one_with_the_title_is_taken() -> None:
    teaser = f"<article><h3>Towers</h3><p>{THREE}</p></article>"
    article = f"<article><h1>The lake</h1>{f'<p>{ONE}</p>' * 6}</article>"
    assert text(f"<main>{article}{teaser * 3}</main>", "The lake") == [ONE] * 6
    assert text(f"<main>{article}{teaser * 3}</main>", "Another title") != [ONE] * 6


@pytest.mark.parametrize("case", PAGES)
def test_pages(case: str) -> None:
    body, paragraphs = PAGES[case]
    assert text(body) == paragraphs


def test_what_stands_before_the_title_is_left_out() -> None:
    notice = f"<div><p>We and our partners store cookies. {ONE}</p></div>"
    page = outline(LexborHTMLParser(f"<body>{notice}<h1>The lake</h1><p>{ONE}</p><p>{TWO}</p></body>"))
    assert main_text(page.body, "The Lake") == [ONE, TWO]


def test_the_text_begins_at_its_title_even_where_other_headings_follow() -> None:
    body = f"<div><h1>About</h1><p>{ONE}</p></div><div><h1>Work</h1>{f'<p>{TWO}</p>' * 9}</div>"
    page = outline(LexborHTMLParser(f"<body>{body}</body>"))
    assert main_text(page.body, "About") == [ONE, *[TWO] * 9]


def test_a_heading_near_the_end_cuts_no_text() -> None:
    page = outline(LexborHTMLParser(f"<body><p>{ONE}</p><p>{TWO}</p><p>{TWO}</p><h1>The lake</h1><p>{ONE}</p></body>"))
    assert main_text(page.body, "The lake") == [ONE, TWO, TWO, ONE]


def test_east_asian_text_is_prose_at_a_third_of_the_length() -> None:
    prose = "この湖の水はとても澄んでいて、船から底の石を数えることができる。"
    assert text(f'<div class="main"><p>{prose}</p></div><div class="sidebar"><p>{ONE}</p></div>') == [prose]


def test_first_level_headings_are_the_titles_wherever_they_stand() -> None:
    outlined = outline(LexborHTMLParser("<header><h1>Site <i>name</i></h1></header><div><h1>The lake</h1></div>"))
    assert outlined.titles == ["Site name", "The lake"]


def test_deep_nesting() -> None:
    assert text("<div>" * 20_000 + f"<p>{ONE}</p>") == [ONE]
    assert text("<b>" * 20_000 + ONE) == [ONE]


def test_no_page_at_all() -> None:
    assert main_text(outline(LexborHTMLParser("")).body) == []


@pytest.mark.parametrize("case", ODD_TEXTS)
def test_odd_texts(case: str) -> None:
    odd = ODD_TEXTS[case].encode("utf-8", "replace").decode()
    for paragraph in text(f"<p>{odd}</p><div class='{odd[:100]}'>{odd}</div>"):
        assert paragraph == " ".join(paragraph.split()) != ""


ELEMENTS = st.sampled_from(["p", "div", "a", "span", "h1", "h2", "li", "nav", "aside", "noscript", "table", "br", "b"])
NAMES = st.sampled_from(["", "comment", "sidebar", "content", "related", "no-js", "header"])
MARKUP = st.recursive(
    TEXTS,
    lambda inner: st.builds(
        lambda tag, name, parts: f'<{tag} class="{name}">{"".join(parts)}</{tag}>',
        *(ELEMENTS, NAMES, st.lists(inner, max_size=4)),
    ),
    max_leaves=12,
)


@given(MARKUP)
def test_any_page_gives_folded_text_in_the_order_of_the_page(body: str) -> None:
    body = body.encode("utf-8", "replace").decode()
    tree = LexborHTMLParser(f"<html><body>{body}</body></html>")
    whole = "".join((tree.root.text() if tree.root is not None else "").split())
    for paragraph in main_text(outline(tree).body):
        assert paragraph == " ".join(paragraph.split()) != ""
        rest = iter(whole)
        assert all(letter in rest for letter in "".join(paragraph.split()))
