"""A transformer from a folder: weights, tokenizer and what the folder says of pooling, prompts and length."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Sequence as Listed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers.normalizers import Lowercase, Sequence
from torch import Tensor

from ccpairs.errors import UserError
from models.custom_code import is_refusal, refusal
from models.encoders import Role
from models.model_folder import (
    ModelFolder,
    NeedsSentenceTransformers,
    Pooling,
    check_rows,
    read_model_folder,
    refuse_encoder_decoder,
)  # fmt: skip
from models.transformer.positions import embedding_rows, readable_tokens

UNLIMITED = 1 << 20
"""Tokens of a text where neither the folder nor the model sets a limit."""
CHARACTERS_A_TOKEN = 256
"""Text beyond so many characters for each token that is kept is not tokenised: a text of 10 MB costs no more."""


@dataclass
class Network:
    """``model``: transformers' model, parameters in fp32. ``max_tokens`` of a text, prompt and specials included.

    ``positions``: how many tokens the model can read, where a caller asks for more than ``max_tokens``. ``lower_case``:
    the folder asks for lower case besides what the tokenizer does; the tokenizer here does it.
    """

    model: Any
    tokenizer: Any
    prompts: dict[Role, str]
    pooling: Pooling
    max_tokens: int
    positions: int
    lower_case: bool = False

    @property
    def device(self) -> torch.device:
        return cast(torch.device, self.model.device)

    @property
    def dimension(self) -> int:
        return int(self.model.config.hidden_size)

    def tokens(
        self, texts: Listed[str], role: Role, max_tokens: int | None = None
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Ids, flat (uint16 where the vocabulary allows it, else int32), and offsets int64 [n + 1] of the texts."""
        limit = min(max_tokens or self.max_tokens, self.positions)
        prefix, characters = self.prompts[role], limit * CHARACTERS_A_TOKEN
        kept = slice(-characters, None) if self.tokenizer.truncation_side == "left" else slice(characters)
        readable = [prefix + _encodable(text[kept]) for text in texts]
        rows = self.tokenizer(
            readable, truncation=True, max_length=limit, return_attention_mask=False, return_token_type_ids=False
        )["input_ids"] if readable else []  # fmt: skip
        sizes = np.fromiter((len(row) for row in rows), np.int64, len(rows))
        dtype = np.uint16 if len(self.tokenizer) <= 1 << 16 else np.int32
        ids = np.fromiter((token for row in rows for token in row), dtype, int(sizes.sum()))
        return ids, np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])

    def embed(self, ids: NDArray[Any], offsets: NDArray[np.int64], chosen: NDArray[np.int64]) -> Tensor:
        """Unit vectors, fp32 [len(chosen), dimension], of some of the texts in one padded batch."""
        starts, sizes = offsets[chosen], offsets[chosen + 1] - offsets[chosen]
        width = min(padded_width(int(sizes.max())), max(self.positions, int(sizes.max())))
        columns = np.arange(width)
        real = columns < sizes[:, None]
        table = np.full((len(chosen), width), self.tokenizer.pad_token_id, np.int64)
        table[real] = ids[(starts[:, None] + columns)[real]]
        inputs = torch.from_numpy(table).to(self.device, non_blocking=True)
        if real.all():  # without a mask, attention takes its fastest path
            states = self.model(input_ids=inputs).last_hidden_state
            return unit_mean(states, None) if self.pooling == "mean" else unit(states[:, 0].float())
        mask = torch.from_numpy(real).to(self.device, torch.int64, non_blocking=True)
        states = self.model(input_ids=inputs, attention_mask=mask).last_hidden_state
        return unit_mean(states, mask) if self.pooling == "mean" else unit(states[:, 0].float())


def unit(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


def unit_mean(states: Tensor, mask: Tensor | None) -> Tensor:
    """The mean over a text's tokens, prefix and specials included, in fp32 and at length 1; a text of none gives 0."""
    states = states.float()
    if mask is None:
        return unit(states.mean(1))
    weights = mask[:, :, None].to(states.dtype)
    return unit((states * weights).sum(1) / weights.sum(1).clamp(min=1e-9))


def padded_width(size: int) -> int:
    """The width of a batch whose longest text has ``size`` tokens: one of eight to each doubling.

    So a batch of any size meets some dozens of shapes. A library that compiles a product for each shape it sees (oneDNN
    on CPUs, cuBLAS by its heuristics) then does so a few times, and keeps as much for 32,768 texts as for 1,024.
    """
    step = 1 << max(0, size.bit_length() - 4)
    return max(1, -(-size // step) * step)


def by_length(sizes: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
    """Indices of texts, longest first, in batches whose padded area is at most ``budget`` tokens (or one text)."""
    order = np.argsort(-sizes, kind="stable")
    batches, begin = [], 0
    while begin < len(order):
        end = begin + max(1, budget // padded_width(int(sizes[order[begin]])))
        batches.append(order[begin:end])
        begin = end
    return batches


def load_network(
    path: str | Path | ModelFolder,
    *,
    device: str | torch.device | None = None,
    prompts: Mapping[Role, str] | None = None,
    trust_remote_code: bool = False,
) -> Network:
    """The model of a folder. UserError where it is not whole, or not one that is computed here exactly.

    Prompts are those that the folder states, none where it states none. ``prompts`` overrides both. A model that brings
    code of its own is refused, without a question and without importing it, unless ``trust_remote_code``.
    """
    from transformers import AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig
    from transformers.utils import logging

    stated = path
    if not isinstance(stated, ModelFolder):
        stated = read_model_folder(stated, prompts, trust_remote_code=trust_remote_code)
    if stated.kind == "sentence-transformers":
        raise NeedsSentenceTransformers(stated.folder, stated.reason)
    if stated.kind != "transformer":
        raise UserError(f"{stated.folder}: a static encoder, no transformer; say --kind static")
    home = stated.home
    if not (home / "config.json").is_file():
        raise UserError(f"{home}: no config.json here; name the folder of a transformer model")
    if not any(home.glob("*.safetensors")) and not any(home.glob("pytorch_model*.bin")):
        raise UserError(f"{home}: no weights here (model.safetensors or pytorch_model.bin); copy the model again")
    tokenizer_files = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
    if not any(any(home.glob(name)) for name in tokenizer_files):
        raise UserError(f"{home}: no tokenizer here (tokenizer.json); copy it from the model this one began as")
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        # Else transformers takes a class of its own by the model's type, be the weights made for it or not.
        if not trust_remote_code and PretrainedConfig.get_config_dict(home)[0].get("auto_map"):
            raise refusal(home, "auto_map in config.json")
        trust: Any = {"trust_remote_code": trust_remote_code}  # None, the default, asks on stdin
        refuse_encoder_decoder(stated.folder, AutoConfig.from_pretrained(home, **trust).to_dict())
        tokenizer = AutoTokenizer.from_pretrained(home, **trust)
        model, report = AutoModel.from_pretrained(home, dtype=torch.float32, output_loading_info=True, **trust)
    except UserError:
        raise
    except Exception as error:  # transformers raises all kinds for a folder that is not whole
        if is_refusal(error):
            raise refusal(home, "auto_map") from None
        raise UserError(f"{home}: cannot be loaded: {' '.join(str(error).split())[:300]}") from None
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    if missing := [name for name in report["missing_keys"] if "pooler" not in name]:
        raise UserError(f"{home}: its weights lack {len(missing)} tensors of the model, such as {sorted(missing)[0]}")
    for name, parameter in model.named_parameters():
        if "pooler." in name:  # it plays no part in the mean, and is passed on as it came
            parameter.requires_grad_(False)
    _prepare_tokenizer(stated, tokenizer, model)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    positions = readable_tokens(model, stated.max_tokens) or UNLIMITED
    asked = stated.max_tokens or tokenizer.model_max_length
    return Network(
        model.to(device).eval(), tokenizer, stated.prompts, stated.pooling, min(asked, positions), positions,
        stated.lower_case,
    )  # fmt: skip


def _prepare_tokenizer(stated: ModelFolder, tokenizer: Any, model: Any) -> None:
    """Give the tokenizer what the folder asks for, and refuse one whose ids the model does not take as we pad them."""
    if not tokenizer.is_fast:
        raise NeedsSentenceTransformers(stated.folder, "a model whose tokenizer is written in Python")
    check_rows(stated.folder, max(tokenizer.get_vocab().values(), default=-1) + 1, embedding_rows(model))
    if tokenizer.padding_side != "right":
        raise NeedsSentenceTransformers(stated.folder, "a model that pads on the left")
    if any(tokenizer("x").get("token_type_ids", ())):
        raise NeedsSentenceTransformers(stated.folder, "a model whose tokens are of several types")
    if tokenizer.pad_token is None:
        # Which token stands behind a text is nothing to the model, for it is masked; but there must be one.
        known = getattr(model.config, "pad_token_id", None)
        spare = tokenizer.convert_ids_to_tokens(known) if isinstance(known, int) and known >= 0 else None
        spare = spare or tokenizer.eos_token or tokenizer.sep_token or tokenizer.unk_token
        if spare is None:
            raise UserError(f"{stated.folder}: its tokenizer has no token to pad with; set pad_token in it")
        tokenizer.pad_token = spare
    if stated.lower_case:
        backend = tokenizer.backend_tokenizer
        if '"type":"Lowercase"' not in json.dumps(json.loads(backend.to_str())["normalizer"], separators=(",", ":")):
            backend.normalizer = Sequence([Lowercase(), *([backend.normalizer] if backend.normalizer else [])])


def _encodable(text: str) -> str:
    """The text with a question mark for each lone surrogate, which no tokenizer takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
