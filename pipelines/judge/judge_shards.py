"""Judge candidate shards: each worker judges whole shards, with models and pools that it opens once. No row travels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import apache_beam as beam
import pyarrow as pa
from apache_beam.utils.shared import Shared

from ccpairs.pair import JUDGED_SCHEMA, PAIR_SCHEMA
from filters.consistency import Consistency
from pipelines.judge.fold_groups import FoldGroups
from pipelines.judge.identity import row_hashes
from pipelines.judge.judges import JudgePlan, Judges, Pairs, judgement_columns
from pipelines.judge.pool import numbered_lines
from pipelines.judge.shards import ShardTask, row_groups, try_split

Item = TypeVar("Item")


def judge_graph(
    pipeline: Any,
    *,
    listing: str,
    plan: JudgePlan,
    rules: Mapping[str, Consistency],
    shared: Shared,
    hints: Mapping[str, str],
) -> None:
    """Judge the shards that a file lists; one group for each, so that the engine spreads them over its workers."""
    judge = beam.ParDo(JudgeShards(plan, rules, shared))
    _ = (
        pipeline
        | "the list of shards" >> beam.Create([listing])
        | "its lines" >> beam.FlatMap(numbered_lines)
        | "spread shards" >> beam.GroupByKey()
        | "judge shards" >> (judge.with_resource_hints(**hints) if hints else judge)
    )


class JudgeShards(beam.DoFn):
    """(number, lines of tasks) -> files. A process has one set of judges, however many instances of this it has."""

    def __init__(self, plan: JudgePlan, rules: Mapping[str, Consistency], shared: Shared) -> None:
        self._plan, self._rules, self._shared = plan, dict(rules), shared

    def setup(self) -> None:
        self._judges = self._shared.acquire(lambda: Judges(self._plan))

    def process(self, item: tuple[int, Any]) -> None:
        for line in item[1]:
            task = ShardTask.from_json(line)
            try_split(judged(self._judges, task), self._rules[task.source], task)


def judged(judges: Judges, task: ShardTask) -> Iterator[pa.Table]:
    """The rows of a candidate shard with their judgement, a row group at a time."""
    (uri,) = task.shard
    for table, pairs in ahead(prepared(uri, task.source, judges.plan.folds, judges.groups)):
        columns = judgement_columns(judges.judge(pairs), pairs, judges)
        yield pa.Table.from_arrays([*table.columns, *columns], schema=JUDGED_SCHEMA)


def prepared(uri: str, source: str, folds: int, groups: FoldGroups) -> Iterator[tuple[pa.Table, Pairs]]:
    """The row groups of a candidate shard, with what the judges ask of them."""
    for table in row_groups(uri, PAIR_SCHEMA):
        hashes = row_hashes(table)
        pairs = Pairs(
            source,
            table.column("query").to_pylist(),
            table.column("passage").to_pylist(),
            hashes.folds(folds, groups),
            hashes.queries,
            hashes.passages,
            hashes.documents,
        )
        yield table, pairs


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items; the next one is made in a thread while the last is worked on."""
    with ThreadPoolExecutor(1, thread_name_prefix="rows") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item
