"""Common Crawl: titles of web pages and the passages of their main text.

Formats, all from https://commoncrawl.org, a path list per crawl (``warc.paths.gz``, ``wet.paths.gz``):

``NAME.warc.gz``      what the servers sent: a *response* record per page, HTML. Main text and title are found here.
``NAME.arc.gz``       the same in ARC, the format before WARC (crawls until 2012).
``NAME.warc.wet.gz``  the text of the same pages: a *conversion* record each, the title in the first line, and a line
                      for each piece of text, menus included. Lines that are no running text are dropped.
``NAME.json.gz``      what CCNet made of WET files, a JSON object a line: url, title (its first line), raw_content
                      (lines are paragraphs), date_download, language, language_score, perplexity. The same fields
                      as Dolma keeps them, inside ``metadata`` beside ``text``, are read too.

Other WARC files are read as well. One page becomes one or more (title, passage) pairs; the passages are the first of
its main text. What a page is rejected for stands in ``docs/filters.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

import msgspec

from ccpairs.errors import WrongSource
from filters.passages import running_text
from filters.text import decode_escaped_entities
from filters.titles import choose_title
from pipelines.inputs import InputFile
from pipelines.json_records import BAD_RECORD, head_records, record_decoder
from pipelines.pages import judge
from pipelines.source import MALFORMED, OPTED_OUT, Outcome, Reject
from pipelines.warc import CONVERSION, RESPONSE, DamagedRecord, read_warc
from pipelines.web import About, WebSource, about, reject_damaged, sniff_archive, unix_time

PACKED = r"(?:\.(?:gz|bz2|xz|zst))?"
NAMES = {
    "wet": re.compile(rf".*\.wet{PACKED}", re.IGNORECASE),
    "warc": re.compile(rf".*\.w?arc{PACKED}", re.IGNORECASE),
    "ccnet": re.compile(rf".*\.jsonl?{PACKED}", re.IGNORECASE),
}


class CCNetFields(msgspec.Struct):
    """What CCNet says of a page."""

    url: str | None = None
    date_download: str | None = None
    title: str | None = None
    language: str | None = None
    language_score: float | None = None
    perplexity: float | None = None


class CCNetPage(CCNetFields):
    """A line: CCNet's own (``raw_content``), or Dolma's (``text``, with CCNet's fields in ``metadata``)."""

    raw_content: str | None = None
    text: str | None = None
    metadata: CCNetFields | None = None


class CommonCrawl(WebSource):
    name = "commoncrawl"
    about = "Common Crawl (WARC, WET, or CCNet's JSON): (title, passage)"
    unit = "page"
    extract_version = 2
    forms: ClassVar[Mapping[str, str]] = {
        "warc": "web archives (NAME.warc.gz, NAME.arc.gz; a .wat.gz file holds no text: take the WARC or WET file of "
        "that name)",
        "wet": "texts of web archives (NAME.warc.wet.gz)",
        "ccnet": "CCNet's pages, JSON lines (NAME.json.gz, NAME.jsonl.gz)",
    }

    def form_of(self, name: str) -> str | None:
        return next((form for form, pattern in NAMES.items() if pattern.fullmatch(name)), None)

    def sniff(self, file: InputFile, head: bytes) -> None:
        if file.form != "ccnet":
            sniff_archive(file, head, RESPONSE if file.form == "warc" else CONVERSION)
        elif not any(isinstance(record, dict) for record in head_records(head)) and not head.lstrip().startswith(b"{"):
            raise WrongSource(f"{file.name}: begins with {head[:20]!r}; CCNet's files hold a JSON object a line")
        elif b"\n" in head and not any(key in head for key in (b'"raw_content"', b'"text"')):
            raise WrongSource(f'{file.name}: its first lines have neither "raw_content" nor "text"; is it CCNet\'s?')

    def read(self, file: InputFile) -> Iterator[Outcome]:
        if file.form == "warc":
            yield from self.read_responses(file)
        elif file.form == "wet":
            yield from self.read_texts(file)
        else:
            yield from self.read_lines(file)

    def read_texts(self, file: InputFile) -> Iterator[Outcome]:
        """One outcome per conversion record of a WET file."""
        for record in read_warc(file, CONVERSION, self.extract.max_page_mb << 20):
            if isinstance(record, DamagedRecord):
                yield reject_damaged(record)
            elif self.opt_out and (self.opt_out.url(record.url) or self.opt_out.doc(record.id or "")):
                yield Reject(OPTED_OUT)
            elif record.payload is None:
                yield Reject("page_too_large", detail=record.url, position=record.id)
            else:
                first, *lines = record.payload.decode("utf-8", "replace").split("\n")
                title = choose_title(first, url=record.url)
                yield self.outcome(judge(title, running_text(lines), self.rules), about(record), record.id)

    def read_lines(self, file: InputFile) -> Iterator[Outcome]:
        """One outcome per line of a JSON file."""
        decode = record_decoder(CCNetPage)
        for number, line in enumerate(file.lines(), 1):
            if not line.strip():
                continue
            try:
                yield self.page(decode(line), f"line {number}")
            except BAD_RECORD as error:
                yield Reject(MALFORMED, detail=str(error), position=f"line {number}")

    def page(self, page: CCNetPage, position: str) -> Outcome:
        text = page.raw_content if page.raw_content is not None else page.text
        if text is None:
            return Reject(MALFORMED, detail="neither raw_content nor text", position=position)
        fields = page.metadata if page.raw_content is None and page.metadata is not None else page
        url = fields.url or page.url
        if self.opt_out and self.opt_out.url(url):
            return Reject(OPTED_OUT)
        title = decode_escaped_entities(fields.title) if fields.title else None
        paragraphs = decode_escaped_entities(text).split("\n")
        if title and paragraphs[0].strip() == title.strip():
            paragraphs = paragraphs[1:]
        created = unix_time(fields.date_download)
        known = About(url, url, created, fields.language, fields.language_score, fields.perplexity)
        return self.outcome(judge(choose_title(title, url=url), paragraphs, self.rules), known, position)
