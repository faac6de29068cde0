from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.sentences import cut_at_sentences
from filters.text import plain
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

CASES = {
    "empty": ("", 10, []),
    "fits": ("One. Two.", 10, ["One. Two."]),
    "at the end of a sentence": ("One is one. Two is two.", 15, ["One is one.", "Two is two."]),
    "as long as fits": ("A b. C d. E f. G h.", 10, ["A b. C d.", "E f. G h."]),
    "question and exclamation": ("Why not? Do it! Well...", 12, ["Why not?", "Do it!", "Well..."]),
    "closing quotes stay": ('He said "yes." Then he left.', 20, ['He said "yes."', "Then he left."]),
    "abbreviations": ("He is here. Dr. Smith left.", 15, ["He is here.", "Dr. Smith left."]),
    "initials": ("So it was. J. R. Doe came.", 15, ["So it was.", "J. R. Doe came."]),
    "dotted abbreviations": ("I came by. The U.S. Army too.", 20, ["I came by.", "The U.S. Army too."]),
    "a number": ("It cost me. About No. 5 dollars.", 22, ["It cost me.", "About No. 5 dollars."]),
    "the answer no": ("She said no. Then we went.", 20, ["She said no.", "Then we went."]),
    "lower case goes on": ("Wait here. It is approx. half.", 25, ["Wait here.", "It is approx. half."]),
    "decimals and addresses": ("It is 3.5 m. See a.b.com now", 18, ["It is 3.5 m.", "See a.b.com now"]),
    "Chinese": ("我来了。你好吗？再见。", 6, ["我来了。", "你好吗？", "再见。"]),
    "Japanese quotes": ("「はい。」と言う。終わり", 8, ["「はい。」", "と言う。終わり"]),
    "Hindi": ("यह घर है। वह पेड़ है।", 13, ["यह घर है।", "वह पेड़ है।"]),
    "Arabic": ("هل هذا بيت؟ نعم هو.", 13, ["هل هذا بيت؟", "نعم هو."]),
    "no sentence end: at a space": ("aaaa bbbb cccc", 9, ["aaaa bbbb", "cccc"]),
    "no space: anywhere": ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
    "not between a letter and its mark": ("xyẹ́z", 3, ["xy", "ẹ́z"]),
    "not inside a joined emoji": ("ab👩\u200d👧", 4, ["ab", "👩\u200d👧"]),
}


@pytest.mark.parametrize("case", CASES)
def test_cut_at_sentences(case: str) -> None:
    text, max_chars, pieces = CASES[case]
    assert cut_at_sentences(text, max_chars) == pieces


@pytest.mark.parametrize("max_chars", [0, -1])
def test_a_length_below_one_is_refused(max_chars: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1, not {max_chars}"):
        cut_at_sentences("text", max_chars)


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_texts(name: str) -> None:
    _holds_all(ODD_TEXTS[name], 1000)


@given(TEXTS | st.text(alphabet="ab .!?\"')。」\u0301\u200d\n", max_size=80), st.integers(1, 30))
def test_no_piece_is_empty_or_too_long_and_nothing_is_lost(text: str, max_chars: int) -> None:
    _holds_all(text, max_chars)


@given(TEXTS, st.integers(1, 30))
def test_pieces_of_plain_text_are_plain(text: str, max_chars: int) -> None:
    for piece in cut_at_sentences(plain(text), max_chars):
        assert plain(piece) == piece


def _holds_all(text: str, max_chars: int) -> None:
    pieces = cut_at_sentences(text, max_chars)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece and piece == piece.strip() and len(piece) <= max_chars for piece in pieces)
