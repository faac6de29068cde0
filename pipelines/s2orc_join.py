"""The join of S2ORC in two rounds: first by citing paper, then by cited paper.

Round one has all rows of a paper: its titles and abstracts (several releases may hold it), and whom it cites. It pairs
title and abstract, keeps the citations with the lowest hashes, and sends each to the cited paper with the citing
paper's texts. Round two has the cited paper's texts and the citations of it, and makes the other pairs. Choices are
made by hashes of ids and texts, so no order of rows matters.

The extract rows are accounted for once: a pair of title and abstract stands for its two rows, a citation sent onward
carries how many rows it stands for (``rows``), and how many that have lost to it (``lost``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import xxhash

from ccpairs.pair import Pair
from filters.scholarly import without_title
from filters.text import normalise_for_id
from pipelines.s2orc_records import ABSTRACT, CITATION, TITLE, Row, document_id
from pipelines.source import Joined, JoinOutcome, Onward, Reject

ROWS_AT_ONCE = 8_192
"""Rows that are Python objects at one time, and rows of a table that goes onward."""

SHORTEST_ABSTRACT = 50
"""An abstract with less than this behind its own title only repeats it."""

_TWO_IDS = struct.Struct("<qq")


class Sent(NamedTuple):
    """A row of round two: a paper at home (``citing`` is null), or a citation of the paper ``key``."""

    key: int
    citing: int | None
    title: str | None
    abstract: str | None
    contexts: list[str]
    url: str | None
    license: str | None
    created: int | None
    rows: int
    lost: int = 0


SENT_SCHEMA = pa.schema(
    [
        pa.field("key", pa.int64(), nullable=False),
        pa.field("citing", pa.int64()),
        pa.field("title", pa.string()),
        pa.field("abstract", pa.string()),
        pa.field("contexts", pa.list_(pa.string()), nullable=False),
        pa.field("url", pa.string()),
        pa.field("license", pa.string()),
        pa.field("created", pa.int64()),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("lost", pa.int64(), nullable=False),
    ]
)


def edge_hash(citing: int, cited: int) -> int:
    return xxhash.xxh3_64_intdigest(_TWO_IDS.pack(citing, cited))


def lowest_edges(citing: int, cited: Iterable[int], most: int) -> list[int]:
    """At most so many of the cited papers, sorted: those whose citations have the lowest hashes."""
    others = sorted(cited)
    if len(others) > most:
        others = sorted(other for _, other in sorted((edge_hash(citing, other), other) for other in others)[:most])
    return others


def lowest_texts(texts: Iterable[str], most: int) -> list[str]:
    """At most so many of the texts, sorted: those with the lowest hashes."""
    others = sorted(texts)
    if len(others) > most:
        others = sorted(sorted(others, key=lambda text: xxhash.xxh3_64_intdigest(text.encode()))[:most])
    return others


def lower_id_asks(one: int, other: int) -> bool:
    """Whether the paper with the lower id is the query of two papers that cite each other, by their hash."""
    return bool(edge_hash(min(one, other), max(one, other)) & 1)


# --- round one: by paper ------------------------------------------------------------------------------------------


@dataclass
class CitedRows:
    """The rows about one cited paper."""

    citations: int = 0
    contexts: set[str] = field(default_factory=set)
    repeated: int = 0

    @property
    def rows(self) -> int:
        return min(self.citations, 1) + len(self.contexts)


def join_by_paper(
    table: pa.Table, citations_per_paper: int, contexts_per_citation: int, *, onward: bool
) -> Iterator[JoinOutcome]:
    """Round one over a table that holds all rows of its papers."""
    order = [(name, "ascending") for name in ("key", "kind", "rank", "cited", "text", "url", "license", "created")]
    sending: list[Sent] = []
    for key, rows in groupby(_rows(table.sort_by(order), Row), key=lambda row: row.key):
        for outcome in _paper(key, rows, citations_per_paper, contexts_per_citation, onward):
            if isinstance(outcome, Sent):
                sending.append(outcome)
            else:
                yield outcome
        if len(sending) >= ROWS_AT_ONCE:
            yield Onward(sent_table(sending))
            sending = []
    if sending:
        yield Onward(sent_table(sending))


def _paper(key: int, rows: Iterable[Row], most: int, most_contexts: int, onward: bool) -> Iterator[JoinOutcome | Sent]:
    texts: list[Row] = []
    cited: dict[int, CitedRows] = {}
    for row in rows:
        if row.kind in (TITLE, ABSTRACT):
            texts.append(row)
            continue
        edge = cited.setdefault(row.cited or 0, CitedRows())
        if row.kind == CITATION:
            edge.citations += 1
        elif row.text in edge.contexts:
            edge.repeated += 1
        else:
            edge.contexts.add(str(row.text))
    best, reject = _best_texts(key, texts)
    if reject is not None:
        yield reject
    home = _home(key, best.get(TITLE), best.get(ABSTRACT))
    pair = _title_abstract(home)
    if pair is not None:
        yield Joined(home.rows, [pair])
        home = home._replace(rows=0)
    if not onward:
        if home.rows:
            yield unpaired(home)
        if cited:
            count = sum(edge.citations + len(edge.contexts) + edge.repeated for edge in cited.values())
            yield Reject("citation_pairs_off", home.title, records=count)
        return
    sent = False
    for outcome in _citations(home, cited, most, most_contexts):
        sent = sent or isinstance(outcome, Sent)
        yield outcome
    if sent and home.rows:
        yield Joined(home.rows, ())
        home = home._replace(rows=0)
    if home.title is not None or home.abstract is not None:
        yield home


def _best_texts(key: int, texts: list[Row]) -> tuple[dict[str, Row], Reject | None]:
    """The best title and the best abstract of a paper, and what becomes of the others.

    An id with two titles that are equally good, but differ, names two papers: nobody knows which of them wrote the
    abstract, so none of its texts is used.
    """
    best: dict[str, Row] = {}
    for row in texts:  # sorted, so the best of each kind comes first
        first = best.setdefault(row.kind, row)
        if first.rank == row.rank and normalise_for_id(str(first.text)) != normalise_for_id(str(row.text)):
            return {}, Reject("ambiguous_paper_id", texts[-1].text, detail=document_id(key), records=len(texts))
    spare = len(texts) - len(best)
    if not spare:
        return best, None
    return best, Reject("repeated_paper_text", texts[-1].text, detail=document_id(key), records=spare)


def _citations(home: Sent, cited: dict[int, CitedRows], most: int, most_contexts: int) -> Iterator[Reject | Sent]:
    """What becomes of a paper's citations: sent to the cited paper, or rejected."""
    known = home.title is not None or home.abstract is not None
    repeated = sum(max(edge.citations - 1, 0) + edge.repeated for edge in cited.values())
    if repeated:
        yield Reject("repeated_citation", home.title, detail=document_id(home.key), records=repeated)
    mute = [other for other, edge in cited.items() if not known and not edge.contexts]
    if mute:
        yield Reject(
            "citing_paper_missing", detail=document_id(home.key), records=sum(cited[other].rows for other in mute)
        )
    usable = [other for other, edge in cited.items() if known or edge.contexts]
    kept = lowest_edges(home.key, usable, most)
    beyond = sum(cited[other].rows for other in usable) - sum(cited[other].rows for other in kept)
    if beyond:
        yield Reject("over_citations_per_paper", home.title, detail=document_id(home.key), records=beyond)
    spare = 0
    for other in kept:
        edge = cited[other]
        contexts = lowest_texts(edge.contexts, most_contexts)
        spare += len(edge.contexts) - len(contexts)
        yield home._replace(
            key=other, citing=home.key, contexts=contexts, rows=edge.rows - (len(edge.contexts) - len(contexts))
        )
    if spare:
        yield Reject("over_contexts_per_citation", home.title, detail=document_id(home.key), records=spare)


def _home(key: int, title: Row | None, abstract: Row | None) -> Sent:
    return Sent(
        key,
        None,
        title.text if title else None,
        abstract.text if abstract else None,
        [],
        title.url if title else None,
        (abstract.license if abstract else None) or (title.license if title else None),
        title.created if title else None,
        (title is not None) + (abstract is not None),
    )


def _title_abstract(paper: Sent) -> Pair | None:
    if paper.title is None or paper.abstract is None:
        return None
    abstract = without_title(paper.abstract, paper.title)
    if len(abstract) < SHORTEST_ABSTRACT:
        return None
    return _pair("title_abstract", paper.title, abstract, paper.key, paper)


def unpaired(paper: Sent) -> Reject:
    """Why nothing was made of a paper's own texts."""
    if paper.title is None:
        return Reject("no_title", passage=paper.abstract, records=paper.rows)
    reason = "no_abstract" if paper.abstract is None else "abstract_repeats_title"
    return Reject(reason, paper.title, paper.abstract, records=paper.rows)


# --- round two: by cited paper ------------------------------------------------------------------------------------


def lowest_citations(table: pa.Table, most: int) -> pa.Table:
    """Keep at most so many citations per cited paper, those with the lowest hashes; the first of them says how many
    rows were lost. Works on ids alone: the texts of a paper cited 100,000 times never become Python objects."""
    key = table.column("key").to_numpy()
    citing_column = table.column("citing").combine_chunks()
    at_home = np.asarray(citing_column.is_null())
    cited, counts = np.unique(key[~at_home], return_counts=True)
    hot = cited[counts > most]
    if not len(hot):
        return table
    citing = citing_column.fill_null(0).to_numpy()
    busy = np.flatnonzero(~at_home & np.isin(key, hot))
    hashes = np.fromiter(map(edge_hash, citing[busy].tolist(), key[busy].tolist()), np.uint64, len(busy))
    busy = busy[np.lexsort((citing[busy], hashes, key[busy]))]
    starts = np.flatnonzero(np.r_[True, key[busy][1:] != key[busy][:-1]])
    group = np.cumsum(np.r_[False, key[busy][1:] != key[busy][:-1]])
    beyond = np.arange(len(busy)) - starts[group] >= most
    rows, lost = table.column("rows").to_numpy(), table.column("lost").to_numpy().copy()
    gone = busy[beyond]
    lost[busy[starts]] += np.bincount(group[beyond], rows[gone] + lost[gone], len(starts)).astype(np.int64)
    keep = np.ones(table.num_rows, dtype=bool)
    keep[gone] = False
    table = table.set_column(table.schema.get_field_index("lost"), table.schema.field("lost"), pa.array(lost))
    return table.filter(pa.array(keep))


def join_by_cited(table: pa.Table, most: int) -> Iterator[JoinOutcome]:
    """Round two over a table that holds a paper and all citations of it."""
    table = lowest_citations(table, most)
    order = table.select(["key", "citing"]).append_column("at", pa.array(np.arange(table.num_rows)))
    indices = order.sort_by([("key", "ascending"), ("citing", "ascending")]).column("at")  # nulls come last
    for key, rows in groupby(_rows(table.take(indices), Sent), key=lambda row: row.key):
        citations = list(rows)  # at most `most`, and the paper itself
        cited = citations.pop() if citations[-1].citing is None else None
        used = False
        for citation in citations:
            if cited is None:
                detail = f"{document_id(citation.citing or 0)} cites {document_id(key)}"
                yield Reject(
                    "cited_paper_missing", citation.title, detail=detail, records=citation.rows + citation.lost
                )
                continue
            pairs = list(_citation_pairs(citation, cited))
            if pairs:
                used = True
                yield Joined(citation.rows, pairs)
            else:
                yield Reject("citation_without_texts", citation.title, cited.title, records=citation.rows)
            if citation.lost:
                yield Reject("over_citations_per_cited_paper", passage=cited.title, records=citation.lost)
        if cited is not None and cited.rows:
            yield Joined(cited.rows, ()) if used else unpaired(cited)


def _citation_pairs(citation: Sent, cited: Sent) -> Iterator[Pair]:
    citing = int(citation.citing or 0)
    one, other = citation._replace(key=citing), cited
    if lower_id_asks(citing, cited.key) != (citing < cited.key):
        one, other = other, one
    for pair_type, query, passage in (
        ("title_cited_title", one.title, other.title),
        ("abstract_cited_abstract", one.abstract, other.abstract),
    ):
        if query is not None and passage is not None and query.casefold() != passage.casefold():
            yield _pair(pair_type, query, passage, one.key, other)
    if cited.title is not None:
        for context in citation.contexts:
            yield _pair("citation_context_title", context, cited.title, citing, cited)


def _pair(pair_type: str, query: str, passage: str, query_key: int, paper: Sent) -> Pair:
    """A pair whose passage comes from ``paper``."""
    known = paper.key >= 0
    url = paper.url or (f"https://api.semanticscholar.org/CorpusID:{paper.key}" if known else None)
    ids = document_id(query_key), document_id(paper.key)
    return Pair(query, passage, pair_type, *ids, url=url, license=paper.license, created=paper.created)


# --- tables and rows ----------------------------------------------------------------------------------------------


def sent_table(rows: list[Sent]) -> pa.Table:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, item.type) for column, item in zip(columns, SENT_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SENT_SCHEMA)


def _rows(table: pa.Table, kind: Any) -> Iterator[Any]:
    """The rows of a table as named tuples, a batch of Python objects at a time."""
    table = table.select(kind._fields)
    for batch in table.to_batches(max_chunksize=ROWS_AT_ONCE):
        yield from map(kind._make, zip(*(column.to_pylist() for column in batch.columns), strict=True))
