"""The page of messages: each is in the code, and each message of the code's edges is on the page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs" / "guide" / "troubleshooting.md"
PACKAGES = ("ccpairs", "filters", "models", "pipelines")
ERRORS = {"UserError", "DamagedInput", "UnreadableInput", "NoRandomAccess", "WrongSource", "Fault", "ArgumentTypeError"}
EDGES = (
    *("ccpairs/object_stores.py", "ccpairs/output_folder.py", "ccpairs/storage.py", "ccpairs/local_files.py"),
    *("models/custom_code.py", "pipelines/content_kind.py", "pipelines/discover.py", "pipelines/extract.py"),
    *("pipelines/flink.py", "pipelines/http_files.py", "pipelines/http_requests.py", "pipelines/inputs.py"),
    *("pipelines/local_inputs.py", "pipelines/objects.py", "pipelines/s3_flags.py", "pipelines/sevenzip.py"),
    "pipelines/warc.py",
)
"""Modules whose errors are all on the page."""
HOLE = "\0"
SHORTEST = 8
"""A literal with fewer letters of its own is a part of a message, not one."""


def messages() -> list[str]:
    """The messages in the first column of the page's tables."""
    return re.findall(r"^\| `(.+?)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def pattern_of(message: str) -> re.Pattern[str]:
    """What a literal that makes this message looks like; ``{…}`` matches anything."""
    parts = [re.escape(part) for part in re.split(r"\{[^{}]*\}", message)]
    return re.compile(".*?".join(parts).removeprefix(".*?").removesuffix(".*?"), re.DOTALL)


def text_of(node: ast.expr) -> str:
    """The text of a string expression; a zero character for each part that changes."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(map(text_of, values))
        case ast.BinOp(left=left, right=right):
            return text_of(left) + text_of(right)
        case _:
            return HOLE


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def literals() -> set[str]:
    paths = [path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py")]
    kinds = (ast.Constant, ast.JoinedStr, ast.BinOp)
    return {text_of(node) for path in paths for node in ast.walk(tree_of(path)) if isinstance(node, kinds)}


def raised(path: Path) -> Iterator[str]:
    """The messages that a module gives to errors."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ERRORS and node.args:
            text = text_of(node.args[0])
            if len(text.replace(HOLE, "").strip(" :;()")) >= SHORTEST:
                yield text


def test_every_message_of_the_page_is_in_the_code() -> None:
    found = literals()
    assert [message for message in messages() if not any(map(pattern_of(message).search, found))] == []


@pytest.mark.parametrize("module", EDGES)
def test_every_message_of_the_edges_is_on_the_page(module: str) -> None:
    patterns = [pattern_of(message) for message in messages() if re.sub(r"\{[^{}]*\}|\W", "", message)]
    texts = list(raised(REPOSITORY / module))
    assert [text for text in texts if not any(pattern.search(text) for pattern in patterns)] == []


def test_the_page_is_not_empty() -> None:
    assert len(messages()) > 80
