"""The processes that train together, one or many: which rows of the global batch each has, and sums over all.

Only sums are taken. The loss holds 1/B of the global batch, so a sum of gradients is the gradient of one process; a
mean would be wrong by the number of ranks.
"""

from __future__ import annotations

import torch.distributed as distributed
from torch import Tensor


def rank() -> int:
    return distributed.get_rank() if _many() else 0


def world() -> int:
    return distributed.get_world_size() if _many() else 1


def share(count: int) -> range:
    """The rows of ``count`` that are this rank's; shares differ by one row at most."""
    return range(rank() * count // world(), (rank() + 1) * count // world())


def add(tensor: Tensor) -> None:
    """Replace a tensor by its sum over the ranks."""
    if _many():
        distributed.all_reduce(tensor)


def _many() -> bool:
    return distributed.is_available() and distributed.is_initialized()
