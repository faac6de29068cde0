"""Training a language model: SentencePiece and KenLM on one corpus, as CCNet trained its own.

CCNet's settings are the defaults: 65,536 pieces of a unigram model, character coverage 0.9995, order 5. The same texts
in the same order with the same settings give the same bytes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ccpairs.errors import UserError
from ccpairs.exhaustion import explain
from ccpairs.interruption import temporary
from ccpairs.output_folder import hold_file
from ccpairs.version import __version__
from models.lm.kenlm_tools import estimate, find_tool, make_binary
from models.lm.model import open_kenlm, open_pieces
from models.lm.normalisers import CCNET, Normaliser
from models.lm.sidecar import NormaliserName, Sidecar, describe_file, write_sidecar

log = logging.getLogger("ccpairs")

WORK = "work"
"""Folder beside the model while it is made."""

THREADS = 16
"""SentencePiece adds up in so many parts, whatever the number of cores, so that it gives the same bytes everywhere."""


@dataclass(frozen=True)
class TrainSettings:
    """``pieces`` is the size of SentencePiece's vocabulary, learnt from at most ``sample`` texts. ``prune`` and
    ``memory`` are lmplz's (None: by the size of the corpus). ``bits`` quantises a trie; None keeps full precision.
    """

    order: int = 5
    pieces: int = 65_536
    coverage: float = 0.9995
    sample: int = 1_000_000
    prune: tuple[int, ...] = ()
    structure: str = "trie"
    bits: int | None = None
    memory: str | None = None


@dataclass(frozen=True)
class Trained:
    sidecar: Sidecar
    texts: int
    words: int


def train(
    texts: Iterable[str],
    directory: Path,
    language: str,
    corpus: str,
    settings: TrainSettings,
    *,
    license: str | None = None,
    normaliser: Normaliser = CCNET,
) -> Trained:
    """Train a model on texts and write it to ``directory``, which must not be there yet.

    Raises ``UserError`` for what the user can mend: tools that are missing, a corpus that is too small, no room.
    Everything passing lies beside ``directory`` and is removed.
    """
    find_tool("lmplz")
    find_tool("build_binary")
    with new_directory(directory) as made:
        folder = made.with_name(WORK)
        folder.mkdir()
        corpus_file, arpa = folder / "corpus.txt", folder / "model.arpa"
        count, words = write_normalised(texts, normaliser, corpus_file)
        if count == 0:
            raise UserError("the input holds no text; give other files, or the right --column")
        pieces = made / f"{language}.sp.model"
        log.info("%s texts, %s words; learning pieces", f"{count:,}", f"{words:,}")
        learn_pieces(corpus_file, count, settings, pieces)
        processor = open_pieces(pieces)
        vocabulary = folder / "vocabulary.txt"
        size = processor.get_piece_size()
        vocabulary.write_text("\n".join(map(processor.id_to_piece, range(3, size))), encoding="utf-8")
        memory, prune = settings.memory or sorting_memory(corpus_file), settings.prune
        log.info("%s pieces; counting n-grams", f"{size:,}")
        cut = in_pieces(corpus_file, processor)
        estimate(cut, settings.order, arpa, prune=prune, vocabulary=vocabulary, memory=memory, folder=folder)
        binary = made / f"{language}.arpa.bin"
        make_binary(arpa, binary, structure=settings.structure, bits=settings.bits, memory=memory, folder=folder)
        sidecar = Sidecar(
            language=language,
            order=open_kenlm(binary).order,
            normaliser=NormaliserName(normaliser.name, normaliser.version),
            kenlm=describe_file(binary),
            sentencepiece=describe_file(pieces),
            corpus=f"{corpus}; {count:,} texts, {words:,} words",
            license=license,
            made_with=made_with(settings, size),
        )
        write_sidecar(made, sidecar)
    return Trained(sidecar, count, words)


@contextlib.contextmanager
def new_directory(directory: Path) -> Iterator[Path]:
    """A folder that gets its name when it is whole; raises ``UserError`` where that name is taken or cannot be.

    The folder that it lies in until then is removed at the end, with everything beside it.
    """
    home = directory.absolute().parent
    try:
        home.mkdir(parents=True, exist_ok=True)
        with hold_file(str(home / f".tmp-{directory.name}.lock"), str(directory), "lm", stays=False):
            if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
                raise UserError(f"{directory}: is there already; choose another --output, or remove it")
            passing = home / f".tmp-{directory.name}"
            shutil.rmtree(passing, ignore_errors=True)  # of a command that was killed
            try:
                with temporary(passing):
                    made = passing / "model"
                    made.mkdir(parents=True)
                    yield made
                    made.replace(directory.absolute())
            finally:
                shutil.rmtree(passing, ignore_errors=True)
    except OSError as error:
        reason = explain(error, path=str(directory)) or f"{directory}: cannot be written ({error.strerror or error})"
        raise UserError(f"{reason}; or choose another --output") from None


def write_normalised(texts: Iterable[str], normaliser: Normaliser, path: Path) -> tuple[int, int]:
    """Write the normalised texts, one a line; the number of texts and of words."""
    count = words = 0
    with path.open("w", encoding="utf-8", errors="replace") as stream:
        for text in texts:
            # Line ends of other scripts stay in a normalised text, and SentencePiece reads lines.
            line = " ".join(normaliser.normalise(text).split())
            if line:
                stream.write(line + "\n")
                count += 1
                words += line.count(" ") + 1
    return count, words


def lines_of(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="\n") as stream:
        for line in stream:
            yield line.rstrip("\n")


def learn_pieces(corpus: Path, count: int, settings: TrainSettings, path: Path) -> None:
    """Train SentencePiece on every n-th text, so that no more than ``settings.sample`` are read."""
    import sentencepiece

    every = -(-count // settings.sample)
    with path.open("wb") as written:
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=islice(lines_of(corpus), 0, None, every),
                model_writer=written,
                model_type="unigram",
                vocab_size=settings.pieces,
                character_coverage=settings.coverage,
                hard_vocab_limit=False,  # a corpus too small for so many pieces gets fewer
                max_sentence_length=1 << 30,
                num_threads=THREADS,
                minloglevel=2,
            )
        except (OSError, RuntimeError) as error:
            what = explain(error, path=str(path)) or " ".join(str(error).split())
            raise UserError(
                f"SentencePiece cannot learn {settings.pieces:,} pieces of {count:,} texts: {what}"
            ) from None


def sorting_memory(corpus: Path) -> str:
    """Memory for lmplz: 30 times the corpus, from 256 MB to half of what the machine has; it fills what it is given."""
    wanted = max(256 << 20, 30 * corpus.stat().st_size)
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{min(wanted, machine // 2) >> 20}M"


def in_pieces(corpus: Path, processor: Any) -> Iterator[str]:
    """The texts in pieces, space-separated."""
    lines = lines_of(corpus)
    threads = os.cpu_count() or 1
    while batch := list(islice(lines, 10_000)):
        yield from map(" ".join, processor.encode(batch, out_type=str, num_threads=threads))


def made_with(settings: TrainSettings, pieces: int) -> str:
    """The settings in a line, for people."""
    quantised = f", {settings.bits} bits" if settings.bits else ""
    pruned = f", pruned {' '.join(map(str, settings.prune))}" if settings.prune else ""
    kind = f"{pieces:,} pieces, order {settings.order}{pruned}, {settings.structure}{quantised}"
    return f"ccpairs {__version__} lm train: {kind}"
