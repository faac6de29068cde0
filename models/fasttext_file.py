"""What a fastText model file must look like before its C++ reader may see it.

That reader trusts the file: cut short inside the dictionary it allocates without end, and a matrix of another size than
the header says is read beyond its end. So every length is followed here first, from the layout that fastText's
``saveModel`` writes (little endian): magic, version, arguments, dictionary, input matrix, output matrix.
"""

from __future__ import annotations

import re
import struct
from typing import Protocol

_MAGIC = 793_712_314
_NEWEST_VERSION = 12
_SUPERVISED = 3
_LOSSES = range(1, 5)  # hierarchical softmax, negative sampling, softmax, one-vs-all
_LONGEST_SUBWORD = 64
_CENTROIDS = 256
_TREE_LIMIT = 10**15  # the weight of an inner node that is not yet built
_LABEL = re.compile(rb"__label__([a-z]{2,3})")


class NotAModel(ValueError):
    """The file cannot be used; the message says what is wrong with it, without its name."""


class _Bytes(Protocol):
    """``bytes`` or an ``mmap``."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: slice, /) -> bytes: ...

    def find(self, sub: bytes, start: int, /) -> int: ...


class _Reader:
    def __init__(self, data: _Bytes) -> None:
        self.data = data
        self.at = 0

    def numbers(self, layout: str) -> tuple[int, ...]:
        layout = "<" + layout
        start = self.at
        self.skip(struct.calcsize(layout))
        return struct.unpack(layout, self.data[start : self.at])

    def number(self, layout: str) -> int:
        return self.numbers(layout)[0]

    def text(self) -> bytes:
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise NotAModel("it is cut short")
        start, self.at = self.at, end + 1
        return self.data[start:end]

    def skip(self, length: int) -> None:
        if length < 0:
            raise NotAModel("it is damaged: a length is negative")
        self.at += length
        if self.at > len(self.data):
            raise NotAModel("it is cut short")


def language_labels(data: _Bytes) -> list[str]:
    """Language codes that the model in these bytes tells apart, e.g. 176 of them, commonest in training first.

    Raises :class:`NotAModel` where fastText could not load the bytes, or its labels are no language codes.
    """
    file = _Reader(data)
    if len(data) < 8 or file.number("i") != _MAGIC:
        raise NotAModel("it is no fastText model")
    if not 11 <= file.number("i") <= _NEWEST_VERSION:
        raise NotAModel("another version of fastText made it")
    dim, _, _, _, _, word_ngrams, loss, model, bucket, minn, maxn, _ = file.numbers("12i")
    file.skip(8)
    if model != _SUPERVISED:
        raise NotAModel("it holds word vectors, not a language identifier")
    _require(dim > 0 and word_ngrams > 0 and loss in _LOSSES and bucket > 0)
    _require(0 <= minn <= _LONGEST_SUBWORD and 0 <= maxn <= _LONGEST_SUBWORD)

    size, words, labels = file.numbers("3i")
    file.skip(8)
    pruned = file.number("q")
    _require(size == words + labels and words >= 0)
    codes = _dictionary(file, words, labels)
    kept = file.numbers(f"{2 * pruned}i")[1::2] if 0 < pruned <= bucket else ()
    _require(pruned <= bucket)

    quantised = file.number("B")
    rows = _quantised_matrix(file, dim) if quantised else _matrix(file, dim)
    _require(rows == words + (bucket if pruned < 0 else pruned))
    _require(all(0 <= row < pruned for row in kept))
    quantised_output = file.number("B")
    rows = _quantised_matrix(file, dim) if quantised and quantised_output else _matrix(file, dim)
    _require(rows == labels)
    if file.at != len(data):
        raise NotAModel(f"it is damaged: {len(data) - file.at:,} bytes follow its end")
    return codes


def _require(sound: bool) -> None:
    if not sound:
        raise NotAModel("it is damaged: its header contradicts itself")


def _dictionary(file: _Reader, words: int, labels: int) -> list[str]:
    codes = []
    last = _TREE_LIMIT
    for index in range(words + labels):
        entry = file.text()
        count, kind = file.numbers("qB")
        _require(kind == (index >= words))
        if kind:
            code = _LABEL.fullmatch(entry)
            if code is None:
                raise NotAModel("its labels are no language codes such as __label__en")
            codes.append(code[1].decode("ascii"))
            _require(0 <= count <= last)
            last = count
    if not codes:
        raise NotAModel("it has no labels")
    return codes


def _matrix(file: _Reader, dim: int) -> int:
    rows, columns = file.numbers("2q")
    _require(columns == dim)
    file.skip(rows * columns * 4)
    return rows


def _quantised_matrix(file: _Reader, dim: int) -> int:
    with_norms = file.number("B")
    rows, columns = file.numbers("2q")
    codes = file.number("i")
    _require(columns == dim)
    file.skip(codes)
    _require(codes == rows * _quantiser(file, dim))
    if with_norms:
        file.skip(rows)
        _require(_quantiser(file, 1) == 1)
    return rows


def _quantiser(file: _Reader, dim: int) -> int:
    """Follow one product quantiser; the number of codes that it gives a row."""
    columns, parts, width, last_width = file.numbers("4i")
    _require(columns == dim and parts > 0 and width > 0 and last_width > 0)
    _require((parts - 1) * width + last_width == dim)
    file.skip(dim * _CENTROIDS * 4)
    return parts
