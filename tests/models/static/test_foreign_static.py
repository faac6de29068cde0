"""Static encoders that others wrote: over any tokenizer, and model2vec's, as their own libraries compute them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from ccpairs.errors import UserError
from models.encoders import load_encoder
from models.static.encoder import StaticEncoder
from tests.models.foreign import PROMPTS, TEXTS, TOKENIZERS, agrees, change, word_piece, write_static


@pytest.mark.parametrize("prompts", [None, PROMPTS, {"query": "the", "document": "s"}], ids=["none", "e5", "glued"])
@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_a_static_encoder_over_any_tokenizer(
    tokenizer: Callable[[], Tokenizer], prompts: dict[str, str] | None, tmp_path: Path
) -> None:
    folder = write_static(tmp_path, tokenizer(), prompts)
    encoder = load_encoder(folder)
    assert isinstance(encoder, StaticEncoder)
    agrees(folder, encoder)
    np.testing.assert_array_equal(encoder.encode(["lone \ud800"], "query"), encoder.encode(["lone ?"], "query"))


def test_a_tokenizer_with_more_tokens_than_vectors_is_refused(tmp_path: Path) -> None:
    size = word_piece().get_vocab_size()
    folder = write_static(tmp_path / "less", word_piece(), rows=size - 1)
    with pytest.raises(UserError, match=f"{size - 1} vectors, but its tokenizer has {size} tokens"):
        load_encoder(folder)
    more = write_static(tmp_path / "more", word_piece(), rows=size + 3)
    agrees(more, load_encoder(more))


@pytest.mark.parametrize("kind", ["plain", "weights", "mapping", "both"])
@pytest.mark.parametrize("normalize", [False, True])
def test_model2vec(kind: str, normalize: bool, tmp_path: Path) -> None:
    model2vec = pytest.importorskip("model2vec")
    random, tokenizer = np.random.default_rng(1), word_piece()
    size = tokenizer.get_vocab_size()
    settings: dict[str, Any] = {}
    if kind in ("weights", "both"):
        settings["weights"] = random.uniform(0.1, 2, size).astype(np.float32)
    if kind in ("mapping", "both"):
        settings["token_mapping"] = random.integers(0, 9, size)
    vectors = random.standard_normal((9 if "token_mapping" in settings else size, 16)).astype(np.float32)
    model = model2vec.StaticModel(vectors, tokenizer, {}, normalize=normalize, max_length=20, **settings)
    model.save_pretrained(tmp_path)
    expected = np.asarray(model2vec.StaticModel.from_pretrained(tmp_path).encode(TEXTS), np.float32)
    expected /= np.maximum(np.linalg.norm(expected, axis=1, keepdims=True), 1e-12)
    for has_modules in (True, False):  # its older releases wrote none
        if not has_modules:
            (tmp_path / "modules.json").unlink()
        encoder = load_encoder(tmp_path)
        assert isinstance(encoder, StaticEncoder)
        np.testing.assert_allclose(encoder.encode(TEXTS, "passage"), expected, atol=1e-5)
    before = load_encoder(tmp_path).fingerprint
    change(tmp_path / "config.json", max_length=3)
    assert load_encoder(tmp_path).fingerprint != before
