from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.manifest import MANIFEST_NAME, read_manifest
from ccpairs.shards import read_pairs
from pipelines.build import Build, BuildRequest, SourceReport, expected_bytes, pieces
from pipelines.discover import find_inputs
from pipelines.engine import Engine
from pipelines.extract import ExtractTask, extract_file
from pipelines.inputs import InputFile
from pipelines.shard_run import read_list
from tests.pipelines.line_source import LineSettings, LineSource, line

ANSWER = "Rivers carry salt to it, and the sun takes the water away again, year after year."


def records(numbers: range) -> bytes:
    return b"".join(line(pairs=[[f"Why is sea number {number} salty?", f"{number}: {ANSWER}"]]) for number in numbers)


@pytest.fixture
def dumps(tmp_path: Path) -> Path:
    folder = tmp_path / "dumps"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(records(range(30)) + line(reject="low_score"))
    (folder / "b.jsonl").write_bytes(records(range(20, 60)))
    return folder


def build(dumps: Path, source: LineSource | None = None, **changed: Any) -> SourceReport:
    """One run of the build beside the dumps."""
    source = source or LineSource()
    inputs = {"lines": find_inputs(source, [str(dumps)])}
    request = BuildRequest({"lines": source}, inputs, str(dumps.parent / "out"), num_shards=2)
    (report,) = Build(dataclasses.replace(request, **changed), Engine()).run()
    return report


def extracts(dumps: Path) -> dict[str, int]:
    """Name -> time of change of every extract."""
    folder = dumps.parent / "out" / "extracts" / "lines"
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}


def shards_of(report: SourceReport) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(report.folder).glob("*.parquet")}


def test_a_build_leaves_shards_and_a_manifest_that_adds_up(dumps: Path) -> None:
    report = build(dumps)
    assert not report.reused
    assert not report.failures
    manifest = read_manifest(report.folder)
    assert manifest == report.manifest
    assert [(stage.stage, stage.read, stage.kept, stage.made) for stage in manifest.counts] == [
        *(("extract", 71, 70, 70), ("pairs", 70, 60, 60)),
    ]
    assert manifest.counts[0].rejected == {"low_score": 1}
    assert manifest.counts[1].rejected == {"duplicate_pair": 10}
    assert [Path(info.uri).name for info in manifest.inputs] == ["a.jsonl", "b.jsonl"]
    pairs = read_pairs(report.folder)
    pairs.verify()
    assert len(list(pairs)) == len(pairs) == manifest.rows == 60
    (rejected,) = manifest.rejected
    assert rejected.rows == 11


def test_a_second_run_finds_everything_done(dumps: Path) -> None:
    first = build(dumps)
    there = extracts(dumps)
    second = build(dumps)
    assert second.reused
    assert second.manifest == first.manifest
    assert extracts(dumps) == there


def test_a_new_file_is_all_that_is_extracted(dumps: Path) -> None:
    build(dumps)
    there = extracts(dumps)
    (dumps / "c.jsonl").write_bytes(records(range(60, 80)))
    report = build(dumps)
    assert not report.reused
    assert report.manifest.rows == 80
    assert there.items() < extracts(dumps).items()


def test_what_only_shapes_the_shards_extracts_nothing_anew(dumps: Path) -> None:
    build(dumps)
    there = extracts(dumps)
    report = build(dumps, num_shards=5)
    assert not report.reused
    assert len(shards_of(report)) == 5
    assert extracts(dumps) == there


def test_settings_of_the_extract_make_new_extracts(dumps: Path) -> None:
    build(dumps)
    there = extracts(dumps)
    report = build(dumps, LineSource(LineSettings(pair_type="other")))
    assert report.manifest.pair_types == {"other": 60}
    assert len(extracts(dumps)) == 2 * len(there)


def test_a_shard_that_went_missing_is_made_again(dumps: Path) -> None:
    first = build(dumps)
    shards = shards_of(first)
    (Path(first.folder) / min(shards)).unlink()
    second = build(dumps)
    assert not second.reused
    assert shards_of(second) == shards
    assert second.manifest == first.manifest


def test_a_damaged_file_is_named_and_the_others_are_built(dumps: Path) -> None:
    sound = (dumps / "b.jsonl").read_bytes()
    (dumps / "b.jsonl").write_bytes(b"\x1f\x8b" + sound)
    report = build(dumps)
    (failure,) = report.failures
    assert Path(failure.uri).name == "b.jsonl"
    assert failure.error is not None
    assert report.manifest.rows == 30
    (dumps / "b.jsonl").write_bytes(sound)
    mended = build(dumps)
    assert not mended.failures
    assert mended.manifest.rows == 60


def test_where_every_file_fails_the_shards_are_empty(dumps: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (dumps / name).write_bytes(b"\x1f\x8b" + b"damaged")
    report = build(dumps)
    assert len(report.failures) == 2
    assert report.manifest.rows == 0
    assert list(read_pairs(report.folder)) == []


def test_no_manifest_ever_stands_over_half_of_its_shards(dumps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = build(dumps).folder
    remove = storage.remove

    def killed(uri: str) -> None:
        if uri.endswith(".parquet"):
            raise KeyboardInterrupt
        remove(uri)

    monkeypatch.setattr(storage, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        build(dumps, num_shards=5)
    with pytest.raises(UserError, match=r"has no _manifest\.json"):
        read_pairs(folder)


def test_the_number_of_rows_of_a_shard_is_for_the_user_to_say(dumps: Path) -> None:
    report = build(dumps, num_shards=None, rows_per_shard=20)
    assert len(shards_of(report)) == 4  # of 70 rows, before equal ones are dropped
    assert sum(shard.rows for shard in report.manifest.shards) == 60


def test_by_default_few_pairs_are_one_shard(dumps: Path) -> None:
    assert list(shards_of(build(dumps, num_shards=None))) == ["lines-00000-of-00001.parquet"]


class Halving(LineSource):
    def split(self, file: InputFile) -> list[tuple[int, int]]:
        return [(0, 50), (50, 100)]


def test_a_file_is_read_in_its_parts_unless_a_limit_is_set() -> None:
    file = InputFile("/data/a.jsonl", "lines", 100)
    assert [(piece.begin, piece.end) for piece in pieces(Halving(), file)] == [(0, 50), (50, 100)]
    limited = dataclasses.replace(file, limit=5)
    assert pieces(Halving(), limited) == [limited]
    assert pieces(LineSource(), file) == [file]


def test_what_a_source_will_shuffle_is_guessed_from_the_sizes() -> None:
    files = [InputFile("/data/a.jsonl", "lines", 1000), InputFile("/data/b.jsonl", "lines", 1000, begin=0, end=500)]
    tasks = [ExtractTask("lines", file, "x") for file in files]
    assert expected_bytes(LineSource(), tasks) == int(1500 * LineSource.rows_per_input_byte)
    limited = [ExtractTask("lines", dataclasses.replace(file, limit=9), "x") for file in files]
    assert expected_bytes(LineSource(), limited) == 0


def test_every_row_group_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.extract.ROWS_PER_BATCH", 10)
    (tmp_path / "a.jsonl").write_bytes(records(range(95)))
    tasks = [ExtractTask("lines", InputFile(f"{tmp_path}/a.jsonl", "lines"), f"{tmp_path}/{name}") for name in "xy"]
    for task in tasks:
        extract_file(LineSource(), task)
    for total in (1, 1 << 40):
        found = [json.loads(each) for each in read_list([task.extract for task in tasks], total)]
        groups = [(uri, number) for uri, first, end in found for number in range(first, end)]
        assert groups == [(task.extract, number) for task in tasks for number in range(10)]


def test_the_manifest_is_written_last(dumps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise AssertionError("counts do not add up")

    monkeypatch.setattr("pipelines.build.check_counts", broken)
    with pytest.raises(AssertionError, match="counts do not add up"):
        build(dumps)
    folder = dumps.parent / "out" / "candidates" / "lines"
    assert len(list(folder.glob("*.parquet"))) == 2
    assert not (folder / MANIFEST_NAME).exists()
