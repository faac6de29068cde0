"""Every source on an embedded Flink: it ends well, and the shards are the same bytes as those of the local runner."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccpairs import read_manifest
from pipelines.sources import MODULES

pytestmark = pytest.mark.flink


@pytest.fixture(scope="module")
def job_server() -> str:
    """The path of the job server's jar; skips where there is none, and fails where there is one but no Java."""
    beside = sorted((Path(__file__).resolve().parents[3] / "shared" / "flink").glob("*job-server*.jar"))
    jar = os.environ.get("CCPAIRS_FLINK_JAR") or (str(beside[0]) if beside else "")
    if not jar:
        pytest.skip("no job server jar: name one in CCPAIRS_FLINK_JAR")
    assert Path(jar).is_file(), f"CCPAIRS_FLINK_JAR names {jar}, which is no file"
    assert shutil.which("java"), "Java is missing (11 or 17)"
    return jar


def test_flink_makes_the_same_shards(
    job_server: str, built_samples: Any, samples: Any, build: Callable[..., Any], tmp_path: Path
) -> None:
    inputs = [f"{name}={samples.folder / name}" for name in MODULES]
    flags = ["--source", "all", "--input", *inputs, "--rejected", "all", "--num-shards", 4]
    engine = ["--runner=FlinkRunner", "--flink_master=[local]", f"--flink_job_server_jar={job_server}"]
    engine += ["--environment_type=LOOPBACK", "--parallelism=2"]
    done = build(tmp_path / "out", *flags, *engine, environment={"JAVA_TOOL_OPTIONS": "-Xmx4g"})
    assert done.code == 0, done.stderr
    assert done.shards() == built_samples.shards()
    assert len(done.shards()) >= 4 * len(MODULES)


def test_flink_finds_the_same_duplicates(
    job_server: str, samples: Any, build: Callable[..., Any], tmp_path: Path
) -> None:
    flags = ["--source", "s2orc", "--input", samples.folder / "s2orc", "--rejected", "all", "--num-shards", 4]
    flags += ["--near-duplicates", "0.5", "--max-repeats", "2"]
    engine = ["--runner=FlinkRunner", "--flink_master=[local]", f"--flink_job_server_jar={job_server}"]
    engine += ["--environment_type=LOOPBACK", "--parallelism=2"]
    here = build(tmp_path / "here", *flags, "--direct_num_workers=1")
    there = build(tmp_path / "there", *flags, *engine, environment={"JAVA_TOOL_OPTIONS": "-Xmx4g"})
    assert (here.code, there.code) == (0, 0), here.stderr + there.stderr
    assert there.shards() == here.shards()
    reasons = read_manifest(str(here.output / "candidates" / "s2orc")).counts[-1].rejected
    assert {"near_duplicate", "repeated_passage", "repeated_query"} <= set(reasons)
