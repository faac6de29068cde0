"""The engine a build runs on: Beam's options, the local default, and what the local runner can carry.

Every flag that ``build`` does not know goes to Beam. Without ``--runner`` the in-process runner is used.
"""

from __future__ import annotations

import argparse
import difflib
import logging
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.runners.runner import create_runner

from ccpairs.addresses import hide_in_arguments
from ccpairs.errors import UserError
from ccpairs.exhaustion import memory_left, unwrapped_errors
from ccpairs.interruption import before_children_end, temporary
from ccpairs.machine import available_memory, readable
from pipelines.flink import Flink
from pipelines.worker import OUT_OF_MEMORY, hang_ups_unheard
from pipelines.worker_processes import WatchedRunner, WorkerDiedError, leave_threads_behind, raise_only

LOCAL_RUNNER = "FnApiRunner"
LOCAL_RUNNERS = frozenset({LOCAL_RUNNER.lower(), "directrunner", "bundlebaseddirectrunner", "inmemoryrunner"})

SECONDS_WORTH_PROCESSES = 6.0
"""Worker processes take about 3 s to start and to end; below this much work on one core, one process is faster."""

MEMORY_PER_SHUFFLED_BYTE = 3.5
MEMORY_OF_PROCESSES = 700 << 20
"""What the in-process runner takes per byte of extract rows that it shuffles, with worker processes, and what it takes
with nothing to shuffle (measured, see docs/performance.md)."""

MOST_WORKERS = 1_024
FLINK_RUNNERS = frozenset({"flinkrunner", "portablerunner"})
FLINK_TASK_BYTES = 640 << 20
"""Bytes that one parallel task of Flink's may send in one step. Its Python bridge takes what a bundle sends only after
the bundle has ended, and holds at most 100 messages of 10 MB until then: a task that sends more waits for ever."""

FLINK_HEAP_PER_PACKED_BYTE = 1.5
PACKED = 0.45
"""Bytes that travel for a byte of rows: they are packed as compressed columns (measured on Reddit's texts)."""

log = logging.getLogger("ccpairs")


@dataclass(frozen=True)
class Engine:
    """Beam flags as the user gave them, and the name and arguments of the ``command`` that they were given to.

    In a ``with`` block, one Flink serves all graphs and ends with the block.
    """

    flags: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    _flink: Flink = field(default_factory=Flink, repr=False, compare=False)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self._flink.close()

    @property
    def runner(self) -> str:
        return str(PipelineOptions(list(self.flags)).view_as(StandardOptions).runner or LOCAL_RUNNER)

    @property
    def is_local(self) -> bool:
        return self.runner.lower() in LOCAL_RUNNERS

    @property
    def worker_processes(self) -> int:
        """Worker processes that the flags ask the in-process runner for; 1 where they leave the number open."""
        direct = PipelineOptions(list(self.flags)).view_as(DirectOptions)
        return int(direct.direct_num_workers) if direct.direct_running_mode == "multi_processing" else 1

    def run(self, build_graph: Callable[[Any], Any], *, seconds: float, parts: int, row_bytes: int = 0) -> None:
        """Build a graph of about so many core seconds in so many independent parts, and run it; its errors raise.

        ``row_bytes``: bytes of the rows that it shuffles.
        """
        pipeline = self._pipeline(min(cores(), parts) if seconds >= SECONDS_WORTH_PROCESSES else 1)
        raise_only()
        build_graph(pipeline)
        with unwrapped_errors(), temporary(pipeline.local_tempdir), hang_ups_unheard(), self._errors():
            try:
                result = pipeline.run()
                # A cluster goes on without the command that sent the job.
                with nullcontext() if self.is_local else before_children_end(result.cancel):
                    result.wait_until_finish()
            except WorkerDiedError as error:
                leave_threads_behind()
                raise UserError(f"{error}{self._why(error, row_bytes)}") from None

    def _errors(self) -> AbstractContextManager[None]:
        return self._flink.clear_errors() if self.runner.lower() in FLINK_RUNNERS else nullcontext()

    def _why(self, error: WorkerDiedError, row_bytes: int) -> str:
        """Why a worker process died, and what to do."""
        if error.code not in (-signal.SIGKILL, -signal.SIGTERM, OUT_OF_MEMORY):
            return "; the lines above may say why. The same command goes on where this one stopped"
        by = "because memory ran out" if error.code == OUT_OF_MEMORY else "by the kernel because memory ran out"
        needed = f"; this step takes about {readable(memory_needed(row_bytes))} of memory" if row_bytes else ""
        flink = f", or use Flink: {flink_command(self.command[1:], row_bytes, self.command[0])}" if self.command else ""
        return (
            f", most likely {by}{needed}{memory_left()}. The same command goes on where "
            f"this one stopped: use fewer processes (--direct_num_workers=1) or a machine with more memory{flink}"
        )

    def check_shuffle(self, packed_bytes: int) -> None:
        """Raises ``UserError`` where Flink would wait for ever: so many bytes need more parallel tasks."""
        if self.runner.lower() not in FLINK_RUNNERS:
            return
        options = PipelineOptions(list(self.flags)).get_all_options()
        tasks = int(options.get("parallelism") or -1)
        if tasks < 1 and options.get("flink_master") == "[local]":
            tasks = cores()
        if 0 < tasks < packed_bytes / FLINK_TASK_BYTES:
            raise UserError(
                f"a shuffle of {packed_bytes / 1e9:.1f} GB hangs in Flink with --parallelism={tasks}; "
                f"what is extracted is kept: type the same command with --parallelism={flink_tasks(packed_bytes)}"
            )

    def _pipeline(self, processes: int) -> Any:
        """A pipeline on the engine that the flags name; on the local one in so many processes, unless they say how."""
        options = PipelineOptions(list(self.flags))
        if self.runner.lower() in FLINK_RUNNERS:
            return self._flink.pipeline(options, is_flink=self.runner.lower() == "flinkrunner")
        if not self.is_local:
            return beam.Pipeline(options=options)
        # Beam's own default would first try to download another runner.
        options.view_as(StandardOptions).runner = LOCAL_RUNNER
        direct = options.view_as(DirectOptions)
        if direct.direct_running_mode == "multi_processing":
            direct.direct_running_mode = "in_memory"  # with workers that are processes of ours
        elif processes == 1 or any(flag.startswith("--direct_") for flag in self.flags):
            return beam.Pipeline(options=options)
        else:
            direct.direct_num_workers = processes
        # With exec, no shell stays between a worker and its parent.
        command = f"exec {shlex.quote(sys.executable)} -m pipelines.worker {os.getpid()}"
        return beam.Pipeline(WatchedRunner(command), options=options)


def check_flags(flags: Sequence[str], own: Sequence[str]) -> None:
    """Refuse flags that neither ``build`` (``own``) nor Beam knows, with the nearest one that exists.

    Other runners have options of their own, so they are left to them where such a runner is named.
    """
    parser = argparse.ArgumentParser(
        add_help=False, allow_abbrev=False, conflict_handler="resolve", exit_on_error=False
    )
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)
    try:
        known, unknown = parser.parse_known_args(list(flags))
    except argparse.ArgumentError as error:
        raise UserError(f"{error}; it is a flag of Apache Beam, see docs/engines.md") from None
    if not 0 <= known.direct_num_workers <= MOST_WORKERS:
        raise UserError(
            f"--direct_num_workers {known.direct_num_workers:,}: choose 1 to {MOST_WORKERS:,}, or 0 for one per core"
        )
    engine = Engine(tuple(flags))
    if not engine.is_local and engine.runner.lower() not in FLINK_RUNNERS:
        try:
            create_runner(engine.runner)
        except (ValueError, ImportError, AttributeError) as error:
            raise UserError(f"--runner {engine.runner}: {error}") from None
    if unknown and engine.is_local:
        flag = unknown[0].split("=", 1)[0]
        every = [*own, *parser._option_string_actions]
        near = difflib.get_close_matches(flag, every, 1) if flag.startswith("-") else []
        hint = f"did you mean {near[0]}?" if near else "ccpairs build --help lists the flags"
        raise UserError(f"unknown argument {unknown[0]!r}; {hint}")


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def warn_of_size(shuffled_bytes: int, argv: Sequence[str], when: str, command: str = "build") -> bool:
    """Warn before a shuffle that the in-process runner cannot hold, with the command that can; true if it did."""
    memory = available_memory()
    needed = memory_needed(shuffled_bytes)
    if memory is None or needed <= memory:
        return False
    log.warning(
        "%s: about %.1f GB of rows to shuffle need about %.1f GB of memory in the in-process runner; %.1f GB are free. "
        "The same command on Flink, embedded in this machine, spills to disk:\n  %s",
        *(when, shuffled_bytes / 1e9, needed / 1e9, memory / 1e9, flink_command(argv, shuffled_bytes, command)),
    )
    return True


def memory_needed(shuffled_bytes: int) -> int:
    """Bytes of memory that the in-process runner takes to shuffle so many bytes of rows."""
    return MEMORY_OF_PROCESSES + int(shuffled_bytes * MEMORY_PER_SHUFFLED_BYTE)


def flink_command(argv: Sequence[str], shuffled_bytes: int = 0, command: str = "build") -> str:
    """The command line of an embedded Flink run of the same command, over so many bytes of rows; without secrets."""
    packed = int(shuffled_bytes * PACKED)
    heap_gb = max(4, -(-int(packed * FLINK_HEAP_PER_PACKED_BYTE) >> 30) + 1)
    jar = os.environ.get("CCPAIRS_FLINK_JAR")
    flags = [
        *("--runner=FlinkRunner", "--flink_master=[local]", "--environment_type=LOOPBACK"),
        f"--parallelism={flink_tasks(packed)}",
        *(f"--sdk_worker_parallelism={cores()}", "--experiments=use_loopback_process_worker"),
        f"--flink_job_server_jar={jar}" if jar else "--flink_version=1.19",
    ]
    return f"JAVA_TOOL_OPTIONS=-Xmx{heap_gb}g " + shlex.join(
        ["python", "-m", f"ccpairs.{command}", *hide_in_arguments(argv), *flags]
    )


def flink_tasks(packed_bytes: int) -> int:
    """How many parallel tasks keep each within what Flink's Python bridge can carry; no fewer than cores."""
    return max(cores(), -(-packed_bytes // (FLINK_TASK_BYTES * 3 // 4)))
