from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ccpairs.pair import Pair
from filters import decontamination
from filters.decontamination import Contamination, ContaminationRules, EvaluationText, EvaluationTexts, IndexBuilder
from models.retrieval_sets import open_retrieval_set
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

CLEAN = "Water boils at a lower temperature on mountains, because the air pressure is lower there than at the sea."
DOCUMENT = (
    "Oaks are trees of the beech family that grow in the northern half of the world. Their fruit is the acorn, "
    "a nut in a cup that takes six to eighteen months to ripen. The wood was used for ships, barrels and houses."
)
TITLE = "A short history of oaks and of the ships built from them"
QUERY = "how long does an acorn of a red oak take to ripen"

TEXTS_OF_SET = [
    EvaluationText("trees/queries/1", QUERY, is_query=True),
    EvaluationText("trees/queries/2", "Oak", is_query=True),
    EvaluationText("trees/corpus/1", DOCUMENT, TITLE),
    EvaluationText("trees/corpus/2", "Maple syrup comes from Canada.", "Maple"),
    EvaluationText("trees/corpus/3", "Yes."),
]


def index(texts: Sequence[EvaluationText], rules: ContaminationRules | None = None) -> EvaluationTexts:
    builder = IndexBuilder(rules or ContaminationRules())
    builder.add(texts)
    return EvaluationTexts(b"".join(builder.blocks()))


def match(query: str, passage: str, rules: ContaminationRules | None = None) -> Contamination | None:
    (found,) = index(TEXTS_OF_SET, rules).matches([Pair(query, passage, "test")])
    return found


FOUND = {
    "a query": (QUERY, CLEAN, "contaminated_exact", "query: trees/queries/1, whole text"),
    "a query in other case and punctuation": (
        "How long does an acorn, of a RED oak, take to ripen?",
        CLEAN,
        "contaminated_exact",
        "query: trees/queries/1, whole text",
    ),
    "a query of one word": ("oak?", CLEAN, "contaminated_exact", "query: trees/queries/2, whole text"),
    "a query as the passage": (CLEAN, QUERY, "contaminated_exact", "passage: trees/queries/1, whole text"),
    "a query in a passage": (
        "Acorns",
        f"{CLEAN} Somebody asked: {QUERY}? {CLEAN}",
        "contaminated_ngram",
        "passage: trees/queries/1, 5 of 5 8-grams",
    ),
    "a document": ("Trees", DOCUMENT, "contaminated_exact", "passage: trees/corpus/1, whole text"),
    "a title with its text": (TITLE, CLEAN, "contaminated_exact", "query: trees/corpus/1, whole text"),
    "a short document": (
        "Syrup",
        "maple syrup comes\nfrom Canada",
        "contaminated_exact",
        "passage: trees/corpus/2, whole text",
    ),
    "a short document with its title": (
        "Maple: Maple syrup comes from Canada!",
        CLEAN,
        "contaminated_exact",
        "query: trees/corpus/2, whole text",
    ),
    "a diluted document": (
        "Trees",
        f"{CLEAN} {CLEAN} {CLEAN} {DOCUMENT} {CLEAN} {CLEAN} {CLEAN}",
        "contaminated_ngram",
        "passage: trees/corpus/1, 36 of 48 8-grams",
    ),
    "half of a document": (
        "Trees",
        DOCUMENT[: len(DOCUMENT) // 2],
        "contaminated_ngram",
        "passage: trees/corpus/1, 14 of 48 8-grams",
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_a_copy_is_found_and_its_text_named(case: str) -> None:
    query, passage, reason, detail = FOUND[case]
    assert match(query, passage) == Contamination(reason, detail)


CLEAN_PAIRS = {
    "other words": ("why does water boil sooner on mountains", CLEAN),
    "a passage that is a query of one word": ("Which tree is it?", "Oak"),
    "a title of few words": ("Maple", CLEAN),
    "a document of one word": ("Is it?", "Yes."),
    "a query of few words in a passage": ("Trees", f"The oak. {CLEAN}"),
    "four shared n-grams of a document": (
        "Trees",
        f"{CLEAN} Oaks are trees of the beech family that grow in the yard.",
    ),
    "a part of a query": ("how long does an acorn take to ripen", CLEAN),
    "the same words in another order": ("ripen to take oak red a of acorn an does long how", CLEAN),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("case", CLEAN_PAIRS)
def test_what_is_no_copy_is_left_alone(case: str) -> None:
    assert match(*CLEAN_PAIRS[case]) is None


@pytest.mark.parametrize(
    ("rules", "passage", "reason"),
    [
        (ContaminationRules(ngrams=False), f"{CLEAN} {DOCUMENT}", None),
        (ContaminationRules(ngrams=False), DOCUMENT, "contaminated_exact"),
        (
            ContaminationRules(min_hits=4, min_share=0.2),
            f"{CLEAN} Oaks are trees of the beech family that grow in the yard.",
            None,
        ),
        (
            ContaminationRules(min_hits=4),
            f"{CLEAN} Oaks are trees of the beech family that grow in the yard.",
            "contaminated_ngram",
        ),
        (ContaminationRules(min_share=1.0), f"{CLEAN} {DOCUMENT[: len(DOCUMENT) // 2]}", None),
        (ContaminationRules(ngram=3, min_hits=1, min_share=0.0), f"The beech family. {CLEAN}", "contaminated_ngram"),
    ],
)
def test_the_thresholds(rules: ContaminationRules, passage: str, reason: str | None) -> None:
    found = match("Trees", passage, rules)
    assert (found.reason if found else None) == reason


def test_pairs_of_a_batch_are_judged_one_by_one() -> None:
    pairs = [Pair("Trees", DOCUMENT, ""), Pair("Trees", CLEAN, ""), Pair("oak", f"{DOCUMENT} {CLEAN}", "")]
    found = index(TEXTS_OF_SET).matches(pairs)
    assert [each and each.reason for each in found] == ["contaminated_exact", None, "contaminated_exact"]
    assert index(TEXTS_OF_SET).matches([]) == []


def test_an_empty_index_finds_nothing() -> None:
    empty = index([])
    assert (len(empty), empty.ngrams) == (0, 0)
    assert empty.matches([Pair(QUERY, DOCUMENT, "")]) == [None]


def test_a_repeated_ngram_is_one_hit() -> None:
    chorus = "row row row your boat gently down the stream "
    texts = [EvaluationText("songs/corpus/1", f"{chorus} {DOCUMENT}")]
    assert index(texts).matches([Pair("Song", f"row row row your boat gently down {CLEAN} " * 9, "")]) == [None]


def test_texts_after_the_sixteenth_do_not_own_an_ngram_that_many_share() -> None:
    texts = [EvaluationText(f"all/corpus/{at:02}", f"{DOCUMENT} end{at}") for at in range(20)]
    built = index(texts)
    assert built.ngrams == 16 * 36 + 20
    (found,) = built.matches([Pair("Trees", f"{CLEAN} {DOCUMENT}", "")])
    assert found is not None
    assert found.reason == "contaminated_ngram"


def test_the_same_texts_give_the_same_bytes_however_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [EvaluationText(f"a/corpus/{at}", f"{DOCUMENT} {at} {CLEAN}", TITLE) for at in range(40)]
    whole = IndexBuilder(ContaminationRules())
    whole.add(texts)
    expected = b"".join(whole.blocks())
    kept = []

    def keep(array: NDArray[Any]) -> Callable[[], NDArray[Any]]:
        kept.append(len(array))
        return lambda: array

    monkeypatch.setattr(decontamination, "_RUN", 200)
    parts = IndexBuilder(ContaminationRules(), keep)
    for at in range(0, 40, 3):
        parts.add(texts[at : at + 3])
    assert b"".join(parts.blocks()) == expected
    assert (len(kept) > 20, max(kept) < 400) == (True, True)


def test_a_saved_index_is_mapped_and_judges_alike(tmp_path: Path) -> None:
    builder = IndexBuilder(ContaminationRules(min_hits=3))
    builder.add(TEXTS_OF_SET)
    path = tmp_path / "index"
    path.write_bytes(b"".join(builder.blocks()))
    loaded = EvaluationTexts.load(str(path))
    assert (len(loaded), loaded.rules) == (5, ContaminationRules(min_hits=3))
    pairs = [Pair(query, passage, "") for query, passage, *_ in FOUND.values()]
    assert loaded.matches(pairs) == index(TEXTS_OF_SET, ContaminationRules(min_hits=3)).matches(pairs)
    assert [loaded.name(at) for at in range(5)] == [text.name for text in TEXTS_OF_SET]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 something else entirely, longer than a header", None])
def test_another_file_is_refused(data: bytes | None) -> None:
    if data is None:
        builder = IndexBuilder(ContaminationRules())
        builder.add(TEXTS_OF_SET)
        data = b"".join(builder.blocks())[:-10]
    with pytest.raises(ValueError, match="index of evaluation texts"):
        EvaluationTexts(data)


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_texts_are_judged_and_indexed(name: str) -> None:
    text = ODD_TEXTS[name]
    built = index([*TEXTS_OF_SET, EvaluationText("odd/corpus/1", text, text[:100])])
    found = built.matches([Pair(text[:1_000], DOCUMENT, ""), Pair("Trees", text, ""), Pair(CLEAN, CLEAN, "")])
    assert found[0] is not None
    assert found[2] is None


WORDS = st.text("abcdeéßжя水", min_size=1, max_size=4)
EVALUATION = st.lists(WORDS, min_size=8, max_size=60).map(" ".join)


@given(st.lists(EVALUATION, min_size=1, max_size=4), st.data())
def test_a_planted_copy_of_a_text_of_eight_words_or_more_is_always_found(texts: list[str], data: st.DataObject) -> None:
    built = index([EvaluationText(f"a/corpus/{at}", text) for at, text in enumerate(texts)])
    copy = data.draw(st.sampled_from(texts))
    copy = data.draw(
        st.sampled_from([copy, copy.upper(), copy.replace(" ", "\n"), copy.replace(" ", " - "), f"“{copy}”"])
    )
    around = [data.draw(st.lists(WORDS, max_size=40).map(" ".join)) for _ in range(2)]
    (in_passage, in_query) = built.matches(
        [Pair("q", f"{around[0]} {copy} {around[1]}", ""), Pair(f"{around[0]}\n{copy}\n{around[1]}", "p", "")]
    )
    assert in_passage is not None
    assert in_query is not None


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5), st.lists(TEXTS, max_size=5))
def test_any_texts_are_judged(pairs: list[tuple[str, str]], texts: list[str]) -> None:
    built = index([EvaluationText(str(at), text, text, at % 2 == 0) for at, text in enumerate(texts)])
    assert len(built.matches([Pair(query, passage, "") for query, passage in pairs])) == len(pairs)


@given(st.lists(EVALUATION, min_size=1, max_size=5), EVALUATION, st.integers(1, 6), st.floats(0, 1))
def test_ngrams_are_counted_as_a_plain_program_counts_them(
    texts: list[str], passage: str, min_hits: int, min_share: float
) -> None:
    rules = ContaminationRules(ngram=2, min_hits=min_hits, min_share=min_share, min_words=1_000)
    built = index([EvaluationText(f"a/{at}", text) for at, text in enumerate(texts)], rules)
    passage = f"{passage} {texts[0][: len(texts[0]) // 2]}"

    def ngrams(text: str) -> list[tuple[str, str]]:
        words = re.sub("水", " 水 ", text.replace("é", "e").replace("ß", "ss")).split()
        return list(pairwise(words))

    mine = ngrams(passage)
    enough = False
    for text in texts:
        theirs = set(ngrams(text))
        hits = len(theirs & set(mine))
        needed = max(min(min_hits, len(theirs)), min_share * min(len(theirs), len(mine)))
        enough = enough or (hits > 0 and hits >= needed)
    assert (built.matches([Pair("", passage, "")]) != [None]) == enough


@pytest.mark.parametrize("name", ["scifact", "med", "adi"])
def test_real_sets_are_found_again_diluted(real_data: Path, name: str) -> None:
    one = open_retrieval_set(real_data / "beir" / name)
    texts = [EvaluationText(each.id, each.text, each.title) for each in one.corpus()][:300]
    around = (f"{CLEAN} " * 20).split()
    pairs = [Pair("Trees", " ".join([*around, *text.text.split(), *around]), "") for text in texts]
    found = index(texts).matches(pairs)
    long = np.array([len(text.text.split()) > 12 for text in texts])
    assert all(each is not None for each, is_long in zip(found, long, strict=True) if is_long)
    assert long.sum() > 0.9 * len(texts)
