"""Files at http(s) addresses, read so that a server's fault is never taken for the file's.

A request that fails or stalls is repeated (:mod:`pipelines.http_requests`), and reading goes on at the byte where it
broke off. The bytes handed out are held against every length that the server states. What cannot be mended raises
:class:`UnreadableInput`, whose message names the server's fault.
"""

from __future__ import annotations

import io
import re
import time
import zlib
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, NamedTuple, cast

import requests
import urllib3
import xxhash

from ccpairs.addresses import public_address
from ccpairs.errors import NoRandomAccess, UnreadableInput
from pipelines import http_requests
from pipelines.http_requests import (
    DOWNLOAD,
    Fault,
    Patience,
    Result,
    fault_of,
    host_of,
    new_session,
    refusal,
    send,
)

BLOCK = 1 << 18
"""Most bytes taken from a connection at a time."""

BUFFER = 1 << 16
FIRST_WINDOW = 1 << 16
LAST_WINDOW = 1 << 26
"""Bytes that a request asks for after a seek; four times as many each time the one before was read to its end."""

UNREADABLE_ENCODINGS = frozenset({"br", "compress", "deflate", "x-compress"})
GZIP_ENCODINGS = frozenset({"gzip", "x-gzip"})
CONTAINER_MAGICS = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"PAR1")

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


def describe(url: str) -> tuple[int | None, str | None]:
    """Size in bytes and version (ETag, or else Last-Modified) of a file, each None where the server does not tell.

    Asks by HEAD. Where that fails or states no size above 0, the headers of a GET count, whose body is not read: some
    servers refuse HEAD, some answer it wrongly, and addresses signed for a download allow only that.
    """
    with new_session() as session:
        size, version = _ask_head(session, url)
        if size:
            return size, version

        def ask() -> tuple[int | None, str | None]:
            with send(session, "GET", url, {}, _seconds_to_describe()) as answer:
                if answer.status_code != HTTPStatus.OK:
                    raise refusal(answer)
                return _stated_length(answer), _version_of(answer)

        return Patience(public_address(url), http_requests.ATTEMPTS_TO_DESCRIBE).attempt(ask)


def _ask_head(session: requests.Session, url: str) -> tuple[int | None, str | None]:
    """Size and version by HEAD, asked once; both None where that fails."""
    try:
        with send(session, "HEAD", url, {}, _seconds_to_describe()) as answer:
            if answer.status_code == HTTPStatus.OK:
                return _stated_length(answer), _version_of(answer)
    except Fault:
        pass  # the GET says what it is
    return None, None


def _seconds_to_describe() -> float:
    return min(http_requests.READ_TIMEOUT_SECONDS, http_requests.CONNECT_TIMEOUT_SECONDS)


class HttpFile(io.BufferedReader):
    """A binary file at an http(s) address, seekable where its server answers range requests.

    ``size`` is what the server stated before, which the body must have. ``version`` is the ETag or Last-Modified that
    the answers must have; None takes that of the first answer. Nothing is requested before the first read. Messages
    begin with the last part of the address, as those of the readers above do.
    """

    def __init__(self, url: str, size: int | None = None, version: str | None = None) -> None:
        super().__init__(_HttpStream(url, size, version), BUFFER)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        cast(_HttpStream, self.raw).require_ranges()
        return super().seek(offset, whence)


class _HttpStream(io.RawIOBase):
    """The unbuffered side of :class:`HttpFile`.

    Without a seek, one request brings the whole file. After one, requests ask for windows, which grow while they are
    read to their end: the directory at the end of an archive costs one small request, a long stretch costs few.

    A broken answer goes on by Range, where the server tells versions of a file apart and this is still the same one.
    Otherwise the file is requested from its start, and what was handed out before must come again.
    """

    def __init__(self, url: str, size: int | None, version: str | None) -> None:
        super().__init__()
        self._url, self._size, self._expected_version = url, size, version
        self._session = new_session()
        self._name = public_address(url).rstrip("/").rpartition("/")[2]
        self._patience = Patience(self._name, http_requests.ATTEMPTS)
        self._position = 0
        self._answer: requests.Response | None = None
        self._answer_position = 0
        self._answer_end: int | None = None
        self._is_part = False
        self._validators: _Validators | None = None
        self._has_ranges: bool | None = None
        self._window: int | None = None
        self._digest, self._digested = xxhash.xxh3_128(), 0
        self._wait_seconds, self._wait_bytes = 0.0, 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        if not self.closed:
            self._drop()
            self._session.close()
        super().close()

    def seekable(self) -> bool:
        """Does the server answer range requests? The first call asks it, by the window at the position."""
        if self._has_ranges is None:
            self._attempt(self._probe)
        return bool(self._has_ranges)

    def require_ranges(self) -> None:
        if not self.seekable():
            raise NoRandomAccess(
                f"{host_of(self._url)} does not answer range requests, which 7z archives and Parquet files need; "
                f"download {public_address(self._url)} and give the local path"
            )

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.require_ranges()
        if whence == io.SEEK_END:
            if self._size is None:
                raise UnreadableInput(f"{self._name}: the server does not state the size of the file; {DOWNLOAD}")
            offset += self._size
        elif whence == io.SEEK_CUR:
            offset += self._position
        if offset < 0:
            raise ValueError(f"negative position {offset}")
        if offset != self._position:
            self._drop()
            self._position, self._window = offset, FIRST_WINDOW
        return offset

    def readinto(self, buffer: Any) -> int:
        count = self._attempt(partial(self._fill, memoryview(buffer).cast("B")))
        self._patience.note_progress(count)
        return count

    def _attempt(self, action: Callable[[], Result]) -> Result:
        return self._patience.attempt(action, self._drop)

    def _fill(self, buffer: memoryview) -> int:
        """Put the next bytes into the buffer; 0 at the end of the file."""
        while True:
            if self._answer is None:
                if self._size is not None and self._position >= self._size:
                    return 0
                self._open()
                continue  # nothing is open where the position is the end
            data = self._receive(len(buffer))
            if data:
                if self._is_part and self._answer_end is not None and self._answer_position > self._answer_end:
                    raise _other_bytes()
                if self._size is not None and self._answer_position > self._size:
                    raise Fault(f"the server sends more than the {self._size:,} bytes that it stated", again=False)
                if self._window is None:
                    self._digest.update(data)
                    self._digested = self._answer_position
                buffer[: len(data)] = data
                self._position = self._answer_position
                return len(data)
            # The answer has ended as HTTP wants it; is that also the end that the server stated?
            if self._answer_end is None and self._size is None:
                if not self._position and not _is_chunked(self._answer):  # cut in its headers, perhaps
                    raise self._short()
                self._size = self._position
            stated = self._answer_end if self._is_part else self._size
            if stated is not None and self._position < stated:
                is_whole = self._answer_end == self._position or _is_chunked(self._answer)
                raise _encoded() if is_whole and _encodings(self._answer) & GZIP_ENCODINGS else self._short()
            self._drop()
            if self._window is not None:
                self._window = min(4 * self._window, LAST_WINDOW)

    def _probe(self) -> None:
        """Ask for the window at the position; an answer with the whole file is kept where reading can go on with it."""
        answer = self._ask(self._position, FIRST_WINDOW)
        has_ranges = answer.status_code != HTTPStatus.OK
        if not has_ranges and (self._answer is not None or self._position):
            answer.close()
        else:
            self._drop()
            self._take(answer)
        if has_ranges:
            self._window = FIRST_WINDOW
        self._has_ranges = has_ranges

    def _open(self) -> None:
        """Request what follows the position; leaves nothing open where that is the end of the file."""
        if self._window is not None:
            self._take(self._ask(self._position, self._window))
        elif self._position and self._validators and any(self._validators):
            self._take(self._ask(self._position, None))
        else:  # from the start: without validators nobody can tell whether the rest belongs to what was read
            self._take(self._ask(0, None))

    def _ask(self, start: int, window: int | None) -> requests.Response:
        """Request a window from ``start``, or all that follows."""
        headers = {}
        if start or window:
            headers["Range"] = f"bytes={start}-{start + window - 1 if window else ''}"
            if self._validators and (validator := self._validators.for_if_range()):
                headers["If-Range"] = validator
        return send(self._session, "GET", self._url, headers, http_requests.READ_TIMEOUT_SECONDS)

    def _take(self, answer: requests.Response) -> None:
        """Read on from this answer; raises ``Fault`` where it is not what was asked for, or of another version."""
        self._answer = answer  # at once, so that it is closed whatever happens
        found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        total = int(found[3]) if found and found[3] != "*" else None
        if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and total is not None:
            if self._size is None:
                self._size = total
            if total < self._size:
                raise self._short(total)
            if self._position < total:
                raise refusal(answer)
            self._drop()
            return
        if answer.status_code not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            raise refusal(answer)
        self._check_version(answer)
        _check_encoding(answer)
        if answer.status_code == HTTPStatus.PARTIAL_CONTENT:
            if found is None or found[1] is None or not int(found[1]) == self._position <= int(found[2]):
                raise _other_bytes()
            if _stated_length(answer) not in (None, int(found[2]) + 1 - self._position):
                raise _other_bytes()
            self._answer_position, self._answer_end, self._is_part = self._position, int(found[2]) + 1, True
        else:
            total = _stated_length(answer)
            self._answer_position, self._answer_end, self._is_part = 0, total, False
            if total is None and self._size is None:  # the end of the connection would pass for that of the file
                self._size = _ask_head(self._session, self._url)[0] or None
        if self._size is None:
            self._size = total
        elif total is not None and (total > self._size or (total < self._size and self._is_part)):
            what = f"the server stated {self._size:,} bytes, then {total:,} (a wrong size, or the file changed)"
            raise Fault(what, f"run the command again; if that does not help, {DOWNLOAD}", again=False)
        if self._answer_position < self._position:
            self._skip()

    def _skip(self) -> None:
        """Read over what was handed out before, which must be the same again."""
        if self._digested != self._position:
            raise Fault(f"{host_of(self._url)} does not answer a range request")
        digest = xxhash.xxh3_128()
        while self._answer_position < self._position:
            data = self._receive(self._position - self._answer_position)
            if not data:
                raise self._short()
            digest.update(data)
        if digest.digest() != self._digest.digest():
            raise self._changed("its beginning is another one")

    def _receive(self, limit: int) -> bytes:
        """At most ``limit`` of the next bytes of the answer; empty at its end."""
        answer = cast(requests.Response, self._answer)
        started = time.monotonic()
        try:
            data: bytes = answer.raw.read1(min(limit, BLOCK), decode_content=False)
        except (OSError, urllib3.exceptions.HTTPError, HTTPException) as error:
            fault = fault_of(error, self._url, http_requests.READ_TIMEOUT_SECONDS)
            raise self._short() if fault is None else fault from error
        self._wait_seconds += time.monotonic() - started
        self._wait_bytes += len(data)
        if data and self._wait_seconds > http_requests.READ_TIMEOUT_SECONDS:
            seconds, count = self._wait_seconds, self._wait_bytes
            self._wait_seconds, self._wait_bytes = 0.0, 0
            if count < http_requests.SLOWEST * seconds:
                raise Fault(f"the server sent only {count:,} bytes in {seconds:.0f} s", counts=2)
        if not self._answer_position and data and _is_encoded_twice(answer, data):
            raise _encoded()
        self._answer_position += len(data)
        return data

    def _drop(self) -> None:
        if self._answer is not None:
            self._answer.close()
        self._answer = None

    def _check_version(self, answer: requests.Response) -> None:
        validators = _Validators(answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
        if self._validators is None:
            self._validators = validators
            if self._expected_version and any(validators) and self._expected_version not in validators:
                raise self._changed(
                    f"it was version {self._expected_version}, then {' '.join(filter(None, validators))}"
                )
        elif not self._validators.agree(validators):
            before, now = (" ".join(filter(None, each)) for each in (self._validators, validators))
            raise self._changed(f"it was version {before}, then {now}")

    def _changed(self, how: str) -> Fault:
        return Fault(f"the file on the server changed while it was read ({how})", "run the command again", again=False)

    def _short(self, count: int | None = None) -> Fault:
        count = max(self._position, self._answer_position) if count is None else count
        if self._size is None:
            return Fault(f"the server broke off after {count:,} bytes")
        return Fault(f"the server sent {count:,} of {self._size:,} bytes")


class _Validators(NamedTuple):
    """What tells the versions of a file apart, as a server states it."""

    etag: str | None
    modified: str | None

    def agree(self, other: _Validators) -> bool:
        """Do both speak of the same version? What only one of them states does not count."""
        stated = [(mine, its) for mine, its in zip(self, other, strict=True) if mine and its]
        return not stated or stated[0][0] == stated[0][1]

    def for_if_range(self) -> str | None:
        """The value of If-Range, which must not be a weak ETag."""
        return self.modified if not self.etag else None if self.etag.startswith("W/") else self.etag


def _other_bytes() -> Fault:
    return Fault("the server sends other bytes than it was asked for")


def _encoded() -> Fault:
    return Fault("the server compresses the file although it is asked not to", DOWNLOAD, again=False)


def _is_chunked(answer: requests.Response) -> bool:
    return "Transfer-Encoding" in answer.headers


def _stated_length(answer: requests.Response) -> int | None:
    """Bytes of the body by the headers; None where they do not tell (chunked)."""
    stated = answer.headers.get("Content-Length", "")
    return int(stated) if stated.isdecimal() and not _is_chunked(answer) else None


def _version_of(answer: requests.Response) -> str | None:
    return answer.headers.get("ETag") or answer.headers.get("Last-Modified")


def _encodings(answer: requests.Response, header: str = "Content-Encoding") -> set[str]:
    return {label.strip().lower() for label in answer.headers.get(header, "").split(",")}


def _check_encoding(answer: requests.Response) -> None:
    """Refuse what could not be read; other encodings are taken for those of the file itself.

    The bytes are those that the server stores: a file of gzip that is labelled so is decompressed by its first bytes.
    """
    transfer = _encodings(answer, "Transfer-Encoding") - {"", "chunked", "identity"}  # no client here undoes others
    if encodings := _encodings(answer) & UNREADABLE_ENCODINGS | transfer:
        raise Fault(
            f"the server encodes the file ({', '.join(sorted(encodings))}) although it is asked not to",
            DOWNLOAD,
            again=False,
        )


def _is_encoded_twice(answer: requests.Response, head: bytes) -> bool:
    """Has the server put gzip around a file that is compressed already?"""
    if not _encodings(answer) & GZIP_ENCODINGS:
        return False
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 8).startswith(CONTAINER_MAGICS)
    except zlib.error:  # no gzip, whatever the label says
        return False
