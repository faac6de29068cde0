"""Addresses with secrets: what of an address may be written, and what tells two addresses apart.

An address may hold secrets in its user info (``https://user:password@host/``, ``s3://KEY:SECRET@bucket/``) or in its
query (``?X-Amz-Signature=…``, ``?token=…``). Neither user info nor query nor fragment is ever written: they stay out of
manifests, names, lists, messages and logs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import unquote, unquote_plus

STORES = frozenset({"s3", "gs", "gcs", "hdfs", "viewfs", "abfs", "abfss"})
"""Schemes of object stores: what follows the host is a name, in which ``?`` and ``#`` are letters like any other."""

_CONTAINER_FIRST = frozenset({"abfs", "abfss"})
"""Azure's addresses name the container where others name the user."""

HIDDEN = "…"
PLACEHOLDER = "USER:PASSWORD"
"""What messages write where a user puts the real ones."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)(:/{1,2})")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/{1,2}[^\s'\"<>]+")
_USER_INFO = re.compile(r"[^/?#]*@|[^/?#@:]*:(?!\d{1,5}(?:[/?#]|$))[^@\s]*@")
"""User info up to its ``@``. Secret keys hold slashes, and people type them as they are."""
_OPTIONS = re.compile(r"\?(?=[\w.-]+=)")
"""Where the options of an object store's address begin (``?region=…``); any other ``?`` belongs to the name."""

_CREDENTIAL_PREFIXES = ("x-amz-", "x-goog-", "x-oss-", "x-obs-")
_CREDENTIALS = frozenset((
    "access_key", "access_token", "accesskey", "accesskeyid", "accesstoken", "api-key", "api_key", "api_token",
    "apikey", "auth", "auth_token", "authorization", "authtoken", "awsaccesskeyid", "client_secret", "credential",
    "credentials", "dl_token", "download_token", "exp", "expires", "expiry", "googleaccessid", "hdnea", "hdnts",
    "hmac", "id_token", "job_token", "jwt", "key-pair-id", "ossaccesskeyid", "passwd", "password", "private_token",
    "pwd", "refresh_token", "sas", "secret", "secret_key", "session_token", "sessionid", "sig", "sign", "signature",
    "token",
))  # fmt: skip
"""Names of query parameters, in lower case, that say who may read a file and until when, never which file it is."""

_SIGNATURES = frozenset({"sig", "signature"})
_BESIDE_A_SIGNATURE = frozenset((
    "policy", "saoid", "scid", "sdd", "se", "ses", "sip", "ske", "skoid", "sks", "skt", "sktid", "skv", "sp", "spr",
    "sr", "srt", "ss", "st", "suoid", "sv",
))  # fmt: skip
"""The same, of Azure's and CloudFront's signed addresses; without a signature such short names may mean anything."""

_PERHAPS_CREDENTIALS = frozenset({"key"})
"""A credential of some servers, a file's name on others."""

_SECRET_FLAGS = frozenset({"--s3_access_key_id", "--s3_secret_access_key", "--s3_session_token"})


def scheme_of(address: str) -> str:
    """The scheme in lower case; empty for a local path."""
    return address.partition("://")[0].lower() if "://" in address else ""


def start_of(address: str) -> str:
    """The scheme of an address as it was typed, with its colon and its one or two slashes."""
    scheme, _, rest = address.partition(":")
    return f"{scheme or 'an empty scheme'}:{'//' if rest.startswith('//') else '/'}"


def address_parts(address: str) -> tuple[str, str, str]:
    """The public address, the user info and the query of an address."""
    match = _SCHEME.match(address)
    if match is None:
        return address, "", ""
    scheme, rest = match[1].lower(), address[match.end() :]
    found = _USER_INFO.match(rest)
    user_info = found[0][:-1] if found else ""
    rest = rest[found.end() :] if found else rest
    if scheme in STORES:
        path, *query = _OPTIONS.split(rest, maxsplit=1)
    else:
        rest = rest.partition("#")[0]
        path, *query = rest.split("?", 1)
    container = user_info.partition(":")[0] if scheme in _CONTAINER_FIRST else ""
    return match[0] + (f"{container}@" if container else "") + path, user_info, "".join(query)


def public_address(address: str) -> str:
    """The address without user info, query and fragment; a local path as it is."""
    return address_parts(address)[0] if "://" in address else address


def split_user_info(address: str) -> tuple[str, str]:
    """The address without its user info, and the user info (``user:password``, as typed; empty where there is none)."""
    user_info = address_parts(address)[1] if "://" in address else ""
    if not user_info:
        return address, ""
    scheme, separator, rest = address.partition("://")
    return scheme + separator + rest[len(user_info) + 1 :], user_info


def query_of(address: str) -> str:
    """What follows the ``?`` of an address, without the fragment; empty for a local path."""
    return address_parts(address)[2] if "://" in address else ""


def query_digest(address: str, *, has_version: bool) -> str:
    """A hash of what the query says about which file is meant; empty where it says nothing.

    Credentials and expiry dates are left out, so that a new signature is not a new file. A parameter of an unknown name
    counts: at worst a file is read again, but no two files are taken for one. ``has_version``: something else, such as
    an ETag, tells files of one name apart.
    """
    parameters = [parameter for parameter in query_of(address).split("&") if parameter]
    names = [unquote_plus(parameter.partition("=")[0]).lower() for parameter in parameters]
    credentials = _CREDENTIALS
    if not _SIGNATURES.isdisjoint(names):
        credentials |= _BESIDE_A_SIGNATURE
    if has_version:
        credentials |= _PERHAPS_CREDENTIALS
    meant = [
        parameter
        for parameter, name in zip(parameters, names, strict=True)
        if name not in credentials and not name.startswith(_CREDENTIAL_PREFIXES)
    ]
    return hashlib.sha256("&".join(meant).encode("utf-8", "surrogatepass")).hexdigest()[:16] if meant else ""


def secrets_in(arguments: Iterable[str]) -> list[str]:
    """Texts in addresses or arguments of a command that must not be printed, the longest first."""
    found: set[str] = set()
    flag = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if flag in _SECRET_FLAGS or (equals and name in _SECRET_FLAGS):
            found.add(argument if flag in _SECRET_FLAGS else value)
        flag = argument
        if start := re.search(r"[A-Za-z][A-Za-z0-9+.-]*://", argument):
            public, user_info, query = address_parts(argument[start.start() :])
            password = user_info.partition(":")[2]
            found |= {query, password, password and user_info if "@" in public else user_info}
    found |= {unquote(secret) for secret in found}
    return sorted((secret for secret in found if len(secret) > 3), key=lambda secret: (-len(secret), secret))


def hide_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with the secrets, and those in every address in it, replaced by an ellipsis."""
    text = _ADDRESS.sub(_hidden, text)
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def hide_in_arguments(arguments: Iterable[str]) -> list[str]:
    """The arguments of a command without their secrets."""
    arguments = list(arguments)
    secrets = secrets_in(arguments)
    return [hide_secrets(argument, secrets) for argument in arguments]


def _hidden(match: re.Match[str]) -> str:
    address = match[0].rstrip(".,:;)]")
    end = match[0][len(address) :]
    public, user_info, query = address_parts(address)
    if user_info == PLACEHOLDER:
        return match[0]
    if user_info and "@" not in public:
        start = _SCHEME.match(public)
        public = public if start is None else f"{start[0]}{HIDDEN}@{public[start.end() :]}"
    return public + (f"?{HIDDEN}" if query else "") + end
