"""Decontamination: recall on planted copies, false positives, speed and memory, beside datatrove's n-grams.

    python -m benchmarks.decontamination [--only recall|clean|speed|build] [--ngrams N] [--documents N] [--no-peer]
                                         [--ngram 8] [--min-share 0.15] [--min-hits 5]

Real texts come from the folder of real sample files. ``recall`` plants queries and documents of three real evaluation
sets, whole, disguised or in part, in clean pairs; ``clean`` judges pairs of other sources, where every hit is false
unless the pair quotes the set; ``speed`` judges real pairs of about 100 words against an index of N n-grams of words
in random order; ``build`` indexes N documents of 56 such words, about what a passage of MS MARCO has. Rates are per
second of user CPU.

datatrove's indexer asks for lighteval, which fetches its own tasks; texts of ours need none of it, so the indexer is
told not to ask, and its hashes are written in its own format (its tokenizer needs spaCy). It drops a text at the first
12-gram of any test.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from benchmarks.measuring import peak_memory_mb, real_folder
from ccpairs.pair import Pair
from filters.decontamination import ContaminationRules, EvaluationText, EvaluationTexts, IndexBuilder
from filters.text import plain
from models.retrieval_sets import open_retrieval_set
from pipelines.evaluation_sets import build_index, open_evaluation_sets
from pipelines.inputs import InputFile

SETS = ("scifact", "med", "adi")
PLANTED = 200
"""Queries, and documents, of a set that are planted."""
BATCH = 1_024

Plant = Callable[[str, random.Random, Sequence[str]], str]


def diluted(times: int, of: Plant = lambda text, chance, clean: text) -> Plant:
    """A text somewhere in clean text of so many times its own words."""

    def plant(text: str, chance: random.Random, clean: Sequence[str]) -> str:
        text = of(text, chance, clean)
        words: list[str] = []
        while len(words) < times * len(text.split()):
            words += chance.choice(clean).split()
        words = words[: times * len(text.split())]
        cut = chance.randrange(len(words) + 1)
        return " ".join([*words[:cut], text, *words[cut:]])

    return plant


def rewrapped(text: str, chance: random.Random, clean: Sequence[str]) -> str:
    words = text.split()
    return "\n".join(" ".join(words[at : at + 9]) for at in range(0, len(words), 9))


def repunctuated(text: str, chance: random.Random, clean: Sequence[str]) -> str:
    return re.sub(r"[^\w\s]", " ", text).replace(" ", ", ", 5)


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?;]) ", text)


def reordered(text: str, chance: random.Random, clean: Sequence[str]) -> str:
    parts = sentences(text)
    chance.shuffle(parts)
    return " ".join(parts)


def half(text: str, chance: random.Random, clean: Sequence[str]) -> str:
    return " ".join(text.split()[: (len(text.split()) + 1) // 2])


PLANTS: dict[str, Plant] = {
    "as it is": lambda text, chance, clean: text,
    "re-wrapped": rewrapped,
    "upper case": lambda text, chance, clean: text.upper(),
    "other punctuation": repunctuated,
    "in as much clean text": diluted(1),
    "in 3 times as much": diluted(3),
    "in 10 times as much": diluted(10),
    "first half": half,
    "first half, in 3 times as much": diluted(3, half),
    "sentences reordered": reordered,
    "5 % of the words dropped": lambda text, chance, clean: " ".join(
        word for word in text.split() if chance.random() >= 0.05
    ),
    "longest sentence, in 3 times as much": diluted(3, lambda text, chance, clean: max(sentences(text), key=len)),
}


def clean_pairs() -> dict[str, list[Pair]]:
    """Real pairs of text by source, none of them made from an evaluation set."""
    reddit, papers, questions, news, exchange = (
        need(name) for name in ("reddit", "s2orc", "communityqa", "news", "stackexchange")
    )
    posts = {post["id"]: post for name in ("RS_2013-08", "RS_2016-01") for post in json_of(reddit / f"{name}.zst")}
    comments = json_of(reddit / "RC_2016-01.zst")
    titles = {paper["corpusid"]: paper["title"] for paper in json_of(papers / "papers-part0.jsonl.gz")}
    rows = re.findall(r' Body="([^"]*)"', (exchange / "ai.stackexchange.com" / "Posts.xml").read_text(encoding="utf-8"))
    found = {
        "Reddit comments": [
            (posts[comment["link_id"][3:]]["title"], comment["body"])
            for comment in comments
            if comment["link_id"][3:] in posts
        ],
        "Reddit posts": [(post["title"], post["selftext"]) for post in posts.values() if post.get("selftext")],
        "StackExchange": [("", re.sub(r"&lt;[^&]*&gt;", " ", body)) for body in rows],
        "news": [("", body) for body in json.loads((news / "article-bodies.json").read_text()).values()],
        "MedQuAD": list(json_of(questions / "medquad_pairs.jsonl.gz")),
        "ACL abstracts": [
            (titles.get(row["corpusid"]) or "", row["abstract"]) for row in json_of(papers / "abstracts-part0.jsonl.gz")
        ],
        "S2ORC 2020 abstracts": [
            (row["title"], row["abstract"]) for row in json_of(papers / "metadata_sample.jsonl.gz")
        ],
    }
    return {
        source: [Pair(plain(query), plain(passage), "clean") for query, passage in texts if passage]
        for source, texts in found.items()
    }


def json_of(path: Path) -> Iterator[Any]:
    return map(json.loads, filter(None, InputFile(str(path), "lines").lines()))


def need(source: str) -> Path:
    folder = real_folder(source)
    return folder or sys.exit(f"no real files of {source}; name their folder in CCPAIRS_REAL_DATA")


def texts_of(name: str) -> list[EvaluationText]:
    one = open_retrieval_set(need("beir") / name)
    queries = [EvaluationText(f"{name}/queries/{query.id}", query.text, is_query=True) for query in one.queries()]
    return [*queries, *(EvaluationText(f"{name}/corpus/{each.id}", each.text, each.title) for each in one.corpus())]


def index_of(texts: Sequence[EvaluationText], rules: ContaminationRules) -> EvaluationTexts:
    builder = IndexBuilder(rules)
    builder.add(texts)
    return EvaluationTexts(b"".join(builder.blocks()))


class Datatrove:
    """datatrove's index and filter of n-grams, with its defaults."""

    def __init__(self, folder: str) -> None:
        from datatrove.pipeline.decont.n_grams import NGramsDecontFilter, NGramsDecontIndexer
        from loguru import logger

        logger.remove()
        NGramsDecontIndexer._requires_dependencies = []
        self.folder, self.indexer, self.filter = folder, NGramsDecontIndexer(folder), NGramsDecontFilter(folder)
        # Its own hands over texts, and xxhash takes only bytes since its fourth version.
        self.indexer.hash_func = self.filter.hash_func = lambda text: xxhash.xxh64_intdigest(text.encode())

    def index(self, name: str, texts: Sequence[EvaluationText]) -> None:
        hashes = {value for text in texts for value in self.indexer.compute_hashes(f"{text.title} {text.text}")}
        np.array(sorted(hashes), np.uint64).tofile(Path(self.folder, f"{name}.index.hashes"))

    def matches(self, pairs: Sequence[Pair]) -> list[bool]:
        from datatrove.data import Document

        return [
            self.filter.filter(Document(text=f"{pair.query}\n{pair.passage}", id="", metadata={})) is not True
            for pair in pairs
        ]


def count(judge: Callable[[Sequence[Pair]], Sequence[object]], pairs: Sequence[Pair]) -> int:
    """How many of the pairs are found contaminated."""
    return sum(map(bool, (match for at in range(0, len(pairs), BATCH) for match in judge(pairs[at : at + BATCH]))))


def recall(clean: dict[str, list[Pair]], rules: ContaminationRules, peer: Datatrove | None) -> None:
    texts = {name: texts_of(name) for name in SETS}
    everything = [text for name in SETS for text in texts[name]]
    judges: dict[str, Callable[[Sequence[Pair]], Sequence[object]]] = {
        "exact": index_of(everything, ContaminationRules(ngrams=False)).matches,
        "exact + n-grams": index_of(everything, rules).matches,
    }
    if peer:
        judges["datatrove"] = peer.matches
    around = [pair.passage for pair in clean["Reddit comments"] if 30 < len(pair.passage.split()) < 200]
    for kind in ("documents", "queries"):
        print(f"\nRecall in %, planted {kind}: " + ", ".join(judges))
        chosen = {
            name: [text for text in texts[name] if text.is_query == (kind == "queries")][:PLANTED] for name in SETS
        }
        print(f"{'':>38}" + "".join(f"{f'{name} ({len(chosen[name])})':>24}" for name in SETS))
        for label, plant in PLANTS.items():
            cells = []
            for name in SETS:
                chance = random.Random(f"{label} {name}")
                planted = [plant(text.text, chance, around) for text in chosen[name]]
                pairs = [
                    Pair(text, around[at], "") if kind == "queries" else Pair("a query of its own", text, "")
                    for at, text in enumerate(planted)
                ]
                cells.append(" / ".join(f"{100 * count(judge, pairs) / len(pairs):.1f}" for judge in judges.values()))
            print(f"{label:>38}" + "".join(f"{cell:>24}" for cell in cells), flush=True)


def false_positives(clean: dict[str, list[Pair]], rules: ContaminationRules, peer: Datatrove | None) -> None:
    index = index_of([text for name in SETS for text in texts_of(name)], rules)
    print(f"\nClean pairs found contaminated\n{'':>22} {'pairs':>8} {'ccpairs':>8} {'datatrove':>10}")
    for source, pairs in clean.items():
        print(f"{source:>22} {len(pairs):>8,} {count(index.matches, pairs):>8}", end="", flush=True)
        print(f" {count(peer.matches, pairs) if peer else '':>10}")


def vocabulary(clean: dict[str, list[Pair]]) -> list[str]:
    return [word for pair in clean["ACL abstracts"][:2_000] for word in pair.passage.split()]


def speed(clean: dict[str, list[Pair]], ngrams: int, with_peer: bool) -> None:
    rows = [(pair.query or "a query", pair.passage.split()) for pairs in clean.values() for pair in pairs]
    pairs = [(query, " ".join(words[:100])) for query, words in rows if len(words) >= 100]
    random.Random(0).shuffle(pairs)
    words, chance = vocabulary(clean), random.Random(1)
    documents = [" ".join(chance.choices(words, k=107)) for _ in range(ngrams // 100)]
    with tempfile.TemporaryDirectory() as folder:
        texts = [EvaluationText(f"words/{at}", text) for at, text in enumerate(documents)]
        builder = IndexBuilder(ContaminationRules())
        for at in range(0, len(texts), 4_096):
            builder.add(texts[at : at + 4_096])
        with Path(folder, "index").open("wb") as stream:
            stream.writelines(builder.blocks())
        if with_peer:
            # The hashes alone make its filter's speed and size: random ones, as many as 12-grams would give.
            many = np.random.default_rng(0).integers(0, 1 << 63, ngrams, np.uint64)
            Path(folder, "peer").mkdir()
            many.tofile(Path(folder, "peer", "words.index.hashes"))
        Path(folder, "pairs").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
        print(f"\nSpeed against {ngrams:,} n-grams, {len(pairs):,} pairs with passages of 100 words")
        print(f"{'':>12} {'pairs/s':>9} {'peak MB':>9} {'of it index':>12}")
        for who in ("ccpairs", "datatrove")[: 1 + with_peer]:
            found = in_own_process("--measure", who, folder)
            print(f"{who:>12} {found['rate']:>9,.0f} {found['peak']:>9,.0f} {found['peak'] - found['before']:>12,.0f}")


def measure(who: str, folder: str) -> dict[str, float]:
    """In a process of its own: pairs per second of user CPU, the peak memory, and that before there is an index."""
    with Path(folder, "pairs").open() as lines:
        pairs = [Pair(query, passage, "") for query, passage in map(json.loads, lines)]
    judge: Callable[[Sequence[Pair]], Sequence[object]]
    if who == "datatrove":
        pairs = pairs[:5_000]
        peer = Datatrove(f"{folder}/peer")
        peer.indexer.compute_hashes("loads the tokenizer")
        before = peak_memory_mb()
        peer.filter.load_index_hashes()
        judge = peer.matches
    else:
        before = peak_memory_mb()
        judge = EvaluationTexts.load(f"{folder}/index").matches
    count(judge, pairs[:BATCH])
    user = user_seconds()
    count(judge, pairs)
    return {"rate": len(pairs) / (user_seconds() - user), "peak": peak_memory_mb(), "before": before}


def build(clean: dict[str, list[Pair]], documents: int) -> None:
    words, chance = vocabulary(clean), random.Random(2)
    with tempfile.TemporaryDirectory() as folder:
        for count in (documents // 4, documents):
            place = Path(folder, str(count))
            place.mkdir()
            Path(place, "queries.jsonl").write_text('{"_id": "1", "text": "what is it"}\n')
            with gzip.open(place / "corpus.jsonl.gz", "wt", compresslevel=1) as stream:
                for at in range(count):
                    stream.write(json.dumps({"_id": str(at), "text": " ".join(chance.choices(words, k=56))}) + "\n")
            found = in_own_process("--measure", "build", str(place))
            print(f"\nIndexing {count:,} documents of 56 words: {found['user']:.0f} s of user CPU,", end=" ")
            print(f"peak memory {found['peak']:,.0f} MB, index of {found['bytes'] / 1e6:,.0f} MB")


def measure_build(folder: str) -> dict[str, float]:
    user = user_seconds()
    build_index(open_evaluation_sets([folder]), f"{folder}/made/index", ContaminationRules())
    size = Path(folder, "made", "index").stat().st_size
    return {"user": user_seconds() - user, "peak": peak_memory_mb(), "bytes": size}


def user_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def in_own_process(*arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.decontamination", *arguments]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("recall", "clean", "speed", "build"))
    parser.add_argument("--ngrams", type=int, default=10_000_000)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--no-peer", action="store_true", help="leave datatrove out")
    default = ContaminationRules()
    parser.add_argument("--ngram", type=int, default=default.ngram)
    parser.add_argument("--min-share", type=float, default=default.min_share)
    parser.add_argument("--min-hits", type=int, default=default.min_hits)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        who, folder = options.measure
        print(json.dumps(measure_build(folder) if who == "build" else measure(who, folder)))
        return
    clean = clean_pairs()
    rules = ContaminationRules(ngram=options.ngram, min_share=options.min_share, min_hits=options.min_hits)
    with tempfile.TemporaryDirectory() as folder:
        peer = None
        if not options.no_peer and options.only in (None, "recall", "clean"):
            peer = Datatrove(folder)
            for name in SETS:
                peer.index(name, texts_of(name))
        if options.only in (None, "recall"):
            recall(clean, rules, peer)
        if options.only in (None, "clean"):
            false_positives(clean, rules, peer)
    if options.only in (None, "speed"):
        speed(clean, options.ngrams, not options.no_peer)
    if options.only in (None, "build"):
        build(clean, options.documents)


if __name__ == "__main__":
    main()
