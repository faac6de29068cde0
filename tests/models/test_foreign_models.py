"""Models that others wrote: encoded exactly as their own library does, or refused in one line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentence_transformers

from ccpairs.errors import UserError
from models.encoders import load_encoder
from models.evaluation.contenders import open_encoder
from models.model_folder import read_model_folder
from models.sentence_transformers_folder import SentenceTransformersFolder
from models.transformer.encoder import TransformerEncoder
from models.transformer.network import load_network
from tests.models.foreign import (
    PROMPTS,
    TEXTS,
    agrees,
    change,
    dense,
    write_modern_bert,
    write_qwen,
    write_roberta,
    write_router,
    write_transformer,
)
from tests.models.transformer.tiny_bert import write_tiny_bert


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("prompts", [None, PROMPTS, {"query": "of the", "document": "", "passage": "not this "}])
def test_our_poolings(pooling: str, prompts: dict[str, str] | None, tmp_path: Path) -> None:
    folder = write_transformer(tmp_path / "model", pooling=pooling, prompts=prompts)
    encoder = load_encoder(folder)
    assert isinstance(encoder, TransformerEncoder)
    agrees(folder, encoder)


@pytest.mark.parametrize(
    "pooling", ["max", "lasttoken", "weightedmean", "mean_sqrt_len_tokens", ("mean", "max"), ("cls", "mean")]
)
def test_other_poolings(pooling: object, tmp_path: Path) -> None:
    folder = write_transformer(tmp_path / "model", pooling=pooling, prompts=PROMPTS)
    encoder = load_encoder(folder)
    assert isinstance(encoder, SentenceTransformersFolder)
    agrees(folder, encoder)
    with pytest.raises(UserError, match=r"pooled by .*, which only ccpairs evaluate and judge read"):
        load_network(folder)


def test_a_prompt_that_is_not_pooled(tmp_path: Path) -> None:
    folder = write_transformer(tmp_path / "model", prompts=PROMPTS)
    change(folder / "1_Pooling" / "config.json", include_prompt=False)
    encoder = load_encoder(folder)
    assert isinstance(encoder, SentenceTransformersFolder)
    agrees(folder, encoder)
    assert isinstance(load_encoder(folder, prompts={"query": "", "passage": ""}), TransformerEncoder)


def test_without_sentence_transformers_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_transformer(tmp_path / "model", pooling="max")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(
        UserError, match="pooled by max, which only sentence-transformers computes; pip install"
    ) as caught:
        load_encoder(folder)
    assert len(str(caught.value).splitlines()) == 1


def test_dense_layers(tmp_path: Path) -> None:
    folder = write_transformer(tmp_path / "model", modules=dense, prompts=PROMPTS)
    encoder = load_encoder(folder)
    assert isinstance(encoder, SentenceTransformersFolder)
    assert encoder.dimension == 8
    assert encoder.encode([], "query").shape == (0, 8)
    agrees(folder, encoder)


def test_raw_dot_products_are_for_evaluation_alone(tmp_path: Path) -> None:
    folder = write_transformer(tmp_path / "model", similarity_fn_name="dot")
    encoder = open_encoder(folder, None, None)
    agrees(folder, encoder)
    assert not np.allclose(np.linalg.norm(encoder.encode(TEXTS, "query"), axis=1), 1)
    with pytest.raises(UserError, match="dot product of vectors of any length, which only ccpairs evaluate does"):
        load_encoder(folder)
    with pytest.raises(UserError, match="compared by the dot product"):
        load_network(folder)
    change(folder / "config_sentence_transformers.json", similarity_fn_name="manhattan")
    with pytest.raises(UserError, match="compares by manhattan"):
        open_encoder(folder, None, None)


def test_dot_products_of_vectors_of_length_1_are_cosines(tmp_path: Path) -> None:
    from sentence_transformers.models import Normalize

    folder = write_transformer(tmp_path / "model", modules=lambda _: [Normalize()], similarity_fn_name="dot")
    encoder = load_encoder(folder)
    assert isinstance(encoder, TransformerEncoder)
    agrees(folder, encoder)


@pytest.mark.parametrize("pooling", ["mean", "max"], ids=["ours", "theirs"])
def test_truncated_dimensions(pooling: str, tmp_path: Path) -> None:
    folder = write_transformer(tmp_path / "model", pooling=pooling, truncate_dim=5)
    encoder = load_encoder(folder)
    assert encoder.dimension == 5
    agrees(folder, encoder)
    change(folder / "config_sentence_transformers.json", truncate_dim=6)
    assert load_encoder(folder).fingerprint != encoder.fingerprint


def test_cut_vectors_are_no_longer_of_length_1(tmp_path: Path) -> None:
    from sentence_transformers.models import Normalize

    folder = write_transformer(
        tmp_path / "model", modules=lambda _: [Normalize()], similarity_fn_name="dot", truncate_dim=5
    )
    encoder = open_encoder(folder, None, None)
    assert isinstance(encoder, SentenceTransformersFolder)
    agrees(folder, encoder)


def test_a_transformer_in_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = write_transformer(tmp_path / "model", prompts=PROMPTS)
    (folder / "0_Transformer").mkdir()
    for name in ("config.json", "model.safetensors", "sentence_bert_config.json", "tokenizer*"):
        for path in folder.glob(name):
            path.rename(folder / "0_Transformer" / path.name)
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    (folder / "modules.json").write_text(json.dumps(modules))
    encoder = load_encoder(folder)
    assert isinstance(encoder, TransformerEncoder)
    agrees(folder, encoder)


def test_texts_that_are_cut_on_the_left(tmp_path: Path) -> None:
    folder = write_transformer(tmp_path / "model")
    change(folder / "tokenizer_config.json", truncation_side="left", model_max_length=8)
    change(folder / "sentence_bert_config.json", max_seq_length=8)
    agrees(folder, load_encoder(folder), [f"{'the sea ' * 2_000}who wrote it", "the sea"])


def test_an_adapter_is_never_left_out(tmp_path: Path) -> None:
    for folder in (write_tiny_bert(tmp_path / "bare"), write_transformer(tmp_path / "model")):
        change(folder / "adapter_config.json", peft_type="LORA")
        assert (read_model_folder(folder).kind, read_model_folder(folder).reason) == (
            "sentence-transformers", "a PEFT adapter"
        )  # fmt: skip


def test_lower_case_that_the_folder_asks_for(tmp_path: Path) -> None:
    folder = write_transformer(tmp_path / "model")
    told = json.loads((folder / "tokenizer.json").read_text())
    told["normalizer"]["lowercase"] = False
    (folder / "tokenizer.json").write_text(json.dumps(told))
    change(folder / "tokenizer_config.json", do_lower_case=False)
    cased = load_encoder(folder).encode(["Who WROTE it"], "query")
    change(folder / "sentence_bert_config.json", do_lower_case=True)
    encoder = load_encoder(folder)
    agrees(folder, encoder)
    assert not np.allclose(encoder.encode(["Who WROTE it"], "query"), cased)
    assert isinstance(encoder, TransformerEncoder)
    encoder.save(tmp_path / "again")
    agrees(tmp_path / "again", load_encoder(tmp_path / "again"))
    np.testing.assert_array_equal(
        load_encoder(tmp_path / "again").encode(TEXTS, "query"), encoder.encode(TEXTS, "query")
    )


def test_routes_of_queries_and_documents(tmp_path: Path) -> None:
    folder = write_router(tmp_path / "model")
    encoder = load_encoder(folder)
    agrees(folder, encoder)
    assert not np.allclose(encoder.encode(["the sea"], "query"), encoder.encode(["the sea"], "passage"), atol=0.01)
    names = list(folder.rglob("router_config.json"))
    assert names, "the file that names the routes"
    config = json.loads(names[0].read_text())
    config["types"] = dict.fromkeys(config["types"], "own_module.Own")
    names[0].write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"router_config.json names own_module.Own"):
        load_encoder(folder)


@pytest.mark.parametrize("bare", [False, True], ids=["folder", "bare"])
def test_decoders_are_pooled_by_their_last_token(bare: bool, tmp_path: Path) -> None:
    folder = write_qwen(tmp_path / "model", bare=bare)
    encoder = load_encoder(folder)
    agrees(folder, encoder)
    with pytest.raises(UserError, match="only ccpairs evaluate and judge read"):
        load_network(folder)


# Lengths and positions.


@pytest.mark.parametrize(
    ("name", "pad"),
    [("Roberta", 1), ("Roberta", 3), ("XLMRobertaXL", 1), ("Data2VecText", 1), ("Longformer", 1), ("Camembert", 1)],
)
def test_positions_that_begin_behind_the_padding_token(name: str, pad: int, tmp_path: Path) -> None:
    folder = write_roberta(tmp_path, name, pad=pad)
    encoder = load_encoder(folder)
    assert isinstance(encoder, TransformerEncoder)
    assert encoder.network.max_tokens == 24 - pad - 1
    long = "the sea of the city " * 30
    found = encoder.encode([long, "the sea"], "query")
    model = sentence_transformers.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    model.max_seq_length = 24 - pad - 1  # where it is left alone, it runs over its table
    np.testing.assert_allclose(found, model.encode([long, "the sea"], normalize_embeddings=True), atol=1e-5)


def test_texts_of_more_than_512_tokens_where_the_model_has_them(tmp_path: Path) -> None:
    encoder = load_encoder(write_modern_bert(tmp_path))
    assert isinstance(encoder, TransformerEncoder)
    assert encoder.network.max_tokens == 2_048
    assert len(encoder.tokens(["sea " * 3_000], "query", 1_024)[0]) == 1_024
    agrees(tmp_path, encoder, ["the sea " * 600, "who wrote it"])


def test_a_caller_may_ask_for_more_than_the_folder_says(tmp_path: Path) -> None:
    folder = write_transformer(tmp_path / "model")
    change(folder / "sentence_bert_config.json", max_seq_length=8)
    encoder = load_encoder(folder)
    assert isinstance(encoder, TransformerEncoder)
    agrees(folder, encoder)
    counts = [len(encoder.tokens(["sea " * 99], "query", limit)[0]) for limit in (None, 20, 10_000)]
    assert counts == [8, 20, 64]


def test_a_tokenizer_without_a_padding_token(tmp_path: Path) -> None:
    """Behind a text may stand any token, for it is masked; the folder that is written names one."""
    folder = write_roberta(tmp_path / "bare", "Roberta", length=20)
    expected = load_encoder(folder).encode(TEXTS, "query")
    told = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**told, "pad_token": None}))
    encoder = load_encoder(folder)
    assert isinstance(encoder, TransformerEncoder)
    np.testing.assert_allclose(encoder.encode(TEXTS, "query"), expected, atol=1e-5)
    encoder.save(tmp_path / "saved")
    agrees(tmp_path / "saved", encoder)


def test_a_transformer_s_tokenizer_with_more_tokens_than_vectors(tmp_path: Path) -> None:
    folder = write_transformer(tmp_path / "model", pooling="max")
    told = json.loads((folder / "tokenizer.json").read_text())
    told["model"]["vocab"]["more"] = 999
    (folder / "tokenizer.json").write_text(json.dumps(told))
    (folder / "vocab.txt").unlink(missing_ok=True)
    for pooling in ("max", "mean"):
        change(folder / "1_Pooling" / "config.json", pooling_mode=pooling)
        with pytest.raises(UserError, match=r"23 vectors, but its tokenizer has [\d,]+ tokens"):
            load_encoder(folder)


def test_encoder_decoders_are_one_line(tmp_path: Path) -> None:
    from transformers import BartConfig, BartModel, T5Config, T5Model

    for name, model in {
        "t5": T5Model(T5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)),
        "bart": BartModel(BartConfig(vocab_size=40, d_model=16, encoder_layers=1, decoder_layers=1)),
    }.items():
        folder = write_roberta(tmp_path / name, "Roberta")
        model.save_pretrained(str(folder))
        for load in (load_encoder, load_network):
            with pytest.raises(UserError, match=f"an encoder-decoder \\({name}\\)") as caught:
                load(folder)
            assert len(str(caught.value).splitlines()) == 1


# Prompts.


def test_a_bare_checkpoint_has_no_prompts_unless_asked(tmp_path: Path) -> None:
    folder = write_tiny_bert(tmp_path)
    encoder = load_encoder(folder)
    agrees(folder, encoder)
    asked = load_encoder(folder, prompts={"query": "query: ", "passage": ""})
    np.testing.assert_allclose(
        asked.encode(["the sea"], "query"), encoder.encode(["query: the sea"], "query"), atol=1e-6
    )
    assert asked.fingerprint != encoder.fingerprint


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"prompts": {"query": "q", "document": "d", "passage": "p"}}, ("q", "d")),
        ({"prompts": {"query": "q", "passage": "p", "corpus": "c"}}, ("q", "p")),
        ({"prompts": {"corpus": "c"}}, ("", "c")),
        ({"prompts": {"query": None, "document": "", "passage": "p"}}, ("", "")),
        ({"prompts": {"all": "a", "query": "q"}, "default_prompt_name": "all"}, ("q", "a")),
        ({"prompts": {"all": "a", "query": "", "document": ""}, "default_prompt_name": "all"}, ("", "")),
    ],
)
def test_whose_prompt_is_whose(stated: dict[str, Any], expected: tuple[str, str], tmp_path: Path) -> None:
    folder = write_tiny_bert(tmp_path)
    change(folder / "config_sentence_transformers.json", **stated)
    prompts = read_model_folder(folder).prompts
    assert (prompts["query"], prompts["passage"]) == expected


def test_folders_that_are_not_what_they_say_are_one_line(tmp_path: Path) -> None:
    folder = write_transformer(tmp_path / "model")
    change(folder / "config_sentence_transformers.json", model_type="SparseEncoder")
    with pytest.raises(UserError, match="a SparseEncoder, no SentenceTransformer"):
        load_encoder(folder)
    change(folder / "config_sentence_transformers.json", model_type=None, default_prompt_name="none such")
    with pytest.raises(UserError, match="'none such' is none of its prompts"):
        load_encoder(folder)
    change(folder / "config_sentence_transformers.json", default_prompt_name=None)
    (folder / "modules.json").write_text('[{"type": "sentence_transformers.models.Transformer"}]')
    with pytest.raises(UserError, match=r"modules.json: not the list of modules"):
        load_encoder(folder)
