"""The build on one machine: what Beam costs on top of our functions, how time grows with the input, and the memory
that the in-process runner takes for each byte it shuffles.

    python -m benchmarks.local_runner [--comments N]

Dumps are generated (``benchmarks/reddit_dumps.py``) with N / 10 and N comments and 40 posts for each hundred comments.
Every build is the command itself in processes of its own; memory is the peak of all of them together, sampled ten times
a second. "plain" is the same work by the same functions in a loop, without Beam.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measuring import Run, watched
from benchmarks.reddit_dumps import write_dumps
from ccpairs.manifest import read_manifest
from ccpairs.pair import PAIR_SCHEMA, table_of
from ccpairs.shards import write_shard
from filters.language import Language
from filters.pairs import default_pair_filters, first_reason
from pipelines.extract import ExtractTask, extract_file
from pipelines.identity import pair_id
from pipelines.inputs import InputFile
from pipelines.shuffle import partition_of_keys, partitions_for, split_by
from pipelines.source import Joined
from pipelines.sources.reddit import Reddit
from pipelines.text_quality import SHIPPED, TextQuality
from pipelines.write_shards import sorted_and_distinct

POSTS_PER_COMMENT = 0.4


def build(dumps: Path, output: Path, processes: int) -> Run:
    flags = ["--direct_num_workers=1"] if processes == 1 else []
    command = [sys.executable, "-m", "ccpairs.build", "--source", "reddit", "--input", str(dumps), "--quiet"]
    return watched([*command, "--output", str(output), *flags])


def rows_of(output: Path) -> tuple[int, int]:
    """(extract rows, their bytes in memory) of a build."""
    rows = size = 0
    for path in output.glob("extracts/reddit/*.parquet"):
        if not path.name.endswith(".rejects.parquet"):
            counts = json.loads(pq.ParquetFile(path).metadata.metadata[b"ccpairs"])
            rows, size = rows + counts["rows"], size + counts["bytes"]
    return rows, size


def plain(dumps: Path, output: Path) -> int:
    """The work of a build, by its own functions, in one process without Beam; returns how many pairs there are."""
    source, filters = Reddit(), default_pair_filters()
    tables = []
    for path in sorted(dumps.iterdir()):
        form = source.form_of(path.name)
        assert form is not None
        task = ExtractTask("reddit", InputFile(str(path), form, path.stat().st_size), f"{output}/{path.name}")
        extract_file(source, task)
        tables.append(pq.read_table(task.extract))
    rows = pa.concat_tables(tables)
    groups: dict[int, list[pa.Table]] = defaultdict(list)
    partitions = partitions_for(rows.nbytes)
    for number, part in split_by(rows, partition_of_keys(rows, partitions)):
        groups[number].append(part)
    pairs = list(kept_pairs(source, groups, filters))
    table, _ = sorted_and_distinct(table_of(pairs, PAIR_SCHEMA))
    return write_shard(table, str(output), "reddit.parquet").rows


def kept_pairs(source: Reddit, groups: dict[int, list[pa.Table]], filters: tuple) -> Iterator[tuple]:  # type: ignore[type-arg]
    judge = TextQuality(language=Language(), language_model=SHIPPED).judge()
    for tables in groups.values():
        outcomes = source.pair_threads(pa.concat_tables(tables))
        joined = [pair for outcome in outcomes if isinstance(outcome, Joined) for pair in outcome.pairs]
        for pair, reason, _ in judge([pair for pair in joined if first_reason(filters, pair) is None]):
            if reason is None:
                yield (pair.query, pair.passage, pair_id(pair.query, pair.passage), "reddit", *pair[2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comments", type=int, default=1_000_000)
    parser.add_argument("--plain", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        print(plain(*options.plain))
        return
    print(f"{'comments':>12} {'processes':>10} {'seconds':>8} {'peak MB':>8} {'rows MB':>8} {'pairs':>10}")
    seconds: dict[tuple[str, int], float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for count in (options.comments // 10, options.comments):
            dumps = Path(scratch, f"dumps-{count}")
            write_dumps(dumps, count, int(count * POSTS_PER_COMMENT))
            for processes in (1, 2):
                output = Path(scratch, f"out-{count}-{processes}")
                run = build(dumps, output, processes)
                _, size = rows_of(output)
                pairs = read_manifest(str(output / "candidates" / "reddit")).rows
                seconds[(str(processes), count)] = run.seconds
                label = "1" if processes == 1 else "default"
                print(
                    f"{count:>12,} {label:>10} {run.seconds:>8.1f} {run.peak_mb:>8.0f} {size / 1e6:>8.0f} {pairs:>10,}"
                )
            output = Path(scratch, f"plain-{count}")
            output.mkdir()
            run = watched([sys.executable, "-m", "benchmarks.local_runner", "--plain", str(dumps), str(output)])
            seconds[("plain", count)] = run.seconds
            print(f"{count:>12,} {'plain':>10} {run.seconds:>8.1f} {run.peak_mb:>8.0f}")
    small, large = options.comments // 10, options.comments
    print(f"time for 10 times the input: {seconds[('2', large)] / seconds[('2', small)]:.1f} times")
    print(f"Beam in one process: {seconds[('1', large)] / seconds[('plain', large)]:.2f} times the plain functions")


if __name__ == "__main__":
    main()
