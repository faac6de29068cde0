"""Joins: rows of an extract meet on the engine's shuffle, and plain functions pair them up.

A source's ``join`` reads like a sentence::

    threads = rows | plan.together("bring posts and comments of a thread together", reduce=best_comments)
    return [threads | plan.pair_up("pair each post with its best comments", self.pair_threads)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import apache_beam as beam
import pyarrow as pa

from pipelines.shuffle import Together
from pipelines.source import Joined, JoinOutcome, Onward, Reject
from pipelines.tally import COUNTS, REJECTS, TallyingDoFn

PAIRS = "pairs"
ONWARD = "onward"

PairedUp: TypeAlias = Any
"""A Beam ``DoOutputsTuple`` with the outputs ``pairs`` (lists of ``Pair``), ``onward`` (tables), rejects and counts."""


class PairUpFn(TallyingDoFn):
    """Runs a pairing function over tables of complete keys and counts its outcomes."""

    def __init__(self, pair_up: Callable[[pa.Table], Iterator[JoinOutcome]], source: str, rejected: str) -> None:
        super().__init__("join", source, rejected)
        self._pair_up = pair_up

    def process(self, table: pa.Table) -> Iterator[Any]:
        for outcome in self._pair_up(table):
            if isinstance(outcome, Joined):
                self.count("kept", outcome.rows)
                self.count("made", len(outcome.pairs))
                if outcome.pairs:
                    yield outcome.pairs
            elif isinstance(outcome, Reject):
                self.reject(outcome)
            elif isinstance(outcome, Onward):
                yield beam.pvalue.TaggedOutput(ONWARD, outcome.table)
            else:
                raise TypeError(f"a join yields Joined, Reject or Onward, not {type(outcome).__name__}")


@dataclass(frozen=True)
class JoinPlan:
    """How large a join is and what its rejects are for; hands out the two transforms of a join."""

    source: str
    partitions: int
    rejected: str = "sample"

    def together(self, label: str, reduce: Callable[[pa.Table], pa.Table] | None = None) -> beam.PTransform:
        """Tables in, tables in which all rows of a ``key`` stand together out.

        ``reduce`` (table -> table) may drop rows of a part of the data that can no longer win, before they travel;
        it must be safe to apply to any part, and again to the result.
        """
        return Together(self.partitions, reduce, label)

    def pair_up(self, label: str, pair_up: Callable[[pa.Table], Iterator[JoinOutcome]]) -> beam.PTransform:
        """Tables of complete keys in, a :data:`PairedUp` out."""
        return label >> beam.ParDo(PairUpFn(pair_up, self.source, self.rejected)).with_outputs(
            ONWARD, REJECTS, COUNTS, main=PAIRS
        )
