from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from apache_beam.pvalue import TaggedOutput

from ccpairs.pair import Pair
from pipelines.join import ONWARD, PairUpFn
from pipelines.rejects import REJECT_SCHEMA, rejects_table
from pipelines.source import Joined, JoinOutcome, Onward, Reject
from pipelines.tally import COUNTS, REJECTS, TallyingDoFn, reject_group

PAIR = Pair("q", "p", "title_comment", "t3_1", "t1_2", votes=3, created=86400)


class Judge(TallyingDoFn):
    """Keeps even numbers."""

    def process(self, number: int) -> Iterator[int]:
        self.count("read")
        if number % 2:
            self.reject(Reject("odd", passage=str(number)))
        else:
            self.count("kept")
            yield number


def bundle(do: TallyingDoFn, elements: Iterable[Any]) -> tuple[list[Any], Counter[Any], list[Any]]:
    """One bundle: its main output, its counts and its rejects."""
    do.start_bundle()
    out = [each for element in elements for each in do.process(element) or ()]
    counts: Counter[Any] = Counter()
    rejects = []
    for tagged in do.finish_bundle():
        assert isinstance(tagged, TaggedOutput)
        if tagged.tag == COUNTS:
            key, number = tagged.value.value
            assert key not in counts
            counts[key] = number
        else:
            assert tagged.tag == REJECTS
            rejects.append(tagged.value.value)
    return out, counts, rejects


def test_counts_and_rejects_leave_when_the_bundle_ends() -> None:
    out, counts, rejects = bundle(Judge("pairs", "reddit", "sample"), range(5))
    assert out == [0, 2, 4]
    assert counts == {("pairs", "read", ""): 5, ("pairs", "kept", ""): 3, ("pairs", "rejected", "odd"): 2}
    table = rejects_table(rejects)
    assert sorted(table.column("passage").to_pylist()) == ["1", "3"]
    assert set(table.column("stage").to_pylist()) == {"pairs"}


def test_a_bundle_begins_at_nothing() -> None:
    do = Judge("pairs", "reddit", "all")
    bundle(do, range(5))
    _, counts, rejects = bundle(do, [7])
    assert counts == {("pairs", "read", ""): 1, ("pairs", "rejected", "odd"): 1}
    assert len(rejects) == 1


def test_counts_are_exact_in_every_mode() -> None:
    for mode, rows in (("all", 1000), ("sample", 300), ("none", 0)):
        _, counts, rejects = bundle(Judge("pairs", "reddit", mode), range(1, 2000, 2))
        assert counts[("pairs", "rejected", "odd")] == 1000
        assert len(rejects) == rows


def test_the_sample_does_not_depend_on_bundles() -> None:
    whole = bundle(Judge("pairs", "reddit", "sample"), range(1, 1000, 2))[2]
    do = Judge("pairs", "reddit", "sample")
    parts = [row for start in (1, 101) for row in bundle(do, range(start, 1000 if start > 1 else 101, 2))[2]]
    lowest = sorted(parts, key=lambda row: row[-1])[:300]
    assert sorted(whole, key=repr) == sorted(lowest, key=repr)


def test_a_reject_may_stand_for_many_records() -> None:
    do = Judge("join", "reddit", "all")
    do.start_bundle()
    do.reject(Reject("not_best_comment", query="q", records=9))
    tagged = {output.tag: output.value.value for output in do.finish_bundle()}
    assert tagged[COUNTS] == (("join", "rejected", "not_best_comment"), 9)
    assert tagged[REJECTS][0] == "not_best_comment"


def test_of_who_opted_out_nothing_is_kept() -> None:
    do = Judge("join", "reddit", "all")
    do.start_bundle()
    do.reject(Reject("opted_out", query="their", passage="words", detail="name", position="here"))
    (row,) = (output.value.value for output in do.finish_bundle() if output.tag == REJECTS)
    assert {"their", "words", "name", "here"}.isdisjoint(map(str, row))


def test_a_rejected_pair_is_kept_whole() -> None:
    do = Judge("pairs", "reddit", "all")
    do.start_bundle()
    do.reject_pair("no_letters", PAIR, "0" * 32)
    (row,) = (output.value.value for output in do.finish_bundle() if output.tag == REJECTS)
    found = rejects_table([row]).to_pylist()[0]
    assert (found["query"], found["pair_id"], found["votes"], found["source"]) == ("q", "0" * 32, 3, "reddit")
    assert found["created"].timestamp() == 86400
    assert list(found) == REJECT_SCHEMA.names


def test_rejects_are_sampled_by_stage_and_reason() -> None:
    do = Judge("pairs", "reddit", "all")
    do.start_bundle()
    do.reject(Reject("odd"))
    do.reject_pair("odd", PAIR, "0" * 32)
    do.reject(Reject("even"))
    groups = [reject_group(output.value.value) for output in do.finish_bundle() if output.tag == REJECTS]
    assert sorted(Counter(key for key, _ in groups).items()) == [("pairs\x1feven", 1), ("pairs\x1fodd", 2)]


def joined(*outcomes: Any) -> tuple[list[Any], Counter[Any], list[Any]]:
    def pair_up(table: pa.Table) -> Iterator[JoinOutcome]:
        yield from outcomes

    return bundle(PairUpFn(pair_up, "reddit", "all"), [pa.table({"key": [1]})])


def test_a_join_counts_rows_and_the_pairs_made_of_them() -> None:
    out, counts, rejects = joined(Joined(2, [PAIR, PAIR]), Joined(1, ()), Reject("no_comment", query="q", records=4))
    assert out == [[PAIR, PAIR]]
    assert counts == {("join", "kept", ""): 3, ("join", "made", ""): 2, ("join", "rejected", "no_comment"): 4}
    assert len(rejects) == 1


def test_rows_that_go_on_to_the_next_round_are_not_counted() -> None:
    table = pa.table({"key": [7]})
    (out,), counts, _ = joined(Onward(table))
    assert (out.tag, out.value) == (ONWARD, table)
    assert not counts


def test_anything_else_is_a_bug_of_the_source() -> None:
    with pytest.raises(TypeError, match="a join yields Joined, Reject or Onward, not list"):
        joined([PAIR])
