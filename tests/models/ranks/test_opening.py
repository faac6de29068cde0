"""Which path is taken."""

from __future__ import annotations

import numpy as np
import pytest

from ccpairs.errors import UserError
from models.ranks import RankPool, keys_of, open_ranker
from models.ranks.opening import choose, chosen_path, multiplies_rightly, rates
from models.ranks.small_numbers import KINDS

POOL = RankPool(np.eye(2, dtype=np.float32), np.array([1, 2], np.uint64), keys_of(np.zeros((2, 2), np.uint64)))


@pytest.mark.parametrize(
    ("int8", "bf16", "path"),
    [
        (430, 210, "int8"),
        (0, 210, "bf16"),
        (200, 210, "bf16"),
        (150, 100, "int8"),
        (149, 0, "faiss"),
        (0, 149, "faiss"),
        (0, 0, "faiss"),
    ],
)
def test_the_fastest_product_is_taken_where_it_beats_fp32(int8: float, bf16: float, path: str) -> None:
    assert choose({"fp32": 100, "int8": int8, "bf16": bf16}) == path


def test_rates_are_measured_of_what_multiplies_rightly() -> None:
    found = rates()
    assert set(found) == {"fp32", "int8", "bf16"}
    assert found["fp32"] > 0
    for name, kind in KINDS.items():
        assert (found[name] > 0) == multiplies_rightly(kind)


def test_auto_takes_the_chosen_path() -> None:
    name = open_ranker(POOL).name
    assert name in ("int8", "bf16", "faiss", "faiss-gpu")
    assert name.split("-")[0] == chosen_path()


@pytest.mark.parametrize("path", ["int8", "bf16", "faiss"])
def test_a_path_that_is_asked_for_is_taken(path: str) -> None:
    if path in KINDS and not multiplies_rightly(KINDS[path]):
        with pytest.raises(UserError, match=f"no {path} products"):
            open_ranker(POOL, path=path)
    else:
        assert open_ranker(POOL, path=path).name.split("-")[0] == path


def test_an_unknown_path_is_refused() -> None:
    with pytest.raises(UserError, match="no path 'hnsw' to exact ranks; choose one of auto, int8, bf16, faiss"):
        open_ranker(POOL, path="hnsw")


def test_a_rank_below_1_is_refused() -> None:
    with pytest.raises(UserError, match="ranks up to 0 tell nothing"):
        open_ranker(POOL, max_rank=0)
