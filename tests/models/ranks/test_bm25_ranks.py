from __future__ import annotations

import gzip
import json
import math
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import bm25s
import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ranks.bm25 import Bm25Ranker, Bm25Ranks
from models.ranks.bm25_words import Vocabulary, look_up, words_of
from models.ranks.questions import keys_of
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

K1, B, TOLERANCE = 1.2, 0.75, 1e-6


class Row(NamedTuple):
    """A pair; ``documents`` are small numbers, 0 for none."""

    query: str
    passage: str
    documents: tuple[int, int] = (0, 0)


def hashes(texts: Sequence[str]) -> Any:
    return np.array([xxhash.xxh3_64_intdigest(text.encode()) for text in texts], np.uint64)


def ranker(pool: Sequence[Row], threads: int = 1) -> Bm25Ranker:
    queries, passages = [row.query for row in pool], [row.passage for row in pool]
    documents = np.array([row.documents for row in pool], np.uint64).reshape(-1, 2)
    keys = keys_of(documents)
    return Bm25Ranker.of(queries, passages, hashes(queries), hashes(passages), keys, keys, threads=threads)


def ask(judge: Bm25Ranker, rows: Sequence[Row], max_rank: int = 20) -> Bm25Ranks:
    queries, passages = [row.query for row in rows], [row.passage for row in rows]
    documents = np.array([row.documents for row in rows], np.uint64).reshape(-1, 2)
    own = hashes(queries)[:, None], hashes(passages)[:, None]
    return judge.ranks(queries, passages, *own, documents, max_rank=max_rank)


def listed(ranks: Bm25Ranks) -> list[tuple[int, int]]:
    return list(zip(ranks.passage.tolist(), ranks.query.tolist(), strict=True))


# A second implementation, from the formula and nothing else.


def weigher(texts: Sequence[str]) -> Callable[[str], dict[str, float]]:
    """What weighs the words of a text by the statistics of the given ones."""
    words = [re.findall(r"\w+", text.lower()) for text in texts]
    holding = Counter(word for each in words for word in set(each))
    mean = sum(map(len, words)) / max(len(words), 1) or 1.0

    def weigh(text: str) -> dict[str, float]:
        own = re.findall(r"\w+", text.lower())
        weights = {}
        for word, count in Counter(own).items():
            df = max(holding[word], 1)
            idf = math.log(1 + (max(len(texts), 1) - df + 0.5) / (df + 0.5))
            weights[word] = idf * count / (K1 * (1 - B + B * len(own) / mean) + count)
        return weights

    return weigh


def expected(pool: Sequence[Row], rows: Sequence[Row], max_rank: int) -> list[tuple[int, int]]:
    by_query, by_passage = weigher([row.query for row in pool]), weigher([row.passage for row in pool])

    def score(query: str, passage: str) -> float:
        left, right = by_query(query), by_passage(passage)
        return math.fsum(left[word] * right[word] for word in left.keys() & right.keys())

    def rank(row: Row, side: str) -> int:
        gold = score(row.query, row.passage)
        if not gold:
            return max_rank + 1
        beaten = 0
        for member in pool:
            rival = row._replace(**{side: getattr(member, side)})
            same = getattr(member, side) == getattr(row, side) or (set(member.documents) & set(row.documents)) - {0}
            beaten += not same and score(rival.query, rival.passage) > gold * (1 + TOLERANCE)
        return min(beaten, max_rank) + 1

    found = []
    for row in rows:
        passage_rank = rank(row, "passage")
        found.append((passage_rank, rank(row, "query") if passage_rank <= max_rank else 0))
    return found


POOL = [
    Row("why is the sea salty", "rivers make the sea salty"),
    Row("how deep is the sea", "the sea is four kilometres deep on average"),
    Row("who painted the night watch", "the night watch was painted by rembrandt"),
    Row("what do owls eat", "owls hunt mice and voles at night"),
    Row("how old do owls get", "a barn owl may live for four years"),
]


def test_right_pairs_find_each_other() -> None:
    assert listed(ask(ranker(POOL), POOL[:4])) == [(1, 1)] * 4


def test_wrong_pairs_are_beaten() -> None:
    wrong = [Row("how deep is the sea", "rivers make the sea salty")]
    assert listed(ask(ranker(POOL), wrong)) == [(2, 2)]


def test_a_pair_without_a_common_word_is_never_found() -> None:
    """No member has a word of this question either, so none scores higher than the pair's 0."""
    assert listed(ask(ranker(POOL), [Row("xylophone", "a barn owl may live for four years")])) == [(21, 0)]


def test_a_word_that_no_member_has_speaks_for_the_pair_that_has_it_on_both_sides() -> None:
    assert listed(ask(ranker(POOL), [Row("the xylophone of the sea", "xylophone")])) == [(1, 1)]


def test_unknown_words_are_told_apart() -> None:
    assert listed(ask(ranker(POOL), [Row("xylophone", "marimba"), Row("marimba", "marimba")])) == [(21, 0), (1, 1)]


@pytest.mark.parametrize(("query", "passage"), [("", "salt"), ("salt", ""), ("", ""), ("?!", "...")])
def test_empty_texts_find_nothing(query: str, passage: str) -> None:
    assert listed(ask(ranker(POOL), [Row(query, passage)])) == [(21, 0)]


def test_members_without_words_beat_nobody() -> None:
    pool = [Row("", ""), Row("?", "!"), *POOL]
    assert listed(ask(ranker(pool), POOL[:1])) == [(1, 1)]


@pytest.mark.parametrize("pool", [[], [Row("", "")], [Row("salt", "salt")], [Row("mice", "owls eat mice")]])
def test_small_pools(pool: list[Row]) -> None:
    rows = [Row("salt of the sea", "sea salt"), Row("mice", "owls and mice"), Row("", "")]
    assert listed(ask(ranker(pool), rows)) == expected(pool, rows, 20)


def test_no_rows_no_ranks() -> None:
    assert listed(ask(ranker(POOL), [])) == []


def test_equal_scores_never_beat() -> None:
    pool = [Row("sea salt", f"salt in sea {number}") for number in range(50)] * 2
    assert listed(ask(ranker(pool), pool[:1])) == [(1, 1)]


def test_the_rank_is_1_plus_those_that_are_better_and_ends_above_max_rank() -> None:
    pool = [Row(f"q{number}", "salt " * (number + 1) + "rock " * (40 - number)) for number in range(40)]
    rows = [row._replace(query="salt") for row in pool]
    assert ask(ranker(pool), rows).passage.tolist() == [min(40 - number, 21) for number in range(40)]
    assert ask(ranker(pool), rows, max_rank=3).passage.tolist() == [min(40 - number, 4) for number in range(40)]


def test_the_query_side_is_not_asked_where_the_passage_is_out_of_reach() -> None:
    pool = [Row("other", "salt salt salt") for _ in range(3)] + [Row("salt", "salt rock")]
    pool = [row._replace(passage=row.passage + f" x{number}") for number, row in enumerate(pool)]
    assert listed(ask(ranker(pool), pool[3:], max_rank=3)) == [(4, 0)]
    assert listed(ask(ranker(pool), pool[3:], max_rank=4)) == [(4, 1)]


# Members that score higher, and are no competitors.

BETTER = Row("salt sea", "salt salt sea sea", (7, 8))
OTHERS = [Row("rock", "rock owl mice night", (1, 2)), Row("owl", "owl barn", (3, 4))]
ASKED = Row("salt sea rock", "salt sea rock owl mice night barn")


@pytest.mark.parametrize(
    ("documents", "rank"),
    [((0, 0), 2), ((9, 0), 2), ((7, 0), 1), ((8, 0), 1), ((0, 7), 1), ((0, 8), 1)],
)
def test_members_of_a_common_document_are_no_competitors(documents: tuple[int, int], rank: int) -> None:
    row = ASKED._replace(query="salt sea", documents=documents)
    assert ask(ranker([BETTER, *OTHERS]), [row]).passage.tolist() == [rank]


def test_no_document_is_not_a_common_one() -> None:
    pool = [BETTER._replace(documents=(0, 0)), *OTHERS]
    assert ask(ranker(pool), [ASKED._replace(query="salt sea")]).passage.tolist() == [2]


def test_further_texts_and_documents_are_no_competitors_either() -> None:
    """As of a decoy, whose query has a passage of its own elsewhere."""
    judge = ranker([BETTER, *OTHERS])
    row = ASKED._replace(query="salt sea")

    def rank(texts: list[str], documents: list[int]) -> Any:
        own = hashes([row.query])[:, None], np.append(hashes([row.passage, *texts]), np.uint64(0))[None]
        found = judge.ranks([row.query], [row.passage], *own, np.array([documents], np.uint64))
        return found.passage.tolist()

    assert rank([], []) == [2]
    assert rank([BETTER.passage], []) == [1]
    assert rank([], [0, 0, 5, 8]) == [1]


def test_a_member_of_the_pool_is_not_beaten_by_its_own_copies() -> None:
    pool = [Row("sea salt", "salt of the sea"), Row("other", "salt of the sea"), Row("sea salt", "more")] * 3
    assert listed(ask(ranker([*pool, *POOL]), pool[:1])) == [(1, 1)]


# Against the second implementation.

WORDS = st.lists(st.sampled_from(["the", "the", "sea", "salt", "rock", "owl", "mice"]), max_size=8).map(" ".join)
DOCUMENTS = st.tuples(st.integers(0, 4), st.integers(0, 4))
ROWS = st.builds(Row, WORDS, WORDS, DOCUMENTS)


@settings(max_examples=300, deadline=None)
@given(st.lists(ROWS, max_size=12), st.lists(ROWS, max_size=4), st.sampled_from([1, 2, 3, 20]))
def test_ranks_are_those_of_the_formula(pool: list[Row], rows: list[Row], max_rank: int) -> None:
    rows = [*rows, *pool[:3]]
    assert listed(ask(ranker(pool), rows, max_rank)) == expected(pool, rows, max_rank)


def random_rows(count: int, seed: int) -> list[Row]:
    """Texts whose words are as unevenly frequent as those of a language; passages share some with their query."""
    draw = np.random.default_rng(seed)

    def text(words: int) -> list[str]:
        return [f"w{number}" for number in draw.zipf(1.2, words) % 3_000]

    rows = []
    for number in range(count):
        query = text(int(draw.integers(1, 9)))
        passage = [*text(int(draw.integers(5, 60))), *query[: int(draw.integers(0, 9))]]
        rows.append(Row(" ".join(query), " ".join(passage), (0, number // 3 + 1)))
    return rows


@pytest.mark.parametrize("max_rank", [2, 20, 300])
def test_ranks_in_a_pool_of_hundreds_are_those_of_the_formula(max_rank: int) -> None:
    pool, others = random_rows(250, 1), random_rows(30, 2)
    rows = [*pool[:60], *others]
    assert listed(ask(ranker(pool), rows, max_rank)) == expected(pool, rows, max_rank)


@pytest.fixture(scope="module")
def real_pairs(real_data: Path) -> list[Row]:
    """Medical questions and answers of real people, from all over the file; some answers stand there twice."""
    with gzip.open(real_data / "communityqa" / "medquad_pairs.jsonl.gz", "rt", encoding="utf-8") as lines:
        pairs = [json.loads(line) for line in lines]
    return [Row(query, passage) for query, passage in pairs[:: len(pairs) // 400]]


def by_bm25s(texts: Sequence[str]) -> dict[str, Any]:
    """Of each word the scores that bm25s gives the texts where the word is the question."""
    index = bm25s.BM25(method="lucene", k1=K1, b=B)
    index.index([re.findall(r"\w+", text.lower()) for text in texts], create_empty_token=False, show_progress=False)
    return {word: index.get_scores([word]).astype(np.float64) for word in index.vocab_dict}


def test_ranks_on_real_text_are_those_of_the_weights_of_bm25s(real_pairs: list[Row]) -> None:
    by_query, by_passage = by_bm25s([row.query for row in real_pairs]), by_bm25s([row.passage for row in real_pairs])
    common = sorted(by_query.keys() & by_passage.keys())
    queries, passages = (np.stack([side[word] for word in common]) for side in (by_query, by_passage))
    scores = queries.T @ passages
    gold = np.diag(scores) * (1 + TOLERANCE)
    others = [
        np.array(texts)[:, None] != np.array(texts) for texts in zip(*(row[:2] for row in real_pairs), strict=True)
    ]
    passage_ranks = 1 + ((scores > gold[:, None]) & others[1]).sum(axis=1)
    query_ranks = 1 + ((scores > gold) & others[0]).sum(axis=0)
    assert gold.all()
    found = ask(ranker(real_pairs), real_pairs)
    assert found.passage.tolist() == np.minimum(passage_ranks, 21).tolist()
    assert found.query.tolist() == np.where(passage_ranks <= 20, np.minimum(query_ranks, 21), 0).tolist()
    assert len({*found.passage.tolist()}) > 1


# What must not change a rank.


def test_threads_batches_and_the_order_of_the_pool_change_nothing() -> None:
    pool = random_rows(600, 3)
    rows = [*pool[::2], *random_rows(100, 4)]
    found = listed(ask(ranker(pool), rows))
    assert len(set(found)) > 20
    assert listed(ask(ranker(pool, threads=3), rows)) == found
    assert listed(ask(ranker(pool[::-1]), rows)) == found
    judge = ranker(pool)
    assert [each for start in range(0, 400, 77) for each in listed(ask(judge, rows[start : start + 77]))] == found


def test_a_saved_ranker_is_found_again(tmp_path: Path) -> None:
    pool = random_rows(200, 5)
    judge = ranker(pool)
    judge.save(tmp_path / "deep" / "bm25")
    judge.save(tmp_path / "deep" / "bm25")  # another process may have been as quick
    again = Bm25Ranker.load(tmp_path / "deep" / "bm25", threads=2)
    assert len(again) == 200
    assert listed(ask(again, pool)) == listed(ask(judge, pool))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["bm25"]


def test_what_a_killed_process_left_half_saved_is_cleared_away(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    halves = [tmp_path / f"{name}.part" for name in (f"bm25.{gone.pid}", f"bm25.{os.getppid()}", f"other.{gone.pid}")]
    for half in halves:
        half.mkdir()
    ranker(POOL).save(tmp_path / "bm25")
    assert [half.exists() for half in halves] == [False, True, True]


def test_a_saved_ranker_of_no_pairs_is_found_again(tmp_path: Path) -> None:
    ranker([]).save(tmp_path / "bm25")
    assert listed(ask(Bm25Ranker.load(tmp_path / "bm25"), POOL[:1])) == [(1, 1)]


def test_a_ranker_of_another_version_is_refused(tmp_path: Path) -> None:
    ranker(POOL).save(tmp_path / "bm25")
    (tmp_path / "bm25" / "bm25.json").write_text('{"version": 0, "pairs": 5}')
    with pytest.raises(ValueError, match="is of version 0, not 2"):
        Bm25Ranker.load(tmp_path / "bm25")


def test_hashes_must_be_as_many_as_texts() -> None:
    judge = ranker(POOL)
    with pytest.raises(ValueError, match="columns of different lengths: 1, 1, 2, 1, 1"):
        judge.ranks(["a"], ["b"], np.zeros((2, 1), np.uint64), np.zeros((1, 1), np.uint64), np.zeros((1, 2), np.uint64))


# Words.


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_texts_are_judged(name: str) -> None:
    text = ODD_TEXTS[name]
    rows = [Row("salt", "sea salt"), Row(text.encode("utf-8", "replace").decode(), "sea salt")]
    assert listed(ask(ranker([*rows, *POOL]), rows[1:])) == [(21, 0)]
    assert len(words_of([text], 1).hashes) == len(re.findall(r"\w+", text.lower()))


@given(st.lists(TEXTS, max_size=5))
def test_words_are_those_of_the_regular_expression(texts: list[str]) -> None:
    words = [re.findall(r"\w+", text.lower()) for text in texts]
    found = words_of(texts, 2)
    assert np.diff(found.ends, prepend=0).tolist() == list(map(len, words))
    numbers: dict[str, int] = {}
    expected = [numbers.setdefault(word, len(numbers)) for each in words for word in each]
    assert Vocabulary().add(found.hashes).tolist() == expected


def test_a_vocabulary_grows_and_knows_its_words_by_new_numbers() -> None:
    hashes = words_of([" ".join(f"w{number}" for number in range(20_000))], 1).hashes
    vocabulary = Vocabulary()
    assert vocabulary.add(hashes).tolist() == list(range(20_000))
    assert vocabulary.add(hashes[::-1]).tolist() == list(range(19_999, -1, -1))
    known, slots = vocabulary.ordered(np.arange(20_000)[::-1])
    unknown = words_of(["one two one"], 1).hashes
    found = look_up(np.concatenate([hashes[:2], unknown]), known, slots, 2)
    assert found[:2].tolist() == [19_999, 19_998]
    assert found[2] == found[4] != found[3]
    assert sorted({*found[2:].tolist()}) == [20_000, 20_001]
