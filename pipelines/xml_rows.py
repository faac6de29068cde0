"""Tables in XML, one ``<row Name="value" .../>`` a line: the form of the StackExchange dumps.

A scanner of its own, because an XML parser ends at the first damaged row and here the next line goes on, because it
decodes only the values that are asked for, and because it has no DTD: only the five predefined and the numeric
entities exist, so an entity bomb has nothing to go off with. What is not one whole, well-formed row on its line is
malformed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from ccpairs.errors import DamagedInput, WrongSource
from pipelines.inputs import Meter

MAX_LINE = 1 << 24
"""Longest line in bytes (16 MiB; a post has at most 30,000 characters)."""

Attributes: TypeAlias = "dict[bytes, bytes]"
"""The attributes of a row, values still escaped. A key is spelled as it stands in the file: ``b' Name='``."""

_BOM = b"\xef\xbb\xbf"
_NAME = re.compile(rb"[ \t\r\n]+([A-Za-z_][\w.-]*)[ \t\r\n]*=[ \t\r\n]*")
_PROLOG = re.compile(rb"\s*(?:<\?xml[^>]*\?>)?\s*(?:<([A-Za-z_][\w.-]*)(?:\s[^<>]*)?>\s*)?")
_ENTITY = re.compile("&(?:#(?P<decimal>[0-9]{1,7})|#x(?P<hex>[0-9A-Fa-f]{1,6})|(?P<name>amp|lt|gt|quot|apos));|&")
_PREDEFINED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def root_of(head: bytes) -> str | None:
    """Name of the root element in the first bytes of an XML file, or None where they show none."""
    match = _PROLOG.match(head.removeprefix(_BOM))
    return match[1].decode() if match and match[1] else None


def seam(before: str, after: str) -> re.Pattern[bytes]:
    """What stands where the file ``before`` (``Badges.xml``) ends and ``after`` begins, if they stand end to end.

    Group 1 begins with the second file. Inside a well-formed table the pattern cannot match, as values have no ``<``.
    """
    closing, opening = (re.escape(name.rpartition(".")[0].lower().encode()) for name in (before, after))
    return re.compile(rb"</%s>\s{0,8}((?:%s)?<\?xml[^<>]{0,200}\?>\s{0,8}<%s>)" % (closing, _BOM, opening))


def read_rows(blocks: Iterable[bytes], root: str, name: str, meter: Meter) -> Iterator[tuple[int, Attributes | None]]:
    """Yield (line number, attributes) of each row of a table; None for a row that is malformed.

    ``blocks`` are the bytes of the file ``name``, cut anywhere; ``root`` is the element that the rows stand in. Every
    line between its tags that is not blank is a row, and ``meter`` counts them. Raises ``WrongSource`` where the root
    is another one and ``DamagedInput`` for a file that ends before the closing tag, has a DOCTYPE, or endless lines.
    """
    opening, closing = root.encode(), f"</{root}>".encode()
    opened = closed = False
    records = meter.records or 0
    for number, line in enumerate(split_lines(blocks, name), 1):
        if line.lstrip().startswith(b"<row") and opened and not closed:
            meter.records = records = records + 1
            yield number, attributes(line)
        elif not line or line.isspace():
            continue
        elif b"<!DOCTYPE" in line or b"<!ENTITY" in line:
            raise DamagedInput(f"{name}: line {number} declares a document type, which no dump has; not read")
        elif not opened:
            found = _PROLOG.fullmatch(line.removeprefix(_BOM) if number == 1 else line)
            if found is None or found[1] not in (None, opening):
                what = line.strip()[:40].decode("utf-8", "replace")
                raise WrongSource(f"{name}: line {number} should open the table <{root}>, but reads {what!r}")
            opened = found[1] is not None
            closed = opened and line.rstrip().endswith(b"/>")
        elif line.strip() == closing and not closed:
            closed = True
        else:
            meter.records = records = records + 1
            yield number, None
    if not closed:
        raise DamagedInput(f"{name}: the file ends before </{root}> (truncated); fetch it again")


def split_lines(blocks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Lines without their line feeds; raises ``DamagedInput`` for a line longer than ``MAX_LINE``."""
    parts: list[bytes] = []
    length = 0
    for block in blocks:
        lines = block.split(b"\n")
        if len(lines) > 1:
            yield b"".join([*parts, lines[0]])
            yield from lines[1:-1]
            parts, length = [], 0
        parts.append(lines[-1])
        length += len(lines[-1])
        if length > MAX_LINE:
            raise DamagedInput(f"{name}: a line is longer than {MAX_LINE:,} bytes; is this a table with a row a line?")
    if length:
        yield b"".join(parts)


def attributes(line: bytes) -> Attributes | None:
    """The attributes of a line ``<row Name="value" .../>``, or None where it is not well-formed."""
    line = line.strip()
    if not (line.startswith(b"<row") and line.endswith(b"/>")) or line.count(b"<") != 1:
        return None
    # No value holds a quote (it would be &quot;), so names and values alternate between the quotes.
    pieces = line[4:-2].split(b'"')
    rest = pieces.pop()
    names, values = pieces[::2], pieces[1::2]
    if len(names) != len(values) or not (rest.isspace() or not rest):
        return None
    if not _USUAL.issuperset(names):
        matches = [_NAME.fullmatch(piece) for piece in names]
        names = [b" %s=" % match[1] for match in matches if match]
        if len(names) != len(matches):
            return None
    found = dict(zip(names, values, strict=True))
    return found if len(found) == len(names) else None


_USUAL = frozenset(
    b" %s=" % name
    for name in (
        *(b"Id", b"PostTypeId", b"AcceptedAnswerId", b"ParentId", b"CreationDate", b"DeletionDate", b"Score"),
        *(b"ViewCount", b"Body", b"OwnerUserId", b"OwnerDisplayName", b"LastEditorUserId", b"LastEditorDisplayName"),
        *(b"LastEditDate", b"LastActivityDate", b"Title", b"Tags", b"AnswerCount", b"CommentCount", b"FavoriteCount"),
        *(b"ClosedDate", b"CommunityOwnedDate", b"ContentLicense", b"PostId", b"RelatedPostId", b"LinkTypeId"),
    )
)
"""Names of the dumps' own attributes as they stand in a line, which need no closer look."""


def text_of(value: bytes) -> str:
    """An attribute's text with its entities decoded; raises ``ValueError`` where it is not UTF-8 or not well-formed."""
    text = value.decode("utf-8")
    if "&" not in text:
        return text
    # The common ones first, by the fastest means; "&amp;" last, as what it yields must not be decoded again.
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&#xA;", "\n")
    if text.count("&") == text.count("&amp;"):
        return text.replace("&amp;", "&")
    return _ENTITY.sub(_decoded, text)


def _decoded(match: re.Match[str]) -> str:
    if match["name"]:
        return _PREDEFINED[match["name"]]
    if match["hex"] or match["decimal"]:
        code = int(match["hex"], 16) if match["hex"] else int(match["decimal"])
        if not 0xD800 <= code < 0xE000 and code <= 0x10FFFF:
            return chr(code)
    raise ValueError(f"not a character or a predefined entity: {match.string[match.start() : match.start() + 12]!r}")


def integer_of(value: bytes) -> int:
    """A decimal integer that fits into 64 bits; raises ``ValueError`` for anything else."""
    digits = value[1:] if value.startswith(b"-") else value
    if not digits.isdigit() or len(digits) > 18:
        raise ValueError(f"not a number: {value[:24]!r}")
    return int(value)
