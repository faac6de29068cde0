"""Running ``python -m ccpairs.judge`` in a process of its own, with models that are trained in seconds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from tests.conftest import REPOSITORY

PRESET = """\
[model]
kind = "static"
dimension = 32
vocabulary_size = 4000
max_tokens = 64

[loss]
temperature = 0.05

[optimizer]
lr = 0.02
clip = 0.0

[data]
batch_size = 512
epochs = 2.0
"""
FOLDERS = ("pairs", "dropped", "decoys")


class Judged(NamedTuple):
    """What one run left."""

    code: int
    stdout: str
    stderr: str
    output: Path

    def files(self) -> dict[str, str]:
        """SHA-256 of every shard and every file of decoys, by its path below the output."""
        found = [path for name in FOLDERS for path in (self.output / name).rglob("*.parquet")]
        return {str(path.relative_to(self.output)): sha256(path.read_bytes()).hexdigest() for path in sorted(found)}

    def manifests(self) -> Mapping[str, bytes]:
        found = [path for name in FOLDERS for path in (self.output / name).rglob("_manifest.json")]
        return {str(path.relative_to(self.output)): path.read_bytes() for path in sorted(found)}


def write_preset(folder: Path) -> Path:
    path = folder / "small.toml"
    path.write_text(PRESET, encoding="utf-8")
    return path


def command(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"ccpairs.{name}", *map(str, arguments)]


def run(name: str, candidates: Path, output: Path, *arguments: object) -> Judged:
    """Run ``judge`` or ``refilter``."""
    done = subprocess.run(
        command(name, "--input", candidates, "--output", output, *arguments),
        capture_output=True, text=True, check=False, cwd=REPOSITORY,
    )  # fmt: skip
    return Judged(done.returncode, done.stdout, done.stderr, output)


def rows_of(output: Path, source: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The kept and the dropped rows of a source."""
    kept, dropped = (pq.read_table(output / name / source).to_pylist() for name in ("pairs", "dropped"))
    return kept, dropped
