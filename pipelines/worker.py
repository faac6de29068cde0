"""A worker process: Beam's own, but it ends with its parent and is silent unless something is wrong.

``python -m pipelines.worker PARENT`` works for the in-process runner, which puts the rest into the environment;
``python -m pipelines.worker PARENT CONTROL-ADDRESS WORKER-ID`` works for Flink. ``PARENT`` is a process id.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import grpc

from ccpairs.exhaustion import explain
from ccpairs.interruption import end_with_parent

OUT_OF_MEMORY = 71
"""Exit code of a worker that lacks memory, threads or open files to run at all (``EX_OSERR`` of sysexits.h)."""


@contextmanager
def hang_ups_unheard() -> Iterator[None]:
    """Keep threads of Beam's from printing a traceback when the other side of a connection ends.

    Where that is an error, the main thread gets it too, and may get it first: then they are kept from it for good.
    """
    heard = threading.excepthook

    def hook(ended: threading.ExceptHookArgs) -> None:
        if not isinstance(ended.exc_value, grpc.RpcError):
            heard(ended)

    threading.excepthook = hook
    yield
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
    code = 0
    try:
        _run(control)
    except grpc.RpcError:  # the command has ended
        code = 1
    except Exception as error:
        code = 1 if explain(error) is None else OUT_OF_MEMORY
        if code == 1:
            traceback.print_exc()
    if code:
        # Not by sys.exit: the interpreter would wait for threads of gRPC, and for ever for one that could not start.
        os._exit(code)


def _run(control: Sequence[str]) -> None:
    from pipelines.worker_processes import raise_only

    raise_only()
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
