"""How many mismatches a rule lets pass, told by decoys, and the loosest k that lets no more pass than allowed.

Decoys are pairs that are known to be wrong, judged like any other: *far* ones (a random passage of the source) and
*near* ones (the passage of a near neighbour of the query). The share that a rule keeps is its false-keep rate for
mismatches of that kind, and of no other. Mass spectrometry chooses its thresholds so (target-decoy search: Elias and
Gygi 2007).

A pair that is kept at some k is kept at every larger one, so all there is to know are counts by the smallest k. They
add up over shards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast, get_args

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError

Kind = Literal["far", "near"]
Bound = Literal["estimate", "upper"]

KINDS: tuple[Kind, ...] = get_args(Kind)
BOUNDS: tuple[Bound, ...] = get_args(Bound)

CONFIDENCE = 0.95


class Rate(NamedTuple):
    """So many of so many, and the exact 95 % interval of the share (Clopper and Pearson 1934)."""

    kept: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """0 of 0 are no share: NaN."""
        return self.kept / self.of if self.of else math.nan


@dataclass(frozen=True)
class KeptByK:
    """How many pairs need which k: ``counts`` int64 [max_rank + 1]; the last entry counts those that no k keeps."""

    counts: NDArray[np.int64]

    @classmethod
    def of(cls, smallest_k: NDArray[np.int32], max_rank: int) -> KeptByK:
        """Count what :meth:`filters.consistency.Consistency.smallest_k` gives."""
        return cls(np.bincount(np.minimum(smallest_k, max_rank + 1) - 1, minlength=max_rank + 1).astype(np.int64))

    def __add__(self, other: KeptByK) -> KeptByK:
        """The counts of both; raises ValueError where they are of another ``max_rank``."""
        return KeptByK(self.counts + other.counts)

    @property
    def max_rank(self) -> int:
        return len(self.counts) - 1

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    def kept(self, k: int) -> int:
        return int(self.counts[: min(k, self.max_rank)].sum())

    def rate(self, k: int) -> Rate:
        return Rate(self.kept(k), self.total, *interval(self.kept(k), self.total))

    def rates(self) -> list[Rate]:
        """The rate at every k from 1 to ``max_rank``."""
        return [self.rate(k) for k in range(1, self.max_rank + 1)]


@dataclass(frozen=True)
class MaxFalseKeep:
    """The false-keep rates that are allowed, by kind of decoy.

    ``bound``: what must hold them. The *estimate* is the share itself; with few decoys it is 0 by luck, which the
    *upper* end of its 95 % interval is not.
    """

    limits: Mapping[Kind, float]
    bound: Bound = "estimate"

    def loosest_k(self, decoys: Mapping[Kind, KeptByK]) -> int | None:
        """The largest k that holds every limit.

        None where not even k = 1 does, or where there are no decoys of a kind that is limited.
        """
        holding = [self._loosest(decoys.get(kind), limit) for kind, limit in self.limits.items()]
        return min(holding, default=0) or None

    def _loosest(self, decoys: KeptByK | None, limit: float) -> int:
        """0 where none holds. The rates grow with k, so the k that hold are the first ones."""
        if decoys is None or not decoys.total:
            return 0
        rates = decoys.rates()
        return sum((rate.high if self.bound == "upper" else rate.share) <= limit for rate in rates)


def parse_max_false_keep(text: str) -> MaxFalseKeep:
    """``near=0.02``, ``near=0.02,far=0.001`` or ``near=0.02,bound=upper``. Raises ``UserError`` for anything else."""
    limits: dict[Kind, float] = {}
    bound: Bound = "estimate"
    seen: set[str] = set()
    for part in text.split(","):
        name, equals, value = (each.strip() for each in part.partition("="))
        if not equals or name not in (*KINDS, "bound") or name in seen:
            raise UserError(f"{text!r} says no false-keep rate; write near=0.02, or near=0.02,far=0.001")
        seen.add(name)
        if name != "bound":
            limits[cast(Kind, name)] = _limit(value, text)
        elif value in BOUNDS:
            bound = value
        else:
            raise UserError(f"bound={value} in {text!r} is none of {', '.join(BOUNDS)}")
    if not limits:
        raise UserError(f"{text!r} limits nothing; write near=0.02, or near=0.02,far=0.001")
    return MaxFalseKeep(limits, bound)


def _limit(value: str, text: str) -> float:
    try:
        limit = float(value)
    except ValueError:
        limit = math.nan
    if not 0 <= limit < 1:
        raise UserError(f"{value!r} in {text!r} is no rate from 0 to below 1; write near=0.02 for 2 %")
    return limit


def interval(kept: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact interval of a share by Clopper and Pearson (1934); 0 to 1 where there is nothing to share."""
    tail = (1 - confidence) / 2
    return 1 - _upper(of - kept, of, tail), _upper(kept, of, tail)


def _upper(kept: int, of: int, tail: float) -> float:
    """The share at which ``kept`` or fewer of ``of`` have the probability ``tail``."""
    if kept == of:
        return 1.0
    low, high = kept / of, 1.0
    while low < (middle := (low + high) / 2) < high:
        if _probability_of_at_most(kept, of, middle) > tail:
            low = middle
        else:
            high = middle
    return high


def _probability_of_at_most(kept: int, of: int, share: float) -> float:
    """The binomial tail; ``share`` is above ``kept / of``, where the terms fall from ``kept`` down to 0."""
    ways = math.lgamma(of + 1) - math.lgamma(kept + 1) - math.lgamma(of - kept + 1)
    term = total = math.exp(ways + kept * math.log(share) + (of - kept) * math.log1p(-share))
    for number in range(kept, 0, -1):
        term *= number / (of - number + 1) * (1 - share) / share
        total += term
        if term <= total * 1e-17:
            break
    return total
