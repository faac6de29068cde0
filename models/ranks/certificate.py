"""Vectors as codes of few bits, and how far a product of codes can be from the score: what makes a coarse pass exact.

All vectors are turned by one orthogonal matrix V, which leaves scores as they are: first to the principal axes of the
pool, the heaviest first, then, by a random rotation from a fixed seed inside each 32 components, so that these are
about even. A member is coded as x ~ t X, t a step for each component. The steps go to the other side, q' = t q, which
is coded as q' ~ s Q, s a step for each vector. Then for the first K of d components

    |q.x - s (Q.X)_K|  <=  |q| |x - t X| + |q' - s Q| |X|  +  |q_K..| |x_K..|

by Cauchy and Schwarz; q_K.. are the components from K on. The last term is 0 for K = d; for a shorter product it is
the price. Scores far below the gold's, nearly all, pay it easily. Nothing is assumed of lengths: all norms are
measured. Rows are turned in float64. The pool is turned in float32, for speed: the most that this can lose by the error
bounds of a sum in any order, d^1.5 2^-23 of a length with room to spare, is added to what is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models.ranks.questions import NOT_FINITE
from models.ranks.rule import ROOM
from models.ranks.small_numbers import Floats, Kind

CHUNK = 2_048
"""Members that are multiplied at once: their products with 512 rows stay in a core's caches."""
GROUP = 256
"""Members of a chunk that share a bound."""
STRETCH = 16 * CHUNK
"""Members that are sorted among each other, by the length that short prefixes leave out."""
STEP = 32
"""Prefixes are multiples of this, and components are evened out inside so many."""
SHORTEST = 64
SAMPLE = 16_384
"""Members from which axes and scale are taken."""
CLIPS = (2.5, 3.0, 3.5, 4.0, 4.5, 5.0)
"""Largest codes that are tried, in standard deviations of a component; rare larger components are cut off."""
EVENNESS = 0.25
"""A step is proportional to the spread of its components to this power: 1 is the best for the pool's own codes, 0 for
those that ask."""
USUAL = 0.98
"""Members whose residual is longer than those of so many stand last in their stretch: they spoil few groups' bounds."""


class CodedPool(NamedTuple):
    """A pool of P members, ready for a coarse pass; position i of it is member ``order[i]``.

    ``turn`` float64 [d, d]: V, to be multiplied from the right. ``steps`` float64 [d]: t. ``codes`` [P, d], ``order``
    int32 [P], ``residuals`` float32 [P]: not below |x - t X|. ``tails`` float64 [prefixes, groups]: the largest |x_K..|
    of a group, by prefix. ``longest`` float64 [2]: the largest |x| and |X|.
    """

    turn: Floats
    steps: Floats
    codes: NDArray[Any]
    order: NDArray[np.int32]
    residuals: NDArray[np.float32]
    tails: Floats
    longest: Floats


class CodedRows(NamedTuple):
    """Vectors that ask, in two codes: those of products, and finer ones for members that are looked at closely.

    ``codes`` and ``fine`` [n, d]. The rest is float64. A product times ``scale`` [n] is the score but for ``error`` [n]
    and ``length`` [n], |q|, times the member's residual; so with ``fine_scale`` and ``fine_error``. ``tails``
    [n, prefixes]: |q_K..|.
    """

    codes: NDArray[Any]
    scale: Floats
    error: Floats
    fine: NDArray[np.int16]
    fine_scale: Floats
    fine_error: Floats
    length: Floats
    tails: Floats


def prefixes(dimension: int) -> list[int]:
    """How many components a product may take, ascending; all of them last."""
    return [*range(SHORTEST, dimension - STEP // 2, STEP), dimension]


def code_pool(
    vectors: NDArray[np.float32], kind: Kind, allocate: Callable[[tuple[int, ...], type[Any]], NDArray[Any]]
) -> CodedPool:
    """Code a pool; ``allocate(shape, dtype)`` gives the room for the codes.

    Raises ``UserError`` where a vector is not finite.
    """
    count, dimension = vectors.shape
    turn, steps, usual = _frame(vectors[:: max(-(-count // SAMPLE), 1)], kind)
    codes, order = allocate((count, dimension), kind.codes), np.empty(count, np.int32)
    residuals = np.empty(count, np.float32)
    tails, longest = [np.empty((0, len(prefixes(dimension))))], np.zeros(2)
    turn32, steps32, slip = turn.astype(np.float32), steps.astype(np.float32), (dimension**1.5 + 8) * 2.0**-23
    for begin in range(0, count, STRETCH):
        turned = vectors[begin : begin + STRETCH] @ turn32
        coded, left, own = kind.encode(turned, steps32), tails_of(turned), lengths(turned)
        longest = np.maximum(longest, [own.max(), lengths(kind.decode(coded, np.float32(1))).max()])
        if not np.isfinite(longest).all():
            raise UserError(NOT_FINITE)
        turned -= kind.decode(coded, steps32)
        residual = lengths(turned) + slip * own
        inside = np.lexsort((left[:, left.shape[1] // 2], residual > usual))
        end = begin + len(inside)
        codes[begin:end], order[begin:end] = coded[inside], inside + begin
        residuals[begin:end] = np.nextafter(residual[inside].astype(np.float32), np.float32(np.inf))
        tails.append(np.maximum.reduceat((left + slip * own[:, None])[inside], np.arange(0, len(inside), GROUP)))
        tails[-1][:, -1] = 0
    return CodedPool(turn, steps, codes, order, residuals, np.concatenate(tails).T.copy(), longest * (1 + slip))


def code_rows(vectors: NDArray[np.float32], pool: CodedPool, kind: Kind) -> CodedRows:
    """Code the vectors that ask a pool."""
    longest, code = pool.longest
    turned = vectors.astype(np.float64) @ pool.turn
    length, shared = lengths(turned), turned * pool.steps
    room = ROOM * (1 + length * longest)
    scale = kind.scale(np.abs(shared).max(axis=1, initial=0))
    codes = kind.encode(shared, scale[:, None])
    decoded = kind.decode(codes, scale[:, None])
    error = lengths(shared - decoded) * code + kind.relative_error * lengths(decoded) * code + room
    fine, fine_scale = kind.fine(shared)
    fine_error = lengths(shared - fine * fine_scale[:, None]) * code + room if fine.size else room
    return CodedRows(codes, scale, error, fine, fine_scale, fine_error, length, tails_of(turned))


def _frame(sample: NDArray[np.float32], kind: Kind) -> tuple[Floats, Floats, float]:
    """V for a pool like this sample, the steps of its codes, and the residual that all but few will not exceed."""
    exact = _finite(sample.astype(np.float64))
    dimension = exact.shape[1]
    _, axes = np.linalg.eigh(exact.T @ exact)
    turn, random = axes[:, ::-1].copy(), np.random.default_rng(0)
    for at in range(0, dimension, STEP):
        width = min(STEP, dimension - at)
        turn[:, at : at + width] = turn[:, at : at + width] @ np.linalg.qr(random.standard_normal((width, width)))[0]
    turned = exact @ turn
    spread = np.sqrt(np.einsum("ij,ij->j", turned, turned) / max(len(turned), 1))
    most = spread.max()
    spread = np.maximum(spread / most, 1e-3) if most > 0 else np.ones(dimension)
    tried = []
    for clip in CLIPS:
        steps = kind.scale(clip * most * spread**EVENNESS)
        residuals = lengths(turned - kind.decode(kind.encode(turned, steps), steps))
        tried.append((float(np.quantile(residuals, USUAL)) if len(residuals) else 0.0, clip))
    usual, clip = min(tried)
    return turn, kind.scale(clip * most * spread**EVENNESS).astype(np.float32).astype(np.float64), usual


def tails_of(turned: NDArray[Any]) -> Floats:
    """The lengths [n, prefixes] of what each prefix leaves out."""
    squares = np.add.reduceat(turned**2, [0, *prefixes(turned.shape[1])[:-1]], axis=1).astype(np.float64)
    sums = squares[:, ::-1].cumsum(axis=1)[:, ::-1]
    left = np.zeros_like(sums)
    left[:, :-1] = np.sqrt(sums[:, 1:])
    return left


def lengths(vectors: NDArray[Any]) -> Floats:
    found: Floats = np.sqrt(np.einsum("ij,ij->i", vectors, vectors).astype(np.float64))
    return found


def _finite(vectors: Floats) -> Floats:
    if not np.isfinite(vectors).all():
        raise UserError(NOT_FINITE)
    return vectors
