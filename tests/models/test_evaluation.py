"""Tasks, ranking, exact search, BM25 and metrics, on sets that can be worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import log2
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models.encoders import Role
from models.evaluation import bm25, search
from models.evaluation.metrics import score
from models.evaluation.ranking import BestSoFar, best_rows, id_order
from models.evaluation.task import Run, Task, open_task


def write_set(
    folder: Path, documents: Sequence[Mapping[str, str]], queries: Mapping[str, str], judged: Sequence[str]
) -> Path:
    """A set whose judgements are lines of ``query document relevance``."""
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text("".join(json.dumps(document) + "\n" for document in documents))
    lines = [json.dumps({"_id": query, "text": text}) + "\n" for query, text in queries.items()]
    (folder / "queries.jsonl").write_text("".join(lines))
    rows = ["query-id corpus-id score", *judged]
    (folder / "qrels" / "test.tsv").write_text("".join(row.replace(" ", "\t") + "\n" for row in rows))
    return folder


def texts(*pairs: str) -> list[dict[str, str]]:
    """``"d1 some text"`` as a document each."""
    return [dict(zip(("_id", "text"), pair.split(" ", 1), strict=True)) for pair in pairs]


class Table:
    """An encoder that looks vectors up: text, after its role where it has one of its own, -> vector."""

    fingerprint = "table"

    def __init__(self, vectors: Mapping[str, Sequence[float]]) -> None:
        self.vectors = vectors
        self.dimension = len(next(iter(vectors.values())))
        self.asked: list[int] = []

    def encode(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        self.asked.append(len(texts))
        found = [self.vectors.get(f"{role}: {text}", self.vectors.get(text)) for text in texts]
        return np.array(found, np.float32).reshape(len(texts), self.dimension)


def ids(run: Run) -> dict[str, list[str]]:
    return {query: [document for document, _ in found] for query, found in run.items()}


# Tasks


def test_a_task_has_judged_queries_alone_and_titles_before_texts(tmp_path: Path) -> None:
    documents = [{"_id": "d1", "title": "Oaks", "text": "have acorns"}, {"_id": "d2", "text": "maples"}]
    task = open_task(write_set(tmp_path / "s", documents, {"q1": "oak", "q2": "not judged"}, ["q1 d1 1"]))
    assert [query.id for query in task.queries] == ["q1"]
    assert list(task.documents()) == ["Oaks have acorns", "maples"]
    assert (task.name, task.split, task.document_ids) == ("s", "test", ["d1", "d2"])


def test_the_first_document_of_an_id_holds(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "s", texts("d1 one", "d2 two", "d1 three"), {"q1": "one"}, ["q1 d1 1"])
    task = open_task(folder)
    assert (list(task.documents()), task.document_ids, task.repeated) == (["one", "two"], ["d1", "d2"], 1)


def test_judged_documents_that_are_not_in_the_corpus_are_counted_and_never_found(tmp_path: Path) -> None:
    task = open_task(write_set(tmp_path / "s", texts("d1 one"), {"q1": "one"}, ["q1 d1 1", "q1 gone 1"]))
    assert task.unknown == 1
    assert score(task.qrels, bm25.search(task)).mean["recall@100"] == 0.5


@pytest.mark.parametrize(
    ("documents", "queries", "line"),
    [
        ([], {"q1": "a"}, "SET/corpus.jsonl holds no document; fetch the set again"),
        (
            ["d1 a"],
            {"q2": "a"},
            "SET/queries.jsonl lacks 1 queries that test.tsv judges, such as q1; fetch the set again",
        ),
    ],
)
def test_a_set_without_what_it_takes_is_refused(
    documents: list[str], queries: dict[str, str], line: str, tmp_path: Path
) -> None:
    folder = write_set(tmp_path / "s", texts(*documents), queries, ["q1 d1 1"])
    with pytest.raises(UserError) as caught:
        open_task(folder)
    assert str(caught.value).replace(str(folder), "SET") == line


SAME_IDS = texts("a what is an  OAK", "b what is an oak", "c a tree")
SAME_ID_QUERIES = {"a": "What is an oak", "c": "what is an oak"}


def test_a_query_does_not_find_itself(tmp_path: Path) -> None:
    """``a`` is the query's own text under its own id; ``c`` is another text that happens to have its id."""
    task = open_task(write_set(tmp_path / "s", SAME_IDS, SAME_ID_QUERIES, ["a b 1", "c b 1"]))
    table = Table({"query: What is an oak": [1, 0], "query: what is an oak": [1, 0], "a tree": [0.5, 0],
                   "what is an  OAK": [1, 0], "what is an oak": [0.9, 0]})  # fmt: skip
    assert ids(search.search(table, task)) == {"a": ["b", "c"], "c": ["a", "b", "c"]}
    assert ids(bm25.search(task)) == {"a": ["b"], "c": ["a", "b"]}


@pytest.mark.parametrize(
    ("same_id", "left_out"), [("same-text", {"a": 0}), ("always", {"a": 0, "c": 2}), ("never", {})]
)
def test_which_documents_count_as_the_query_itself(same_id: str, left_out: dict[str, int], tmp_path: Path) -> None:
    folder = write_set(tmp_path / "s", SAME_IDS, SAME_ID_QUERIES, ["a b 1", "c b 1"])
    assert open_task(folder, same_id=same_id).itself == left_out  # type: ignore[arg-type]


# Ranking


def test_equal_scores_stand_by_id_also_at_the_cut() -> None:
    order = id_order(["d", "b", "a", "c"])
    assert order.tolist() == [3, 1, 0, 2]
    assert best_rows(np.array([1, 1, 1, 2], np.float32), order, 2).tolist() == [3, 2]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(1, 10), st.integers(1, 7))
def test_the_best_over_slices_are_the_best_of_all(values: list[int], depth: int, width: int) -> None:
    scores = np.array(values, np.float32)
    order = id_order([f"{(row * 7) % len(values):03}-{row}" for row in range(len(values))])
    best = BestSoFar(1, depth, order)
    for at in range(0, len(values), width):
        rows = np.arange(at, min(at + width, len(values)))
        best.add(scores[None, rows], rows[None])
    assert best.rows[0].tolist() == best_rows(scores, order, depth).tolist()
    expected = sorted(range(len(values)), key=lambda row: (-values[row], order[row]))[:depth]
    assert best.rows[0].tolist() == expected


# Exact search


def many(number: int) -> list[str]:
    return [f"d{row} text {row}" for row in range(number)]


def test_search_is_exact_and_the_same_for_any_slices(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    queries = {f"q{number}": f"query {number}" for number in range(3)}
    judged = [f"q{number} d0 1" for number in range(3)]
    task = open_task(write_set(tmp_path / "s", texts(*many(500)), queries, judged))
    vectors = {text: chance.normal(size=8) for text in [f"text {row}" for row in range(500)] + list(queries.values())}
    expected = {}
    for query, text in queries.items():
        close = {f"d{row}": float(vectors[text] @ vectors[f"text {row}"]) for row in range(500)}
        expected[query] = sorted(close, key=lambda document: -close[document])[:20]
    for slice_size in (1, 7, 499, 500, 501):
        table = Table({text: vector.tolist() for text, vector in vectors.items()})
        assert ids(search.search(table, task, depth=20, slice_size=slice_size)) == expected
        assert max(table.asked) <= max(slice_size, 3)


def test_ties_at_the_cut_are_found_by_id_wherever_they_stand_in_the_corpus(tmp_path: Path) -> None:
    """All 300 score alike, and the ids that come first stand last."""
    documents = [f"d{row:03} text {row}" for row in reversed(range(300))]
    task = open_task(write_set(tmp_path / "s", texts(*documents), {"q": "query"}, ["q d000 1"]))
    table = Table({"query": [1, 0], **{f"text {row}": [0.5, 0.1] for row in range(300)}})
    for slice_size in (64, 300):
        found = ids(search.search(table, task, depth=3, slice_size=slice_size))
        assert found == {"q": ["d000", "d001", "d002"]}


def test_a_small_corpus_gives_fewer_results_and_an_empty_document_is_one(tmp_path: Path) -> None:
    task = open_task(write_set(tmp_path / "s", texts("d1 ", "d2 two"), {"q": "two"}, ["q d2 1"]))
    assert search.search(Table({"": [0, 0], "two": [0, 1]}), task) == {"q": [("d2", 1.0), ("d1", 0.0)]}


def test_progress_is_told_in_documents(tmp_path: Path) -> None:
    task = open_task(write_set(tmp_path / "s", texts("d1 one", "d2 two", "d3 two"), {"q": "two"}, ["q d2 1"]))
    told: list[int] = []
    search.search(Table({"one": [1, 0], "two": [0, 1]}), task, progress=told.append, slice_size=2)
    assert told == [2, 1]


def test_vectors_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    task = open_task(write_set(tmp_path / "s", texts("d1 one", "d2 two"), {"q": "one"}, ["q d2 1"]))
    with pytest.raises(UserError, match="not finite for 1 of 2 texts"):
        search.search(Table({"one": [1, 0], "two": [float("nan"), 1]}), task)


# BM25


def test_bm25_gives_lucenes_scores(tmp_path: Path) -> None:
    """idf = ln(1 + (N - n + 0.5) / (n + 0.5)); a term counts tf / (tf + k1 (1 - b + b length / mean length))."""
    task = open_task(
        write_set(tmp_path / "s", texts("d1 Oak oak.", "d2 oak elm ash fir", "d3 elm"), {"q": "OAK"}, ["q d1 1"])
    )
    idf = log2(1 + (3 - 2 + 0.5) / (2 + 0.5)) / log2(np.e)
    length = 7 / 3
    expected = [idf * tf / (tf + 0.9 * (0.6 + 0.4 * words / length)) for tf, words in ((2, 2), (1, 4))]
    [found] = bm25.search(task).values()
    assert [document for document, _ in found] == ["d1", "d2"]
    assert [value for _, value in found] == pytest.approx(expected, rel=1e-5)


def test_bm25_leaves_out_documents_that_share_no_token_and_breaks_ties_by_id(tmp_path: Path) -> None:
    documents = texts("d3 oak", "d1 oak", "d2 elm", "d0 ")
    task = open_task(write_set(tmp_path / "s", documents, {"q": "an oak", "none": "fir", "empty": ""},
                               ["q d1 1", "none d1 1", "empty d1 1"]))  # fmt: skip
    assert ids(bm25.search(task)) == {"q": ["d1", "d3"], "none": [], "empty": []}
    assert ids(bm25.search(task, depth=1))["q"] == ["d1"]


def test_bm25_of_nothing_but_empty_documents_finds_nothing(tmp_path: Path) -> None:
    task = open_task(write_set(tmp_path / "s", texts("d1 ", "d2 ..."), {"q": "oak"}, ["q d1 1"]))
    assert bm25.search(task) == {"q": []}


# Metrics


def ranked(*documents: str) -> list[tuple[str, float]]:
    return [(document, -float(place)) for place, document in enumerate(documents)]


def test_metrics_by_hand() -> None:
    scores = score({"q": {"a": 2, "b": 1, "c": 0, "d": 1}}, {"q": ranked("c", "a", "x", "b")})
    assert scores.mean["nDCG@10"] == pytest.approx((2 / log2(3) + 1 / log2(5)) / (2 + 1 / log2(3) + 1 / log2(4)))
    assert scores.mean["recall@100"] == pytest.approx(2 / 3)
    assert scores.mean["MRR@10"] == 0.5


def test_cuts_are_at_10_and_100() -> None:
    before = [f"x{number}" for number in range(10)]
    scores = score({"q": {"a": 1, "b": 1}}, {"q": ranked(*before, "a", *(f"y{number}" for number in range(89)), "b")})
    assert scores.mean == {"nDCG@10": 0.0, "recall@100": 0.5, "MRR@10": 0.0}


def test_means_are_over_judged_queries_and_no_results_count_0() -> None:
    qrels = {"q1": {"a": 1}, "q2": {"a": 1}, "q3": {"a": 0}}
    scores = score(qrels, {"q1": ranked("a"), "q2": [], "not judged": ranked("a")})
    assert set(scores.by_query) == {"q1", "q2", "q3"}
    assert scores.mean["nDCG@10"] == scores.mean["MRR@10"] == pytest.approx(1 / 3)


def test_a_relevance_below_0_counts_as_0() -> None:
    assert score({"q": {"a": 1, "b": -2}}, {"q": ranked("b", "a")}).mean["nDCG@10"] == pytest.approx(1 / log2(3))


def test_the_order_counts_where_scores_are_equal() -> None:
    """Given equal scores, ir-measures' own providers disagree: nDCG has x first, MRR has a first."""
    qrels, equal = {"q": {"a": 1}}, {"q": {"x": 1.0, "a": 1.0}}
    theirs = ir_measures.calc_aggregate([ir_measures.nDCG @ 10, ir_measures.RR @ 10], qrels, equal)
    assert sorted(theirs.values()) == pytest.approx([1 / log2(3), 1])
    assert score(qrels, {"q": [("a", 1.0), ("x", 1.0)]}).mean == {"nDCG@10": 1, "recall@100": 1, "MRR@10": 1}


@given(
    st.dictionaries(st.sampled_from("abcdefghijkl"), st.integers(0, 3), min_size=1),
    st.permutations(list("abcdefghijklmnop")),
)
def test_metrics_are_those_of_ir_measures(judged: dict[str, int], order: list[str]) -> None:
    run = {"q": {document: 1.0 / (place + 1) for place, document in enumerate(order)}}
    measures = [ir_measures.nDCG @ 10, ir_measures.R @ 100, ir_measures.RR @ 10]
    theirs = ir_measures.calc_aggregate(measures, {"q": judged}, run)
    assert list(score({"q": judged}, {"q": ranked(*order)}).mean.values()) == [theirs[each] for each in measures]


# What is known of real sets


@pytest.mark.parametrize(("name", "known"), [("adi", 0.391), ("med", 0.648), ("scifact", 0.661)])
def test_bm25_scores_what_is_known(real_data: Path, name: str, known: float) -> None:
    task: Task = open_task(real_data / "beir" / name)
    assert score(task.qrels, bm25.search(task)).mean["nDCG@10"] == pytest.approx(known, abs=0.01)
