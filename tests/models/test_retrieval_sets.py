from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ccpairs.errors import UserError
from models.retrieval_sets import Document, Query, open_retrieval_set

CORPUS = (
    '{"_id": "d1", "title": "Oaks", "text": "Trees with acorns.", "metadata": {}}\n\n{"_id": 2, "text": "Maples."}\n'
)
QUERIES = '{"_id": "q1", "text": "what is an oak", "metadata": {"url": "x"}}\n'
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\t2\t0\n"


def write_set(folder: Path, corpus: str = CORPUS, queries: str = QUERIES, **splits: str) -> Path:
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(corpus)
    (folder / "queries.jsonl").write_text(queries)
    for name, lines in (splits or {"test": QRELS}).items():
        (folder / "qrels" / f"{name}.tsv").write_text(lines)
    return folder


def test_a_set_is_read(tmp_path: Path) -> None:
    trees = open_retrieval_set(write_set(tmp_path / "trees", test=QRELS, dev=QRELS))
    assert trees.name == "trees"
    assert list(trees.corpus()) == [Document("d1", "Oaks", "Trees with acorns."), Document("2", "", "Maples.")]
    assert list(trees.queries()) == [Query("q1", "what is an oak")]
    assert trees.splits() == ["dev", "test"]
    assert trees.qrels() == {"q1": {"d1": 2, "2": 0}}


def test_packed_files_are_read(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "trees")
    for name in ("corpus", "queries"):
        path = folder / f"{name}.jsonl"
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    trees = open_retrieval_set(folder)
    assert (len(list(trees.corpus())), len(list(trees.queries()))) == (2, 1)


def refusal(folder: Path, split: str = "test") -> str:
    def read() -> None:
        one = open_retrieval_set(folder)
        _ = list(one.corpus()), list(one.queries()), one.qrels(split)

    with pytest.raises(UserError) as caught:
        read()
    (line,) = str(caught.value).splitlines()
    return line.replace(str(folder), "SET")


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"corpus": CORPUS + '{"_id": "d3", "te'},
            "SET/corpus.jsonl, line 4 is damaged (Input data was truncated); mend it or fetch the file again",
        ),
        (
            {"corpus": '["d1", "text"]\n'},
            "SET/corpus.jsonl, line 1 is damaged (Expected `object`, got `array`); mend it or fetch the file again",
        ),
        (
            {"queries": '{"_id": "q1"}'},
            "SET/queries.jsonl, line 1 is damaged (Object missing required field `text`); mend it or fetch the file "
            "again",
        ),
        (
            {"test": "q1\td1\t1\n"},
            "SET/qrels/test.tsv begins with a judgement; its first line must be query-id corpus-id score",
        ),
        (
            {"test": QRELS + "q1 d1 1\n"},
            "SET/qrels/test.tsv, line 4: not query-id, corpus-id and a whole number, parted by tabs",
        ),
        ({"test": QRELS[:25]}, "SET/qrels/test.tsv holds no judgement; a set without any cannot be evaluated"),
        ({"dev": QRELS}, "SET has no judgements qrels/test.tsv (there: dev)"),
    ],
)
def test_damage_is_told_with_its_place(tmp_path: Path, changed: dict[str, str], line: str) -> None:
    assert refusal(write_set(tmp_path / "trees", **changed)) == line


def test_a_missing_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == "no folder SET; name one that holds corpus.jsonl, queries.jsonl and qrels/"


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text(CORPUS)
    assert refusal(tmp_path / "corpus.jsonl").startswith("SET is a file; name the folder")


@pytest.mark.parametrize("name", ["corpus", "queries"])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    folder = write_set(tmp_path / "trees")
    (folder / f"{name}.jsonl").unlink()
    expected = f"SET is no evaluation set in BEIR's layout: it has no {name}.jsonl or {name}.jsonl.gz"
    assert refusal(folder) == expected


def test_a_folder_of_sets_is_told_apart(tmp_path: Path) -> None:
    write_set(tmp_path / "trees")
    assert refusal(tmp_path).endswith("corpus.jsonl.gz; name the sets in it: SET/trees …")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (gzip.compress(CORPUS.encode() * 9)[:-20], "cannot be read beyond line"),
        (b'{"_id": "1", "text": "\xff"}\n', "line 1 is not UTF-8"),
        (CORPUS.encode() + b"\xe9", "line 4 is not UTF-8"),
    ],
    ids=["truncated", "no UTF-8", "cut character"],
)
def test_bytes_that_are_no_text(tmp_path: Path, data: bytes, line: str) -> None:
    folder = write_set(tmp_path / "trees")
    (folder / "corpus.jsonl").write_bytes(data)
    assert line in refusal(folder)


def test_a_real_set(real_data: Path) -> None:
    scifact = open_retrieval_set(real_data / "beir" / "scifact")
    assert (sum(1 for _ in scifact.corpus()), sum(1 for _ in scifact.queries())) == (5_183, 1_109)
    assert scifact.splits() == ["test", "train"]
    assert (len(scifact.qrels()), sum(map(len, scifact.qrels().values()))) == (300, 339)
