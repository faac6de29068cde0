"""Main text and titles of web pages against other tools: quality alone, on pages with known answers, in one run.

    python -m benchmarks.main_text [ARCHIVE.warc.gz ANSWERS.json]

ANSWERS says for each URL of ARCHIVE the ``title`` and the ``text`` that a parser of that publisher reads. F1 is over
the words of the two texts, each as often as it comes, as a mean over pages; a page without text counts 0. A title
counts where it equals the publisher's as plain text. For ccpairs the text of a page is all its passages as a build
makes them (``--source news --languages all --perplexity none --passages-per-page all``), so pages that its filters drop
count 0.

Without arguments it takes the real sample files (``../shared/data`` or ``$CCPAIRS_REAL_DATA``):

- publisher pages, *looked at*: the half that rules may be made for;
- publisher pages, *only measured*: the other half, which nobody reads, so it shows what generalises. The halves are
  told apart by the first byte of the SHA-256 of the URL: even ones are looked at;
- annotated pages: F1 over the strings that the text must and must not hold, as in ``benchmarks.commoncrawl``, for
  ccpairs without quality filters. Nobody states their titles.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from benchmarks.commoncrawl import score
from benchmarks.measuring import real_folder
from benchmarks.real_files import build
from ccpairs import read_pairs
from filters.text import plain
from pipelines.charsets import decode_page
from pipelines.inputs import InputFile
from pipelines.warc import RESPONSE, WebRecord, read_warc

# East Asian scripts put no space between words: there each character stands for one.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
NEWS = ("--languages", "all", "--perplexity", "none", "--passages-per-page", "all")


class Reading(NamedTuple):
    """What a tool reads of a page."""

    text: str
    title: str | None


Tool = Callable[[str], Reading]


def read_with_trafilatura(html: str) -> Reading:
    from trafilatura import extract, extract_metadata

    document = extract_metadata(html)
    return Reading(extract(html, include_comments=False) or "", document.title if document else None)


def read_with_resiliparse(html: str) -> Reading:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    text = extract_plain_text(html, main_content=True, preserve_formatting=True)
    return Reading(text, HTMLTree.parse(html).title)


TOOLS: dict[str, Tool] = {"trafilatura": read_with_trafilatura, "resiliparse": read_with_resiliparse}


def read_pages(archive: Path, tool: Tool) -> dict[str, Reading]:
    """What a tool reads of each page, by URL."""
    return {
        record.url or "": tool(decode_page(record.payload or b"", record.charset).text)
        for record in read_warc(InputFile(str(archive), "warc"), RESPONSE, 1 << 30)
        if isinstance(record, WebRecord)
    }


def read_with_ccpairs(archive: Path, source: str, *flags: str) -> dict[str, Reading]:
    """What a build makes of each page, by URL: its query and all its passages."""
    passages: dict[str, list[str]] = {}
    titles: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), [source], [str(archive)], *NEWS, *flags)
        for pair in read_pairs(str(Path(folder, "candidates", source))):
            passages.setdefault(pair["url"], []).append(pair["passage"])
            titles[pair["url"]] = pair["query"]
    return {url: Reading(" ".join(parts), titles[url]) for url, parts in passages.items()}


def is_looked_at(url: str) -> bool:
    return sha256(url.encode()).digest()[0] % 2 == 0


def count_words(text: str) -> Counter[str]:
    return Counter(WORD.findall(plain(text).casefold()))


def word_f1(text: str, truth: str) -> float:
    found, wanted = count_words(text), count_words(truth)
    return 2 * (found & wanted).total() / max(1, found.total() + wanted.total())


class Row(NamedTuple):
    pages: int
    f1: float
    without_text: int
    titles: float | None


def compare_texts(readings: Mapping[str, Reading], answers: Mapping[str, Mapping[str, str]]) -> Row:
    """Mean F1 of words, pages without text, share of equal titles."""
    nothing = Reading("", None)
    pairs = [(readings.get(url, nothing), answer) for url, answer in answers.items()]
    return Row(
        len(pairs),
        sum(word_f1(found.text, answer["text"]) for found, answer in pairs) / len(pairs),
        sum(not found.text.strip() for found, _ in pairs),
        sum(plain(found.title or "") == plain(answer["title"]) for found, answer in pairs) / len(pairs),
    )


def compare_strings(readings: Mapping[str, Reading], annotations: Mapping[str, dict[str, list[str]]]) -> Row:
    """F1 over annotated strings, pages without text."""
    texts = {url: reading.text for url, reading in readings.items()}
    without = sum(not texts.get(url, "").strip() for url in annotations)
    return Row(len(annotations), score(texts, dict(annotations))[2], without, None)


def rows_of(archive: Path, source: str, flags: Sequence[str]) -> Iterator[tuple[str, dict[str, Reading]]]:
    yield "ccpairs", read_with_ccpairs(archive, source, *flags)
    for name, tool in TOOLS.items():
        yield name, read_pages(archive, tool)


def table_line(pages: str, tool: str, row: Row) -> str:
    titles = "" if row.titles is None else f"{row.titles:.3f}"
    return f"| {pages} ({row.pages}) | {tool} | {row.f1:.3f} | {row.without_text} | {titles} |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, nargs="?")
    parser.add_argument("answers", type=Path, nargs="?")
    given = parser.parse_args(arguments)
    if given.archive is not None and given.answers is None:
        parser.error("name the answers too: ARCHIVE.warc.gz ANSWERS.json")
    news, crawl = real_folder("news"), real_folder("commoncrawl")
    if given.archive is None and (news is None or crawl is None):
        print("skipped: no real sample files; name an archive and its answers, or set CCPAIRS_REAL_DATA")
        return
    lines = []
    if given.archive is not None:
        answers = json.loads(given.answers.read_text(encoding="utf-8"))
        for tool, readings in rows_of(given.archive, "news", ()):
            lines.append(table_line(given.archive.name, tool, compare_texts(readings, answers)))
    else:
        assert news is not None
        assert crawl is not None
        answers = json.loads((news / "publisher-pages.json").read_text(encoding="utf-8"))
        halves: dict[bool, dict[str, dict[str, str]]] = {True: {}, False: {}}
        for url, answer in answers.items():
            halves[is_looked_at(url)][url] = answer
        for tool, readings in rows_of(news / "publisher-pages.warc.gz", "news", ()):
            lines.append(table_line("publishers, looked at", tool, compare_texts(readings, halves[True])))
            lines.append(table_line("publishers, only measured", tool, compare_texts(readings, halves[False])))
            lines.append(table_line("publishers, all", tool, compare_texts(readings, answers)))
        annotations = json.loads((crawl / "annotated-pages.json").read_text(encoding="utf-8"))
        for tool, readings in rows_of(crawl / "annotated-pages.warc.gz", "commoncrawl", ["--no-quality-filters"]):
            lines.append(table_line("annotated", tool, compare_strings(readings, annotations)))
    print("\n| pages | tool | F1 | without text | equal titles |\n|---|---|--:|--:|--:|")
    print("\n".join(sorted(lines, key=lambda line: line.split("|")[1], reverse=True)))


if __name__ == "__main__":
    main()
