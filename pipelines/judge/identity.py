"""By which hashes pairs are drawn, and in which fold a row of a table is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from filters.folds import Hashes, bases_of, document_hashes, folds_of_bases, text_hashes
from models.trainer.tokens import Grouping
from pipelines.judge.fold_groups import NO_GROUPS, FoldGroups

FOLD_RULE = "passage_doc or passage, joined by equal texts"
FOLD_COLUMNS = ("source", "passage", "passage_doc")


class RowHashes(NamedTuple):
    """Of each row: hashes of its texts, uint64 [n], and of its documents, of query and passage, uint64 [n, 2]."""

    queries: Hashes
    passages: Hashes
    documents: Hashes

    @property
    def bases(self) -> Hashes:
        """On which each row's fold hangs, uint64 [n]."""
        return bases_of(self.documents[:, 1], self.passages)

    def folds(self, folds: int, groups: FoldGroups = NO_GROUPS) -> NDArray[np.uint8]:
        """The fold of each row, uint8 [n]."""
        return folds_of_bases(groups.of(self.bases), folds)


def row_hashes(table: pa.Table) -> RowHashes:
    """The hashes of the rows of a table, all of one source."""
    source = table.column("source")[0].as_py() if len(table) else ""
    documents = [document_hashes(source, table.column(name).to_pylist()) for name in ("query_doc", "passage_doc")]
    texts = [text_hashes(table.column(name).to_pylist()) for name in ("query", "passage")]
    return RowHashes(texts[0], texts[1], np.stack(documents, axis=1))


def grouping(folds: int, groups: FoldGroups = NO_GROUPS) -> Grouping:
    """How the trainer tells the fold of a row."""

    def of(table: pa.Table) -> NDArray[np.uint8]:
        source = table.column("source")[0].as_py() if len(table) else ""
        documents = document_hashes(source, table.column("passage_doc").to_pylist())
        bases = bases_of(documents, text_hashes(table.column("passage").to_pylist()))
        return folds_of_bases(groups.of(bases), folds)

    return Grouping(of, FOLD_COLUMNS, f"{FOLD_RULE} ({groups.identity or 'none'}) in {folds} folds")


def pair_hashes(source: str, pair_ids: Iterable[str]) -> Hashes:
    """xxh3 of the source and each pair id: by which pairs are drawn. Two sources may hold the same pair."""
    digest = xxhash.xxh3_64_intdigest
    return np.fromiter((digest(f"{source}\0{each}".encode()) for each in pair_ids), np.uint64)
