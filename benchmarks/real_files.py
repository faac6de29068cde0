"""What comes out of real files: builds every source from the real sample files and writes ``docs/real-data.md``.

    python -m benchmarks.real_files [--pairs 20] [--to docs/real-data.md]

The page has a table of counts per file (read, kept, each reason) and pairs of each source. A pair is picked by the hash
that orders the shards, so the choice is random and always the same.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks.measuring import real_folder
from ccpairs import read_manifest, read_pairs
from ccpairs.manifest import InputInfo, Manifest
from pipelines.sources import MODULES

QUERY_CHARS = 160
PASSAGE_CHARS = 320

HEAD = """\
# What comes out of real files

Written by `python -m benchmarks.real_files` (do not edit). The files are small real samples of each kind of dump; the
settings are the defaults, so of the pairs only those in English stay. Counts are records of the file: lines, rows,
pages. What a reason means stands in [filters.md](filters.md). Texts are shortened here, not in the shards.
"""


def build(output: Path, sources: list[str], inputs: list[str], *flags: str) -> None:
    command = [sys.executable, "-m", "ccpairs.build", "--source", ",".join(sources), "--input", *inputs]
    done = subprocess.run([*command, "--output", str(output), "--quiet", *flags], check=False)
    if done.returncode:
        sys.exit(f"the build ended with exit code {done.returncode}")


def reasons(counts: dict[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {number:,}" for name, number in ranked) or "none"


def file_row(info: InputInfo) -> str:
    dropped = {**info.rejected, **info.failed}
    name = info.uri.rsplit("/", 1)[-1]
    return f"| {name} | {info.read:,} | {info.read - sum(dropped.values()):,} | {info.rows:,} | {reasons(dropped)} |"


def section(manifest: Manifest, folder: Path, number: int) -> Iterator[str]:
    yield f"\n## {manifest.source}\n"
    yield f"| file | {manifest.counts[0].unit}s read | kept | rows | rejected, by reason |"
    yield "|---|--:|--:|--:|---|"
    yield from map(file_row, manifest.inputs)
    yield "\n| stage | read | kept | rejected, by reason |"
    yield "|---|--:|--:|---|"
    for counts in manifest.counts:
        dropped = {**counts.rejected, **counts.failed}
        yield f"| {counts.stage} ({counts.unit}s) | {counts.read:,} | {counts.kept:,} | {reasons(dropped)} |"
    types = ", ".join(f"{number:,} {name}" for name, number in manifest.pair_types.items())
    yield f"\n{manifest.rows:,} pairs: {types}.\n"
    columns = ["query", "passage", "pair_type"]
    for pair in islice(read_pairs(str(folder), columns), number):
        query, passage = shown(pair["query"], QUERY_CHARS), shown(pair["passage"], PASSAGE_CHARS)
        yield f"- *{pair['pair_type']}* **{query}**<br>{passage}"


def shown(text: str, chars: int) -> str:
    """A text as one line of Markdown, shortened."""
    short = text if len(text) <= chars else text[: chars - 1].rstrip() + "…"
    for sign in "\\`*_[]<>#|~":
        short = short.replace(sign, "\\" + sign)
    return short


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("--pairs", type=int, default=20, help="pairs shown of each source (default: 20)")
    parser.add_argument("--to", type=Path, default=here / "docs" / "real-data.md")
    options = parser.parse_args()
    folders = {name: folder for name in MODULES if (folder := real_folder(name)) is not None}
    if not folders:
        print("skipped: no real sample files; name their folder in CCPAIRS_REAL_DATA")
        return
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch, "out")
        build(output, list(folders), [f"{name}={folder}" for name, folder in folders.items()])
        lines = [HEAD.rstrip()]
        for name in folders:
            folder = output / "candidates" / name
            lines += section(read_manifest(str(folder)), folder, options.pairs)
    options.to.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{options.to}: {len(lines)} lines")


if __name__ == "__main__":
    main()
