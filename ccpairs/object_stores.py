"""Object stores: which Arrow file system an address belongs to, with whose credentials, and why it does not answer.

Everything is read from the variables that other tools read too. The AWS SDK in Arrow finds keys by itself: in
``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` and ``AWS_SESSION_TOKEN``, in the files of a profile (``AWS_PROFILE``),
or from the machine's role. Endpoint, region and certificates of s3 are found here, the emulator of gs too.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from pyarrow import fs as arrow_fs

from ccpairs.addresses import address_parts
from ccpairs.errors import UserError

CONNECT_TIMEOUT_SECONDS = 5.0
REQUEST_TIMEOUT_SECONDS = 20.0
"""Longest silence of an s3 server. A request is tried three times."""

GS_RETRY_SECONDS = 60

MOST_CHARS = 300
"""Longest reason; some libraries list every place where they looked for a file."""

_S3_OPTIONS = frozenset({"endpoint_override", "region", "scheme"})

_AWS_ERROR = re.compile(r"AWS Error (?:UNKNOWN \((.+?)\)|([A-Z_]+)) during \w+ operation: (.*)")
_UNPARSED = re.compile(r"Unable to parse ExceptionName: (\w+) Message: (.*)")
_NOISE = re.compile(
    r" ?\(Request ID: .*|\. Detail: .*|curlCode: \d+, |[;,] Details: .*| error_info=.*|No response body\."
)
_GOOGLE_ERROR = re.compile(r"google::cloud::Status\((.*)")

_KEYS = "check the keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE)"
_REGION = "the bucket is in another region; name it in AWS_REGION"
_CURES = {
    "NO_SUCH_BUCKET": "check the name of the bucket",
    "RESOURCE_NOT_FOUND": "check the names of bucket and endpoint",
    "ACCESS_DENIED": f"{_KEYS} and what they may do",
    "INVALID_ACCESS_KEY_ID": _KEYS,
    "INVALID_CLIENT_TOKEN_ID": _KEYS,
    "SIGNATURE_DOES_NOT_MATCH": _KEYS,
    "ExpiredToken": f"the session has ended; {_KEYS}",
    "InvalidToken": _KEYS,
    "REQUEST_TIME_TOO_SKEWED": "set the clock of this machine",
    "NETWORK_CONNECTION": "check the endpoint (AWS_ENDPOINT_URL, http:// or https://) and the network",
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "HTTP status 301": _REGION,
    "HTTP status 400": f"{_KEYS} and the region (AWS_REGION)",
    "SLOW_DOWN": "run the command again later",
    "HTTP status 503": "run the command again later",
    "INTERNAL_FAILURE": "run the command again later",
}


def locate_object(address: str) -> tuple[Any, str]:
    """The Arrow file system of an object store's address, and the path in it; names are taken as they are.

    User info (``s3://KEY:SECRET@bucket/``) and options (``?region=…``) are understood. Raises ``UserError`` where the
    address is wrong, ``OSError`` where the store does not answer.
    """
    public, user_info, query = address_parts(address)
    scheme, _, rest = public.partition("://")
    authority, _, name = rest.partition("/")
    variables = tuple(sorted((key, os.environ[key]) for key in os.environ if key.startswith(("AWS_", "STORAGE_"))))
    if "//" in f"/{name.rstrip('/')}":  # which Arrow refuses
        raise UserError(f"{public}: a name with an empty part (//) cannot be used; check the address")
    # A client must not be used by two processes.
    system, root = _file_system(scheme.lower(), authority, user_info, query, variables, os.getpid())
    name = name.rstrip("/")
    return system, f"{root}/{name}" if name else root


@lru_cache(maxsize=64)
def _file_system(
    scheme: str, authority: str, user_info: str, query: str, variables: tuple[tuple[str, str], ...], process: int
) -> tuple[Any, str]:
    """The file system of a bucket, and where in it the bucket's names begin."""
    if not authority and scheme != "hdfs":
        raise UserError(f"{scheme}://: the name of a bucket is missing")
    try:
        if scheme == "s3":
            return _s3(authority, user_info, query), authority
        if scheme in ("gs", "gcs"):
            return _gs(user_info), authority
        at = f"{user_info}@" if user_info and "@" not in authority else ""
        system, root = arrow_fs.FileSystem.from_uri(f"{scheme}://{at}{authority}/" + (f"?{query}" if query else ""))
        return system, str(root).rstrip("/")
    except (ValueError, NotImplementedError, ImportError) as error:  # Arrow's text may hold the address, thus secrets
        reason = " ".join(str(error).split()) if not user_info and not query else "user info or options are wrong"
        raise UserError(f"cannot use {scheme}://{authority}: {reason}") from None


def _s3(bucket: str, user_info: str, query: str) -> Any:
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := sorted(set(options) - _S3_OPTIONS):
        known = ", ".join(sorted(_S3_OPTIONS))
        raise UserError(f"s3://{bucket}: unknown option {unknown[0]!r} in the address; known are {known}")
    settings: dict[str, Any] = {}
    if user_info:
        key, _, secret = user_info.partition(":")
        settings.update(access_key=unquote(key), secret_key=unquote(secret))
    environment = os.environ
    endpoint = options.get("endpoint_override") or environment.get("AWS_ENDPOINT_URL_S3")
    endpoint = endpoint or environment.get("AWS_ENDPOINT_URL")
    region = options.get("region") or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if endpoint:
        settings["endpoint_override"] = endpoint.rstrip("/")
    elif not region:
        region = arrow_fs.resolve_s3_region(bucket)
    if region:
        settings["region"] = region
    if "scheme" in options:
        settings["scheme"] = options["scheme"]
    if certificates := environment.get("AWS_CA_BUNDLE"):
        settings["tls_ca_file_path"] = certificates
    return arrow_fs.S3FileSystem(
        connect_timeout=CONNECT_TIMEOUT_SECONDS, request_timeout=REQUEST_TIMEOUT_SECONDS, **settings
    )


def _gs(user_info: str) -> Any:
    settings: dict[str, Any] = {"anonymous": user_info == "anonymous"}
    if emulator := os.environ.get("STORAGE_EMULATOR_HOST"):
        scheme, separator, host = emulator.rstrip("/").partition("://")
        settings = {"anonymous": True, "scheme": scheme if separator else "http", "endpoint_override": host or scheme}
    return arrow_fs.GcsFileSystem(retry_time_limit=timedelta(seconds=GS_RETRY_SECONDS), **settings)


def reason_of(error: BaseException) -> str:
    """Why a store does not answer, in one short line with what to do; of other errors their text as it is."""
    text = " ".join(str(error).split())
    if google := _GOOGLE_ERROR.search(text):
        return _NOISE.sub("", google[1]).rstrip("()., ")[:MOST_CHARS]
    found = _AWS_ERROR.search(text)
    if found is None:
        return _NOISE.sub("", text)[:MOST_CHARS]
    code, detail = found[1] or found[2], found[3]
    if unparsed := _UNPARSED.search(detail):
        code, detail = unparsed[1], unparsed[2]
    detail = _NOISE.sub("", detail).strip(" .")
    cure = _CURES.get(code, "")
    if "keys" in cure and not os.environ.get("AWS_ACCESS_KEY_ID"):
        cure += "; AWS_ACCESS_KEY_ID is not set"
    name = code if code[1:2].islower() or " " in code else code.replace("_", " ").lower()
    return "; ".join(filter(None, [f"{name}: {detail}" if detail else name, cure]))


def is_store_error(error: BaseException) -> bool:
    """Did an object store refuse, or not answer?"""
    return "AWS Error" in str(error) or "google::cloud::Status" in str(error)


def address_in(address: str, name: str) -> str:
    """The address of the object ``name`` in the same bucket, with the same credentials and options."""
    public, user_info, query = address_parts(address)
    scheme, _, rest = public.partition("://")
    authority = rest.partition("/")[0]
    at = f"{user_info}@" if user_info and "@" not in authority else ""
    return f"{scheme}://{at}{authority}/{name}" + (f"?{query}" if query else "")
