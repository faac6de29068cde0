"""Prompts: what stands before a query and before a passage, and how users and folders name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ccpairs.errors import UserError
from models.encoders import Role

E5_PROMPTS: dict[Role, str] = {"query": "query: ", "passage": "passage: "}
NO_PROMPTS: dict[Role, str] = {"query": "", "passage": ""}
NAMES: Mapping[Role, Sequence[str]] = {"query": ("query",), "passage": ("document", "passage", "corpus")}
"""Names under which a folder keeps the prompt of a role; the first that it has counts, as in sentence-transformers."""


def parse_prompts(texts: Sequence[str]) -> dict[Role, str] | None:
    """The prompts that ``own``, ``e5``, ``none`` or ``NAME=TEXT …`` ask for; None for the model's own.

    Raises ``UserError`` where a text is none of these.
    """
    if not texts or list(texts) == ["own"]:
        return None
    if list(texts) == ["e5"]:
        return dict(E5_PROMPTS)
    found = dict(NO_PROMPTS)
    if list(texts) == ["none"]:
        return found
    named: set[Role] = set()
    for text in texts:
        name, equals, prompt = text.partition("=")
        role = next((role for role, names in NAMES.items() if name in names), None)
        if role is None or not equals:
            raise UserError(
                f"prompts {text!r}: say query=TEXT and passage=TEXT (quoted, with the space at the end that the model "
                "was trained with), or e5, none or own alone"
            )
        if role in named:
            raise UserError(f"prompts {text!r}: the prompt of a {role} is given twice")
        named.add(role)
        found[role] = prompt
    return found


def stated_prompts(config: Mapping[str, Any], where: str) -> dict[Role, str]:
    """The prompts in a ``config_sentence_transformers.json``: by role, else the default one, else none."""
    given = config.get("prompts") or {}
    default = config.get("default_prompt_name")
    if not isinstance(given, Mapping) or not all(isinstance(text, str | None) for text in given.values()):
        raise UserError(f"{where}: its prompts are not texts by name; copy the model again")
    if default is not None and default not in given:
        raise UserError(f"{where}: its default_prompt_name {default!r} is none of its prompts; correct it")
    return {
        role: given.get(next((name for name in names if name in given), default)) or "" for role, names in NAMES.items()
    }


def shown_prompts(prompts: Mapping[Role, str]) -> str:
    """A few words on the prompts, for a line of a log."""
    told = [f"{role} {prompts[role]!r}" for role in ("query", "passage") if prompts[role]]
    return f"prompts {', '.join(told)}" if told else "no prompts"
