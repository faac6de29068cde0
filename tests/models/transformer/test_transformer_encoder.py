"""A transformer encoder beside AutoModel, sentence-transformers and ONNX, of one folder; and folders with a fault."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models.encoders import load_encoder
from models.prompts import E5_PROMPTS
from models.transformer.encoder import TransformerEncoder
from models.transformer.export import export_onnx
from models.transformer.network import Network, by_length, load_network, padded_width
from tests.models.transformer.tiny_bert import texts, write_tiny_bert

TEXTS = [*texts(20, 0), "", "Ünïcödé ❤ عربى", "a\x00b", "lone \ud800 surrogate", "long " * 5000]
ORDINARY = TEXTS[:-2]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bert(tmp_path_factory.mktemp("bare"), dropout=0.1)


@pytest.fixture(scope="module")
def saved(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    TransformerEncoder(bare, prompts=E5_PROMPTS).save(folder)
    return folder


def test_vectors_are_those_of_automodel_pooled_by_hand(bare: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    model, tokenizer = AutoModel.from_pretrained(bare).eval(), AutoTokenizer.from_pretrained(bare)
    found = TransformerEncoder(bare, batch_tokens=40, prompts=E5_PROMPTS).encode(ORDINARY, "query")
    for text, vector in zip(ORDINARY, found, strict=True):
        with torch.no_grad():
            mean = model(**tokenizer("query: " + text, return_tensors="pt")).last_hidden_state[0].mean(0)
        np.testing.assert_allclose(vector, mean / mean.norm(), atol=1e-5)


def test_sentence_transformers_reads_the_folder_and_agrees(saved: Path) -> None:
    from sentence_transformers import SentenceTransformer

    theirs, ours = SentenceTransformer(str(saved), device="cpu"), TransformerEncoder(saved)
    long = [*ORDINARY, TEXTS[-1]]
    np.testing.assert_allclose(ours.encode(long, "query"), theirs.encode_query(long), atol=1e-5)
    np.testing.assert_allclose(ours.encode(long, "passage"), theirs.encode_document(long), atol=1e-5)
    np.testing.assert_allclose(ours.encode(long, "passage"), theirs.encode(long, prompt_name="passage"), atol=1e-5)


def test_saving_and_loading_keeps_every_weight_and_the_fingerprint(bare: Path, saved: Path) -> None:
    from safetensors.torch import load_file

    before, after = load_file(bare / "model.safetensors"), load_file(saved / "model.safetensors")
    assert "pooler.dense.weight" in after
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    first, second = TransformerEncoder(bare, prompts=E5_PROMPTS), load_encoder(saved)
    assert np.array_equal(first.encode(TEXTS, "query"), second.encode(TEXTS, "query"))
    assert json.loads((saved / "config_sentence_transformers.json").read_text())["prompts"] == {
        "query": "query: ", "document": "passage: ", "passage": "passage: "
    }  # fmt: skip
    assert second.fingerprint == load_encoder(saved).fingerprint
    assert second.fingerprint != TransformerEncoder(saved, prompts={"query": "", "passage": ""}).fingerprint


def test_modules_have_the_class_paths_that_every_release_knows(saved: Path) -> None:
    assert [(module["path"], module["type"]) for module in json.loads((saved / "modules.json").read_text())] == [
        ("", "sentence_transformers.models.Transformer"),
        ("1_Pooling", "sentence_transformers.models.Pooling"),
        ("2_Normalize", "sentence_transformers.models.Normalize"),
    ]


def test_automodel_reads_the_folder_and_agrees(saved: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    model, tokenizer = AutoModel.from_pretrained(saved).eval(), AutoTokenizer.from_pretrained(saved)
    told = tokenizer(["passage: " + text for text in ORDINARY], padding=True, return_tensors="pt")
    with torch.no_grad():
        states = model(**told).last_hidden_state * told["attention_mask"][:, :, None]
    means = states.sum(1) / told["attention_mask"].sum(1, keepdim=True)
    expected = torch.nn.functional.normalize(means, dim=1).numpy()
    np.testing.assert_allclose(TransformerEncoder(saved).encode(ORDINARY, "passage"), expected, atol=1e-5)


def test_writing_onnx_leaves_a_model_in_training_alone(bare: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    network = load_network(bare)
    network.model.train()
    weight = network.model.embeddings.word_embeddings.weight
    gradient = weight.grad = torch.ones_like(weight)
    implementation = network.model.config._attn_implementation
    export_onnx(network, tmp_path)
    assert network.model.training
    assert network.model.config._attn_implementation == implementation
    assert weight.grad is gradient


def test_onnx_pools_and_normalises_inside(saved: Path) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    encoder = TransformerEncoder(saved)
    session = runtime.InferenceSession(str(export_onnx(encoder.network, saved)))
    assert [output.name for output in session.get_outputs()] == ["last_hidden_state", "sentence_embedding"]
    told = encoder.network.tokenizer(["query: " + text for text in ORDINARY], padding=True, return_tensors="np")
    inputs = {name: told[name].astype(np.int64) for name in ("input_ids", "attention_mask")}
    np.testing.assert_allclose(session.run(None, inputs)[1], encoder.encode(ORDINARY, "query"), atol=1e-5)


@pytest.mark.parametrize("budget", [1, 50, 10_000])
def test_order_and_batches_do_not_matter(bare: Path, budget: int) -> None:
    found = TransformerEncoder(bare, batch_tokens=budget).encode(TEXTS, "passage")
    reversed_ = TransformerEncoder(bare).encode(TEXTS[::-1], "passage")[::-1]
    np.testing.assert_allclose(found, reversed_, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("bf16", [False, True])
def test_the_number_of_threads_changes_no_bit(bare: Path, bf16: bool) -> None:
    one, *others = (
        TransformerEncoder(bare, batch_tokens=40, threads=threads, bf16=bf16).encode(TEXTS, "query")
        for threads in (1, 2, 5)
    )
    assert [np.array_equal(one, other) for other in others] == [True, True]


def test_copies_of_the_model_share_the_batches(bare: Path) -> None:
    both = threading.Barrier(2, timeout=60)

    class Meeting(Network):
        """Goes on from its first batch when the other copy has one, too."""

        def embed(self, ids: NDArray[Any], offsets: NDArray[np.int64], chosen: NDArray[np.int64]) -> torch.Tensor:
            if not hasattr(self, "met"):
                self.met = both.wait()
            return super().embed(ids, offsets, chosen)

    encoder = TransformerEncoder(bare, batch_tokens=40, threads=1)
    expected = encoder.encode(TEXTS, "passage")
    encoder.networks = [Meeting(**vars(load_network(bare))) for _ in range(2)]
    assert np.array_equal(encoder.encode(TEXTS, "passage"), expected)


def test_torchs_own_threads_are_left_alone(bare: Path) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        TransformerEncoder(bare, batch_tokens=40, threads=2).encode(TEXTS, "query")
        with ThreadPoolExecutor(1) as fresh:
            assert (torch.get_num_threads(), fresh.submit(torch.get_num_threads).result()) == (3, 3)
    finally:
        torch.set_num_threads(before)


def test_an_error_in_a_thread_is_the_callers(bare: Path) -> None:
    encoder = TransformerEncoder(bare, batch_tokens=8, threads=2)
    ids, offsets = encoder.tokens(ORDINARY, "query")
    unknown = ids.copy()
    unknown[offsets[3]] = 60_000
    with pytest.raises(IndexError):
        encoder.encode_tokens(unknown, offsets)
    assert np.array_equal(encoder.encode_tokens(ids, offsets), encoder.encode(ORDINARY, "query"))
    assert not [each for each in threading.enumerate() if each.name.startswith("encode")]


def test_several_threads_may_encode_at_once(bare: Path) -> None:
    encoder = TransformerEncoder(bare, batch_tokens=40, threads=2)
    expected = encoder.encode(TEXTS, "query")
    with ThreadPoolExecutor(3) as callers:
        found = list(callers.map(lambda _: encoder.encode(TEXTS, "query"), range(6)))
    assert [np.array_equal(each, expected) for each in found] == [True] * 6


def test_no_texts_give_no_vectors(bare: Path) -> None:
    assert TransformerEncoder(bare).encode([], "query").shape == (0, 16)


def test_batches_hold_the_budget_and_every_text_once() -> None:
    sizes = np.array([3, 100, 8, 8, 1, 2])
    batches = by_length(sizes, 16)
    assert [batch.tolist() for batch in batches] == [[1], [2, 3], [0, 5, 4]]


@pytest.mark.parametrize(
    ("lost", "told"),
    [("model.safetensors", "no weights"), ("config.json", "nor a config.json"), ("tokenizer*", "no tokenizer")],
)
def test_a_folder_with_a_fault_is_told_in_one_line(tmp_path: Path, lost: str, told: str) -> None:
    folder = write_tiny_bert(tmp_path / "model")
    for path in [*folder.glob(lost), *(folder.glob("vocab.txt") if "tokenizer" in lost else [])]:
        path.unlink()
    with pytest.raises(UserError, match=told) as error:
        TransformerEncoder(folder)
    assert "\n" not in str(error.value)


def test_weights_that_are_not_the_models_are_told(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    folder = write_tiny_bert(tmp_path / "model")
    save_file({"embeddings.LayerNorm.weight": torch.ones(16)}, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="its weights lack 3"):
        TransformerEncoder(folder)


def test_widths_are_few_and_waste_little() -> None:
    widths = {size: padded_width(size) for size in range(1, 513)}
    assert all(size <= width <= max(size * 1.125, size + 1) for size, width in widths.items())
    assert len(set(widths.values())) < 64
    assert padded_width(0) == 1
