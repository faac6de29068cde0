"""The step of the static encoder: its gradient against autograd, Adam against torch's, exact resume, any threads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.encoders import TokenBatch, load_encoder
from models.loss.info_nce import InfoNce
from models.static.encoder import StaticEncoder
from models.static.optimizer import Adam, Moments, gradient_norm, occurrences
from models.static.tokenizer import UNKNOWN_ID, train_tokenizer
from models.static.training import StaticTrainable
from models.static.words import WordReader

DIMENSION = 8
TAU = 0.1


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(["the quick brown fox jumps over the lazy dog"] * 5, 60)


def encoder(tokenizer: Tokenizer, seed: int = 0) -> StaticEncoder:
    rows = np.random.default_rng(seed).standard_normal((tokenizer.get_vocab_size(), DIMENSION), np.float32)
    rows[UNKNOWN_ID] = 0
    return StaticEncoder(WordReader(tokenizer), rows)


def batch(seed: int, size: int, vocabulary: int, hashes: list[int] | None = None) -> TokenBatch:
    """Random texts, the first of them empty."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 12, size)
    sizes[0] = 0
    ids = rng.integers(0, vocabulary, sizes.sum()).astype(np.uint16)
    given = np.array(hashes, np.uint64) if hashes else rng.integers(0, 1 << 63, size).astype(np.uint64)
    return TokenBatch(ids, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), given)


def autograd(
    rows: NDArray[np.float32], queries: TokenBatch, passages: TokenBatch, negatives: TokenBatch | None
) -> tuple[float, NDArray[np.float64]]:
    """Loss and gradient with respect to the rows, in float64, written down the long way."""
    weights = torch.tensor(rows, dtype=torch.float64, requires_grad=True)

    def vectors(texts: TokenBatch) -> torch.Tensor:
        found = []
        for index in range(len(texts.offsets) - 1):
            ids = torch.tensor(texts.ids[texts.offsets[index] : texts.offsets[index + 1]].astype(np.int64))
            mean = weights[ids].mean(0) if len(ids) else torch.zeros(rows.shape[1], dtype=torch.float64)
            length = mean.norm()
            found.append(mean / length if length > 0 else mean * 0)
        return torch.stack(found)

    count = len(queries.hashes)
    scores = vectors(queries) @ vectors(passages).T / TAU
    same = np.equal.outer(queries.hashes, queries.hashes) | np.equal.outer(passages.hashes, passages.hashes)
    scores = scores.masked_fill(torch.tensor(same & ~np.eye(count, dtype=bool)), -torch.inf)
    if negatives is not None:
        hard = vectors(queries) @ vectors(negatives).T / TAU
        gold = torch.tensor((same.astype(int) @ np.equal.outer(passages.hashes, negatives.hashes)) > 0)
        scores = torch.cat([scores, hard.masked_fill(gold, -torch.inf)], 1)
    loss = torch.nn.functional.cross_entropy(scores, torch.arange(count))
    (gradient,) = torch.autograd.grad(loss, weights)
    gradient[UNKNOWN_ID] = 0
    return float(loss.detach()), gradient.numpy()


@pytest.mark.parametrize("hard", [False, True], ids=["in-batch", "hard negatives"])
def test_a_step_goes_down_the_gradient_of_autograd(tokenizer: Tokenizer, hard: bool) -> None:
    size = tokenizer.get_vocab_size()
    queries = batch(1, 9, size, [1, 2, 3, 3, 4, 5, 6, 7, 8])
    passages = batch(2, 9, size, [11, 12, 13, 14, 12, 15, 16, 17, 18])
    negatives = batch(3, 4, size, [12, 21, 22, 23]) if hard else None
    model = encoder(tokenizer)
    before = model.rows.copy()
    loss, gradient = autograd(before, queries, passages, negatives)
    # With an epsilon far above the gradient, Adam's first step is the gradient times lr / epsilon.
    trainable = StaticTrainable(model, InfoNce(temperature=TAU), adam=Adam(epsilon=1e6))
    found = trainable.step(queries, passages, negatives=negatives, lr=1e6)
    assert found == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(before - model.rows, gradient, atol=2e-6)
    assert np.abs(gradient).max() > 1e-2


def test_a_long_gradient_is_clipped_to_its_norm(tokenizer: Tokenizer) -> None:
    queries, passages = batch(1, 9, tokenizer.get_vocab_size()), batch(2, 9, tokenizer.get_vocab_size())
    moved = []
    for clip in (None, 0.05, 1e3):
        model = encoder(tokenizer)
        before = model.rows.copy()
        trainable = StaticTrainable(model, InfoNce(temperature=TAU), adam=Adam(epsilon=1e6), clip=clip)
        trainable.step(queries, passages, lr=1e6)
        moved.append(before - model.rows)
    assert np.linalg.norm(moved[0]) > 0.1
    np.testing.assert_allclose(moved[1], moved[0] * 0.05 / np.linalg.norm(moved[0]), atol=1e-6)
    np.testing.assert_array_equal(moved[2], moved[0])


def test_updates_are_those_of_torch_where_every_row_is_touched() -> None:
    """Adam for rows is Adam while no row is left out."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((5, 3), np.float32)
    weights = torch.tensor(rows, requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=0.01)
    trainable_rows = rows.copy()
    moments = Moments(np.zeros_like(rows), np.zeros_like(rows), np.zeros(5, np.int32))
    ids = np.array([0, 1, 2, 1, 3, 4, 4, 4, 1], np.uint16)
    offsets = np.array([0, 3, 5, 9])
    where = occurrences(ids, offsets, 6, skip=5)
    for _ in range(6):
        gradients = rng.standard_normal((3, 3), np.float32)
        dense = np.zeros_like(rows)
        np.add.at(dense, ids, gradients[np.repeat(np.arange(3), np.diff(offsets))])
        weights.grad = torch.tensor(dense)
        optimizer.step()
        Adam().update(trainable_rows, moments, where, gradients, 0.01, 1.0, threads=2)
        np.testing.assert_allclose(gradient_norm(where, gradients, threads=2), np.linalg.norm(dense), rtol=1e-6)
    np.testing.assert_allclose(trainable_rows, weights.detach().numpy(), atol=1e-6)


def test_positions_are_sorted_by_token() -> None:
    found = occurrences(np.array([3, 0, 3, 2, 3, 0, 9], np.uint16), np.array([0, 2, 2, 5, 7]), 10, skip=0)
    assert found.tokens.tolist() == [2, 3, 9]
    texts = [found.texts[found.starts[index] : found.starts[index + 1]].tolist() for index in range(3)]
    assert texts == [[2], [0, 2, 2], [3]]


def run(tokenizer: Tokenizer, steps: range, trainable: StaticTrainable) -> list[float]:
    size = tokenizer.get_vocab_size()
    return [
        trainable.step(batch(2 * step, 200, size), batch(2 * step + 1, 200, size), lr=0.01 / (1 + step))
        for step in steps
    ]


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_the_number_of_threads_changes_no_bit(tokenizer: Tokenizer) -> None:
    states = []
    for threads in (1, 2, 3, 5):
        trainable = StaticTrainable(encoder(tokenizer), clip=0.5, threads=threads)
        run(tokenizer, range(4), trainable)
        states.append(trainable.state())
    assert [same(states[0], other) for other in states[1:]] == [True] * 3


def test_a_restored_run_goes_on_bit_by_bit(tokenizer: Tokenizer) -> None:
    whole = StaticTrainable(encoder(tokenizer))
    losses = run(tokenizer, range(6), whole)
    first = StaticTrainable(encoder(tokenizer))
    run(tokenizer, range(3), first)
    second = StaticTrainable(encoder(tokenizer, seed=5))
    second.restore(first.state())
    assert run(tokenizer, range(3, 6), second) == losses[3:]
    assert same(second.state(), whole.state())


def test_a_state_of_another_shape_is_refused(tokenizer: Tokenizer) -> None:
    trainable = StaticTrainable(encoder(tokenizer))
    with pytest.raises(ValueError, match=r"rows \(2, 2\) in the state"):
        trainable.restore({**trainable.state(), "rows": np.zeros((2, 2))})


def test_rows_that_no_text_holds_and_the_unknown_token_stay(tokenizer: Tokenizer) -> None:
    model = encoder(tokenizer)
    before = model.rows.copy()
    some = TokenBatch(np.array([0, 1, 2, 0], np.uint16), np.array([0, 2, 4]), np.array([1, 2], np.uint64))
    StaticTrainable(model, InfoNce(temperature=1.0)).step(
        some, some._replace(hashes=np.array([3, 4], np.uint64)), lr=0.1
    )
    assert np.flatnonzero((before != model.rows).any(1)).tolist() == [1, 2]


def test_training_brings_pairs_together_and_saves_what_it_shares(tokenizer: Tokenizer, tmp_path: Path) -> None:
    trainable = StaticTrainable(encoder(tokenizer), InfoNce(temperature=TAU))
    shared = trainable.encoder()
    queries, passages = ["quick brown", "lazy dog", "fox jumps"], ["the over", "the brown", "the the fox"]
    hashes = np.arange(3, dtype=np.uint64)
    left = TokenBatch(*shared.tokens(queries, "query"), hashes)
    right = TokenBatch(*shared.tokens(passages, "passage"), hashes + np.uint64(10))
    losses = [trainable.step(left, right, lr=0.05) for _ in range(60)]
    assert losses[-1] < 0.01 < losses[0]
    scores = shared.encode(queries, "query") @ shared.encode(passages, "passage").T
    assert scores.argmax(1).tolist() == [0, 1, 2]
    trainable.save(tmp_path)
    assert load_encoder(tmp_path).fingerprint == shared.fingerprint
