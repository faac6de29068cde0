"""``python -m ccpairs.build``: dumps in, candidate pairs out.

Exit codes: 0 all is done; 2 the command line asks for something that cannot be done, and one line says how to mend it;
3 some input files failed (they are named at the end), all others are done, and a rerun tries only those again.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ccpairs.command_line import Parser, count, exit_code, positive, set_up_logging, up_to
from ccpairs.errors import EXIT_INPUTS_FAILED, EXIT_OK, UserError
from ccpairs.interruption import temporary
from ccpairs.local_files import is_address
from ccpairs.output_folder import SAMPLE_DUMPS, hold_output, output_uri

if TYPE_CHECKING:
    from pipelines.discover import Found
    from pipelines.source import Source

DEFAULT_OUTPUT = "ccpairs-output"

EPILOG = """\
Without --input, a source is built from sample dumps, which are made first (in OUTPUT/sample-dumps).
All other flags go to Apache Beam (--runner FlinkRunner, --direct_num_workers 4, ...): see docs/engines.md.
Killed or failed? Type the same command again: what is done is found, and the bytes are the same.
"""

LESS_MEMORY = "use fewer processes (--direct_num_workers=1), or Flink (docs/engines.md)"
"""What the user can do where memory runs out."""


def make_parser(every: Sequence[type[Source]]) -> Parser:
    from pipelines.flags import add_flags
    from pipelines.quality_flags import add_model_flags, add_threshold_flags
    from pipelines.rejects import MODES
    from pipelines.shard_run import MOST_SHARDS

    parser = Parser(
        prog="ccpairs build",
        description="Turn public text dumps into shards of candidate (query, passage) pairs.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    names = ", ".join(source.name for source in every)
    add = parser.add_argument
    add(
        "--source", action="append", metavar="NAME", help=f"{names}, or all; several by commas or by repeating the flag"
    )
    add(
        "--input",
        action="extend",
        nargs="+",
        metavar="URI",
        help="files, folders, globs, URLs (http, s3, gs), or @LIST with one of them a line; "
        "SOURCE=URI where there are several sources",
    )
    add(
        "--input-prefix",
        default="",
        metavar="URI",
        help="goes before the relative names in @LIST, e.g. https://data.commoncrawl.org/",
    )
    add(
        "--output",
        default=DEFAULT_OUTPUT,
        metavar="URI",
        help=f"folder for everything made (default: {DEFAULT_OUTPUT})",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--num-shards", type=up_to(MOST_SHARDS), metavar="N", help="shards of each source (default: by size)"
    )
    size.add_argument("--rows-per-shard", type=positive, metavar="N", help="shards of about N pairs or fewer")
    add("--limit", type=positive, metavar="N", help="read no more than so many records of each input file")
    add(
        "--rejected",
        default="sample",
        choices=MODES,
        help="keep what was rejected, with its reason: a few hundred per reason, all, or none (default: sample)",
    )
    add("--opt-out", metavar="FILE", help="leave out the ids, domains, subreddits and authors listed in this file")
    add("--show-pairs", type=count, default=0, metavar="N", help="print so many pairs of each source at the end")
    add("--dry-run", action="store_true", help="say what would be read, by which reader, and stop")
    add("--quiet", action="store_true", help="print only the table at the end, warnings and errors")
    add_threshold_flags(parser)
    add_model_flags(parser)
    add_flags(parser, every)
    return parser


def chosen_sources(given: Sequence[str] | None, every: Sequence[type[Source]]) -> list[type[Source]]:
    """The sources that ``--source`` names, in the order of the registry."""
    from pipelines.sources import source_class

    if not given:
        raise UserError(f"--source is missing; choose from {', '.join(each.name for each in every)}, or all")
    names = [name.strip() for value in given for name in value.split(",") if name.strip()]
    if "all" in names:
        return list(every)
    wanted = {source_class(name).name for name in names}
    return [source for source in every if source.name in wanted]


def inputs_by_source(given: Sequence[str], names: Sequence[str]) -> dict[str, list[str]]:
    """The URIs of each source: plain where there is one source, ``SOURCE=URI`` where there are several."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for value in given:
        name, equals, uri = value.partition("=")
        if equals and name in found:
            found[name].append(uri)
        elif len(names) == 1:
            found[names[0]].append(value)
        else:
            raise UserError(f"--input {value}: say for which source it is, as in {names[0]}={value}")
    missing = [name for name, uris in found.items() if not uris]
    if missing:
        raise UserError(f"no --input for {', '.join(missing)}; add {missing[0]}=URI, or leave the source out")
    return found


@contextlib.contextmanager
def find_all(sources: Mapping[str, Source], given: Any) -> Iterator[dict[str, Found]]:
    """The input files of every source; sample dumps where none are named (for a dry run in a passing folder)."""
    from pipelines.discover import find_inputs

    with contextlib.ExitStack() as stack:
        if given.input:
            uris = inputs_by_source(given.input, list(sources))
        else:
            folder = os.path.join(given.output, SAMPLE_DUMPS)
            if given.dry_run:
                passing = stack.enter_context(tempfile.TemporaryDirectory())
                stack.enter_context(temporary(passing))
                folder = os.path.join(passing, SAMPLE_DUMPS)
            make_samples(folder)
            uris = {name: [os.path.join(folder, name)] for name in sources}
        yield {
            name: find_inputs(source, uris[name], prefix=given.input_prefix, limit=given.limit, output=given.output)
            for name, source in sources.items()
        }


def make_samples(folder: str) -> None:
    """Write the sample dumps of all sources, unless they are there; raises ``UserError`` where that cannot be."""
    from pipelines.samples import write_samples

    if is_address(folder):
        raise UserError("--input is missing; the sample dumps need a local --output")
    if os.path.isdir(folder):
        return
    half = os.path.join(os.path.dirname(folder), f".tmp-{SAMPLE_DUMPS}")
    shutil.rmtree(half, ignore_errors=True)  # of a command that was killed
    try:
        with temporary(half):
            write_samples(half)
            os.rename(half, folder)
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror or error}; choose another --output") from None
    finally:
        shutil.rmtree(half, ignore_errors=True)


def build(argv: Sequence[str]) -> int:
    """Parse the command line and do what it says; raises :class:`UserError`."""
    set_up_logging()  # before Beam is imported, for it logs as it is imported
    from pipelines.engine import Engine, check_flags
    from pipelines.flags import make_sources
    from pipelines.opt_out import OptOut, load_opt_out
    from pipelines.s3_flags import use_s3_flags
    from pipelines.sources import MODULES, source_class

    every = [source_class(name) for name in MODULES]
    parser = make_parser(every)
    given, beam_flags = parser.parse_known_args(list(argv))
    check_flags(beam_flags, sorted(parser._option_string_actions))
    beam_flags = use_s3_flags(beam_flags)
    if given.quiet:
        logging.getLogger("ccpairs").setLevel(logging.WARNING)
    given.output = output_uri(given.output)
    opt_out = load_opt_out(given.opt_out) if given.opt_out else OptOut()
    sources = make_sources(chosen_sources(given.source, every), every, given, opt_out)
    with contextlib.ExitStack() as stack:
        if not given.input and not given.dry_run:  # sample dumps are made in the output
            stack.enter_context(hold_output(given.output, "build"))
        inputs = stack.enter_context(find_all(sources, given))
        if given.dry_run:
            from pipelines.summary import dry_run

            print(*dry_run(sources.values(), inputs), sep="\n")
            return EXIT_OK
        stack.enter_context(hold_output(given.output, "build"))
        engine = stack.enter_context(Engine(tuple(beam_flags), ("build", *argv)))
        return run(sources, inputs, given, engine, argv)


def run(
    sources: Mapping[str, Source], inputs: Mapping[str, Found], given: Any, engine: Any, argv: Sequence[str]
) -> int:
    """Run the build and say what came of it."""
    from pipelines.build import Build, BuildRequest
    from pipelines.quality_flags import for_build
    from pipelines.sources import MODULES
    from pipelines.summary import failures, some_pairs, summary

    request = BuildRequest(
        sources=sources,
        inputs=inputs,
        output=given.output,
        rejected=given.rejected,
        num_shards=given.num_shards,
        rows_per_shard=given.rows_per_shard,
        quality=for_build(given, list(sources), list(MODULES)),
        argv=tuple(argv),
    )
    reports = Build(request, engine).run()
    print(*summary(reports), sep="\n")
    if given.show_pairs:
        for report in reports:
            print(f"\n{report.manifest.source}")
            print(*some_pairs(report.folder, given.show_pairs), sep="\n")
    failed = list(failures(reports))
    if failed:
        sys.stdout.flush()
        print(f"\n{len(failed)} input(s) failed; the same command tries only these again:", file=sys.stderr)
        print(*(f"  {line}" for line in failed), sep="\n", file=sys.stderr)
        return EXIT_INPUTS_FAILED
    return EXIT_OK


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return exit_code(build, argv, "the same command goes on where this one stopped", LESS_MEMORY)


if __name__ == "__main__":
    sys.exit(main())
