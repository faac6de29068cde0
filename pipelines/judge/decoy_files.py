"""The decoys of each source, judged: a file beside the shards, from which any rule's false-keep rates can be counted.

``OUTPUT/decoys/SOURCE.parquet`` has a row for each decoy: its kind, its two texts, the ids of the pairs they are from,
and the columns of judged shards. Near ones have the ranks of their donor besides, the pair that the passage is from.

Candidates are decoys' material, and many are wrong. Where the donor is, its passage is near to nothing, and the decoy
says little of near mismatches. So near decoys count where the donor survives at ``max_rank`` by the rule's judge and
direction. On real pairs of which 40 % were exchanged, 1.1 % of all near decoys, 2.6 % of those that count and 2.0 % of
the near mismatches were kept at k = 2 (``benchmarks/consistency``).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.manifest import ShardInfo
from ccpairs.pair import JUDGEMENT, PASSAGE, QUERY, SOURCE
from ccpairs.shards import ShardWriter
from filters.consistency import DIRECTIONS, Consistency
from filters.false_keep import KINDS, KeptByK, Kind
from filters.folds import folds_of
from pipelines.judge.decoys import Decoys, Members, Neighbours, Rows, choose
from pipelines.judge.judges import Judges, Pairs, judgement_columns
from pipelines.judge.neighbours import by_vectors, by_words
from pipelines.judge.pool import Pool
from pipelines.judge.rules import judged_of
from pipelines.judge.vectors import open_vectors

RANKS = ("passage_rank", "query_rank", "bm25_passage_rank", "bm25_query_rank")
DONOR_RANKS = tuple(f"donor_{name}" for name in RANKS)
DECOY_SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        QUERY,
        PASSAGE,
        SOURCE,
        pa.field("query_pair_id", pa.string(), nullable=False),
        pa.field("passage_pair_id", pa.string(), nullable=False),
        *JUDGEMENT,
        *(pa.field(name, pa.int32()) for name in DONOR_RANKS),
    ]
)
VERSION = 2
"""Changes when the same pool would get other decoys, or their files other columns."""
JUDGEMENT_NAMES = tuple(field.name for field in JUDGEMENT)
ROWS_AT_ONCE = 4_096
KEY = b"key"
DECOYS = "decoys"

log = logging.getLogger("ccpairs")


def decoys_file(output: str, source: str) -> str:
    return storage.join(output, DECOYS, f"{source}.parquet")


def check_decoys_file(output: str, source: str) -> None:
    """Raise ``UserError`` where the file of a source's decoys would replace another kind of file."""
    uri = decoys_file(output, source)
    if storage.exists(uri) and "query_pair_id" not in _read(uri).column_names:
        raise UserError(f"{uri} is no file of decoys; move it away, or choose another --output")


def judge_decoys(
    judges: Judges, keys: Mapping[str, str], wanted: int, output: str, told: Callable[[int], None]
) -> dict[str, pa.Table]:
    """The judged decoys of each source; ``keys``: source -> hash of all that shapes them. What is there is read."""
    storage.remove_temporary(storage.join(output, DECOYS))
    found = {source: _found(decoys_file(output, source), key) for source, key in keys.items()}
    missing = [source for source, table in found.items() if table is None]
    pools = {judges.pool(source).folder: judges.pool(source) for source in missing}
    for pool in pools.values():
        here = [source for source in missing if judges.pool(source).folder == pool.folder]
        for source, table in _judged_in(pool, here, judges, wanted, told):
            schema = table.schema.with_metadata({KEY: keys[source].encode()})
            with storage.atomic_output(decoys_file(output, source)) as stream, ShardWriter(stream, schema) as writer:
                writer.write(table.cast(schema))
                writer.close("")
            found[source] = table
    return {source: table for source, table in found.items() if table is not None}


def _found(uri: str, key: str) -> pa.Table | None:
    if not storage.exists(uri):
        return None
    table = _read(uri)
    return table if (table.schema.metadata or {}).get(KEY) == key.encode() else None


def open_decoys(uri: str) -> pa.Table:
    """The decoys in a file. Raises ``UserError`` where there is none, a damaged one, or one of an earlier release."""
    table = _read(uri)
    if not set(DONOR_RANKS) <= set(table.column_names):
        raise UserError(f"{uri} is of an earlier release, without the ranks of donors; judge again")
    return table


def _read(uri: str) -> pa.Table:
    system, path = storage.locate(uri)
    try:
        return pq.read_table(path, filesystem=system)
    except FileNotFoundError:
        raise UserError(f"{uri} is missing; judge again") from None
    except pa.ArrowInvalid as error:
        raise UserError(f"{uri} is damaged ({error}); delete it and judge again") from None


def _judged_in(
    pool: Pool, sources: Sequence[str], judges: Judges, wanted: int, told: Callable[[int], None]
) -> Iterator[tuple[str, pa.Table]]:
    """Choose and judge the decoys of some sources, all in one pool."""
    table = pa.Table.from_batches(list(pool.batches(["source", "pair_id"])))
    documents = pool.documents[pool.place]
    passages = pool.texts("passage")[pool.place]
    members = Members(
        table.column("pair_id").combine_chunks(),
        folds_of(documents[:, 1], passages, judges.plan.folds),
        pool.texts("query")[pool.place],
        passages,
        documents,
    )
    neighbours = _neighbours(pool, judges)
    for source in sources:
        rows = np.flatnonzero(pc.equal(table.column("source"), source).to_numpy())
        kinds = choose(members, rows, pool.place, wanted, judges.plan.folds, neighbours)
        parts = [DECOY_SCHEMA.empty_table()]
        for decoys in kinds:
            parts += _judged_kind(decoys, members, pool, source, judges, told)
        yield source, pa.concat_tables(parts)


def _neighbours(pool: Pool, judges: Judges) -> Neighbours:
    """By each fold's model; by words where BM25 judges alone."""
    if not judges.encoders:
        return by_words([text for batch in pool.batches(["query"]) for text in batch.column(0).to_pylist()])
    vectors = [open_vectors(judges.plan.work, pool, each.fingerprint, "query") for each in judges.encoders]
    return by_vectors(vectors, pool.place)


def _judged_kind(
    decoys: Decoys, members: Members, pool: Pool, source: str, judges: Judges, told: Callable[[int], None]
) -> Iterator[pa.Table]:
    queries = _texts(pool, "query", decoys.queries)
    passages = _texts(pool, "passage", decoys.passages)
    own_queries = _texts(pool, "query", decoys.passages) if decoys.kind == "near" else []
    for start in range(0, len(decoys.queries), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        mine, theirs = decoys.queries[part], decoys.passages[part]
        pairs = Pairs(
            source,
            queries[part],
            passages[part],
            decoys.folds[part],
            # The query's own passage is right, and so is the passage's own query: they are no competitors.
            np.stack([members.query_texts[mine], members.query_texts[theirs]], axis=1),
            np.stack([members.passage_texts[theirs], members.passage_texts[mine]], axis=1),
            np.hstack([members.documents[mine], members.documents[theirs]]),
        )
        columns = judgement_columns(judges.judge(pairs), pairs, judges)
        texts = [pa.array(pairs.queries), pa.array(pairs.passages)]
        ids = [members.ids.take(pa.array(rows)) for rows in (mine, theirs)]
        constant = [pa.array([value] * len(mine), pa.string()) for value in (decoys.kind, source)]
        donors = [pa.nulls(len(mine), pa.int32())] * len(RANKS)
        if own_queries:
            donors = _donor_ranks(theirs, own_queries[part], passages[part], members, source, judges)
        every = [constant[0], *texts, constant[1], *ids, *columns, *donors]
        yield pa.Table.from_arrays(every, schema=DECOY_SCHEMA)
        told(len(mine))


def _donor_ranks(
    rows: Rows, queries: Sequence[str], passages: Sequence[str], members: Members, source: str, judges: Judges
) -> list[pa.Array]:
    """The ranks of the members ``rows`` themselves; each is judged once, however many decoys it gives a passage to."""
    donors, first, of = np.unique(rows, return_index=True, return_inverse=True)
    pairs = Pairs(
        source,
        [queries[row] for row in first],
        [passages[row] for row in first],
        members.folds[donors],
        members.query_texts[donors, None],
        members.passage_texts[donors, None],
        members.documents[donors],
    )
    columns = dict(zip(JUDGEMENT_NAMES, judgement_columns(judges.judge(pairs), pairs, judges), strict=True))
    return [columns[name].take(pa.array(of)) for name in RANKS]


def _texts(pool: Pool, role: str, rows: np.ndarray[Any, np.dtype[np.int64]]) -> list[str]:
    """The texts of some rows of the pool's file, in their order."""
    wanted = np.unique(rows)
    found, first = [], 0
    for batch in pool.batches([role]):
        here = wanted[(wanted >= first) & (wanted < first + batch.num_rows)] - first
        found.append(batch.column(0).take(pa.array(here)))
        first += batch.num_rows
    texts = pa.chunked_array(found, pa.string()).to_pylist()
    return [texts[place] for place in np.searchsorted(wanted, rows).tolist()]


def decoys_by_k(rule: Consistency, table: pa.Table) -> dict[str, dict[Kind, KeptByK]]:
    """Direction -> kind -> how many decoys need which k under a rule; of near ones those whose donor survives."""
    counts: dict[str, dict[Kind, KeptByK]] = {}
    for direction in DIRECTIONS:
        each = replace(rule, direction=direction)
        for kind in KINDS:
            rows = table.filter(pc.equal(table.column("kind"), kind))
            needed = each.smallest_k(judged_of(rows))
            if kind == "near":
                needed = needed[donors_survive(each, rows)]
            counts.setdefault(direction, {})[kind] = KeptByK.of(needed, rule.max_rank)
    return counts


def donors_survive(rule: Consistency, near: pa.Table) -> NDArray[np.bool_]:
    """Whether the pair that each decoy's passage is from is kept at the largest k there is, whatever its similarity."""
    ranks = near.select(DONOR_RANKS).rename_columns(RANKS).append_column("similarity", near.column("similarity"))
    loose = replace(rule, k=rule.max_rank, min_similarity=None)
    return loose.decide(judged_of(ranks)).keep


def numbers_of(table: pa.Table) -> Mapping[str, int]:
    """How many decoys there are of each kind."""
    found = Counter(table.column("kind").to_pylist())
    return {kind: found[kind] for kind in KINDS}


def info_of(uri: str, table: pa.Table) -> ShardInfo:
    """What a manifest says of a file of decoys."""
    folder, _, name = uri.rpartition("/")
    return ShardInfo(name, table.num_rows, storage.sizes_in(folder)[name], storage.sha256(uri))
