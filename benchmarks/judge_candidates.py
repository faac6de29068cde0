"""As many candidates as a measurement needs, made of a few thousand real ones.

A copy of a pair takes a share of its words from another pair, the same in query and passage, so copies are different
from each other, lengths and words are those of real texts, and a query still says more of its passage than of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from ccpairs.manifest import MANIFEST_NAME, Manifest, StageCounts, read_manifest
from ccpairs.pair import PAIR_SCHEMA
from ccpairs.shards import PairReader, shard_name, source_folders, write_shard
from pipelines.identity import pair_id

SHARE_OF_OTHER = 0.4
ROWS_PER_SHARD = 50_000


def enlarge(real: Path, pairs: int, output: Path, seed: int = 0) -> None:
    """Write ``pairs`` candidates, made of those under ``real`` in proportion to its sources."""
    folders = source_folders(str(real))
    total = sum(read_manifest(folder).rows for folder in folders)
    for folder in folders:
        manifest = read_manifest(folder)
        if manifest.rows:
            rows = PairReader([folder]).to_table()
            wanted = max(1, round(pairs * manifest.rows / total))
            _write(rows, manifest.source, wanted, output / "candidates" / manifest.source, seed)


def _write(rows: pa.Table, source: str, wanted: int, folder: Path, seed: int) -> None:
    table = pa.concat_tables(list(_copies(rows, source, wanted, seed)))
    table = table.sort_by("pair_id").combine_chunks()
    ids = table.column("pair_id").to_numpy()
    table = table.filter(pa.array(np.concatenate([[True], ids[1:] != ids[:-1]])))
    count = -(-len(table) // ROWS_PER_SHARD)
    bounds = np.linspace(0, len(table), count + 1).astype(int)
    infos = [
        write_shard(table.slice(begin, end - begin), str(folder), shard_name(source, number, count))
        for number, (begin, end) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))
    ]
    types = {item["values"]: item["counts"] for item in table.column("pair_type").value_counts().to_pylist()}
    counts = (StageCounts("pairs", "pair", len(table), len(table), made=len(table)),)
    manifest = Manifest(source, "candidates", {}, "", str(seed), {}, (), counts, types, tuple(infos))
    (folder / MANIFEST_NAME).write_bytes(manifest.to_json())


def _copies(rows: pa.Table, source: str, wanted: int, seed: int) -> Iterator[pa.Table]:
    random = np.random.default_rng(seed)
    texts = [[text.split() for text in rows.column(name).to_pylist()] for name in ("query", "passage")]
    for first in range(0, wanted, len(rows)):
        part = rows.slice(0, min(len(rows), wanted - first))
        if first == 0:
            yield part
            continue
        others = random.integers(0, len(rows), len(part))
        queries, passages = (
            [_mixed(words[row], words[other], random) for row, other in enumerate(others.tolist())] for words in texts
        )
        copy = f"/{first // len(rows)}"
        new = {
            "query": queries,
            "passage": passages,
            "pair_id": [pair_id(*texts) for texts in zip(queries, passages, strict=True)],
            **{
                name: [each and each + copy for each in part.column(name).to_pylist()]
                for name in ("query_doc", "passage_doc")
            },
        }
        columns = [
            pa.array(new[field.name], field.type) if field.name in new else part.column(field.name)
            for field in PAIR_SCHEMA
        ]
        yield pa.Table.from_arrays(columns, schema=PAIR_SCHEMA)


def _mixed(own: Sequence[str], other: Sequence[str], random: np.random.Generator) -> str:
    """The words of a text, some in the place of which stand words of another."""
    taken = np.flatnonzero(random.random(len(own)) < SHARE_OF_OTHER)
    words = list(own)
    for place in taken.tolist():
        if other:
            words[place] = other[place % len(other)]
    return " ".join(words)
