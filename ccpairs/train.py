"""``python -m ccpairs.train``: trains an encoder on pairs, from any checkpoint on, and writes it for everyone's tools.

Exit codes: 0 done; 2 the command line asks for something that cannot be done, or the loss went wrong, and one line says
how to mend it.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccpairs.command_line import (
    ENCODERS,
    Parser,
    add_prompts_flag,
    add_trust_flag,
    count,
    exit_code,
    local_input,
    local_output,
    need,
    positive,
    set_up_logging,
    table,
)
from ccpairs.errors import EXIT_OK, UserError
from ccpairs.output_folder import hold_output

if TYPE_CHECKING:
    from models.encoders import Encoder
    from models.evaluation.task import Task
    from models.trainer.corpus import Corpus
    from models.trainer.job import Prepared
    from models.trainer.loop import Status
    from models.trainer.settings import Settings
    from models.trainer.tokens import Told

log = logging.getLogger("ccpairs")

EPILOG = """\
Data are outputs of build or judge, or files with columns of queries, of passages and, where there are any, of hard
negatives. A preset is a TOML file: copy one from the folder that --list-presets names, and give its path. Flags stand
above the preset.
Killed? Type the same command again: it goes on from the last checkpoint, and ends with the same bytes.
Several processes: torchrun --nproc-per-node N -m ccpairs.train ... with the same flags; batches stay the same.
"""
FLAGS = {
    "kind": "model.kind", "init": "model.init", "tokenizer": "model.tokenizer", "dimension": "model.dimension",
    "max_tokens": "model.max_tokens", "temperature": "loss.temperature", "lr": "optimizer.lr",
    "warmup_steps": "optimizer.warmup_steps", "batch_size": "data.batch_size", "steps": "data.steps",
    "epochs": "data.epochs", "mix": "data.mix", "negatives": "data.negatives",
    "one_source_batches": "data.one_source_batches", "seed": "data.seed",
}  # fmt: skip
"""Flag -> setting."""

DATA_HELP = "finished shards, or Parquet, JSON lines, CSV or TSV: files, folders, patterns, http(s) and hf addresses"
LESS_MEMORY = "lower data.batch_size, model.max_tokens or optimizer.chunk_tokens (--set KEY=VALUE)"
"""What the user can do where memory runs out."""


def make_parser() -> Parser:
    parser = Parser(
        prog="ccpairs train",
        description="Train an encoder on pairs with InfoNCE over batches of any size.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--data", action="extend", nargs="+", default=[], metavar="[NAME=]URI", help=DATA_HELP)
    add(
        "--columns",
        action="append",
        default=[],
        metavar="query=A,passage=B[,negative=C…]",
        help="what files of other people call them (default: found by name); several for several files",
    )
    add("--output", type=local_output, metavar="DIR", help="folder for tokens, checkpoints, metrics and the model")
    add(
        "--preset",
        type=local_input,
        metavar="NAME|FILE",
        help="settings (default: preliminary, or transformer with --kind transformer)",
    )
    add("--list-presets", action="store_true", help="print the presets and where they are, and stop")
    add(
        "--init",
        type=local_input,
        metavar="MODEL",
        help="folder or hub name of a model to begin from",
    )
    add_prompts_flag(parser)
    add_trust_flag(parser)
    add("--kind", choices=("static", "transformer"), help="kind of encoder (default: the preset's)")
    add("--tokenizer", type=local_input, metavar="FILE", help="tokenizer.json of a static encoder (default: learned)")
    add("--dimension", type=positive, metavar="D", help="of a static encoder")
    add("--max-tokens", type=positive, metavar="N", help="tokens of a text that are trained on")
    add("--temperature", type=float, metavar="T", help="of the loss")
    add("--lr", type=float, metavar="RATE", help="learning rate at its highest")
    add("--warmup-steps", type=count, metavar="N", help="steps up to there; then linear decay")
    add("--batch-size", type=positive, metavar="N", help="pairs a step, of all processes together")
    add("--steps", type=positive, metavar="N", help="steps in all (default: as many as the epochs need)")
    add("--epochs", type=float, metavar="N", help="times that the pairs are seen; sets --steps aside")
    add("--mix", metavar="HOW", help="sources by proportional or sqrt size, with factors, as in sqrt,s2orc=0.3")
    add("--negatives", type=count, metavar="N", help="hard negatives that a row of the data gives (default: all)")
    add("--one-source-batches", action="store_true", default=None, help="all pairs of a batch are of one source")
    add("--seed", type=count, metavar="N", help="of the order of the data, of dropout, of first vectors")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="any other setting, as loss.margin=0.1")
    add("--dev", type=local_input, action="extend", nargs="+", default=[], metavar="DIR", help="retrieval sets of BEIR")
    add("--evaluate-every", type=count, default=0, metavar="N", help="steps between looks at --dev (default: the end)")
    add("--checkpoint-every", type=positive, default=1_000, metavar="N", help="steps (default: 1,000)")
    add("--log-every", type=positive, default=10, metavar="N", help="steps between lines of metrics (default: 10)")
    add("--onnx", action="store_true", help="write the model as ONNX too")
    add("--quiet", action="store_true", help="print only the table at the end, warnings and errors")
    return parser


def settings_of(given: Any) -> Settings:
    """The preset with what the flags say instead."""
    from models.trainer.settings import parse_value, preset_of

    settings = preset_of(given.preset, given.kind)
    values: dict[str, Any] = {}
    for text in given.set:
        key, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--set {text}: say KEY=VALUE, as in loss.margin=0.1")
        values[key] = parse_value(value)
    if given.epochs is not None:
        values["data.steps"] = 0
    if given.prompts:
        values["model.prompts"] = "\n".join(given.prompts)
    values.update({key: getattr(given, flag) for flag, key in FLAGS.items() if getattr(given, flag) is not None})
    settings = settings.with_values(values, "settings") if values else settings
    asked = values.get("model.dimension") if settings.model.init else None
    return dataclasses.replace(settings, trust_remote_code=given.trust_remote_code, asked_dimension=asked)


def train(argv: Sequence[str]) -> int:
    """Parse the command line and do what it says; raises :class:`UserError`."""
    set_up_logging()
    given = make_parser().parse_args(list(argv))
    if given.quiet:
        log.setLevel(logging.WARNING)
    if given.list_presets:
        return list_presets()
    if not given.data or not given.output:
        raise UserError("say what to train on by --data and where to write by --output; --help shows the rest")
    need("training", *ENCODERS, "tensorboard", *(("faiss", "ir_measures") if given.dev else ()))
    settings = settings_of(given)
    from models.evaluation.task import open_task
    from models.trainer import job, processes
    from models.trainer.columns import parse_columns
    from models.trainer.corpus import open_corpus
    from pipelines.http_files import HttpFile

    if given.onnx:
        from models.onnx_export import check_onnx

        check_onnx()  # not after days of training
    if os.environ.get("RANK", "0") != "0":
        log.setLevel(logging.ERROR)
    corpus = open_corpus(given.data, [parse_columns(text) for text in given.columns], HttpFile)
    tasks = [open_task(folder) for folder in dict.fromkeys(given.dev)]
    with processes.together():
        if not processes.is_first():
            log.setLevel(logging.ERROR)
        with contextlib.ExitStack() as stack:
            if processes.is_first():
                job.refuse_foreign(Path(given.output).expanduser())
                stack.enter_context(hold_output(given.output, "train"))
            facts = run(settings, corpus, tasks, given)
        if processes.is_first():
            print(*summary(facts, Path(given.output)), sep="\n")
    return EXIT_OK


def run(settings: Settings, corpus: Corpus, tasks: Sequence[Task], given: Any) -> dict[str, Any]:
    """Train, or find it done; the facts of ``training.json``."""
    from models.prompts import shown_prompts
    from models.trainer import job, processes
    from models.trainer.loop import Batches, Pace, Status

    output = Path(given.output).expanduser()
    if (facts := job.found_done(output, settings, corpus)) is not None:
        log.info("found done: %s", output / job.MODEL)
        return facts
    log.info("%s: %s pairs of %s", settings.name, f"{corpus.rows:,}", ", ".join(s.name for s in corpus.sources))
    quiet = given.quiet or not processes.is_first()
    with reading(corpus.rows, quiet) as told:
        prepared = job.prepare(settings, corpus, output, job.Watch(log.info, told))
    learner = prepared.learner
    log.info("texts: %s, up to %s tokens", shown_prompts(learner.prompts), f"{learner.max_tokens:,}")
    status = Status()
    steps = Batches(prepared.sources, settings).steps
    with watched(status, steps, quiet):
        job.run(
            settings, corpus, output, prepared, job.Watch(log.info, status=status),
            pace=Pace(given.log_every, given.evaluate_every, given.checkpoint_every),
            evaluate=partial(scores, tasks) if tasks else None,
            finish=partial(finish, prepared, given.onnx),
        )  # fmt: skip
    found = job.found_done(output, settings, corpus) if processes.is_first() else {}
    assert found is not None
    return found


@contextlib.contextmanager
def reading(pairs: int, quiet: bool) -> Iterator[Told]:
    """Show how many pairs were made tokens."""
    from pipelines.progress import Done, shown

    done = 0

    def told(number: int) -> None:
        nonlocal done
        done += number

    with contextlib.nullcontext() if quiet else shown("tokens", pairs, lambda: Done(done), unit="pairs"):
        yield told


@contextlib.contextmanager
def watched(status: Status, steps: int, quiet: bool) -> Iterator[None]:
    """Show the steps, with the loss, pairs a second and the time left."""
    from pipelines.progress import Done, shown

    def look() -> Done:
        return Done(status.step, status.note)

    with contextlib.nullcontext() if quiet else shown("train", steps, look, unit="steps"):
        yield


def finish(prepared: Prepared, onnx: bool, encoder: Encoder, folder: Path, facts: dict[str, Any]) -> None:
    """Write the model with what is known of it."""
    from models.trainer.card import append_facts

    prepared.learner.trainable.save(folder)
    append_facts(folder, facts)
    if onnx:
        from models.onnx_export import export_onnx

        export_onnx(encoder, folder)


def scores(tasks: Sequence[Task], encoder: Encoder) -> Mapping[str, float]:
    """nDCG@10 of each set, by a name that TensorBoard groups."""
    from models.evaluation.metrics import score
    from models.evaluation.search import search

    return {f"nDCG@10/{task.name}": score(task.qrels, search(encoder, task)).mean["nDCG@10"] for task in tasks}


def summary(facts: Mapping[str, Any], output: Path) -> Iterator[str]:
    """What was trained, a line at a time."""
    from models.trainer.loop import duration

    result = facts["result"]
    rows: list[tuple[str, ...]] = [("source", "pairs", "used", "weight")]
    for name, told in facts["data"].items():
        rows.append((name, f"{told['rows']:,}", f"{told['used']:,}", f"{told['weight']:.3f}"))
    yield from table(rows)
    yield ""
    steps = result["steps"] - result["resumed_at"]
    speed = steps * result["batch_size"] / max(result["seconds"], 1e-9)
    yield (
        f"{result['steps']:,} steps of {result['batch_size']:,} pairs, loss {result['last_loss']:.4f}; "
        f"{steps:,} of them now, in {duration(result['seconds'])} ({speed:,.0f} pairs/s)"
    )
    for name, value in result["scores"].items():
        yield f"{name} {value:.4f}"
    yield f"model: {output / 'model'}"


def list_presets() -> int:
    from models.trainer.settings import PRESETS, preset_names

    print(*preset_names(), f"in {PRESETS}", sep="\n")
    return EXIT_OK


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return exit_code(train, argv, "the same command goes on from the last checkpoint", LESS_MEMORY)


if __name__ == "__main__":
    ended = main()
    if "WORLD_SIZE" in os.environ:
        from models.trainer.processes import leave

        leave(ended)
    sys.exit(ended)
