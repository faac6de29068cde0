"""What became of judged pairs: counts by reason, by pair type and by the k they need, which add up over shards."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters.consistency import DIRECTIONS, Consistency, Judged
from filters.false_keep import KeptByK
from pipelines.judge.rules import judged_of


def by_direction(rule: Consistency, judged: Judged) -> dict[str, KeptByK]:
    """How many pairs need which k under a rule, in each direction."""
    return {
        direction: KeptByK.of(dataclasses.replace(rule, direction=direction).smallest_k(judged), rule.max_rank)
        for direction in DIRECTIONS
    }


@dataclass
class Tally:
    """Counts of judged pairs. ``needed``: direction -> pairs by the k they need, all else being as the rule has it.

    ``came`` and ``left``: pairs that are kept and were not in an earlier round, and the other way round.
    """

    read: int = 0
    kept: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    read_by_type: Counter[str] = field(default_factory=Counter)
    kept_by_type: Counter[str] = field(default_factory=Counter)
    needed: dict[str, KeptByK] = field(default_factory=dict)
    came: int = 0
    left: int = 0

    def count(self, table: pa.Table, rule: Consistency, before: frozenset[str] | None = None) -> NDArray[np.bool_]:
        """Add the rows of a judged table, ``before`` being the ids kept earlier; which of them the rule keeps."""
        judged = judged_of(table)
        decision = rule.decide(judged)
        keep = decision.keep
        self.read += len(table)
        self.kept += int(keep.sum())
        self.reasons.update(decision.dropped())
        types = table.column("pair_type")
        self.read_by_type.update(_counted(types))
        self.kept_by_type.update(_counted(types.filter(pa.array(keep))))
        self._add_needed(by_direction(rule, judged))
        if before is not None:
            was = np.fromiter((each in before for each in table.column("pair_id").to_pylist()), bool, len(table))
            self.came += int((keep & ~was).sum())
            self.left += int((was & ~keep).sum())
        return keep

    def add(self, other: Tally) -> None:
        """Add the counts of another one."""
        self.read, self.kept = self.read + other.read, self.kept + other.kept
        self.came, self.left = self.came + other.came, self.left + other.left
        self.reasons.update(other.reasons)
        self.read_by_type.update(other.read_by_type)
        self.kept_by_type.update(other.kept_by_type)
        self._add_needed(other.needed)

    def _add_needed(self, found: Mapping[str, KeptByK]) -> None:
        for direction, counts in found.items():
            self.needed[direction] = self.needed[direction] + counts if direction in self.needed else counts

    def told(self) -> dict[str, Any]:
        """As plain values."""
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return {**values, "needed": {name: counts.counts.tolist() for name, counts in self.needed.items()}}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Tally:
        """What :meth:`told` told; raises ``KeyError`` or ``TypeError`` where it is something else."""
        counters = {name: Counter(values[name]) for name in ("reasons", "read_by_type", "kept_by_type")}
        needed = {name: KeptByK(np.array(counts, np.int64)) for name, counts in values["needed"].items()}
        return cls(**{**values, **counters, "needed": needed})


def _counted(column: pa.ChunkedArray) -> dict[str, int]:
    return {item["values"]: item["counts"] for item in pc.value_counts(column).to_pylist()}
