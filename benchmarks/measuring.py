"""What the measurements share: the real sample files, and memory of a process."""

from __future__ import annotations

import os
from pathlib import Path


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
