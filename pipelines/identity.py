"""The identity of a pair, and the shard that follows from it."""

from __future__ import annotations

import xxhash

from filters.text import normalise_for_id


def pair_id(query: str, passage: str) -> str:
    """xxh3-128 of the normalised pair as 32 hex digits: equal for texts that differ in case, width or spacing only."""
    text = normalise_for_id(query) + "\x1f" + normalise_for_id(passage)
    return xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass"))


def shard_of(identity: str, shards: int) -> int:
    """The shard of a pair: its leading 64 bits fall into one of ``shards`` equal ranges."""
    return int(identity[:16], 16) * shards >> 64
