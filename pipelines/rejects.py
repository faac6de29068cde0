"""What was judged unfit, kept beside the pairs with its reason: all of it, a deterministic sample, or none.

The sample holds, for each stage and reason, the :data:`SAMPLE_PER_REASON` rejects with the lowest hash, so it is the
same for any number of workers and any order of the inputs. Counts are exact in every mode.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import apache_beam as beam
import pyarrow as pa
import xxhash

from ccpairs.pair import PAIR_SCHEMA, Pair, to_column
from pipelines.source import Reject

SAMPLE_PER_REASON = 300
ROWS_BETWEEN_SAMPLING = 4
"""A list of rejects is cut to the sample whenever it holds so many times the sample."""

MODES = ("sample", "all", "none")

REJECT_SCHEMA = pa.schema(
    [
        pa.field("reason", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        *(field.with_nullable(True) for field in PAIR_SCHEMA),
        pa.field("detail", pa.string()),
        pa.field("duplicate_of", pa.string()),
        pa.field("input", pa.string()),
        pa.field("position", pa.string()),
        pa.field("sample_key", pa.uint64(), nullable=False),
    ]
)
"""A reject's columns: the reason and stage (extract, join, pairs), the pair as far as it is known, and its place.

``duplicate_of`` is the ``pair_id`` of the pair for whose sake a near-duplicate was dropped."""

RejectRow: TypeAlias = tuple[Any, ...]
_FIRST = ("stage", "reason", "sample_key", "input", "position")
_SORT = [(name, "ascending") for name in (*_FIRST, *(name for name in REJECT_SCHEMA.names if name not in _FIRST))]
_KEY = REJECT_SCHEMA.get_field_index("sample_key")


def sample_key(*parts: object) -> int:
    """The hash by which rejects are sampled, from what identifies the reject."""
    return xxhash.xxh3_64_intdigest("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"))


def reject_row(
    stage: str, source: str, reject: Reject, key: int, *, file: str | None = None, position: str | None = None
) -> RejectRow:
    """A reject of a record or of texts that never became a pair."""
    nulls = (None,) * len(Pair._fields[3:])
    pair = (reject.query, reject.passage, None, source, None, *nulls)
    return (reject.reason, stage, *pair, reject.detail, None, file, reject.position or position, key)


def reject_pair_row(
    stage: str,
    source: str,
    reason: str,
    pair: Pair,
    pair_id: str,
    key: int,
    detail: str | None = None,
    duplicate_of: str | None = None,
) -> RejectRow:
    """A reject of a whole pair."""
    return (reason, stage, pair.query, pair.passage, pair_id, source, *pair[2:], detail, duplicate_of, None, None, key)


def lowest(rows: Iterable[RejectRow]) -> list[RejectRow]:
    """The sample of rows of one stage and reason."""
    # The whole row breaks ties, so that the sample does not depend on the order in which rejects arrive.
    return heapq.nsmallest(SAMPLE_PER_REASON, rows, key=lambda row: (row[_KEY], repr(row)))


class RejectLog:
    """Collects rejects while something runs; in ``sample`` mode it holds few more than the lowest of each reason."""

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self._rows: dict[tuple[str, str], list[RejectRow]] = {}
        self._highest: dict[tuple[str, str], int] = {}
        """The hash that a reject must not exceed, where there are enough of its stage and reason."""

    def wants(self, stage: str, reason: str, key: int) -> bool:
        """Would a reject with this hash be kept? Ask before building a costly row."""
        if self._mode != "sample":
            return self._mode == "all"
        highest = self._highest.get((stage, reason))
        return highest is None or key <= highest

    def add(self, row: RejectRow) -> None:
        if self._mode == "none":
            return
        group = (row[1], row[0])
        rows = self._rows.setdefault(group, [])
        rows.append(row)
        if self._mode == "sample" and len(rows) >= ROWS_BETWEEN_SAMPLING * SAMPLE_PER_REASON:
            rows[:] = lowest(rows)
            self._highest[group] = rows[-1][_KEY]

    def __len__(self) -> int:
        return sum(map(len, self._rows.values()))

    def drain(self) -> Iterator[RejectRow]:
        """Everything collected so far; the log is empty afterwards."""
        for rows in self._rows.values():
            yield from rows if self._mode == "all" else lowest(rows)
        self._rows, self._highest = {}, {}


def rejects_table(rows: Iterable[RejectRow]) -> pa.Table:
    """Rows as a table in the one order that depends on nothing but the rows."""
    columns = list(zip(*rows, strict=True)) or [()] * len(REJECT_SCHEMA)
    arrays = [to_column(column, field.type) for column, field in zip(columns, REJECT_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=REJECT_SCHEMA).sort_by(_SORT)


class LowestRejects(beam.CombineFn):
    """Combines rejects of one (stage, reason) to the lowest hashes; lifted, so little crosses the network."""

    def create_accumulator(self) -> list[RejectRow]:
        return []

    def add_input(self, accumulator: list[RejectRow], row: RejectRow) -> list[RejectRow]:
        accumulator.append(row)
        return lowest(accumulator) if len(accumulator) >= ROWS_BETWEEN_SAMPLING * SAMPLE_PER_REASON else accumulator

    def merge_accumulators(self, accumulators: Iterable[list[RejectRow]]) -> list[RejectRow]:
        return lowest(row for accumulator in accumulators for row in accumulator)

    def compact(self, accumulator: list[RejectRow]) -> list[RejectRow]:
        return lowest(accumulator)

    def extract_output(self, accumulator: list[RejectRow]) -> list[RejectRow]:
        return lowest(accumulator)
