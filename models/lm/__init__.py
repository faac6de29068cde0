"""Language models that tell prose from what is none: perplexity as CCNet computes it (SentencePiece and KenLM).

A model is a directory: a KenLM binary, a SentencePiece model, and a sidecar that says what they were made from and
which normaliser belongs to them.
"""

from models.lm.model import LanguageModel, bundled_model

__all__ = ["LanguageModel", "bundled_model"]
