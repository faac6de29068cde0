"""The whole build on the sample dumps of all sources: what comes out, and that nothing but the input decides it."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import ccpairs
from ccpairs.pair import PAIR_SCHEMA
from pipelines.identity import shard_of
from pipelines.samples.report import EXTRACT, JOIN, PAIRS
from pipelines.sources import MODULES


def stages(built: Any, source: str) -> dict[str, Any]:
    manifest = ccpairs.read_manifest(str(built.output / "candidates" / source))
    return {counts.stage: counts for counts in manifest.counts}


def test_it_ends_well_and_says_what_happened(built_samples: Any) -> None:
    assert built_samples.code == 0, built_samples.stderr
    for source in MODULES:
        assert f"{source}: {built_samples.output}/candidates/{source}" in built_samples.stdout
    assert "Traceback" not in built_samples.stderr
    assert "apache_beam" not in built_samples.stderr


@pytest.mark.parametrize("source", MODULES)
def test_dirt_is_dropped_where_and_as_often_as_it_was_put_in(source: str, built_samples: Any, samples: Any) -> None:
    found = stages(built_samples, source)
    assert found["extract"].read == sum(file.records for file in samples.report.of(source))
    for stage in (EXTRACT, JOIN, PAIRS):
        expected = samples.report.expected(source, stage)
        rejected = Counter(dict(found[stage].rejected)) if stage in found else Counter()
        assert expected <= rejected, f"{stage}: put in {expected}, rejected {rejected}"
    assert Counter(dict(found["extract"].rejected)) == samples.report.expected(source, EXTRACT)


@pytest.mark.parametrize("source", MODULES)
def test_counts_add_up_and_match_the_files(source: str, built_samples: Any) -> None:
    folder = built_samples.output / "candidates" / source
    manifest = ccpairs.read_manifest(str(folder))
    for counts in manifest.counts:
        assert counts.read == counts.kept + sum(counts.rejected.values()) + sum(counts.failed.values())
    table = ccpairs.read_pairs(str(folder)).to_table()
    assert table.num_rows == manifest.rows == manifest.counts[-1].kept > 100
    assert Counter(table.column("pair_type").to_pylist()) == dict(manifest.pair_types)
    rejected = pq.read_table(str(built_samples.output / "rejected" / source))
    by_stage = Counter(zip(rejected.column("stage").to_pylist(), rejected.column("reason").to_pylist(), strict=True))
    for counts in manifest.counts:
        if counts.stage != "join":  # a reject of a join may stand for many rows that never travelled
            for reason, number in counts.rejected.items():
                assert by_stage[(counts.stage, reason)] == number


@pytest.mark.parametrize("source", MODULES)
def test_shards_hold_distinct_plain_pairs_in_the_order_of_their_ids(source: str, built_samples: Any) -> None:
    reader = ccpairs.read_pairs(str(built_samples.output / "candidates" / source))
    assert reader.schema.equals(PAIR_SCHEMA, check_metadata=True)
    reader.verify()
    ids: list[str] = []
    for number, shard in enumerate(reader.shards):
        table = pq.read_table(shard)
        inside = table.column("pair_id").to_pylist()
        assert all(shard_of(each, len(reader.shards)) == number for each in inside)
        ids += inside
    assert ids == sorted(set(ids))
    table = reader.to_table()
    assert set(table.column("source").to_pylist()) == {source}
    for name in ("query", "passage"):
        texts = table.column(name)
        assert not pc.any(pc.match_substring_regex(texts, r"[\x00-\x1f\x7f]|  |^ | $|&(amp|lt|gt|quot|nbsp);")).as_py()
        assert pc.min(pc.utf8_length(texts)).as_py() > 0


@pytest.mark.parametrize("source", MODULES)
def test_no_pair_in_another_language_is_left(source: str, built_samples: Any, samples: Any) -> None:
    foreign = samples.report.docs(source, "other language")
    rejected = pq.read_table(str(built_samples.output / "rejected" / source)).to_pylist()
    reasons = {"wrong_language", "language_uncertain"}
    dropped = {each["passage_doc"] for each in rejected if each["reason"] in reasons}
    kept = {pair["passage_doc"] for pair in ccpairs.read_pairs(str(built_samples.output / "candidates" / source))}
    assert foreign & kept == set()
    assert foreign & dropped or not foreign


@pytest.mark.parametrize("source", MODULES)
def test_scores_are_in_the_record(source: str, built_samples: Any) -> None:
    table = ccpairs.read_pairs(str(built_samples.output / "candidates" / source)).to_table()
    assert set(table["language"].to_pylist()) == {"en"}
    assert pc.min(table["language_score"]).as_py() >= 0.5
    scored = table.num_rows - table["perplexity"].null_count
    assert scored == (table.num_rows if source in ("commoncrawl", "news") else 0)


@pytest.mark.parametrize("source", ["commoncrawl", "news"])
def test_pages_of_shuffled_words_are_dropped_and_prose_stays(source: str, built_samples: Any, samples: Any) -> None:
    gibberish = samples.report.docs(source, "gibberish")
    kept = {pair["passage_doc"] for pair in ccpairs.read_pairs(str(built_samples.output / "candidates" / source))}
    assert gibberish
    assert len(gibberish & kept) <= 0.1 * len(gibberish)
    rejected = pq.read_table(str(built_samples.output / "rejected" / source), columns=["reason", "passage_doc"])
    improbable = {each["passage_doc"] for each in rejected.to_pylist() if each["reason"] == "high_perplexity"}
    assert improbable <= gibberish


def test_the_sides_of_swapped_pairs_are_left_for_the_judge(built_samples: Any, samples: Any) -> None:
    """They read like pairs, so nothing before it may drop them."""
    for source in MODULES:
        reader = ccpairs.read_pairs(str(built_samples.output / "candidates" / source))
        docs = {doc for pair in reader for doc in (pair["query_doc"], pair["passage_doc"])}
        swapped = samples.report.docs(source, "swapped pair")
        assert len(swapped & docs) >= 0.9 * len(swapped), f"{source}: {len(swapped - docs)} of {len(swapped)} are gone"


def test_comparing_texts_gives_the_same_bytes_for_one_worker_and_four(
    samples: Any, build: Callable[..., Any], tmp_path: Path
) -> None:
    names = ("s2orc", "communityqa")
    flags = ["--source", ",".join(names), "--rejected", "all", "--near-duplicates", "0.5", "--max-repeats", "2"]
    one, four = (
        build(tmp_path / folder, *flags, "--input", *inputs, f"--direct_num_workers={workers}", mode)
        for folder, workers, mode, inputs in (
            ("one", 1, "--direct_running_mode=in_memory", [f"{name}={samples.folder / name}" for name in names]),
            (
                *("four", 4, "--direct_running_mode=multi_processing"),
                [
                    f"{name}={path}"
                    for name in names
                    for path in sorted((samples.folder / name).rglob("*"), reverse=True)
                    if path.is_file()
                ],
            ),
        )
    )
    assert (one.code, four.code) == (0, 0), one.stderr + four.stderr
    assert one.shards() == four.shards()
    reasons = stages(one, "s2orc")["pairs"].rejected
    assert {"near_duplicate", "repeated_passage", "repeated_query"} <= set(reasons)
    rejected = pq.read_table(
        str(one.output / "rejected" / "s2orc"), columns=["reason", "duplicate_of", "pair_id"]
    ).to_pylist()
    known = {each["pair_id"] for each in rejected} | set(
        ccpairs.read_pairs(str(one.output / "candidates" / "s2orc"), ["pair_id"]).to_table()["pair_id"].to_pylist()
    )
    originals = {each["duplicate_of"] for each in rejected if each["reason"] == "near_duplicate"}
    assert originals <= known
    assert originals


def test_test_questions_are_dropped_and_named(samples: Any, build: Callable[..., Any], tmp_path: Path) -> None:
    """One document and one query of the data itself, as an evaluation set."""
    inputs = ["--source", "communityqa", "--input", samples.folder / "communityqa", "--rejected", "all"]
    before = build(tmp_path / "before", *inputs)
    pairs = list(ccpairs.read_pairs(str(before.output / "candidates" / "communityqa")))
    answer = max(pairs, key=lambda pair: len(pair["passage"]))["passage"]
    question = next(pair["query"] for pair in pairs if pair["passage"] != answer and len(pair["query"].split()) > 4)
    folder = tmp_path / "exam"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text(json.dumps({"_id": "d", "title": "", "text": f"So. {answer.upper()}"}) + "\n")
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": question}) + "\n")
    after = build(tmp_path / "after", *inputs, "--decontaminate", folder)
    assert after.code == 0, after.stderr
    rejected = pq.read_table(str(after.output / "rejected" / "communityqa")).to_pylist()
    found = {each["reason"]: each["detail"] for each in rejected if each["reason"].startswith("contaminated")}
    assert set(found) == {"contaminated_exact", "contaminated_ngram"}
    assert "exam/queries/q" in found["contaminated_exact"]
    assert "exam/corpus/d" in found["contaminated_ngram"]
    left = list(ccpairs.read_pairs(str(after.output / "candidates" / "communityqa")))
    assert not {answer, question} & {side for pair in left for side in (pair["query"], pair["passage"])}


def test_order_of_inputs_workers_and_a_second_run_change_no_byte(
    built_samples: Any, samples: Any, build: Callable[..., Any], tmp_path: Path
) -> None:
    inputs = [
        f"{source}={path}"
        for source in MODULES
        for path in (samples.folder / source).rglob("*")
        if path.is_file() and "index" not in path.name
    ]
    random.Random(5).shuffle(inputs)
    arguments = ["--source", "all", "--input", *inputs, "--rejected", "all", "--num-shards", 4]
    workers = ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]
    other = build(tmp_path / "out", *arguments, *workers)
    assert other.code == 0, other.stderr
    assert "apitools" not in other.stderr  # which Beam misses in each process, where its Google Cloud parts are not
    assert other.shards() == built_samples.shards()
    before = {path: path.stat().st_mtime_ns for path in other.output.glob("[ce]*/*/*")}
    again = build(tmp_path / "out", *arguments)
    assert again.code == 0
    assert again.stdout.count("(found done)") == len(MODULES)
    assert {path: path.stat().st_mtime_ns for path in again.output.glob("[ce]*/*/*")} == before


def test_the_manifest_says_what_the_shards_were_made_from(built_samples: Any, samples: Any) -> None:
    path = built_samples.output / "candidates" / "reddit" / "_manifest.json"
    manifest = json.loads(path.read_text())
    assert manifest["schema_version"] == 1
    assert manifest["settings"]["comments_per_post"] == 1
    assert len(manifest["settings_hash"]) == 32
    assert {"ccpairs", "pyarrow", "apache-beam"} <= set(manifest["versions"])
    for info in manifest["inputs"]:
        assert Path(info["uri"]).stat().st_size == info["size"]
        assert len(info["sha256"]) == 64
        assert info["read"] == info["rows"] + sum(info["rejected"].values())
