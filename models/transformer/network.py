"""A transformer from a folder: weights, tokenizer and what the folder says of pooling, prompts and length."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ccpairs.errors import UserError
from models.custom_code import custom_modules, is_refusal, refusal, refuse_custom_code
from models.encoders import Role

E5_PROMPTS: dict[Role, str] = {"query": "query: ", "passage": "passage: "}
MAX_TOKENS = 512
CHARACTERS_A_TOKEN = 256
"""Text beyond so many characters for each token that is kept is not tokenised: a text of 10 MB costs no more."""

Pooling = Literal["mean", "cls"]


@dataclass
class Network:
    """``model``: transformers' model, parameters in fp32. ``max_tokens`` of a text, prompt and specials included."""

    model: Any
    tokenizer: Any
    prompts: dict[Role, str]
    pooling: Pooling
    max_tokens: int

    @property
    def device(self) -> torch.device:
        return cast(torch.device, self.model.device)

    @property
    def dimension(self) -> int:
        return int(self.model.config.hidden_size)

    def tokens(
        self, texts: Sequence[str], role: Role, max_tokens: int | None = None
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Ids, flat (uint16 where the vocabulary allows it, else int32), and offsets int64 [n + 1] of the texts."""
        limit = min(max_tokens or self.max_tokens, self.max_tokens)
        prefix, characters = self.prompts[role], limit * CHARACTERS_A_TOKEN
        readable = [prefix + _encodable(text[:characters]) for text in texts]
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
        width = min(padded_width(int(sizes.max())), max(self.max_tokens, int(sizes.max())))
        columns = np.arange(width)
        real = columns < sizes[:, None]
        padding = self.tokenizer.pad_token_id or 0
        table = np.full((len(chosen), width), padding, np.int64)
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
    path: str | Path,
    *,
    device: str | torch.device | None = None,
    prompts: dict[Role, str] | None = None,
    trust_remote_code: bool = False,
) -> Network:
    """The model of a folder (or a name that transformers knows). UserError where it is not whole.

    Prompts are those that the folder states. Where it states none, a sentence-transformers folder has none, and a bare
    checkpoint gets E5's. ``prompts`` overrides both. A model that brings code of its own is refused, without a question
    and without importing it, unless ``trust_remote_code``.
    """
    from transformers import AutoModel, AutoTokenizer, PretrainedConfig
    from transformers.utils import logging

    folder = Path(path)
    if not trust_remote_code:
        refuse_custom_code(folder)
    if module := next(custom_modules(folder), None):
        raise UserError(f"{folder}: {module}, which only ccpairs evaluate runs; name a transformer with its pooling")
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise UserError(f"{folder}: no config.json here; name the folder of a transformer model")
    if folder.is_dir() and not any(folder.glob("*.safetensors")) and not any(folder.glob("pytorch_model*.bin")):
        raise UserError(f"{folder}: no weights here (model.safetensors or pytorch_model.bin); copy the model again")
    tokenizer_files = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
    if folder.is_dir() and not any(any(folder.glob(name)) for name in tokenizer_files):
        raise UserError(f"{folder}: no tokenizer here (tokenizer.json); copy it from the model this one began as")
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        # Else transformers takes a class of its own by the model's type, be the weights made for it or not.
        if not trust_remote_code and PretrainedConfig.get_config_dict(path)[0].get("auto_map"):
            raise refusal(path, "auto_map in config.json")
        trust: Any = {"trust_remote_code": trust_remote_code}  # None, the default, asks on stdin
        tokenizer = AutoTokenizer.from_pretrained(path, **trust)
        model, report = AutoModel.from_pretrained(path, dtype=torch.float32, output_loading_info=True, **trust)
    except UserError:
        raise
    except Exception as error:  # transformers raises all kinds for a folder that is not whole
        if is_refusal(error):
            raise refusal(path, "auto_map") from None
        raise UserError(f"{path}: cannot be loaded: {' '.join(str(error).split())[:300]}") from None
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    if missing := [name for name in report["missing_keys"] if "pooler" not in name]:
        raise UserError(f"{path}: its weights lack {len(missing)} tensors of the model, such as {sorted(missing)[0]}")
    for name, parameter in model.named_parameters():
        if "pooler." in name:  # it plays no part in the mean, and is passed on as it came
            parameter.requires_grad_(False)
    stated = _stated(folder)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    limit = stated["max_tokens"] or min(MAX_TOKENS, tokenizer.model_max_length)
    positions = getattr(model.config, "max_position_embeddings", None) or MAX_TOKENS
    if model.config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        positions -= 2  # their positions are counted from the padding token's id + 1
    return Network(
        model.to(device).eval(), tokenizer, prompts or stated["prompts"], stated["pooling"], min(limit, positions)
    )


def _stated(folder: Path) -> dict[str, Any]:
    """What sentence-transformers' files in a folder say."""
    if not (folder / "modules.json").is_file():
        return {"prompts": dict(E5_PROMPTS), "pooling": "mean", "max_tokens": None}
    modules = _json(folder / "modules.json")
    place = next((module["path"] for module in modules if module["type"].endswith("Pooling")), None)
    told = _json(folder / place / "config.json") if place else {}
    mode = told.get("pooling_mode") or next((key for key, on in told.items() if "pooling_mode" in key and on), "mean")
    pooling = {"mean": "mean", "pooling_mode_mean_tokens": "mean", "cls": "cls", "pooling_mode_cls_token": "cls"}.get(
        mode
    )
    if pooling is None:
        raise UserError(f"{folder}: pools by {mode}; only the mean and the first token (cls) are known here")
    given = _json(folder / "config_sentence_transformers.json").get("prompts") or {}
    prompts = {
        "query": given.get("query") or "",
        "passage": given.get("passage") or given.get("document") or "",
    }
    return {
        "prompts": prompts,
        "pooling": pooling,
        "max_tokens": _json(folder / "sentence_bert_config.json").get("max_seq_length"),
    }


def _json(path: Path) -> Any:
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: is not JSON ({error}); copy the model again") from None


def _encodable(text: str) -> str:
    """The text with a question mark for each lone surrogate, which no tokenizer takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
