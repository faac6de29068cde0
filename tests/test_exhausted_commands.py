"""Disks that fill, memory that runs out and workers that are killed while a command runs: one line, and it goes on."""

from __future__ import annotations

import contextlib
import gzip
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipelines.samples.containers import long_window_zstd

PROCESSES = ("--direct_num_workers=2", "--direct_running_mode=multi_processing")
THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def command(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"ccpairs.{name}", *map(str, arguments)]


def run(line: Sequence[str], **limits: int) -> subprocess.CompletedProcess[str]:
    """Run a command with limits of :mod:`resource`, such as ``FSIZE=4096``."""

    def limit() -> None:
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))

    return subprocess.run(
        line, capture_output=True, text=True, timeout=170, check=False, preexec_fn=limit, env={**os.environ, **THREADS}
    )


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of the command on stderr; nothing of a library's may stand between them."""
    assert "Traceback" not in done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("ccpairs: ")]


def half_written(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if ".tmp" in path.name or path.suffix == ".part"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """``small_disk(kB)`` mounts an empty disk of that size; skips where this user may not."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(size: int) -> Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", str(place)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("this user may not mount a disk")
        return place

    yield mount
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)


@pytest.fixture(scope="module")
def reddit(samples: Any) -> list[object]:
    return ["--source", "reddit", "--input", samples.folder / "reddit"]


@pytest.fixture(scope="module")
def built(reddit: list[object], build: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    done = build(tmp_path_factory.mktemp("built") / "out", *reddit)
    assert done.code == 0, done.stderr
    return done


@pytest.mark.parametrize("flags", [(), PROCESSES], ids=["in process", "processes"])
def test_a_disk_that_fills_in_a_build(
    flags: Sequence[str], reddit: list[object], small_disk: Callable[[int], Path], built: Any, build: Callable[..., Any]
) -> None:
    disk = small_disk(120)
    done = run(command("build", *reddit, "--output", disk / "out", *flags))
    assert done.returncode == 2
    [line] = said(done)
    assert line.startswith(f"ccpairs: cannot write {disk}/out/extracts/reddit/R")
    assert ": the disk is full (" in line
    assert line.endswith("; make room; the same command goes on where this one stopped")
    assert not half_written(disk)
    if flags:
        return  # going on with processes is tested below
    subprocess.run(["mount", "-o", "remount,size=10m", str(disk)], check=True)
    again = build(disk / "out", *reddit, *flags)
    assert again.code == 0, again.stderr
    assert again.shards() == built.shards()


@pytest.mark.parametrize("flags", [(), PROCESSES], ids=["in process", "processes"])
def test_a_file_that_outgrows_the_limit_in_a_build(flags: Sequence[str], reddit: list[object], tmp_path: Path) -> None:
    done = run(command("build", *reddit, "--output", tmp_path / "out", *flags), FSIZE=40_000)
    assert done.returncode == 2
    [line] = said(done)
    assert line.startswith(f"ccpairs: {tmp_path}/out/extracts/reddit/R")
    assert line.endswith(
        " grows past the largest size that a file may have here; raise the limit (ulimit -f); the same command goes on "
        "where this one stopped"
    )
    assert not half_written(tmp_path)


@pytest.mark.parametrize(
    ("largest", "what"),
    [
        (2_000, "tokenizer.json grows past the largest size"),
        (60_000, "the tokens are not written: "),
        (100_000, "the model is not written: "),
    ],
)
def test_a_file_that_outgrows_the_limit_in_each_phase_of_a_training(
    largest: int, what: str, built: Any, tmp_path: Path
) -> None:
    data = built.output / "candidates" / "reddit"
    flags = ["--data", data, "--output", tmp_path / "out", "--dimension", 16, "--set", "model.vocabulary_size=2000"]
    done = run(command("train", *flags, "--steps", 3, "--quiet"), FSIZE=largest)
    assert done.returncode == 2
    [line] = said(done)
    assert what in line
    assert "raise the limit (ulimit -f)" in line
    assert not half_written(tmp_path)


def test_a_disk_that_fills_in_a_training(built: Any, small_disk: Callable[[int], Path]) -> None:
    """The tokenizers of Hugging Face raise a bare exception there."""
    disk = small_disk(8)
    flags = ["--data", built.output / "candidates" / "reddit", "--output", disk / "out", "--dimension", 16]
    done = run(command("train", *flags, "--set", "model.vocabulary_size=2000", "--steps", 3, "--quiet"))
    assert done.returncode == 2
    [line] = said(done)
    assert line.startswith(f"ccpairs: cannot write {disk}/out/tokenizer.json: the disk is full (")
    assert line.endswith("; make room; the same command goes on from the last checkpoint")
    assert not half_written(disk)
    assert not (disk / "out" / "tokenizer.json").exists()


@pytest.mark.parametrize("size", [100, 200, 1_100])
def test_a_disk_that_fills_in_a_judgement(
    size: int, built: Any, small_disk: Callable[[int], Path], tmp_path: Path
) -> None:
    """The pieces of the pool, the pool, the index of BM25."""
    preset = tmp_path / "small.toml"
    preset.write_text("[model]\ndimension = 16\nvocabulary_size = 1000\n[data]\nbatch_size = 64\nsteps = 10\n")
    disk = small_disk(size)
    flags = ["--input", built.output, "--output", disk / "out", "--preset", preset, "--decoys", 20, "--quiet"]
    done = run(command("judge", *flags, "--judge", "either", "--bm25-pool-size", 500))
    assert done.returncode == 2
    [line] = said(done)
    assert f"cannot write {disk}/out/" in line
    assert ": the disk is full (" in line
    assert not half_written(disk)


def test_a_frame_whose_window_outgrows_the_memory_fails_alone(samples: Any, tmp_path: Path) -> None:
    text = b'{"id": "a1", "title": "What is a long window?", "selftext": "", "score": 9}\n'
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "RS_2020-01.zst").write_bytes(long_window_zstd(text * 1000))
    (folder / "RS_2020-02.gz").write_bytes(gzip.compress(text))
    done = run(
        command("build", "--source", "reddit", "--input", folder, "--output", tmp_path / "out"), AS=2_600_000_000
    )
    assert done.returncode == 3, done.stderr
    [line] = [line for line in done.stderr.splitlines() if "RS_2020-01.zst" in line]
    assert "memory ran out" in line
    assert line.endswith(f"or a folder on a disk with so much room: name one in TMPDIR (now {tempfile.gettempdir()})")
    assert "corrupt" not in done.stderr
    assert "RS_2020-02" not in done.stderr


def workers_of(process: int) -> list[int]:
    """The worker processes below a process."""
    found = []
    for task in Path(f"/proc/{process}/task").glob("*"):
        with contextlib.suppress(OSError):  # it has ended
            for child in map(int, (task / "children").read_text().split()):
                if b"\0pipelines.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(child)
                found += workers_of(child)
    return found


def kill_a_worker(process: subprocess.Popen[str], seconds: float) -> None:
    """Kill one of two workers as soon as both are there and so many seconds have passed."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if len(workers := workers_of(process.pid)) == 2:
            time.sleep(seconds)
            os.kill(workers[0], signal.SIGKILL)
            return
        time.sleep(0.01)
    raise AssertionError("two workers never ran")


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="children are found in /proc")
@pytest.mark.parametrize("seconds", [0.0, 1.5])
def test_a_worker_that_is_killed_in_a_build(
    seconds: float, reddit: list[object], built: Any, build: Callable[..., Any], tmp_path: Path
) -> None:
    line = command("build", *reddit, "--output", tmp_path / "out", *PROCESSES)
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    kill_a_worker(process, seconds)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 2
    *progress, last = stderr.splitlines()
    assert last.startswith("ccpairs: a worker process was ended by SIGKILL, most likely by the kernel because memory ")
    assert "use fewer processes (--direct_num_workers=1)" in last
    assert f"python -m ccpairs.build --source reddit --input {reddit[-1]}" in last
    assert all(each.startswith(("extract: ", "assemble ")) for each in progress), stderr
    if not seconds:
        return
    again = build(tmp_path / "out", *reddit, *PROCESSES)
    assert again.code == 0, again.stderr
    assert again.shards() == built.shards()
    assert "apitools" not in again.stderr
    assert all(each.startswith(("extract: ", "assemble ")) for each in again.stderr.splitlines()), again.stderr


@pytest.mark.parametrize(
    ("name", "flags", "line"),
    [
        ("build", ["--num-shards", 10**9], "'1000000000' given; expected a whole number from 1 to 100,000"),
        ("build", ["--limit", 10**15], "--limit: '1000000000000000' given; expected a whole number from 1 to "),
        ("build", ["--source", "news", "--page-timeout", 10**9], "expected a number of seconds from 1 to 86,400"),
        ("build", ["--direct_num_workers", 10**6], "--direct_num_workers 1,000,000: choose 1 to 1,024, or 0 for"),
        ("judge", ["--pool-size", 10**15], "--pool-size: '1000000000000000' given; expected a whole number from 1 to "),
        ("judge", ["--max-rank", 10**9], "--max-rank: '1000000000' given; expected a whole number from 1 to 1,000"),
        ("judge", ["--rounds", 10**9], "--rounds: '1000000000' given; expected a whole number from 1 to 100"),
        ("train", ["--dimension", 10**9], "model.dimension is 1000000000; it must be from 1 to 65,536"),
        ("train", ["--temperature", "nan"], "loss.temperature is nan; it must be from 0.0001 to 1,000"),
        ("train", ["--set", "loss.margin=nan"], "loss.margin is nan; it must be from "),
        ("train", ["--batch-size", 10**12], "data.batch_size is 1000000000000; it must be from 1 to 1,000,000,000"),
        ("evaluate", ["--processes", 10**6], "--processes: '1000000' given; expected a whole number from 1 to 1,024"),
    ],
)  # fmt: skip
def test_absurd_sizes_are_one_line(
    name: str, flags: list[object], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from importlib import import_module

    needed: dict[str, list[object]] = {
        "build": ["--output", tmp_path / "out"],
        "judge": ["--input", tmp_path, "--output", tmp_path / "out"],
        "train": ["--data", tmp_path, "--output", tmp_path / "out"],
        "evaluate": ["--model", "bm25"],
    }
    assert import_module(f"ccpairs.{name}").main([*map(str, needed[name]), *map(str, flags)]) == 2
    [said_line] = capsys.readouterr().err.splitlines()
    assert line in said_line
    assert not (tmp_path / "out").exists()
