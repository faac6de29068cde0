"""Folders of sentence-transformers whose modules our own loaders do not know: other poolings, dense layers.

The package itself computes the vectors, where it is installed.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError
from ccpairs.local_files import FolderWalk
from models.custom_code import is_refusal, refusal, refuse_custom_code
from models.encoders import Role

OURS = {"Transformer", "Pooling", "Normalize", "StaticEmbedding"}
CONFIG = "config_sentence_transformers.json"
PROMPTS: Mapping[Role, Sequence[str]] = {"query": ("query",), "passage": ("passage", "document", "corpus")}
"""Names under which a folder may keep the prompt of a role; the first found holds."""


def is_foreign(folder: Path) -> bool:
    """Does the folder list modules, or a pooling, that only sentence-transformers computes?"""
    if not (folder / "modules.json").is_file():
        return False
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        names = [module["type"].rpartition(".") for module in modules]
        kinds = [name if package.startswith("sentence_transformers") else "" for package, _, name in names]
        if "Normalize" not in kinds and _settings(folder / CONFIG).get("similarity_fn_name") == "dot":
            return True
        for kind, module in zip(kinds, modules, strict=True):
            if kind not in OURS:
                return True
            if kind == "Pooling" and not _is_ours(_settings(folder / module["path"] / "config.json")):
                return True
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{folder}: its modules cannot be read ({error}); fetch the folder again") from None
    return False


def _settings(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _is_ours(pooling: Mapping[str, Any]) -> bool:
    """The mean, or the first token's vector, alone, and over the prompt too."""
    flags = [name for name, on in pooling.items() if name.startswith("pooling_mode_") and on]
    modes = [pooling["pooling_mode"]] if "pooling_mode" in pooling else flags  # one name since the fifth release
    known = ("mean", "cls", "pooling_mode_mean_tokens", "pooling_mode_cls_token")
    return len(modes) == 1 and modes[0] in known and bool(pooling.get("include_prompt", True))


class SentenceTransformersFolder:
    """An encoder by the package; its similarity is the folder's own: cosine, or the dot product of raw vectors."""

    def __init__(
        self,
        folder: Path,
        max_length: int | None = None,
        batch_tokens: int | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        if not trust_remote_code:
            refuse_custom_code(folder)  # releases before the sixth import what a local folder names
        try:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging
        except ImportError:
            raise UserError(
                f"{folder} has modules that only sentence-transformers computes; pip install sentence-transformers"
            ) from None
        quiet: Any = transformers_logging
        quiet.disable_progress_bar()
        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        try:
            self.model: Any = SentenceTransformer(
                str(folder), local_files_only=True, trust_remote_code=trust_remote_code
            )
        except (OSError, ValueError, KeyError, ImportError) as error:
            if is_refusal(error):
                raise refusal(folder, "auto_map of an inner module") from None
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UserError(f"{folder} does not load with sentence-transformers: {reason}") from None
        if self.model.similarity_fn_name not in ("cosine", "dot"):
            raise UserError(f"{folder} compares by {self.model.similarity_fn_name}; only cosine and dot are searched")
        if max_length:
            self.model.max_seq_length = max_length
        self.folder = folder
        self.batch = max(1, batch_tokens // (self.model.max_seq_length or 512)) if batch_tokens else 32
        kept = self.model.prompts or {}
        self.prompts = {
            role: next((kept[name] for name in names if kept.get(name)), "") for role, names in PROMPTS.items()
        }
        self.dimension = self.encode([""], "query").shape[1]

    @cached_property
    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(Path(file.path) for file in FolderWalk(str(self.folder)).files()):
            if path.suffix in (".json", ".safetensors", ".bin", ".txt", ".model", ".py"):
                with path.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()

    def encode(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """Vectors float32 [n, d] of texts with the folder's prompt for the role."""
        found = self.model.encode(
            list(texts),
            prompt=self.prompts[role] or None,
            batch_size=self.batch,
            normalize_embeddings=self.model.similarity_fn_name == "cosine",
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(found, np.float32).reshape(len(texts), -1)
