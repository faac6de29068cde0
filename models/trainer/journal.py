"""What a training says as it goes: a JSON line for some steps and each evaluation, and the same to TensorBoard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter


class Journal:
    """``metrics.jsonl`` and ``tensorboard/`` in a folder. After a resume nothing stands there twice."""

    def __init__(self, folder: Path, resumed_at: int) -> None:
        self._path = folder / "metrics.jsonl"
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.is_file() else []
        before = [line for line in lines if _step(line) <= resumed_at] if resumed_at else []
        self._path.write_text("".join(line + "\n" for line in before), encoding="utf-8")
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=resumed_at + 1)

    def write(self, step: int, **values: Any) -> None:
        """Numbers of a step, by name; a name may hold slashes, as TensorBoard groups by them."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"step": step, **values}) + "\n")
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def close(self) -> None:
        self._board.close()


def _step(line: str) -> float:
    """The step of a line; infinite for one that a kill cut short."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
