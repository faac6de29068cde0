"""A server on 127.0.0.1 that misbehaves as it is told to, file by file and answer by answer."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Trick = Callable[["Handler", "ServedFile"], None]


@dataclass
class ServedFile:
    """A file and how it is served. ``tricks`` are for the first GETs, ``always`` for all that follow."""

    data: bytes
    tricks: list[Trick] = field(default_factory=list)
    always: Trick | None = None
    on_head: Trick | None = None
    etag: str | None = '"v1"'
    has_ranges: bool = True
    states_size: bool = True
    """False: the body comes in chunks, and no header tells its size."""
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """``METHOD Range`` of each request."""
    bytes_sent: int = 0
    authorizations: list[str | None] = field(default_factory=list)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, ServedFile] = {}
        self.ends = threading.Event()

    def add(self, name: str, data: bytes, **options: Any) -> tuple[str, ServedFile]:
        """Serve a file; its address and its state."""
        self.files[name] = ServedFile(data, **options)
        return f"http://127.0.0.1:{self.server_port}/{name}", self.files[name]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that hang up


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        file = self.server.files.get(self.path.split("?")[0][1:])
        if file is None:
            self.send_error(404)
            return
        file.asked.append(f"{self.command} {self.headers.get('Range', '')}".strip())
        file.authorizations.append(self.headers.get("Authorization"))
        if self.command == "HEAD":
            trick = file.on_head or send_all
        else:
            trick = file.tricks.pop(0) if file.tricks else file.always or send_all
        trick(self, file)

    def begin(self, file: ServedFile) -> bytes:
        """Send the headers of a sound answer; the body that belongs to it."""
        body, status, headers = file.data, 200, dict(file.headers)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if asked and file.has_ranges and (condition is None or condition == file.etag):
            first, last = int(asked[1]), min(int(asked[2] or len(body)), len(body) - 1)
            status = 206 if first < len(body) else 416
            headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}" if status == 206 else f"bytes */{len(body)}"
            body = body[first : last + 1]
        if file.etag:
            headers["ETag"] = file.etag
        if file.states_size:
            headers.setdefault("Content-Length", str(len(body)))
        else:
            headers["Transfer-Encoding"] = "chunked"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        return body

    def send_body(self, file: ServedFile, body: bytes) -> None:
        for start in range(0, len(body), 1 << 16):
            piece = body[start : start + (1 << 16)]
            self.wfile.write(piece if file.states_size else b"%x\r\n%b\r\n" % (len(piece), piece))
            file.bytes_sent += len(piece)

    def log_message(self, *_: object) -> None:
        pass


def send_all(handler: Handler, file: ServedFile) -> None:
    body = handler.begin(file)
    if handler.command == "GET":
        handler.send_body(file, body)
        handler.wfile.write(b"" if file.states_size else b"0\r\n\r\n")


def cut_after(count: int) -> Trick:
    """Announce the whole body, send so many bytes of it and hang up."""

    def trick(handler: Handler, file: ServedFile) -> None:
        handler.send_body(file, handler.begin(file)[:count])
        handler.close_connection = True

    return trick


def stall_after(count: int) -> Trick:
    """Send so many bytes of the body, then nothing for as long as the server runs."""

    def trick(handler: Handler, file: ServedFile) -> None:
        handler.send_body(file, handler.begin(file)[:count])
        handler.server.ends.wait(30)
        handler.close_connection = True

    return trick


def send_without_length(count: int) -> Trick:
    """Send so many bytes of the file in an answer that ends with the connection."""

    def trick(handler: Handler, file: ServedFile) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(file.data[:count])

    return trick


def trickle(handler: Handler, file: ServedFile) -> None:
    """Send a byte now and then."""
    body = handler.begin(file)
    while body and not handler.server.ends.wait(0.05):
        handler.send_body(file, body[:1])
        body = body[1:]


def stay_silent(handler: Handler, file: ServedFile) -> None:
    handler.server.ends.wait(30)
    handler.close_connection = True


def hang_up(handler: Handler, file: ServedFile) -> None:
    handler.close_connection = True


def refuse(status: int, **headers: str) -> Trick:
    def trick(handler: Handler, file: ServedFile) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return trick


def state_length(count: int | None) -> Trick:
    """Answer HEAD with this Content-Length, or without any."""

    def trick(handler: Handler, file: ServedFile) -> None:
        handler.send_response(200)
        if count is not None:
            handler.send_header("Content-Length", str(count))
        handler.end_headers()

    return trick


@contextmanager
def running_server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.ends.set()
        server.shutdown()
        thread.join()
