"""From what the user names to input files: paths, folders, globs, URLs and lists of them.

Everything here happens before a run starts, so a wrong name costs a second and one clear line.
"""

from __future__ import annotations

import difflib
import logging
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import smart_open

from ccpairs import storage
from ccpairs.errors import DamagedInput, UserError, WrongSource
from ccpairs.local_files import is_address, open_regular
from ccpairs.output_folder import refuse_inside
from pipelines.inputs import InputFile, decompressed
from pipelines.local_inputs import LocalInputs, each_once
from pipelines.source import Source
from pipelines.sources import MODULES, source_class

HEAD_BYTES = 1 << 16
SCHEMES = ("http", "https", *storage.SCHEMES)
FILES_LOOKED_INTO = 1000
"""How many local files are opened for their first record before a run; more are trusted until they are read."""

BYTES_CHECKED = 1 << 25
HTTP_TIMEOUT_S = 30
REFUSED = (403, 405, 501)
"""Answers to HEAD that say nothing about the file: addresses that are signed for a download refuse it."""

log = logging.getLogger("ccpairs")


@dataclass(frozen=True)
class Found:
    """The input files of one source, and the files beside them that it does not read."""

    files: tuple[InputFile, ...]
    ignored: tuple[str, ...] = ()


def find_inputs(
    source: Source, uris: Sequence[str], *, prefix: str = "", limit: int | None = None, output: str | None = None
) -> Found:
    """Resolve what the user gave for one source, in a stable order; raises ``UserError`` with the way out.

    A file that was named itself must be one that the source reads. In a folder or behind a glob others are passed over
    and listed in ``ignored``. What ccpairs wrote in ``output``, the folder of the command, is not read.
    """
    files: dict[str, InputFile] = {}
    reached: Counter[str] = Counter()
    named: set[str] = set()
    ignored: set[str] = set()
    local = LocalInputs(output)
    for uri in uris:
        places = list(_expand(uri, prefix, local))
        if not places:
            local.warn()
            raise UserError(f"{uri}: no such file, and no file matches; check the path")
        for place, explicit in places:
            if output is not None and is_address(place.uri):
                refuse_inside(place.uri, "--input", output)
            is_closed_folder = place.problem is not None and place.uri.endswith("/")
            form = next(iter(source.forms)) if is_closed_folder else source.form_of(_base_name(place.uri))
            if form is not None:
                files.setdefault(place.uri, replace(place, form=form, limit=limit))
                reached[place.uri] += 1
                named.update([place.uri] if explicit else ())
            elif explicit:
                raise UserError(_unknown(source, place.uri))
            else:
                ignored.add(place.uri)
    local.warn()
    files = each_once(files, reached, named)
    empty = [file.uri for file in files.values() if file.size == 0 and file.problem is None]
    if empty:
        raise UserError(f"{empty[0]} is empty ({len(empty)} such); remove it from the input, or fetch it again")
    ordered = sorted(files.values(), key=lambda file: file.uri)
    readable = [file for file in ordered if not is_address(file.uri) and file.problem is None]
    for file in readable[:FILES_LOOKED_INTO]:
        try:
            look_into(source, file)
        except WrongSource as error:
            if file.uri in named:
                raise UserError(str(error)) from None
            log.warning("passed over: %s", error)
            ignored.add(file.uri)
    kept = tuple(file for file in ordered if file.uri not in ignored)
    if not kept:
        raise UserError(
            f"{', '.join(uris)}: nothing in it that the source {source.name} reads; "
            f"it reads {'; '.join(source.forms.values())}"
        )
    return Found(kept, tuple(sorted(ignored)))


def look_into(source: Source, file: InputFile) -> None:
    """Ask the source whether the first bytes of a local file are what it reads.

    Raises ``WrongSource`` where they are not, ``UserError`` where the file holds nothing. A file that is damaged or
    cannot be read fails on its own later, and the others are read.
    """
    try:
        with open_regular(file.uri) as raw:
            if raw.read(6) == b"7z\xbc\xaf\x27\x1c":
                return  # its members are found when it is read
            raw.seek(0)
            head = decompressed(raw, file.name, file.meter).read(HEAD_BYTES)
    except (OSError, DamagedInput):
        return
    if not head.strip():
        raise UserError(f"{file.uri} holds nothing; remove it from the input, or fetch it again")
    try:
        source.sniff(file, head)
    except WrongSource:
        if not _is_damaged(file):
            raise  # else the file fails where it is read, with the true reason


def _is_damaged(file: InputFile) -> bool:
    """Does a file fail to decompress? What comes out of a corrupt one before that looks like another source's."""
    try:
        with InputFile(file.uri, "").open() as stream:
            for _ in range(0, BYTES_CHECKED, HEAD_BYTES):
                if not stream.read(HEAD_BYTES):
                    return False
    except DamagedInput:
        return True
    return False


def _expand(uri: str, prefix: str, local: LocalInputs) -> Iterator[tuple[InputFile, bool]]:
    """The files behind one argument, and whether each was named itself (not through a folder or a glob)."""
    if not uri.strip():
        raise UserError("--input is empty; name files, folders, globs or addresses")
    if uri.startswith("@"):
        for entry in _listed(uri[1:]):
            name = entry if "://" in entry or entry.startswith("/") else prefix + entry
            # Long lists are taken at their word: asking for every size first would take longer than some runs.
            yield from [(InputFile(_checked(name), ""), True)] if is_address(name) else local.expand(name)
    elif uri.startswith(("http://", "https://")):
        yield _remote(uri), True
    elif is_address(uri):
        for place in _matching(_checked(uri)):
            yield place, not _is_glob(uri)
    else:
        yield from local.expand(uri)


def _checked(uri: str) -> str:
    """The same address; raises ``UserError`` where its scheme is none that is read."""
    scheme = uri.partition("://")[0]
    if scheme not in SCHEMES:
        near = difflib.get_close_matches(scheme, SCHEMES, 1, cutoff=0.7)
        hint = f"did you mean {near[0]}://?" if near else "give a path, or an address of http, https, s3 or gs"
        raise UserError(f"{uri}: {scheme or 'an empty scheme'}:// is not read; {hint}")
    return uri


def _is_glob(uri: str) -> bool:
    return any(character in uri for character in "*?[")


def _listed(uri: str) -> Iterable[str]:
    try:
        with smart_open.open(uri, "rb", compression="disable") as raw:
            text = _decoded(decompressed(raw, uri, InputFile(uri, "").meter).read(-1))
    except (OSError, DamagedInput, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the list of inputs {uri}: {error}") from None
    entries = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not entries:
        raise UserError(f"the list of inputs {uri} names nothing")
    return entries


def _decoded(data: bytes) -> str:
    """The text of a list; names that are not UTF-8 stay, for their files fail alone. Raises ``UnicodeDecodeError``."""
    is_no_list = b"\0" in data or data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return data.decode(errors="strict" if is_no_list else "surrogateescape")


def _matching(pattern: str) -> Iterator[InputFile]:
    # Beam's file systems know globs on every storage; imported here, as plain paths do not need them.
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.io.filesystems import FileSystems

    try:
        matches = FileSystems.match([pattern])[0].metadata_list
    except (BeamIOError, ValueError) as error:
        raise UserError(f"{pattern}: {error}; s3:// and gs:// need the extra ccpairs[s3] or ccpairs[gcs]") from None
    for match in sorted(matches, key=lambda item: item.path):
        yield InputFile(match.path, "", match.size_in_bytes, str(match.last_updated_in_seconds))


def _remote(url: str) -> InputFile:
    try:
        try:
            return _asked(url, "HEAD")
        except urllib.error.HTTPError as error:
            if error.code not in REFUSED:
                raise
            return _asked(url, "GET")
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise UserError(f"{url}: {error}; check the address given to --input") from None


def _asked(url: str, method: str) -> InputFile:
    """What a server says about a file; its content is not read."""
    request = urllib.request.Request(url, method=method, headers={"User-Agent": "ccpairs"})
    with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_S) as answer:
        size = answer.headers.get("Content-Length")
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
    return InputFile(url, "", int(size) if size else None, version)


def _base_name(uri: str) -> str:
    return InputFile(uri, "").name


def _unknown(source: Source, uri: str) -> str:
    """The line for a file whose name says that the source does not read it, with the source that does."""
    name = _base_name(uri)
    others = [other for other in MODULES if other != source.name and source_class(other)().form_of(name) is not None]
    hint = f"; by its name it is for --source {' or '.join(others)}" if others else ""
    return f"{uri}: the source {source.name} reads {'; '.join(source.forms.values())}{hint}"
