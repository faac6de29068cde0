"""Pairs as token ids on disk, made once: memory maps from which any batch is gathered.

    FOLDER/KEY/SOURCE/query.ids      uint16 or uint32, the texts one after the other
                      query.ends     int64 [n], where each text ends
                      query.hashes   uint64 [n], xxh3 of each text, folded
                      passage.…      the same
                      groups         uint8 [n], where the caller sorts rows into groups (folds)
    FOLDER/KEY/tokens.json           written last: without it there is nothing

``KEY`` is a hash of the data, the tokenizer and the length, so a cache is never taken for another's. Rows without a
query or a passage are left out and counted.
"""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from ccpairs.errors import UserError
from ccpairs.exhaustion import explain
from ccpairs.interruption import temporary
from models.encoders import Role, TokenBatch
from models.trainer.columns import TEXTS
from models.trainer.corpus import Corpus, Source
from models.trainer.settings import digest

ROLES: tuple[Role, Role] = ("query", "passage")
LISTING = "tokens.json"
_OURS = re.compile(r"(\.tmp-)?[0-9a-f]{32}")
"""Folders of tokens: a digest."""

Told = Callable[[int], None]
"""Told how many more pairs were read."""


class Tokeniser(Protocol):
    """What both kinds of encoder can do."""

    def tokens(
        self, texts: Sequence[str], role: Role, max_tokens: int | None = None
    ) -> tuple[NDArray[Any], NDArray[np.int64]]: ...


@dataclass(frozen=True)
class Grouping:
    """``of`` tells the group, uint8 [n], of each row of a table with these ``columns``; ``identity``: of the rule."""

    of: Callable[[pa.Table], NDArray[np.uint8]]
    columns: tuple[str, ...]
    identity: str


@dataclass(frozen=True)
class TokenisedSource:
    """The pairs of a source; arrays are memory maps. ``groups`` is None where rows were not grouped."""

    name: str
    ids: tuple[NDArray[Any], NDArray[Any]]
    ends: tuple[NDArray[np.int64], NDArray[np.int64]]
    hashes: tuple[NDArray[np.uint64], NDArray[np.uint64]]
    groups: NDArray[np.uint8] | None

    def __len__(self) -> int:
        return len(self.ends[0])

    def take(self, rows: NDArray[np.int64], side: int) -> TokenBatch:
        """Side 0, the queries, or 1, the passages, of some rows, in the order given."""
        ends = self.ends[side]
        stops = ends[rows]
        starts = np.where(rows > 0, ends[rows - 1], 0)
        sizes = stops - starts
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        places = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], sizes)
        return TokenBatch(self.ids[side][places], offsets, self.hashes[side][rows])


def join(parts: Sequence[TokenBatch]) -> TokenBatch:
    """Batches one after the other."""
    if len(parts) == 1:
        return parts[0]
    sizes = np.concatenate([np.diff(part.offsets) for part in parts])
    return TokenBatch(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]),
        np.concatenate([part.hashes for part in parts]),
    )


def tokenised(
    corpus: Corpus,
    tokeniser: Tokeniser,
    identity: str,
    max_tokens: int,
    folder: Path,
    *,
    grouping: Grouping | None = None,
    told: Told | None = None,
) -> list[TokenisedSource]:
    """The pairs of a corpus as tokens, from ``folder`` where they were made before.

    ``identity`` of the tokeniser and its prompts. Others in the folder, of other data or settings, are removed.
    """
    rule = grouping.identity if grouping else None
    key = digest([corpus.identity, identity, max_tokens, rule])
    place = folder / key
    if not (place / LISTING).is_file():
        _remove_others(folder)
        half = folder / f".tmp-{key}"
        try:
            with temporary(half):
                half.mkdir(parents=True)
                listing = {
                    source.name: _write(source, tokeniser, max_tokens, half / source.name, grouping, told)
                    for source in corpus.sources
                }
                (half / LISTING).write_text(json.dumps(listing), encoding="utf-8")
                half.rename(place)
        except OSError as error:
            shutil.rmtree(half, ignore_errors=True)
            reason = explain(error, path=str(folder)) or f"cannot write {folder}: {error.strerror or error}"
            raise UserError(f"the tokens are not written: {reason}; or choose another --output") from None
    listing = json.loads((place / LISTING).read_text(encoding="utf-8"))
    found = [_open(name, place / name, **facts) for name, facts in listing.items()]
    if not any(map(len, found)):
        raise UserError("no row of the data has both a query and a passage")
    return [source for source in found if len(source)]


def _remove_others(folder: Path) -> None:
    """Remove the tokens that trainings have left in a folder, whole or not, and nothing else."""
    for place in folder.iterdir() if folder.is_dir() else ():
        if _OURS.fullmatch(place.name):
            shutil.rmtree(place, ignore_errors=True)


def left_out(corpus: Corpus, sources: Sequence[TokenisedSource]) -> int:
    """Rows that have no query or no passage."""
    return corpus.rows - sum(map(len, sources))


def text_hash(text: str) -> int:
    """xxh3-64 of a text without regard to case, compatibility forms and white space: equal ones are no negatives."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return xxhash.xxh3_64_intdigest(" ".join(text.casefold().split()).encode("utf-8", "surrogatepass"))


def _write(
    source: Source, tokeniser: Tokeniser, limit: int, folder: Path, grouping: Grouping | None, told: Told | None
) -> dict[str, Any]:
    folder.mkdir()
    columns = list(dict.fromkeys([*TEXTS, *(grouping.columns if grouping else ())]))
    totals, dtype = [0, 0], np.dtype(np.uint16)
    with ExitStack() as stack:

        def create(name: str) -> BinaryIO:
            return stack.enter_context((folder / name).open("wb"))

        files = [{part: create(f"{role}.{part}") for part in ("ids", "ends", "hashes")} for role in ROLES]
        groups = create("groups") if grouping else None
        for table in source.batches(columns):
            whole = pc.and_(*(pc.fill_null(pc.greater(pc.utf8_length(table[name]), 0), False) for name in TEXTS))
            kept = table.filter(whole)
            if kept.num_rows:
                for side, role in enumerate(ROLES):
                    texts = kept[TEXTS[side]].to_pylist()
                    ids, offsets = tokeniser.tokens(texts, role, limit)
                    dtype = ids.dtype
                    files[side]["ids"].write(np.ascontiguousarray(ids).data)
                    files[side]["ends"].write((offsets[1:] + totals[side]).data)
                    files[side]["hashes"].write(np.fromiter(map(text_hash, texts), np.uint64, len(texts)).data)
                    totals[side] += int(offsets[-1])
                if groups is not None and grouping is not None:
                    groups.write(np.ascontiguousarray(grouping.of(kept), np.uint8).data)
            if told is not None:
                told(table.num_rows)
    return {"dtype": dtype.str, "grouped": grouping is not None}


def _open(name: str, folder: Path, dtype: str, grouped: bool) -> TokenisedSource:
    def array(path: Path, kind: Any) -> NDArray[Any]:
        return np.memmap(path, kind, mode="r") if path.stat().st_size else np.empty(0, kind)  # nothing cannot be mapped

    def both(part: str, kind: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        query, passage = (array(folder / f"{role}.{part}", kind) for role in ROLES)
        return query, passage

    groups = array(folder / "groups", np.uint8) if grouped else None
    return TokenisedSource(
        name, both("ids", np.dtype(dtype)), both("ends", np.int64), both("hashes", np.uint64), groups
    )
