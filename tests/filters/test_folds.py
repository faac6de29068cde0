from __future__ import annotations

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.errors import UserError
from filters.folds import document_hashes, folds_of, text_hashes
from filters.text import normalise_for_id
from tests.filters.odd_texts import ODD_TEXTS, TEXTS


def plainly(text: str) -> int:
    return xxhash.xxh3_64_intdigest(normalise_for_id(text).encode("utf-8", "surrogatepass"))


@given(st.lists(TEXTS | st.text(alphabet="aB \u00a8\u0301\u0345ς\0\x1c\u2028", max_size=8), max_size=6))
def test_a_text_is_hashed_as_it_is_normalised_for_its_id(texts: list[str]) -> None:
    assert text_hashes(texts).tolist() == [plainly(text) for text in texts]


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_texts_are_hashed_as_they_are_normalised(name: str) -> None:
    assert text_hashes(["Before", ODD_TEXTS[name], "After"]).tolist() == [
        plainly("before"),
        plainly(ODD_TEXTS[name]),
        plainly("after"),
    ]


def test_more_texts_than_are_looked_at_in_one_step_keep_their_places() -> None:
    texts = [f"Text {number}" + " " * (number % 3) for number in range(1000)]
    assert text_hashes(texts).tolist() == [plainly(text) for text in texts]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Why is the sea salty?", "why is  the sea SALTY? "),
        ("ﬁne café", "fine cafe\u0301"),
        ("Straße", "STRASSE"),
        ("１２３", "123"),
    ],
)
def test_texts_that_differ_in_case_width_and_spacing_only_are_one(one: str, other: str) -> None:
    first, second = text_hashes([one, other])
    assert first == second


def test_no_texts_have_no_hashes() -> None:
    assert text_hashes([]).tolist() == []
    assert text_hashes([]).dtype == np.uint64


def test_documents_of_two_sources_are_two_and_none_is_0() -> None:
    ours, none, same = document_hashes("reddit", ["t3_1", None, "t3_1"])
    (theirs,) = document_hashes("news", ["t3_1"])
    assert ours == same
    assert ours not in (0, theirs)
    assert none == 0


def test_hashes_and_folds_are_the_same_everywhere_and_for_ever() -> None:
    texts = text_hashes(["The salt comes from rocks on land.", "Évian", ""])
    documents = document_hashes("wikipedia", ["Sea water", None, "7"])
    assert texts.tolist() == [11403983851201837351, 2712589968594023129, 3244421341483603138]
    assert documents.tolist() == [16963295652955222957, 0, 4216457293775013050]
    assert folds_of(documents, texts, 7).tolist() == [0, 5, 6]


def test_the_document_decides_whatever_the_text() -> None:
    documents = document_hashes("wikipedia", ["Sea"] * 50)
    assert len(set(folds_of(documents, text_hashes([f"Section {number}" for number in range(50)]), 10))) == 1


def test_without_a_document_the_text_decides() -> None:
    texts = ["Because of the rocks.", "because of the  ROCKS."]
    assert len(set(folds_of(np.zeros(2, np.uint64), text_hashes(texts), 100))) == 1


@pytest.mark.parametrize("folds", [2, 3, 4, 100])
def test_folds_are_about_equal(folds: int) -> None:
    texts = text_hashes([f"passage {number}" for number in range(20_000)])
    sizes = np.bincount(folds_of(np.zeros_like(texts), texts, folds), minlength=folds)
    expected = 20_000 / folds
    assert len(sizes) == folds
    assert np.abs(sizes - expected).max() < 4.5 * expected**0.5


def test_one_fold_holds_all() -> None:
    assert folds_of(np.zeros(3, np.uint64), text_hashes(["a", "b", "c"]), 1).tolist() == [0, 0, 0]


@pytest.mark.parametrize("folds", [0, -1, 101])
def test_a_number_of_folds_that_makes_no_sense_is_refused(folds: int) -> None:
    with pytest.raises(UserError, match=f"^{folds} folds; choose from 1"):
        folds_of(np.zeros(1, np.uint64), np.ones(1, np.uint64), folds)
