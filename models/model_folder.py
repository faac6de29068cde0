"""What the folder of a model states, and who computes its vectors: our own encoders, or sentence-transformers.

Ours compute a folder only where they give exactly the vectors of the library that wrote it. All commands ask here, so
that they agree.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ccpairs.errors import UserError
from models.custom_code import refuse_custom_code
from models.encoders import Role
from models.prompts import NO_PROMPTS, stated_prompts

Kind = Literal["static", "transformer", "sentence-transformers"]
Pooling = Literal["mean", "cls"]

SETTINGS = "config_sentence_transformers.json"
TRANSFORMER_SETTINGS = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
"""Names under which sentence-transformers looks for the settings of its module Transformer."""
MODEL2VEC = "embeddings"
"""The tensor by which a folder of model2vec is known."""
POOLINGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
NORMALIZED = {None, "sentence_embedding"}
"""Values of the settings of a module Normalize that works on the vectors of texts."""
OUR_TRANSFORMER: Mapping[str, Sequence[Any]] = {
    "transformer_task": ["feature-extraction"],
    "modality_config": [{"text": {"method": "forward", "method_output_name": "last_hidden_state"}}],
    "module_output_name": ["token_embeddings"],
}
"""Values of the settings of a module Transformer that ours computes; any further setting must be empty."""


@dataclass(frozen=True)
class ModelFolder:
    """``home``: the folder of weights and tokenizer. ``reason``: why only sentence-transformers computes the vectors.

    ``similarity``: ``cosine``, or ``dot`` of raw vectors. ``max_tokens``: where texts are cut, None where the tokenizer
    says it. ``truncate_dim``: only so many of the first dimensions count.
    """

    folder: Path
    kind: Kind
    home: Path
    prompts: dict[Role, str] = field(default_factory=lambda: dict(NO_PROMPTS))
    similarity: Literal["cosine", "dot"] = "cosine"
    pooling: Pooling = "mean"
    max_tokens: int | None = None
    lower_case: bool = False
    truncate_dim: int | None = None
    reason: str = ""


class NeedsSentenceTransformers(UserError):
    """Only sentence-transformers computes the vectors of this model; raised where ours are asked for it."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"{folder}: {reason}, which only ccpairs evaluate and judge read, by sentence-transformers; "
            "name a static encoder, or a transformer with mean or cls pooling"
        )
        self.reason = reason


def read_model_folder(
    path: str | Path, prompts: Mapping[Role, str] | None = None, *, trust_remote_code: bool = False
) -> ModelFolder:
    """Read what a folder states; ``prompts`` stand in the place of its own. No weights are read.

    Raises ``UserError`` where it holds no model, states what no encoder here computes exactly, or brings code of its
    own that is not trusted.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name a folder that training wrote, or a downloaded model's")
    if not trust_remote_code:
        refuse_custom_code(folder)
    stated = read_json(folder / SETTINGS)
    similarity = _similarity(folder, stated)
    own = stated_prompts(stated, str(folder / SETTINGS))
    dimensions = stated.get("truncate_dim")
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise UserError(f"{folder / SETTINGS}: truncate_dim is {dimensions!r}; it is a whole number from 1, or null")
    common: dict[str, Any] = {
        "prompts": dict(own if prompts is None else prompts), "similarity": similarity, "truncate_dim": dimensions
    }  # fmt: skip
    if (folder / "modules.json").is_file():
        try:
            return _of_modules(folder, common)
        except (OSError, TypeError, KeyError, AttributeError) as error:
            raise UserError(
                f"{folder / 'modules.json'}: not the list of modules that sentence-transformers writes ({error!r}); "
                "copy the model again"
            ) from None
    if is_model2vec(folder):
        return ModelFolder(folder, "static", folder, **common)
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: no model here; it has neither a modules.json of a static encoder nor a config.json")
    config = read_json(folder / "config.json")
    refuse_encoder_decoder(folder, config)
    if (folder / "adapter_config.json").is_file():  # which transformers leaves out where the package peft is missing
        return ModelFolder(folder, "sentence-transformers", folder, reason="a PEFT adapter", **common)
    architecture = str((config.get("architectures") or [""])[0])
    if architecture.endswith("ForCausalLM") and config.get("is_causal", True):
        reason = f"a decoder ({architecture}), pooled by its last token"
        return ModelFolder(folder, "sentence-transformers", folder, reason=reason, **common)
    return ModelFolder(folder, "transformer", folder, **common)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file, an empty one where there is no file. Raises ``UserError``."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); train or copy the model again") from None
    if not isinstance(found, dict):
        raise UserError(f"{path}: holds no JSON object; train or copy the model again")
    return found


def is_model2vec(folder: Path) -> bool:
    """Whether a folder holds the weights of model2vec; only their header is read."""
    try:
        with (folder / "model.safetensors").open("rb") as stream:
            (size,) = struct.unpack("<Q", stream.read(8))
            return size < 1 << 27 and MODEL2VEC in json.loads(stream.read(size))
    except (OSError, ValueError, struct.error):
        return False


def is_encoder_decoder(config: Mapping[str, Any]) -> bool:
    """Whether a configuration is that of an encoder-decoder, or of the encoder of one."""
    return any(config.get(name) for name in ("is_encoder_decoder", "num_decoder_layers", "decoder_layers"))


def refuse_encoder_decoder(folder: Path, config: Mapping[str, Any]) -> None:
    """Raise ``UserError`` where a configuration is an encoder-decoder's, such as T5's or BART's."""
    if is_encoder_decoder(config):
        raise UserError(
            f"{folder}: an encoder-decoder ({config.get('model_type', 'such as T5')}), of which a text has no vector; "
            "name an encoder, or a folder of sentence-transformers that says how it is pooled"
        )


def check_rows(folder: Path, tokens: int, rows: int | None) -> None:
    """Raise ``UserError`` where a tokenizer gives ids, below ``tokens``, that have no vector."""
    if rows is not None and tokens > rows:
        raise UserError(
            f"{folder}: {rows:,} vectors, but its tokenizer has {tokens:,} tokens; copy the tokenizer that belongs to "
            "the weights, or resize the model's embeddings to it"
        )


def _similarity(folder: Path, stated: Mapping[str, Any]) -> Literal["cosine", "dot"]:
    name, kind = stated.get("similarity_fn_name"), stated.get("model_type")
    if kind not in (None, "SentenceTransformer"):
        raise UserError(f"{folder}: a {kind}, no SentenceTransformer; name a model of one dense vector a text")
    if name not in (None, "cosine", "dot"):
        raise UserError(f"{folder}: compares by {name}; only cosine and dot are searched")
    return "dot" if name == "dot" else "cosine"


def _of_modules(folder: Path, common: dict[str, Any]) -> ModelFolder:
    """A folder by its ``modules.json``."""
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(
            f"{folder / 'modules.json'}: not the list of modules that sentence-transformers writes ({error})"
        ) from None
    kinds, places = [], []
    for module in modules:
        package, _, name = module["type"].rpartition(".")
        kinds.append(name if package.partition(".")[0] == "sentence_transformers" else module["type"])
        places.append(folder / module["path"])
    normalized = kinds[-1:] == ["Normalize"] and set(read_json(places[-1] / "config.json").values()) <= NORMALIZED
    if normalized and common["truncate_dim"] is None:
        common["similarity"] = "cosine"  # of vectors of length 1 the dot product is the cosine
    body = kinds[:-1] if normalized else kinds
    settings = _transformer_settings(places[0]) if kinds[:1] == ["Transformer"] else {}
    if kinds[:1] == ["Transformer"]:
        reason = _beyond_ours(settings, places[0])
        if body == ["Transformer", "Pooling"]:
            pooling = read_json(places[1] / "config.json")
            mode = _pooling(pooling)
            if mode not in ("mean", "cls"):
                reason = reason or f"pooled by {mode}"
            elif not pooling.get("include_prompt", True) and any(common["prompts"].values()):
                reason = reason or "pooled without its prompt"
        else:
            reason = reason or f"made of {' and '.join(kinds)}"
    else:
        reason = "" if body == ["StaticEmbedding"] else f"made of {' and '.join(kinds)}"
        mode = "mean"
    if any(module.get("kwargs") for module in modules):
        reason = reason or "made of modules with arguments of their own"
    if common["similarity"] == "dot":
        reason = reason or "compared by the dot product of vectors of any length"
    if reason:
        return ModelFolder(folder, "sentence-transformers", folder, reason=reason, **common)
    if body == ["StaticEmbedding"]:
        if not is_model2vec(places[0]) and not (folder / SETTINGS).is_file():
            raise UserError(f"{folder / SETTINGS}: cannot be read (no such file); train or copy the model again")
        return ModelFolder(folder, "static", places[0], **common)
    config = read_json(places[0] / "config.json")
    if is_encoder_decoder(config):
        reason = f"the encoder of an encoder-decoder ({config.get('model_type')})"
        return ModelFolder(folder, "sentence-transformers", folder, reason=reason, **common)
    return ModelFolder(
        folder,
        "transformer",
        places[0],
        pooling="cls" if mode == "cls" else "mean",
        max_tokens=settings.get("max_seq_length"),
        lower_case=bool(settings.get("do_lower_case")),
        **common,
    )


def _transformer_settings(home: Path) -> dict[str, Any]:
    return next((found for name in TRANSFORMER_SETTINGS if (found := read_json(home / name))), {})


def _beyond_ours(settings: Mapping[str, Any], home: Path) -> str:
    """Why ours do not compute a module Transformer with these settings; empty where they do."""
    if (home / "adapter_config.json").is_file():
        return "a PEFT adapter"
    for name, value in settings.items():
        if name not in ("max_seq_length", "do_lower_case") and value and value not in OUR_TRANSFORMER.get(name, []):
            return f"a transformer with settings of its own ({name})"
    return ""


def _pooling(config: Mapping[str, Any]) -> str:
    """The poolings that a configuration names, in its old form or its new one."""
    modes = config.get("pooling_mode")
    if modes is None:
        modes = [mode for flag, mode in POOLINGS.items() if config.get(flag)] or ["mean"]
    return " and ".join([modes] if isinstance(modes, str) else modes)
