"""``python -m ccpairs.refilter`` on a build of the sample dumps of all sources, as a user runs both."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import ccpairs
from ccpairs.refilter import main
from pipelines.sources import MODULES
from tests.conftest import REPOSITORY, Built


def refiltered(source: Path, output: Path, *arguments: object) -> Built:
    command = [sys.executable, "-m", "ccpairs.refilter", "--input", source, "--output", output, *arguments]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    return Built(done.returncode, done.stdout, done.stderr, output)


LOOSER = ("--languages", "all", "--min-language-score", "0.3", "--max-perplexity", "off")
ALL = ("--languages", "all")
STRICTER = ("--min-language-score", "0.9", "--max-perplexity", "p50", "--near-duplicates", "0.7", "--max-repeats", "2")


@pytest.mark.parametrize("arguments", [LOOSER, ALL, STRICTER], ids=["looser", "all", "stricter"])
def test_it_gives_the_bytes_of_a_build_with_those_thresholds(
    arguments: tuple[str, ...], built_samples: Any, samples: Any, build: Callable[..., Built], tmp_path: Path
) -> None:
    inputs = [f"{name}={samples.folder / name}" for name in MODULES]
    flags = ["--rejected", "all", "--num-shards", 4, "--direct_num_workers=1"]
    wanted = build(tmp_path / "built", "--source", "all", "--input", *inputs, *flags, *arguments)
    assert wanted.code == 0, wanted.stderr
    found = refiltered(built_samples.output, tmp_path / "refiltered", *arguments, "--direct_num_workers=1")
    assert found.code == 0, found.stderr
    assert found.shards() == wanted.shards()
    assert found.shards() != built_samples.shards()
    for source in MODULES:
        one, other = (ccpairs.read_manifest(str(each.output / "candidates" / source)) for each in (found, wanted))
        assert one.counts == other.counts
        assert one.pair_types == other.pair_types
        assert one.settings["text_quality"] == other.settings["text_quality"]
        assert one.settings["refiltered_from"] != one.settings_hash


def test_the_threshold_of_a_build_follows_the_languages_unless_it_was_given(
    build: Callable[..., Built], samples: Any, tmp_path: Path
) -> None:
    common = ["--source", "news", "--input", samples.folder / "news", "--rejected", "all"]
    scores = {}
    for name, flags in {"default": [], "given": ["--min-language-score", "0.5"]}.items():
        assert build(tmp_path / name, *common, *flags).code == 0
        for languages in ("all", "en"):
            output = tmp_path / f"{name}-{languages}"
            assert refiltered(tmp_path / name, output, "--languages", languages).code == 0
            manifest = ccpairs.read_manifest(str(output / "candidates" / "news"))
            scores[name, languages] = manifest.settings["text_quality"]["min_language_score"]
    assert scores == {("default", "all"): 0, ("default", "en"): 0.5, ("given", "all"): 0.5, ("given", "en"): 0.5}


def test_the_table_says_what_changed(built_samples: Any, tmp_path: Path) -> None:
    found = refiltered(built_samples.output, tmp_path / "out", "--source", "news", "--languages", "all")
    before = ccpairs.read_manifest(str(built_samples.output / "candidates" / "news")).counts[-1]
    after = ccpairs.read_manifest(str(tmp_path / "out" / "candidates" / "news")).counts[-1]
    lines = [line.split() for line in found.stdout.splitlines()]
    assert lines[0] == ["source", "before", "after", "change"]
    assert lines[1] == ["news", "pairs", f"{before.kept:,}", f"{after.kept:,}", f"+{after.kept - before.kept}"]
    wrong = before.rejected["wrong_language"]
    assert ["wrong_language", f"{wrong}", "0", f"-{wrong}"] in lines
    assert not (tmp_path / "out" / "candidates" / "reddit").exists()


def test_a_second_run_finds_it_done(built_samples: Any, tmp_path: Path) -> None:
    arguments = ("--source", "news", "--min-language-score", "0.7")
    first = refiltered(built_samples.output, tmp_path / "out", *arguments)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("[cr]*/*/*")}
    second = refiltered(built_samples.output, tmp_path / "out", *arguments)
    assert (first.code, second.code) == (0, 0)
    assert "(found done)" in second.stdout
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("[cr]*/*/*")} == times


def test_without_all_rejects_it_says_what_it_cannot_bring_back(
    build: Callable[..., Built], samples: Any, tmp_path: Path
) -> None:
    arguments = ["--source", "news", "--input", samples.folder / "news", "--rejected", "none"]
    assert build(tmp_path / "built", *arguments).code == 0
    manifest = ccpairs.read_manifest(str(tmp_path / "built" / "candidates" / "news"))
    found = refiltered(tmp_path / "built", tmp_path / "out", "--languages", "all")
    assert found.code == 0
    assert f"wrong_language {manifest.counts[-1].rejected['wrong_language']}" in found.stdout
    assert "--rejected all" in found.stdout
    again = ccpairs.read_manifest(str(tmp_path / "out" / "candidates" / "news"))
    assert again.rows == manifest.rows
    assert again.counts == manifest.counts


def test_scores_stay_what_they_were(built_samples: Any, tmp_path: Path) -> None:
    refiltered(built_samples.output, tmp_path / "out", "--source", "commoncrawl", "--max-perplexity", "p60")
    columns = ["pair_id", "language", "language_score", "perplexity"]
    before, after = (
        {row["pair_id"]: row for row in ccpairs.read_pairs(str(folder / "candidates" / "commoncrawl"), columns)}
        for folder in (built_samples.output, tmp_path / "out")
    )
    assert 0 < len(after) < len(before)
    assert all(before[identity] == row for identity, row in after.items())
    rejected = pq.read_table(str(tmp_path / "out" / "rejected" / "commoncrawl"), columns=["reason", "perplexity"])
    found = {row["perplexity"] for row in rejected.to_pylist() if row["reason"] == "high_perplexity"}
    assert min(found) >= max(row["perplexity"] for row in after.values())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--input", "{built}", "--output", "{built}"], "is where the input lies; choose another --output"),
        (["--input", "{empty}", "--output", "{out}"], "finish the build first"),
        (["--input", "{built}", "--output", "{out}", "--source", "weather"], "holds no weather"),
        (["--input", "{built}", "--output", "{out}", "--max-perplexity", "high"], "expected off, a perplexity"),
        (["--input", "{built}", "--output", "{out}", "--max-perplexity", "de=300"], "no language model of de"),
        (["--input", "{built}", "--output", "{out}", "--languages", "klingon"], "no language code of lid.176"),
        (["--input", "{built}", "--output", "{out}", "--near-duplicates", "2"], "a similarity above 0"),
        (["--input", "{built}", "--output", "{out}", "--max-repeats", "0"], "a whole number from 1"),
        (["--output", "{out}"], "--input"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], says: str, built_samples: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"built": built_samples.output, "empty": tmp_path / "empty", "out": tmp_path / "out"}
    assert main([argument.format(**places) for argument in arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
