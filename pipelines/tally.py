"""Counts and rejects of DoFns, as data.

Engine metrics may count a retried bundle twice, so counts travel as elements: each DoFn adds up what it did and emits
the sums when its bundle ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

import apache_beam as beam

from ccpairs.pair import Pair
from pipelines.rejects import RejectLog, RejectRow, reject_pair_row, reject_row, sample_key
from pipelines.shuffle import at_end
from pipelines.source import OPTED_OUT, Reject

REJECTS = "rejects"
COUNTS = "counts"

CountKey: TypeAlias = tuple[str, str, str]
"""(stage, outcome, reason): outcome is read, kept, rejected, made or pair_type."""


class TallyingDoFn(beam.DoFn):
    """A DoFn that counts what it reads, keeps and rejects; outputs tagged ``rejects`` and ``counts``."""

    def __init__(self, stage: str, source: str, rejected: str) -> None:
        self.stage, self.source, self._rejected = stage, source, rejected

    def start_bundle(self) -> None:
        self._counts: Counter[CountKey] = Counter()
        self._log = RejectLog(self._rejected)

    def count(self, outcome: str, number: int = 1, reason: str = "") -> None:
        self._counts[(self.stage, outcome, reason)] += number

    def reject(self, reject: Reject) -> None:
        self.count("rejected", reject.records, reject.reason)
        if reject.reason == OPTED_OUT:
            reject = Reject(OPTED_OUT)
        key = sample_key(self.stage, reject.reason, reject.position, reject.query, reject.passage)
        if self._log.wants(self.stage, reject.reason, key):
            self._log.add(reject_row(self.stage, self.source, reject, key))

    def reject_pair(
        self, reason: str, pair: Pair, pair_id: str, detail: str | None = None, duplicate_of: str | None = None
    ) -> None:
        self.count("rejected", 1, reason)
        key = sample_key(self.stage, reason, pair_id, pair.query_doc, pair.passage_doc)
        if self._log.wants(self.stage, reason, key):
            self._log.add(reject_pair_row(self.stage, self.source, reason, pair, pair_id, key, detail, duplicate_of))

    def tallies(self) -> Iterator[Any]:
        """What ``finish_bundle`` must emit."""
        for item in self._counts.items():
            yield beam.pvalue.TaggedOutput(COUNTS, at_end(item))
        for row in self._log.drain():
            yield beam.pvalue.TaggedOutput(REJECTS, at_end(row))

    def finish_bundle(self) -> Iterator[Any]:
        yield from self.tallies()


def reject_group(row: RejectRow) -> tuple[str, RejectRow]:
    """The key under which rejects are sampled: stage and reason."""
    return f"{row[1]}\x1f{row[0]}", row
