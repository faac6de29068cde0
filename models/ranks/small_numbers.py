"""The two kinds of small numbers in which scores are made first: int8 with exact sums, and bf16.

A kind turns vectors into codes and back, multiplies codes.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Kind(Protocol):
    name: str
    codes: type[Any]
    """numpy's type of a code, of as many bits."""
    products: type[Any]
    """numpy's type of the bits of a product."""
    mask: int
    """A product's bits v, of two's complement or of a float, are in the order of v ^ (v < 0 ? mask : 0)."""
    relative_error: float
    """A product is off by at most so much of the product of the lengths."""
    opening: int
    """Reckon that looking at one score closely takes as long as so many components of a product."""

    def scale(self, largest: Floats) -> Floats:
        """What one step of a code is worth, where the largest component is this."""

    def encode(self, vectors: NDArray[Any], scale: Any) -> NDArray[Any]: ...

    def decode(self, codes: NDArray[Any], scale: Any) -> NDArray[Any]: ...

    def fine(self, vectors: Floats) -> tuple[NDArray[np.int16], Floats]:
        """Codes of more bits for the vectors that ask, and the scale of each; of no components where there are none."""

    def buffer(self, size: int) -> torch.Tensor:
        """Room for so many products."""

    def multiply(self, rows: NDArray[Any], columns: NDArray[Any], out: torch.Tensor) -> NDArray[Any]:
        """The bits of the products of all rows with all columns; ``out`` is their place."""


class Int8:
    """Components as multiples -127 to 127 of a scale; products are exact int32."""

    name = "int8"
    codes: type[Any] = np.int8
    products: type[Any] = np.int32
    mask = 0
    relative_error = 0.0
    opening = 15_000

    def scale(self, largest: Floats) -> Floats:
        steps: Floats = np.where(largest > 0, largest, 1.0) / 127
        return steps

    def encode(self, vectors: NDArray[Any], scale: Any) -> NDArray[Any]:
        steps = vectors / scale
        np.clip(np.rint(steps, out=steps), -127, 127, out=steps)
        codes: NDArray[Any] = steps.astype(np.int8)
        return codes

    def decode(self, codes: NDArray[Any], scale: Any) -> NDArray[Any]:
        decoded: NDArray[Any] = codes * scale
        return decoded

    def fine(self, vectors: Floats) -> tuple[NDArray[np.int16], Floats]:
        most = min(2**31 // (127 * vectors.shape[1]), 2**15) - 1  # sums stay within 32 bits
        scale = np.maximum(np.abs(vectors).max(axis=1, initial=0), np.finfo(np.float64).tiny) / most
        return np.rint(vectors / scale[:, None]).astype(np.int16), scale

    def buffer(self, size: int) -> torch.Tensor:
        return torch.empty(size, dtype=torch.int32)

    def multiply(self, rows: NDArray[Any], columns: NDArray[Any], out: torch.Tensor) -> NDArray[Any]:
        product = out[: len(rows) * len(columns)].view(len(rows), len(columns))
        if columns.shape[1] == 1:  # torch 2.13 leaves the output as it was
            return rows.astype(np.int32) * columns[:, 0].astype(np.int32)
        torch._int_mm(torch.from_numpy(rows), torch.from_numpy(columns).T, out=product)
        return product.numpy()


class Bfloat16:
    """Components rounded to bf16; sums in fp32, each rounded to bf16 at the end."""

    name = "bf16"
    codes: type[Any] = np.int16
    products: type[Any] = np.int16
    mask = 0x7FFF
    relative_error = 2.0**-8 + 2.0**-12
    """Half a step of bf16; then sums of up to 2,000 terms in fp32 in any order, and a threshold rounded to fp32."""
    opening = 60_000

    def scale(self, largest: Floats) -> Floats:
        return np.ones_like(largest)

    def encode(self, vectors: NDArray[Any], scale: Any) -> NDArray[Any]:
        rounded = torch.from_numpy(np.asarray(vectors, np.float32)).to(torch.bfloat16)
        codes: NDArray[Any] = rounded.view(torch.int16).numpy()
        return codes

    def decode(self, codes: NDArray[Any], scale: Any) -> NDArray[Any]:
        return (codes.astype(np.int32) << 16).view(np.float32)

    def fine(self, vectors: Floats) -> tuple[NDArray[np.int16], Floats]:
        return np.empty((len(vectors), 0), np.int16), np.ones(len(vectors))

    def buffer(self, size: int) -> torch.Tensor:
        return torch.empty(size, dtype=torch.bfloat16)

    def multiply(self, rows: NDArray[Any], columns: NDArray[Any], out: torch.Tensor) -> NDArray[Any]:
        product = out[: len(rows) * len(columns)].view(len(rows), len(columns))
        left, right = torch.from_numpy(rows).view(torch.bfloat16), torch.from_numpy(columns).view(torch.bfloat16)
        torch.mm(left, right.T, out=product)
        return product.view(torch.int16).numpy()


KINDS: dict[str, Kind] = {kind.name: kind for kind in (Int8(), Bfloat16())}
