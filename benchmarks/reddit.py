"""Reddit: comment lines per second of user CPU on one core, from zst to the written extract, and memory by size.

    python -m benchmarks.reddit [--comments N]

The comments are made of real sentences (``benchmarks/reddit_dumps.py``). Memory is measured in processes of their own,
at N / 10 and N comments, for two ways of compressing the same lines: a frame with an 8 MiB window, which is decoded in
memory, and one with the 2 GiB window of the published dumps, which is decoded in a file (``pipelines/zstd_window.py``).
The time in the system, per million lines, is mostly that of the file's pages.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measuring import peak_memory_mb
from benchmarks.reddit_dumps import comment_lines, pool, write_zst
from pipelines.extract import ExtractTask, extract_file
from pipelines.inputs import InputFile
from pipelines.sources.reddit import Reddit

POSTS = 100_000


def extract(path: str) -> tuple[int, float, float, float]:
    """(lines, seconds of user CPU, seconds of system CPU, seconds of wall clock)."""
    with tempfile.TemporaryDirectory() as folder:
        task = ExtractTask("reddit", InputFile(path, "comments", Path(path).stat().st_size), f"{folder}/extract")
        wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        counts = extract_file(Reddit(), task)
        assert counts is not None, f"{path} is damaged"
        after = resource.getrusage(resource.RUSAGE_SELF)
        user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
        return counts.read, user, system, time.perf_counter() - wall


def in_own_process(path: Path) -> dict[str, float]:
    """The figures of one extract in a fresh process, with its peak memory in MB."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reddit", "--measure", str(path)], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comments", type=int, default=1_000_000)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        lines, user, system, wall = extract(options.measure)
        found = {"lines": lines, "user": user, "system": system, "wall": wall, "peak": peak_memory_mb()}
        print(json.dumps(found))
        return
    sentences, _ = pool()
    with tempfile.TemporaryDirectory() as scratch:
        heads = ("comments", "window", "zst MB", "lines/s, user CPU", "lines/s, wall", "system s/M", "peak MB")
        print("{:>12} {:>9} {:>8} {:>19} {:>15} {:>12} {:>8}".format(*heads))
        for count in (options.comments // 10, options.comments):
            for window_log in (23, 31):
                path = Path(scratch, f"RC_2016-{window_log}.zst")
                write_zst(path, comment_lines(sentences, count, POSTS), window_log)
                found = in_own_process(path)
                rate, clock = found["lines"] / found["user"], found["lines"] / found["wall"]
                system = found["system"] / found["lines"] * 1e6
                window = f"{1 << (window_log - 20):,} MiB"
                size = path.stat().st_size / 1e6
                print(
                    f"{count:>12,} {window:>9} {size:>8.0f} {rate:>19,.0f} {clock:>15,.0f} {system:>12.2f} "
                    f"{found['peak']:>8.0f}"
                )


if __name__ == "__main__":
    main()
