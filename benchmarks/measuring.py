"""What the measurements share: the real sample files, and time and memory of processes."""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil


def real_folder(source: str) -> Path | None:
    """A source's real files, in ``$CCPAIRS_REAL_DATA`` or else ``../shared/data``; None where there are none."""
    here = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("CCPAIRS_REAL_DATA") or here.parent / "shared" / "data") / source
    return folder if folder.is_dir() else None


def peak_memory_mb(pid: int | str = "self") -> float:
    """The most memory a process has held at once, in MB; 0 where it is gone.

    Not ``ru_maxrss``: that of a child starts at what its parent held when it was forked.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(found.split()[1]) / 1024


def cpu_seconds() -> float:
    """CPU seconds of this process, the system's on its behalf among them."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def cpu_of_all() -> float:
    """CPU seconds of this process and of its children that live."""
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return cpu_seconds() + float(sum(each.user + each.system for each in times))


class Run(NamedTuple):
    """What a command took: seconds, and the most memory in MB that it and its children held, by name of program."""

    seconds: float
    peak_mb: float
    by_program: dict[str, float]


def watched(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Run a command and sample the memory of it and of all its children ten times a second (shared pages once)."""
    start, peak = time.perf_counter(), 0
    by_program: Counter[str] = Counter()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=errors, env={**os.environ, **(environment or {})}
        )
        root = psutil.Process(process.pid)
        while process.poll() is None:
            now = held(root)
            peak = max(peak, now.total())
            by_program |= now
            time.sleep(0.1)
        if process.returncode:
            errors.seek(0)
            sys.exit(f"{shlex.join(command)} failed:\n{errors.read()}")
    return Run(time.perf_counter() - start, peak / 1e6, {name: size / 1e6 for name, size in by_program.items()})


def held(root: psutil.Process) -> Counter[str]:
    """Bytes that a process and its children hold now, by name of program."""
    found: Counter[str] = Counter()
    try:
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return found
    for each in family:
        try:
            info = each.memory_info()
            found[each.name()] += int(info.rss - info.shared)
        except psutil.NoSuchProcess:
            continue
    return found
