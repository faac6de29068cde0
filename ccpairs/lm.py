"""``python -m ccpairs.lm``: language models for perplexity: train, import, calibrate, score.

Exit codes: 0 done; 2 the command line asks for something that cannot be done, and one line says how to mend it; 3 an
input file is damaged, and nothing was made of the others.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccpairs.addresses import public_address
from ccpairs.command_line import Parser, exit_code, local_input, local_output, positive, set_up_logging, up_to
from ccpairs.errors import EXIT_OK, UserError

if TYPE_CHECKING:
    from models.lm.model import LanguageModel
    from models.lm.sidecar import Sidecar
    from pipelines.texts import Tally

SHOWN = (5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99)
FEWEST_TEXTS = 100
"""Fewer texts do not tell one percentile from the next."""

EPILOG = """\
Inputs are files, folders, globs, URLs, or @LIST: text (a line each), JSON lines, Parquet (shards of pairs), MediaWiki
exports; plain, .gz, .bz2, .xz or .zst. ccpairs lm COMMAND --help lists the flags of a command.
"""

LESS_MEMORY = "lower --sample or --memory of ccpairs lm train, or use a machine with more memory"
"""What the user can do where memory runs out."""


def counts(text: str) -> tuple[int, ...]:
    """``"0 0 1"`` or ``0,0,1`` as numbers."""
    try:
        return tuple(int(part) for part in text.replace(",", " ").split())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} given; expected whole numbers, such as '0 0 1'") from None


def code(text: str) -> str:
    """A language code; it becomes a part of file names."""
    if not re.fullmatch("[a-z]{2,3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} given; expected a code of ISO 639-1, such as en")
    return text


def local_file(text: str) -> Path:
    """A file or folder to read."""
    return Path(local_input(text))


def local_folder(text: str) -> Path:
    """A folder to make."""
    return Path(local_output(text))


def make_parser() -> Parser:
    parser = Parser(
        prog="ccpairs lm",
        description="Language models for perplexity: each a directory of a KenLM binary, SentencePiece and a sidecar.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, about: str) -> Any:
        made = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
        made.add_argument("--quiet", action="store_true", help="print no progress")
        return made.add_argument

    def add_inputs(add: Any, *, required: bool) -> None:
        add("--input", action="extend", nargs="+", metavar="URI", required=required, help="where the texts are")
        add(
            "--column",
            default="",
            metavar="NAME",
            help="field of the text; several by commas (default: passage,text,raw_content)",
        )
        add("--limit", type=positive, metavar="N", help="read no more than N texts")
        add("--sections", default="opening", choices=("opening", "all"), help="of articles (default: opening)")

    add = command("train", "train a model on Wikipedia dumps or any text, with CCNet's normaliser and settings")
    add_inputs(add, required=True)
    add("--output", type=local_folder, required=True, metavar="DIR", help="directory to make")
    add("--language", required=True, type=code, metavar="CODE", help="ISO 639-1 code of the language of the texts")
    add("--corpus", metavar="TEXT", help="what the texts are, for the sidecar (default: the names of the inputs)")
    add("--license", metavar="TEXT", help="licence of the texts, for the sidecar")
    add("--order", type=positive, default=5, metavar="N", help="longest n-gram, 2 to 6 (default: 5)")
    add(
        "--pieces",
        type=up_to(1_000_000),
        default=65_536,
        metavar="N",
        help="SentencePiece's vocabulary (default: 65536)",
    )
    add(
        "--sample",
        type=positive,
        default=1_000_000,
        metavar="N",
        help="learn them from N texts (default: 1000000)",
    )
    add(
        "--prune",
        type=counts,
        default=(),
        metavar="N",
        help="drop n-grams seen N times or less, by order: '0 0 1'",
    )
    add(
        "--quantise",
        type=positive,
        metavar="BITS",
        help="bits for a value of the trie, such as 8 (default: 32-bit floats)",
    )
    add("--probing", action="store_true", help="a hash table in place of a trie: faster and larger")
    add("--memory", metavar="SIZE", help="memory for sorting, such as 4G (default: by the size of the input)")
    add("--keep-repeated", action="store_true", help="count texts that occur again (default: each text once)")

    add = command("import", "take over a model of CCNet, with its normaliser, so that its published cut-offs hold")
    add("--kenlm", type=local_file, required=True, metavar="FILE", help="LANGUAGE.arpa.bin")
    add("--sentencepiece", type=local_file, required=True, metavar="FILE", help="LANGUAGE.sp.model")
    add("--output", type=local_folder, required=True, metavar="DIR", help="directory to make")
    add("--language", required=True, type=code, metavar="CODE", help="ISO 639-1 code of the model's language")
    add(
        "--cutoffs",
        type=local_file,
        metavar="FILE",
        help="CCNet's cutoff.csv (default: what is published for English)",
    )

    add = command("calibrate", "measure the percentiles of a model on real texts and write them to its sidecar")
    add("model", type=local_file, metavar="DIR", help="directory of the model")
    add_inputs(add, required=True)
    add("--measured-on", metavar="TEXT", help="what the texts are, for the sidecar (default: the names of the inputs)")

    add = command("score", "print perplexity, a tab and the text, for each text of the inputs or line of stdin")
    add(
        "model",
        type=local_file,
        nargs="?",
        metavar="DIR",
        help="directory of the model (default: the bundled English one)",
    )
    add_inputs(add, required=False)
    return parser


def texts_of(given: Any, language: str, tally: Tally, *, distinct: bool) -> Iterator[str]:
    """The texts of ``--input``, with progress while they are read."""
    from pipelines.discover import find_inputs
    from pipelines.progress import Done, shown
    from pipelines.texts import TextFiles, TextSettings, read_texts

    source = TextFiles(TextSettings(given.column, given.sections, language))
    files = find_inputs(source, given.input).files
    total = sum(file.size or 0 for file in files)

    def look() -> Done:
        return Done(sum(file.meter.raw_bytes for file in files), f"{tally.texts:,} texts")

    with contextlib.nullcontext() if given.quiet else shown("reading", total, look):
        yield from islice(read_texts(source, files, tally, distinct=distinct), given.limit)


def names_of(uris: Sequence[str]) -> str:
    return ", ".join(public_address(uri.removeprefix("@")).rstrip("/").rpartition("/")[2] for uri in uris)


def train(given: Any) -> int:
    from models.lm.train import TrainSettings
    from models.lm.train import train as train_model
    from pipelines.texts import Tally

    if not 2 <= given.order <= 6:
        raise UserError(f"--order {given.order}: KenLM makes models of order 2 to 6; the usual one is 5")
    if given.probing and given.quantise:
        raise UserError("--quantise is for tries; leave it or --probing out")
    if given.quantise and not 2 <= given.quantise <= 16:
        raise UserError(f"--quantise {given.quantise}: give 2 to 16 bits; the usual number is 8")
    settings = TrainSettings(
        order=given.order,
        pieces=given.pieces,
        sample=given.sample,
        prune=given.prune,
        structure="probing" if given.probing else "trie",
        bits=given.quantise,
        memory=given.memory,
    )
    corpus = given.corpus or names_of(given.input)
    tally = Tally()
    texts = texts_of(given, given.language, tally, distinct=not given.keep_repeated)
    trained = train_model(texts, given.output, given.language, corpus, settings, license=given.license)
    print(f"{given.output}: {trained.texts:,} texts, {trained.words:,} words", end="")
    print(f"; {tally.repeated:,} repeated and {tally.malformed:,} malformed left out")
    print(*about(trained.sidecar), sep="\n")
    print(f"percentiles: none yet; ccpairs lm calibrate {given.output} --input REAL-PAGES measures them")
    return EXIT_OK


def import_model(given: Any) -> int:
    from models.lm.ccnet_models import import_ccnet

    sidecar = import_ccnet(given.kenlm, given.sentencepiece, given.output, given.language, given.cutoffs)
    print(f"{given.output}: imported")
    print(*about(sidecar), sep="\n")
    return EXIT_OK


def calibrate(given: Any) -> int:
    import numpy as np

    from models.lm.model import LanguageModel
    from models.lm.sidecar import Percentiles, write_sidecar
    from pipelines.texts import Tally

    model = LanguageModel.load(given.model)
    texts = texts_of(given, model.language, Tally(), distinct=True)
    found = np.array([value for value in model.perplexity(texts) if value is not None])
    if len(found) < FEWEST_TEXTS:
        raise UserError(f"{len(found):,} texts are too few for percentiles; give {FEWEST_TEXTS} or more")
    values = {percent: round(float(np.percentile(found, percent)), 1) for percent in range(1, 100)}
    percentiles = Percentiles(given.measured_on or names_of(given.input), len(found), values)
    sidecar = replace_percentiles(model, percentiles)
    try:
        write_sidecar(given.model, sidecar)
    except OSError as error:
        raise UserError(f"{given.model}: cannot be written ({error.strerror}); calibrate a copy") from None
    print(f"{given.model}: calibrated on {len(found):,} texts")
    print(*about(sidecar), sep="\n")
    return EXIT_OK


def replace_percentiles(model: LanguageModel, percentiles: Any) -> Sidecar:
    import msgspec

    return msgspec.structs.replace(model.sidecar, percentiles=percentiles)


def score(given: Any) -> int:
    import numpy as np

    from models.lm.model import LanguageModel, bundled_model
    from pipelines.texts import Tally

    directory = given.model or bundled_model()
    if directory is None:
        raise UserError("no model given, and this installation has no bundled one; name a model's directory")
    model = LanguageModel.load(directory)
    if given.model is None and not given.quiet:
        print("no model given: using the small English one that comes with ccpairs", file=sys.stderr)
    if given.input:
        texts = texts_of(given, "", Tally(), distinct=False)
    else:
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
        texts = islice((line.rstrip("\n") for line in sys.stdin), given.limit)
    found = []
    for text in texts:
        [value] = model.perplexity([text])
        if value is not None:
            found.append(value)
        shown = "" if value is None else f"{value:.1f}"
        print(shown, " ".join(text.encode("utf-8", "replace").decode().split()), sep="\t")
    if found and not given.quiet:
        sys.stdout.flush()
        print(f"{len(found):,} texts; median {np.median(found):,.1f}", file=sys.stderr)
    return EXIT_OK


def about(sidecar: Sidecar) -> Iterator[str]:
    """What is known of a model, in lines."""
    size = (sidecar.kenlm.bytes + sidecar.sentencepiece.bytes) / 1e6
    yield f"model: {sidecar.language}, order {sidecar.order}, {size:,.1f} MB, fingerprint {sidecar.fingerprint}"
    yield f"normaliser: {sidecar.normaliser.name} {sidecar.normaliser.version}"
    yield f"corpus: {sidecar.corpus}"
    if sidecar.percentiles is not None:
        known = sidecar.percentiles
        values = ", ".join(f"p{percent} {known.values[percent]:,.1f}" for percent in SHOWN if percent in known.values)
        yield f"percentiles ({known.measured_on}): {values}"


COMMANDS = {"train": train, "import": import_model, "calibrate": calibrate, "score": score}


def run(argv: Sequence[str]) -> int:
    """Parse the command line and do what it says; raises :class:`UserError`."""
    set_up_logging()
    given = make_parser().parse_args(list(argv))
    if given.quiet:
        logging.getLogger("ccpairs").setLevel(logging.WARNING)
    return COMMANDS[given.command](given)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    try:
        return exit_code(run, argv, less_memory=LESS_MEMORY)
    except BrokenPipeError:  # the reader of the scores has gone, as `head` does
        sys.stderr.close()
        return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
