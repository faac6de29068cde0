"""Web archives: WARC and WET files, a gzip member for each record, as crawlers write them."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Sequence

from pipelines.samples.containers import gzipped
from pipelines.samples.wording import Voice

CRLF = "\r\n"


class Archive:
    """An archive while it is being made."""

    def __init__(self, voice: Voice, name: str, description: str) -> None:
        self.voice = voice
        self._members: list[bytes] = []
        self._minutes = 0
        info = f"isPartOf: SAMPLE-2020-05{CRLF}description: {description}{CRLF}format: WARC File Format 1.0"
        fields = [("WARC-Filename", name), ("Content-Type", "application/warc-fields")]
        self._add("warcinfo", fields, f"{info}{CRLF}{CRLF}".encode())

    def content(self) -> bytes:
        return b"".join(self._members)

    def response(
        self,
        url: str,
        payload: bytes,
        status: str = "200 OK",
        content_type: str = "text/html; charset=UTF-8",
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """A request, and what the server sent."""
        host, _, path = url.removeprefix("https://").partition("/")
        request = f"GET /{path} HTTP/1.1{CRLF}Host: {host}{CRLF}User-Agent: sample{CRLF}{CRLF}".encode()
        self._add("request", [("WARC-Target-URI", url), ("Content-Type", "application/http; msgtype=request")], request)
        sent = [("Content-Type", content_type), ("Server", "nginx"), *headers, ("Content-Length", str(len(payload)))]
        lines = "".join(f"{name}: {value}{CRLF}" for name, value in sent)
        block = f"HTTP/1.1 {status}{CRLF}{lines}{CRLF}".encode() + payload
        fields = [
            ("WARC-Target-URI", url),
            ("Content-Type", "application/http; msgtype=response"),
            ("WARC-Payload-Digest", digest(payload)),
            ("WARC-IP-Address", "192.0.2.7"),
        ]
        self._add("response", fields, block)

    def revisit(self, url: str) -> None:
        """A page that has not changed since the last visit: it holds no page."""
        fields = [
            ("WARC-Target-URI", url),
            ("WARC-Profile", "http://netpreserve.org/warc/1.0/revisit/server-not-modified"),
        ]
        self._add("revisit", fields, f"HTTP/1.1 304 Not Modified{CRLF}{CRLF}".encode())

    def conversion(self, url: str, text: str) -> None:
        """The text of a page, as in WET files."""
        payload = text.encode()
        fields = [("WARC-Target-URI", url), ("Content-Type", "text/plain"), ("WARC-Block-Digest", digest(payload))]
        self._add("conversion", fields, payload)

    def _add(self, kind: str, fields: Sequence[tuple[str, str]], block: bytes) -> None:
        self._minutes += 1
        day, minute = divmod(self._minutes, 1440)
        id = uuid.UUID(int=self.voice.random.getrandbits(128), version=4)
        head = [
            ("WARC-Type", kind),
            ("WARC-Date", f"2020-01-{17 + day:02}T{minute // 60:02}:{minute % 60:02}:30Z"),
            ("WARC-Record-ID", f"<urn:uuid:{id}>"),
            *fields,
            ("Content-Length", str(len(block))),
        ]
        lines = "".join(f"{name}: {value}{CRLF}" for name, value in head)
        self._members.append(gzipped(f"WARC/1.0{CRLF}{lines}{CRLF}".encode() + block + b"\r\n\r\n"))


def digest(payload: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(payload).digest()).decode()
