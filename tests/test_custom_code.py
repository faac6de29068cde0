"""A model that brings code of its own: refused in one line and without a question, run where the flag is typed."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ccpairs import evaluate, judge, train
from models.transformer.network import load_network
from tests.conftest import REPOSITORY
from tests.models.trainer.pairs import pairs, write_pairs
from tests.models.transformer.custom_model import write_custom_bert, write_custom_modules
from tests.models.transformer.tiny_bert import write_tiny_bert
from tests.pipelines.judge.small_candidates import rows, write_candidates
from tests.test_evaluate import write_trees

HOW = "so it is refused; read that code, and add --trust-remote-code if you trust it"


def run(folder: Path, command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, whose copies of models' code are in the folder."""
    environment = {**os.environ, "HF_MODULES_CACHE": str(folder / "modules"), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-m", f"ccpairs.{command}", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=REPOSITORY, env=environment,
    )  # fmt: skip


def commands(folder: Path, model: Path) -> dict[str, list[str]]:
    """A command line that uses the model, for each command that takes one."""
    write_candidates(folder / "built", rows(60))
    preset = folder / "own.toml"
    settings = f'kind = "transformer"\ninit = "{model}"\nmax_tokens = 16'
    preset.write_text(f"[model]\n{settings}\n[data]\nbatch_size = 16\nsteps = 2\n")
    data = write_pairs(folder / "pairs.parquet", pairs(64))
    fitting = ["--input", folder / "built", "--output", folder / "judged", "--decoys", 0, "--direct_num_workers=2"]
    training = ["--data", data, "--output", folder / "trained", "--preset", preset]
    found = {
        "evaluate": ["--data", write_trees(folder / "trees"), "--processes", 2, "--quiet", "--model", model],
        "train": [*training, "--init", model],
        "judge": [*fitting, "--model", model, model],
    }
    return {name: [*map(str, arguments)] for name, arguments in found.items()}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Questions that were asked on stdin; each is answered with y."""
    asked: list[str] = []

    def answer(question: str = "") -> str:
        asked.append(question)
        return "y"

    monkeypatch.setattr("builtins.input", answer)
    return asked


def own_type(folder: Path, marker: Path) -> Path:
    return write_custom_bert(folder, marker)


def known_type(folder: Path, marker: Path) -> Path:
    """transformers has a class for this type, but the weights are made for that of the folder."""
    return write_custom_bert(folder, marker, kind="bert")


def own_tokenizer(folder: Path, marker: Path) -> Path:
    write_custom_bert(folder, marker)
    (folder / "config.json").write_text(
        json.dumps({**json.loads((folder / "config.json").read_text()), "auto_map": {}})
    )
    told = json.loads((folder / "tokenizer_config.json").read_text())
    told["auto_map"] = {"AutoTokenizer": [None, "modeling_own.OwnTokenizer"]}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    return folder


def own_static(folder: Path, marker: Path) -> Path:
    write_custom_modules(folder, marker)
    (folder / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "modules_own.StaticEmbedding"}]')
    return folder


def own_activation(folder: Path, marker: Path) -> Path:
    write_custom_modules(folder, marker)
    kind = "sentence_transformers.models.Dense"
    modules = json.loads((folder / "modules.json").read_text())
    modules[-1] = {"idx": 2, "name": "2", "path": "2_Dense", "type": kind}
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "config.json").write_text('{"activation_function": "modules_own.Own"}')
    return folder


@pytest.mark.parametrize(
    ("write", "where"),
    [
        (own_type, "auto_map in config.json"),
        (known_type, "auto_map in config.json"),
        (own_tokenizer, "auto_map in tokenizer_config.json"),
        (write_custom_modules, "modules.json names modules_own.Own"),
        (own_static, "modules.json names modules_own.StaticEmbedding"),
        (own_activation, "2_Dense/config.json names modules_own.Own"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_it_is_refused_in_one_line_and_no_question_is_asked(
    write: Callable[[Path, Path], Path],
    where: str,
    answers: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    marker, model = tmp_path / "ran", write(tmp_path / "model", tmp_path / "ran")
    for name, arguments in commands(tmp_path, model).items():
        main = {"evaluate": evaluate.main, "train": train.main, "judge": judge.main}[name]
        assert main(arguments) == 2
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ccpairs: ")]
        assert lines == [f"ccpairs: {model}: this model runs code of its own ({where}), {HOW}"]
    assert answers == []
    assert not marker.exists()


def test_a_preset_that_begins_from_one_is_refused_too(
    answers: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = own_type(tmp_path / "model", tmp_path / "ran")
    judging = commands(tmp_path, model)["judge"]
    flags = [*judging[: judging.index("--model")], "--preset", str(tmp_path / "own.toml"), "--quiet"]
    assert judge.main(flags) == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("ccpairs: "))
    assert line == f"ccpairs: {model}: this model runs code of its own (auto_map in config.json), {HOW}"
    assert answers == []
    assert not (tmp_path / "ran").exists()


def test_no_preset_can_trust(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.toml").write_text("[trust_remote_code]\nall = true\n")
    flags = ["--data", str(tmp_path), "--output", str(tmp_path / "out"), "--preset", str(tmp_path / "own.toml")]
    assert train.main(flags) == 2
    assert "no setting trust_remote_code.all" in capsys.readouterr().err


def test_with_the_flag_it_judges(tmp_path: Path) -> None:
    """In two worker processes, each of which loads it."""
    model = own_type(tmp_path / "model", tmp_path / "ran")
    done = run(tmp_path, "judge", *commands(tmp_path, model)["judge"], "--trust-remote-code")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ran").exists()


def test_with_the_flag_it_is_trained_and_takes_its_code_along(tmp_path: Path) -> None:
    model = own_type(tmp_path / "model", tmp_path / "ran")
    lines = commands(tmp_path, model)
    done = run(tmp_path, "train", *lines["train"], "--trust-remote-code")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()
    flags = [*lines["evaluate"][:-1], str(tmp_path / "trained" / "model")]
    assert (evaluate.main(flags), (tmp_path / "ran").exists()) == (2, False)
    done = run(tmp_path, "evaluate", *flags, "--trust-remote-code")  # in two encoding processes
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ran").exists()


def test_modules_of_its_own_run_where_sentence_transformers_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_custom_modules(tmp_path / "model", tmp_path / "ran")
    lines = commands(tmp_path, model)
    assert train.main([*lines["train"], "--trust-remote-code"]) == 2
    assert "which only ccpairs evaluate and judge read" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "ran").exists()
    for command in ("evaluate", "judge"):
        done = run(tmp_path, command, *lines[command], "--trust-remote-code")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "ran").exists()
        (tmp_path / "ran").unlink()


class Touch:
    """What a pickle of it does when it is loaded without care."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_pickled_weights_run_nothing(tmp_path: Path) -> None:
    model = write_tiny_bert(tmp_path / "model")
    (model / "model.safetensors").unlink()
    (model / "pytorch_model.bin").write_bytes(pickle.dumps(Touch(tmp_path / "ran")))
    with pytest.raises(Exception, match="cannot be loaded"):
        load_network(model, trust_remote_code=True)
    assert not (tmp_path / "ran").exists()
