"""``python -m ccpairs.judge`` on the candidates of the sample dumps, as a user runs it."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import ccpairs
from ccpairs.pair import JUDGED_SCHEMA, PAIR_SCHEMA
from filters.folds import bases_of, document_hashes, folds_of_bases, text_hashes
from models.encoders import Role, load_encoder
from pipelines.judge.fold_groups import FoldGroups
from pipelines.judge.pool import open_pool
from pipelines.sources import MODULES
from tests.judging import Judged, rows_of, run, write_preset

POOL, DECOYS, MAX_RANK = 3_000, 60, 12


@pytest.fixture(scope="session")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    preset = write_preset(tmp_path_factory.mktemp("preset"))
    return ["--preset", preset, "--pool-size", POOL, "--decoys", DECOYS, "--max-rank", MAX_RANK, "--judge", "either"]


@pytest.fixture(scope="session")
def judged(built_samples: Any, flags: list[object], tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """All sources, judged by models of two folds and by BM25."""
    done = run("judge", built_samples.output, tmp_path_factory.mktemp("judged") / "out", *flags)
    assert done.code == 0, done.stderr
    return done


@pytest.fixture(scope="session")
def models(judged: Judged) -> list[Path]:
    """The models of its two folds."""
    return sorted((judged.output / "_work" / "models").glob("*/fold-*/model"))


def candidates_of(output: Path, source: str) -> pa.Table:
    return pq.read_table(output / "candidates" / source)


@pytest.mark.parametrize("source", MODULES)
def test_every_candidate_is_in_one_of_two_files_as_it_was(source: str, judged: Judged, built_samples: Any) -> None:
    for name in sorted(path.name for path in (built_samples.output / "candidates" / source).glob("*.parquet")):
        before = pq.read_table(built_samples.output / "candidates" / source / name)
        both = [pq.read_table(judged.output / place / source / name) for place in ("pairs", "dropped")]
        assert all(table.schema.equals(JUDGED_SCHEMA) for table in both)
        assert all(table.column("pair_id").to_pylist() == sorted(table.column("pair_id").to_pylist()) for table in both)
        after = pa.concat_tables(both).sort_by("pair_id").select(PAIR_SCHEMA.names)
        assert after.equals(before)


@pytest.mark.parametrize("source", MODULES)
def test_the_rule_is_mutual_top_two_of_either_judge(source: str, judged: Judged) -> None:
    kept, dropped = rows_of(judged.output, source)
    assert kept
    assert dropped

    def passes(row: dict[str, Any], judge: str) -> bool:
        ranks = [row[f"{judge}passage_rank"], row[f"{judge}query_rank"]]
        return all(rank is not None and rank <= 2 for rank in ranks)

    assert all(passes(row, "") or passes(row, "bm25_") for row in kept)
    assert not any(passes(row, "") or passes(row, "bm25_") for row in dropped)


@pytest.mark.parametrize("source", MODULES)
def test_ranks_are_whole_and_the_query_is_asked_where_the_passage_was_found(source: str, judged: Judged) -> None:
    for row in itertools.chain(*rows_of(judged.output, source)):
        for judge in ("", "bm25_"):
            passage, query = row[f"{judge}passage_rank"], row[f"{judge}query_rank"]
            assert 1 <= passage <= MAX_RANK + 1
            assert (query is None) == (passage > MAX_RANK)
            assert query is None or 1 <= query <= MAX_RANK + 1
        assert row["pool_size"] == POOL
        assert -1.001 <= row["similarity"] <= 1.001


@pytest.mark.parametrize(("asks", "answers"), [("query", "passage"), ("passage", "query")])
def test_ranks_are_those_of_a_flat_search_without_equal_texts_and_documents(
    asks: Role, answers: Role, judged: Judged, models: list[Path]
) -> None:
    (folder,) = (judged.output / "_work" / "pool").glob("all-*")
    columns = ["query", "passage", "query_doc", "passage_doc", "source"]
    pool = open_pool(folder)
    rows_in_pool = pa.Table.from_batches(list(pool.batches(columns))).to_pylist()
    members = [rows_in_pool[row] for row in np.argsort(pool.place).tolist()]
    first = {each[answers].lower(): place for place, each in reversed(list(enumerate(members)))}
    distinct = set(first.values())
    of_text: dict[str, list[dict[str, Any]]] = {}
    for each in members:
        of_text.setdefault(each[answers].lower(), []).append(each)
    competing = 0
    for fold, model in enumerate(models):
        encoder = load_encoder(model, sublinear_tf=True)
        rows = [row for row in itertools.chain(*rows_of(judged.output, "stackexchange")) if row["fold"] == fold]
        theirs = encoder.encode([each[answers] for each in members], answers).astype(np.float64)
        ours = {role: encoder.encode([row[role] for row in rows], role).astype(np.float64) for role in (asks, answers)}
        golds = (ours[asks] * ours[answers]).sum(axis=1)
        np.testing.assert_allclose([row["similarity"] for row in rows], golds, atol=1e-5)
        better = ours[asks] @ theirs.T > golds[:, None] + 1e-6
        for row, beaten in zip(rows, better, strict=True):
            rivals = [members[place] for place in np.flatnonzero(beaten) if place in distinct]
            rank = 1 + sum(all(competes(each, row) for each in of_text[rival[answers].lower()]) for rival in rivals)
            assert row[f"{answers}_rank"] in (min(rank, MAX_RANK + 1), None)
            competing += rank < 1 + len(rivals)
    assert competing > 10


def test_a_static_model_may_count_every_occurrence_of_a_token(
    judged: Judged, built_samples: Any, models: list[Path], tmp_path: Path
) -> None:
    flags = ["--model", *models, "--term-frequency", "linear", "--pool-size", 200, "--decoys", 0]
    done = run("judge", built_samples.output, tmp_path / "linear", "--source", "s2orc", *flags)
    assert done.code == 0, done.stderr
    told = [
        ccpairs.read_manifest(str(each / "pairs" / "s2orc")).settings["judged"] for each in (judged.output, done.output)
    ]
    assert [each["term_frequency"] for each in told] == ["sublinear", "linear"]
    plain = [load_encoder(model) for model in models]
    assert told[1]["models"] == [encoder.fingerprint for encoder in plain]
    assert told[0]["models"] == [f"{encoder.fingerprint}-sublinear" for encoder in plain]
    changed = 0
    before = {row["pair_id"]: row["similarity"] for row in itertools.chain(*rows_of(judged.output, "s2orc"))}
    for row in itertools.chain(*rows_of(done.output, "s2orc")):
        encoder = plain[row["fold"]]
        query, passage = encoder.encode([row["query"]], "query")[0], encoder.encode([row["passage"]], "passage")[0]
        assert abs(row["similarity"] - float(query @ passage)) < 1e-5
        changed += abs(row["similarity"] - before[row["pair_id"]]) > 1e-3
    assert changed > 10


def competes(member: dict[str, Any], row: dict[str, Any]) -> bool:
    documents = {row["query_doc"], row["passage_doc"]} & {member["query_doc"], member["passage_doc"]}
    same_document = member["source"] == row["source"] and bool(documents)
    texts, theirs = ({each["query"].lower(), each["passage"].lower()} for each in (row, member))
    return not same_document and not texts & theirs


def folds_in(judged: Judged, source: str, rows: list[dict[str, Any]]) -> list[int]:
    (file,) = (judged.output / "_work" / "folds").glob("*.npy")
    documents = document_hashes(source, [row["passage_doc"] for row in rows])
    bases = bases_of(documents, text_hashes([row["passage"] for row in rows]))
    folds: list[int] = folds_of_bases(FoldGroups.load(file).of(bases), 2).tolist()
    return folds


def test_a_model_has_not_seen_what_it_judges(judged: Judged, built_samples: Any, models: list[Path]) -> None:
    folds: list[int] = []
    texts: dict[str, set[int]] = {}
    for source in MODULES:
        table = candidates_of(built_samples.output, source)
        wanted = folds_in(judged, source, table.to_pylist())
        by_id = dict(zip(table.column("pair_id").to_pylist(), wanted, strict=True))
        found = {str(row["pair_id"]): row["fold"] for row in itertools.chain(*rows_of(judged.output, source))}
        assert found == by_id
        folds += wanted
        for row, fold in zip(table.to_pylist(), wanted, strict=True):
            texts.setdefault(row["passage"].lower(), set()).add(fold)
    assert len(texts) < len(folds)
    assert {len(each) for each in texts.values()} == {1}
    for fold, model in enumerate(models):
        facts = (model.parent / "training.json").read_text()
        assert f'"pairs": {len(folds) - folds.count(fold)}' in facts


def test_readers_get_what_was_kept(judged: Judged) -> None:
    pairs = ccpairs.read_pairs(str(judged.output))
    assert [manifest.source for manifest in pairs.manifests] == sorted(MODULES)
    assert pairs.schema.equals(JUDGED_SCHEMA)
    assert len(pairs) == sum(len(rows_of(judged.output, source)[0]) for source in MODULES)
    pairs.verify()
    ccpairs.read_pairs(str(judged.output / "dropped")).verify()


def test_manifests_add_up(judged: Judged, built_samples: Any) -> None:
    for source in MODULES:
        before = ccpairs.read_manifest(str(built_samples.output / "candidates" / source))
        kept, dropped = (ccpairs.read_manifest(str(judged.output / name / source)) for name in ("pairs", "dropped"))
        assert (kept.stage, dropped.stage) == ("pairs", "dropped")
        assert kept.rows + dropped.rows == before.rows
        stage = kept.counts[-1]
        assert (stage.stage, stage.read, stage.kept) == ("judge", before.rows, kept.rows)
        assert sum(stage.rejected.values()) == dropped.rows
        assert set(stage.rejected) <= {"passage_rank_above_k", "query_rank_above_k"}
        assert kept.counts[:-1] == before.counts
        told = kept.judged
        assert told is not None
        assert {name: each["read"] for name, each in told["pair_types"].items()} == before.pair_types
        assert told["leakage"] == {"model": 2 / POOL, "bm25": 2 / POOL}
        assert (told["pool"]["rows"], told["k"], told["direction"]) == (POOL, 2, "mutual")
        assert len(told["models"]) == 2
        assert told["at_k"]["mutual"][1]["kept"] == kept.rows


def test_decoys_are_mismatches_of_one_fold_and_never_in_the_shards(judged: Judged, built_samples: Any) -> None:
    (folder,) = (judged.output / "_work" / "pool").glob("all-*")
    batches = list(open_pool(folder).batches(["query", "passage"]))
    known = {(row["query"], row["passage"]) for batch in batches for row in batch.to_pylist()}
    for source in MODULES:
        table = candidates_of(built_samples.output, source)
        by_id = {row["pair_id"]: row for row in table.to_pylist()}
        decoys = pq.read_table(judged.output / "decoys" / f"{source}.parquet").to_pylist()
        assert {row["kind"] for row in decoys} == {"far", "near"}
        for row in decoys:
            one, other = by_id[row["query_pair_id"]], by_id[row["passage_pair_id"]]
            assert (row["query"], row["passage"]) == (one["query"], other["passage"])
            assert (row["query"], row["passage"]) not in known
            assert not {one["query_doc"], one["passage_doc"]} & {other["query_doc"], other["passage_doc"]}
            assert folds_in(judged, source, [one, other]) == [row["fold"]] * 2


def test_what_a_manifest_tells_of_decoys_is_what_their_file_holds(judged: Judged) -> None:
    for source in MODULES:
        told = ccpairs.read_manifest(str(judged.output / "pairs" / source)).judged
        assert told is not None
        decoys = pq.read_table(judged.output / "decoys" / f"{source}.parquet").to_pandas()
        for kind in ("far", "near"):
            rows = decoys[decoys["kind"] == kind]
            if kind == "near":
                model = (rows["donor_passage_rank"] <= MAX_RANK) & (rows["donor_query_rank"] <= MAX_RANK)
                lexical = (rows["donor_bm25_passage_rank"] <= MAX_RANK) & (rows["donor_bm25_query_rank"] <= MAX_RANK)
                assert 0 < (model | lexical).sum() < len(rows)
                rows = rows[model | lexical]
            for k in (1, 2, MAX_RANK):
                model = (rows["passage_rank"] <= k) & (rows["query_rank"] <= k)
                lexical = (rows["bm25_passage_rank"] <= k) & (rows["bm25_query_rank"] <= k)
                found = told["at_k"]["mutual"][k - 1][kind]
                assert (found["kept"], found["of"]) == (int((model | lexical).sum()), len(rows))
                assert found["low"] <= found["rate"] <= found["high"]


def test_donors_have_the_ranks_of_their_pairs_in_the_shards(judged: Judged) -> None:
    names = ["passage_rank", "query_rank", "bm25_passage_rank", "bm25_query_rank"]
    for source in MODULES:
        by_id = {row["pair_id"]: row for part in rows_of(judged.output, source) for row in part}
        for row in pq.read_table(judged.output / "decoys" / f"{source}.parquet").to_pylist():
            own = by_id[row["passage_pair_id"]] if row["kind"] == "near" else dict.fromkeys(names)
            assert [row[f"donor_{name}"] for name in names] == [own[name] for name in names]


def test_decoys_of_a_model_that_learned_something_are_dropped(judged: Judged) -> None:
    """And far ones more than near ones, at some k."""
    far, near, of, counted = 0, 0, 0, 0
    for source in MODULES:
        told = ccpairs.read_manifest(str(judged.output / "pairs" / source)).judged
        assert told is not None
        last = told["at_k"]["query-to-passage"][MAX_RANK - 1]
        far, near = far + last["far"]["kept"], near + last["near"]["kept"]
        of, counted = of + last["far"]["of"], counted + last["near"]["of"]
        assert told["at_k"]["mutual"][0]["far"]["rate"] < 0.05
    assert far / of < near / counted
    assert of == len(MODULES) * DECOYS


def test_the_tables_say_what_happened(judged: Judged) -> None:
    lines = judged.stdout.splitlines()
    rows = {line.split()[0]: line.split() for line in lines[1 : len(MODULES) + 2]}
    for source in MODULES:
        manifest = ccpairs.read_manifest(str(judged.output / "pairs" / source))
        stage = manifest.counts[-1]
        assert rows[source][1:4] == ["2", f"{stage.read:,}", f"{stage.kept:,}"]
    assert rows["all"][1] == f"{sum(len(candidates) for candidates in all_rows(judged)):,}"
    assert re.search(r"^decoys kept +far decoys +kept +rate +95 % interval +near decoys", judged.stdout, re.MULTILINE)
    assert re.search(r"^reddit +\*2 ", judged.stdout, re.MULTILINE)
    assert f"k = 2 of a pool of {POOL:,} lets about 6.7e-04 of random pairs pass" in judged.stderr


def all_rows(judged: Judged) -> list[list[dict[str, Any]]]:
    return [part for source in MODULES for part in rows_of(judged.output, source)]


def test_a_second_run_finds_it_done(judged: Judged, built_samples: Any, flags: list[object]) -> None:
    places = [path for name in ("pairs", "dropped", "decoys") for path in (judged.output / name).rglob("*")]
    before = {path: path.stat().st_mtime_ns for path in places}
    again = run("judge", built_samples.output, judged.output, *flags)
    assert again.code == 0, again.stderr
    assert again.stdout.count("(found done)") == len(MODULES)
    assert {path: path.stat().st_mtime_ns for path in places} == before
    assert again.stdout.replace("  (found done)", "") == judged.stdout


@pytest.mark.parametrize(
    "workers", [["--direct_num_workers=2", "--direct_running_mode=multi_processing"], ["--rank-path", "faiss"]]
)
def test_workers_and_ways_of_counting_change_no_byte(
    workers: list[str], judged: Judged, models: list[Path], built_samples: Any, flags: list[object], tmp_path: Path
) -> None:
    found = run("judge", built_samples.output, tmp_path / "out", *flags, "--model", *models, *workers)
    assert found.code == 0, found.stderr
    assert found.files() == judged.files()


def test_one_shard_or_four_give_the_same_judgement(
    judged: Judged, models: list[Path], built_samples: Any, flags: list[object], tmp_path: Path
) -> None:
    done = run("refilter", built_samples.output, tmp_path / "candidates", "--source", "news")
    assert done.code == 0, done.stderr
    from tests.pipelines.judge.small_candidates import write_table

    for source in MODULES:
        write_table(tmp_path, candidates_of(built_samples.output, source).sort_by("pair_id"), source, 1)
    found = run("judge", tmp_path, tmp_path / "out", *flags, "--model", *models)
    assert found.code == 0, found.stderr
    for source in MODULES:
        for name in ("pairs", "dropped"):
            one, four = (pq.read_table(each.output / name / source).sort_by("pair_id") for each in (found, judged))
            assert one.equals(four)


@pytest.mark.parametrize(
    "rule",
    [
        ["--judge", "both", "--top-k", "5", "reddit=1"],
        ["--judge", "model", "--direction", "query-to-passage", "--min-similarity", "0.3"],
        ["--max-false-keep", "near=0.05"],
    ],
    ids=lambda rule: " ".join(rule),
)
def test_refilter_gives_the_bytes_of_a_run_with_that_rule(
    rule: list[str], judged: Judged, models: list[Path], built_samples: Any, flags: list[object], tmp_path: Path
) -> None:
    lexical = ["--bm25-pool-size", 100_000]
    wanted = run("judge", built_samples.output, tmp_path / "judged", *flags, *lexical, *rule, "--model", *models)
    assert wanted.code == 0, wanted.stderr
    found = run("refilter", judged.output, tmp_path / "refiltered", *rule)
    assert found.code == 0, found.stderr
    assert found.files() == wanted.files()
    assert found.files() != judged.files()
    for source in MODULES:
        one, other = (ccpairs.read_manifest(str(each.output / "pairs" / source)) for each in (found, wanted))
        assert one.counts == other.counts
        assert one.pair_types == other.pair_types
        assert one.settings["refiltered_from"] != one.settings_hash
        assert one.judged is not None
        assert other.judged is not None
        assert {**one.judged, "rounds": None} == {**other.judged, "rounds": None}
    again = run("refilter", judged.output, tmp_path / "refiltered", *rule)
    assert again.stdout.count("(found done)") == len(MODULES)


def test_each_source_can_have_a_pool_of_its_own(models: list[Path], built_samples: Any, tmp_path: Path) -> None:
    arguments = ["--model", *models, "--pool-size", 500, "--pool-scope", "source", "--source", "news,reddit"]
    arguments += ["--accelerator", "type:nvidia-l4;count:1;install-nvidia-driver"]  # a hint, which is no order
    done = run("judge", built_samples.output, tmp_path / "out", *arguments, "--decoys", 0)
    assert done.code == 0, done.stderr
    for source in ("news", "reddit"):
        told = ccpairs.read_manifest(str(tmp_path / "out" / "pairs" / source)).judged
        assert told is not None
        assert (told["pool"]["name"], told["pool"]["rows"], told["decoys"]) == (source, 500, {})
    assert not (tmp_path / "out" / "decoys").exists()
    assert not (tmp_path / "out" / "pairs" / "wikipedia").exists()


def test_bm25_alone_needs_no_model(built_samples: Any, tmp_path: Path) -> None:
    done = run("judge", built_samples.output, tmp_path / "out", "--judge", "bm25", "--source", "news", "--decoys", 40)
    assert done.code == 0, done.stderr
    assert not (tmp_path / "out" / "_work" / "models").exists()
    table = pq.read_table(tmp_path / "out" / "pairs" / "news")
    for name in ("similarity", "passage_rank", "query_rank", "pool_size"):
        assert table.column(name).null_count == len(table) > 100
    assert pc.max(table.column("bm25_query_rank")).as_py() <= 2
    kinds = pq.read_table(tmp_path / "out" / "decoys" / "news.parquet").column("kind").to_pylist()
    assert min(kinds.count("far"), kinds.count("near")) > 20


def test_rounds_train_on_what_some_k_would_keep_and_say_what_changed(
    built_samples: Any, flags: list[object], tmp_path: Path
) -> None:
    arguments = [*flags, "--judge", "model", "--source", "news,communityqa", "--rounds", 2]
    done = run("judge", built_samples.output, tmp_path / "out", *arguments)
    assert done.code == 0, done.stderr
    first = tmp_path / "out" / "_work" / "rounds" / "1"
    for source in ("news", "communityqa"):
        before, after = ({row["pair_id"] for row in rows_of(each, source)[0]} for each in (first, tmp_path / "out"))
        told = ccpairs.read_manifest(str(tmp_path / "out" / "pairs" / source)).judged
        assert told is not None
        assert told["rounds"] == [
            {"kept": len(before), "came": 0, "left": 0},
            {"kept": len(after), "came": len(after - before), "left": len(before - after)},
        ]
        assert before != after
    every = [row for source in ("news", "communityqa") for part in rows_of(first, source) for row in part]
    survivors = sum(row["passage_rank"] <= MAX_RANK and row["query_rank"] <= MAX_RANK for row in every)
    facts = [path.read_text() for path in (tmp_path / "out" / "_work" / "models").glob("*/fold-*/training.json")]
    trained = [int(found) for text in facts for found in re.findall(r'"pairs": (\d+)', text)]
    assert len(trained) == 4
    assert survivors in (sum(trained[:2]), sum(trained[2:]))
    assert re.search(r"^source +round +kept +newly kept +no longer kept$", done.stdout, re.MULTILINE)
    again = run("judge", built_samples.output, tmp_path / "out", *arguments)
    assert again.stdout.count("(found done)") == 2
