"""``python -m ccpairs.evaluate``: retrieval metrics of models on sets in BEIR's layout, BM25 beside them.

Exit codes: 0 done; 2 the command line asks for something that cannot be done, and one line says how to mend it.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccpairs.command_line import (
    ENCODERS,
    Parser,
    add_prompts_flag,
    add_trust_flag,
    exit_code,
    local_input,
    need,
    set_up_logging,
    up_to,
)
from ccpairs.errors import EXIT_OK, UserError
from ccpairs.storage import locate, write_bytes
from ccpairs.version import __version__

if TYPE_CHECKING:
    from models.evaluation.contenders import Contender
    from models.evaluation.report import Result
    from models.evaluation.task import Progress, Task

log = logging.getLogger("ccpairs")

SHAPING = (
    *("numpy", "torch", "transformers", "tokenizers", "sentence-transformers"),
    *("faiss-cpu", "faiss-gpu-cu12", "bm25s", "ir-measures", "mteb"),
)
"""Packages whose versions stand in the JSON, where they are installed."""

EPILOG = """\
A set is a folder of corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv. A model is 'bm25', a folder that training wrote,
one of sentence-transformers, model2vec or transformers, or a name of the Hugging Face hub. Its own prompts are used, or
those of --prompts, of all models alike. docs/encoders.md says which models are read. A document is its title, a space
and its text. Search is exact. Equal scores stand by document id.
"""

LESS_MEMORY = "lower --batch-tokens or --processes"
"""What the user can do where memory runs out."""


def make_parser() -> Parser:
    parser = Parser(
        prog="ccpairs evaluate",
        description="nDCG@10, recall@100 and MRR@10 of models on retrieval sets in BEIR's layout.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    several: Any = {"action": "extend", "nargs": "+", "type": local_input}
    add("--model", **several, required=True, metavar="M", help="folder or hub name of a model, or bm25; several")
    add("--data", **several, default=[], metavar="DIR", help="retrieval sets, one folder each")
    add("--split", default="test", metavar="NAME", help="judgements to use: qrels/NAME.tsv (default: test)")
    add_prompts_flag(parser)
    add_trust_flag(parser)
    add(
        "--max-length",
        type=up_to(1_000_000),
        metavar="N",
        help="cut texts to N tokens (default: the model's own limit)",
    )
    add("--batch-tokens", type=up_to(1_000_000_000), metavar="N", help="tokens that a transformer encodes at once")
    add(
        "--processes",
        type=up_to(1_024),
        metavar="N",
        help="encode in N processes on the CPU (default: threads, or GPUs)",
    )
    add(
        "--same-id",
        choices=("same-text", "always", "never"),
        default="same-text",
        help="leave out the document that has the query's id: where it is the same text (default); always, as BEIR's "
        "own code does; never",
    )
    add("--mteb", action="extend", nargs="+", default=[], metavar="TASK", help="tasks of the package mteb, by name")
    add("--json", metavar="URI", help="write the results as JSON, after each model and set")
    add("--runs", metavar="URI", help="folder for the 100 documents found for each query, in TREC's format")
    add("--quiet", action="store_true", help="print only the table, warnings and errors")
    return parser


def evaluate(argv: Sequence[str]) -> int:
    """Parse the command line and do what it says; raises :class:`UserError`."""
    set_up_logging()
    given = make_parser().parse_args(list(argv))
    if given.quiet:
        log.setLevel(logging.WARNING)
    if not given.data and not given.mteb:
        raise UserError("nothing to evaluate on; name sets by --data DIR or tasks by --mteb TASK")
    from models.evaluation.contenders import BM25, check_model, open_contender
    from models.evaluation.report import as_json, mteb_table, table
    from models.evaluation.task import open_task
    from models.prompts import parse_prompts, shown_prompts

    names = short_names(given.model)
    if given.mteb and BM25 in names:
        raise UserError("--mteb tells of encoders; leave out --model bm25, or run it with --data alone")
    # What can be wrong is found before hours of encoding.
    words = ("bm25s",) if BM25 in names else ()
    encoders = (*ENCODERS, "faiss") if set(names) - {BM25} else ()
    need("evaluation", "ir_measures", *words, *encoders)
    for place in filter(None, (given.json, given.runs)):
        locate(place)
    prompts = parse_prompts(given.prompts)
    for model in names:
        check_model(model, given.trust_remote_code, prompts)
    tasks = [open_task(folder, given.split, given.same_id) for folder in dict.fromkeys(given.data)]
    twice = [name for name, number in Counter(task.name for task in tasks).items() if number > 1]
    if twice:
        raise UserError(f"two sets have one folder name, {twice[0]}; rename a folder")
    for task in tasks:
        describe(task)
    benchmark = mteb_tasks(given.mteb)
    results: list[Result] = []
    scores: dict[str, dict[str, float]] = {}
    for model in names:
        contender = open_contender(
            model, names[model], given.max_length, given.batch_tokens, given.processes, given.trust_remote_code, prompts
        )
        if contender.encoder is not None:
            log.info("%s: %s", contender.name, shown_prompts(contender.settings["prompts"]))
        with contextlib.closing(contender):
            for task in tasks:
                results.append(run(contender, task, given))
                if given.json:
                    write_file(given.json, as_json(results, scores, versions()))
            for task in benchmark:
                scores.setdefault(contender.name, {}).update(run_mteb(contender, task))
                if given.json:
                    write_file(given.json, as_json(results, scores, versions()))
    print(*table(results), *mteb_table(scores), sep="\n")
    return EXIT_OK


def short_names(models: Sequence[str]) -> dict[str, str]:
    """Model as it was named -> its folder's name, or the whole path where two folders have one name."""
    short = {model: Path(model).expanduser().resolve().name for model in models}
    return {model: name if list(short.values()).count(name) == 1 else model for model, name in short.items()}


def mteb_tasks(names: Sequence[str]) -> list[Any]:
    if not names:
        return []
    from models.evaluation.mteb_tasks import find_tasks  # torch takes seconds

    return find_tasks(names)


def describe(task: Task) -> None:
    """What was read, and what is odd about it."""
    log.info("%s: %s documents, %s judged queries", task.name, f"{len(task.document_ids):,}", f"{len(task.queries):,}")
    for number, what in (
        (task.repeated, "lines of the corpus that repeat an id, of which the first counts"),
        (task.unknown, "judged documents that the corpus lacks, which count as never found"),
    ):
        if number:
            log.warning("%s: %s: %s", task.name, what, f"{number:,}")


def run(contender: Contender, task: Task, given: Any) -> Result:
    from models.evaluation.metrics import score
    from models.evaluation.report import Result, run_file

    with progress(f"{contender.name} on {task.name}", len(task.document_ids), given.quiet) as tell:
        found = contender.search(task, progress=tell)
    if given.runs:
        write_file(*run_file(given.runs, task, contender.name, found))
    return Result(contender.name, task, score(task.qrels, found), {**contender.settings, "same_id": given.same_id})


def run_mteb(contender: Contender, task: Any) -> dict[str, float]:
    """Task, or task and split where that is not ``test`` -> main score."""
    from models.evaluation.mteb_tasks import run_task

    assert contender.encoder is not None
    name = task.metadata.name
    log.info("%s on %s (mteb)", contender.name, name)
    found = run_task(contender.encoder, contender.name, task)
    return {name if split == "test" else f"{name} ({split})": value for split, value in found.items()}


@contextlib.contextmanager
def progress(label: str, total: int, quiet: bool) -> Iterator[Progress]:
    from pipelines.progress import Done, shown

    done = 0

    def tell(number: int) -> None:
        nonlocal done
        done += number

    with contextlib.nullcontext() if quiet else shown(label, total, lambda: Done(done), unit="documents"):
        yield tell


def write_file(path: str, data: bytes) -> None:
    try:
        write_bytes(path, data)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror or error}); name another place") from None


def versions() -> dict[str, str]:
    found = {"ccpairs": __version__}
    for package in SHAPING:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return exit_code(evaluate, argv, "--json holds what was done before", LESS_MEMORY)


if __name__ == "__main__":
    sys.exit(main())
