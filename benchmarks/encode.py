"""Texts encoded in a second, beside sentence-transformers in the same run, from the same folder, on the same texts.

    python -m benchmarks.encode [--texts 20000] [--words 50]

Texts are cut out of the documents of real retrieval sets. A row is a function of :data:`ROWS`. Figures are of all cores
by the clock, and of one core by the CPU time that was used, which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sentence_transformers import SentenceTransformer

from benchmarks.measuring import cpu_of_all, cpu_seconds, real_folder
from models.encoder_pool import EncoderPool
from models.retrieval_sets import open_retrieval_set
from models.static.encoder import StaticEncoder, static_encoder
from models.static.tokenizer import train_tokenizer

SETS = ("scifact", "med")


class Speed(NamedTuple):
    """Items a second: by the clock, and for each core by CPU time."""

    clock: float
    core: float


def speed(work: Callable[[], object], items: int, rounds: int = 3) -> Speed:
    """The best of some rounds, after one that is not counted (it compiles and fills caches)."""
    work()
    found = []
    for _ in range(rounds):
        clock, cpu = time.perf_counter(), cpu_seconds()
        work()
        found.append(Speed(items / (time.perf_counter() - clock), items / max(cpu_seconds() - cpu, 1e-9)))
    return Speed(max(each.clock for each in found), max(each.core for each in found))


def real_texts(words: int) -> Iterator[str]:
    """Pieces of so many words of the documents of the real retrieval sets, in order."""
    home = real_folder("beir")
    for name in SETS if home is not None else ():
        assert home is not None
        for document in open_retrieval_set(str(home / name)).corpus():
            parts = f"{document.title} {document.text}".split()
            yield from (" ".join(parts[at : at + words]) for at in range(0, len(parts), words))


class Bench(NamedTuple):
    """What the rows work on: the texts, and a static encoder with random vectors as object and as folder."""

    texts: list[str]
    encoder: StaticEncoder
    folder: Path


def static_from_tokens(bench: Bench) -> Speed:
    ids, offsets = bench.encoder.tokens(bench.texts, "passage")
    return speed(lambda: bench.encoder.encode_tokens(ids, offsets), len(bench.texts))


def static_from_strings(bench: Bench) -> Speed:
    return speed(lambda: bench.encoder.encode(bench.texts, "passage"), len(bench.texts))


def static_from_new_words(bench: Bench) -> Speed:
    """With an empty table of words each time, as at the start of a run."""

    def work() -> None:
        StaticEncoder.load(bench.folder).encode(bench.texts, "passage")

    return speed(work, len(bench.texts))


def static_in_processes(bench: Bench) -> Speed:
    """The same in a process a core, started and its kernels compiled before. CPU time is the processes' own."""
    with EncoderPool(partial(StaticEncoder.load, bench.folder)) as pool:
        pool.encode(["a word" * 2_000] * (20 * pool.processes), "passage")
        clock, cpu = time.perf_counter(), cpu_of_all()
        pool.encode(bench.texts, "passage")
        return Speed(len(bench.texts) / (time.perf_counter() - clock), len(bench.texts) / (cpu_of_all() - cpu))


def static_of_sentence_transformers(bench: Bench) -> Speed:
    model = SentenceTransformer(str(bench.folder), device="cpu")
    ours, theirs = bench.encoder.encode(bench.texts[:100], "passage"), model.encode_document(bench.texts[:100])
    assert np.abs(ours - np.asarray(theirs)).max() < 1e-5
    return speed(lambda: model.encode_document(bench.texts, batch_size=1024), len(bench.texts), rounds=1)


def tokens_by_words(bench: Bench) -> Speed:
    return speed(lambda: bench.encoder.tokens(bench.texts, "passage"), len(bench.texts))


def tokens_by_library(bench: Bench) -> Speed:
    tokenizer: Any = bench.encoder.reader.tokenizer
    return speed(lambda: tokenizer.encode_batch_fast(bench.texts, add_special_tokens=False), len(bench.texts), rounds=1)


ROWS: dict[str, Callable[[Bench], Speed]] = {
    "static, tokenised texts": static_from_tokens,
    "static, strings": static_from_strings,
    "static, strings, no word seen before": static_from_new_words,
    "the same in a process a core": static_in_processes,
    "static, strings, sentence-transformers": static_of_sentence_transformers,
    "tokens alone, words looked up": tokens_by_words,
    "tokens alone, tokenizers library": tokens_by_library,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--words", type=int, default=50)
    parser.add_argument("--dimension", type=int, default=256)
    options = parser.parse_args()
    pieces = list(real_texts(options.words))
    if not pieces:
        print("skipped: no real sample files; name their folder in CCPAIRS_REAL_DATA")
        return
    texts = (pieces * (options.texts // len(pieces) + 1))[: options.texts]
    encoder = static_encoder(train_tokenizer(pieces), options.dimension)
    tokens = len(encoder.tokens(texts, "passage")[0]) / len(texts)
    print(f"{len(texts):,} texts of {tokens:.0f} tokens, {len(encoder.rows):,} x {encoder.dimension} vectors\n")
    print("| | texts/s | texts/s and core, by CPU time |\n|---|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        encoder.save(Path(folder))
        for name, row in ROWS.items():
            found = row(Bench(texts, encoder, Path(folder)))
            print(f"| {name} | {found.clock:,.0f} | {found.core:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
