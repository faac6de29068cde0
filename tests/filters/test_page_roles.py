from __future__ import annotations

import pytest
from hypothesis import given

from filters.page_roles import BODY, COMMENTS, FRAME, MINOR, NEUTRAL, is_hidden, role_of
from tests.filters.odd_texts import TEXTS

ROLES = {
    ("div", None, None, None, None): NEUTRAL,
    ("article", "related-posts", None, None, None): BODY,
    ("main", None, None, None, None): BODY,
    ("aside", None, None, None, None): FRAME,
    ("header", None, None, None, None): MINOR,
    ("div", "right-sidebar clearfix", None, None, None): FRAME,
    ("div", "Sidebar_2", None, None, None): FRAME,
    ("div", None, "footer", None, None): FRAME,
    ("div", "comment-list", None, None, None): COMMENTS,
    ("div", "author-box", None, None, None): MINOR,
    ("div", "author-box", "comments", None, None): COMMENTS,
    ("div", "no-sidebar", None, None, None): NEUTRAL,
    ("div", "section--has-ads", None, None, None): NEUTRAL,
    ("div", "post tag-newsletter category-comment", None, None, None): NEUTRAL,
    ("div", "comments-open", None, None, None): NEUTRAL,
    ("div", "advice", None, None, None): NEUTRAL,
    # What frameworks write into classes says how a box looks, not what it is.
    ("p", "text-lg print:text-black", None, None, None): NEUTRAL,
    ("p", "[&_>a]:text-link-normal hover:text-button", None, None, None): NEUTRAL,
    ("div", "rounded-card overflow-hidden shadow-widget bg-footer w-sidebar", None, None, None): NEUTRAL,
    ("div", "max-w-[calc(100%-var(--sidebar))] w-1/2 !hidden -mt-share", None, None, None): NEUTRAL,
    ("div", "sidebar-grid__content article__content", None, None, None): NEUTRAL,
    ("div", "article-body__related", None, None, None): FRAME,
    ("div", "grid-cols-2 sidebar", None, None, None): FRAME,
    ("div", "md:w-1/2 newsletter-box", None, None, None): FRAME,
    ("p", "MsoHeader", None, None, None): NEUTRAL,
    ("div", "css-1ab2c3-Footer", None, None, None): NEUTRAL,
    ("div", "Footer_root__x8f2a", None, None, None): FRAME,
    # Words that hold another word.
    ("div", "research-text", None, None, None): NEUTRAL,
    ("div", "commentary", None, None, None): NEUTRAL,
    ("div", "operating-systems", None, None, None): NEUTRAL,
    ("div", "sprint blueprint", None, None, None): NEUTRAL,
    ("div", "authority shareholders socialism illegal", None, None, None): NEUTRAL,
    ("div", None, None, "navigation", None): FRAME,
    ("div", "sidebar", None, "main", None): BODY,
    ("div", "social-share", None, None, "articleBody"): BODY,
}


@pytest.mark.parametrize("element", ROLES, ids=str)
def test_roles(element: tuple[str, str | None, str | None, str | None, str | None]) -> None:
    assert role_of(*element).part == ROLES[element]


@pytest.mark.parametrize(
    ("attributes", "hidden"),
    [
        ({}, False),
        ({"hidden": None}, True),
        ({"aria-hidden": "true"}, False),
        ({"style": "color: red; display: none"}, True),
        ({"style": "border: none"}, False),
        ({"style": None}, False),
    ],
)
def test_hidden(attributes: dict[str, str | None], hidden: bool) -> None:
    assert is_hidden(attributes) is hidden


@given(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS)
def test_any_names(tag: str, classes: str, name: str, aria: str, part: str) -> None:
    assert role_of(tag, classes, name, aria, part).part in (BODY, NEUTRAL, MINOR, FRAME, COMMENTS)
