"""What the commands share: how arguments are read, where log lines go, and what an error becomes."""

from __future__ import annotations

import argparse
import errno
import importlib.util
import io
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from ccpairs.addresses import hide_secrets, secrets_in
from ccpairs.errors import EXIT_INPUTS_FAILED, EXIT_INTERRUPTED, EXIT_USER, DamagedInput, UserError
from ccpairs.exhaustion import explain, is_out_of_memory
from ccpairs.interruption import end_in_one_line
from ccpairs.local_files import is_address, local_path, one_line
from ccpairs.object_stores import is_store_error, reason_of
from ccpairs.output_folder import output_uri
from ccpairs.standard_streams import outlive_readers
from ccpairs.startup import keep_children_out_of_the_current_folder, refuse_shadowed_packages
from ccpairs.version import __version__

ENCODERS = ("torch", "transformers", "tokenizers", "safetensors", "numba")
"""Modules that every encoder needs; the extras cpu and gpu install them."""


LOCAL_INPUT = "only local paths are read here; copy it to this machine and give the path of the copy"
LOCAL_OUTPUT = "only local folders are written here; give a local path and copy the result"

UNUSABLE_NAMES = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP)
"""Errors of the system that say something about a path, whichever flag named it."""

MOST = 10**12
"""More than any data set has rows; the largest number that a flag takes."""


class Parser(argparse.ArgumentParser):
    """Raises :class:`UserError` in place of printing pages of usage. Knows ``--version``."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.add_argument("--version", action="version", version=f"ccpairs {__version__}", help="print it and stop")

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; {self.prog} --help lists the flags")


def add_trust_flag(parser: argparse.ArgumentParser) -> None:
    """The flag without which a model that brings code of its own is refused."""
    parser.add_argument("--trust-remote-code", action="store_true", help="run the code that a model's folder brings")


def add_prompts_flag(parser: argparse.ArgumentParser) -> None:
    """The flag for prompts in the place of a model's own."""
    parser.add_argument(
        "--prompts",
        nargs="+",
        default=[],
        metavar="NAME=TEXT",
        help="what stands before a text, as query='query: ' passage='passage: '; or e5 (these two), none, or own "
        "(default: the model's own; a bare checkpoint has none)",
    )


def local_input(text: str) -> str:
    """A local path to read from, for a flag. Flags that take addresses say URI."""
    if is_address(text):
        raise argparse.ArgumentTypeError(f"{_scheme(text)} is an address, and {LOCAL_INPUT}")
    return local_path(text) if text.startswith("file:/") else text


def local_output(text: str) -> str:
    """A local path to write to, for a flag. Flags that take addresses say URI."""
    if is_address(text):
        raise argparse.ArgumentTypeError(f"{_scheme(text)} is an address, and {LOCAL_OUTPUT}")
    return output_uri(text)


def _scheme(address: str) -> str:
    """An address without what may be secret in it."""
    return f"{address.partition(':')[0]}://…"


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
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal's encoding lacks is no reason to stop
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.ERROR)
    logging.getLogger("ccpairs").setLevel(logging.INFO)


def exit_code(
    command: Callable[[Sequence[str]], int],
    argv: Sequence[str] | None,
    interrupted: str = "nothing was made",
    less_memory: str = "",
) -> int:
    """Run a command on its arguments (default: those of this process); its errors become one line and a code.

    A signal ends the process in one line that ends with ``interrupted``: how to go on.
    ``less_memory``: what the user can do where memory runs out.
    """
    refuse_shadowed_packages()
    keep_children_out_of_the_current_folder()
    arguments = sys.argv[1:] if argv is None else argv
    if argv is None:
        outlive_readers()
    try:
        with end_in_one_line(interrupted, is_whole_process=argv is None):
            code = command(arguments)
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where a full disk becomes one line
            return code
    except UserError as error:
        _print_line(str(error), arguments)
        return EXIT_USER
    except DamagedInput as error:
        reason = explain(error, less_memory) if is_out_of_memory(error) else str(error)
        _print_line(f"{reason}; nothing was made", arguments)
        return EXIT_INPUTS_FAILED
    except KeyboardInterrupt:
        print(f"ccpairs: interrupted; {interrupted}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Exception as error:
        if isinstance(error, OSError) and is_store_error(error):
            line = reason_of(error)
        elif (unusable := describe_unusable_name(error)) is not None:
            line = unusable
        elif (reason := explain(error, less_memory)) is not None:
            line = f"{reason}; {interrupted}"
        else:
            raise
        _print_line(line, arguments)
        return EXIT_USER


def _print_line(text: str, arguments: Sequence[str]) -> None:
    """Print one line for the user, without the secrets in the arguments of the command."""
    print(f"ccpairs: {one_line(hide_secrets(text, secrets_in(arguments)))}", file=sys.stderr)


def describe_unusable_name(error: Exception) -> str | None:
    """One line for a path, whichever flag named it, that the system does not take; None for any other error."""
    if not isinstance(error, OSError) or error.errno not in UNUSABLE_NAMES:
        return None
    reason = str(error.strerror).partition(". Detail")[0]  # Arrow names the file in it
    place = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{place}{reason}; name another file or folder"
