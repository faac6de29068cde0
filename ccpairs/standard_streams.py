"""Standard output and error of a command: a reader that leaves (``| head -1``) does not end the work."""

from __future__ import annotations

import io
import os
import sys
from typing import Any


class _Stream(io.FileIO):
    """Drops all that is written after an error. Raises it, unless a reader left or nobody could be told."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except OSError as error:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            if isinstance(error, BrokenPipeError) or self.fileno() != 1:
                return len(data)
            error.filename = "standard output"
            raise


def outlive_readers() -> None:
    """Make the standard streams of this process write on into nothing when their reader has left.

    A name that the terminal's encoding lacks is escaped.
    """
    sys.stdout, sys.stderr = _outliving(sys.stdout, 1), _outliving(sys.stderr, 2)


def _outliving(stream: Any, number: int) -> Any:
    """A stream in place of one of Python's own; any other (of a test, or closed) as it is."""
    if not isinstance(stream, io.TextIOWrapper) or isinstance(getattr(stream.buffer, "raw", None), _Stream):
        return stream
    if stream.fileno() != number:
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Stream(number, "w", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
    )
