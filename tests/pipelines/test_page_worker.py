from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.page_worker import PageWorker, Trouble

REPOSITORY = Path(__file__).resolve().parents[2]
HANDLERS = """
import os, sys, time

def handler(settings):
    def handle(message):
        if message == b"hang":
            time.sleep(600)
        if message == b"crash":
            os._exit(3)
        if message == b"raise":
            raise ValueError("no page")
        if message == b"memory":
            bytearray(settings["bytes"])
        if message == b"print":
            print("hello"); os.write(1, b"hello"); sys.stdout.flush()
        if message == b"pid":
            return str(os.getpid()).encode()
        if message == b"big":
            return bytes(3_000_000)
        return settings["greeting"].encode() + message
    return handle
"""
SETTINGS = {"greeting": "hello ", "bytes": 8 << 30}


@pytest.fixture(autouse=True)
def handlers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that the child can import and that does all the bad things pages make libraries do."""
    (tmp_path / "page_handlers.py").write_text(HANDLERS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


@pytest.fixture
def worker() -> Iterator[PageWorker]:
    with PageWorker("page_handlers:handler", SETTINGS, timeout=30) as made:
        yield made


def answers(worker: PageWorker, *messages: bytes | None) -> list[Any]:
    found = list(worker.map(enumerate(messages)))
    assert [context for context, _ in found] == list(range(len(messages)))
    return [answer for _, answer in found]


def test_answers_come_in_order(worker: PageWorker) -> None:
    messages = [b"%d" % number for number in range(200)]
    assert answers(worker, *messages) == [b"hello " + message for message in messages]


def test_items_without_a_message_come_back_at_their_place(worker: PageWorker) -> None:
    assert answers(worker, b"a", None, None, b"b", None) == [b"hello a", None, None, b"hello b", None]
    assert answers(worker, None) == [None]
    assert answers(worker) == []


def test_a_page_that_hangs_is_killed_and_the_others_are_read() -> None:
    with PageWorker("page_handlers:handler", SETTINGS, timeout=1) as worker:
        found = answers(worker, b"a", b"hang", b"b", b"hang", b"c")
    assert [found[0], found[2], found[4]] == [b"hello a", b"hello b", b"hello c"]
    assert found[1] == found[3] == Trouble("extract_timeout", "no answer in 1 s")


def test_a_page_that_ends_the_process(worker: PageWorker) -> None:
    first, crash, second = answers(worker, b"a", b"crash", b"b")
    assert (first, second) == (b"hello a", b"hello b")
    assert crash == Trouble("extract_crashed", "the page worker ended with status 3")


def test_a_page_that_makes_a_library_raise_costs_no_process(worker: PageWorker) -> None:
    before, error, after = answers(worker, b"pid", b"raise", b"pid")
    assert error == Trouble("extract_error", "ValueError: no page")
    assert before == after


def test_a_page_that_wants_too_much_memory(worker: PageWorker) -> None:
    error, after = answers(worker, b"memory", b"a")
    assert error.reason == "extract_error"
    assert error.detail.startswith("MemoryError")
    assert after == b"hello a"


def test_what_libraries_print_does_not_get_between_the_answers(worker: PageWorker) -> None:
    assert answers(worker, b"print", b"a") == [b"hello print", b"hello a"]


def test_messages_and_answers_larger_than_any_pipe(worker: PageWorker) -> None:
    message = bytes(5_000_000)
    found = answers(worker, b"big", message, b"big", message)
    assert found == [bytes(3_000_000), b"hello " + message] * 2


def test_the_child_is_replaced_after_many_messages(worker: PageWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.page_worker.MESSAGES_PER_CHILD", 2)
    first = answers(worker, b"pid", b"pid")
    assert first[0] == first[1]
    assert answers(worker, b"pid")[0] != first[0]


def test_the_end_of_the_block_ends_the_child() -> None:
    with PageWorker("page_handlers:handler", SETTINGS, timeout=30) as worker:
        (pid,) = answers(worker, b"pid")
        assert not has_ended(int(pid), seconds=0)
    assert has_ended(int(pid), seconds=30)


def test_a_child_that_cannot_start() -> None:
    with (
        PageWorker("page_handlers:no_such_function", SETTINGS, timeout=30) as worker,
        pytest.raises(RuntimeError, match=r"^the page worker did not start"),
    ):
        answers(worker, b"a")


PARENT = """
import sys
from pipelines import page_worker
page_worker.GRACE_SECONDS = 1
settings = {"greeting": "", "bytes": 0}
with page_worker.PageWorker("page_handlers:handler", settings, timeout=1 if LAST == b"hang" else 600) as worker:
    print(next(worker.map([(0, b"pid")]))[1].decode(), flush=True)
    worker._timeout = 600
    worker._child.send([LAST])
    worker._child.answer(600)
    print("answered", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("last", [b"idle", b"hang"])
def test_the_child_ends_when_its_parent_is_killed(last: bytes) -> None:
    """Between pages it sees the end of the pipe; inside a page that hangs its own alarm ends it."""
    command = [sys.executable, "-c", PARENT.replace("LAST", repr(last))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(REPOSITORY)])}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if last == b"idle":
            assert parent.stdout.readline() == b"answered\n"
        parent.send_signal(signal.SIGKILL)
    assert has_ended(pid, seconds=30)


def has_ended(pid: int, seconds: float) -> bool:
    """Has a process ended, or does it end in so many seconds?"""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)
