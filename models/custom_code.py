"""Models that bring code of their own: they are refused unless the user typed ``--trust-remote-code``.

Loading such a model runs Python files of whoever made it: classes that ``auto_map`` names in a configuration of
transformers, and classes and functions outside the packages in the files of sentence-transformers.
"""

from __future__ import annotations

import json
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
    for file, module in _modules(folder):
        place = str(module.get("path", ""))
        if _is_foreign(kind := str(module.get("type", ""))):
            yield f"{file} names {kind}"
        function = _read(folder / place / "config.json").get("activation_function")
        if function is not None and not str(function).startswith("torch."):
            yield f"{f'{place}/config.json'.lstrip('/')} names {function}"
        tokenizer = _read(folder / place / WORDS).get("tokenizer_class")
        if tokenizer is not None and _is_foreign(str(tokenizer)):
            yield f"{f'{place}/{WORDS}'.lstrip('/')} names {tokenizer}"


def _is_foreign(kind: str) -> bool:
    return not kind.startswith("sentence_transformers.")


def _auto_maps(folder: Path) -> Iterator[str]:
    places = dict.fromkeys([folder, *(_place(folder, module) for _, module in _modules(folder))])
    for file in (place / name for place in places for name in CONFIGURATIONS):
        if _read(file).get("auto_map"):
            yield f"auto_map in {file.name}"


def _modules(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """The modules of a folder, those behind its routers among them, and the file that names each."""
    listed = _parsed(folder / "modules.json")
    found = [("modules.json", each) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    seen = set()
    for _, module in found:  # which grows: a router may hold another one
        place = str(module.get("path", ""))
        if place in seen:
            continue
        seen.add(place)
        for name in ROUTER:
            types = _read(folder / place / name).get("types")
            if isinstance(types, dict):
                inside = [{"path": f"{place}/{part}".lstrip("/"), "type": kind} for part, kind in types.items()]
                found += [(f"{place}/{name}".lstrip("/"), each) for each in inside]
    return found


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
