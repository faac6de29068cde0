"""Which way to count: the fastest that this machine has, or the one that was asked for. All give the same ranks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch

from ccpairs.errors import UserError
from models.evaluation.search import import_faiss
from models.ranks.coarse import CoarseRanker, one_thread
from models.ranks.flat import FlatRanker
from models.ranks.kept import coded_pool
from models.ranks.questions import Ranker, RankPool, checked_pool
from models.ranks.small_numbers import KINDS, Kind
from models.static.parallel import cores

PATHS = ("auto", *KINDS, "faiss")
WORTH = 1.5
"""A coarse product that is not so many times as fast as fp32's is not taken: FAISS needs no codes."""
BLOCK = (512, 1_024, 256)
"""Rows, members and components of the product that is measured; some milliseconds."""


def open_ranker(
    pool: RankPool, *, max_rank: int = 20, path: str = "auto", folder: Path | None = None, threads: int | None = None
) -> Ranker:
    """A ranker whose ranks are exact up to ``max_rank``.

    ``path``: ``int8`` or ``bf16``, coarse products with exact checks; ``faiss``, flat search, on graphics cards where
    it sees any; ``auto`` chooses (:func:`chosen_path`). ``folder``: where coded pools are kept for other processes and
    later runs; in memory where None. ``threads``: all cores where None. Raises ``UserError`` where this machine cannot
    go the path.
    """
    if path not in PATHS:
        raise UserError(f"there is no path {path!r} to exact ranks; choose one of {', '.join(PATHS)}")
    if max_rank < 1:
        raise UserError(f"ranks up to {max_rank} tell nothing; --max-rank is 1 or more")
    pool = checked_pool(pool)
    path = chosen_path() if path == "auto" else path
    if path == "faiss":
        return FlatRanker(pool, max_rank, threads)
    kind = KINDS[path]
    if not multiplies_rightly(kind):
        raise UserError(f"this machine's torch has no {path} products that can be relied on; choose --rank-path faiss")
    return CoarseRanker(pool, coded_pool(pool.vectors, kind, folder), kind, max_rank, threads or cores())


@cache
def chosen_path() -> str:
    """FAISS where it sees a graphics card, else the coarse product that is fast here, else FAISS; once a process."""
    try:
        cards = int(getattr(import_faiss(), "get_num_gpus", lambda: 0)())
    except UserError:  # not installed: what is fast may do without
        cards = 0
    return "faiss" if cards else choose(rates())


def choose(measured: Mapping[str, float]) -> str:
    """The path, from the rates of products by name; ``fp32`` is among them, and 0 is one that cannot be used."""
    best = max(KINDS, key=lambda name: measured[name])
    return best if measured[best] >= WORTH * measured["fp32"] else "faiss"


def rates() -> dict[str, float]:
    """Operations per second of one core in products of a small block, by kind and for ``fp32``; 0 where wrong."""
    height, width, depth = BLOCK
    random = np.random.default_rng(0)
    rows, columns = random.standard_normal((height, depth)), random.standard_normal((width, depth))
    found = {}
    with one_thread():
        plain = [torch.from_numpy(side.astype(np.float32)) for side in (rows, columns)]
        found["fp32"] = _rate(partial(torch.mm, plain[0], plain[1].T, out=torch.empty(height, width)))
        for name, kind in KINDS.items():
            found[name] = 0.0
            if multiplies_rightly(kind):
                left, right = (kind.encode(side, kind.scale(np.abs(side).max())) for side in (rows, columns))
                found[name] = _rate(partial(kind.multiply, left, right, kind.buffer(height * width)))
    return found


def _rate(product: Callable[[], object]) -> float:
    taken = []
    for _ in range(6):  # the first builds its code
        start = time.thread_time()
        product()
        taken.append(time.thread_time() - start)
    return 2.0 * np.prod(BLOCK) / max(min(taken), 1e-9)


def multiplies_rightly(kind: Kind) -> bool:
    """Whether torch has this kind's product and keeps its error within the bound.

    The codes are the largest there are: int8 products have been made by instructions that cut off sums above 32,767.
    """
    random = np.random.default_rng(0)
    vectors = np.sign(random.standard_normal((96, 128))) * np.where(np.arange(96) % 2, 1.0, 0.99)[:, None]
    vectors[:8] = 1.0
    scale = kind.scale(np.ones(()))
    codes = kind.encode(vectors, scale)
    rows, columns = codes[:40, :72], codes[:, :72]  # a prefix, as it is used
    try:
        with one_thread():
            products = kind.decode(kind.multiply(np.ascontiguousarray(rows), columns, kind.buffer(40 * 96)), 1.0)
    except (AttributeError, RuntimeError, NotImplementedError):
        return False
    left, right = kind.decode(rows, 1.0), kind.decode(columns, 1.0)
    bound = kind.relative_error * np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=1)
    return bool((np.abs(products - left @ right.T) <= bound).all())
