"""What an installation downloads: megabytes of the files that pip fetches for the base requirements and for extras.

::

    python -m benchmarks.download_size '' s3 cpu gpu
    PIP_CONSTRAINT=$PWD/.ci/constraints.txt python -m benchmarks.download_size cpu

It downloads all of them into a temporary folder: some GB for ``cpu`` and ``gpu``. Which build of torch comes, with CUDA
or without, is the choice of the package index that pip asks.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ccpairs.command_line import table

HOME = Path(__file__).resolve().parents[1]


def main(extras: Sequence[str]) -> None:
    rows = [("extra", "files", "MB", "largest", "MB")]
    for extra in extras or [""]:
        with tempfile.TemporaryDirectory() as folder:
            what = f"{HOME}[{extra}]" if extra else str(HOME)
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", folder, what]
            subprocess.run(command, check=True)
            sizes = sorted(((file.stat().st_size, file.name) for file in Path(folder).iterdir()), reverse=True)
        total = sum(size for size, _ in sizes) / 1e6
        largest, name = sizes[0]
        rows.append(
            (extra or "(none)", str(len(sizes)), f"{total:,.0f}", name.partition("-")[0], f"{largest / 1e6:,.0f}")
        )
    print(*table(rows), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
