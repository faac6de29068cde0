"""Filters of whole texts of the web, in the manner of Gopher's and RedPajama's: does this read like prose?

They see the main text of one page, a line per paragraph. Most thresholds are Gopher's; where those were chosen for
English they are widened, and a rule that cannot be fair to a script (counting words where no spaces stand, capitals
where there are none) does not apply to it. None drops a page for its language.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import ClassVar, Protocol

from filters.scripts import letters_worth, unspaced_characters, words_worth


class TextFilter(Protocol):
    """Decides about one text and explains; frozen, with its thresholds as fields."""

    @property
    def name(self) -> str:
        """Name of the filter in settings and reports, snake_case."""
        ...

    def reason(self, text: str) -> str | None:
        """Why the text is rejected (snake_case, stable, in ``docs/filters.md``), or None where it may stay.

        Lines are paragraphs, list items and headings. A text of which nothing is known passes (an empty one, say).
        """
        ...


class _Reading:
    """What several filters ask about one text, found once."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        return [line for line in map(str.strip, self.text.split("\n")) if line]

    @cached_property
    def words(self) -> list[str]:
        return self.text.split()

    @cached_property
    def lower_words(self) -> list[str]:
        return self.text.lower().split()

    @cached_property
    def letters(self) -> int:
        """Characters that are no white space."""
        return sum(map(len, self.words))

    @cached_property
    def unspaced(self) -> int:
        return unspaced_characters(self.text)

    @cached_property
    def has_spaced_words(self) -> bool:
        """White space parts nearly all of its words, so that counting and measuring them means something."""
        return self.unspaced * 5 < self.letters

    @cached_property
    def alphabetic_words(self) -> int:
        return sum(map(_has_letter, self.words))


@lru_cache(maxsize=1)
def _read(text: str) -> _Reading:
    return _Reading(text)


_LETTER = re.compile(r"[^\W\d_]")


def _has_letter(word: str) -> bool:
    return word.isalpha() or word[:-1].isalpha() or _LETTER.search(word) is not None


@dataclass(frozen=True)
class WordCount:
    """Gopher: at least 50 words, at most 100,000. Scripts without spaces count 2.5 characters a word."""

    min_words: int = 50
    max_words: int = 100_000

    name: ClassVar[str] = "word_count"

    def reason(self, text: str) -> str | None:
        page = _read(text)
        words = words_worth(len(page.words), page.unspaced)
        if words < self.min_words:
            return "too_few_words"
        return "too_many_words" if words > self.max_words else None


@dataclass(frozen=True)
class MeanWordLength:
    """Gopher: 3 to 10 letters, here up to 12 for Finnish or Malayalam; a Hangul syllable counts three."""

    min_letters: float = 3.0
    max_letters: float = 12.0

    name: ClassVar[str] = "mean_word_length"

    def reason(self, text: str) -> str | None:
        page = _read(text)
        if not page.words or not page.has_spaced_words:
            return None
        mean = (letters_worth(text) - len(text) + page.letters) / len(page.words)
        return None if self.min_letters <= mean <= self.max_letters else self.name


@dataclass(frozen=True)
class SymbolsPerWord:
    """Gopher: at most one hash sign or ellipsis to ten words."""

    max_ratio: float = 0.1

    name: ClassVar[str] = "symbols_per_word"

    def reason(self, text: str) -> str | None:
        page = _read(text)
        symbols = text.count("#") + text.count("\u2026") + text.count("...")
        words = words_worth(len(page.words), page.unspaced)
        return self.name if symbols > self.max_ratio * words else None


@dataclass(frozen=True)
class BulletLines:
    """Gopher: at most 90 % of the lines begin with a bullet."""

    max_share: float = 0.9

    name: ClassVar[str] = "bullet_lines"

    def reason(self, text: str) -> str | None:
        lines = _read(text).lines
        bullets = sum(line[0] in _BULLETS for line in lines)
        return self.name if bullets > self.max_share * len(lines) else None


_BULLETS = frozenset(
    "\u2022\u2023\u25b6\u25c0\u25e6\u25a0\u25a1\u25aa\u25ab\u25cf\u25cb\u2043\u2219\u00b7*-\u2013\u27a2\u2713\u2714"
)


@dataclass(frozen=True)
class EllipsisLines:
    """Gopher: at most 30 % of the lines break off in an ellipsis, as teasers do. One such line proves nothing."""

    max_share: float = 0.3
    min_lines: int = 2

    name: ClassVar[str] = "ellipsis_lines"

    def reason(self, text: str) -> str | None:
        lines = _read(text).lines
        broken_off = sum(line.endswith(("...", "\u2026", "[\u2026]", "[...]")) for line in lines)
        return self.name if broken_off >= self.min_lines and broken_off > self.max_share * len(lines) else None


@dataclass(frozen=True)
class AlphabeticWords:
    """Gopher asks for a letter in 80 % of the words, which drops recipes too; tables of results have far fewer."""

    min_share: float = 0.7

    name: ClassVar[str] = "alphabetic_words"

    def reason(self, text: str) -> str | None:
        page = _read(text)
        if not page.has_spaced_words:
            return None
        least = self.min_share * len(page.words)
        # Most words are letters alone, and looking for that is cheaper.
        return self.name if sum(map(str.isalpha, page.words)) < least and page.alphabetic_words < least else None


@dataclass(frozen=True)
class StopWords:
    """Gopher asks for two of eight English stop words. Pages in other languages have none, so this one looks only at
    text in plain ASCII letters, and knows the commonest words of the many languages that are written so.
    """

    min_words: int = 2
    min_text_words: int = 50

    name: ClassVar[str] = "stop_words"

    def reason(self, text: str) -> str | None:
        page = _read(text)
        if len(page.words) < self.min_text_words or not (text.isascii() or _OTHER_LETTERS.search(text) is None):
            return None
        return self.name if len(_STOP_WORDS.intersection(page.lower_words)) < self.min_words else None


# Beyond ASCII, all but the signs that stand in English too.
_OTHER_LETTERS = re.compile("[^\x00-\x7f\u00a0-\u00bf\u2000-\u206f\u20a0-\u2bff]")
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        # English; Dutch, German, Scandinavian; Romance and Latin; Malay, Tagalog, Javanese; Swahili, Zulu, Xhosa,
        # Shona, Somali, Oromo, Hausa, Malagasy, Kinyarwanda; Finnish, Estonian, Slavic, Uzbek, Turkish, Albanian,
        # Haitian, Welsh, Irish, Maori, Samoan, Basque, Esperanto; romanised Hindi and Urdu
        """the be to of and that have with for is are this was you
    de het een van en dat der die und das mit von zu og det er som att ett av
    la el los que y en un una es por con il di che non per les des est du et le os um uma para com in ut sed cum ad
    yang dan di untuk ini itu dengan ang ng sa mga at na ng ing lan iku kanthi
    ya wa ni kwa na katika za ku uku ukuba ukuthi uma futhi kanye kodwa ngoba kanti lapho yini kakhulu ngemva emva
    abantu xa okanye kwaye kunye kuba ngoku kodwa nga ngo ka ndi ne mu pa kuti zvi iyo oo ka
    waa ku ee fi kan akka da ta ba don
    ny sy dia fa amin ari mu na ko
    ja on ei se et ka oli i w na z se je su do va bu ve bir bilan uchun ham dhe i nga ak nan se yo yn ar mae agus an
    te ka ki he o e le eta da la kaj estas hai ke mein aur ki ka""",
    )
)


@dataclass(frozen=True)
class DuplicateLines:
    """Gopher: at most 30 % of the lines repeat an earlier one, and they hold at most 20 % of the characters.

    Short lines, such as the cells of a table, are not counted, but their characters are.
    """

    max_share_of_lines: float = 0.3
    max_share_of_chars: float = 0.2
    min_chars: int = 10

    name: ClassVar[str] = "duplicate_lines"

    def reason(self, text: str) -> str | None:
        lines = _read(text).lines
        if len(set(lines)) == len(lines):
            return None
        chars = sum(map(len, lines))
        if chars - sum(map(len, set(lines))) > self.max_share_of_chars * chars:
            return self.name
        lines = [line for line in lines if len(line) >= self.min_chars]
        return self.name if len(lines) - len(set(lines)) > self.max_share_of_lines * len(lines) else None


@dataclass(frozen=True)
class RepeatedPhrase:
    """Gopher: the commonest pair, triple and quadruple of words holds at most 20, 18 and 16 % of the characters."""

    max_share_of_2: float = 0.20
    max_share_of_3: float = 0.18
    max_share_of_4: float = 0.16

    name: ClassVar[str] = "repeated_phrase"

    def reason(self, text: str) -> str | None:
        page = _read(text)
        if not page.has_spaced_words:
            return None
        words = page.lower_words
        counts = Counter(words)
        times = max(counts.values(), default=0)
        longest_word = max(map(len, counts), default=0)
        heaviest_word = max((len(word) * count for word, count in counts.items()), default=0)
        for length, share in ((2, self.max_share_of_2), (3, self.max_share_of_3), (4, self.max_share_of_4)):
            # No phrase comes more often than a part of it, or holds more characters than all its words do together.
            most = length * min(times * longest_word, heaviest_word)
            if len(words) <= length or most <= share * page.letters:
                continue
            phrases = Counter(zip(*(islice(words, start, None) for start in range(length)), strict=False))
            times = max(phrases.values())
            longest = max(sum(map(len, phrase)) for phrase, count in phrases.items() if count == times)
            if times > 1 and times * longest > share * page.letters:
                return self.name
        return None


@dataclass(frozen=True)
class UniqueWords:
    """RedPajama's share of distinct words, of the first words only, since it falls with the length of any text."""

    min_share: float = 0.15
    first_words: int = 1000

    name: ClassVar[str] = "unique_words"

    def reason(self, text: str) -> str | None:
        page = _read(text)
        if not page.has_spaced_words:
            return None
        words = page.lower_words[: self.first_words]
        return self.name if len(set(words)) < self.min_share * len(words) else None


@dataclass(frozen=True)
class LoremIpsum:
    """C4, RedPajama: a text that fills a layout."""

    name: ClassVar[str] = "lorem_ipsum"

    def reason(self, text: str) -> str | None:
        return self.name if "lorem ipsum" in text.lower() else None


@dataclass(frozen=True)
class CurlyBrackets:
    """C4 drops every page with a curly bracket, for scripts that leak into it; here only where they are many."""

    max_share: float = 0.02

    name: ClassVar[str] = "curly_brackets"

    def reason(self, text: str) -> str | None:
        brackets = text.count("{") + text.count("}")
        return self.name if brackets and brackets > self.max_share * _read(text).letters else None


@dataclass(frozen=True)
class UpperCaseWords:
    """RedPajama's share of words in capitals (of two letters or more)."""

    max_share: float = 0.4

    name: ClassVar[str] = "upper_case_words"

    def reason(self, text: str) -> str | None:
        page = _read(text)
        capitals = sum(len(word) > 1 for word in filter(str.isupper, page.words))
        return self.name if capitals > self.max_share * len(page.words) else None


@dataclass(frozen=True)
class SentenceEnds:
    """C4 and RedPajama look for lines that end like sentences. Here it is enough that sentences end somewhere: lists of
    names, goods or links have hardly any. Thai and Lao are let pass, for they end sentences with a space.
    """

    min_per_100_words: float = 1.0

    name: ClassVar[str] = "sentence_ends"

    def reason(self, text: str) -> str | None:
        page = _read(text)
        ends = len(_SENTENCE_END.findall(text))
        words = words_worth(len(page.words), page.unspaced)
        if 100 * ends >= self.min_per_100_words * words:
            return None
        return self.name if len(_THAI_OR_LAO.findall(text)) * 5 < page.letters else None


_SENTENCE_END = re.compile(
    "[.!?\u2026\u0589\u061f\u06d4\u0964\u1362\u17d4\u104b\u0f0d][\"')\u2019\u201d\u00bb]?(?!\\S)|[\u3002\uff01\uff1f\uff61]"
)
_THAI_OR_LAO = re.compile("[\u0e01-\u0eff]")


def default_page_filters() -> tuple[TextFilter, ...]:
    """The filters of a page, cheapest first."""
    return (
        WordCount(),
        CurlyBrackets(),
        LoremIpsum(),
        SymbolsPerWord(),
        MeanWordLength(),
        BulletLines(),
        EllipsisLines(),
        DuplicateLines(),
        SentenceEnds(),
        UpperCaseWords(),
        AlphabeticWords(),
        UniqueWords(),
        StopWords(),
        RepeatedPhrase(),
    )


def first_text_reason(filters: Iterable[TextFilter], text: str) -> str | None:
    """The reason of the first filter that rejects the text, or None where all let it pass."""
    for text_filter in filters:
        reason = text_filter.reason(text)
        if reason is not None:
            return reason
    return None
