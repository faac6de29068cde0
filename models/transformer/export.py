"""A transformer encoder as a folder: for transformers, for sentence-transformers of releases 3 to 6, and for ONNX."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models.card import write_card
from models.custom_code import is_custom
from models.model_folder import Pooling
from models.transformer.network import Network, unit, unit_mean


def save(network: Network, folder: Path) -> None:
    """Write the folder; ``modules.json`` comes last. Weights are fp32, a pooler goes along as it came."""
    (folder / "1_Pooling").mkdir(parents=True, exist_ok=True)
    (folder / "2_Normalize").mkdir(exist_ok=True)
    _copy_custom_code(network, folder)
    network.model.config.to_json_file(str(folder / "config.json"))
    tensors = {
        name: tensor.detach().cpu().float().contiguous() if tensor.is_floating_point() else tensor.detach().cpu()
        for name, tensor in network.model.state_dict().items()
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    # Not the tokenizer in memory: it may hold the truncation and padding of the last call.
    before = network.tokenizer.model_max_length
    network.tokenizer.model_max_length = network.max_tokens
    network.tokenizer.backend_tokenizer.no_truncation()
    network.tokenizer.save_pretrained(str(folder))
    network.tokenizer.model_max_length = before
    prompts = {
        "query": network.prompts["query"],
        # With "query" and "passage" alone, encode_document() would silently take no prompt.
        "document": network.prompts["passage"],
        "passage": network.prompts["passage"],
    }
    _write(
        folder / "config_sentence_transformers.json",
        {"__version__": {}, "prompts": prompts, "default_prompt_name": None, "similarity_fn_name": "cosine"},
    )
    _write(
        folder / "sentence_bert_config.json",
        {"max_seq_length": network.max_tokens, "do_lower_case": network.lower_case},
    )
    modes = {"mean_tokens": network.pooling == "mean", "cls_token": network.pooling == "cls"}
    rest = dict.fromkeys(["max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"], False)
    _write(
        folder / "1_Pooling" / "config.json",
        {
            "word_embedding_dimension": network.dimension,
            **{f"pooling_mode_{name}": on for name, on in {**modes, **rest}.items()},
            "include_prompt": True,
        },
    )
    about = (
        f"{network.model.config.num_hidden_layers} layers, {network.dimension} dimensions, {network.pooling} pooling; "
        f"texts of up to {network.max_tokens} tokens."
    )
    write_card(folder, "Text encoder", about, network.prompts)
    # The old class paths: they load everywhere, those of the fifth release do not load in the third.
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    _write(
        folder / "modules.json",
        [
            {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{name}"}
            for index, (path, name) in enumerate(modules)
        ],
    )


def _copy_custom_code(network: Network, folder: Path) -> None:
    """Copy the files of classes that came with the model, without which it would not load again."""
    for custom in filter(is_custom, (network.model, network.model.config)):
        from transformers.dynamic_module_utils import custom_object_save

        type(custom).register_for_auto_class()
        custom_object_save(custom, folder, config=network.model.config)


def export_onnx(network: Network, folder: Path) -> Path:
    """Write ``onnx/model.onnx`` into the folder, pooling and length 1 inside, and return its path.

    Inputs input_ids and attention_mask, int64 [texts, tokens]; outputs last_hidden_state [texts, tokens, d] and
    sentence_embedding [texts, d], fp32. Needs the package onnx, and onnxscript where torch asks for it.
    """
    path = folder / "onnx" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    # A copy: the model in training keeps its device, and its gradients the places where the trainer looks for them.
    model = copy.deepcopy(network.model).to("cpu").eval()
    model.set_attn_implementation("eager")  # whose every operator ONNX has
    ids = torch.tensor([[1, 2, 3, 4], [1, 2, 3, 0], [1, 2, 0, 0]])
    axes = {0: "texts", 1: "tokens"}
    torch.onnx.export(
        _Whole(model, network.pooling),
        (ids, (ids > 0).long()),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["last_hidden_state", "sentence_embedding"],
        dynamic_axes={
            "input_ids": axes, "attention_mask": axes, "last_hidden_state": axes, "sentence_embedding": {0: "texts"}
        },
        opset_version=17,
        dynamo=False,
    )  # fmt: skip
    return path


class _Whole(nn.Module):
    def __init__(self, model: nn.Module, pooling: Pooling) -> None:
        super().__init__()
        self.model, self.pooling = model, pooling

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        states = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return states, unit_mean(states, attention_mask) if self.pooling == "mean" else unit(states[:, 0])


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
