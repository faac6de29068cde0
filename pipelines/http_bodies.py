"""Bodies of archived HTTP responses: transfer and content encodings undone, as far as their headers are true."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping

from fastwarc.warc import WarcRecord

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_HEAD = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http\r\nContent-Length: %d\r\n\r\n"


def decode_body(block: bytes, body: bytes, headers: Mapping[str, str], max_bytes: int) -> bytes:
    """Decode the body of an HTTP response; at most ``max_bytes + 1`` bytes of what an encoding expands to.

    ``block`` is the whole response, ``headers`` have names in lower case. Many archives store a body decoded and keep
    the headers that described it: where a decoder refuses the body, the body is taken as it is.
    """
    encoding = headers.get("content-encoding", "").lower()
    if not encoding and "chunked" not in headers.get("transfer-encoding", "").lower():
        return body
    content = _decode_by_fastwarc(block, max_bytes) or body
    if any(name in encoding for name in ("gzip", "deflate")) and len(content) <= max_bytes:
        content = _join_chunks(content)
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
    """Undo the chunked encoding that fastwarc leaves where it cannot decompress; other content stays as it is."""
    chunks, at = [], 0
    while (line := _CHUNK_SIZE.match(content, at)) and (size := int(line[1], 16)):
        chunks.append(content[line.end() : line.end() + size])
        at = line.end() + size + 2
    return b"".join(chunks) or content


def _inflate(content: bytes, max_bytes: int) -> bytes:
    """Decompress gzip, zlib or raw deflate data (the header that servers disagree on); empty where it is none."""
    for wbits in (47, -15):
        inflate = zlib.decompressobj(wbits)
        try:
            text = inflate.decompress(content, max_bytes + 1)
        except zlib.error:
            continue
        # A raw stream has no header and no checksum: only its end tells that it was one.
        if wbits > 0 or inflate.eof or len(text) > max_bytes:
            return text
    return b""
