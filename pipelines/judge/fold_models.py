"""The models that judge: given ones, or one for each fold, trained on the pairs of the others."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ccpairs.errors import UserError
from ccpairs.pair import JUDGEMENT
from filters.consistency import NEVER, Consistency
from models.encoders import Encoder
from models.trainer.corpus import open_corpus
from models.trainer.folds import NOBODYS, train_folds
from models.trainer.job import Watch
from models.trainer.loop import Status
from models.trainer.settings import load_settings
from models.trainer.tokens import Grouping
from pipelines.judge.fold_groups import NO_GROUPS, FoldGroups
from pipelines.judge.identity import grouping
from pipelines.judge.rules import judged_of
from pipelines.progress import Done, shown
from pipelines.shard_run import digest

log = logging.getLogger("ccpairs")


def trained(
    data: Sequence[str],
    folds: int,
    preset: str,
    work: Path,
    survivors: Consistency | None = None,
    trust_remote_code: bool = False,
    groups: FoldGroups = NO_GROUPS,
) -> tuple[Path, ...]:
    """The models of all folds, trained on shards in ``data``, or found done.

    ``survivors``: of judged shards only the pairs that this rule would keep at some k. A round that trained on those of
    the strict k alone would learn from the pairs that its model finds easy already; at a loose one, what is out is
    mostly wrong. ``groups``: what falls into one fold. Raises ``UserError`` as training does.
    """
    corpus = open_corpus(data)
    settings = dataclasses.replace(load_settings(preset), trust_remote_code=trust_remote_code)
    rule = grouping(folds, groups)
    if survivors is not None:
        rule = of_survivors(rule, survivors)
    place = work / "models" / digest([settings.told(), corpus.identity, folds, rule.identity])[:16]
    status = Status()

    def look() -> Done:
        return Done(100 * status.step // max(status.steps, 1), status.note)

    with shown("train", 100, look, unit="%"):
        return tuple(train_folds(corpus, folds, rule, settings, place, Watch(log.info, status=status)))


def of_survivors(folds: Grouping, rule: Consistency) -> Grouping:
    """The same folds, without the pairs that the rule keeps at no k."""

    def of(table: pa.Table) -> NDArray[np.uint8]:
        keeps = rule.smallest_k(judged_of(table)) != NEVER
        return np.where(keeps, folds.of(table), NOBODYS).astype(np.uint8)

    columns = (*folds.columns, *(field.name for field in JUDGEMENT))
    return Grouping(of, columns, f"{folds.identity}, survivors of {rule}")


def check_models(folders: Sequence[Path], encoders: Sequence[Encoder]) -> None:
    """Raises ``UserError`` where the models of the folds differ in dimension."""
    for folder, encoder in zip(folders, encoders, strict=True):
        if encoder.dimension != encoders[0].dimension:
            raise UserError(
                f"{folder} has vectors of {encoder.dimension} dimensions, {folders[0]} of {encoders[0].dimension}; "
                "the models of all folds are of one kind"
            )
