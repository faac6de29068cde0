"""Sending a signal to a command that runs in a process of its own, and what is left of it then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.conftest import REPOSITORY

MARK = "CCPAIRS_TEST_MARK"
"""A variable that all children inherit, by which they are found."""


class Ended(NamedTuple):
    """A command that a signal ended."""

    code: int
    stdout: str
    stderr: str
    survivors: list[str]
    mark: str = ""

    def wait_for_survivors(self) -> None:
        """Wait until no child is left; children of a killed process look for their parent from time to time."""
        deadline = time.monotonic() + 30
        while left := processes_with(self.mark):
            assert time.monotonic() < deadline, left
            time.sleep(0.05)

    @property
    def last_lines(self) -> list[str]:
        """What it printed to stderr but progress."""
        return [line for line in self.stderr.splitlines() if line.startswith("ccpairs:") or "Traceback" in line]


def signal_when(
    reached: Callable[[], object],
    command: Sequence[object],
    number: signal.Signals,
    *,
    to_group: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run ``python ARGUMENT…`` and signal it, or its whole process group, as soon as a state is reached."""
    mark = uuid.uuid4().hex
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **(environment or {}), MARK: mark},
    )
    try:
        while not reached():
            assert process.poll() is None, process.communicate()
            time.sleep(0.002)
        (os.killpg if to_group else os.kill)(process.pid, number)
        stdout, stderr = process.communicate(timeout=60)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return Ended(process.returncode, stdout, stderr, processes_with(mark), mark)


def processes_with(mark: str) -> list[str]:
    """The command lines of the processes that have the mark and have not ended."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"{MARK}={mark}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has ended, or is not ours
    return found


def half_written(folder: Path) -> list[Path]:
    """Temporary files and folders that are left."""
    return [path for path in folder.rglob("*") if ".tmp-" in path.name or path.suffix == ".progress"]
