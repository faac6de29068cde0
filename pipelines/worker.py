"""A worker process: Beam's own, but it ends with its parent and is silent unless something is wrong.

``python -m pipelines.worker PARENT`` works for the in-process runner, which puts the rest into the environment;
``python -m pipelines.worker PARENT CONTROL-ADDRESS WORKER-ID`` works for Flink. ``PARENT`` is a process id.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import grpc

from ccpairs.interruption import end_with_parent


@contextmanager
def hang_ups_unheard() -> Iterator[None]:
    """Keep threads of Beam's from printing a traceback when the other side of a connection ends.

    Where that is an error, the main thread gets it too.
    """
    heard = threading.excepthook

    def hook(ended: threading.ExceptHookArgs) -> None:
        if not isinstance(ended.exc_value, grpc.RpcError):
            heard(ended)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = heard


def main() -> None:
    parent, *control = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C on a terminal reaches workers too; the parent ends them
    end_with_parent(int(parent))
    # Beam's worker prints what it does, line after line, unless there is a handler before it sets up its own. An error
    # of a job on Flink is in the exception that the command gets.
    handler = logging.StreamHandler()
    handler.setLevel(logging.CRITICAL if control else logging.ERROR)
    logging.getLogger().addHandler(handler)
    if control:
        from apache_beam.runners.worker.sdk_worker import SdkHarness

        address, worker_id = control
        with hang_ups_unheard(), suppress(grpc.RpcError):  # raised where the engine ends first
            SdkHarness(address, worker_id=worker_id).run()
    else:
        from apache_beam.runners.worker import sdk_worker_main

        sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
