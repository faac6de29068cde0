"""Encoders as ONNX, of either kind, with pooling and length 1 inside: ``onnx/model.onnx`` in the folder of a model.

Inputs are input_ids and attention_mask, int64 [texts, tokens], as the tokenizer.json of the folder gives them; the
output sentence_embedding is fp32 [texts, d]. A transformer has last_hidden_state besides.
"""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ccpairs.errors import UserError
from models.encoders import Encoder
from models.static.encoder import StaticEncoder
from models.transformer.encoder import TransformerEncoder
from models.transformer.export import export_onnx as export_transformer
from models.transformer.network import unit_mean

OPERATORS = 17


def check_onnx() -> None:
    """Raises ``UserError`` where the package onnx is missing."""
    if importlib.util.find_spec("onnx") is None:
        raise UserError("ONNX needs the package onnx; pip install 'ccpairs[onnx]' brings it")


def export_onnx(encoder: Encoder, folder: Path) -> Path:
    """Write an encoder of ours as ONNX into its folder and return the path. Raises ``UserError`` without onnx."""
    check_onnx()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer: what it takes for constant are shapes that the axes free again
        if isinstance(encoder, TransformerEncoder):
            return export_transformer(encoder.network, folder)
        if isinstance(encoder, StaticEncoder):
            return _static(encoder, folder)
    raise TypeError(f"no ONNX of a {type(encoder).__name__}")


def _static(encoder: StaticEncoder, folder: Path) -> Path:
    path = folder / "onnx" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = torch.tensor([[1, 2, 3], [1, 2, 0]])
    axes: dict[str, dict[int, str]] = {"input_ids": {0: "texts", 1: "tokens"}, "sentence_embedding": {0: "texts"}}
    given: dict[str, Any] = {"opset_version": OPERATORS, "dynamo": False}
    torch.onnx.export(
        _Mean(encoder).eval(),
        (ids, (ids > 0).long()),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["sentence_embedding"],
        dynamic_axes={**axes, "attention_mask": axes["input_ids"]},
        **given,
    )
    return path


class _Mean(nn.Module):
    """What :class:`StaticEncoder` does with the tokens of padded texts."""

    def __init__(self, encoder: StaticEncoder) -> None:
        super().__init__()
        size, dimension = encoder.rows.shape
        self.rows = nn.Embedding(size, dimension, _weight=torch.from_numpy(encoder.rows))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return unit_mean(self.rows(input_ids), attention_mask)
