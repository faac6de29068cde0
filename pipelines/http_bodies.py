"""Bodies of archived HTTP responses: transfer and content encodings undone, as far as their headers are true."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping

from fastwarc.warc import WarcRecord

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LINE_END = re.compile(rb"\r?\n|\Z")
_GZIP_MAGIC = b"\x1f\x8b\x08"
_HEAD = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http\r\nContent-Length: %d\r\n\r\n"


def decode_body(block: bytes, body: bytes, headers: Mapping[str, str], max_bytes: int) -> bytes:
    """Decode the body of an HTTP response; at most ``max_bytes + 1`` bytes of what an encoding expands to.

    ``block`` is the whole response, ``headers`` have names in lower case. Many archives store a body decoded and keep
    the headers that described it: where a decoder refuses the body, the body is taken as it is.
    """
    encoding = headers.get("content-encoding", "").lower()
    transfer = headers.get("transfer-encoding", "").lower()
    is_gzip = body.startswith(_GZIP_MAGIC)
    if not encoding and not transfer and not is_gzip:
        return body
    content = (_decode_by_fastwarc(block, max_bytes) if encoding or transfer else b"") or body
    if len(content) <= max_bytes:
        content = _join_chunks(content)
        if is_gzip or content.startswith(_GZIP_MAGIC) or any(name in encoding for name in ("gzip", "deflate")):
            return _inflate(content, max_bytes) or content
    return content


def _decode_by_fastwarc(block: bytes, max_bytes: int) -> bytes:
    """What fastwarc makes of a response: chunked, gzip, deflate in a zlib stream, Brotli. Empty where it fails."""
    try:
        copy = WarcRecord.from_bytes(_HEAD % len(block) + block)
        copy.parse_http(auto_decode="all", quirks_mode=True)
        return copy.reader.read(max_bytes + 1) if copy.reader is not None else b""
    except OSError:
        return b""


def _join_chunks(content: bytes) -> bytes:
    """Undo the chunked encoding where fastwarc leaves it: chunks with extensions, or of a body that breaks off.

    Other content stays as it is.
    """
    chunks, at = [], 0
    while (line := _CHUNK_SIZE.match(content, at)) and (size := int(line[1], 16)):
        end = _LINE_END.match(content, min(line.end() + size, len(content)))
        if end is None:
            return content
        chunks.append(content[line.end() : line.end() + size])
        at = end.end()
    return b"".join(chunks) or content


def _inflate(content: bytes, max_bytes: int) -> bytes:
    """Decompress gzip, zlib or raw deflate data (the header that servers disagree on); empty where it is none."""
    for wbits in (47, -15):
        inflate = zlib.decompressobj(wbits)
        try:
            text = inflate.decompress(content, max_bytes + 1)
        except zlib.error as error:
            # Without its last eight bytes a gzip stream has no checksum that could be wrong.
            if "data check" in str(error) and content.startswith(_GZIP_MAGIC):
                return zlib.decompressobj(wbits).decompress(content[:-8], max_bytes + 1)
            continue
        # A raw stream has no header and no checksum: only its end tells that it was one.
        if wbits > 0 or inflate.eof or len(text) > max_bytes:
            return text
    return b""
