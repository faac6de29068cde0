"""Files of judged decoys, one of each source beside its shards: any rule's false-keep rates are counted from them.

``OUTPUT/decoys/SOURCE.parquet`` has a row for each decoy: its kind, its two texts, the ids of the pairs they are from,
and the columns of judged shards. Near ones have the ranks of their donor besides, the pair that the passage is from.

Candidates are decoys' material, and many are wrong. Where the donor is, its passage is near to nothing, and the decoy
says little of near mismatches. So near decoys count where the donor survives at ``max_rank`` by the rule's judge and
direction. On real pairs of which 40 % were exchanged, 1.1 % of all near decoys, 2.6 % of those that count and 2.0 % of
the near mismatches were kept at k = 2 (``benchmarks/consistency``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.manifest import ShardInfo
from ccpairs.pair import JUDGEMENT, PASSAGE, QUERY, SOURCE
from filters.consistency import DIRECTIONS, Consistency
from filters.false_keep import KINDS, KeptByK, Kind
from pipelines.judge.rules import judged_of

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
KEY = b"key"
DECOYS = "decoys"


def decoys_file(output: str, source: str) -> str:
    return storage.join(output, DECOYS, f"{source}.parquet")


def check_decoys_file(output: str, source: str) -> None:
    """Raise ``UserError`` where the file of a source's decoys would replace another kind of file."""
    uri = decoys_file(output, source)
    if storage.exists(uri) and "query_pair_id" not in _read(uri).column_names:
        raise UserError(f"{uri} is no file of decoys; move it away, or choose another --output")


def find_decoys(uri: str, key: str) -> pa.Table | None:
    """The decoys in a file where it is there and has this key, a hash of all that shapes them."""
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
