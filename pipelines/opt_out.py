"""The opt-out list: whose text is left out, applied while a dump is read.

One entry a line; ``#`` at its start or after a space begins a comment. An entry is ``id:t3_abc12``,
``domain:example.com`` (with its sub-domains), ``subreddit:askscience`` or ``author:some_name``; the forms
``r/askscience`` and ``u/some_name`` are understood too. A bare entry with a dot in it is a domain, any other bare entry
without spaces is an id.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ccpairs.errors import DamagedInput, UserError
from pipelines.content_kind import refuse_other_content
from pipelines.inputs import read_bytes

_COMMENT = re.compile(r"(?:^|\s)#.*")  # a sign inside an address begins its fragment
KINDS = ("id", "domain", "subreddit", "author")


@dataclass(frozen=True)
class OptOut:
    """Sets of lower-case entries; empty by default (and then falsy)."""

    ids: frozenset[str] = field(default_factory=frozenset)
    domains: frozenset[str] = field(default_factory=frozenset)
    subreddits: frozenset[str] = field(default_factory=frozenset)
    authors: frozenset[str] = field(default_factory=frozenset)

    def __bool__(self) -> bool:
        return bool(self.ids or self.domains or self.subreddits or self.authors)

    def doc(self, identifier: str) -> bool:
        """Is this document id (``t3_...``, ``site/123``, a URL, a paper id) on the list?"""
        return identifier.lower() in self.ids

    def url(self, url: str | None) -> bool:
        """Is this URL, its domain, or a domain above it on the list?"""
        if not url:
            return False
        if url.lower() in self.ids:
            return True
        labels = _host(url if "//" in url else "//" + url).split(".")
        return any(".".join(labels[i:]) in self.domains for i in range(len(labels)))

    def subreddit(self, name: str | None) -> bool:
        return name is not None and name.lower() in self.subreddits

    def author(self, name: str | None) -> bool:
        return name is not None and name.lower() in self.authors

    def digest(self) -> str:
        """A fingerprint of the entries, whatever their order (part of the settings that shape an extract)."""
        entries = sorted(
            f"{kind}:{value}"
            for kind, values in zip(KINDS, (self.ids, self.domains, self.subreddits, self.authors), strict=True)
            for value in values
        )
        return hashlib.sha256("\n".join(entries).encode()).hexdigest()[:16] if entries else ""


def parse_opt_out(text: str) -> OptOut:
    """Read the list; raises ``UserError`` for an entry of an unknown kind, or one that names nothing."""
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        entry = _COMMENT.sub("", line).strip().lower()
        if not entry:
            continue
        kind, value = _kind_and_value(entry)
        if kind not in found:
            raise UserError(f"opt-out list, line {number}: unknown kind {kind!r}; use one of {', '.join(KINDS)}")
        if kind == "id" and not entry.startswith("id:") and len(value.split()) > 1:  # prose, or an error message
            raise UserError(f"opt-out list, line {number}: {entry!r} is no entry; write id: before an id with spaces")
        if not value:
            raise UserError(f"opt-out list, line {number}: {entry!r} names nothing")
        found[kind].add(value)
    return OptOut(*(frozenset(found[kind]) for kind in KINDS))


def _kind_and_value(entry: str) -> tuple[str, str]:
    """What an entry (stripped, lower case) names; the kind may be unknown and the value empty."""
    kind, colon, value = entry.partition(":")
    path = entry.lstrip("/")
    if colon and kind in KINDS:
        value = value.strip()
    elif entry.startswith(("http://", "https://")):
        kind, value = "id", entry
    elif path.startswith(("r/", "u/", "user/")):
        kind, value = "subreddit" if path[0] == "r" else "author", path
    elif colon and kind.isalpha():
        return kind, value
    else:
        kind, value = "domain" if "." in entry and "/" not in entry else "id", entry
    # People paste what they see: an entry that never matches would leave in what was to be left out.
    if kind == "domain":
        return kind, (_host(value) if "//" in value else value).removeprefix("*.").strip("./")
    if kind == "id":
        return kind, value
    return kind, re.sub(r"^/?(r|u|user)/", "", value).strip("/")


def _host(url: str) -> str:
    """The host of an address without its last dot; empty where there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def load_opt_out(uri: str) -> OptOut:
    """Read an opt-out list, as it is or compressed, from a local path or URI."""
    try:
        data = read_bytes(uri)
        refuse_other_content(data, f"the opt-out list {uri}")
        return parse_opt_out(data.decode())
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read the opt-out list {uri}: it is not UTF-8 text ({error}); convert it") from None
    except DamagedInput as error:
        raise UserError(f"cannot read the opt-out list {error}; give a file or address that can be read") from None
