"""The part of a model card that tells how the model came to be: data, settings, scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ccpairs.version import __version__

CARD = "README.md"
LICENCES = 8
"""Of a source that are named, those of the most pairs."""


def append_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Add to the card in a model's folder what ``training.json`` holds."""
    card = folder / CARD
    card.write_text("\n".join([card.read_text(encoding="utf-8").rstrip(), *sections(facts), ""]), encoding="utf-8")


def sections(facts: Mapping[str, Any]) -> Iterator[str]:
    """Lines of Markdown."""
    result, settings = facts["result"], facts["settings"]
    yield from ("", "## Data", "")
    yield "| source | pairs | trained on, repeats counted | weight | stage | settings of the shards |"
    yield "|---|--:|--:|--:|---|---|"
    for name, told in facts["data"].items():
        shards = f"{told.get('stage', '')} | {told.get('settings_hash', '')}"
        yield f"| {name} | {told['rows']:,} | {told['used']:,} | {told['weight']:.4f} | {shards} |"
    yield from ("", "Texts are under the licences of their sources:", "")
    for name, told in facts["data"].items():
        shares = [f"{licence} ({rows:,})" for licence, rows in list(told["licences"].items())[:LICENCES]]
        more = len(told["licences"]) - len(shares)
        yield f"- {name}: {', '.join(shares) or 'not stated in the data'}{f', and {more} more' if more > 0 else ''}"
    yield from ("", "## Training", "")
    yield (
        f"By ccpairs {__version__}, preset {settings['name']}: {result['steps']:,} steps of {result['batch_size']:,} "
        f"pairs, InfoNCE; the last loss was {result['last_loss']:.4f}."
    )
    yield from ("", "| setting | |", "|---|---|")
    for table in ("model", "loss", "optimizer", "data"):
        for key, value in settings[table].items():
            shown = Path(value).name if key in ("init", "tokenizer") else value  # not where it lay on this machine
            yield f"| {table}.{key} | {shown} |"
    if result["scores"]:
        yield from ("", "## Scores", "", "| | |", "|---|--:|")
        for name, value in result["scores"].items():
            metric, _, task = name.partition("/")
            yield f"| {metric} on {task} | {value:.4f} |"
