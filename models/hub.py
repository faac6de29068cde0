"""Models by name: a folder of this machine, or a repository of the Hugging Face hub."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from ccpairs.errors import UserError

log = logging.getLogger("ccpairs")

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9_][\w.-]*)?")
WHOLE = ".gitattributes"
"""A file of every repository, which transformers never asks for: where it is cached, the whole snapshot is."""
FILES = [
    "*.json",
    "*.txt",
    "*.model",
    "*.py",
    "*.safetensors",
    "*.tsv",
    "*.vocab",
    "*.jinja",
    "*.tiktoken",
    "*/*.bin",
    WHOLE,
]
OLD_WEIGHTS = ["*.bin"]
OTHER_FORMATS = ["onnx/*", "openvino/*", "coreml/*", "*.onnx", "original/*"]


def find_model(name: str | Path) -> Path:
    """The folder of a model: the local one of that name, else a snapshot of the hub's, downloaded where need be.

    What the cache holds whole is taken from there without a question to the hub. Raises ``UserError`` where there is
    neither.
    """
    folder = Path(name).expanduser()
    if folder.exists():
        return folder
    if not HUB_NAME.fullmatch(str(name)):
        raise UserError(f"{name}: no such folder; name a folder that training wrote, or a downloaded model's")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    try:
        cached = Path(snapshot_download(str(name), local_files_only=True))
        if (cached / WHOLE).is_file():
            return cached
    except (OSError, ValueError):
        cached = None
    log.info("%s: no such folder here; it is downloaded from the Hugging Face hub", name)
    try:
        found = Path(snapshot_download(str(name), allow_patterns=FILES, ignore_patterns=OTHER_FORMATS))
        if not any(found.rglob("*.safetensors")):
            snapshot_download(str(name), allow_patterns=OLD_WEIGHTS, ignore_patterns=OTHER_FORMATS)
    except RepositoryNotFoundError:
        raise UserError(f"no model {name}: neither a folder here nor a public model of the Hugging Face hub") from None
    except Exception as error:  # of the hub, of the net, of the disk
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(
            f"no model {name}: no such folder here, and the Hugging Face hub does not answer ({reason}); name a "
            "folder, or try again with a connection"
        ) from None
    if not (found / WHOLE).is_file():  # a part of it, from the cache: whether it has a modules.json is unknown
        raise UserError(f"no model {name}: only parts of it are in the cache; try again with a connection")
    return found
