"""From flags to the rule of each source, and from the columns of judged shards to what a rule decides from."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ccpairs.command_line import positive
from ccpairs.errors import UserError
from filters.consistency import DIRECTIONS, JUDGES, Consistency, Direction, Judge, Judged, Ranks
from filters.false_keep import KeptByK, Kind, MaxFalseKeep, parse_max_false_keep

TOP_K = 2
OFF = "off"

log = logging.getLogger("ccpairs")


def add_rule_flags(parser: argparse.ArgumentParser) -> None:
    """The flags by which pairs are kept or dropped, of ``judge`` and ``refilter``."""
    group = parser.add_argument_group("the rule")
    add = group.add_argument
    add(
        "--top-k",
        action="extend",
        nargs="+",
        metavar="K",
        help=f"keep a pair whose ranks are at most K (default: {TOP_K}); SOURCE=K for one source",
    )
    add("--direction", choices=DIRECTIONS, help="ranks that count (default: mutual; the other is the paper's)")
    add("--judge", choices=JUDGES, help="whose ranks count (default: model)")
    add("--min-similarity", type=floor, metavar="X", help="floor of the model's similarity besides, or off (default)")
    add(
        "--max-false-keep",
        metavar="KIND=RATE",
        help="in place of --top-k: for each source the loosest k at which no more of its decoys are kept, as near=0.02 "
        "or near=0.02,far=0.001; off in refilter",
    )


def floor(text: str) -> float | str:
    """A similarity, or ``off``."""
    if text == OFF:
        return OFF
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} given; expected a similarity such as 0.3, or off") from None


@dataclass(frozen=True)
class RuleChoice:
    """The rule that is asked for; ``top_k_of`` stands above ``max_false_keep``, and that above ``top_k``."""

    top_k: int = TOP_K
    top_k_of: Mapping[str, int] = field(default_factory=dict)
    direction: Direction = "mutual"
    judge: Judge = "model"
    min_similarity: float | None = None
    max_false_keep: str | None = None

    def rule(self, source: str, max_rank: int) -> Consistency:
        """The rule of a source where no decoys choose its k. Raises ``UserError`` where it makes no sense."""
        k = self.top_k_of.get(source, self.top_k)
        return Consistency(k, self.direction, self.judge, self.min_similarity, max_rank)

    def loosest(self, max_rank: int) -> Consistency:
        """The rule at the largest k: what a next round trains on."""
        return Consistency(max_rank, self.direction, self.judge, self.min_similarity, max_rank)

    def limits(self, source: str) -> MaxFalseKeep | None:
        """The rates that choose the k of a source."""
        if self.max_false_keep is None or source in self.top_k_of:
            return None
        return parse_max_false_keep(self.max_false_keep)

    def told(self, source: str) -> dict[str, Any]:
        """What was asked for a source, for its manifest."""
        return {
            "top_k": self.top_k_of.get(source, self.top_k),
            "max_false_keep": None if source in self.top_k_of else self.max_false_keep,
            "direction": self.direction,
            "judge": self.judge,
            "min_similarity": self.min_similarity,
        }


def choice_of(given: Any, before: Mapping[str, Any] | None = None) -> RuleChoice:
    """The rule that flags ask for; what they leave open is as it was told ``before``, or as the defaults have it.

    Raises ``UserError`` where a value is none.
    """
    old = before or RuleChoice().told("")
    everywhere, by_source = parse_top_k(given.top_k or ())
    limits = given.max_false_keep
    if limits not in (None, OFF):
        parse_max_false_keep(limits)
    # A k that is typed now stands above rates that were asked for before.
    kept = None if everywhere is not None else old["max_false_keep"]
    similarity = old["min_similarity"] if given.min_similarity is None else given.min_similarity
    return RuleChoice(
        top_k=old["top_k"] if everywhere is None else everywhere,
        top_k_of=by_source,
        direction=given.direction or old["direction"],
        judge=given.judge or old["judge"],
        min_similarity=None if similarity == OFF else similarity,
        max_false_keep=None if limits == OFF else limits or kept,
    )


def parse_top_k(values: Sequence[str]) -> tuple[int | None, dict[str, int]]:
    """``2``, ``reddit=5`` and the like; raises ``UserError``."""
    everywhere, by_source = None, {}
    for value in (part for each in values for part in each.split(",")):
        source, equals, number = value.rpartition("=")
        try:
            k = positive(number)
        except argparse.ArgumentTypeError:
            raise UserError(f"--top-k {value}: say a whole number from 1, as in 2 or reddit=5") from None
        if equals:
            by_source[source] = k
        else:
            everywhere = k
    return everywhere, by_source


def with_k_of_decoys(
    rule: Consistency, limits: MaxFalseKeep | None, decoys: Mapping[Kind, KeptByK], source: str
) -> Consistency:
    """The rule with the loosest k that holds the limits, by decoys that were counted under this rule.

    Without decoys of a limited kind the k stays; where not even k = 1 holds, it is 1. The log says both.
    """
    if limits is None:
        return rule
    k = limits.loosest_k(decoys)
    if k is None:
        without = [kind for kind in limits.limits if kind not in decoys or not decoys[kind].total]
        if without:
            log.warning("%s: no %s decoys, too few pairs in the pool: k stays %d", source, " or ".join(without), rule.k)
            return rule
        rates = ", ".join(f"{kind} {decoys[kind].rate(1).share:.4f}" for kind in limits.limits)
        log.warning("%s: even k = 1 keeps more decoys than allowed (%s); k is 1", source, rates)
        k = 1
    return Consistency(k, rule.direction, rule.judge, rule.min_similarity, rule.max_rank)


def judged_of(table: pa.Table) -> Judged:
    """The ranks in the columns of judged rows; None of a judge that judged none of them."""

    def ranks(passage: str, query: str) -> Ranks | None:
        sides = [table.column(name) for name in (passage, query)]
        if len(table) and sides[0].null_count == len(table):
            return None
        return Ranks(*(_ints(side) for side in sides))

    model = ranks("passage_rank", "query_rank")
    similarity = None if model is None else table.column("similarity").to_numpy().astype(np.float32, copy=False)
    return Judged(model, ranks("bm25_passage_rank", "bm25_query_rank"), similarity)


def _ints(column: pa.ChunkedArray) -> NDArray[np.int32]:
    return np.asarray(column.fill_null(0).to_numpy(), np.int32)
