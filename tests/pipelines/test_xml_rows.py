from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.errors import DamagedInput, WrongSource
from pipelines import xml_rows
from pipelines.inputs import Meter
from pipelines.xml_rows import Attributes, attributes, integer_of, read_rows, root_of, seam, split_lines, text_of

WELL_FORMED = {
    "as in the dumps": (b'  <row Id="1" Score="-3" />\r', {b" Id=": b"1", b" Score=": b"-3"}),
    "no attribute": (b"<row/>", {}),
    "empty value": (b'<row Title="" />', {b" Title=": b""}),
    "entities stay": (b'<row Title="a &lt; b"/>', {b" Title=": b"a &lt; b"}),
    "greater-than sign, apostrophe and slash": (b'<row Title="it\'s > />" />', {b" Title=": b"it's > />"}),
    "unknown name": (b'<row New.Name_2="x" Id="1"/>', {b" New.Name_2=": b"x", b" Id=": b"1"}),
    "spaces around the equals sign": (b'<row  Id\t= "1" />', {b" Id=": b"1"}),
}
MALFORMED = {
    "cut": b'<row Id="1" Title="ab',
    "cut after a value": b'<row Id="1"',
    "no end": b'<row Id="1">',
    "nested": b'<row Id="1" Body="<p>" />',
    "two rows": b'<row Id="1"/><row Id="2"/>',
    "repeated attribute": b'<row Id="1" Id="2" />',
    "no space between attributes": b'<row Id="1"Score="2" />',
    "no quotes": b"<row Id=1 />",
    "single quotes": b"<row Id='1' />",
    "rubbish before the end": b'<row Id="1" x/>',
    "another element": b'<rows Id="1" />',
    "bad name": b'<row 1d="1" />',
    "empty": b"",
}


@pytest.mark.parametrize("case", WELL_FORMED)
def test_attributes(case: str) -> None:
    line, expected = WELL_FORMED[case]
    assert attributes(line) == expected


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_rows(case: str) -> None:
    assert attributes(MALFORMED[case]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"&lt;p&gt;&quot;a&quot;&#xA;&amp;amp;&lt;/p&gt;", '<p>"a"\n&amp;</p>'),
        (b"&amp;lt;", "&lt;"),
        (b"&apos;&#39;&#x27;", "'''"),
        ("gr\u00fc\u00df &#252; &#x1F600;".encode(), "gr\u00fc\u00df \u00fc \U0001f600"),
    ],
)
def test_text(value: bytes, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    "value",
    [b"&", b"a & b", b"&nbsp;", b"&lol1;", b"&#xD800;", b"&#1114112;", b"&#;", b"&lt", b"\xff", b"&lt;&bad;&amp;"],
)
def test_text_that_is_not_well_formed(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a character or a predefined entity|can't decode"):
        text_of(value)


@pytest.mark.parametrize(("value", "number"), [(b"0", 0), (b"-12", -12), (b"123456789012345678", 123456789012345678)])
def test_integers(value: bytes, number: int) -> None:
    assert integer_of(value) == number


@pytest.mark.parametrize(
    "value", [b"", b"-", b"1.5", b" 1", b"1_0", b"+1", b"--1", b"1234567890123456789", b"\xd9\xa1"]
)
def test_what_is_not_an_integer(value: bytes) -> None:
    with pytest.raises(ValueError, match="not a number"):
        integer_of(value)


def rows(text: bytes, size: int = 7) -> tuple[list[tuple[int, Attributes | None]], int | None]:
    """The rows of a table that arrives in small blocks, and how many the meter counted."""
    meter = Meter()
    blocks = [text[i : i + size] for i in range(0, len(text), size)]
    return list(read_rows(blocks, "posts", "Posts.xml", meter)), meter.records


def test_a_table_with_line_numbers() -> None:
    text = b'\xef\xbb\xbf<?xml version="1.0"?>\r\n<posts>\r\n  <row Id="1" />\r\n\r\n  <row Id="2" />\r\n</posts>'
    assert rows(text) == ([(3, {b" Id=": b"1"}), (5, {b" Id=": b"2"})], 2)


def test_malformed_rows_are_counted_with_the_others() -> None:
    text = b'<posts>\n<row Id="1" />\n<row Id="\nrubbish\n<row Id="2" />\n</posts>\n<row Id="3" />\n'
    assert rows(text) == ([(2, {b" Id=": b"1"}), (3, None), (4, None), (5, {b" Id=": b"2"}), (7, None)], 5)


def test_an_empty_table() -> None:
    assert rows(b'<?xml version="1.0"?>\n<posts />\n') == ([], None)
    assert rows(b"<posts>\n</posts>") == ([], None)


@pytest.mark.parametrize(
    "text",
    [b"", b"<posts>\n", b'<posts>\n<row Id="1" />\n', b'<posts>\n<row Id="1" />\n<row Id', b'<?xml version="1.0"?>\n'],
)
def test_a_table_that_ends_too_early(text: bytes) -> None:
    with pytest.raises(DamagedInput, match=r"^Posts.xml: the file ends before </posts> \(truncated\)"):
        rows(text)


@pytest.mark.parametrize(
    "line", [b'<!DOCTYPE p SYSTEM "x">', b'<!DOCTYPE lolz [<!ENTITY lol "lol">]>', b'<!ENTITY a "b">']
)
@pytest.mark.parametrize("before", [b"", b'<?xml version="1.0"?>\n', b"<posts>\n"])
def test_a_document_type_is_refused(before: bytes, line: bytes) -> None:
    with pytest.raises(DamagedInput, match="declares a document type"):
        rows(before + line + b"\n<posts>\n</posts>")


@pytest.mark.parametrize(
    "text", [b"<users>\n</users>", b'{"id": 1}\n', b'<row Id="1" />\n', b"\xff\xfe<\x00p\x00o\x00"]
)
def test_another_file(text: bytes) -> None:
    with pytest.raises(WrongSource, match=r"^Posts.xml: line 1 should open the table <posts>, but reads"):
        rows(text)


def test_a_line_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_rows, "MAX_LINE", 100)
    with pytest.raises(DamagedInput, match="longer than 100 bytes"):
        rows(b"<posts>\n" + b"x" * 120)


@pytest.mark.parametrize(
    ("head", "root"),
    [
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<posts>\n<row', "posts"),
        (b"<mediawiki xmlns='x'>", "mediawiki"),
        (b"{}", None),
        (b"", None),
    ],
)
def test_root(head: bytes, root: str | None) -> None:
    assert root_of(head) == root


@given(st.binary(max_size=60).map(lambda data: data.replace(b"x", b"\n")), st.integers(1, 9))
def test_lines_do_not_depend_on_the_blocks(data: bytes, size: int) -> None:
    blocks = [data[i : i + size] for i in range(0, len(data), size)]
    expected = data.split(b"\n")
    assert list(split_lines(blocks, "x")) == (expected if expected[-1] else expected[:-1])


def escaped(text: str, numeric: bool) -> bytes:
    named = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#xA;", "\r": "&#xD;", "\t": "&#x9;"}
    return "".join(f"&#{ord(c)};" if numeric and not c.isalnum() else named.get(c, c) for c in text).encode()


TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("&<>\"'\n;#xalt"), max_size=40)


@given(TEXT, TEXT, st.booleans())
def test_any_text_survives_escaping(title: str, body: str, numeric: bool) -> None:
    line = b'  <row Id="1" Title="%s" Body="%s" />' % (escaped(title, numeric), escaped(body, numeric))
    row = attributes(line)
    assert row is not None
    assert (text_of(row[b" Title="]), text_of(row[b" Body="])) == (title, body)
    assert rows(b"<posts>\n" + line + b"\n</posts>") == ([(2, row)], 1)


@given(
    st.binary(max_size=80)
    | st.lists(st.sampled_from([b"<row", b' Id="', b'"', b" ", b"/>", b"=", b"&", b"<", b"1"])).map(b"".join)
)
def test_no_bytes_raise_anything(noise: bytes) -> None:
    line = b"<row " + noise.replace(b"\n", b"").replace(b"!", b"")
    found = attributes(line)
    assert found is None or all(b'"' not in value and b"<" not in value for value in found.values())
    assert rows(b"<posts>\n" + line + b"\n</posts>") == ([(2, found)], 1)


@pytest.mark.parametrize(
    ("text", "start"),
    {
        "as in the dumps": (b'/></posthistory>\xef\xbb\xbf<?xml version="1.0"?>\r\n<posts>\r\n', 16),
        "a line feed, no byte order mark": (b'/></posthistory>\n<?xml version="1.0"?><posts>', 17),
        "no declaration": (b"</posthistory><posts>", None),
        "no end": (b'/>\n<?xml version="1.0"?>\n<posts>', None),
        "the end of another table": (b'</badges><?xml version="1.0"?>\n<posts>', None),
        "the opening of another table": (b'</posthistory><?xml version="1.0"?>\n<postlinks>', None),
        "inside a value": (b'&lt;/posthistory><?xml version="1.0"?><posts>', None),
    }.values(),
)
def test_where_two_tables_meet(text: bytes, start: int | None) -> None:
    match = seam("PostHistory.xml", "Posts.xml").search(text)
    assert (match and match.start(1)) == start
