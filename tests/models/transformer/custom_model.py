"""Tiny models whose folders bring code of their own, which leaves a file when it runs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.models.transformer.tiny_bert import write_tiny_bert

MODELLING = """\
from pathlib import Path

from transformers import BertConfig, BertModel

Path({marker!r}).touch()


class OwnConfig(BertConfig):
    model_type = {kind!r}


class OwnModel(BertModel):
    config_class = OwnConfig
"""
MODULES = """\
from pathlib import Path

from sentence_transformers.models import Normalize

Path({marker!r}).touch()


class Own(Normalize):
    pass
"""


def write_custom_bert(folder: Path, marker: Path, kind: str = "own") -> Path:
    """A BERT whose classes are in ``modeling_own.py``; of a ``kind`` that transformers knows, it has a class for it."""
    write_tiny_bert(folder)
    config = json.loads((folder / "config.json").read_text())
    classes = {"AutoConfig": "modeling_own.OwnConfig", "AutoModel": "modeling_own.OwnModel"}
    (folder / "config.json").write_text(json.dumps({**config, "model_type": kind, "auto_map": classes}))
    (folder / "modeling_own.py").write_text(MODELLING.format(marker=str(marker), kind=kind))
    return folder


def write_custom_modules(folder: Path, marker: Path) -> Path:
    """A BERT whose last module for sentence-transformers is a class in ``modules_own.py``."""
    from models.transformer.export import save
    from models.transformer.network import load_network

    save(load_network(write_tiny_bert(folder)), folder)
    modules = json.loads((folder / "modules.json").read_text())
    modules[-1]["type"] = "modules_own.Own"
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "modules_own.py").write_text(MODULES.format(marker=str(marker)))
    return folder
