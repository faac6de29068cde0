"""Worker processes of the in-process runner, with a watch: a run ends as soon as one of them is killed.

Beam itself does not look after the processes that it starts. When the kernel kills one for lack of memory, Beam waits
for ever, or ends in many tracebacks.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from typing import Any

import grpc
from apache_beam.portability import python_urns
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.worker_handlers import GrpcWorkerHandler, WorkerHandler
from apache_beam.runners.worker import sdk_worker
from apache_beam.transforms import environments
from google.protobuf import json_format, text_format

SPEAKERS = (
    *("apache_beam.runners.common", "apache_beam.runners.worker.sdk_worker"),
    *("apache_beam.runners.worker.sdk_worker_main", "apache_beam.runners.worker.log_handler"),
    "apache_beam.runners.worker.data_plane",
)
"""Modules of Beam that log the traceback of an error which they raise, or send to the runner, as well."""

SECONDS_TO_END = 5.0
"""How long a worker process that has nothing to do any more may take to end."""


def raise_only() -> None:
    """Keep Beam from printing and logging, in this process, the tracebacks of errors that it raises or sends."""
    sdk_worker.print = lambda *_, **__: None
    for module in SPEAKERS:
        logging.getLogger(module).setLevel(logging.CRITICAL)


def leave_threads_behind() -> None:
    """Keep threads of Beam, which a dead worker hung up on, from printing tracebacks from now on."""
    heard = threading.excepthook

    def hook(ended: threading.ExceptHookArgs) -> None:
        if not isinstance(ended.exc_value, grpc.RpcError):
            heard(ended)

    threading.excepthook = hook
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)


class WorkerDiedError(Exception):
    """A worker process ended before its work did. ``code`` is its exit code, or minus the number of a signal."""

    def __init__(self, code: int) -> None:
        self.code = code
        with suppress(ValueError):
            super().__init__(f"a worker process was ended by {signal.Signals(-code).name}")
            return
        super().__init__(f"a worker process ended with exit code {code}")


class Watch:
    """The worker processes of one run, and the exit codes of those that failed."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.codes: list[int] = []
        self.death: Future[None] = Future()
        """Done as soon as a process fails before Beam closes it."""
        self._lock = threading.Lock()

    def report(self, code: int, was_closed: bool) -> None:
        with self._lock:
            self.codes.append(code)
            if not was_closed and not self.death.done():
                self.death.set_result(None)


_watch = Watch()


@WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)
class WatchedWorker(GrpcWorkerHandler):
    """Starts a worker process and reports its end. Takes the place of Beam's own handler, which does not."""

    def __init__(self, command: bytes, state: Any, provision_info: Any, grpc_server: Any) -> None:
        super().__init__(state, provision_info, grpc_server)
        self._command = command.decode()
        self._watch = _watch
        self._was_closed = self._was_killed = False

    def start_worker(self) -> None:
        def address(descriptor: Any) -> str:
            return str(text_format.MessageToString(descriptor))

        environment = {
            **os.environ,
            "CONTROL_API_SERVICE_DESCRIPTOR": address(self.control_api_service_descriptor()),
            "LOGGING_API_SERVICE_DESCRIPTOR": address(self.logging_api_service_descriptor()),
            "PIPELINE_OPTIONS": json_format.MessageToJson(self.provision_info.provision_info.pipeline_options),
            "WORKER_ID": self.worker_id,
        }
        self._process = subprocess.Popen(self._command, shell=True, env=environment)
        self._watch.processes.append(self._process)
        self._waiting = threading.Thread(target=self._wait_for_end, name="worker process", daemon=True)
        self._waiting.start()

    def _wait_for_end(self) -> None:
        if (code := self._process.wait()) and not self._was_killed:
            self._watch.report(code, self._was_closed)

    def close(self) -> None:
        self._was_closed = True
        super().close()

    def stop_worker(self) -> None:
        """Wait for the end of the process, which has nothing to do any more.

        A process that connects only now, after a run that failed at once, waits for work and is killed.
        """
        self._waiting.join(SECONDS_TO_END)
        if self._waiting.is_alive():
            self._was_killed = True
            self._process.kill()
            self._waiting.join()


class WatchedRunner(FnApiRunner):
    """Beam's in-process runner with worker processes that a shell ``command`` starts.

    A run raises ``WorkerDiedError`` where one of them dies. It runs in a thread of its own, which stays behind where
    Beam waits for a dead worker.
    """

    def __init__(self, command: str) -> None:
        super().__init__(default_environment=environments.SubprocessSDKEnvironment.from_command_string(command))

    def run_pipeline(self, pipeline: Any, options: Any) -> Any:
        global _watch
        watch = _watch = Watch()
        run: Future[Any] = Future()

        def carry_out() -> None:
            try:
                run.set_result(super(WatchedRunner, self).run_pipeline(pipeline, options))
            except BaseException as error:
                run.set_exception(error)

        threading.Thread(target=carry_out, name="pipeline", daemon=True).start()
        try:
            wait([run, watch.death], return_when=FIRST_COMPLETED)
            if watch.codes and not (run.done() and run.exception() is None):
                raise WorkerDiedError(watch.codes[0])
            return run.result()
        finally:
            for process in watch.processes:
                process.kill()
            for process in watch.processes:
                process.wait()  # so that no file of theirs appears any more
