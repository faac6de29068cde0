"""Checkpoints of a training: whole or not there, the newest few kept, found again by the same settings.

FOLDER/step-00000120/state.pt        the model in training, by torch
                     position.json   step, rows used of each source, hash of what shaped them
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ccpairs.errors import UserError
from ccpairs.exhaustion import explain
from ccpairs.interruption import temporary

KEPT = 2
PREFIX = "step-"
FILES = {"state.pt", "position.json"}


@dataclass(frozen=True)
class Position:
    """Where a training stands: after ``step`` steps, with so many rows used of each source. ``of``: of which one."""

    step: int
    used: Mapping[str, int]
    of: str


class Checkpoints:
    """The checkpoints in a folder that belong to the training ``of``, a hash of settings and data."""

    def __init__(self, folder: Path, of: str) -> None:
        self.folder, self.of = folder, of

    def save(self, step: int, used: Mapping[str, int], state: Mapping[str, Any]) -> None:
        """Write one, then remove the oldest; raises ``OSError`` where that fails, with the old ones untouched."""
        final = self.folder / f"{PREFIX}{step:08d}"
        if final.exists() and not _is_ours(final):
            raise OSError(f"{final} holds files that are no checkpoint of ccpairs; move it away")
        half = self.folder / f".tmp-{final.name}"
        shutil.rmtree(half, ignore_errors=True)
        try:
            with temporary(half):
                half.mkdir(parents=True)
                torch.save(_tensors(state), half / "state.pt")
                position = json.dumps(asdict(Position(step, dict(used), self.of)))
                (half / "position.json").write_text(position, encoding="utf-8")
                shutil.rmtree(final, ignore_errors=True)
                half.rename(final)
        except (OSError, RuntimeError) as error:  # torch raises RuntimeError where a disk is full
            shutil.rmtree(half, ignore_errors=True)
            reason = explain(error, path=str(final)) or str(error).splitlines()[0]
            raise OSError(f"checkpoint {final.name} is not written: {reason}") from None
        for old in self._all()[:-KEPT]:
            shutil.rmtree(old)

    def newest(self) -> tuple[Position, Path] | None:
        """The newest one; ``UserError`` where the folder holds those of another training."""
        for folder in reversed(self._all()):
            try:
                position = Position(**json.loads((folder / "position.json").read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError):
                continue  # a copy that was cut short; an older one may be whole
            if position.of != self.of:
                raise UserError(
                    f"{self.folder.parent} holds a training with other settings or data (at step {position.step}); "
                    "choose another --output, or delete it"
                )
            return position, folder
        return None

    @staticmethod
    def load(folder: Path) -> dict[str, Any]:
        try:
            state: dict[str, Any] = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises all kinds for a damaged file
            raise UserError(
                f"{folder} cannot be read ({str(error).splitlines()[0][:200]}); delete it to go on from the one before"
            ) from None
        return state

    def _all(self) -> list[Path]:
        """Ours: folders that hold nothing else than a checkpoint, whole or cut short."""
        return sorted(path for path in self.folder.glob(f"{PREFIX}*") if path.is_dir() and _is_ours(path))


def _is_ours(folder: Path) -> bool:
    return {path.name for path in folder.iterdir()} <= FILES


def _tensors(state: Any) -> Any:
    """The same with tensors in the place of arrays, which torch then loads without running code."""
    if isinstance(state, np.ndarray):
        return torch.from_numpy(state)
    if isinstance(state, Mapping):
        return {key: _tensors(value) for key, value in state.items()}
    return state
