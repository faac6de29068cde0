"""The records of Semantic Scholar's releases, and the typed rows that are made of them.

Two families of files, one space of paper ids (a ``paper_id`` of the 2020 release is the ``corpusid`` of today's):

==============  ==========================================================================================
``metadata``    2020: paper_id, title, abstract, outbound_citations (ids)
``pdf_parses``  2020: paper_id, abstract[] and body_text[] (text, cite_spans), bib_entries (ref_id -> link)
``papers``      today: corpusid, title, url, publicationdate, ...; no abstract
``abstracts``   today: corpusid, abstract, openaccessinfo.license
``citations``   today: citingcorpusid, citedcorpusid (either may be null, edges come twice), contexts[]
``s2orc``       today: corpusid, content.text and content.annotations; version 2 has body and bibliography
==============  ==========================================================================================

Annotations are JSON inside JSON strings: lists of spans, where ``bibref`` spans name the ``bibentry`` spans that name
the cited papers. Whatever we do not use may be absent or of any type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, TypeAlias

import msgspec
import pyarrow as pa
import xxhash

from ccpairs.errors import WrongSource
from filters.citations import Span
from pipelines.json_records import BAD_RECORD, decode_any

PaperId: TypeAlias = int | str | None
Offset: TypeAlias = int | str | None


class Row(NamedTuple):
    """One extract row; ``key`` is the paper it belongs to, for citations and contexts the citing paper."""

    key: int
    kind: str
    cited: int | None = None
    text: str | None = None
    rank: int = 0
    url: str | None = None
    license: str | None = None
    created: int | None = None


TITLE, ABSTRACT, CITATION, CONTEXT = "title", "abstract", "citation", "context"

EXTRACT_SCHEMA = pa.schema(
    [
        pa.field("key", pa.int64(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("cited", pa.int64()),
        pa.field("text", pa.string()),
        pa.field("rank", pa.int8(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("license", pa.string()),
        pa.field("created", pa.int64()),
    ]
)
"""``rank`` tells which of several titles or abstracts of a paper is the best: today's catalogue (0), the catalogue of
2020 (1), text parsed out of a PDF (2)."""

assert Row._fields == tuple(EXTRACT_SCHEMA.names)


class Metadata(msgspec.Struct):
    paper_id: PaperId = None
    title: str | None = None
    abstract: str | None = None
    outbound_citations: list[PaperId] | None = None


class CiteSpan(msgspec.Struct):
    start: Offset = None
    end: Offset = None
    ref_id: str | None = None


class Paragraph(msgspec.Struct):
    text: str | None = None
    cite_spans: list[CiteSpan] | None = None


class BibEntry(msgspec.Struct):
    link: PaperId = None


class PdfParse(msgspec.Struct):
    paper_id: PaperId = None
    abstract: list[Paragraph] | None = None
    body_text: list[Paragraph] | None = None
    bib_entries: dict[str, BibEntry] | None = None


class Paper(msgspec.Struct):
    corpusid: PaperId = None
    title: str | None = None
    url: str | None = None
    publicationdate: str | None = None


class OpenAccess(msgspec.Struct):
    license: str | None = None
    url: str | None = None


class Abstract(msgspec.Struct):
    corpusid: PaperId = None
    abstract: str | None = None
    openaccessinfo: OpenAccess | None = None


class Citation(msgspec.Struct):
    citingcorpusid: PaperId = None
    citedcorpusid: PaperId = None
    contexts: list[str | None] | None = None


class Annotated(msgspec.Struct):
    text: str | None = None
    annotations: dict[str, Any] | None = None


class FullText(msgspec.Struct):
    corpusid: PaperId = None
    title: str | None = None
    content: Annotated | None = None
    body: Annotated | None = None
    bibliography: Annotated | None = None
    openaccessinfo: OpenAccess | None = None


class Annotation(msgspec.Struct):
    start: Offset = None
    end: Offset = None
    attributes: dict[str, Any] | None = None


RECORDS: Mapping[str, type] = {
    "metadata": Metadata,
    "pdf_parses": PdfParse,
    "papers": Paper,
    "abstracts": Abstract,
    "citations": Citation,
    "s2orc": FullText,
}

# Base names ("papers-part0.jsonl.gz", "metadata_12.jsonl.gz", "20240101_074500_00012_abcde_citations.gz").
_FORM_IN_NAME = re.compile(
    r"(?<![a-z])(papers|abstracts|citations|s2orc(?:_v2)?|metadata|pdf_parses)(?![a-z])", re.IGNORECASE
)
_FILE_OF_RECORDS = re.compile(r"\.(?:jsonl?|ndjson)(?:\.(?:gz|zst|bz2|xz))?$|\.gz$", re.IGNORECASE)
_OTHER_DATA_SETS = re.compile(
    r"(?<![a-z])(?:authors|embeddings|tldrs|paper-ids|publication-venues)(?![a-z])", re.IGNORECASE
)


def form_of_name(name: str) -> str | None:
    """The form of a file by its name; ``records`` where only its content can tell, None where it is none of ours."""
    if not _FILE_OF_RECORDS.search(name) or _OTHER_DATA_SETS.search(name):
        return None
    return form_named_in(name) or "records"


def form_named_in(name: str) -> str | None:
    """The form that a name (of a file, of its folder) speaks of."""
    found = _FORM_IN_NAME.search(name)
    return found[1].lower().removesuffix("_v2") if found else None


NO_FORM = (
    "its first record has neither paper_id (the 2020 release of S2ORC) nor corpusid (today's papers, abstracts, "
    "citations, s2orc); give the right --source"
)


def form_of_record(line: bytes) -> str | None:
    """The form of a file by one of its records; None where the line is damaged; raises ``WrongSource``."""
    try:
        record = decode_any(line)
    except BAD_RECORD:
        return None
    form = form_of_keys(record)
    if form is None:
        raise WrongSource(NO_FORM)
    return form


def form_of_keys(record: Any) -> str | None:
    """The form that a decoded record has, None for one of another source."""
    keys = record.keys() if isinstance(record, dict) else set()
    if "citingcorpusid" in keys or "citedcorpusid" in keys:
        return "citations"
    if "corpusid" in keys:
        if "content" in keys or "body" in keys:
            return "s2orc"
        if "abstract" in keys:
            return "abstracts"
        if "title" in keys:
            return "papers"
    if "paper_id" in keys:
        if "body_text" in keys or "bib_entries" in keys:
            return "pdf_parses"
        if "title" in keys:
            return "metadata"
    return None


def paper_key(identifier: PaperId) -> int | None:
    """A paper id as a number: ids are digits; any other becomes a hash, which is negative so that it meets no id."""
    if type(identifier) is int:
        return identifier if 0 <= identifier < 1 << 63 else None
    if not isinstance(identifier, str) or not identifier:
        return None
    if identifier.isdecimal() and len(identifier) < 19:
        return int(identifier)
    return (xxhash.xxh3_64_intdigest(identifier.encode("utf-8", "replace")) | 1 << 63) - (1 << 64)


def document_id(key: int) -> str:
    """How a paper is called in ``query_doc`` and ``passage_doc``, and in an opt-out list: its corpus id."""
    return str(key) if key >= 0 else f"xxh3:{key + (1 << 64):016x}"


def seconds(day: str | None) -> int | None:
    """A publication date (``2009-07-01``) in Unix seconds, UTC; None where it is no full date."""
    if not day:
        return None
    try:
        midnight = datetime.combine(date.fromisoformat(day[:10]), datetime.min.time(), UTC)
    except ValueError:
        return None
    return int(midnight.timestamp())


def span_of(start: Offset, end: Offset, length: int) -> Span | None:
    """The offsets of a span as numbers; None where they lie outside of the text."""
    try:
        low, high = int(start or 0), int(end or 0)
    except ValueError:
        return None
    return (low, high) if 0 <= low < high <= length else None


_ANNOTATIONS = msgspec.json.Decoder(list[Annotation])


def annotated_spans(document: Annotated | None, *names: str) -> Sequence[tuple[Span, Mapping[str, Any]]]:
    """(span, attributes) of each annotation of the first of these names that a document has.

    Raises ``msgspec.DecodeError`` (or ``ValidationError``, its subclass) where the inner JSON is damaged.
    """
    if document is None or not document.annotations:
        return []
    length = len(document.text or "")
    for name in names:
        value = document.annotations.get(name)
        if value:
            found = _ANNOTATIONS.decode(value) if isinstance(value, str) else msgspec.convert(value, list[Annotation])
            placed = ((span_of(item.start, item.end, length), item.attributes or {}) for item in found)
            return [(span, attributes) for span, attributes in placed if span is not None]
    return []
