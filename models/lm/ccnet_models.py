"""CCNet's own models: ``{language}.arpa.bin`` and ``{language}.sp.model``, with its normaliser and its cut-offs."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

from ccpairs.errors import UserError
from models.lm.model import check_header, check_vocabulary, open_kenlm, open_pieces
from models.lm.normalisers import CCNET
from models.lm.sidecar import NormaliserName, Percentiles, Sidecar, describe_file, write_sidecar
from models.lm.train import new_directory

CORPUS = "opening text of 1,000,000 Wikipedia pages, as CCNet's authors say"
PUBLISHED = {
    "en": {10: 250.0, 20: 300.0, 30: 340.0, 40: 380.0, 50: 440.0, 60: 520.0, 70: 660.0, 80: 930.0, 90: 1570.0}
    | {95: 2520.0}
}
"""Percentiles over whole pages of Common Crawl. CCNet calls a page head below the 30th and tail from the 60th on."""


def import_ccnet(
    kenlm: Path, sentencepiece: Path, directory: Path, language: str, cutoffs: Path | None = None
) -> Sidecar:
    """Copy CCNet's two files to ``directory`` and write their sidecar.

    ``cutoffs`` is CCNet's ``cutoff.csv``; without it an English model gets the published percentiles, others none.
    Raises ``UserError`` for files that are missing, damaged or not of one model.
    """
    for path in (kenlm, sentencepiece):
        if not path.is_file():
            raise UserError(f"{path}: no such file; CCNet names them {language}.arpa.bin and {language}.sp.model")
    percentiles = read_cutoffs(cutoffs, language) if cutoffs else PUBLISHED.get(language)
    check_loads(kenlm)
    check_vocabulary(open_kenlm(kenlm), open_pieces(sentencepiece), directory)
    with new_directory(directory) as made:
        copies = made / f"{language}.arpa.bin", made / f"{language}.sp.model"
        for source, target in zip((kenlm, sentencepiece), copies, strict=True):
            shutil.copyfile(source, target)
        sidecar = Sidecar(
            language=language,
            order=open_kenlm(copies[0]).order,
            normaliser=NormaliserName(CCNET.name, CCNET.version),
            kenlm=describe_file(copies[0]),
            sentencepiece=describe_file(copies[1]),
            corpus=CORPUS,
            made_with="CCNet",
            percentiles=Percentiles("CCNet's published cut-offs: whole pages of Common Crawl", 0, percentiles)
            if percentiles
            else None,
        )
        write_sidecar(made, sidecar)
    return sidecar


def check_loads(kenlm: Path) -> None:
    """Let a process of its own open a model of which nothing is known: KenLM may crash on a damaged one."""
    check_header(kenlm)
    command = [sys.executable, "-c", "import sys, kenlm; kenlm.Model(sys.argv[1]).score('a')", str(kenlm)]
    if subprocess.run(command, capture_output=True, check=False).returncode < 0:
        raise UserError(f"{kenlm}: KenLM crashes on it, so it is damaged; fetch it again")


def read_cutoffs(path: Path, language: str) -> dict[int, float]:
    """The percentiles of a language in CCNet's ``cutoff.csv``: a row per percentile, a column per language."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        column = rows[0].index(language, 1)
        values = {int(float(row[0])): float(row[column]) for row in rows[1:] if row}
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, IndexError) as error:
        raise UserError(
            f"{path}: no column '{language}' of percentiles ({error}); it should be CCNet's cutoff.csv"
        ) from None
    return {percent: value for percent, value in values.items() if 1 <= percent <= 99}
