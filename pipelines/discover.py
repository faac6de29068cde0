"""From what the user names to input files: paths, folders, globs, URLs and lists of them.

Everything here happens before a run starts, so a wrong name costs a second and one clear line.
"""

from __future__ import annotations

import difflib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ccpairs.addresses import STORES, scheme_of, start_of
from ccpairs.errors import DamagedInput, UnreadableInput, UserError, WrongSource
from ccpairs.local_files import as_text, is_address, is_text, open_regular
from ccpairs.object_stores import reason_of
from ccpairs.output_folder import refuse_inside
from pipelines.content_kind import explained, kind_of, refuse_other_content
from pipelines.http_files import describe
from pipelines.http_requests import is_http
from pipelines.inputs import InputFile, decompressed, read_bytes
from pipelines.json_records import BOM
from pipelines.local_inputs import LocalInputs, each_once
from pipelines.objects import find_objects, is_pattern
from pipelines.source import Source
from pipelines.sources import MODULES, source_class

HEAD_BYTES = 1 << 16
SCHEMES = ("http", "https", *sorted(STORES))
FILES_LOOKED_INTO = 1000
"""How many local files are opened for their first record before a run; more are trusted until they are read."""

BYTES_CHECKED = 1 << 25

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
            form = next(iter(source.forms)) if is_closed_folder else source.form_of(place.name)
            if form is not None:
                files.setdefault(place.address, replace(place, form=form, limit=limit))
                reached[place.address] += 1
                named.update([place.address] if explicit else ())
            elif explicit:
                raise UserError(_unknown(source, place))
            else:
                ignored.add(place.uri)
    local.warn()
    files = each_once(files, reached, named)
    empty = [file.uri for file in files.values() if file.size == 0 and file.problem is None]
    if empty:
        raise UserError(f"{empty[0]} is empty ({len(empty)} such); remove it from the input, or fetch it again")
    ordered = one_address_each(sorted(files.values(), key=lambda file: (file.identity, file.address)))
    kept = []
    looked_into = 0
    for file in ordered:
        if not is_address(file.uri) and file.problem is None and looked_into < FILES_LOOKED_INTO:
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

    Raises ``WrongSource`` where they are not, ``UserError`` where the file holds nothing. A file that is damaged or
    cannot be read fails on its own later, and the others are read.
    """
    try:
        with open_regular(file.uri) as raw:
            if raw.read(6) == b"7z\xbc\xaf\x27\x1c":
                return  # its members are found when it is read
            raw.seek(0)
            head = decompressed(raw, file.name, file.meter).read(HEAD_BYTES).removeprefix(BOM)
    except (OSError, DamagedInput, MemoryError):
        return
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


def _expand(uri: str, prefix: str, local: LocalInputs) -> Iterator[tuple[InputFile, bool]]:
    """The files behind one argument, and whether each was named itself (not through a folder or a glob)."""
    if not uri.strip():
        raise UserError("--input is empty; name files, folders, globs or addresses")
    if uri.startswith("@"):
        for entry in _listed(uri[1:]):
            name = entry if "://" in entry or entry.startswith("/") else prefix + entry
            if scheme_of(name) in STORES and (is_pattern(name) or name.endswith("/")):
                yield from _stored(_checked(name))
            elif is_address(name):
                # Long lists are taken at their word: asking for every size first would take longer than some runs.
                yield InputFile(_checked(name), ""), True
            else:
                yield from local.expand(name)
    elif is_http(uri):
        yield _remote(_checked(uri)), True
    elif is_address(uri):
        yield from _stored(_checked(uri))
    else:
        yield from local.expand(uri)


def _checked(uri: str) -> str:
    """The same address; raises ``UserError`` where it is not UTF-8, or its scheme is none that is read."""
    if not is_text(uri):
        raise UserError(f"{as_text(uri)}: the address is not UTF-8; percent-encode its letters (as in %C3%A9)")
    scheme = scheme_of(uri)
    if scheme not in SCHEMES:
        name = uri.partition(":")[0]
        near = difflib.get_close_matches(name.lower(), SCHEMES, 1, cutoff=0.7)
        hint = f"did you mean {near[0]}://?" if near else "give a path, or an address of http, https, s3 or gs"
        raise UserError(f"{uri}: {start_of(uri)} is not read; {hint}")
    return uri


def _listed(uri: str) -> Iterable[str]:
    try:
        data = read_bytes(uri)
    except DamagedInput as error:
        raise UserError(f"cannot read the list of inputs {uri}: {error}") from None
    refuse_other_content(data, f"the list of inputs {uri}")
    if b"\0" in data:
        raise UserError(f"cannot read the list of inputs {uri}: it holds zero bytes; write a name a line")
    text = data.removeprefix(BOM).decode(errors="surrogateescape")  # local files whose names are not UTF-8 fail alone
    entries = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not entries:
        raise UserError(f"the list of inputs {uri} names nothing")
    return entries


def _stored(address: str) -> Iterator[tuple[InputFile, bool]]:
    try:
        objects, named = find_objects(address)
    except OSError as error:
        raise UserError(f"{address}: {reason_of(error)}") from None
    for each, info in objects:
        yield InputFile(each, "", info.size, str(info.mtime_ns)), named


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
