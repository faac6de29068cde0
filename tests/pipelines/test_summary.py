from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ccpairs.command_line import table
from ccpairs.manifest import MANIFEST_NAME, InputInfo, Manifest, StageCounts
from ccpairs.pair import PAIR_SCHEMA, Pair, table_of
from ccpairs.shards import shard_name, write_shard
from pipelines.build import SourceReport
from pipelines.discover import Found
from pipelines.identity import pair_id
from pipelines.inputs import InputFile
from pipelines.summary import dry_run, failures, most_frequent, shortened, some_pairs, summary
from tests.pipelines.line_source import LineSource


def report(folder: Path, *, reused: bool = False, **changed: Any) -> SourceReport:
    pair = Pair("Why?", "Because " + "x" * 300, "title_comment")
    row = (pair.query, pair.passage, pair_id(pair.query, pair.passage), "reddit", *pair[2:])
    shard = write_shard(table_of([row], PAIR_SCHEMA), str(folder), shard_name("reddit", 0, 1))
    manifest = Manifest(
        source="reddit",
        stage="candidates",
        settings={},
        settings_hash="",
        inputs_hash="",
        versions={},
        inputs=(
            InputInfo("/data/RC_1.zst", "comments", read=1234, rows=3),
            InputInfo("/data/RC_2.zst", "comments", error="RC_2.zst: the file ends too early"),
        ),
        counts=(
            StageCounts("extract", "line", 1234, 3, {"low_score": 1200, "bot": 30}, {"extract_timeout": 1}, made=3),
            StageCounts("join", "row", 3, 2, {"no_comment": 1}, made=1),
            StageCounts("pairs", "pair", 1, 1, made=1),
        ),
        pair_types={"title_comment": 1},
        shards=(shard,),
    )
    (folder / MANIFEST_NAME).write_bytes(manifest.to_json())
    return SourceReport(manifest, str(folder), reused)


def test_the_table_of_what_happened(tmp_path: Path) -> None:
    assert list(summary([report(tmp_path)])) == [
        "source  inputs  records read  records kept  failed  pairs  shards",
        "reddit  1 of 2         1,234             3       1      1       1",
        "",
        f"reddit: {tmp_path}",
        "  rejected in extract (of 1,234 lines): low_score 1,200, bot 30, extract_timeout 1",
        "  rejected in join (of 3 rows): no_comment 1",
    ]


def test_what_was_there_already_is_said(tmp_path: Path) -> None:
    assert f"reddit: {tmp_path}  (found done)" in summary([report(tmp_path, reused=True)])


def test_each_failure_is_one_line_with_the_file_named_once(tmp_path: Path) -> None:
    assert list(failures([report(tmp_path)])) == ["reddit: /data/RC_2.zst: the file ends too early"]


def test_pairs_to_look_at(tmp_path: Path) -> None:
    kind, query, passage = some_pairs(report(tmp_path).folder, 5)
    assert (kind, query) == ("  [title_comment]", "    query:   Why?")
    assert passage == "    passage: Because " + "x" * 191 + "…"
    assert list(some_pairs(str(tmp_path), 0)) == []


@pytest.mark.parametrize(("length", "shown"), [(199, 199), (200, 200), (201, 200), (5000, 200)])
def test_long_texts_are_shortened(length: int, shown: int) -> None:
    text = shortened("x" * length)
    assert len(text) == shown
    assert text.endswith("…") is (length > shown)


def test_the_most_frequent_reasons_come_first_and_the_rest_is_added_up() -> None:
    assert most_frequent({"b": 2, "a": 2, "c": 1000}) == "c 1,000, a 2, b 2"
    many = {f"reason_{number}": 10 - number for number in range(9)}
    assert most_frequent(many) == (
        "reason_0 10, reason_1 9, reason_2 8, reason_3 7, reason_4 6, reason_5 5, 3 other reasons 9"
    )


def test_columns_line_up() -> None:
    assert list(table([("a", "1", "x"), ("long name", "1,000", "")])) == ["a              1  x", "long name  1,000"]


class Splitting(LineSource):
    def split(self, file: InputFile) -> list[tuple[int, int]]:
        return [(0, 5), (5, 10)] if file.name == "large.jsonl" else []


def test_a_dry_run_says_what_would_be_read_and_by_which_reader() -> None:
    files = (
        InputFile("/data/large.jsonl", "lines", 1_000_000),
        InputFile("/data/s.jsonl", "lines", 10),
        InputFile("https://host/x.jsonl", "lines"),
    )
    ignored = tuple(f"/data/{number}.txt" for number in range(7))
    assert list(dry_run([Splitting()], {"lines": Found(files, ignored)})) == [
        "lines: 3 files, 1,000,010 bytes",
        "  3 files by the reader lines: a record a line",
        "    /data/large.jsonl     lines  1,000,000 bytes  in 2 parts",
        "    /data/s.jsonl         lines         10 bytes",
        "    https://host/x.jsonl  lines          ? bytes",
        "  not read by this source (7 files): /data/0.txt, /data/1.txt, /data/2.txt, /data/3.txt, /data/4.txt, …",
    ]
