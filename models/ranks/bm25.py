"""BM25 as a judge that needs no training: the ranks of both sides of a pair in a pool, exact up to ``max_rank``.

Each side has an index of its own. A word weighs in a text what BM25 gives it there, by the statistics of the text's
side (Lucene's variant and its own k1 1.2 and b 0.75; bm25s gives the same weights), and the score of a query and a
passage is the sum of the products of their words' weights. So one score serves both directions.

A search engine counts a question's words as they stand. That does for a short query; where a passage asks, its many
small words outweigh the rest. On real pairs, 40 % of them exchanged, mutual top-2 keeps 44 % of the right ones with
weights on both sides, 34 % with weights on one, and 21 % with k1 0.9 and b 0.4 besides; where 2 % of near mismatches
are kept, it is 44, 37 and 28 %. A list of English stop words helps the last (38 %). ``benchmarks/bm25_ranks.py`` prints
these figures. Stemmers, pairs of words and parts of words were tried, gained little and are left out.

A word is what ``models.evaluation.bm25`` takes for one. Where a script puts no space between words, a clause is a word,
and BM25 says little. The pool's statistics hold for pairs that are not in the pool, too.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ccpairs.storage import remove_on_failure
from models.ranks.bm25_beaten import Competitors, Excluded, ranks_in
from models.ranks.bm25_index import (
    Bags,
    SideIndex,
    Statistics,
    Weighed,
    bags_of,
    index_of,
    statistics_of,
    weighed,
)
from models.ranks.bm25_words import Vocabulary, look_up, words_of
from models.ranks.questions import Keys
from models.static.parallel import cores

VERSION = 2
"""Changes when the same pool would get other ranks, or its files another form."""

_TEXTS_AT_ONCE = 8_192
_FACTS = "bm25.json"

Hashes = NDArray[np.uint64]


class Bm25Ranks(NamedTuple):
    """Ranks of n pairs, int32 [n] each: 1 to ``max_rank + 1``.

    ``query`` is 0 where it was not asked for: where ``passage`` is ``max_rank + 1``.
    """

    passage: NDArray[np.int32]
    query: NDArray[np.int32]


class _Side(NamedTuple):
    held: SideIndex
    statistics: Statistics
    members: Competitors


class Bm25Ranker:
    """Counts ranks in one pool; safe to share among threads. Made by :meth:`of`, or found again by :meth:`load`."""

    def __init__(self, words: Hashes, slots: NDArray[np.int32], queries: _Side, passages: _Side, threads: int) -> None:
        self._words, self._slots = words, slots
        self._queries, self._passages = queries, passages
        self.threads = threads

    def __len__(self) -> int:
        return len(self._queries.members.texts)

    @classmethod
    def of(
        cls,
        queries: Sequence[str],
        passages: Sequence[str],
        query_texts: Hashes,
        passage_texts: Hashes,
        query_keys: Keys,
        passage_keys: Keys,
        *,
        threads: int | None = None,
    ) -> Bm25Ranker:
        """Index the P pairs of a pool.

        ``query_texts`` and ``passage_texts``, uint64 [P], are hashes of the texts, ``query_keys`` and
        ``passage_keys`` what tells with which pairs they share something.
        """
        _check_lengths(queries, passages, query_texts, passage_texts, query_keys.starts[1:], passage_keys.starts[1:])
        threads = threads or cores()
        vocabulary = Vocabulary()
        numbered = [_numbered(texts, vocabulary, threads) for texts in (queries, passages)]
        # The most frequent words get the lowest numbers: what is read most lies close together
        frequency = sum(np.bincount(ids, minlength=vocabulary.size) for ids, _ in numbered)
        order = np.argsort(-np.asarray(frequency), kind="stable")
        number = np.empty(len(order), np.int32)
        number[order] = np.arange(len(order), dtype=np.int32)
        sides = []
        told = (query_texts, query_keys), (passage_texts, passage_keys)
        for (ids, ends), (texts, keys) in zip(numbered, told, strict=True):
            bags = bags_of(number[ids], ends, threads)
            statistics = statistics_of(bags, vocabulary.size)
            held = index_of(weighed(bags, statistics, threads), vocabulary.size)
            sides.append(_Side(_fixed(held), _fixed(statistics), _fixed(Competitors(texts, *keys))))
        hashes, slots = vocabulary.ordered(order)
        return cls(_fixed_array(hashes), _fixed_array(slots), sides[0], sides[1], threads)

    def save(self, folder: Path) -> None:
        """Write the index as arrays that :meth:`load` maps, under a temporary name first.

        Where the folder is there already, it stays as it is. What a killed process left of the same index goes.
        """
        for left in folder.parent.glob(f"{folder.name}.*.part"):
            if not _runs(int(left.suffixes[-2].lstrip("."))):
                shutil.rmtree(left, ignore_errors=True)
        half = folder.with_name(f"{folder.name}.{os.getpid()}.part")
        shutil.rmtree(half, ignore_errors=True)
        with remove_on_failure(half):
            half.mkdir(parents=True)
            for name, array in self._arrays().items():
                np.save(half / f"{name}.npy", array)
            (half / _FACTS).write_text(json.dumps({"version": VERSION, "pairs": len(self)}), encoding="utf-8")
        try:
            half.rename(folder)
        except OSError:
            shutil.rmtree(half)
            if not (folder / _FACTS).is_file():
                raise

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> Bm25Ranker:
        """Open what :meth:`save` wrote; processes of one machine share its memory.

        Raises ``ValueError`` where another version wrote it.
        """
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        if facts["version"] != VERSION:
            raise ValueError(f"{folder} is of version {facts['version']}, not {VERSION}")

        def array(name: str) -> NDArray[Any]:
            path = folder / f"{name}.npy"
            try:
                return _fixed_array(np.asarray(np.load(path, mmap_mode="r")))
            except ValueError:  # nothing cannot be mapped
                return _fixed_array(np.load(path))

        def side(name: str) -> _Side:
            held = SideIndex(*(array(f"{name}-{field}") for field in SideIndex._fields))
            statistics = Statistics(*(array(f"{name}-{field}") for field in Statistics._fields))
            members = Competitors(*(array(f"{name}-competitor-{field}") for field in Competitors._fields))
            return _Side(held, statistics, members)

        sides = side("query"), side("passage")
        return cls(array("words"), array("slots"), *sides, threads or cores())

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {"words": self._words, "slots": self._slots}
        for name, side in (("query", self._queries), ("passage", self._passages)):
            fields = {**side.held._asdict(), **side.statistics._asdict()}
            fields |= {f"competitor-{field}": array for field, array in side.members._asdict().items()}
            arrays |= {f"{name}-{field}": array for field, array in fields.items()}
        return arrays

    def ranks(
        self,
        queries: Sequence[str],
        passages: Sequence[str],
        query_texts: Hashes,
        passage_texts: Hashes,
        keys: Hashes,
        *,
        max_rank: int = 20,
    ) -> Bm25Ranks:
        """Ranks of n pairs, in the pool or not.

        ``query_texts`` and ``passage_texts``, uint64 [n, a], are hashes of texts that are no competitors on that side,
        the pair's own first; ``keys``, uint64 [n, b], are keys whose members are none on either. 0 for none. A pair
        whose sides share no word gets ``max_rank + 1``.
        """
        _check_lengths(queries, passages, query_texts, passage_texts, keys)
        asked, answers = (
            weighed(bags, side.statistics, self.threads)
            for bags, side in zip(self._bags(queries, passages), (self._queries, self._passages), strict=True)
        )
        every = np.arange(len(queries))
        passage = self._in_side(self._passages, asked, answers, Excluded(passage_texts, keys), every, max_rank)
        found = np.flatnonzero(passage <= max_rank)
        query = self._in_side(self._queries, answers, asked, Excluded(query_texts, keys), found, max_rank)
        return Bm25Ranks(passage, query)

    def _bags(self, *sides: Sequence[str]) -> list[Bags]:
        """The words of each side's texts, with one number for a word on both, also where the pool lacks it."""
        found = [words_of(texts, self.threads) for texts in sides]
        hashes = np.concatenate([words.hashes for words in found])
        ids = look_up(hashes, self._words, self._slots, self.threads)
        parts = np.split(ids, np.cumsum([len(words.hashes) for words in found])[:-1])
        return [bags_of(part, words.ends, self.threads) for part, words in zip(parts, found, strict=True)]

    def _in_side(
        self,
        side: _Side,
        questions: Weighed,
        golds: Weighed,
        excluded: Excluded,
        rows: NDArray[np.int64],
        max_rank: int,
    ) -> NDArray[np.int32]:
        return ranks_in(side.held, side.members, questions, golds, _fixed(excluded), rows, max_rank, self.threads)


def _check_lengths(*columns: Sequence[str] | NDArray[Any]) -> None:
    """Kernels do not look whether an index is inside an array."""
    if len({*map(len, columns)}) > 1:
        raise ValueError(f"columns of different lengths: {', '.join(str(len(column)) for column in columns)}")


def _numbered(
    texts: Sequence[str], vocabulary: Vocabulary, threads: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The numbers of the words of all texts in order, and where each text ends."""
    ids, ends, size = [np.empty(0, np.int32)], [np.empty(0, np.int64)], 0
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        found = words_of(texts[start : start + _TEXTS_AT_ONCE], threads)
        ids.append(vocabulary.add(found.hashes))
        ends.append(found.ends + size)
        size += len(found.hashes)
    return np.concatenate(ids), np.concatenate(ends)


Arrays = TypeVar("Arrays", SideIndex, Statistics, Competitors, Excluded)


def _fixed(arrays: Arrays) -> Arrays:
    return type(arrays)(*[_fixed_array(array) for array in arrays])


def _fixed_array(array: NDArray[Any]) -> NDArray[Any]:
    """A view that may not be written: memory maps are such, and kernels are compiled for each kind of array."""
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


def _runs(process: int) -> bool:
    """Whether this machine has such a process."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
