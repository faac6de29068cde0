"""Models that bring code of their own: they are refused unless the user typed ``--trust-remote-code``.

Loading such a model runs Python files of whoever made it: classes that ``auto_map`` names in a configuration of
transformers, and classes and functions outside the packages in the files of sentence-transformers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccpairs.errors import UserError

FLAG = "--trust-remote-code"
CONFIGURATIONS = ("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json")
"""Files of transformers, whose ``auto_map`` names classes."""

ROUTER = ("router_config.json", "config.json")
"""Files in which a module of sentence-transformers names the modules below it, as ``types``."""

WORDS = "wordembedding_config.json"


def refuse_custom_code(folder: Path) -> None:
    """Raise ``UserError`` where a model's folder names code that is not of the packages; nothing of it is imported."""
    for where in (*_auto_maps(folder), *custom_modules(folder)):
        raise refusal(folder, where)


def refusal(model: str | Path, where: str) -> UserError:
    """The error for a model whose code is named ``where``."""
    return UserError(
        f"{model}: this model runs code of its own ({where}), so it is refused; read that code, and add {FLAG} if you "
        "trust it"
    )


def is_refusal(error: Exception) -> bool:
    """Whether a library's error says that it would have to run code of the model."""
    return isinstance(error, ValueError) and "trust_remote_code" in str(error)


def is_custom(model: object) -> bool:
    """Whether transformers took the class of a model from the model's own files."""
    return type(model).__module__.startswith("transformers_modules.")


def custom_modules(folder: Path) -> Iterator[str]:
    """What the files of sentence-transformers in a folder would import from outside of it and of torch."""
    for module in _modules(folder):
        if _is_foreign(kind := str(module.get("type", ""))):
            yield f"modules.json names {kind}"
        yield from _settings_of(folder, _place(folder, module))


def _settings_of(folder: Path, place: Path, levels: int = 3) -> Iterator[str]:
    """The same, of the settings of one module and of those below it, down to so many levels."""

    def where(file: str) -> str:
        return os.path.relpath(place / file, folder)

    function = _read(place / "config.json").get("activation_function")
    if function is not None and not str(function).startswith("torch."):
        yield f"{where('config.json')} names {function}"
    tokenizer = _read(place / WORDS).get("tokenizer_class")
    if tokenizer is not None and _is_foreign(str(tokenizer)):
        yield f"{where(WORDS)} names {tokenizer}"
    for file in ROUTER:
        types = _read(place / file).get("types")
        for name, kind in types.items() if isinstance(types, dict) else ():
            if _is_foreign(str(kind)):
                yield f"{where(file)} names {kind}"
            if levels and (place / name).is_dir():
                yield from _settings_of(folder, place / name, levels - 1)


def _is_foreign(kind: str) -> bool:
    return not kind.startswith("sentence_transformers.")


def _auto_maps(folder: Path) -> Iterator[str]:
    places = dict.fromkeys([folder, *(_place(folder, module) for module in _modules(folder))])
    for file in (place / name for place in places for name in CONFIGURATIONS):
        if _read(file).get("auto_map"):
            yield f"auto_map in {file.name}"


def _modules(folder: Path) -> list[dict[str, Any]]:
    listed = _parsed(folder / "modules.json")
    return [module for module in listed if isinstance(module, dict)] if isinstance(listed, list) else []


def _place(folder: Path, module: dict[str, Any]) -> Path:
    return folder / str(module.get("path", ""))


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none, which whoever loads the model says better."""
    found = _parsed(path)
    return found if isinstance(found, dict) else {}


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
