"""What ``judge`` and ``refilter`` say of mistakes, and of candidates with little or nothing in them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer

import ccpairs
from ccpairs.judge import main
from ccpairs.refilter import main as refilter
from models.static.encoder import StaticEncoder, static_encoder
from models.static.tokenizer import train_tokenizer
from tests.judging import rows_of, write_preset
from tests.pipelines.judge.small_candidates import Row, rows, write_candidates


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return train_tokenizer([text for row in rows(50) for text in (row.query, row.passage)], 300)


@pytest.fixture(scope="session")
def model(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder whose vectors are random ones of words."""
    folder = tmp_path_factory.mktemp("model") / "one"
    static_encoder(tokenizer, 16).save(folder)
    return folder


@pytest.fixture(scope="session")
def wider(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "wider"
    static_encoder(tokenizer, 24).save(folder)
    return folder


@pytest.fixture(scope="session")
def broken(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder whose training diverged."""
    folder = tmp_path_factory.mktemp("model") / "broken"
    encoder = static_encoder(tokenizer, 16)
    StaticEncoder(encoder.reader, np.full_like(encoder.rows, np.nan)).save(folder)
    return folder


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``good`` candidates, ``empty`` ones, some with a ``missing`` shard, an ``unfinished`` source, ``nothing``."""
    folder = tmp_path_factory.mktemp("inputs")
    write_candidates(folder / "good", rows(40), "reddit", shards=2)
    write_candidates(folder / "empty", [], "reddit", shards=2)
    write_candidates(folder / "missing", rows(40), "reddit", shards=2)
    (folder / "missing/candidates/reddit/reddit-00001-of-00002.parquet").unlink()
    write_candidates(folder / "unfinished", rows(40), "reddit")
    (folder / "unfinished/candidates/reddit/_manifest.json").unlink()
    (folder / "nothing").mkdir()
    (folder / "no-model").mkdir()
    return folder


MISTAKES = {
    "no folder of a model": (["--model", "{inputs}/no-such"], "no such folder"),
    "a folder without a model": (["--model", "{inputs}/no-model"], "no model here"),
    "fewer models than folds": (["--model", "{model}", "--folds", "2"], "1 models for 2 folds"),
    "more models than folds": (["--model", "{model}", "{model}", "--folds", "1"], "2 models for 1 folds"),
    "models that differ in dimension": (
        ["--model", "{model}", "{wider}"],
        "has vectors of 24 dimensions, {model} of 16; the models of all folds are of one kind",
    ),
    "a model that diverged": (["--model", "{broken}"], "vectors that are not finite"),
    "no such preset": (["--preset", "best"], "no preset best"),
    "too many folds": (["--folds", "101"], "choose from 1"),
    "no whole k": (["--top-k", "two"], "--top-k two: say a whole number from 1"),
    "a k above the last exact rank": (["--top-k", "30"], "judge with --max-rank 30"),
    "a k of a source that is not there": (["--top-k", "news=3"], "--top-k news=…: no such source; there is reddit"),
    "no such source": (["--source", "news"], "holds no news; it holds reddit"),
    "no rate": (["--max-false-keep", "near"], "says no false-keep rate"),
    "rates without decoys": (["--max-false-keep", "near=0.1", "--decoys", "0"], "leave out --decoys 0"),
    "a floor that BM25 lacks": (["--judge", "bm25", "--min-similarity", "0.2"], "--min-similarity is the model's"),
    "no similarity": (["--min-similarity", "high"], "expected a similarity such as 0.3, or off"),
    "rounds of given models": (["--model", "{model}", "--rounds", "2"], "leave one of the two out"),
    "rounds of BM25": (["--judge", "bm25", "--rounds", "2"], "--rounds trains models, and BM25 has none"),
    "no pool": (["--pool-size", "0"], "expected a whole number from 1"),
    "a misspelt flag": (["--pool-sise", "5"], "did you mean --pool-size?"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "says"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_one_line(
    arguments: list[str], says: str, inputs: Path, model: Path, wider: Path, broken: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    names = {"inputs": inputs, "model": model, "wider": wider, "broken": broken}
    given = [argument.format(**names) for argument in arguments]
    assert main(["--input", str(inputs / "good"), "--output", str(tmp_path / "out"), "--quiet", *given]) == 2
    line = capfd.readouterr().err.splitlines()[-1]
    assert says.format(**names) in line
    assert line.startswith("ccpairs: ")
    assert not (tmp_path / "out" / "pairs").exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing", "has no _manifest.json, so it holds no finished shards"),
        ("unfinished", "has no _manifest.json, so it holds no finished shards; finish the build"),
        ("unfinished/candidates/reddit", "has no _manifest.json, so it holds no finished shards; finish the build"),
        ("missing", "reddit-00001-of-00002.parquet is missing or not what its manifest says; run the build again"),
        ("empty", "there is no pair to judge"),
        ("no-such", "has no _manifest.json"),
    ],
)
def test_inputs_that_are_none(
    name: str, says: str, inputs: Path, model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--input", str(inputs / name), "--output", str(tmp_path / "out"), "--model", str(model)]) == 2
    assert says in capfd.readouterr().err.splitlines()[-1]


def damage(file: Path) -> None:
    data = bytearray(file.read_bytes())
    middle = len(data) // 3
    data[middle : middle + 400] = bytes(400)
    file.write_bytes(data)


def test_a_damaged_shard_is_named_and_a_good_copy_of_it_taken(
    model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    candidates = write_candidates(tmp_path / "in", rows(3_000), "reddit", shards=3)
    file = Path(candidates.folder) / candidates.shards[1].name
    good = file.read_bytes()
    arguments = ["--input", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--model", str(model)]
    arguments += ["--decoys", "0", "--pool-size", "100"]
    damage(file)
    assert main(arguments) == 2  # while the pool is drawn
    assert (
        f"{file} is not what its manifest says (SHA-256 differs); make it again"
        in capfd.readouterr().err.splitlines()[-1]
    )
    file.write_bytes(good)
    assert main(arguments) == 0
    undisturbed = pq.read_table(tmp_path / "out" / "pairs" / "reddit")
    for name in ("pairs", "_work/notes"):
        shutil.rmtree(tmp_path / "out" / name)
    damage(file)
    assert main(arguments) == 2  # while shards are judged
    assert (
        f"{file} is not what its manifest says (SHA-256 differs); make it again"
        in capfd.readouterr().err.splitlines()[-1]
    )
    assert len(list((tmp_path / "out" / "_work" / "notes").glob("*.json"))) == 2
    file.write_bytes(good)
    assert main(arguments) == 0
    assert pq.read_table(tmp_path / "out" / "pairs" / "reddit").equals(undisturbed)


def test_an_output_that_cannot_be_mapped(inputs: Path, model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--input", str(inputs / "good"), "--output", "s3://bucket/out", "--model", str(model)]) == 2
    assert "name one by --work" in capfd.readouterr().err


@pytest.fixture(scope="session")
def judged(inputs: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("judged") / "out"
    assert main(["--input", str(inputs / "good"), "--output", str(output), "--model", str(model), "--decoys", "9"]) == 0
    return output


def test_judged_shards_are_no_candidates(
    judged: Path, model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--input", str(judged), "--output", str(tmp_path / "out"), "--model", str(model)]) == 2
    assert "holds pairs, which are judged; name the output of a build" in capfd.readouterr().err


REFILTER_MISTAKES = {
    "BM25 did not judge": (["--judge", "bm25"], "reddit was judged without ranks by bm25"),
    "nor beside the model": (["--judge", "either"], "judge the candidates with --judge either"),
    "a k above the last exact rank": (["--top-k", "21"], "judge with --max-rank 21"),
    "thresholds of candidates": (["--max-perplexity", "off"], "holds pairs, not candidates"),
    "both kinds of flags": (["--top-k", "2", "--languages", "en"], "--languages is for candidates and --top-k"),
    "a source that is not there": (["--source", "news"], "holds no news; it holds reddit"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "says"), REFILTER_MISTAKES.values(), ids=REFILTER_MISTAKES)
def test_mistakes_of_refilter_are_one_line(
    arguments: list[str], says: str, judged: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert refilter(["--input", str(judged), "--output", str(tmp_path / "out"), *arguments]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert says in line


def test_a_rule_for_candidates(inputs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert refilter(["--input", str(inputs / "good"), "--output", str(tmp_path / "out"), "--top-k", "3"]) == 2
    assert "holds no judged pairs, which --top-k is for; judge it first" in capfd.readouterr().err


def test_refilter_into_its_own_input(judged: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert refilter(["--input", str(judged), "--output", str(judged), "--top-k", "3"]) == 2
    assert "is where the input lies; choose another --output" in capfd.readouterr().err


def test_refilter_without_the_dropped_pairs(judged: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(judged / "pairs", tmp_path / "old" / "pairs")
    assert refilter(["--input", str(tmp_path / "old"), "--output", str(tmp_path / "out"), "--top-k", "3"]) == 2
    assert "put the dropped pairs back" in capfd.readouterr().err


def test_refilter_without_decoys(judged: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(judged, tmp_path / "old", ignore=shutil.ignore_patterns("decoys", "_work"))
    assert refilter(["--input", str(tmp_path / "old"), "--output", str(tmp_path / "out"), "--top-k", "3"]) == 2
    assert "reddit.parquet is missing; judge again" in capfd.readouterr().err


def test_the_data_are_all_of_a_pool_that_is_larger(
    inputs: Path, model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["--input", str(inputs / "good"), "--output", str(tmp_path / "out"), "--model", str(model)]) == 0
    said = caplog.text
    assert "pool: there are fewer pairs than --pool-size 1,000,000, so it is all of them: all 40" in said
    assert "reddit: k = 2 of a pool of 40 lets about 5.0e-02 of random pairs pass a direction" in said


def test_an_empty_source_beside_one_with_a_single_pair(model: Path, tmp_path: Path) -> None:
    write_candidates(tmp_path / "in", [], "news", shards=2)
    write_candidates(tmp_path / "in", [Row("Who?", "Nobody knows who.", "d", "d")], "reddit", shards=3)
    output = tmp_path / "out"
    for scope in ("all", "source"):
        assert main(["--input", str(tmp_path / "in"), "--output", str(output / scope), "--model", str(model),
                     "--pool-scope", scope]) == 0  # fmt: skip
        assert rows_of(output / scope, "news") == ([], [])
        ((row,), dropped) = rows_of(output / scope, "reddit")
        assert (row["passage_rank"], row["query_rank"], row["pool_size"], dropped) == (1, 1, 1, [])
        manifest = ccpairs.read_manifest(str(output / scope / "pairs" / "news"))
        assert (manifest.rows, len(manifest.shards)) == (0, 2)
        assert ccpairs.read_pairs(str(output / scope)).to_table().num_rows == 1


def test_an_unfinished_source_is_left_out_and_named(
    model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_candidates(tmp_path / "in", rows(5), "reddit")
    (tmp_path / "in" / "candidates" / "news").mkdir()
    arguments = ["--input", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--model", str(model)]
    assert main(arguments) == 0
    assert "candidates/news has no manifest, so it is not finished: left out" in caplog.text
    assert [path.name for path in (tmp_path / "out" / "pairs").iterdir()] == ["reddit"]


@pytest.mark.parametrize(("count", "cure"), [(1, "name trained"), (3, "--folds 1 trains one model on all 3, or name")])
def test_too_few_pairs_to_train_on(count: int, cure: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_candidates(tmp_path / "in", rows(count), "reddit")
    arguments = ["--input", str(tmp_path / "in"), "--output", str(tmp_path / "out")]
    arguments += ["--preset", str(write_preset(tmp_path))]
    assert main(arguments) == 2
    line = capfd.readouterr().err.splitlines()[-1]
    assert "too few pairs to train the model of fold" in line
    assert f"; {cure}" in line
    assert "--model, one for each fold" in line
    if count == 3:
        assert main([*arguments, "--folds", "1"]) == 0


def test_shards_of_an_earlier_build_are_cleared_away(model: Path, tmp_path: Path) -> None:
    for shards in (3, 1):
        write_candidates(tmp_path / str(shards), rows(20), "reddit", shards=shards)
        arguments = ["--input", str(tmp_path / str(shards)), "--output", str(tmp_path / "out"), "--model", str(model)]
        assert main(arguments) == 0
    names = [path.name for path in (tmp_path / "out" / "pairs" / "reddit").iterdir()]
    assert sorted(names) == ["_manifest.json", "reddit-00000-of-00001.parquet"]


def test_odd_texts_are_judged(model: Path, tmp_path: Path) -> None:
    texts = ["a", "ALL CAPS", "😀😀", "مرحبا بالعالم", "x" * 100_000, "new\nline", "\x01", "ﬁ"]
    write_candidates(tmp_path / "in", [Row(text, f"{text} and more", None, None) for text in texts])
    assert main(["--input", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--model", str(model),
                 "--judge", "either"]) == 0  # fmt: skip
    kept, dropped = rows_of(tmp_path / "out", "reddit")
    assert len(kept) + len(dropped) == len(texts)
    assert pq.read_table(tmp_path / "out" / "pairs" / "reddit").num_rows == len(kept)


def test_candidates_and_judged_pairs_in_one_output(model: Path, tmp_path: Path) -> None:
    """Each command finds what it is for; readers get what was kept."""
    home = str(tmp_path / "home")
    write_candidates(tmp_path / "home", rows(30), "reddit")
    flags = ["--input", home, "--output", home, "--model", str(model), "--decoys", "5"]
    assert main(flags) == 0
    assert main([*flags, "--top-k", "1"]) == 0
    kept = len(rows_of(tmp_path / "home", "reddit")[0])
    assert len(ccpairs.read_pairs(home)) == kept < 30
    assert len(ccpairs.read_pairs(f"{home}/candidates")) == 30
    assert refilter(["--input", home, "--output", str(tmp_path / "new"), "--top-k", "20"]) == 0
    assert len(ccpairs.read_pairs(str(tmp_path / "new"))) > kept


def test_thresholds_of_candidates_that_were_judged_beside(
    model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    home = str(tmp_path / "home")
    write_candidates(tmp_path / "home", rows(30), "reddit")
    assert main(["--input", home, "--output", home, "--model", str(model), "--decoys", "0"]) == 0
    capfd.readouterr()
    assert refilter(["--input", home, "--output", str(tmp_path / "new"), "--languages", "all"]) == 2
    assert "reddit was built without scores; build it again" in capfd.readouterr().err  # so these are the candidates
