"""How many texts of a side score higher than the gold text: counted exactly, and most of them never looked at.

The gold's score is known first, so only texts that can pass it matter (MaxScore: Turtle and Flood, "Query evaluation:
strategies and optimizations", 1995, with a threshold from the start):

1. Words are read from the rarest on. A text whose sum passes the gold's has beaten it, whatever follows. A question
   that is beaten ``max_rank`` times leaves: wrong pairs do so after a word or two.
2. When all words that are left cannot lift a text from nothing above the gold, no new texts are taken up. Those that
   were met and cannot get there any more are dropped, word by word.
3. When the next word is in more texts than are left, these are scored one by one from their own words.

Sums are of float64, so their order hardly counts, and what is within 1e-9 of the threshold is summed up again in one
order for all. Beating means by more than a millionth of the score: equal texts never beat one another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.ranks.bm25_index import SideIndex, Weighed
from models.ranks.rule import competes
from models.static.parallel import by_weight, compiled, in_slices

TOLERANCE = 1e-6
_SURE = 1e-9
_DEAR = 0.3
"""Reading one of its words where it stands costs so much of adding to one score, measured."""


class Competitors(NamedTuple):
    """Of members the hashes of their texts, uint64 [P], and their keys (:class:`models.ranks.questions.Keys`)."""

    texts: NDArray[np.uint64]
    starts: NDArray[np.int64]
    keys: NDArray[np.uint64]


class Excluded(NamedTuple):
    """Of n pairs texts, uint64 [n, a], and keys, uint64 [n, b], whose members are no competitors; 0 for none."""

    texts: NDArray[np.uint64]
    keys: NDArray[np.uint64]


class _Scratch(NamedTuple):
    scores: NDArray[np.float64]
    touched: NDArray[np.int32]
    likely: NDArray[np.int32]
    question: NDArray[np.float32]
    order: NDArray[np.int64]
    rest: NDArray[np.float64]


def ranks_in(
    side: SideIndex,
    members: Competitors,
    questions: Weighed,
    golds: Weighed,
    excluded: Excluded,
    rows: NDArray[np.int64],
    max_rank: int,
    threads: int,
) -> NDArray[np.int32]:
    """1 + how many members beat the gold, int32 [n], at most ``max_rank + 1``; 0 where a pair is not among the rows.

    A gold without a word of its question gets ``max_rank + 1``: BM25 knows nothing that speaks for it.
    """
    ranks = np.zeros(len(questions.starts) - 1, np.int32)
    sizes = np.diff(questions.starts)
    longest = int(sizes.max(initial=0))

    def count(begin: int, end: int) -> None:
        size = len(side.starts) - 1
        scratch = _Scratch(
            np.zeros(size),
            np.empty(size + 1, np.int32),
            np.empty(size, np.int32),
            np.zeros(len(side.best), np.float32),
            np.empty(longest, np.int64),
            np.empty(longest + 1),
        )
        _rank_rows(side, members, questions, golds, excluded, rows[begin:end], max_rank, scratch, ranks)

    in_slices(count, by_weight(np.cumsum(sizes[rows] + 10), min(threads, max(1, len(rows) // 16))))
    return ranks


@compiled
def _rank_rows(
    side: SideIndex,
    members: Competitors,
    questions: Weighed,
    golds: Weighed,
    excluded: Excluded,
    rows: NDArray[np.int64],
    max_rank: int,
    scratch: _Scratch,
    ranks: NDArray[np.int32],
) -> None:
    for row in rows:
        gold = _score(questions, golds, row)
        if gold == 0:
            ranks[row] = max_rank + 1
        else:
            ranks[row] = 1 + _beaten(side, members, questions, excluded, row, gold * (1 + TOLERANCE), max_rank, scratch)


@compiled
def _score(questions: Weighed, golds: Weighed, row: int) -> float:
    """The score of a pair: the sum over the words that both sides have, ascending."""
    score, place, end = 0.0, golds.starts[row], golds.starts[row + 1]
    for at in range(questions.starts[row], questions.starts[row + 1]):
        term = questions.terms[at]
        while place < end and golds.terms[place] < term:
            place += 1
        if place < end and golds.terms[place] == term:
            score += np.float64(questions.weights[at]) * np.float64(golds.weights[place])
    return score


@compiled
def _beaten(
    side: SideIndex,
    members: Competitors,
    questions: Weighed,
    excluded: Excluded,
    row: int,
    threshold: float,
    most: int,
    scratch: _Scratch,
) -> int:
    """How many competitors score above the threshold, at most ``most``."""
    words = _order_words(side, questions, row, scratch)
    scores, rest = scratch.scores, scratch.rest
    sure = threshold * (1 + _SURE)
    beaten, touched, at = 0, 0, 0
    while at < words and rest[at] > threshold * (1 - _SURE) and beaten < most:
        word = scratch.order[at]
        at += 1
        term, factor = questions.terms[word], np.float64(questions.weights[word])
        for place in range(side.holder_starts[term], side.holder_starts[term + 1]):
            text = side.holders[place]
            before = scores[text]
            scratch.touched[touched] = text  # without a branch: it would be guessed wrong half of the time
            touched += before == 0
            scores[text] = before + factor * side.holder_weights[place]
            if scores[text] > sure and before <= sure and _competes(members, excluded, row, text):
                beaten += 1
                if beaten == most:
                    break
    likely = scratch.likely
    left = _narrow(scratch.touched[:touched], scores, threshold * (1 - _SURE) - rest[at], sure, likely)
    mean_words = len(side.terms) / len(members.texts)
    while at < words and beaten < most:
        word = scratch.order[at]
        term, factor = questions.terms[word], np.float64(questions.weights[word])
        if _DEAR * left * mean_words < side.holder_starts[term + 1] - side.holder_starts[term]:
            break
        at += 1
        for place in range(side.holder_starts[term], side.holder_starts[term + 1]):
            text = side.holders[place]
            before = scores[text]
            scores[text] = before + (factor * side.holder_weights[place] if before > 0 else 0.0)
            if scores[text] > sure and before <= sure and _competes(members, excluded, row, text):
                beaten += 1
                if beaten == most:
                    break
        left = _narrow(likely[:left], scores, threshold * (1 - _SURE) - rest[at], sure, likely)
    if beaten < most and left:
        beaten += _beaten_one_by_one(
            side, members, questions, excluded, row, threshold, most - beaten, likely[:left], scratch.question
        )
    for place in range(touched):
        scores[scratch.touched[place]] = 0.0
    return beaten


@compiled
def _order_words(side: SideIndex, questions: Weighed, row: int, scratch: _Scratch) -> int:
    """The words of a question that the side has, the rarest first, and the most that each and all after it can add."""
    words = 0
    unnumbered = len(side.best)
    for at in range(questions.starts[row], questions.starts[row + 1]):
        term = questions.terms[at]
        if term < unnumbered and side.holder_starts[term + 1] > side.holder_starts[term]:
            scratch.order[words] = (side.holder_starts[term + 1] - side.holder_starts[term]) << 32 | (
                at - questions.starts[row]
            )
            words += 1
    scratch.order[:words].sort()
    scratch.rest[words] = 0.0
    for place in range(words - 1, -1, -1):
        at = questions.starts[row] + (scratch.order[place] & 0xFFFFFFFF)
        scratch.order[place] = at
        most = np.float64(questions.weights[at]) * np.float64(side.best[questions.terms[at]])
        scratch.rest[place] = scratch.rest[place + 1] + most
    return words


@compiled
def _narrow(
    texts: NDArray[np.int32], scores: NDArray[np.float64], low: float, sure: float, likely: NDArray[np.int32]
) -> int:
    """Write those of the texts that are above ``low`` and not surely above the gold into ``likely``; how many."""
    left = 0
    for place in range(len(texts)):
        score = scores[texts[place]]
        likely[left] = texts[place]
        left += low < score <= sure
    return left


@compiled
def _beaten_one_by_one(
    side: SideIndex,
    members: Competitors,
    questions: Weighed,
    excluded: Excluded,
    row: int,
    threshold: float,
    most: int,
    likely: NDArray[np.int32],
    question: NDArray[np.float32],
) -> int:
    """How many competitors among the likely texts score above the threshold, summed up as the gold's score is."""
    begin, end, unnumbered = questions.starts[row], questions.starts[row + 1], len(side.best)
    for at in range(begin, end):
        if questions.terms[at] < unnumbered:
            question[questions.terms[at]] = questions.weights[at]
    beaten = 0
    for text in likely:
        if not _competes(members, excluded, row, text):
            continue
        score = 0.0
        for place in range(side.starts[text], side.starts[text + 1]):
            score += np.float64(question[side.terms[place]]) * np.float64(side.weights[place])
        beaten += score > threshold
        if beaten == most:
            break
    for at in range(begin, end):
        if questions.terms[at] < unnumbered:
            question[questions.terms[at]] = 0.0
    return beaten


@compiled
def _competes(members: Competitors, excluded: Excluded, row: int, text: int) -> bool:
    """Whether a member shares neither a text nor a key with the pair."""
    begin, end = members.starts[text], members.starts[text + 1]
    return competes(members.texts[text], begin, end, members.keys, excluded.texts[row], excluded.keys[row])
