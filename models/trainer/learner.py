"""The model that settings ask for, ready to be trained, and what it reads texts with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ccpairs.errors import UserError
from ccpairs.machine import available_memory, readable
from ccpairs.storage import write_bytes
from models.encoders import Encoder, Role, Trainable
from models.hub import find_model
from models.model_folder import ModelFolder, NeedsSentenceTransformers, read_model_folder
from models.prompts import parse_prompts
from models.trainer import processes
from models.trainer.corpus import Corpus
from models.trainer.settings import Settings, digest
from models.trainer.tokens import Tokeniser

SAMPLE_TEXTS = 400_000
"""Texts that a tokenizer is learned from, and whose words give a static encoder its first rows."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Learner:
    """``identity`` tells tokenizer and prompts from others: tokens made by one are no tokens of another.

    ``max_tokens`` of a text are trained on.
    """

    trainable: Trainable
    tokeniser: Tokeniser
    identity: str
    prompts: Mapping[Role, str]
    max_tokens: int

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
    return _transformer(settings, say)


def _static(settings: Settings, corpus: Corpus, folder: Path, say: Say) -> Learner:
    from models.static.encoder import StaticEncoder, static_encoder
    from models.static.readers import open_reader, without_special_tokens
    from models.static.tokenizer import open_tokenizer, train_tokenizer
    from models.static.training import StaticTrainable

    model = settings.model
    if settings.loss.learn_temperature:
        raise UserError("loss.learn_temperature is for transformers; a static encoder's temperature is fixed")
    prompts = parse_prompts(model.prompts.splitlines())
    if model.init:
        if settings.model.tokenizer:
            raise UserError("a model that is named by --init brings its tokenizer; leave out --tokenizer")
        stated = _begin_from(settings, "static")
        found = StaticEncoder.of_folder(stated)
        # The folder that training writes cuts no text, and neither does its model here.
        reader = open_reader(without_special_tokens(found.reader.tokenizer))
        encoder = StaticEncoder(reader, found.rows, found.prompts)
        _check_dimensions(settings, encoder.dimension)
        check_memory(*encoder.rows.shape)
    else:
        _check_dimensions(settings, model.dimension)
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
        if prompts is not None:
            encoder = StaticEncoder(encoder.reader, encoder.rows, prompts)
    trainable = StaticTrainable(encoder, settings.loss.info_nce(), clip=settings.optimizer.clip or None)
    identity = digest([encoder.reader.tokenizer.to_str(), sorted(encoder.prompts.items())])
    return Learner(trainable, encoder, identity, encoder.prompts, model.max_tokens)


def _begin_from(settings: Settings, kind: str) -> ModelFolder:
    """What the folder of ``init`` states; UserError where training cannot begin from it, or not write it exactly."""
    stated = read_model_folder(
        find_model(settings.model.init),
        parse_prompts(settings.model.prompts.splitlines()),
        trust_remote_code=settings.trust_remote_code,
    )
    if stated.kind == "sentence-transformers":
        raise NeedsSentenceTransformers(stated.folder, stated.reason)
    if stated.kind != kind:
        raise UserError(
            f"{stated.folder}: a {stated.kind} encoder, and the settings are for a {kind} one; say "
            f"--kind {stated.kind}, without a preset or with one of that kind"
        )
    if stated.truncate_dim:
        raise UserError(
            f"{stated.folder}: only the first {stated.truncate_dim} dimensions of its vectors count (truncate_dim); "
            f"take it out of config_sentence_transformers.json to train all, with loss.dims for short ones"
        )
    return stated


def _check_dimensions(settings: Settings, dimension: int) -> None:
    """Raise ``UserError`` where the settings ask for other dimensions than the model has."""
    if settings.asked_dimension not in (None, dimension):
        raise UserError(
            f"--dimension {settings.asked_dimension}, but {settings.model.init} has {dimension:,} dimensions; leave "
            "out one of the two"
        )
    if too_many := [each for each in settings.loss.dims if each > dimension]:
        raise UserError(f"loss.dims holds {too_many[0]:,}, but the model has {dimension:,} dimensions; leave it out")


def check_memory(tokens: int, dimension: int) -> None:
    """Raise ``UserError`` where the vectors of a static encoder, with Adam's two moments, outgrow the memory."""
    needed, free = 3 * 4 * tokens * dimension, available_memory()
    if free is not None and needed > free:
        raise UserError(
            f"{tokens:,} tokens of {dimension:,} dimensions take {readable(needed)} of memory in training, and "
            f"{readable(free)} are free; lower model.dimension or model.vocabulary_size"
        )


def _transformer(settings: Settings, say: Say) -> Learner:
    from models.transformer.network import load_network
    from models.transformer.training import Settings as StepSettings
    from models.transformer.training import TransformerTrainable

    model, optimizer = settings.model, settings.optimizer
    if not model.init:
        advice = f", such as {model.begins_from}" if model.begins_from else ""
        raise UserError(f"a transformer begins from a model: name a folder, or a name to download, by --init{advice}")
    if model.tokenizer:
        raise UserError("a transformer brings its tokenizer; leave out --tokenizer")
    network = load_network(
        _begin_from(settings, "transformer"),
        device=processes.device(),
        trust_remote_code=settings.trust_remote_code,
    )
    _check_dimensions(settings, network.dimension)
    limit = min(model.max_tokens, network.positions)
    if limit < model.max_tokens:
        say(f"texts are cut at {limit:,} tokens, the most that {model.init} can read, not at {model.max_tokens:,}")
    network.max_tokens = max(network.max_tokens, limit)  # what is trained on, the folder of the model says too
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
    return Learner(trainable, network, digest([told, sorted(network.prompts.items())]), network.prompts, limit)
