from __future__ import annotations

import random

import numpy as np
import pyarrow as pa

from pipelines.identity import shard_of
from pipelines.shuffle import unpack
from pipelines.verdicts import (
    CENTRE,
    DROPPED,
    KEPT,
    NEAR_DUPLICATE,
    PENDING,
    REPEATED_PASSAGE,
    REPEATED_QUERY,
    VERDICT,
    VERDICT_SCHEMA,
    by_pair,
    from_table,
    shard_numbers,
    to_shards,
    to_table,
)


def table_of(*verdicts: tuple[int, ...]) -> pa.Table:
    """Verdicts as (pair, bucket, centre, kind, says), with ids below 2^64."""
    rows = [(0, pair, bucket, 0, centre, kind, says) for pair, bucket, centre, kind, says in verdicts]
    return to_table(np.array(rows, VERDICT))


def name(number: int) -> str:
    return f"{number:032x}"


def test_a_verdict_names_the_reason_and_the_pair_that_is_duplicated() -> None:
    found = by_pair(
        table_of(
            (7, 1, 3, NEAR_DUPLICATE, DROPPED),
            (8, 2, 0, REPEATED_PASSAGE, DROPPED),
            (9, 3, 0, REPEATED_QUERY, DROPPED),
        )
    )
    assert found == {
        name(7): ("near_duplicate", name(3)),
        name(8): ("repeated_passage", None),
        name(9): ("repeated_query", None),
    }


def test_of_several_verdicts_the_first_kind_and_the_smallest_centre_hold() -> None:
    found = by_pair(
        table_of(
            (7, 4, 0, REPEATED_QUERY, DROPPED),
            (7, 1, 5, NEAR_DUPLICATE, DROPPED),
            (7, 2, 3, NEAR_DUPLICATE, DROPPED),
            (7, 3, 0, REPEATED_PASSAGE, DROPPED),
        )
    )
    assert found == {name(7): ("near_duplicate", name(3))}


def test_a_pending_pair_is_dropped_for_the_centre_that_the_shard_is_told() -> None:
    found = by_pair(table_of((7, 1, 0, NEAR_DUPLICATE, PENDING), (2, 1, 2, NEAR_DUPLICATE, CENTRE)))
    assert found == {name(7): ("near_duplicate", name(2))}


def test_a_pending_pair_stays_where_its_bucket_keeps_it() -> None:
    found = by_pair(
        table_of(
            (7, 1, 0, NEAR_DUPLICATE, PENDING),
            (7, 1, 2, NEAR_DUPLICATE, KEPT),
            (2, 1, 2, NEAR_DUPLICATE, CENTRE),
            (8, 9, 0, REPEATED_QUERY, PENDING),
            (8, 5, 0, REPEATED_QUERY, KEPT),
        )
    )
    assert found == {name(8): ("repeated_query", None)}


def test_no_verdicts() -> None:
    assert by_pair(VERDICT_SCHEMA.empty_table()) == {}


def test_verdicts_go_to_the_shard_of_their_pair_and_centres_to_all() -> None:
    chance = random.Random(1)
    ids = [f"{chance.getrandbits(128):032x}" for _ in range(50)]
    verdicts = np.zeros(51, VERDICT)
    verdicts["high"][:50] = [int(each[:16], 16) for each in ids]
    verdicts["low"][:50] = [int(each[16:], 16) for each in ids]
    verdicts["bucket"][50] = 99
    verdicts["says"][50] = CENTRE
    found = {number: from_table(unpack([blob]), VERDICT) for number, blob in to_shards(verdicts, 7)}
    assert sorted(found) == list(range(7))
    for number, rows in found.items():
        assert 99 in rows["bucket"]
        of_pairs = rows[rows["says"] != CENTRE]
        assert {(high << 64 | low) for high, low in of_pairs[["high", "low"]].tolist()} == {
            int(each, 16) for each in ids if shard_of(each, 7) == number
        }


def test_the_tables_have_the_schema_by_which_shards_know_them() -> None:
    assert to_table(np.zeros(1, VERDICT)).schema == VERDICT_SCHEMA


def test_shard_numbers_are_those_of_pairs() -> None:
    chance = random.Random(2)
    high = np.array([0, 2**64 - 1, 2**63, *(chance.getrandbits(64) for _ in range(200))], np.uint64)
    for shards in (1, 3, 1000, 99_991):
        assert shard_numbers(high, shards).tolist() == [shard_of(f"{each:016x}", shards) for each in high.tolist()]
