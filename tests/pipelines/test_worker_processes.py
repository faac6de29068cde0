"""Worker processes that die, or whose work fails: a run ends, and says what happened."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest

from ccpairs.errors import DamagedInput, UserError
from pipelines.engine import Engine

PROCESSES = ("--direct_num_workers=2", "--direct_running_mode=multi_processing")


def run(step: Any, engine: Engine | None = None, **more: Any) -> None:
    def graph(pipeline: Any) -> None:
        _ = pipeline | beam.Create(range(8)) | beam.Reshuffle() | "the step" >> beam.Map(step)

    (engine or Engine(PROCESSES)).run(graph, seconds=1, parts=2, **more)


def killed_by(number: int) -> Any:
    def step(item: int) -> None:
        if item == 5:
            os.kill(os.getpid(), number)

    return step


def test_a_killed_worker_ends_the_run_with_what_to_do() -> None:
    with pytest.raises(UserError) as caught:
        run(killed_by(signal.SIGKILL), Engine(PROCESSES, ("build", "--source", "x")), row_bytes=2_000_000_000)
    assert re.fullmatch(
        "a worker process was ended by SIGKILL, most likely by the kernel because memory ran out; this step takes "
        r"about 7\.7 GB of memory, [\d,.]+ [GM]B are free now\. The same command goes on where this one stopped: use "
        r"fewer processes \(--direct_num_workers=1\) or a machine with more memory, or use Flink: JAVA_TOOL_OPTIONS="
        r"-Xmx\d+g python -m ccpairs.build --source x --runner=FlinkRunner .*",
        str(caught.value),
    )


def test_a_worker_that_crashes_ends_the_run() -> None:
    with pytest.raises(UserError, match=r"^a worker process was ended by SIGABRT; the lines above may say why\."):
        run(killed_by(signal.SIGABRT))


def test_a_worker_that_leaves_ends_the_run() -> None:
    def step(_: int) -> None:
        os._exit(3)

    with pytest.raises(UserError, match=r"^a worker process ended with exit code 3; the lines above may say why\."):
        run(step)


def test_a_worker_that_is_killed_before_it_connects_ends_the_run(tmp_path: Path) -> None:
    """Beam itself waits for it for ever. The folder of a module of Python's hides a killer from this process."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif 'pipelines.worker' in sys.orig_argv: os.kill(os.getpid(), 9)\n"
    )
    code = (
        "from pipelines.engine import Engine\n"
        "import apache_beam as beam\n"
        f"Engine({PROCESSES!r}).run(lambda pipeline: pipeline | beam.Create([1]), seconds=1, parts=2)\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "UserError: a worker process was ended by SIGKILL" in done.stderr


@pytest.mark.parametrize("kind", [UserError, DamagedInput])
def test_errors_of_ours_come_out_as_they_were_raised(kind: type[Exception]) -> None:
    def step(_: int) -> None:
        raise kind("x.parquet was changed; make it again")

    with pytest.raises(kind, match=r"^x\.parquet was changed; make it again$"):
        run(step)
    with pytest.raises(kind, match=r"^x\.parquet was changed; make it again$"):
        run(step, Engine())


@pytest.mark.parametrize("flags", [(), PROCESSES, ("--direct_num_workers=2", "--direct_running_mode=multi_threading")])
def test_a_bug_shows_its_traceback_once(flags: tuple[str, ...]) -> None:
    code = (
        "import logging, sys\n"
        "logging.basicConfig(level=logging.ERROR)\n"
        "from pipelines.engine import Engine\n"
        "import apache_beam as beam\n"
        "def step(number): return {}['no such key']\n"
        f"Engine({flags!r}).run(lambda pipeline: pipeline | beam.Create([1]) | beam.Map(step), seconds=1, parts=2)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    # The first error and the one that Beam makes of it: a traceback has both.
    assert len(re.findall(r"^KeyError: ", done.stderr, flags=re.MULTILINE)) == 2, done.stderr
    assert "ERROR:" not in done.stderr
