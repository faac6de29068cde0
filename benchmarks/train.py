"""Pairs trained on in a second, beside sentence-transformers in the same run, on the same tokenised batches.

    python -m benchmarks.train [--steps 12]

Texts of 64 tokens each, cut out of real documents; the two halves of a piece are a pair. sentence-transformers' row is
its StaticEmbedding with its MultipleNegativesRankingLoss and torch's AdamW, as its trainer runs them; tokenising and
the trainer's own work are left out, to its favour. The last table is the check of bf16: the gradient of one real batch
with the loss's products in bf16 against that in fp32.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from benchmarks.encode import Speed, real_texts, speed
from models.encoders import TokenBatch
from models.loss import Hashes, InfoNce
from models.static.encoder import StaticEncoder, static_encoder
from models.static.pooling import means, unit
from models.static.tokenizer import train_tokenizer
from models.static.training import StaticTrainable, joined

TOKENS = 64
TEMPERATURE = 0.05
LEARNING_RATE = 0.005

Pairs = tuple[TokenBatch, TokenBatch]


def batches(encoder: StaticEncoder, count: int, size: int) -> list[Pairs]:
    """``count`` batches of ``size`` pairs, every text of :data:`TOKENS` tokens; begins anew where the texts end."""
    ids, _ = encoder.tokens(list(real_texts(50)), "passage")
    pairs = ids[: len(ids) // (2 * TOKENS) * 2 * TOKENS].reshape(-1, 2, TOKENS)
    rows = np.random.default_rng(0).permutation(np.arange(count * size) % len(pairs)).reshape(count, size)
    return [(batch(pairs[each, 0], 2 * each), batch(pairs[each, 1], 2 * each + 1)) for each in rows]


def batch(ids: np.ndarray, hashes: np.ndarray) -> TokenBatch:
    return TokenBatch(ids.ravel(), np.arange(len(ids) + 1) * TOKENS, hashes.astype(np.uint64))


def ours(encoder: StaticEncoder, given: list[Pairs], loss: InfoNce) -> Speed:
    model = StaticTrainable(StaticEncoder(encoder.reader, encoder.rows.copy()), loss)

    def work() -> None:
        for queries, passages in given:
            model.step(queries, passages, lr=LEARNING_RATE)

    return speed(work, sum(len(queries.hashes) for queries, _ in given))


def of_sentence_transformers(encoder: StaticEncoder, given: list[Pairs]) -> Speed:
    module = StaticEmbedding(encoder.reader.tokenizer, embedding_weights=encoder.rows.copy())
    loss = MultipleNegativesRankingLoss(SentenceTransformer(modules=[module], device="cpu"), scale=1 / TEMPERATURE)
    optimizer = torch.optim.AdamW(module.parameters(), lr=LEARNING_RATE)
    label = torch.empty(0)

    def features(texts: TokenBatch) -> dict[str, torch.Tensor]:
        return {
            "input_ids": torch.from_numpy(texts.ids.astype(np.int64)),
            "offsets": torch.from_numpy(texts.offsets[:-1]),
        }

    def work() -> None:
        for pair in given:
            loss([features(side) for side in pair], label).backward()
            optimizer.step()
            optimizer.zero_grad()

    return speed(work, sum(len(queries.hashes) for queries, _ in given), rounds=1)


def bf16_error(encoder: StaticEncoder, pair: Pairs, temperature: float) -> tuple[float, float]:
    """Of the gradient with respect to the unit vectors: 1 - cosine, and relative error, with products in bf16."""
    ids, offsets = joined(pair)
    units, _ = unit(means(encoder.rows, ids, offsets))
    rows, hashes = len(pair[0].hashes), Hashes.of_arrays(pair[0].hashes, pair[1].hashes)

    def gradient(loss: InfoNce) -> np.ndarray:
        found = loss.of_arrays(units[:rows], units[rows:], hashes=hashes)
        return np.concatenate([found.d_queries, found.d_passages]).astype(np.float64)

    exact, rough = gradient(InfoNce(temperature)), gradient(InfoNce(temperature, products="bf16"))
    lengths = np.linalg.norm(exact) * np.linalg.norm(rough)
    return float(1 - (exact * rough).sum() / lengths), float(np.linalg.norm(exact - rough) / np.linalg.norm(exact))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--steps", type=int, default=12, help="steps of batch 1,024 in a round; 4,096: a quarter of them"
    )
    options = parser.parse_args()
    texts = list(real_texts(50))
    if not texts:
        print("skipped: no real sample files; name their folder in CCPAIRS_REAL_DATA")
        return
    encoder = static_encoder(train_tokenizer(texts), 256)
    print(f"{len(encoder.rows):,} x {encoder.dimension} vectors, {TOKENS} tokens a text\n")
    print("| batch | | pairs/s | pairs/s and core, by CPU time | by the clock, times |\n|--:|---|--:|--:|--:|")
    for size, steps in ((1_024, options.steps), (4_096, max(options.steps // 4, 1))):
        given = batches(encoder, steps, size)
        rows: dict[str, Callable[[], Speed]] = {
            "sentence-transformers": lambda given=given: of_sentence_transformers(encoder, given),  # type: ignore[misc]
            "static, fp32": lambda given=given: ours(encoder, given, InfoNce(TEMPERATURE)),  # type: ignore[misc]
            "static, bf16": lambda given=given: ours(encoder, given, InfoNce(TEMPERATURE, products="bf16")),  # type: ignore[misc]
        }
        base = 0.0
        for name, row in rows.items():
            found = row()
            base = base or found.clock
            print(
                f"| {size:,} | {name} | {found.clock:,.0f} | {found.core:,.0f} | {found.clock / base:.1f} |", flush=True
            )
    print("\n| temperature | steps trained | 1 - cosine of the gradients | relative error |\n|--:|--:|--:|--:|")
    given = batches(encoder, 10, 1_024)
    for temperature in (0.05, 0.01):
        model = StaticTrainable(StaticEncoder(encoder.reader, encoder.rows.copy()), InfoNce(temperature))
        for step, pair in enumerate(given):
            if step in (0, 9):
                off, relative = bf16_error(model.encoder(), pair, temperature)
                print(f"| {temperature} | {step} | {off:.1e} | {relative:.1e} |")
            model.step(*pair, lr=LEARNING_RATE)


if __name__ == "__main__":
    main()
