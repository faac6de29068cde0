"""Memory and disk space that a process can still have, on this machine and inside its container."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_CONTROL_GROUP = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Bytes of memory that this process can still have; None where nothing says so."""
    found = [free for free in (_free_in_machine(), _free_in_container(), _free_in_limit()) if free is not None]
    return min(found) if found else None


def free_space(path: str) -> tuple[str, int] | None:
    """The nearest folder above a local path that is there, and the free bytes on its disk."""
    folder = os.path.abspath(path)
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    try:
        return folder, shutil.disk_usage(folder).free
    except OSError:
        return None


def readable(size: int) -> str:
    """Bytes in the unit that suits their number, for messages."""
    for unit, width in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= width:
            return f"{size / width:,.1f} {unit}"
    return f"{size} bytes"


def _free_in_machine() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)
    except OSError:
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _free_in_container() -> int | None:
    """What the limit of the control group (version 2) leaves; files that were read stay in memory while it is free."""
    try:
        limit, used, detail = (
            _CONTROL_GROUP.joinpath(name).read_text() for name in ("memory.max", "memory.current", "memory.stat")
        )
    except OSError:
        return None
    if limit.strip() == "max":
        return None
    cached = next((int(line.split()[1]) for line in detail.splitlines() if line.startswith("inactive_file ")), 0)
    return max(0, int(limit) - int(used) + cached)


def _free_in_limit() -> int | None:
    """What the limit of address space (``ulimit -v``) leaves."""
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        return None
    return None if limit == resource.RLIM_INFINITY else max(0, limit - used)
