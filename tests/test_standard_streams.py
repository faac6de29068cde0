"""Standard output whose reader leaves, or that takes no more, in commands that run in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PRINTS = """
import sys
from ccpairs.command_line import exit_code

def command(argv):
    for number in range(99_999):
        print(number)
    open(argv[0], "w").close()
    print("a line", file=sys.stderr)
    return 3

sys.exit(exit_code(command, None, "type it again"))
"""


def run(stdout: int, stderr: int, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], stdout=stdout, stderr=stderr, text=True, check=False, cwd=REPOSITORY
    )


def closed_pipe() -> int:
    """The end to write to of a pipe that nobody reads."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    return write_end


def test_the_work_goes_on_when_the_reader_leaves(tmp_path: Path) -> None:
    pipe = closed_pipe()
    for stderr, says in ((subprocess.PIPE, "a line\n"), (pipe, None)):
        done = run(pipe, stderr, "-c", PRINTS, str(tmp_path / "made"))
        assert (done.returncode, done.stderr) == (3, says)
        (tmp_path / "made").unlink()
    os.close(pipe)


@pytest.mark.parametrize(
    "command", [["ccpairs", "--help"], ["ccpairs.build", "--help"], ["ccpairs.train", "--list-presets"]]
)
def test_no_command_complains_when_the_reader_leaves(command: list[str]) -> None:
    pipe = closed_pipe()
    done = run(pipe, subprocess.PIPE, "-m", *command)
    os.close(pipe)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the device /dev/full is Linux's")
def test_a_full_disk_under_standard_output_is_one_line() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    done = run(full, subprocess.PIPE, "-m", "ccpairs.train", "--list-presets")
    os.close(full)
    assert done.returncode == 2
    assert done.stderr.startswith("ccpairs: cannot write standard output: the disk is full (")
    assert done.stderr.count("\n") == 1
