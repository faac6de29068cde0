"""The model that settings ask for, ready to be trained, and what it reads texts with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ccpairs.errors import UserError
from ccpairs.machine import available_memory, readable
from ccpairs.storage import write_bytes
from models.custom_code import refuse_custom_code
from models.encoders import Encoder, Trainable
from models.trainer import processes
from models.trainer.corpus import Corpus
from models.trainer.settings import ModelSettings, Settings, digest
from models.trainer.tokens import Tokeniser

SAMPLE_TEXTS = 400_000
"""Texts that a tokenizer is learned from, and whose words give a static encoder its first rows."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Learner:
    """``identity`` tells tokenizer and prompts from others: tokens made by one are no tokens of another."""

    trainable: Trainable
    tokeniser: Tokeniser
    identity: str

    @property
    def encoder(self) -> Encoder:
        return self.trainable.encoder()


def make_learner(settings: Settings, corpus: Corpus, folder: Path, say: Say) -> Learner:
    """The model at its beginning. A tokenizer that is learned for it is kept in ``folder``.

    Raises ``UserError`` where there is no model at ``init``, or it is of the other kind.
    """
    if settings.model.kind == "static":
        if processes.count() > 1:
            raise UserError("a static encoder is trained by one process, on all its cores; run without torchrun")
        return _static(settings, corpus, folder, say)
    return _transformer(settings)


def _static(settings: Settings, corpus: Corpus, folder: Path, say: Say) -> Learner:
    from models.static.encoder import StaticEncoder, static_encoder
    from models.static.tokenizer import open_tokenizer, train_tokenizer
    from models.static.training import StaticTrainable

    model = settings.model
    if model.init:
        if settings.model.tokenizer:
            raise UserError("a model that is named by --init brings its tokenizer; leave out --tokenizer")
        encoder = StaticEncoder.load(_folder(model))
    else:
        sample = corpus.sample(SAMPLE_TEXTS)
        learned, key_file = folder / "tokenizer.json", folder / "tokenizer.key"
        key = digest([corpus.identity, model.vocabulary_size])
        if model.tokenizer:
            tokenizer = open_tokenizer(Path(model.tokenizer).expanduser())
        elif learned.is_file() and key_file.is_file() and key_file.read_text(encoding="utf-8") == key:
            tokenizer = open_tokenizer(learned)
        else:
            tokenizer = train_tokenizer(sample, model.vocabulary_size)
            key_file.unlink(missing_ok=True)
            write_bytes(str(learned), tokenizer.to_str(pretty=True).encode())
            write_bytes(str(key_file), key.encode())
            say(f"tokenizer: {tokenizer.get_vocab_size():,} tokens from {len(sample):,} texts")
        check_memory(tokenizer.get_vocab_size(), model.dimension)
        encoder = static_encoder(tokenizer, model.dimension, settings.data.seed, sample)
    trainable = StaticTrainable(encoder, settings.loss.info_nce(), clip=settings.optimizer.clip or None)
    if settings.loss.learn_temperature:
        raise UserError("loss.learn_temperature is for transformers; a static encoder's temperature is fixed")
    return Learner(trainable, encoder, digest([encoder.reader.tokenizer.to_str(), sorted(encoder.prompts.items())]))


def check_memory(tokens: int, dimension: int) -> None:
    """Raise ``UserError`` where the vectors of a static encoder, with Adam's two moments, outgrow the memory."""
    needed, free = 3 * 4 * tokens * dimension, available_memory()
    if free is not None and needed > free:
        raise UserError(
            f"{tokens:,} tokens of {dimension:,} dimensions take {readable(needed)} of memory in training, and "
            f"{readable(free)} are free; lower model.dimension or model.vocabulary_size"
        )


def _transformer(settings: Settings) -> Learner:
    from models.transformer.network import E5_PROMPTS, load_network
    from models.transformer.training import Settings as StepSettings
    from models.transformer.training import TransformerTrainable

    model, optimizer = settings.model, settings.optimizer
    if not model.init:
        advice = f", such as {model.begins_from}" if model.begins_from else ""
        raise UserError(f"a transformer begins from a model: name a folder, or a name to download, by --init{advice}")
    if model.tokenizer:
        raise UserError("a transformer brings its tokenizer; leave out --tokenizer")
    given = {"own": None, "e5": E5_PROMPTS, "none": dict.fromkeys(E5_PROMPTS, "")}[model.prompts]
    network = load_network(
        model.init, device=processes.device(), prompts=given, trust_remote_code=settings.trust_remote_code
    )
    if model.freeze_positions:
        for name, parameter in network.model.named_parameters():
            if "position_embeddings" in name:
                parameter.requires_grad_(False)
    trainable = TransformerTrainable(
        network,
        StepSettings(
            loss=settings.loss.info_nce(),
            learn_temperature=settings.loss.learn_temperature,
            weight_decay=optimizer.weight_decay,
            clip=optimizer.clip or None,
            chunk_tokens=optimizer.chunk_tokens or None,
            bf16={"auto": None, "on": True, "off": False}[optimizer.bf16],
        ),
    )
    told = json.loads(network.tokenizer.backend_tokenizer.to_str())
    told["truncation"] = told["padding"] = None  # left from its last call
    return Learner(trainable, network, digest([told, sorted(network.prompts.items())]))


def _folder(model: ModelSettings) -> Path:
    folder = Path(model.init).expanduser()
    if not (folder / "modules.json").is_file():
        raise UserError(f"{model.init}: no static encoder here; name a folder that training wrote")
    refuse_custom_code(folder)  # none of a static encoder's would run
    return folder
