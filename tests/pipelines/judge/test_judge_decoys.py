"""Decoys: mismatches of one source and fold, chosen by hash, near ones from places 3 to 10 of the neighbours."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.judge.decoys import Decoys, Members, Rows, choose
from pipelines.judge.neighbours import by_vectors, by_words


def members_of(
    count: int, *, texts: list[int] | None = None, documents: list[tuple[int, int]] | None = None, folds: int = 1
) -> Members:
    """Members with an id, a query, a passage and documents of their own, unless others are given."""
    numbers = np.arange(1, count + 1, dtype=np.uint64)
    passages = numbers + np.uint64(1_000) if texts is None else np.array(texts, np.uint64)
    own = np.stack([numbers + np.uint64(5_000), numbers + np.uint64(9_000)], axis=1)
    return Members(
        pa.array([f"{number:032x}" for number in range(count)]),
        (np.arange(count) % folds).astype(np.uint8),
        numbers,
        passages,
        own if documents is None else np.array(documents, np.uint64),
    )


def on_a_line(members: Members, folds: int) -> list[NDArray[np.float32]]:
    """Vectors on a quarter circle: the nearest to a member are those beside it."""
    angle = np.linspace(0, np.pi / 2, len(members.ids))
    vectors = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    return [vectors] * folds


def chosen(members: Members, wanted: int, folds: int = 1) -> dict[str, Decoys]:
    rows = np.arange(len(members.ids))
    found = choose(members, rows, rows, wanted, folds, by_vectors(on_a_line(members, folds), rows))
    return {each.kind: each for each in found}


def test_both_kinds_ask_with_the_queries_that_come_first() -> None:
    found = chosen(members_of(100), 10)
    assert found["far"].queries.tolist() == list(range(10))
    assert found["near"].queries.tolist() == list(range(10))


def test_near_ones_are_neighbours_at_the_places_three_to_ten() -> None:
    found = chosen(members_of(100), 100)["near"]
    for query, passage in zip(found.queries.tolist(), found.passages.tolist(), strict=True):
        nearest = sorted((abs(other - query), other) for other in range(100) if other != query)
        distances = [distance for distance, _ in nearest[2:10]]
        assert distances[0] <= abs(passage - query) <= distances[-1]
    assert len({abs(p - q) for q, p in zip(found.queries.tolist(), found.passages.tolist(), strict=True)}) >= 4


def test_in_one_of_two_folds_they_are_at_half_these_places() -> None:
    found = chosen(members_of(100, folds=2), 100, folds=2)["near"]
    for query, passage in zip(found.queries.tolist(), found.passages.tolist(), strict=True):
        distances = sorted(abs(other - query) for other in range(query % 2, 100, 2) if other != query)
        assert distances[1] <= abs(passage - query) <= distances[4]


def test_far_ones_may_be_anywhere() -> None:
    found = chosen(members_of(1_000), 200)["far"]
    distances = np.abs(found.passages - found.queries)
    assert distances.min() > 0
    assert 250 < distances.mean() < 650


def test_both_sides_are_of_one_fold() -> None:
    members = members_of(90, folds=3)
    for decoys in chosen(members, 30, folds=3).values():
        assert len(decoys.queries) == 30
        assert members.folds[decoys.queries].tolist() == members.folds[decoys.passages].tolist()
        assert decoys.folds.tolist() == members.folds[decoys.queries].tolist()


def test_equal_passages_are_no_mismatch() -> None:
    members = members_of(60, texts=[1_000 + number // 20 for number in range(60)])
    for decoys in chosen(members, 60).values():
        assert len(decoys.queries)
        assert (members.passage_texts[decoys.queries] != members.passage_texts[decoys.passages]).all()


def test_a_query_and_a_passage_of_one_text_are_no_mismatch() -> None:
    members = members_of(40, texts=[number % 20 + 21 if number < 20 else 2_000 + number for number in range(40)])
    for decoys in chosen(members, 40).values():
        assert len(decoys.queries)
        assert (members.query_texts[decoys.queries] != members.passage_texts[decoys.passages]).all()
        assert (members.passage_texts[decoys.queries] != members.query_texts[decoys.passages]).all()


def test_the_same_document_is_no_mismatch_on_whichever_side() -> None:
    documents = [(number // 6 + 1, 0) if number % 2 else (0, number // 6 + 1) for number in range(60)]
    members = members_of(60, documents=documents)
    for decoys in chosen(members, 60).values():
        assert len(decoys.queries)
        assert (decoys.queries // 6 != decoys.passages // 6).all()


def test_unknown_documents_are_not_the_same() -> None:
    assert len(chosen(members_of(30, documents=[(0, 0)] * 30), 30)["far"].queries) == 30


def test_two_papers_that_cite_each_other_elsewhere_are_no_mismatch() -> None:
    chain = members_of(20, documents=[(number + 1, number + 2) for number in range(20)])
    ring = members_of(20, documents=[(number + 1, (number * 7) % 20 + 1) for number in range(20)])
    for each in (chain, ring):
        known = {frozenset(pair) for pair in each.documents.tolist()}
        for decoys in chosen(each, 20).values():
            assert len(decoys.queries) > 10
            for query, passage in zip(decoys.queries.tolist(), decoys.passages.tolist(), strict=True):
                mine, theirs = each.documents[query].tolist(), each.documents[passage].tolist()
                assert not {frozenset((one, other)) for one in mine for other in theirs} & known


def test_two_texts_that_another_member_pairs_are_no_mismatch() -> None:
    numbers = np.arange(12, dtype=np.uint64)
    members = Members(
        pa.array([f"{number:032x}" for number in range(12)]),
        np.zeros(12, np.uint8),
        numbers // np.uint64(3),  # four queries, each with three passages
        100 + numbers,
        np.zeros((12, 2), np.uint64),
    )
    for decoys in chosen(members, 12).values():
        assert len(decoys.queries) == 12
        assert (decoys.queries // 3 != decoys.passages // 3).all()


@pytest.mark.parametrize(("count", "far", "near"), [(0, 0, 0), (1, 0, 0), (3, 3, 0), (4, 4, 4)])
def test_few_members_make_few_decoys(count: int, far: int, near: int) -> None:
    found = chosen(members_of(count), 10)
    assert (len(found["far"].queries), len(found["near"].queries)) == (far, near)


def test_where_all_are_of_one_document_there_are_none() -> None:
    found = chosen(members_of(20, documents=[(7, 7)] * 20), 10)
    assert [len(found[kind].queries) for kind in ("far", "near")] == [0, 0]


def test_the_same_members_make_the_same_decoys() -> None:
    one, other = chosen(members_of(200), 50), chosen(members_of(200), 50)
    assert {kind: each.passages.tolist() for kind, each in one.items()} == {
        kind: each.passages.tolist() for kind, each in other.items()
    }


@given(st.integers(1, 300), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_neighbours_are_those_of_a_full_search(count: int, asking: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((count, 8)).astype(np.float32)
    rows: Rows = np.arange(count)
    asked = rows[: min(asking, count)]
    scores = vectors.astype(np.float64)[asked] @ vectors.astype(np.float64).T
    for found, mine in zip(by_vectors([vectors], rows)(0, asked, rows), scores, strict=True):
        assert len(found) == min(64, count)
        np.testing.assert_allclose(mine[found], np.sort(mine)[::-1][: len(found)], atol=1e-5)


def test_neighbours_by_words_share_the_rarest_ones() -> None:
    queries = ["red apple pie", "apple pie", "pie", "green apple", "blue sky", "", "red sky at night"]
    rows: Rows = np.arange(len(queries))
    found = [each.tolist() for each in by_words(queries)(0, rows, rows)]
    assert found[0][:2] == [0, 1]
    assert set(found[0]) == {0, 1, 2, 3, 6}
    assert found[5] == []
    assert found[4] == [4, 6]


def test_without_a_word_nobody_is_near() -> None:
    rows: Rows = np.arange(2)
    assert [each.tolist() for each in by_words(["", "?!"])(0, rows, rows)] == [[], []]
