"""From what the user names to input files: paths, folders, globs, URLs and lists of them.

Everything here happens before a run starts, so a wrong name costs a second and one clear line.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ccpairs.addresses import STORES, scheme_of
from ccpairs.errors import DamagedInput, UnreadableInput, UserError, WrongSource
from ccpairs.object_stores import reason_of
from pipelines.content_kind import explained, kind_of
from pipelines.http_files import describe
from pipelines.http_requests import is_http
from pipelines.inputs import InputFile, decompressed, read_text
from pipelines.objects import find_objects, is_pattern
from pipelines.source import Source
from pipelines.sources import MODULES, source_class

HEAD_BYTES = 1 << 16
FILES_LOOKED_INTO = 1000
"""How many local files are opened for their first record before a run; more are trusted until they are read."""

BYTES_CHECKED = 1 << 25

log = logging.getLogger("ccpairs")


@dataclass(frozen=True)
class Found:
    """The input files of one source, and the files beside them that it does not read."""

    files: tuple[InputFile, ...]
    ignored: tuple[str, ...] = ()


def find_inputs(source: Source, uris: Sequence[str], *, prefix: str = "", limit: int | None = None) -> Found:
    """Resolve what the user gave for one source, in a stable order; raises ``UserError`` with the way out.

    A file that was named itself must be one that the source reads. In a folder or behind a glob others are passed over
    and listed in ``ignored``.
    """
    files: dict[str, InputFile] = {}
    named: set[str] = set()
    ignored: set[str] = set()
    for uri in uris:
        places = list(_expand(uri, prefix))
        if not places:
            raise UserError(f"{uri}: no such file, and no file matches; check the path")
        for place, explicit in places:
            form = source.form_of(place.name)
            if form is not None:
                files.setdefault(place.address, replace(place, form=form, limit=limit))
                named.update([place.address] if explicit else ())
            elif explicit:
                raise UserError(_unknown(source, place))
            else:
                ignored.add(place.uri)
    empty = [file.uri for file in files.values() if file.size == 0]
    if empty:
        raise UserError(f"{empty[0]} is empty ({len(empty)} such); remove it from the input, or fetch it again")
    ordered = one_address_each(sorted(files.values(), key=lambda file: (file.identity, file.address)))
    kept = []
    looked_into = 0
    for file in ordered:
        if "://" not in file.uri and looked_into < FILES_LOOKED_INTO:
            looked_into += 1
            try:
                look_into(source, file)
            except WrongSource as error:
                if file.address in named:
                    raise UserError(str(error)) from None
                log.warning("passed over: %s", error)
                ignored.add(file.uri)
                continue
        kept.append(file)
    if not kept:
        raise UserError(
            f"{', '.join(uris)}: nothing in it that the source {source.name} reads; "
            f"it reads {'; '.join(source.forms.values())}"
        )
    return Found(tuple(kept), tuple(sorted(ignored)))


def one_address_each(files: Sequence[InputFile]) -> list[InputFile]:
    """Drop a file that was named by several addresses, which differ in their secrets, all but once.

    Raises ``UserError`` where nothing tells whether such addresses lead to one file.
    """
    found: dict[tuple[str, str], list[InputFile]] = {}
    for file in files:
        found.setdefault((file.uri, file.query), []).append(file)
    for (uri, _), same in found.items():
        if len(same) > 1 and any(file.size is None or file.version is None for file in same):
            raise UserError(
                f"{uri} is named {len(same)} times with different credentials, and its server does not say whether it "
                "is one file; name it once"
            )
    return list({file.identity: file for file in reversed(files)}.values())[::-1]


def look_into(source: Source, file: InputFile) -> None:
    """Ask the source whether the first bytes of a local file are what it reads.

    Raises ``WrongSource`` where they are not, ``UserError`` where the file cannot be read or holds nothing.
    """
    try:
        with open(file.uri, "rb") as raw:
            if raw.read(6) == b"7z\xbc\xaf\x27\x1c":
                return  # its members are found when it is read
            raw.seek(0)
            head = decompressed(raw, file.name, file.meter).read(HEAD_BYTES)
    except OSError as error:
        raise UserError(f"{file.uri}: cannot be read ({error.strerror or error})") from None
    except DamagedInput:
        return  # a damaged file fails on its own, and the others are read
    if not head.strip():
        raise UserError(f"{file.uri} holds nothing; remove it from the input, or fetch it again")
    try:
        source.sniff(file, head)
    except WrongSource as error:
        # A damaged file, or an error page in place of one, fails where it is read, with the true reason.
        kind = kind_of(head)
        if not (kind and kind.is_stand_in) and not _is_damaged(file):
            raise explained(error, file) from None


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


def _expand(uri: str, prefix: str) -> Iterator[tuple[InputFile, bool]]:
    """The files behind one argument, and whether each was named itself (not through a folder or a glob)."""
    if uri.startswith("@"):
        for entry in _listed(uri[1:]):
            name = entry if "://" in entry or entry.startswith("/") else prefix + entry
            if scheme_of(name) in STORES and (is_pattern(name) or name.endswith("/")):
                yield from _stored(name)
            elif "://" in name:
                # Long lists are taken at their word: asking for every size first would take longer than some runs.
                yield InputFile(name, ""), True
            else:
                yield from _expand_path(name)
    elif is_http(uri):
        yield _remote(uri), True
    elif scheme_of(uri) in STORES:
        yield from _stored(uri)
    elif "://" in uri:
        for place in _matching(uri):
            yield place, not is_pattern(uri)
    else:
        yield from _expand_path(uri)


def _expand_path(path: str) -> Iterator[tuple[InputFile, bool]]:
    if is_pattern(path) and not os.path.exists(path):
        for place in _matching(path):
            yield place, False
    elif os.path.isdir(path):
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                if not name.startswith("."):
                    yield _local(os.path.join(folder, name)), False
    else:
        yield _local(path), True


def _listed(uri: str) -> Iterable[str]:
    try:
        text = read_text(uri)
    except (DamagedInput, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the list of inputs {uri}: {error}") from None
    entries = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not entries:
        raise UserError(f"the list of inputs {uri} names nothing")
    return entries


def _local(path: str) -> InputFile:
    path = os.path.abspath(os.path.expanduser(path))
    try:
        status = os.stat(path)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; check the path given to --input") from None
    return InputFile(path, "", status.st_size, str(status.st_mtime_ns))


def _stored(address: str) -> Iterator[tuple[InputFile, bool]]:
    try:
        objects, named = find_objects(address)
    except OSError as error:
        raise UserError(f"{address}: {reason_of(error)}") from None
    for each, info in objects:
        yield InputFile(each, "", info.size, str(info.mtime_ns)), named


def _matching(pattern: str) -> Iterator[InputFile]:
    # Beam's file systems know globs on every storage; imported here, as plain paths do not need them.
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.io.filesystems import FileSystems

    try:
        matches = FileSystems.match([pattern])[0].metadata_list
    except (BeamIOError, ValueError) as error:
        raise UserError(f"{pattern}: {error}; check the path or address given to --input") from None
    for match in sorted(matches, key=lambda item: item.path):
        if "://" in match.path:
            yield InputFile(match.path, "", match.size_in_bytes, str(match.last_updated_in_seconds))
        elif os.path.isfile(match.path):
            yield _local(match.path)


def _remote(url: str) -> InputFile:
    try:
        size, version = describe(url)
    except UnreadableInput as error:
        raise UserError(str(error)) from None
    return InputFile(url, "", size, version)


def _unknown(source: Source, file: InputFile) -> str:
    """The line for a file whose name says that the source does not read it, with the source that does."""
    others = [
        other for other in MODULES if other != source.name and source_class(other)().form_of(file.name) is not None
    ]
    hint = f"; by its name it is for --source {' or '.join(others)}" if others else ""
    return f"{file.uri}: the source {source.name} reads {'; '.join(source.forms.values())}{hint}"
