from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path
from typing import Any

import pytest

from ccpairs.manifest import InputInfo, Manifest, ShardInfo, StageCounts
from pipelines.accounts import Extracted, check_counts, extracted, inputs_of, source_joins, stage_counts
from pipelines.extract import ExtractTask, extract_file
from pipelines.inputs import InputFile
from pipelines.sources.reddit import Reddit
from tests.pipelines.line_source import LineSource, line

GOOD = line(pairs=[["Why?", "Because."], ["How?", "So."]]) + line(reject="low_score") + line(fail="extract_timeout")


def done_with(folder: Path, **files: bytes) -> Extracted:
    """The extracts of files, as they are found when all have been tried."""
    tasks = []
    for name, data in files.items():
        path = folder / f"{name}.jsonl"
        path.write_bytes(data)
        task = ExtractTask("lines", InputFile(str(path), "lines", len(data)), str(folder / "out" / name))
        extract_file(LineSource(), task)
        tasks.append(task)
    return extracted(LineSource(), tasks)


def test_each_input_has_its_counts(tmp_path: Path) -> None:
    done = done_with(tmp_path, b=GOOD * 2, a=GOOD)
    one, two = inputs_of(done)
    assert one.sha256 is not None
    assert one == InputInfo(
        *(f"{tmp_path}/a.jsonl", "lines", len(GOOD), one.sha256, 3, 2, {"low_score": 1}, {"extract_timeout": 1}),
    )
    assert (two.uri, two.read, two.rows) == (f"{tmp_path}/b.jsonl", 6, 4)
    assert (done.rows, done.kinds) == (6, {})
    assert done.bytes > 0


def test_an_input_that_failed_says_why_and_counts_nothing(tmp_path: Path) -> None:
    done = done_with(tmp_path, cut=gzip.compress(GOOD * 100)[:-9], good=GOOD)
    cut, good = inputs_of(done)
    assert cut.error is not None
    assert cut.error.startswith("cut.jsonl: the file ends too early")
    assert (cut.read, cut.rows, cut.sha256) == (0, 0, None)
    assert (good.error, good.read) == (None, 3)
    assert [task.file.name for task, _ in done.whole] == ["good.jsonl"]
    assert done.rows == 2


def test_the_parts_of_a_file_are_one_input(tmp_path: Path) -> None:
    done = done_with(tmp_path, one=GOOD, two=GOOD)
    whole = done.tasks[0].file
    parts = [dataclasses.replace(task, file=whole) for task in done.tasks]
    (found,) = inputs_of(dataclasses.replace(done, tasks=parts))
    assert (found.read, found.rows, found.rejected, found.failed) == (6, 4, {"low_score": 2}, {"extract_timeout": 2})


def test_a_file_of_which_a_part_failed_counts_nothing(tmp_path: Path) -> None:
    tasks = done_with(tmp_path, one=GOOD, two=gzip.compress(GOOD * 100)[:-9]).tasks
    parts = [dataclasses.replace(task, file=tasks[0].file) for task in tasks]
    done = extracted(LineSource(), parts)
    (found,) = inputs_of(done)
    assert found.error is not None
    assert found.error.startswith("two.jsonl: the file ends too early")
    assert (found.read, found.rows, done.rows, done.whole) == (0, 0, 0, [])


FOUND: list[list[Any]] = [
    ["pairs", "read", "", 4],
    ["pairs", "rejected", "no_letters", 1],
    ["pairs", "kept", "", 3],
    ["pairs", "pair_type", "line", 3],
]


def test_stages_of_a_source_without_a_join(tmp_path: Path) -> None:
    done = done_with(tmp_path, one=GOOD, two=GOOD)
    stages, pair_types = stage_counts(done, FOUND, joined=False)
    assert stages == (
        StageCounts("extract", "line", 6, 2, {"low_score": 2}, {"extract_timeout": 2}, made=4),
        StageCounts("pairs", "pair", 4, 3, {"no_letters": 1}, made=3),
    )
    assert pair_types == {"line": 3}


def test_stages_of_a_source_with_a_join(tmp_path: Path) -> None:
    done = done_with(tmp_path, one=GOOD, two=GOOD)
    join: list[list[Any]] = [["join", "kept", "", 3], ["join", "made", "", 4], ["join", "rejected", "no_comment", 1]]
    stages, _ = stage_counts(done, [*FOUND, *join], joined=True)
    assert [stage.stage for stage in stages] == ["extract", "join", "pairs"]
    assert stages[1] == StageCounts("join", "row", 4, 3, {"no_comment": 1}, made=4)


def test_nothing_was_found_where_every_input_failed(tmp_path: Path) -> None:
    done = done_with(tmp_path, cut=gzip.compress(GOOD * 100)[:-9])
    stages, pair_types = stage_counts(done, [], joined=False)
    assert stages == (StageCounts("extract", "line", 0, 0), StageCounts("pairs", "pair", 0, 0))
    assert pair_types == {}


def test_which_sources_join() -> None:
    assert source_joins(Reddit())
    assert not source_joins(LineSource())


def manifest_of(*counts: StageCounts, rows: int, pair_types: dict[str, int]) -> Manifest:
    shards = (ShardInfo("x", rows, 1, ""),)
    return Manifest("lines", "candidates", {}, "", "", {}, (), counts, pair_types, shards)


EXTRACT = StageCounts("extract", "line", 6, 2, {"low_score": 4}, made=4)
PAIRS = StageCounts("pairs", "pair", 4, 3, {"no_letters": 1}, made=3)


def test_counts_that_add_up_pass() -> None:
    check_counts(manifest_of(EXTRACT, PAIRS, rows=3, pair_types={"line": 3}))


@pytest.mark.parametrize(
    ("counts", "rows", "pair_types", "problem"),
    [
        ([EXTRACT, dataclasses.replace(PAIRS, read=5)], 3, {"line": 3}, r"pairs: read 5 but kept"),
        ([dataclasses.replace(EXTRACT, made=5), PAIRS], 3, {"line": 3}, r"extract made 5, but pairs read 4"),
        ([EXTRACT, PAIRS], 2, {"line": 3}, r"3 pairs kept, 2 rows in the shards"),
        ([EXTRACT, PAIRS], 3, {"line": 2}, r"3 pairs kept, 3 rows in the shards"),
    ],
)
def test_counts_that_do_not_add_up_are_our_bug(
    counts: list[StageCounts], rows: int, pair_types: dict[str, int], problem: str
) -> None:
    manifest = manifest_of(*counts, rows=rows, pair_types=pair_types)
    with pytest.raises(AssertionError, match=problem):
        check_counts(manifest)
