"""One training from the data to the folder of the model: what the command ``train`` and the judge's folds share.

OUTPUT/tokens/        the pairs as token ids
       tokenizer.json where one was learned; tokenizer.key says from what
       checkpoints/   metrics.jsonl   tensorboard/
       model/         the model, for :func:`models.encoders.load_encoder` and for sentence-transformers
       training.json  written last: settings, data, what came of it
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from ccpairs.errors import UserError
from ccpairs.exhaustion import explain
from ccpairs.interruption import temporary
from ccpairs.output_folder import commands_of
from models.encoders import Encoder
from models.trainer import processes
from models.trainer.corpus import Corpus
from models.trainer.learner import Learner, Say, make_learner
from models.trainer.loop import Batches, Evaluate, Pace, Status, Trained, train, write_facts
from models.trainer.settings import Settings, digest
from models.trainer.tokens import LISTING, Grouping, TokenisedSource, Told, left_out, tokenised

MODEL = "model"
FACTS = "training.json"
CHECKPOINTS = "checkpoints"
TOKENS = "tokens"
WRITTEN = (MODEL, FACTS, CHECKPOINTS, TOKENS, "tokenizer.json", "tokenizer.key", "metrics.jsonl", "tensorboard")
"""Names in an output that a training writes, and replaces."""


@dataclass(frozen=True)
class Watch:
    """Who is told of what. ``say``: lines; ``reading``: pairs that were made tokens; ``status``: the loop's."""

    say: Say
    reading: Told | None = None
    status: Status | None = None


@dataclass(frozen=True)
class Prepared:
    """Model and tokens, before the first step."""

    learner: Learner
    sources: list[TokenisedSource]


def refuse_foreign(output: Path) -> None:
    """Raise ``UserError`` where a training would replace files that no training of ours has written.

    What ours has written is known by its mark, or, from earlier releases, by its facts, checkpoints or tokens.
    """
    signs = (f"{CHECKPOINTS}/step-*/position.json", f"{TOKENS}/*/{LISTING}", f"{TOKENS}/.tmp-{'[0-9a-f]' * 32}")
    if "train" in commands_of(str(output)) or _facts(output) or any(any(output.glob(sign)) for sign in signs):
        return
    if there := [name for name in WRITTEN if os.path.lexists(output / name)]:
        raise UserError(
            f"{output} holds {' and '.join(there)}, which ccpairs train did not write; choose another --output, "
            "or move it away"
        )


def found_done(output: Path, settings: Settings, corpus: Corpus, rule: str = "") -> dict[str, Any] | None:
    """The facts of a training with these settings on this data that ended in ``output``; None where none did.

    ``UserError`` where another one did.
    """
    facts = _facts(output)
    if facts is not None and facts["of"] != identity(settings, corpus, rule):
        raise UserError(f"{output} holds a training with other settings or data; choose another --output, or delete it")
    return facts


def _facts(output: Path) -> dict[str, Any] | None:
    """What stands in ``training.json``; None where there is none of ours."""
    try:
        facts: dict[str, Any] = json.loads((output / FACTS).read_text(encoding="utf-8"))
        return facts if "of" in facts else None
    except (OSError, ValueError, TypeError):
        return None


def identity(settings: Settings, corpus: Corpus, rule: str = "") -> str:
    return digest([settings.told(), corpus.identity, rule])


def prepare(
    settings: Settings, corpus: Corpus, output: Path, watch: Watch, grouping: Grouping | None = None
) -> Prepared:
    """The model at its beginning and the tokens of the data; the first process makes what is not there."""
    make_folder(output)
    if not processes.is_first():
        processes.wait_for_all()
    learner = make_learner(settings, corpus, output, watch.say)
    sources = tokenised(
        corpus,
        learner.tokeniser,
        learner.identity,
        learner.max_tokens,
        output / TOKENS,
        negatives=settings.data.negatives,
        grouping=grouping,
        told=watch.reading,
    )
    if processes.is_first():
        processes.wait_for_all()
        if missing := left_out(corpus, sources):
            watch.say(f"left out: {missing:,} rows without a query or a passage")
        for source in sources:
            if source.negatives is not None and source.negative_rows is not None:
                sizes = np.diff(source.negative_rows, prepend=0)
                rows = f"{np.count_nonzero(sizes):,} rows, up to {sizes.max():,} a row"
                watch.say(f"{source.name}: {len(source.negatives.ends):,} hard negatives of {rows}")
    return Prepared(learner, sources)


def run(
    settings: Settings,
    corpus: Corpus,
    output: Path,
    prepared: Prepared,
    watch: Watch,
    *,
    rows: Mapping[str, NDArray[np.int64]] | None = None,
    rule: str = "",
    pace: Pace | None = None,
    evaluate: Evaluate | None = None,
    finish: Callable[[Encoder, Path, dict[str, Any]], None] | None = None,
) -> Trained:
    """Train to the end and write ``model/`` and ``training.json``.

    ``rows``: those of each source to train on, all by default; ``rule`` names the choice. ``finish`` writes the model
    in the place of its ``save``: it is given the encoder, a folder and the facts.
    """
    make_folder(output)
    batches = Batches(prepared.sources, settings, rows)
    data = digest([corpus.identity, rule])
    trained = train(
        settings, prepared.learner, batches, output, data, pace=pace, evaluate=evaluate, status=watch.status
    )
    if processes.is_first():
        facts = facts_of(settings, corpus, batches, trained, identity(settings, corpus, rule))
        facts["texts"] = {"prompts": dict(prepared.learner.prompts), "max_tokens": prepared.learner.max_tokens}
        half = output / f".tmp-{MODEL}"
        shutil.rmtree(half, ignore_errors=True)
        try:
            with temporary(half):
                if finish is None:
                    prepared.learner.trainable.save(half)
                else:
                    finish(prepared.learner.encoder, half, facts)
                shutil.rmtree(output / MODEL, ignore_errors=True)
                half.rename(output / MODEL)
            write_facts(output / FACTS, facts)
        except Exception as error:  # tokenizers raises bare ones
            shutil.rmtree(half, ignore_errors=True)
            reason = explain(error, path=str(output))
            if reason is None and not isinstance(error, OSError | SafetensorError):
                raise
            raise UserError(
                f"the model is not written: {reason or error}; then type the same command again: it goes on from the "
                "last checkpoint"
            ) from None
    processes.wait_for_all()
    return trained


def facts_of(settings: Settings, corpus: Corpus, batches: Batches, trained: Trained, of: str) -> dict[str, Any]:
    """What stands in ``training.json``."""
    data = {}
    for source in corpus.sources:
        manifest = source.manifest
        data[source.name] = {
            "rows": source.rows,
            "used": trained.used.get(source.name, 0),
            "weight": round(trained.weights.get(source.name, 0.0), 6),
            "licences": source.licences(),
            **({"settings_hash": manifest.settings_hash, "stage": manifest.stage} if manifest else {}),
        }
    return {
        "of": of,
        "settings": settings.told(),
        "data": data,
        "pairs": batches.pairs,
        "result": {key: value for key, value in asdict(trained).items() if key not in ("used", "weights")},
    }


def make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write to {output} ({error.strerror or error}); choose another --output") from None
