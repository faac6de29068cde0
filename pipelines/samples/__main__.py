"""``python -m pipelines.samples FOLDER``: write the sample dumps."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pipelines.samples import SOURCES, write_samples


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.samples", description="Write sample dumps for all sources into a folder."
    )
    parser.add_argument("folder", metavar="FOLDER", help="where the dumps go, a folder a source")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same bytes (default: 0)")
    parser.add_argument("--source", action="append", choices=SOURCES, help="only this source (may be given repeatedly)")
    given = parser.parse_args(arguments)
    for line in write_samples(given.folder, given.seed, given.source).lines():
        print(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
