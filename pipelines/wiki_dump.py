"""Pages of a MediaWiki export (``pages-articles.xml``), streamed, whole or by the streams of a multistream file.

The export is written by a machine: a header, then one ``<page>`` after the other, and inside a page no ``<`` but those
of its elements. So pages are cut out by their tags and their fields by theirs. That is faster than an XML parser, a
damaged page costs that page alone, and there is no DTD: an entity bomb has nothing to go off with.

A multistream dump (``X-multistream.xml.bz2``) is many bz2 streams of 100 pages one after the other; its index
(``X-multistream-index.txt.bz2``, a line ``offset:page id:title`` for each page) says where they begin.
"""

from __future__ import annotations

import bz2
import codecs
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, BinaryIO, NamedTuple, cast

from ccpairs.addresses import query_of
from ccpairs.errors import DamagedInput, WrongSource
from pipelines.inputs import BLOCK, InputFile, Meter, decompressed
from pipelines.xml_rows import text_of

MAX_PAGE = 1 << 24
"""Longest page in bytes (16 MiB; MediaWiki's own limit for its text is 2 MiB)."""
MAX_HEADER = 1 << 20
SPLIT_BYTES = 32 << 20
"""Compressed bytes of a split, at most, where the streams allow it."""
SMALLEST_SPLIT = 1 << 20
SPLITS_WANTED = 16
"""A file too small for that many splits of ``SPLIT_BYTES`` gets smaller ones, so that every core has work."""

_OPEN, _CLOSE = b"<page>", b"</page>"
_END = b"</mediawiki>"


class Page(NamedTuple):
    """A page of the dump. ``timestamp`` is when its text was written (ISO 8601), None where the dump has no time."""

    id: int
    title: str
    namespace: int
    redirect: bool
    model: str
    timestamp: str | None
    text: str


class BadPage(NamedTuple):
    """A page that cannot be read: ``malformed`` or ``too_large``, and what is wrong."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Wiki:
    """What the header of a dump says. Namespaces are local names by their number (6 files, 14 categories)."""

    dbname: str | None = None
    base: str | None = None
    language: str | None = None
    namespaces: dict[int, str] = field(default_factory=dict)


def read_wiki(file: InputFile) -> tuple[Wiki, Iterator[Page | BadPage]]:
    """The header and the pages of a dump, or of one split of it; every page is counted in the file's meter.

    Raises ``WrongSource`` for what is no MediaWiki export. The iterator raises ``DamagedInput`` for a dump that ends
    before ``</mediawiki>``, is corrupt, or declares a document type.
    """
    stream = file.open() if file.begin is None else _split_stream(file)
    scanner = PageScanner(_utf8(stream, file.name), file.name, file.meter, last=file.end in (None, file.size))
    header = scanner.header() if not file.begin else _first_header(file)
    wiki = read_header(header, file.name)
    return wiki, _closing(scanner, stream)


def _closing(scanner: PageScanner, stream: BinaryIO) -> Iterator[Page | BadPage]:
    with stream:
        for chunk in scanner:
            yield chunk if isinstance(chunk, BadPage) else parse_page(chunk)


# --- the header


def check_root(head: bytes, name: str) -> None:
    """Raise ``WrongSource`` where the first bytes of a file (decompressed, cut anywhere) are no MediaWiki export's."""
    try:
        encoding = _encoding(head, name)
        if encoding is not None:
            head = head.decode(encoding, "ignore").encode()
        read_header(head.removeprefix(codecs.BOM_UTF8), name)
    except WrongSource:
        raise
    except DamagedInput:
        return  # it says so when it is read, and the other files are read nevertheless


_ROOT = re.compile(rb"\s*(?:<\?xml[^>]*\?>)?\s*<mediawiki(\s[^<>]*)?>")
_NAMESPACE = re.compile(rb'<namespace key="(-?\d{1,6})"[^<>]*>([^<]*)</namespace>')


def read_header(header: bytes, name: str) -> Wiki:
    """What stands before the first page; raises ``WrongSource`` where it is no MediaWiki export."""
    _refuse_document_type(header, name)
    root = _ROOT.match(header)
    if root is None:
        what = header.strip()[:40].decode("utf-8", "replace")
        raise WrongSource(f"{name}: should begin with <mediawiki>, but begins with {what!r}; give the right --source")
    language = re.search(rb'xml:lang="([A-Za-z-]{2,20})"', root[1] or b"")
    namespaces = {int(found[1]): text_of(found[2]) for found in _NAMESPACE.finditer(header)}
    return Wiki(
        _header_field(header, b"dbname"),
        _header_field(header, b"base"),
        language[1].decode() if language else None,
        namespaces,
    )


def _refuse_document_type(between: bytes, name: str) -> None:
    if b"<!DOCTYPE" in between or b"<!ENTITY" in between:
        raise DamagedInput(f"{name}: declares a document type, which no dump has; not read")


def _header_field(header: bytes, name: bytes) -> str | None:
    found = re.search(rb"<%s>([^<]*)</%s>" % (name, name), header)
    return text_of(found[1]).strip() or None if found else None


# --- pages


class PageScanner:
    """Cuts a stream of UTF-8 blocks into the bytes between ``<page>`` and ``</page>``; memory stays at one page."""

    def __init__(self, blocks: Iterator[bytes], name: str, meter: Meter, *, last: bool = True) -> None:
        self._blocks, self._name, self._meter, self._last = blocks, name, meter, last
        self._buffer = b""
        self._position = 0
        meter.records = 0

    def _more(self) -> bool:
        """Append the next block to what is not consumed yet; False at the end."""
        block = next(self._blocks, b"")
        self._buffer = self._buffer[self._position :] + block
        self._position = 0
        return bool(block)

    def header(self) -> bytes:
        """What stands before the first page (consumed)."""
        while (end := self._buffer.find(_OPEN)) < 0 and self._buffer.find(_END) < 0:
            if len(self._buffer) > MAX_HEADER or not self._more():
                end = len(self._buffer)
                break
        header = self._buffer[: max(end, 0)]
        self._position = len(header)
        return header

    def __iter__(self) -> Iterator[bytes | BadPage]:
        while True:
            searched = self._position
            while (end := self._buffer.find(_CLOSE, searched)) < 0:
                if len(self._buffer) - self._position > MAX_PAGE:
                    yield from self._skip()
                    break
                kept = len(self._buffer) - self._position
                if not self._more():
                    self._finish()
                    return
                searched = max(0, kept - len(_CLOSE))
            if end < 0:
                continue
            chunk = self._buffer[self._position : end]
            self._position = end + len(_CLOSE)
            yield from self._pages_of(chunk)

    def _count(self) -> None:
        self._meter.records = (self._meter.records or 0) + 1

    def _pages_of(self, chunk: bytes) -> Iterator[bytes | BadPage]:
        """The page that a closing tag ends, after pages that miss theirs."""
        before, *pages = chunk.split(_OPEN)
        _refuse_document_type(before, self._name)
        for _ in pages[:-1]:
            self._count()
            yield BadPage("malformed", "the page has no end")
        self._count()
        yield pages[-1] if pages else BadPage("malformed", "the page has no beginning")

    def _skip(self) -> Iterator[BadPage]:
        """Leave out a page that is too large, up to its end."""
        self._count()
        while (end := self._buffer.find(_CLOSE, self._position)) < 0:
            self._position = max(self._position, len(self._buffer) - len(_CLOSE))
            if not self._more():
                raise DamagedInput(f"{self._name}: ends inside a page of more than {MAX_PAGE:,} bytes; fetch it again")
        self._position = end + len(_CLOSE)
        yield BadPage("too_large", f"more than {MAX_PAGE:,} bytes")

    def _finish(self) -> None:
        rest = self._buffer[self._position :]
        _refuse_document_type(rest, self._name)
        if _OPEN in rest or (self._last and _END not in rest) or (not self._last and rest.strip()):
            raise DamagedInput(f"{self._name}: the file ends before {_END.decode()} (truncated); fetch it again")


_HEAD = re.compile(rb"<(title|ns|id)>([^<]*)</\1>|<(redirect)\b")
_TIMESTAMP = re.compile(rb"<timestamp>([^<]*)</timestamp>")
_MODEL = re.compile(rb"<model>([^<]*)</model>")
_TEXT = re.compile(rb"<text\b[^<>]*?(?:/>|>([^<]*)</text>)")


def parse_page(chunk: bytes) -> Page | BadPage:
    """The fields of a page, its latest revision where there are several."""
    head, _, revision = chunk.partition(b"<revision>")
    revision = revision.rpartition(b"<revision>")[2]
    fields = {found[1] or found[3]: found[2] for found in _HEAD.finditer(head)}
    text = _TEXT.search(revision)
    timestamp = _TIMESTAMP.search(revision)
    model = _MODEL.search(revision)
    if text is None:
        return BadPage("malformed", "the page has no whole <text>")
    try:
        return Page(
            id=int(fields[b"id"]),
            title=text_of(fields[b"title"]),
            namespace=int(fields.get(b"ns", b"0")),
            redirect=b"redirect" in fields,
            model=model[1].decode("ascii") if model else "wikitext",
            timestamp=timestamp[1].decode("ascii") if timestamp else None,
            text=text_of(text[1] or b""),
        )
    except (KeyError, ValueError) as error:
        return BadPage("malformed", f"{type(error).__name__}: {error}")


# --- encodings


def _utf8(stream: IO[bytes], name: str) -> Iterator[bytes]:
    """Blocks of a stream as UTF-8, whatever of UTF-8 and UTF-16 it is in."""
    block = stream.read(BLOCK)
    encoding = _encoding(block, name)
    if encoding is None:
        block = block.removeprefix(codecs.BOM_UTF8)
        while block:
            yield block
            block = stream.read(BLOCK)
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block:
            yield decoder.decode(block).encode()
            block = stream.read(BLOCK)
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise DamagedInput(f"{name}: is not the {encoding} that it begins as ({error}); fetch it again") from None


def _encoding(start: bytes, name: str) -> str | None:
    """None for UTF-8, the codec for UTF-16 (with a mark or without); anything else is refused."""
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if start[:2] in (b"<\0", b"\0<"):
        return "utf-16-le" if start[0] else "utf-16-be"
    declared = re.match(rb'(?:\xef\xbb\xbf)?<\?xml[^>]{1,80}encoding=["\']([\w.-]{1,40})', start)
    if declared and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        raise DamagedInput(f"{name}: is in {declared[1].decode()}; convert it to UTF-8 or UTF-16 (iconv) and try again")
    return None


# --- multistream


_MULTISTREAM = re.compile(r"(.*-multistream)(\d*)\.xml(-p\d+p\d+)?\.bz2", re.DOTALL)


def index_addresses(file: InputFile) -> Sequence[str]:
    """Where the index of a multistream dump would lie; empty where the name is not that of one."""
    found = _MULTISTREAM.fullmatch(file.name)
    if found is None:
        return ()
    # What opens the dump, user info and query, may open its index too.
    query = query_of(file.address)
    rest = f"?{query}" if query else ""
    folder = file.address.removesuffix(rest).removesuffix(file.name)
    plain = f"{found[1]}-index{found[2]}.txt{found[3] or ''}"
    return (f"{folder}{plain}.bz2{rest}", f"{folder}{plain}{rest}")


def stream_offsets(file: InputFile) -> list[int]:
    """Where the streams of a multistream dump begin, in order, by its index; empty where no index lies beside it."""
    for address in index_addresses(file):
        index = InputFile(address, "index")
        try:
            stream = index.open()
        except DamagedInput:
            continue  # not there
        with stream:
            return _offsets(stream, index.name)
    return []


def _offsets(stream: BinaryIO, name: str) -> list[int]:
    offsets: dict[int, None] = {}
    rest = b""
    while block := stream.read(BLOCK):
        lines, _, rest = (rest + block).rpartition(b"\n")
        offsets.update(dict.fromkeys(int(offset) for offset in set(_OFFSET.findall(lines))))
    offsets.update(dict.fromkeys(int(offset) for offset in set(_OFFSET.findall(rest))))
    if not offsets:
        raise DamagedInput(f"{name}: holds no line offset:id:title; fetch it again, or remove it")
    return sorted(offsets)


_OFFSET = re.compile(rb"^(\d{1,18}):", re.MULTILINE)


def split_ranges(file: InputFile) -> list[tuple[int, int]]:
    """Byte ranges of a multistream dump, each of whole streams, that together are the file; empty without an index."""
    if file.size is None:
        return []
    offsets = stream_offsets(file)
    if not offsets:
        return []
    with file.open_raw() as raw:
        if not raw.seekable():
            return []
    if offsets[-1] >= file.size:
        raise DamagedInput(f"{file.name}: is shorter than its index says (truncated); fetch both again")
    target = min(SPLIT_BYTES, max(SMALLEST_SPLIT, file.size // SPLITS_WANTED))
    borders = [0]
    for offset in offsets[1:]:  # before the first page stands the header alone
        if offset - borders[-1] >= target:
            borders.append(offset)
    return list(zip(borders, [*borders[1:], file.size], strict=True))


class _Range(io.RawIOBase):
    """The bytes of a file from ``begin`` to ``end``."""

    def __init__(self, raw: BinaryIO, begin: int, end: int, meter: Meter) -> None:
        raw.seek(begin)
        self._raw, self._begin, self._position, self._end, self._meter = raw, begin, begin, end, meter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        block = self._raw.read(min(len(buffer), self._end - self._position))
        self._position += len(block)
        self._meter.raw_bytes = self._position - self._begin
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _split_stream(file: InputFile) -> BinaryIO:
    """The decompressed bytes of one split."""
    begin, end = cast(int, file.begin), cast(int, file.end)
    raw = file.open_raw()
    raw.seek(begin)
    if raw.read(3) != b"BZh":
        raise DamagedInput(f"{file.name}: no bz2 stream begins at byte {begin:,}; its index belongs to another file")
    return decompressed(cast(BinaryIO, _Range(raw, begin, end, file.meter)), file.name, file.meter)


def _first_header(file: InputFile) -> bytes:
    """The header of a dump, which stands in its first stream, for a split that begins later."""
    with file.open_raw() as raw:
        try:
            header = bz2.BZ2Decompressor().decompress(raw.read(MAX_HEADER), MAX_HEADER)
        except OSError as error:
            raise DamagedInput(f"{file.name}: its first stream is corrupt ({error}); fetch it again") from error
    return header.partition(_OPEN)[0]
