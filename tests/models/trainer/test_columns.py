"""Columns of other people's tables: found by name, told, of any type of text, and never guessed."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from ccpairs.errors import UserError
from models.trainer.columns import Columns, find_columns, parse_columns

TEXT = pa.string()


def columns_of(*names: str) -> Columns:
    return find_columns(pa.schema([(name, TEXT) for name in names]), "a.parquet")


@pytest.mark.parametrize(
    ("query", "passage"),
    [
        ("query", "passage"), ("anchor", "positive"), ("sentence1", "sentence2"), ("text1", "text2"),
        ("question", "answer"), ("query", "document"), ("Question", "Answer"), ("query", "positive"),
    ],
)  # fmt: skip
def test_columns_are_found_by_name(query: str, passage: str) -> None:
    found = columns_of("id", passage, query)
    assert (found.query, found.passage, found.negatives, found.by_name) == (query, passage, (), True)


@pytest.mark.parametrize(
    ("names", "negatives"),
    [
        (["negative"], ["negative"]),
        (["negative_2", "negative_10", "negative_1"], ["negative_1", "negative_2", "negative_10"]),
        (["neg"], ["neg"]),
        (["negatives"], ["negatives"]),
        (["negative", "negative_1", "negative_score", "negation"], ["negative", "negative_1"]),
    ],
)
def test_hard_negatives_are_found_by_name(names: list[str], negatives: list[str]) -> None:
    assert list(columns_of("anchor", "positive", *names).negatives) == negatives


def test_our_own_names_go_before_others() -> None:
    assert columns_of("query", "passage", "answer", "question").is_plain


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (["question", "answer", "context"], "may be question and answer or question and context"),
        (["anchor", "positive", "query"], "may be query and positive or anchor and positive"),
        (
            ["query", "text"],
            r"a\.parquet has no column passage \(it has query, text\); rename its columns, or name them",
        ),
        (["sentence1", "sentence2", "label"], "a column label beside sentence1 and sentence2, so its rows may not all"),
        (["query", "query", "passage"], "several columns query"),
    ],
)
def test_what_is_not_clear_is_asked_for(names: list[str], line: str) -> None:
    with pytest.raises(UserError, match=line):
        columns_of(*names)


def test_what_is_told_goes_before_names() -> None:
    told = [parse_columns("query=a,passage=b"), parse_columns("query=q, passage=p, negative=n1,negative=n2")]
    schema = pa.schema([(name, TEXT) for name in ("query", "passage", "q", "p", "n1", "n2", "negative")])
    assert find_columns(schema, "x", told) == Columns("q", "p", ("n1", "n2"), by_name=False)
    with pytest.raises(UserError, match="x has no column a, which --columns names"):
        find_columns(pa.schema([("query", TEXT), ("passage", TEXT)]), "x", told)


@pytest.mark.parametrize(
    "text", ["query", "query=a", "query=a,passage=a", "query=a,passage=b,text=c", "query=,passage=b"]
)
def test_mistakes_are_one_line(text: str) -> None:
    with pytest.raises(UserError, match="--columns "):
        parse_columns(text)


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.large_string()),
    ],
    ids=str,
)  # fmt: skip
def test_any_type_of_text(kind: Any) -> None:
    values = pa.array(["a", None, "b"], pa.string()).cast(kind) if not pa.types.is_dictionary(kind) else (
        pa.array(["a", None, "b"], kind.value_type).dictionary_encode().cast(kind)
    )  # fmt: skip
    table = pa.table({"anchor": values, "positive": values, "negative": values})
    found = find_columns(table.schema, "x").pairs_of(table)
    assert found.schema.types[:2] == [TEXT, TEXT]
    assert found.to_pylist() == [
        {"query": text, "passage": text, "negatives": [text] if text else []} for text in ("a", None, "b")
    ]


def test_a_column_that_holds_no_text() -> None:
    with pytest.raises(UserError, match="the column positive holds int64; it must hold text"):
        find_columns(pa.schema([("anchor", TEXT), ("positive", pa.int64())]), "x")
    documents = pa.list_(pa.struct([("text", TEXT)]))
    with pytest.raises(UserError, match=r"the column negatives holds list<.*>; it must hold text; flatten it"):
        find_columns(pa.schema([("query", TEXT), ("passage", TEXT), ("negatives", documents)]), "x")


@pytest.mark.parametrize(
    "lists", [pa.list_(TEXT), pa.large_list(pa.large_string()), pa.list_(pa.string_view())], ids=str
)
def test_lists_of_negatives_and_of_passages(lists: Any) -> None:
    table = pa.table(
        {
            "query": ["a", "b", "c"],
            "pos": pa.array([["p1", "p2"], [], ["p3"]], pa.list_(TEXT)).cast(lists),
            "neg": pa.array([["n1", "", None], None, []], pa.list_(TEXT)).cast(lists),
            "id": [1, 2, 3],
        }
    )
    assert find_columns(table.schema, "x").pairs_of(table).to_pylist() == [
        {"query": "a", "passage": "p1", "negatives": ["n1"], "id": 1},
        {"query": "a", "passage": "p2", "negatives": ["n1"], "id": 1},
        {"query": "b", "passage": None, "negatives": [], "id": 2},
        {"query": "c", "passage": "p3", "negatives": [], "id": 3},
    ]
