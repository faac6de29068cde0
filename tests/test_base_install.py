"""What works, and what is said, where the extras are not installed: in an environment with the base requirements alone.

It is made by links to what is installed here, offline (:mod:`tests.base_install`).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ccpairs.__main__ import COMMANDS
from ccpairs.command_line import ENCODERS
from ccpairs.lm import COMMANDS as LM_COMMANDS
from ccpairs.version import __version__
from tests.base_install import make_base_install
from tests.judging import run as run_here
from tests.pipelines.judge.small_candidates import rows, write_candidates

OPTIONAL = (*ENCODERS, "faiss", "ir_measures", "bm25s", "tensorboard", "onnx", "mteb", "trafilatura", "boto3")
MISSING = "torch, transformers, tokenizers, safetensors, numba"
BRINGS = "pip install 'ccpairs[cpu]' (or ccpairs[gpu]) brings it"

CALLS = """
import contextlib, io, json, sys
from ccpairs.__main__ import main

found = []
for argv in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(argv)
        except SystemExit as exit:
            code = exit.code or 0
    found.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base_install(tmp_path_factory.mktemp("base") / "venv")


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def run(python: Path, folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [python, *arguments]
    return subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, cwd=folder, env=environment()
    )


def run_commands(python: Path, folder: Path, commands: list[list[str]]) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of commands, one after the other in one process: importing Beam takes seconds."""
    done = run(python, folder, "-c", CALLS, json.dumps(commands))
    assert done.returncode == 0, done.stderr
    return [(code, out, err) for code, out, err in json.loads(done.stdout.splitlines()[-1])]


def test_the_environment_holds_no_extra(python: Path, tmp_path: Path) -> None:
    code = "import importlib.util, sys; print(*(n for n in sys.argv[1:] if importlib.util.find_spec(n)))"
    done = run(python, tmp_path, "-c", code, *OPTIONAL, "msgspec", "pipelines")
    assert (done.stdout, done.stderr) == ("msgspec pipelines\n", "")


def test_every_command_helps_tells_its_version_and_refuses_an_unknown_flag(python: Path, tmp_path: Path) -> None:
    names = [[name] for name in COMMANDS] + [["lm", name] for name in LM_COMMANDS]
    count = len(names) + 1
    commands = [[*name, flag] for flag in ("--help", "--version", "--nonesuch") for name in ([], *names)]
    none, presets, *done = run_commands(python, tmp_path, [[], ["train", "--list-presets"], *commands])
    helps, versions, unknown = done[:count], done[count : 2 * count], done[2 * count :]
    assert [(code, err) for code, _, err in helps] == [(0, "")] * count
    assert all(out.startswith("usage: ccpairs ") for _, out, _ in helps)
    assert none == helps[0]
    assert versions == [(0, f"ccpairs {__version__}\n", "")] * count
    assert [(code, out, err.count("\n")) for code, out, err in unknown] == [(2, "", 1)] * count
    assert presets[1].startswith("e5-base\n")


def test_a_command_that_needs_an_extra_says_so_before_it_looks_at_anything(python: Path, tmp_path: Path) -> None:
    table = [
        ("judge --input none --output out", f"judging needs {MISSING}, tensorboard"),
        ("judge --input none --output out --model a --judge bm25", f"judging needs {MISSING}, bm25s"),
        ("judge --input none --output out --model a --rank-path faiss", f"judging needs {MISSING}, faiss"),
        ("train --data none --output out", f"training needs {MISSING}, tensorboard"),
        ("train --data none --output out --dev x", f"training needs {MISSING}, tensorboard, faiss, ir_measures"),
        ("evaluate --model bm25 --data none", "evaluation needs ir_measures, bm25s"),
        ("evaluate --model none --data none", f"evaluation needs ir_measures, {MISSING}, faiss"),
        ("evaluate --model none --mteb x", f"evaluation needs ir_measures, {MISSING}, faiss"),
    ]
    done = run_commands(python, tmp_path, [command.split() for command, _ in table])
    assert done == [(2, "", f"ccpairs: {says}; {BRINGS}\n") for _, says in table]
    assert list(tmp_path.iterdir()) == []


def test_the_other_extractor_names_its_extra(python: Path, tmp_path: Path) -> None:
    flags = ["--source", "commoncrawl", "--output", "out", "--extractor", "trafilatura"]
    done = run(python, tmp_path, "-m", "ccpairs.build", *flags)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'ccpairs[trafilatura]'" in done.stderr


def test_a_build_is_refiltered(python: Path, tmp_path: Path) -> None:
    flags = ["--source", "communityqa", "--output", "out", "--rejected", "all", "--quiet", "--direct_num_workers=1"]
    built = run(python, tmp_path, "-m", "ccpairs", "build", *flags)
    assert built.returncode == 0, built.stderr
    flags = ["--min-language-score", "0.8", "--near-duplicates", "--direct_num_workers=1"]
    done = run(python, tmp_path, "-m", "ccpairs", "refilter", "--input", "out", "--output", "stricter", *flags)
    assert done.returncode == 0, done.stderr
    assert "language_uncertain" in done.stdout


def test_judged_pairs_are_decided_again_to_the_same_bytes(python: Path, tmp_path: Path) -> None:
    write_candidates(tmp_path / "built", rows(60))
    engine = "--direct_num_workers=1"
    flags: list[Any] = ["--judge", "bm25", "--decoys", 20, engine]
    judged = run_here("judge", tmp_path / "built", tmp_path / "judged", *flags)
    assert judged.code == 0, judged.stderr
    here = run_here("refilter", judged.output, tmp_path / "here", "--top-k", 1, engine)
    assert here.code == 0, here.stderr
    flags = ["--input", judged.output, "--output", "there", "--top-k", 1, engine]
    there = run(python, tmp_path, "-m", "ccpairs", "refilter", *flags)
    assert there.returncode == 0, there.stderr
    assert here._replace(output=tmp_path / "there").files() == here.files() != {}
