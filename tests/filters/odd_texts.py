"""Texts that have broken text tools before: every cleaner and every filter must take all of them."""

from __future__ import annotations

from hypothesis import strategies as st

ODD_TEXTS = {
    "empty": "",
    "one space": " ",
    "one word": "word",
    "all caps": "WHY IS THIS WRITTEN IN CAPITALS",
    "ten megabytes": "All work and no play makes Jack a dull boy. " * 230_000,
    "ten megabytes without a space": "x" * 10_000_000,
    "NUL": "before\x00after \x00",
    "only controls": "\x00\x01\x1b\x7f\x85",
    "emoji": "😀👩‍👩‍👧🏳️‍🌈👍🏽",
    "right to left": "\u202eמה השעה עכשיו؟\u202c \u200fشكرا جزيلا\u200f",
    "lone surrogates": "a\ud800b\udc00",
    "zalgo": "Z̸̡͎̠͐a̵̛̹͋l̴̰͛g̷͓̈ǫ̶͝" * 3,
    "marks in the wrong order": "a" + "\u0301\u0316" * 40_000,
    "only white space": " \t\r\n\v\f\u00a0\u2003\u3000\u2028",
    "zero width": "\u200b\u200c\u200d\ufeff\u2060",
    "unassigned and private": "\U0010ffff\ue000\u0378",
    "deep brackets": "[" * 50_000 + "(" * 50_000,
    "stars": "*" * 50_000 + "_" * 50_000 + "^" * 50_000 + "~" * 50_000,
}

SIGNS = st.text(alphabet="\\`*_{}[]()#+-.!~^|<>&=;:/ \n\tab1\"'é漢\ud83d\ude00\u0301", max_size=60)
TEXTS = st.text(max_size=80) | st.text(st.characters(), max_size=40) | SIGNS
"""Arbitrary Unicode, lone surrogates included, and texts thick with markup."""
