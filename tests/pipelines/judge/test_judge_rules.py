"""From flags to rules, and from columns to ranks."""

from __future__ import annotations

import argparse
import logging
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ccpairs.errors import UserError
from ccpairs.pair import JUDGEMENT
from filters.consistency import Consistency
from filters.false_keep import KeptByK, parse_max_false_keep
from pipelines.judge.rules import RuleChoice, add_rule_flags, choice_of, judged_of, parse_top_k, with_k_of_decoys


def flags(*arguments: str) -> Any:
    parser = argparse.ArgumentParser()
    add_rule_flags(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    ("values", "everywhere", "by_source"),
    [
        (["3"], 3, {}),
        (["reddit=5"], None, {"reddit": 5}),
        (["2", "reddit=5", "s2orc=1"], 2, {"reddit": 5, "s2orc": 1}),
        (["2,reddit=5"], 2, {"reddit": 5}),
        ([], None, {}),
    ],
)
def test_k_for_all_and_for_a_source(values: list[str], everywhere: int | None, by_source: dict[str, int]) -> None:
    assert parse_top_k(values) == (everywhere, by_source)


@pytest.mark.parametrize("value", ["0", "two", "reddit=", "reddit=x", "-1", ""])
def test_what_is_no_k(value: str) -> None:
    with pytest.raises(UserError, match=r"^--top-k .*: say a whole number from 1"):
        parse_top_k([value])


def test_without_flags_it_is_the_papers_k_both_ways_by_the_model() -> None:
    choice = choice_of(flags())
    assert choice == RuleChoice(2, {}, "mutual", "model", None, None)
    assert choice.rule("reddit", 20) == Consistency(2, "mutual", "model", None, 20)


def test_a_source_has_its_own_k() -> None:
    choice = choice_of(flags("--top-k", "3", "reddit=7"))
    assert (choice.rule("reddit", 20).k, choice.rule("news", 20).k) == (7, 3)


def test_rates_choose_the_k_of_sources_that_have_none_of_their_own() -> None:
    choice = choice_of(flags("--top-k", "reddit=7", "--max-false-keep", "near=0.02"))
    assert choice.limits("reddit") is None
    limits = choice.limits("news")
    assert limits is not None
    assert limits.limits == {"near": 0.02}


def test_what_flags_leave_open_stays_as_it_was() -> None:
    before = {
        "top_k": 4, "max_false_keep": "near=0.02", "direction": "query-to-passage", "judge": "either",
        "min_similarity": 0.3,
    }  # fmt: skip
    assert choice_of(flags(), before) == RuleChoice(4, {}, "query-to-passage", "either", 0.3, "near=0.02")
    assert choice_of(flags("--direction", "mutual"), before).direction == "mutual"
    assert choice_of(flags("--min-similarity", "off"), before).min_similarity is None
    assert choice_of(flags("--max-false-keep", "off"), before).max_false_keep is None


def test_a_k_that_is_typed_stands_above_rates_of_before() -> None:
    before = RuleChoice(max_false_keep="near=0.02").told("reddit")
    assert choice_of(flags("--top-k", "5"), before).max_false_keep is None
    assert choice_of(flags("--top-k", "5", "--max-false-keep", "near=0.1"), before).max_false_keep == "near=0.1"


def test_what_is_told_of_a_source_makes_its_rule_again() -> None:
    choice = RuleChoice(3, {"reddit": 7}, "mutual", "both", 0.1, "near=0.02")
    assert choice_of(flags(), choice.told("reddit")).rule("reddit", 20) == choice.rule("reddit", 20)
    assert choice_of(flags(), choice.told("reddit")).limits("reddit") is None
    assert choice_of(flags(), choice.told("news")).limits("news") == choice.limits("news")


def decoys(*counts: int) -> KeptByK:
    """So many decoys need k = 1, 2, …; the last so many are never kept."""
    return KeptByK(np.array(counts, np.int64))


RULE = Consistency(k=2, max_rank=4)


def test_the_loosest_k_that_holds_the_rate() -> None:
    limits = parse_max_false_keep("near=0.02")
    assert with_k_of_decoys(RULE, limits, {"near": decoys(1, 0, 1, 1, 97)}, "reddit").k == 3


def test_where_not_even_the_first_k_holds_it_is_one_and_said(caplog: pytest.LogCaptureFixture) -> None:
    limits = parse_max_false_keep("near=0.02")
    with caplog.at_level(logging.WARNING, "ccpairs"):
        assert with_k_of_decoys(RULE, limits, {"near": decoys(5, 0, 0, 0, 95)}, "reddit").k == 1
    assert "reddit: even k = 1 keeps more decoys than allowed (near 0.0500)" in caplog.text


def test_without_decoys_the_k_stays_and_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    limits = parse_max_false_keep("near=0.02")
    with caplog.at_level(logging.WARNING, "ccpairs"):
        assert with_k_of_decoys(RULE, limits, {"near": decoys(0, 0, 0, 0, 0)}, "reddit").k == 2
    assert "reddit: no near decoys" in caplog.text


def judgements(**columns: list[Any]) -> pa.Table:
    count = len(next(iter(columns.values())))
    return pa.table({f.name: pa.array(columns.get(f.name, [None] * count), f.type) for f in JUDGEMENT})


def test_ranks_of_a_judge_that_judged_none_are_none() -> None:
    found = judged_of(judgements(passage_rank=[1, 21], query_rank=[3, None], similarity=[0.5, 0.25]))
    assert found.bm25 is None
    assert found.model is not None
    assert (found.model.passage.tolist(), found.model.query.tolist()) == ([1, 21], [3, 0])
    assert found.similarity is not None
    assert found.similarity.tolist() == [0.5, 0.25]


def test_without_a_model_there_is_no_similarity() -> None:
    found = judged_of(judgements(bm25_passage_rank=[2], bm25_query_rank=[1]))
    assert found.model is None
    assert found.similarity is None
    assert found.bm25 is not None
