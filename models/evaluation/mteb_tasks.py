"""Tasks of the MTEB benchmark through its own package, with one of our encoders in the place of a model.

MTEB brings data, splits and metrics; it downloads what it does not find in its cache. Texts of tasks that have no two
sides (classification, clustering, similarity) are encoded as queries, as E5 does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models.encoders import Encoder


def find_tasks(names: Sequence[str]) -> list[Any]:
    """The tasks of these names; raises ``UserError`` where mteb is not installed or knows no such task."""
    mteb = import_mteb()
    try:
        return list(mteb.get_tasks(tasks=list(names)))
    except (KeyError, ValueError) as error:
        raise UserError(f"mteb has no such task ({str(error).strip(chr(34))})") from None


def run_task(encoder: Encoder, name: str, task: Any) -> dict[str, float]:
    """The main score of a task in each of its splits, split -> value (mean over its subsets).

    Nothing of former runs is reused. Raises ``UserError`` where the data is neither here nor to be had.
    """
    mteb = import_mteb()
    try:
        result = mteb.evaluate(Adapter(encoder, name), task, cache=None, show_progress_bar=False, co2_tracker=False)
    except (OSError, ConnectionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"the data of {task.metadata.name} cannot be loaded: {reason}") from None
    found: dict[str, float] = {}
    for done in result.task_results:
        for split, subsets in done.scores.items():
            found[split] = float(np.mean([subset["main_score"] for subset in subsets]))
    return found


class Adapter:
    """An encoder as mteb asks it (its ``EncoderProtocol``). Similarity is the dot product, as in our own search."""

    def __init__(self, encoder: Encoder, name: str) -> None:
        from mteb.models.model_meta import ModelMeta

        self.encoder = encoder
        named = {"name": f"ccpairs/{name.strip('/').replace('/', '-')}", "revision": encoder.fingerprint}
        self.mteb_model_meta = ModelMeta.create_empty(named)

    def encode(self, inputs: Any, *, prompt_type: Any = None, **_: Any) -> NDArray[np.float32]:
        """Vectors of the texts in mteb's batches; texts that are no documents are encoded as queries."""
        texts = [text for batch in inputs for text in batch["text"]]
        return self.encoder.encode(texts, "passage" if getattr(prompt_type, "value", None) == "document" else "query")

    def similarity(self, one: Any, other: Any) -> Any:
        return torch.as_tensor(one) @ torch.as_tensor(other).T

    def similarity_pairwise(self, one: Any, other: Any) -> Any:
        return (torch.as_tensor(one) * torch.as_tensor(other)).sum(dim=-1)


def import_mteb() -> Any:
    try:
        import mteb
    except ImportError:
        raise UserError("--mteb needs the package mteb; pip install 'ccpairs[mteb]' brings it") from None
    return mteb
