"""End a command on a signal that comes while its modules are imported, before :mod:`ccpairs.interruption` takes over.

This module imports next to nothing, for it is imported first of all.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

SIGNALS: dict[int, tuple[str, Any]] = {
    signal.SIGINT: ("interrupted", signal.default_int_handler),
    signal.SIGTERM: ("ended by SIGTERM", signal.SIG_DFL),
    signal.SIGHUP: ("ended by SIGHUP", signal.SIG_DFL),
}
"""Signal -> what the line says, and Python's default handler. Any other handler stays: the signal is ignored
(``nohup``), or the program that calls the command handles it."""


def is_unhandled(number: int) -> bool:
    """Is a signal's handler Python's own, or the one of this module?"""
    return signal.getsignal(number) in (SIGNALS[number][1], _leave)


def handle_signals_of_commands() -> None:
    """End this process in one line on a signal, if it runs a command: ``python -m ccpairs.build`` or ``ccpairs build``.

    Does nothing in a program that imports ``ccpairs``.
    """
    arguments = sys.orig_argv
    module = arguments[arguments.index("-m") + 1 :][:1] if "-m" in arguments else []
    is_module = sys.argv[:1] == ["-m"] and module and module[0].partition(".")[0] == "ccpairs"
    if is_module or os.path.basename(sys.argv[0] if sys.argv else "") == "ccpairs":
        for number in SIGNALS:
            if is_unhandled(number):
                signal.signal(number, _leave)


def _leave(number: int, _: object) -> NoReturn:
    line = f"ccpairs: {SIGNALS[number][0]} before it began; type the same command again\n"
    if int(os.environ.get("RANK", "0")) == 0:  # of the processes that torchrun started, one speaks
        os.write(2, line.encode())
    os._exit(128 + number)
