"""Small pairs on disk, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.trainer.job import Watch
from models.trainer.settings import Settings

WORDS = [
    *("river", "sea", "mountain", "city", "book", "author", "war", "peace"),
    *("bread", "salt", "stone", "wood", "glass", "iron", "gold", "silk"),
]


def pairs(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Queries of some words, and passages that repeat them among others."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        query = random.choice(WORDS, size=3).tolist()
        passage = [*query, *random.choice(WORDS, size=5).tolist()]
        found.append((f"{' '.join(query)} {number}", " ".join(passage)))
    return found


def write_pairs(path: Path, rows: Sequence[tuple[str | None, str | None]]) -> str:
    queries, passages = zip(*rows, strict=True)
    table = {"query": pa.array(queries, pa.string()), "passage": pa.array(passages, pa.string())}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path)
    return str(path)


SMALL = Settings().with_values(
    {
        "model.dimension": 16,
        "model.vocabulary_size": 200,
        "data.batch_size": 32,
        "data.epochs": 2.0,
        "optimizer.lr": 0.05,
    },
    "test",
)
SILENT = Watch(lambda line: None)
