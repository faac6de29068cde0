from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccpairs.pair import Pair
from pipelines.s2orc_join import Sent, edge_hash, lower_id_asks, lowest_citations, sent_table
from pipelines.s2orc_records import EXTRACT_SCHEMA, Row
from pipelines.source import Joined, Onward, Reject
from pipelines.sources.s2orc import S2ORC, S2orcExtract, S2orcPairs


def table_of(rows: Sequence[Row]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(EXTRACT_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, EXTRACT_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=EXTRACT_SCHEMA)


class Joining:
    """Both rounds over one table, with what came out."""

    def __init__(self, rows: Sequence[Row], source: S2ORC | None = None) -> None:
        source = source or S2ORC()
        self.pairs: list[Pair] = []
        self.rejects: Counter[str] = Counter()
        self.rows = 0
        sent = []
        for outcome in source.join_by_paper(table_of(rows)):
            if isinstance(outcome, Onward):
                sent.append(outcome.table)
            else:
                self.take(outcome)
        if sent:
            # Applied before the rows travel, as the engine does, and again by the round itself.
            for outcome in source.join_by_cited(source.lowest_citations(pa.concat_tables(sent))):
                self.take(outcome)

    def take(self, outcome: Any) -> None:
        if isinstance(outcome, Joined):
            self.rows += outcome.rows
            self.pairs += outcome.pairs
        else:
            assert isinstance(outcome, Reject)
            self.rows += outcome.records
            self.rejects[outcome.reason] += outcome.records

    def of_type(self, pair_type: str) -> list[tuple[str, str]]:
        return [(pair.query, pair.passage) for pair in self.pairs if pair.pair_type == pair_type]


def abstract(number: int) -> str:
    return f"In abstract {number} we measure how fast the salt of lake {number} dissolves in warm water."


def paper(number: int) -> list[Row]:
    return [Row(number, "title", None, f"Salt of lake {number}"), Row(number, "abstract", None, abstract(number))]


def test_a_title_and_an_abstract_make_a_pair_with_its_provenance() -> None:
    title = Row(7, "title", None, "Salt of lake 7", url="https://a.org/7", created=86400)
    joined = Joining([title, Row(7, "abstract", None, abstract(7), license="CCBY")])
    assert joined.pairs == [
        Pair("Salt of lake 7", abstract(7), "title_abstract", "7", "7", "https://a.org/7", "CCBY", created=86400)
    ]
    assert joined.rows == 2


def test_the_url_is_the_corpus_id_where_the_record_gives_none() -> None:
    assert Joining(paper(7)).pairs[0].url == "https://api.semanticscholar.org/CorpusID:7"
    assert Joining([row._replace(key=-7) for row in paper(7)]).pairs[0].url is None


def test_a_citation_makes_its_three_pairs() -> None:
    context = "The salt of other lakes has been measured in the same way."
    joined = Joining([*paper(1), *paper(2), Row(1, "citation", 2), Row(1, "context", 2, context)])
    assert joined.of_type("citation_context_title") == [(context, "Salt of lake 2")]
    one, other = (1, 2) if lower_id_asks(1, 2) else (2, 1)
    assert joined.of_type("title_cited_title") == [(f"Salt of lake {one}", f"Salt of lake {other}")]
    assert joined.of_type("abstract_cited_abstract") == [(abstract(one), abstract(other))]
    assert [(pair.query_doc, pair.passage_doc) for pair in joined.pairs if pair.pair_type == "title_cited_title"] == [
        (str(one), str(other))
    ]
    assert joined.rows == 6
    assert not joined.rejects


def test_both_sides_of_citations_are_queries_about_equally_often() -> None:
    assert 450 < sum(lower_id_asks(number, number + 1) for number in range(1000)) < 550


def test_the_side_does_not_depend_on_who_cites() -> None:
    there = Joining([*paper(1), *paper(2), Row(1, "citation", 2)])
    back = Joining([*paper(1), *paper(2), Row(2, "citation", 1)])
    assert there.of_type("title_cited_title") == back.of_type("title_cited_title")


def test_a_context_needs_only_the_cited_title() -> None:
    context = "The salt of other lakes has been measured in the same way."
    joined = Joining([Row(1, "context", 2, context), Row(2, "title", None, "Salt of lake 2")])
    assert [pair[:5] for pair in joined.pairs] == [(context, "Salt of lake 2", "citation_context_title", "1", "2")]
    assert joined.rows == 2


REJECTED: dict[str, tuple[list[Row], dict[str, int]]] = {
    "a title alone": ([Row(1, "title", None, "Salt of lake 1")], {"no_abstract": 1}),
    "an abstract alone": ([Row(1, "abstract", None, abstract(1))], {"no_title": 1}),
    "an abstract that is the title": (
        [Row(1, "title", None, "Salt of lake 1"), Row(1, "abstract", None, "Salt of lake 1. We measure it.")],
        {"abstract_repeats_title": 2},
    ),
    "a citation that comes twice": (
        [*paper(1), *paper(2), Row(1, "citation", 2), Row(1, "citation", 2)],
        {"repeated_citation": 1},
    ),
    "a cited paper that is not there": ([*paper(1), Row(1, "citation", 2)], {"cited_paper_missing": 1}),
    "a citing paper that is not there": ([*paper(2), Row(1, "citation", 2)], {"citing_paper_missing": 1}),
    "a title against an abstract": (
        [Row(1, "title", None, "Salt of lake 1"), Row(2, "abstract", None, abstract(2)), Row(1, "citation", 2)],
        {"citation_without_texts": 1, "no_title": 1},
    ),
    "two papers with one title and no abstract": (
        [Row(1, "title", None, "Salt lakes"), Row(2, "title", None, "SALT LAKES"), Row(1, "citation", 2)],
        {"citation_without_texts": 1, "no_abstract": 1},
    ),
    "the same paper in two releases": (
        [*paper(1), Row(1, "title", None, "SALT, LAKE 1", 1), Row(1, "abstract", None, "short", 2)],
        {"repeated_paper_text": 2},
    ),
    "the same paper twice in one release": ([*paper(1), *paper(1)], {"repeated_paper_text": 2}),
    "two papers under one id": ([*paper(1), Row(1, "title", None, "Trees of hill 1")], {"ambiguous_paper_id": 3}),
    "contexts beyond the cap": (
        [*paper(1), *paper(2), *(Row(1, "context", 2, f"Lake {number} has been measured.") for number in range(5))],
        {"over_contexts_per_citation": 3},
    ),
    "citations beyond the cap": (
        [*paper(1), *(row for number in range(2, 10) for row in [*paper(number), Row(1, "citation", number)])],
        {"over_citations_per_paper": 3},
    ),
}


@pytest.mark.parametrize("case", REJECTED)
def test_rejected_rows(case: str) -> None:
    rows, rejects = REJECTED[case]
    joined = Joining(rows)
    assert joined.rejects == rejects
    assert joined.rows == len(rows)


def test_the_best_release_of_a_paper_wins() -> None:
    rows = [*paper(1), Row(1, "title", None, "Another title", 1), Row(1, "abstract", None, "Another " + abstract(1), 2)]
    assert Joining(rows).of_type("title_abstract") == [("Salt of lake 1", abstract(1))]


def test_a_title_that_stands_before_its_abstract_is_cut_off() -> None:
    joined = Joining(
        [Row(1, "title", None, "Salt of lake 1"), Row(1, "abstract", None, f"Salt of Lake 1. {abstract(1)}")]
    )
    assert joined.of_type("title_abstract") == [("Salt of lake 1", abstract(1))]


def test_citation_pairs_can_be_turned_off() -> None:
    rows = [*paper(1), *paper(2), Row(1, "citation", 2), Row(3, "title", None, "Salt of lake 3")]
    joined = Joining(rows, S2ORC(pair=S2orcPairs(citation_pairs=False)))
    assert [pair.pair_type for pair in joined.pairs] == ["title_abstract", "title_abstract"]
    assert joined.rejects == {"citation_pairs_off": 1, "no_abstract": 1}
    assert joined.rows == len(rows)


def test_a_paper_cited_by_many_keeps_the_citations_with_the_lowest_hashes() -> None:
    citing = range(10, 500)
    rows = [*paper(1), *(row for number in citing for row in [*paper(number), Row(number, "citation", 1)])]
    joined = Joining(rows, S2ORC(pair=S2orcPairs(citations_per_cited_paper=20)))
    kept = {pair.query_doc for pair in joined.pairs if pair.pair_type == "title_cited_title"}
    kept |= {pair.passage_doc for pair in joined.pairs if pair.pair_type == "title_cited_title"}
    assert kept - {"1"} == {str(number) for number in sorted(citing, key=lambda number: edge_hash(number, 1))[:20]}
    assert joined.rejects == {"over_citations_per_cited_paper": 470}
    assert joined.rows == len(rows)


def test_dropping_citations_in_parts_gives_what_dropping_at_once_gives() -> None:
    rows = [Sent(1, number, f"Salt of lake {number}", None, [], None, None, None, 2) for number in range(60)]
    at_once = lowest_citations(sent_table(rows), 10)
    parts = [lowest_citations(sent_table(rows[start : start + 20]), 10) for start in (40, 0, 20)]
    in_parts = lowest_citations(pa.concat_tables(parts), 10)
    assert sorted(in_parts.column("citing").to_pylist()) == sorted(at_once.column("citing").to_pylist())
    for table in (at_once, in_parts):
        assert sum(table.column("rows").to_pylist()) + sum(table.column("lost").to_pylist()) == 120


PAPERS, NONE = st.integers(0, 5), st.none()
TITLES = st.sampled_from(["Salt lakes", "Dry hills"])
ABSTRACTS = st.sampled_from([abstract(1), abstract(2), "Salt lakes"])
CONTEXTS = st.sampled_from(["They were measured.", "They were counted.", "They were weighed."])
ROWS = st.lists(
    st.one_of(
        st.tuples(PAPERS, st.just("title"), NONE, TITLES),
        st.tuples(PAPERS, st.just("abstract"), NONE, ABSTRACTS, st.integers(0, 2)),
        st.tuples(PAPERS, st.just("citation"), st.integers(0, 8)),
        st.tuples(PAPERS, st.just("context"), st.integers(0, 8), CONTEXTS),
    ).map(lambda values: Row(*values)),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_every_row_is_accounted_for_and_order_does_not_matter(rows: list[Row], order: random.Random) -> None:
    source = S2ORC(
        S2orcExtract(citations_per_paper=2, contexts_per_citation=1), S2orcPairs(citations_per_cited_paper=2)
    )
    joined = Joining(rows, source)
    assert joined.rows == len(rows)
    shuffled = list(rows)
    order.shuffle(shuffled)
    again = Joining(shuffled, source)
    assert sorted(again.pairs, key=repr) == sorted(joined.pairs, key=repr)
    assert again.rejects == joined.rejects


def test_an_empty_table_gives_nothing() -> None:
    joined = Joining([])
    assert joined.pairs == []
    assert joined.rows == 0


@pytest.mark.parametrize(
    "rows", [paper(1), [*paper(1), *paper(2), Row(1, "citation", 2), Row(1, "context", 2, "Salt.")]]
)
def test_no_join_makes_more_pairs_than_were_planned_for(rows: list[Row]) -> None:
    kinds = Counter(row.kind for row in rows)
    assert len(Joining(rows).pairs) <= S2ORC().most_pairs(kinds, len(rows))
