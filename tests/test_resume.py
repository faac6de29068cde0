"""kill -9 in the middle of each phase, then the same command again: the same bytes as if nothing had happened."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SOURCES = ("reddit", "stackexchange", "s2orc")


def arguments(samples: Any) -> list[str]:
    inputs = [f"{name}={samples.folder / name}" for name in SOURCES]
    return ["--source", ",".join(SOURCES), "--input", *inputs, "--rejected", "all", "--num-shards", "16"]


@pytest.fixture(scope="module")
def undisturbed(samples: Any, build: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    done = build(tmp_path_factory.mktemp("undisturbed") / "out", *arguments(samples))
    assert done.code == 0, done.stderr
    return done


def extracting(output: Path) -> bool:
    """Some files are extracted, others are not."""
    return any(output.glob("extracts/*/*.parquet"))


def half_written(output: Path) -> bool:
    """A file is being written."""
    return any(output.glob("extracts/*/.tmp-*"))


def assembling(output: Path) -> bool:
    """The extracts of the first source are being joined."""
    return (output / "_work" / "assemble-reddit-extracts.jsonl").exists()


def writing_shards(output: Path) -> bool:
    """Some shards of the first source are written, its manifest is not."""
    return any(output.glob("candidates/reddit/*.parquet"))


def between_sources(output: Path) -> bool:
    """The first source is done, the others are not."""
    return (output / "candidates" / "reddit" / "_manifest.json").exists()


def kill_when(reached: Callable[[Path], bool], output: Path, command: list[str]) -> bool:
    """Start a build and kill it and its children as soon as a state is reached; false where it ended before."""
    build = [sys.executable, "-m", "ccpairs.build", *command, "--output", str(output)]
    process = subprocess.Popen(
        build, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env=dict(os.environ)
    )
    while process.poll() is None:
        if reached(output):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.002)
    return False


@pytest.mark.parametrize(
    ("reached", "workers"),
    [(half_written, 1), (extracting, 1), (extracting, 2), (assembling, 1), (writing_shards, 1), (between_sources, 1)],
)
def test_killed_and_run_again(
    reached: Callable[[Path], bool],
    workers: int,
    undisturbed: Any,
    samples: Any,
    build: Callable[..., Any],
    tmp_path: Path,
) -> None:
    flags = [f"--direct_num_workers={workers}"]
    flags += ["--direct_running_mode=multi_processing"] if workers == 2 else []
    output = tmp_path / "out"
    assert kill_when(reached, output, [*arguments(samples), *flags]), "it ended before it could be killed"
    assert not (output / "candidates" / SOURCES[-1] / "_manifest.json").exists(), "killed too late to show anything"
    again = build(output, *arguments(samples))
    assert again.code == 0, again.stderr
    assert again.shards() == undisturbed.shards()
    left = [path for path in output.rglob(".tmp-*") if path.is_file()]
    assert not left, f"half-written files are left: {left}"
    manifests = {
        name: (output / "candidates" / name / "_manifest.json").read_bytes()
        == (undisturbed.output / "candidates" / name / "_manifest.json").read_bytes()
        for name in SOURCES
    }
    assert all(manifests.values()), manifests


def test_what_a_killed_run_left_half_written_is_removed_wherever_it_lies(
    undisturbed: Any, samples: Any, build: Callable[..., Any], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    shutil.copytree(undisturbed.output, output)
    (output / "candidates" / "reddit" / "_manifest.json").unlink()  # as a killed run leaves it
    folders = ("_work", "extracts/reddit", "candidates/reddit", "rejected/reddit")
    for folder in folders:
        (output / folder / ".tmp-part.1.2.3").touch()
    assert build(output, *arguments(samples)).code == 0
    assert not list(output.rglob(".tmp-*"))
