"""Verdicts: what comparing a source's texts with each other says against single pairs.

They travel to the shard of their pair by themselves, without its texts. Most are final when they are sent. Where a
bucket was too full to travel whole (see ``pipelines/duplicates.py``), its rows are dropped *pending* what the rest of
the bucket says: the pairs of it that stay, and its centre, of which every shard is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.shuffle import pack, split_by

NEAR_DUPLICATE, REPEATED_PASSAGE, REPEATED_QUERY = range(3)
"""Kinds of verdicts; of several against one pair the first kind is its reason."""

DROPPED, PENDING, KEPT, CENTRE = range(4)
"""What a verdict says. A pair that is pending in a bucket is dropped, unless another says that the bucket keeps it."""

VERDICT_SCHEMA = pa.schema(
    [
        pa.field("high", pa.uint64()),  # the two halves of the pair_id; of a centre, see below
        pa.field("low", pa.uint64()),
        pa.field("bucket", pa.uint64()),
        pa.field("centre_high", pa.uint64()),  # of DROPPED and CENTRE, and of near-duplicates only
        pa.field("centre_low", pa.uint64()),
        pa.field("kind", pa.uint8()),
        pa.field("says", pa.uint8()),
    ]
)
VERDICT = np.dtype([(field.name, str(field.type)) for field in VERDICT_SCHEMA])

Array = np.ndarray[Any, Any]


def to_table(rows: Array) -> pa.Table:
    """A structured array as a table of the same columns."""
    return pa.table({name: np.ascontiguousarray(rows[name]) for name in rows.dtype.names or ()})


def from_table(table: pa.Table, dtype: np.dtype[Any]) -> Array:
    """A table as a structured array."""
    rows = np.empty(table.num_rows, dtype)
    for name in dtype.names or ():
        rows[name] = table.column(name).to_numpy()
    return rows


def to_shards(verdicts: Array, shards: int) -> Iterator[tuple[int, bytes]]:
    """Verdicts as (shard, blob): those on a pair go to its shard, centres go to all of them."""
    centres = verdicts["says"] == CENTRE
    of_pairs = verdicts[~centres]
    numbers = shard_numbers(of_pairs["high"], shards)
    everywhere = np.repeat(verdicts[centres], shards)
    numbers = np.concatenate([numbers, np.tile(np.arange(shards), np.count_nonzero(centres))])
    for number, part in split_by(to_table(np.concatenate([of_pairs, everywhere])), numbers):
        for blob in pack(part):
            yield number, blob


def shard_numbers(high: Array, shards: int) -> Array:
    """The shard of each pair by the first half of its id, as ``pipelines.identity.shard_of`` gives it."""
    count, half = np.uint64(shards), np.uint64(32)
    low = (high & np.uint64(0xFFFFFFFF)) * count >> half
    numbers: Array = ((high >> half) * count + low) >> half
    return numbers.astype(np.int64)


def by_pair(table: pa.Table) -> dict[str, tuple[str, str | None]]:
    """Reason and original of every pair that verdicts speak against, by ``pair_id``, from all verdicts of a shard.

    The original of a near-duplicate is the ``pair_id`` of the pair that it duplicates, the smallest of several.
    """
    verdicts = from_table(table, VERDICT)
    against = verdicts[verdicts["says"] == DROPPED]
    pending = verdicts[verdicts["says"] == PENDING]
    if len(pending):
        kept = set(verdicts[verdicts["says"] == KEPT][["bucket", "high", "low"]].tolist())
        pending = pending[[pair not in kept for pair in pending[["bucket", "high", "low"]].tolist()]]
        centres = {int(each["bucket"]): each for each in verdicts[verdicts["says"] == CENTRE]}
        for place in np.flatnonzero(pending["kind"] == NEAR_DUPLICATE):
            centre = centres[int(pending["bucket"][place])]
            pending[["centre_high", "centre_low"]][place] = centre[["centre_high", "centre_low"]]
        against = np.concatenate([against, pending])
    order = np.lexsort([against[name] for name in ("centre_low", "centre_high", "kind", "low", "high")])
    against = against[order]
    against = against[starts_of_runs(against["high"], against["low"])]
    found: dict[str, tuple[str, str | None]] = {}
    for high, low, _, centre_high, centre_low, kind, _ in against.tolist():
        near = kind == NEAR_DUPLICATE
        reason = "near_duplicate" if near else "repeated_passage" if kind == REPEATED_PASSAGE else "repeated_query"
        found[pair_id_of(high, low)] = (reason, pair_id_of(centre_high, centre_low) if near else None)
    return found


def starts_of_runs(*columns: Array) -> Array:
    """Where the values of sorted columns differ from those before (a mask)."""
    starts = np.ones(len(columns[0]), bool)
    starts[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return starts


def pair_id_of(high: int, low: int) -> str:
    return f"{high:016x}{low:016x}"
