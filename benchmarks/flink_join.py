"""A Reddit join whose shuffle is larger than a laptop's memory should hold, on Flink embedded in the job server.

    CCPAIRS_FLINK_JAR=JAR python -m benchmarks.flink_join [--comments N] [--posts N] [--tasks N]

Dumps are generated (``benchmarks/reddit_dumps.py``) and extracted by the local runner; then the same build is finished
on Flink, with a JVM of 4 GB. The defaults make about 4.6 GB of rows. Takes about half an hour and 12 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.local_runner import rows_of
from benchmarks.measuring import watched
from benchmarks.reddit_dumps import write_dumps
from ccpairs import storage
from ccpairs.manifest import read_manifest
from pipelines.build import Build, BuildRequest
from pipelines.discover import find_inputs
from pipelines.engine import Engine, cores, flink_tasks
from pipelines.sources.reddit import Reddit


def extract_only(dumps: str, output: str) -> None:
    """The first half of a build, by the local runner."""
    source = Reddit()
    request = BuildRequest({"reddit": source}, {"reddit": find_inputs(source, [dumps])}, output)
    build = Build(request, Engine())
    build.extract([task for tasks in build.plan().values() for task in tasks])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comments", type=int, default=13_500_000)
    parser.add_argument("--posts", type=int, default=5_000_000)
    parser.add_argument("--extract", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--tasks", type=int, help="parallel tasks of Flink (default: what the size of the rows needs)")
    options = parser.parse_args()
    if options.extract:
        extract_only(*options.extract)
        return
    jar = os.environ.get("CCPAIRS_FLINK_JAR")
    if not jar:
        print("skipped: name a Flink job server's jar in CCPAIRS_FLINK_JAR")
        return
    with tempfile.TemporaryDirectory() as scratch:
        dumps, output = Path(scratch, "dumps"), Path(scratch, "out")
        write_dumps(dumps, options.comments, options.posts, months=3)
        extract = watched([sys.executable, "-m", "benchmarks.flink_join", "--extract", str(dumps), str(output)])
        rows, size = rows_of(output)
        packed = sum(storage.sizes_in(str(output / "extracts" / "reddit")).values())
        build = [sys.executable, "-m", "ccpairs.build", "--source", "reddit", "--input", str(dumps), "--quiet"]
        flags = ["--output", str(output), "--runner=FlinkRunner", "--flink_master=[local]"]
        flags += [f"--flink_job_server_jar={jar}", "--environment_type=LOOPBACK"]
        flags += [f"--parallelism={options.tasks or flink_tasks(packed)}"]
        flags += [f"--sdk_worker_parallelism={cores()}", "--experiments=use_loopback_process_worker"]
        join = watched([*build, *flags], {"JAVA_TOOL_OPTIONS": "-Xmx4g"})
        pairs = read_manifest(str(output / "candidates" / "reddit")).rows
    print(f"extract: {extract.seconds:,.0f} s")
    print(f"join: {rows:,} rows of {size / 1e9:.2f} GB, packed {packed / 1e9:.2f} GB, to {pairs:,} pairs")
    programs = ", ".join(f"{name} {size:,.0f} MB" for name, size in sorted(join.by_program.items()))
    print(f"join on Flink: {join.seconds:,.0f} s, peak memory {join.peak_mb:,.0f} MB ({programs})")


if __name__ == "__main__":
    main()
