"""What the sources of the web have in common: settings, web archives, and pairs of a title and its passages."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from ccpairs.errors import UserError, WrongSource
from ccpairs.pair import Pair
from filters.passages import MAX_CHARS, MIN_CHARS
from pipelines.inputs import InputFile
from pipelines.page_worker import PageWorker, Trouble
from pipelines.pages import EXTRACTORS, Judged, Page, PageRules, Refused
from pipelines.source import MALFORMED, OPTED_OUT, Failure, Outcome, Reject, Source, option
from pipelines.warc import CONVERSION, RESPONSE, DamagedRecord, WebRecord, read_warc

HTML = frozenset(["text/html", "application/xhtml+xml"])

HTML_BEGINS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<title")


def count_or_all(text: str) -> int:
    """A number of 1 or more; 0 for ``all``."""
    if text != "all" and int(text) < 1:
        raise ValueError("a number of 1 or more, or all")
    return 0 if text == "all" else int(text)


def at_least_one(text: str) -> int:
    if int(text) < 1:
        raise ValueError("a number of 1 or more")
    return int(text)


def seconds(text: str) -> int:
    if not 1 <= int(text) <= 86_400:
        raise ValueError("a number of seconds from 1 to 86,400")
    return int(text)


def megabytes(text: str) -> int:
    if not 1 <= int(text) <= 1_000:
        raise ValueError("a number of megabytes from 1 to 1,000")
    return int(text)


@dataclass(frozen=True)
class WebExtract:
    extractor: str = option("ccpairs", "what finds the main text of a page", choices=EXTRACTORS)
    passages_per_page: int = option(
        1, "pair the title with so many passages, from the first; or all", parse=count_or_all
    )
    min_passage_chars: int = option(MIN_CHARS, "drop passages with fewer characters", parse=at_least_one)
    max_passage_chars: int = option(MAX_CHARS, "put paragraphs together up to so many characters", parse=at_least_one)
    quality_filters: bool = option(True, "drop pages that do not read like prose")
    page_timeout: int = option(30, "seconds after which a page that hangs is given up", parse=seconds)
    max_page_mb: int = option(10, "drop pages with more megabytes of HTML", parse=megabytes)


def check_extractor(name: str) -> None:
    """Raise ``UserError`` if the extractor needs a library that is not there, or that cannot be imported."""
    if name == "trafilatura":
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise UserError(
                f"--extractor trafilatura needs that library ({error}); pip install 'ccpairs[trafilatura]'"
            ) from None


class About(NamedTuple):
    """What is known of a document apart from its text."""

    doc: str | None
    url: str | None = None
    created: int | None = None
    language: str | None = None
    language_score: float | None = None
    perplexity: float | None = None


class WebSource(Source):
    """A source of titles and passages."""

    extract_settings = WebExtract

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        check_extractor(self.extract.extractor)

    @property
    def rules(self) -> PageRules:
        settings = self.extract
        return PageRules(
            extractor=settings.extractor,
            max_chars=settings.max_passage_chars,
            min_chars=settings.min_passage_chars,
            per_page=settings.passages_per_page,
            quality=settings.quality_filters,
        )

    def read_responses(self, file: InputFile) -> Iterator[Outcome]:
        """One outcome per response record of a web archive; the pages are read in a child process."""
        settings = msgspec.to_builtins(self.rules)
        with PageWorker("pipelines.pages:page_reader", settings, self.extract.page_timeout) as worker:
            for record, answer in worker.map(self._messages(file)):
                if isinstance(record, Reject):
                    yield record
                elif isinstance(answer, Trouble):
                    yield Failure(answer.reason, answer.detail, record.id)
                else:
                    judged = msgspec.msgpack.decode(answer or b"", type=Judged)
                    yield self.outcome(judged, about(record), record.id)

    def _messages(self, file: InputFile) -> Iterator[tuple[WebRecord | Reject, bytes | None]]:
        """Each record with the message for the page worker, or its reject without a message."""
        encode = msgspec.msgpack.Encoder().encode
        for record in read_warc(file, RESPONSE, self.extract.max_page_mb << 20):
            reject = reject_damaged(record) if isinstance(record, DamagedRecord) else self.refusal(record)
            if reject is not None:
                yield reject, None
            elif isinstance(record, WebRecord):
                # The batch keeps the records until they are answered; their pages are in the messages.
                page = Page(record.payload or b"", record.charset, record.url)
                yield record._replace(payload=None), encode(page)

    def refusal(self, record: WebRecord) -> Reject | None:
        """Why a record is not even looked into."""
        if self.opt_out and (self.opt_out.url(record.url) or self.opt_out.doc(record.id or "")):
            return Reject(OPTED_OUT)
        if record.payload is None:
            return Reject("page_too_large", detail=record.url, position=record.id)
        if record.status != 200:
            return Reject("http_status", detail=str(record.status or "no HTTP"), position=record.id)
        if record.content_type not in HTML and (
            record.content_type is not None or not record.payload[:1000].lstrip().lower().startswith(HTML_BEGINS)
        ):
            return Reject("not_html", detail=record.content_type, position=record.id)
        return None

    def outcome(self, judged: Judged, about: About, position: str | None) -> Outcome:
        """The pairs of a title and its passages, or the reject."""
        if isinstance(judged, Refused):
            return Reject(judged.reason, judged.title, judged.excerpt, about.url, position)
        return [pair(judged.title, passage, "title_passage", about) for passage in judged.passages]


def reject_damaged(record: DamagedRecord) -> Reject:
    return Reject(MALFORMED, detail=record.detail, position=f"byte {record.offset}")


def about(record: WebRecord) -> About:
    return About(record.url or record.id, record.url, record.created)


def pair(query: str, passage: str, pair_type: str, about: About) -> Pair:
    """A pair both sides of which are from one document."""
    return Pair(
        query,
        passage,
        pair_type,
        query_doc=about.doc,
        passage_doc=about.doc,
        url=about.url,
        language=about.language,
        language_score=about.language_score,
        perplexity=about.perplexity,
        created=about.created,
    )


def sniff_archive(file: InputFile, head: bytes, kind: str) -> None:
    """Raise ``WrongSource`` unless these are the first bytes of a web archive with records of this type."""
    if kind == RESPONSE and head.startswith(b"filedesc:"):
        return  # ARC, the format before WARC
    # The first record may be damaged, and the others readable.
    if not head.startswith(b"WARC/") and b"\nWARC/1" not in head:
        raise WrongSource(
            f"{file.name}: begins with {head[:20]!r}, not with WARC/; give the right --source, or fetch it again"
        )
    if b"WARC-Type: metadata" in head and b'"Envelope"' in head:
        raise WrongSource(
            f"{file.name}: is a WAT file, which holds no text; take the WARC or WET file of the same name"
        )
    other = CONVERSION if kind == RESPONSE else RESPONSE
    if f"WARC-Type: {other}".encode() in head and f"WARC-Type: {kind}".encode() not in head:
        names = {RESPONSE: "NAME.warc.gz", CONVERSION: "NAME.warc.wet.gz"}
        raise WrongSource(
            f"{file.name}: holds {other} records; rename it to {names[other]}, as its name says what it is"
        )


def unix_time(text: str | None) -> int | None:
    """Unix seconds of an ISO 8601 date or time, UTC where it names no zone; None where it is none."""
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
