"""What the commands share: how arguments are read, where log lines go, and what an error becomes."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from ccpairs.errors import EXIT_INPUTS_FAILED, EXIT_INTERRUPTED, EXIT_USER, DamagedInput, UserError
from ccpairs.interruption import end_in_one_line
from ccpairs.startup import keep_children_out_of_the_current_folder, refuse_shadowed_packages


class Parser(argparse.ArgumentParser):
    """Raises :class:`UserError` in place of printing pages of usage."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; {self.prog} --help lists the flags")


def positive(text: str) -> int:
    """A whole number from 1, for a flag."""
    try:
        number = int(text.replace("_", "").replace(",", ""))
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} given; expected a whole number from 1")
    return number


def count(text: str) -> int:
    """A whole number from 0, for a flag."""
    return 0 if text == "0" else positive(text)


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as aligned text; the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def need(purpose: str, *modules: str) -> None:
    """Raise :class:`UserError` where a module that an extra installs is missing; nothing is imported."""
    if missing := [name for name in modules if not _is_installed(name)]:
        raise UserError(f"{purpose} needs {', '.join(missing)}; pip install 'ccpairs[cpu]' (or ccpairs[gpu]) brings it")


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


def set_up_logging() -> None:
    """Our lines go to stderr as they are; other people's only where something is wrong."""
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.ERROR)
    logging.getLogger("ccpairs").setLevel(logging.INFO)


def exit_code(
    command: Callable[[Sequence[str]], int], argv: Sequence[str] | None, interrupted: str = "nothing was made"
) -> int:
    """Run a command on its arguments (default: those of this process); its errors become one line and a code.

    A signal ends the process in one line that ends with ``interrupted``: how to go on.
    """
    refuse_shadowed_packages()
    keep_children_out_of_the_current_folder()
    try:
        with end_in_one_line(interrupted, is_whole_process=argv is None):
            return command(sys.argv[1:] if argv is None else argv)
    except UserError as error:
        print(f"ccpairs: {error}", file=sys.stderr)
        return EXIT_USER
    except DamagedInput as error:
        print(f"ccpairs: {error}; nothing was made", file=sys.stderr)
        return EXIT_INPUTS_FAILED
    except KeyboardInterrupt:
        print(f"ccpairs: interrupted; {interrupted}", file=sys.stderr)
        return EXIT_INTERRUPTED
