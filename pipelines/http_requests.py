"""Requests over http(s) that are repeated while that can help, and the words for what went wrong.

A failure raises :class:`Fault` inside, and in the end :class:`UnreadableInput`, whose message names the server's fault.
Messages never hold the query or the user of an address, which may be secrets.

``requests`` does the HTTP: proxies, redirects, user names and certificates follow its rules and variables. Its retries
(urllib3's) end with the headers of an answer, so those for whole files are here.
"""

from __future__ import annotations

import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead
from typing import TypeVar

import requests
import urllib3

from ccpairs.addresses import public_address
from ccpairs.errors import UnreadableInput
from ccpairs.version import __version__

READ_TIMEOUT_SECONDS = 60.0
"""Longest silence of a server in the midst of an answer."""

CONNECT_TIMEOUT_SECONDS = 30.0

SLOWEST = 100
"""Bytes per second. A server that sends fewer over the whole read time-out counts as silent."""

ATTEMPTS = 6
"""Failures in a row that end the reading of a file; a time-out counts twice."""

ATTEMPTS_TO_DESCRIBE = 3
"""The same before a run starts, where a person waits."""

PROGRESS_BYTES = 1 << 20
"""After so many new bytes the count of failures begins anew."""

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
"""The wait after a failure doubles from the first to the longest. A server's Retry-After counts up to the longest."""

REDIRECTS = 10
RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})

LATER = "run the command again later, or download the file and give its path"
CHECK = "check the address"
DOWNLOAD = "download the file and give its path"
CHECK_PROXY = "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
CURES = {
    401: "the address needs a user name and a password, as in https://USER:PASSWORD@HOST/FILE",
    403: "the address needs credentials, or its signature has expired; get a new address",
    407: "the proxy needs a user name and a password, as in HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT",
}

_HEADERS = {"User-Agent": f"ccpairs/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}

Result = TypeVar("Result")


def is_http(uri: str) -> bool:
    """Is this an http or https address?"""
    return uri[:8].lower().startswith(("http://", "https://"))


class Fault(Exception):
    """One attempt failed: what the server did, and what the user can do about it."""

    def __init__(
        self, what: str, cure: str = LATER, *, again: bool = True, counts: int = 1, wait_seconds: float = 0.0
    ) -> None:
        super().__init__(what)
        self.what, self.cure, self.again, self.counts, self.wait_seconds = what, cure, again, counts, wait_seconds


class Patience:
    """Repeats what fails until it has failed too often in a row, with growing waits in between.

    ``name`` begins the message. ``most`` is the number of failures that end it.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most
        self._failures = self._counted = self._progress_bytes = 0

    def attempt(self, action: Callable[[], Result], clean_up: Callable[[], None] = lambda: None) -> Result:
        """The result of the action; raises ``UnreadableInput`` with the last fault."""
        while True:
            try:
                return action()
            except Fault as error:
                fault = error
            clean_up()
            self._failures, self._progress_bytes = self._failures + 1, 0
            self._counted += fault.counts
            if not fault.again or self._counted >= self._most:
                attempts = f" ({self._failures} attempts)" if fault.again else ""
                raise UnreadableInput(f"{self._name}: {fault.what}{attempts}; {fault.cure}") from fault
            wait = FIRST_WAIT_SECONDS * 2 ** (self._failures - 1) * random.uniform(0.75, 1.25)
            time.sleep(min(max(wait, fault.wait_seconds), LONGEST_WAIT_SECONDS))

    def note_progress(self, count: int) -> None:
        """So many new bytes came; after enough of them past failures are forgotten."""
        self._progress_bytes += count
        if self._progress_bytes >= PROGRESS_BYTES:
            self._failures = self._counted = self._progress_bytes = 0


def new_session() -> requests.Session:
    session = requests.Session()
    session.max_redirects = REDIRECTS
    session.headers.clear()
    session.headers.update(_HEADERS)
    return session


def send(
    session: requests.Session, method: str, url: str, headers: dict[str, str], seconds: float
) -> requests.Response:
    """The answer to a request, its body not yet read; raises ``Fault`` where there is none."""
    try:
        return session.request(
            method, url, headers=headers, stream=True, timeout=(min(seconds, CONNECT_TIMEOUT_SECONDS), seconds)
        )
    except (OSError, ValueError, urllib3.exceptions.HTTPError, HTTPException) as error:
        fault = fault_of(error, url, seconds)
        raise fault or Fault("the server broke off before it answered") from error


def refusal(answer: requests.Response) -> Fault:
    """The fault that an unwanted status states."""
    status = answer.status_code
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    again = status in RETRIED_STATUSES
    try:
        wait = urllib3.Retry().parse_retry_after(answer.headers["Retry-After"]) if again else 0.0
    except (KeyError, ValueError, OverflowError, urllib3.exceptions.InvalidHeader):
        wait = 0.0
    cure = CURES.get(status) or (LATER if status >= HTTPStatus.INTERNAL_SERVER_ERROR or again else CHECK)
    return Fault(f"the server answered {status} {phrase}".rstrip(), cure, again=again, wait_seconds=wait)


def host_of(url: str) -> str:
    """Host and port of an address."""
    return public_address(url).split("/")[2]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _no_proxy() -> Fault:
    return Fault("the address of the proxy is not that of an http proxy", CHECK_PROXY, again=False)


def _no_certificates() -> Fault:
    what = "the certificates that REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) names cannot be read"
    return Fault(what, "name a PEM file", again=False)


def fault_of(error: BaseException, url: str, seconds: float) -> Fault | None:
    """What went wrong with a connection; None where it just ended.

    Never the error's own text: that of ``requests`` holds the whole address.
    """
    host = host_of(getattr(getattr(error, "request", None), "url", None) or url)  # of a redirect, maybe
    for cause in _causes(error):
        match cause:
            case requests.TooManyRedirects():
                return Fault(f"the server redirects more than {REDIRECTS} times (in a circle?)", CHECK, again=False)
            case requests.exceptions.InvalidProxyURL() | urllib3.exceptions.ProxySchemeUnknown():
                return _no_proxy()
            case requests.exceptions.InvalidSchema() if "SOCKS" in str(cause):
                return _no_proxy()
            case requests.exceptions.InvalidSchema():
                return Fault("the server redirects to an address that is not http(s)", CHECK, again=False)
            case requests.exceptions.ProxyError():
                return Fault("the proxy does not answer", CHECK_PROXY)
            case ssl.SSLCertVerificationError():
                what = f"the certificate of {host} is not accepted ({cause.verify_message})"
                return Fault(what, "check the address, or name its authority in REQUESTS_CA_BUNDLE", again=False)
            case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
                return None
            case ssl.SSLError(reason="NO_CERTIFICATE_OR_CRL_FOUND"):
                return _no_certificates()
            case ssl.SSLError():
                return Fault(f"TLS with {host} fails ({(cause.reason or 'no reason').replace('_', ' ').lower()})")
            case socket.gaierror(errno=socket.EAI_NONAME):
                return Fault(f"the name {host} is not known (DNS)", CHECK, again=False)
            case socket.gaierror():
                return Fault(f"the name {host} cannot be looked up ({cause.strerror})")
            case urllib3.exceptions.NewConnectionError():
                continue  # a ConnectTimeoutError by its class alone
            case urllib3.exceptions.ConnectTimeoutError():
                return Fault(
                    f"{host} accepts no connection within {min(seconds, CONNECT_TIMEOUT_SECONDS):g} s", counts=2
                )
            case urllib3.exceptions.ReadTimeoutError() | TimeoutError(strerror=None):
                return Fault(f"the server sent nothing for {seconds:g} s", counts=2)
            case ConnectionRefusedError():
                return Fault(f"{host} refuses the connection")
            case ConnectionError() | IncompleteRead():
                return None
            case HTTPException() | requests.exceptions.InvalidHeader():
                return Fault("the server does not answer in HTTP", CHECK, again=False)
            case OSError(strerror=None) if "CA certificate bundle" in str(cause):
                return _no_certificates()
            case OSError(strerror=str(reason)):
                return Fault(f"the connection to {host} fails ({reason})")
            case requests.RequestException() | urllib3.exceptions.HTTPError():
                continue  # the reason is behind it
            case ValueError():
                return Fault("is not a valid address", CHECK, again=False)
    return Fault("is not a valid address", CHECK, again=False) if isinstance(error, ValueError) else None
