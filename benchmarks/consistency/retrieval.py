"""nDCG@10 of small static models trained on what a filter leaves: equal steps, the same seeds for every filter."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from benchmarks.consistency.candidates import SETS, Exchanged, Rows, need
from models.encoders import TokenBatch
from models.evaluation.metrics import score
from models.evaluation.search import search
from models.evaluation.task import Task, open_task
from models.loss.info_nce import InfoNce
from models.static.encoder import StaticEncoder, static_encoder
from models.static.tokenizer import train_tokenizer
from models.static.training import StaticTrainable
from models.trainer.settings import digest

DIMENSION = 256
BATCH = 1024
TEMPERATURE = 0.05
LEARNING_RATE = 0.005
MAX_TOKENS = 256
SETTINGS = [DIMENSION, BATCH, TEMPERATURE, LEARNING_RATE, MAX_TOKENS, *SETS]


class Tokens(NamedTuple):
    """Texts as ids, flat, with offsets [n + 1], and hashes [n]."""

    ids: NDArray[Any]
    offsets: NDArray[np.int64]
    hashes: NDArray[np.uint64]

    def take(self, rows: Rows) -> TokenBatch:
        starts, sizes = self.offsets[rows], self.offsets[rows + 1] - self.offsets[rows]
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        places = np.arange(ends[-1]) + np.repeat(starts - ends[:-1], sizes)
        return TokenBatch(self.ids[places], ends, self.hashes[rows])


@dataclass(frozen=True, eq=False)
class Course:
    """What all models of a comparison share: the tokenizer, learned from all texts, the pairs and the sets."""

    pairs: Exchanged
    steps: int
    tokenizer: Any
    queries: Tokens
    passages: Tokens
    tasks: list[Task]
    kept_results: Path

    @classmethod
    def of(cls, pairs: Exchanged, steps: int, work: Path) -> Course:
        tokenizer = train_tokenizer([*pairs.queries, *pairs.passages])
        encoder = static_encoder(tokenizer, 1)
        queries = Tokens(*encoder.tokens(pairs.queries, "query", MAX_TOKENS), pairs.query_texts)
        passages = Tokens(*encoder.tokens(pairs.passages, "passage", MAX_TOKENS), pairs.passage_texts)
        tasks = [open_task(need("beir") / name) for name in SETS]
        return cls(pairs, steps, tokenizer, queries, passages, tasks, work / "retrieval")

    @lru_cache(maxsize=1)  # noqa: B019 - there is one course to a table
    def start(self, seed: int) -> StaticEncoder:
        """The model at its beginning: the same for every filter."""
        return static_encoder(self.tokenizer, DIMENSION, seed, [*self.pairs.queries, *self.pairs.passages])

    def ndcg(self, rows: Rows, seed: int) -> list[float]:
        """nDCG@10 on each set of a model trained on these rows; what an earlier run found is read."""
        held = np.concatenate([column.hashes[rows] for column in (self.queries, self.passages)])
        shaped = digest([self.steps, seed, [xxhash.xxh3_128_hexdigest(held.tobytes()), self.tokens_hash], SETTINGS])
        file = self.kept_results / f"{shaped}.json"
        if not file.is_file():
            found = self._trained(rows, seed)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(found), encoding="utf-8")
        values: list[float] = json.loads(file.read_text(encoding="utf-8"))
        return values

    @cached_property
    def tokens_hash(self) -> str:
        """Of all texts as tokens: what the tokenizer learned, and what a model begins from."""
        return xxhash.xxh3_128_hexdigest(np.concatenate([self.queries.ids, self.passages.ids]).tobytes())

    def _trained(self, rows: Rows, seed: int) -> list[float]:
        """Train on these rows, again and again in a new order, and search."""
        start = self.start(seed)
        encoder = StaticEncoder(start.reader, start.rows.copy())
        model = StaticTrainable(encoder, InfoNce(TEMPERATURE, products="bf16"))
        random = np.random.default_rng([seed, 1])
        order = np.empty(0, np.int64)
        size = min(BATCH, len(rows))
        for step in range(self.steps):
            if len(order) < size:
                order = np.concatenate([order, random.permutation(rows)])
            batch, order = order[:size], order[size:]
            rate = LEARNING_RATE * (1 - step / self.steps)
            model.step(self.queries.take(batch), self.passages.take(batch), lr=rate)
        return [score(task.qrels, search(encoder, task)).mean["nDCG@10"] for task in self.tasks]


class Difference(NamedTuple):
    """Mean of paired differences and half the width of its 95 % interval (Student's t over the seeds)."""

    mean: float
    half: float

    @property
    def significant(self) -> bool:
        return abs(self.mean) > self.half

    @classmethod
    def of(cls, ours: NDArray[np.float64], others: NDArray[np.float64]) -> Difference:
        from scipy.stats import t  # type: ignore[import-untyped]

        apart = np.subtract(ours, others)
        count = len(apart)
        if count < 2:
            return cls(float(apart.mean()), math.inf)
        return cls(float(apart.mean()), float(t.ppf(0.975, count - 1) * apart.std(ddof=1) / math.sqrt(count)))
