"""Compiled: where in a block of coarse products somebody may beat a gold, and who does.

Maxima over 64 products cost almost nothing beside the products; only where one is above a row's first key are the 64
looked at one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ranks.rule import competes, dot
from models.static.parallel import compiled

Keys = NDArray[np.int32]
SUB = 64
"""Products under one maximum."""


@compiled
def _may_exceed(products: NDArray[Any], mask: int, key: int) -> bool:
    """Whether the key of any product may be above ``key``; keys of floats below zero are not in the order of bits."""
    if mask != 0 and key < 0:
        return True
    largest = products[0]
    for at in range(len(products)):
        largest = max(largest, products[at])
    return largest > key


@compiled
def _product(row: NDArray[Any], column: NDArray[Any]) -> int:
    """The exact product of two rows of codes; it must fit 32 bits, which are twice as fast as 64."""
    total = np.int32(0)
    for at in range(len(row)):
        total = np.int32(total + np.int32(np.int32(row[at]) * np.int32(column[at])))
    return total


@compiled
def count_above(products: NDArray[Any], mask: int, keys: Keys) -> NDArray[np.int64]:
    """How many products of each row have a key above the row's, int64 [rows]."""
    counts = np.zeros(len(products), np.int64)
    for row in range(len(products)):
        for at in range(0, products.shape[1], SUB):
            part = products[row, at : at + SUB]
            if _may_exceed(part, mask, keys[row]):
                for value in part:
                    key = value ^ mask if value < 0 else value
                    counts[row] += key > keys[row]
    return counts


@compiled
def open_products(
    products: NDArray[Any],
    mask: int,
    keys: Keys,
    rows: NDArray[np.int64],
    bars: NDArray[np.float64],
    fine: NDArray[np.int16],
    fine_scale: NDArray[np.float64],
    fine_error: NDArray[np.float64],
    lengths: NDArray[np.float64],
    residuals: NDArray[np.float32],
    codes: NDArray[Any],
    anchors: NDArray[np.float32],
    golds: NDArray[np.float32],
    own_texts: NDArray[np.uint64],
    own_documents: NDArray[np.uint64],
    order: NDArray[np.int32],
    vectors: NDArray[np.float32],
    texts: NDArray[np.uint64],
    documents: NDArray[np.uint64],
    beaten: Keys,
    max_rank: int,
) -> int:
    """Add to ``beaten`` how many of a chunk's members beat each row, up to ``max_rank``; returns exact checks.

    ``products`` [r, c]: one whose key is not above ``keys`` [r] tells that its member does not beat. The others are made
    anew of the ``fine`` codes [n, d or 0], which know the score but for ``fine_error`` and ``lengths`` times the
    ``residuals`` [c] of the member; what that leaves open is checked exactly, unless the row is out without. ``rows``
    [r] are places in the arrays of the batch (``bars``, those of the fine codes and of the golds), ``order`` [c] in
    those of the pool; ``codes`` [c, d].
    """
    checked = 0
    refined = fine.shape[1] > 0
    unsettled = np.empty(products.shape[1], np.int64)
    for row in range(len(products)):
        place = rows[row]
        count, left = beaten[place], 0
        line = products[row]
        for at in range(0, len(line), SUB):
            if count >= max_rank:
                break
            part = line[at : at + SUB]
            if not _may_exceed(part, mask, keys[row]):
                continue
            for inside in range(len(part)):
                value = part[inside]
                if (value ^ mask if value < 0 else value) <= keys[row]:
                    continue
                score, error = bars[place], 0.0
                if refined:
                    score = _product(fine[place], codes[at + inside]) * fine_scale[place]
                    error = fine_error[place] + lengths[place] * residuals[at + inside]
                    if score <= bars[place] - error:
                        continue
                member = order[at + inside]
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
