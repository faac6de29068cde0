"""What glibc's malloc does with the pieces that a step allocates and frees."""

from __future__ import annotations

import ctypes
import os
import sys

LARGE = 1 << 20
"""Bytes from which a piece is mapped by itself."""

_M_MMAP_THRESHOLD = -3  # of <malloc.h>


def return_large_pieces() -> bool:
    """Let this process give pieces of :data:`LARGE` bytes and more back to the system when they are freed.

    glibc does so until the first large piece is freed; then it takes such pieces from its heap, up to 32 MiB each. A
    step makes tensors of ever other sizes, the heap gets holes, and a batch of 32,768 held twice what one of 8,192
    did. Nothing is slower by it that could be measured. Whether it was done: not where there is no glibc, nor where the
    user has set a threshold (``MALLOC_MMAP_THRESHOLD_``).
    """
    if not sys.platform.startswith("linux") or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # musl has none
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, LARGE))
