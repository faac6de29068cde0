from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ccpairs.pair import Pair
from filters.decontamination import ContaminationRules
from filters.language import Language
from filters.perplexity import Perplexity
from models.language_id import LanguageIdentifier, default_model_path
from models.lm.model import LanguageModel, bundled_model
from pipelines.evaluation_sets import open_evaluation_sets, prepare_index
from pipelines.text_quality import TextQuality, loaded

ENGLISH = Pair(
    "Why is the sea salty?",
    "Rivers carry dissolved salts from the rocks to the sea, and the sun takes only the water away again.",
    "title_comment",
)
GERMAN = Pair(
    "Warum ist das Meer salzig?",
    "Flüsse tragen gelöste Salze aus dem Gestein ins Meer, und die Sonne nimmt nur das Wasser wieder fort.",
    "title_comment",
)
SHUFFLED = ENGLISH._replace(
    passage="away rocks dissolved the only sun again to sea from water carry takes salts and the Rivers the the"
)


def judged(quality: TextQuality, *pairs: Pair) -> list[tuple[Pair, str | None, str | None]]:
    return list(quality.judge()(list(pairs)))


def test_where_nothing_is_asked_pairs_pass_as_they_are() -> None:
    assert judged(TextQuality(), ENGLISH, GERMAN) == [(ENGLISH, None, None), (GERMAN, None, None)]


def test_pairs_in_other_languages_are_rejected_with_their_scores() -> None:
    quality = TextQuality(language=Language(("en",)), language_model=default_model_path())
    (english, kept, _), (german, reason, _) = judged(quality, ENGLISH, GERMAN)
    assert (english.language, kept) == ("en", None)
    assert (german.language, reason) == ("de", "wrong_language")
    assert all(score is not None and score > 0.8 for score in (english.language_score, german.language_score))


def test_what_the_dump_says_of_its_language_holds() -> None:
    quality = TextQuality(language=Language(("en",)), language_model=default_model_path())
    stated = GERMAN._replace(language="en")
    assert judged(quality, stated) == [(stated, None, None)]


def english_model() -> str:
    path = bundled_model("en")
    assert path is not None
    return str(path)


def test_a_pair_has_its_perplexity_whatever_else_speaks_against_it() -> None:
    """Or another threshold for the language could not be applied to what is in the record."""
    quality = TextQuality(
        language=Language(("de",)),
        perplexity=Perplexity({"en": 1.0}),
        language_model=default_model_path(),
        language_models={"en": english_model()},
    )
    (english, reason, _), (german, kept, _) = judged(quality, ENGLISH, GERMAN)
    assert reason == "wrong_language"
    assert english.perplexity is not None
    assert english.perplexity > 1
    assert (german.perplexity, kept) == (None, None)  # there is no model of it


def test_words_in_no_order_have_a_high_perplexity() -> None:
    quality = TextQuality(language_models={"en": english_model()})
    texts = [pair._replace(language="en") for pair in (ENGLISH, SHUFFLED)]
    (prose, _, _), (noise, _, _) = judged(quality, *texts)
    assert prose.perplexity is not None
    assert noise.perplexity is not None
    assert noise.perplexity > 2 * prose.perplexity
    between = TextQuality(
        perplexity=Perplexity({"en": (prose.perplexity + noise.perplexity) / 2}),
        language_models={"en": english_model()},
    )
    assert [reason for _, reason, _ in judged(between, *texts)] == [None, "high_perplexity"]


@pytest.fixture(scope="module")
def evaluation_index(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sea")
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": ENGLISH.query}) + "\n")
    (folder / "corpus.jsonl").write_text(json.dumps({"_id": "d1", "title": "", "text": GERMAN.passage}) + "\n")
    return prepare_index(open_evaluation_sets([str(folder)]), str(folder), ContaminationRules()).path


def test_test_questions_go_before_any_threshold_sees_them(evaluation_index: str) -> None:
    quality = TextQuality(
        language=Language(("fr",)), language_model=default_model_path(), evaluation_texts=evaluation_index
    )
    other = ENGLISH._replace(query="What makes sea water taste of salt?")
    found = judged(quality, ENGLISH, GERMAN, other)
    assert [reason for _, reason, _ in found] == ["contaminated_exact", "contaminated_exact", "wrong_language"]
    details = [detail for _, _, detail in found]
    assert "q1" in (details[0] or "")
    assert "d1" in (details[1] or "")
    assert found[2][0].query == other.query


def test_a_model_is_loaded_once() -> None:
    path = default_model_path()
    assert loaded(LanguageIdentifier, path) is loaded(LanguageIdentifier, path)
    assert loaded(LanguageModel.load, english_model()) is loaded(LanguageModel.load, english_model())


def test_settings_travel_without_their_models(tmp_path: Path) -> None:
    import pickle

    quality: Any = pickle.loads(
        pickle.dumps(TextQuality(language_model=default_model_path(), language_models={"en": english_model()}))
    )
    assert len(pickle.dumps(quality)) < 2_000
    assert judged(quality, ENGLISH)[0][0].perplexity is not None
