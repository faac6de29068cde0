"""The cached step equals the direct one, for any chunks and any number of ranks, and resumes bit by bit."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
import torch.distributed as distributed
from torch import Tensor

from models.encoders import TokenBatch
from models.loss.collisions import Hashes
from models.loss.info_nce import InfoNce
from models.transformer import training
from models.transformer.network import Network, load_network
from models.transformer.training import Settings, TransformerTrainable
from tests.models.transformer.tiny_bert import texts, tokenised, write_tiny_bert

LOSS = InfoNce(temperature=0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def dropping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bert(tmp_path_factory.mktemp("dropping"), dropout=0.1)


def batch(network: Network) -> dict[str, TokenBatch]:
    return {
        "queries": tokenised(network, texts(11, 1), "query"),
        "passages": tokenised(network, texts(11, 2), "passage"),
        "negatives": tokenised(network, texts(5, 3), "passage"),
    }


def direct(network: Network, data: dict[str, TokenBatch]) -> Tensor:
    """The gradient by autograd of the loss over all texts, each side in one padded batch."""
    network.model.zero_grad(set_to_none=False)
    sides = []
    for side in (data["queries"], data["passages"], data["negatives"]):
        sides.append(network.embed(side.ids, side.offsets, np.arange(len(side.hashes))))
    q, p, n = sides
    hashes = Hashes.of_arrays(data["queries"].hashes, data["passages"].hashes, data["negatives"].hashes)
    LOSS.differentiable(q, p, n, hashes=hashes).backward()  # type: ignore[no-untyped-call]
    return torch.cat([x.grad.flatten() for x in network.model.parameters() if x.requires_grad and x.grad is not None])


@pytest.mark.parametrize("chunk", [1, 30, 100, 10_000])
@pytest.mark.parametrize("kept", [0, 60])
def test_the_cached_gradient_is_the_direct_one(folder: Path, chunk: int, kept: int) -> None:
    network = load_network(folder)
    trained = TransformerTrainable(network, Settings(LOSS, chunk_tokens=chunk, kept_tokens=kept))
    trained.gradient(**batch(network), seed=0)
    cached = trained.flat_gradient.clone()
    torch.testing.assert_close(cached, direct(network, batch(network)), rtol=1e-4, atol=1e-6)
    assert cached.norm() > 0.01


@pytest.mark.parametrize("chunk", [30, 100])
def test_with_dropout_both_passes_of_a_chunk_draw_the_same(
    dropping: Path, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All graphs kept is the direct step: then nothing is embedded twice."""
    network = load_network(dropping)
    cached = TransformerTrainable(network, Settings(LOSS, chunk_tokens=chunk))
    cached.gradient(**batch(network), seed=7)
    twice = cached.flat_gradient.clone()
    kept = TransformerTrainable(network, Settings(LOSS, chunk_tokens=chunk, kept_tokens=10**9))
    kept.gradient(**batch(network), seed=7)
    torch.testing.assert_close(twice, kept.flat_gradient, rtol=1e-4, atol=1e-6)

    fresh = iter(range(10**6))
    embed = TransformerTrainable._embed
    monkeypatch.setattr(
        TransformerTrainable, "_embed", lambda self, told, chosen, key: embed(self, told, chosen, (next(fresh), 0))
    )
    cached.gradient(**batch(network), seed=7)
    assert torch.nn.functional.cosine_similarity(cached.flat_gradient, twice, dim=0) < 0.99


def test_the_seed_and_the_step_decide_dropout(dropping: Path) -> None:
    network = load_network(dropping)
    trained = TransformerTrainable(network, Settings(LOSS))
    losses = [float(trained.gradient(**batch(network), seed=seed)) for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]


def test_the_callers_random_numbers_are_left_alone(folder: Path) -> None:
    network = load_network(folder)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    TransformerTrainable(network).gradient(**batch(network), seed=1)
    assert torch.equal(torch.rand(3), expected)


def test_resuming_at_a_step_is_bitwise_the_same(dropping: Path) -> None:
    def steps(trained: TransformerTrainable, numbers: range) -> None:
        for step in numbers:
            trained.step(**batch(trained.network), lr=1e-2 / (1 + step), seed=3)

    settings = Settings(LOSS, learn_temperature=True, chunk_tokens=60)
    through = TransformerTrainable(load_network(dropping), settings)
    steps(through, range(2))
    state = through.state()
    steps(through, range(2, 5))
    resumed = TransformerTrainable(load_network(dropping), settings)
    resumed.restore(state)
    steps(resumed, range(2, 5))
    assert resumed.temperature == through.temperature != pytest.approx(0.1)
    for mine, theirs in zip(resumed.network.model.parameters(), through.network.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_training_learns_the_pairs(folder: Path) -> None:
    trained = TransformerTrainable(load_network(folder), Settings(LOSS, chunk_tokens=100))
    losses = [trained.step(**batch(trained.network), lr=5e-3, seed=0) for _ in range(25)]
    assert losses[-1] < losses[0] / 4


def one_step(folder: Path, chunk: int) -> dict[str, Any]:
    network = load_network(folder)
    trained = TransformerTrainable(network, Settings(LOSS, chunk_tokens=chunk, clip=0.05, learn_temperature=True))
    with patch.object(distributed, "all_reduce", wraps=distributed.all_reduce) as collective:
        loss = float(trained.gradient(**batch(network), seed=0))
        calls = collective.call_count
    gradient = trained.flat_gradient.clone()
    trained.step(**batch(network), lr=1e-2, seed=0)
    weights = torch.cat([p.detach().flatten() for p in network.model.parameters()])
    return {"loss": loss, "gradient": gradient, "calls": calls, "weights": weights}


def one_rank(rank: int, world: int, folder: Path, chunk: int, out: Path) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{out}/meet", rank=rank, world_size=world)
    torch.save(one_step(folder, chunk), out / f"{rank}.pt")
    distributed.destroy_process_group()


def ranks_of(world: int, folder: Path, chunk: int, out: Path) -> list[dict[str, Any]]:
    out.mkdir()
    context = multiprocessing.get_context("forkserver")  # never fork: this process has threads
    context.set_forkserver_preload([training.__name__, "transformers.models.bert.modeling_bert"])
    running = [context.Process(target=one_rank, args=(rank, world, folder, chunk, out)) for rank in range(world)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    assert [process.exitcode for process in running] == [0] * world
    return [torch.load(out / f"{rank}.pt") for rank in range(world)]


def test_any_number_of_ranks_has_the_same_gradient_and_step(folder: Path, tmp_path: Path) -> None:
    one = one_step(folder, 60)
    assert one["gradient"].norm() > 0.05  # so the step was clipped
    for world, chunk in ((2, 60), (4, 10_000)):
        found = ranks_of(world, folder, chunk, tmp_path / str(world))
        for rank in found:
            assert rank["loss"] == pytest.approx(one["loss"], rel=1e-5)
            torch.testing.assert_close(rank["gradient"], one["gradient"], rtol=1e-4, atol=1e-6)
            # Adam turns the sign of a gradient near zero into a whole step: compare those that have one
            torch.testing.assert_close(rank["weights"], found[0]["weights"], rtol=0, atol=0)
            assert (rank["weights"] - one["weights"]).norm() < 0.02 * 1e-2 * len(one["weights"]) ** 0.5
            assert rank["calls"] == 3


def test_the_chunks_kept_are_the_last_that_fit() -> None:
    sizes = np.array([9, 5, 5, 2])
    chunks = [np.array([0]), np.array([1, 2]), np.array([3])]
    assert training._kept(sizes, chunks, 0) == {2}
    assert training._kept(sizes, chunks, 12) == {1, 2}
    assert training._kept(sizes, chunks, 21) == {0, 1, 2}
