"""Does perplexity tell prose from what is none, and how fast? The bundled model, or another, on real pages.

    python -m benchmarks.perplexity [MODEL] [--rounds N] [--write-calibration FILE]

*Prose* are English passages of real pages as the source ``commoncrawl`` makes them (the annotated pages and the news
pages of the real sample files), at most five of a page. By the hash of their address, half of the pages are for
calibrating (``--write-calibration`` writes their passages, a line each, and stops) and the other half is judged here.
*Dirt* is made from the same pages, or taken as it is:

    shuffled words   the judged passages, their words in another order
    menus, notices   the text of the judged pages' menus, footers, forms, side columns and cookie notices
    left-over lines  their short lines of any kind that are no main text, headlines of other articles among them
    HTML             their source
    key-word lists   the words that are characteristic of a page, by commas, as SEO pages have them
    code             Python: the source of this project
    other languages  passages of the pages in other languages, and of two small wikis

The AUC is the chance that dirt has a higher perplexity than prose. Speed is in passages of 100 words per second of user
CPU of this process, beside datatrove's perplexity (what its ``CCNetPerplexityStats`` computes) with the same model
files on the same texts; best of the rounds. The texts of the measurement are distinct, and each round begins with a new
model. Without the real sample files (``../shared/data`` or ``$CCPAIRS_REAL_DATA``) it says so and stops.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import re
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xxhash
from resiliparse.extract.html2text import extract_plain_text
from selectolax.lexbor import LexborHTMLParser

from benchmarks.measuring import real_folder
from ccpairs.pair import Pair
from filters.text import plain
from models.language_id import LanguageIdentifier, default_model_path
from models.lm import LanguageModel, bundled_model
from pipelines.charsets import decode_page
from pipelines.inputs import InputFile
from pipelines.source import Failure, Reject
from pipelines.sources.commoncrawl import CommonCrawl
from pipelines.sources.wikipedia import Wikipedia
from pipelines.warc import RESPONSE, DamagedRecord, read_warc
from pipelines.web import WebExtract

ARCHIVES = ("commoncrawl/annotated-pages.warc.gz", "news/CC-NEWS-20220815000000-00000.warc.gz")
WIKIS = ("ltgwiki-pages-articles.xml.bz2", "bgwiki-utf16-pages-articles.xml.bz2")
PER_PAGE, PER_WIKI = 5, 300
WORDS = 100
SHORT_LINE = 100
MENUS = "nav, footer, aside, form, menu, [role=navigation], [class*=cookie], [id*=cookie], [class*=consent]"
THRESHOLDS = (60, 90, 95, 98, 99)
BINS = np.geomspace(100, 6_400, 13)
SEED = 20221207


class WebPage(NamedTuple):
    url: str
    language: str
    passages: list[str]
    menus: str
    left_over: str
    html: str


def pages(archive: Path, identifier: LanguageIdentifier) -> Iterator[WebPage]:
    """The pages of which the source makes passages, and the rest of their text."""
    source = CommonCrawl(extract=WebExtract(passages_per_page=0))
    outcomes = source.read(InputFile(str(archive), "warc"))
    records = read_warc(InputFile(str(archive), "warc"), RESPONSE, 1 << 30)
    for record, outcome in zip(records, outcomes, strict=True):
        if isinstance(outcome, Reject | Failure) or isinstance(record, DamagedRecord):
            continue
        passages = [Pair._make(row).passage for row in outcome]
        text = " ".join(passages)
        [(language, probability)] = identifier.identify([text])
        html = decode_page(record.payload or b"", record.charset).text
        menus = " ".join(node.text(separator=" ") for node in LexborHTMLParser(html).css(MENUS))
        shown = extract_plain_text(html, main_content=False, preserve_formatting=True, list_bullets=False)
        lines = [line for line in map(plain, shown.splitlines()) if 0 < len(line) < SHORT_LINE and line not in text]
        language = language if probability >= 0.5 else ""
        yield WebPage(record.url or "", language, passages, menus, " ".join(lines), html)


def is_judged(page: WebPage) -> bool:
    return xxhash.xxh3_64_intdigest(page.url.encode()) % 2 == 1


def in_pieces(text: str, words: int = WORDS) -> list[str]:
    """The text in pieces of so many words; a short rest is left out."""
    every = text.split()
    pieces = (every[start : start + words] for start in range(0, len(every), words))
    return [" ".join(piece) for piece in pieces if len(piece) >= words // 3]


def shuffled(passages: Sequence[str], chance: random.Random) -> list[str]:
    def other_order(text: str) -> str:
        words = text.split()
        chance.shuffle(words)
        return " ".join(words)

    return list(map(other_order, passages))


def key_words(found: Sequence[WebPage], chance: random.Random) -> list[str]:
    """For each page, phrases of one to three of its 40 most characteristic words, by commas."""
    words = [re.findall(r"[a-z]{4,}", " ".join(page.passages).lower()) for page in found]
    pages_with = Counter(word for each in words for word in set(each))
    lists = []
    for each in words:
        counts = Counter(each)
        top = sorted(counts, key=lambda word: (-counts[word] / pages_with[word], word))[:40]
        if len(top) >= 20:
            phrases = (" ".join(chance.sample(top, chance.choice((1, 2, 2, 3)))) for _ in range(WORDS // 2))
            lists.append(", ".join(phrases))
    return lists


def code() -> list[str]:
    here = Path(__file__).resolve().parents[1]
    files = [path for room in ("pipelines", "filters") for path in sorted((here / room).glob("*.py"))]
    return [piece for path in files for piece in in_pieces(plain(path.read_text(encoding="utf-8")))[:PER_PAGE]]


def wiki_passages(folder: Path) -> Iterator[str]:
    for name in WIKIS:
        outcomes = Wikipedia().read(InputFile(str(folder / "wikipedia" / name), "pages"))
        pairs = (Pair._make(row) for outcome in outcomes if isinstance(outcome, list) for row in outcome)
        yield from islice((pair.passage for pair in pairs if len(pair.passage) >= 150), PER_WIKI)


def first(found: Sequence[WebPage]) -> list[str]:
    return [passage for page in found for passage in page.passages[:PER_PAGE]]


def dirt(folder: Path, found: Sequence[WebPage], judged: Sequence[WebPage]) -> dict[str, list[str]]:
    chance = random.Random(SEED)

    def pieces(part: str) -> list[str]:
        return [piece for page in judged for piece in in_pieces(plain(getattr(page, part)))[:PER_PAGE]]

    others = [page for page in found if page.language not in ("en", "")]
    return {
        "shuffled words": shuffled(first(judged), chance),
        "menus, notices": pieces("menus"),
        "left-over lines": pieces("left_over"),
        "HTML": pieces("html"),
        "key-word lists": key_words(judged, chance),
        "code": code(),
        "other languages": [*first(others), *wiki_passages(folder)],
    }


def auc(prose: np.ndarray, other: np.ndarray) -> float:
    """The chance that a text of ``other`` has a higher perplexity than one of ``prose``; ties count half."""
    ordered = np.sort(prose)
    below = np.searchsorted(ordered, other, "left") + np.searchsorted(ordered, other, "right")
    return float(below.mean() / 2 / len(ordered))


def print_quality(model: LanguageModel, kinds: dict[str, list[str]]) -> None:
    found = {name: np.array([each for each in model.perplexity(texts) if each]) for name, texts in kinds.items()}
    prose = found["prose"]
    thresholds = {percent: model.percentile(percent) for percent in THRESHOLDS}
    heads = " | ".join(f"p{percent} = {value:,.0f}" for percent, value in thresholds.items())
    print(f"| | texts | median | AUC | {heads} |\n|---|--:|--:|--:|{'--:|' * len(thresholds)}")
    for name, values in found.items():
        dropped = " | ".join(f"{np.mean(values >= threshold):.1%}" for threshold in thresholds.values())
        shown = "" if values is prose else f"{auc(prose, values):.3f}"
        print(f"| {name} | {len(values):,} | {np.median(values):,.0f} | {shown} | {dropped} |")
    print("\nThe columns on the right: share of the texts that a threshold drops.\n")
    counts = {name: np.histogram(np.clip(values, BINS[0], BINS[-1]), BINS)[0] for name, values in found.items()}
    print("perplexity".rjust(13), *(name.ljust(15) for name in counts), sep="  ")
    for number, start in enumerate(BINS[:-1]):
        bars = (("#" * round(40 * count[number] / count.sum())).ljust(15) for count in counts.values())
        label = f"{start:,.0f}" if number else f"< {BINS[1]:,.0f}"
        print(label.rjust(13), *bars, sep="  ")
    print("\nA # is 2.5 % of the texts of its column.\n")


def comments(folder: Path) -> list[str]:
    """Distinct passages of 100 words of Reddit comments, which no model here was trained on."""
    records = map(json.loads, filter(None, InputFile(str(folder / "reddit" / "RC_2016-01.zst"), "").lines()))
    text = " ".join(plain(record["body"]) for record in records)
    return [piece for piece in in_pieces(text) if piece.count(" ") == WORDS - 1]


def user_seconds(work: Callable[[], Any]) -> tuple[Any, float]:
    start = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    made = work()
    return made, resource.getrusage(resource.RUSAGE_SELF).ru_utime - start


def datatrove_perplexity(model: LanguageModel) -> Callable[[str], float] | None:
    """datatrove's perplexity of a text, with our model files in place of its download; None where it is missing."""
    try:
        import datatrove.utils.perplexity as theirs
    except ImportError:
        return None
    theirs.cached_asset_path_or_download = lambda address: str(model.directory / address.rpartition("/")[2])
    peer = theirs.KenlmModel("local", model.language)
    peer.get_perplexity("Load the model.")
    return lambda text: float(peer.get_perplexity(text))


def print_speed(directory: Path, texts: Sequence[str], rounds: int) -> None:
    best: dict[str, float] = {}

    def measured(name: str, work: Callable[[], Any]) -> Any:
        made, seconds = user_seconds(work)
        best[name] = max(best.get(name, 0.0), len(texts) / seconds)
        return made

    for _ in range(rounds):
        model = LanguageModel.load(directory)
        ours = measured("ccpairs", lambda: model.perplexity(texts))  # noqa: B023 - called at once
        model = LanguageModel.load(directory)
        normalised = measured("  normaliser alone", lambda: [model.normalise(text) for text in texts])  # noqa: B023
        cut = measured("  SentencePiece alone", lambda: [model.pieces(text) for text in normalised])  # noqa: B023
        measured("  KenLM alone", lambda: [model.log10_probability(line) for line in cut])  # noqa: B023
        peer = datatrove_perplexity(model)
        theirs = measured("datatrove", lambda: [peer(text) for text in texts]) if peer else []  # noqa: B023
    print(f"{len(texts):,} passages of {WORDS} words\n\n| | passages/s | ratio |\n|---|--:|--:|")
    for name, speed in best.items():
        ratio = f"{speed / best['datatrove']:.1f}" if "datatrove" in best else ""
        print(f"| {name.strip()} | {speed:,.0f} | {ratio} |")
    if theirs:
        same = np.array([round(a or 0, 1) == round(b, 1) for a, b in zip(ours, theirs, strict=True)])
        digits = np.array([re.search(r"\d", text) is not None for text in texts])
        print(f"\nEqual to datatrove's, to the decimal place: {same[~digits].mean():.1%} of the texts without digits, ")
        print(f"{same[digits].mean():.1%} of those with some: it makes a number one 0, CCNet each of its digits.")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", help="directory of a model (default: the bundled English one)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write-calibration", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    folder = real_folder(".")
    if folder is None:
        print("skipped: no real sample files; name their folder in CCPAIRS_REAL_DATA")
        return
    logging.disable(logging.WARNING)
    identifier = LanguageIdentifier(default_model_path())
    found = [page for name in ARCHIVES for page in pages(folder / name, identifier)]
    english = [page for page in found if page.language == "en"]
    if given.write_calibration:
        texts = first([page for page in english if not is_judged(page)])
        given.write_calibration.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        print(f"{len(texts)} passages to calibrate on")
        return
    directory = given.model or bundled_model()
    if directory is None:
        sys.exit("there is no bundled model; name a model's directory")
    judged = [page for page in english if is_judged(page)]
    print_quality(LanguageModel.load(directory), {"prose": first(judged), **dirt(folder, found, judged)})
    print_speed(directory, comments(folder), given.rounds)


if __name__ == "__main__":
    main()
