"""Questions and answers in the four line forms of SBERT's embedding-training-data, a file each."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.samples.containers import gzipped, joined, write_file
from pipelines.samples.facts import Entity, Fact, knowledge
from pipelines.samples.noise import json_line, keyboard_mash, word_salad
from pipelines.samples.other_languages import FOREIGN
from pipelines.samples.report import PAIRS, SampleFile
from pipelines.samples.wording import Voice, deck

PAIR_LINES, TRIPLET_LINES, POSITIVES_LINES, SET_LINES = 300, 140, 140, 180
SET_KINDS = frozenset({"country", "person", "event"})
SHORTEST = 28
"""Questions of a set that are shorter are left out: alone on their side of a pair they would say too little."""


@dataclass
class Lines:
    """A file while it is being made."""

    file: SampleFile
    lines: list[bytes] = field(default_factory=list)

    def clean(self, record: Any) -> str:
        """Append a record; returns the id of its document."""
        self.file.clean()
        return self.append(record)

    def append(self, record: Any) -> str:
        self.lines.append(json_line(record))
        name = self.file.path.rsplit("/", 1)[-1]
        return f"{name.removesuffix('.jsonl.gz')}:{len(self.lines)}"

    def dirty(self, line: bytes, kind: str, reason: str) -> None:
        self.lines.append(line)
        self.file.dirty(kind, reason)

    def write(self, folder: str) -> SampleFile:
        write_file(os.path.join(folder, self.file.path), gzipped(joined(self.lines)))
        return self.file


def write(folder: str, voice: Voice) -> list[SampleFile]:
    """Write the four files below ``communityqa/``."""
    # Questions look more like each other than like their answers, so sets are about other kinds of things.
    answered = [entity for entity in knowledge() if entity.kind not in SET_KINDS]
    facts = deck(voice, answered)  # none comes twice, so no pair does but those copied on purpose
    files = [
        _pairs(voice, facts, Lines(_file("pairs"))),
        _positives(voice, facts, Lines(_file("query_positives"))),
        _sets(voice, Lines(_file("duplicate_questions"))),
        _triplets(voice, facts, Lines(_file("triplets"))),
    ]
    return [lines.write(folder) for lines in files]


def _file(name: str) -> SampleFile:
    return SampleFile("communityqa", f"communityqa/{name}.jsonl.gz", "lines")


def _pairs(voice: Voice, facts: Iterator[tuple[Entity, Fact]], lines: Lines) -> Lines:
    for number in range(PAIR_LINES):
        entity, fact = next(facts)
        record = [voice.question(fact), answer(voice, entity, fact)]
        lines.clean(record)
        if number % 35 == 0:
            lines.clean(record)
            lines.file.note("copied line", "duplicate_pair", stage=PAIRS)
    for _ in range(8):
        one, other = next(facts), next(facts)
        for asked, answered in ((one, other), (other, one)):
            doc = lines.clean([voice.question(asked[1]), answer(voice, *answered)])
            lines.file.note("swapped pair", None, doc)
    for each in voice.sample(FOREIGN, 12):
        lines.file.note("other language", None, lines.clean([each.question, each.answer]))
    for number in range(12):
        entity, fact = next(facts)
        text = " ".join(voice.say(entity, other) for other in entity.facts)
        nonsense = word_salad(voice, text) if number % 2 else keyboard_mash(voice, 22)
        lines.file.note("gibberish", None, lines.clean([voice.question(fact), nonsense]))
    for _ in range(4):
        entity, fact = next(facts)
        question, reply = (
            max(fact.questions, key=len),
            answer(voice, entity, fact),
        )  # a short one is too short to repeat
        lines.clean([question, "Yes."])
        lines.file.note("answer of one word", "passage_too_short", stage=PAIRS)
        lines.clean([question, question.upper()])
        lines.file.note("answer repeats the question", "passage_repeats_query", stage=PAIRS)
        lines.dirty(json_line([question, " "]), "empty answer", "empty_passage")
        lines.dirty(json_line(["", reply]), "empty question", "empty_query")
        whole = json_line([question, reply])
        lines.dirty(whole[: len(whole) // 2], "damaged line", "malformed_record")
        lines.dirty(whole.replace(b'["', b'["\xff\xfe', 1), "line that is not UTF-8", "malformed_record")
        lines.dirty(json_line([question]), "line in another form", "malformed_record")
    return lines


def _triplets(voice: Voice, facts: Iterator[tuple[Entity, Fact]], lines: Lines) -> Lines:
    for _ in range(TRIPLET_LINES):
        entity, fact = next(facts)
        lines.clean([voice.question(fact), answer(voice, entity, fact), _negative(voice, entity)])
    for _ in range(3):
        entity, fact = next(facts)
        record = {"question": voice.question(fact), "answer": answer(voice, entity, fact)}
        lines.dirty(json_line(record), "line in another form", "malformed_record")
    return lines


def _positives(voice: Voice, facts: Iterator[tuple[Entity, Fact]], lines: Lines) -> Lines:
    for number in range(POSITIVES_LINES):
        entity, fact = next(facts)
        positives = list(dict.fromkeys(answer(voice, entity, fact) for _ in range(voice.pick((1, 1, 2)))))
        record: dict[str, Any] = {"query": voice.question(fact), "pos": positives}
        if number % 3:
            record["neg"] = [_negative(voice, entity) for _ in range(3)]
        lines.clean(record)
    for _ in range(4):
        lines.dirty(
            json_line({"query": voice.question(next(facts)[1]), "pos": []}), "query without answers", "empty_passage"
        )
    return lines


def _sets(voice: Voice, lines: Lines) -> Lines:
    """Sets of questions that ask for the same."""
    chosen = 0
    for _, fact in deck(voice, [entity for entity in knowledge() if entity.kind in SET_KINDS]):
        members = [question for question in fact.questions if len(question) >= SHORTEST]
        if chosen == SET_LINES or len(members) < 2:
            continue
        lines.clean({"set": members})
        chosen += 1
    for entity in voice.sample(knowledge(), 5):
        question = entity.asked[0].questions[0]
        lines.dirty(json_line({"set": [question, question]}), "set of one text", "single_text")
    return lines


def answer(voice: Voice, entity: Entity, fact: Fact) -> str:
    """An answer, some of them with the markup of the site it comes from."""
    main = voice.say(entity, fact)
    extra = [voice.add(entity, other) for other in voice.extras(entity, fact)]
    if voice.chance(0.15):
        return "".join(f"<p>{html.escape(part, quote=False)}</p>" for part in [main, *extra])
    return " ".join([main, *extra])


def _negative(voice: Voice, entity: Entity) -> str:
    """A statement about something else of the same field."""
    others = [other for other in knowledge() if other.field == entity.field and other is not entity]
    other = voice.pick(others)
    return voice.say(other, voice.pick(other.asked))
