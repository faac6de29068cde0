"""A voice that says what is known: questions, statements and paragraphs about entities, worded by chance.

Every choice is made by the voice's own random numbers, so a seed gives the same words each time.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from pipelines.samples.facts import Entity, Fact, capital, knowledge, possessive

Item = TypeVar("Item")

_NAMED_BY_KIND = frozenset({"country", "animal", "element", "plant", "dish", "organ"})
"""Kinds that "this country" and the like can stand for in a later sentence."""

_SUBJECTS = {"it": ("It", "its"), "he": ("He", "his"), "she": ("She", "her")}


class Voice:
    """Says facts in one of their wordings."""

    def __init__(self, random: random.Random) -> None:
        self.random = random

    def pick(self, choices: Sequence[Item]) -> Item:
        return self.random.choice(choices)

    def sample(self, choices: Sequence[Item], most: int) -> list[Item]:
        """At most so many of the choices, in their own order."""
        places = sorted(self.random.sample(range(len(choices)), min(most, len(choices))))
        return [choices[place] for place in places]

    def shuffled(self, items: Iterable[Item]) -> list[Item]:
        items = list(items)
        self.random.shuffle(items)
        return items

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def question(self, fact: Fact) -> str:
        return self.pick(fact.questions)

    def say(self, entity: Entity, fact: Fact) -> str:
        """A statement that names its subject."""
        inside = entity.inside
        naming = [statement for statement in fact.statements if _SLOT.search(statement)]
        if entity.kind == "topic" or naming:
            return self._filled(self.pick(naming or fact.statements), capital(inside), inside, possessive(inside))
        statement = fact.statements[0]
        if statement.startswith(("It ", "Its ")):
            return f"As for {inside}, {statement[0].lower()}{statement[1:]}"
        return f"{self.pick(('Regarding', 'About'))} {inside}: {statement}"

    def add(self, entity: Entity, fact: Fact) -> str:
        """A statement that comes after another one about the same subject, and may use a pronoun."""
        statement = self.pick(fact.statements)
        if entity.kind == "topic" or (entity.kind != "person" and self.chance(0.3)):
            return self._filled(statement, capital(entity.inside), entity.inside, possessive(entity.inside))
        subject, owner = _SUBJECTS[entity.pronoun]
        inside = entity.inside
        if entity.kind in _NAMED_BY_KIND:
            inside = f"this {entity.kind}"
        elif entity.kind == "person":
            inside = entity.name.rsplit(" ", 1)[-1]
        # A pronoun that comes after a mention inside the same sentence reads well, one before it does not.
        if "{n}" in statement and statement.find("{N}") < statement.find("{n}"):
            subject = capital(inside)
        return self._filled(statement, subject, inside, owner)

    def lead(self, openers: Sequence[str], text: str) -> str:
        """The text behind one of the openers; no two colons follow each other."""
        fit = [opener for opener in openers if not (opener.endswith(": ") and ":" in sentences(text)[0])]
        return self.pick(fit) + text

    @staticmethod
    def _filled(statement: str, subject: str, inside: str, owner: str) -> str:
        slots = {"N": subject, "n": inside, "Ns": capital(owner), "ns": owner}
        return capital(_SLOT.sub(lambda found: slots[found[1]], statement))

    def more(self, entity: Entity, facts: Iterable[Fact]) -> str:
        """The facts in sentences that go on about a subject named before."""
        return " ".join(self.add(entity, fact) for fact in facts)

    def paragraph(self, entity: Entity, facts: Iterable[Fact]) -> str:
        """The facts in sentences, the first of which names the subject."""
        first, *rest = facts
        return f"{self.say(entity, first)} {self.more(entity, rest)}".rstrip()

    def others(self, entity: Entity, fact: Fact, most: int) -> list[Fact]:
        """At most so many other facts about the entity; those without questions of their own come first."""
        others = [other for other in entity.facts if other is not fact]
        unasked = [other for other in others if not other.questions]
        return self.sample(unasked or others, most)

    def extras(self, entity: Entity, fact: Fact) -> list[Fact]:
        """What an answer about a fact goes on with: all details of a topic, as any of its questions may aim at them."""
        return self.others(entity, fact, 5 if entity.kind == "topic" else self.pick((1, 1, 2)))


_SLOT = re.compile(r"\{(Ns?|ns?)\}")


def deck(voice: Voice, entities: Sequence[Entity] | None = None, per_entity: int = 2) -> Iterator[tuple[Entity, Fact]]:
    """Every fact that there are questions for, each once, in random order: first so many of each entity, then the rest.

    Among few texts about the same thing, a small model can learn to tell which of them answers a question.
    """
    first, rest = [], []
    for entity in knowledge() if entities is None else entities:
        facts = voice.shuffled(entity.asked)
        first += [(entity, fact) for fact in facts[:per_entity]]
        rest += [(entity, fact) for fact in facts[per_entity:]]
    yield from voice.shuffled(first)
    yield from voice.shuffled(rest)


def sentences(text: str) -> list[str]:
    """The sentences of a text of ours."""
    return re.split(r"(?<=[.!?]) ", text)
