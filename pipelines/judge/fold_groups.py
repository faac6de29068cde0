"""Which documents and texts fall into one fold together: what a worker looks up; ``equal_texts`` makes it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import xxhash

from ccpairs.storage import TEMPORARY
from filters.folds import Hashes


@dataclass(frozen=True)
class FoldGroups:
    """``bases`` that are joined with a lower one, sorted, and the lowest of their groups, ``lowest``; uint64 [m]."""

    bases: Hashes
    lowest: Hashes

    def of(self, bases: Hashes) -> Hashes:
        """The lowest base of each base's group, which decides the fold."""
        if not len(self.bases):
            return bases
        places = np.minimum(np.searchsorted(self.bases, bases), len(self.bases) - 1)
        return np.where(self.bases[places] == bases, self.lowest[places], bases)

    @cached_property
    def identity(self) -> str:
        """Changes when a group does; empty where nothing is joined."""
        if not len(self.bases):
            return ""
        return xxhash.xxh3_64_hexdigest(np.concatenate([self.bases, self.lowest]).astype("<u8").tobytes())

    def save(self, file: Path) -> None:
        """Write a file that appears when it is whole."""
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_name(f"{TEMPORARY}{file.name}")
        with half.open("wb") as stream:
            np.save(stream, np.stack([self.bases, self.lowest]))
        half.replace(file)

    @classmethod
    def load(cls, file: Path | None) -> FoldGroups:
        """What :meth:`save` wrote, as a memory map where there is something to map."""
        if file is None:
            return NO_GROUPS
        both = np.load(file)
        return cls(*(both if both.size == 0 else np.load(file, mmap_mode="r")))


NO_GROUPS = FoldGroups(np.empty(0, np.uint64), np.empty(0, np.uint64))
