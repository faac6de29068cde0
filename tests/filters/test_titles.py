from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from filters.page_outline import outline
from filters.structured_data import StatedArticle
from filters.text import plain
from filters.titles import MAX_TITLE, choose_title, page_title
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

LAKES = "https://www.lakes.org/north/the-clear-lake.html"

CUT = {
    "nothing to cut": ("The clear lake", LAKES, "The clear lake"),
    "site after a bar": ("The clear lake | Lakes", LAKES, "The clear lake"),
    "site after a dash": ("The clear lake - Lakes.org", LAKES, "The clear lake"),
    "site in front": ("Lakes: The clear lake", LAKES, "The clear lake"),
    "site in a host of several words": ("A fair | Old Mill of Horka", "http://old-mill-horka.de/1", "A fair"),
    "site with accents": ("Grève – Université Libre", "http://universitelibre.fr/a", "Grève"),
    "section after a bar": ("How clear water can be | News from the north", LAKES, "How clear water can be"),
    "a dash inside the title": (
        "Lakes of the north - a journey",
        "https://example.com/a",
        "Lakes of the north - a journey",
    ),
    "a colon inside the title": ("Water: where it comes from", "https://example.com/a", "Water: where it comes from"),
    "French quotation marks": ("Le lac « clair » du nord", LAKES, "Le lac « clair » du nord"),
    "several separators": ("The clear lake - North | Lakes", LAKES, "The clear lake - North"),
    "East Asian site": ("澄んだ湖の水を調べる旅 | 湖の新聞", "https://example.jp/1", "澄んだ湖の水を調べる旅"),
    "Thai site": ("ปิดสะพานเก่าหลังพบรอยร้าว | ไทยรัฐออนไลน์", "https://example.th/1", "ปิดสะพานเก่าหลังพบรอยร้าว"),
    "site after a star": ("How clear water can be ★ Blue paper", LAKES, "How clear water can be"),
    "site after two slashes": ("How // is read // Lakes", LAKES, "How // is read"),
    "home page": ("Lakes", "https://www.lakes.org/", "Lakes"),
    "entities": ("Fish &amp; chips &#8211; a guide", "https://example.com/a", "Fish & chips – a guide"),
    "white space": ("\n  The clear\n lake ", LAKES, "The clear lake"),
    "stars for a site": ("Ever fewer shops » ☆☆☆☆☆", "https://example.com/a", "Ever fewer shops"),
}


@pytest.mark.parametrize("case", CUT)
def test_site_names_are_cut_off(case: str) -> None:
    title, url, expected = CUT[case]
    assert choose_title(title, url=url) == expected


CHOSEN: dict[str, tuple[str | None, str | None, Sequence[str], str | None]] = {
    "the social title where there is no other": (None, "The clear lake", [], "The clear lake"),
    "the heading where there is no other": (None, None, ["The clear lake"], "The clear lake"),
    "the title that the heading confirms": ("The clear lake - Blue paper", None, ["The clear lake"], "The clear lake"),
    "the title that the social title confirms": ("Nature - The clear lake", "The clear lake", [], "The clear lake"),
    "a title with brackets after what the heading says": (
        "The very clear lake (Blue paper)",
        None,
        ["The very clear lake"],
        "The very clear lake",
    ),
    "sections between signs": (
        "맑은 호수의 물을 조사하는 여행 < 사회 < 기사본문",
        None,
        ["맑은 호수의 물을 조사하는 여행"],
        "맑은 호수의 물을 조사하는 여행",
    ),
    "a heading that is the beginning of a sentence": (
        "The very clear lake, and why",
        None,
        ["The very clear lake"],
        "The very clear lake, and why",
    ),
    "a title that says nothing": ("Untitled Document", None, ["The clear lake"], "The clear lake"),
    "a title that is the site's name": ("Lakes", None, ["The clear lake"], "The clear lake"),
    "a heading that is the site's name": ("The clear lake", None, ["Lakes"], "The clear lake"),
    "a heading on every page": ("Blue paper - The clear lake", None, ["Blue paper"], "Blue paper - The clear lake"),
    "a title that breaks off": (
        "The clear la...",
        None,
        ["The clear lake of the north"],
        "The clear lake of the north",
    ),
    "a title too long": ("lake, " * 80, None, ["The clear lake"], "The clear lake"),
    "only figures": ("404", None, [], None),
    "nothing": (None, None, [], None),
    "blanks": (" ", "", ["\u200b"], None),
}


@pytest.mark.parametrize("case", CHOSEN)
def test_the_title_is_chosen(case: str) -> None:
    title, social, headings, expected = CHOSEN[case]
    assert choose_title(title, social, headings, url=LAKES) == expected


SITES = {
    "a wide colon": ("南海トラフ、一時調査 基準達せず：湖日新聞Web", "湖日新聞Web", "南海トラフ、一時調査 基準達せず"),
    "a wide colon inside the title": ("湖の水：どこから来るのか", "湖日新聞Web", "湖の水：どこから来るのか"),
    "a wide bar": ("澄んだ湖の水を調べる旅｜湖日新聞", "湖日新聞", "澄んだ湖の水を調べる旅"),
    "a long dash": ("澄んだ湖の水—湖日新聞", "湖日新聞", "澄んだ湖の水"),
    "stars, and the author behind them": (
        "Lakes Protest Over Minister * The Blue Paper * by Ann Example",
        "The Blue Paper",
        "Lakes Protest Over Minister",
    ),
    "a dot": ("The clear lake • The Blue Paper", "The Blue Paper", "The clear lake"),
    "a middle dot": ("The clear lake · The Blue Paper", "The Blue Paper", "The clear lake"),
    "angle quotes": ("The clear lake » The Blue Paper", "The Blue Paper", "The clear lake"),
    "angle quotes to the left": ("The clear lake « The Blue Paper", "The Blue Paper", "The clear lake"),
    "an asterisk that is no separator": (
        "The best 5 * hotels at lakes",
        "The Blue Paper",
        "The best 5 * hotels at lakes",
    ),
}


@pytest.mark.parametrize("case", SITES)
@pytest.mark.parametrize("place", ["og:site_name", "publisher"])
def test_the_name_of_the_site_is_cut_off_behind_any_separator(case: str, place: str) -> None:
    title, name, expected = SITES[case]
    if place == "publisher":
        assert choose_title(title, stated=StatedArticle("Another", None, name)) == expected
    else:
        assert choose_title(title, title, site_name=name) == expected


AGREED: dict[str, tuple[str, str, str | None, Sequence[str], str]] = {
    "og:title and heading": ("Lakes: all you must know", "The clear lake", None, ["The clear lake"], "The clear lake"),
    "data and heading": ("Lakes: all you must know", "Water?", "The clear lake", ["The clear lake"], "The clear lake"),
    "all but the heading": ("The clear lake", "The clear lake", "The clear lake", ["Water"], "The clear lake"),
    "title and og:title before data and heading": ("Lakes", "Lakes", "Clear", ["Clear"], "Lakes"),
    "a heading behind a section": (
        "Nature | Clear lakes",
        "Nature | Clear lakes",
        "Clear lakes",
        ["Clear lakes"],
        "Clear lakes",
    ),
    "each its own": ("The lake", "A lake", "Lakes", ["Water"], "The lake"),
    "spelled as the title is": ("The 'clear' lake", "Lake", None, ["The ‘clear’ lake"], "The 'clear' lake"),
}


@pytest.mark.parametrize("case", AGREED)
def test_the_title_is_what_most_say(case: str) -> None:
    title, social, headline, headings, expected = AGREED[case]
    stated = StatedArticle(headline, None, None)
    assert choose_title(title, social, headings, url="https://example.com/a", stated=stated) == expected


def test_the_stated_name_of_the_site() -> None:
    assert choose_title("The clear lake - The Blue Paper", site_name="The Blue Paper") == "The clear lake"


def test_a_page_that_states_its_title_as_the_name_of_the_site() -> None:
    title = "The clear lake of the north | Lakes"
    assert choose_title(title, site_name=title, url=LAKES) == "The clear lake of the north"


PAGES = {
    "title": ("<title>The clear lake</title>", "The clear lake"),
    "og:title": ('<meta property="og:title" content="The clear lake">', "The clear lake"),
    "og:title in name": ('<meta name="og:title" content="The clear lake">', "The clear lake"),
    "h1": ("<body><div><h1>The clear lake</h1></div>", "The clear lake"),
    "og:site_name": (
        '<title>The clear lake - The Blue Paper</title><meta property="og:site_name" content="The Blue Paper">',
        "The clear lake",
    ),
    "text that is not shown": ('<h1>The clear lake<span class="sr-only"> (map)</span></h1>', "The clear lake"),
    "text before the head": ("Warning: no database<html><head><title>The clear lake</title></head>", "The clear lake"),
    "title of a picture": (
        "Warning: none<svg><title>Logo</title></svg><title>The clear lake</title>",
        "The clear lake",
    ),
    "no title": ("<p>Water</p>", None),
}


@pytest.mark.parametrize("case", PAGES)
def test_titles_of_pages(case: str) -> None:
    html, expected = PAGES[case]
    tree = LexborHTMLParser(html)
    assert page_title(tree, outline(tree).titles, LAKES) == expected


@pytest.mark.parametrize("case", ODD_TEXTS)
def test_odd_texts(case: str) -> None:
    odd = ODD_TEXTS[case]
    title = choose_title(odd, odd[:50], [odd], site_name=odd, url=odd)
    assert title is None or (plain(title) == title and 0 < len(title) <= MAX_TITLE)


@given(*[st.none() | TEXTS] * 2, st.lists(TEXTS, max_size=3), *[st.none() | TEXTS] * 2)
def test_any_text(
    title: str | None, social: str | None, headings: list[str], site: str | None, url: str | None
) -> None:
    chosen = choose_title(title, social, headings, site_name=site, url=url)
    assert chosen is None or (plain(chosen) == chosen and 0 < len(chosen) <= MAX_TITLE)
