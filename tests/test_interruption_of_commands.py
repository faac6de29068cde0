"""Signals in the phases of the real commands, and the same command again: the bytes of an undisturbed run.

``tests/test_resume.py`` and ``tests/test_judge_resume.py`` run commands again that were killed, which leaves no less.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ccpairs.errors import UserError
from models.lm.kenlm_tools import find_tool
from tests.conftest import REPOSITORY
from tests.judging import write_preset
from tests.signalled import Ended, half_written, signal_when

INTERRUPTED = "ccpairs: interrupted; the same command goes on where this one stopped"
TERMINATED = "ccpairs: ended by SIGTERM; the same command goes on where this one stopped"


def has(folder: Path, pattern: str) -> Callable[[], bool]:
    return lambda: any(folder.glob(pattern))


def assert_clean(ended: Ended, code: int, line: str, folder: Path) -> None:
    assert (ended.code, ended.last_lines, ended.survivors) == (code, [line], []), ended.stderr
    assert ended.stderr.splitlines()[-1] == line
    assert half_written(folder) == []


@pytest.mark.parametrize(
    ("source", "state", "workers", "number", "to_group"),
    [
        ("stackexchange", "extracts/*/.tmp-*", 1, signal.SIGINT, True),
        ("stackexchange", "extracts/*/.tmp-*", 2, signal.SIGINT, True),
        ("commoncrawl", "extracts/*/.tmp-*", 2, signal.SIGTERM, False),  # workers whose children read the pages
        ("reddit", "_work/assemble-reddit-extracts.jsonl", 1, signal.SIGTERM, False),
        ("reddit", "candidates/reddit/*.parquet", 1, signal.SIGINT, True),
    ],
)
def test_build(
    source: str,
    state: str,
    workers: int,
    number: signal.Signals,
    to_group: bool,
    samples: Any,
    built_samples: Any,
    build: Callable[..., Any],
    tmp_path: Path,
) -> None:
    output = tmp_path / "out"
    flags = ["--source", source, "--input", samples.folder / source, "--rejected", "all", "--num-shards", 4]
    flags += [f"--direct_num_workers={workers}", "--direct_running_mode=multi_processing"][: 2 if workers > 1 else 1]
    ended = signal_when(
        has(output, state),
        ["-m", "ccpairs.build", *flags, "--output", output],
        number,
        to_group=to_group,
        environment={"TMPDIR": str(make(tmp_path / "temporary"))},
    )
    assert_clean(ended, *((130, INTERRUPTED) if number == signal.SIGINT else (143, TERMINATED)), output)
    assert list((tmp_path / "temporary").iterdir()) == []
    if workers == 2:
        return
    again = build(output, *flags)
    assert again.code == 0, again.stderr
    assert again.shards().items() <= built_samples.shards().items()
    assert len(again.shards()) > 4


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("state", "number"), [("_work/models/*/*/metrics.jsonl", signal.SIGTERM), ("_work/notes/*.json", signal.SIGINT)]
)
def test_judge(state: str, number: signal.Signals, built_samples: Any, tmp_path: Path) -> None:
    output = tmp_path / "judged"
    flags = ["--source", "news", "--preset", write_preset(tmp_path), "--decoys", 30]
    ended = signal_when(
        has(output, state), ["-m", "ccpairs.judge", "--input", built_samples.output, "--output", output, *flags], number
    )
    assert_clean(ended, *((130, INTERRUPTED) if number == signal.SIGINT else (143, TERMINATED)), output)


def test_train(built_samples: Any, tmp_path: Path) -> None:
    flags = ["--data", built_samples.output / "candidates" / "news", "--preset", write_preset(tmp_path)]
    flags += ["--steps", 60, "--checkpoint-every", 2, "--quiet"]
    command = ["-m", "ccpairs.train", *flags, "--output"]
    ended = signal_when(
        has(tmp_path, "out/checkpoints/step-*"), [*command, tmp_path / "out"], signal.SIGINT, to_group=True
    )
    assert_clean(ended, 130, "ccpairs: interrupted; the same command goes on from the last checkpoint", tmp_path)
    for name in ("out", "undisturbed"):
        subprocess.run([sys.executable, *map(str, command), str(tmp_path / name)], check=True, cwd=REPOSITORY)
    assert files(tmp_path / "out" / "model") == files(tmp_path / "undisturbed" / "model")


def files(folder: Path) -> dict[str, str]:
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "README.md"]
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in found}


def test_lm_train(tmp_path: Path) -> None:
    try:
        find_tool("lmplz")
    except UserError:
        pytest.skip("lmplz is missing; 'make kenlm' builds it")
    words = tmp_path / "words.txt"
    words.write_text(
        "".join(f"the word number {number} stands beside {number * 7919 % 10007}\n" for number in range(99_999))
    )
    ended = signal_when(
        has(tmp_path, ".tmp-*/work/corpus.txt"),
        ["-m", "ccpairs.lm", "train", "--input", words, "--output", tmp_path / "model", "--language", "en"],
        signal.SIGINT,
        to_group=True,
    )
    assert_clean(ended, 130, "ccpairs: interrupted; nothing was made", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["words.txt"]
