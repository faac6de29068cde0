"""What the sample texts know, and how it is worded."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from pipelines.samples.facts import Entity, Fact, Relation, Table, knowledge, topics
from pipelines.samples.noise import keyboard_mash, word_salad
from pipelines.samples.other_languages import FOREIGN
from pipelines.samples.wording import Voice, deck, sentences

LIONS = Table(
    field="animals",
    kind="animal",
    columns="name food",
    article=True,
    relations=(Relation("Diet", ("What does {n} eat?",), ("{N} eats {food}.", "{Ns} prey: {food}, for {n} hunts.")),),
    rows="Lion | zebras",
)


def voice(seed: int = 0) -> Voice:
    return Voice(random.Random(seed))


def test_a_table_makes_entities_with_facts_that_keep_a_place_for_the_name() -> None:
    assert LIONS.entities() == [
        Entity(
            *("Lion", "the lion", "animal", "animals", "it"),
            (
                Fact(
                    "Diet",
                    ("What does the lion eat?",),
                    ("{N} eats zebras.", "{Ns} prey: zebras, for {n} hunts."),
                ),
            ),
        )
    ]


def test_topics_are_parsed_with_their_code() -> None:
    text = "# DNA\n? What is DNA? | Why?\n= An answer. | The answer.\n- More.\n` a = 1\n` b = 2"
    assert topics("science", text) == [
        Entity(
            *("DNA", "DNA", "topic", "science", "it"),
            (
                Fact("Explanation", ("What is DNA?", "Why?"), ("An answer.", "The answer.")),
                Fact("Background", (), ("More.",)),
            ),
            "a = 1\nb = 2",
        )
    ]


def test_a_subject_is_named_first_and_may_be_a_pronoun_then() -> None:
    (lion,) = LIONS.entities()
    (diet,) = lion.facts
    said = {voice(seed).say(lion, diet) for seed in range(30)}
    assert said == {"The lion eats zebras.", "The lion's prey: zebras, for the lion hunts."}
    added = {voice(seed).add(lion, diet) for seed in range(60)}
    assert added == said | {"It eats zebras.", "Its prey: zebras, for this animal hunts."}


def test_a_statement_without_a_place_for_the_name_is_led_in() -> None:
    sun = Entity("Sun", "the Sun", "world", "astronomy", "it", ())
    assert voice().say(sun, Fact("x", (), ("It shines.",))) == "As for the Sun, it shines."
    said = {voice(seed).say(sun, Fact("x", (), ("Plants need light.",))) for seed in range(9)}
    assert said == {"Regarding the Sun: Plants need light.", "About the Sun: Plants need light."}


def test_the_deck_has_every_fact_once_and_few_of_each_entity_first() -> None:
    asked = [(entity.name, fact) for entity in knowledge() for fact in entity.asked]
    dealt = [(entity.name, fact) for entity, fact in deck(voice())]
    assert len(dealt) > 1500
    assert Counter(dealt) == Counter(asked)
    assert max(Counter(name for name, _ in dealt[:600]).values()) == 2


@pytest.mark.parametrize("entity", knowledge(), ids=lambda entity: entity.name)
def test_all_wordings_of_all_facts_are_whole_sentences(entity: Entity) -> None:
    for fact in entity.facts:
        for question in fact.questions:
            assert question.endswith("?")
            assert question[0].isupper()
        for statement in fact.statements:
            one = Entity(entity.name, entity.inside, entity.kind, entity.field, entity.pronoun, (fact,))
            for said in (
                voice().say(one, Fact(fact.aspect, fact.questions, (statement,))),
                voice(1).add(one, Fact(fact.aspect, fact.questions, (statement,))),
            ):
                assert not set("{}|") & set(said)
                assert "  " not in said
                assert said[0].isupper() or said[0].isdigit()
                assert said[-1] in ".!?"


def test_names_of_entities_are_distinct() -> None:
    assert [name for name, times in Counter(entity.name for entity in knowledge()).items() if times > 1] == []


def test_word_salad_keeps_the_words_and_loses_their_order() -> None:
    text = "The quick brown fox jumps over the lazy dog. It sleeps."
    salad = word_salad(voice(), text)
    assert sorted(salad.lower().replace(".", "").split()) == sorted(text.lower().replace(".", "").split())
    assert salad != text


def test_keyboard_mash_has_no_words_of_two_rows() -> None:
    rows = [set("asdfghjkl"), set("qwertyuiop"), set("zxcvbnm")]
    words = keyboard_mash(voice(), 50).split()
    assert len(words) == 50
    assert all(any(set(word) <= row for row in rows) for word in words)


def test_texts_in_other_languages_are_long_enough_for_all_sources() -> None:
    assert len({each.language for each in FOREIGN}) >= 7
    assert all(len(sentences(each.answer)) >= 2 for each in FOREIGN if each.language != "ja")
    assert len({each.question for each in FOREIGN}) == len(FOREIGN)
