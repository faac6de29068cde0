"""Pairs in, the rows of shards out: every filter that needs no more than the pair and what is known about its texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa

from ccpairs.pair import PAIR_SCHEMA, Pair, table_of
from filters.pairs import PairFilter, first_reason
from pipelines.identity import pair_id, shard_of
from pipelines.shuffle import at_end, pack, split_by
from pipelines.tally import TallyingDoFn
from pipelines.text_quality import TextQuality

BLOBS = "blobs"
ROWS = "rows"

PAIRS_IN_BATCH = 1_024
CHARS_IN_BATCH = 4_000_000
"""Models look at so many pairs at once: enough to be quick, few enough to forget."""

ROWS_IN_BUFFER = 50_000
CHARS_IN_BUFFER = 64_000_000


class FilterPairs(TallyingDoFn):
    """Lists of pairs -> (shard, blob) of the pairs that every filter lets pass.

    The filters of single pairs come first, then those of ``quality`` with their models. With ``compares``, the rows
    that pass leave as tables too, tagged ``rows``, for whatever compares a source's texts with each other.
    """

    def __init__(
        self,
        filters: Sequence[PairFilter],
        quality: TextQuality,
        shards: int,
        source: str,
        rejected: str,
    ) -> None:
        super().__init__("pairs", source, rejected)
        self._filters, self._quality, self._shards = tuple(filters), quality, shards

    def setup(self) -> None:
        self._judge = self._quality.judge()

    def start_bundle(self) -> None:
        super().start_bundle()
        self._waiting: list[Pair] = []
        self._waiting_chars = 0
        self._rows: list[tuple[Any, ...]] = []
        self._chars = 0

    def process(self, pairs: Sequence[Pair]) -> Iterator[Any]:
        self.count("read", len(pairs))
        for pair in pairs:
            reason = first_reason(self._filters, pair)
            if reason is not None:
                self.reject_pair(reason, pair, pair_id(pair.query, pair.passage))
                continue
            self._waiting.append(pair)
            self._waiting_chars += len(pair.query) + len(pair.passage)
            if len(self._waiting) >= PAIRS_IN_BATCH or self._waiting_chars >= CHARS_IN_BATCH:
                yield from self._judged()

    def finish_bundle(self) -> Iterator[Any]:
        for element in (*self._judged(), *self._blobs()):
            if isinstance(element, beam.pvalue.TaggedOutput):
                yield beam.pvalue.TaggedOutput(element.tag, at_end(element.value))
            else:
                yield at_end(element)
        yield from self.tallies()

    def _judged(self) -> Iterator[Any]:
        """Ask the models about the pairs that wait."""
        waiting, self._waiting, self._waiting_chars = self._waiting, [], 0
        for pair, reason, detail in self._judge(waiting):
            identity = pair_id(pair.query, pair.passage)
            if reason is not None:
                self.reject_pair(reason, pair, identity, detail)
                continue
            self._rows.append((pair.query, pair.passage, identity, self.source, *pair[2:]))
            self._chars += len(pair.query) + len(pair.passage)
        if len(self._rows) >= ROWS_IN_BUFFER or self._chars >= CHARS_IN_BUFFER:
            yield from self._blobs()

    def _blobs(self) -> Iterator[Any]:
        if not self._rows:
            return
        table = table_of(self._rows, PAIR_SCHEMA)
        self._rows, self._chars = [], 0
        if self._quality.compares:
            yield beam.pvalue.TaggedOutput(ROWS, table)
        for number, part in split_by(table, shards_of(table, self._shards)):
            for blob in pack(part):
                yield number, blob


def shards_of(table: pa.Table, shards: int) -> np.ndarray[Any, Any]:
    """The shard of every row."""
    return np.array([shard_of(identity, shards) for identity in table.column("pair_id").to_pylist()])
