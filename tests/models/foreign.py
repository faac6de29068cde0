"""Tiny models with random weights as other people's libraries write them, and what these make of a text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sentence_transformers
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers import models as token_models

from models.encoders import Encoder, Role
from tests.models.transformer.tiny_bert import WORDS, texts, write_tiny_bert

TEXTS = [*texts(12, 3), "", "Who WROTE it", "unheard 漢字 😀 words", "the sea " * 200, "naïve: the"]
PROMPTS = {"query": "query: ", "document": "passage: "}


def change(path: Path, **values: object) -> None:
    settings = json.loads(path.read_text()) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**settings, **values}))


def theirs(folder: Path, role: Role, given: list[str] = TEXTS) -> NDArray[np.float32]:
    """What sentence-transformers makes of a folder by itself."""
    model = sentence_transformers.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    encode = model.encode_query if role == "query" else model.encode_document
    return np.asarray(encode(given, normalize_embeddings=model.similarity_fn_name == "cosine"), np.float32)


def agrees(folder: Path, encoder: Encoder, given: list[str] = TEXTS) -> None:
    for role in ("query", "passage"):
        np.testing.assert_allclose(encoder.encode(given, role), theirs(folder, role, given), atol=1e-5)


def word_piece() -> Tokenizer:
    """BERT's own: with special tokens that are found in texts, and a template that adds two."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ":", *WORDS, *(f"##{letter}" for letter in "aeiou")]
    found = Tokenizer(token_models.WordPiece({piece: row for row, piece in enumerate(pieces)}, unk_token="[UNK]"))
    found.normalizer = normalizers.BertNormalizer(lowercase=True)
    found.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    found.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    found.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return found


def byte_pairs() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("i", "n"), ("Ġ", "in")]
    pieces = [*alphabet, *(left + right for left, right in merges)]
    found = Tokenizer(token_models.BPE({piece: row for row, piece in enumerate(pieces)}, merges))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return found


def unigram() -> Tokenizer:
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = [("<unk>", 0.0), ("▁", -2.0), *((letter, -5.0) for letter in letters), ("▁the", -1.0), ("▁sea", -1.5)]
    found = Tokenizer(token_models.Unigram(pieces, unk_id=0))
    found.pre_tokenizer = pre_tokenizers.Metaspace()
    return found


def cut_word_piece() -> Tokenizer:
    found = word_piece()
    found.enable_truncation(7)
    found.enable_padding(length=9)
    return found


TOKENIZERS = [word_piece, byte_pairs, unigram, cut_word_piece]


def write_static(folder: Path, tokenizer: Tokenizer, prompts: Mapping[str, str] | None = None, rows: int = 0) -> Path:
    from sentence_transformers.models import StaticEmbedding

    size = rows or tokenizer.get_vocab_size()
    weights = np.random.default_rng(0).standard_normal((size, 16)).astype(np.float32)
    module = StaticEmbedding(tokenizer, embedding_weights=weights)
    sentence_transformers.SentenceTransformer(modules=[module], device="cpu", prompts=dict(prompts or {})).save(
        str(folder)
    )
    return folder


def write_transformer(
    folder: Path,
    *,
    pooling: object = "mean",
    prompts: Mapping[str, str] | None = None,
    modules: Callable[[int], list[Any]] = lambda _: [],
    **settings: object,
) -> Path:
    """A folder of sentence-transformers over the tiny BERT."""
    from sentence_transformers.models import Pooling, Transformer

    bert = write_tiny_bert(folder.parent / f"{folder.name}-bert")
    transformer = Transformer(str(bert))
    size = 16
    pooled = Pooling(size, pooling)
    every = [transformer, pooled, *modules(pooled.get_embedding_dimension())]
    model = sentence_transformers.SentenceTransformer(modules=every, device="cpu", prompts=dict(prompts or {}))
    model.save(str(folder))
    if settings:
        change(folder / "config_sentence_transformers.json", **settings)
    return folder


def dense(size: int) -> list[Any]:
    from sentence_transformers.models import Dense, Normalize

    return [Dense(size, 8), Normalize()]


def write_qwen(folder: Path, *, bare: bool) -> Path:
    """A decoder whose last token is a text's vector, padded on the left."""
    from sentence_transformers.models import Normalize, Pooling, Transformer
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    raw = word_piece()
    raw.post_processor = processors.TemplateProcessing(single="$A [SEP]", special_tokens=[("[SEP]", 3)])
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]", eos_token="[SEP]", padding_side="left",
        model_max_length=64,
    )  # fmt: skip
    home = folder if bare else folder.parent / "bare"
    tokenizer.save_pretrained(str(home))
    torch.manual_seed(0)
    Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=raw.get_vocab_size(),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            head_dim=8,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=64,
            initializer_range=0.3,
        )
    ).save_pretrained(str(home))
    if not bare:
        modules = [Transformer(str(home)), Pooling(16, "lasttoken"), Normalize()]
        sentence_transformers.SentenceTransformer(modules=modules, device="cpu", prompts=PROMPTS).save(str(folder))
    return folder


def write_roberta(folder: Path, name: str, *, pad: int = 1, positions: int = 24, length: int = 10**30) -> Path:
    import transformers

    pieces = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", *WORDS]
    pieces[1], pieces[pad] = pieces[pad], pieces[1]
    raw = Tokenizer(token_models.WordPiece({piece: row for row, piece in enumerate(pieces)}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [(piece, pieces.index(piece)) for piece in ("[CLS]", "[SEP]")]
    raw.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    transformers.PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        model_max_length=length,
    ).save_pretrained(str(folder))  # fmt: skip
    config = getattr(transformers, f"{name}Config")(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=positions, pad_token_id=pad, initializer_range=0.3, attention_window=4,
    )  # fmt: skip
    torch.manual_seed(0)
    getattr(transformers, f"{name}Model")(config).save_pretrained(str(folder))
    return folder


def write_modern_bert(folder: Path, positions: int = 2_048) -> Path:
    from transformers import ModernBertConfig, ModernBertModel

    write_roberta(folder, "Roberta", length=positions)
    torch.manual_seed(0)
    ModernBertModel(
        ModernBertConfig(
            vocab_size=32,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=positions,
            pad_token_id=1,
            cls_token_id=0,
            sep_token_id=2,
            bos_token_id=0,
            eos_token_id=2,
            initializer_range=0.3,
        )
    ).save_pretrained(str(folder))
    return folder


def write_router(folder: Path) -> Path:
    """Two transformers, one for queries and one for documents."""
    from sentence_transformers.models import Pooling, Router, Transformer

    names = (folder.parent / f"{folder.name}-{name}" for name in ("queries", "documents"))
    one, other = (Transformer(str(write_tiny_bert(name))) for name in names)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in other.auto_model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    router = Router.for_query_document([one, Pooling(16)], [other, Pooling(16)])
    prompts = {**PROMPTS, "passage": "not this "}
    sentence_transformers.SentenceTransformer(modules=[router], device="cpu", prompts=prompts).save(str(folder))
    return folder


def write_model2vec(folder: Path) -> Path:
    import model2vec

    tokenizer = word_piece()
    vectors = np.random.default_rng(1).standard_normal((tokenizer.get_vocab_size(), 16)).astype(np.float32)
    model2vec.StaticModel(vectors, tokenizer, {}, normalize=True).save_pretrained(folder)
    return folder


def write_t5(folder: Path) -> Path:
    from transformers import T5Config, T5Model

    write_roberta(folder, "Roberta")
    config = T5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    T5Model(config).save_pretrained(str(folder))
    return folder
