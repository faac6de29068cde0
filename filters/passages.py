"""Passages: consecutive paragraphs of a text, put together to a bounded length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from filters.sentences import cut_at_sentences
from filters.text import plain

MAX_CHARS = 1000
MIN_CHARS = 150
LONG_LINE = 100
SENTENCE = 30
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
