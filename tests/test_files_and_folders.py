"""Files and folders at the edges, as a user meets them: links, locks, odd names, other people's files."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ccpairs
from ccpairs import judge, refilter, train
from models.lm.train import new_directory
from tests.conftest import REPOSITORY, Built, run_build
from tests.pipelines.judge.small_candidates import rows, write_candidates

ONE = ("--source", "reddit", "--direct_num_workers=1", "--quiet")


@pytest.fixture
def dumps(tmp_path: Path) -> Path:
    """Posts and their comments, in a folder that is the current one of the command."""
    folder = tmp_path / "dumps"
    folder.mkdir()
    posts = [{"id": f"a{n}", "title": f"What is the best way to boil {n} eggs?"} for n in range(20)]
    comments = [
        {"id": f"b{n}", "link_id": f"t3_a{n}", "body": f"Pot for {n} eggs, 日本.", "score": 3} for n in range(20)
    ]
    for name, records in (("RS_1.json", posts), ("RC_1.json", comments)):
        (folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


def build(output: Path, *arguments: object) -> Built:
    done = run_build(output, *ONE, *arguments)
    assert "Traceback" not in done.stderr
    return done


def in_folder(folder: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a build in a folder of the user's."""
    command = [sys.executable, "-m", "ccpairs.build", *ONE, *map(str, arguments)]
    variables = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("output", "arguments"),
    [("ccpairs-output", []), ("out", ["--output", "./out"]), (".", ["--output", "."])],
    ids=["default", "inside", "the same"],
)
def test_an_output_inside_the_input_is_passed_over_by_a_rerun(dumps: Path, output: str, arguments: list[str]) -> None:
    (dumps / "pairs.jsonl").write_text('["not of this source", "but JSON"]\n')
    first = in_folder(dumps, "--input", ".", *arguments)
    assert first.returncode == 0, first.stderr
    shards = files_below(dumps / output / "candidates")
    again = in_folder(dumps, "--input", ".", *arguments)
    assert again.returncode == 0, again.stderr
    assert f"passed over: what ccpairs wrote in {(dumps / output).resolve()}\n" in again.stderr
    assert "(found done)" in again.stdout
    assert files_below(dumps / output / "candidates") == shards
    redone = in_folder(dumps, "--input", ".", *arguments, "--num-shards", "1")
    assert redone.returncode == 0, redone.stderr
    assert (
        files_below(dumps / output / "candidates" / "reddit").keys()
        == files_below(dumps / output / "candidates" / "reddit").keys()
    )


def test_an_input_that_lies_in_the_output_is_refused_and_stays(dumps: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    inside = out / "candidates" / "reddit"
    inside.mkdir(parents=True)
    shutil.copy(dumps / "RC_1.json", inside)
    (tmp_path / "link").symlink_to(inside)
    for uri in (inside / "RC_1.json", inside, tmp_path / "link", f"file://{inside}"):
        done = build(out, "--input", dumps, uri)
        assert done.code == 2
        assert f" lies in {out}/candidates, which ccpairs writes; move it, or choose another --output\n" in done.stderr
    # Named through a folder above, it is passed over, and the folder that holds it is not cleared.
    done = build(out, "--input", tmp_path)
    assert done.code == 2
    assert done.stderr.splitlines()[-1] == (
        f"ccpairs: {inside} holds RC_1.json, which ccpairs did not write; move it away, or choose another --output"
    )
    assert [path.name for path in inside.iterdir()] == ["RC_1.json"]


@pytest.mark.parametrize("stage", ["candidates", "rejected"])
def test_files_of_the_users_in_an_output_are_never_removed(dumps: Path, tmp_path: Path, stage: str) -> None:
    out = tmp_path / "out"
    assert build(out, "--input", dumps).code == 0
    (out / stage / "reddit" / "notes.txt").write_text("mine")
    before = files_below(out / "candidates")
    assert build(out, "--input", dumps).code == 0, "what is done needs no clearing"
    done = build(out, "--input", dumps, "--num-shards", 3)
    assert done.code == 2
    assert f"{out}/{stage}/reddit holds notes.txt, which ccpairs did not write" in done.stderr
    assert (out / stage / "reddit" / "notes.txt").read_text() == "mine"
    assert files_below(out / "candidates") == before


def test_an_output_of_an_earlier_release_is_built_anew(dumps: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert build(out, "--input", dumps, "--num-shards", 3).code == 0
    (out / "_ccpairs").unlink()
    assert build(out, "--input", dumps, "--num-shards", 2).code == 0
    assert len(ccpairs.read_pairs(str(out)).shards) == len(list((out / "candidates" / "reddit").glob("*.parquet"))) == 2


def test_inputs_that_cannot_be_read_fail_alone(dumps: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(b"RC_3\xff.json")
    lines = 'RC_4\n"[1]*.json'
    os.mkfifo(dumps / "RC_2.json")
    for name in (odd, lines):
        shutil.copy(dumps / "RC_1.json", dumps / name)
    (dumps / "RC_5.json").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(dumps / "RC_6.json"))  # such a path is short
        done = build(tmp_path / "out", "--input", dumps)
        assert done.code == 3
        assert done.stderr.splitlines()[1:] == [
            "4 input(s) failed; the same command tries only these again:",
            f"  reddit: {dumps}/RC_2.json: is a FIFO, not a regular file; write its content to a file",
            f"  reddit: {dumps}/RC_3\\xff.json: the name is not UTF-8; rename the file or its folder",
            f"  reddit: {dumps}/RC_5.json: is a device, not a regular file; write its content to a file",
            f"  reddit: {dumps}/RC_6.json: is a socket, not a regular file; write its content to a file",
        ]
    manifest = ccpairs.read_manifest(str(tmp_path / "out" / "candidates" / "reddit"))
    assert [Path(info.uri).name for info in manifest.inputs if info.error is None] == ["RC_1.json", lines, "RS_1.json"]
    assert "RC_3\\xff.json" in [Path(info.uri).name for info in manifest.inputs]
    for name in ("RC_2.json", "RC_5.json", "RC_6.json"):
        (dumps / name).unlink()
    (dumps / odd).rename(dumps / "RC_3.json")
    assert build(tmp_path / "out", "--input", dumps).code == 0


def without_privileges() -> None:
    """Let a process of root's be stopped by permissions: it loses what lets it pass over them."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.fixture
def locked(dumps: Path) -> Iterator[Path]:
    """A folder and a file that nobody may read."""
    (dumps / "secret").mkdir()
    shutil.copy(dumps / "RC_1.json", dumps / "secret" / "RC_2.json")
    shutil.copy(dumps / "RC_1.json", dumps / "RC_3.json")
    (dumps / "secret").chmod(0)
    (dumps / "RC_3.json").chmod(0)
    yield dumps
    (dumps / "secret").chmod(0o755)


@pytest.mark.parametrize("pattern", ["", "/**", "/*"])
def test_what_may_not_be_read_fails_alone(locked: Path, tmp_path: Path, pattern: str) -> None:
    command = [
        sys.executable,
        "-m",
        "ccpairs.build",
        *ONE,
        "--input",
        f"{locked}{pattern}",
        "--output",
        f"{tmp_path}/o",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, preexec_fn=without_privileges, cwd=REPOSITORY
    )
    assert done.returncode == 3, done.stderr
    assert done.stderr.splitlines()[2:] == [
        f"  reddit: {locked}/RC_3.json: cannot be opened ([Errno 13] Permission denied: '{locked}/RC_3.json')",
        f"  reddit: {locked}/secret/: the folder cannot be listed (Permission denied); make it readable, or remove it",
    ]


def test_names_that_the_terminal_cannot_show(dumps: Path) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii:strict", "LC_ALL": "C"}
    done = in_folder(dumps, "--input", ".", "--output", "aus-日本", "--show-pairs", "1", **ascii_only)
    assert done.returncode == 0, done.stderr
    assert "reddit: aus-\\u65e5\\u672c/candidates/reddit" in done.stdout


def start(output: Path, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ccpairs.build", *ONE, *map(str, arguments), "--output", str(output)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Comments that take seconds to extract."""
    path = tmp_path / "RC_9.json"
    with path.open("w") as file:
        for number in range(400_000):
            file.write(f'{{"id": "b{number}", "link_id": "t3_a{number}", "body": "Pot {number}.", "score": 3}}\n')
    return path


def wait_for(reached: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def test_a_second_build_is_refused_and_one_after_a_kill_is_not(large: Path, dumps: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = start(out, "--input", large)
    wait_for(lambda: (out / "_work" / "extract.jsonl").exists())
    second = build(out, "--input", dumps)
    assert (second.code, second.stdout) == (2, "")
    assert f"ccpairs: {out} is being written by process {first.pid} (ccpairs build, started " in second.stderr
    assert second.stderr.endswith("); wait for it or choose another --output\n")
    assert first.poll() is None, "it ended too early to show anything"
    first.send_signal(signal.SIGKILL)
    assert build(out, "--input", dumps).code == 0
    first.communicate()


def test_an_output_that_is_removed_while_it_is_written(large: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(out, "--input", large)
    wait_for(lambda: (out / "_work" / "extract.jsonl").exists())
    shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)  # what was written meanwhile
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert errors == (
        f"ccpairs: {out}, or its _ccpairs, was removed while ccpairs build wrote it; type the same command again\n"
    )


def only_line(command: Callable[[list[str]], int], arguments: list[object], capsys: pytest.CaptureFixture[str]) -> str:
    assert command([str(each) for each in arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line.removeprefix("ccpairs: ")


def test_judge_leaves_other_peoples_files_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_candidates(tmp_path / "in", rows(40), "reddit")
    command: list[object] = ["--input", tmp_path / "in", "--judge", "bm25", "--output"]
    for stage in ("pairs", "dropped"):
        folder = tmp_path / stage / stage / "reddit"
        folder.mkdir(parents=True)
        (folder / "mine.parquet").write_bytes(b"mine")
        line = only_line(judge.main, [*command, tmp_path / stage], capsys)
        assert line == (
            f"{folder} holds mine.parquet, which ccpairs did not write; move it away, or choose another --output"
        )
        assert files_below(folder) == {"mine.parquet": b"mine"}
    (tmp_path / "decoys" / "decoys").mkdir(parents=True)
    mine = tmp_path / "decoys" / "decoys" / "reddit.parquet"
    pq.write_table(pa.table({"x": [1]}), mine)
    line = only_line(judge.main, [*command, tmp_path / "decoys"], capsys)
    assert line == f"{mine} is no file of decoys; move it away, or choose another --output"
    assert pq.read_table(mine).column_names == ["x"]


def test_refilter_leaves_other_peoples_files_alone(
    dumps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(tmp_path / "in", "--input", dumps).code == 0
    folder = tmp_path / "out" / "candidates" / "reddit"
    folder.mkdir(parents=True)
    (folder / "dump.json").write_bytes(b"mine")
    arguments: list[object] = ["--input", tmp_path / "in", "--output", tmp_path / "out", "--max-repeats", 1, "--quiet"]
    line = only_line(refilter.main, arguments, capsys)
    assert line.startswith(f"{folder} holds dump.json, which ccpairs did not write")
    assert files_below(folder) == {"dump.json": b"mine"}


def test_refilter_does_not_clear_the_rejects_that_it_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_candidates(tmp_path / "in", rows(40), "reddit")
    (tmp_path / "in" / "rejected" / "reddit").mkdir(parents=True, exist_ok=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "rejected").symlink_to("../in/rejected")
    arguments: list[object] = ["--input", tmp_path / "in", "--output", tmp_path / "out", "--max-repeats", 1, "--quiet"]
    line = only_line(refilter.main, arguments, capsys)
    assert line == f"--output {tmp_path}/out is where the input lies; choose another --output"


@pytest.mark.parametrize("name", ["model", "tokens", "checkpoints", "metrics.jsonl", "tokenizer.json", "training.json"])
def test_train_leaves_other_peoples_files_alone(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_candidates(tmp_path / "in", rows(40), "reddit")
    out = tmp_path / "out"
    if "." in name:
        out.mkdir()
        (out / name).write_text("{}")
    else:
        (out / name / "step-1").mkdir(parents=True)
        (out / name / "step-1" / "config.json").write_text("{}")
    before = files_below(out)
    line = only_line(train.main, ["--data", tmp_path / "in", "--output", out, "--quiet"], capsys)
    assert line == (f"{out} holds {name}, which ccpairs train did not write; choose another --output, or move it away")
    assert files_below(out) == before


def test_train_refuses_data_that_it_would_wait_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"query": ["a"], "passage": ["b"]}), tmp_path / "data" / "a.parquet")
    fifo = tmp_path / "data" / "b.parquet"
    os.mkfifo(fifo)
    for data in (tmp_path / "data", fifo):
        line = only_line(train.main, ["--data", data, "--output", tmp_path / "out"], capsys)
        assert line == f"{fifo} is not a regular file that can be opened; remove it, or put the file back"


def test_a_language_model_is_written_by_one_command_at_a_time(tmp_path: Path) -> None:
    other = (
        "import pathlib, sys\nfrom models.lm.train import new_directory\n"
        "with new_directory(pathlib.Path(sys.argv[1])): pass"
    )
    command = [sys.executable, "-c", other, str(tmp_path / "lm")]
    with new_directory(tmp_path / "lm") as made:
        (made / "x").touch()
        refused = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
        assert f"{tmp_path}/lm is being written by process {os.getpid()} (ccpairs lm, started" in refused.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["lm", "x"]


def test_what_a_killed_training_of_a_language_model_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".tmp-lm" / "work").mkdir(parents=True)
    (tmp_path / ".tmp-lm" / "work" / "corpus.txt").touch()
    with new_directory(tmp_path / "lm"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["lm"]


@pytest.mark.parametrize(
    "flags",
    [
        ["--decontaminate", "x" * 300],
        ["--decontaminate", os.fsdecode(b"set\xff")],
        ["--decontaminate", "set", "--decontaminate-documents", "judged"],
        ["--opt-out", "x" * 300],
        ["--language-model", "x" * 300],
        ["--output", "x" * 300],
        ["--output", "dumps/RC_1.json/out"],
        ["--output", os.fsdecode(b"out\xff")],
    ],
)
def test_names_of_files_that_cannot_be_used_are_one_line(dumps: Path, tmp_path: Path, flags: list[str]) -> None:
    (tmp_path / "set" / "qrels").mkdir(parents=True)
    (tmp_path / os.fsdecode(b"set\xff")).mkdir()
    for name in ("corpus.jsonl", "queries.jsonl"):
        (tmp_path / "set" / name).write_text('{"_id": "1", "text": "salt"}\n')
    (tmp_path / "set" / "qrels" / "test.tsv").symlink_to("nowhere")
    done = in_folder(tmp_path, "--input", "dumps", "--output", "out", *flags)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_file_address_is_an_input_and_an_output(dumps: Path, tmp_path: Path) -> None:
    (dumps / "a b").mkdir()
    (dumps / "RC_1.json").rename(dumps / "a b" / "RC_1.json")
    inputs = [f"file://{dumps}/RS_1.json", f"file://{dumps}/a%20b/RC_1.json"]
    command = ["--input", *inputs, "--output", f"file://{tmp_path}/new%20out"]
    done = in_folder(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    assert len(ccpairs.read_pairs(f"file://{tmp_path}/new%20out")) == len(ccpairs.read_pairs(f"{tmp_path}/new out")) > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dumps", "new out"]


def test_sample_dumps_go_where_the_output_is(tmp_path: Path) -> None:
    (tmp_path / "out" / ".tmp-sample-dumps" / "reddit").mkdir(parents=True)  # of a command that was killed
    done = in_folder(tmp_path, "--output", "~/out", HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "out" / ".tmp-sample-dumps").exists()
    assert (tmp_path / "out" / "sample-dumps" / "reddit").is_dir()
    assert not (tmp_path / "~").exists()


def arguments_of(samples: Any) -> list[object]:
    return ["--input", samples.folder / "reddit"]


def test_the_mark_of_an_output_is_the_same_after_every_build(samples: Any, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert build(tmp_path / name, *arguments_of(samples)).code == 0
    marks = {(tmp_path / name / "_ccpairs").read_bytes() for name in ("one", "two")}
    assert marks == {f'{{"ccpairs": "{ccpairs.__version__}", "commands": ["build"]}}\n'.encode()}
