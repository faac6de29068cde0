"""``model.json``: what a language model's directory says of the model.

The file is JSON, an object with the fields of :class:`Sidecar`. Sizes and SHA-256 sums of the two model files are in
it, so a truncated or exchanged file is noticed before a library maps it into memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ccpairs.errors import UserError
from ccpairs.storage import write_bytes
from models.lm.normalisers import NORMALISERS, Normaliser

SIDECAR = "model.json"
FORMAT = 1
HASHED_BYTES = 64 << 20
"""Files up to 64 MiB are hashed whenever they are loaded; of larger ones only the size is compared."""


class NormaliserName(msgspec.Struct, frozen=True):
    name: str
    version: int


class ModelFile(msgspec.Struct, frozen=True):
    """A file of the directory: its name, its size in bytes, and its SHA-256 (hex)."""

    name: str
    bytes: int
    sha256: str


class Percentiles(msgspec.Struct, frozen=True):
    """Perplexities below which so many percent of ``texts`` texts lie, and which texts those were.

    ``values`` is keyed by the percentile, a whole number from 1 to 99. ``texts`` is 0 where the number is unknown.
    """

    measured_on: str
    texts: int
    values: Mapping[int, float]


class Sidecar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``corpus``, ``license`` and ``made_with`` are for people; the rest is held against the files."""

    language: str
    order: int
    normaliser: NormaliserName
    kenlm: ModelFile
    sentencepiece: ModelFile
    corpus: str
    license: str | None = None
    made_with: str | None = None
    percentiles: Percentiles | None = None
    format: int = FORMAT

    @property
    def fingerprint(self) -> str:
        """16 hex digits that differ wherever perplexities may."""
        shaping = (self.normaliser.name, str(self.normaliser.version), self.kenlm.sha256, self.sentencepiece.sha256)
        return hashlib.sha256(" ".join(shaping).encode()).hexdigest()[:16]


def read_sidecar(directory: Path) -> Sidecar:
    """The sidecar of a model; raises ``UserError`` where there is none that this code understands."""
    path = directory / SIDECAR
    try:
        sidecar = msgspec.json.decode(path.read_bytes(), type=Sidecar)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{directory}: no language model (no {SIDECAR}); make one with 'ccpairs lm train' or 'ccpairs lm import'"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is damaged ({error}); fetch or make the model again") from None
    if sidecar.format != FORMAT:
        raise UserError(
            f"{path}: has format {sidecar.format}, this ccpairs reads {FORMAT}; install the version it is of"
        )
    for file in (sidecar.kenlm, sidecar.sentencepiece):
        if Path(file.name).name != file.name:
            raise UserError(f"{path}: {file.name!r} is no file name; the model's files lie beside {SIDECAR}")
    return sidecar


def write_sidecar(directory: Path, sidecar: Sidecar) -> None:
    """Write ``model.json``, whole or not at all."""
    encoded = msgspec.json.format(msgspec.json.encode(sidecar), indent=2)
    write_bytes(str(directory / SIDECAR), encoded + b"\n")


def normaliser_of(sidecar: Sidecar, directory: Path) -> Normaliser:
    """The normaliser that the model was made with; raises ``UserError`` where this code has another or none."""
    wanted, ours = sidecar.normaliser, NORMALISERS.get(sidecar.normaliser.name)
    if ours is None or ours.version != wanted.version:
        have = ", ".join(f"{each.name} {each.version}" for each in NORMALISERS.values())
        raise UserError(
            f"{directory}: made with the normaliser {wanted.name} {wanted.version}, and this ccpairs has {have}; "
            "perplexities would be wrong: train the model anew, or install the version of ccpairs that it was made with"
        )
    return ours


def describe_file(path: Path) -> ModelFile:
    """Name, size and SHA-256 of a file."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ModelFile(path.name, path.stat().st_size, digest)


def check_file(directory: Path, stated: ModelFile) -> Path:
    """The path of a model's file; raises ``UserError`` where it is missing, truncated, or another."""
    path = directory / stated.name
    try:
        size = path.stat().st_size
        same = size == stated.bytes and (
            size > HASHED_BYTES or hashlib.sha256(path.read_bytes()).hexdigest() == stated.sha256
        )
    except FileNotFoundError:
        raise UserError(f"{path}: missing, and {SIDECAR} names it; fetch the model again") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    if size != stated.bytes:
        what = "truncated" if size < stated.bytes else "another file"
        raise UserError(f"{path}: has {size:,} bytes and should have {stated.bytes:,} ({what}); fetch the model again")
    if not same:
        raise UserError(f"{path}: its SHA-256 is not the one in {SIDECAR}; fetch the model again")
    return path
