"""The training loop: the next batch, a step, a line in the journal, a checkpoint; the same end after any kill."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError
from ccpairs.storage import write_bytes
from models.encoders import Encoder, TokenBatch
from models.loss.collisions import Hashes, leaves_no_candidate
from models.trainer import processes
from models.trainer.checkpoints import Checkpoints
from models.trainer.journal import Journal
from models.trainer.learner import Learner
from models.trainer.order import DataOrder, mixture
from models.trainer.settings import OptimizerSettings, Settings, digest
from models.trainer.tokens import TokenisedSource, join

log = logging.getLogger("ccpairs")

Evaluate = Callable[[Encoder], Mapping[str, float]]
"""Name of a score (as ``nDCG@10/scifact``) -> its value."""

SECONDS_OF_SPEED = 20.0
"""The speed that is shown is that of about the last so many seconds."""


@dataclass(frozen=True)
class Pace:
    """How often something is done, in steps; 0 for an evaluation means only at the end."""

    log_every: int = 10
    evaluate_every: int = 0
    checkpoint_every: int = 1_000


@dataclass
class Status:
    """How far a training is, for those who show it."""

    steps: int = 0
    step: int = 0
    batch_size: int = 0
    loss: float = math.nan
    pairs_per_second: float = 0.0

    @property
    def note(self) -> str:
        if not self.pairs_per_second:
            return ""
        left = (self.steps - self.step) * self.batch_size / self.pairs_per_second
        return f"loss {self.loss:.3f}, {self.pairs_per_second:,.0f} pairs/s, {duration(left)} left"


@dataclass(frozen=True)
class Trained:
    """What came of a training. ``seconds`` are of this run; ``used``: rows of each source, in all."""

    steps: int
    resumed_at: int
    batch_size: int
    used: Mapping[str, int]
    weights: Mapping[str, float]
    first_loss: float
    last_loss: float
    seconds: float
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def pairs_per_second(self) -> float:
        return (self.steps - self.resumed_at) * self.batch_size / max(self.seconds, 1e-9)


class Batch(NamedTuple):
    """One global batch. ``used``: rows used of each source, this batch among them."""

    queries: TokenBatch
    passages: TokenBatch
    negatives: TokenBatch | None
    used: dict[str, int]

    @property
    def has_no_candidates(self) -> bool:
        """Whether no row has a candidate beside its positive, so that nothing is learned."""
        negatives = None if self.negatives is None else self.negatives.hashes
        return leaves_no_candidate(Hashes.of_arrays(self.queries.hashes, self.passages.hashes, negatives))


class Batches:
    """Batches of token ids in the order of the settings. ``rows``: those to use of each source; all by default."""

    def __init__(
        self,
        sources: Sequence[TokenisedSource],
        settings: Settings,
        rows: Mapping[str, NDArray[np.int64]] | None = None,
    ) -> None:
        self._sources = {source.name: source for source in sources}
        self._rows = rows or {}
        counts = {name: len(self._rows.get(name, source)) for name, source in self._sources.items()}
        counts = {name: count for name, count in counts.items() if count}
        self.pairs = sum(counts.values())
        if self.pairs < 2:
            raise UserError(f"{self.pairs} pairs to train on; a batch needs two, for one pair has no negatives")
        self.weights = mixture(settings.data.mix, counts)
        self.batch_size = min(settings.data.batch_size, self.pairs)
        self.steps = settings.data.steps or max(1, math.ceil(settings.data.epochs * self.pairs / self.batch_size))
        data = settings.data
        self.order = DataOrder(counts, self.weights, self.batch_size, data.seed, data.one_source_batches)

    def following(self) -> Iterator[Batch]:
        """The batches up to the last step. One is made ahead."""
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as ahead:
            coming = ahead.submit(self._make) if self.order.step < self.steps else None
            while coming is not None:
                batch = coming.result()
                coming = ahead.submit(self._make) if self.order.step < self.steps else None
                yield batch

    def _make(self) -> Batch:
        parts = [
            (self._sources[name], self._rows[name][places] if name in self._rows else places)
            for name, places in self.order.next_batch()
        ]
        queries, passages = (join([source.take(rows, side) for source, rows in parts]) for side in (0, 1))
        hard = [found for source, rows in parts if (found := source.take_negatives(rows)) is not None]
        return Batch(queries, passages, join(hard) if hard else None, dict(self.order.used))


def train(
    settings: Settings,
    learner: Learner,
    batches: Batches,
    output: Path,
    data: str,
    *,
    pace: Pace | None = None,
    evaluate: Evaluate | None = None,
    status: Status | None = None,
) -> Trained:
    """Train to the last step, from the newest checkpoint in ``output`` on; the model is in ``learner`` then.

    ``data`` tells these pairs from others. Raises ``UserError`` where the output holds another training, and where the
    loss is no number any more.
    """
    pace, status = pace or Pace(), status or Status()
    checkpoints = Checkpoints(output / "checkpoints", digest([settings.told(), learner.identity, data, batches.steps]))
    resumed_at = _resume(checkpoints, learner, batches)
    first = processes.is_first()
    journal = Journal(output, resumed_at) if first else None
    status.steps, status.batch_size, status.step = batches.steps, batches.batch_size, resumed_at
    begun = time.perf_counter()
    speed = _Speed(begun)
    losses, scores, at = [math.nan, math.nan], dict[str, float](), dict(batches.order.used)
    empty = 0
    for step, batch in enumerate(batches.following(), resumed_at + 1):
        lr, used = learning_rate(settings.optimizer, step, batches.steps), batch.used
        loss = learner.trainable.step(
            batch.queries, batch.passages, negatives=batch.negatives, lr=lr, seed=settings.data.seed
        )
        if not math.isfinite(loss):
            raise UserError(_no_number(step, loss, checkpoints))
        if loss == 0 and (batch.has_no_candidates or settings.loss.margin >= 0):
            empty += 1
            if empty == 1:
                log.warning("%s", _no_candidates(step, batch))
        losses, at = [losses[0] if step > resumed_at + 1 else loss, loss], used
        status.step, status.loss, status.pairs_per_second = step, loss, speed.after(batches.batch_size)
        last = step == batches.steps
        if journal is not None and (last or step % pace.log_every == 0):
            facts = {"loss": loss, "lr": lr, "pairs": step * batches.batch_size}
            journal.write(step, **facts, pairs_per_second=round(status.pairs_per_second, 1))
        if journal is not None and not last and step % pace.checkpoint_every == 0:
            _save(checkpoints, step, used, learner)
        due = last or (pace.evaluate_every and step % pace.evaluate_every == 0)
        if evaluate is not None and due and journal is not None:
            scores = dict(evaluate(learner.encoder))
            journal.write(step, **scores)
            log.info("step %s: %s", f"{step:,}", ", ".join(f"{name} {value:.4f}" for name, value in scores.items()))
    if empty > 1:
        log.warning("%s of the steps had no candidate left and taught nothing", f"{empty:,}")
    if journal is not None:
        if batches.steps > resumed_at:
            _save(checkpoints, batches.steps, at, learner)
        journal.close()
    return Trained(
        steps=batches.steps,
        resumed_at=resumed_at,
        batch_size=batches.batch_size,
        used=at,
        weights=batches.weights,
        first_loss=losses[0],
        last_loss=losses[1],
        seconds=time.perf_counter() - begun,
        scores=scores,
    )


def learning_rate(settings: OptimizerSettings, step: int, steps: int) -> float:
    """Of step 1 to ``steps``: linear to ``lr`` over the warm-up, then linear to 0 behind the last step."""
    warmup = min(settings.warmup_steps, steps)
    if step <= warmup:
        return settings.lr * step / warmup
    return settings.lr * (steps + 1 - step) / (steps + 1 - max(warmup, 1))


def _resume(checkpoints: Checkpoints, learner: Learner, batches: Batches) -> int:
    found = checkpoints.newest()
    if found is None:
        return 0
    position, folder = found
    learner.trainable.restore(checkpoints.load(folder))
    batches.order.go_to(position.step, position.used)
    log.info("resumed at step %s of %s", f"{position.step:,}", f"{batches.steps:,}")
    return position.step


def _save(checkpoints: Checkpoints, step: int, used: Mapping[str, int], learner: Learner) -> None:
    """A disk that is full now may have room at the next checkpoint: training goes on, and says so."""
    try:
        checkpoints.save(step, used, learner.trainable.state())
    except OSError as error:
        log.warning("%s; training goes on, and the checkpoint before it is still there", error)


def _no_number(step: int, loss: float, checkpoints: Checkpoints) -> str:
    good = checkpoints.newest()
    where = f"the last good checkpoint is {good[1]}" if good else "there is no checkpoint before it"
    return f"the loss is {loss} at step {step:,}; {where}; lower optimizer.lr, or raise loss.temperature"


def _no_candidates(step: int, batch: Batch) -> str:
    """Why a batch has no candidate beside its positives, and what helps."""
    why = "its rows share one query or one passage" if batch.has_no_candidates else "loss.margin masks them all"
    cure = "mix in other data, or raise data.batch_size" if batch.has_no_candidates else "raise loss.margin"
    return f"step {step:,}: every candidate of the batch is masked, because {why}: nothing is learned; {cure}"


class _Speed:
    """Pairs a second, a moving average over :data:`SECONDS_OF_SPEED`."""

    def __init__(self, now: float) -> None:
        self._then, self._value = now, 0.0

    def after(self, pairs: int) -> float:
        now = time.perf_counter()
        passed, self._then = now - self._then, now
        weight = 1 - math.exp(-passed / SECONDS_OF_SPEED) if self._value else 1.0
        self._value += weight * (pairs / max(passed, 1e-9) - self._value)
        return self._value


def duration(seconds: float) -> str:
    """Seconds as 42s, 3m10s, 5h02m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


def write_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """A JSON file, whole or not there."""
    write_bytes(str(path), json.dumps(facts, indent=2).encode() + b"\n")
