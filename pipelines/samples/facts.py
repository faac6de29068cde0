"""What the sample texts know: entities with facts about the world, each fact in several wordings.

The knowledge itself stands in the ``facts_*.py`` files, written by us in two compact layouts:

* a *table*: one row per entity (a country, an element, ...), one column per property, and for each relation the ways
  to ask for it and the ways to state it;
* *topics*: a question people ask (why dough is kneaded), the answer in at least two wordings, details, and for
  programs an example in code.

Statements keep slots for their subject: ``{N}`` and ``{n}`` are its name at the start and inside of a sentence,
``{Ns}`` and ``{ns}`` the possessive. :mod:`pipelines.samples.wording` fills them with the name or a pronoun.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple


class Fact(NamedTuple):
    """One thing to know: how it is asked for (may be empty) and how it is said."""

    aspect: str
    questions: tuple[str, ...]
    statements: tuple[str, ...]


@dataclass(frozen=True)
class Entity:
    """Something that facts are known about."""

    name: str
    """As a title: ``Netherlands``, ``Red fox``, ``Kneading bread dough``."""
    inside: str
    """As it stands inside a sentence: ``the Netherlands``, ``the red fox``, ``kneading bread dough``."""
    kind: str
    """What it is, as in "the country"."""
    field: str
    pronoun: str
    facts: tuple[Fact, ...]
    code: str = ""

    @property
    def asked(self) -> tuple[Fact, ...]:
        """The facts that there are questions for."""
        return tuple(fact for fact in self.facts if fact.questions)


class Relation(NamedTuple):
    """How one property of a table's entities is asked for and said; slots are column names."""

    aspect: str
    questions: tuple[str, ...]
    statements: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Entities of one kind. A row holds the columns between bars; the first column is the name.

    A name that begins with ``the `` keeps the article inside sentences. A column ``pronoun`` overrides the default.
    """

    field: str
    kind: str
    columns: str
    relations: tuple[Relation, ...]
    rows: str
    article: bool = False
    """Whether names take ``the`` inside sentences and are written small there (animals, instruments)."""
    small: bool = False
    """Whether names are written small inside sentences (elements, dishes)."""
    bare: frozenset[str] = frozenset()
    """Names without an article where the others have one (basil)."""

    def entities(self) -> list[Entity]:
        columns = self.columns.split()
        return [self._entity(dict(zip(columns, _cells(row), strict=True))) for row in _lines(self.rows)]

    def _entity(self, row: dict[str, str]) -> Entity:
        name, _, _ = row["name"].partition(" (")  # "Mercury (planet)" is plain Mercury inside a sentence
        inside = _small(name) if self.article or self.small else name
        if self.article and name not in self.bare:
            inside = f"the {inside}"
        title = row["name"].removeprefix("the ")
        slots = {**row, "N": "{N}", "n": "{n}", "Ns": "{Ns}", "ns": "{ns}"}
        # A cell may itself speak of the subject ("{N} ..."), so questions are filled twice and statements once:
        # what is left in a statement are the subject's own slots.
        named = {"N": capital(inside), "n": inside, "Ns": possessive(capital(inside)), "ns": possessive(inside)}
        facts = tuple(
            Fact(
                relation.aspect,
                tuple(capital(text.format_map(slots).format_map(named)) for text in relation.questions),
                tuple(text.format_map(slots) for text in relation.statements),
            )
            for relation in self.relations
        )
        return Entity(capital(title), inside, self.kind, self.field, row.get("pronoun", "it"), facts)


_ASPECTS = {"=": "Explanation", "-": "Background", "+": "In practice"}


def topics(field: str, text: str) -> list[Entity]:
    """Parse topics: ``#`` name, ``?`` questions, ``=`` the answer, ``-`` background, ``+`` practice, a
    back tick a line of code.

    Alternatives stand between bars. Each topic has one answer, of two wordings or more.
    """
    found: list[Entity] = []
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        name = lines[0].removeprefix("# ")
        questions = tuple(cell for line in lines if line[0] == "?" for cell in _cells(line[2:]))
        facts = [
            Fact(_ASPECTS[line[0]], questions if line[0] == "=" else (), tuple(_cells(line[2:])))
            for line in lines
            if line[0] in _ASPECTS
        ]
        code = "\n".join(line[2:] for line in lines if line[0] == "`")
        found.append(Entity(name, _small(name), "topic", field, "it", tuple(facts), code))
    return found


_PROPER = frozenset(
    (
        *(
            "African",
            "Arctic",
            "Atlantic",
            "English",
            "European",
            "French",
            "Nile",
            "Norway",
            "Scots",
            "World",
            "X-ray",
        ),
        *("DNA", "HTTP", "LED", "SQL", "SSD", "TCP", "UTF-8"),
    )
)
"""First words of names that keep their capitals inside a sentence."""


def _small(name: str) -> str:
    return name if name.split()[0] in _PROPER else name[0].lower() + name[1:]


def _lines(text: str) -> list[str]:
    return [line for line in text.strip().split("\n") if line]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]


def capital(text: str) -> str:
    """The text with its first letter written large."""
    return text[:1].upper() + text[1:]


def possessive(name: str) -> str:
    """``Iceland's``, ``the Netherlands'``."""
    return f"{name}'" if name.endswith("s") else f"{name}'s"


@cache
def knowledge() -> tuple[Entity, ...]:
    """Everything that is known, in a fixed order."""
    from pipelines.samples import (
        facts_countries,
        facts_everyday,
        facts_food,
        facts_inventions,
        facts_nature,
        facts_programming,
        facts_science,
    )

    modules = (
        facts_countries,
        facts_nature,
        facts_science,
        facts_inventions,
        facts_food,
        facts_everyday,
        facts_programming,
    )
    return tuple(entity for module in modules for entity in module.entities())
