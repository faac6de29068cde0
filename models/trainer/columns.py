"""Which columns of a table are queries, passages and hard negatives, and their values as plain strings.

Files of other people name them in many ways. A table is read by what ``--columns`` says, or by the names that are known
(:data:`KNOWN`); where two readings are possible, nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ccpairs.errors import UserError

QUERY, PASSAGE, NEGATIVES = "query", "passage", "negatives"
TEXTS = (QUERY, PASSAGE)
KNOWN = (
    *(("query", name) for name in ("passage", "document", "positive", "pos", "answer", "context", "response")),
    *(("question", name) for name in ("answer", "passage", "document", "positive", "context")),
    ("anchor", "positive"), ("anchor", "pos"), ("sentence1", "sentence2"), ("sentence_1", "sentence_2"),
    ("sentence_a", "sentence_b"), ("text1", "text2"), ("text_1", "text_2"), ("text_a", "text_b"),
    ("question1", "question2"), ("title", "abstract"),
)  # fmt: skip
"""Names of a query's and a passage's column, without regard to case. The first of them goes before all others."""

LABELS = frozenset({"label", "labels", "score", "scores", "is_duplicate", "gold_label", "similarity_score"})
"""Columns that say how well the two texts fit: such rows are not all positives."""

MOST_NAMES = 20
_NEGATIVE = re.compile(r"(?:hard_?)?neg(?:ative)?s?(?:_(?:passage|document|doc)s?)?_?(\d*)", re.IGNORECASE)
_KEYS = {"query": QUERY, "passage": PASSAGE, "negative": NEGATIVES, "negatives": NEGATIVES}


@dataclass(frozen=True)
class Columns:
    """Names of the columns. ``by_name``: found by known names, not told."""

    query: str = QUERY
    passage: str = PASSAGE
    negatives: tuple[str, ...] = ()
    by_name: bool = True

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys([self.query, self.passage, *self.negatives]))

    @property
    def is_plain(self) -> bool:
        """Whether they are the columns of our own shards."""
        return (self.query, self.passage, self.negatives) == (QUERY, PASSAGE, ())

    def __str__(self) -> str:
        return ", ".join(
            [f"query={self.query}", f"passage={self.passage}", *(f"negative={name}" for name in self.negatives)]
        )

    def pairs_of(self, table: pa.Table) -> pa.Table:
        """The table with ``query`` and ``passage`` as strings, and ``negatives``, list of strings, where there are any.

        Its other columns stay. A row whose passage is a list becomes a row for each text in it.
        """
        others = {name: table[name] for name in table.column_names if name not in self.names}
        query, passage = table[self.query], table[self.passage]
        negatives = self._negatives_of(table) if self.negatives else None
        if is_list(passage.type):
            lists = [found or [None] for found in passage.to_pylist()]
            rows = pa.array(np.repeat(np.arange(len(lists)), [len(found) for found in lists]))
            passage = pa.chunked_array([pa.array([text for found in lists for text in found], pa.string())])
            query = query.take(rows)
            others = {name: column.take(rows) for name, column in others.items()}
            negatives = None if negatives is None else negatives.take(rows)
        columns = {QUERY: as_strings(query), PASSAGE: as_strings(passage)}
        if negatives is not None:
            columns[NEGATIVES] = negatives
        return pa.table({**columns, **others})

    def _negatives_of(self, table: pa.Table) -> pa.Array:
        found: list[list[str]] = [[] for _ in range(table.num_rows)]
        for name in self.negatives:
            for row, value in zip(found, table[name].to_pylist(), strict=True):
                row += [text for text in ([value] if isinstance(value, str) else value or ()) if text]
        return pa.array(found, pa.list_(pa.string()))


def parse_columns(text: str) -> Columns:
    """``query=anchor,passage=positive,negative=hard`` as columns. Raises ``UserError``."""
    found: dict[str, list[str]] = {QUERY: [], PASSAGE: [], NEGATIVES: []}
    for part in text.split(","):
        key, equals, name = (word.strip() for word in part.partition("="))
        if not equals or not name or key not in _KEYS:
            raise UserError(f"--columns {text}: say query=NAME,passage=NAME and, where there are any, negative=NAME")
        found[_KEYS[key]].append(name)
    if [len(found[QUERY]), len(found[PASSAGE])] != [1, 1] or found[QUERY] == found[PASSAGE]:
        raise UserError(f"--columns {text}: name one column for query and another one for passage")
    return Columns(found[QUERY][0], found[PASSAGE][0], tuple(found[NEGATIVES]), by_name=False)


def find_columns(schema: pa.Schema, where: str, told: Sequence[Columns] = ()) -> Columns:
    """The columns of a file ``where`` with this schema: the first of ``told`` whose columns it has, or by known names.

    Raises ``UserError`` where there are none, where several readings are possible, and where one holds no text.
    """
    if twice := sorted({name for name in schema.names if schema.names.count(name) > 1}):
        raise UserError(f"{where} has several columns {twice[0]}; rename its columns")
    fitting = [each for each in told if set(each.names) <= set(schema.names)]
    if told and not fitting:
        missing = [name for name in told[0].names if name not in schema.names]
        raise UserError(f"{where} has no column {missing[0]}, which --columns names (it has {shown(schema)})")
    found = fitting[0] if told else _by_name(schema, where)
    if not found.negatives:
        found = Columns(found.query, found.passage, _negatives(schema, found), found.by_name)
    for name in found.names:
        kind = schema.field(name).type
        if not (is_text(kind) or (name != found.query and is_list(kind) and is_text(kind.value_type))):
            told_apart = "; flatten it, or name others by --columns" if name in found.negatives else ""
            raise UserError(f"{where}: the column {name} holds {kind}; it must hold text{told_apart}")
    return found


def _by_name(schema: pa.Schema, where: str) -> Columns:
    by_lower: dict[str, list[str]] = {}
    for name in schema.names:
        by_lower.setdefault(name.strip().lower(), []).append(name)
    found = [
        (query, passage)
        for first, second in KNOWN
        for query in by_lower.get(first, ())
        for passage in by_lower.get(second, ())
    ]
    if TEXTS in found:
        return Columns()
    advice = f"it has {shown(schema)}); rename its columns, or name them by --columns query=NAME,passage=NAME"
    if not found:
        missing = [name for name in TEXTS if name not in schema.names]
        raise UserError(f"{where} has no column {missing[0]} ({advice}")
    if len(found) > 1:
        readings = " or ".join(f"{query} and {passage}" for query, passage in found)
        raise UserError(f"{where}: query and passage may be {readings} ({advice}")
    query, passage = found[0]
    if labels := [name for name in schema.names if name.lower() in LABELS]:
        raise UserError(
            f"{where} has a column {labels[0]} beside {query} and {passage}, so its rows may not all be positives; "
            f"keep those that are, and say --columns query={query},passage={passage}"
        )
    return Columns(query, passage)


def _negatives(schema: pa.Schema, found: Columns) -> tuple[str, ...]:
    """Columns that are named as hard negatives, those with a number in its order."""
    matches = [(name, _NEGATIVE.fullmatch(name)) for name in schema.names if name not in (found.query, found.passage)]
    numbered = [(int(match[1] or -1), name) for name, match in matches if match is not None]
    return tuple(name for _, name in sorted(numbered, key=lambda each: each[0]))


def shown(schema: pa.Schema) -> str:
    """The names of the columns, for a message."""
    names = [name if len(name) <= 40 else f"{name[:39]}…" for name in schema.names[:MOST_NAMES]]
    return ", ".join(names) + (f" and {len(schema.names) - MOST_NAMES} more" if len(schema.names) > MOST_NAMES else "")


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text, dictionary-encoded or not."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    views = getattr(pa.types, "is_string_view", None)  # pyarrow 16 has it
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or (views is not None and views(kind)))


def is_list(kind: pa.DataType) -> bool:
    tests = ("is_list", "is_large_list", "is_fixed_size_list", "is_list_view", "is_large_list_view")
    return any(test(kind) for name in tests if (test := getattr(pa.types, name, None)) is not None)


def as_strings(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of text of any type as plain strings."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.string())
