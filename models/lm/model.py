"""A language model in memory: perplexities of texts.

The perplexity of a text is ``10 ** (-sum(log10 p) / (tokens + 1))``, as CCNet computes it: the text is normalised, cut
into pieces by SentencePiece, and scored by KenLM from the begin to the end of the sentence, which is the 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ccpairs.errors import UserError
from ccpairs.exhaustion import is_out_of_memory
from models.lm.normalisers import Normaliser
from models.lm.sidecar import Sidecar, check_file, normaliser_of, read_sidecar

BUNDLED = Path(__file__).resolve().parent / "bundled"


def single(value: float) -> float:
    """The value in single precision, as the record keeps it, so that it compares alike before and after storing."""
    return float(np.float32(value))


class LanguageModel:
    """A model of one language; :meth:`load` makes one.

    The steps of a perplexity are ``normalise`` (text to text), :meth:`pieces`, and ``log10_probability`` (of
    space-separated pieces, from the begin to the end of a sentence).
    """

    def __init__(self, directory: Path, sidecar: Sidecar, normaliser: Normaliser, kenlm: Any, processor: Any) -> None:
        self.directory, self.sidecar = directory, sidecar
        self.normalise = normaliser.normalise
        self._encode = processor.encode
        self.log10_probability: Callable[[str], float] = kenlm.score

    @classmethod
    def load(cls, directory: str | Path) -> LanguageModel:
        """Open the model in a directory; raises ``UserError`` in one line for what is missing, damaged or unfit."""
        directory = Path(directory)
        sidecar = read_sidecar(directory)
        normaliser = normaliser_of(sidecar, directory)
        processor = open_pieces(check_file(directory, sidecar.sentencepiece))
        kenlm = open_kenlm(check_file(directory, sidecar.kenlm))
        if kenlm.order != sidecar.order:
            raise UserError(
                f"{directory}: the sidecar says order {sidecar.order}, and the KenLM model has {kenlm.order}; "
                "they are not of one model"
            )
        check_vocabulary(kenlm, processor, directory)
        return cls(directory, sidecar, normaliser, kenlm, processor)

    @property
    def language(self) -> str:
        """ISO 639-1 code of the model's language."""
        return self.sidecar.language

    @property
    def fingerprint(self) -> str:
        """16 hex digits that differ wherever perplexities may."""
        return self.sidecar.fingerprint

    def pieces(self, text: str) -> str:
        """The pieces of a normalised text, space-separated."""
        return " ".join(self._encode(text, out_type=str))

    def perplexity_of(self, text: str) -> float | None:
        """Perplexity of a text, rounded to a decimal place as CCNet does, in single precision.

        None where nothing is left of the text when it is normalised. A text of several lines is one: CCNet's
        normaliser glues them.
        """
        text = self.normalise(text)
        if not text:
            return None
        try:
            pieces = self.pieces(text)
        except RuntimeError:  # halves of surrogate pairs cannot be encoded
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
            pieces = self.pieces(text)
        return single(round(10.0 ** (-self.log10_probability(pieces) / (len(pieces.split()) + 1)), 1))

    def perplexity(self, texts: Iterable[str]) -> list[float | None]:
        """:meth:`perplexity_of` each text."""
        return list(map(self.perplexity_of, texts))

    def percentile(self, percent: int) -> float:
        """The perplexity below which so many percent of the texts lie that the model was calibrated on."""
        known = self.sidecar.percentiles
        if known is None:
            raise UserError(
                f"{self.directory}: the model has no percentiles; measure them with 'ccpairs lm calibrate', "
                "or give a perplexity in place of a percentile"
            )
        if percent not in known.values:
            values = ", ".join(map(str, sorted(known.values)))
            raise UserError(f"{self.directory}: the model has no percentile {percent}; it has {values}")
        return single(known.values[percent])


def bundled_model(language: str = "en") -> Path | None:
    """Directory of the small model that comes with ccpairs; None where there is none of that language."""
    directory = BUNDLED / language
    return directory if (directory / "model.json").is_file() else None


def open_pieces(path: Path) -> Any:
    """A SentencePiece model as its processor."""
    import sentencepiece

    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        what = str(error).splitlines()[0] if str(error) else "no reason given"
        raise UserError(f"{path}: is no sound SentencePiece model ({what}); fetch it again") from None
    return processor


def open_kenlm(path: Path) -> Any:
    """A KenLM binary as its model."""
    import kenlm

    check_header(path)
    try:
        return kenlm.Model(str(path))
    except (OSError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        what = str(error).rpartition(" because ")[2].rstrip(")").splitlines()[0]
        raise UserError(f"{path}: is no sound KenLM model ({what}); fetch it again") from None


MAGIC = b"mmap lm http://kheafield.com/code format version 5\n\0"


def check_header(path: Path) -> None:
    """Raise ``UserError`` unless the file begins as KenLM's binaries do: the library takes anything else for text."""
    with path.open("rb") as stream:
        head = stream.read(len(MAGIC))
    if head == MAGIC:
        return
    if head.lstrip().startswith(b"\\data\\"):
        raise UserError(f"{path}: is an ARPA file; make a binary of it: build_binary trie {path.name} MODEL.arpa.bin")
    if head.startswith(MAGIC[:40]):
        raise UserError(f"{path}: is a KenLM binary of another format version than 5; make it anew with build_binary")
    raise UserError(f"{path}: begins with {head[:20]!r} and is no KenLM binary; fetch it again")


def check_vocabulary(kenlm: Any, processor: Any, directory: Path) -> None:
    """Raise ``UserError`` where the two files are not of one model: KenLM's words must be SentencePiece's pieces."""
    size = processor.get_piece_size()
    pieces = [processor.id_to_piece(number) for number in range(3, size, max(1, size // 200))]
    known = sum(piece in kenlm for piece in pieces)
    if 2 * known < len(pieces):
        raise UserError(
            f"{directory}: of {len(pieces)} pieces of the SentencePiece model KenLM's knows {known}; "
            "the two files are not of one model"
        )
