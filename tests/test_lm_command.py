"""``python -m ccpairs.lm`` as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ccpairs.errors import UserError
from models.lm import LanguageModel, bundled_model
from models.lm.kenlm_tools import find_tool
from tests.conftest import Samples

REPOSITORY = Path(__file__).resolve().parents[1]


def lm(*arguments: object, stdin: str = "", path: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ccpairs.lm", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, **({"PATH": path} if path is not None else {})},
    )


@pytest.fixture(scope="session")
def bundled() -> Path:
    directory = bundled_model()
    assert directory is not None
    return directory


@pytest.fixture(scope="session")
def tools() -> None:
    try:
        find_tool("lmplz")
        find_tool("build_binary")
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def trained(tools: None, samples: Samples, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A model of the sample dumps' Wikipedia, and what the command said."""
    directory = tmp_path_factory.mktemp("lm") / "model"
    done = lm("train", "--input", samples.folder / "wikipedia", "--output", directory, *SMALL)
    assert done.returncode == 0, done.stderr
    return directory, done.stdout


SMALL = ("--language", "en", "--sections", "all", "--pieces", 800, "--order", 3, "--memory", "64M", "--quantise", 8)


class TestTrain:
    def test_a_model_of_a_wikipedia_dump_scores(self, trained: tuple[Path, str]) -> None:
        directory, said = trained
        assert "order 3" in said
        assert "ccpairs lm calibrate" in said
        model = LanguageModel.load(directory)
        assert (model.language, model.sidecar.order, model.sidecar.normaliser.name) == ("en", 3, "ccnet")
        seen, noise = model.perplexity(
            ["The river is one of the longest in the world.", "the of in longest river is world."]
        )
        assert seen is not None
        assert noise is not None
        assert seen < noise
        assert sorted(os.listdir(directory.parent)) == ["model"]

    def test_the_same_texts_give_the_same_bytes(
        self, trained: tuple[Path, str], samples: Samples, tmp_path: Path
    ) -> None:
        done = lm("train", "--input", samples.folder / "wikipedia", "--output", tmp_path / "again", *SMALL)
        assert done.returncode == 0, done.stderr
        for name in ("en.arpa.bin", "en.sp.model", "model.json"):
            assert (tmp_path / "again" / name).read_bytes() == (trained[0] / name).read_bytes(), name

    def test_discounts_that_cannot_be_estimated_are_no_error(self, tools: None, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("the cat sat on the mat\nthe dog sat on the log\n")
        done = lm(
            "train", "--input", tmp_path / "a.txt", "--output", tmp_path / "m", "--language", "en", "--pieces", 40
        )
        assert done.returncode == 0, done.stderr
        assert LanguageModel.load(tmp_path / "m").perplexity(["the cat"])[0] is not None

    @pytest.mark.parametrize(
        ("text", "arguments", "says"),
        [
            ("\x07\n", (), "the input holds no text"),
            ("one two\n", ("--pieces", 2), "SentencePiece cannot learn 2 pieces"),
            ("one two\n", ("--order", 9), "order 2 to 6"),
            ("one two\n", ("--language", "../en"), "expected a code of ISO 639-1"),
            (
                "one two three\n",
                ("--pieces", 30, "--prune", "0 3 1"),
                "lmplz failed: Pruning thresholds should be in non-decreasing order",
            ),
            ("one two\n", ("--prune", "few"), "expected whole numbers"),
            ("one two\n", ("--probing", "--quantise", 8), "leave it or --probing out"),
        ],
    )
    def test_what_cannot_be_trained_is_one_line(
        self, tools: None, tmp_path: Path, text: str, arguments: tuple[object, ...], says: str
    ) -> None:
        (tmp_path / "a.txt").write_text(text)
        done = lm(
            "train",
            "--quiet",
            "--input",
            tmp_path / "a.txt",
            "--output",
            tmp_path / "m",
            "--language",
            "en",
            *arguments,
        )
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert says in done.stderr
        assert os.listdir(tmp_path) == ["a.txt"]

    def test_an_output_that_is_there_is_not_overwritten(self, tools: None, bundled: Path, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("one two\n")
        done = lm("train", "--input", tmp_path / "a.txt", "--output", bundled, "--language", "en")
        assert done.returncode == 2
        assert "is there already" in done.stderr

    def test_without_lmplz_the_way_to_it_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("models.lm.kenlm_tools.BUILT", tmp_path)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(UserError, match="make kenlm"):
            find_tool("lmplz")

    def test_a_damaged_input_makes_no_model(self, tools: None, tmp_path: Path) -> None:
        (tmp_path / "a.txt.gz").write_bytes(b"\x1f\x8b\x08 and no more")
        done = lm("train", "--quiet", "--input", tmp_path / "a.txt.gz", "--output", tmp_path / "m", "--language", "en")
        assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
        assert os.listdir(tmp_path) == ["a.txt.gz"]


class TestScore:
    def test_each_line_of_stdin_gets_its_perplexity(self) -> None:
        done = lm("score", "--quiet", stdin="The cat sat on the mat.\n\ncat the mat on sat The.\n")
        assert done.returncode == 0, done.stderr
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        assert [text for _, text in lines] == ["The cat sat on the mat.", "", "cat the mat on sat The."]
        assert lines[1][0] == ""
        assert float(lines[0][0]) < float(lines[2][0])

    def test_files_are_scored_with_a_model_that_is_named(self, bundled: Path, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text(json.dumps({"text": "Water boils."}) + "\n")
        done = lm("score", bundled, "--input", tmp_path / "a.jsonl")
        assert done.stdout == f"{LanguageModel.load(bundled).perplexity(['Water boils.'])[0]:.1f}\tWater boils.\n"
        assert "1 texts; median" in done.stderr

    def test_the_bundled_model_is_named_where_it_is_taken(self) -> None:
        assert "the small English one that comes with ccpairs" in lm("score", stdin="Water boils.\n").stderr

    def test_a_folder_without_a_model_is_one_line(self, tmp_path: Path) -> None:
        done = lm("score", tmp_path, stdin="Water boils.\n")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "no language model" in done.stderr


class TestCalibrate:
    def test_percentiles_are_written_to_the_sidecar(self, bundled: Path, tmp_path: Path) -> None:
        model = Path(shutil.copytree(bundled, tmp_path / "model"))
        texts = [f"The {noun} number {word} is here." for noun in NOUNS for word in NOUNS]
        (tmp_path / "pages.txt").write_text("\n".join(texts))
        done = lm("calibrate", model, "--input", tmp_path / "pages.txt", "--measured-on", "made-up sentences")
        assert done.returncode == 0, done.stderr
        calibrated = LanguageModel.load(model)
        values = sorted(value for value in calibrated.perplexity(texts) if value is not None)
        assert calibrated.percentile(50) == pytest.approx((values[71] + values[72]) / 2, abs=0.1)
        assert calibrated.sidecar.percentiles is not None
        assert (calibrated.sidecar.percentiles.texts, calibrated.sidecar.percentiles.measured_on) == (
            144,
            "made-up sentences",
        )
        assert calibrated.fingerprint == LanguageModel.load(bundled).fingerprint

    def test_too_few_texts_are_refused(self, bundled: Path, tmp_path: Path) -> None:
        (tmp_path / "pages.txt").write_text("Only this.\n")
        done = lm("calibrate", bundled, "--quiet", "--input", tmp_path / "pages.txt")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "1 texts are too few" in done.stderr


NOUNS = [
    "house",
    "river",
    "engine",
    "doctor",
    "garden",
    "window",
    "teacher",
    "forest",
    "market",
    "planet",
    "letter",
    "song",
]


class TestImport:
    def test_ccnets_files_become_a_model(self, bundled: Path, tmp_path: Path) -> None:
        files = ("--kenlm", bundled / "en.arpa.bin", "--sentencepiece", bundled / "en.sp.model")
        done = lm("import", *files, "--output", tmp_path / "ccnet", "--language", "en")
        assert done.returncode == 0, done.stderr
        assert "p30 340.0" in done.stdout
        assert LanguageModel.load(tmp_path / "ccnet").percentile(60) == 520.0

    def test_a_file_that_is_missing_is_one_line(self, bundled: Path, tmp_path: Path) -> None:
        files = ("--kenlm", tmp_path / "en.arpa.bin", "--sentencepiece", bundled / "en.sp.model")
        done = lm("import", *files, "--output", tmp_path / "ccnet", "--language", "en")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "no such file" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("learn",), ("score", "--frobnicate"), ("train", "--input", "x.txt")])
def test_a_wrong_command_line_is_one_line(arguments: tuple[str, ...]) -> None:
    done = lm(*arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--help lists the flags" in done.stderr
