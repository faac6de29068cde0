"""The rule that every path answers to: who beats a gold, and who is no competitor.

A member x beats the gold p of an anchor q where s(q, x) > s(q, p) + tolerance. s is the dot product of the float32
vectors in float64: products of components are exact there, and :func:`dot` adds them in one fixed order. Its error is
below 1e-13 for unit vectors, so the bounds by which a path settles scores without it leave 1e-9 of room.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.static.parallel import compiled

TOLERANCE = 1e-6
"""By how much a member must be better: above the float32 error of an encoder that puts one text into two batches."""
ROOM = 1e-9
"""What bounds are widened by, per unit of both lengths: far above float64's errors, far below what matters."""
FEW = 8
"""Keys that are compared one by one."""


@compiled
def dot(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The dot product in float64: eight sums, of every eighth component, added up in pairs."""
    a = b = c = d = e = f = g = h = 0.0
    whole = len(one) // 8 * 8
    for at in range(0, whole, 8):
        a += np.float64(one[at]) * np.float64(other[at])
        b += np.float64(one[at + 1]) * np.float64(other[at + 1])
        c += np.float64(one[at + 2]) * np.float64(other[at + 2])
        d += np.float64(one[at + 3]) * np.float64(other[at + 3])
        e += np.float64(one[at + 4]) * np.float64(other[at + 4])
        f += np.float64(one[at + 5]) * np.float64(other[at + 5])
        g += np.float64(one[at + 6]) * np.float64(other[at + 6])
        h += np.float64(one[at + 7]) * np.float64(other[at + 7])
    for at in range(whole, len(one)):
        a += np.float64(one[at]) * np.float64(other[at])
    return ((a + b) + (c + d)) + ((e + f) + (g + h))


@compiled
def competes(
    text: np.uint64,
    begin: int,
    end: int,
    keys: NDArray[np.uint64],
    own_texts: NDArray[np.uint64],
    own_keys: NDArray[np.uint64],
) -> bool:
    """Whether a member may beat a pair: it has this text, and the keys from ``begin`` to ``end``, which are sorted."""
    for own in range(len(own_texts)):
        if own_texts[own] == text and text != 0:
            return False
    for own in range(len(own_keys)):
        key, low, high = own_keys[own], begin, end
        while high - low > FEW:  # the keys of a text that many pairs have
            middle = (low + high) // 2
            if keys[middle] <= key:
                low = middle
            else:
                high = middle
        for at in range(low, high):
            if keys[at] == key and key != 0:
                return False
    return True


@compiled
def bars(anchors: NDArray[np.float32], golds: NDArray[np.float32], tolerance: float, found: NDArray[Any]) -> None:
    """Set ``found`` float64 [n] to what a member's score must exceed."""
    for row in range(len(anchors)):
        found[row] = dot(anchors[row], golds[row]) + tolerance
