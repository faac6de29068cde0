"""A worker process of the in-process runner: Beam's own, but silent unless something is wrong.

Beam's worker prints what it does, line after line, between the lines and bars of the command. A handler that is there
first keeps it from setting up its own.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys


def tells_more(record: logging.LogRecord) -> bool:
    """Does a log line say what the command does not learn anyway? What a graph raises reaches it as an exception."""
    of_beam = record.name.startswith("apache_beam.")
    return not of_beam or (record.exc_info is None and "Traceback" not in record.getMessage())


def main() -> None:
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    handler.addFilter(tells_more)
    logging.getLogger().addHandler(handler)
    from apache_beam.runners.worker import sdk_worker_main

    with open(os.devnull, "w") as unread, contextlib.redirect_stderr(unread):  # it prints each traceback, too
        sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
