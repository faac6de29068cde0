"""How many tokens a transformer can read, and how many ids it knows."""

from __future__ import annotations

from typing import Any

TABLES = ("position_embeddings", "position_embedding", "wpe", "embed_positions")
"""Names under which models keep one vector for each position."""


def readable_tokens(model: Any, stated: int | None = None) -> int | None:
    """The most tokens of a text, special ones included; None where the model sets no limit.

    RoBERTa and its family count positions from the padding token's id + 1, so of their table that many fewer are left.
    A model without a table, with rotary or relative positions, reads what its configuration says, or ``stated`` tokens
    where its folder says more.
    """
    most = getattr(model.config, "max_position_embeddings", None)
    most = most if isinstance(most, int) and most > 0 else None
    for module in model.modules():
        for name in TABLES:
            weight = getattr(getattr(module, name, None), "weight", None)
            if weight is not None and weight.ndim == 2:
                padding = getattr(module, "padding_idx", None)
                if name == TABLES[0] and isinstance(padding, int):
                    return int(weight.shape[0]) - padding - 1
                return min(most or int(weight.shape[0]), int(weight.shape[0]))
    return max(most, stated) if most and stated else most


def embedding_rows(model: Any) -> int | None:
    """How many ids have a vector; None where the model has no table of them, such as one that reads characters."""
    try:
        return int(model.get_input_embeddings().weight.shape[0])
    except (AttributeError, NotImplementedError):
        return None
