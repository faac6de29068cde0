"""From the bytes of a web page to its text: which encoding, where server, page and bytes disagree.

The order: a byte order mark; valid UTF-8, whatever anyone says, unless its bytes are another encoding's; the server's
header, unless it names a server's default and the page or the bytes name a multi-byte encoding; the page's own
declaration; what the bytes look like; windows-1252. Runs in the child process, so it imports nothing heavy.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

REPLACEMENT = "\ufffd"
HEAD_BYTES = 4096
"""Where a page declares its encoding."""
GOOD_PER_BAD = 10
"""A text with so many characters beyond ASCII for each undecodable place is in that encoding, and damaged."""
FOREIGN_WORDS = 10
"""So many words of letters beyond ASCII alone are of no language that a server's default encoding can write."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins as the mark of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"<(?:meta|\?xml)[^>]{0,500}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_ISO_2022 = re.compile(rb"\x1b(?:\$[@AB]|\$\([A-D]|\([JI]|\$\)[AC])")
_HZ = re.compile(rb"~\{[!-~]{2}")
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_OTHER_SCRIPT = re.compile(rb"[\x80-\xff]{4}")
_SERVER_DEFAULTS = frozenset({"cp1252", "iso8859-1", "ascii"})
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso2022_jp": "iso2022_jp_ext",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "iso8859-11": "cp874",
}
"""Python's names of encodings -> the larger one that pages with that label are written in, as browsers read them."""
_UNKNOWN_TO_PYTHON = {"windows-874": "cp874", "iso-8859-8-i": "iso8859-8", "x-mac-cyrillic": "mac-cyrillic"}


class Decoded(NamedTuple):
    text: str
    encoding: str


def decode_page(payload: bytes, charset: str | None) -> Decoded:
    """Decode a page. ``charset`` is the server's word. Undecodable bytes become U+FFFD, where there are few of them."""
    for mark, encoding in _MARKS:
        if payload.startswith(mark):
            return Decoded(payload[len(mark) :].decode(encoding, "replace"), encoding)
    declared = _DECLARED.search(payload, 0, HEAD_BYTES)
    header, meta = _python_name(charset), _python_name(declared[1].decode("ascii", "replace") if declared else None)
    if (wide := _wide_encoding(payload)) is not None:
        return Decoded(payload.decode(wide, "replace"), wide)
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        pass
    else:
        return _decode_seven_bits(payload, header, meta) or Decoded(text, "utf-8")
    if _SURROGATE.search(payload) and (pairs := _decode_surrogates(payload)) is not None:
        return pairs
    for encoding in dict.fromkeys(["utf-8", *_candidates(payload, header, meta)]):
        if encoding.startswith("utf-16") and b"\0" not in payload:
            continue  # ASCII has zeros in it, and markup is ASCII
        if (found := _decode_mostly(payload, encoding)) is not None:
            return found
    return Decoded(payload.decode("cp1252", "ignore"), "cp1252")


def _decode_surrogates(payload: bytes) -> Decoded | None:
    """UTF-8 in which emoji are written as two surrogates of three bytes each (CESU-8), as Java programs do."""
    try:
        text = payload.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return Decoded(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), "cesu-8")


def _decode_mostly(payload: bytes, encoding: str) -> Decoded | None:
    """The text in an encoding that fits all bytes, or all but a few; a byte without a character is one of those."""
    if encoding == "cp1252":  # five bytes have no character in it, and browsers show nothing for them
        return Decoded(payload.decode(encoding, "ignore"), encoding)
    text = payload.decode(encoding, "replace")
    bad = text.count(REPLACEMENT)
    if not bad:
        return Decoded(text, encoding)
    good = len(text) - len(text.encode("ascii", "ignore")) - bad
    return Decoded(text, f"broken {encoding}") if bad * GOOD_PER_BAD <= good else None


def _candidates(payload: bytes, header: str | None, meta: str | None) -> Iterator[str]:
    """The encodings of a page that is not UTF-8, the likeliest first."""
    detected = _python_name(detect_encoding(payload, from_html_meta=False))
    if detected in (None, "utf-8"):  # the detector's word for "unknown"; it does not know Korean
        detected = "cp949" if _is_korean(payload) else None
    multi_byte = [encoding for encoding in (meta, detected) if encoding is not None and _is_multi_byte(encoding)]
    if header in _SERVER_DEFAULTS:
        yield from multi_byte
        yield from (encoding for encoding in (meta,) if encoding is not None and encoding != "utf-8")
        if detected is not None and len(_OTHER_SCRIPT.findall(payload)) >= FOREIGN_WORDS:
            yield detected
    yield from (encoding for encoding in (header, meta, detected, "cp1252") if encoding is not None)


def _is_korean(payload: bytes) -> bool:
    try:
        beyond_ascii = [character for character in payload.decode("cp949") if character > "\x7f"]
    except UnicodeDecodeError:
        return False
    return sum("가" <= character <= "힣" for character in beyond_ascii) * 10 > 8 * len(beyond_ascii)


def _wide_encoding(payload: bytes) -> str | None:
    """UTF-16 without a mark, told by the zeros that ASCII characters have in it."""
    head = payload[:HEAD_BYTES]
    if b"\0" not in head:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 10 < len(head) or min(even, odd) * 10 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _decode_seven_bits(payload: bytes, header: str | None, meta: str | None) -> Decoded | None:
    """A page whose bytes are all ASCII, but in an encoding that writes other scripts with them."""
    if b"\x1b" in payload and _ISO_2022.search(payload):
        korean = b"\x1b$)C" in payload
        candidates = ["iso2022_kr" if korean else "iso2022_jp_ext", "iso2022_jp_2"]
    else:
        candidates = [name for name in (header, meta) if name == "utf-7" or (name == "hz" and _HZ.search(payload))]
    for encoding in candidates:
        try:
            return Decoded(payload.decode(encoding), encoding)
        except UnicodeDecodeError:
            continue
    return None


def _is_multi_byte(encoding: str) -> bool:
    return encoding.startswith(("utf-16", "cp9", "gb", "big5", "euc", "iso2022", "shift"))


def _python_name(label: str | None) -> str | None:
    """The codec of an encoding's label; None where nobody knows it."""
    if not label:
        return None
    known = map_encoding_to_html5(label, False) or label
    try:
        name = codecs.lookup(_UNKNOWN_TO_PYTHON.get(known.lower(), known)).name
    except (LookupError, ValueError):
        return None
    return _SUPERSETS.get(name, name)
