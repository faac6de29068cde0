"""Decoys: known mismatches, made of members of the pool, that are judged along and never reach a shard.

*Far*: a query with the passage of any other member of the same source and fold. *Near*: with the passage of a near
neighbour of the query. Both sides come from one fold, so the judge of that fold has trained on neither. How many decoys
a rule keeps says how many mismatches of that kind it lets pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from filters.folds import Hashes

NEAREST_PLACE, FARTHEST_PLACE = 3, 10
"""A near decoy's passage is that of a neighbour at one of these places among all: the very nearest may well be as good.
Decoys see the neighbours of one fold, in which every ``folds``-th of all stands."""
TRIES = 16
AT_ONCE = 1_024

Rows = NDArray[np.int64]
Neighbours = Callable[[int, Rows, Rows], Iterator[Rows]]
"""Given a fold, members that ask and members that may answer: of each asker the latter by nearness of their queries."""


class Decoys(NamedTuple):
    """Pairs of pool members, all of one kind and one source: the query of one, the passage of the other."""

    kind: str
    queries: Rows
    passages: Rows
    folds: NDArray[np.uint8]


@dataclass(frozen=True)
class Members:
    """The members of a pool, in the order of its file: what choosing decoys needs of them.

    ``ids``: of the pairs. ``query_texts`` and ``passage_texts`` uint64 [n], ``documents`` uint64 [n, 2]: hashes, 0 for
    no document.
    """

    ids: pa.StringArray
    folds: NDArray[np.uint8]
    query_texts: Hashes
    passage_texts: Hashes
    documents: Hashes

    def may_stand_together(self, ones: Rows, others: Rows) -> NDArray[np.bool_]:
        """Whether the query of a member ``ones`` [n] with the passage of each of ``others`` [n, m] is a mismatch.

        It is none where they share a text or a document, on whichever side, or where another member pairs two of their
        texts or documents: papers that cite each other make such pairs.
        """
        fit = (self.query_texts[others] != self.query_texts[ones, None]) & (
            self.passage_texts[others] != self.passage_texts[ones, None]
        )
        fit &= (self.query_texts[ones, None] != self.passage_texts[others]) & (
            self.passage_texts[ones, None] != self.query_texts[others]
        )
        fit &= ~self._are_paired(_mixed(self.query_texts[ones])[:, None] - self.passage_texts[others])
        for mine in self.documents[ones].T[:, :, None]:
            for theirs in (self.documents[others, side] for side in range(self.documents.shape[1])):
                apart = (theirs != mine) & (~self._are_paired(_mixed(mine) + _mixed(theirs)) | (theirs == 0))
                fit &= apart | (mine == 0)
        return np.asarray(fit & (others != ones[:, None]))

    @cached_property
    def _pairs(self) -> Hashes:
        """A hash of the two texts of each member, in their order, and of its two documents in any; sorted."""
        one, other = self.documents.T
        texts = _mixed(self.query_texts) - self.passage_texts
        documents = (_mixed(one) + _mixed(other))[(one != 0) & (other != 0) & (one != other)]
        return np.unique(np.concatenate([texts, documents]))

    def _are_paired(self, hashes: Hashes) -> NDArray[np.bool_]:
        places = np.searchsorted(self._pairs, hashes)
        return np.asarray(self._pairs[np.minimum(places, len(self._pairs) - 1)] == hashes)


def choose(members: Members, rows: Rows, order: Rows, wanted: int, folds: int, neighbours: Neighbours) -> list[Decoys]:
    """Up to ``wanted`` decoys of each kind among the members ``rows`` of one source.

    ``order`` [members] decides who asks: the lowest first. Of a fold with few members come fewer decoys.
    """
    found: dict[str, list[tuple[int, int, int]]] = {"far": [], "near": []}
    for fold in range(folds):
        group = rows[members.folds[rows] == fold]
        share = wanted // folds + (fold < wanted % folds)
        asking = group[np.argsort(order[group], kind="stable")][:share]
        found["far"] += [(*pair, fold) for pair in far(members, asking, group)]
        found["near"] += [(*pair, fold) for pair in near(members, asking, neighbours(fold, asking, group), folds)]
    return [decoys_of(kind, np.array(pairs, np.int64).reshape(-1, 3)) for kind, pairs in found.items()]


def decoys_of(kind: str, pairs: Rows) -> Decoys:
    """The decoys in rows of query, passage and fold."""
    return Decoys(kind, pairs[:, 0], pairs[:, 1], pairs[:, 2].astype(np.uint8))


def _mixed(hashes: Hashes) -> Hashes:
    """Hashes whose sums are as good as hashes: every bit decides."""
    hashes = np.atleast_1d(hashes)  # numpy warns where a scalar overflows
    mixed = (hashes ^ (hashes >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> np.uint64(32))


def far(members: Members, asking: Rows, group: Rows) -> Iterator[tuple[int, int]]:
    """Each asker with a member of the group by hash, one that fits; without those for whom some tries find none."""
    for some in _in_batches(asking):
        places = [
            [_hash(identity, f"far {number}") % len(group) for number in range(TRIES)]
            for identity in members.ids.take(pa.array(some)).to_pylist()
        ]
        others = group[np.array(places, np.int64).reshape(-1, TRIES)]
        fit = members.may_stand_together(some, others)
        has = np.flatnonzero(fit.any(axis=1))
        yield from zip(some[has].tolist(), others[has, fit[has].argmax(axis=1)].tolist(), strict=True)


def near(members: Members, asking: Rows, nearest: Iterator[Rows], folds: int) -> Iterator[tuple[int, int]]:
    """Each asker with that of its neighbours that fit which stands at a place by hash; without those with too few."""
    places = slice(-(-NEAREST_PLACE // folds) - 1, -(-FARTHEST_PLACE // folds))
    for some in _in_batches(asking):
        lists = list(islice(nearest, len(some)))
        others = np.repeat(some[:, None], max(map(len, lists)), axis=1)  # nobody fits to itself
        for row, mine in enumerate(lists):
            others[row, : len(mine)] = mine
        fit = members.may_stand_together(some, others)
        identities = members.ids.take(pa.array(some)).to_pylist()
        for row, (one, identity) in enumerate(zip(some.tolist(), identities, strict=True)):
            fitting = others[row, fit[row]][places]
            if len(fitting):
                yield one, int(fitting[_hash(identity, "near") % len(fitting)])


def _in_batches(rows: Rows) -> Iterator[Rows]:
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))


def _hash(identity: str, purpose: str) -> int:
    return xxhash.xxh3_64_intdigest(f"{identity}\0{purpose}".encode())
