"""The processes of one training: one, or those that torchrun started."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NoReturn

import torch
import torch.distributed as distributed

PATIENCE = timedelta(days=2)
"""The first process makes the tokens while the others wait."""


@contextmanager
def together() -> Iterator[None]:
    """Join the processes that torchrun started (nccl on GPUs, else gloo), and part at the end; alone, do nothing."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield
        return
    gpus = torch.cuda.is_available()
    if gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo", timeout=PATIENCE)
    try:
        yield
        wait_for_all()  # who parts first would break the connections of those who are still at work
    finally:
        distributed.destroy_process_group()


def device() -> str:
    """The device of this process: its GPU where there are any."""
    return f"cuda:{torch.cuda.current_device()}" if torch.cuda.is_available() else "cpu"


def count() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def is_first() -> bool:
    """Whether this process is the one that writes and speaks."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def wait_for_all() -> None:
    if distributed.is_initialized():
        distributed.all_reduce(torch.zeros(1))  # by gloo, on the CPU: a GPU that waits would be timed out


def leave(code: int) -> NoReturn:
    """End one of several processes with a code, without what the interpreter does at its end.

    A thread of gloo's may still be running then, and the libraries abort a process whose work is done (exit code -6, in
    a third of the runs of a test with torch 2.13).
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
