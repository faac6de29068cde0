from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import TaggedOutput
from hypothesis import given, settings
from hypothesis import strategies as st

from ccpairs.manifest import ShardInfo
from ccpairs.pair import CANDIDATE_SCHEMA, PAIR_SCHEMA, Pair, table_of
from filters.pairs import default_pair_filters
from pipelines.assemble import Listings, ShardPlan, ToPairs, assemble
from pipelines.extract import ExtractTask, extract_file
from pipelines.filter_pairs import FilterPairs
from pipelines.identity import pair_id, shard_of
from pipelines.inputs import InputFile
from pipelines.shuffle import unpack
from pipelines.source import Source
from pipelines.sources.reddit import Reddit, RedditPairs
from pipelines.tally import COUNTS
from pipelines.text_quality import TextQuality
from pipelines.write_shards import missing_shards, sorted_and_distinct
from tests.pipelines.line_source import LineSource, line

PAIR = Pair(
    query="Why is the sea salty?",
    passage="Rivers carry salt to it, and the sun takes the water away.",
    pair_type="title_comment",
    query_doc="t3_1",
    passage_doc="t1_2",
    url="https://a.org",
    license="CC0",
    language="en",
    language_score=0.5,
    perplexity=20.0,
    votes=3,
    created=1420070400,
)


NOTHING_ASKED = TextQuality()


def row(pair: Pair, source: str = "reddit") -> tuple[Any, ...]:
    return (pair.query, pair.passage, pair_id(pair.query, pair.passage), source, *pair[2:])


# Equal pairs


ROWS = st.lists(
    st.builds(
        lambda query, votes, doc, created: row(
            PAIR._replace(query=query, votes=votes, passage_doc=doc, created=created)
        ),
        st.sampled_from(["Why?", "why?", "WHY?", "How?", "When?"]),
        st.sampled_from([None, -1, 0, 7]),
        st.sampled_from([None, "a", "b"]),
        st.sampled_from([None, 0, 86400]),
    ),
    min_size=1,
    max_size=20,
)


@settings(deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_what_stays_does_not_depend_on_the_order(rows: list[tuple[Any, ...]], shuffle: random.Random) -> None:
    kept, dropped = sorted_and_distinct(table_of(rows, PAIR_SCHEMA))
    again, dropped_again = sorted_and_distinct(table_of(shuffle.sample(rows, len(rows)), PAIR_SCHEMA))
    assert kept.equals(again)
    assert dropped.equals(dropped_again)
    assert kept.num_rows + dropped.num_rows == len(rows)
    ids = kept.column("pair_id").to_pylist()
    assert ids == sorted({each[2] for each in rows})
    most: dict[str, int] = {}
    for each in rows:
        votes = each[PAIR_SCHEMA.get_field_index("votes")]
        most[each[2]] = max(most.get(each[2], -9), -9 if votes is None else votes)
    found = [-9 if votes is None else votes for votes in kept.column("votes").to_pylist()]
    assert dict(zip(ids, found, strict=True)) == most


def test_of_equal_pairs_the_one_with_most_votes_stays() -> None:
    rows = [row(PAIR._replace(votes=votes, passage_doc=str(votes))) for votes in (None, 3, 12, -1)]
    kept, dropped = sorted_and_distinct(table_of(rows, PAIR_SCHEMA))
    assert kept.column("passage_doc").to_pylist() == ["12"]
    assert dropped.column("passage_doc").to_pylist() == ["3", "-1", "None"]


def test_nothing_is_sorted_to_nothing() -> None:
    kept, dropped = sorted_and_distinct(PAIR_SCHEMA.empty_table())
    assert (kept.num_rows, dropped.num_rows) == (0, 0)


# Pairs in and out of tables


def test_rows_are_pairs_again_after_the_file_they_were_in(tmp_path: Path) -> None:
    bare = Pair("q", "p", "line")
    pq.write_table(table_of([PAIR, bare], CANDIDATE_SCHEMA), tmp_path / "extract.parquet")
    assert list(ToPairs().process(pq.read_table(tmp_path / "extract.parquet"))) == [[PAIR, bare]]


def filtered(pairs: Sequence[Pair], shards: int = 1) -> tuple[dict[int, pa.Table], Counter[Any]]:
    """One bundle of the filters: rows by shard, and the counts."""
    do = FilterPairs(default_pair_filters(), TextQuality(), shards, "reddit", "all")
    do.setup()
    do.start_bundle()
    blobs: dict[int, list[bytes]] = {}
    counts: Counter[Any] = Counter()
    assert list(do.process(pairs)) == []  # nothing leaves before the buffer is full or the bundle ends
    for element in do.finish_bundle():
        if not isinstance(element, TaggedOutput):
            number, blob = element.value
            blobs.setdefault(number, []).append(blob)
        elif element.tag == COUNTS:
            counts.update(dict([element.value.value]))
    return {number: unpack(parts) for number, parts in blobs.items()}, counts


def test_each_filter_is_counted() -> None:
    pairs = [PAIR, PAIR._replace(query=""), PAIR._replace(passage="x"), PAIR._replace(passage="y")]
    tables, counts = filtered(pairs)
    assert counts == {
        ("pairs", "read", ""): 4,
        ("pairs", "rejected", "empty_query"): 1,
        ("pairs", "rejected", "passage_too_short"): 2,
    }
    assert tables[0].num_rows == 1


def test_a_pair_gets_its_identity_and_its_source() -> None:
    tables, _ = filtered([PAIR])
    assert tables[0].equals(table_of([row(PAIR)], PAIR_SCHEMA))


def test_pairs_go_to_the_shard_of_their_identity() -> None:
    pairs = [PAIR._replace(query=f"Why is sea number {number} salty?") for number in range(200)]
    tables, _ = filtered(pairs, shards=7)
    assert sum(table.num_rows for table in tables.values()) == 200
    for number, table in tables.items():
        assert {shard_of(identity, 7) for identity in table.column("pair_id").to_pylist()} == {number}


# The whole graph


ANSWER = "Rivers carry salt to it, and the sun takes the water away again, year after year."
RECORDS = [
    *(line(pairs=[[f"Why is sea number {number} salty?", f"{number}: {ANSWER}", number]]) for number in range(300)),
    *(line(pairs=[[f"WHY is sea number {number} salty?", f"{number}: {ANSWER}", 1000]]) for number in range(40)),
    *(line(pairs=[[f"Why is sea number {number} salty?", f"{number}: {ANSWER}", -5]]) for number in range(20)),
    *(line(pairs=[["Why?", "No."], [f"{number}", ANSWER]]) for number in range(30)),
    *(line(reject="low_score", passage=f"words {number}") for number in range(400)),
    b"damaged\n",
]


def run(
    folder: Path,
    source: Source,
    parts: Sequence[tuple[str, bytes]],
    *,
    shards: int = 3,
    partitions: int = 1,
    rejected: str = "sample",
    quality: TextQuality = NOTHING_ASKED,
) -> Path:
    """Extract the parts (name and bytes of each), assemble them, and give the folder of what came out."""
    lines: dict[str, list[str]] = {"extracts": [], "rejects": []}
    for number, (name, data) in enumerate(parts):
        path = folder / "in" / str(number) / name
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        file = InputFile(str(path), source.form_of(name) or "")
        task = ExtractTask(source.name, file, str(folder / "extracts" / f"{number}"))
        assert extract_file(source, task, rejected) is not None
        for kind, uri in (("extracts", task.extract), ("rejects", task.rejects)):
            if Path(uri).exists():
                groups = pq.ParquetFile(uri).metadata.num_row_groups
                lines[kind] += [json.dumps([uri, group, group + 1]) for group in range(groups)]
    for kind, found in lines.items():
        (folder / kind).with_suffix(".jsonl").write_text("".join(each + "\n" for each in found))
    out = folder / "out"
    plan = ShardPlan(
        source=source.name,
        shards=shards,
        partitions=partitions,
        folder=str(out / "candidates"),
        rejected_folder=str(out / "rejected"),
        result=str(out / "result.json"),
        rejected=rejected,
        quality=quality,
    )
    listings = Listings(str(folder / "extracts.jsonl"), str(folder / "rejects.jsonl"))
    with beam.Pipeline("FnApiRunner", options=PipelineOptions([])) as pipeline:
        assemble(pipeline, source, listings, plan)
    found = json.loads((out / "result.json").read_text())
    missing_shards(source.name, shards, plan.folder, [ShardInfo(**info) for info in found["shards"]])
    return out


def files_of(out: Path) -> dict[str, bytes]:
    """Every Parquet file that came out, by its name."""
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*.parquet"))}


def counts_of(out: Path) -> dict[str, int]:
    counts = json.loads((out / "result.json").read_text())["counts"]
    assert len({tuple(each[:3]) for each in counts}) == len(counts)
    return {" ".join(filter(None, each[:3])): each[3] for each in counts}


def rows_of(out: Path, folder: str = "candidates") -> list[dict[str, Any]]:
    paths = sorted((out / folder).glob("*.parquet"))
    return [each for path in paths for each in pq.ParquetFile(path).read().to_pylist()]


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("assembled"), LineSource(), [("in.jsonl", b"".join(RECORDS))])


def test_counts_add_up(assembled: Path) -> None:
    assert counts_of(assembled) == {
        "pairs read": 420,
        "pairs rejected duplicate_pair": 60,
        "pairs rejected passage_too_short": 30,
        "pairs rejected query_too_short": 30,
        "pairs kept": 300,
        "pairs pair_type line": 300,
    }


def test_shards_are_sorted_and_hold_each_pair_once(assembled: Path) -> None:
    rows = rows_of(assembled)
    ids = [each["pair_id"] for each in rows]
    assert len(rows) == 300
    assert ids == sorted(set(ids))
    assert all(each["pair_id"] == pair_id(each["query"], each["passage"]) for each in rows)
    assert {each["source"] for each in rows} == {"lines"}
    # Of 60 pairs there were several: the one with most votes stays.
    assert Counter(each["votes"] for each in rows)[1000] == 40
    assert {each["created"].isoformat() for each in rows} == {"1970-01-02T00:00:00+00:00"}


def test_shards_say_what_they_hold(assembled: Path) -> None:
    shards = json.loads((assembled / "result.json").read_text())["shards"]
    assert sorted(info["name"] for info in shards) == [f"lines-0000{number}-of-00003.parquet" for number in range(3)]
    for info in shards:
        path = assembled / "candidates" / info["name"]
        assert (info["bytes"], info["rows"]) == (path.stat().st_size, pq.ParquetFile(path).metadata.num_rows)


def test_rejects_of_all_stages_are_in_one_file(assembled: Path) -> None:
    counts = Counter((each["stage"], each["reason"]) for each in rows_of(assembled, "rejected"))
    assert counts == {
        ("extract", "low_score"): 300,  # a sample of the 400
        ("extract", "malformed_record"): 1,
        ("pairs", "duplicate_pair"): 60,
        ("pairs", "passage_too_short"): 30,
        ("pairs", "query_too_short"): 30,
    }
    duplicates = [each for each in rows_of(assembled, "rejected") if each["reason"] == "duplicate_pair"]
    assert {each["votes"] for each in duplicates} <= {*range(40), -5}
    assert {each["created"].isoformat() for each in duplicates} == {"1970-01-02T00:00:00+00:00"}


def parts_of(records: Sequence[bytes], name: str, parts: int, seed: int) -> list[tuple[str, bytes]]:
    shuffled = random.Random(seed).sample(records, len(records))
    return [(name, b"".join(shuffled[part::parts])) for part in range(parts)]


def test_shards_are_the_same_bytes_for_any_order_and_split_of_the_input(assembled: Path, tmp_path: Path) -> None:
    # Rejects of records are left out here, for their place in the files is part of what is kept of them.
    records = [each for each in RECORDS if b"pairs" in each]
    other = run(tmp_path, LineSource(), parts_of(records, "in.jsonl", 5, seed=1), partitions=4)
    shards = {name: data for name, data in files_of(assembled).items() if name.startswith("candidates")}
    assert len(shards) == 3
    assert {name: data for name, data in files_of(other).items() if name.startswith("candidates")} == shards
    assert counts_of(other) == counts_of(assembled)
    rejects = [each for each in rows_of(assembled, "rejected") if each["stage"] == "pairs"]
    assert rows_of(other, "rejected") == rejects


def test_more_shards_are_the_same_pairs_in_the_same_order(assembled: Path, tmp_path: Path) -> None:
    other = run(tmp_path, LineSource(), [("in.jsonl", b"".join(RECORDS))], shards=150, rejected="none")
    assert rows_of(other) == rows_of(assembled)
    names = [name for name in files_of(other) if name.startswith("candidates")]
    assert names == [f"candidates/lines-{number:05d}-of-00150.parquet" for number in range(150)]  # empty ones too
    assert not (other / "rejected").exists()


POSTS = [
    b'{"id": "%x", "title": "Why is sea number %d salty?", "selftext": "", "created_utc": 1420070400}\n' % (n, n)
    for n in range(16, 60)
]
COMMENTS = [
    json.dumps(
        {
            "id": f"{number:x}",
            "link_id": f"t3_{16 + number % 50:x}",
            "body": f"{ANSWER} Or so the {number} wise say.",
            "score": number % 11,
            "created_utc": str(1420070400 + number),
        }
    ).encode()
    + b"\n"
    for number in range(400)
]


@pytest.mark.parametrize(
    ("options", "copies"), [({}, 0), ({"comments_per_post": 3, "post_text": "both"}, 50)], ids=["one", "three"]
)
def test_joined_shards_are_the_same_bytes_for_any_order_and_partitions(
    tmp_path: Path, options: dict[str, Any], copies: int
) -> None:
    source = Reddit(pair=RedditPairs(**options))
    kept = [each for each in COMMENTS if json.loads(each)["score"] > 0]
    one = run(tmp_path / "one", source, [("RS_1.ndjson", b"".join(POSTS)), ("RC_1.ndjson", b"".join(kept))])
    parts = parts_of(POSTS, "RS_1.ndjson", 2, seed=3)
    parts += parts_of([*kept, *kept[:copies]], "RC_1.ndjson", 4, seed=4)  # dumps overlap
    other = run(tmp_path / "other", source, parts, partitions=5)
    shards = {name: data for name, data in files_of(one).items() if name.startswith("candidates")}
    assert len(shards) == 3
    assert {name: data for name, data in files_of(other).items() if name in shards} == shards
    if not copies:
        assert files_of(other) == files_of(one)  # the rejects too
    first, second = counts_of(one), counts_of(other)
    assert first["join kept"] == second["join kept"]
    rejected = [sum(number for name, number in each.items() if "join rejected" in name) for each in (first, second)]
    assert rejected[1] == rejected[0] + copies
    assert first["join kept"] + rejected[0] == len(POSTS) + len(kept)
    assert first["pairs kept"] == first["join made"] == len(rows_of(one)) > 40


def test_all_rejects_are_kept_where_all_are_wanted(tmp_path: Path) -> None:
    out = run(tmp_path, LineSource(), [("in.jsonl", b"".join(RECORDS))], rejected="all")
    counts = Counter(each["reason"] for each in rows_of(out, "rejected"))
    assert counts["low_score"] == 400
    assert sum(counts.values()) == 400 + 1 + 120
    assert [name for name in files_of(out) if name.startswith("rejected")] == [
        f"rejected/rejected-0000{number}-of-00003.parquet" for number in range(3)
    ]
