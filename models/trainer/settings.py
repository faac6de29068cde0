"""What a training is told: a TOML file of four tables, of which some come along as presets.

A preset is such a file in :data:`PRESETS`; a user copies one and names the copy. Flags of the command stand above the
file. Every key has a default, an unknown key is refused.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from ccpairs.command_line import LOCAL_INPUT
from ccpairs.errors import UserError
from ccpairs.local_files import is_address
from models.prompts import parse_prompts

if TYPE_CHECKING:
    from models.loss.info_nce import InfoNce

PRESETS = Path(__file__).parent / "presets"
DEFAULT_PRESETS = {"static": "preliminary", "transformer": "transformer"}
FLAGS_ONLY = ("trust_remote_code", "asked_dimension")
"""Fields that no preset sets and that shape no model."""


@dataclass(frozen=True)
class ModelSettings:
    """The encoder. ``max_tokens`` of a text are trained on, prompt and special tokens among them.

    ``init``: folder or name of the model that training begins from; empty for a static encoder from scratch.
    ``begins_from`` is what a preset advises for it, for its user to name: nothing is downloaded unasked.
    ``dimension``, ``vocabulary_size`` and ``tokenizer`` (a tokenizer.json, else one is learned from the pairs) are for
    a static encoder from scratch. ``freeze_positions``: position embeddings stay as they came, as E5's did.
    ``prompts``: the ``own`` of the model at ``init``, as its folder states them, ``e5`` (``query: `` and
    ``passage: ``), ``none``, or ``query=TEXT`` and ``passage=TEXT``, a line each. ``own`` are none where no folder
    states any.
    """

    kind: Literal["static", "transformer"] = "static"
    init: str = ""
    begins_from: str = ""
    tokenizer: str = ""
    dimension: int = 256
    vocabulary_size: int = 32_000
    max_tokens: int = 128
    freeze_positions: bool = False
    prompts: str = "own"


@dataclass(frozen=True)
class LossSettings:
    """:class:`models.loss.info_nce.InfoNce`'s fields. ``margin`` below 0 and empty ``dims`` switch these off."""

    temperature: float = 0.01
    learn_temperature: bool = False
    passage_to_query: bool = False
    query_to_query: bool = False
    passage_to_passage: bool = False
    margin: float = -1.0
    dims: tuple[int, ...] = ()
    products: Literal["fp32", "bf16"] = "fp32"

    def info_nce(self) -> InfoNce:
        from models.loss.info_nce import InfoNce  # torch, which reading a preset does not need

        return InfoNce(
            temperature=self.temperature,
            passage_to_query=self.passage_to_query,
            query_to_query=self.query_to_query,
            passage_to_passage=self.passage_to_passage,
            margin=None if self.margin < 0 else self.margin,
            dims=self.dims,
            products=self.products,
        )


@dataclass(frozen=True)
class OptimizerSettings:
    """AdamW with linear warm-up and linear decay to zero (a static encoder: Adam, without ``weight_decay``).

    ``clip``: longest Euclidean norm of the gradient, 0 for none. ``bf16``: ``auto`` means on a GPU that has it.
    ``chunk_tokens``: tokens that a transformer embeds at once, 0 for a default of the device.
    """

    lr: float = 1e-3
    warmup_steps: int = 0
    weight_decay: float = 0.01
    clip: float = 1.0
    bf16: Literal["auto", "on", "off"] = "auto"
    chunk_tokens: int = 0


@dataclass(frozen=True)
class DataSettings:
    """How many pairs, of which source, in which order.

    ``steps`` of ``batch_size`` pairs; with ``steps = 0`` so many as ``epochs`` need. A batch is never larger than the
    data. ``mix``: ``proportional`` or ``sqrt`` to the pairs of a source, and factors on that, by commas, as in
    ``s2orc=0.3``. ``one_source_batches``: all pairs of a batch are of one source. ``negatives``: of the hard negatives
    that a row of the data has, the first so many are candidates of its batch; below 0 all of them.
    """

    batch_size: int = 1024
    steps: int = 0
    epochs: float = 1.0
    mix: str = "proportional"
    one_source_batches: bool = False
    negatives: int = -1
    seed: int = 0


@dataclass(frozen=True)
class Settings:
    """All of it. ``name`` is the preset's, or the file's.

    ``trust_remote_code``: run the code that the model at ``init`` brings. No preset says so, only a flag does.
    ``asked_dimension``: what a flag asks for, which a model at ``init`` must have.
    """

    name: str = "custom"
    model: ModelSettings = field(default_factory=ModelSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    data: DataSettings = field(default_factory=DataSettings)
    trust_remote_code: bool = False
    asked_dimension: int | None = None

    def told(self) -> dict[str, Any]:
        """As plain values, for JSON and model cards."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name not in FLAGS_ONLY}

    def with_values(self, values: Mapping[str, Any], where: str) -> Settings:
        """These with other values, ``table.key`` -> value; raises ``UserError`` that begins with ``where``."""
        tables = {name: dict[str, Any]() for name in self.told() if name != "name"}
        for key, value in values.items():
            table, dot, name = key.partition(".")
            if not dot or table not in tables:
                raise UserError(f"{where}: no setting {key}; the tables are {', '.join(tables)}")
            kinds = get_type_hints(type(getattr(self, table)))
            if name not in kinds:
                raise UserError(f"{where}: no setting {key}; {table} has {', '.join(kinds)}")
            tables[table][name] = _fitting(value, kinds[name], f"{where}: {key}")
        return checked(
            dataclasses.replace(
                self,
                **{table: dataclasses.replace(getattr(self, table), **new) for table, new in tables.items() if new},
            ),
            where,
        )


def load_settings(name: str) -> Settings:
    """The settings of a preset by its name, or of a TOML file by its path; raises ``UserError``."""
    path = PRESETS / f"{name}.toml"
    if "/" in name or name.endswith(".toml"):
        path = Path(name).expanduser()
    if not path.is_file():
        raise UserError(f"no preset {name}; there is {', '.join(preset_names())}, or name a TOML file")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a TOML file that can be read ({error})") from None
    values = {}
    for table, keys in tables.items():
        if not isinstance(keys, dict):
            raise UserError(f"{path}: {table} stands outside a table; the tables are model, loss, optimizer, data")
        values.update({f"{table}.{key}": value for key, value in keys.items()})
    return Settings(name=path.stem).with_values(values, str(path))


def preset_of(name: str | None, kind: str | None) -> Settings:
    """The settings of a preset, or the defaults of a kind of encoder where none is named.

    Raises ``UserError`` where the preset is for the other kind: its learning rate and clipping would be wrong.
    """
    if name is None:
        return load_settings(DEFAULT_PRESETS[kind or "static"])
    settings = load_settings(name)
    if kind not in (None, settings.model.kind):
        raise UserError(
            f"--kind {kind}, but the preset {settings.name} is for a {settings.model.kind} encoder; leave out one of "
            "the two, or name a preset of that kind"
        )
    return settings


def preset_names() -> list[str]:
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def parse_value(text: str) -> Any:
    """A value as it stands in TOML; text without quotes is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def digest(value: Any) -> str:
    """32 hex digits of plain values, the same for the same values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]


RANGES: dict[str, tuple[float, float]] = {
    "model.dimension": (1, 65_536), "model.vocabulary_size": (100, 10_000_000), "model.max_tokens": (1, 1_000_000),
    "loss.temperature": (1e-4, 1e3), "loss.margin": (-1e9, 2), "optimizer.lr": (1e-12, 3e38),
    "optimizer.warmup_steps": (0, 1e9), "optimizer.weight_decay": (0, 1e3), "optimizer.clip": (0, 1e9),
    "optimizer.chunk_tokens": (0, 1e9), "data.batch_size": (1, 1e9), "data.steps": (0, 1e9), "data.epochs": (1e-9, 1e6),
    "data.negatives": (-1, 1e6), "data.seed": (0, (1 << 63) - 1),
}  # fmt: skip
"""Smallest and largest value of a setting. Nothing sensible lies outside; far beyond, numbers overflow."""


def checked(settings: Settings, where: str) -> Settings:
    """The settings; ``UserError`` where a number makes no sense."""
    told = settings.told()
    for key, (least, most) in RANGES.items():
        table, _, name = key.partition(".")
        value = told[table][name]
        if not least <= value <= most:  # not a number is within nothing
            raise UserError(f"{where}: {key} is {value}; it must be from {shown(least)} to {shown(most)}")
    if too_large := [each for each in settings.loss.dims if each > RANGES["model.dimension"][1]]:
        raise UserError(f"{where}: loss.dims holds {too_large[0]}; a dimension is at most 65,536")
    parse_prompts(settings.model.prompts.splitlines())
    for name in ("init", "tokenizer"):
        if is_address(told["model"][name]) or told["model"][name].startswith("file:/"):
            raise UserError(f"{where}: model.{name} is an address, and {LOCAL_INPUT}")
    return settings


def shown(number: float) -> str:
    """A bound as people write it."""
    return f"{int(number):,}" if number == int(number) < 1e15 else f"{number:g}"


def _fitting(value: Any, kind: Any, where: str) -> Any:
    """The value in the type of the field; ``UserError`` where it is of another."""
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise UserError(f"{where} is {value!r}; it is one of {', '.join(get_args(kind))}")
        return value
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple) or not all(type(each) is int and each > 0 for each in value):
            raise UserError(f"{where} is {value!r}; it is a list of whole numbers, as [256, 128]")
        return tuple(value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
        raise UserError(f"{where} is {value!r}; it is {names[kind]}")
    return value
