"""A worker process of the in-process runner: Beam's own, but silent unless something is wrong.

Beam's worker prints what it does, line after line, between the lines and bars of the command. A handler that is there
first keeps it from setting up its own.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback

from ccpairs.exhaustion import explain

OUT_OF_MEMORY = 71
"""Exit code of a worker that lacks memory, threads or open files to run at all (``EX_OSERR`` of sysexits.h)."""


def main() -> None:
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    logging.getLogger().addHandler(handler)
    import grpc
    from apache_beam.runners.worker import sdk_worker_main

    from pipelines.worker_processes import raise_only

    raise_only()
    code = 0
    try:
        sdk_worker_main.main(sys.argv)
    except grpc.RpcError:  # the command has ended
        code = 1
    except Exception as error:
        code = 1 if explain(error) is None else OUT_OF_MEMORY
        if code == 1:
            traceback.print_exc()
    if code:
        # Not by sys.exit: the interpreter would wait for threads of gRPC, and for ever for one that could not start.
        os._exit(code)


if __name__ == "__main__":
    main()
