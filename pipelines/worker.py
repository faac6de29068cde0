"""A worker process of the in-process runner, or of Flink with ``CONTROL-ADDRESS WORKER-ID``: Beam's own, but silent
unless something is wrong.

Beam's worker prints what it does, line after line, between the lines and bars of the command. A handler that is there
first keeps it from setting up its own.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback

from ccpairs.exhaustion import explain
from ccpairs.interruption import end_with_parent

OUT_OF_MEMORY = 71
"""Exit code of a worker that lacks memory, threads or open files to run at all (``EX_OSERR`` of sysexits.h)."""


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C on a terminal reaches workers too; the parent ends them
    end_with_parent()
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    logging.getLogger().addHandler(handler)
    import grpc

    from pipelines.worker_processes import raise_only

    raise_only()
    code = 0
    try:
        _run()
    except grpc.RpcError:  # the command has ended
        code = 1
    except Exception as error:
        code = 1 if explain(error) is None else OUT_OF_MEMORY
        if code == 1:
            traceback.print_exc()
    if code:
        # Not by sys.exit: the interpreter would wait for threads of gRPC, and for ever for one that could not start.
        os._exit(code)


def _run() -> None:
    if sys.argv[1:]:
        from apache_beam.runners.worker.sdk_worker import SdkHarness

        control, worker_id = sys.argv[1:]
        SdkHarness(control, worker_id=worker_id).run()
    else:
        from apache_beam.runners.worker import sdk_worker_main

        sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
