"""A transformer in training: batches of any size in the memory of one chunk, exactly (gradient caching).

One step, as in GradCache (Gao et al. 2021, arXiv:2101.06983): embed all texts without a graph, loss and its gradient
by the vectors (:mod:`models.loss`), then embed each chunk again, under the seed it had, and send its slice of that
gradient back through it. The chunks are those of the batch sorted by length. Gradient checkpointing inside the model
would embed a third time: leave it off.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.encoders import TokenBatch
from models.loss.collisions import Hashes
from models.loss.info_nce import InfoNce
from models.transformer import ranks
from models.transformer.allocator import return_large_pieces
from models.transformer.encoder import TransformerEncoder
from models.transformer.network import Network, by_length, padded_width

CHUNK_TOKENS = {"cpu": 1 << 11, "cuda": 1 << 16}


@dataclass(frozen=True)
class Settings:
    """``clip``: the longest Euclidean norm of the gradient. ``chunk_tokens``: tokens a chunk, padding included.

    ``kept_tokens``: of so many tokens the graph of the first pass is kept, which saves their second pass and costs
    their activations; at least the last chunk's is. ``bf16``: autocast of the layers; by default on a GPU that has it.
    ``learn_temperature``: the loss's temperature is where it begins.
    """

    loss: InfoNce = field(default_factory=InfoNce)
    learn_temperature: bool = False
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float | None = 1.0
    chunk_tokens: int | None = None
    kept_tokens: int = 0
    bf16: bool | None = None


class TransformerTrainable:
    """Trains the parameters of ``network`` in place.

    Where torch.distributed is initialised every rank calls :meth:`step` with the same *global* batch and trains its
    own rows of it; the result does not depend on their number, but for dropout, which falls differently. Three
    collectives a step, however many chunks.
    """

    def __init__(self, network: Network, settings: Settings | None = None) -> None:
        self.network, self.settings = network, settings or Settings()
        device = network.device
        if device.type == "cpu":
            return_large_pieces()
        self._bf16 = self.settings.bf16
        if self._bf16 is None:
            self._bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
        self._budget = self.settings.chunk_tokens or CHUNK_TOKENS.get(device.type, 1 << 14)
        self.log_tau = torch.tensor(np.log(self.settings.loss.temperature), dtype=torch.float32, device=device)
        self._trained = [p for p in network.model.parameters() if p.requires_grad]
        leaves = [*self._trained, *([self.log_tau] if self.settings.learn_temperature else [])]
        self._buffer = torch.zeros(sum(p.numel() for p in leaves) + 1, device=device)  # all gradients, and the loss
        self._flat = self._buffer[:-1]
        for leaf, part in zip(leaves, torch.split(self._flat, [p.numel() for p in leaves]), strict=True):
            leaf.grad = part.view_as(leaf)
        matrices = [p for p in leaves if p.ndim > 1]
        rest = [p for p in leaves if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": self.settings.weight_decay}]
        groups += [{"params": rest, "weight_decay": 0.0}] if rest else []
        self._adam = torch.optim.AdamW(groups, betas=self.settings.betas, fused=True)
        self._steps = 0

    @property
    def temperature(self) -> float:
        return float(self.log_tau.exp()) if self.settings.learn_temperature else self.settings.loss.temperature

    def step(
        self,
        queries: TokenBatch,
        passages: TokenBatch,
        *,
        negatives: TokenBatch | None = None,
        lr: float,
        seed: int,
    ) -> float:
        """One step of AdamW on one global batch; returns its mean loss. Dropout follows from seed, step and rank."""
        loss = self.gradient(queries, passages, negatives=negatives, seed=seed)
        if self.settings.clip is not None:
            norm = self._flat.norm()
            self._flat *= (self.settings.clip / (norm + 1e-6)).clamp(max=1.0)
        for group in self._adam.param_groups:
            group["lr"] = lr
        self._adam.step()
        self._steps += 1
        return float(loss)

    def gradient(
        self, queries: TokenBatch, passages: TokenBatch, *, negatives: TokenBatch | None = None, seed: int
    ) -> Tensor:
        """Mean loss of the global batch; its gradient by the parameters is in :attr:`flat_gradient`, of all ranks."""
        sides = [passages, *([negatives] if negatives is not None else []), queries]
        starts = np.cumsum([0, *(len(side.hashes) for side in sides)])
        rows = ranks.share(len(passages.hashes))
        shares = [ranks.share(len(side.hashes)) for side in sides]
        mine = np.concatenate([np.arange(s.start, s.stop) + at for s, at in zip(shares, starts, strict=False)])
        sizes = np.concatenate([np.diff(side.offsets) for side in sides])
        texts = _Texts(sides, starts, sizes)
        chunks = [mine[chosen] for chosen in by_length(sizes[mine], self._budget)]
        kept = _kept(sizes, chunks, self.settings.kept_tokens)

        device = self.network.device
        self.network.model.train()
        self._flat.zero_()
        devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            vectors = torch.zeros(len(sizes), self.network.dimension, device=device)
            graphs = {}
            for number, chosen in enumerate(chunks):
                with torch.set_grad_enabled(number in kept):
                    embedded = self._embed(texts, chosen, (seed, number))
                if number in kept:
                    graphs[number] = embedded
                vectors[torch.from_numpy(chosen).to(device)] = embedded.detach()
            ranks.add(vectors)
            loss, d_log_tau, d_vectors = self._loss(vectors, starts, rows, queries, passages, negatives)
            del vectors
            ranks.add(d_vectors)
            for number in [*sorted(kept), *(n for n in range(len(chunks)) if n not in kept)]:
                chosen = chunks[number]
                embedded = graphs.pop(number) if number in kept else self._embed(texts, chosen, (seed, number))
                embedded.backward(d_vectors[torch.from_numpy(chosen).to(device)])  # type: ignore[no-untyped-call]
        if self.settings.learn_temperature:
            assert self.log_tau.grad is not None
            self.log_tau.grad += d_log_tau
        self._buffer[-1] = loss
        ranks.add(self._buffer)
        return self._buffer[-1].clone()

    @property
    def flat_gradient(self) -> Tensor:
        """All gradients one after the other, in the order of the model's trained parameters."""
        return self._flat

    def _loss(
        self,
        vectors: Tensor,
        starts: NDArray[np.int64],
        rows: range,
        queries: TokenBatch,
        passages: TokenBatch,
        negatives: TokenBatch | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Of this rank's rows: loss, derivative by log(temperature), gradient by all vectors in their order."""
        p, *hard, q = vectors.tensor_split(torch.from_numpy(starts[1:-1]))
        hashes = Hashes.of_arrays(
            queries.hashes, passages.hashes, None if negatives is None else negatives.hashes, vectors.device
        )
        tau = self.log_tau.exp() if self.settings.learn_temperature else None
        found = self.settings.loss(q, p, hard[0] if hard else None, rows=rows, hashes=hashes, temperature=tau)
        sides = [side for side in (found.d_passages, found.d_negatives, found.d_queries) if side is not None]
        return found.loss, found.d_log_tau, torch.cat(sides)

    def _embed(self, texts: _Texts, chosen: NDArray[np.int64], key: tuple[int, int]) -> Tensor:
        words = np.random.SeedSequence([*key, self._steps, ranks.rank()]).generate_state(1, np.uint64)
        torch.manual_seed(int(words[0]))
        with self._autocast():
            return self.network.embed(*texts.of(chosen))

    def _autocast(self) -> AbstractContextManager[Any]:
        # Without its cache: a weight cast in the pass without a graph would be reused, graph-less, in the other.
        return torch.autocast(self.network.device.type, torch.bfloat16, enabled=bool(self._bf16), cache_enabled=False)

    def state(self) -> dict[str, Any]:
        """Copies of weights, moments, temperature and the number of steps; the next step depends on nothing else."""
        return copy.deepcopy(
            {
                "model": self.network.model.state_dict(),
                "optimizer": self._adam.state_dict(),
                "log_tau": self.log_tau,
                "steps": self._steps,
            }
        )

    def restore(self, state: Mapping[str, Any]) -> None:
        self.network.model.load_state_dict(state["model"])
        self._adam.load_state_dict(copy.deepcopy(state["optimizer"]))
        self.log_tau.copy_(state["log_tau"])
        self._steps = state["steps"]

    def save(self, folder: Path) -> None:
        self.encoder().save(folder)

    def encoder(self) -> TransformerEncoder:
        return TransformerEncoder(self.network, bf16=self._bf16)


class _Texts:
    """The texts of all sides under one numbering."""

    def __init__(self, sides: list[TokenBatch], starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
        self.sides, self.starts, self.sizes = sides, starts, sizes

    def of(self, chosen: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
        """Ids and offsets of some texts only, and the numbers 0 to len(chosen) - 1."""
        sides = np.searchsorted(self.starts, chosen, side="right") - 1
        parts = []
        for text, side in zip(chosen.tolist(), sides.tolist(), strict=True):
            batch, row = self.sides[side], text - self.starts[side]
            parts.append(batch.ids[batch.offsets[row] : batch.offsets[row + 1]])
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.sizes[chosen])])
        return np.concatenate(parts), offsets, np.arange(len(chosen))


def _kept(sizes: NDArray[np.int64], chunks: list[NDArray[np.int64]], budget: int) -> set[int]:
    """The chunks whose graph is kept, the last one and those before it that fit into ``budget`` tokens."""
    kept: set[int] = set()
    for number in reversed(range(len(chunks))):
        budget -= padded_width(int(sizes[chunks[number]].max(initial=0))) * len(chunks[number])
        if kept and budget < 0:
            break
        kept.add(number)
    return kept
