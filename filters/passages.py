"""Passages: consecutive paragraphs of a text, put together to a bounded length."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from filters.sentences import cut_at_sentences
from filters.text import plain

MAX_CHARS = 1000
MIN_CHARS = 150
LONG_LINE = 100
SENTENCE = 30
_SENTENCE_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s*")
MIN_SHARE = 0.4
"""A passage that tells what a summary says has this share of its words; only words of some passage count as found."""
# East Asian scripts put no space between words: there each character stands for one.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_ENDS = frozenset(".!?…:;\"'”’»)।。！？")


def passages(paragraphs: Sequence[str], max_chars: int = MAX_CHARS, min_chars: int = MIN_CHARS) -> list[str]:
    """Put consecutive paragraphs together to passages of ``min_chars`` to ``max_chars`` characters, as plain text.

    The borders are set so that passages come out about equally long: filled up one by one, the last would be whatever
    is left over. A paragraph longer than ``max_chars`` is cut at ends of sentences. Where all of the text is shorter
    than ``min_chars``, and for a rest that no neighbour has room for, nothing comes out.
    """
    pieces = [piece for text in map(plain, paragraphs) for piece in cut_at_sentences(text, max_chars)]
    if not pieces:
        return []
    ends = [0]
    for piece in pieces:
        ends.append(ends[-1] + len(piece) + 1)
    total = ends[-1] - 1
    wanted = -(-total // max_chars)
    made = [" ".join(pieces[start:end]) for start, end in pairwise(_borders(ends, max_chars, total / wanted))]
    return [passage for passage in made if len(passage) >= min_chars]


def _borders(ends: Sequence[int], max_chars: int, aim: float) -> Iterator[int]:
    """Where passages begin, and the end of the last, as numbers of pieces; ``ends`` are the pieces' running lengths."""
    start = 0
    yield 0
    for i in range(1, len(ends) - 1):
        here, after = ends[i] - ends[start] - 1, ends[i + 1] - ends[start] - 1
        # A border stands where the length is nearest to the aim, and must where the next piece has no room.
        if after > max_chars or after - aim > aim - here:
            start = i
            yield i
    yield len(ends) - 1


def running_text(lines: Sequence[str]) -> list[str]:
    """The lines of a page's plain text that are running text, and the short ones between two of those.

    Without the page's structure only the lines themselves tell a paragraph from a menu: paragraphs are long, or end
    as sentences do.
    """
    stripped = [line for line in map(str.strip, lines) if line]
    running = [len(line) >= LONG_LINE or (len(line) >= SENTENCE and line[-1] in _ENDS) for line in stripped]
    return [
        line
        for i, line in enumerate(stripped)
        if running[i] or (0 < i < len(stripped) - 1 and running[i - 1] and running[i + 1])
    ]


class PassageWords:
    """The words of the passages of one text, to find the passage that a summary of a part of it is about."""

    def __init__(self, passages: Sequence[str]) -> None:
        self._passages = passages
        self._sentences = [[_words(sentence) for sentence in _SENTENCE_END.split(passage)] for passage in passages]
        self._words = [frozenset[str]().union(*sentences) for sentences in self._sentences]
        self._holders = Counter(word for words in self._words for word in words)

    def closest(self, summary: str, min_share: float = MIN_SHARE) -> str | None:
        """The passage that shares most words with the summary, or None where none shares enough of them.

        A word counts the less the more passages it is in: names of the main persons are everywhere, what happened
        is told once. Words count twice if they stand together in the sentence that shares most. Of equals the first
        passage is taken.
        """
        words = _words(summary)
        best, most = None, 0.0
        for passage, known, sentences in zip(self._passages, self._words, self._sentences, strict=True):
            if len(words & known) >= min_share * len(words):
                weight = self._weight(words & known) + max(self._weight(words & sentence) for sentence in sentences)
                if weight > most:
                    best, most = passage, weight
        return best

    def _weight(self, words: Iterable[str]) -> float:
        return sum(1 / self._holders[word] for word in sorted(words))


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))
