"""Models of others on the command line: prompts, lengths, names of the hub, training from them, and mistakes."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants

from ccpairs import evaluate, judge, read_manifest, train
from models.encoders import load_encoder
from models.hub import find_model
from models.prompts import parse_prompts
from models.static.encoder import StaticEncoder
from tests.conftest import REPOSITORY
from tests.models.foreign import (
    TEXTS,
    agrees,
    unigram,
    word_piece,
    write_model2vec,
    write_modern_bert,
    write_qwen,
    write_roberta,
    write_static,
    write_transformer,
)
from tests.models.trainer.pairs import pairs, write_pairs
from tests.models.transformer.tiny_bert import write_tiny_bert
from tests.pipelines.judge.small_candidates import rows, write_candidates
from tests.test_evaluate import write_trees


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    logging.getLogger("ccpairs").setLevel(logging.INFO)


@pytest.fixture
def data(tmp_path: Path) -> str:
    return write_pairs(tmp_path / "pairs.parquet", pairs(96))


def error(capsys: pytest.CaptureFixture[str]) -> str:
    """The only line of an error."""
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("ccpairs: "))
    return line.removeprefix("ccpairs: ")


def scores(folder: Path, *flags: object) -> dict[str, object]:
    trees, file = folder / "trees", folder / "scores.json"
    if not trees.exists():
        write_trees(trees)
    assert evaluate.main([*map(str, flags), "--data", str(trees), "--json", str(file)]) == 0
    found: dict[str, object] = json.loads(file.read_text())["results"][0]
    return found


def test_evaluate_prints_and_stores_the_prompts(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = write_tiny_bert(tmp_path / "bert")
    bare = scores(tmp_path, "--model", model)
    assert bare["prompts"] == {"query": "", "passage": ""}
    e5 = scores(tmp_path, "--model", model, "--prompts", "e5")
    assert e5["prompts"] == {"query": "query: ", "passage": "passage: "}
    given = scores(tmp_path, "--model", model, "--prompts", "query=find: ", "document=x ")
    assert given["prompts"] == {"query": "find: ", "passage": "x "}
    assert len({bare["fingerprint"], e5["fingerprint"], given["fingerprint"]}) == 3


@pytest.mark.parametrize(
    ("texts", "says"),
    [(["e6"], "say query=TEXT"), (["title=x"], "say query=TEXT"), (["passage=a", "document=b"], "given twice")],
)
def test_prompts_that_are_none(texts: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_tiny_bert(tmp_path / "bert")
    assert evaluate.main(["--model", str(model), "--data", str(tmp_path), "--prompts", *texts]) == 2
    assert says in error(capsys)
    assert parse_prompts(["own"]) is parse_prompts([]) is None


def test_more_tokens_than_the_model_reads_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trees = str(write_trees(tmp_path / "trees"))
    for model, most in (
        (write_roberta(tmp_path / "roberta", "Roberta"), 22),
        (write_transformer(tmp_path / "max", pooling="max"), 64),
        (write_model2vec(tmp_path / "static"), 512),
    ):
        assert evaluate.main(["--model", str(model), "--data", trees, "--max-length", str(most)]) == 0
        capsys.readouterr()
        assert evaluate.main(["--model", str(model), "--data", trees, "--max-length", "1024"]) == 2
        assert error(capsys) == f"{model}: reads at most {most} tokens of a text; lower --max-length 1,024"


def test_judge_takes_models_of_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_candidates(tmp_path / "built", rows(60))
    models = [write_model2vec(tmp_path / "static"), write_qwen(tmp_path / "qwen", bare=False)]
    flags = ["--input", str(tmp_path / "built"), "--decoys", "0", "--folds", "1", "--prompts", "e5"]
    for model in models:
        output = tmp_path / f"judged-{model.name}"
        assert judge.main([*flags, "--output", str(output), "--model", str(model)]) == 0
        manifest = read_manifest(str(output / "pairs" / "reddit"))
        assert manifest.settings["judged"]["prompts"] == [{"query": "query: ", "passage": "passage: "}]
    dot = write_transformer(tmp_path / "dot", similarity_fn_name="dot")
    capsys.readouterr()
    assert judge.main([*flags, "--output", str(tmp_path / "refused"), "--model", str(dot)]) == 2
    assert "which only ccpairs evaluate does" in error(capsys)


@pytest.mark.parametrize("kind", ["word piece", "unigram", "model2vec"])
def test_training_from_a_static_encoder_of_others(kind: str, data: str, tmp_path: Path) -> None:
    """What training writes gives the same vectors to sentence-transformers and to us, and is no longer what it was."""
    folder = tmp_path / "model"
    if kind == "model2vec":
        write_model2vec(folder)
    else:
        write_static(folder, word_piece() if kind == "word piece" else unigram(), {"query": "query: "})
    flags = ["--data", data, "--output", str(tmp_path / "out"), "--init", str(folder), "--batch-size", "32"]
    assert train.main([*flags, "--epochs", "2", "--lr", "0.1", "--quiet"]) == 0
    trained = tmp_path / "out" / "model"
    encoder = load_encoder(trained)
    agrees(trained, encoder)
    assert isinstance(encoder, StaticEncoder)
    tokenizer = encoder.reader.tokenizer
    assert tokenizer.encode(TEXTS[0]).ids == tokenizer.encode(TEXTS[0], add_special_tokens=False).ids
    assert not np.allclose(encoder.encode(TEXTS, "query"), load_encoder(folder).encode(TEXTS, "query"), atol=1e-3)


def test_training_on_more_than_512_tokens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    long = [(f"{query} ", f"{passage} sea " * 300) for query, passage in pairs(12)]
    data = write_pairs(tmp_path / "long.parquet", long)
    model = write_modern_bert(tmp_path / "modern")
    flags = ["--data", data, "--init", str(model), "--kind", "transformer", "--steps", "1", "--batch-size", "4"]
    for asked, used in ((1_024, 1_024), (4_096, 2_048)):
        output = tmp_path / str(asked)
        assert train.main([*flags, "--output", str(output), "--max-tokens", str(asked), "--prompts", "e5"]) == 0
        told = caplog.text
        caplog.clear()
        assert f"texts: prompts query 'query: ', passage 'passage: ', up to {used:,} tokens" in told
        assert ("texts are cut at 2,048 tokens" in told) == (asked > used)
        facts = json.loads((output / "training.json").read_text())["texts"]
        assert facts == {"prompts": {"query": "query: ", "passage": "passage: "}, "max_tokens": used}
        ends = np.fromfile(next((output / "tokens").glob("*/*/passage.ends")), np.int64)
        assert np.diff(ends, prepend=0).max() == used


def test_the_defaults_of_a_transformer_are_not_those_of_a_static_encoder(tmp_path: Path) -> None:
    parser = train.make_parser()
    settings = train.settings_of(parser.parse_args(["--kind", "transformer"]))
    assert (settings.name, settings.model.kind, settings.loss.products) == ("transformer", "transformer", "fp32")
    assert settings.optimizer.lr < 1e-4
    assert settings.optimizer.clip == 1
    assert train.settings_of(parser.parse_args([])).name == "preliminary"


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--kind", "transformer", "--preset", "preliminary"], "the preset preliminary is for a static encoder"),
        (["--kind", "static", "--preset", "e5-small"], "the preset e5-small is for a transformer encoder"),
        (["--init", "STATIC", "--dimension", "32"], "has 16 dimensions; leave out one of the two"),
        (["--init", "STATIC", "--set", "model.dimension=8"], "has 16 dimensions; leave out one of the two"),
        (["--init", "BERT", "--kind", "transformer", "--dimension", "32"], "has 16 dimensions"),
        (["--init", "STATIC", "--set", "loss.dims=[32, 8]"], "loss.dims holds 32, but the model has 16 dimensions"),
        (["--dimension", "8", "--set", "loss.dims=[9]"], "loss.dims holds 9, but the model has 8 dimensions"),
        (["--init", "BERT"], "a transformer encoder, and the settings are for a static one; say --kind transformer"),
        (["--init", "STATIC", "--kind", "transformer"], "a static encoder, and the settings are for a transformer one"),
        (["--init", "QWEN", "--kind", "transformer"], "which only ccpairs evaluate and judge read"),
        (["--init", "BERT", "--kind", "transformer", "--prompts", "e6"], "say query=TEXT"),
        (["--init", "none/such", "--kind", "transformer"], "no model none/such"),
        (["--init", "./none", "--kind", "transformer"], "./none: no such folder"),
    ],
)
def test_what_training_cannot_do_is_one_line_before_tokens_are_made(
    flags: list[str], says: str, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = {"STATIC": lambda: write_model2vec(tmp_path / "static"), "BERT": lambda: write_tiny_bert(tmp_path / "b")}
    written["QWEN"] = lambda: write_qwen(tmp_path / "qwen", bare=False)
    flags = [str(written[flag]()) if flag in written else flag for flag in flags]
    assert train.main(["--data", data, "--output", str(tmp_path / "out"), *flags]) == 2
    assert says in error(capsys)
    assert not list((tmp_path / "out").glob("tokens/*"))


# Names of the hub.


def write_cache(cache: Path, name: str) -> Path:
    """A model of that name in a cache of the hub."""
    home = cache / f"models--{name.replace('/', '--')}"
    snapshot = home / "snapshots" / ("0" * 40)
    write_transformer(snapshot, pooling="cls")
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("0" * 40)
    (snapshot / ".gitattributes").touch()
    return snapshot


def test_a_name_is_a_folder_first_then_a_model_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    snapshot = write_cache(tmp_path / "cache", "some/model")
    monkeypatch.chdir(tmp_path)
    assert find_model("some/model") == snapshot
    (tmp_path / "some" / "model").mkdir(parents=True)
    assert find_model("some/model") == Path("some/model")


def test_a_model_of_the_hub_is_evaluated(tmp_path: Path) -> None:
    snapshot = write_cache(tmp_path / "cache", "some/model")
    flags = ["--model", "some/model", "--data", str(write_trees(tmp_path / "trees")), "--json", str(tmp_path / "s")]
    environment = {"HF_HUB_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-m", "ccpairs.evaluate", *flags],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "s").read_text())["results"][0]["fingerprint"] == load_encoder(snapshot).fingerprint


def test_half_of_a_model_in_the_cache_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether it has a modules.json is then unknown, and with it how it is pooled."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    (write_cache(tmp_path / "cache", "some/model") / ".gitattributes").unlink()
    assert evaluate.main(["--model", "some/model", "--data", str(write_trees(tmp_path / "trees"))]) == 2
    assert "no model some/model" in error(capsys)


def test_without_a_connection_it_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_candidates(tmp_path / "built", rows(20))
    flags = ["--model", "none/such"]
    assert evaluate.main([*flags, "--data", str(write_trees(tmp_path / "trees"))]) == 2
    assert error(capsys).startswith("no model none/such: no such folder here, and the Hugging Face hub")
    assert judge.main([*flags, "--input", str(tmp_path / "built"), "--output", str(tmp_path / "out")]) == 2
    assert error(capsys).startswith("no model none/such: no such folder here, and the Hugging Face hub")
