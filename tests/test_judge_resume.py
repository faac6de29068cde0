"""kill -9 in the middle of each phase of ``judge``, then the same command again: the same bytes as undisturbed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.judging import Judged, command, run, write_preset

SOURCES = "news,communityqa"


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    preset = write_preset(tmp_path_factory.mktemp("preset"))
    found: list[object] = ["--source", SOURCES, "--preset", preset, "--pool-size", 900, "--decoys", 40]
    return [*found, "--rank-path", "faiss", "--rounds", 2]


@pytest.fixture(scope="module")
def undisturbed(built_samples: Any, flags: list[object], tmp_path_factory: pytest.TempPathFactory) -> Judged:
    done = run("judge", built_samples.output, tmp_path_factory.mktemp("undisturbed") / "out", *flags)
    assert done.code == 0, done.stderr
    return done


def any_file(pattern: str, number: int = 1) -> Callable[[Path], bool]:
    return lambda output: sum(1 for _ in output.glob(pattern)) >= number


PHASES = {
    "drawing the pool": any_file("_work/pool-pieces/*/*.parquet"),
    "hashing texts": any_file("_work/fold-pieces/*/*.parquet"),
    "training": any_file("_work/models/*/fold-0/metrics.jsonl"),
    "encoding the pool": any_file("_work/vectors/[0-9a-f]*.npy"),
    "judging decoys": any_file("_work/rounds/1/decoys/*.parquet"),
    "judging shards": any_file("_work/rounds/1/_work/notes/*.json", 3),
    "judging shards again": any_file("_work/notes/*.json", 2),
}


def kill_when(reached: Callable[[Path], bool], candidates: Path, output: Path, flags: list[object]) -> bool:
    """Run the command and kill it, with all its children, as soon as it has come so far; false where it ended first."""
    process = subprocess.Popen(
        command("judge", "--input", candidates, "--output", output, *flags),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=REPOSITORY,
    )  # fmt: skip
    while process.poll() is None:
        if reached(output):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.002)
    return False


@pytest.mark.parametrize("reached", PHASES.values(), ids=PHASES)
def test_killed_and_run_again(
    reached: Callable[[Path], bool], undisturbed: Judged, built_samples: Any, flags: list[object], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    assert kill_when(reached, built_samples.output, output, flags), "it ended before it could be killed"
    assert not list(output.glob("pairs/*/_manifest.json")), "killed too late to show anything"
    again = run("judge", built_samples.output, output, *flags)
    assert again.code == 0, again.stderr
    assert again.files() == undisturbed.files()
    assert again.manifests() == undisturbed.manifests()
    assert not [path for path in output.rglob(".tmp-*") if path.is_file()]
    assert again.stdout.replace(str(output), "") == undisturbed.stdout.replace(str(undisturbed.output), "")


def test_shards_that_were_judged_are_not_judged_again(
    undisturbed: Judged, built_samples: Any, flags: list[object], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    once: list[object] = [*flags[:-2], "--rounds", 1]
    assert kill_when(any_file("_work/notes/*.json", 3), built_samples.output, output, once)
    done = {path: path.stat().st_mtime_ns for path in output.glob("_work/notes/*.json")}
    again = run("judge", built_samples.output, output, *once)
    assert again.code == 0, again.stderr
    assert f"judge: {len(done)} of 8 shards found done" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in done} == done
