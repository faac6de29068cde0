"""Papers: titles, abstracts, and sentences in which one paper cites another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipelines.samples.facts import Entity, Fact, capital
from pipelines.samples.wording import Voice

NOUNS = {
    "Capital": "seat of government",
    "Known for": "reputation",
    "Young": "offspring",
    "Name": "botanical name",
    "Description": "outward features",
    "Growing": "growing conditions",
    "Remarks": "lesser-known sides",
    "Details": "lesser-known details",
    "Symbol and number": "atomic number",
    "Group": "classification",
    "Features": "surface features",
    "Inventor": "inventors",
    "Date": "first appearance",
    "How it works": "working principle",
    "Effect": "lasting effects",
    "Life": "origins",
    "Work": "professional life",
    "Time": "cooking time",
    "Tips": "success factors",
}
"""What a paper calls an aspect; the others go by their own name."""

TITLES = (
    "The {noun} of {n}: a review of the literature",
    "Revisiting the {noun} of {n}",
    "A critical look at the {noun} of {n}",
    "On the {noun} of {n}, with a note on {other}",
    "{N}: {noun} and {other} reconsidered",
    "How reference works describe the {noun} of {n}",
)
TOPIC_TITLES = (
    "{N}: a tutorial review",
    "{N} explained: mechanisms and practice",
    "Common questions about {n} and what the evidence says",
)
OPENINGS = (
    "This article brings together what is known about {n}.",
    "The literature on {n} is scattered over many journals.",
    "Reference works differ in what they tell their readers about {n}.",
    "We review the {noun} of {n}.",
    "Few subjects are asked about as often as {n}.",
)
METHODS = (
    "We compared {a} sources from {b} libraries and checked each statement twice.",
    "Two readers rated {a} descriptions independently of each other.",
    "Our review covers {a} publications from {b} countries.",
    "All statements were traced back to {a} primary sources.",
)
CLOSINGS = (
    "The results can be used in teaching and in reference works.",
    "We discuss which questions remain open.",
    "A table of all sources is given in the appendix.",
    "Further work should look at how these findings are taught.",
)
CITING = (
    "This was shown in a study of the {noun} of {n} {mark}, which did not look at {own}: ",
    "Earlier work on {n}, though not on {own}, came to the following result {mark}: ",
    "In contrast to {own}, the {noun} of {n} {mark} is a settled matter: ",
    "To compare {own} with the {noun} of {n}, we follow what was found before {mark}: ",
)
CITING_APART = (
    "Research on the {noun} of {n} goes back further {mark} than that on {own}. ",
    "The {noun} of {n} can be compared with what we found about {own} {mark}. ",
)
CITING_TOPICS = (
    "Others have written about {n} {mark} before we turned to {own}. ",
    "Readers who come from {n} {mark} will find parallels to {own}. ",
)
OWN_TEXT = (
    "Our own subject, {n}, calls for the same care.",
    "With this in mind we turn back to {n}.",
    "What follows is about {n} alone.",
)


@dataclass
class Paper:
    id: int
    entity: Entity
    fact: Fact
    title: str
    abstract: str
    year: int
    cites: list[Paper] = field(default_factory=list)

    @property
    def noun(self) -> str:
        return noun_of(self.fact)


@dataclass(frozen=True)
class Mention:
    """A paragraph that cites a paper; ``start`` and ``end`` are where the mark stands in the text.

    ``excerpt`` is the part of it that speaks of the cited paper.
    """

    text: str
    excerpt: str
    start: int
    end: int
    cited: Paper


def noun_of(fact: Fact) -> str:
    return NOUNS.get(fact.aspect, fact.aspect.lower())


class Library:
    """Writes papers, no two of which have the same title."""

    def __init__(self, voice: Voice, first_id: int) -> None:
        self.voice, self.next_id = voice, first_id
        self._titles: set[str] = set()

    def paper(self, entity: Entity, fact: Fact) -> Paper:
        self.next_id += self.voice.random.randint(1, 90)
        year = self.voice.random.randint(1985, 2019)
        return Paper(self.next_id, entity, fact, self._title(entity, fact), abstract(self.voice, entity, fact), year)

    def _title(self, entity: Entity, fact: Fact) -> str:
        others = [noun_of(each) for each in entity.facts if each.aspect != fact.aspect] or ["sources"]
        template = self.voice.pick(TOPIC_TITLES if entity.kind == "topic" else TITLES)
        slots = {
            "N": capital(entity.inside),
            "n": entity.inside,
            "noun": noun_of(fact),
            "other": self.voice.pick(others),
        }
        title = first = template.format_map(slots)
        part = 1
        while title in self._titles:
            part += 1
            title = f"{first}, part {part}"
        self._titles.add(title)
        return title

    def cite(self, papers: Sequence[Paper]) -> None:
        """Let papers cite earlier ones, first of all those about the same thing.

        No two papers cite each other, for they would make the same pair.
        """
        for number, paper in enumerate(papers):
            near = [other for other in papers[:number] if other.entity is paper.entity]
            taken = near[0].cites if near else []  # the same things would be said about them
            far = [
                other
                for other in papers[:number]
                if other.entity.kind == paper.entity.kind and other not in near and other not in taken
            ]
            paper.cites = near + self.voice.sample(far, self.voice.pick((0, 0, 1, 2)))


def abstract(voice: Voice, entity: Entity, fact: Fact) -> str:
    """What a paper says about a fact and about some others of the same thing."""
    openings = [text for text in OPENINGS if entity.kind != "topic" or "{noun}" not in text]
    opening = voice.pick(openings).format(n=entity.inside, noun=noun_of(fact))
    others = voice.others(entity, fact, 5 if entity.kind == "topic" else voice.pick((1, 2, 3)))
    body = voice.paragraph(entity, [fact, *others])
    last = voice.pick(METHODS).format(a=voice.random.randint(12, 400), b=voice.random.randint(2, 30))
    if voice.chance(0.5):
        last = voice.pick(CLOSINGS)
    return f"{opening} {body} {last}"


def mention(voice: Voice, paper: Paper, cited: Paper, mark: str) -> Mention:
    """A paragraph of a paper that cites another one."""
    own = paper.entity.inside if paper.entity is not cited.entity else f"the {paper.noun} of {paper.entity.inside}"
    slots = {"n": cited.entity.inside, "noun": cited.noun, "own": own, "mark": mark}
    said = voice.say(cited.entity, cited.fact)
    # A sentence with a colon of its own stands behind a full stop.
    fit = CITING_TOPICS if cited.entity.kind == "topic" else CITING_APART if ":" in said else CITING
    head = voice.pick(fit).format_map(slots)
    before = f"{voice.say(paper.entity, paper.fact)} "
    after = voice.pick(OWN_TEXT).format(n=paper.entity.inside)
    text = f"{before}{head}{said} {after}"
    start = text.index(mark, len(before))
    return Mention(text, head + said, start, start + len(mark), cited)
