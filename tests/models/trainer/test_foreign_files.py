"""Files of other people as data: formats, folders, patterns, names of sources, and copies that are the same data."""

from __future__ import annotations

import csv
import gzip
import json
import logging
import os
import shutil
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccpairs.errors import UserError
from ccpairs.pair import PAIR_SCHEMA, table_of
from models.trainer import job
from models.trainer.columns import parse_columns
from models.trainer.corpus import Corpus, open_corpus
from models.trainer.job import Watch, prepare
from pipelines.http_files import HttpFile
from tests.models.trainer.pairs import SILENT, SMALL, pairs, write_pairs
from tests.pipelines.http_server import running_server
from tests.pipelines.judge.small_candidates import rows, write_candidates

ROWS = [("what is a river?", 'water, "that" flows\nto the sea'), ("où est la mer ?", "là-bas"), ("", "no query")]


def write(path: Path, rows: Sequence[tuple[str, str]] = ROWS) -> str:
    """Rows as ``anchor`` and ``positive``, in the format that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = gzip.open if path.suffix == ".gz" else open
    stem = path.name.removesuffix(".gz").removesuffix(".zst")
    if stem.endswith(".parquet"):
        queries, passages = zip(*rows, strict=True)
        pq.write_table(pa.table({"anchor": queries, "positive": passages}), path)
    elif stem.endswith((".csv", ".tsv")):
        with opened(path, "wt", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter="\t" if stem.endswith("tsv") else ",")
            writer.writerows([("id", "anchor", "positive"), *((n, *row) for n, row in enumerate(rows))])
    else:
        lines = "".join(json.dumps({"id": n, "anchor": q, "positive": p}) + "\n" for n, (q, p) in enumerate(rows))
        if path.suffix == ".zst":
            with pa.CompressedOutputStream(str(path), "zstd") as stream:
                stream.write(lines.encode())
        else:
            with opened(path, "wt", encoding="utf-8") as file:
                file.write(lines)
    return str(path)


def texts(corpus: Corpus) -> list[tuple[str, str]]:
    return [
        (row["query"], row["passage"])
        for source in corpus.sources
        for table in source.batches()
        for row in table.to_pylist()
    ]


def names(corpus: Corpus) -> dict[str, int]:
    return {source.name: source.rows for source in corpus.sources}


@pytest.mark.parametrize(
    "name",
    ["a.parquet", "a.jsonl", "a.ndjson", "a.json", "a.jsonl.gz", "a.jsonl.zst", "a.csv", "a.csv.gz", "a.tsv"],
)
def test_every_format_gives_the_same_pairs(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ccpairs"):
        corpus = open_corpus([write(tmp_path / name)])
    assert names(corpus) == {"a": 3}
    assert texts(corpus) == ROWS
    assert "a: query=anchor, passage=positive (found by name; --columns says otherwise)" in caplog.text


def test_text_that_looks_like_dates_stays_text(tmp_path: Path) -> None:
    assert texts(open_corpus([write(tmp_path / "a.jsonl", [("2020-01-01", "2021-01-01 10:00:00")])])) == [
        ("2020-01-01", "2021-01-01 10:00:00")
    ]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        (
            "a.jsonl",
            b'{"query": "a", "passage": "b"}\n{"query": "a"',
            r"a\.jsonl is no JSON lines file, or a damaged one",
        ),
        ("a.json", b'[{"query": "a", "passage": "b"}]', "it is one JSON array; write an object a line"),
        ("a.csv", b"query,passage\na,b,c\n", "Expected 2 columns, got 3"),
        ("a.csv", "query,passage\né,b\n".encode("latin-1"), "invalid UTF8"),
        ("a.csv", b"", "Empty CSV file"),
        ("a.csv.gz", gzip.compress(b"query,passage\n" + os.urandom(999).hex().encode())[:-99], "Truncated"),
        ("a.txt", b"a\tb\n", r"a\.txt is no Parquet, \.jsonl, \.csv or \.tsv file by its name"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, name: str, content: bytes, line: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=line) as caught:
        open_corpus([str(tmp_path / name)])
    assert "\n" not in str(caught.value)


def test_two_files_of_one_name_are_two_sources(tmp_path: Path) -> None:
    paths = [write(tmp_path / folder / "train.parquet") for folder in ("nq", "hot")]
    assert names(open_corpus(paths)) == {"hot-train": 3, "nq-train": 3}
    assert names(open_corpus([*paths, paths[0]])) == {"hot-train": 3, "nq-train": 3}, "a file counts once"
    assert names(open_corpus([f"one={paths[0]}", paths[1]])) == {"one": 3, "train": 3}
    assert names(open_corpus([f"one={path}" for path in paths])) == {"one": 6}
    with pytest.raises(UserError, match=r"a\.(csv|jsonl): two inputs are called .*-a; name them by NAME=URI"):
        open_corpus([write(tmp_path / "a.csv"), write(tmp_path / "a.jsonl")])


def test_a_file_that_is_named_twice_in_different_company(tmp_path: Path) -> None:
    write(tmp_path / "d" / "a.jsonl")
    write(tmp_path / "d" / "b.jsonl")
    with pytest.raises(UserError, match=r"a\.jsonl is named by .*/d and by .*/a\.jsonl; name it once"):
        open_corpus([str(tmp_path / "d"), str(tmp_path / "d" / "a.jsonl")])


def test_folders_at_any_depth_are_a_source_each(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("d/top.csv", "d/nq/train.jsonl.gz", "d/deep/er/x-00000-of-00003.parquet", "d/_half/y.parquet"):
        write(tmp_path / name)
    (tmp_path / "d" / "dataset_infos.json").write_text("{}")
    (tmp_path / "d" / "README.md").write_text("# what this is")
    assert names(open_corpus([str(tmp_path / "d")])) == {"d": 3, "er": 3, "nq": 3}
    assert "d: 1 files are left out, for their names or folders begin with _ or a dot" in caplog.text
    assert "er holds 1 of the 3 files of x" in caplog.text
    assert names(open_corpus([f"all={tmp_path / 'd'}"])) == {"all": 9}


def test_a_folder_of_two_formats_is_asked_about(tmp_path: Path) -> None:
    write(tmp_path / "d" / "a.csv")
    write(tmp_path / "d" / "a.parquet")
    with pytest.raises(UserError, match=r"d holds csv and parquet files, which may be the same rows; name one kind"):
        open_corpus([str(tmp_path / "d")])
    assert names(open_corpus([str(tmp_path / "d" / "*.csv")])) == {"d": 3}


def test_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("d/a-0.jsonl", "d/a-1.jsonl", "e/a-0.jsonl", "e/b.jsonl", "x=1/a[2].jsonl"):
        write(tmp_path / name)
    assert names(open_corpus([str(tmp_path / "*" / "a-*.jsonl")])) == {"d": 6, "e": 3}
    assert names(open_corpus([str(tmp_path / "**" / "b.jsonl")])) == {"e": 3}
    assert names(open_corpus([f"mine={tmp_path}/*/a-*.jsonl"])) == {"mine": 9}
    monkeypatch.chdir(tmp_path)
    assert names(open_corpus(["x=1/a[2].jsonl"])) == {"a[2]": 3}, "a file that is there is no pattern and no name"
    assert names(open_corpus(["d/../?/b.jsonl"])) == {"e": 3}
    with pytest.raises(UserError, match=r"none\*\.csv matches no Parquet, .* file and no finished shards"):
        open_corpus([str(tmp_path / "none*.csv")])


def test_columns_are_told_for_several_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"q": "a", "p": "b", "hard": ["c"]}\n')
    (tmp_path / "b.jsonl").write_text('{"body": "a", "head": "b"}\n')
    told = [parse_columns("query=q,passage=p,negative=hard"), parse_columns("query=head,passage=body")]
    corpus = open_corpus([str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")], told)
    assert texts(corpus) == [("a", "b"), ("b", "a")]
    assert [source.has_negatives for source in corpus.sources] == [True, False]


def test_other_columns_are_other_data(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"query": "a", "passage": "b", "text": "c"}\n')
    plain, other = (
        open_corpus([str(tmp_path / "a.jsonl")], told) for told in ([], [parse_columns("query=query,passage=text")])
    )
    assert plain.identity != other.identity


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl"])
def test_a_copy_is_the_same_data_and_a_change_is_not(tmp_path: Path, name: str) -> None:
    before = open_corpus([write(tmp_path / name)]).identity
    (tmp_path / "copy").mkdir()
    shutil.copyfile(tmp_path / name, tmp_path / "copy" / name)
    os.utime(tmp_path / "copy" / name, (1, 1))
    assert open_corpus([str(tmp_path / "copy" / name)]).identity == before
    status = (tmp_path / name).stat()
    write(tmp_path / name, [ROWS[0], (ROWS[1][0], "par-ici"), ROWS[2]])
    os.utime(tmp_path / name, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert open_corpus([str(tmp_path / name)]).identity != before


def test_large_files_are_told_apart_by_footer_and_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.trainer.tables.WHOLE_BYTES", 1_000)
    monkeypatch.setattr("models.trainer.tables.PIECE_BYTES", 200)
    found = {
        open_corpus([write_pairs(tmp_path / "a.parquet", pairs(2_000, seed))]).identity[0][1] for seed in (0, 0, 1)
    }
    assert len(found) == 2


def test_a_lazily_labelled_table_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.jsonl").write_text('{"query": "a", "passage": "b", "label": 0}\n')
    open_corpus([str(tmp_path / "a.jsonl")])
    assert "a: the column label is not read: every row counts as a positive pair" in caplog.text


def test_an_unfinished_output_is_not_data(tmp_path: Path) -> None:
    row = ("q", "p", "0" * 32, "reddit", "title_comment", *[None] * 9)
    table = table_of([row], PAIR_SCHEMA)
    for folder in ("candidates/reddit", "extracts/reddit"):
        (tmp_path / "out" / folder).mkdir(parents=True)
        pq.write_table(table, tmp_path / "out" / folder / "0.parquet")
    with pytest.raises(UserError, match="holds shards of ccpairs but no manifest"):
        open_corpus([str(tmp_path / "out" / "extracts")])
    (tmp_path / "out" / "_ccpairs").write_text("{}")
    with pytest.raises(UserError, match="out holds no Parquet file and no finished shards"):
        open_corpus([str(tmp_path / "out")])


@pytest.mark.parametrize("shard", [0, 2])
def test_a_shard_that_is_missing_or_cut(tmp_path: Path, shard: int) -> None:
    candidates = write_candidates(tmp_path / "out", rows(30), shards=3)
    assert names(open_corpus([str(tmp_path / "out")])) == {"reddit": 30}
    path = Path(candidates.uri(candidates.shards[shard]))
    data = path.read_bytes()
    path.write_bytes(data[:-10])
    with pytest.raises(UserError, match=rf"{path} has {len(data) - 10:,} bytes, and its manifest says {len(data):,}"):
        open_corpus([str(tmp_path / "out")])
    path.unlink()
    with pytest.raises(UserError, match=f"{path} is named in the manifest but missing"):
        open_corpus([str(tmp_path / "out")])


def test_a_damaged_shard_is_seen_before_it_is_made_tokens(tmp_path: Path) -> None:
    candidates = write_candidates(tmp_path / "out", rows(30))
    path = Path(candidates.uri(candidates.shards[0]))
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="is not what its manifest says"):
        prepare(SMALL, open_corpus([str(tmp_path / "out")]), tmp_path / "trained", SILENT)


def test_a_copy_of_the_data_is_gone_on_with(tmp_path: Path) -> None:
    """The training is found done although the file lies elsewhere and is younger."""
    data = Path(write_pairs(tmp_path / "a.parquet", pairs(60)))
    corpus = open_corpus([str(data)])
    job.run(SMALL, corpus, tmp_path / "out", prepare(SMALL, corpus, tmp_path / "out", SILENT), SILENT)
    (tmp_path / "moved").mkdir()
    shutil.copyfile(data, tmp_path / "moved" / "a.parquet")
    assert job.found_done(tmp_path / "out", SMALL, open_corpus([str(tmp_path / "moved" / "a.parquet")])) is not None


def test_a_tokenizer_is_only_taken_up_with_its_data_and_settings(tmp_path: Path) -> None:
    said: list[str] = []

    def learned(rows: Sequence[tuple[str, str]], size: int) -> str:
        settings = SMALL.with_values({"model.vocabulary_size": size}, "test")
        corpus = open_corpus([write_pairs(tmp_path / "a.parquet", rows)])
        return prepare(settings, corpus, tmp_path / "out", Watch(said.append)).learner.identity

    one = learned(pairs(60), 200)
    assert learned(pairs(60), 200) == one
    assert len(said) == 1, "it is learned once"
    size = json.loads((tmp_path / "out" / "tokenizer.json").read_text())["model"]["vocab"]
    assert said == [f"tokenizer: {len(size)} tokens from 120 texts"]
    other = learned([("zebra quagga", "okapi zebra")] * 9, 200)
    assert learned([("zebra quagga", "okapi zebra")] * 9, 300) != one != other
    assert len(said) == 3


def test_files_at_http_addresses(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "a.parquet"))
    corpus = open_corpus(["https://host/d/a.parquet?token=secret"], http=lambda _: BytesIO(path.read_bytes()))
    assert names(corpus) == {"a": 3}
    assert texts(corpus) == ROWS
    assert "secret" not in str([file.uri for file in corpus.sources[0].files])
    assert corpus.identity == open_corpus([str(path)]).identity
    with pytest.raises(UserError, match="https://host/d is no Parquet"):
        open_corpus(["https://host/d?token=secret"], http=lambda _: BytesIO())


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv.gz"])
def test_text_at_servers_that_give_files_from_their_beginning_only(tmp_path: Path, name: str) -> None:
    data = Path(write(tmp_path / name)).read_bytes()
    with running_server() as server:
        address, _ = server.add(name, data, has_ranges=False)
        corpus = open_corpus([address], http=HttpFile)
        assert texts(corpus) == ROWS
        missing = address.replace("a.", "b.")
        with pytest.raises(UserError, match="the server answered 404"):
            open_corpus([missing], http=HttpFile)


def test_hugging_face_addresses_are_one_line_where_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    system = pytest.importorskip("huggingface_hub").HfFileSystem

    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionError("no network\nhere")

    monkeypatch.setattr(system, "info", fail)
    with pytest.raises(UserError, match=r"hf://datasets/a/b cannot be read \(no network here\); check address"):
        open_corpus(["hf://datasets/a/b"])


def test_hugging_face_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec.implementations.dirfs")
    hub = pytest.importorskip("huggingface_hub")
    write(tmp_path / "datasets" / "a" / "b" / "data" / "x.jsonl")
    write(tmp_path / "datasets" / "a" / "b" / "data" / "y.jsonl")
    local = fsspec.DirFileSystem(str(tmp_path), fsspec.filesystem("file"))
    monkeypatch.setattr(hub, "HfFileSystem", lambda: local)
    assert names(open_corpus(["hf://datasets/a/b"])) == {"data": 6}
    assert names(open_corpus(["hf://datasets/a/b/data/x.jsonl"])) == {"x": 3}
    assert names(open_corpus(["nq=hf://datasets/a/b/data/*.jsonl"])) == {"nq": 6}


def test_a_link_that_leads_nowhere_is_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "d" / "a.jsonl")
    (tmp_path / "d" / "b.jsonl").symlink_to(tmp_path / "gone.jsonl")
    with pytest.raises(UserError, match=r"b\.jsonl is not a regular file that can be opened"):
        open_corpus([str(tmp_path / "d")])
