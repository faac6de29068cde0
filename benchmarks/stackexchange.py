"""StackExchange: rows of Posts.xml per second of user CPU on one core, from each container to the written extract.

    python -m benchmarks.stackexchange [--data DIR] [--rows N]

``--data`` is a folder with real dumps (default: ``$CCPAIRS_REAL_DATA``, then ``../shared/data``); their rows are
repeated up to ``--rows``. "Unpacking alone" says how much of an archive's time is decoding; in a site's own archive the
blocks before the posts (the edit history, mostly) are skipped. Beside the row scanner stands lxml's iterparse; both
only read the rows there and make no text of them.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import py7zr
import pyarrow.parquet as pq
from lxml import etree

from pipelines.extract import ExtractTask, extract_file
from pipelines.inputs import InputFile, Meter
from pipelines.sevenzip import read_members
from pipelines.source import Joined
from pipelines.sources.stackexchange import StackExchange, pair_answers
from pipelines.xml_rows import read_rows, seam, split_lines

POSTS = ("ai.stackexchange.com", "Posts.xml")
SITE_ARCHIVE = "beer.stackexchange.com.7z"


def user_seconds(work: Callable[[], int]) -> tuple[int, float]:
    """(rows, seconds of user CPU)."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    rows = work()
    return rows, resource.getrusage(resource.RUSAGE_SELF).ru_utime - before


def show(label: str, work: Callable[[], int]) -> None:
    rows, seconds = user_seconds(work)
    print(f"{label:<58}{rows:>9,} rows {seconds:>7.2f} s {rows / seconds:>9,.0f} rows/s")


def repeated(posts: Path, target: Path, rows: int) -> Path:
    """A Posts.xml with the rows of another one over and over."""
    head, *lines, tail = posts.read_bytes().splitlines(keepends=True)
    opening, lines = lines[0], lines[1:]
    with target.open("wb") as out:
        out.write(head + opening)
        for start in range(0, rows, len(lines)):
            out.writelines(lines[: rows - start])
        out.write(tail)
    return target


def extract(uri: Path, form: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        task = ExtractTask("stackexchange", InputFile(str(uri), form, uri.stat().st_size), f"{folder}/extract")
        counts = extract_file(StackExchange(), task)
        assert counts is not None, f"{uri} is damaged"
        return counts.read


def unpack(uri: Path) -> int:
    with uri.open("rb") as raw:
        members = read_members(raw, uri.name, {"Posts.xml"}, seam)
        return sum(b"<row " in line for _, blocks in members for line in split_lines(blocks, uri.name))


def scan(uri: Path) -> int:
    with uri.open("rb") as raw:
        return sum(1 for _ in read_rows(iter(lambda: raw.read(1 << 19), b""), "posts", uri.name, Meter()))


def iterparse(uri: Path) -> int:
    rows = 0
    for _, element in etree.iterparse(str(uri), tag="row"):
        rows += element.get("PostTypeId") is not None
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
    return rows


def join(uri: Path, form: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        task = ExtractTask("stackexchange", InputFile(str(uri), form, uri.stat().st_size), f"{folder}/extract")
        extract_file(StackExchange(), task)
        table = pq.read_table(task.extract)
    joined: list[Joined] = []

    def pair_up() -> int:
        joined.extend(each for each in pair_answers(table) if isinstance(each, Joined))
        return int(table.num_rows)

    show("join alone: extract rows to pairs", pair_up)
    print(f"{'':<58}{sum(len(each.pairs) for each in joined):>9,} pairs")


def peak_memory(uri: Path, form: str) -> tuple[float, float]:
    """(peak memory in MB, seconds) of an extract in a process of its own."""
    code = f"from benchmarks.stackexchange import *; extract(Path({str(uri)!r}), {form!r})"
    code += "; from benchmarks.measuring import peak_memory_mb; print(peak_memory_mb())"
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout), time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("--data", type=Path, default=os.environ.get("CCPAIRS_REAL_DATA", here / "../shared/data"))
    parser.add_argument("--rows", type=int, default=40_000)
    options = parser.parse_args()
    data = Path(options.data) / "stackexchange"
    if not data.is_dir():
        sys.exit(f"{data}: no such folder; give --data a folder with stackexchange/{SITE_ARCHIVE}")
    with tempfile.TemporaryDirectory() as folder:
        small = repeated(data.joinpath(*POSTS), Path(folder, "small.com-Posts.xml"), options.rows // 10)
        large = repeated(data.joinpath(*POSTS), Path(folder, "large.com-Posts.xml"), options.rows)
        packed = Path(folder, "large.com-Posts.7z")
        with py7zr.SevenZipFile(packed, "w", filters=[{"id": py7zr.FILTER_BZIP2}]) as writer:
            writer.write(large, "Posts.xml")
        show("Posts.xml to extract", lambda: extract(large, "posts"))
        show("Posts.xml, row scanner alone", lambda: scan(large))
        show("Posts.xml, lxml iterparse alone", lambda: iterparse(large))
        show("7z of Posts.xml alone (Stack Overflow's layout) to extract", lambda: extract(packed, "archive"))
        show("7z of Posts.xml alone, unpacking alone", lambda: unpack(packed))
        site = data / SITE_ARCHIVE
        show(f"{SITE_ARCHIVE} (8 tables) to extract", lambda: extract(site, "archive"))
        show(f"{SITE_ARCHIVE}, unpacking alone", lambda: unpack(site))
        join(site, "archive")
        for label, uri in (("rows / 10", small), ("rows", large)):
            memory, seconds = peak_memory(uri, "posts")
            print(f"peak memory and time of a process, {label:<10}{memory:>8.0f} MB {seconds:>7.2f} s")


if __name__ == "__main__":
    main()
