"""Equal texts join the documents of their pairs into one fold, unless that would take most of a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.folds import folds_of_bases
from pipelines.engine import Engine
from pipelines.judge.equal_texts import Hashed, joined
from pipelines.judge.fold_groups import NO_GROUPS, FoldGroups
from pipelines.judge.fold_joining import make_groups
from pipelines.judge.identity import row_hashes
from tests.pipelines.judge.small_candidates import Row, rows, table_of, write_candidates

Pair = tuple[int, int, int, int]
"""Source, query text, passage text and base, as small numbers."""


def groups_of(pairs: Sequence[Pair], split: int = 3) -> FoldGroups:
    def read() -> Iterator[Hashed]:
        for start in range(0, len(pairs), split):
            for source in {pair[0] for pair in pairs}:
                part = np.array([pair[1:] for pair in pairs[start : start + split] if pair[0] == source], np.uint64)
                # The first bits decide, as they do of real hashes.
                spread = part.reshape(-1, 3) << np.uint64(40) | part.reshape(-1, 3)
                yield Hashed(source, *spread.T)

    sources = [pair[0] for pair in pairs]
    return joined(read, [sources.count(number) for number in range(max(sources, default=-1) + 1)])


def lowest(groups: FoldGroups, bases: Sequence[int]) -> list[int]:
    hashes = np.array(bases, np.uint64)
    return [int(each) & 0xFFFF for each in groups.of(hashes << np.uint64(40) | hashes)]


def test_equal_passages_and_equal_queries_join_their_documents() -> None:
    groups = groups_of([(0, 1, 21, 101), (0, 2, 21, 102), (0, 2, 22, 103), (0, 3, 23, 104), (0, 4, 24, 105)])
    assert lowest(groups, [101, 102, 103, 104, 105]) == [101, 101, 101, 104, 105]


def test_a_query_and_a_passage_of_equal_text_join_nothing() -> None:
    assert groups_of([(0, 1, 2, 101), (0, 2, 3, 102)]).bases.tolist() == []


def test_texts_join_documents_of_several_sources() -> None:
    groups = groups_of([(0, 1, 21, 101), (1, 2, 21, 102)])
    assert lowest(groups, [101, 102]) == [101, 101]


@given(st.lists(st.tuples(st.integers(0, 1), *[st.integers(1, 6)] * 3), max_size=15), st.integers(1, 15), st.randoms())
def test_groups_are_those_of_a_plain_search_in_any_order(pairs: list[Pair], split: int, random: object) -> None:
    expected = {pair[3]: pair[3] for pair in pairs}
    for _ in pairs:
        for one in pairs:
            for other in pairs:
                if one[1] == other[1] or one[2] == other[2]:
                    expected[one[3]] = expected[other[3]] = min(expected[one[3]], expected[other[3]])
    groups = groups_of(pairs, split)
    assert lowest(groups, list(expected)) == list(expected.values())
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert groups_of(shuffled, 2).identity == groups.identity


def test_a_question_that_most_of_a_source_has_joins_nothing_but_its_passages_do() -> None:
    asked = [(0, 1 if number % 2 else 1_000 + number, 2_000 + number // 3, 5_000 + number) for number in range(600)]
    groups = groups_of(asked, 100)
    assert lowest(groups, range(5_000, 5_600)) == [5_000 + number // 3 * 3 for number in range(600)]


def test_a_passage_of_most_of_a_source_joins_nothing_there_and_another_source_keeps_its_own() -> None:
    many = [(0, number + 1, 9_999 if number % 5 else 3_000 + number // 10, 10_000 + number) for number in range(600)]
    few = [(1, 7_000 + number, 8_000 + number // 5, 20_000 + number) for number in range(50)]
    groups = groups_of(many + few, 100)
    found = lowest(groups, range(10_000, 10_600))
    assert found == [10_000 + (number // 10 * 10 if number % 5 == 0 else number) for number in range(600)]
    assert lowest(groups, range(20_000, 20_050)) == [20_000 + number // 5 * 5 for number in range(50)]


def test_documents_stay_whole_however_large() -> None:
    groups = groups_of([(0, number + 1, 1_000 + number // 2, 100 if number < 50 else 200) for number in range(60)])
    assert lowest(groups, [100, 200]) == [100, 200]


def test_small_sources_may_be_one_group() -> None:
    assert lowest(groups_of([(0, 1, 21, 101), (0, 2, 21, 102), (0, 3, 21, 103)]), [101, 102, 103]) == [101] * 3


def make(tmp_path: Path, given: Sequence[Row], shards: int, name: str) -> Path:
    return make_groups(
        [write_candidates(tmp_path / name, given, "reddit", shards)],
        Engine(),
        str(tmp_path / name),
        tmp_path / name / "work",
    )


FAQ = [
    Row(f"How, said {way}, is sea {n} made?", f"Rivers of land {n} carry SALT.", f"q{n}-{way}", f"p{n}-{way}")
    for n in range(120)
    for way in range(5)
]


def test_a_faq_stays_together_however_it_is_sharded(tmp_path: Path) -> None:
    files = [make(tmp_path, FAQ, shards, str(shards)) for shards in (1, 4)]
    assert files[0].read_bytes() == files[1].read_bytes()
    groups = FoldGroups.load(files[0])
    table = table_of(FAQ)
    folds = row_hashes(table).folds(2, groups)
    by_passage: dict[str, set[int]] = {}
    for passage, fold in zip(table.column("passage").to_pylist(), folds.tolist(), strict=True):
        by_passage.setdefault(passage, set()).add(fold)
    assert [len(each) for each in by_passage.values()] == [1] * 120
    assert 200 < np.count_nonzero(folds) < 400
    assert len(set(row_hashes(table).folds(2)[table.column("passage").to_numpy(False) == FAQ[0].passage].tolist())) == 2


def test_groups_are_found_again_and_nothing_is_left_of_the_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    candidates = write_candidates(tmp_path, FAQ[:50])
    with caplog.at_level("INFO", "ccpairs"):
        file = make_groups([candidates], Engine(), str(tmp_path / "out"), tmp_path / "work")
        before = file.stat().st_mtime_ns
        assert make_groups([candidates], Engine(), str(tmp_path / "out"), tmp_path / "work") == file
    assert "folds: equal texts join 50 documents or passages into 10 groups" in caplog.text
    assert file.stat().st_mtime_ns == before
    assert list((tmp_path / "out" / "_work" / "fold-pieces").iterdir()) == []


def test_without_equal_texts_nothing_is_joined(tmp_path: Path) -> None:
    groups = FoldGroups.load(make(tmp_path, rows(40), 2, "plain"))
    table = table_of(rows(40))
    assert groups.identity == NO_GROUPS.identity == ""
    assert row_hashes(table).folds(3, groups).tolist() == row_hashes(table).folds(3).tolist()


def test_the_lowest_base_of_a_group_decides() -> None:
    groups = groups_of([(0, 1, 21, 101), (0, 2, 21, 102)])
    bases = np.array([101, 102], np.uint64) << np.uint64(40) | np.array([101, 102], np.uint64)
    assert folds_of_bases(groups.of(bases), 100).tolist() == [folds_of_bases(bases[:1], 100)[0]] * 2
