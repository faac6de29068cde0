"""What is asked of a model: the judged queries of one split of a retrieval set, and the documents to find.

The conventions are BEIR's (Thakur et al. 2021): a document is its title, a space and its text; queries without
judgements in the split are left out; a query is never answered with itself, as where ArguAna and Quora ask with texts
that stand in the corpus under the same id.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ccpairs.errors import UserError
from models.retrieval_sets import Document, Query, RetrievalSet, open_retrieval_set

Run = dict[str, list[tuple[str, float]]]
"""Query id -> (document id, score), best first; equal scores stand by document id."""

Progress = Callable[[int], None]
"""Told how many more documents were read."""

SameId = Literal["same-text", "always", "never"]
"""When a document with the query's id is no answer: where it is the same text, always (BEIR's literal rule), never."""


@dataclass(frozen=True)
class Task:
    """The judged queries of a split, and what is known of the corpus without holding its texts.

    ``document_ids`` are distinct, in the order of the file. ``itself``: query id -> row of the document that is no
    answer to it. ``repeated``: lines of the corpus whose id came before; the first line holds. ``unknown``: judged
    documents that the corpus lacks; they count as never found.
    """

    name: str
    split: str
    source: RetrievalSet
    queries: list[Query]
    qrels: dict[str, dict[str, int]]
    document_ids: list[str]
    itself: dict[str, int]
    repeated: int
    unknown: int

    def documents(self) -> Iterator[str]:
        """The texts of :attr:`document_ids`, in that order, read from the file."""
        wanted = iter(self.document_ids)
        following = next(wanted, None)
        for document in self.source.corpus():
            if document.id == following:  # a repeated id is never the one that comes next
                yield document_text(document)
                following = next(wanted, None)


def document_text(document: Document) -> str:
    return f"{document.title} {document.text}".strip()


def open_task(folder: str | Path, split: str = "test", same_id: SameId = "same-text") -> Task:
    """Read the judgements and queries of a set and the ids of its documents.

    Raises ``UserError`` where a file is missing or damaged, the corpus is empty, or a judged query is missing.
    """
    source = open_retrieval_set(folder)
    qrels = source.qrels(split)
    queries: dict[str, Query] = {}
    for query in source.queries():
        if query.id in qrels:
            queries.setdefault(query.id, query)
    if missing := [query for query in qrels if query not in queries]:
        raise UserError(
            f"{source.queries_file} lacks {len(missing):,} queries that {split}.tsv judges, such as {missing[0]}; "
            "fetch the set again"
        )
    ids: list[str] = []
    itself = {}
    known: set[str] = set()
    repeated = 0
    for document in source.corpus():
        if document.id in known:
            repeated += 1
            continue
        known.add(document.id)
        ids.append(document.id)
        asked = queries.get(document.id)
        if asked and same_id != "never" and (same_id == "always" or same_text(asked, document)):
            itself[asked.id] = len(ids) - 1
    if not ids:
        raise UserError(f"{source.corpus_file} holds no document; fetch the set again")
    unknown = {document for judged in qrels.values() for document in judged if document not in known}
    return Task(
        name=source.name,
        split=split,
        source=source,
        queries=list(queries.values()),
        qrels=qrels,
        document_ids=ids,
        itself=itself,
        repeated=repeated,
        unknown=len(unknown),
    )


def same_text(query: Query, document: Document) -> bool:
    """Is the document the query? Compared without regard to case, white space and Unicode's compatibility forms."""
    wanted = _folded(query.text)
    return wanted in (_folded(document.text), _folded(document_text(document)), _folded(document.title))


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
