"""Judging on an embedded Flink: it ends well, and the shards are the same bytes as those of the local runner."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.judging import run, write_preset

pytestmark = pytest.mark.flink


def test_flink_judges_and_decides_again_alike(
    built_samples: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = sorted((Path(__file__).resolve().parents[3] / "shared" / "flink").glob("*job-server*.jar"))
    jar = os.environ.get("CCPAIRS_FLINK_JAR") or (str(beside[0]) if beside else "")
    if not jar:
        pytest.skip("no job server jar: name one in CCPAIRS_FLINK_JAR")
    assert shutil.which("java"), "Java is missing (11 or 17)"
    engine = ["--runner=FlinkRunner", "--flink_master=[local]", f"--flink_job_server_jar={jar}"]
    engine += ["--environment_type=LOOPBACK", "--parallelism=2"]
    flags = ["--source", "news,reddit", "--preset", write_preset(tmp_path), "--judge", "either", "--decoys", 30]
    here = run("judge", built_samples.output, tmp_path / "here", *flags)
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx2g")
    there = run("judge", built_samples.output, tmp_path / "there", *flags, *engine)
    assert (here.code, there.code) == (0, 0), here.stderr + there.stderr
    assert there.files() == here.files()
    again = [run("refilter", each.output, tmp_path / name, "--top-k", 5, *more) for each, name, more in (
        (here, "here again", []), (there, "there again", engine))]  # fmt: skip
    assert [each.code for each in again] == [0, 0]
    assert again[0].files() == again[1].files() != here.files()
