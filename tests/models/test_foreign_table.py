"""The table of docs/encoders.md, models of others and the commands that read them, beside the code."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ccpairs.errors import UserError
from models.encoders import Encoder, load_encoder
from models.evaluation.contenders import open_encoder
from models.sentence_transformers_folder import SentenceTransformersFolder
from models.static.encoder import static_encoder
from models.static.tokenizer import train_tokenizer
from models.trainer.corpus import open_corpus
from models.trainer.learner import make_learner
from models.trainer.settings import load_settings
from tests.models.foreign import (
    PROMPTS,
    byte_pairs,
    change,
    dense,
    word_piece,
    write_model2vec,
    write_qwen,
    write_router,
    write_static,
    write_t5,
    write_transformer,
)  # fmt: skip
from tests.models.trainer.pairs import pairs, write_pairs
from tests.models.transformer.tiny_bert import write_tiny_bert

PAGE = Path(__file__).resolve().parents[2] / "docs" / "encoders.md"


def write_ours(folder: Path) -> Path:
    static_encoder(train_tokenizer(["the river and the sea"] * 2), 8).save(folder)
    return folder


def write_without_prompt(folder: Path) -> Path:
    write_transformer(folder, prompts=PROMPTS)
    change(folder / "1_Pooling" / "config.json", include_prompt=False)
    return folder


def write_sparse(folder: Path) -> Path:
    return write_transformer(folder, model_type="SparseEncoder")


ROWS: dict[str, Callable[[Path], Path]] = {
    "a folder that training wrote": write_ours,
    "sentence-transformers: static, over any fast tokenizer": lambda folder: write_static(folder, byte_pairs()),
    "model2vec, with weights and mapping": write_model2vec,
    "sentence-transformers: transformer with mean or cls pooling": partial(write_transformer, pooling="cls"),
    "a bare checkpoint of an encoder": write_tiny_bert,
    "sentence-transformers: `truncate_dim`": partial(write_transformer, truncate_dim=4),
    "sentence-transformers: other or several poolings": partial(write_transformer, pooling=("mean", "max")),
    "sentence-transformers: `include_prompt: false`, with prompts": write_without_prompt,
    "sentence-transformers: dense layers": partial(write_transformer, modules=dense),
    "sentence-transformers: routes for queries and documents": write_router,
    "sentence-transformers: a decoder, pooled by its last token": partial(write_qwen, bare=False),
    "a bare checkpoint of a decoder": partial(write_qwen, bare=True),
    "sentence-transformers: the dot product of vectors of any length": partial(
        write_transformer, similarity_fn_name="dot"
    ),
    "sentence-transformers: euclidean or manhattan distance": partial(
        write_transformer, similarity_fn_name="euclidean"
    ),
    "sparse, multi-vector and cross-encoders": write_sparse,
    "a bare encoder-decoder (T5, BART)": write_t5,
    "a tokenizer with more tokens than the model has vectors": lambda folder: write_static(
        folder, word_piece(), rows=9
    ),
}


def table() -> list[tuple[str, ...]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    first = lines.index("| model | `evaluate` | `judge --model` | `train --init` |") + 2
    cells = []
    while lines[first].startswith("|"):
        cells.append(tuple(cell.strip() for cell in lines[first].strip("|").split("|")))
        first += 1
    return cells


def who(load: Callable[[], Encoder]) -> str:
    try:
        encoder = load()
    except UserError as error:
        return "refused" if "\n" not in str(error) else "refused in several lines"
    return "theirs" if isinstance(encoder, SentenceTransformersFolder) else "ours"


def test_the_rows_are_those_that_are_tried() -> None:
    assert [row[0] for row in table()] == list(ROWS)


@pytest.mark.parametrize("row", table(), ids=lambda row: row[0])
def test_every_command_reads_what_the_table_says(row: tuple[str, ...], tmp_path: Path) -> None:
    folder = ROWS[row[0]](tmp_path / "model")
    corpus = open_corpus([write_pairs(tmp_path / "pairs.parquet", pairs(40))])
    is_static = (folder / "modules.json").is_file() and "StaticEmbedding" in json.dumps(
        json.loads((folder / "modules.json").read_text())
    )
    settings = load_settings("preliminary" if is_static else "transformer")
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, init=str(folder)))
    found = [
        who(lambda: open_encoder(folder, None, None)),
        who(lambda: load_encoder(folder, sublinear_tf=True)),
        who(lambda: make_learner(settings, corpus, tmp_path, lambda line: None).encoder),
    ]
    assert found == list(row[1:])
