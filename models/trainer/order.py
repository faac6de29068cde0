"""Which pairs make which batch: a function of the seed and the step, for any number of processes.

Sources take turns by their weights along a golden-ratio sequence, so any stretch of the training holds them in
proportion to within a few pairs. Inside a source the rows stand in a seeded order that begins anew each time they are
used up: blocks of rows in random order, and those of some blocks together shuffled. So what is read lies close together
on disk, whatever the size. Of all this only one number a source must be remembered: how many of its rows were used.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import xxhash
from numpy.typing import NDArray

from ccpairs.errors import UserError

BLOCK = 4_096
BLOCKS_TOGETHER = 16
_GOLDEN = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: its multiples modulo 2^64 fill the range as evenly as can be."""


def mixture(mix: str, rows: Mapping[str, int]) -> dict[str, float]:
    """Weights of sources, adding up to 1, by ``proportional`` or ``sqrt`` and factors, as in ``sqrt,s2orc=0.3``.

    Raises ``UserError`` for a word or a source that there is not, and where nothing is left.
    """
    power, factors = 1.0, dict.fromkeys(rows, 1.0)
    for part in filter(None, map(str.strip, mix.split(","))):
        name, equals, value = part.partition("=")
        if not equals:
            if name not in ("proportional", "sqrt"):
                raise UserError(f"mix {mix!r}: {name} is neither proportional nor sqrt nor a factor as s2orc=0.3")
            power = 0.5 if name == "sqrt" else 1.0
            continue
        try:
            factor = float(value)
        except ValueError:
            factor = -1.0
        if name not in rows:
            raise UserError(f"mix {mix!r}: no source {name} in the data; there is {', '.join(rows)}")
        if not 0 <= factor < float("inf"):
            raise UserError(f"mix {mix!r}: {value} is no factor; it is a number from 0")
        factors[name] = factor
    weights = {name: factors[name] * number**power for name, number in rows.items()}
    if not (total := sum(weights.values())) > 0:
        raise UserError(f"mix {mix!r} leaves no source; give one of them a factor above 0")
    return {name: weight / total for name, weight in weights.items()}


class DataOrder:
    """``next_batch`` goes from step to step; :attr:`used`, the rows of each source so far, is what a checkpoint holds.

    ``rows``: source -> its rows. All of a batch come from one source where ``one_source`` is set.
    """

    def __init__(
        self,
        rows: Mapping[str, int],
        weights: Mapping[str, float],
        batch_size: int,
        seed: int,
        one_source: bool = False,
    ) -> None:
        self.batch_size, self.one_source, self.seed = batch_size, one_source, seed
        self.names = list(rows)
        self._bounds = np.cumsum([weights[name] for name in self.names])
        self._orders = {name: RowOrder(number, name, seed) for name, number in rows.items()}
        self._start = xxhash.xxh3_64_intdigest(b"mixture", seed=seed)
        self.step = 0
        self.used = dict.fromkeys(rows, 0)

    def next_batch(self) -> list[tuple[str, NDArray[np.int64]]]:
        """The rows of each source that takes part in the next step, [(source, int64 [n])]."""
        count = 1 if self.one_source else self.batch_size
        chosen = self._sources(self.step * count, count)
        counts = np.bincount(chosen, minlength=len(self.names)) * (self.batch_size // count)
        batch = []
        for name, number in zip(self.names, counts.tolist(), strict=True):
            if number:
                batch.append((name, self._orders[name].rows(self.used[name], number)))
                self.used[name] += number
        self.step += 1
        return batch

    def go_to(self, step: int, used: Mapping[str, int]) -> None:
        """Stand where a checkpoint stood."""
        self.step, self.used = step, dict(used)

    def _sources(self, first: int, count: int) -> NDArray[np.int64]:
        """The source of each turn from ``first`` on, int64 [count]."""
        turns = np.arange(first, first + count, dtype=np.uint64)
        places = (turns * np.uint64(_GOLDEN) + np.uint64(self._start)).astype(np.float64) / 2.0**64
        return np.searchsorted(self._bounds[:-1], places, side="right")


class RowOrder:
    """An endless seeded order of ``count`` rows: every row once, then every row once again in another order."""

    def __init__(self, count: int, name: str, seed: int) -> None:
        self.count = count
        self._key = [seed, xxhash.xxh3_64_intdigest(name.encode())]
        self._epoch = lru_cache(2)(self._make_epoch)
        self._stretch = lru_cache(4)(self._make_stretch)

    def rows(self, first: int, number: int) -> NDArray[np.int64]:
        """Rows ``first`` to ``first + number`` of the order, int64 [number]."""
        parts = []
        while number:
            epoch, place = divmod(first, self.count)
            _, ends = self._epoch(epoch)
            stretch = int(np.searchsorted(ends, place, side="right"))
            begin = int(ends[stretch - 1]) if stretch else 0
            part = self._stretch(epoch, stretch)[place - begin : place - begin + number]
            parts.append(part)
            first, number = first + len(part), number - len(part)
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def _make_epoch(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Blocks in the order of this epoch, and how many rows there are up to the end of each stretch of them."""
        blocks = np.random.default_rng([*self._key, epoch]).permutation(-(-self.count // BLOCK))
        sizes = np.minimum(BLOCK, self.count - blocks * BLOCK)
        ends = np.cumsum(sizes)
        last = np.minimum(np.arange(BLOCKS_TOGETHER, len(blocks) + BLOCKS_TOGETHER, BLOCKS_TOGETHER), len(blocks))
        return blocks, ends[last - 1]

    def _make_stretch(self, epoch: int, stretch: int) -> NDArray[np.int64]:
        blocks, _ = self._epoch(epoch)
        together = blocks[stretch * BLOCKS_TOGETHER : (stretch + 1) * BLOCKS_TOGETHER]
        rows = np.concatenate([np.arange(each * BLOCK, min((each + 1) * BLOCK, self.count)) for each in together])
        return np.random.default_rng([*self._key, epoch, stretch]).permutation(rows)
