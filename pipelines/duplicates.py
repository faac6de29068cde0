"""Near-duplicate passages and texts that repeat, over all pairs of a source.

::

    rows ─> buckets ─> cut the fullest ─> GroupByKey on the bucket's hash ─> decide ─┬─> verdicts by shard
                              └───────────────── pairs that are dropped already ─────┘

Every pair is put into buckets: one for each band of its passage's MinHash, one for its passage's text, one for its
query's. A row of a bucket is 34 bytes: the bucket, the pair's id and its order in it. No texts travel.

- *Bands*: pairs are ordered by their *unit*, a hash of passage and document. Pairs of one unit (the same answer to a
  title and to its question) are never duplicates of each other and share one fate, since they share all buckets. The
  smallest unit of a bucket is its centre and stays; pairs of all others are dropped for it (a star, so a bucket of n
  rows costs n, not n²). A unit that is no centre of one of its buckets is out, and the smallest of any group of similar
  passages always stays.
- *Texts*: the first ``max_repeats`` pairs stay, by unit for a passage and by id for a query.

Both orders are hashes of the pair alone, so what stays depends on nothing but the set of pairs. And both can be decided
in part: a row that loses in a worker's buffer loses everywhere. So of a bucket with more than :data:`FULL_BUCKET` rows
in a buffer only the winners travel ("thanks!" a million times is a few thousand rows), and who lost is *pending*: its
shard learns the bucket's centre later (``pipelines/verdicts.py``). The outcome is the same with and without this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import xxhash

from filters.minhash import band_keys, bands_for, hash_words, mix, signatures, text_keys
from pipelines.shuffle import at_end, pack, split_by, unpack
from pipelines.verdicts import (
    CENTRE,
    DROPPED,
    KEPT,
    NEAR_DUPLICATE,
    PENDING,
    REPEATED_PASSAGE,
    REPEATED_QUERY,
    VERDICT,
    Array,
    from_table,
    starts_of_runs,
    to_shards,
    to_table,
)

FULL_BUCKET = 1_000
"""Rows of one bucket in one buffer; of more, only those travel that may stay. Telling every shard the centre of such a
bucket costs less than the rows that stay at home, up to about as many shards."""

ROWS_IN_BUFFER = 1 << 20
TEXTS_AT_ONCE = 1_024

VERDICTS = "verdicts"

ROW = np.dtype([("bucket", "u8"), ("order", "u8"), ("high", "u8"), ("low", "u8"), ("kind", "u1"), ("cut", "u1")])
"""``cut``: rows of this bucket have stayed behind, pending."""


@dataclass(frozen=True)
class DuplicateLimits:
    """What is too much of the same: the Jaccard similarity of near-duplicates, and how often a text may stand."""

    near_duplicates: float | None = None
    max_repeats: int | None = None

    @property
    def bytes_per_pair(self) -> int:
        """What travels for each pair, before it is packed."""
        bands = 0 if self.near_duplicates is None else bands_for(self.near_duplicates)[0]
        return ROW.itemsize * (bands + (0 if self.max_repeats is None else 2))

    def rows(self, table: pa.Table) -> Array:
        """The rows in all buckets of pairs, given their columns query, passage, pair_id and passage_doc.

        A text without a word is in no bucket.
        """
        parts = [self._rows(table.slice(start, TEXTS_AT_ONCE)) for start in range(0, table.num_rows, TEXTS_AT_ONCE)]
        return np.concatenate([np.empty(0, ROW), *parts])

    def _rows(self, table: pa.Table) -> Array:
        ids = table.column("pair_id").to_pylist()
        words = hash_words(table.column("passage").to_pylist())
        texts = text_keys(words)
        documents = zip(table.column("passage_doc").to_pylist(), ids, strict=True)
        hashed = [xxhash.xxh3_64_intdigest((identity if doc is None else doc).encode()) for doc, identity in documents]
        pairs = np.zeros(len(ids), ROW)
        halves = np.frombuffer(bytes.fromhex("".join(ids)), ">u8").reshape(-1, 2)
        pairs["high"], pairs["low"] = halves[:, 0], halves[:, 1]
        pairs["order"] = mix(np.array(hashed, np.uint64) + texts)
        found = []
        if self.near_duplicates is not None:
            bands, rows = bands_for(self.near_duplicates)
            for keys in band_keys(signatures(words, bands * rows), bands, rows).T:
                found.append(in_buckets(pairs, NEAR_DUPLICATE, keys)[texts != 0])
        if self.max_repeats is not None:
            found.append(in_buckets(pairs, REPEATED_PASSAGE, texts)[texts != 0])
            queries = text_keys(hash_words(table.column("query").to_pylist()))
            by_query = in_buckets(pairs, REPEATED_QUERY, queries)[queries != 0]
            by_query["order"] = 0
            found.append(by_query)
        return np.concatenate(found)


class Decision:
    """Which rows of buckets stay. Holds one row per bucket and pair, sorted by bucket, order and pair.

    ``stays`` is a mask of ``rows``, ``first`` and ``cut`` are one value per row: where its bucket begins, and whether
    rows of the bucket have stayed behind.
    """

    def __init__(self, rows: Array, max_repeats: int | None) -> None:
        rows = rows[np.lexsort([rows[name] for name in ("order", "low", "high", "bucket")])]
        # One pair may come twice, from two documents: it then counts as the smaller of its units.
        once = starts_of_runs(rows["bucket"], rows["high"], rows["low"])
        cut = np.unique(rows["bucket"][rows["cut"] != 0])
        rows = rows[once]
        self.rows = rows = rows[np.lexsort([rows[name] for name in ("low", "high", "order", "bucket")])]
        begins = starts_of_runs(rows["bucket"])
        self.first = np.flatnonzero(begins)[np.cumsum(begins) - 1] if len(rows) else np.empty(0, np.int64)
        self.cut = np.isin(rows["bucket"], cut)
        self.stays = np.where(
            rows["kind"] == NEAR_DUPLICATE,
            rows["order"] == rows["order"][self.first],
            np.arange(len(rows)) - self.first < (max_repeats or 0),
        )

    def verdicts(self, which: Array, says: int) -> Array:
        """Verdicts on some rows (a mask), with the centres of their buckets."""
        rows, centres = self.rows[which], self.rows[self.first[which]]
        found = np.zeros(len(rows), VERDICT)
        for name in ("high", "low", "bucket", "kind"):
            found[name] = rows[name]
        found["says"] = says
        if says != PENDING:
            near = rows["kind"] == NEAR_DUPLICATE
            found["centre_high"], found["centre_low"] = centres["high"] * near, centres["low"] * near
        return found


class PackBuckets(beam.DoFn):
    """Tables of pairs -> (partition, blob of bucket rows); tagged ``verdicts``: (shard, blob) of who lost here."""

    def __init__(self, limits: DuplicateLimits, shards: int, partitions: int, full_bucket: int) -> None:
        self._limits, self._shards, self._partitions, self._full = limits, shards, partitions, full_bucket

    def start_bundle(self) -> None:
        self._waiting: list[Array] = []
        self._rows = 0

    def process(self, table: pa.Table) -> Iterator[Any]:
        self._waiting.append(self._limits.rows(table))
        self._rows += len(self._waiting[-1])
        if self._rows >= ROWS_IN_BUFFER:
            rows, verdicts = self._taken()
            yield from rows
            for verdict in verdicts:
                yield beam.pvalue.TaggedOutput(VERDICTS, verdict)

    def finish_bundle(self) -> Iterator[Any]:
        rows, verdicts = self._taken()
        yield from map(at_end, rows)
        for verdict in verdicts:
            yield beam.pvalue.TaggedOutput(VERDICTS, at_end(verdict))

    def _taken(self) -> tuple[Iterator[tuple[int, bytes]], Iterator[tuple[int, bytes]]]:
        rows, verdicts = cut(np.concatenate([np.empty(0, ROW), *self._waiting]), self._limits.max_repeats, self._full)
        self._waiting, self._rows = [], 0
        return packed(rows, self._partitions), to_shards(verdicts, self._shards)


class Decide(beam.DoFn):
    """(partition, blobs of bucket rows) -> (shard, blob of verdicts)."""

    def __init__(self, limits: DuplicateLimits, shards: int) -> None:
        self._limits, self._shards = limits, shards

    def process(self, group: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
        rows = from_table(unpack(group[1]), ROW)
        yield from to_shards(decided(rows, self._limits.max_repeats), self._shards)


class FindDuplicates(beam.PTransform):
    """Tables with the columns query, passage, pair_id and passage_doc -> (shard, blob of verdicts).

    ``partitions`` groups should hold about 64 MiB of bucket rows each, 34 bytes a row.
    """

    def __init__(self, limits: DuplicateLimits, shards: int, partitions: int, full_bucket: int = FULL_BUCKET) -> None:
        super().__init__()
        self._limits, self._shards, self._partitions, self._full = limits, shards, partitions, full_bucket

    def expand(self, tables: Any) -> Any:
        pack_buckets = PackBuckets(self._limits, self._shards, self._partitions, self._full)
        found = tables | "put pairs into buckets" >> beam.ParDo(pack_buckets).with_outputs(VERDICTS, main="buckets")
        decided_whole = (
            found["buckets"]
            | "bring buckets together" >> beam.GroupByKey()
            | "decide" >> beam.ParDo(Decide(self._limits, self._shards))
        )
        return (decided_whole, found[VERDICTS]) | "all verdicts" >> beam.Flatten()


def in_buckets(pairs: Array, kind: int, keys: Array) -> Array:
    """Pairs as rows of the buckets with these keys (``uint64[n]``)."""
    rows = pairs.copy()
    rows["kind"] = kind
    rows["bucket"] = mix(keys + np.uint64(kind))
    return rows


def crowded(rows: Array, more_than: int) -> Array:
    """The rows in buckets of more than so many rows (a mask)."""
    order = np.argsort(rows["bucket"])
    begins = np.flatnonzero(starts_of_runs(rows["bucket"][order])) if len(rows) else np.empty(0, np.int64)
    sizes = np.diff(np.append(begins, len(rows)))
    mask = np.empty(len(rows), bool)
    mask[order] = np.repeat(sizes > more_than, sizes)
    return mask


def cut(rows: Array, max_repeats: int | None, full_bucket: int) -> tuple[Array, Array]:
    """The rows that must travel, and the verdicts on those of too full buckets that have lost already."""
    full = crowded(rows, full_bucket)
    if not full.any():
        return rows, np.empty(0, VERDICT)
    decision = Decision(rows[full], max_repeats)
    lost = ~decision.stays
    left = decision.rows[decision.stays]
    left["cut"] = np.isin(left["bucket"], np.unique(decision.rows["bucket"][lost]))
    return np.concatenate([rows[~full], left]), decision.verdicts(lost, PENDING)


def decided(rows: Array, max_repeats: int | None) -> Array:
    """The verdicts on all rows of whole buckets."""
    decision = Decision(rows[crowded(rows, 1) | (rows["cut"] != 0)], max_repeats)
    stays, cut = decision.stays, decision.cut
    centres = cut & (decision.rows["kind"] == NEAR_DUPLICATE) & (decision.first == np.arange(len(cut)))
    return np.concatenate(
        [
            decision.verdicts(~stays, DROPPED),
            decision.verdicts(stays & cut, KEPT),
            decision.verdicts(centres, CENTRE),
        ]
    )


def packed(rows: Array, partitions: int) -> Iterator[tuple[int, bytes]]:
    """Rows as (partition, blob); a bucket's rows share a partition."""
    numbers = (rows["bucket"] >> np.uint64(32)) * np.uint64(partitions) >> np.uint64(32)
    for number, part in split_by(to_table(rows), numbers.astype(np.int64)):
        for blob in pack(part):
            yield number, blob
