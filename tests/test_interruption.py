"""A signal ends a command wherever it is: one line, the signal's exit code, no child and no temporary file left."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ccpairs.command_line import exit_code
from tests.conftest import REPOSITORY
from tests.signalled import half_written, signal_when

COMMAND = """
import signal, subprocess, sys, threading, time
from pathlib import Path
from ccpairs import interruption
from ccpairs.command_line import exit_code
from ccpairs.output_folder import hold_file

folder = Path(sys.argv[1])

def ready():
    (folder / "ready").touch()
    time.sleep(600)

def command(argv):
    print("printed before", end="")
    BODY
    return 0

sys.exit(exit_code(command, [], "type it again"))
"""
SLEEPS = """
    ready()
"""
SWALLOWS_ERRORS = """
    while True:
        try:
            ready()
        except BaseException:
            pass
"""
HAS_A_STUBBORN_CHILD = """
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    child.stdout.readline()
    ready()
"""
HAS_TEMPORARY_FILES = """
    lock = hold_file(str(folder / ".tmp-lock"), "lm", "lm", stays=False)
    with lock, interruption.temporary(folder / ".tmp-file"), interruption.temporary(folder / ".tmp-folder"):
        (folder / ".tmp-folder").mkdir()
        (folder / ".tmp-folder" / "inside").touch()
        (folder / ".tmp-file").touch()
        ready()
"""
LINES = {
    signal.SIGINT: (130, "ccpairs: interrupted; type it again"),
    signal.SIGTERM: (143, "ccpairs: ended by SIGTERM; type it again"),
    signal.SIGHUP: (129, "ccpairs: ended by SIGHUP; type it again"),
}


def script(folder: Path, body: str) -> list[str]:
    return ["-c", COMMAND.replace("    BODY", body.strip("\n")), str(folder)]


@pytest.mark.parametrize("number", LINES)
@pytest.mark.parametrize("body", [SLEEPS, SWALLOWS_ERRORS, HAS_A_STUBBORN_CHILD, HAS_TEMPORARY_FILES])
def test_one_line_and_nothing_is_left(body: str, number: signal.Signals, tmp_path: Path) -> None:
    ended = signal_when((tmp_path / "ready").exists, script(tmp_path, body), number)
    code, line = LINES[number]
    assert ended[:4] == (code, "printed before", f"{line}\n", [])
    assert half_written(tmp_path) == []


def start(folder: Path, body: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    """A command that has come to a file ``ready``."""
    process = subprocess.Popen(
        [*before, sys.executable, *script(folder, body)], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
    )
    while not (folder / "ready").exists():
        assert process.poll() is None
        time.sleep(0.01)
    return process


def test_the_second_press_ends_a_long_clean_up(tmp_path: Path) -> None:
    body = """
    interruption.SECONDS_TO_CLEAN = 600
    interruption.after_children_end(lambda: time.sleep(600), key="slow")
    ready()
    """
    process = start(tmp_path, body)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    assert process.communicate()[1] == "ccpairs: interrupted; type it again\n"
    assert process.returncode == 130


def test_a_clean_up_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    body = """
    interruption.SECONDS_TO_CLEAN = 0.1
    interruption.after_children_end(lambda: time.sleep(600), key="slow")
    ready()
    """
    process = start(tmp_path, body)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[1] == "ccpairs: ended by SIGTERM; type it again\n"
    assert process.returncode == 143


def test_a_job_elsewhere_is_cancelled_before_the_children_end(tmp_path: Path) -> None:
    body = """
    child = subprocess.Popen(["sleep", "600"])
    def act():
        (folder / "cancelled").write_text(str(child.poll()))
    with interruption.before_children_end(act):
        ready()
    """
    process = start(tmp_path, body)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert (tmp_path / "cancelled").read_text() == "None"


def test_a_signal_that_was_ignored_stays_ignored(tmp_path: Path) -> None:
    body = """
    (folder / "ready").touch()
    while not (folder / "go").exists():
        time.sleep(0.01)
    """
    process = start(tmp_path, body, before=["sh", "-c", 'trap "" INT HUP; exec "$@"', "sh"])
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGHUP)
    (tmp_path / "go").touch()
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0


def test_the_line_of_a_progress_bar_is_cleared(tmp_path: Path) -> None:
    body = """
    print("\\rtrain:  50%|#####     |", end="", file=sys.stderr, flush=True)
    ready()
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, *script(tmp_path, body)], cwd=REPOSITORY, stderr=theirs)
    os.close(theirs)
    while not (tmp_path / "ready").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert shown == "\rtrain:  50%|#####     |\r\x1b[Kccpairs: interrupted; type it again\r\n"


CHILD = """
import os, time
from ccpairs.interruption import end_with_parent
end_with_parent(os.getppid())
print(flush=True)
time.sleep(600)
"""


def test_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    body = f"""
    children = [[sys.executable, "-c", {CHILD!r}], interruption.child_command(["sh", "-c", "echo; exec sleep 600"])]
    for command in children:
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        child.stdout.readline()
        with open(folder / "pids", "a") as file:
            print(child.pid, file=file)
    ready()
    """
    process = start(tmp_path, body)
    children = [int(line) for line in (tmp_path / "pids").read_text().split()]
    process.kill()
    process.communicate()
    assert len(children) == 2
    deadline = time.monotonic() + 30
    while any(map(is_running, children)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


def handling() -> list[object]:
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return [*map(signal.getsignal, LINES), mask, threading.active_count()]


def test_the_handlers_of_a_program_that_calls_a_command_are_restored() -> None:
    before, inside = handling(), []
    assert exit_code(lambda _: inside.append(handling()) or 0, []) == 0  # type: ignore[func-returns-value]
    assert handling() == before != inside[0]


def test_in_another_thread_no_handler_is_installed() -> None:
    before: list[object] = [*map(signal.getsignal, LINES)]
    inside: list[object] = []

    def command(_: Sequence[str]) -> int:
        inside.extend(map(signal.getsignal, LINES))
        return 0

    thread = threading.Thread(target=exit_code, args=(command, []))
    thread.start()
    thread.join()
    assert inside == before


def test_a_signal_after_the_work_while_the_process_ends(tmp_path: Path) -> None:
    """Libraries take a moment to end their threads; a traceback of theirs would be the last word."""
    code = COMMAND.replace("    BODY", "    import atexit; atexit.register(ready)").replace(
        "command, []", "command, None"
    )
    ended = signal_when((tmp_path / "ready").exists, ["-c", code, tmp_path], signal.SIGINT)
    assert ended[:4] == (130, "printed before", "ccpairs: interrupted; type it again\n", [])


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (signal.SIGINT, "ccpairs: interrupted before it began; type the same command again\n"),
        (signal.SIGTERM, "ccpairs: ended by SIGTERM before it began; type the same command again\n"),
    ],
)
def test_a_signal_while_a_command_is_imported(number: signal.Signals, line: str, tmp_path: Path) -> None:
    code = f"import pathlib, time\npathlib.Path({str(tmp_path / 'ready')!r}).touch()\ntime.sleep(600)\n"
    (tmp_path / "argparse.py").write_text(code)  # stands before Python's own
    ended = signal_when(
        (tmp_path / "ready").exists, ["-m", "ccpairs.build"], number, environment={"PYTHONPATH": str(tmp_path)}
    )
    assert (ended.code, ended.stderr) == (128 + number, line)


def test_a_program_that_imports_ccpairs_keeps_its_handlers() -> None:
    code = "import signal, ccpairs; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout == "True\n"
