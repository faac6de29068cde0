"""Repeated tokens counted sublinearly: against the definition, and for a judge's model against its plain reading."""

from __future__ import annotations

from collections import Counter
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.encoders import load_encoder
from models.static.encoder import StaticEncoder, static_encoder
from models.static.pooling import MIN_POSITIONS
from models.static.sublinear import SublinearEncoder, without_repeats
from models.static.tokenizer import train_tokenizer
from tests.models.transformer.tiny_bert import texts, write_tiny_bert

TEXTS = st.lists(st.lists(st.integers(0, 4), max_size=40), max_size=8)


def flat(found: list[list[int]], dtype: type) -> tuple[np.ndarray, np.ndarray]:
    return np.array([*chain.from_iterable(found)], dtype), np.cumsum([0, *map(len, found)]).astype(np.int64)


@given(TEXTS, st.sampled_from([np.uint16, np.uint32, np.int32]))
@settings(max_examples=60, deadline=None)
def test_a_token_with_tf_occurrences_is_left_1_plus_log2_tf_times(found: list[list[int]], dtype: type) -> None:
    ids, offsets = without_repeats(*flat(found, dtype), vocabulary_size=5, threads=2)
    assert ids.dtype == dtype
    assert len(offsets) == len(found) + 1
    for text, (begin, end) in zip(found, pairwise(offsets), strict=True):
        left = ids[begin:end].tolist()
        assert Counter(left) == {token: tf.bit_length() for token, tf in Counter(text).items()}
        assert list(dict.fromkeys(left)) == list(dict.fromkeys(text))


def test_the_number_of_threads_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 300, 4 * MIN_POSITIONS).astype(np.uint16)
    offsets = np.sort(np.concatenate([[0, len(ids)], rng.integers(0, len(ids), 500)]))
    one, *others = (without_repeats(ids, offsets, 300, threads) for threads in (1, 2, 7))
    assert len(one[0]) < len(ids)
    for other in others:
        assert np.array_equal(one[0], other[0])
        assert np.array_equal(one[1], other[1])


def test_the_vector_is_the_mean_of_what_counts(tmp_path: Path) -> None:
    static_encoder(train_tokenizer(texts(50, 0), 80), 16).save(tmp_path)
    plain, found = load_encoder(tmp_path), load_encoder(tmp_path, sublinear_tf=True)
    assert isinstance(plain, StaticEncoder)
    assert isinstance(found, SublinearEncoder)
    assert found.dimension == 16
    assert found.fingerprint != plain.fingerprint
    words = ["the river the old the the city the the", "old city", ""]
    thinned = ["the river the old the city", "old city", ""]
    np.testing.assert_allclose(found.encode(words, "query"), plain.encode(thinned, "query"), atol=1e-6)
    assert np.abs(found.encode(words, "query") - plain.encode(words, "query")).max() > 0.01
    assert found.encode([], "passage").shape == (0, 16)


def test_a_transformer_is_read_as_it_is(tmp_path: Path) -> None:
    folder = write_tiny_bert(tmp_path / "bert")
    assert load_encoder(folder, sublinear_tf=True).fingerprint == load_encoder(folder).fingerprint


@pytest.mark.parametrize("prompt", ["the ", ""])
def test_prompts_count_as_words_do(prompt: str) -> None:
    plain = StaticEncoder(
        (made := static_encoder(train_tokenizer(texts(50, 0), 80), 8)).reader,
        made.rows,
        {"query": prompt, "passage": ""},
    )
    bare = StaticEncoder(made.reader, made.rows)
    found = SublinearEncoder(plain).encode(["the old the"], "query")
    assert np.allclose(found, bare.encode([f"{prompt}the old" if prompt else "the old the"], "query"), atol=1e-6)
