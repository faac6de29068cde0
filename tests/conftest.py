"""What the tests share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before anything imports the hub: no test asks it

import pytest
from hypothesis import HealthCheck, settings

from pipelines.samples import write_samples
from pipelines.samples.report import SampleReport
from pipelines.sources import MODULES

# On a busy machine an example takes as long as it takes: that is no fault of what is tested.
settings.register_profile("ccpairs", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ccpairs")

# What runs the tests in the background may ignore these, and the commands that are tested would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real sample files, one folder per source; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("CCPAIRS_REAL_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real sample files at {folder}; name their folder in CCPAIRS_REAL_DATA")
    return folder


class Built(NamedTuple):
    """What one run of ``python -m ccpairs.build`` left."""

    code: int
    stdout: str
    stderr: str
    output: Path

    def shards(self) -> dict[str, str]:
        """SHA-256 of every shard and file of rejects, by its path below the output."""
        found = [*self.output.glob("candidates/*/*.parquet"), *self.output.glob("rejected/*/*.parquet")]
        return {str(path.relative_to(self.output)): sha256(path.read_bytes()).hexdigest() for path in sorted(found)}


def run_build(output: Path, *arguments: object, environment: Mapping[str, str] | None = None) -> Built:
    """Run the command in a process of its own, as a user does."""
    command = [sys.executable, "-m", "ccpairs.build", *map(str, arguments), "--output", str(output)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})}, cwd=REPOSITORY
    )
    return Built(done.returncode, done.stdout, done.stderr, output)


@pytest.fixture(scope="session")
def build() -> Callable[..., Built]:
    """``build(output, *arguments, environment=None)`` runs the command and returns a :class:`Built`."""
    return run_build


class Samples(NamedTuple):
    folder: Path
    report: SampleReport


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """The sample dumps of all sources, one folder per source, and what is in them."""
    folder = tmp_path_factory.mktemp("samples")
    return Samples(folder, write_samples(str(folder)))


@pytest.fixture(scope="session")
def built_samples(samples: Samples, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A build of all sources from the sample dumps, in one process, with all rejects kept."""
    inputs = [f"{name}={samples.folder / name}" for name in MODULES]
    output = tmp_path_factory.mktemp("built") / "out"
    return run_build(
        output, "--source", "all", "--input", *inputs, "--rejected", "all", "--num-shards", 4, "--direct_num_workers=1"
    )
