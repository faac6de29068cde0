"""The loop: it learns, stops where it must, and ends with the same bits however often it was stopped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ccpairs.errors import UserError
from models.encoders import Encoder, load_encoder
from models.trainer import job
from models.trainer.corpus import Corpus, open_corpus
from models.trainer.job import Prepared, prepare
from models.trainer.loop import Batches, Pace, Trained, duration, learning_rate, train
from models.trainer.settings import OptimizerSettings, Settings
from tests.models.trainer.pairs import SILENT, SMALL, pairs, write_pairs
from tests.models.transformer.tiny_bert import write_tiny_bert

EVERY_STEP = Pace(log_every=1, checkpoint_every=4)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("pairs")
    return open_corpus([write_pairs(folder / f"{name}.parquet", pairs(n, n)) for name, n in (("a", 150), ("b", 250))])


def run(corpus: Corpus, output: Path, settings: Settings = SMALL, **given: Any) -> tuple[Trained, Prepared]:
    prepared = prepare(settings, corpus, output, SILENT)
    return train(settings, prepared.learner, Batches(prepared.sources, settings), output, "data", **given), prepared


def rows_of(prepared: Prepared) -> np.ndarray:
    rows: np.ndarray = prepared.learner.trainable.state()["rows"]
    return rows


def journal(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]


class Stopped(Exception):
    pass


def stopping(prepared: Prepared, step: int) -> None:
    """Let the model fail at a step, as a machine does that goes away."""
    real, calls = prepared.learner.trainable.step, iter(range(1, 1_000))

    def fail(*arguments: Any, **named: Any) -> float:
        if next(calls) == step:
            raise Stopped
        return real(*arguments, **named)

    prepared.learner.trainable.step = fail  # type: ignore[method-assign]


def test_the_loss_falls(corpus: Corpus, tmp_path: Path) -> None:
    trained, _ = run(corpus, tmp_path, SMALL.with_values({"data.epochs": 20.0}, "test"))
    assert (trained.steps, trained.batch_size) == (250, 32)
    assert trained.last_loss < trained.first_loss / 2
    assert trained.used == {"a": pytest.approx(3_000, abs=3), "b": pytest.approx(5_000, abs=3)}


@pytest.mark.parametrize("kind", ["static", "transformer"])
@pytest.mark.parametrize("stop", [3, 6, 13])
def test_stopped_and_gone_on_with_is_the_same_to_the_bit(corpus: Corpus, tmp_path: Path, kind: str, stop: int) -> None:
    settings = SMALL.with_values({"data.steps": 15}, "test")
    if kind == "transformer":
        bert = write_tiny_bert(tmp_path / "bert", dropout=0.1)
        settings = settings.with_values({"model.kind": "transformer", "model.init": str(bert)}, "test")
    _, whole = run(corpus, tmp_path / "whole", settings, pace=EVERY_STEP)
    broken = prepare(settings, corpus, tmp_path / "broken", SILENT)
    stopping(broken, stop)
    with pytest.raises(Stopped):
        train(settings, broken.learner, Batches(broken.sources, settings), tmp_path / "broken", "data", pace=EVERY_STEP)
    trained, again = run(corpus, tmp_path / "broken", settings, pace=EVERY_STEP)
    assert trained.resumed_at == (stop - 1) // 4 * 4
    assert again.learner.encoder.fingerprint == whole.learner.encoder.fingerprint
    told = [(line["step"], line["loss"], line["lr"]) for line in journal(tmp_path / "broken")]
    assert told == [(line["step"], line["loss"], line["lr"]) for line in journal(tmp_path / "whole")]


def test_other_settings_do_not_go_on_from_it(corpus: Corpus, tmp_path: Path) -> None:
    run(corpus, tmp_path, pace=EVERY_STEP)
    with pytest.raises(UserError, match="holds a training with other settings or data"):
        run(corpus, tmp_path, SMALL.with_values({"optimizer.lr": 0.01}, "test"))


def test_a_loss_that_is_no_number_names_step_and_checkpoint(corpus: Corpus, tmp_path: Path) -> None:
    """A step so long that the rows overflow."""
    settings = SMALL.with_values({"data.steps": 15, "optimizer.lr": 1e38, "optimizer.warmup_steps": 10}, "test")
    with pytest.raises(UserError) as caught:
        run(corpus, tmp_path, settings, pace=Pace(checkpoint_every=1))
    said = str(caught.value)
    assert said.startswith("the loss is nan at step ")
    step = int(said.removeprefix("the loss is nan at step ").split(";")[0])
    assert f"the last good checkpoint is {tmp_path}/checkpoints/step-{step - 1:08d}; lower optimizer.lr" in said


def test_scores_stand_in_the_journal(corpus: Corpus, tmp_path: Path) -> None:
    asked: list[int] = []

    def evaluate(encoder: Encoder) -> Mapping[str, float]:
        asked.append(encoder.dimension)
        return {"nDCG@10/dev": 0.1 * len(asked)}

    settings = SMALL.with_values({"data.steps": 7}, "test")
    trained, _ = run(corpus, tmp_path, settings, pace=Pace(log_every=100, evaluate_every=3), evaluate=evaluate)
    assert [(line["step"], line["nDCG@10/dev"]) for line in journal(tmp_path) if "nDCG@10/dev" in line] == [
        (3, 0.1),
        (6, 0.2),
        (7, pytest.approx(0.3)),
    ]
    assert trained.scores == {"nDCG@10/dev": pytest.approx(0.3)}
    assert list((tmp_path / "tensorboard").iterdir())


def test_a_batch_is_never_larger_than_the_data(corpus: Corpus, tmp_path: Path) -> None:
    trained, _ = run(corpus, tmp_path, SMALL.with_values({"data.batch_size": 100_000}, "test"))
    assert (trained.batch_size, trained.steps) == (400, 2)


def test_a_single_pair_cannot_be_trained_on(tmp_path: Path) -> None:
    corpus = open_corpus([write_pairs(tmp_path / "one.parquet", [("a river", "the sea")])])
    prepared = prepare(SMALL, corpus, tmp_path / "out", SILENT)
    with pytest.raises(UserError, match="1 pairs to train on; a batch needs two"):
        Batches(prepared.sources, SMALL)


def test_the_model_can_be_loaded(corpus: Corpus, tmp_path: Path) -> None:
    prepared = prepare(SMALL, corpus, tmp_path, SILENT)
    job.run(SMALL, corpus, tmp_path, prepared, SILENT)
    assert load_encoder(tmp_path / "model").fingerprint == prepared.learner.encoder.fingerprint
    facts = job.found_done(tmp_path, SMALL, corpus)
    assert facts is not None
    assert facts["data"]["b"]["rows"] == 250
    with pytest.raises(UserError, match="other settings or data"):
        job.found_done(tmp_path, SMALL.with_values({"data.seed": 1}, "test"), corpus)


def test_a_checkpoint_that_cannot_be_written_is_said_and_the_old_one_stays(
    corpus: Corpus, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file in the place of the folder stands for a disk that takes nothing more."""
    settings = SMALL.with_values({"data.steps": 6}, "test")
    blocked = tmp_path / "checkpoints" / ".tmp-step-00000004"
    blocked.parent.mkdir()
    blocked.write_text("in the way")
    run(corpus, tmp_path, settings, pace=Pace(checkpoint_every=2))
    assert "checkpoint step-00000004 is not written" in caplog.text
    assert sorted(path.name for path in (tmp_path / "checkpoints").glob("step-*")) == ["step-00000002", "step-00000006"]


def test_the_schedule() -> None:
    settings = OptimizerSettings(lr=1.0, warmup_steps=4)
    rates = [learning_rate(settings, step, 10) for step in range(1, 11)]
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1.0, 6 / 7, 5 / 7, 4 / 7, 3 / 7, 2 / 7, 1 / 7])
    assert [learning_rate(OptimizerSettings(lr=2.0), step, 2) for step in (1, 2)] == [2.0, 1.0]


@pytest.mark.parametrize(("seconds", "text"), [(7.4, "7s"), (190, "3m10s"), (18_120, "5h02m")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
