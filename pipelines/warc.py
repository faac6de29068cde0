"""WARC: the container of web archives (ISO 28500), as Common Crawl, CC-NEWS and the Internet Archive write it.

A file is a chain of records, each a block of ``Name: value`` lines and ``Content-Length`` bytes, each by itself a
gzip member. *response* records hold what a server sent, HTTP headers included; *conversion* records (WET files) hold
plain text. The other types (warcinfo, request, metadata, resource, and revisit, which says that a page has not
changed since an earlier visit and holds no page) are passed over: they are no records of ours.

fastwarc reads the records. It takes the end of the file for the end of the last record wherever it comes, so what is
missing is noticed here: gzip by the input stream, a record by its length.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from fastwarc.warc import ArchiveIterator, WarcRecord

from ccpairs.errors import DamagedInput
from pipelines.inputs import InputFile

RESPONSE, CONVERSION = "response", "conversion"
MAX_BLOCK = 32 << 20
"""Bytes of a record that are kept while it is read; of a longer one the rest is skipped."""
MAX_HEADER_BYTES = 1 << 20


class WebRecord(NamedTuple):
    """One record. ``status``, ``content_type`` and ``charset`` are the server's words (None where it said nothing).

    ``payload`` is the page without HTTP headers, transfer and content encodings undone; None where it is longer than
    the limit. ``created`` is when it was fetched, in Unix seconds.
    """

    id: str | None
    url: str | None
    created: int | None
    status: int | None
    content_type: str | None
    charset: str | None
    payload: bytes | None


def read_warc(file: InputFile, kind: str, max_bytes: int) -> Iterator[WebRecord]:
    """The records of one type, *response* or *conversion*, in order; counts them in the file's meter.

    Raises ``DamagedInput`` where the file is truncated or corrupt, as soon as the reading comes there.
    """
    file.meter.records = 0
    with file.open() as stream:
        # No stream_detect: the stream is decompressed already.
        records = ArchiveIterator(
            _Stream(stream), parse_http=False, stream_detect=False, max_header_len=MAX_HEADER_BYTES
        )
        while (record := _next_record(records, file.name)) is not None:
            block = _block_of(record, file.name)
            if str(record.record_type) == kind:
                file.meter.records += 1
                yield _web_record(record, block, kind, max_bytes)


class _Stream:
    """What fastwarc asks of a stream; it never goes back in it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._position += len(block)
        return block

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        raise io.UnsupportedOperation("seek")

    def close(self) -> None:
        self._stream.close()


def _next_record(records: Iterator[WarcRecord], name: str) -> WarcRecord | None:
    try:
        return next(records, None)
    except OSError as error:
        raise DamagedInput(f"{name}: no WARC record where one should begin ({error}); fetch the file again") from error


def _block_of(record: WarcRecord, name: str) -> bytes | None:
    """All bytes of a record after its headers; None if it is longer than the limit."""
    stated = record.headers.get("Content-Length") or ""
    which = record.record_id
    reader = record.reader
    if not stated.isdecimal() or reader is None:
        raise DamagedInput(f"{name}: the record {which} does not say how long it is; fetch the file again")
    block = reader.read(min(int(stated), MAX_BLOCK))
    length = len(block)
    while length < int(stated) and (more := reader.read(MAX_BLOCK)):
        length += len(more)
    if length != int(stated):
        raise DamagedInput(
            f"{name}: the file ends too early (truncated), at byte {length:,} of {stated} of {which}; fetch it again"
        )
    return block if length == len(block) else None


def _web_record(record: WarcRecord, block: bytes | None, kind: str, max_bytes: int) -> WebRecord:
    status, content_type, charset, payload = None, record.headers.get("Content-Type"), None, block
    if kind == RESPONSE:
        status, headers, payload = _http(block or b"")
        content_type = headers.get("content-type") or record.headers.get("WARC-Identified-Payload-Type")
        if block is None:
            payload = None
        elif "chunked" in headers.get("transfer-encoding", "") or "content-encoding" in headers:
            payload = _decoded(block, payload, max_bytes)
    mime, _, parameters = (content_type or "").partition(";")
    if "charset=" in parameters.lower():
        charset = parameters[parameters.lower().index("charset=") + 8 :].split(";")[0].strip(" \"'") or None
    date = record.record_date
    url = record.headers.get("WARC-Target-URI")
    return WebRecord(
        id=record.record_id,
        url=url.strip("<> ") if url else None,  # WARC 1.0 writers put it between angle brackets
        created=int(date.timestamp()) if date is not None else None,
        status=status,
        content_type=mime.strip().lower() or None,
        charset=charset,
        payload=payload if payload is not None and len(payload) <= max_bytes else None,
    )


def _http(block: bytes) -> tuple[int | None, dict[str, str], bytes]:
    """Status, headers (names in lower case, the first of each name) and body of an HTTP response."""
    ends = [(at, len(end)) for end in (b"\r\n\r\n", b"\n\n") if (at := block.find(end, 0, MAX_HEADER_BYTES)) >= 0]
    if not block.startswith(b"HTTP/") or not ends:
        return None, {}, block
    at, length = min(ends)
    first, *lines = block[:at].decode("latin-1").splitlines()
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    status = first.split(None, 2)[1:2]
    return (int(status[0]) if status and status[0].isdecimal() else None), headers, block[at + length :]


def _decoded(block: bytes, payload: bytes, max_bytes: int) -> bytes:
    """The body with its encodings undone. Many archives store it decoded and leave the headers as they were."""
    head = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http\r\nContent-Length: %d\r\n\r\n"
    try:
        copy = WarcRecord.from_bytes(head % len(block) + block)
        copy.parse_http(auto_decode="all", quirks_mode=True)
        decoded: bytes = copy.reader.read(max_bytes + 1) if copy.reader is not None else b""
    except OSError:
        return payload
    return decoded or payload
