"""``python -m ccpairs.refilter``: other thresholds for shards, from the scores and ranks in the record.

Shards of a build get other thresholds of language, perplexity and repeats, judged ones another rule of consistency.

Exit codes: 0 all is done; 2 the command line asks for something that cannot be done, and one line says how to mend it.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from ccpairs.command_line import Parser, exit_code, set_up_logging
from ccpairs.errors import EXIT_OK, UserError
from ccpairs.output_folder import hold_output, output_uri

EPILOG = """\
Flags that are left out keep what the shards were made with. Nothing is computed again: only the record is read.
Candidates: after a build with --rejected all, thresholds can be made stricter or looser; after one that kept a sample
(the default), a looser one brings back no more than the sample, and the last lines say what is missing.
Judged pairs: the rule can be any, up to --max-rank, for pairs that were dropped are all there.
All other flags go to Apache Beam: see docs/engines.md.
"""
THRESHOLDS = ("languages", "min_language_score", "max_perplexity", "near_duplicates", "max_repeats")
RULE = ("top_k", "direction", "judge", "min_similarity", "max_false_keep")

LESS_MEMORY = "use fewer processes (--direct_num_workers=1), or Flink (docs/engines.md)"
"""What the user can do where memory runs out."""


def make_parser() -> Parser:
    from pipelines.judge.rules import add_rule_flags
    from pipelines.quality_flags import add_threshold_flags

    parser = Parser(
        prog="ccpairs refilter",
        description="Apply other thresholds to the shards of a build, or another rule to judged ones.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--input", required=True, metavar="URI", help="output folder of build or judge, or a source folder in it")
    add("--output", required=True, metavar="URI", help="folder for the new shards and those beside them")
    add("--source", action="append", metavar="NAME", help="refilter only these sources; several by commas")
    add("--quiet", action="store_true", help="print only the table at the end, warnings and errors")
    add_threshold_flags(parser)
    add_rule_flags(parser)
    return parser


def refilter(argv: Sequence[str]) -> int:
    """Parse the command line and do what it says; raises :class:`UserError`."""
    set_up_logging()
    from pipelines.engine import Engine, check_flags
    from pipelines.judge.redecide import Redecision, find_judged, judged_place
    from pipelines.quality_flags import for_refilter
    from pipelines.refilter import Refilter
    from pipelines.s3_flags import use_s3_flags
    from pipelines.summary import before_and_after

    parser = make_parser()
    given, beam_flags = parser.parse_known_args(list(argv))
    check_flags(beam_flags, sorted(parser._option_string_actions))
    beam_flags = use_s3_flags(beam_flags)
    if given.quiet:
        logging.getLogger("ccpairs").setLevel(logging.WARNING)
    given.output = output_uri(given.output)
    names = [name.strip() for value in given.source or () for name in value.split(",") if name.strip()]
    place = judged_place(given.input)
    if of_judged(given, place is not None):
        if place is None:
            raise UserError(f"{given.input} holds no judged pairs, which {flag(given, RULE)} is for; judge it first")
        sources = find_judged(place, names)
        with hold_output(given.output, "refilter"), Engine(tuple(beam_flags), ("refilter", *argv)) as engine:
            done = Redecision(sources, given.output, given).run(engine)
    else:
        with hold_output(given.output, "refilter"), Engine(tuple(beam_flags), ("refilter", *argv)) as engine:
            quality = partial(for_refilter, given)
            done = Refilter(given.input, given.output, engine, quality, names, tuple(argv)).run()
    print(*before_and_after(done), sep="\n")
    return EXIT_OK


def of_judged(given: Any, there: bool) -> bool:
    """Whether it is about judged pairs: by the flags, and where they do not tell, by what is ``there``."""
    thresholds, rule = flag(given, THRESHOLDS), flag(given, RULE)
    if thresholds and rule:
        raise UserError(f"{thresholds} is for candidates and {rule} for judged pairs; refilter the one, then the other")
    return rule is not None or (there and thresholds is None)


def flag(given: Any, names: Sequence[str]) -> str | None:
    """The first flag of these that was given."""
    return next((f"--{name.replace('_', '-')}" for name in names if getattr(given, name) is not None), None)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return exit_code(refilter, argv, "the same command goes on where this one stopped", LESS_MEMORY)


if __name__ == "__main__":
    sys.exit(main())
