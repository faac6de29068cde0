"""What the addresses of data mean: outputs of ours, files of other people, folders of them at any depth, patterns.

``NAME=URI`` names a source. An unnamed one is called by its file or, where there are several files, by their folder.
"""

from __future__ import annotations

import fnmatch
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from pyarrow import fs as arrow_fs

from ccpairs import storage
from ccpairs.addresses import public_address, scheme_of
from ccpairs.errors import UserError
from ccpairs.local_files import FolderWalk, expand_glob, has_magic, is_address, local_path
from ccpairs.manifest import MANIFEST_NAME, Manifest, read_manifest
from ccpairs.output_folder import MARKER
from ccpairs.shards import source_folders
from models.trainer.tables import COMPRESSIONS, NAMED_ONLY, OpenHttp, TableFile, form_of

log = logging.getLogger("ccpairs")

_NAMED = re.compile(r"([A-Za-z0-9][\w.-]*)=(.+)", re.DOTALL)
_UNSAFE = re.compile(r"[/,=\0]+")
_PART = re.compile(r"(.*)-(\d+)-of-(\d+)\..*")
READ = "Parquet, .jsonl, .csv or .tsv"


@dataclass(frozen=True)
class Input:
    """Files that are one source: other people's, or finished shards with their ``manifest``.

    ``name``: as the user says, or as the manifest does; empty where neither does. ``place`` is where they lie.
    """

    name: str
    place: str
    files: tuple[TableFile, ...] = ()
    manifest: Manifest | None = None
    is_folder: bool = False

    def names(self) -> Iterator[str]:
        """What the source may be called: by the end of its path, then with more and more of the folders before it."""
        place = self.place if is_address(self.place) else local_path(self.place)
        parts = [part for part in place.split("/") if part]
        last = parts[-1] if self.is_folder else _stem(parts[-1])
        for first in range(len(parts) - 1, -1, -1):
            yield _UNSAFE.sub("-", "-".join([*parts[first:-1], last]))


def find_inputs(uri: str, http: OpenHttp | None = None) -> list[Input]:
    """The inputs at an address, each with its files in order.

    Raises ``UserError``: nothing there, files that cannot be told apart, packages that are missing.
    """
    named = _NAMED.fullmatch(uri)
    if named is None or is_address(uri) or storage.exists(uri) or (has_magic(uri) and expand_glob(local_path(uri))[0]):
        return _inputs(uri, http)
    found = _inputs(named[2], http)
    if any(each.manifest for each in found):
        several = len(found) > 1
        return [replace(each, name=f"{named[1]}-{each.name}" if several else named[1]) for each in found]
    return [Input(named[1], named[2], tuple(file for each in found for file in each.files))]


def distinct_names(inputs: Sequence[Input]) -> list[str]:
    """A name for each input. Different inputs have different names, which get their folders where they need them.

    Inputs that the user gives one name, and shards of one source, share it.
    """
    waiting = {number: each.names() for number, each in enumerate(inputs) if not each.name}
    names = [each.name or next(waiting[number]) for number, each in enumerate(inputs)]
    taken = {each.name for each in inputs}
    while True:
        unnamed = Counter(names[number] for number in waiting)
        clashing = [number for number in waiting if names[number] in taken or unnamed[names[number]] > 1]
        if not clashing:
            return names
        for number in clashing:
            if (name := next(waiting[number], None)) is None:
                raise UserError(f"{inputs[number].place}: two inputs are called {names[number]}; name them by NAME=URI")
            names[number] = name


def _inputs(uri: str, http: OpenHttp | None) -> list[Input]:
    if scheme_of(uri) in ("http", "https"):
        return [_at_http(uri, http)]
    system, path = _locate(uri)
    if scheme_of(uri) != "hf" and (folders := source_folders(uri)):
        _name_left_out(uri, folders)
        return [_ours(folder) for folder in folders]
    info = _info(system, path, uri)
    if info.type == arrow_fs.FileType.NotFound and has_magic(uri):
        return _matching(uri, system, path, http)
    if info.type == arrow_fs.FileType.NotFound:
        raise UserError(f"no file or folder {uri}; name a build's output, a folder of {READ} files, or such a file")
    if info.type != arrow_fs.FileType.Directory:
        form = form_of(path)
        if form is None:
            raise UserError(f"{uri} is no {READ} file by its name, and no finished shards; name a build's output or "
                            "such files")  # fmt: skip
        return [Input("", uri, (TableFile(uri, path, form, system),))]
    return _in_folder(uri, system, path)


def _ours(folder: str) -> Input:
    manifest = read_manifest(folder)
    system, path = storage.locate(folder)
    files = tuple(
        TableFile(storage.join(folder, shard.name), storage.join(path, shard.name), "parquet", system)
        for shard in manifest.shards
    )
    return Input(manifest.source, folder, files, manifest, is_folder=True)


def _at_http(uri: str, http: OpenHttp | None) -> Input:
    public = public_address(uri)
    form = form_of(public)
    if http is None or form is None:
        raise UserError(f"{public} is no {READ} file by its name; at http(s) only single files are read, each named")
    return Input("", public, (TableFile(public, uri, form, http=http),))


def _locate(uri: str) -> tuple[Any, str]:
    if scheme_of(uri) != "hf":
        return storage.locate(uri)
    try:
        from huggingface_hub import HfFileSystem
    except ImportError:
        raise UserError(f"{uri}: hf:// needs huggingface_hub; pip install huggingface_hub") from None
    return arrow_fs.PyFileSystem(arrow_fs.FSSpecHandler(HfFileSystem())), uri.partition("://")[2].rstrip("/")


def _info(system: Any, path: str, uri: str) -> Any:
    try:
        return system.get_file_info(path)
    except Exception as error:  # each network library has its own
        if scheme_of(uri) != "hf":
            raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{uri} cannot be read ({reason}); check address and network, or download it") from None


def _in_folder(uri: str, system: Any, path: str) -> list[Input]:
    """The files of a folder, and of each folder in it at any depth, as an input for each folder that has some."""
    by_folder: dict[str, list[str]] = {}
    hidden, outputs = 0, set[str]()
    for file in _files_below(system, path):
        folder, _, name = file.rpartition("/")
        if name == MARKER:
            outputs.add(folder)
        elif form_of(name) and not _is_listing(name):
            if any(part.startswith((".", "_")) for part in file[len(path) :].split("/")):
                hidden += 1
            else:
                by_folder.setdefault(folder, []).append(file)
    if hidden:
        log.warning("%s: %s files are left out, for their names or folders begin with _ or a dot", uri, f"{hidden:,}")
    for output in sorted(outputs):
        if inside := [folder for folder in by_folder if f"{folder}/".startswith(f"{output}/")]:
            log.warning("%s is an output of ccpairs: left out; name it itself when it is finished", output)
            for folder in inside:
                del by_folder[folder]
    if not by_folder:
        raise UserError(
            f"{uri} holds no Parquet file and no finished shards, nor .jsonl, .csv or .tsv; name a build's output or "
            "such files"
        )
    prefix = uri.rstrip("/")
    return [
        _of_files(prefix + folder[len(path) :], system, sorted(files)) for folder, files in sorted(by_folder.items())
    ]


def _files_below(system: Any, path: str) -> list[str]:
    if isinstance(system, arrow_fs.LocalFileSystem):
        walk = FolderWalk(path)
        found = list(walk.files())
        if closed := [each for each in found if each.path.endswith("/")]:
            raise UserError(f"{closed[0].path}: {closed[0].problem}")
        return [*(each.path for each in found), *walk.dangling]  # what cannot be opened is refused where it is read
    listed = system.get_file_info(arrow_fs.FileSelector(path, recursive=True))
    return [info.path for info in listed if info.type == arrow_fs.FileType.File]


def _is_listing(name: str) -> bool:
    return NAMED_ONLY in PurePosixPath(name.lower()).suffixes[-2:]


def _of_files(folder: str, system: Any, paths: Sequence[str]) -> Input:
    """The files of one folder as one input; ``UserError`` where they may be the same rows twice."""
    files = tuple(
        TableFile(storage.join(folder, path.rpartition("/")[2]), path, form_of(path) or "", system) for path in paths
    )
    if len(forms := sorted({file.form for file in files})) > 1:
        raise UserError(
            f"{folder} holds {' and '.join(forms)} files, which may be the same rows; name one kind, as *.{forms[0]}"
        )
    _warn_of_missing_parts(folder, paths)
    return Input("", folder, files, is_folder=True)


def _warn_of_missing_parts(folder: str, paths: Sequence[str]) -> None:
    """Say where names count to more files (``train-00000-of-00004.parquet``) than there are."""
    parts: dict[tuple[str, int], set[int]] = {}
    for path in paths:
        if match := _PART.fullmatch(path.rpartition("/")[2]):
            parts.setdefault((match[1], int(match[3])), set()).add(int(match[2]))
    for (stem, count), there in parts.items():
        if len(there) < count:
            log.warning("%s holds %s of the %s files of %s", folder, f"{len(there):,}", f"{count:,}", stem)


def _matching(pattern: str, system: Any, path: str, http: OpenHttp | None) -> list[Input]:
    """What a pattern matches: folders one by one, and the files of each folder as one input."""
    if isinstance(system, arrow_fs.LocalFileSystem):
        found = expand_glob(path)[0]
    else:
        base = re.split(r"[*?[]", path, maxsplit=1)[0].rpartition("/")[0]
        listed = system.get_file_info(arrow_fs.FileSelector(base, recursive=True, allow_not_found=True))
        found = sorted(info.path for info in listed if _matches(info.path, path))
    kinds = {info.path: info.type for info in system.get_file_info(found)}
    inputs, by_folder = [], dict[str, list[str]]()
    prefix = pattern[: len(pattern) - len(path)] if pattern.endswith(path) else ""
    for each in found:
        folder, _, name = each.rpartition("/")
        if kinds[each] == arrow_fs.FileType.Directory:
            inputs += _inputs(prefix + each, http)
        elif form_of(name) and not name.startswith((".", "_")):
            by_folder.setdefault(folder, []).append(each)
    inputs += [_of_files(prefix + folder, system, files) for folder, files in by_folder.items()]
    if not inputs:
        raise UserError(f"{pattern} matches no {READ} file and no finished shards; check the pattern")
    return inputs


def _matches(path: str, pattern: str) -> bool:
    """As a shell would: ``*`` stays inside a name, ``**`` does not."""
    regex = "".join(
        {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part)
        or (fnmatch.translate(part)[4:-3] if part.startswith("[") else re.escape(part))
        for part in re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]+\])", pattern)
    )
    return re.fullmatch(regex, path) is not None


def _name_left_out(uri: str, folders: Sequence[str]) -> None:
    """Say what lies beside finished shards and is not read, where a folder holds both."""
    if uri in folders or not all(storage.same_place(storage.parent(each), uri) for each in folders):
        return  # one source, or an output, whose other folders are no pairs to train on
    for name in storage.names_in(uri):
        place = storage.join(uri, name)
        if name.startswith((".", "_")) or storage.exists(storage.join(place, MANIFEST_NAME)):
            continue
        if form_of(name) or any(form_of(each) for each in storage.names_in(place)):
            log.warning("%s has no manifest of ccpairs, as its neighbours have: left out; name it itself", place)


def _stem(name: str) -> str:
    """``train`` of ``train.jsonl.gz``."""
    path = PurePosixPath(name)
    return (path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path).stem
