"""Splitting judged rows in two files, merging them again, notes of what is done, counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.pair import JUDGED_SCHEMA, JUDGEMENT
from filters.consistency import Consistency
from pipelines.judge.judge_shards import ahead
from pipelines.judge.redecide import merged, rows_of
from pipelines.judge.shards import ShardTask, found_notes, write_split
from pipelines.judge.tally import Tally
from tests.pipelines.judge.small_candidates import rows, table_of

RULE = Consistency(k=2, max_rank=20)


def judged(count: int, ranks: list[tuple[int, int | None]] | None = None) -> pa.Table:
    """Judged rows: their ranks are 1 and 1, or those given, over and over."""
    table = table_of(rows(count))
    given = [(ranks or [(1, 1)])[row % len(ranks or [1])] for row in range(count)]
    values = {
        "similarity": [0.5] * count,
        "passage_rank": [passage for passage, _ in given],
        "query_rank": [query for _, query in given],
        "pool_size": [1_000] * count,
        "fold": [row % 2 for row in range(count)],
    }
    columns = [pa.array(values.get(field.name, [None] * count), field.type) for field in JUDGEMENT]
    return pa.Table.from_arrays([*table.columns, *columns], schema=JUDGED_SCHEMA)


def task_in(folder: Path, key: str = "key", before: str | None = None) -> ShardTask:
    return ShardTask(
        "reddit", ("x",), ("y",), str(folder / "pairs" / "s.parquet"), str(folder / "dropped" / "s.parquet"),
        str(folder / "notes" / "s.json"), key, before,
    )  # fmt: skip


def test_rows_go_where_the_rule_says_in_their_order(tmp_path: Path) -> None:
    table = judged(100, [(1, 2), (21, None), (2, 3)])
    task = task_in(tmp_path)
    write_split(iter([table.slice(0, 33), table.slice(33)]), RULE, task)
    kept, dropped = pq.read_table(task.kept), pq.read_table(task.dropped)
    assert kept.equals(table.take(pa.array(range(0, 100, 3))))
    assert dropped.column("pair_id").to_pylist() == [
        identity for row, identity in enumerate(table.column("pair_id").to_pylist()) if row % 3
    ]
    assert kept.schema.equals(JUDGED_SCHEMA)
    (note,) = found_notes([task])
    assert note is not None
    assert (note.kept.rows, note.dropped.rows) == (34, 66)
    assert note.tally.reasons == {"passage_rank_above_k": 33, "query_rank_above_k": 33}


def test_how_rows_come_makes_no_difference(tmp_path: Path) -> None:
    table = judged(20_000, [(1, 2), (21, None), (2, 3)])
    found = []
    for name, size in (("one", 20_000), ("many", 777)):
        task = task_in(tmp_path / name)
        write_split((table.slice(at, size) for at in range(0, len(table), size)), RULE, task)
        found.append((Path(task.kept).read_bytes(), Path(task.dropped).read_bytes(), Path(task.note).read_bytes()))
    assert found[0] == found[1]


def test_a_shard_without_rows_makes_two_files_without_rows(tmp_path: Path) -> None:
    task = task_in(tmp_path)
    write_split(iter([]), RULE, task)
    for uri in (task.kept, task.dropped):
        assert pq.read_table(uri).equals(JUDGED_SCHEMA.empty_table())


def test_notes_hold_for_their_settings_and_their_files_alone(tmp_path: Path) -> None:
    task = task_in(tmp_path)
    assert found_notes([task]) == [None]
    write_split(iter([judged(10)]), RULE, task)
    assert found_notes([task])[0] is not None
    assert found_notes([replace(task, key="other")]) == [None]
    Path(task.kept).write_bytes(b"short")
    assert found_notes([task]) == [None]


def test_a_note_that_is_damaged_is_none(tmp_path: Path) -> None:
    task = task_in(tmp_path)
    write_split(iter([judged(10)]), RULE, task)
    Path(task.note).write_text(Path(task.note).read_text()[:-20])
    assert found_notes([task]) == [None]


def test_changes_against_an_earlier_round(tmp_path: Path) -> None:
    first, second = task_in(tmp_path / "1"), task_in(tmp_path / "2", before=str(tmp_path / "1" / "pairs" / "s.parquet"))
    write_split(iter([judged(12, [(1, 1), (1, 1), (21, None)])]), RULE, first)  # keeps 0 1, 3 4, 6 7, 9 10
    write_split(iter([judged(12, [(1, 1), (21, None), (1, 1)])]), RULE, second)  # keeps 0 2, 3 5, 6 8, 9 11
    (note,) = found_notes([second])
    assert note is not None
    assert (note.tally.kept, note.tally.came, note.tally.left) == (8, 4, 4)


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 9), st.integers(1, 9))
def test_merging_is_the_reverse_of_splitting(keep: list[bool], one: int, other: int) -> None:
    table = table_of(rows(len(keep)))
    parts = [table.filter(pa.array(mask, pa.bool_())) for mask in (keep, [not each for each in keep])]

    def tables(part: pa.Table, size: int) -> Iterator[pa.Table]:
        return (part.slice(at, size) for at in range(0, len(part), size))

    found = list(merged(tables(parts[0], one), tables(parts[1], other)))
    assert pa.concat_tables([table.slice(0, 0), *found]).equals(table)


def test_the_rows_of_both_files_are_those_of_the_candidates(tmp_path: Path) -> None:
    table = judged(30_000, [(1, 2), (21, None), (2, 3)])
    task = task_in(tmp_path)
    write_split(iter([table]), RULE, task)
    found = list(rows_of(replace(task, shard=(task.kept, task.dropped))))
    assert len(found) > 2
    assert pa.concat_tables(found).equals(table)


def test_what_is_made_ahead_comes_in_order_and_so_do_errors() -> None:
    def items() -> Iterator[int]:
        yield from (1, 2, 3)
        raise ValueError("the fourth")

    found = ahead(items())
    assert [next(found) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(ValueError, match="the fourth"):
        next(found)


def test_tallies_add_up_and_survive_json() -> None:
    table = judged(90, [(1, 2), (21, None), (2, 3)])
    whole, parts = Tally(), Tally()
    whole.count(table, RULE)
    for at in range(0, 90, 20):
        part = Tally()
        part.count(table.slice(at, 20), RULE)
        parts.add(Tally.of(json.loads(json.dumps(part.told()))))
    assert parts.told() == whole.told()
    assert (whole.read, whole.kept) == (90, 30)
    assert whole.read_by_type == {"title_passage": 90}
    assert [whole.needed["mutual"].kept(k) for k in (1, 2, 3)] == [0, 30, 60]
    assert [whole.needed["query-to-passage"].kept(k) for k in (1, 2, 3)] == [30, 60, 60]


def test_a_rank_beyond_the_last_counted_one_is_kept_at_no_k() -> None:
    tally = Tally()
    keep = tally.count(judged(2, [(21, None), (20, 21)]), Consistency(k=20, max_rank=20))
    assert not np.any(keep)
    assert tally.needed["mutual"].kept(20) == 0
