"""A child process that does the work which may hang, crash or eat memory: parsing pages that strangers wrote.

Some pages keep a parser busy for minutes or end its process. So pages are read in a child that can be killed: the page
at fault is counted, a new child goes on with the rest. Parent and child talk over pipes: the parent sends a batch of
messages, the child answers each as soon as it is done, so the number of answers tells which message it is at.

The child is a fresh interpreter, never a fork: the workers of Beam have threads, and a fork copies locks they hold.
This module is both sides; ``python -m pipelines.page_worker`` is the child.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import msgspec

from ccpairs.interruption import end_with_parent

BATCH_MESSAGES = 64
BATCH_BYTES = 4 << 20
"""A batch is sent when it has so many messages or bytes: few enough to keep memory flat, enough to be no overhead."""
MESSAGES_PER_CHILD = 20_000
"""After so many messages the child is replaced, for libraries that forget to free memory."""
MEMORY = 4 << 30
"""Address space of the child in bytes; beyond it, allocation fails inside the child."""
START_SECONDS = 120.0
GRACE_SECONDS = 30
"""A child that is alone (its parent was killed) ends itself so long after the time of a message is up."""

TIMEOUT, CRASHED, ERROR = "extract_timeout", "extract_crashed", "extract_error"

_LENGTH = struct.Struct(">I")
_DONE, _RAISED = b"\x00", b"\x01"
_ROOT = Path(__file__).resolve().parent.parent

Context = TypeVar("Context")


class Trouble(NamedTuple):
    """Why a message has no answer: ``extract_timeout``, ``extract_crashed`` or ``extract_error``."""

    reason: str
    detail: str


class PageWorker:
    """Runs a function in a child process, message by message.

    ``target`` is ``module:name`` of a function that takes the settings and returns the function from message to
    answer (bytes to bytes). ``timeout`` is in seconds for one message. Use it in a ``with`` block: that ends the child.
    """

    def __init__(self, target: str, settings: Mapping[str, Any], timeout: float, memory: int = MEMORY) -> None:
        self._command = [sys.executable, "-m", "pipelines.page_worker", target, json.dumps(settings)]
        self._command += [str(int(timeout) + GRACE_SECONDS), str(memory), str(os.getpid())]
        self._timeout = timeout
        self._child: _Child | None = None

    def __enter__(self) -> PageWorker:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_child()

    def map(self, items: Iterable[tuple[Context, bytes | None]]) -> Iterator[tuple[Context, bytes | Trouble | None]]:
        """Each context with the answer to its message, in order; an item without a message comes back without one."""
        waiting: list[tuple[Context, bytes | None]] = []
        size = 0
        for item in items:
            waiting.append(item)
            size += len(item[1] or b"")
            if size >= BATCH_BYTES or len(waiting) >= BATCH_MESSAGES:
                yield from self._answered(waiting)
                waiting, size = [], 0
        yield from self._answered(waiting)

    def _answered(
        self, items: Sequence[tuple[Context, bytes | None]]
    ) -> Iterator[tuple[Context, bytes | Trouble | None]]:
        answers = self._answers([message for _, message in items if message is not None])
        for context, message in items:
            yield context, None if message is None else next(answers)

    def _answers(self, messages: Sequence[bytes]) -> Iterator[bytes | Trouble]:
        done = 0
        while done < len(messages):
            child = self._child_for(messages[done:])
            while done < len(messages):
                answer = child.answer(self._timeout)
                done += 1
                if isinstance(answer, Trouble) and answer.reason != ERROR:
                    self._end_child()
                    yield answer
                    break
                yield answer

    def _child_for(self, messages: Sequence[bytes]) -> _Child:
        """A living child that has been sent the messages."""
        if self._child is not None and self._child.sent < MESSAGES_PER_CHILD and self._child.send(messages):
            return self._child
        self._end_child()
        self._child = _Child(self._command)
        if not self._child.send(messages):
            raise RuntimeError(f"the page worker ended before its first page: {self._command}")
        return self._child

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """The parent's side of one child process."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, cwd=_ROOT)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        self._poll = select.poll()
        self._poll.register(self._from, select.POLLIN | select.POLLHUP)
        self._buffer = bytearray()
        self.sent = 0
        hello = self.answer(START_SECONDS)
        if isinstance(hello, Trouble):
            self.end()
            raise RuntimeError(f"the page worker did not start ({hello.detail}): {command}")

    def send(self, messages: Sequence[bytes]) -> bool:
        """Send a batch; False if the child is gone."""
        self.sent += len(messages)
        batch = memoryview(_framed(msgspec.msgpack.encode(messages)))
        try:
            while batch:
                batch = batch[self._to.write(batch) :]
        except BrokenPipeError:
            return False
        return True

    def answer(self, timeout: float) -> bytes | Trouble:
        """The next answer, or why there is none."""
        deadline = time.monotonic() + timeout
        while True:
            if len(self._buffer) >= _LENGTH.size:
                end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
                if len(self._buffer) >= end:
                    answer = bytes(self._buffer[_LENGTH.size + 1 : end])
                    raised = self._buffer[_LENGTH.size] == _RAISED[0]
                    del self._buffer[:end]
                    return Trouble(ERROR, answer.decode("utf-8", "replace")) if raised else answer
            left = deadline - time.monotonic()
            if left <= 0 or not self._poll.poll(left * 1000):
                return Trouble(TIMEOUT, f"no answer in {timeout:g} s")
            block = os.read(self._from.fileno(), 1 << 16)
            if not block:
                return Trouble(CRASHED, f"the page worker ended with status {self._process.wait()}")
            self._buffer += block

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._to.close()
        self._from.close()


def _framed(body: bytes) -> bytes:
    return _LENGTH.pack(len(body)) + body


def _read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame; None at the end, also where it comes in the middle of one (the other side was killed)."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    length = _LENGTH.unpack(head)[0]
    body = stream.read(length)
    return body if len(body) == length else None


def serve(handle: Callable[[bytes], bytes], requests: BinaryIO, answers: BinaryIO, patience: int) -> None:
    """The child's side: answer batches until the parent closes the pipe."""
    answers.write(_framed(_DONE))
    answers.flush()
    while (batch := _read_frame(requests)) is not None:
        for message in msgspec.msgpack.decode(batch, type=list[bytes]):
            signal.alarm(patience)
            try:
                answer = _DONE + handle(message)
            except Exception as error:  # whatever the page made a library raise is the page's trouble: it is reported
                answer = _RAISED + f"{type(error).__name__}: {error}"[:500].encode("utf-8", "replace")
            signal.alarm(0)
            answers.write(_framed(answer))
            answers.flush()


def main(arguments: Sequence[str]) -> None:
    target, settings, patience, memory, parent = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    end_with_parent(int(parent))
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    module, _, name = target.partition(":")
    handle = getattr(importlib.import_module(module), name)(json.loads(settings))
    # Trees of pages have no cycles: looking for garbage as often as Python does costs a tenth of the time.
    gc.freeze()
    gc.set_threshold(200_000)
    try:
        serve(handle, sys.stdin.buffer, answers, int(patience))
    except BrokenPipeError:
        os._exit(0)  # the parent is gone; there is nobody to flush for


if __name__ == "__main__":
    main(sys.argv[1:])
