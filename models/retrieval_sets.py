"""Retrieval sets in the layout of BEIR (Thakur et al. 2021), as training is evaluated on and data is kept clear of.

    SET/corpus.jsonl[.gz]    {"_id": "d1", "title": "…", "text": "…"}     title may be missing
    SET/queries.jsonl[.gz]   {"_id": "q1", "text": "…"}
    SET/qrels/SPLIT.tsv      query-id <tab> corpus-id <tab> score, with a line of headings

Everything is read line by line. What is wrong is a :class:`ccpairs.errors.UserError` of one line, with file and line.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar, cast

import msgspec

from ccpairs.errors import UserError
from ccpairs.local_files import is_text, local_path, open_regular

GZIP = b"\x1f\x8b"


class Document(NamedTuple):
    """A document of a corpus; ``title`` is empty where it has none."""

    id: str
    title: str
    text: str


class Query(NamedTuple):
    """A query of a set."""

    id: str
    text: str


class _DocumentLine(msgspec.Struct):
    _id: str | int
    text: str | None = None
    title: str | None = None


class _QueryLine(msgspec.Struct):
    _id: str | int
    text: str


Line = TypeVar("Line", bound=msgspec.Struct)


@dataclass(frozen=True)
class RetrievalSet:
    """A set whose files are there; :func:`open_retrieval_set` looks."""

    name: str
    corpus_file: Path
    queries_file: Path
    qrels_folder: Path

    def corpus(self) -> Iterator[Document]:
        """The documents, in the order of the file."""
        for line in json_lines(self.corpus_file, _DocumentLine):
            yield Document(str(line._id), line.title or "", line.text or "")

    def queries(self) -> Iterator[Query]:
        """The queries of all splits, in the order of the file."""
        for line in json_lines(self.queries_file, _QueryLine):
            yield Query(str(line._id), line.text)

    def splits(self) -> list[str]:
        """Names of the splits that have judgements, sorted."""
        return sorted(path.stem for path in self.qrels_folder.glob("*.tsv"))

    def qrels(self, split: str = "test") -> dict[str, dict[str, int]]:
        """Judgements of a split: query id -> document id -> relevance (0 and below: not relevant)."""
        path = self.qrels_folder / f"{split}.tsv"
        if not path.is_file():
            there = ", ".join(self.splits()) or "none"
            raise UserError(f"{self.qrels_folder.parent} has no judgements qrels/{split}.tsv (there: {there})")
        found: dict[str, dict[str, int]] = {}
        for number, line in enumerate(read_lines(path), 1):
            fields = line.split("\t")
            if number == 1:
                if len(fields) == 3 and _is_number(fields[2]):
                    raise UserError(f"{path} begins with a judgement; its first line must be query-id corpus-id score")
            elif len(fields) == 3 and _is_number(fields[2]):
                found.setdefault(fields[0], {})[fields[1]] = int(fields[2])
            elif line:
                raise UserError(f"{path}, line {number}: not query-id, corpus-id and a whole number, parted by tabs")
        if not found:
            raise UserError(f"{path} holds no judgement; a set without any cannot be evaluated")
        return found


def open_retrieval_set(folder: str | Path) -> RetrievalSet:
    """The set in a folder, named like the folder; raises ``UserError`` where there is none."""
    place = Path(local_path(str(folder))).resolve()
    if not is_text(str(place)):
        raise UserError(f"{folder}: the name is not UTF-8; rename it")
    if not place.exists():
        raise UserError(f"no folder {folder}; name one that holds corpus.jsonl, queries.jsonl and qrels/")
    if not place.is_dir():
        raise UserError(f"{folder} is a file; name the folder that holds corpus.jsonl, queries.jsonl and qrels/")
    corpus, queries = (_jsonl(place, folder, name) for name in ("corpus", "queries"))
    return RetrievalSet(place.name, corpus, queries, place / "qrels")


def _jsonl(place: Path, folder: str | Path, name: str) -> Path:
    for path in (place / f"{name}.jsonl", place / f"{name}.jsonl.gz"):
        if path.is_file():
            return path
    sets = sorted(path.parent.name for path in place.glob("*/queries.jsonl*"))
    hint = f"; name the sets in it: {', '.join(f'{folder}/{each}' for each in sets[:3])} …" if sets else ""
    raise UserError(f"{folder} is no evaluation set in BEIR's layout: it has no {name}.jsonl or {name}.jsonl.gz{hint}")


def json_lines(path: Path, kind: type[Line]) -> Iterator[Line]:
    """The objects of a JSON Lines file, plain or gzip, blank lines left out; raises ``UserError`` with the line."""
    decode = msgspec.json.Decoder(kind).decode
    for number, line in enumerate(read_lines(path), 1):
        if line:
            try:
                yield decode(line)
            except (msgspec.DecodeError, RecursionError) as error:
                raise UserError(
                    f"{path}, line {number} is damaged ({error}); mend it or fetch the file again"
                ) from None


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a file in UTF-8, plain or gzip, without the white space around them; raises ``UserError``."""
    number = 0
    try:
        with open_regular(str(path)) as raw:
            packed = raw.read(2) == GZIP
            raw.seek(0)
            stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw
            for number, line in enumerate(stream, 1):
                yield line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
    except UnicodeDecodeError:
        raise UserError(f"{path}, line {number} is not UTF-8; mend it or fetch the file again") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read beyond line {number} ({error}); fetch the file again") from None


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal()
