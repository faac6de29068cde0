"""Wikipedia: articles per second of user CPU on one core, from a dump to the written extract, and beside other tools.

    python -m benchmarks.wikipedia [--data DIR] [--repeat N]

``--data`` is a folder with real dumps (default: ``$CCPAIRS_REAL_DATA``, then ``../shared/data``); without one it says
so and ends. Articles are the pages of namespace 0 that are no redirects; "real" because short generated pages would
make any tool look fast. Beside the whole way stand its parts, and mwparserfromhell's ``strip_code`` on the same texts
in the same run, which makes no sections, leaves tables and captions in and sees no lists of sources. A last table
shows time and peak memory at one and at ten times the input.
"""

from __future__ import annotations

import argparse
import bz2
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from filters.wikitext import read_article
from pipelines.extract import ExtractTask, extract_file
from pipelines.inputs import InputFile
from pipelines.sources.wikipedia import Wikipedia
from pipelines.wiki_dump import BadPage, Page, read_wiki

DUMPS = ("enwiki-shortened-pages-articles.xml.bz2", "enwiki-table-markup.xml.bz2", "ltgwiki-pages-articles.xml.bz2")
BAR = 80
"""Articles of the English dump per second and core that the project holds itself to."""


def pages_of(dump: Path) -> list[Page]:
    _, pages = read_wiki(InputFile(str(dump), "pages", dump.stat().st_size))
    return [page for page in pages if not isinstance(page, BadPage)]


def articles_of(dump: Path) -> list[Page]:
    return [page for page in pages_of(dump) if page.namespace == 0 and not page.redirect]


def extract(dump: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        task = ExtractTask("wikipedia", InputFile(str(dump), "pages", dump.stat().st_size), f"{folder}/extract")
        assert extract_file(Wikipedia(), task) is not None, f"{dump} is damaged"


def best_seconds(work: Callable[[], object], repeat: int) -> float:
    """Seconds of user CPU of the fastest of some runs: other processes only ever make one slower."""
    seconds = []
    for _ in range(repeat):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        work()
        seconds.append(resource.getrusage(resource.RUSAGE_SELF).ru_utime - before)
    return min(seconds)


def show(label: str, articles: int, seconds: float) -> float:
    print(f"{label:<46}{articles:>7,} articles {seconds:>7.2f} s {articles / seconds:>9,.1f} articles/s")
    return articles / seconds


def strip_code(texts: list[str]) -> None:
    import mwparserfromhell

    for text in texts:
        mwparserfromhell.parse(text).strip_code()


def times_ten(dump: Path, target: Path) -> Path:
    """A dump with the pages of another one ten times."""
    text = bz2.decompress(dump.read_bytes())
    head, opening, rest = text.partition(b"<page>")
    pages, closing, tail = (opening + rest).rpartition(b"</mediawiki>")
    with bz2.open(target, "wb") as out:
        out.write(head)
        for _ in range(10):
            out.write(pages)
        out.write(closing + tail)
    return target


def peak_memory(dump: Path) -> tuple[float, float]:
    """(peak memory in MB, seconds) of an extract in a process of its own."""
    code = f"from benchmarks.wikipedia import *; extract(Path({str(dump)!r}))"
    code += "; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("--data", type=Path, default=os.environ.get("CCPAIRS_REAL_DATA") or here / "../shared/data")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    dumps = [dump for dump in (Path(options.data, "wikipedia", name) for name in DUMPS) if dump.is_file()]
    if not dumps:
        print(f"skipped: no {DUMPS[0]} in {Path(options.data, 'wikipedia')}; give --data the folder above it")
        return
    for dump in dumps:
        articles = len(articles_of(dump))
        speed = show(f"{dump.name} to extract", articles, best_seconds(partial(extract, dump), options.repeat))
        if dump.name == DUMPS[0]:
            print(f"    the bar is {BAR} articles/s: {'met' if speed >= BAR else 'MISSED'}")
    dump = dumps[0]
    texts = [page.text for page in articles_of(dump)]
    show("  pages cut out of it, alone", len(texts), best_seconds(lambda: pages_of(dump), options.repeat))
    ours = show(
        "  wikitext to sections, alone",
        len(texts),
        best_seconds(lambda: [read_article(text) for text in texts], options.repeat),
    )
    try:
        theirs = show("  mwparserfromhell strip_code, alone", len(texts), best_seconds(lambda: strip_code(texts), 1))
        print(f"    wikitext to text is {ours / theirs:.1f} times as fast as mwparserfromhell")
    except ImportError:
        print("    mwparserfromhell is not installed (pip install mwparserfromhell): no comparison")
    with tempfile.TemporaryDirectory() as folder:
        for label, each in (("the dump", dump), ("ten times", times_ten(dump, Path(folder, dump.name)))):
            memory, seconds = peak_memory(each)
            print(f"peak memory and time of a process, {label:<12}{memory:>8.0f} MB {seconds:>7.2f} s")


if __name__ == "__main__":
    main()
