from __future__ import annotations

import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.minhash import band_keys, bands_for, hash_words, signatures
from pipelines.duplicates import ROW, DuplicateLimits, FindDuplicates, cut, decided
from pipelines.identity import pair_id, shard_of
from pipelines.shuffle import unpack
from pipelines.verdicts import NEAR_DUPLICATE, REPEATED_PASSAGE, REPEATED_QUERY, Array, by_pair, to_table
from tests.filters.odd_texts import ODD_TEXTS

LIMITS = DuplicateLimits(near_duplicates=0.8, max_repeats=3)
Found = dict[str, tuple[str, str | None]]
Row = tuple[str, str, str | None]

SENTENCES = [
    "Rivers carry salt to the sea, and the sun takes the water away.",
    "What is left grows more salty every year, though some of it sinks to the ground as rock.",
    "Springs on the floor of the ocean add metals and chlorine to the water above them.",
    "Rain is fresh because salt does not rise with the vapour that the clouds are made of.",
    "Lakes without a river that leaves them turn salty in the same way, only faster.",
]
SEA = " ".join(SENTENCES)


def table_of(rows: Sequence[Row]) -> pa.Table:
    """Rows of query, passage and passage_doc."""
    return pa.table(
        {
            "query": pa.array([row[0] for row in rows], pa.string()),
            "passage": pa.array([row[1] for row in rows], pa.string()),
            "pair_id": pa.array([pair_id(row[0], row[1]) for row in rows], pa.string()),
            "passage_doc": pa.array([row[2] for row in rows], pa.string()),
        }
    )


def found_in(rows: Sequence[Row], limits: DuplicateLimits = LIMITS) -> Found:
    """What is found where all rows meet, without an engine."""
    return by_pair(to_table(decided(limits.rows(table_of(rows)), limits.max_repeats)))


def reasons(rows: Sequence[Row], limits: DuplicateLimits = LIMITS) -> list[str | None]:
    found = found_in(rows, limits)
    return [found.get(pair_id(query, passage), (None, None))[0] for query, passage, _ in rows]


# What is a near-duplicate


def test_of_two_similar_passages_one_stays() -> None:
    rows = [("Why is the sea salty?", SEA, "a"), ("Salt in the sea?", SEA.upper() + " Thanks!", "b")]
    (verdict,) = found_in(rows).items()
    (kept,) = {pair_id(row[0], row[1]) for row in rows} - {verdict[0]}
    assert verdict[1] == ("near_duplicate", kept)


def test_different_passages_stay() -> None:
    assert not found_in([(f"q{number}", sentence, str(number)) for number, sentence in enumerate(SENTENCES)])


def test_pairs_of_one_passage_of_one_document_are_no_duplicates() -> None:
    assert not found_in([("the title", SEA, "a"), ("the title and its text", SEA, "a")])


def test_pairs_of_one_passage_share_its_fate() -> None:
    rows = [(f"{doc} {number}", SEA, doc) for doc in "ab" for number in range(3)]
    found = reasons(rows, DuplicateLimits(0.8))
    assert sorted([found[:3], found[3:]], key=str) == [["near_duplicate"] * 3, [None] * 3]


def test_without_a_document_each_pair_stands_for_itself() -> None:
    found = reasons([("one", SEA, None), ("two", SEA, None)])
    assert sorted(found, key=str) == [None, "near_duplicate"]


def test_a_pair_that_comes_from_two_documents_is_no_duplicate_of_itself() -> None:
    for other in "bcdefgh":
        assert not found_in([("why?", SEA, "a"), ("why?", SEA, other)])


def test_every_group_of_similar_passages_keeps_one() -> None:
    words = [f"word{number}" for number in range(200)]
    rows = [("q", " ".join(words[start : start + 100]), f"d{start}") for start in range(0, 100, 2)]
    found = found_in(rows, DuplicateLimits(0.8))
    kept = {pair_id(row[0], row[1]) for row in rows} - set(found)
    assert kept
    for verdict in found.values():
        # The chain of duplicates ends at a pair that stays.
        while verdict[1] in found:
            verdict = found[verdict[1]]
        assert verdict[1] in kept


def test_passages_without_words_are_no_duplicates() -> None:
    assert not found_in([("q", "!!!", "a"), ("q 2", "???", "b"), ("q 3", "👍👍", "c"), ("q 4", "", "d")])


def test_odd_texts_are_taken() -> None:
    texts = [text for name, text in ODD_TEXTS.items() if name != "lone surrogates"]  # they never get into a table
    rows = [(text[:1000], text, f"doc {number}") for number, text in enumerate(texts)]
    assert not found_in(rows[:3])
    assert set(reasons([*rows, *((f"again {row[0]}", *row[1:]) for row in rows)])) <= {
        None,
        "near_duplicate",
        "repeated_query",
    }


# What repeats


def test_a_passage_may_stand_so_often() -> None:
    rows = [(f"question {number}", "Thanks!" if number % 2 else "thanks", f"d{number}") for number in range(10)]
    found = reasons(rows, DuplicateLimits(max_repeats=3))
    assert sorted(found, key=str) == [None] * 3 + ["repeated_passage"] * 7


def test_a_query_may_stand_so_often_and_the_smallest_ids_stay() -> None:
    rows: list[Row] = [("Daily thread", f"{sentence} {number}", None) for number in range(4) for sentence in SENTENCES]
    found = found_in(rows, DuplicateLimits(max_repeats=5))
    assert set(found.values()) == {("repeated_query", None)}
    assert sorted(found) == sorted(pair_id(row[0], row[1]) for row in rows)[5:]


def test_equal_pairs_count_once() -> None:
    rows: list[Row] = [*[("q", SEA, "a")] * 10, *[("q", SENTENCES[0], "b")] * 10]
    assert not found_in(rows, DuplicateLimits(max_repeats=2))


def test_of_a_passage_that_is_both_the_same_pairs_stay() -> None:
    rows: list[Row] = [(f"question {number}", "thanks a lot for all of this", f"d{number}") for number in range(20)]
    assert Counter(reasons(rows, DuplicateLimits(0.8, 3))) == {None: 1, "near_duplicate": 19}


# Buckets that are too full to travel


def reference(rows: Array, max_repeats: int) -> Found:
    """The definition, bucket by bucket and pair by pair."""
    buckets: dict[int, dict[tuple[int, int], int]] = defaultdict(dict)
    kinds: dict[int, int] = {}
    for bucket, order, high, low, kind, _ in rows.tolist():
        kinds[bucket] = kind
        buckets[bucket][high, low] = min(order, buckets[bucket].get((high, low), order))
    against: dict[tuple[int, int], list[tuple[int, tuple[int, int]]]] = defaultdict(list)
    for bucket, pairs in buckets.items():
        ranked = sorted((order, pair) for pair, order in pairs.items())
        for rank, (order, pair) in enumerate(ranked):
            if kinds[bucket] == NEAR_DUPLICATE:
                if order > ranked[0][0]:
                    against[pair].append((NEAR_DUPLICATE, ranked[0][1]))
            elif rank >= max_repeats:
                against[pair].append((kinds[bucket], (0, 0)))
    names = {NEAR_DUPLICATE: "near_duplicate", REPEATED_PASSAGE: "repeated_passage", REPEATED_QUERY: "repeated_query"}
    return {
        name(pair): (names[kind], name(centre) if kind == NEAR_DUPLICATE else None)
        for pair, (kind, centre) in ((pair, min(found)) for pair, found in against.items())
    }


def name(pair: tuple[int, int]) -> str:
    return f"{pair[0]:016x}{pair[1]:016x}"


@st.composite
def bucket_rows(draw: st.DrawFn) -> Array:
    """Rows of few buckets, so that much collides; also pairs with several orders, as from several documents."""
    rows = draw(
        st.lists(
            st.tuples(st.integers(1, 6), st.integers(0, 4), st.integers(0, 1), st.integers(0, 7)),
            max_size=60,
        )
    )
    return np.array([(bucket, order, high, low, bucket % 3, 0) for bucket, order, high, low in rows], ROW)


@settings(deadline=None, max_examples=300)
@given(bucket_rows(), st.integers(1, 4), st.integers(1, 5), st.integers(1, 6), st.randoms(use_true_random=False))
def test_the_outcome_is_the_definition_however_rows_meet_and_are_cut(
    rows: Array, max_repeats: int, full_bucket: int, workers: int, chance: random.Random
) -> None:
    order = list(range(len(rows)))
    chance.shuffle(order)
    left, verdicts = [], []
    for worker in range(workers):
        travels, lost = cut(rows[order[worker::workers]], max_repeats, full_bucket)
        left.append(travels)
        verdicts.append(lost)
    verdicts.append(decided(np.concatenate(left), max_repeats))
    assert by_pair(to_table(np.concatenate(verdicts))) == reference(rows, max_repeats)


def rows_of_bucket(*rows: tuple[int, int]) -> Array:
    """Rows of one band's bucket, given as order and pair."""
    return np.array([(7, order, 0, pair, NEAR_DUPLICATE, 0) for order, pair in rows], ROW)


def verdicts_of(*buffers: Array) -> Found:
    left, verdicts = zip(*(cut(rows, None, 1) for rows in buffers), strict=True)
    return by_pair(to_table(np.concatenate([*verdicts, decided(np.concatenate(left), None)])))


def test_a_pair_that_lost_in_one_buffer_stays_if_it_wins_by_another_document() -> None:
    assert verdicts_of(rows_of_bucket((5, 1), (4, 2)), rows_of_bucket((3, 1))) == {
        name((0, 2)): ("near_duplicate", name((0, 1)))
    }


def test_who_lost_is_told_the_centre_though_the_winner_of_its_buffer_came_twice() -> None:
    assert verdicts_of(rows_of_bucket((4, 1), (5, 2)), rows_of_bucket((3, 1))) == {
        name((0, 2)): ("near_duplicate", name((0, 1)))
    }


def test_of_a_full_bucket_only_the_winners_travel() -> None:
    rows = [(f"question {number}", "thanks", f"d{number}") for number in range(1000)]
    all_rows = LIMITS.rows(table_of(rows))
    travels, lost = cut(all_rows, 3, 100)
    bands, _ = bands_for(0.8)
    assert len(all_rows) == 1000 * (bands + 2)
    assert len(travels) == bands + 3 + 1000
    assert len(lost) == 999 * bands + 997


# On the engine


def passages(number: int, seed: int) -> list[Row]:
    """Rows in groups of more or less similar passages, and texts that repeat."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for group in range(number // 4):
        words = [f"w{chance.randrange(400)}" for _ in range(60)]
        for member in range(chance.randrange(1, 6)):
            changed = [word if chance.random() > 0.02 else "changed" for word in words]
            rows.append((f"question {chance.randrange(40)}", " ".join(changed), f"{group}-{member}"))
    rows += [(f"thank {chance.random()}", "thanks a lot", f"t{chance.randrange(3)}") for _ in range(number // 4)]
    return rows


def on_engine(
    folder: Path, rows: Sequence[Row], flags: Sequence[str], shards: int = 3, partitions: int = 4, full_bucket: int = 20
) -> Found:
    out = folder / "verdicts.jsonl"

    def write(found: list[list[Any]]) -> None:
        out.write_text(json.dumps(sorted(found)))

    with beam.Pipeline("FnApiRunner", options=PipelineOptions(list(flags))) as pipeline:
        _ = (
            pipeline
            | beam.Create(range(0, len(rows), 25))
            | beam.Reshuffle()
            | beam.Map(lambda start: table_of(rows[start : start + 25]))
            | FindDuplicates(LIMITS, shards, partitions, full_bucket)
            | beam.GroupByKey()
            | beam.MapTuple(lambda shard, blobs: (shard, by_pair(unpack(blobs))))
            | beam.FlatMapTuple(lambda shard, found: [[shard, *item] for item in found.items()])
            | beam.combiners.ToList()
            | beam.Map(write)
        )
    written = json.loads(out.read_text())
    assert all(shard == shard_of(pair, shards) for shard, pair, _ in written)
    return {pair: (verdict[0], verdict[1]) for _, pair, verdict in written}


@pytest.mark.parametrize(
    "flags",
    [
        ["--direct_num_workers=1"],
        ["--direct_num_workers=4", "--direct_running_mode=multi_threading"],
    ],
    ids=["one worker", "four workers"],
)
def test_the_same_verdicts_whoever_works_and_in_whatever_order(tmp_path: Path, flags: list[str]) -> None:
    rows = passages(400, 1)
    expected = reference(LIMITS.rows(table_of(rows)), 3)
    assert {reason for reason, _ in expected.values()} == {"near_duplicate", "repeated_passage", "repeated_query"}
    random.Random(str(flags)).shuffle(rows)
    assert on_engine(tmp_path, rows, flags) == expected


def test_neither_partitions_nor_the_cut_change_what_is_found(tmp_path: Path) -> None:
    rows = passages(200, 2)
    whole = on_engine(tmp_path, rows, [], partitions=1, full_bucket=10**9)
    assert whole == on_engine(tmp_path, rows, [], partitions=9, full_bucket=1)
    assert whole == reference(LIMITS.rows(table_of(rows)), 3)


def test_what_is_off_is_not_looked_for(tmp_path: Path) -> None:
    rows = passages(100, 3)
    assert {reason for reason, _ in found_in(rows, DuplicateLimits(0.8)).values()} == {"near_duplicate"}
    assert "near_duplicate" not in {reason for reason, _ in found_in(rows, DuplicateLimits(max_repeats=2)).values()}


def test_similar_passages_of_real_answers(real_data: Path) -> None:
    """Every verdict names a passage that agrees in a band, and chains of them end at one that stays."""
    with gzip.open(real_data / "communityqa" / "medquad_pairs.jsonl.gz", "rt") as lines:
        rows = [(question, answer, None) for question, answer in map(json.loads, islice(lines, 3000))]
    found = found_in(rows, DuplicateLimits(0.8))
    assert found
    texts = {pair_id(query, passage): passage for query, passage, _ in rows}
    bands, width = bands_for(0.8)
    for pair, (_, centre) in found.items():
        assert centre is not None
        one, other = band_keys(signatures(hash_words([texts[pair], texts[centre]])), bands, width)
        assert np.any(one == other)
        while centre in found:
            centre = found[centre][1]
        assert centre in texts
