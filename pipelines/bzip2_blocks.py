"""Starting in the midst of a bzip2 stream, so that what stands before a place in its text need not be decoded.

A bzip2 stream is blocks of up to 900,000 bytes of text, each decodable without the others. A block begins with 48 fixed
bits at any bit, not only where a byte begins, and nothing tells where its text lies in the whole. So all block starts
are found first, by searching those bits, which takes about a thirtieth of the time of decoding. Which block holds a
place in the text follows nearly from its number, as blocks hold about equally much. The block there and its neighbours
are then decoded until one shows the *seam* that is known to stand at the place.

From there the stream is decoded as it comes, its bits shifted to where bytes begin. Each block's own checksum is still
verified; that of the whole stream cannot be.

Format: the sources of bzip2 1.0 (decompress.c); there is no other specification by its author.
"""

from __future__ import annotations

import bz2
import re
from array import array
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np

BLOCK_MAGIC = 0x314159265359
END_MAGIC = 0x177245385090
"""Stands behind the last block, followed by the 32 bits of the stream's checksum and up to 7 to the end of the byte."""

_MAGIC_MASK = (1 << 48) - 1

CHUNK = 1 << 19
"""Bytes read, and bytes of text decoded, at a time."""

LONGEST_SEAM = 1024
"""Bytes of text that a seam may take; one that is cut by two blocks is looked for in so much of each."""

MAX_BLOCKS = 1 << 20
"""Most block starts kept (8 MiB): in larger streams, or where someone wrote the magic over and over, none are used."""

MAX_PACKED = 2_300_000
"""More packed bytes than a block can have: 900,000 symbols of at most 20 bits, and its tables."""

UNFED = 4
"""Bytes at the end of the stream that a decoder must not get: they hold the checksum of the whole stream."""


class Started(NamedTuple):
    decoder: ShiftedDecoder
    text: bytes
    """The first bytes of text from the place on; the decoder gives those that follow."""
    fed: int
    """Bytes of the stream after which the decoder wants the next ones."""


class ShiftedDecoder:
    """A decoder like ``bz2.BZ2Decompressor`` that begins with the block at bit ``start % 8`` of the first byte it gets.

    ``header`` is the stream's own, ``BZh1`` to ``BZh9``. The last ``UNFED`` bytes of the stream must stay away.
    """

    def __init__(self, header: bytes, start: int) -> None:
        self._decoder = bz2.BZ2Decompressor()
        self._decoder.decompress(header)
        self._shift = start % 8
        self._carried = np.empty(0, np.uint8)

    @property
    def needs_input(self) -> bool:
        return self._decoder.needs_input

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._shift and data:
            pieces = np.concatenate([self._carried, np.frombuffer(data, np.uint8)])
            self._carried = pieces[-1:]
            data = ((pieces[:-1] << self._shift) | (pieces[1:] >> (8 - self._shift))).tobytes()
        return self._decoder.decompress(data, max_length)


def start_at_seam(
    raw: BinaryIO, position: int, packed: int, before: int, total: int, seam: re.Pattern[bytes]
) -> Started | None:
    """Start decoding where group 1 of ``seam`` begins, ``before`` bytes into the text; None where that is not found.

    The stream is ``packed`` bytes at ``position`` of the seekable ``raw``, and holds ``total`` bytes of text. None also
    where decoding from the start takes no longer, where several streams stand in a row, and where blocks hold so
    unequally much text that the seam is not near its place; then at most some 10 MB and a quarter of ``before`` were
    decoded in vain. The seam proves the place no better than its pattern does: hold what follows against a checksum.
    Raises ``OSError`` where the file cannot be read.
    """
    raw.seek(position)
    header = raw.read(4)
    raw.seek(position + max(packed - 11, 0))
    end = int.from_bytes(raw.read(11)) >> 32
    if not re.fullmatch(rb"BZh[1-9]", header) or all(end >> pad & _MAGIC_MASK != END_MAGIC for pad in range(8)):
        return None
    full = int(header[3:]) * 100_000 - 19
    if before < 3 * full or before < total // 16:
        return None
    starts = block_starts(raw, position, packed)
    if not 2 < len(starts) < MAX_BLOCKS:
        return None
    # All blocks but the last are full; that gives two bounds of what one holds, which runs of a byte make less or more.
    held = min(max(full, total / len(starts)), total / (len(starts) - 1))
    around, reach = int(before / held), 2 + int(before / held / 16)
    near = range(max(0, around - reach), min(len(starts), around + reach + 1))
    blocks = _Blocks(raw, position, packed, header, starts, seam)
    return next(filter(None, map(blocks.start, sorted(near, key=lambda number: abs(number - around)))), None)


class _Blocks:
    """The blocks of a stream one by one, and where the seam is in them."""

    def __init__(
        self, raw: BinaryIO, position: int, packed: int, header: bytes, starts: array[int], seam: re.Pattern[bytes]
    ) -> None:
        self._raw, self._position, self._header, self._starts, self._seam = raw, position, header, starts, seam
        self._end = packed - UNFED
        self._most_text = 200_000 * int(header[3:])
        self._edges: dict[int, tuple[bytes, bytes]] = {}

    def start(self, number: int) -> Started | None:
        """Start at the seam where it lies in this block, or is cut by it and a neighbour that was looked at before."""
        if found := self._start(number, number + 1):
            return found
        for first in (number - 1, number):
            if first in self._edges and first + 1 in self._edges:
                joint = self._edges[first][1] + self._edges[first + 1][0]
                if self._seam.search(joint) and (found := self._start(first, first + 2)):
                    return found
        return None

    def _start(self, first: int, last: int) -> Started | None:
        """Start at the seam where it lies in the blocks from ``first`` to before ``last``; notes their edges.

        Blocks with more text than twice the usual, as long runs of a byte make, are given up.
        """
        begin = self._starts[first] // 8
        # Two bytes more than the bits need, as the shifting carries the last byte over to the next call.
        end = min(self._starts[last] // 8 + 2, self._end) if last < len(self._starts) else self._end
        end = min(end, begin + (last - first) * MAX_PACKED)
        decoder = ShiftedDecoder(self._header, self._starts[first])
        self._raw.seek(self._position + begin)
        head = tail = b""
        seen = 0
        try:
            text = decoder.decompress(self._raw.read(max(end - begin, 0)), CHUNK)
            while text and (seen := seen + len(text)) <= self._most_text * (last - first):
                head = head or text[:LONGEST_SEAM]
                if match := self._seam.search(tail + text):
                    return Started(decoder, (tail + text)[match.start(1) :], end)
                tail = (tail + text)[-LONGEST_SEAM:]
                text = decoder.decompress(b"", CHUNK)  # needs_input does not tell that the block has more text
        except (OSError, EOFError):  # damaged, or by chance no block at all
            return None
        self._edges[first] = head, tail
        return None


def block_starts(raw: BinaryIO, position: int, packed: int) -> array[int]:
    """Bits from ``position`` to each block of a stream of ``packed`` bytes, at most ``MAX_BLOCKS``, ascending.

    Empty where several streams stand in a row. Among very many blocks there may be one that is none, as its bits also
    come about by chance.
    """
    found = array("Q")
    raw.seek(position)
    window, offset = b"", 0
    while len(found) < MAX_BLOCKS and (chunk := raw.read(min(CHUNK, packed - offset - len(window)))):
        window += chunk
        for start in sorted(_magics(window)):
            at = start // 8
            if start % 8 == 0 and offset + at > 4 and re.fullmatch(rb"BZh[1-9]", window[at - 4 : at]):
                return array("Q")
            if not found or 8 * offset + start > found[-1]:
                found.append(8 * offset + start)
        # Kept for the next window: a magic that is not yet whole, and the header that may stand before it.
        kept = min(len(window), 16)
        offset, window = offset + len(window) - kept, window[-kept:]
    return found


def _magics(window: bytes) -> Iterator[int]:
    """Bits to each magic that lies whole in the window."""
    for shift, core in _CORES:
        at = window.find(core, 1)
        while at >= 0:
            around = int.from_bytes(window[at - 1 : at + 6].ljust(7, b"\0"))
            if around >> (8 - shift) & _MAGIC_MASK == BLOCK_MAGIC and at + 5 + (shift > 0) <= len(window):
                yield 8 * (at - 1) + shift
            at = window.find(core, at + 1)


_CORES = [(shift, (BLOCK_MAGIC << (8 - shift)).to_bytes(7)[1:6]) for shift in range(8)]
"""The five bytes after the one in which a magic begins at a given bit: all of them are its own bits."""
