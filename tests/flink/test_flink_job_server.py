"""One Java process serves a command, ends with it in every way, and says in one line why it cannot go on."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.signalled import MARK, processes_with, signal_when

pytestmark = pytest.mark.flink

TERMINATED = "ccpairs: ended by SIGTERM; the same command goes on where this one stopped"
WORKER_PROCESSES = ["--sdk_worker_parallelism=2", "--experiments=use_loopback_process_worker"]


@pytest.fixture(scope="module")
def jar() -> str:
    beside = sorted((REPOSITORY.parent / "shared" / "flink").glob("*job-server*.jar"))
    found = os.environ.get("CCPAIRS_FLINK_JAR") or (str(beside[0]) if beside else "")
    if not found:
        pytest.skip("no job server jar: name one in CCPAIRS_FLINK_JAR")
    assert shutil.which("java"), "Java is missing (11 or 17)"
    return found


@pytest.fixture(autouse=True)
def small_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx1g")


def flags(jar: str, samples: Any, *sources: str) -> list[str]:
    inputs = [f"{name}={samples.folder / name}" for name in sources]
    given = ["--source", ",".join(sources), "--input", *inputs, "--rejected", "all", "--num-shards", "4"]
    given += ["--runner=FlinkRunner", "--flink_master=[local]", f"--flink_job_server_jar={jar}"]
    return [*given, "--environment_type=LOOPBACK", "--parallelism=2"]


class Sight:
    """The Java processes of a command, looked at all the time while it runs."""

    def __init__(self, mark: str) -> None:
        self.mark, self._stop = mark, threading.Event()
        self.pids: set[int] = set()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Sight:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.1):
            self.pids |= java_pids(self.mark)


def java_pids(mark: str) -> set[int]:
    """The Java processes that the command with this mark has started and that have not ended."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            is_ours = entry.name.isdigit() and f"{MARK}={mark}".encode() in (entry / "environ").read_bytes()
            if is_ours and Path(os.readlink(entry / "exe")).name == "java":
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def test_one_java_process_for_all_steps_and_none_after(
    jar: str, samples: Any, built_samples: Any, build: Callable[..., Any], tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    mark = f"one-{os.getpid()}"
    with Sight(mark) as sight:
        done = build(
            tmp_path / "out",
            *flags(jar, samples, "reddit", "news"),
            *WORKER_PROCESSES,
            environment={MARK: mark, "TMPDIR": str(temporary)},
        )
    assert done.code == 0, done.stderr
    assert len(sight.pids) == 1
    assert processes_with(mark) == []
    assert list(temporary.iterdir()) == []
    assert done.shards().items() <= built_samples.shards().items()
    assert [line for line in done.stderr.splitlines() if not line.startswith(("extract", "assemble"))] == []


@pytest.mark.parametrize(
    ("workers", "number", "code"),
    [
        ([], signal.SIGTERM, 143),
        (WORKER_PROCESSES, signal.SIGTERM, 143),
        (WORKER_PROCESSES, signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_no_process_is_left_by_a_command_that_a_signal_ends(
    workers: list[str], number: signal.Signals, code: int, jar: str, samples: Any, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ended = signal_when(
        lambda: any((tmp_path / "out").glob("extracts/*/*.parquet")),
        ["-m", "ccpairs.build", *flags(jar, samples, "reddit"), *workers, "--output", tmp_path / "out"],
        number,
        environment={"TMPDIR": str(temporary)},
    )
    assert ended.code == code
    ended.wait_for_survivors()
    if number == signal.SIGTERM:
        assert ended.survivors == []
        assert ended.last_lines == [TERMINATED]
        assert list(temporary.iterdir()) == []


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("localhost", 0)) as server:
        yield server.getsockname()[1]


def refused(jar: str, samples: Any, tmp_path: Path, *more: str) -> str:
    """The one line of a command that is refused before it has made anything."""
    command = [sys.executable, "-m", "ccpairs.build", *flags(jar, samples, "reddit"), "--quiet", *more]
    done = subprocess.run(
        [*command, "--output", str(tmp_path / "out")], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_a_job_server_that_does_not_start(jar: str, samples: Any, taken_port: int, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jar"
    bad.touch()
    here = "ccpairs: the job server of Flink does not start: "
    hint = "; check --flink_job_server_jar, the flags of ports, and JAVA_TOOL_OPTIONS"
    assert refused(str(bad), samples, tmp_path) == f"{here}Error: Invalid or corrupt jarfile {bad}{hint}"
    assert refused(jar, samples, tmp_path, "--job_server_jvm_properties=-Xmx1x") == (
        f"{here}Invalid maximum heap size: -Xmx1x{hint}"
    )
    line = refused(jar, samples, tmp_path, f"--artifact_port={taken_port}")
    assert line.startswith(here)
    assert "Address already in use" in line
    assert refused(jar, samples, tmp_path, f"--job_port={taken_port}") == (
        f"ccpairs: --job_port {taken_port} is taken; name another, or leave the flag out"
    )
    assert refused(str(tmp_path / "none.jar"), samples, tmp_path) == (
        f"ccpairs: --flink_job_server_jar {tmp_path}/none.jar is no file; name the jar of a job server of Flink"
    )
    assert refused(jar, samples, tmp_path, "--job_server_java_launcher=nojava") == (
        "ccpairs: Java is missing (nojava), which Flink needs; install Java 11 or 17, or name it by "
        "--job_server_java_launcher"
    )


def test_a_cluster_that_does_not_answer(jar: str, samples: Any, tmp_path: Path) -> None:
    line = refused(jar, samples, tmp_path, "--flink_master=localhost:1")
    assert line.startswith("ccpairs: Flink failed: java.net.ConnectException")
    assert line.endswith(". Check --flink_master. The same command goes on where this one stopped")


def test_a_job_server_that_ends_midway(jar: str, samples: Any, tmp_path: Path) -> None:
    mark = f"midway-{os.getpid()}"
    command = [sys.executable, "-m", "ccpairs.build", *flags(jar, samples, "reddit"), "--quiet"]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path / "out")],
        cwd=REPOSITORY,
        env={**os.environ, MARK: mark},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not any((tmp_path / "out").glob("extracts/*/*.parquet")):
        assert process.poll() is None
        time.sleep(0.01)
    for pid in java_pids(mark):
        os.kill(pid, signal.SIGKILL)
    assert process.communicate(timeout=120)[1] == (
        "ccpairs: the job server of Flink ended: signal 9 killed it. The same command goes on where this one stopped\n"
    )
    assert process.returncode == 2
    assert processes_with(mark) == []


ENGINE = """
import sys
from ccpairs.command_line import exit_code, set_up_logging

def fails(number):
    if sys.argv[1] == "memory":
        return number % 2, bytes(2_000_000)
    raise ValueError(f"no {number}")

def command(flags):
    set_up_logging()
    import apache_beam as beam
    from pipelines.engine import Engine
    with Engine(tuple(flags)) as engine:
        engine.run(
            lambda graph: graph | beam.Create(range(400)) | beam.Map(fails) | beam.GroupByKey(), seconds=0, parts=1
        )
    return 0

sys.exit(exit_code(command, sys.argv[2:]))
"""


def test_errors_of_jobs_keep_their_reason(jar: str, samples: Any) -> None:
    engine = [flag for flag in flags(jar, samples, "reddit") if "=" in flag and flag.startswith("--")]
    environment = {**os.environ, "JAVA_TOOL_OPTIONS": "-Xmx200m"}
    found = {
        kind: subprocess.run(
            [sys.executable, "-c", ENGINE, kind, *engine],
            cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False,
        )
        for kind in ("memory", "error")
    }  # fmt: skip
    # Which of Java's limits is met first differs from run to run.
    assert found["memory"].returncode == 2
    assert re.fullmatch(
        r"ccpairs: the job server of Flink ended: Terminating due to java\.lang\.OutOfMemoryError: [^.\n]+\. "
        r"Give Java more memory, as in JAVA_TOOL_OPTIONS=-Xmx8g\. The same command goes on where this one stopped\n",
        found["memory"].stderr,
    ), found["memory"].stderr
    assert found["error"].returncode == 1
    assert re.search(r"ValueError: no \d \[while running", found["error"].stderr.splitlines()[-1])
    assert "\tat org.apache" not in found["error"].stderr
