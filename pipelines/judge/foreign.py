"""Other people's pairs as candidate shards: cleaned as ours are, with ids, a manifest, and no documents.

``OUTPUT/candidates/SOURCE`` holds them, and they are judged like the candidates of a build. The pairs of a source are
sorted in memory, which takes about three times their text.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.manifest import MANIFEST_NAME, Manifest, StageCounts, read_manifest
from ccpairs.pair import PAIR_SCHEMA
from ccpairs.shards import shard_name, write_shard
from filters.text import plain
from models.trainer.columns import Columns
from models.trainer.corpus import Source, open_corpus
from models.trainer.tables import OpenHttp
from pipelines.identity import pair_id, shard_of
from pipelines.judge.candidates import Candidates
from pipelines.shard_run import digest, finished, versions
from pipelines.write_shards import sorted_and_distinct

log = logging.getLogger("ccpairs")

PAIR_TYPE = "foreign"
ROWS_PER_SHARD = 200_000
SETTINGS = {"foreign": True}
_NAMED = re.compile(r"[A-Za-z0-9][\w.-]*=.+", re.DOTALL)


def foreign_candidates(
    named: Sequence[str], columns: Sequence[Columns], output: str, http: OpenHttp | None = None
) -> list[Candidates]:
    """The candidates of each ``SOURCE=URI``, made or found done. Raises ``UserError`` as the trainer's data do."""
    for text in named:
        if _NAMED.fullmatch(text) is None:
            raise UserError(f"--foreign {text}: say SOURCE=URI, as nq=nq/train.jsonl")
    corpus = open_corpus(named, columns, http)
    if ours := [source.name for source in corpus.sources if source.manifest is not None]:
        raise UserError(f"--foreign {ours[0]}=…: these are finished shards; name them by --input")
    return [_candidates(source, storage.join(output, "candidates", source.name)) for source in corpus.sources]


def _candidates(source: Source, folder: str) -> Candidates:
    settings_hash, inputs_hash = digest(SETTINGS), digest([source.name, *source.identity])
    if (there := finished(folder, settings_hash, inputs_hash)) is not None:
        return Candidates(folder, there)
    _refuse_others(folder)
    storage.remove(folder)
    table, counts = _pairs_of(source)
    shards = max(1, -(-table.num_rows // ROWS_PER_SHARD))
    numbers = Counter(shard_of(identity, shards) for identity in table["pair_id"].to_pylist())
    infos, first = [], 0
    for number in range(shards):
        infos.append(write_shard(table.slice(first, numbers[number]), folder, shard_name(source.name, number, shards)))
        first += numbers[number]
    manifest = Manifest(
        source=source.name,
        stage="candidates",
        settings=SETTINGS,
        settings_hash=settings_hash,
        inputs_hash=inputs_hash,
        versions=versions(),
        inputs=(),
        counts=(counts,),
        pair_types={PAIR_TYPE: table.num_rows},
        shards=tuple(infos),
        rejected_mode="none",
    )
    storage.write_bytes(storage.join(folder, MANIFEST_NAME), manifest.to_json())
    log.info("%s: %s candidates of %s rows", source.name, f"{table.num_rows:,}", f"{counts.read:,}")
    return Candidates(folder, manifest)


def _refuse_others(folder: str) -> None:
    """Raise ``UserError`` where the folder holds candidates that a build made."""
    if storage.exists(storage.join(folder, MANIFEST_NAME)) and read_manifest(folder).settings != SETTINGS:
        raise UserError(
            f"{folder} holds candidates of a build; give the source another name, or choose another --output"
        )


def _pairs_of(source: Source) -> tuple[pa.Table, StageCounts]:
    read, rejected = 0, Counter[str]()
    parts = [PAIR_SCHEMA.empty_table()]
    for table in source.batches():
        read += table.num_rows
        texts = [[plain(text or "") for text in table[name].to_pylist()] for name in ("query", "passage")]
        rows = [(query, passage) for query, passage in zip(*texts, strict=True) if query and passage]
        without_query = texts[0].count("")
        rejected["empty_query"] += without_query
        rejected["empty_passage"] += table.num_rows - len(rows) - without_query
        columns = {
            "query": [query for query, _ in rows],
            "passage": [passage for _, passage in rows],
            "pair_id": [pair_id(*row) for row in rows],
            "source": [source.name] * len(rows),
            "pair_type": [PAIR_TYPE] * len(rows),
        }
        arrays = [pa.array(columns.get(field.name, [None] * len(rows)), field.type) for field in PAIR_SCHEMA]
        parts.append(pa.Table.from_arrays(arrays, schema=PAIR_SCHEMA))
    found, repeated = sorted_and_distinct(pa.concat_tables(parts))
    rejected["duplicate_pair"] += repeated.num_rows
    counts = StageCounts("pairs", "pair", read, found.num_rows, dict(+rejected), made=found.num_rows)
    counts.check()
    return found, counts
