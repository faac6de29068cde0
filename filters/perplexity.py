"""Perplexity as a filter: text that a language model of its language finds improbable is rarely prose.

The filter decides from scores that are in the pair and computes none. Its thresholds belong to the models that gave
the scores: those of one model mean nothing for another's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from ccpairs.pair import Pair


HIGH_PERPLEXITY = "high_perplexity"


@dataclass(frozen=True)
class Perplexity:
    """Drop pairs whose passage has a perplexity of its language's threshold or more.

    ``highest`` holds the thresholds by language (ISO 639-1). A pair without language or perplexity, or in a language
    without a threshold, passes. CCNet's *tail* begins at its threshold, too.
    """

    highest: Mapping[str, float] = field(default_factory=dict)

    name: ClassVar[str] = "perplexity"

    def reason(self, pair: Pair) -> str | None:
        if pair.perplexity is None or pair.language is None:
            return None
        highest = self.highest.get(pair.language)
        return HIGH_PERPLEXITY if highest is not None and pair.perplexity >= highest else None


class Limit(NamedTuple):
    """A threshold as a user gives it: a perplexity, or a percentile (1 to 99) of the model's calibration."""

    value: float
    is_percentile: bool

    def __str__(self) -> str:
        return ("p" if self.is_percentile else "") + repr(self.value).removesuffix(".0")


EVERY_LANGUAGE = "*"


class Limits(NamedTuple):
    """Thresholds by language; under ``*`` the one of all other languages. Empty: nothing is filtered."""

    by_language: Mapping[str, Limit]

    def thresholds(self, percentiles: Mapping[str, Callable[[int], float]]) -> dict[str, float]:
        """The perplexities for the languages that there are models of.

        ``percentiles`` gives for each language what turns a percentile of its model into a perplexity
        (``LanguageModel.percentile``). Raises ``ValueError`` for a limit of a language without a model.
        """
        missing = sorted(self.by_language.keys() - {*percentiles, EVERY_LANGUAGE})
        if missing:
            raise ValueError(f"there is no language model of {', '.join(missing)}")
        found = {}
        for language, percentile in percentiles.items():
            limit = self.by_language.get(language) or self.by_language.get(EVERY_LANGUAGE)
            if limit is not None:
                found[language] = percentile(int(limit.value)) if limit.is_percentile else limit.value
        return found

    def __str__(self) -> str:
        shown = (
            str(limit) if language == EVERY_LANGUAGE else f"{language}={limit}"
            for language, limit in self.by_language.items()
        )
        return ",".join(shown) or "off"


def parse_limits(text: str) -> Limits:
    """``340``, ``p90``, ``en=340,de=p60`` or ``off`` as limits; raises ``ValueError`` that says what was expected."""
    if text.strip().lower() == "off":
        return Limits({})
    limits: dict[str, Limit] = {}
    for part in text.split(","):
        before, equals, after = part.partition("=")
        language = before.strip().lower() if equals else EVERY_LANGUAGE
        if not language or language in limits:
            raise ValueError(_EXPECTED)
        limits[language] = _limit((after if equals else before).strip().lower())
    return Limits(limits)


def _limit(text: str) -> Limit:
    is_percentile = text.startswith("p")
    try:
        value = float(int(text[1:])) if is_percentile else float(text)
    except ValueError:
        raise ValueError(_EXPECTED) from None
    if not (1 <= value <= 99 if is_percentile else 1 <= value < float("inf")):
        raise ValueError(_EXPECTED)
    return Limit(value, is_percentile)


_EXPECTED = "off, a perplexity such as 340, a percentile such as p90, or one for each language: en=340,de=p60"
