"""End a command on SIGINT, SIGTERM or SIGHUP: end its children, remove its temporary files, print one line, exit.

No exception is raised in the code that the signal interrupts, because libraries swallow ``KeyboardInterrupt`` or wrap
it. The main thread stops where it is, and a thread of this module ends the process. Nothing needs to be saved: files
appear whole or not at all, so the same command goes on after any end.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import select
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from ccpairs.early_signals import SIGNALS, is_unhandled

SECONDS_OF_ONE_PRESS = 0.5
"""Shells and ``timeout`` send a signal twice. A repetition within this time is the same press; a later one ends at
once."""
SECONDS_TO_CLEAN = 10.0
SECONDS_TO_CANCEL = 2.0
SECONDS_TO_FLUSH = 0.5
SECONDS_BETWEEN_LOOKS = 0.5
"""How often a child looks for its parent."""

Act = Callable[[], object]
Process = tuple[int, int]
"""Process id and start time, which together name one process for ever."""

_is_ending = False
_is_sigint_handled = False
_first_acts: dict[object, Act] = {}
_last_acts: dict[object, Act] = {}


@contextlib.contextmanager
def end_in_one_line(how_to_go_on: str, *, is_whole_process: bool = False) -> Iterator[None]:
    """Handle the signals while the block runs, then restore their handlers. Outside the main thread, do nothing.

    ``is_whole_process``: the process ends after the block, and that takes a moment; keep the handlers until then.
    """
    global _is_sigint_handled
    handled = {number for number in SIGNALS if is_unhandled(number)}
    if threading.current_thread() is not threading.main_thread() or not handled:
        yield
        return
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    watch = threading.Thread(
        target=_watch, args=(read_end, handled, how_to_go_on, set(_descendants())), name="signals", daemon=True
    )
    watch.start()
    _is_sigint_handled = signal.SIGINT in handled
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    keep_sigint_from_children()
    wakeup = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    for number in handled:
        signal.signal(number, _stop_here)
    try:
        yield
    finally:
        if _is_ending:
            _stop_here()
        if not is_whole_process:
            for number in handled:
                signal.signal(number, SIGNALS[number][1])
            signal.set_wakeup_fd(wakeup)
            _is_sigint_handled = False
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            os.write(write_end, bytes(1))
            watch.join()
            os.close(write_end)
            os.close(read_end)
        _last_acts.clear()


def keep_sigint_from_children() -> None:
    """Keep Ctrl-C from threads and children that this thread starts from now on.

    A terminal sends it to children too, and they would print tracebacks. They inherit the mask of the thread that
    starts them, and the thread that watches takes the signal.
    """
    if _is_sigint_handled:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


@contextlib.contextmanager
def temporary(path: str | Path) -> Iterator[None]:
    """Remove a file or folder, which the block makes and renames, if a signal ends the command meanwhile."""
    with _registered(_last_acts, lambda: _remove(path)):
        yield


@contextlib.contextmanager
def before_children_end(act: Act) -> Iterator[None]:
    """Call ``act`` if a signal ends the command while the block runs, before its children are ended."""
    with _registered(_first_acts, act):
        yield


def after_children_end(act: Act, key: object) -> None:
    """Call ``act`` if a signal ends the command from now on, after its children; one act for each ``key``."""
    _last_acts[key] = act


def child_command(command: Sequence[str]) -> list[str]:
    """The command line that runs a program which ends with this process, even where this process is killed.

    It ends with the thread that starts it, too. For children that are Python's, :func:`end_with_parent` does the same.
    """
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("launcher.py")), str(os.getpid()), *command]


def end_with_parent(parent: int) -> None:
    """End this process, a child of the process ``parent``, as soon as that has ended in any way."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


@contextlib.contextmanager
def _registered(acts: dict[object, Act], act: Act) -> Iterator[None]:
    if _is_ending:
        _stop_here()
    key = object()
    acts[key] = act
    try:
        yield
    finally:
        acts.pop(key, None)


def _stop_here(*_: object) -> None:
    """Hold this thread until the process ends. At the very end of the interpreter no other thread runs; then go on."""
    while not sys.is_finalizing():
        time.sleep(3600)


def _watch(read_end: int, handled: set[int], how_to_go_on: str, others: set[Process]) -> None:
    """Wait for a signal, then end the process. ``others``: children that were there before the command.

    The main thread may hold any lock when it stops, so nothing from here on logs, imports or starts a ``Thread``.
    """
    global _is_ending
    while (number := os.read(read_end, 1)[0]) not in handled:
        if number == 0:
            return
    _is_ending = True
    end = _End(number, how_to_go_on)
    _thread.start_new_thread(_clean, (end, others))
    time.sleep(SECONDS_OF_ONE_PRESS)
    os.set_blocking(read_end, False)
    with contextlib.suppress(BlockingIOError):
        os.read(read_end, 1 << 10)
    select.select([read_end], [], [], SECONDS_TO_CLEAN)
    end.leave()


class _End:
    """The end of the process: keeps stderr for the one line, which is written once."""

    def __init__(self, number: int, how_to_go_on: str) -> None:
        self._code = 128 + number
        self._line = f"ccpairs: {SIGNALS[number][0]}; {how_to_go_on}\n"
        self._once = _thread.allocate_lock()
        self._stderr = os.dup(2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)

    def leave(self) -> NoReturn:
        while not self._once.acquire(blocking=False):
            _stop_here()
        with contextlib.suppress(OSError):
            if os.isatty(self._stderr):
                self._line = "\r\x1b[K" + self._line  # over the progress bar
            if int(os.environ.get("RANK", "0")) == 0:  # of the processes that torchrun started, one speaks
                os.write(self._stderr, self._line.encode())
        os._exit(self._code)


def _clean(end: _End, others: set[Process]) -> None:
    try:
        for act in list(_first_acts.values()):
            _call_within(SECONDS_TO_CANCEL, act)
        _kill_children(others)
        if "multiprocessing.util" in sys.modules:  # semaphores of process pools are files
            sys.modules["multiprocessing.util"]._run_finalizers(0)
        for act in reversed(list(_last_acts.values())):
            with contextlib.suppress(Exception):
                act()
        _kill_children(others)  # those that threads have started meanwhile
        _call_within(SECONDS_TO_FLUSH, sys.stdout.flush)
    finally:
        end.leave()


def _remove(path: str | Path) -> None:
    """Remove a file or folder, also while other threads still write to it."""
    for _ in range(5):
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        if not os.path.lexists(path):
            return
        time.sleep(0.02)


def _call_within(seconds: float, act: Act) -> None:
    """Call ``act``, and wait no longer: another process may not answer, and the main thread may hold a lock."""
    done = _thread.allocate_lock()
    done.acquire()

    def call() -> None:
        with contextlib.suppress(Exception):
            act()
        done.release()

    _thread.start_new_thread(call, ())
    done.acquire(timeout=seconds)


def _kill_children(others: set[Process]) -> None:
    """Kill the descendants of this process until none is left; what they were writing does not appear."""
    while found := set(_descendants()) - others:
        for pid, _ in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _descendants() -> Iterable[Process]:
    """The processes that come from this one and have not ended."""
    children: dict[int, list[Process]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                state, parent, *more = file.read().rpartition(b") ")[2].split()
                if state not in b"ZX":
                    children.setdefault(int(parent), []).append((int(name), int(more[17])))
    waiting = [os.getpid()]
    while waiting:
        for process in children.get(waiting.pop(), ()):
            yield process
            waiting.append(process[0])
