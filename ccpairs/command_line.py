"""What the commands share: how arguments are read, where log lines go, and what an error becomes."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from ccpairs.errors import EXIT_INPUTS_FAILED, EXIT_INTERRUPTED, EXIT_USER, DamagedInput, UserError
from ccpairs.exhaustion import explain, is_out_of_memory
from ccpairs.startup import keep_children_out_of_the_current_folder, refuse_shadowed_packages

MOST = 10**12
"""More than any data set has rows; the largest number that a flag takes."""


class Parser(argparse.ArgumentParser):
    """Raises :class:`UserError` in place of printing pages of usage."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; {self.prog} --help lists the flags")


def up_to(most: int, least: int = 1) -> Callable[[str], int]:
    """A whole number from ``least`` to ``most``, for a flag."""

    def parse(text: str) -> int:
        try:
            number = int(text.replace("_", "").replace(",", ""))
        except ValueError:
            number = -1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{text!r} given; expected a whole number from {least} to {most:,}")
        return number

    return parse


positive, count = up_to(MOST), up_to(MOST, least=0)
"""Numbers from 1 and from 0, for flags that need no closer limit."""


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
    command: Callable[[Sequence[str]], int],
    argv: Sequence[str] | None,
    interrupted: str = "nothing was made",
    less_memory: str = "",
) -> int:
    """Run a command on its arguments (default: those of this process); its errors become one line and a code.

    ``less_memory``: what the user can do where memory runs out.
    """
    refuse_shadowed_packages()
    keep_children_out_of_the_current_folder()
    try:
        return command(sys.argv[1:] if argv is None else argv)
    except UserError as error:
        print(f"ccpairs: {error}", file=sys.stderr)
        return EXIT_USER
    except DamagedInput as error:
        reason = explain(error, less_memory) if is_out_of_memory(error) else error
        print(f"ccpairs: {reason}; nothing was made", file=sys.stderr)
        return EXIT_INPUTS_FAILED
    except KeyboardInterrupt:
        print(f"ccpairs: interrupted; {interrupted}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Exception as error:
        if (reason := explain(error, less_memory)) is None:
            raise
        print(f"ccpairs: {reason}; {interrupted}", file=sys.stderr)
        return EXIT_USER
