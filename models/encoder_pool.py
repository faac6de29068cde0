"""One encoder in several processes of this machine, each with a copy of the model and a share of the cores.

The threads of one process do as well on few cores, hold the model once, and start at once. Processes are for machines
of many cores, where Python's lock and memory that belongs to other cores come to count.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from itertools import pairwise
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError
from ccpairs.interruption import end_with_parent, keep_sigint_from_children
from models.encoders import Encoder, Role

CHUNK, CHUNK_CHARACTERS = 512, 1 << 15
"""Texts that a process encodes at a time, and about how many characters of theirs. They do not follow from the number
of processes, so neither do vectors."""
Found = TypeVar("Found")

_opening: Callable[[], Encoder]
"""Set in each process of a pool."""


class EncoderPool:
    """An encoder (:class:`models.encoders.Encoder`) whose work is done by processes; close it, or use it in ``with``.

    ``opening`` makes the encoder in each process, and must be picklable, such as ``partial(load_encoder, folder)``;
    what it raises comes from here. ``processes``: the cores that this process may use, where None. Each gets an equal
    share of the cores and sees no GPU. Vectors are the same, bit by bit, for any number of processes.

    Processes start as Python's ``spawn`` does: a script that makes a pool does so under ``__name__ == "__main__"``.
    """

    def __init__(self, opening: Callable[[], Encoder], processes: int | None = None) -> None:
        mine = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self.processes = processes or len(mine) or os.cpu_count() or 1
        context = multiprocessing.get_context("spawn")
        shares: Any = context.SimpleQueue()
        for share in np.array_split(np.array(mine, np.int64), self.processes):  # neighbours, for they share memory
            shares.put(share.tolist())
        keep_sigint_from_children()  # the queue has started multiprocessing's tracker, which lets SIGINT through again
        self._pool = ProcessPoolExecutor(self.processes, context, _begin, (shares, opening, os.getpid()))
        try:
            self.dimension, self.fingerprint = self._result(self._pool.submit(_facts))
        except BaseException:
            self.close()
            raise

    def encode(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """Vectors [n, dimension] of length 1, in the order of the texts."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        chunks = _chunks(texts)
        running = deque(
            self._pool.submit(_encode, [texts[place] for place in chunk.tolist()], role) for chunk in chunks
        )
        try:
            for chunk in chunks:
                vectors[chunk] = self._result(running.popleft())
        finally:
            for each in running:
                each.cancel()
        return vectors

    def _result(self, running: Future[Found]) -> Found:
        try:
            return running.result()
        except BrokenProcessPool:
            raise UserError(
                f"one of {self.processes} encoding processes died, for want of memory perhaps; use fewer processes"
            ) from None

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> EncoderPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _chunks(texts: Sequence[str]) -> list[NDArray[np.int64]]:
    """Places of the texts, the longest first: those of a batch are of about one length, and the last chunks short."""
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    order = np.argsort(-sizes, kind="stable")
    before = np.cumsum(sizes[order]) - sizes[order]
    ends = [0]
    while ends[-1] < len(order):
        first = ends[-1]
        full = int(np.searchsorted(before, before[first] + CHUNK_CHARACTERS))
        ends.append(min(max(full, first + 1), first + CHUNK, len(order)))
    return [order[begin:end] for begin, end in pairwise(ends)]


def _begin(shares: Any, opening: Callable[[], Encoder], parent: int) -> None:
    """In a process of the pool, first of all. Where there are more processes than cores, some have no share."""
    global _opening
    _opening = opening
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C on a terminal reaches all processes; the parent ends these
    end_with_parent(parent)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if share := shares.get():
        os.sched_setaffinity(0, share)


@cache
def _encoder() -> Encoder:
    """Opened by the first work, not at the begin: there an error would break the pool, here it is the caller's."""
    return _opening()


def _facts() -> tuple[int, str]:
    return _encoder().dimension, _encoder().fingerprint


def _encode(texts: Sequence[str], role: Role) -> NDArray[np.float32]:
    return _encoder().encode(texts, role)
