"""Flink's job server, one Java process for all graphs of a command, and what its errors mean.

Beam starts a job server for each graph and leaves it to the end of the process, with its memory.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import apache_beam as beam
import grpc
from apache_beam.options.pipeline_options import (
    DebugOptions,
    FlinkRunnerOptions,
    PipelineOptions,
    PortableOptions,
)
from apache_beam.portability.api import beam_fn_api_pb2, beam_job_api_pb2_grpc
from apache_beam.runners.portability.flink_runner import MAGIC_HOST_NAMES, FlinkJarJobServer, FlinkRunner
from apache_beam.runners.portability.job_server import JobServer
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer

from ccpairs.errors import UserError
from ccpairs.interruption import child_command, temporary

START_SECONDS = 120.0
SECONDS_BETWEEN_LOOKS = 0.2
LINES_KEPT = 200
SERVER = "the job server of Flink"
AGAIN = "The same command goes on where this one stopped"
FAILED = re.compile(r"^Pipeline \S+ failed in state \w+: ")
PYTHON_ERROR = "Error received from SDK harness for instruction"
REPEATED = ("", *(f"apache_beam.runners.{name}" for name in ("common", "worker.sdk_worker", "worker.data_plane")))
"""Loggers that print the error of a job, some of them once for each attempt, though the exception holds it; and that
connections end when a job has ended."""


class Flink:
    """The processes that graphs of one command run on; they start with the first graph and end with :meth:`close`."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._server: _JavaServer | None = None
        self._workers: str | None = None
        self._is_open = False

    def close(self) -> None:
        """End the processes."""
        self._stack.close()
        self._server, self._workers, self._is_open = None, None, False

    def pipeline(self, options: PipelineOptions, *, is_flink: bool) -> Any:
        """An empty graph for the job server of ``is_flink``, or for the one that ``--job_endpoint`` names."""
        if not self._is_open:
            self._is_open = True
            self._stack.enter_context(_without_repetition())
            self._stack.enter_context(_temporary_folder())
        self._use_worker_processes(options, is_flink=is_flink)
        if not is_flink or options.view_as(PortableOptions).job_endpoint:
            return beam.Pipeline(options=options)
        if self._server is None:
            self._server = _JavaServer(options)
            self._stack.callback(self._server.stop)
        return beam.Pipeline(_Runner(self._server), options=options)

    @contextlib.contextmanager
    def clear_errors(self) -> Iterator[None]:
        """Raise what a job's error means: ``UserError`` for Flink's own, ``RuntimeError`` with Python's traceback."""
        try:
            yield
        except (RuntimeError, grpc.RpcError, grpc.FutureTimeoutError) as error:
            if self._server is not None and self._server.has_ended():
                raise UserError(f"{SERVER} ended: {self._server.reason()}. {_advice(self._server.reason())}") from None
            raise _meaning(error) from None

    def _use_worker_processes(self, options: PipelineOptions, *, is_flink: bool) -> None:
        """Start worker processes that end with this process, where the flags ask for processes (LOOPBACK)."""
        portable = options.view_as(PortableOptions)
        is_local = is_flink and options.view_as(FlinkRunnerOptions).flink_master in MAGIC_HOST_NAMES
        if (portable.environment_type or ("LOOPBACK" if is_local else "")).upper() != "LOOPBACK":
            return
        if not options.view_as(DebugOptions).lookup_experiment("use_loopback_process_worker", False):
            return
        if self._workers is None:
            self._workers, server = _Workers.start(use_process=True)
            self._stack.callback(server.stop, 0)
        portable.environment_type, portable.environment_config = "EXTERNAL", self._workers


class _Runner(FlinkRunner):
    """Beam's runner on a job server that outlives a graph."""

    def __init__(self, server: JobServer) -> None:
        super().__init__()
        self._server = server

    def default_job_server(self, options: PipelineOptions) -> JobServer:
        flink = options.view_as(FlinkRunnerOptions)
        flink.flink_master = self.add_http_scheme(flink.flink_master)
        if flink.flink_submit_uber_jar and flink.flink_master not in MAGIC_HOST_NAMES:
            return super().default_job_server(options)
        return self._server


class _JavaServer(FlinkJarJobServer):
    """Beam's job server in a Java process that ends with this process."""

    def __init__(self, options: PipelineOptions) -> None:
        super().__init__(options)
        self._master_url: str = FlinkRunner.add_http_scheme(options.view_as(FlinkRunnerOptions).flink_master)
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: grpc.Channel | None = None
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._stack = ExitStack()

    def start(self) -> beam_job_api_pb2_grpc.JobServiceStub:
        if self._channel is None:
            self._launch()
        return beam_job_api_pb2_grpc.JobServiceStub(self._channel)

    def stop(self) -> None:
        self._stack.close()

    def has_ended(self) -> bool:
        """Whether the process has ended; waits a little, because connections break first."""
        if self._process is None:
            return False
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        return self._process.poll() is not None

    def reason(self) -> str:
        """The line of the process that best says why it ended."""
        assert self._process is not None
        code = self._process.returncode
        return f"signal {-code} killed it" if code < 0 else _telling(list(self._lines)) or f"exit code {code}"

    def _launch(self) -> None:
        if shutil.which(self._java_launcher) is None:
            raise UserError(
                f"Java is missing ({self._java_launcher}), which Flink needs; install Java 11 or 17, "
                "or name it by --job_server_java_launcher"
            )
        if self._jar and "://" not in self._jar and not os.path.isfile(self._jar):
            raise UserError(f"--flink_job_server_jar {self._jar} is no file; name the jar of a job server of Flink")
        if self._job_port:
            _check_port(self._job_port)
        self._local_temp_root = tempfile.gettempdir()
        try:
            (java, *arguments), endpoint = self.subprocess_cmd_and_endpoint()
        except Exception as error:  # the download raises all kinds
            raise UserError(
                f"{SERVER} cannot be fetched ({' '.join(str(error).partition('. Also')[0].split())}); "
                "name a jar on this machine by --flink_job_server_jar=PATH"
            ) from None
        own = ["-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError"]  # no file in /tmp, and no job that waits for ever
        if "java.io.tmpdir" not in os.environ.get("JAVA_TOOL_OPTIONS", ""):
            own.append(f"-Djava.io.tmpdir={self._local_temp_root}")
        self._process = subprocess.Popen(
            child_command([java, *own, *map(str, arguments)]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._stack.callback(self._end, self._process)
        reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        reader.start()
        channel = grpc.insecure_channel(
            endpoint, [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        )
        self._stack.callback(channel.close)
        ready = grpc.channel_ready_future(channel)
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(grpc.FutureTimeoutError):
                ready.result(SECONDS_BETWEEN_LOOKS)
                break
            if self._process.poll() is not None or time.monotonic() > deadline:
                reader.join(1)
                late = f"it does not answer after {START_SECONDS:.0f} s"
                reason = late if self._process.poll() is None else self.reason()
                raise UserError(
                    f"{SERVER} does not start: {reason}; check --flink_job_server_jar, the flags of ports, and "
                    "JAVA_TOOL_OPTIONS"
                )
        self._channel = channel

    def _read(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._lines.append(line.decode("utf-8", "replace").rstrip())

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()


class _Workers(BeamFnExternalWorkerPoolServicer):
    """Beam's pool of worker processes, with processes that end with this one."""

    def StartWorker(  # noqa: N802  (the name is of the protocol)
        self, start_worker_request: beam_fn_api_pb2.StartWorkerRequest, unused_context: Any
    ) -> beam_fn_api_pb2.StartWorkerResponse:
        worker = start_worker_request.worker_id
        command = [sys.executable, "-m", "pipelines.worker", str(os.getpid())]
        command += [start_worker_request.control_endpoint.url, worker]
        self._worker_processes[worker] = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        return beam_fn_api_pb2.StartWorkerResponse()


@contextlib.contextmanager
def _temporary_folder() -> Iterator[None]:
    """Let Java, and Beam, which leaves files behind for each graph, write to a folder that is removed."""
    before = tempfile.tempdir
    folder = tempfile.mkdtemp(prefix="ccpairs-flink-")
    with temporary(folder):
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = before
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _without_repetition() -> Iterator[None]:
    """Silence the loggers that print the error of a job beside the exception that holds it."""

    def is_quiet(record: logging.LogRecord) -> bool:
        return False

    loggers = [logging.getLogger(name) for name in REPEATED]
    for logger in loggers:
        logger.addFilter(is_quiet)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_quiet)


def _check_port(port: int) -> None:
    try:
        socket.create_server(("localhost", port)).close()
    except OSError:
        raise UserError(f"--job_port {port} is taken; name another, or leave the flag out") from None


def _meaning(error: Exception) -> Exception:
    """The error that says why a job failed."""
    if isinstance(error, grpc.FutureTimeoutError):
        return UserError("no job server answers; start one, or mend --job_endpoint")
    if isinstance(error, grpc.RpcError):
        details = getattr(error, "details", None)
        text = " ".join(str(details() if details else error).split())
        return UserError(f"the connection to the job server broke ({text}); is it still running? {AGAIN}")
    if not FAILED.match(str(error)):
        return error  # of this process: the graph cannot be sent
    text = FAILED.sub("", str(error))
    if PYTHON_ERROR in text:
        python = text.partition(PYTHON_ERROR)[2].partition(": ")[2]
        return RuntimeError(re.split(r"\n\tat |\nCaused by: ", python)[0].rstrip())
    reason = _telling(text.splitlines())
    return UserError(f"Flink failed: {reason}. {_advice(reason)}")


def _telling(lines: Sequence[str]) -> str:
    """The line of Java's output that says most of why it failed: the innermost cause, or the first error."""
    for pattern in ("OutOfMemoryError", "^Caused by: ", "Invalid |Exception|Error|Unrecognized|no main manifest", ""):
        found = [number for number, line in enumerate(lines) if line.strip() and re.search(pattern, line)]
        if found:
            number = found[-1] if pattern in ("^Caused by: ", "") else found[0]
            more = 2 if lines[number].endswith("initialization of VM") else 1
            return " ".join(lines[number : number + more]).removeprefix("Caused by: ").strip()[:300]
    return ""


def _advice(reason: str) -> str:
    if "OutOfMemoryError" in reason:
        return f"Give Java more memory, as in JAVA_TOOL_OPTIONS=-Xmx8g. {AGAIN}"
    if re.search(r"ConnectException|UnknownHost|RestClient", reason):
        return f"Check --flink_master. {AGAIN}"
    return AGAIN
