"""Local inputs: paths, folders and globs as the files to read, and lines about what is left out or named twice."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterator, Mapping, Sequence

from ccpairs.errors import UserError
from ccpairs.local_files import (
    FolderWalk,
    LocalFile,
    as_text,
    expand_glob,
    has_magic,
    is_address,
    local_path,
    look_at,
    one_line,
)
from ccpairs.output_folder import OUR_FOLDERS, SAMPLE_DUMPS, is_output, refuse_inside
from pipelines.inputs import InputFile

NAMES_SHOWN = 3
PASSED_OVER = (*OUR_FOLDERS, SAMPLE_DUMPS)

log = logging.getLogger("ccpairs")


class LocalInputs:
    """Finds local files. ``output``: the folder that the command writes, whose own files are no inputs.

    Without an ``output``, shards and extracts are inputs like any other file.
    """

    def __init__(self, output: str | None = None) -> None:
        self._output = output
        self._outputs: dict[str, bool] = {}
        if output is not None and not is_address(output):
            self._outputs[os.path.realpath(local_path(output))] = True
        self._passed_over: set[str] = set()
        self._dangling: set[str] = set()

    def expand(self, uri: str) -> Iterator[tuple[InputFile, bool]]:
        """The files behind a path, and whether it named the file itself (not through a folder or a glob).

        Raises ``UserError`` where there is nothing, or where it lies in what the command writes.
        """
        path = local_path(uri)
        if has_magic(path) and not os.path.lexists(path):
            paths, closed = expand_glob(path)
            for each in paths:
                if not os.path.isdir(each):
                    yield from self._matching(each)
                elif "**" not in path:  # else the files in it match themselves
                    yield from self._inside(each)
            for folder in closed:
                yield from self._inside(folder)
            return
        if self._output is not None:
            refuse_inside(path, "--input", self._output)
        if os.path.isdir(path):
            yield from self._inside(path)
            return
        try:
            yield _input(look_at(path)), True
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UserError(f"{path}: {reason}; check the path given to --input") from None

    def _matching(self, path: str) -> Iterator[tuple[InputFile, bool]]:
        if self._passes_over(os.path.realpath(path), "/"):
            return
        try:
            yield _input(look_at(path)), False
        except OSError:
            self._dangling.add(path)

    def _inside(self, folder: str) -> Iterator[tuple[InputFile, bool]]:
        root = os.path.realpath(folder)
        walk = FolderWalk(folder, lambda real: self._passes_over(real, root))
        yield from ((_input(file), False) for file in walk.files())
        self._dangling.update(walk.dangling)

    def _passes_over(self, real: str, root: str) -> bool:
        """Does a path lie in a folder that ccpairs has written, below ``root`` or elsewhere through a link?"""
        if self._output is None:
            return False
        while real not in (root, "/"):
            parent, name = os.path.split(real)
            if name in PASSED_OVER and self._is_output(parent):
                self._passed_over.add(parent)
                return True
            real = parent
        return False

    def _is_output(self, folder: str) -> bool:
        if folder not in self._outputs:
            self._outputs[folder] = is_output(folder)
        return self._outputs[folder]

    def warn(self) -> None:
        """Say what was left out."""
        if self._passed_over:
            log.warning("passed over: what ccpairs wrote in %s", _some(sorted(self._passed_over)))
        if self._dangling:
            log.warning("passed over: links that lead nowhere: %s", _some(sorted(self._dangling)))


def _input(file: LocalFile) -> InputFile:
    return InputFile(as_text(file.path), "", file.size, file.version, problem=file.problem)


def each_once(
    files: Mapping[str, InputFile], reached: Mapping[str, int], named: Collection[str]
) -> dict[str, InputFile]:
    """The files by address, each local one under one of its paths: the real one, or one that was named itself.

    ``reached``: how often the arguments lead to each path. Says what they lead to more than once.
    """
    paths: dict[str, list[str]] = {}
    for uri in files:
        paths.setdefault(uri if is_address(uri) else os.path.realpath(uri), []).append(uri)
    chosen, repeated = {}, []
    for real, uris in sorted(paths.items()):
        uri, *others = sorted(uris, key=lambda each: (each != real, each not in named, each))
        chosen[uri] = files[uri]
        if others:
            repeated.append(f"{files[uri].uri} (also as {files[others[0]].uri})")
        elif reached[uri] > 1:
            repeated.append(f"{files[uri].uri} ({reached[uri]} times)")
    if repeated:
        log.info("read once, though the input leads there more than once: %s", _some(repeated))
    return chosen


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - NAMES_SHOWN:,} more" if len(texts) > NAMES_SHOWN else ""
    return one_line(", ".join(texts[:NAMES_SHOWN])) + more
