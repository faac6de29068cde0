"""Compiled: where in a block of coarse products somebody may beat a gold, and who does.

Maxima over 64 products cost almost nothing beside the products; only where one is above a row's first key are the 64
looked at one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ranks.certificate import GROUP
from models.ranks.rule import competes, dot
from models.ranks.small_numbers import Floats
from models.static.parallel import compiled

SUB = 64
"""Products under one maximum."""


@compiled
def _above(products: NDArray[Any], mask: int, key: int, found: NDArray[np.int64]) -> int:
    """Set ``found`` to where products have a key above this one; returns how many.

    Loops by index: a slice that is iterated is counted in and out, which halves the speed.
    """
    count = 0
    for at in range(0, len(products), SUB):
        part = products[at : at + SUB]
        largest = part[0]
        for inside in range(len(part)):
            largest = max(largest, part[inside])
        if largest > key or (mask != 0 and key < 0):  # floats below zero are not in the order of their bits
            for inside in range(len(part)):
                if (part[inside] ^ mask if part[inside] < 0 else part[inside]) > key:
                    found[count] = at + inside
                    count += 1
    return count


@compiled
def _product(row: NDArray[Any], column: NDArray[Any]) -> int:
    """The exact product of two rows of codes; it must fit 32 bits, which are twice as fast as 64."""
    total = np.int32(0)
    for at in range(len(row)):
        total = np.int32(total + np.int32(np.int32(row[at]) * np.int32(column[at])))
    return int(total)


@compiled
def _key(threshold: float, mask: int, number: NDArray[np.float32], bits: NDArray[np.int32]) -> int:
    """A product whose key is not above this is not above the threshold; ``number`` [1] and ``bits`` share memory."""
    if mask == 0:
        return int(np.floor(min(max(threshold, -2147483647.0), 2147483647.0)))
    number[0] = threshold
    ordered = int(bits[0]) ^ 0x7FFFFFFF if bits[0] < 0 else int(bits[0])
    return (ordered >> 16) - 1  # below zero, the step that a threshold lies in is above it


@compiled
def count_open(
    products: NDArray[Any], mask: int, asking: Floats, residuals: Floats, tails: Floats
) -> NDArray[np.int64]:
    """How many products of each row, int64 [r], :func:`open_products` would look at."""
    counts = np.zeros(len(products), np.int64)
    found, number = np.empty(GROUP, np.int64), np.empty(1, np.float32)
    bits = number.view(np.int32)
    for row in range(len(products)):
        for group in range(len(tails)):
            bound = asking[0, row] - asking[1, row] * residuals[group] - asking[2, row] * tails[group]
            part = products[row, group * GROUP : (group + 1) * GROUP]
            counts[row] += _above(part, mask, _key(bound, mask, number, bits), found)
    return counts


@compiled
def open_products(
    products: NDArray[Any],
    mask: int,
    asking: Floats,
    group_residuals: Floats,
    tails: Floats,
    rows: NDArray[np.int64],
    bars: Floats,
    fine: NDArray[np.int16],
    fine_scale: Floats,
    fine_error: Floats,
    lengths: Floats,
    residuals: NDArray[np.float32],
    codes: NDArray[Any],
    anchors: NDArray[np.float32],
    own_texts: NDArray[np.uint64],
    own_documents: NDArray[np.uint64],
    order: NDArray[np.int32],
    vectors: NDArray[np.float32],
    texts: NDArray[np.uint64],
    documents: NDArray[np.uint64],
    beaten: NDArray[np.int32],
    max_rank: int,
) -> int:
    """Add to ``beaten`` how many of a chunk's members beat each row, up to ``max_rank``; returns exact checks.

    A member beats only where its product, of ``products`` [r, c], is above asking[0] - asking[1] * residual -
    asking[2] * tail, ``asking`` [3, r], with the largest residual and tail of its group. Those that are above are made
    anew of the ``fine`` codes [n, d or 0], which know the score but for ``fine_error`` and ``lengths`` times the
    member's own of ``residuals`` [c]; what that leaves open is checked exactly, unless the row is out without. ``rows``
    [r] are places in the arrays of the batch (``bars``, those of the fine codes and of the golds), ``order`` [c] in
    those of the pool; ``codes`` [c, d].
    """
    checked = 0
    refined = fine.shape[1] > 0
    unsettled, found = np.empty(products.shape[1], np.int64), np.empty(GROUP, np.int64)
    number = np.empty(1, np.float32)
    bits = number.view(np.int32)
    for row in range(len(products)):
        place = rows[row]
        count, left = beaten[place], 0
        for group in range(len(tails)):
            if count >= max_rank:
                break
            bound = asking[0, row] - asking[1, row] * group_residuals[group] - asking[2, row] * tails[group]
            first = group * GROUP
            part = products[row, first : first + GROUP]
            for index in range(_above(part, mask, _key(bound, mask, number, bits), found)):
                at = first + found[index]
                score, error = bars[place], 0.0
                if refined:
                    score = _product(fine[place], codes[at]) * fine_scale[place]
                    error = fine_error[place] + lengths[place] * residuals[at]
                    if score <= bars[place] - error:
                        continue
                member = order[at]
                if not competes(texts[member], documents[member], own_texts[place], own_documents[place]):
                    continue
                if score > bars[place] + error:
                    count += 1
                else:
                    unsettled[left] = member
                    left += 1
        for index in range(left):
            if count >= max_rank:
                break
            checked += 1
            count += dot(anchors[place], vectors[unsettled[index]]) > bars[place]
        beaten[place] = min(count, max_rank)
    return checked
