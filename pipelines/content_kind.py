"""What a file is that is not the dump it should be: an error page, a pointer, an archive, another kind of data."""

from __future__ import annotations

import hashlib
import html
import re
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from ccpairs.errors import DamagedInput, NoRandomAccess, UnreadableInput, UserError, WrongSource
from pipelines.inputs import HEAD_BYTES, InputFile

MOST_MALFORMED = 0.9
"""A file of which a larger share of the records is malformed is not the dump that it should be."""

CHARS_SHOWN = 60

SIGNATURE_BYTES = 64
EMPTY_SHA256 = hashlib.sha256().hexdigest()

FETCH = "check its address, and fetch it again"
GIVE = "give the right --source, or fetch it again"

_HTML = re.compile(
    rb"(?:<\?xml[^>]*\?>|<!--.*?-->|\s)*(?:<!doctype\s+html|<(?:html|head|body|title|script|meta|center|h1)\b)",
    re.IGNORECASE | re.DOTALL,
)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_STORE_ERROR = re.compile(rb"(?:<\?xml[^>]*\?>)?\s*<Error\b[^>]*>.*?<Code>([\w.]+)</Code>", re.DOTALL)
_XML = re.compile(rb"(?:<\?xml[^>]*\?>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<([A-Za-z_][\w:.-]*)", re.DOTALL)
_ERROR_KEYS = frozenset({"detail", "error", "error_description", "error_message", "errors", "fault", "message"})
_MAGICS = {
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "a zip archive (or an office document)",
    b"Rar!": "a rar archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"Obj\x01": "an Avro file",
    b"SQLite format 3\0": "an SQLite database",
    b"\x1f\x8b": "a gzip file inside another",
    b"\x28\xb5\x2f\xfd": "a zstd file inside another",
    b"BZh": "a bzip2 file inside another",
    b"\xfd7zXZ\0": "an xz file inside another",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"\x7fELF": "a program",
    b"WARC/": "a web archive (WARC)",
    b"d8:announce": "a torrent file, which only names the download",
}
_UNICODE = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


class ContentKind(NamedTuple):
    """What the first bytes of a file look like, and what to do.

    ``is_stand_in``: what servers and tools put in place of a file, and no dump begins with.
    """

    what: str
    cure: str = GIVE
    is_stand_in: bool = False


def kind_of(head: bytes) -> ContentKind | None:
    """What the first (decompressed) bytes of a file look like; None for what may be JSON lines."""
    for mark, encoding in _UNICODE.items():
        if head.startswith(mark):
            return ContentKind(f"text in {encoding}", f"convert it to UTF-8 (iconv -f {encoding} -t UTF-8)")
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"version https://git-lfs"):
        return ContentKind("a Git LFS pointer", "get the file itself (git lfs pull)", is_stand_in=True)
    if found := _STORE_ERROR.match(head):
        code = found[1].decode()
        return ContentKind(f"an error of an object store ({code})", "get a new address, and fetch it again", True)
    if _HTML.match(head):
        title = _TITLE.search(head)
        named = f" titled {_shortened(html.unescape(title[1].decode('utf-8', 'replace')))!r}" if title else ""
        return ContentKind(f"an HTML page{named}", FETCH, is_stand_in=True)
    for magic, what in _MAGICS.items():
        if head.startswith(magic):
            return ContentKind(what)
    if head[257:262] == b"ustar":
        return ContentKind("a tar archive", "unpack it, and give its files")
    if _is_wide(head):
        return ContentKind("text in UTF-16", "convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)")
    if found := _XML.match(head):
        return ContentKind(f"XML (<{found[1].decode()}>)")
    if head[:1] in (b"{", b"["):
        return _json_kind(head)
    return ContentKind("plain text" if _is_text(head) else "binary data")


def _json_kind(head: bytes) -> ContentKind | None:
    document = _decode(head)
    if isinstance(document, dict) and (said := _ERROR_KEYS & document.keys()):
        words = _shortened(str(document[min(said)]))
        return ContentKind(f"a JSON document about an error ({words!r})", FETCH)
    line, end, _ = head.partition(b"\n")
    first = _decode(line)
    if head.startswith(b"["):
        of_records = isinstance(first[0], dict | list) if first else line[1:].lstrip()[:1] in (b"{", b"[")
        if of_records or (first is None and end):
            return ContentKind("one JSON array, not a record a line", "write a record a line (jq -c '.[]')")
    elif first is None and end and line.rstrip()[-1:] in (b"{", b","):
        return ContentKind("one JSON document over several lines", "write a record a line (jq -c .)")
    return None


def _decode(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return None


def _is_wide(head: bytes) -> bool:
    """Is every other byte of most letters a zero, as in UTF-16 without a mark?"""
    few, many = sorted(half.count(0) for half in (head[::2], head[1::2]))
    return many > 0.4 * len(head) / 2 and few < 0.1 * len(head) / 2


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", "replace")
    letters = sum((letter.isprintable() and letter != "\ufffd") or letter.isspace() for letter in text)
    return letters >= 0.9 * len(text)


def _shortened(text: str) -> str:
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= CHARS_SHOWN else text[: CHARS_SHOWN - 1].rstrip() + "…"


def check_records(file: InputFile, unit: str, *, read: int, kept: int, malformed: int, first: str | None) -> None:
    """Raise ``DamagedInput`` where the records say that the file is not the dump that it should be.

    ``first`` is what was wrong with the first malformed record.
    """
    kind = kind_of(file.meter.head)
    if not kept and kind and kind.is_stand_in:
        raise stand_in(file, kind)
    if malformed <= MOST_MALFORMED * read:
        return
    what = f"{file.name}: {malformed:,} of {read:,} {unit}s are malformed (the first: {first})"
    looks = f"looks like {kind.what} and " if kind else ""
    raise DamagedInput(f"{what}; it {looks}begins with {_begin(file)!r}; {kind.cure if kind else GIVE}")


def refuse_other_content(data: bytes, name: str) -> None:
    """Raise ``UserError`` where a list that a user names is an error page, a pointer or not UTF-8 instead."""
    kind = kind_of(data[:HEAD_BYTES])
    if kind and (kind.is_stand_in or kind.cure == FETCH or kind.what.startswith("text in UTF")):
        raise UserError(f"{name} looks like {kind.what}; {kind.cure}")


def stand_in(file: InputFile, kind: ContentKind) -> DamagedInput:
    return DamagedInput(f"{file.name}: looks like {kind.what} and begins with {_begin(file)!r}; {kind.cure}")


def explained(error: DamagedInput, file: InputFile) -> DamagedInput:
    """The error of a file that cannot be read, with what the file looks like where that says more."""
    if file.meter.sha256 == EMPTY_SHA256:
        return DamagedInput(f"{file.name}: holds no byte; remove it, or fetch it again")
    needs_head = isinstance(error, NoRandomAccess)
    if not needs_head and (isinstance(error, UnreadableInput) or not file.meter.head):
        return error
    if len(file.meter.head) < SIGNATURE_BYTES:  # an archive's reader looked at its signature alone
        with suppress(DamagedInput), file.open_raw() as raw:
            file.meter.head = raw.read(HEAD_BYTES)
    kind = kind_of(file.meter.head)
    if kind is None:
        return error
    if kind.is_stand_in:
        return stand_in(file, kind)
    if kind.cure == FETCH and isinstance(error, WrongSource | NoRandomAccess):
        return type(error)(str(stand_in(file, kind)))
    if isinstance(error, WrongSource) and kind.what not in str(error):
        return WrongSource(f"{error}; it looks like {kind.what}")
    return error


def _begin(file: InputFile) -> str:
    return _shortened(file.meter.head.decode("utf-8", "replace"))
