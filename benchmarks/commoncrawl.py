"""Pages per second and quality of the main text, against other tools, on one web archive in one run.

    python -m benchmarks.commoncrawl [ARCHIVE.warc.gz ANNOTATIONS.json [MORE.warc.gz ...]] [--rounds N]

ANNOTATIONS says for each URL of ARCHIVE which strings the main text must hold (``with``) and which it must not
(``without``). F1 is over those strings: a string that must be there and is not lowers the recall, one that must not be
there and is lowers the precision. White space is folded before looking; for ccpairs the text of a page is what ends up
in its passages, all of them. Further archives only count for the speed. Without arguments it takes the annotated pages
of the real sample files (``../shared/data`` or ``$CCPAIRS_REAL_DATA``), and says so where there are none.

The whole way from the file to the text is timed, as CPU seconds of this process and of all its children (ccpairs and
datatrove both extract in a child process), less what a run over a single page takes: starting an interpreter is no
part of a page. So the figures are per core, whoever uses how many of them. The tools take turns, in several rounds,
and the best round of each counts: other work on the machine makes a run slower, never faster.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ccpairs.pair import Pair
from pipelines.charsets import decode_page
from pipelines.inputs import InputFile
from pipelines.source import Failure, Reject
from pipelines.sources.commoncrawl import CommonCrawl
from pipelines.warc import RESPONSE, DamagedRecord, read_warc
from pipelines.web import WebExtract

REAL_DATA = Path(
    os.environ.get("CCPAIRS_REAL_DATA") or Path(__file__).resolve().parent.parent.parent / "shared" / "data"
)
PEER = "datatrove WarcReader + Trafilatura"

Texts = dict[str, str]
Reader = Callable[[Path], Iterator[tuple[str, str]]]


def ccpairs(**settings: object) -> Reader:
    """The source as ``build`` runs it: read, extract in a child process, filter, cut into passages."""

    def read(archive: Path) -> Iterator[tuple[str, str]]:
        source = CommonCrawl(extract=WebExtract(passages_per_page=0, **settings))  # type: ignore[arg-type]
        for outcome in source.read(InputFile(str(archive), "warc")):
            if not isinstance(outcome, Reject | Failure):
                pairs = [Pair._make(row) for row in outcome]
                yield pairs[0].url or "", " ".join(pair.passage for pair in pairs)

    return read


def resiliparse(archive: Path) -> Iterator[tuple[str, str]]:
    """Only its main text, in this process."""
    from resiliparse.extract.html2text import extract_plain_text

    for record in read_warc(InputFile(str(archive), "warc"), RESPONSE, 1 << 30):
        if isinstance(record, DamagedRecord):
            continue
        html = decode_page(record.payload or b"", record.charset).text
        yield record.url or "", extract_plain_text(html, main_content=True, preserve_formatting=True)


def datatrove(archive: Path) -> Iterator[tuple[str, str]]:
    """Its WARC reader and its Trafilatura extractor, with their defaults but for a longer time limit."""
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.readers import WarcReader
    from loguru import logger

    logger.remove()
    reader = WarcReader(str(archive.parent), glob_pattern=archive.name)
    for document in Trafilatura(timeout=30).run(reader.run()):
        yield document.metadata["url"], document.text


def cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def timed(read: Reader, archive: Path) -> tuple[Texts, float]:
    start = cpu_seconds()
    texts = dict(read(archive))
    return texts, cpu_seconds() - start


def score(texts: Texts, annotations: dict[str, dict[str, list[str]]]) -> tuple[float, float, float]:
    """Precision, recall and F1 over the strings that must and must not be in the text."""
    found = {"with": 0, "without": 0}
    wanted = 0
    for url, strings in annotations.items():
        text = " ".join(texts.get(url, "").split())
        wanted += len(strings["with"])
        for kind in found:
            found[kind] += sum(" ".join(string.split()) in text for string in strings[kind])
    precision = found["with"] / max(1, found["with"] + found["without"])
    recall = found["with"] / max(1, wanted)
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, nargs="?", default=REAL_DATA / "commoncrawl" / "annotated-pages.warc.gz")
    parser.add_argument("annotations", type=Path, nargs="?", default=REAL_DATA / "commoncrawl" / "annotated-pages.json")
    parser.add_argument("more", type=Path, nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    missing = [path for path in (given.archive, given.annotations, *given.more) if not path.is_file()]
    if missing:
        print(f"skipped: no {missing[0]}; name an archive and its annotations, or set CCPAIRS_REAL_DATA")
        return
    logging.disable(logging.WARNING)
    annotations = json.loads(given.annotations.read_text())
    readers: dict[str, Reader] = {
        "ccpairs": ccpairs(),
        "ccpairs --no-quality-filters": ccpairs(quality_filters=False),
        "ccpairs --extractor trafilatura": ccpairs(extractor="trafilatura"),
        "resiliparse main text": resiliparse,
        PEER: datatrove,
    }
    with tempfile.TemporaryDirectory() as folder:
        every, single = Path(folder, "every.warc.gz"), Path(folder, "single.warc.gz")
        with every.open("wb") as joined:
            for archive in (given.archive, *given.more):
                with archive.open("rb") as part:
                    shutil.copyfileobj(part, joined)
        write_first_record(every, single)
        pages = sum(1 for _ in read_warc(InputFile(str(every), "warc"), RESPONSE, 1 << 30))
        texts: dict[str, Texts] = {}
        starts: dict[str, list[float]] = {name: [] for name in readers}
        ends: dict[str, list[float]] = {name: [] for name in readers}
        for _ in range(given.rounds):
            for name, read in readers.items():
                starts[name].append(timed(read, single)[1])
                texts[name], seconds = timed(read, every)
                ends[name].append(seconds)
                print(".", end="", file=sys.stderr, flush=True)
    speeds = {name: (pages - 1) / (min(ends[name]) - min(starts[name])) for name in readers}
    print(f"\n{pages} pages, {len(annotations)} of them annotated; best of {given.rounds} rounds\n")
    print("| | pages/s per core | ratio | precision | recall | F1 |\n|---|--:|--:|--:|--:|--:|")
    for name, speed in speeds.items():
        precision, recall, f1 = score(texts[name], annotations)
        print(f"| {name} | {speed:.0f} | {speed / speeds[PEER]:.1f} | {precision:.3f} | {recall:.3f} | {f1:.3f} |")


def write_first_record(archive: Path, target: Path) -> None:
    """A file with the first page of an archive and no more."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with archive.open("rb") as stream, gzip.open(target, "wb") as written:
        record = next(iter(ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=False)))
        record.write(written)


if __name__ == "__main__":
    main()
