"""Filters of single pairs: is this a query and a passage that a reader could tell apart from noise?

They see plain text (``plain(text) == text``), ask nothing about where it comes from, and run on every pair of every
source just before the shards are made, so each is cheap and the cheapest come first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from filters.scripts import letters_worth
from filters.text import normalise_for_id

if TYPE_CHECKING:
    from ccpairs.pair import Pair

_ASCII_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SIGNS = re.compile(r"[\W_]+")
_URL = re.compile(r"(?:\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://|\bwww\.)\S+")
_FAR_ENOUGH_FOR_A_URL = 40


class PairFilter(Protocol):
    """Decides about one pair and explains; frozen, with its thresholds as fields."""

    @property
    def name(self) -> str:
        """Name of the filter in settings and reports, snake_case."""
        ...

    def reason(self, pair: Pair) -> str | None:
        """Why the pair is rejected (snake_case, stable, in ``docs/filters.md``), or None where it may stay."""
        ...


@dataclass(frozen=True)
class EmptySide:
    """Drop pairs with nothing to read on one side."""

    name: ClassVar[str] = "empty_side"

    def reason(self, pair: Pair) -> str | None:
        if not pair.query.strip():
            return "empty_query"
        if not pair.passage.strip():
            return "empty_passage"
        return None


@dataclass(frozen=True)
class QueryLength:
    """Drop queries too short to ask anything, and those no encoder reads to their end.

    Lengths are in letters; a Han character counts three (:func:`filters.scripts.letters_worth`).
    """

    min_letters: int = 3
    max_letters: int = 16_384

    name: ClassVar[str] = "query_length"

    def reason(self, pair: Pair) -> str | None:
        if _is_shorter(pair.query, self.min_letters):
            return "query_too_short"
        if _is_longer(pair.query, self.max_letters):
            return "query_too_long"
        return None


@dataclass(frozen=True)
class PassageLength:
    """Drop passages too short to answer anything ("Yes.", "This."), and those no encoder reads to their end."""

    min_letters: int = 20
    max_letters: int = 32_768

    name: ClassVar[str] = "passage_length"

    def reason(self, pair: Pair) -> str | None:
        if _is_shorter(pair.passage, self.min_letters):
            return "passage_too_short"
        if _is_longer(pair.passage, self.max_letters):
            return "passage_too_long"
        return None


def _is_shorter(text: str, letters: int) -> bool:
    return len(text) < letters and letters_worth(text) < letters


def _is_longer(text: str, letters: int) -> bool:
    # No character is worth more than three letters.
    return len(text) * 3 > letters and letters_worth(text) > letters


@dataclass(frozen=True)
class Letters:
    """Drop pairs with a side of figures, signs or emoji: too few of its characters are letters, of whatever script."""

    min_share: float = 0.25

    name: ClassVar[str] = "letters"

    def reason(self, pair: Pair) -> str | None:
        if self._too_few(pair.query) or self._too_few(pair.passage):
            return "no_letters"
        return None

    def _too_few(self, text: str) -> bool:
        wanted = self.min_share * (len(text) - text.count(" "))
        known = text.encode("ascii", "ignore")
        letters = len(known) - len(known.translate(None, _ASCII_LETTERS))
        if letters < wanted and not text.isascii():
            letters = sum(map(str.isalpha, text))
        return letters == 0 or letters < wanted


@dataclass(frozen=True)
class UrlOnly:
    """Drop pairs with a side that is an address and hardly a word beside it."""

    min_letters: int = 3

    name: ClassVar[str] = "url_only"

    def reason(self, pair: Pair) -> str | None:
        if self._is_url(pair.query) or self._is_url(pair.passage):
            return "url_only"
        return None

    def _is_url(self, text: str) -> bool:
        start = text[:_FAR_ENOUGH_FOR_A_URL]
        if "://" not in start and "www." not in start:
            return False
        return letters_worth(_letters_and_digits(_URL.sub("", text))) < self.min_letters


@dataclass(frozen=True)
class PassageRepeatsQuery:
    """Drop passages that say the query again and nothing else: a pair of equals teaches nothing.

    Texts are compared by their letters and digits, so that case, punctuation and spacing make no difference.
    """

    min_new_letters: int = 10

    name: ClassVar[str] = "passage_repeats_query"

    def reason(self, pair: Pair) -> str | None:
        # A passage twice as long says more, whatever it says.
        if len(pair.passage) > 2 * (len(pair.query) + self.min_new_letters):
            return None
        query, passage = _letters_and_digits(pair.query), _letters_and_digits(pair.passage)
        if query and query in passage and letters_worth(passage) - letters_worth(query) < self.min_new_letters:
            return self.name
        return None


def _letters_and_digits(text: str) -> str:
    return _SIGNS.sub("", normalise_for_id(text))


def default_pair_filters() -> tuple[PairFilter, ...]:
    """The filters of a build, cheapest first."""
    return EmptySide(), QueryLength(), PassageLength(), UrlOnly(), PassageRepeatsQuery(), Letters()


def first_reason(filters: Iterable[PairFilter], pair: Pair) -> str | None:
    """The reason of the first filter that rejects the pair, or None where all let it pass."""
    for pair_filter in filters:
        reason = pair_filter.reason(pair)
        if reason is not None:
            return reason
    return None
