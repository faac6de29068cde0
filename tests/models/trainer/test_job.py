"""What a training may replace: what it, or an earlier release, has written, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccpairs.errors import UserError
from models.trainer.checkpoints import Checkpoints
from models.trainer.job import refuse_foreign
from models.trainer.tokens import _remove_others

KEY = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("sign", "text"),
    [
        ("training.json", '{"of": "x"}'),
        ("checkpoints/step-00000010/position.json", "{}"),
        (f"tokens/{KEY}/tokens.json", "{}"),
        (f"tokens/.tmp-{KEY}/reddit", ""),
        ("_ccpairs", '{"ccpairs": "0.1.0", "commands": ["judge", "train"]}'),
    ],
)
def test_what_a_training_of_ours_left_may_be_replaced(tmp_path: Path, sign: str, text: str) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(UserError, match="holds model, which ccpairs train did not write"):
        refuse_foreign(tmp_path)
    (tmp_path / sign).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / sign).write_text(text)
    refuse_foreign(tmp_path)


def test_the_mark_of_another_command_says_nothing_of_a_model(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "_ccpairs").write_text('{"ccpairs": "0.1.0", "commands": ["build"]}')
    with pytest.raises(UserError, match="holds model, which ccpairs train did not write"):
        refuse_foreign(tmp_path)


def test_other_names_are_no_concern_of_a_training(tmp_path: Path) -> None:
    (tmp_path / "candidates").mkdir()
    refuse_foreign(tmp_path)
    refuse_foreign(tmp_path / "none")


def test_of_a_folder_of_tokens_only_tokens_are_removed(tmp_path: Path) -> None:
    for name in (KEY, f".tmp-{KEY}", "mine"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes.txt").touch()
    _remove_others(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "notes.txt"]


def test_checkpoints_of_other_programs_stay(tmp_path: Path) -> None:
    theirs = tmp_path / "step-00000001"
    theirs.mkdir()
    (theirs / "pytorch_model.bin").touch()
    checkpoints = Checkpoints(tmp_path, "of")
    for step in (2, 3, 4, 5):
        checkpoints.save(step, {}, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("step-00000001", "step-00000004", "step-00000005"),
    ]
    with pytest.raises(OSError, match=r"step-00000001 holds files that are no checkpoint of ccpairs; move it away"):
        checkpoints.save(1, {}, {})
    assert (theirs / "pytorch_model.bin").exists()
