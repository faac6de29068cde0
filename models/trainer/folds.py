"""Models for cross-fitting: fold *i*'s has trained on the pairs of all other folds, and on none of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from ccpairs.errors import UserError
from models.trainer import job
from models.trainer.corpus import Corpus
from models.trainer.job import Watch
from models.trainer.settings import Settings
from models.trainer.tokens import Grouping

NOBODYS = 255
"""The group of a row that no model trains on."""


def train_folds(
    corpus: Corpus, folds: int, grouping: Grouping, settings: Settings, output: Path, watch: Watch
) -> list[Path]:
    """The folders of ``folds`` models, made one after the other; those that are there already are not made again.

    ``grouping`` tells the fold of a row, 0 to ``folds - 1``, or :data:`NOBODYS`. An only fold's model trains on it.
    All share one tokenizer, learned from all pairs: it knows which words there are, not which texts belong together.
    Each trains for the epochs of ``settings`` on the pairs that it may see. Raises ``UserError`` as training does.
    """
    models = []
    prepared = None
    for fold in range(folds):
        rule = f"all but fold {fold} of {folds} by {grouping.identity}"
        home = output / f"fold-{fold}"
        models.append(home / job.MODEL)
        if job.found_done(home, settings, corpus, rule) is not None:
            watch.say(f"model of fold {fold}: found done")
            continue
        # Anew for each fold: the model before it was trained in place. The tokens are found.
        prepared = job.prepare(settings, corpus, output, watch, grouping)
        rows = {}
        for source in prepared.sources:
            groups = np.asarray(source.groups)
            rows[source.name] = np.flatnonzero((groups != NOBODYS) & ((groups != fold) | (folds == 1)))
        check_number(sum(map(len, rows.values())), sum(map(len, prepared.sources)), fold, folds)
        watch.say(f"model of fold {fold}: training on {sum(map(len, rows.values())):,} pairs")
        job.run(settings, corpus, home, prepared, watch, rows=rows, rule=rule)
        shutil.rmtree(home / job.CHECKPOINTS, ignore_errors=True)
    if prepared is not None:
        shutil.rmtree(output / "tokens", ignore_errors=True)  # larger than the shards, and not needed again
    return models


def check_number(rows: int, every: int, fold: int, folds: int) -> None:
    """Raises ``UserError`` where a fold's model would have fewer than two pairs, the smallest batch."""
    if rows < 2:
        alone = f"--folds 1 trains one model on all {every:,}, or " if folds > 1 and every > 1 else ""
        raise UserError(
            f"too few pairs to train the model of fold {fold} of {folds}: {rows} of {every:,}, and a batch needs two; "
            f"{alone}name trained models by --model, one for each fold"
        )
