from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise, permutations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccpairs.pair import Pair
from pipelines import rejects
from pipelines.rejects import (
    REJECT_SCHEMA,
    LowestRejects,
    RejectLog,
    RejectRow,
    reject_pair_row,
    reject_row,
    rejects_table,
    sample_key,
)
from pipelines.source import Reject


def row(key: int, reason: str = "low_score", passage: str | None = None) -> RejectRow:
    return reject_row("extract", "reddit", Reject(reason, passage=passage), key, file="RC_1.zst", position="line 1")


def logged(mode: str, rows: Sequence[RejectRow]) -> list[RejectRow]:
    """What a log keeps, when it is asked before each row as its users do."""
    log = RejectLog(mode)
    for each in rows:
        if log.wants(each[1], each[0], each[-1]):
            log.add(each)
    held, kept = len(log), list(log.drain())
    assert len(kept) <= held
    assert len(log) == 0
    return kept


def test_the_columns_of_a_rejected_record() -> None:
    reject = Reject("low_score", query="q", passage="p", detail="score -3")
    table = rejects_table([reject_row("extract", "reddit", reject, 7, file="RC_1.zst", position="line 4")])
    (found,) = table.to_pylist()
    assert {name: value for name, value in found.items() if value is not None} == {
        "reason": "low_score",
        "stage": "extract",
        "query": "q",
        "passage": "p",
        "source": "reddit",
        "detail": "score -3",
        "input": "RC_1.zst",
        "position": "line 4",
        "sample_key": 7,
    }


def test_a_reject_says_better_than_the_reader_where_it_stands() -> None:
    reject = Reject("low_score", position="row 9 of Posts.xml")
    (found,) = rejects_table([reject_row("extract", "x", reject, 7, file="f", position="line 4")]).to_pylist()
    assert found["position"] == "row 9 of Posts.xml"


def test_the_columns_of_a_rejected_pair() -> None:
    pair = Pair("q", "p", "title_comment", "t3_1", "t1_2", "https://a.org", "CC0", "en", 0.5, 20.0, 3, 86400)
    (found,) = rejects_table([reject_pair_row("pairs", "reddit", "no_letters", pair, "0" * 32, 7)]).to_pylist()
    assert (found["pair_id"], found["language_score"], found["votes"]) == ("0" * 32, 0.5, 3)
    assert found["created"].isoformat() == "1970-01-02T00:00:00+00:00"
    assert (found["stage"], found["reason"], found["input"]) == ("pairs", "no_letters", None)


def test_no_rejects_are_a_table_too() -> None:
    assert rejects_table([]).equals(REJECT_SCHEMA.empty_table())


def test_a_table_is_in_an_order_of_its_rows_alone() -> None:
    rows = [row(3), row(1), row(2, "bot"), row(1, passage="a"), row(1, passage="b")]
    assert rejects_table(rows).equals(rejects_table(rows[::-1]))
    assert rejects_table(rows).column("reason").to_pylist() == ["bot", *["low_score"] * 4]


def test_rows_that_differ_in_any_column_have_one_order() -> None:
    pair = Pair("q", "p", "title_comment", votes=1)
    pairs = [pair, pair._replace(votes=2), pair._replace(created=5), pair._replace(url="https://a.org")]
    rows = [reject_pair_row("pairs", "reddit", "duplicate_pair", each, "0" * 32, 7) for each in pairs]
    tables = [rejects_table(order) for order in permutations(rows)]
    assert all(table.equals(tables[0]) for table in tables)


def test_keys_take_any_text() -> None:
    keys = [sample_key("a", "b"), sample_key("ab", ""), sample_key("a", None), sample_key("\ud800")]
    assert len(set(keys)) == 4
    assert all(0 <= key < 1 << 64 for key in keys)
    assert sample_key("a", 1) == 0xCF1F37AAB805CA11


def test_modes() -> None:
    rows = [row(key) for key in range(1000)]
    assert logged("all", rows) == rows
    assert logged("none", rows) == []
    assert len(logged("sample", rows)) == rejects.SAMPLE_PER_REASON


def test_the_sample_is_of_each_reason_and_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejects, "SAMPLE_PER_REASON", 2)
    other_stage = reject_row("join", "reddit", Reject("low_score"), 9)
    rows = [*(row(key) for key in (5, 3, 8, 4)), row(1, "bot"), other_stage]
    found = logged("sample", rows)
    assert sorted((each[1], each[0], each[-1]) for each in found) == [
        *(("extract", "bot", 1), ("extract", "low_score", 3), ("extract", "low_score", 4), ("join", "low_score", 9)),
    ]


def combined(parts: Sequence[Sequence[RejectRow]]) -> list[RejectRow]:
    """What the combiner makes of rows that came in several parts."""
    combine = LowestRejects()
    accumulators = []
    for part in parts:
        accumulator = combine.create_accumulator()
        for each in part:
            accumulator = combine.add_input(accumulator, each)
        accumulators.append(combine.compact(accumulator))
    return combine.extract_output(combine.merge_accumulators(accumulators))


@settings(deadline=None)
@given(
    # Few keys and few texts, so that keys are equal where rows are not.
    st.lists(st.builds(row, st.integers(0, 12), st.just("bot"), st.sampled_from([None, "a", "b"])), max_size=60),
    st.lists(st.integers(0, 60), max_size=4),
    st.randoms(use_true_random=False),
)
def test_the_sample_depends_neither_on_order_nor_on_how_rows_are_split(
    rows: list[RejectRow], cuts: list[int], shuffle: random.Random
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rejects, "SAMPLE_PER_REASON", 5)
        expected = sorted(rows, key=lambda each: (each[-1], repr(each)))[:5]
        shuffled = shuffle.sample(rows, len(rows))
        parts = [shuffled[start:end] for start, end in pairwise([0, *sorted(cuts), len(rows)])]
        # As in a build: each part is sampled where it is made, and the combiner samples the samples.
        for found in (
            logged("sample", shuffled),
            combined(parts),
            combined([logged("sample", part) for part in parts]),
        ):
            assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_the_memory_of_a_sample_is_bounded() -> None:
    log, combine = RejectLog("sample"), LowestRejects()
    accumulator = combine.create_accumulator()
    for key in range(20_000, 0, -1):  # the worst order: each is lower than all before
        log.add(row(key))
        accumulator = combine.add_input(accumulator, row(key))
        assert len(log) <= 4 * rejects.SAMPLE_PER_REASON
        assert len(accumulator) <= 4 * rejects.SAMPLE_PER_REASON
    assert {each[-1] for each in log.drain()} == set(range(1, 1 + rejects.SAMPLE_PER_REASON))
    assert {each[-1] for each in combine.extract_output(accumulator)} == set(range(1, 1 + rejects.SAMPLE_PER_REASON))


def test_a_row_survives_the_file_it_is_kept_in() -> None:
    from pipelines.assemble import rows_of

    pair = Pair("q", "p", "title_comment", votes=3, created=86400)
    rows = [row(1), reject_pair_row("pairs", "reddit", "no_letters", pair, "0" * 32, (1 << 64) - 1)]
    table = rejects_table(rows)
    assert sorted(rows_of(table), key=repr) == sorted(rows, key=repr)
    assert pa.Table.equals(rejects_table(rows_of(table)), table)
