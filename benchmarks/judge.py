"""Judging from end to end: pairs a second and memory of ``ccpairs judge`` with the static model.

    python -m benchmarks.judge [--candidates BUILD] [--pairs 200000] [--pool-size 100000] [--dimension 256] [--bm25]

Candidates are as many as asked for, made of those of a build (by default of the sample dumps, which are built first) by
exchanging words (``benchmarks/judge_candidates.py``). The command runs in a process of its own, once with training and
once with the models that the first run left; what comes before the shards (pool, encoding, decoys) counts in both, and
the time of the shards alone is read from the notes that they leave. Memory is the peak of the process: *mapped* with
the files that it maps, *own* without them.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.judge_candidates import enlarge
from ccpairs.command_line import table
from ccpairs.shards import read_pairs
from models.trainer.settings import PRESETS


class Judged(NamedTuple):
    """What one run took."""

    seconds: float
    cpu_seconds: float
    shard_seconds: float
    own_gb: float
    mapped_gb: float


def run(candidates: Path, output: Path, *flags: object) -> Judged:
    command = [sys.executable, "-m", "ccpairs.judge", "--quiet", "--input", candidates, "--output", output, *flags]
    start, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL)
    peaks = [0, 0]
    watcher = threading.Thread(target=watch, args=(process, peaks))
    watcher.start()
    if process.wait():
        sys.exit(f"judge failed: {command}")
    watcher.join()
    end, after = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    began = (output / "_work" / "judge.jsonl").stat().st_mtime
    ended = max(note.stat().st_mtime for note in (output / "_work" / "notes").iterdir())
    return Judged(end - start, cpu, ended - began, peaks[0] / 1e9, peaks[1] / 1e9)


def watch(process: subprocess.Popen[bytes], peaks: list[int]) -> None:
    """Keep the most memory that a process holds, ten times a second."""
    while process.poll() is None:
        try:
            memory = psutil.Process(process.pid).memory_info()
        except psutil.NoSuchProcess:
            return
        peaks[0], peaks[1] = max(peaks[0], memory.rss - memory.shared), max(peaks[1], memory.rss)
        time.sleep(0.1)


def preset_with(copy: Path, **values: float | None) -> Path:
    """A copy of the preset in which some lines have other values."""
    text = (PRESETS / "preliminary.toml").read_text(encoding="utf-8")
    for key, value in values.items():
        if value is not None:
            text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
    copy.write_text(text, encoding="utf-8")
    return copy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=Path, help="output of a build")
    parser.add_argument("--pairs", type=int, default=200_000)
    parser.add_argument("--pool-size", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, help="of the static models; the preset's by default")
    parser.add_argument("--epochs", type=float, help="of their training; the preset's by default")
    parser.add_argument("--bm25", action="store_true", help="let BM25 judge too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        built = given.candidates or folder / "built"
        if given.candidates is None:
            build = [sys.executable, "-m", "ccpairs.build", "--source", "all", "--output", str(built), "--quiet"]
            subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        enlarge(built, given.pairs, folder / "candidates")
        pairs = len(read_pairs(str(folder / "candidates")))
        flags = ["--pool-size", given.pool_size, *(["--judge", "either"] if given.bm25 else [])]
        preset = preset_with(folder / "preset.toml", dimension=given.dimension, epochs=given.epochs)
        trained = run(folder / "candidates", folder / "trained", "--preset", preset, *flags)
        models = sorted((folder / "trained" / "_work" / "models").glob("*/fold-*/model"))
        judged = run(folder / "candidates", folder / "judged", *flags, "--model", *models)
        kept = len(read_pairs(str(folder / "judged")))
    print(f"{pairs:,} pairs, a pool of {min(pairs, given.pool_size):,}, {100 * kept / pairs:.0f} % kept")
    rows: list[tuple[str, ...]] = [("", "pairs/s", "seconds", "CPU seconds", "own GB", "mapped GB")]
    for name, found in (("with training", trained), ("with given models", judged)):
        figures = (found.seconds, found.cpu_seconds)
        memory = (f"{found.own_gb:.2f}", f"{found.mapped_gb:.2f}")
        rows.append((name, f"{pairs / found.seconds:,.0f}", *(f"{figure:,.1f}" for figure in figures), *memory))
    alone = f"{pairs / judged.shard_seconds:,.0f}", f"{judged.shard_seconds:,.1f}"
    rows.append(("the shards alone", *alone, "", "", ""))
    print(*table(rows), sep="\n")


if __name__ == "__main__":
    main()
