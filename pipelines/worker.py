"""A worker process of the in-process runner, or of Flink with ``CONTROL-ADDRESS WORKER-ID``: Beam's own, but silent
unless something is wrong.

Beam's worker prints what it does, line after line, between the lines and bars of the command. A handler that is there
first keeps it from setting up its own.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys

from ccpairs.interruption import end_with_parent


def tells_more(record: logging.LogRecord) -> bool:
    """Does a log line say what the command does not learn anyway? What a graph raises reaches it as an exception."""
    of_beam = record.name.startswith("apache_beam.")
    return not of_beam or (record.exc_info is None and "Traceback" not in record.getMessage())


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C on a terminal reaches workers too; the parent ends them
    end_with_parent()
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    handler.addFilter(tells_more)
    logging.getLogger().addHandler(handler)
    with open(os.devnull, "w") as unread, contextlib.redirect_stderr(unread):  # Beam prints each traceback, too
        if sys.argv[1:]:
            from apache_beam.runners.worker.sdk_worker import SdkHarness

            control, worker_id = sys.argv[1:]
            SdkHarness(control, worker_id=worker_id).run()
        else:
            from apache_beam.runners.worker import sdk_worker_main

            sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
