from __future__ import annotations

import dataclasses
import gzip
import hashlib
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccpairs.errors import DamagedInput
from ccpairs.pair import CANDIDATE_SCHEMA
from pipelines import extract
from pipelines.extract import (
    ExtractCounts,
    ExtractFiles,
    ExtractTask,
    extract_file,
    extract_name,
    read_counts,
    read_failure,
)
from pipelines.inputs import InputFile
from pipelines.opt_out import parse_opt_out
from pipelines.rejects import REJECT_SCHEMA
from pipelines.source import Outcome, Reject
from pipelines.sources.communityqa import CommunityQA
from pipelines.sources.reddit import Reddit
from tests.pipelines.line_source import LineSettings, LineSource, line

RECORDS = [
    line(pairs=[["Why?", "Because."]]),
    line(reject="too_short", passage="x"),
    b"\n",
    line(pairs=[["How?", "So."], ["When?", "Now."]]),
    line(fail="extract_timeout"),
    b"damaged {\n",
    line(reject="too_short", passage="y"),
]
COUNTS = {
    "read": 6,
    "kept": 2,
    "rejected": {"malformed_record": 1, "too_short": 2},
    "failed": {"extract_timeout": 1},
    "rows": 3,
    "kinds": {},
}


def read_rejects(task: ExtractTask) -> pa.Table:
    """The rejects beside an extract (an empty table where it has none)."""
    return pq.read_table(task.rejects) if Path(task.rejects).exists() else REJECT_SCHEMA.empty_table()


def task_of(folder: Path, data: bytes, name: str = "in.jsonl", **changed: Any) -> ExtractTask:
    path = folder / name
    path.write_bytes(data)
    file = InputFile(str(path), "lines", size=len(data), **changed)
    return ExtractTask("lines", file, str(folder / "out" / "in-hash"))


def files_beside(task: ExtractTask) -> list[str]:
    folder = Path(task.target).parent
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def some(counts: ExtractCounts | None) -> ExtractCounts:
    assert counts is not None
    return counts


def test_every_record_is_kept_rejected_or_failed(tmp_path: Path) -> None:
    task = task_of(tmp_path, b"".join(RECORDS))
    counts = some(extract_file(LineSource(), task))
    found = dataclasses.asdict(counts)
    assert {name: found[name] for name in COUNTS} == COUNTS
    assert counts.sha256 == hashlib.sha256(b"".join(RECORDS)).hexdigest()
    assert counts.bytes > 0
    assert read_counts(task.extract) == counts
    assert files_beside(task) == ["in-hash.parquet", "in-hash.rejects.parquet"]


def test_an_extract_holds_the_rows_in_the_order_of_the_file(tmp_path: Path) -> None:
    task = task_of(tmp_path, b"".join(RECORDS))
    extract_file(LineSource(LineSettings(pair_type="typed")), task)
    table = pq.read_table(task.extract)
    assert table.schema.names == CANDIDATE_SCHEMA.names
    assert list(zip(*(table.column(name).to_pylist() for name in ("query", "passage", "pair_type")), strict=True)) == [
        *(("Why?", "Because.", "typed"), ("How?", "So.", "typed"), ("When?", "Now.", "typed")),
    ]
    assert [moment.isoformat() for moment in table.column("created").to_pylist()] == ["1970-01-02T00:00:00+00:00"] * 3


def test_rejects_and_failures_are_beside_it_with_their_place(tmp_path: Path) -> None:
    task = task_of(tmp_path, b"".join(RECORDS))
    extract_file(LineSource(), task)
    table = read_rejects(task)
    assert table.schema.names == REJECT_SCHEMA.names
    columns = ("stage", "reason", "passage", "detail", "source", "input", "position")
    rows = list(zip(*(table.column(name).to_pylist() for name in columns), strict=True))
    assert sorted(rows, key=lambda row: str(row[-1])) == [
        ("extract", "too_short", "x", None, "lines", "in.jsonl", "line 2"),
        ("extract", "extract_timeout", None, "as asked", "lines", "in.jsonl", "line 4"),
        (
            "extract",
            "malformed_record",
            None,
            "Expecting value: line 1 column 1 (char 0)",
            *("lines", "in.jsonl"),
            "line 5",
        ),
        ("extract", "too_short", "y", None, "lines", "in.jsonl", "line 6"),
    ]


def test_the_kinds_of_rows_are_counted_where_there_are_kinds(tmp_path: Path) -> None:
    comments = [b'{"id": "c%d", "link_id": "t3_a", "body": "Salt.", "score": 3}\n' % number for number in range(5)]
    counts = some(extract_file(Reddit(), task_of(tmp_path, b"".join(comments))))
    assert counts.kinds == {"comment": 5}


def test_a_file_without_rejects_has_no_file_of_them(tmp_path: Path) -> None:
    task = task_of(tmp_path, RECORDS[0])
    extract_file(LineSource(), task)
    assert files_beside(task) == ["in-hash.parquet"]
    assert read_rejects(task).num_rows == 0


def test_a_file_of_rejects_only_has_an_extract_without_rows(tmp_path: Path) -> None:
    task = task_of(tmp_path, RECORDS[1] * 3)
    counts = some(extract_file(LineSource(), task))
    assert (counts.read, counts.kept, counts.rows) == (3, 0, 0)
    assert pq.read_table(task.extract).num_rows == 0


@pytest.mark.parametrize(("mode", "rows"), [("all", 1000), ("sample", 300), ("none", 0)])
def test_how_many_rejects_are_kept(tmp_path: Path, mode: str, rows: int) -> None:
    task = task_of(tmp_path, RECORDS[1] * 1000)
    counts = some(extract_file(LineSource(), task, mode))
    assert counts.rejected == {"too_short": 1000}
    assert read_rejects(task).num_rows == rows


def test_the_sample_is_of_records_anywhere_in_the_file(tmp_path: Path) -> None:
    task = task_of(tmp_path, RECORDS[1] * 10_000)
    extract_file(LineSource(), task)
    places = [int(place.split()[1]) for place in read_rejects(task).column("position").to_pylist()]
    assert len(set(places)) == 300
    assert 4000 < sum(places) / 300 < 6000


def test_where_all_rejects_are_kept_they_are_written_as_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract, "BYTES_PER_BATCH", 1 << 20)
    task = task_of(tmp_path, line(reject="too_short", passage="x" * 1000) * 10_000)
    tracemalloc.start()
    try:
        assert some(extract_file(LineSource(), task, "all")).rejected == {"too_short": 10_000}
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert pq.ParquetFile(task.rejects).metadata.num_rows == 10_000
    assert pq.ParquetFile(task.rejects).metadata.num_row_groups > 4
    assert len(set(read_rejects(task).column("position").to_pylist())) == 10_000
    assert peak < 8_000_000  # the passages alone are 10 MB
    assert files_beside(task) == ["in-hash.parquet", "in-hash.rejects.parquet"]


@pytest.mark.parametrize("mode", ["all", "sample"])
def test_a_file_that_fails_late_leaves_no_rejects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setattr(extract, "BYTES_PER_BATCH", 1 << 10)
    task = task_of(tmp_path, gzip.compress(RECORDS[1] * 100_000)[:-9])
    assert extract_file(LineSource(), task, mode) is None
    assert files_beside(task) == ["in-hash.failed.json"]


@pytest.mark.parametrize("mode", ["all", "sample"])
def test_of_who_opted_out_nothing_is_kept(tmp_path: Path, mode: str) -> None:
    task = task_of(tmp_path, line(reject="opted_out", passage="their words"))
    counts = some(extract_file(LineSource(), task, mode))
    assert counts.rejected == {"opted_out": 1}
    (row,) = read_rejects(task).to_pylist()
    assert (row["reason"], row["passage"], row["position"]) == ("opted_out", None, "line 1")
    assert b"their words" not in Path(task.rejects).read_bytes()


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    task = task_of(tmp_path, b"".join(RECORDS) * 50)
    found = []
    for _ in range(2):
        extract_file(LineSource(), task)
        found.append((Path(task.extract).read_bytes(), Path(task.rejects).read_bytes()))
    assert found[0] == found[1]


def test_rows_are_written_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "ROWS_PER_BATCH", 10)
    task = task_of(tmp_path, RECORDS[0] * 35)
    assert some(extract_file(LineSource(), task)).rows == 35
    metadata = pq.ParquetFile(task.extract).metadata
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [10, 10, 10, 5]


def test_batches_end_by_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "BYTES_PER_BATCH", 1 << 20)
    long = line(pairs=[["Why?", "x" * 100_000]])
    task = task_of(tmp_path, long * 100)
    assert some(extract_file(LineSource(), task)).rows == 100
    metadata = pq.ParquetFile(task.extract).metadata
    assert max(metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)) <= 32


def test_a_limit_reads_no_further(tmp_path: Path) -> None:
    task = task_of(tmp_path, b"".join(RECORDS) * 10_000, limit=3)
    counts = some(extract_file(LineSource(), task))
    assert (counts.read, counts.kept, counts.rejected) == (3, 2, {"too_short": 1})
    assert counts.sha256 is None  # it was not read to its end


def test_a_damaged_record_is_a_reject_with_file_and_line(tmp_path: Path) -> None:
    task = task_of(tmp_path, b'["q", "a"]\n\n["q"]\n', "faq.jsonl")
    counts = some(extract_file(CommunityQA(), task))
    assert (counts.read, counts.kept, counts.rejected) == (2, 1, {"malformed_record": 1})
    (row,) = read_rejects(task).to_pylist()
    assert (row["input"], row["position"]) == ("faq.jsonl", "line 3")


# Files that fail


def test_a_truncated_file_leaves_its_reason_and_nothing_else(tmp_path: Path) -> None:
    task = task_of(tmp_path, gzip.compress(b"".join(RECORDS) * 1000)[:-9])
    assert extract_file(LineSource(), task) is None
    assert files_beside(task) == ["in-hash.failed.json"]
    assert read_failure(task).startswith("in.jsonl: the file ends too early (truncated), after ")


def test_a_failed_file_that_is_sound_at_last_leaves_no_failure(tmp_path: Path) -> None:
    data = gzip.compress(b"".join(RECORDS))
    task = task_of(tmp_path, data[:-9])
    assert extract_file(LineSource(), task) is None
    task = task_of(tmp_path, data)
    assert some(extract_file(LineSource(), task)).read == 6
    assert files_beside(task) == ["in-hash.parquet", "in-hash.rejects.parquet"]


@pytest.mark.parametrize("data", [b"\n \n", gzip.compress(b"")], ids=["blank", "no text"])
def test_a_file_without_records_fails(tmp_path: Path, data: bytes) -> None:
    task = task_of(tmp_path, data)
    assert extract_file(LineSource(), task) is None
    assert read_failure(task) == "in.jsonl: holds no line; remove it, or fetch it again"


def test_a_file_that_went_away_fails(tmp_path: Path) -> None:
    task = task_of(tmp_path, b"")
    Path(task.file.uri).unlink()
    assert extract_file(LineSource(), task) is None
    assert "cannot be opened" in read_failure(task)


def test_a_task_that_was_killed_has_a_reason_too(tmp_path: Path) -> None:
    assert read_failure(task_of(tmp_path, b"")) == "in.jsonl: left no extract and no reason; run the command again"


class Careless(LineSource):
    """Loses the records that it does not like."""

    def read(self, file: InputFile) -> Iterator[Outcome]:
        return (outcome for outcome in super().read(file) if not isinstance(outcome, Reject))


class Broken(LineSource):
    def read(self, file: InputFile) -> Iterator[Outcome]:
        yield from super().read(file)
        raise ZeroDivisionError("our bug")


def test_a_source_that_loses_records_is_caught(tmp_path: Path) -> None:
    task = task_of(tmp_path, b"".join(RECORDS))
    with pytest.raises(AssertionError, match=r"in\.jsonl: 6 records inside, 3 read"):
        extract_file(Careless(), task)
    assert files_beside(task) == []


def test_a_bug_keeps_its_traceback_and_leaves_nothing(tmp_path: Path) -> None:
    task = task_of(tmp_path, b"".join(RECORDS))
    with pytest.raises(ZeroDivisionError):
        extract_file(Broken(), task)
    assert files_beside(task) == []


class Watching(LineSource):
    """Notes what lies beside the extract while it reads."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.seen: set[str] = set()
        self.closed = False

    def read(self, file: InputFile) -> Iterator[Outcome]:
        try:
            for outcome in super().read(file):
                self.seen |= {path.name for path in self.folder.glob("out/in-hash*")}
                yield outcome
        finally:
            self.closed = True


def test_progress_is_shown_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "SECONDS_BETWEEN_PROGRESS", 0.0)
    source = Watching(tmp_path)
    task = task_of(tmp_path, RECORDS[0] * 3000)
    extract_file(source, task)
    assert source.seen == {"in-hash.progress"}  # and no extract before it is whole
    assert files_beside(task) == ["in-hash.parquet"]


def test_a_reader_is_closed_where_a_limit_ends_it(tmp_path: Path) -> None:
    source = Watching(tmp_path)
    extract_file(source, task_of(tmp_path, b"".join(RECORDS), limit=1))
    assert source.closed


def test_a_split_from_the_start_has_the_hash_of_the_file(tmp_path: Path) -> None:
    data = b"".join(RECORDS)
    first = some(extract_file(LineSource(), task_of(tmp_path, data, begin=0, end=100)))
    second = some(extract_file(LineSource(), task_of(tmp_path, data, begin=100, end=len(data))))
    # This source does not care for ranges; only whose hash is known is told here.
    assert first.sha256 == hashlib.sha256(data).hexdigest()
    assert second.sha256 in (None, first.sha256)


# Names


FILE = InputFile("/data/in.jsonl", "lines", 10, "1")


def name_of(source: LineSource | None = None, file: InputFile = FILE, rejected: str = "sample") -> str:
    return extract_name(source or LineSource(), file, rejected)


def test_a_name_does_not_change_when_nothing_does() -> None:
    assert name_of() == name_of(LineSource(LineSettings()), dataclasses.replace(FILE))
    assert name_of().startswith("in.jsonl-")


class NextVersion(LineSource):
    extract_version = 2


CHANGES: dict[str, str] = {
    "address": name_of(file=dataclasses.replace(FILE, uri="/other/in.jsonl")),
    "size": name_of(file=dataclasses.replace(FILE, size=11)),
    "version": name_of(file=dataclasses.replace(FILE, version="2")),
    "form": name_of(file=dataclasses.replace(FILE, form="other")),
    "limit": name_of(file=dataclasses.replace(FILE, limit=5)),
    "range": name_of(file=dataclasses.replace(FILE, begin=0, end=5)),
    "another range": name_of(file=dataclasses.replace(FILE, begin=5, end=10)),
    "settings": name_of(LineSource(LineSettings(pair_type="other"))),
    "opt-out list": name_of(LineSource(opt_out=parse_opt_out("id:1"))),
    "mode of rejects": name_of(rejected="all"),
    "code": name_of(NextVersion()),
}


def test_a_name_changes_with_all_that_shapes_the_extract() -> None:
    assert name_of() not in CHANGES.values()
    assert len(set(CHANGES.values())) == len(CHANGES)


def test_a_name_does_not_change_with_what_only_shapes_the_pairs() -> None:
    from pipelines.sources.reddit import RedditPairs

    file = InputFile("/data/RC_1.zst", "comments")
    names = {
        extract_name(Reddit(pair=pair), file, "sample") for pair in (RedditPairs(), RedditPairs(comments_per_post=3))
    }
    assert len(names) == 1


@settings(deadline=None)
@given(st.text(max_size=120))
def test_a_name_is_one_on_any_file_system(text: str) -> None:
    name = name_of(file=InputFile("/data/" + text.replace("\x00", ""), "lines"))
    assert name.isascii()
    assert not set(name) & set('/\\:*?"<>| ')
    assert not name.startswith((".", "_"))
    assert 10 < len(name) <= 100


def test_tasks_travel_as_json(tmp_path: Path) -> None:
    task = task_of(tmp_path, b"", limit=3, begin=1, end=2)
    assert ExtractTask.from_json(task.to_json()) == task
    assert "\n" not in task.to_json()


def test_a_new_signature_is_not_a_new_extract_and_another_query_is() -> None:
    one, again, other = (
        name_of(file=InputFile(f"https://host/x.gz?id={query}", "lines")) for query in ("1&sig=a", "1&sig=b", "2")
    )
    assert one == again != other
    assert name_of(file=InputFile("https://host/x.gz?sig=a", "lines")) == name_of(
        file=InputFile("https://host/x.gz", "lines")
    )


def test_the_address_of_a_task_travels_beside_its_json() -> None:
    task = ExtractTask("lines", InputFile("https://host/x.gz?token=SECRET", "lines", 10, '"v1"'), "out/x")
    assert "SECRET" not in task.to_json()
    there = ExtractTask.from_json(task.to_json(), {task.target: task.file.address})
    assert there == task
    assert there.file.address == "https://host/x.gz?token=SECRET"
    assert ExtractTask.from_json(task.to_json()).file.address == "https://host/x.gz"


def test_the_reason_of_a_failure_holds_no_secret(tmp_path: Path) -> None:
    class Fails(LineSource):
        def read(self, file: InputFile) -> Any:
            raise DamagedInput(f"no answer from {file.address}, target /x.gz?token=SECRET")

    task = ExtractTask("lines", InputFile("https://me:SECRET@host/x.gz?token=SECRET", "lines"), str(tmp_path / "x"))
    assert extract_file(Fails(), task) is None
    assert read_failure(task) == "no answer from https://…@host/x.gz?…, target /x.gz?…"


def test_a_group_of_files_on_the_engine(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir()
    bad.mkdir()
    tasks = [task_of(good, RECORDS[0]), task_of(bad, b"\n")]
    do = ExtractFiles({"lines": LineSource()}, "sample", {})
    assert list(do.process((0, [task.to_json() for task in tasks]))) == [task.target for task in tasks]
    assert files_beside(tasks[0]) == ["in-hash.parquet"]
    assert files_beside(tasks[1]) == ["in-hash.failed.json"]


class Appending(LineSource):
    """Reads a file to which somebody writes meanwhile, or which they cut short or remove."""

    change = "grows"

    def read(self, file: InputFile) -> Iterator[Outcome]:
        path = Path(file.uri)
        for number, outcome in enumerate(super().read(file)):
            if number == 0 and self.change == "goes":
                path.unlink()
            elif number == 0:
                path.write_bytes(path.read_bytes() * 2 if self.change == "grows" else path.read_bytes()[:30])
            yield outcome


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            "grows",
            "changed while it was read, from 34 to 68 bytes; type the same command again when nothing writes to it",
        ),
        ("shrinks", "changed while it was read, from 34 to 30 bytes; type the same command again when nothing writes"),
        ("goes", "was removed while it was read (No such file or directory); put it back"),
    ],
)
def test_a_file_that_changes_while_it_is_read_fails(tmp_path: Path, change: str, says: str) -> None:
    task = task_of(tmp_path, line(pairs=[["Why?", "Because."]]))
    path = Path(task.file.uri)
    file = dataclasses.replace(task.file, version=str(path.stat().st_mtime_ns))
    task = dataclasses.replace(task, file=file)
    source = Appending()
    source.change = change
    assert extract_file(source, task) is None
    assert read_failure(task).startswith(f"{path}: {says}")
    assert files_beside(task) == ["in-hash.failed.json"]
