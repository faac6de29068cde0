from __future__ import annotations

import pytest
from hypothesis import given

from filters.markdown import markdown_to_text
from filters.text import plain
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

CASES = {
    "nothing to do": ("It's fine, isn't it? (Yes.)", "It's fine, isn't it? (Yes.)"),
    "paragraphs": ("One.\n\nTwo.  \nThree.", "One. Two. Three."),
    "escaped entities": ("a &lt; b &amp;&amp; c &gt; d &lt;3", "a < b && c > d <3"),
    "doubly escaped entities": ("x\n\n&amp;#x200B;\n\ny&amp;nbsp;z &amp;amp;", "x y z &"),
    "quote": ("&gt; Is it so?\n&gt;&gt; nested\n\nNo.", "Is it so? nested No."),
    "quote that is not escaped": ("> Is it so?\n\nNo.", "Is it so? No."),
    "greater than": ("5 &gt; 4 and right-click > open", "5 > 4 and right-click > open"),
    "link": ('see [the docs](https://a.b/c_d_e "title"), ok', "see the docs, ok"),
    "link with parentheses": ("[Go](https://en.wikipedia.org/wiki/Go_(game)) is old", "Go is old"),
    "link with an open parenthesis": ("in [Germinal](https://a.b/Germinal_(novel), or", "in Germinal, or"),
    "link with brackets": ("as said [[1]](http://a.b)", "as said [1]"),
    "linked image": ("[![alt](http://a.b/i.png)](http://a.b)", "!alt"),
    "reference": ("see [this][1] now\n\n[1]: http://a.b/c", "see this now"),
    "a bracket with a colon": ("[Edit]: thanks all", "[Edit]: thanks all"),
    "bare address": ("https://a.b/some_snake_case~x/ and _this_", "https://a.b/some_snake_case~x/ and this"),
    "address in angle brackets": ("<https://a.b/c_d>", "https://a.b/c_d"),
    "address in bold": ("**https://a.b/c**", "https://a.b/c"),
    "giphy and uploads": ("lol ![gif](giphy|abc|downsized) ![img](x1y2)", "lol"),
    "emote": ("[](/rainbow)yes", "yes"),
    "emphasis": ("*a* **b** ***c*** _d_ __e__ **f *g* h**", "a b c d e f g h"),
    "emphasis before a comma": ("**Note**: *this*, and (_that_)", "Note: this, and (that)"),
    "stars that are no emphasis": ("2*3*4 f*ck sh*t a * b * c 5*", "2*3*4 f*ck sh*t a * b * c 5*"),
    "stray bold": ("** EDIT: thanks **", "EDIT: thanks"),
    "underscores that are no emphasis": ("snake_case_name and -_- and ____", "snake_case_name and -_- and ____"),
    "emphasis around underscores": ("_snake_case here_", "snake_case here"),
    "strike": ("~~no~~ yes ~5", "no yes ~5"),
    "spoiler": ("&gt;!He dies!&lt; at the end", "He dies at the end"),
    "old spoiler": ('[Spoiler](/s "He dies") sad', "He dies sad"),
    "superscript": ("^^^tiny ^(two words) done", "tiny two words done"),
    "carets that are no superscript": ("10^6, x^2 and ^_^", "10^6, x^2 and ^_^"),
    "headings": ("# One\ntext\n##Two\n#3 is a number", "One text Two #3 is a number"),
    "setext heading": ("Title\n=====\ntext", "Title text"),
    "bullets": ("* a\n- b\n    + c\n\n-5 degrees", "a b c -5 degrees"),
    "ordinals stay": ("1. a\n2. b", "1. a 2. b"),
    "rules": ("a\n\n---\n\nb\n\n* * *\n\nc", "a b c"),
    "table": ("a|b\n:--|--:\n1|2", "a b 1 2"),
    "pipe without a table": ("ls | wc -l", "ls | wc -l"),
    "code span": ("use `*args` and ``a_b_c``", "use *args and a_b_c"),
    "fenced code": (
        "see\n```python\nx = *a*_b_\n# no heading\n```\nafter *it*",
        "see x = *a*_b_ # no heading after it",
    ),
    "indented code": ("see\n\n    x = *a*\n    # y_z_\n\nafter *it*", "see x = *a* # y_z_ after it"),
    "backticks as apostrophes": ("don`t", "don`t"),
    "escapes": (r"\*not\* snake\_case \[x\] \\ \> C:\disk :\ ", "*not* snake_case [x] \\ > C:\\disk :\\"),
    "right to left": ("**שלום** [عالم](http://a.b)", "שלום عالم"),
    "a poll without a link": (
        "\\[View Poll\\](https://www.reddit.com/poll/x) [view poll](https://www.reddit.com/poll/x)",
        "",
    ),
    "a caption": ("Wow![x](http://a.b) ![my cat](https://preview.redd.it/x.png)", "Wow!x my cat"),
    "lone surrogates": ("a\ud800 *b*", "a b"),
}


@pytest.mark.parametrize("case", CASES)
def test_markdown_to_text(case: str) -> None:
    markdown, text = CASES[case]
    assert markdown_to_text(markdown) == text


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_texts(name: str) -> None:
    text = markdown_to_text(ODD_TEXTS[name])
    assert plain(text) == text
    assert text.encode().decode() == text


@given(TEXTS)
def test_any_text_becomes_plain(markdown: str) -> None:
    text = markdown_to_text(markdown)
    assert plain(text) == text
