"""The record: one (query, passage) pair, its columns and its Arrow schema.

This is the contract between every stage and every reader of the shards. The schema is written out here and never
inferred from rows. Each column's meaning, unit and null rule is stored in the schema itself (``field.metadata``), so
it travels inside every Parquet file and the table in the docs is printed from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa

SCHEMA_VERSION = 1


class Pair(NamedTuple):
    """One candidate pair, before it has an identity.

    ``query`` and ``passage`` are plain text: no markup, entities decoded, NFC, white space folded to single spaces
    (:func:`filters.text.plain` makes them so). ``created`` is in Unix seconds, UTC.
    """

    query: str
    passage: str
    pair_type: str
    query_doc: str | None = None
    passage_doc: str | None = None
    url: str | None = None
    license: str | None = None
    language: str | None = None
    language_score: float | None = None
    perplexity: float | None = None
    votes: int | None = None
    created: int | None = None


def _column(name: str, kind: pa.DataType, about: str, *, nullable: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"about": about})


QUERY = _column("query", pa.string(), "plain text of the query side; never empty", nullable=False)
PASSAGE = _column("passage", pa.string(), "plain text of the passage side; never empty", nullable=False)
PAIR_ID = _column(
    "pair_id",
    pa.string(),
    "xxh3-128 of the normalised pair, 32 hex digits; unique inside a source; rows are sorted by it",
    nullable=False,
)
SOURCE = _column("source", pa.string(), "name of the source, as given to --source", nullable=False)

_PROVENANCE = (
    _column("pair_type", pa.string(), "which two texts were paired, e.g. title_comment", nullable=False),
    _column("query_doc", pa.string(), "id of the document the query comes from; null where the dump has none"),
    _column("passage_doc", pa.string(), "id of the document the passage comes from; null where the dump has none"),
    _column("url", pa.string(), "where the passage can be read; null where unknown"),
    _column("license", pa.string(), "content licence, as the dump or the site's terms state it; null where unknown"),
    _column(
        "language",
        pa.string(),
        "ISO 639 code of the text, und where it has no letters; null where neither dump nor filter tells it",
    ),
    _column(
        "language_score", pa.float32(), "probability of that language, 0 to 1; null where the dump states the language"
    ),
    _column(
        "perplexity",
        pa.float32(),
        "KenLM perplexity of the passage, > 0, by the manifest's model; null where there is none of its language",
    ),
    _column("votes", pa.int64(), "score of the passage in votes (may be negative); null where the dump has none"),
    _column(
        "created",
        pa.timestamp("ms", tz="UTC"),  # Parquet has no coarser unit, so this is what a reader gets
        "when the passage was written, UTC, in whole seconds; null where unknown",
    ),
)

PAIR_SCHEMA = pa.schema([QUERY, PASSAGE, PAIR_ID, SOURCE, *_PROVENANCE])
"""Columns of a candidate shard, in order."""

JUDGEMENT = (
    _column(
        "similarity",
        pa.float32(),
        "dot product of the unit vectors of query and passage, -1 to 1; null where no model judged",
    ),
    _column(
        "passage_rank",
        pa.int32(),
        "1 + passages of the pool that are more similar to the query than its own, none of them of the same text or "
        "document; the manifest's max_rank + 1 where there are more; null where no model judged",
    ),
    _column(
        "query_rank",
        pa.int32(),
        "1 + queries of the pool that are more similar to the passage than its own, likewise; null where no model "
        "judged, and where passage_rank is above max_rank",
    ),
    _column(
        "pool_size", pa.int32(), "pairs in the pool in which the model's ranks are counted; null where no model judged"
    ),
    _column(
        "fold",
        pa.int32(),
        "fold of the pair's document, from 0: the model that judged it has trained on the other folds",
        nullable=False,
    ),
    _column(
        "bm25_passage_rank",
        pa.int32(),
        "passage_rank by BM25 scores in the pool of BM25's own size, max_rank + 1 where no word is shared; "
        "null without BM25",
    ),
    _column(
        "bm25_query_rank",
        pa.int32(),
        "query_rank by BM25 scores; null where BM25 did not judge, and where bm25_passage_rank is above max_rank",
    ),
)

JUDGED_SCHEMA = pa.schema([*PAIR_SCHEMA, *JUDGEMENT])
"""Columns of a judged shard, kept or dropped, in order."""

CANDIDATE_SCHEMA = pa.schema([QUERY, PASSAGE, *_PROVENANCE])
"""Columns of a pair before identity: the fields of :class:`Pair` in order (extracts of sources that need no join)."""

assert tuple(CANDIDATE_SCHEMA.names) == Pair._fields

_SECONDS = pa.timestamp("s", tz="UTC")


def to_column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Values of one field of :class:`Pair` as an Arrow array; times come in Unix seconds."""
    return pa.array(values, _SECONDS).cast(kind) if pa.types.is_timestamp(kind) else pa.array(values, kind)


def table_of(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Rows, one value per field of the schema, as a table; times come in Unix seconds. There must be a row."""
    columns = zip(*rows, strict=True)
    return pa.Table.from_arrays(
        [to_column(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def from_column(column: pa.ChunkedArray) -> list[Any]:
    """The values of a column as :class:`Pair` holds them; times in Unix seconds."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(_SECONDS).cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return values
