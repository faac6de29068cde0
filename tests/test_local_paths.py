"""Flags that take local paths alone refuse addresses in one line; those that take addresses say URI in their help."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ccpairs import build, evaluate, judge, lm, refilter, train
from ccpairs.__main__ import main
from pipelines.sources import MODULES, source_class
from tests.models.trainer.pairs import pairs, write_pairs
from tests.test_evaluate import write_trees

READ = "only local paths are read here; copy it to this machine and give the path of the copy"
WRITTEN = "only local folders are written here; give a local path and copy the result"

LOCAL = {
    "build": {"--language-model": READ, "--perplexity-model": READ, "--decontaminate": READ},
    "judge": {"--model": READ, "--preset": READ, "--work": WRITTEN},
    "train": {"--output": WRITTEN, "--preset": READ, "--init": READ, "--tokenizer": READ, "--dev": READ},
    "evaluate": {"--model": READ, "--data": READ},
    "lm train": {"--output": WRITTEN},
    "lm import": {"--output": WRITTEN, "--kenlm": READ, "--sentencepiece": READ, "--cutoffs": READ},
    "lm calibrate": {"DIR": READ},
    "lm score": {"DIR": READ},
}
ADDRESSES = {
    "build": {"--input", "--input-prefix", "--output", "--opt-out"},
    "judge": {"--foreign", "--input", "--output"},
    "refilter": {"--input", "--output"},
    "train": {"--data"},
    "evaluate": {"--json", "--runs"},
    "lm train": {"--input"},
    "lm calibrate": {"--input"},
    "lm score": {"--input"},
}
PLACES = {"DIR", "FILE", "NAME|FILE", "MODEL", "M", "URI", "[NAME=]URI", "SOURCE=URI"}
"""What the help calls a flag's value where it is a path or an address."""


@pytest.mark.parametrize("address", ["s3://bucket/a?key=secret", "https://name:pass@host/a", "s3:/b/a"])
@pytest.mark.parametrize(
    ("command", "flag", "why"), [(command, *each) for command, flags in LOCAL.items() for each in flags.items()]
)
def test_an_address_is_refused_in_one_line(
    command: str,
    flag: str,
    why: str,
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*command.split(), *([flag] if flag != "DIR" else []), address]) == 2
    scheme = address.partition(":")[0]
    helps = f"ccpairs {command} --help lists the flags"
    said = f"ccpairs: argument {flag}: {scheme}://… is an address, and {why}; {helps}\n"
    assert capsys.readouterr() == ("", said)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("key", ["model.init", "model.tokenizer"])
def test_settings_refuse_it_too(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--data", "none", "--output", "out", "--set", f"{key}=s3://bucket/a"]) == 2
    assert capsys.readouterr().err == f"ccpairs: settings: {key} is an address, and {READ}\n"
    (tmp_path / "own.toml").write_text(f'[model]\n{key.removeprefix("model.")} = "file:///tmp/a"\n')
    assert main(["train", "--data", "none", "--output", "out", "--preset", "./own.toml"]) == 2
    assert capsys.readouterr().err == f"ccpairs: own.toml: {key} is an address, and {READ}\n"
    assert os.listdir(tmp_path) == ["own.toml"]


@pytest.mark.parametrize(
    "flags",
    [
        ["judge", "--input", "none", "--output", "{}"],
        ["judge", "--input", "{}", "--output", "out"],
        ["refilter", "--input", "{}", "--output", "out"],
        ["train", "--data", "{}", "--output", "out"],
        ["evaluate", "--model", "bm25", "--data", "none", "--json", "{}"],
        ["evaluate", "--model", "bm25", "--data", "none", "--runs", "{}"],
        ["build", "--source", "news", "--opt-out", "{}"],
    ],
    ids=" ".join,
)
def test_an_address_of_a_kind_that_nobody_reads_is_one_line_too(
    flags: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([flag.format("nonesuch://bucket/a") for flag in flags]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ccpairs: ")
    assert os.listdir(tmp_path) == []


def test_files_by_address_work_where_addresses_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    trees, data = write_trees(tmp_path / "trees"), write_pairs(tmp_path / "pairs.parquet", pairs(40))
    places = ["--json", f"file://{tmp_path}/made/scores.json", "--runs", f"file://{tmp_path}/runs"]
    assert main(["evaluate", "--model", "bm25", "--data", str(trees), "--quiet", *places]) == 0
    assert (tmp_path / "made" / "scores.json").is_file()
    assert (tmp_path / "runs" / "bm25.trees.test.trec").is_file()
    small = ["--dimension", "8", "--steps", "1", "--batch-size", "8", "--set", "model.vocabulary_size=100", "--quiet"]
    assert main(["train", "--data", f"file://{data}", "--output", f"file://{tmp_path}/out", *small]) == 0
    assert main(["evaluate", "--model", f"file://{tmp_path}/out/model", "--data", f"file://{trees}", "--quiet"]) == 0
    (tmp_path / "opt-out.txt").write_text("id:t3_abc12\n")
    flags = ["--source", "news", "--opt-out", f"file://{tmp_path}/opt-out.txt", "--output", "built", "--dry-run"]
    assert main(["build", *flags]) == 0
    assert sorted(os.listdir(tmp_path)) == ["made", "opt-out.txt", "out", "pairs.parquet", "runs", "trees"]


def test_every_flag_that_takes_a_place_is_in_one_of_the_tables() -> None:
    parsers = [build.make_parser([source_class(name) for name in MODULES]), judge.make_parser()]
    parsers += [refilter.make_parser(), train.make_parser(), evaluate.make_parser(), lm.make_parser()]
    found = {
        (parser.prog.removeprefix("ccpairs "), (*action.option_strings, action.metavar)[0])
        for parser in with_inner(parsers)
        for action in parser._actions
        if action.metavar in PLACES
    }
    tables = [(command, flag) for table in (LOCAL, ADDRESSES) for command, flags in table.items() for flag in flags]
    assert found == {*tables}
    assert len(tables) == len(found)


def with_inner(parsers: Sequence[argparse.ArgumentParser]) -> Iterator[argparse.ArgumentParser]:
    for parser in parsers:
        yield parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield from action.choices.values()
