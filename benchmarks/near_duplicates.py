"""Near-duplicate passages: speed, memory and the S-curve, beside datatrove, datasketch and rensa, in one run.

    python -m benchmarks.near_duplicates [--passages N] [--pairs N] [--rounds N]

The passages are real: medical answers and abstracts of papers (``../shared/data`` or ``$CCPAIRS_REAL_DATA``), cut to
100 words. All tools make signatures of word 5-shingles, with as many permutations as our bands use (9 x 13); datatrove
with its hashes and its English word tokenizer (spaCy), and once more split at white space, which the others get.
What is timed is user CPU of this one process, the best of several rounds in which the tools take turns. A peer that is
not installed is left out, and the table says so.

The S-curve is measured on pairs of texts made for it: so many shingles shared, so many not.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import xxhash

from benchmarks.measuring import peak_memory_mb, real_folder
from filters.minhash import PERMUTATIONS, band_keys, bands_for, hash_words, probability_found, signatures
from pipelines.duplicates import FULL_BUCKET, DuplicateLimits, cut, decided, packed
from pipelines.identity import pair_id
from pipelines.verdicts import to_shards

WORDS = 100
JACCARD = 0.8
SHAPE = bands_for(JACCARD)
SIGNED = SHAPE[0] * SHAPE[1]
TEXTS_AT_ONCE = 1_024
SHINGLES = 120

Maker = Callable[[Sequence[str]], None]


def texts_of(folder: Path) -> Iterator[str]:
    """Real passages, whole."""
    with gzip.open(folder / "communityqa" / "medquad_pairs.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from (json.loads(line)[1] for line in lines)
    for path in sorted((folder / "s2orc").glob("abstracts-part0*")):
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
            yield from (str(json.loads(line).get("abstract") or "") for line in lines)


def passages_of(folder: Path) -> Iterator[str]:
    for text in texts_of(folder):
        words = text.split()
        for start in range(0, len(words) - WORDS + 1, WORDS):
            yield " ".join(words[start : start + WORDS])


def ours(texts: Sequence[str]) -> None:
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        words = hash_words(texts[start : start + TEXTS_AT_ONCE])
        band_keys(signatures(words, SIGNED), *SHAPE)


def datatrove(split_at_spaces: bool) -> Maker:
    minhash = import_module("datatrove.pipeline.dedup.minhash")
    config = minhash.MinhashConfig(n_grams=5, num_buckets=SHAPE[0], hashes_per_bucket=SHAPE[1])
    step = minhash.MinhashDedupSignature(tempfile.mkdtemp(), config)
    step._hash_func = lambda shingle: xxhash.xxh64_intdigest(shingle.encode())  # as it does; xxhash 4 takes bytes only
    if split_at_spaces:
        step.word_tokenizer = SimpleNamespace(word_tokenize=str.split)

    def make(texts: Sequence[str]) -> None:
        for text in texts:
            step.get_signature(step.get_shingles(text))

    return make


def datasketch() -> Maker:
    minhash = import_module("datasketch").MinHash
    empty = minhash(num_perm=SIGNED)  # the permutations are drawn once

    def make(texts: Sequence[str]) -> None:
        for text in texts:
            made = empty.copy()
            made.update_batch([shingle.encode() for shingle in shingles_of(text)])

    return make


def rensa() -> Maker:
    minhash = import_module("rensa").RMinHash

    def make(texts: Sequence[str]) -> None:
        for text in texts:
            made = minhash(num_perm=SIGNED, seed=1)
            made.update(shingles_of(text))
            made.digest()

    return make


def shingles_of(text: str) -> list[str]:
    words = text.lower().split()
    return [" ".join(words[start : start + 5]) for start in range(len(words) - 4)]


def user_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def rates(makers: dict[str, Maker], texts: Sequence[str], rounds: int) -> dict[str, float]:
    """Passages per second of user CPU; slow makers get a part of the texts."""
    best = dict.fromkeys(makers, 0.0)
    for _ in range(rounds):
        for name, make in makers.items():
            some = texts if name == "ccpairs" else texts[: max(1, len(texts) // 8)]
            start = user_seconds()
            make(some)
            best[name] = max(best[name], len(some) / (user_seconds() - start))
    return best


def print_rates(texts: Sequence[str], rounds: int) -> None:
    makers: dict[str, Maker] = {"ccpairs": ours}
    peers: dict[str, Callable[[], Maker]] = {
        "datatrove, spaCy": lambda: datatrove(False),
        "datatrove, split at white space": lambda: datatrove(True),
        "datasketch": datasketch,
        "rensa": rensa,
    }
    for name, maker in peers.items():
        try:
            makers[name] = maker()
            makers[name](texts[:10])
        except ImportError as missing:
            print(f"{name}: not measured, {missing}")
            makers.pop(name, None)
    ours(texts[:TEXTS_AT_ONCE])
    found = rates(makers, texts, rounds)
    print(f"\nsignatures of {len(texts):,} passages of {WORDS} words, {SIGNED} permutations, per second of user CPU")
    for name, rate in found.items():
        print(f"  {name:32s} {rate:10,.0f}   1 / {found['ccpairs'] / rate:.1f}")


def table_of(texts: Sequence[str]) -> pa.Table:
    """A pair of each text, each with a query and a document of its own."""
    queries = [f"question {number}" for number in range(len(texts))]
    ids = [pair_id(query, text) for query, text in zip(queries, texts, strict=True)]
    return pa.table({"query": queries, "passage": list(texts), "pair_id": ids, "passage_doc": ids})


def print_whole(texts: Sequence[str]) -> None:
    """What near-duplicates and repeats cost a pair but for the engine, and what travels for it."""
    print("user CPU a pair to hash, to pack and to decide; bytes that travel a pair")
    for limits in (DuplicateLimits(JACCARD), DuplicateLimits(max_repeats=10)):
        for what, table in (
            ("real passages", table_of(texts)),
            ("one passage", table_of(["thanks a lot"] * len(texts))),
        ):
            times = [user_seconds()]
            rows = limits.rows(table)
            times.append(user_seconds())
            rows, early = cut(rows, limits.max_repeats, FULL_BUCKET)
            buckets = sum(len(blob) for _, blob in packed(rows, 64))
            times.append(user_seconds())
            late = decided(rows, limits.max_repeats)
            times.append(user_seconds())
            verdicts = sum(len(blob) for part in (early, late) for _, blob in to_shards(part, 16))
            each = " + ".join(f"{1e6 * seconds / len(texts):4.1f}" for seconds in np.diff(times))
            print(
                f"  {limits}, {what}: {each} us; buckets {buckets / len(texts):4.1f}, verdicts "
                f"{verdicts / len(texts):4.1f} bytes ({(len(early) + len(late)) / len(texts):.2f} verdicts)"
            )


def of_similarity(jaccard: float, chance: random.Random) -> tuple[str, str, float]:
    """Two texts, each of about so many shingles, and their true similarity."""
    shared = round(2 * SHINGLES * jaccard / (1 + jaccard))
    each = SHINGLES - shared
    start = [f"{chance.getrandbits(40):x}" for _ in range(shared + 4)]
    one, other = (" ".join([*start, *(f"{chance.getrandbits(40):x}" for _ in range(each))]) for _ in range(2))
    return one, other, shared / (shared + 2 * each)


def print_curve(number: int) -> None:
    chance = random.Random(1)
    try:
        peer = import_module("datasketch")
    except ImportError:
        peer = None
    print(f"\nS-curve, {SHAPE[0]} bands of {SHAPE[1]} rows, {number:,} pairs each: how many are found")
    print("  Jaccard   formula   ccpairs   datasketch (MinHashLSH, threshold 0.8, 128 permutations)")
    for target in (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        pairs = [of_similarity(target, chance) for _ in range(number)]
        ones, others, jaccards = zip(*pairs, strict=True)
        jaccard = jaccards[0]
        sides = [band_keys(signatures(hash_words(side), PERMUTATIONS), *SHAPE) for side in (ones, others)]
        found = float(np.mean(np.any(sides[0] == sides[1], axis=1)))
        theirs = "not installed" if peer is None else f"{found_by_datasketch(peer, pairs):.4f}"
        print(f"  {jaccard:7.4f}   {probability_found(jaccard, *SHAPE):7.4f}   {found:7.4f}   {theirs}")


def found_by_datasketch(peer: object, pairs: Sequence[tuple[str, str, float]]) -> float:
    index = peer.MinHashLSH(threshold=JACCARD, num_perm=PERMUTATIONS)  # type: ignore[attr-defined]
    assert (index.b, index.r) == SHAPE
    empty = peer.MinHash(num_perm=PERMUTATIONS)  # type: ignore[attr-defined]

    def made(text: str) -> object:
        minhash = empty.copy()
        minhash.update_batch([shingle.encode() for shingle in shingles_of(text)])
        return minhash

    for number, (one, _, _) in enumerate(pairs):
        index.insert(number, made(one))
    return sum(number in index.query(made(other)) for number, (_, other, _) in enumerate(pairs)) / len(pairs)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    medquad = real_folder("communityqa")
    if medquad is None:
        print("skipped: no real sample files; name their folder in CCPAIRS_REAL_DATA")
    else:
        texts = list(islice(passages_of(medquad.parent), given.passages))
        before = peak_memory_mb()
        ours(texts)
        print(f"{len(texts):,} passages of {np.mean([*map(len, texts)]):.0f} characters")
        print(f"peak memory of the process {before:.0f} MB before the first signature, {peak_memory_mb():.0f} MB after")
        print_whole(texts)
        print_rates(texts, given.rounds)
    print_curve(given.pairs)


if __name__ == "__main__":
    main()
