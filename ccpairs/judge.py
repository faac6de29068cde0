"""``python -m ccpairs.judge``: candidate pairs in, those whose sides find each other among many others out.

Exit codes: 0 all is done; 2 the command line asks for something that cannot be done, and one line says how to mend it.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Sequence

from ccpairs.command_line import (
    ENCODERS,
    Parser,
    add_prompts_flag,
    add_trust_flag,
    exit_code,
    local_input,
    local_output,
    need,
    positive,
    set_up_logging,
    up_to,
)
from ccpairs.errors import EXIT_OK, UserError
from ccpairs.output_folder import JUDGED, hold_output, output_uri, refuse_inside

EPILOG = """\
Without --model, a model for each fold is trained on the candidates of the other folds first. Every pair is kept, in
pairs/ or in dropped/, with its ranks; ccpairs refilter decides again from them. docs/judging.md explains the tables.
All other flags go to Apache Beam (--runner FlinkRunner, --direct_num_workers 4, ...): see docs/engines.md.
Killed? Type the same command again: what is done is found, and the bytes are the same.
"""

LESS_MEMORY = "use fewer processes (--direct_num_workers=1) or a smaller --pool-size"
"""What the user can do where memory runs out."""


def make_parser() -> Parser:
    from pipelines.judge.request import BM25_POOL_SIZE
    from pipelines.judge.rules import add_rule_flags

    parser = Parser(
        prog="ccpairs judge",
        description="Keep the pairs whose query finds its passage, and whose passage its query, among many others.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--input", metavar="URI", help="output folder of a build, or one of its source folders")
    add(
        "--foreign",
        action="append",
        default=[],
        metavar="SOURCE=URI",
        help="files of other people that become candidates first, as ccpairs train reads them",
    )
    add("--columns", action="append", default=[], metavar="query=A,passage=B", help="what --foreign's files call them")
    add("--output", required=True, metavar="URI", help="folder for pairs/, dropped/ and decoys/")
    add("--source", action="append", metavar="NAME", help="judge only these sources; several by commas")
    add(
        "--folds",
        type=positive,
        metavar="N",
        help="parts of the pairs, each judged by a model of the others (default: 2, or one for each --model); 1 for "
        "the paper's way",
    )
    add(
        "--model",
        type=local_input,
        action="extend",
        nargs="+",
        metavar="DIR",
        help="trained models, one for each fold in order, folders or hub names; nothing is trained then",
    )
    add_prompts_flag(parser)
    add_trust_flag(parser)
    add(
        "--preset",
        type=local_input,
        default="preliminary",
        metavar="NAME|FILE",
        help="settings by which the models are trained, as of ccpairs train (default: preliminary)",
    )
    add(
        "--term-frequency",
        choices=("sublinear", "linear"),
        default="sublinear",
        help="how a static model counts a token that a text repeats: its occurrences 1, 2, 4, 8 and so on, or all "
        "(default: sublinear)",
    )
    add(
        "--pool-size",
        type=positive,
        default=1_000_000,
        metavar="N",
        help="pairs among which ranks are counted (default: 1,000,000)",
    )
    add(
        "--pool-scope",
        choices=("all", "source"),
        default="all",
        help="one pool drawn from all sources, or one for each source (default: all)",
    )
    add(
        "--max-rank",
        type=up_to(1_000),
        default=20,
        metavar="N",
        help="ranks are exact up to here, so k can be changed later (default: 20)",
    )
    add(
        "--bm25-pool-size",
        type=positive,
        metavar="N",
        help=f"pairs of the pool among which BM25 counts (default: {BM25_POOL_SIZE:,}); given, BM25's ranks are "
        "written for --judge model too",
    )
    add(
        "--decoys",
        type=up_to(1_000_000, least=0),
        default=2_000,
        metavar="N",
        help="known mismatches judged along, so many of each kind and source; 0 for none (default: 2,000)",
    )
    add(
        "--rounds",
        type=up_to(100),
        default=1,
        metavar="N",
        help="train again on what a round kept, and judge all pairs again (default: 1)",
    )
    add(
        "--rank-path",
        choices=("auto", "int8", "bf16", "faiss"),
        default="auto",
        help="how ranks are counted, which never changes one (default: what a probe finds fastest)",
    )
    add(
        "--work",
        type=local_output,
        metavar="DIR",
        help="local folder for models and pools (default: OUTPUT/_work); on a cluster, one that every worker sees",
    )
    add(
        "--accelerator",
        metavar="HINT",
        help="Beam's resource hint for workers that judge, as type:nvidia-l4;count:1;install-nvidia-driver",
    )
    add("--every-k", action="store_true", help="print what is kept at every k up to --max-rank, not at some")
    add("--quiet", action="store_true", help="print only the tables at the end, warnings and errors")
    add_rule_flags(parser)
    return parser


def judge(argv: Sequence[str]) -> int:
    """Parse the command line and do what it says; raises :class:`UserError`."""
    set_up_logging()  # before Beam is imported, for it logs as it is imported
    from pipelines.engine import Engine, check_flags
    from pipelines.s3_flags import use_s3_flags

    parser = make_parser()
    given, beam_flags = parser.parse_known_args(list(argv))
    check_flags(beam_flags, sorted(parser._option_string_actions))
    beam_flags = use_s3_flags(beam_flags)
    trains = () if given.model else ("tensorboard",)
    searches = ("faiss",) if given.rank_path == "faiss" else ()
    words = ("bm25s",) if given.judge == "bm25" else ()
    need("judging", *ENCODERS, *trains, *searches, *words)
    if not given.input and not given.foreign:
        raise UserError("say what to judge by --input, or by --foreign SOURCE=URI; --help shows the rest")
    from models.trainer.columns import parse_columns
    from pipelines.http_files import HttpFile
    from pipelines.judge.candidates import find_candidates
    from pipelines.judge.foreign import foreign_candidates
    from pipelines.judge.request import asked_for
    from pipelines.judge.rules import choice_of
    from pipelines.judge.run import judge as run
    from pipelines.judge.summary import summary

    if given.quiet:
        logging.getLogger("ccpairs").setLevel(logging.WARNING)
    given.output = output_uri(given.output)
    names = [name.strip() for value in given.source or () for name in value.split(",") if name.strip()]
    candidates = find_candidates(given.input, names) if given.input else []
    if twice := {each.source for each in candidates} & {text.partition("=")[0] for text in given.foreign}:
        raise UserError(f"--foreign {min(twice)}=…: --input has a source of this name; choose another one")
    with contextlib.ExitStack() as stack:
        if given.foreign:
            stack.enter_context(hold_output(given.output, "judge"))
            told = [parse_columns(text) for text in given.columns]
            candidates += foreign_candidates(given.foreign, told, given.output, HttpFile)
        request = asked_for(given, sorted(candidates, key=lambda each: each.source), choice_of(given))
        for each in request.candidates:
            refuse_inside(each.folder, "--input", given.output, JUDGED)
        stack.enter_context(hold_output(given.output, "judge"))
        if given.work is not None:
            stack.enter_context(hold_output(given.work, "judge", "--work"))
        engine = stack.enter_context(Engine(tuple(beam_flags), ("judge", *argv)))
        print(*summary(run(request, engine), given.every_k), sep="\n")
    return EXIT_OK


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return exit_code(judge, argv, "the same command goes on where this one stopped", LESS_MEMORY)


if __name__ == "__main__":
    sys.exit(main())
