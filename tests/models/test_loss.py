"""The loss in row blocks, against autograd of the formula written out over the whole matrix."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.loss import row_blocks
from models.loss.collisions import Hashes, leaves_no_candidate
from models.loss.info_nce import InfoNce

B, D, N = 7, 6, 4
DISTINCT = Hashes(torch.arange(B), torch.arange(B) + 100)
SHARED = Hashes(
    torch.tensor([1, 2, 3, 1, 5, 6, 7]),  # rows 0 and 3 ask the same
    torch.tensor([11, 12, 13, 14, 12, 16, 17]),  # rows 1 and 4 have the same passage
    torch.tensor(
        [16, 14, 22, 14]
    ),  # the first hard negative is row 5's passage, two are row 3's: the answers of row 0 too
)


def unit(rows: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    vectors = torch.randn(rows, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(vectors, dim=1).to(dtype)


def whole_matrix(loss: InfoNce, q: Tensor, p: Tensor, n: Tensor | None, tau: Tensor, hashes: Hashes | None) -> Tensor:
    """The mean over rows of log(sum of the candidates' exp) minus the positive's score."""
    own = torch.eye(len(q), dtype=torch.bool)
    same = torch.zeros_like(own)
    hard = torch.zeros(len(q), 0 if n is None else len(n), dtype=torch.bool)
    if hashes is not None:
        same = (hashes.queries[:, None] == hashes.queries) | (hashes.passages[:, None] == hashes.passages)
        if hashes.negatives is not None and n is not None:
            for row in range(len(q)):
                answers = hashes.passages[same[row]]
                hard[row] = torch.isin(hashes.negatives, answers)
    losses = []
    for dim in loss.dims or (D,):
        qs, ps, ns = (
            x if x is None or dim == D else torch.nn.functional.normalize(x[:, :dim], dim=1) for x in (q, p, n)
        )
        assert qs is not None
        assert ps is not None
        positive = (qs * ps).sum(1)
        tables = [(qs @ ps.T, same | own)]
        if loss.passage_to_query:
            tables.append((ps @ qs.T, same | own))
        if loss.query_to_query:
            tables.append((qs @ qs.T, same | own))
        if loss.passage_to_passage:
            tables.append((ps @ ps.T, same | own))
        if ns is not None:
            tables.append((qs @ ns.T, hard))
        cosines, masked = (torch.cat(list(side), 1) for side in zip(*tables, strict=True))
        if loss.margin is not None:
            masked = masked | (cosines > positive[:, None] + loss.margin)
        scores = (cosines / tau).masked_fill(masked, -torch.inf)
        losses.append((torch.cat([positive[:, None] / tau, scores], 1).logsumexp(1) - positive / tau).mean())
    return torch.stack(losses).mean()


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "passage to query": {"passage_to_query": True},
    "gte": {"passage_to_query": True, "query_to_query": True, "passage_to_passage": True},
    "margin": {"margin": 0.05},
    "prefixes": {"dims": (2, 4, D)},
    "everything": {"passage_to_query": True, "query_to_query": True, "margin": 0.3, "dims": (3, 6)},
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("block", [1, 3, B, B + 1])
@pytest.mark.parametrize("hashes", [None, DISTINCT, SHARED], ids=["unmasked", "distinct", "shared"])
@pytest.mark.parametrize("hard", [False, True], ids=["in-batch", "hard"])
@pytest.mark.parametrize("threads", [None, 2], ids=["torch", "threads"])
def test_row_blocks_equal_autograd_of_the_whole_matrix(
    variant: str,
    block: int,
    hashes: Hashes | None,
    hard: bool,
    threads: int | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_blocks, "BLOCKS_PER_BAND", 2)  # so that so few rows are several bands
    monkeypatch.setattr(row_blocks, "TILE_COLUMNS", 3)
    loss = InfoNce(temperature=0.3, block=block, **VARIANTS[variant])
    inputs = [unit(B, 0), unit(B, 1), *([unit(N, 2)] if hard else [])]
    if hashes is not None and not hard:
        hashes = hashes._replace(negatives=None)
    leaves = [x.clone().requires_grad_() for x in inputs]
    log_tau = torch.tensor(0.3, dtype=torch.float64).log().requires_grad_()
    expected = whole_matrix(loss, leaves[0], leaves[1], leaves[2] if hard else None, log_tau.exp(), hashes)
    gradients = torch.autograd.grad(expected, [*leaves, log_tau])

    got = loss(*inputs, hashes=hashes, threads=threads)

    torch.testing.assert_close(got.loss, expected.detach(), rtol=1e-12, atol=1e-12)
    for mine, theirs in zip([g for g in got[1:] if g is not None], gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)


def test_gradcheck() -> None:
    loss = InfoNce(passage_to_query=True, query_to_query=True, passage_to_passage=True, dims=(3, 6), block=3)
    leaves = [unit(B, 3).requires_grad_(), unit(B, 4).requires_grad_(), unit(N, 5).requires_grad_()]
    log_tau = torch.tensor(-1.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda q, p, n, t: loss.differentiable(q, p, n, log_tau=t, hashes=SHARED), (*leaves, log_tau)
    )


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("variant", ["plain", "gte"])
def test_the_sum_over_ranks_is_the_whole_batch(world: int, variant: str) -> None:
    loss = InfoNce(temperature=0.2, block=2, **VARIANTS[variant])
    q, p, n = unit(B, 0), unit(B, 1), unit(N, 2)
    whole = loss(q, p, n, hashes=SHARED)
    d_q, d_p, d_n, total = torch.zeros_like(q), torch.zeros_like(p), torch.zeros_like(n), 0.0
    bounds = np.linspace(0, B, world + 1).astype(int)
    for begin, end in pairwise(bounds):
        mine = q if loss.needs_all_queries else q[begin:end]
        got = loss(mine, p, n, rows=range(begin, end), hashes=SHARED)
        (d_q if loss.needs_all_queries else d_q[begin:end]).add_(got.d_queries)
        assert got.d_negatives is not None
        d_p, d_n, total = d_p + got.d_passages, d_n + got.d_negatives, total + float(got.loss)
    assert total == pytest.approx(float(whole.loss))
    torch.testing.assert_close((d_q, d_p, d_n), whole[1:4])


def test_duplicates_give_each_other_no_gradient() -> None:
    """Two pairs with one query: with nothing else in the batch, neither has a candidate but its own."""
    got = InfoNce()(unit(2, 0), unit(2, 1), hashes=Hashes(torch.tensor([5, 5]), torch.tensor([1, 2])))
    assert float(got.loss) == 0
    assert not got.d_queries.any()
    assert not got.d_passages.any()


@pytest.mark.parametrize("counts", [(7, 7), (3,), ()])
def test_the_loss_is_that_of_sentence_transformers(counts: tuple[int, ...]) -> None:
    """Its candidates are all positives and all negatives of the batch, of however many columns."""
    losses = pytest.importorskip("sentence_transformers.losses")
    raw = [unit(size, seed).requires_grad_() for seed, size in enumerate((B, B, *counts))]
    theirs = losses.MultipleNegativesRankingLoss(model=None, scale=1 / 0.07).compute_loss_from_embeddings(
        list(raw), labels=None
    )
    gradients = torch.autograd.grad(theirs, raw)
    hard = torch.cat(raw[2:]).detach() if counts else None
    got = InfoNce(0.07, block=3)(raw[0].detach(), raw[1].detach(), hard)
    torch.testing.assert_close(got.loss, theirs.detach())
    found = [
        got.d_queries,
        got.d_passages,
        *(torch.split(got.d_negatives, list(counts)) if got.d_negatives is not None else ()),
    ]
    for mine, others, vectors in zip(found, gradients, raw, strict=True):
        along = torch.linalg.vecdot(mine, vectors.detach())[:, None]  # theirs goes through the normalisation too
        torch.testing.assert_close(mine - along * vectors.detach(), others)


@pytest.mark.parametrize(
    ("queries", "passages", "negatives", "expected"),
    [
        ([1, 1, 1], [4, 5, 6], None, True), ([1, 2, 3], [4, 4, 4], None, True), ([1, 1, 2], [4, 5, 4], None, False),
        ([1, 1, 1], [4, 5, 6], [5, 6], True), ([1, 1, 1], [4, 5, 6], [5, 7], False),
    ],
)  # fmt: skip
def test_a_batch_without_candidates(
    queries: list[int], passages: list[int], negatives: list[int] | None, expected: bool
) -> None:
    hashes = Hashes(
        torch.tensor(queries), torch.tensor(passages), None if negatives is None else torch.tensor(negatives)
    )
    assert leaves_no_candidate(hashes) == expected
    hard = None if negatives is None else unit(len(negatives), 2)
    assert (float(InfoNce(0.3)(unit(3, 0), unit(3, 1), hard, hashes=hashes).loss) == 0) == expected


def test_a_margin_masks_what_beats_the_positive_by_more() -> None:
    q, p = torch.eye(2, 4), torch.tensor([[0.6, 0.8, 0, 0], [0.8, 0.6, 0, 0]])  # 0.6 the positives, 0.8 the others
    torch.testing.assert_close(InfoNce(0.1, margin=0.3)(q, p), InfoNce(0.1)(q, p))
    assert float(InfoNce(0.1)(q, p).loss) > 2
    masked = InfoNce(0.1, margin=0.1)(q, p)
    assert float(masked.loss) == 0
    assert not masked.d_queries.any()


@pytest.mark.parametrize("products", ["fp32", "bf16"])
def test_equal_vectors_stay_finite_at_a_low_temperature(products: Any) -> None:
    same = unit(1, 0, torch.float32).expand(5, D).contiguous()
    got = InfoNce(0.01, products=products)(same, same)
    assert float(got.loss) == pytest.approx(np.log(5), abs=1e-4)
    assert all(torch.isfinite(x).all() for x in got if x is not None)


def test_bf16_products_keep_the_gradient_within_a_percent() -> None:
    generator = torch.Generator().manual_seed(0)
    q = torch.nn.functional.normalize(torch.randn(256, 64, generator=generator), dim=1)
    p = torch.nn.functional.normalize(q + 0.3 * torch.randn(256, 64, generator=generator), dim=1)
    full, low = InfoNce(0.05)(q, p), InfoNce(0.05, products="bf16")(q, p)
    assert low.loss == full.loss
    if not row_blocks.multiplies_bf16("cpu"):
        assert torch.equal(low.d_queries, full.d_queries)
        return
    for mine, theirs in ((low.d_queries, full.d_queries), (low.d_passages, full.d_passages)):
        assert 0 < (mine - theirs).norm() / theirs.norm() < 0.01


@pytest.mark.parametrize("products", ["fp32", "bf16"])
@pytest.mark.parametrize("variant", ["plain", "gte", "prefixes"])
def test_the_number_of_threads_changes_no_bit(products: Any, variant: str) -> None:
    loss = InfoNce(0.05, products=products, **VARIANTS[variant])
    size = row_blocks.LONE_ROWS * row_blocks.BLOCKS_PER_BAND + 3  # one band, and three rows of the next
    found = [
        loss(unit(size, 0, torch.float32), unit(size, 1, torch.float32), unit(N, 2, torch.float32), threads=threads)
        for threads in (1, 2, 3)
    ]
    for other in found[1:]:
        assert all(torch.equal(one, two) for one, two in zip(found[0], other, strict=True) if one is not None)  # type: ignore[arg-type]


def test_torchs_own_threads_are_left_alone() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        InfoNce(0.1)(unit(B, 0), unit(B, 1), threads=2)
        with ThreadPoolExecutor(1) as fresh:
            assert (torch.get_num_threads(), fresh.submit(torch.get_num_threads).result()) == (3, 3)
    finally:
        torch.set_num_threads(before)


def test_numpy_in_numpy_out() -> None:
    q, p = unit(B, 0, torch.float32), unit(B, 1, torch.float32)
    hashes = Hashes.of_arrays(np.arange(B, dtype=np.uint64) - np.uint64(3), np.arange(B, dtype=np.uint64))
    got = InfoNce(0.1).of_arrays(q.numpy(), p.numpy(), hashes=hashes)
    expected = InfoNce(0.1)(q, p)
    assert got.loss == float(expected.loss)
    assert np.array_equal(got.d_passages, expected.d_passages.numpy())
    assert got.d_negatives is None


def test_a_shape_that_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match="3 queries for 7 of 7 rows"):
        InfoNce()(unit(3, 0), unit(B, 1))
    with pytest.raises(ValueError, match="those of all rows"):
        InfoNce(query_to_query=True)(unit(3, 0), unit(B, 1), rows=range(3))
    with pytest.raises(ValueError, match="a prefix of 9 dimensions"):
        InfoNce(dims=(9,))(unit(B, 0), unit(B, 1))


@settings(max_examples=25, deadline=None)
@given(
    queries=st.lists(st.integers(0, 3), min_size=5, max_size=5),
    passages=st.lists(st.integers(0, 3), min_size=5, max_size=5),
    block=st.integers(1, 6),
)
def test_masks_hold_for_any_pattern_of_duplicates(queries: list[int], passages: list[int], block: int) -> None:
    hashes = Hashes(torch.tensor(queries), torch.tensor(passages))
    loss, q, p = InfoNce(0.2, block=block), unit(5, 0), unit(5, 1)
    tau = torch.tensor(0.2, dtype=torch.float64)
    torch.testing.assert_close(loss(q, p, hashes=hashes).loss, whole_matrix(loss, q, p, None, tau, hashes))
