from __future__ import annotations

import pytest

from filters.structured_data import StatedArticle, stated_article

NOTHING = StatedArticle(None, None, None)
DATA = {
    "an article": (
        '{"@type": "NewsArticle", "headline": "Lakes", "articleBody": "Water.", "publisher": {"name": "The Paper"}}',
        StatedArticle("Lakes", "Water.", "The Paper"),
    ),
    "publisher as a string": (
        '{"@type": "Article", "headline": "Lakes", "publisher": "The Paper"}',
        StatedArticle("Lakes", None, "The Paper"),
    ),
    "several types": ('{"@type": ["Thing", "BlogPosting"], "headline": "Lakes"}', StatedArticle("Lakes", None, None)),
    "in a graph": (
        '{"@graph": [{"@type": "WebSite", "headline": "No"}, {"@type": "Report", "headline": "Lakes"}]}',
        StatedArticle("Lakes", None, None),
    ),
    "in a list": ('[{"@type": "Person"}, {"@type": "Article", "headline": "Lakes"}]', StatedArticle("Lakes")),
    "line breaks in strings": (
        '{"@type": "Article", "headline": "Lakes\nand ponds"}',
        StatedArticle("Lakes\nand ponds"),
    ),
    "an address as a type": (
        '{"@type": "https://schema.org/NewsArticle", "headline": "Lakes"}',
        StatedArticle("Lakes"),
    ),
    "name and text": (
        '{"@type": "ScholarlyArticle", "name": "Lakes", "text": "Water."}',
        StatedArticle("Lakes", "Water."),
    ),
    "signs of scripts": ('//<![CDATA[\n{"@type": "Article", "headline": "Lakes"}\n//]]>', StatedArticle("Lakes")),
    "updates of a live blog": (
        '{"@type": "LiveBlogPosting", "headline": "Lakes", '
        '"liveBlogUpdate": [{"articleBody": "A."}, 3, {"articleBody": "B."}]}',
        StatedArticle("Lakes", "A.\nB."),
    ),
    "values of other types": ('{"@type": "Article", "headline": ["Lakes"], "articleBody": 3}', NOTHING),
    "no article": ('{"@type": "Product", "headline": "Lakes"}', NOTHING),
    "no JSON": ("{'headline': Lakes}", NOTHING),
    "a number": ("3", NOTHING),
    "too deep": ("[" * 100_000, NOTHING),
    "too deep to look": ('{"@graph": ' * 9 + '{"@type": "Article", "headline": "Lakes"}' + "}" * 9, NOTHING),
}


@pytest.mark.parametrize("case", DATA)
def test_data(case: str) -> None:
    script, stated = DATA[case]
    assert stated_article([script]) == stated


def test_the_first_article_counts() -> None:
    scripts = [
        '{"@type": "Person"}',
        '{"@type": "Article", "headline": "Lakes"}',
        '{"@type": "Article", "headline": "B"}',
    ]
    assert stated_article(scripts) == StatedArticle("Lakes")
