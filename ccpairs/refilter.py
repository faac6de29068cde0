"""``python -m ccpairs.refilter``: other thresholds for the shards of a build, from the scores in the record.

Exit codes: 0 all is done; 2 the command line asks for something that cannot be done, and one line says how to mend it.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial

from ccpairs.command_line import Parser, exit_code, set_up_logging
from ccpairs.errors import EXIT_OK

EPILOG = """\
Flags that are left out keep what the shards were made with. Scores are not computed again: only the shards and their
rejects are read. After a build with --rejected all, thresholds can be made stricter or looser; after one that kept a
sample (the default), a looser one brings back no more than the sample, and the last lines say what is missing.
All other flags go to Apache Beam: see docs/engines.md.
"""


def make_parser() -> Parser:
    from pipelines.quality_flags import add_threshold_flags

    parser = Parser(
        prog="ccpairs refilter",
        description="Apply other thresholds to the shards and rejects of a build.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--input", required=True, metavar="URI", help="output folder of a build, or one of its source folders")
    add("--output", required=True, metavar="URI", help="folder for the new candidates/ and rejected/")
    add("--source", action="append", metavar="NAME", help="refilter only these sources; several by commas")
    add("--quiet", action="store_true", help="print only the table at the end, warnings and errors")
    add_threshold_flags(parser)
    return parser


def refilter(argv: Sequence[str]) -> int:
    """Parse the command line and do what it says; raises :class:`UserError`."""
    set_up_logging()
    from pipelines.build import prepare_output
    from pipelines.engine import Engine, check_flags
    from pipelines.quality_flags import for_refilter
    from pipelines.refilter import Refilter
    from pipelines.summary import before_and_after

    parser = make_parser()
    given, beam_flags = parser.parse_known_args(list(argv))
    check_flags(beam_flags, sorted(parser._option_string_actions))
    if given.quiet:
        logging.getLogger("ccpairs").setLevel(logging.WARNING)
    prepare_output(given.output)
    names = [name.strip() for value in given.source or () for name in value.split(",") if name.strip()]
    engine = Engine(tuple(beam_flags))
    done = Refilter(given.input, given.output, engine, partial(for_refilter, given), names, tuple(argv)).run()
    print(*before_and_after(done), sep="\n")
    return EXIT_OK


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return exit_code(refilter, argv, "the same command goes on where this one stopped")


if __name__ == "__main__":
    sys.exit(main())
