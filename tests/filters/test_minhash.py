from __future__ import annotations

import random
import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filters import minhash
from filters.minhash import (
    PERMUTATIONS,
    band_keys,
    bands_for,
    hash_words,
    probability_found,
    signatures,
    text_keys,
)
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

SEA = "Rivers carry salt to the sea, and the sun takes the water away."


def sign(*texts: str) -> list[list[int]]:
    signed: list[list[int]] = signatures(hash_words(texts)).tolist()
    return signed


def keys(*texts: str) -> list[int]:
    found: list[int] = text_keys(hash_words(texts)).tolist()
    return found


def counts(*texts: str) -> list[int]:
    words = hash_words(texts)
    numbers: list[int] = (words.ends - words.starts).tolist()
    return numbers


def test_the_values_are_the_same_on_every_machine() -> None:
    assert keys(SEA, "thanks") == [4765909218979583726, 10451107513874315411]
    (signed,) = sign(SEA)
    assert signed[:4] == [13692808, 783621920, 504046674, 16777143]
    assert len(signed) == PERMUTATIONS
    assert band_keys(signatures(hash_words([SEA])), 9, 13)[0, [0, 8]].tolist() == [
        14526330895369072878,
        1352762411823396028,
    ]


@pytest.mark.parametrize(
    "other",
    [
        SEA.upper(),
        "rivers carry salt to the sea and the sun takes the water away",
        "  Rivers\tcarry salt\n\nto the sea -- and the sun (takes) the *water* away!!! ",
        "Rivers carry salt to the sea… and the sun takes the “water” away 👍",
        "Ｒｉｖｅｒｓ carry salt to the sea,\u00a0and the sun takes the water away.",
    ],
)
def test_case_width_punctuation_and_spacing_make_no_difference(other: str) -> None:
    assert keys(other) == keys(SEA)
    assert sign(other) == sign(SEA)


def test_words_are_letters_marks_and_digits() -> None:
    assert counts("one two", "don't", "a_b", "3.5 %", "Ünïcödé naïve", "$ + = !", "e\u0301") == [2, 2, 2, 2, 2, 0, 1]


def test_vowel_signs_belong_to_the_word() -> None:
    assert counts("की बात") == [2]
    assert len({*keys("की", "के", "का")}) == 3


def test_characters_are_words_where_no_spaces_part_them() -> None:
    assert counts("海水是咸的。", "なぜ海は?", "ทะเล", "GPT模型 2", "한국어 문장") == [5, 4, 4, 4, 2]


def test_similar_passages_of_a_script_without_spaces_are_found() -> None:
    text = "".join(chr(0x4E00 + code * 7 % 3000) for code in range(200))
    one, other = np.array(sign(text + "。", text[:-5] + "甲"))
    assert 0.85 < np.mean(one == other) < 1


def test_a_text_of_fewer_words_than_a_shingle_is_one_shingle() -> None:
    one, two, same, longer = sign("thank you", "thank him", "Thank you!", "thank you so much indeed")
    assert one == same
    assert not set(one) & set(two)
    assert not set(one) & set(longer)


def test_the_words_of_a_short_text_count_in_their_order() -> None:
    assert not set(sign("man bites dog")[0]) & set(sign("dog bites man")[0])


def test_a_text_without_words_has_no_key() -> None:
    assert keys("", "?!", "👍", "word")[:3] == [0, 0, 0]
    assert set(sign("?!")[0]) == {0xFFFFFFFF}
    assert signatures(hash_words([])).shape == (0, PERMUTATIONS)


def test_different_texts_have_different_keys() -> None:
    texts = [f"{first} {second}" for first in range(100) for second in range(100)]
    assert len(set(keys(*texts))) == len(texts)


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=8))
@example(["", "a", "", "b c"])
def test_a_text_gets_the_same_in_any_company(texts: list[str]) -> None:
    assert keys(*texts) == [keys(text)[0] for text in texts]
    assert sign(*texts) == [sign(text)[0] for text in texts]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text("abc    ", max_size=30), max_size=8), st.integers(1, 40), st.integers(1, 9))
@example(["a b c d e f g h", "c b", "h g f e d c b a"], 30, 3)
def test_how_much_is_looked_at_in_one_step_makes_no_difference(texts: list[str], window: int, shingles: int) -> None:
    whole = keys(*texts), sign(*texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minhash, "_WINDOW", max(window, 30))
        patch.setattr(minhash, "_SHINGLES_AT_ONCE", shingles)
        assert (keys(*texts), sign(*texts)) == whole


@settings(deadline=None)
@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12), st.lists(st.sampled_from("abcdefgh"), min_size=1)
)
def test_keys_tell_texts_apart_by_their_words(one: list[str], other: list[str]) -> None:
    first, second = keys(" ".join(one), ", ".join(other))
    assert (first == second) == (one == other)


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_texts_are_taken(name: str) -> None:
    text = ODD_TEXTS[name]
    assert keys(text, SEA)[1] == keys(SEA)[0]
    assert sign(text, SEA)[1] == sign(SEA)[0]


def test_a_text_of_ten_megabytes_takes_little_memory() -> None:
    text = ODD_TEXTS["ten megabytes"]
    tracemalloc.start()
    try:
        signatures(hash_words([text]))
        assert tracemalloc.get_traced_memory()[1] < 150e6
    finally:
        tracemalloc.stop()


def shingles(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[start : start + 5]) for start in range(len(words) - 4)}


def of_similarity(shared: int, each: int, chance: random.Random) -> tuple[str, str]:
    """Two texts with so many shared shingles and so many that only one of them has."""
    words = [str(chance.getrandbits(40)) for _ in range(shared + 4)]
    one, other = (" ".join([*words, *(str(chance.getrandbits(40)) for _ in range(each))]) for _ in range(2))
    return one, other


def test_signatures_estimate_the_jaccard_similarity() -> None:
    chance = random.Random(1)
    for shared, each in ((80, 10), (50, 25), (20, 40)):
        pairs = [of_similarity(shared, each, chance) for _ in range(300)]
        one, other = (signatures(hash_words([pair[side] for pair in pairs])) for side in (0, 1))
        for texts in pairs[:5]:
            left, right = map(shingles, texts)
            assert len(left & right) / len(left | right) == shared / (shared + 2 * each)
        jaccard = shared / (shared + 2 * each)
        errors = np.mean(one == other, axis=1) - jaccard
        variance = jaccard * (1 - jaccard) / PERMUTATIONS
        assert abs(np.mean(errors)) < 4 * (variance / len(pairs)) ** 0.5
        # That of so many independent permutations: chi-squared with 300 degrees of freedom, within four deviations.
        assert abs(np.mean(errors**2) / variance - 1) < 4 * (2 / len(pairs)) ** 0.5


@pytest.mark.parametrize("jaccard", [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95])
def test_bands_are_those_of_datasketch(jaccard: float) -> None:
    datasketch = pytest.importorskip("datasketch")
    peer = datasketch.MinHashLSH(threshold=jaccard, num_perm=PERMUTATIONS)
    assert bands_for(jaccard) == (peer.b, peer.r)


@pytest.mark.parametrize(("shared", "each"), [(50, 25), (70, 15), (80, 10), (90, 5)])
def test_the_s_curve(shared: int, each: int) -> None:
    """As often as the formula says, and as datasketch finds them, within four standard deviations."""
    datasketch = pytest.importorskip("datasketch")
    number = 150
    chance = random.Random(shared)
    pairs = [of_similarity(shared, each, chance) for _ in range(number)]
    bands, rows = bands_for(0.8)
    one, other = (band_keys(signatures(hash_words([pair[side] for pair in pairs])), bands, rows) for side in (0, 1))
    ours = int(np.sum(np.any(one == other, axis=1)))
    theirs = sum(found_by_datasketch(datasketch, *pair) for pair in pairs)
    expected = probability_found(shared / (shared + 2 * each), bands, rows)
    deviation = max(number * expected * (1 - expected), 1) ** 0.5
    assert abs(ours - number * expected) < 4 * deviation
    assert abs(ours - theirs) < 4 * 2**0.5 * deviation


def found_by_datasketch(datasketch: object, one: str, other: str) -> bool:
    index = datasketch.MinHashLSH(params=bands_for(0.8), num_perm=PERMUTATIONS)  # type: ignore[attr-defined]
    signed = []
    for text in (one, other):
        minhash_ = datasketch.MinHash(num_perm=PERMUTATIONS)  # type: ignore[attr-defined]
        minhash_.update_batch([" ".join(shingle).encode() for shingle in shingles(text)])
        signed.append(minhash_)
    index.insert("one", signed[0])
    return "one" in index.query(signed[1])


def test_a_band_is_found_by_its_place_too() -> None:
    signed = np.tile(np.arange(4, dtype=np.uint32), (1, 2))
    first, second = band_keys(signed, 2, 4)[0]
    assert first != second


def test_fewer_permutations_are_the_first_ones() -> None:
    words = hash_words([SEA, "thanks"])
    assert np.array_equal(signatures(words, 117), signatures(words)[:, :117])


def words_of(texts: Sequence[str]) -> list[int]:
    found: list[int] = hash_words(texts).hashes.tolist()
    return found


def test_the_hash_of_a_word_does_not_depend_on_its_place() -> None:
    found = words_of(["salt sea salt", "sea", "a much longer text about the salt of the sea"])
    assert found[0] == found[2] == found[10]
    assert found[1] == found[3] == found[13]
    assert len(found) - len(set(found)) == 5  # and "the" is there twice
