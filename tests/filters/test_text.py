from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given

from filters.text import decode_entities, normalise_for_id, plain
from tests.filters.odd_texts import ODD_TEXTS, TEXTS


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", ""),
        ("already plain", "already plain"),
        ("  two  spaces\tand\r\na line\n\nand more ", "two spaces and a line and more"),
        ("a\u00a0b\u3000c\u2028d", "a b c d"),
        ("be\x00fore\x1b \x7f after", "before after"),
        ("soft\u00adhyphen zero\u200bwidth \ufeffmark", "softhyphen zerowidth mark"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("\u202eabc\u202c \u200fשלום", "abc שלום"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("\u3164 \u2800", ""),
        ("pair \ud83d\ude00 lone \ud800", "pair 😀 lone"),
        ("AT&amp;T &lt;b&gt;", "AT&amp;T &lt;b&gt;"),
        ("x\uffff\ufdd0\U0001fffey", "xy"),
    ],
)
def test_plain(raw: str, expected: str) -> None:
    assert plain(raw) == expected


def test_a_long_run_of_marks_is_cut_where_it_would_take_quadratic_time_to_sort() -> None:
    assert len(plain("a" + "\u0301\u0316" * 100)) <= 31


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_texts_become_plain(name: str) -> None:
    _is_plain(plain(ODD_TEXTS[name]))


@given(TEXTS)
def test_plain_is_idempotent_normalised_printable_and_encodable(text: str) -> None:
    _is_plain(plain(text))


@given(TEXTS)
def test_plain_keeps_every_letter_and_digit(text: str) -> None:
    assert _letters(plain(text)) == _letters(unicodedata.normalize("NFC", text))


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isascii() and char.isalnum())


def _is_plain(text: str) -> None:
    assert plain(text) == text
    assert unicodedata.is_normalized("NFC", text)
    assert " ".join(text.split()) == text
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in set(text))
    assert text.encode().decode() == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("ﬁne  print", "Fine print"),
        ("ＡＢＣ１２", "abc12"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Plain  Text", "plain text"),
        ("x² ", "X2"),
    ],
)
def test_same_identity(one: str, other: str) -> None:
    assert normalise_for_id(one) == normalise_for_id(other)


@pytest.mark.parametrize(("one", "other"), [("resume", "résumé"), ("a b", "ab"), ("it's", "its")])
def test_different_identity(one: str, other: str) -> None:
    assert normalise_for_id(one) != normalise_for_id(other)


@given(TEXTS)
def test_identity_of_plain_text_does_not_change_when_taken_twice(text: str) -> None:
    once = normalise_for_id(plain(text))
    assert normalise_for_id(once) == once


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
        ("&#39;&#x27;&eacute;&nbsp;", "''é\u00a0"),
        ("?a=1&section=2&copy=3", "?a=1&section=2&copy=3"),
        ("&amp;lt;", "&lt;"),
        ("&nosuchname; &; &#; &#xD800; &#9999999;", "&nosuchname; &; &#; \ufffd \ufffd"),
    ],
)
def test_decode_entities(raw: str, expected: str) -> None:
    assert decode_entities(raw) == expected
