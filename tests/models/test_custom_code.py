"""What in a model's folder counts as code of its own; nothing of it is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from ccpairs.errors import UserError
from models.custom_code import refuse_custom_code

OURS = "sentence_transformers.models"


def write(folder: Path, files: Mapping[str, object]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder


def module(kind: str, path: str = "1_Own") -> list[dict[str, object]]:
    return [{"idx": 0, "name": "0", "path": path, "type": f"{OURS}.{kind}"}]


@pytest.mark.parametrize(
    ("files", "where"),
    [
        (
            {"preprocessor_config.json": {"auto_map": {"AutoProcessor": "own.Own"}}},
            "auto_map in preprocessor_config.json",
        ),
        ({"processor_config.json": {"auto_map": {"AutoProcessor": "own.Own"}}}, "auto_map in processor_config.json"),
        (
            {"modules.json": module("Router"), "1_Own/router_config.json": {"types": {"query": "own.Own"}}},
            "1_Own/router_config.json names own.Own",
        ),
        (
            {"modules.json": module("Asym"), "1_Own/config.json": {"types": {"query": "own.Own"}}},
            "1_Own/config.json names own.Own",
        ),
        (
            {
                "modules.json": module("Router", ""),
                "router_config.json": {"types": {"query": f"{OURS}.Dense"}},
                "query/config.json": {"activation_function": "own.Own"},
            },
            "query/config.json names own.Own",
        ),
        (
            {
                "modules.json": module("WordEmbeddings"),
                "1_Own/wordembedding_config.json": {"tokenizer_class": "own.Own"},
            },
            "1_Own/wordembedding_config.json names own.Own",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_found_wherever_a_library_looks(files: Mapping[str, object], where: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        refuse_custom_code(write(tmp_path, files))
    assert f"this model runs code of its own ({where}), so it is refused" in str(caught.value)


def test_what_is_of_the_packages_is_not_refused(tmp_path: Path) -> None:
    kinds = {"query": f"{OURS}.Dense", "": f"{OURS}.Dense", "..": f"{OURS}.Dense"}
    files = {
        "modules.json": module("Router", ""),
        "config.json": {"auto_map": {}, "activation_function": "torch.nn.Tanh", "types": "abc"},
        "router_config.json": {"types": kinds},
        "query/config.json": {"activation_function": "torch.nn.Tanh"},
        "wordembedding_config.json": {"tokenizer_class": f"{OURS}.tokenizer.WhitespaceTokenizer"},
    }
    refuse_custom_code(write(tmp_path / "model", files))
