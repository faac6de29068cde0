"""Zstandard frames with a long window, read in little memory: what was decoded last lies in a file instead of memory.

A frame with a 2 GiB window, as Reddit's dumps have it, may refer back to anything in its last 2 GiB, so every decoder
keeps as much. Python's keeps it in memory of its own. Here libzstd, the system's, decodes inside a mapping of an
unlinked temporary file, and the pages that it has filled or looked at leave the process after every few MiB. They stay
in the page cache, which the system writes out and takes back as it needs. A far reference faults its page in again.

Linux only: elsewhere dropping pages of a mapping does not mean that they leave at once. Where libzstd, a disk or the
space for the file is missing, ``long_window_reader`` has none to give, and the caller decodes in memory.
"""

from __future__ import annotations

import ctypes
import io
import logging
import mmap
import os
import sys
import tempfile
from functools import cache
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

log = logging.getLogger("ccpairs")

WINDOW_LOG = 31
"""The longest window that zstd reads, 2 GiB; the file holds one whatever the first frame asks for."""

LONG = 1 << 27
"""Frames that need no more than 128 MiB, what zstd takes unasked, are decoded in memory."""

RESIDENT = 96 << 20
"""Bytes of the file that may be in the process's memory before most of them are dropped."""

RECENT = 64 << 20
"""Bytes behind the place of writing that are not dropped. Whatever the window, zstd's highest level looks for short
matches no further back; only those of 64 bytes and more, found by long-distance matching, come from everywhere."""

STEP = 1 << 17
"""Bytes decoded between two looks at the memory, a block of zstd. Each far reference may bring 64 KiB with it."""

INPUT_BLOCK = 1 << 18
WINDOW_LOG_MAX = 100
"""``ZSTD_d_windowLogMax`` of zstd.h."""

STATM = "/proc/self/statm"


class _Buffer(ctypes.Structure):
    """``ZSTD_inBuffer`` and ``ZSTD_outBuffer``: the same fields."""

    _fields_ = [("address", ctypes.c_void_p), ("size", ctypes.c_size_t), ("position", ctypes.c_size_t)]


@cache
def _libraries() -> tuple[ctypes.CDLL, ctypes.CDLL]:
    """(libzstd, libc) with the types of what is called; raises ``OSError`` or ``AttributeError`` where one is missing.

    ``ZSTD_initStaticDCtx`` and ``ZSTD_estimateDStreamSize`` are of zstd's experimental interface. Shared libraries
    export them since 1.3; a context that it makes lies wholly inside the memory given, and allocates nothing.
    """
    zstandard, system = ctypes.CDLL("libzstd.so.1"), ctypes.CDLL(None, use_errno=True)
    size, pointer, buffer = ctypes.c_size_t, ctypes.c_void_p, ctypes.POINTER(_Buffer)
    for library, name, result, arguments in (
        (zstandard, "ZSTD_estimateDStreamSize", size, [size]),
        (zstandard, "ZSTD_initStaticDCtx", pointer, [pointer, size]),
        (zstandard, "ZSTD_DCtx_setParameter", size, [pointer, ctypes.c_int, ctypes.c_int]),
        (zstandard, "ZSTD_decompressStream", size, [pointer, buffer, buffer]),
        (zstandard, "ZSTD_isError", ctypes.c_uint, [size]),
        (zstandard, "ZSTD_getErrorName", ctypes.c_char_p, [size]),
        (system, "fallocate", ctypes.c_int, [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return zstandard, system


def memory_needed(head: bytes) -> int:
    """Bytes that a decoder keeps for the frame which begins with ``head``: its window, or its content where shorter.

    0 where ``head`` (18 bytes are enough) is no frame's, a skippable one's, or too short. RFC 8878, 3.1.1.1.
    """
    if head[:4] != b"\x28\xb5\x2f\xfd" or len(head) < 6:
        return 0
    single_segment, content_flag = head[4] >> 5 & 1, head[4] >> 6
    at = 5 + (not single_segment) + (0, 1, 2, 4)[head[4] & 3]
    width = (single_segment, 2, 4, 8)[content_flag]
    if len(head) < at + width:
        return 0
    content = int.from_bytes(head[at : at + width], "little") + (256 if width == 2 else 0)
    if single_segment:
        return content
    base = 1 << 10 + (head[5] >> 3)
    window = base + base // 8 * (head[5] & 7)
    return min(window, content) if width else window


def _in_memory(descriptor: int) -> bool:
    """Whether a file lies on a file system that is itself memory."""
    device = os.fstat(descriptor).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        lines = [line for line in mounts if line.split(" ", 3)[2] == number]
    return any(line.partition(" - ")[2].startswith(("tmpfs ", "ramfs ")) for line in lines)


def _mapping(size: int) -> mmap.mmap:
    """A mapping of an unlinked file with its space reserved (a full disk would kill the process at a write).

    In the folder of ``tempfile``, or else in /var/tmp, as /tmp is memory on many systems. Raises ``OSError``.
    """
    _, system = _libraries()
    problems = []
    for folder in dict.fromkeys((tempfile.gettempdir(), "/var/tmp")):
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                if _in_memory(file.fileno()):
                    raise OSError("it lies in memory")
                # Not os.posix_fallocate: where the file system has none, that writes to every block.
                if system.fallocate(file.fileno(), 0, 0, size):
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
                mapping = mmap.mmap(file.fileno(), size, flags=mmap.MAP_SHARED)
                # Else readahead makes large folios, and one reference brings megabytes into the process's memory.
                mapping.madvise(mmap.MADV_RANDOM)
                return mapping
        except OSError as error:
            problems.append(f"{folder}: {error}")
    raise OSError("; ".join(problems))


class LongWindowReader(io.RawIOBase):
    """The text of zstd frames, one after the other, decoded inside a mapped file; ``STEP`` bytes at most at a time.

    ``window`` is that of the first frame, in bytes; of another one, more pages are faulted in than need be.

    Raises ``EOFError`` where the last frame has no end, ``zstd.ZstdError`` where one is corrupt, and ``OSError`` or
    ``AttributeError`` at the start where this way of reading is not to be had.
    """

    def __init__(self, raw: io.BufferedReader[io.RawIOBase], window: int = 1 << WINDOW_LOG) -> None:
        self._raw: io.BufferedReader[io.RawIOBase] | None = (
            None  # until this reader is whole: one that is not must leave it open
        )
        self._mapping: mmap.mmap | None = None
        self._process = os.getpid()
        self._zstd, _ = _libraries()
        size = self._zstd.ZSTD_estimateDStreamSize(1 << WINDOW_LOG)
        self._mapping = _mapping(size)
        # The context lies at the start of the mapping and is gone with it: there is nothing else to free.
        self._context = self._zstd.ZSTD_initStaticDCtx(ctypes.addressof(ctypes.c_char.from_buffer(self._mapping)), size)
        if not self._context or self._failed(
            self._zstd.ZSTD_DCtx_setParameter(self._context, WINDOW_LOG_MAX, WINDOW_LOG)
        ):
            raise OSError("libzstd takes no window of 2 GiB")
        self._block = ctypes.create_string_buffer(INPUT_BLOCK)
        self._input = _Buffer(ctypes.addressof(self._block), 0, 0)
        self._inside = self._full = False  # inside a frame; more text may be waiting for room
        self._error: Exception | None = None
        self._statm = open(STATM, "rb", buffering=0)  # noqa: SIM115
        self._floor = self._shared()
        self._written, self._window = 0, window
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._error is not None:
            raise self._error
        if self._mapping is None or self._process != os.getpid():
            raise ValueError("read of a closed file, or of one that another process opened")
        view = memoryview(buffer).cast("B")
        if not view:
            return 0
        # Lives until the return, and keeps the caller's memory where it is.
        first = ctypes.c_char.from_buffer(view)
        output = _Buffer(ctypes.addressof(first), min(len(view), STEP), 0)
        try:
            while not output.position and self._more_to_decode():
                result = self._zstd.ZSTD_decompressStream(
                    self._context, ctypes.byref(output), ctypes.byref(self._input)
                )
                if problem := self._failed(result):
                    raise zstd.ZstdError(f"Unable to decompress Zstandard data: {problem}")
                self._inside, self._full = result != 0, result != 0 and output.position == output.size
        except (EOFError, zstd.ZstdError) as error:
            self._error = error
            raise
        self._written += output.position
        self._drop()
        return int(output.position)

    def _more_to_decode(self) -> bool:
        """Have input in the buffer, or text in the context; false at the end. Raises ``EOFError`` inside a frame."""
        if self._full or self._input.position < self._input.size:
            return True
        assert self._raw is not None
        self._input.size = self._input.position = 0
        self._input.size = self._raw.readinto(self._block)
        if not self._input.size and self._inside:
            raise EOFError("a compressed stream has no end")
        return bool(self._input.size)

    def _failed(self, result: int) -> str:
        """The name of the error that libzstd returned, or the empty string."""
        if not self._zstd.ZSTD_isError(result):
            return ""
        return str(self._zstd.ZSTD_getErrorName(result).decode())

    def _shared(self) -> int:
        """Bytes of files that are mapped and in the memory of the process (proc(5), ``statm``)."""
        return int(os.pread(self._statm.fileno(), 128, 0).split(b" ", 3)[2]) * mmap.PAGESIZE

    def _drop(self) -> None:
        shared = self._shared()
        self._floor = min(self._floor, shared)
        if shared - self._floor > RESIDENT and self._mapping is not None:
            # Text is written round and round. The few MiB by which this place may be off are no matter.
            place = self._written % self._window & -mmap.PAGESIZE
            old, new = max(0, place - RECENT), place + (1 << 20)
            # What was written stays in the file, as the mapping is shared.
            self._mapping.madvise(mmap.MADV_DONTNEED, 0, old)
            if new < len(self._mapping):
                self._mapping.madvise(mmap.MADV_DONTNEED, new, len(self._mapping) - new)

    def close(self) -> None:
        if self._mapping is not None:
            self._mapping.close()
            self._mapping = None
        if self._raw is not None:
            self._statm.close()
            self._raw.close()
        super().close()


def long_window_reader(raw: io.BufferedReader[io.RawIOBase], head: bytes) -> io.BufferedReader[LongWindowReader] | None:
    """A reader of zstd frames whose first asks for a long window; None where it does not, or this cannot be had.

    ``raw`` stands at its start, and ``head`` is its first bytes, 18 if it has as many. Where None is returned, nothing
    has been read of it.
    """
    window = memory_needed(head)
    if window <= LONG:
        return None
    try:
        return io.BufferedReader(LongWindowReader(raw, window), buffer_size=STEP)
    except (OSError, AttributeError) as error:
        log.debug("zstd windows are kept in memory (%s)", error)
        return None
