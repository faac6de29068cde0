from __future__ import annotations

import time

import pytest

from filters.nesting import limit_depth


def test_a_page_that_is_not_deep_comes_back_as_it_is() -> None:
    page = b"<html><body>" + b"<div><p>text</p><br></div>" * 5_000 + b"</body></html>"
    assert limit_depth(page) is page


def test_elements_that_are_too_deep_lose_their_tags_and_keep_their_text() -> None:
    page = b"<div><ul><li>one<div>two<b>three</b></div>four</li></ul></div><p>five</p>"
    assert limit_depth(page, 3) == b"<div><ul><li>one<div>two three </div>four</li></ul></div><p>five</p>"
    assert limit_depth(page, 2) == b"<div><ul><li>one two three  four</li></ul></div><p>five</p>"


@pytest.mark.parametrize(
    "page",
    [
        b"<p>a<p>b<li>c<li>d<td>e<td>f<br>g<img src=x>h<option>i<a href=x>j",
        b"<svg><path d='1'/><path d='2'/><g/><g/></svg>",
        b"<!-- <div><div><div><div> --><b>x</b>",
        b"</div></div></div><b>x</b><b>y</b><b>z</b>",
    ],
)
def test_what_does_not_nest_does_not_count(page: bytes) -> None:
    assert limit_depth(page, 1) is page


def test_html_ignores_the_slash_of_an_element_that_has_content() -> None:
    assert limit_depth(b"<div/><div/>x<div/>y", 1) == b"<div/> x y"


@pytest.mark.parametrize("opening", [b"<ul><li>", b"<div>", b"<i><a>", b"<", b"<div", b"<!--", b"<a<b", b"</div>"])
def test_a_megabyte_of_anything_takes_no_time(opening: bytes) -> None:
    page = opening * (1_000_000 // len(opening))
    began = time.process_time()
    limit_depth(page)
    assert time.process_time() - began < 5
