"""Pairs trained on in a second, beside sentence-transformers in the same run, on the same tokenised batches.

    python -m benchmarks.train [--steps 36] [--threads 2]

Texts of 64 tokens each, cut out of real documents; the two halves of a piece are a pair.

sentence-transformers' first row is one step of its StaticEmbedding with its MultipleNegativesRankingLoss and torch's
AdamW on tokenised texts; its second is what its users run, its trainer on strings, which needs the package accelerate
and is left out without it. Beside that stands ours on the same strings, tokenised anew in every round. ``--threads``
are torch's in its rows, and ours in ours: on a machine that does other work too, torch's threads wait for each other,
and one of them is faster than two.

The last table is the check of bf16: the gradient of one real batch with the loss's products in bf16 against that in
fp32.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from collections.abc import Callable

import numpy as np
import torch
import xxhash
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from benchmarks.encode import Speed, real_texts, speed
from models.encoders import TokenBatch
from models.loss.collisions import Hashes
from models.loss.info_nce import InfoNce
from models.static.encoder import StaticEncoder, static_encoder
from models.static.pooling import means, unit
from models.static.tokenizer import train_tokenizer
from models.static.training import StaticTrainable, joined

TOKENS = 64
TEMPERATURE = 0.05
LEARNING_RATE = 0.005

Pairs = tuple[TokenBatch, TokenBatch]
Strings = tuple[list[str], list[str]]


def batches(encoder: StaticEncoder, count: int, size: int) -> list[Pairs]:
    """``count`` batches of ``size`` pairs, every text of :data:`TOKENS` tokens; begins anew where the texts end."""
    ids, _ = encoder.tokens(list(real_texts(50)), "passage")
    pairs = ids[: len(ids) // (2 * TOKENS) * 2 * TOKENS].reshape(-1, 2, TOKENS)
    rows = np.random.default_rng(0).permutation(np.arange(count * size) % len(pairs)).reshape(count, size)
    return [(batch(pairs[each, 0], 2 * each), batch(pairs[each, 1], 2 * each + 1)) for each in rows]


def strings(encoder: StaticEncoder, pair: Pairs) -> Strings:
    """The texts again, of about as many tokens."""
    queries, passages = (encoder.reader.tokenizer.decode_batch(side.ids.reshape(-1, TOKENS).tolist()) for side in pair)
    return queries, passages


def batch(ids: np.ndarray, hashes: np.ndarray) -> TokenBatch:
    return TokenBatch(ids.ravel(), np.arange(len(ids) + 1) * TOKENS, hashes.astype(np.uint64))


def ours(encoder: StaticEncoder, given: list[Pairs], loss: InfoNce) -> Speed:
    model = StaticTrainable(fresh(encoder), loss, threads=torch.get_num_threads())

    def work() -> None:
        for queries, passages in given:
            model.step(queries, passages, lr=LEARNING_RATE)

    return speed(work, sum(len(queries.hashes) for queries, _ in given))


def fresh(encoder: StaticEncoder) -> StaticEncoder:
    return StaticEncoder(encoder.reader, encoder.rows.copy())


def ours_from_strings(encoder: StaticEncoder, given: list[Strings], loss: InfoNce) -> Speed:
    model = StaticTrainable(fresh(encoder), loss, threads=torch.get_num_threads())

    def work() -> None:
        for pair in given:
            sides = []
            for texts in pair:
                hashes = np.fromiter((xxhash.xxh3_64_intdigest(text.encode()) for text in texts), np.uint64, len(texts))
                sides.append(TokenBatch(*encoder.tokens(texts, "query", TOKENS), hashes))
            model.step(*sides, lr=LEARNING_RATE)

    return speed(work, sum(len(queries) for queries, _ in given))


def its_trainer(encoder: StaticEncoder, given: list[Strings]) -> Speed:
    module = StaticEmbedding(encoder.reader.tokenizer, embedding_weights=encoder.rows.copy())
    model = SentenceTransformer(modules=[module], device="cpu")
    columns = [[text for pair in given for text in pair[side]] for side in (0, 1)]
    with tempfile.TemporaryDirectory() as folder:
        trainer = SentenceTransformerTrainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                folder, per_device_train_batch_size=len(given[0][0]), num_train_epochs=1, learning_rate=LEARNING_RATE,
                save_strategy="no", report_to="none", disable_tqdm=True, logging_strategy="no", use_cpu=True,
            ),
            train_dataset=Dataset.from_dict({"anchor": columns[0], "positive": columns[1]}),
            loss=MultipleNegativesRankingLoss(model, scale=1 / TEMPERATURE),
        )  # fmt: skip
        return speed(trainer.train, len(columns[0]), rounds=1)


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
        "--steps", type=int, default=36, help="steps of batch 1,024 in a round; 4,096: a quarter of them"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    texts = list(real_texts(50))
    if not texts:
        print("skipped: no real sample files; name their folder in CCPAIRS_REAL_DATA")
        return
    encoder = static_encoder(train_tokenizer(texts), 256)
    print(f"{len(encoder.rows):,} x {encoder.dimension} vectors, {TOKENS} tokens a text, threads: {options.threads}\n")
    print(
        "| batch | | pairs/s | pairs/s and core, by CPU time | times, by the clock | times, by CPU time |\n"
        "|--:|---|--:|--:|--:|--:|"
    )
    for size, steps in ((1_024, options.steps), (4_096, max(options.steps // 4, 1))):
        given = batches(encoder, steps, size)
        words = [strings(encoder, pair) for pair in given]
        rows: dict[str, Callable[[], Speed]] = {
            "sentence-transformers": lambda given=given: of_sentence_transformers(encoder, given),  # type: ignore[misc]
            "static, fp32": lambda given=given: ours(encoder, given, InfoNce(TEMPERATURE)),  # type: ignore[misc]
            "static, bf16": lambda given=given: ours(encoder, given, InfoNce(TEMPERATURE, products="bf16")),  # type: ignore[misc]
            "strings: its trainer": lambda words=words: its_trainer(encoder, words),  # type: ignore[misc]
            "strings: static, bf16": lambda words=words: ours_from_strings(  # type: ignore[misc]
                encoder, words, InfoNce(TEMPERATURE, products="bf16")
            ),
        }
        if not importlib.util.find_spec("accelerate"):
            del rows["strings: its trainer"]
        base: Speed | None = None
        for name, row in rows.items():
            found = row()
            if base is None or "its trainer" in name:
                base = found
            times = f"{found.clock / base.clock:.1f} | {found.core / base.core:.1f}"
            print(f"| {size:,} | {name} | {found.clock:,.0f} | {found.core:,.0f} | {times} |", flush=True)
    print("\n| temperature | steps trained | 1 - cosine of the gradients | relative error |\n|--:|--:|--:|--:|")
    given = batches(encoder, 10, 1_024)
    for temperature in (0.05, 0.01):
        model = StaticTrainable(fresh(encoder), InfoNce(temperature))
        for step, pair in enumerate(given):
            if step in (0, 9):
                off, relative = bf16_error(model.encoder(), pair, temperature)
                print(f"| {temperature} | {step} | {off:.1e} | {relative:.1e} |")
            model.step(*pair, lr=LEARNING_RATE)


if __name__ == "__main__":
    main()
