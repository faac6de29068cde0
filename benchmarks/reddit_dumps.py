"""Reddit dumps of any size for the measurements: comments made of real sentences, in the fields of a published month.

    python -m benchmarks.reddit_dumps FOLDER --comments 1000000 --posts 400000

The sentences come from ``RC_2016-01.zst`` and the titles from ``RS_2016-01.zst`` of the real sample files, or from the
built-in sample dumps where there are none. Files are zstd with the 2 GiB window, as published.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.measuring import real_folder
from filters.sentences import cut_at_sentences
from pipelines.inputs import InputFile
from pipelines.reddit_records import base36

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LINES_AT_A_TIME = 20_000
COMMENT = (
    b'{"author":"user_%d","author_flair_text":null,"edited":false,"id":"%s","parent_id":"%s","gilded":0,'
    b'"distinguished":null,"retrieved_on":1454204211,"body":"%s","controversiality":0,"subreddit_id":"t5_2qh1i",'
    b'"stickied":false,"link_id":"t3_%s","subreddit":"AskReddit","score":%d,"ups":%d,"created_utc":%d,'
    b'"author_flair_css_class":null}\n'
)
POST = (
    b'{"domain":"self.AskReddit","author":"user_%d","id":"%s","name":"t3_%s","title":"%s","selftext":"","score":%d,'
    b'"over_18":false,"subreddit":"AskReddit","subreddit_id":"t5_2qh1i","is_self":true,"stickied":false,'
    b'"distinguished":null,"num_comments":3,"created_utc":%d,"url":"https://www.reddit.com/r/AskReddit/","media":null}\n'
)


def texts(folder: Path, kind: str, field: str) -> list[str]:
    """A text field of every record of the real or sample dumps of one kind (RS or RC)."""
    decode = msgspec.json.Decoder(dict[str, object]).decode
    found = []
    for path in sorted(folder.glob(f"{kind}_*.zst")):
        for line in InputFile(str(path), "").lines():
            try:
                found.append(str(decode(line)[field]))
            except (msgspec.DecodeError, KeyError):
                continue
    return found


def escaped(strings: list[str]) -> list[bytes]:
    """Texts as they stand between the quotes of JSON."""
    return [msgspec.json.encode(text)[1:-1] for text in strings]


def pool() -> tuple[list[bytes], list[bytes]]:
    """(sentences, titles) to make records of."""
    real = real_folder("reddit")
    with tempfile.TemporaryDirectory() as scratch:
        if real is None:
            from pipelines.samples import write_samples

            write_samples(scratch, sources=["reddit"])
            real = Path(scratch, "reddit")
        bodies, titles = texts(real, "RC", "body"), texts(real, "RS", "title")
    sentences = [piece for body in bodies for piece in cut_at_sentences(body, 160) if len(piece) > 20]
    return escaped(sentences), escaped(titles)


def ids(numbers: np.ndarray[Any, Any]) -> list[bytes]:
    return [base36(int(number)).encode() for number in numbers]


def comment_lines(sentences: list[bytes], count: int, posts: int, first: int = 0) -> Iterator[bytes]:
    """Blocks of lines, numbered from ``first``. Three in four comments are top-level."""
    random = np.random.default_rng(first)
    for start in range(0, count, LINES_AT_A_TIME):
        number = min(LINES_AT_A_TIME, count - start)
        lengths = random.geometric(0.25, number)
        chosen = iter(random.integers(0, len(sentences), int(lengths.sum())).tolist())
        links = ids(random.integers(0, posts, number) + 60_000_000)
        scores = (random.pareto(1.1, number) * 3 - 0.4).clip(-50, 5000).astype(int).tolist()
        nested = (random.random(number) < 0.25).tolist()
        lines = []
        for index in range(number):
            body = b" ".join([sentences[next(chosen)] for _ in range(int(lengths[index]))])
            comment, link, score = base36(first + start + index + 900_000_000).encode(), links[index], scores[index]
            parent = b"t1_c00" + link if nested[index] else b"t3_" + link
            lines.append(COMMENT % (index, comment, parent, body, link, score, score, 1451606400 + start))
        yield b"".join(lines)


def post_lines(titles: list[bytes], count: int) -> Iterator[bytes]:
    """Blocks of lines."""
    random = np.random.default_rng(0)
    for start in range(0, count, LINES_AT_A_TIME):
        number = min(LINES_AT_A_TIME, count - start)
        pairs = random.integers(0, len(titles), (number, 2)).tolist()
        lines = []
        for index, (one, other) in enumerate(pairs):
            post = base36(start + index + 60_000_000).encode()
            title = titles[one] + b" " + titles[other]
            lines.append(POST % (index, post, post, title, index % 90, 1451606400 + start))
        yield b"".join(lines)


def write_zst(path: Path, blocks: Iterator[bytes], window_log: int = 31) -> Path:
    options = {
        int(zstd.CompressionParameter.compression_level): 3,
        int(zstd.CompressionParameter.window_log): window_log,
        int(zstd.CompressionParameter.nb_workers): 2,
    }
    with zstd.open(path, "wb", options=options) as out:
        for block in blocks:
            out.write(block)
    return path


def write_dumps(folder: Path, comments: int, posts: int, months: int = 1) -> list[Path]:
    """Write ``RS_2016-01.zst`` and ``RC_2016-01.zst`` to ``RC_2016-MONTHS.zst`` with so many records altogether."""
    sentences, titles = pool()
    folder.mkdir(parents=True, exist_ok=True)
    written = [write_zst(folder / "RS_2016-01.zst", post_lines(titles, posts))]
    for month in range(months):
        first, end = comments * month // months, comments * (month + 1) // months
        lines = comment_lines(sentences, end - first, posts, first)
        written.append(write_zst(folder / f"RC_2016-{month + 1:02}.zst", lines))
    return written


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--comments", type=int, default=1_000_000)
    parser.add_argument("--posts", type=int, default=400_000)
    parser.add_argument("--months", type=int, default=1, help="how many files the comments are spread over")
    options = parser.parse_args()
    for path in write_dumps(options.folder, options.comments, options.posts, options.months):
        print(f"{path}: {path.stat().st_size:,} bytes")
