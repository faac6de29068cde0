from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from filters.html_text import fragment_to_text, is_html
from filters.text import plain
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

CASES = {
    "no markup": ("Just text.", "Just text."),
    "paragraphs": ("<p>One.</p><p>Two.</p>", "One. Two."),
    "inline elements do not part words": ("un<b>believ</b>able, <a href='x'>this</a>.", "unbelievable, this."),
    "breaks": ("a<br>b<br/>c<BR />d<hr>e", "a b c d e"),
    "lists and tables": ("<ul><li>a</li><li>b</li></ul><table><tr><td>1</td><td>2</td></tr></table>", "a b 1 2"),
    "headings": ("<h2 id='x'>Head</h2>text", "Head text"),
    "code stays": ('<pre><code>if x &lt; y:\n    print("&amp;")</code></pre>', 'if x < y: print("&")'),
    "entities": ("caf&eacute;&nbsp;&#8212; AT&amp;T &lt;b&gt;", "café — AT&T <b>"),
    "decoded once": ("&amp;lt;p&amp;gt;", "&lt;p&gt;"),
    "scripts and styles": ("a<script>if (x<y) {}</script><STYLE type='c'>p > a {}</STYLE>b", "a b"),
    "comments": ("a<!-- <p>no</p> -->b<!doctype html>c<?php x ?>d", "abcd"),
    "greater-than in an attribute": ('<a title="x > y" href=z>t</a>', "t"),
    "image": ('see <img src="a.png" alt="a picture"> here', "see here"),
    "exponent": ("10<sup>6</sup> and 1<sup>st</sup> and H<sub>2</sub>O", "10^6 and 1st and H2O"),
    "less-than in text": ("1 < 2 and <3", "1 < 2 and <3"),
    "an element whose name begins like a block": ("a<preview>b</preview>c", "abc"),
    "unfinished": ("text <a href='", "text"),
    "script without end": ("a<script>b", "a"),
    "hidden inside a sentence": (
        'Ice <span style="display: none">secret <span>inner</span></span>floats.',
        "Ice floats.",
    ),
    "hidden by an attribute": ("Ice <span hidden>secret </span>floats.<div HIDDEN><p>no</p></div>", "Ice floats."),
    "for screen readers": ('Ice floats<a href="#"><span class="sr-only"> (opens a window)</span></a>.', "Ice floats."),
    "for screen readers, WordPress": ('Ice<span class="screen-reader-text">Continue</span> floats.', "Ice floats."),
    "hidden from screen readers can be seen": ('<span aria-hidden="true">Ice</span> floats.', "Ice floats."),
    "a hidden field hides nothing": ('Ice <input type="hidden" name="a"> floats.', "Ice floats."),
    "a hidden element without end": ("Ice <span hidden>floats.", "Ice floats."),
    "a word about hiding": ("<p>The hidden side: none.</p>", "The hidden side: none."),
    "a border of a style": ('<span style="border:none">Ice</span> floats.', "Ice floats."),
}


@pytest.mark.parametrize("case", CASES)
def test_fragment_to_text(case: str) -> None:
    html, text = CASES[case]
    assert fragment_to_text(html) == text


HOSTILE = {
    "deep nesting": "<div>" * 1_000_000 + "x",
    "open tags": "<a " * 1_000_000,
    "open quotes": "<a b='" * 500_000,
    "open comments": "<!--" * 500_000,
    "open hidden elements": "<b hidden>" * 200_000,
    "open scripts": "<script>" * 200_000,
    "formatting that a tree would multiply": "".join(f"<b id={n}><p>" for n in range(50_000)) + "x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_markup_ends(name: str) -> None:
    assert fragment_to_text(HOSTILE[name]) in ("", "x")


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_texts(name: str) -> None:
    assert fragment_to_text(ODD_TEXTS[name]) == plain(ODD_TEXTS[name])


@given(TEXTS)
def test_any_text_becomes_plain(html: str) -> None:
    text = fragment_to_text(html)
    assert plain(text) == text


WORDS = st.sampled_from(["a", "b &lt; c", " ", "\n", "&amp;", "é"])
FRAGMENTS = st.recursive(
    WORDS,
    lambda inner: st.builds(
        "<{0}>{1}</{0}>".format,
        st.sampled_from(["p", "b", "em", "code", "pre", "blockquote"]),
        st.lists(inner).map("".join),
    ),
)


@given(FRAGMENTS)
def test_holds_the_text_that_a_browser_engine_finds(html: str) -> None:
    body = LexborHTMLParser(html).body
    assert "".join(fragment_to_text(html).split()) == "".join(body.text().split() if body else "")


HTML = [
    "<p>Use <b>&lt;div&gt;</b> tags</p>",
    "<a href=http://x.org/?a=b&c=d>this page</a> says so",
    "<p>One</p><p>two<br/>three</p>",
    "One<br>two<br />three",
    '<b>bold</b>, <i>it</i> and <a href="http://x.y?a=1">this</a>',
    "x<sup>2</sup> + 10<sup>6</sup>",
    "<ul><li>one<li>two</ul>",
    "<code>List&lt;String&gt;</code> is a list",
    "<pre>a < b</pre>",
    "<html><head><style>p {}</style></head><body><h1>T</h1><p>x</body></html>",
    "Paragraph one.<p>Paragraph two.",
    "One</p>two<!-- three --> four",
]
NO_HTML = [
    'return <div className="a">{x}</div>;',
    "const a = () => <p>hi</p>;",
    "var x = <p>hello</p>",
    '<div v-if="x">a</div>',
    "What does <br> do?",
    "<br> is a tag",
    "How do I use <p> and </p>?",
    "Set <title>My page</title> in the head",
    "",
    "a < b and c > d",
    "if a <b and c> d",
    "def render(f): html = '<select name=\"x\">' + f + '</select>'; return html",
    "print('<p>' + name + '</p>')",
    'return "<b>" + s + "</b>";',
    "Map<String, List<Integer>> m = new HashMap<>();",
    "{@code <b>x</b>} is bold",
    "<?php echo $x; ?> <b>prints</b>",
    "if (a < b && c > d) { x</b> }",
    "#include <vector>\nint main() { std::vector<int> v; }",
    "mail me at <a@b.c>, ok",
    "<note><to>Tove</to></note>",
    "<script>alert(1)</script> runs",
    "class Box<T extends Foo<T>> { }",
    "int x = a<b>(c);",
    "Use the <br> tag to break a line.",
    "Text with <br> in code: echo '<br>';",
    "<div>one <span>two</div>",
]


@pytest.mark.parametrize("text", HTML)
def test_texts_that_are_html(text: str) -> None:
    assert is_html(text)


@pytest.mark.parametrize("text", NO_HTML)
def test_texts_that_hold_tags_and_are_no_html(text: str) -> None:
    assert not is_html(text)


@pytest.mark.parametrize("part", ["<!--", '<a b="', "<b>", "</b>", "<a a a ", "'   <b", "<p>"])
def test_time_of_is_html_is_linear(part: str) -> None:
    begin = time.process_time()
    is_html(part * (400_000 // len(part)))
    assert time.process_time() - begin < 5
