"""Web archives for the tests, written byte by byte: no library's idea of the format is in them."""

from __future__ import annotations

import gzip
from pathlib import Path

SENTENCE = "The water of the lake number {0} is so clear that all of its {0} stones can be counted from a boat."


def record(
    kind: str, block: bytes, *, uri: str | None = "https://example.com/a", number: int = 1, **headers: str
) -> bytes:
    """One WARC record; ``headers`` (``content_type="..."``) are added to the usual ones, an empty one removes."""
    named = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{number:08}>",
        "WARC-Date": "2022-08-15T10:00:00Z",
        "WARC-Target-URI": uri or "",
        "Content-Type": "application/http; msgtype=response" if kind == "response" else "text/plain",
        "Content-Length": str(len(block)),
        **{name.replace("_", "-").title().replace("Warc", "WARC"): value for name, value in headers.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value)
    return f"WARC/1.0\r\n{lines}\r\n".encode() + block + b"\r\n\r\n"


def http(body: bytes, status: str = "200 OK", content_type: str = "text/html; charset=utf-8", more: str = "") -> bytes:
    """What a server sent."""
    return f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{more}\r\n".encode() + body


def page(number: int = 1, title: str | None = None, sentences: int = 8) -> bytes:
    """A page of HTML with a menu and two paragraphs of prose, whose words differ from those of other pages."""
    texts = [SENTENCE.format(f"{number}{i}") for i in range(sentences)]
    paragraphs = "".join(f"<p>{' '.join(part)}</p>" for part in (texts[: sentences // 2], texts[sentences // 2 :]))
    head = f"<title>{title if title is not None else f'The clear lake {number}'}</title>"
    return f"<!DOCTYPE html><html><head>{head}</head><body><nav>Home</nav>{paragraphs}</body></html>".encode()


def response(number: int = 1, body: bytes | None = None, *, uri: str = "", **http_parts: str) -> bytes:
    """A page as it stands in an archive."""
    block = http(page(number) if body is None else body, **http_parts)
    return record("response", block, uri=uri or f"https://example.com/{number}", number=number)


def archive(path: Path, *records: bytes) -> Path:
    """Write an archive, each record by itself a gzip member if the name says so."""
    packed = path.suffix == ".gz"
    path.write_bytes(b"".join(gzip.compress(part) if packed else part for part in records))
    return path
