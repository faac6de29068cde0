"""What a build asks of texts beyond their shape: language, perplexity, contamination; and the judge that applies it.

:class:`TextQuality` is settings alone and travels to the workers; models stay where they are, as paths. A worker loads
each model once, however many threads and sources it serves. Scores are written into the pair before anything is decided
from them, so that other thresholds can be applied later to what is in the shards (``ccpairs refilter``): a pair that a
threshold rejects has the same scores as one that it lets pass.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias, TypeVar

from ccpairs.pair import Pair
from filters.decontamination import EvaluationTexts
from filters.language import Language, text_to_identify
from filters.pairs import PairFilter, first_reason
from filters.perplexity import Perplexity
from models.language_id import LanguageIdentifier, default_model_path
from models.lm.model import LanguageModel, bundled_model
from pipelines.duplicates import DuplicateLimits

Verdict: TypeAlias = tuple[Pair, str | None, str | None]
"""The pair with its scores, the reason against it or None, and a detail of that reason or None."""

Judge: TypeAlias = Callable[[Sequence[Pair]], Iterator[Verdict]]

T = TypeVar("T")

SHIPPED = "shipped"
"""In place of the path of a model that is installed with ccpairs, which may lie elsewhere on another machine."""


@dataclass(frozen=True)
class TextQuality:
    """The text-quality settings of one source. By default nothing is asked and nothing is scored.

    ``language_model`` and the values of ``language_models`` (by language) are local paths, or :data:`SHIPPED`: what
    each worker finds in its own installation. ``evaluation_texts`` is the path of a saved index.
    """

    language: Language | None = None
    perplexity: Perplexity | None = None
    duplicates: DuplicateLimits = field(default_factory=DuplicateLimits)
    language_model: str | None = None
    language_models: Mapping[str, str] = field(default_factory=dict)
    evaluation_texts: str | None = None
    described: Mapping[str, Any] = field(default_factory=dict)
    """The same as the manifest tells it: thresholds, and models by name and checksum, for paths say nothing."""

    @property
    def compares(self) -> bool:
        """Are a source's texts compared with each other?"""
        return self.duplicates != DuplicateLimits()

    def judge(self) -> Judge:
        """Load the models and give the function that judges pairs by them."""
        return _Judge(self)


class _Judge:
    def __init__(self, quality: TextQuality) -> None:
        self._thresholds: list[PairFilter] = [each for each in (quality.language, quality.perplexity) if each]
        self._identifier = language_identifier(quality.language_model) if quality.language_model else None
        self._models = {language: language_model(path, language) for language, path in quality.language_models.items()}
        self._evaluation = loaded(EvaluationTexts.load, quality.evaluation_texts) if quality.evaluation_texts else None

    def __call__(self, pairs: Sequence[Pair]) -> Iterator[Verdict]:
        # Contamination first: whatever other thresholds may bring back later, it must not be a test question.
        found = self._evaluation.matches(pairs) if self._evaluation is not None else [None] * len(pairs)
        clean = iter(self._scored([pair for pair, match in zip(pairs, found, strict=True) if match is None]))
        for pair, match in zip(pairs, found, strict=True):
            if match is not None:
                yield pair, match.reason, match.detail
                continue
            pair = next(clean)
            yield pair, first_reason(self._thresholds, pair), None

    def _scored(self, pairs: list[Pair]) -> list[Pair]:
        if self._identifier is not None:
            # What the dump itself says of its language holds.
            unknown = [number for number, pair in enumerate(pairs) if pair.language is None]
            texts = [text_to_identify(pairs[number].query, pairs[number].passage) for number in unknown]
            for number, (language, score) in zip(unknown, self._identifier.identify(texts), strict=True):
                pairs[number] = pairs[number]._replace(language=language, language_score=score)
        for language, model in self._models.items():
            spoken = [number for number, pair in enumerate(pairs) if pair.language == language]
            perplexities = model.perplexity([pairs[number].passage for number in spoken])
            for number, perplexity in zip(spoken, perplexities, strict=True):
                pairs[number] = pairs[number]._replace(perplexity=perplexity)
        return pairs


def language_identifier(path: str) -> LanguageIdentifier:
    """The identifier in a file, or the one that is installed; raises ``UserError`` where there is none."""
    return loaded(LanguageIdentifier, default_model_path() if path == SHIPPED else path)


def language_model(path: str, language: str = "en") -> LanguageModel:
    """The model in a directory, or the one of a language that is installed; raises ``UserError``."""
    shipped = str(bundled_model(language)) if path == SHIPPED else path
    return loaded(LanguageModel.load, shipped)


_LOADING = threading.Lock()


def loaded(load: Callable[[str], T], path: str) -> T:
    """What ``load(path)`` gives; loaded once in a process, whoever asks."""
    with _LOADING:  # two threads that ask at the same time must not load it twice
        model: T = _loaded(load, path)
    return model


@cache
def _loaded(load: Callable[[str], Any], path: str) -> Any:
    return load(path)
