"""``python -m ccpairs.train``: killed and run again, several processes, a full disk, and mistakes in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sentence_transformers import SentenceTransformer

from ccpairs.train import main
from models.encoders import load_encoder
from tests.models.trainer.pairs import pairs, write_pairs
from tests.models.transformer.tiny_bert import write_tiny_bert
from tests.test_evaluate import write_trees

SMALL = ["--dimension", 32, "--batch-size", 64, "--set", "model.vocabulary_size=2000", "--seed", 3]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "ccpairs.train", *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False)


def journal(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]


def weights(output: Path) -> bytes:
    return (output / "model" / "0_StaticEmbedding" / "model.safetensors").read_bytes()


def test_from_shards_to_a_model_that_others_load(built_samples: Any, tmp_path: Path, capsys: Any) -> None:
    dev = write_trees(tmp_path / "trees")
    arguments = ["--data", built_samples.output, "--output", tmp_path / "out", *SMALL, "--epochs", 2, "--dev", dev]
    assert main([*map(str, arguments), "--mix", "sqrt,reddit=0.5"]) == 0
    printed = capsys.readouterr().out
    assert "stackexchange" in printed
    assert "nDCG@10/trees" in printed
    model = SentenceTransformer(str(tmp_path / "out" / "model"), device="cpu")
    ours = load_encoder(tmp_path / "out" / "model").encode(["why is the sea salty?"], "query")
    assert np.abs(model.encode_query(["why is the sea salty?"]) - ours).max() < 1e-5
    facts = json.loads((tmp_path / "out" / "training.json").read_text())
    assert facts["settings"]["data"]["mix"] == "sqrt,reddit=0.5"
    assert main([*map(str, arguments), "--mix", "sqrt,reddit=0.5"]) == 0
    assert capsys.readouterr().out == printed, "the same command again says the same"


def test_killed_and_run_again(tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "a.parquet", pairs(4_000))
    flags = ["--data", data, *SMALL, "--epochs", 12, "--checkpoint-every", 20, "--log-every", 1]
    assert run(*flags, "--output", tmp_path / "whole").returncode == 0
    output = tmp_path / "killed"
    process = subprocess.Popen(
        command(*flags, "--output", output),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not list(output.glob("checkpoints/step-*")):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (output / "model").exists(), "killed too late to show anything"
    again = run(*flags, "--output", output)
    assert again.returncode == 0, again.stderr
    assert "resumed at step" in again.stderr
    assert weights(output) == weights(tmp_path / "whole")
    assert [line["step"] for line in journal(output)] == list(range(1, 751))


def test_two_processes_make_the_model_of_one(tmp_path: Path) -> None:
    """Without dropout, for that falls differently."""
    lines = [
        {"anchor": query, "positive": passage, "negatives": [f"{passage} {n}" for n in range(number % 3)]}
        for number, (query, passage) in enumerate(pairs(200))
    ]
    data = str(tmp_path / "a.jsonl")
    Path(data).write_text("".join(json.dumps(line) + "\n" for line in lines))
    bert = write_tiny_bert(tmp_path / "bert")
    flags = [
        "--data",
        data,
        "--kind",
        "transformer",
        "--init",
        bert,
        "--batch-size",
        33,
        "--steps",
        4,
        "--lr",
        1e-3,
        "--log-every",
        1,
    ]
    flags += ["--temperature", 0.1]
    assert run(*flags, "--output", tmp_path / "one").returncode == 0
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    done = subprocess.run(
        [*launch, "ccpairs.train", *map(str, [*flags, "--output", tmp_path / "two"])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("model: ") == 1, "more than one process spoke"
    losses = [[line["loss"] for line in journal(tmp_path / name)] for name in ("one", "two")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    texts = [text for pair in pairs(50) for text in pair]
    before, one, two = [
        load_encoder(folder).encode(texts, "query")
        for folder in (bert, tmp_path / "one" / "model", tmp_path / "two" / "model")
    ]
    assert np.abs(one - two).max() < np.abs(one - before).max() / 10


def test_a_static_encoder_is_trained_by_one_process(tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "a.parquet", pairs(50))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    done = subprocess.run(
        [*launch, "ccpairs.train", "--data", data, "--output", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "ccpairs: a static encoder is trained by one process" in done.stderr


def test_a_disk_that_fills_while_checkpointing(tmp_path: Path) -> None:
    """No file of this process may be larger than 20 kB, and a checkpoint is: the one before it stays, and is gone on
    from when there is room again."""
    data = write_pairs(tmp_path / "a.parquet", pairs(600))
    flags = ["--data", data, "--output", tmp_path / "out", *SMALL, "--steps", 30, "--checkpoint-every", 10]
    limited = (
        "import resource, sys\n"
        "from models.trainer import loop\n"
        "from ccpairs.train import main\n"
        "real = loop.Checkpoints.save\n"
        "def save(self, step, *rest):\n"
        "    if step > 10: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "    real(self, step, *rest)\n"
        "loop.Checkpoints.save = save\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, *map(str, flags)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "checkpoint step-00000020 is not written" in done.stderr
    assert "then type the same command again" in done.stderr.splitlines()[-1]
    assert [path.name for path in (tmp_path / "out" / "checkpoints").iterdir()] == ["step-00000010"]
    again = run(*flags)
    assert again.returncode == 0, again.stderr
    assert "resumed at step 10 of 30" in again.stderr
    whole = run(*flags[:3], tmp_path / "whole", *flags[4:])
    assert whole.returncode == 0, whole.stderr
    assert weights(tmp_path / "out") == weights(tmp_path / "whole")


def said(capsys: Any, arguments: Sequence[object]) -> str:
    assert main([*map(str, arguments)]) == 2
    line: str = capsys.readouterr().err
    assert line.count("\n") == 1
    return line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "say what to train on by --data and where to write by --output"),
        (["--data", "none", "--output", "out"], "no file or folder none"),
        (["--data", "x", "--output", "out", "--preset", "e5"], "no preset e5; there is e5-base"),
        (["--data", "x", "--output", "out", "--set", "loss.margin"], "say KEY=VALUE"),
        (["--data", "x", "--output", "out", "--lr", "0"], "optimizer.lr is 0.0; it must be from 1e-12 to 3e+38"),
        (["--data", "x", "--output", "out", "--batch-size", "many"], "'many' given; expected a whole number from 1"),
    ],
)
def test_mistakes_are_one_line(capsys: Any, arguments: list[str], line: str) -> None:
    assert line in said(capsys, arguments)


def test_a_model_to_begin_from_is_asked_for(capsys: Any, tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "a.parquet", pairs(50))
    flags = ["--data", data, "--output", tmp_path / "out", "--quiet"]
    line = said(capsys, [*flags, "--preset", "e5-small"])
    assert "by --init, such as microsoft/MiniLM-L12-H384-uncased" in line
    (tmp_path / "empty").mkdir()
    line = said(capsys, [*flags, "--kind", "transformer", "--init", tmp_path / "empty"])
    assert "no model here" in line
    assert "no model here" in said(capsys, [*flags, "--init", tmp_path / "empty"])


def test_shards_that_lack_a_column(capsys: Any, tmp_path: Path) -> None:
    pq.write_table(pa.table({"query": ["a"], "text": ["b"]}), tmp_path / "a.parquet")
    line = said(capsys, ["--data", tmp_path / "a.parquet", "--output", tmp_path / "out"])
    assert "has no column passage (it has query, text)" in line


def test_presets_are_listed(capsys: Any) -> None:
    assert main(["--list-presets"]) == 0
    assert capsys.readouterr().out.startswith("e5-base\ne5-large\ne5-small\npreliminary\ntransformer\nin ")
