"""Models and evaluation sets that are missing or damaged: one line each. And odd texts, of which all is asked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccpairs import read_manifest
from ccpairs.build import main
from models.language_id import default_model_path
from models.lm.model import bundled_model
from tests.filters.odd_texts import ODD_TEXTS


def copy_of_model(folder: Path) -> Path:
    bundled = bundled_model("en")
    assert bundled is not None
    return Path(shutil.copytree(bundled, folder / "en"))


def no_model(folder: Path) -> list[str]:
    return ["--language-model", str(folder / "none.bin")]


def empty_model(folder: Path) -> list[str]:
    (folder / "empty.ftz").touch()
    return ["--language-model", str(folder / "empty.ftz")]


def cut_model(folder: Path) -> list[str]:
    whole = Path(default_model_path()).read_bytes()
    (folder / "cut.ftz").write_bytes(whole[: len(whole) // 2])
    return ["--language-model", str(folder / "cut.ftz")]


def no_folder(folder: Path) -> list[str]:
    return ["--perplexity-model", str(folder / "none")]


def no_sidecar(folder: Path) -> list[str]:
    model = copy_of_model(folder)
    (model / "model.json").unlink()
    return ["--perplexity-model", str(model)]


def cut_kenlm(folder: Path) -> list[str]:
    model = copy_of_model(folder)
    (model / "en.arpa.bin").write_bytes((model / "en.arpa.bin").read_bytes()[:100_000])
    return ["--perplexity-model", str(model)]


def other_normaliser(folder: Path) -> list[str]:
    model = copy_of_model(folder)
    sidecar = json.loads((model / "model.json").read_bytes())
    sidecar["normaliser"]["name"] = "moses"
    (model / "model.json").write_text(json.dumps(sidecar))
    return ["--perplexity-model", str(model)]


def two_of_a_language(folder: Path) -> list[str]:
    return ["--perplexity-model", str(copy_of_model(folder)), str(bundled_model("en"))]


def limit_without_model(folder: Path) -> list[str]:
    return ["--max-perplexity", "de=300"]


def no_evaluation_set(folder: Path) -> list[str]:
    return ["--decontaminate", str(folder / "none")]


def no_queries(folder: Path) -> list[str]:
    (folder / "set").mkdir()
    (folder / "set" / "corpus.jsonl").write_text('{"_id": "1", "title": "", "text": "x"}\n')
    return ["--decontaminate", str(folder / "set")]


def damaged_queries(folder: Path) -> list[str]:
    no_queries(folder)
    (folder / "set" / "queries.jsonl").write_text('{"_id": "1", "text": "x"}\n{"_id": "2", "te')
    return ["--decontaminate", str(folder / "set")]


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (no_model, "cannot read the language model"),
        (empty_model, "it is empty"),
        (cut_model, "cannot read the language model"),
        (no_folder, "no language model (no model.json)"),
        (no_sidecar, "no language model (no model.json)"),
        (cut_kenlm, "en.arpa.bin"),
        (other_normaliser, "made with the normaliser moses"),
        (two_of_a_language, "both of the language en"),
        (limit_without_model, "there is no language model of de"),
        (no_evaluation_set, "no folder or file"),
        (no_queries, "queries.jsonl"),
        (damaged_queries, "queries.jsonl"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_it_is_one_line_before_anything_runs(
    flags: Callable[[Path], list[str]], says: str, samples: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    arguments = ["--source", "news", "--input", str(samples.folder / "news"), "--output", str(output)]
    assert main([*arguments, *flags(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ccpairs: ")
    assert says in line
    assert not (output / "extracts").exists()


def test_odd_texts_pass_every_filter(build: Callable[..., Any], tmp_path: Path) -> None:
    """All the ways to ask something of a text at once; each record ends as a pair or as a counted reject."""
    texts = list(ODD_TEXTS.values())
    answer = "An answer of some words, so that it is not too short to be one."
    lines = [json.dumps([text, f"{answer} {number}"]) for number, text in enumerate(texts)]
    lines += [json.dumps([f"What is odd about number {number}?", text]) for number, text in enumerate(texts)]
    (tmp_path / "odd.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "exam.txt").write_text("What is odd about number 3?\n")
    flags = ["--languages", "all", "--min-language-score", "0", "--perplexity", "all", "--near-duplicates"]
    flags += ["--max-repeats", "3", "--decontaminate", str(tmp_path / "exam.txt"), "--rejected", "all"]
    done = build(tmp_path / "out", "--source", "communityqa", "--input", tmp_path / "odd.jsonl", *flags)
    assert done.code == 0, done.stderr
    counts = read_manifest(str(tmp_path / "out" / "candidates" / "communityqa")).counts
    assert counts[0].read == len(lines)
    assert counts[-1].rejected["contaminated_exact"] == 1
    assert counts[-1].rejected["near_duplicate"] >= 3  # the answers
    assert counts[-1].kept >= 3
