"""The console script: ``ccpairs build ...`` is ``python -m ccpairs.build ...``, from any folder."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from ccpairs.addresses import hide_secrets
from ccpairs.errors import EXIT_OK, EXIT_USER
from ccpairs.standard_streams import outlive_readers
from ccpairs.startup import keep_children_out_of_the_current_folder
from ccpairs.version import __version__

COMMANDS = {
    "build": "dumps in, candidate pairs out: extract each file, then join, filter, dedup and shuffle into shards",
    "judge": "the consistency filter: keep the pairs whose sides find each other among many others",
    "refilter": "other thresholds for shards and rejects that are there, by the scores in the record",
    "train": "an encoder from pairs: InfoNCE over batches of any size, checkpoints, export",
    "evaluate": "retrieval metrics of encoders on sets in BEIR's layout, BM25 beside them",
    "lm": "train, import, calibrate and try the language model that perplexity needs",
}
"""Name of a command, which is a module of this package with ``main(argv) -> exit code``, and one line about it."""


def usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {about}" for name, about in COMMANDS.items()]
    return "\n".join(["usage: ccpairs COMMAND ...   (ccpairs COMMAND --help says more)", "", *lines])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names and return its exit code."""
    if argv is None:
        outlive_readers()
    name, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in ("-h", "--help"):
        print(usage())
        return EXIT_OK
    if name == "--version":
        print(f"ccpairs {__version__}")
        return EXIT_OK
    if name not in COMMANDS:
        print(f"ccpairs: no command '{hide_secrets(name)}'; there is: {', '.join(COMMANDS)}", file=sys.stderr)
        return EXIT_USER
    keep_children_out_of_the_current_folder()
    if argv is None:
        sys.argv = [f"{sys.argv[0]} {name}", *rest]
    code: int = importlib.import_module(f"ccpairs.{name}").main(rest if argv is not None else None)
    return code


if __name__ == "__main__":
    sys.exit(main())
