"""Coded pools in a folder: found again, and made anew where they are not what was written."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.ranks import Golds, RankPool, keys_of, open_ranker


def pool_and_golds(seed: int = 0) -> tuple[RankPool, Golds]:
    random = np.random.default_rng(seed)
    members, anchors, golds = (random.standard_normal((count, 32)).astype(np.float32) for count in (500, 40, 40))
    none = np.zeros((40, 1), np.uint64)
    return (
        RankPool(members, np.arange(500, dtype=np.uint64) + 1, keys_of(np.zeros((500, 2), np.uint64))),
        Golds(anchors, golds + anchors, none, none),
    )


def ranks(folder: Path | None, path: str = "int8", seed: int = 0) -> list[int]:
    pool, golds = pool_and_golds(seed)
    found: list[int] = open_ranker(pool, path=path, folder=folder).ranks(golds).tolist()
    return found


def written(folder: Path) -> dict[str, int]:
    """The files below a folder, and when each was written."""
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder that holds the coded pool of seed 0."""
    folder = tmp_path / "pools"
    assert ranks(folder) == ranks(None)
    return folder


def test_a_pool_is_kept_whole_and_nothing_beside_it(kept: Path) -> None:
    (home,) = kept.iterdir()
    assert home.name.startswith("int8-")
    names = {
        "codes.npy",
        "order.npy",
        "residuals.npy",
        "tails.npy",
        "turn.npy",
        "steps.npy",
        "longest.npy",
        "seal.json",
    }
    assert {file.name for file in home.iterdir()} == names


def test_a_kept_pool_is_used_again(kept: Path) -> None:
    before = written(kept)
    assert ranks(kept) == ranks(None)
    assert written(kept) == before


def test_a_pool_is_one_of_its_vectors_and_kind(kept: Path) -> None:
    before = written(kept)
    assert ranks(kept, seed=1) == ranks(None, seed=1)
    assert ranks(kept, path="bf16") == ranks(None)
    assert len(list(kept.iterdir())) == 3
    assert before.items() <= written(kept).items()


def flipped(file: Path) -> None:
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 0x80
    file.write_bytes(damaged)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-5])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [flipped, cut, emptied, Path.unlink], ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("name", ["codes.npy", "order.npy", "residuals.npy", "seal.json"])
def test_a_damaged_pool_is_made_anew(kept: Path, name: str, damage) -> None:  # type: ignore[no-untyped-def]
    (home,) = kept.iterdir()
    damage(home / name)
    assert ranks(kept) == ranks(None)
    before = written(kept)
    assert ranks(kept) == ranks(None)
    assert written(kept) == before
    assert list(kept.iterdir()) == [home]


def test_another_pool_under_this_one_s_name_is_made_anew(kept: Path, tmp_path: Path) -> None:
    (home,) = kept.iterdir()
    ranks(tmp_path / "other", seed=1)
    (foreign,) = (tmp_path / "other").iterdir()
    shutil.rmtree(home)
    foreign.rename(home)
    assert ranks(kept) == ranks(None)


def test_what_a_killed_run_left_is_not_taken_for_a_pool(kept: Path) -> None:
    (home,) = kept.iterdir()
    home.rename(kept / f".tmp-{home.name}.1.2")
    assert ranks(kept) == ranks(None)
    assert home.is_dir()


def test_kept_codes_are_shared_through_a_memory_map(kept: Path) -> None:
    pool, _ = pool_and_golds()
    codes: NDArray[np.int8] = open_ranker(pool, path="int8", folder=kept)._coded.codes  # type: ignore[attr-defined]
    assert isinstance(codes.base, np.memmap)
