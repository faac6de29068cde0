"""A transformer as an encoder: texts sorted by length, in batches of so many tokens, whatever their number.

On a CPU every batch is the work of one thread, and the batches of an ``encode`` are shared among as many threads as
there are cores. So vectors do not depend, not by a bit, on the number of cores; a thread never waits for another
inside a product, which on a machine that does other work too costs several times the work itself; and the model is in
memory once, without processes to start and to end. Python's lock is held for well under a hundredth of the time.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as distributed
import xxhash
from numpy.typing import NDArray

from models.custom_code import is_custom
from models.encoders import Role
from models.lone_threads import lone_threads
from models.model_folder import ModelFolder
from models.static.parallel import cores
from models.transformer.network import Network, by_length, load_network

BATCH_TOKENS = {"cpu": 1 << 10, "cuda": 1 << 16}
"""On a CPU so few that the activations stay in a core's caches."""


class TransformerEncoder:
    """Vectors of the model in a folder, or of a model in training.

    ``device``: by default all GPUs that there are, each with a copy of the model (this process's own, where several
    processes train together); else the CPU. A model in training stays where it is. ``bf16``: the layers in bf16,
    pooling and length in fp32; by default on a GPU that has it, not on a CPU. ``batch_tokens``: tokens a batch, padding
    included. ``threads``: batches at a time on a CPU; by default the cores that this process may use.
    """

    def __init__(
        self,
        model: str | Path | ModelFolder | Network,
        *,
        device: str | None = None,
        bf16: bool | None = None,
        batch_tokens: int | None = None,
        prompts: Mapping[Role, str] | None = None,
        threads: int | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        if isinstance(model, Network):
            self.networks = [model]
        else:
            first, *others = [device] if device else default_devices()
            self.networks = [load_network(model, device=first, prompts=prompts, trust_remote_code=trust_remote_code)]
            self.networks += [_copied(self.networks[0], other) for other in others]
        kind = self.network.device.type
        self.bf16 = bf16 if bf16 is not None else kind == "cuda" and torch.cuda.is_bf16_supported()
        self.batch_tokens = batch_tokens or BATCH_TOKENS.get(kind, 1 << 14)
        self.threads = threads or cores()

    @property
    def network(self) -> Network:
        return self.networks[0]

    @property
    def dimension(self) -> int:
        return self.network.dimension

    @property
    def most_tokens(self) -> int:
        """How many tokens of a text the model can read."""
        return self.network.positions

    @property
    def prompts(self) -> dict[Role, str]:
        return self.network.prompts

    @property
    def fingerprint(self) -> str:
        """xxh3-128 of weights, tokenizer, prompts, pooling, length and precision, and of the model's own code."""
        network = self.network
        told = (sorted(network.prompts.items()), network.pooling, network.max_tokens, self.bf16)
        tokenizer = json.loads(network.tokenizer.backend_tokenizer.to_str())
        tokenizer["truncation"] = tokenizer["padding"] = None  # they are left from its last call
        digest = xxhash.xxh3_128(repr(told).encode() + json.dumps(tokenizer).encode())
        if is_custom(network.model):
            digest.update(Path(inspect.getfile(type(network.model))).read_bytes())
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
        waiting = deque(by_length(np.diff(offsets), self.batch_tokens))
        for network in self.networks:
            network.model.eval()
        on_cpu = self.network.device.type == "cpu"
        workers = [network for network in self.networks for _ in range(self.threads if on_cpu else 1)]
        workers = workers[: max(1, len(waiting))]
        with lone_threads(max(self.threads, len(workers))) as pool:
            running = [pool.submit(self._work, network, ids, offsets, waiting, vectors) for network in workers]
            try:
                for each in running:
                    each.result()
            finally:
                waiting.clear()  # interrupted, the others end after the batch that they are at
        return vectors

    def _work(
        self,
        network: Network,
        ids: NDArray[Any],
        offsets: NDArray[np.int64],
        waiting: deque[NDArray[np.int64]],
        vectors: NDArray[np.float32],
    ) -> None:
        """Embed batches as long as any wait. After an error none waits any more."""
        kind = network.device.type
        taken: list[NDArray[np.int64]] = []
        done: list[torch.Tensor] = []
        try:
            with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, enabled=self.bf16):
                while True:
                    try:
                        chosen = waiting.popleft()
                    except IndexError:
                        break
                    embedded = network.embed(ids, offsets, chosen)
                    if kind == "cpu":
                        vectors[chosen] = embedded.numpy()
                    else:  # fetched at the end: a copy back would make the device wait
                        taken.append(chosen)
                        done.append(embedded)
                if done:
                    vectors[np.concatenate(taken)] = torch.cat(done).cpu().numpy()
        except BaseException:
            waiting.clear()
            raise

    def save(self, folder: Path) -> None:
        from models.transformer.export import save

        save(self.network, folder)


def default_devices() -> list[str]:
    """All GPUs of this process, or the CPU. Of processes that train together each has its own."""
    if not torch.cuda.is_available():
        return ["cpu"]
    if distributed.is_available() and distributed.is_initialized():
        return [f"cuda:{torch.cuda.current_device()}"]
    return [f"cuda:{index}" for index in range(torch.cuda.device_count())]


def _copied(network: Network, device: str) -> Network:
    return dataclasses.replace(network, model=copy.deepcopy(network.model).to(device))
