"""Compiled loops on all cores: kernels that release the interpreter's lock, each run on a slice of the work.

Numba's own parallel loops are not used: their thread pools may not be entered by two Python threads at once (workers of
a pipeline do that) and do not survive a fork. Which slice runs in which thread never changes a result here: a kernel
owns what it writes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import pairwise
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """A kernel compiled at its first call and kept on disk, where there is a place for it."""
    plain = partial(numba.njit, nogil=True, error_model="numpy")  # Python's looks for a zero before each division
    try:
        return cast(Kernel, plain(cache=True)(function))
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return cast(Kernel, plain()(function))


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="static")


os.register_at_fork(after_in_child=_pool.cache_clear)  # a child of a fork has the pool but not its threads


def even(count: int, threads: int) -> NDArray[np.int64]:
    """Bounds of ``threads`` slices of ``count`` items, int64 [threads + 1]."""
    return np.linspace(0, count, threads + 1).astype(np.int64)


def by_weight(ends: NDArray[np.int64], threads: int) -> NDArray[np.int64]:
    """Bounds of slices of about equal weight; ``ends[i]`` is the weight of the items 0 to i."""
    if not len(ends):
        return even(0, 1)
    shares = np.linspace(0, int(ends[-1]), threads + 1)
    bounds = np.searchsorted(ends, shares, side="left").astype(np.int64)
    bounds[0], bounds[-1] = 0, len(ends)
    return bounds


def in_slices(work: Callable[[int, int], None], bounds: NDArray[np.int64]) -> None:
    """Call ``work(begin, end)`` for each slice, all but an only one in threads; returns when all are done."""
    slices = list(_spans(bounds))
    if len(slices) <= 1:
        for begin, end in slices:
            work(begin, end)
        return
    pool = _pool(len(bounds) - 1)
    for done in [pool.submit(work, begin, end) for begin, end in slices]:
        done.result()


def _spans(bounds: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    for begin, end in pairwise(bounds.tolist()):
        if end > begin:
            yield begin, end
