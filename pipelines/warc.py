"""WARC (ISO 28500) and ARC: the containers of web archives, as Common Crawl, CC-NEWS and the Internet Archive write.

A file is a chain of records: a block of ``Name: value`` lines (in ARC one line), then ``Content-Length`` bytes. Usually
each record is a gzip member or a zstd frame of its own. *response* records hold what a server sent, HTTP headers too;
*conversion* records (WET files) hold plain text. Other types (warcinfo, request, metadata, resource, and revisit, which
says that a page has not changed since an earlier visit and holds no page) are skipped and not counted.

A damaged record costs itself alone: reading goes on at the next member, or at the next ``WARC/`` line. A file fails
where it is truncated, or where nothing after the damage can be read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple, cast

from ccpairs.errors import DamagedInput, WrongSource
from pipelines.http_bodies import decode_body
from pipelines.inputs import InputFile, decompressed
from pipelines.members import DamagedMember, Members, open_members

RESPONSE, CONVERSION = "response", "conversion"
MAX_BLOCK = 32 << 20
"""Bytes of a record that are kept while it is read; of a longer one the rest is skipped."""
MAX_HEADER_BYTES = 1 << 20
READ_BYTES = 1 << 18

_WARC_START = re.compile(rb"WARC/\d+\.\d+[ \t]*\r?\n(?=[!-9;-~]+:)")
_ARC_START = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*:\S* \d[\d.]* \d{8,17} \S+(?: \S+)* \d{1,18}\r?\n")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


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


class DamagedRecord(NamedTuple):
    """A place where no record can be read.

    ``offset`` is in bytes: of the file where it consists of gzip members or zstd frames, else of its text.
    """

    offset: int
    detail: str


class _Record(NamedTuple):
    """A record before it is interpreted; ``block`` is None where it is longer than ``MAX_BLOCK``."""

    headers: dict[str, str]
    block: bytes | None


class _NoLength(Exception):
    """The header of a record states no valid Content-Length."""


def read_warc(file: InputFile, kind: str, max_bytes: int) -> Iterator[WebRecord | DamagedRecord]:
    """Read the records of one type, *response* or *conversion*, in order; counts them in the file's meter.

    Damaged records are counted whatever type they have. Raises ``DamagedInput`` where the file is truncated, where it
    holds no record at all, or where the rest of it cannot be read, as soon as the reading comes there.
    """
    meter = file.meter
    meter.records = 0
    any_record = False
    first_damage: DamagedRecord | None = None
    for record in _read_records(file):
        if isinstance(record, DamagedRecord):
            first_damage = first_damage or record
            meter.records += 1
            yield record
        else:
            any_record = True
            if record.headers.get("warc-type") == kind:
                meter.records += 1
                yield _web_record(record, kind, max_bytes)
    if first_damage is not None and not any_record:
        raise WrongSource(f"{file.name}: holds no readable WARC record ({first_damage.detail}); download it again")


def _read_records(file: InputFile) -> Iterator[_Record | DamagedRecord]:
    with file.open_raw() as stream:
        raw = io.BufferedReader(cast(io.RawIOBase, stream), buffer_size=READ_BYTES)
        members = open_members(raw, file.name, file.meter)
        if members is None:
            with decompressed(raw, file.name, file.meter) as text:
                yield from _Text(text.read, file.name).records()
        else:
            yield from _read_members(members, file.name)


def _read_members(members: Members, name: str) -> Iterator[_Record | DamagedRecord]:
    """Read the records of each member. A damaged member is one damaged record."""
    there = members.open_next()
    while there:
        has_records = False
        try:
            for record in _Text(members.read, name, members.offset).records():
                has_records = True
                yield record
            there = members.open_next()
        except DamagedMember as error:
            offset = members.offset
            there = members.skip_damage()
            if not there and has_records:
                # The file is one member with many records: how many of them are missing is unknown.
                raise DamagedInput(
                    f"{name}: its compressed data is damaged ({error}) and nothing after the damage can be read; "
                    "download the file again"
                ) from None
            yield DamagedRecord(offset, f"damaged compressed data ({error})")


class _Text:
    """The text of a member, or of a whole file, cut into records.

    ``member_offset`` is where the member begins in the file; None where the text is the whole file, whose end inside a
    record means that the file is truncated.
    """

    def __init__(self, read: Callable[[int], bytes], name: str, member_offset: int | None = None) -> None:
        self._read, self._name, self._member_offset = read, name, member_offset
        self._buffer = bytearray()
        self._position = 0
        """Where the buffer begins in the text."""
        self._is_arc = False

    def records(self) -> Iterator[_Record | DamagedRecord]:
        """Read the records in order, each damaged place as one ``DamagedRecord``."""
        while self._skip_line_ends():
            offset = self._position if self._member_offset is None else self._member_offset
            try:
                header = self._take_header()
            except _NoLength:
                header, detail = None, "the record states no valid Content-Length"
            else:
                detail = "no WARC record where one should begin"
            if header is not None:
                headers, length = header
                block = self._take(min(length, MAX_BLOCK))
                whole = len(block) == length or self._skip(length - len(block))
                if whole and self._is_boundary():
                    yield _Record(headers, block if len(block) == length else None)
                    continue
                detail = f"Content-Length {length} is not the length of the record"
                if len(block) < length and len(block) == MAX_BLOCK and self._member_offset is None:
                    raise DamagedInput(f"{self._name}: {detail}, at byte {offset}; download the file again")
                self._buffer[:0] = block
                self._position -= len(block)
                if not self._find_start():
                    if self._member_offset is None and not whole:
                        raise DamagedInput(
                            f"{self._name}: the file ends too early (truncated), at byte {len(block):,} of {length:,} "
                            "of its last record; download it again"
                        )
                    self._drain()
            else:
                self._drop(1)
                if not self._find_start():
                    self._drain()
            yield DamagedRecord(offset, detail)

    def _take_header(self) -> tuple[dict[str, str], int] | None:
        """Take the header of the record that begins here: its fields and its Content-Length; None if none begins."""
        self._fill(128)
        if (self._is_arc or self._buffer.startswith(b"filedesc:")) and (arc := self._arc_line()) is not None:
            return arc
        if _WARC_START.match(self._buffer) is None:
            return None
        size = READ_BYTES
        while (end := _BLANK_LINE.search(self._buffer)) is None:
            if len(self._buffer) > MAX_HEADER_BYTES or not self._fill(size):
                return None
            size = len(self._buffer) + READ_BYTES
        headers = _parse_fields(bytes(self._buffer[: end.start()]))
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdecimal()) or len(length) > 18:
            raise _NoLength
        self._drop(end.end())
        return headers, int(length)

    def _arc_line(self) -> tuple[dict[str, str], int] | None:
        """Take the header line of an ARC record: address, IP, date, media type, …, length."""
        self._fill(MAX_HEADER_BYTES // 16)
        match = _ARC_START.match(self._buffer)
        if match is None:
            return None
        self._is_arc = True
        url, _, date, *_, length = match[0].decode("latin-1").split()
        self._drop(match.end())
        return {
            "warc-type": "warcinfo" if url.startswith("filedesc:") else RESPONSE,
            "warc-target-uri": url,
            "warc-date": f"{date[:4]}-{date[4:6]}-{date[6:8]}T{date[8:10]}:{date[10:12]}:{date[12:14]}Z",
        }, int(length)

    def _is_boundary(self) -> bool:
        """Whether the text after a block is a line end, another record or the end."""
        self._fill(8)
        after = bytes(self._buffer[:8])
        return not after or after[:1] in (b"\r", b"\n") or after.startswith(b"WARC/")

    def _find_start(self) -> bool:
        """Go to the next record that begins at the start of a line; False where there is none."""
        pattern = _ARC_START if self._is_arc else _WARC_START
        seen = 0
        while True:
            if (start := _find_line(pattern, self._buffer, seen)) is not None:
                self._drop(start)
                return True
            # A start may be cut by the end of the buffer.
            seen = max(len(self._buffer) - 4096, 0)
            if seen > MAX_BLOCK:
                self._drop(seen)
                seen = 0
            if not self._fill(len(self._buffer) + READ_BYTES):
                return False

    def _fill(self, size: int) -> bool:
        """Hold at least ``size`` bytes, if the text has so many; False where nothing was added."""
        before = len(self._buffer)
        while len(self._buffer) < size and (block := self._read(READ_BYTES)):
            self._buffer += block
        return len(self._buffer) > before

    def _take(self, size: int) -> bytes:
        self._fill(size)
        block = bytes(self._buffer[:size])
        self._drop(len(block))
        return block

    def _skip(self, size: int) -> bool:
        """Skip bytes; False where the text ends before."""
        while size:
            if not (block := self._take(min(size, READ_BYTES))):
                return False
            size -= len(block)
        return True

    def _skip_line_ends(self) -> bool:
        """Skip the line ends between records; False at the end of the text."""
        while self._buffer or self._fill(1):
            ends = len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
            if ends < len(self._buffer):
                self._drop(ends)
                return True
            self._drop(ends)
        return False

    def _drain(self) -> None:
        while self._buffer or self._fill(1):
            self._drop(len(self._buffer))

    def _drop(self, size: int) -> None:
        del self._buffer[:size]
        self._position += size


def _find_line(pattern: re.Pattern[bytes], text: bytearray, start: int) -> int | None:
    """Where the first line from ``start`` on begins that the pattern matches."""
    lines = (match.start() for match in pattern.finditer(text, start))
    return next((at for at in lines if at and text[at - 1] == ord("\n")), None)


def _parse_fields(header: bytes) -> dict[str, str]:
    """Parse ``Name: value`` lines into a dictionary: names in lower case, the first value of each name."""
    fields: dict[str, str] = {}
    name = ""
    for line in header.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")[1:]:
        if line[:1] in (" ", "\t") and name:  # a folded line
            fields[name] = f"{fields[name]} {line.strip()}"
        else:
            key, _, value = line.partition(":")
            name = key.strip().lower()
            fields.setdefault(name, value.strip())
    return fields


def _web_record(record: _Record, kind: str, max_bytes: int) -> WebRecord:
    fields, block = record
    status, content_type, charset, payload = None, fields.get("content-type"), None, block
    if kind == RESPONSE:
        status, headers, body = _parse_http(block or b"")
        content_type = headers.get("content-type") or fields.get("warc-identified-payload-type")
        payload = None if block is None else decode_body(block, body, headers, max_bytes)
    mime, _, parameters = (content_type or "").partition(";")
    if "charset=" in parameters.lower():
        charset = parameters[parameters.lower().index("charset=") + 8 :].split(";")[0].strip(" \"'") or None
    url = fields.get("warc-target-uri")
    return WebRecord(
        id=fields.get("warc-record-id"),
        url=url.strip("<> ") if url else None,  # WARC 1.0 writers put it between angle brackets
        created=_unix_time(fields.get("warc-date")),
        status=status,
        content_type=mime.strip().lower() or None,
        charset=charset,
        payload=payload if payload is not None and len(payload) <= max_bytes else None,
    )


def _unix_time(date: str | None) -> int | None:
    try:
        time = datetime.fromisoformat(date or "")
    except ValueError:
        return None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())


def _parse_http(block: bytes) -> tuple[int | None, dict[str, str], bytes]:
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
