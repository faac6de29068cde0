"""Models whose vectors only sentence-transformers computes: routers, dense layers, other poolings, decoders.

The package itself encodes, where it is installed, as its ``encode_query`` and ``encode_document`` do.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccpairs.errors import UserError
from ccpairs.local_files import FolderWalk
from models.custom_code import is_refusal, refusal
from models.encoders import Role
from models.model_folder import ModelFolder, check_rows

BATCH = 32
NO_WEIGHTS_NOR_SETTINGS = (".md", ".png", ".jpg", ".onnx", ".h5", ".msgpack", ".ot", ".gguf")
"""Endings of files from which no vector follows."""


class SentenceTransformersFolder:
    """An encoder by the package. Vectors have length 1, but where the folder compares by the dot product."""

    def __init__(
        self,
        stated: ModelFolder,
        reason: str = "",
        *,
        trust_remote_code: bool = False,
    ) -> None:
        folder = stated.folder
        try:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging
        except ImportError:
            raise UserError(
                f"{folder}: {reason or 'a model'}, which only sentence-transformers computes; "
                "pip install sentence-transformers"
            ) from None
        quiet: Any = transformers_logging
        quiet.disable_progress_bar()
        logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
        self.stated, self.prompts = stated, stated.prompts
        self.batch = BATCH
        self._files = _digest(folder)
        self._lock = threading.Lock()  # its tokenizers are set up anew for each batch
        try:
            self.model: Any = SentenceTransformer(
                str(folder), local_files_only=True, trust_remote_code=trust_remote_code
            )
            self._fit()
            sizes = {self.encode(["x"], role).shape[1] for role in self.prompts}
        except UserError:
            raise
        except Exception as error:  # it raises all kinds for a folder that is not whole
            if is_refusal(error):
                raise refusal(folder, "auto_map of an inner module") from None
            line = (" ".join(str(error).split()) or type(error).__name__)[:300]
            raise UserError(f"{folder} does not load with sentence-transformers: {line}") from None
        if len(sizes) > 1:
            raise UserError(f"{folder}: queries and passages differ in dimension ({', '.join(map(str, sizes))})")
        self.dimension = sizes.pop()

    @property
    def max_tokens(self) -> int | None:
        """Where texts are cut, None where they are not."""
        limit = self.model.max_seq_length
        return int(limit) if limit is not None and limit < 1 << 30 else None

    def cut(self, max_length: int) -> None:
        """Cut texts at so many tokens, or at what the model can read."""
        for module in self._modules("tokenizer"):
            try:
                module.max_seq_length = max_length
            except AttributeError:
                raise UserError(
                    f"{self.stated.folder}: its {type(module).__name__} cannot be cut; leave out --max-length"
                ) from None
        self._fit()

    def fill_batches(self, batch_tokens: int) -> None:
        """Encode about so many tokens at a time."""
        self.batch = max(1, batch_tokens // (self.max_tokens or 512))

    def _modules(self, *attributes: str) -> Iterator[Any]:
        """The innermost modules that have these attributes."""
        for module in self.model.modules():
            inner = module is not self.model and not hasattr(module, "sub_modules")
            if inner and all(getattr(module, name, None) is not None for name in attributes):
                yield module

    def _fit(self) -> None:
        """Cut texts at the model's positions, which the package runs over; refuse ids without a vector."""
        from models.transformer.positions import embedding_rows, readable_tokens

        for module in self._modules("tokenizer", "auto_model"):
            tokens = max(module.tokenizer.get_vocab().values(), default=-1) + 1
            check_rows(self.stated.folder, tokens, embedding_rows(module.auto_model))
            most = readable_tokens(module.auto_model, module.max_seq_length)
            if most is not None and (module.max_seq_length is None or module.max_seq_length > most):
                module.max_seq_length = most
        for module in self._modules("tokenizer", "num_embeddings"):
            tokens = max(module.tokenizer.get_vocab().values(), default=-1) + 1
            check_rows(self.stated.folder, tokens, module.num_embeddings)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of files, prompts, length, and release of the package."""
        import sentence_transformers

        told = (sorted(self.prompts.items()), self.max_tokens, sentence_transformers.__version__, self._files)
        return hashlib.sha256(repr(told).encode()).hexdigest()

    def encode(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """Vectors float32 [n, d] of texts with the folder's prompt for the role."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        name = "encode_query" if role == "query" else "encode_document"
        encode = getattr(self.model, name, self.model.encode)  # releases before the fifth have one for both
        with self._lock:
            found = encode(
                [text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8") for text in texts],
                prompt=self.prompts[role],
                batch_size=self.batch,
                normalize_embeddings=self.stated.similarity == "cosine",
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return np.asarray(found, np.float32).reshape(len(texts), -1)


def _digest(folder: Path) -> str:
    """SHA-256 of the files of a folder, by their names."""
    digest = hashlib.sha256()
    for path in sorted(Path(file.path) for file in FolderWalk(str(folder)).files()):
        if path.suffix.lower() not in NO_WEIGHTS_NOR_SETTINGS:
            digest.update(str(path.relative_to(folder)).encode())
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
