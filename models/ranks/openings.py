"""Compiled: where in a block of coarse products somebody may beat a gold, and who does.

Maxima over 64 products cost almost nothing beside the products; only where one is above a row's key are the 64 looked
at one by one. What is found there is gathered over many rows before it is looked at closely: a processor then fetches
the codes of the next members while it works on those of one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.ranks.certificate import GROUP
from models.ranks.questions import RankPool
from models.ranks.rule import competes, dot
from models.ranks.small_numbers import Floats
from models.static.parallel import compiled

SUB = 64
"""Products under one maximum."""
GATHERED = 1_024
"""Members that are looked at closely at once."""


class Thresholds(NamedTuple):
    """What a product of row r with a member of group g is above if the member beats the row, in steps of a product.

    It is base[r] - length[r] * residuals[g] - tail[r] * tails[g], float64.
    """

    base: Floats
    length: Floats
    tail: Floats
    residuals: Floats
    tails: Floats


class Rows(NamedTuple):
    """All pairs of a batch: their bars and finer codes (:class:`models.ranks.certificate.CodedRows`), and the golds'
    anchors, texts and keys. ``beaten`` int32 [n] is written: how often each was."""

    bars: Floats
    fine: NDArray[np.int16]
    scale: Floats
    error: Floats
    length: Floats
    anchors: NDArray[np.float32]
    texts: NDArray[np.uint64]
    keys: NDArray[np.uint64]
    beaten: NDArray[np.int32]


class Members(NamedTuple):
    """Those of a chunk: codes [c, d], residuals float32 [c], and their places in the pool, int32 [c]."""

    codes: NDArray[Any]
    residuals: NDArray[np.float32]
    order: NDArray[np.int32]


class Gathered(NamedTuple):
    """Pairs of a row and a member that are to be looked at: places of both, and room for their scores."""

    rows: NDArray[np.int64]
    members: NDArray[np.int64]
    scores: Floats


@compiled
def _exceed(products: NDArray[Any], mask: int, key: int) -> bool:
    """Whether any may have a key above this one."""
    largest = products[0]
    for at in range(len(products)):
        largest = max(largest, products[at])
    return largest > key or (mask != 0 and key < 0)  # floats below zero are not in the order of their bits


@compiled
def _above(products: NDArray[Any], mask: int, key: int, found: NDArray[np.int64]) -> int:
    """Set ``found`` to where products have a key above this one; returns how many.

    Loops by index: a slice that is iterated is counted in and out, which halves the speed.
    """
    count = 0
    if not _exceed(products, mask, key):
        return count
    for at in range(0, len(products), SUB):
        part = products[at : at + SUB]
        if _exceed(part, mask, key):
            for inside in range(len(part)):
                if (part[inside] ^ mask if part[inside] < 0 else part[inside]) > key:
                    found[count] = at + inside
                    count += 1
    return count


@compiled
def _key(at: Thresholds, row: int, group: int, mask: int, number: NDArray[np.float32], bits: NDArray[np.int32]) -> int:
    """A product whose key is not above this is not above the threshold; ``number`` [1] and ``bits`` share memory."""
    threshold = at.base[row] - at.length[row] * at.residuals[group] - at.tail[row] * at.tails[group]
    if mask == 0:
        return int(np.floor(min(max(threshold, -2147483647.0), 2147483647.0)))
    number[0] = threshold
    ordered = int(bits[0]) ^ 0x7FFFFFFF if bits[0] < 0 else int(bits[0])
    return (ordered >> 16) - 1  # below zero, the step that a threshold lies in is above it


@compiled
def _product(row: NDArray[Any], column: NDArray[Any]) -> int:
    """The exact product of two rows of codes; it must fit 32 bits, which are twice as fast as 64."""
    total = np.int32(0)
    for at in range(len(row)):
        total = np.int32(total + np.int32(np.int32(row[at]) * np.int32(column[at])))
    return int(total)


@compiled
def count_open(products: NDArray[Any], mask: int, thresholds: Thresholds) -> NDArray[np.int64]:
    """How many products of each row, int64 [r], :func:`open_products` would look at."""
    counts = np.zeros(len(products), np.int64)
    found, number = np.empty(GROUP, np.int64), np.empty(1, np.float32)
    bits = number.view(np.int32)
    for row in range(len(products)):
        for group in range(len(thresholds.tails)):
            part = products[row, group * GROUP : (group + 1) * GROUP]
            counts[row] += _above(part, mask, _key(thresholds, row, group, mask, number, bits), found)
    return counts


@compiled
def open_products(
    products: NDArray[Any],
    mask: int,
    thresholds: Thresholds,
    rows: NDArray[np.int64],
    asking: Rows,
    members: Members,
    pool: RankPool,
    max_rank: int,
) -> int:
    """Add to ``asking.beaten`` how many of a chunk's members beat each row, up to ``max_rank``; returns exact checks.

    ``products`` [r, c], in bits, are those of the rows ``rows`` [r] of ``asking`` with ``members``.
    """
    checked = count = 0
    room = GATHERED + GROUP
    gathered = Gathered(np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.float64))
    number = np.empty(1, np.float32)
    bits = number.view(np.int32)
    for row in range(len(products)):
        place, own = rows[row], 0
        for group in range(len(thresholds.tails)):
            if asking.beaten[place] >= max_rank:
                break
            first = group * GROUP
            key = _key(thresholds, row, group, mask, number, bits)
            above = _above(products[row, first : first + GROUP], mask, key, gathered.members[count:])
            for hit in range(count, count + above):
                gathered.rows[hit] = place
                gathered.members[hit] += first
            count, own = count + above, own + above
            if count >= GATHERED or own >= max_rank:  # such a row may be out
                checked += _settle(gathered, count, asking, members, pool, max_rank)
                count = own = 0
    return checked + _settle(gathered, count, asking, members, pool, max_rank)


@compiled
def _settle(gathered: Gathered, count: int, asking: Rows, members: Members, pool: RankPool, max_rank: int) -> int:
    """Count those of the first ``count`` gathered members that beat their row; returns exact checks.

    The product of the finer codes tells the score but for their error; what that leaves open is checked exactly, unless
    the row is out without.
    """
    refined = asking.fine.shape[1] > 0
    for hit in range(count if refined else 0):
        gathered.scores[hit] = _product(asking.fine[gathered.rows[hit]], members.codes[gathered.members[hit]])
    left = 0
    for hit in range(count):
        row, at = gathered.rows[hit], gathered.members[hit]
        above, error = 0.0, 0.0
        if refined:
            above = gathered.scores[hit] * asking.scale[row] - asking.bars[row]
            error = asking.error[row] + asking.length[row] * members.residuals[at]
            if above <= -error:
                continue
        member = members.order[at]
        begin, end = pool.keys.starts[member], pool.keys.starts[member + 1]
        if not competes(pool.texts[member], begin, end, pool.keys.hashes, asking.texts[row], asking.keys[row]):
            continue
        if above > error:
            asking.beaten[row] = min(asking.beaten[row] + 1, max_rank)
        else:
            gathered.rows[left], gathered.members[left] = row, member
            left += 1
    checked = 0
    for hit in range(left):
        row = gathered.rows[hit]
        if asking.beaten[row] < max_rank:
            checked += 1
            asking.beaten[row] += dot(asking.anchors[row], pool.vectors[gathered.members[hit]]) > asking.bars[row]
    return checked
