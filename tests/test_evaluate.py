"""``python -m ccpairs.evaluate``: the table, JSON, runs, and mistakes in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ccpairs.evaluate import main
from models.evaluation.contenders import open_contender
from models.static.encoder import static_encoder
from models.static.tokenizer import train_tokenizer

DOCUMENTS = {
    "d1": ("Oaks", "trees that bear acorns"),
    "d2": ("Elms", "trees with toothed leaves"),
    "d3": ("Rivers", "water that runs to the sea"),
    "d4": ("Ships", "they cross the sea with sails"),
}
QUERIES = {"q1": "which trees bear acorns", "q2": "toothed leaves", "q3": "not judged"}
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n"


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    return write_trees(tmp_path / "trees")


def write_trees(folder: Path) -> Path:
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": each, "title": title, "text": text} for each, (title, text) in DOCUMENTS.items()]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = [{"_id": each, "text": text} for each, text in QUERIES.items()]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    (folder / "qrels" / "test.tsv").write_text(QRELS)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A static encoder with random vectors: texts that share words are close."""
    texts = [f"query: passage: {title} {text}" for title, text in DOCUMENTS.values()] * 2 + list(QUERIES.values())
    folder = tmp_path / "static-model"
    static_encoder(train_tokenizer(texts), 64).save(folder)
    return folder


def test_models_and_sets_stand_in_one_table(trees: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    second = write_trees(trees.parent / "woods")
    assert main(["--model", "bm25", str(model), "--data", str(trees), str(second), "--quiet"]) == 0
    assert capsys.readouterr().out == (
        "                trees                        woods                         mean\n"
        "model         nDCG@10  recall@100  MRR@10  nDCG@10  recall@100  MRR@10  nDCG@10\n"
        "bm25           1.0000      1.0000  1.0000   1.0000      1.0000  1.0000   1.0000\n"
        "static-model   1.0000      1.0000  1.0000   1.0000      1.0000  1.0000   1.0000\n"
    )


def test_processes_give_the_same_scores_and_fingerprint(trees: Path, model: Path, tmp_path: Path) -> None:
    told = []
    for flags in ([], ["--processes", "2"]):
        file = tmp_path / "scores.json"
        assert main(["--model", str(model), "--data", str(trees), "--json", str(file), "--quiet", *flags]) == 0
        [result] = json.loads(file.read_text())["results"]
        told.append({name: value for name, value in result.items() if "second" not in name})
    assert told[0] == told[1]


def test_json_holds_scores_settings_and_versions(trees: Path, model: Path, tmp_path: Path) -> None:
    file = tmp_path / "made" / "scores.json"
    assert main(["--model", "bm25", str(model), "--data", str(trees), "--json", str(file), "--quiet"]) == 0
    found = json.loads(file.read_text())
    assert {"ccpairs", "numpy", "ir-measures", "bm25s"} <= set(found["versions"])
    bm25, static = found["results"]
    assert bm25["metrics"] == static["metrics"] == {"nDCG@10": 1.0, "recall@100": 1.0, "MRR@10": 1.0}
    assert (bm25["set"], bm25["split"], bm25["queries"], bm25["documents"]) == ("trees", "test", 2, 4)
    assert (bm25["k1"], bm25["b"]) == (0.9, 0.4)
    assert len(static["fingerprint"]) >= 32


def test_runs_are_in_trecs_format(trees: Path, model: Path, tmp_path: Path) -> None:
    assert main(["--model", "bm25", str(model), "--data", str(trees), "--runs", str(tmp_path / "runs"), "--quiet"]) == 0
    files = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert files == ["bm25.trees.test.trec", "static-model.trees.test.trec"]
    [first, *_] = (tmp_path / "runs" / "bm25.trees.test.trec").read_text().splitlines()
    query, q0, document, rank, value, tag = first.split(" ")
    assert (query, q0, document, rank, float(value) > 0, tag) == ("q1", "Q0", "d1", "1", True, "bm25")
    lines = (tmp_path / "runs" / "static-model.trees.test.trec").read_text().splitlines()
    assert {tuple(line.split(" ")[0:3:2]) for line in lines} == {(q, d) for q in ("q1", "q2") for d in DOCUMENTS}


def test_texts_are_cut_at_the_length_that_is_given(trees: Path, model: Path) -> None:
    """A static encoder has neither prompt nor special tokens, so one token is the first word."""
    whole, cut = open_contender(str(model), "m").encoder, open_contender(str(model), "m", max_length=1).encoder
    assert whole is not None
    assert cut is not None
    assert np.array_equal(cut.encode(["trees that bear acorns"], "query"), whole.encode(["trees"], "query"))
    assert not np.array_equal(cut.encode(["acorns"], "query"), whole.encode(["trees"], "query"))


def test_models_of_one_folder_name_are_told_apart_by_their_paths(
    trees: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other" / "static-model"
    static_encoder(train_tokenizer(["oak elm ash"] * 2), 8).save(other)
    assert main(["--model", str(model), str(other), "--data", str(trees), "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == [str(model), str(other)]


def test_what_was_read_is_said_on_stderr(trees: Path) -> None:
    with (trees / "corpus.jsonl").open("a") as corpus:
        corpus.write('{"_id": "d1", "text": "again"}\n')
    with (trees / "qrels" / "test.tsv").open("a") as qrels:
        qrels.write("q2\tgone\t1\n")
    command = [sys.executable, "-m", "ccpairs.evaluate", "--model", "bm25", "--data", str(trees)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [
        "trees: 4 documents, 2 judged queries",
        "trees: lines of the corpus that repeat an id, of which the first counts: 1",
        "trees: judged documents that the corpus lacks, which count as never found: 1",
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--model", "bm25"],
            "nothing to evaluate on; name sets by --data DIR or tasks by --mteb TASK",
        ),
        (
            ["--model", "nowhere", "--data", "SET"],
            "no model nowhere: no such folder here, and the Hugging Face hub does not answer",
        ),
        (["--model", "bm25", "--data", "SET", "--split", "dev"], "SET has no judgements qrels/dev.tsv (there: test)"),
        (
            ["--model", "bm25", "--data", "SET", "SET/../twin/trees"],
            "two sets have one folder name, trees; rename a folder",
        ),
        (
            ["--model", "bm25", "--mteb", "SciFact"],
            "--mteb tells of encoders; leave out --model bm25, or run it with --data alone",
        ),
        (
            ["--model", "bm25", "--data", "SET", "--json", "SET/corpus.jsonl/scores.json"],
            "SET/corpus.jsonl/scores.json cannot be written",
        ),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], line: str, trees: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_trees(tmp_path / "twin" / "trees")
    assert main([argument.replace("SET", str(trees)) for argument in arguments]) == 2
    said = capsys.readouterr().err.replace(str(trees), "SET").splitlines()[-1]
    assert said.startswith(f"ccpairs: {line}")


def test_a_folder_without_a_model_is_refused(trees: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["--model", str(tmp_path / "empty"), "--data", str(trees), "--quiet"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ccpairs: {tmp_path}/empty: no model here")
