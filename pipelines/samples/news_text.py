"""News of a small world: towns that do not exist report on exhibitions, lectures and books about things that do."""

# ruff: noqa: E501 (sentences, one to a line)
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.samples.facts import Entity, capital
from pipelines.samples.web_text import first_readable
from pipelines.samples.wording import Voice

PLACES = ("Riverton", "Oakfield", "Marlow Bay", "Norhaven", "Elmstead", "Castle Ferry", "Brindle Hill", "Southmere")
PEOPLE = ("Ines Falk", "Tom Hendry", "Mara Lind", "Pavel Dorn", "Aisha Bell", "Joan Pires", "Ruth Okoye", "Sam Varga")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


@dataclass(frozen=True)
class Frame:
    """An event: what the headline, the first paragraph, a quotation and the last paragraph say about it."""

    headline: str
    lead: str
    quote: str
    last: str


FRAMES = (
    Frame(
        "{place} museum opens exhibition on {n}",
        "The town museum of {place} opened an exhibition on {n} on {day}, and {count} visitors came on the first day alone.",
        '"We wanted to show what our visitors do not know yet," said {person}, who leads the museum.',
        "The exhibition is open every day from ten to six until the end of the summer. Admission is free for children.",
    ),
    Frame(
        "Lecture series in {place} turns to {n}",
        "As many as {count} people came to the public library of {place} on {day} evening to hear a lecture about {n}.",
        '"I have rarely had so many questions after a talk," said the speaker, {person}, when the lights went out.',
        "The series goes on next month with another subject, which the audience was asked to choose by a show of hands.",
    ),
    Frame(
        "Pupils from {place} win prize with project on {n}",
        "A class of twelve-year-olds from {place} has won the county prize for school projects with a poster about {n}.",
        '"They found out more in three weeks than I learned in a year," their teacher {person} said on {day}.',
        "The prize is worth {count} crowns, and the pupils want to spend the sum on a trip to the coast.",
    ),
    Frame(
        "New book for beginners is devoted to {n}",
        "A publisher in {place} brought out a slim book about {n} on {day}, and the first {count} copies are sold already.",
        '"There was no book like it for people without any knowledge of the subject," said the author, {person}.',
        "The second printing is expected in the shops before the holidays, and a version for schools is to follow.",
    ),
    Frame(
        "Radio station in {place} starts series with programme on {n}",
        "The local radio of {place} began a new series on {day} with half an hour about {n}, heard by some {count} people.",
        '"Most of our listeners asked for exactly this," said {person}, the editor of the series.',
        "All parts of the series can be heard again on the pages of the station for the rest of the year.",
    ),
    Frame(
        "Quiz night in {place}: questions about {n} baffle the teams",
        "Questions about {n} decided the yearly quiz of {place} on {day}, which {count} people followed in the town hall.",
        '"We knew the answer to everything else," said {person}, whose team came second by a single point.',
        "The winners gave their prize, a basket of cheese and wine, to the fire brigade of the town.",
    ),
)
BRIDGES = (
    "Those who came learned a lot.",
    "It is a subject with many sides.",
    "The basics are quickly told.",
    "There was much to find out.",
)


@dataclass(frozen=True)
class Article:
    headline: str
    paragraphs: tuple[str, ...]
    highlights: tuple[str, ...]


def article(voice: Voice, entity: Entity) -> Article:
    """An article on an event about a thing; the highlights say some of its facts in other words."""
    return first_readable(lambda: _article(voice, entity))


def _article(voice: Voice, entity: Entity) -> Article:
    frame = voice.pick(FRAMES)
    place = voice.pick(PLACES)
    slots = {
        "n": entity.inside,
        "place": place,
        "day": voice.pick(DAYS),
        "person": voice.pick(PEOPLE),
        "count": voice.random.randint(60, 900),
    }
    facts = list(entity.facts) if entity.kind == "topic" else voice.shuffled(entity.facts)
    first, rest = facts[:3], facts[3:6]
    paragraphs = [
        f"{place.upper()} - {frame.lead.format_map(slots)}",
        f"{voice.pick(BRIDGES)} {voice.paragraph(entity, first)}",
        frame.quote.format_map(slots),
        *([voice.paragraph(entity, rest)] if rest else []),
        frame.last.format_map(slots),
    ]
    told = [voice.say(entity, fact) for fact in voice.sample([*first, *rest], 2)]
    highlights = [*dict.fromkeys(told), capital(frame.headline.format_map(slots))]
    return Article(capital(frame.headline.format_map(slots)), tuple(paragraphs), tuple(highlights))


def articles(voice: Voice, entities: Sequence[Entity]) -> list[Article]:
    return [article(voice, entity) for entity in entities]
