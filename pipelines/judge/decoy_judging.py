"""Choose and judge the decoys of each source; :mod:`pipelines.judge.decoy_files` says what their files hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccpairs import storage
from ccpairs.pair import JUDGEMENT
from ccpairs.shards import ShardWriter
from filters.folds import bases_of, folds_of_bases
from pipelines.judge.decoy_files import DECOY_SCHEMA, DECOYS, KEY, RANKS, decoys_file, find_decoys
from pipelines.judge.decoys import Decoys, Members, Neighbours, Rows, choose
from pipelines.judge.judges import Judges, Pairs, judgement_columns
from pipelines.judge.neighbours import by_vectors, by_words
from pipelines.judge.pool import Pool
from pipelines.judge.vectors import open_vectors

JUDGEMENT_NAMES = tuple(field.name for field in JUDGEMENT)
ROWS_AT_ONCE = 4_096


def judge_decoys(
    judges: Judges, keys: Mapping[str, str], wanted: int, output: str, told: Callable[[int], None]
) -> dict[str, pa.Table]:
    """The judged decoys of each source; ``keys``: source -> hash of all that shapes them. What is there is read."""
    storage.remove_temporary(storage.join(output, DECOYS))
    found = {source: find_decoys(decoys_file(output, source), key) for source, key in keys.items()}
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


def _judged_in(
    pool: Pool, sources: Sequence[str], judges: Judges, wanted: int, told: Callable[[int], None]
) -> Iterator[tuple[str, pa.Table]]:
    """Choose and judge the decoys of some sources, all in one pool."""
    table = pa.Table.from_batches(list(pool.batches(["source", "pair_id"])))
    documents = pool.documents[pool.place]
    passages = pool.texts("passage")[pool.place]
    members = Members(
        table.column("pair_id").combine_chunks(),
        folds_of_bases(judges.groups.of(bases_of(documents[:, 1], passages)), judges.plan.folds),
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
            # The query's own passages and the passage's own queries share a text with the decoy: no competitors.
            members.query_texts[mine],
            members.passage_texts[theirs],
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
        members.query_texts[donors],
        members.passage_texts[donors],
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
