"""From ``--decontaminate`` to the index of evaluation texts that every worker maps.

An argument is a folder in BEIR's layout (:mod:`models.retrieval_sets`), or a file of texts, plain or gzip: ``.jsonl``
with a ``text`` (and ``title``, ``_id``) in each line, any other name with one text a line. Those count as queries.

The index is built in one process, in memory that grows little with the sets: what is sorted lies on disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.interruption import temporary
from ccpairs.local_files import is_text, local_path, open_regular
from filters.decontamination import MAGIC, ContaminationRules, EvaluationText, EvaluationTexts, IndexBuilder, Keep
from models.retrieval_sets import RetrievalSet, json_lines, open_retrieval_set, read_lines
from pipelines.progress import Done, shown

Documents = Literal["all", "judged"]
"""Which documents of a set count: all of its corpus, or those that some query has as an answer."""

TEXTS_IN_BATCH = 4_096
CHARS_IN_BATCH = 8_000_000
SMALL_ARRAY = 1 << 20
"""Bytes; smaller arrays are not worth a file."""


class _TextLine(msgspec.Struct):
    text: str
    title: str | None = None
    _id: str | int | None = None


class Index(NamedTuple):
    """An index that lies ready."""

    path: str
    fingerprint: str
    texts: int
    ngrams: int


@dataclass(frozen=True)
class EvaluationSets:
    """What ``--decontaminate`` names; :func:`open_evaluation_sets` has looked that it is there."""

    sets: tuple[RetrievalSet, ...]
    files: tuple[Path, ...]
    documents: Documents = "all"

    def texts(self) -> Iterator[EvaluationText]:
        """Every query and document; raises ``UserError`` at a damaged line."""
        for name, each in named(self.sets, lambda one: one.corpus_file.parent):
            for query in each.queries():
                yield EvaluationText(f"{name}/queries/{query.id}", query.text, is_query=True)
            judged = relevant(each) if self.documents == "judged" else None
            for document in each.corpus():
                if judged is None or document.id in judged:
                    yield EvaluationText(f"{name}/corpus/{document.id}", document.text, document.title)
        for name, path in named(self.files, lambda one: one):
            yield from texts_of_file(name, path)

    def read_files(self) -> list[Path]:
        """The files that shape the index, in the order in which they are read."""
        found = []
        for each in self.sets:
            found += [each.queries_file, each.corpus_file]
            if self.documents == "judged":
                found += sorted(each.qrels_folder.glob("*.tsv"))
        return [*found, *self.files]

    def fingerprint(self, rules: ContaminationRules) -> str:
        """32 hex digits that change with the content of the sets, their names or the rules; not with their place."""
        names = [name for name, _ in named(self.sets, lambda one: one.corpus_file.parent)]
        names += [name for name, _ in named(self.files, lambda one: one)]
        digest = xxhash.xxh3_128(MAGIC + msgspec.json.encode([asdict(rules), self.documents, names]))
        for path in self.read_files():
            try:
                digest.update(f"{path.name} {path.stat().st_size}\n".encode())
                with open_regular(str(path)) as stream:
                    while block := stream.read(1 << 20):
                        digest.update(block)
            except OSError as error:
                raise UserError(f"{path} cannot be read ({error.strerror or error}); put it back") from None
        return digest.hexdigest()


def open_evaluation_sets(places: Sequence[str], documents: Documents = "all") -> EvaluationSets:
    """The sets and files that were named, in an order of their own; raises ``UserError`` where one is not there."""
    sets, files = {}, set()
    for place in places:
        path = Path(local_path(place)).resolve()
        if not path.exists():
            raise UserError(f"no folder or file {place} to decontaminate against; name an evaluation set that is there")
        if not is_text(str(path)):
            raise UserError(f"{place}: the name is not UTF-8; rename it")
        if path.is_file():
            files.add(path)
        else:
            each = open_retrieval_set(place)
            sets[each.corpus_file] = each
            if documents == "judged" and not each.splits():
                raise UserError(f"{place} has no qrels/*.tsv, so none of its documents is judged; take all documents")
    in_order = sorted(sets.values(), key=lambda one: (one.name, one.corpus_file))
    return EvaluationSets(tuple(in_order), tuple(sorted(files, key=lambda path: (path.name, path))), documents)


def prepare_index(sets: EvaluationSets, folder: str, rules: ContaminationRules | None = None) -> Index:
    """The index of the sets as a file in the local ``folder``, built unless it is there; named by its fingerprint."""
    rules = rules or ContaminationRules()
    if "://" in folder:
        raise UserError(
            "--decontaminate maps an index in OUTPUT/_work into memory, so --output must be a local folder; give one "
            "and copy the result"
        )
    fingerprint = sets.fingerprint(rules)
    path = storage.join(folder, f"evaluation-texts-{fingerprint}.bin")
    try:
        index = EvaluationTexts.load(path)
    except (OSError, ValueError):
        build_index(sets, path, rules)
        index = EvaluationTexts.load(path)
    return Index(path, fingerprint, len(index), index.ngrams)


def build_index(sets: EvaluationSets, path: str, rules: ContaminationRules) -> None:
    """Read the sets and write their index."""
    folder = path.rpartition("/")[0]
    storage.make_folder(folder)
    total = sum(file.stat().st_size for file in sets.read_files())
    with tempfile.TemporaryDirectory(dir=folder, prefix=storage.TEMPORARY) as scratch, temporary(scratch):
        builder = IndexBuilder(rules, on_disk(Path(scratch)))
        with shown("evaluation texts", total, lambda: Done(builder.chars, f"{builder.texts:,} texts")):
            for batch in batches(sets.texts()):
                builder.add(batch)
            with storage.atomic_output(path) as stream:
                for block in builder.blocks():
                    stream.write(block)


def batches(texts: Iterator[EvaluationText]) -> Iterator[list[EvaluationText]]:
    batch, chars = [], 0
    for text in texts:
        batch.append(text)
        chars += len(text.text) + len(text.title)
        if len(batch) == TEXTS_IN_BATCH or chars > CHARS_IN_BATCH:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def on_disk(folder: Path) -> Keep:
    """A function that moves an array into a file in the folder, to be mapped each time it is asked for."""
    moved = 0

    def keep(array: NDArray[Any]) -> Callable[[], NDArray[Any]]:
        nonlocal moved
        if array.nbytes <= SMALL_ARRAY:
            return lambda: array
        moved += 1
        file = folder / str(moved)
        array.tofile(file)
        return partial(np.memmap, file, array.dtype, "r")

    return keep


def relevant(each: RetrievalSet) -> set[str]:
    """Ids of the documents that answer some query of some split."""
    return {
        document
        for split in each.splits()
        for judged in each.qrels(split).values()
        for document, score in judged.items()
        if score > 0
    }


def texts_of_file(name: str, path: Path) -> Iterator[EvaluationText]:
    if path.name.removesuffix(".gz").endswith((".jsonl", ".json", ".ndjson")):
        for number, line in enumerate(json_lines(path, _TextLine), 1):
            identity = number if line._id is None else line._id
            yield EvaluationText(f"{name}/{identity}", line.text, line.title or "", is_query=True)
    else:
        for number, text in enumerate(read_lines(path), 1):
            if text:
                yield EvaluationText(f"{name}/{number}", text, is_query=True)


def named(things: Sequence[Any], place: Callable[[Any], Path]) -> Iterator[tuple[str, Any]]:
    """Each thing with the name of its folder or file, and that of the folder above where two have the same."""
    names = [place(thing).name for thing in things]
    for name, thing in zip(names, things, strict=True):
        yield (name if names.count(name) == 1 else f"{place(thing).parent.name}/{name}"), thing
