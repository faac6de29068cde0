"""Encoders as ONNX give the vectors of the encoders, whatever the batch."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from models.encoders import Encoder, load_encoder
from models.onnx_export import export_onnx
from models.static.encoder import StaticEncoder, static_encoder
from models.static.tokenizer import train_tokenizer
from models.transformer.encoder import TransformerEncoder
from tests.models.transformer.tiny_bert import write_tiny_bert

TEXTS = ["the first book", "who wrote it", "", "the river by the old city in the sea was long"]


def static(folder: Path) -> Path:
    static_encoder(train_tokenizer(TEXTS * 2, 60), 16, seed=1).save(folder)
    return folder


def padded(encoder: Encoder) -> dict[str, np.ndarray]:
    """The texts as both kinds of encoder read them, padded with a token that the mask takes away."""
    assert isinstance(encoder, StaticEncoder | TransformerEncoder)
    ids, offsets = encoder.tokens(TEXTS, "passage")
    table = np.full((len(TEXTS), int(np.diff(offsets).max())), 3, np.int64)
    mask = np.zeros_like(table)
    for row, (begin, end) in enumerate(pairwise(offsets.tolist())):
        table[row, : end - begin], mask[row, : end - begin] = ids[begin:end], 1
    return {"input_ids": table, "attention_mask": mask}


@pytest.mark.parametrize("write", [static, write_tiny_bert])
def test_the_vectors_are_those_of_the_encoder(write: object, tmp_path: Path) -> None:
    assert callable(write)
    encoder = load_encoder(write(tmp_path / "model"))
    path = export_onnx(encoder, tmp_path / "model")
    assert path == tmp_path / "model" / "onnx" / "model.onnx"
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    [found] = session.run(["sentence_embedding"], padded(encoder))
    assert np.abs(found - encoder.encode(TEXTS, "passage")).max() < 1e-5
