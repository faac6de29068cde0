"""Settings: presets, files, flags above them, and one line for each mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ccpairs.errors import UserError
from models.trainer.settings import Settings, load_settings, parse_value, preset_names


def test_the_presets_of_the_paper() -> None:
    found = {name: load_settings(f"e5-{name}") for name in ("small", "base", "large")}
    assert {name: settings.optimizer.lr for name, settings in found.items()} == {
        "small": 3e-4,
        "base": 2e-4,
        "large": 1e-4,
    }
    for settings in found.values():
        assert (settings.data.batch_size, settings.data.steps) == (32_768, 20_000)
        assert (settings.model.max_tokens, settings.loss.temperature) == (128, 0.01)
        assert (settings.model.prompts, settings.model.init) == ("e5", "")


def test_every_preset_loads() -> None:
    assert preset_names() == ["e5-base", "e5-large", "e5-small", "preliminary", "transformer"]
    assert [load_settings(name).name for name in preset_names()] == preset_names()


def test_a_copied_file_is_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[loss]\ntemperature = 1\ndims = [64, 32]\n")
    settings = load_settings(str(path))
    assert (settings.name, settings.loss.temperature, settings.loss.dims) == ("mine", 1.0, (64, 32))
    assert settings.data == Settings().data


def test_margin_and_dims_reach_the_loss() -> None:
    settings = Settings().with_values({"loss.margin": 0.1, "loss.dims": [8], "loss.passage_to_query": True}, "x")
    loss = settings.loss.info_nce()
    assert (loss.margin, loss.dims, loss.passage_to_query) == (0.1, (8,), True)
    assert Settings().loss.info_nce().margin is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"loss.tau": 1}, "x: no setting loss.tau; loss has temperature"),
        ({"temperature": 1}, "x: no setting temperature; the tables are model, loss, optimizer, data"),
        ({"data.batch_size": 0}, "x: data.batch_size is 0; it must be from 1 to 1,000,000,000"),
        ({"data.batch_size": 1.5}, "x: data.batch_size is 1.5; it is a whole number"),
        ({"data.one_source_batches": 1}, "x: data.one_source_batches is 1; it is true or false"),
        ({"loss.temperature": 0.0}, "x: loss.temperature is 0.0; it must be from 0.0001 to 1,000"),
        ({"model.kind": "lstm"}, "x: model.kind is 'lstm'; it is one of static, transformer"),
        ({"loss.dims": [0]}, "x: loss.dims is [0]; it is a list of whole numbers, as [256, 128]"),
        ({"optimizer.lr": float("inf")}, "x: optimizer.lr is inf; it must be from 1e-12 to 3e+38"),
    ],
)
def test_what_makes_no_sense_is_one_line(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        Settings().with_values(values, "x")
    assert str(caught.value).startswith(said)


def test_a_preset_that_there_is_not() -> None:
    with pytest.raises(
        UserError, match=r"no preset e5; there is e5-base, e5-large, e5-small, preliminary, transformer, or name"
    ):
        load_settings("e5")


@pytest.mark.parametrize("text", ["temperature = 1", "[loss\n", "loss = 3"])
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(UserError, match=r"bad\.toml"):
        load_settings(str(tmp_path / "bad.toml"))


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.5", 0.5), ("true", True), ("[1, 2]", [1, 2]), ("sqrt,s2orc=0.3", "sqrt,s2orc=0.3")],
)
def test_values_on_the_command_line(text: str, value: object) -> None:
    assert parse_value(text) == value
