"""Checkpoints: whole or not there, the newest found, another training's refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ccpairs.errors import UserError
from models.trainer.checkpoints import KEPT, Checkpoints

STATE = {"rows": np.arange(6, dtype=np.float32).reshape(2, 3), "optimizer": {"steps": 3, "moments": [torch.ones(2)]}}


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "of")
    checkpoints.save(7, {"a": 3}, STATE)
    found = checkpoints.newest()
    assert found is not None
    position, folder = found
    assert (position.step, position.used) == (7, {"a": 3})
    state = checkpoints.load(folder)
    assert state["rows"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert state["optimizer"]["steps"] == 3
    assert state["optimizer"]["moments"][0].tolist() == [1, 1]


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "of")
    for step in (5, 10, 15, 100):
        checkpoints.save(step, {}, STATE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000015", "step-00000100"]
    assert KEPT == 2


def test_one_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "of")
    checkpoints.save(5, {"a": 1}, STATE)
    (tmp_path / "step-00000009").mkdir()
    (tmp_path / ".tmp-step-00000011").mkdir()
    found = checkpoints.newest()
    assert found is not None
    assert found[0].step == 5


def test_none_yet(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "none", "of").newest() is None


def test_those_of_another_training(tmp_path: Path) -> None:
    Checkpoints(tmp_path / "checkpoints", "one").save(5, {}, STATE)
    with pytest.raises(UserError, match=r"holds a training with other settings or data \(at step 5\)"):
        Checkpoints(tmp_path / "checkpoints", "other").newest()


def test_a_damaged_state(tmp_path: Path) -> None:
    Checkpoints(tmp_path, "of").save(5, {}, STATE)
    (tmp_path / "step-00000005" / "state.pt").write_bytes(b"no")
    with pytest.raises(UserError, match="step-00000005 cannot be read"):
        Checkpoints.load(tmp_path / "step-00000005")
