"""The card of an encoder says what it is, for people and for hubs."""

from __future__ import annotations

from pathlib import Path

import yaml

from models.card import write_card
from models.prompts import E5_PROMPTS
from models.static.encoder import static_encoder
from models.static.tokenizer import train_tokenizer
from models.transformer.encoder import TransformerEncoder
from tests.models.transformer.tiny_bert import texts, write_tiny_bert


def test_the_front_matter_is_that_of_sentence_transformers(tmp_path: Path) -> None:
    write_card(tmp_path, "Encoder", "It encodes.", {"query": "", "passage": ""}, ["static-embeddings"])
    _, front, body = (tmp_path / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    assert yaml.safe_load(front) == {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["sentence-transformers", "static-embeddings", "sentence-similarity", "feature-extraction"],
    }
    assert body.startswith("\n# Encoder\n\nIt encodes. ")


def test_prompts_are_told_where_there_are_any(tmp_path: Path) -> None:
    write_card(tmp_path, "Encoder", "It encodes.", {"query": "query: ", "passage": ""})
    assert "Prompts, which the functions below add: `query: ` before a query." in (tmp_path / "README.md").read_text()
    write_card(tmp_path, "Encoder", "It encodes.", {"query": "", "passage": ""})
    assert "Texts are encoded as they are, without prompts." in (tmp_path / "README.md").read_text()


def test_both_kinds_of_encoder_write_theirs(tmp_path: Path) -> None:
    static_encoder(train_tokenizer(texts(20, 0), 60), 16).save(tmp_path / "static")
    TransformerEncoder(write_tiny_bert(tmp_path / "bert"), prompts=E5_PROMPTS).save(tmp_path / "transformer")
    static, transformer = ((tmp_path / kind / "README.md").read_text() for kind in ("static", "transformer"))
    assert "- static-embeddings\n" in static
    assert "tokens of 16 dimensions" in static
    assert "`query: ` before a query, `passage: ` before a passage" in transformer
    assert "2 layers, 16 dimensions, mean pooling; texts of up to 64 tokens." in transformer
    for card, folder in ((static, "static"), (transformer, "transformer")):
        assert str(tmp_path) not in card, folder
