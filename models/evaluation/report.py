"""Results of models on tasks: the table for people, JSON for programs, runs for the tools of the field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ccpairs.storage import join
from models.evaluation.metrics import METRICS, Scores
from models.evaluation.task import Run, Task


@dataclass(frozen=True)
class Result:
    """One model on one task. ``settings``: what shaped it, for the JSON."""

    model: str
    task: Task
    scores: Scores
    settings: Mapping[str, Any]


def table(results: Sequence[Result]) -> Iterator[str]:
    """Aligned lines: a row for each model, a column for each metric of each set, and nDCG@10's mean of several sets."""
    if not results:
        return
    sets = list(dict.fromkeys((result.task.name, result.task.split) for result in results))
    models = list(dict.fromkeys(result.model for result in results))
    found = {(result.model, result.task.name, result.task.split): result.scores.mean for result in results}
    columns = [["", "model", *models]]
    for name, split in sets:
        head = name if split == "test" else f"{name} ({split})"
        for metric in METRICS:
            columns.append([head, metric, *(f"{found[model, name, split][metric]:.4f}" for model in models)])
            head = ""
    if len(sets) > 1:
        sums = [sum(found[model, *each]["nDCG@10"] for each in sets) for model in models]
        columns.append(["mean", "nDCG@10", *(f"{total / len(sets):.4f}" for total in sums)])
    yield from aligned(columns)


def aligned(columns: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as lines; the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in columns]
    for first, *rest in zip(*columns, strict=True):
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()


def mteb_table(scores: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """A row for each model, a column for each task of MTEB."""
    if scores:
        tasks = list(dict.fromkeys(task for of_model in scores.values() for task in of_model))
        columns = [[task, *(f"{of_model[task]:.4f}" for of_model in scores.values())] for task in tasks]
        yield from aligned([["main scores of mteb", *scores], *columns])


def as_json(results: Sequence[Result], mteb: Mapping[str, Mapping[str, float]], versions: Mapping[str, str]) -> bytes:
    """``{"versions": {}, "results": [{"model", "set", "split", "metrics": {}}], "mteb": {model: {task: score}}}``."""
    rows = [
        {
            "model": result.model,
            **result.settings,
            "set": result.task.name,
            "split": result.task.split,
            "queries": len(result.task.qrels),
            "documents": len(result.task.document_ids),
            "left_out_as_the_query_itself": len(result.task.itself),
            "metrics": result.scores.mean,
        }
        for result in results
    ]
    return (json.dumps({"versions": dict(versions), "results": rows, "mteb": mteb}, indent=2) + "\n").encode()


def run_file(folder: str, task: Task, model: str, run: Run) -> tuple[str, bytes]:
    """Path and content of a run in TREC's format, ``query Q0 document rank score model``."""
    tag = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in model).strip("._") or "model"
    lines = [
        f"{query} Q0 {document} {rank} {score:.9g} {tag}\n"
        for query, found in run.items()
        for rank, (document, score) in enumerate(found, 1)
    ]
    return join(folder, f"{tag}.{task.name}.{task.split}.trec"), "".join(lines).encode()
