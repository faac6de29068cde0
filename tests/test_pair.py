"""The record: its columns are written out once and mean what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.pair import CANDIDATE_SCHEMA, PAIR_SCHEMA, Pair, from_column, to_column


def test_the_columns_of_a_shard() -> None:
    assert [(field.name, str(field.type), field.nullable) for field in PAIR_SCHEMA] == [
        ("query", "string", False),
        ("passage", "string", False),
        ("pair_id", "string", False),
        ("source", "string", False),
        ("pair_type", "string", False),
        ("query_doc", "string", True),
        ("passage_doc", "string", True),
        ("url", "string", True),
        ("license", "string", True),
        ("language", "string", True),
        ("language_score", "float", True),
        ("perplexity", "float", True),
        ("votes", "int64", True),
        ("created", "timestamp[ms, tz=UTC]", True),
    ]


def test_the_columns_of_a_candidate_are_the_fields_of_a_pair() -> None:
    assert tuple(CANDIDATE_SCHEMA.names) == Pair._fields
    assert all(CANDIDATE_SCHEMA.field(name).equals(PAIR_SCHEMA.field(name)) for name in Pair._fields)


@pytest.mark.parametrize("field", list(PAIR_SCHEMA), ids=lambda field: field.name)
def test_every_column_says_what_it_holds_and_when_it_is_null(field: pa.Field) -> None:
    about = field.metadata[b"about"].decode()
    assert len(about) > 10
    assert not field.nullable or "null " in about


def test_what_a_column_is_about_travels_inside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "shard.parquet"
    pq.write_table(PAIR_SCHEMA.empty_table(), path)
    schema = pq.ParquetFile(path).schema_arrow
    assert schema.equals(PAIR_SCHEMA)
    assert schema.field("votes").metadata[b"about"] == PAIR_SCHEMA.field("votes").metadata[b"about"]


def test_a_pair_needs_its_texts_and_its_type_only() -> None:
    assert Pair("q", "p", "title_answer")[3:] == (None,) * 9


TIMES = st.none() | st.integers(-62_135_596_800, 253_402_300_799)  # the years 1 to 9999


@given(st.lists(TIMES))
def test_times_go_in_and_come_out_as_seconds(times: list[int | None]) -> None:
    column = to_column(times, PAIR_SCHEMA.field("created").type)
    assert column.type == PAIR_SCHEMA.field("created").type
    assert from_column(pa.chunked_array([column])) == times
    assert [None if each is None else each.timestamp() for each in column.to_pylist()] == times


def test_other_columns_come_out_as_they_went_in() -> None:
    columns: dict[str, list[Any]] = {
        "votes": [3, None, -1],
        "query": ["a", "b", "ü"],
        "language_score": [0.5, None, 1.0],
    }
    for name, values in columns.items():
        assert from_column(pa.chunked_array([to_column(values, PAIR_SCHEMA.field(name).type)])) == values


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        to_column(["three"], PAIR_SCHEMA.field("votes").type)
