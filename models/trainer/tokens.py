"""Pairs as token ids on disk, made once: memory maps from which any batch is gathered.

    FOLDER/KEY/SOURCE/query.ids      uint16 or uint32, the texts one after the other
                      query.ends     int64 [n], where each text ends
                      query.hashes   uint64 [n], xxh3 of each text, folded
                      passage.…      the same
                      negative.…     the same of all hard negatives, where the source has any
                      negative.rows  int64 [n], where those of each row end
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
from models.trainer.columns import NEGATIVES, TEXTS
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
class TokenisedTexts:
    """Texts one after the other; arrays are memory maps."""

    ids: NDArray[Any]
    ends: NDArray[np.int64]
    hashes: NDArray[np.uint64]

    def take(self, rows: NDArray[np.int64]) -> TokenBatch:
        """Some of them, in the order given."""
        places, offsets = _stretches(self.ends, rows)
        return TokenBatch(self.ids[places], offsets, self.hashes[rows])


@dataclass(frozen=True)
class TokenisedSource:
    """The pairs of a source. ``groups`` is None where rows were not grouped.

    ``negatives``: the hard negatives of all rows, those of row i before ``negative_rows[i]``; None without any.
    """

    name: str
    queries: TokenisedTexts
    passages: TokenisedTexts
    negatives: TokenisedTexts | None
    negative_rows: NDArray[np.int64] | None
    groups: NDArray[np.uint8] | None

    def __len__(self) -> int:
        return len(self.queries.ends)

    def take(self, rows: NDArray[np.int64], side: int) -> TokenBatch:
        """Side 0, the queries, or 1, the passages, of some rows, in the order given."""
        return (self.passages if side else self.queries).take(rows)

    def take_negatives(self, rows: NDArray[np.int64]) -> TokenBatch | None:
        """The hard negatives of some rows, row after row; None where they have none."""
        if self.negatives is None or self.negative_rows is None:
            return None
        places, _ = _stretches(self.negative_rows, rows)
        return self.negatives.take(places) if len(places) else None


def _stretches(ends: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of all members of some rows, whose members end at ``ends``, and the offsets of the rows among them."""
    starts = np.where(rows > 0, ends[rows - 1], 0)
    sizes = ends[rows] - starts
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    return np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], sizes), offsets


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
    negatives: int = -1,
    grouping: Grouping | None = None,
    told: Told | None = None,
) -> list[TokenisedSource]:
    """The pairs of a corpus as tokens, from ``folder`` where they were made before.

    ``identity`` of the tokeniser and its prompts. ``negatives`` of a row at most; below 0 all of them.
    Others in the folder, of other data or settings, are removed.
    """
    rule = grouping.identity if grouping else None
    key = digest([corpus.identity, identity, max_tokens, rule, negatives])
    place = folder / key
    if not (place / LISTING).is_file():
        _remove_others(folder)
        half = folder / f".tmp-{key}"
        try:
            with temporary(half):
                half.mkdir(parents=True)
                listing = {
                    source.name: _write(source, tokeniser, (max_tokens, negatives), half / source.name, grouping, told)
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


class _Texts:
    """Writes texts one after the other as the files of a :class:`TokenisedTexts`."""

    def __init__(self, create: Callable[[str], BinaryIO], name: str, role: Role, tokeniser: Tokeniser) -> None:
        self._files = [create(f"{name}.{part}") for part in ("ids", "ends", "hashes")]
        self._role, self._tokeniser, self._total = role, tokeniser, 0
        self.dtype = np.dtype(np.uint16)

    def write(self, texts: Sequence[str], limit: int) -> None:
        if not texts:
            return
        found, offsets = self._tokeniser.tokens(texts, self._role, limit)
        self.dtype = found.dtype
        ids, ends, hashes = self._files
        ids.write(np.ascontiguousarray(found).data)
        ends.write((offsets[1:] + self._total).data)
        hashes.write(np.fromiter(map(text_hash, texts), np.uint64, len(texts)).data)
        self._total += int(offsets[-1])


def _write(
    source: Source,
    tokeniser: Tokeniser,
    limits: tuple[int, int],
    folder: Path,
    grouping: Grouping | None,
    told: Told | None,
) -> dict[str, Any]:
    """Make the files of a source. ``limits``: the tokens of a text, and the hard negatives of a row."""
    source.verify()
    folder.mkdir()
    limit, most = limits
    columns = list(dict.fromkeys([*TEXTS, *(grouping.columns if grouping else ())]))
    negatives = 0
    with ExitStack() as stack:

        def create(name: str) -> BinaryIO:
            return stack.enter_context((folder / name).open("wb"))

        sides = [_Texts(create, role, role, tokeniser) for role in ROLES]
        hard = _Texts(create, "negative", "passage", tokeniser) if source.has_negatives and most else None
        hard_rows = create("negative.rows") if hard else None
        groups = create("groups") if grouping else None
        for table in source.batches(columns):
            whole = pc.and_(*(pc.fill_null(pc.greater(pc.utf8_length(table[name]), 0), False) for name in TEXTS))
            kept = table.filter(whole)
            if kept.num_rows:
                for name, side in zip(TEXTS, sides, strict=True):
                    side.write(kept[name].to_pylist(), limit)
                if hard is not None and hard_rows is not None:
                    lists = kept[NEGATIVES].to_pylist() if NEGATIVES in kept.column_names else [[]] * kept.num_rows
                    lists = lists if most < 0 else [texts[:most] for texts in lists]
                    hard.write([text for texts in lists for text in texts], limit)
                    ends = negatives + np.cumsum([len(texts) for texts in lists], dtype=np.int64)
                    hard_rows.write(ends.data)
                    negatives = int(ends[-1])
                if groups is not None and grouping is not None:
                    groups.write(np.ascontiguousarray(grouping.of(kept), np.uint8).data)
            if told is not None:
                told(table.num_rows)
    return {"dtype": sides[0].dtype.str, "grouped": grouping is not None, "negatives": negatives}


def _open(name: str, folder: Path, dtype: str, grouped: bool, negatives: int) -> TokenisedSource:
    def array(path: Path, kind: Any) -> NDArray[Any]:
        return np.memmap(path, kind, mode="r") if path.stat().st_size else np.empty(0, kind)  # nothing cannot be mapped

    def texts(of: str) -> TokenisedTexts:
        ids, ends, hashes = (folder / f"{of}.{part}" for part in ("ids", "ends", "hashes"))
        return TokenisedTexts(array(ids, np.dtype(dtype)), array(ends, np.int64), array(hashes, np.uint64))

    return TokenisedSource(
        name,
        texts("query"),
        texts("passage"),
        texts("negative") if negatives else None,
        array(folder / "negative.rows", np.int64) if negatives else None,
        array(folder / "groups", np.uint8) if grouped else None,
    )
