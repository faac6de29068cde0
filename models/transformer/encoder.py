"""A transformer as an encoder: texts sorted by length, in batches of so many tokens, whatever their number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xxhash
from numpy.typing import NDArray

from models.encoders import Role
from models.transformer.network import Network, by_length, load_network

BATCH_TOKENS = {"cpu": 1 << 10, "cuda": 1 << 16}
"""On a CPU for each of its threads, and so few that the activations stay in its caches."""


class TransformerEncoder:
    """Vectors of the model in a folder, or of a model in training.

    ``device``: the GPU where there is one. ``bf16``: the layers in bf16, pooling and length in fp32; by default on a
    GPU that has it, not on a CPU. ``batch_tokens``: tokens a batch, padding included.
    """

    def __init__(
        self,
        model: str | Path | Network,
        *,
        device: str | None = None,
        bf16: bool | None = None,
        batch_tokens: int | None = None,
        prompts: dict[Role, str] | None = None,
    ) -> None:
        self.network = model if isinstance(model, Network) else load_network(model, device=device, prompts=prompts)
        kind = self.network.device.type
        self.bf16 = bf16 if bf16 is not None else kind == "cuda" and torch.cuda.is_bf16_supported()
        threads = min(torch.get_num_threads(), 8) if kind == "cpu" else 1
        self.batch_tokens = batch_tokens or BATCH_TOKENS.get(kind, 1 << 14) * threads

    @classmethod
    def load(cls, folder: Path) -> TransformerEncoder:
        return cls(folder)

    @property
    def dimension(self) -> int:
        return self.network.dimension

    @property
    def prompts(self) -> dict[Role, str]:
        return self.network.prompts

    @property
    def fingerprint(self) -> str:
        """xxh3-128 of weights, tokenizer, prompts, pooling, length and precision."""
        network = self.network
        told = (sorted(network.prompts.items()), network.pooling, network.max_tokens, self.bf16)
        tokenizer = json.loads(network.tokenizer.backend_tokenizer.to_str())
        tokenizer["truncation"] = tokenizer["padding"] = None  # they are left from its last call
        digest = xxhash.xxh3_128(repr(told).encode() + json.dumps(tokenizer).encode())
        for name, tensor in sorted(network.model.state_dict().items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).data)
        return digest.hexdigest()

    def tokens(
        self, texts: Sequence[str], role: Role, max_tokens: int | None = None
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Ids, flat, and offsets int64 [n + 1] of the texts with their prompt and special tokens."""
        return self.network.tokens(texts, role, max_tokens)

    def encode(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """Unit vectors, float32 [n, dimension], in the order of the texts."""
        return self.encode_tokens(*self.tokens(texts, role))

    def encode_tokens(self, ids: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
        """The same for texts that :meth:`tokens` has read."""
        vectors = np.empty((len(offsets) - 1, self.dimension), np.float32)
        batches = by_length(np.diff(offsets), self.batch_tokens)
        self.network.model.eval()
        device = self.network.device
        done = []
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=self.bf16):
            for chosen in batches:
                embedded = self.network.embed(ids, offsets, chosen)
                if device.type == "cpu":
                    vectors[chosen] = embedded.numpy()
                else:
                    done.append(embedded)  # fetched at the end: a copy back would make the GPU wait
        if done:
            vectors[np.concatenate(batches)] = torch.cat(done).cpu().numpy()
        return vectors

    def save(self, folder: Path) -> None:
        from models.transformer.export import save

        save(self.network, folder)
