"""Web archives for the tests, written byte by byte: no library's idea of the format is in them."""

from __future__ import annotations

import gzip
from pathlib import Path

WHO = (
    "The fisherman",
    "A teacher from the valley",
    "My grandmother",
    "One of the twins",
    "The old ferry pilot",
    "Nobody in the village",
    "The girl with the red boat",
)
DID = ("counted the stones in", "walked around", "painted a picture of", "swam across", "told a long story about")
WHAT = ("the clear lake", "the northern bay", "that hidden pond", "the island with the tower")
WHEN = (
    "before the ice came.",
    "in the summer of the flood.",
    "while it rained.",
    "when the bridge was new.",
    "at dawn.",
    "for us.",
)


def sentences(number: int, begin: int = 0) -> list[str]:
    """So many different sentences of prose."""
    return [f"{WHO[i % 7]} {DID[i % 5]} {WHAT[i // 3 % 4]} {WHEN[i // 2 % 6]}" for i in range(begin, begin + number)]


PROSE = " ".join(sentences(12))


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


def page(number: int = 1, title: str | None = None, length: int = 12) -> bytes:
    """A page of HTML with a menu and paragraphs of three sentences."""
    texts = sentences(length)
    paragraphs = "".join(f"<p>{' '.join(texts[i : i + 3])}</p>" for i in range(0, length, 3))
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
