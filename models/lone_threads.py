"""Threads of Python whose torch products are each the work of one thread.

torch's own threads share a single product. They wait for each other at each operation, and a sum is grouped by their
number, so the number changes bits; here pieces of work are shared instead, and a piece is the same in any thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import torch


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "torch", initializer=torch.set_num_threads, initargs=(1,))


os.register_at_fork(after_in_child=_pool.cache_clear)  # a child of a fork has the pool but not its threads


@contextmanager
def lone_threads(threads: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of so many threads, kept for the next call. Work in it must not wait for other work in it.

    The caller's own operations are one thread's meanwhile: after one of several, torch's threads would spin for
    milliseconds on the cores that the pool needs.
    """
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        yield _pool(threads)
    finally:
        # The number is a thread's own, but for new threads and for some libraries it is the one last set by any.
        torch.set_num_threads(before)
