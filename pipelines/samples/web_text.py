"""What pages of the web tell: a title and paragraphs, about a thing as a whole or about one question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from filters.quality import RepeatedPhrase
from pipelines.samples.facts import Entity, Fact, capital
from pipelines.samples.wording import Voice

MIN_WORDS = 75
"""Pages with fewer words get more sentences: below 50, readers take them for stubs."""

OVERVIEW_TITLES = (
    "Everything you wanted to know about {n}",
    "{N}: facts and figures",
    "A short guide to {n}",
    "All about {n}",
    "{N} explained in simple words",
    "Ten minutes with {n}",
    "The big page about {n}",
)
OPENINGS = (
    "Hardly a week goes by without a letter about {n} in our mailbox, so here is what we tell everybody who asks.",
    "Today's page is about {n}, a subject that many of you have wished for.",
    "When I began to read about {n} I was surprised how much there is to find out.",
    "This page sums up what visitors of our site most often want to know about {n}.",
    "Some subjects never get old, and {n} is surely one of them.",
    "You don't need to be an expert to enjoy learning about {n}.",
)
QUESTION_OPENINGS = (
    "This question reaches us quite often, and the answer is shorter than most people think.",
    "A reader wrote to us with this question, and we have asked somebody who knows.",
    "If you have come here by a search engine, you will find the answer in the next lines.",
    "There are many half-truths going round about this, so we went back to the sources.",
    "We had to look this one up ourselves, and here is what we found.",
)
LINKS = (
    "But that is not all there is to say about {n}.",
    "If you want to dig deeper into {n}, read on.",
    "Let us look at {n} from another side.",
    "Here is more about {n} that is worth keeping in mind.",
    "What else should one know about {n}?",
)
CLOSINGS = (
    "We hope that this page on {n} has helped you, and we are glad about every hint to a mistake.",
    "If you know more about {n}, please write to us, because pages like this one live from their readers.",
    "That is all about {n} for now; next week we will turn to another subject.",
    "You will find books about {n} in any good library, and most of them go further than we can here.",
    "With this in mind you can answer most questions about {n} that may come up at the dinner table.",
)


class HasParagraphs(Protocol):
    @property
    def paragraphs(self) -> tuple[str, ...]: ...


Text = TypeVar("Text", bound=HasParagraphs)


@dataclass(frozen=True)
class Story:
    title: str
    paragraphs: tuple[str, ...]
    entity: Entity


def overview(voice: Voice, entity: Entity) -> Story:
    """A page about a thing as a whole."""
    return first_readable(lambda: _overview(voice, entity))


def answered(voice: Voice, entity: Entity, fact: Fact) -> Story:
    """A page that answers one question."""
    return first_readable(lambda: _answered(voice, entity, fact))


def first_readable(write: Callable[[], Text]) -> Text:
    """Write until the name of the thing is not in every sentence, as it is on pages made for search engines.

    Long names make that hard, so the demands fall; what is taken at last is what filters let pass.
    """
    for share in (0.15, 0.17, 0.19):
        repeated = RepeatedPhrase(share, share - 0.02, share - 0.04)
        for _ in range(12):
            text = write()
            if repeated.reason("\n".join(text.paragraphs)) is None:
                return text
    raise AssertionError(f"no wording of {text} reads well")


def _overview(voice: Voice, entity: Entity) -> Story:
    title = _named(voice.pick(OVERVIEW_TITLES), entity)
    facts = list(entity.facts) if entity.kind == "topic" else voice.shuffled(entity.facts)
    first, rest = facts[: len(facts) // 2], facts[len(facts) // 2 :]
    paragraphs = [
        f"{_named(voice.pick(OPENINGS), entity)} {voice.paragraph(entity, first)}",
        f"{_later(voice, voice.pick(LINKS), entity)} {voice.more(entity, rest)}",
    ]
    return Story(title, _long_enough(voice, entity, paragraphs), entity)


def _answered(voice: Voice, entity: Entity, fact: Fact) -> Story:
    others = voice.others(entity, fact, 5 if entity.kind == "topic" else 2)
    paragraphs = [
        f"{voice.pick(QUESTION_OPENINGS)} {voice.say(entity, fact)}",
        f"{_later(voice, voice.pick(LINKS), entity)} {voice.more(entity, others)}",
    ]
    return Story(voice.question(fact), _long_enough(voice, entity, paragraphs), entity)


def words(paragraphs: Sequence[str]) -> int:
    return sum(len(paragraph.split()) for paragraph in paragraphs)


def _named(text: str, entity: Entity) -> str:
    return text.format(N=capital(entity.inside), n=entity.inside)


def _later(voice: Voice, text: str, entity: Entity) -> str:
    """A sentence that comes after the first mention. A long name in each of them would make a page of that name."""
    long = len(entity.inside.split()) > 2
    return text.format(n="this subject" if long or voice.chance(0.4) else entity.inside)


def _long_enough(voice: Voice, entity: Entity, paragraphs: list[str]) -> tuple[str, ...]:
    closings = voice.shuffled(CLOSINGS)
    while words(paragraphs) < MIN_WORDS or len(paragraphs) < 3:
        paragraphs.append(_later(voice, closings.pop(), entity))
    return tuple(paragraphs)
