"""Articles of an encyclopedia: an entity, a text before the first heading, and sections with a path of headings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.samples.facts import Entity, Fact
from pipelines.samples.wording import Voice

PARENTS = {
    "country": {
        "Location": "Geography",
        "Mountains and rivers": "Geography",
        "Capital": "Society",
        "Language": "Society",
        "Currency": "Society",
    },
    "animal": {"Classification": "Biology", "Diet": "Biology", "Young": "Biology"},
    "element": {"Symbol and number": "Chemistry", "Group": "Chemistry", "Properties": "Chemistry"},
    "world": {"Position": "Astronomy", "Size": "Astronomy", "Orbit": "Astronomy"},
    "invention": {"Inventor": "History", "Date": "History", "Remarks": "History"},
    "person": {"Achievements": "Legacy", "Anecdotes": "Legacy"},
    "dish": {"Ingredients": "Cooking", "Preparation": "Cooking", "Time": "Cooking", "Tips": "Cooking"},
    "plant": {"Name": "Botany", "Description": "Botany"},
}
"""The sections of the second level stand under these, by kind of entity."""

INTRODUCTIONS = (
    'Most handbooks have a paragraph headed "{heading}", and so it is with {n}.',
    'Under the heading "{heading}" the sources on {n} agree.',
    'What a card file has about {n} under "{heading}" is the following.',
    'Under "{heading}" reference works say this about {n}.',
)
SHORTEST_SECTION = 80
"""Letters; shorter sections get another sentence, as readers leave them out."""


@dataclass(frozen=True)
class Section:
    """A section's own text. ``path`` is its headings, from the second level on; ``bullets`` come after the text."""

    path: tuple[str, ...]
    text: str
    bullets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Article:
    entity: Entity
    lead: str
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        return self.entity.name


def article(voice: Voice, entity: Entity) -> Article:
    """An article with all that is known of an entity, each fact in one section (some in the lead as well)."""
    by_aspect: dict[str, list[Fact]] = {}
    for fact in entity.facts:
        by_aspect.setdefault(fact.aspect, []).append(fact)
    if entity.kind == "topic":
        lead = voice.paragraph(entity, by_aspect.pop("Explanation"))
    else:
        lead = voice.paragraph(entity, voice.sample(entity.facts, 3))
    parents = PARENTS.get(entity.kind, {})
    # Sections with the same parent stand together.
    aspects = sorted(by_aspect, key=lambda aspect: parents.get(aspect, aspect))
    sections = [_section(voice, entity, aspect, by_aspect[aspect], parents) for aspect in aspects]
    return Article(entity, lead, tuple(sections))


def _section(voice: Voice, entity: Entity, aspect: str, facts: list[Fact], parents: dict[str, str]) -> Section:
    path = (parents[aspect], aspect) if aspect in parents else (aspect,)
    if entity.kind == "topic" and len(facts) > 1 and voice.chance(0.3):
        return Section(path, "Some points are worth knowing.", tuple(voice.say(entity, fact) for fact in facts))
    sentences = [voice.say(entity, facts[0])]
    heading = aspect.lower()
    if entity.kind != "topic" and heading not in sentences[0].lower():
        sentences.insert(0, voice.pick(INTRODUCTIONS).format(heading=heading, n=entity.inside))
    sentences += [voice.add(entity, fact) for fact in facts[1:]]
    for fact in voice.shuffled(other for other in entity.facts if other not in facts):
        if sum(map(len, sentences)) >= SHORTEST_SECTION:
            break
        sentences.append(voice.add(entity, fact))
    return Section(path, " ".join(sentences))


def paragraphs(made: Article) -> Iterable[str]:
    """The texts of an article in order."""
    yield made.lead
    for section in made.sections:
        yield section.text
        yield from section.bullets
