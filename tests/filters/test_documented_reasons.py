from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.filters import test_pairs, test_quality

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs" / "filters.md"
REASON = re.compile(r"[a-z]+[a-z0-9]*(_[a-z0-9]+)*")
GIVERS = {"Reject", "Refused", "Failure", "Trouble", "reject_pair"}
"""What takes a reason as its first argument."""


def documented(text: str) -> set[str]:
    """The words in backticks in the first column of the tables that have a column of reasons."""
    tables = re.findall(r"^\| reason \|.*\n\|[-|: ]+\n((?:\|.*\n?)*)", text, flags=re.MULTILINE)
    return {
        reason for table in tables for row in table.splitlines() for reason in re.findall(r"`(\w+)`", row.split("|")[1])
    }


def literals(value: ast.expr | None, names: Mapping[str, str]) -> Iterator[str]:
    """The texts that an expression may give, as far as they stand in the code."""
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name) if name in names:
            yield names[name]
        case ast.Attribute(attr=attribute) if f".{attribute}" in names:
            yield names[f".{attribute}"]
        case ast.IfExp(body=body, orelse=other):
            yield from literals(body, names)
            yield from literals(other, names)
        case ast.BoolOp(values=values):
            for part in values:
                yield from literals(part, names)


def constants(body: Iterable[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Names that are set to a text, one by one or several in a tuple."""
    for statement in body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text))):
                yield name, text
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                yield name, text
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                pairs = zip(targets, values, strict=True)
                yield from constants(ast.Assign([target], value) for target, value in pairs)


def given(trees: Iterable[ast.Module]) -> set[str]:
    """The reasons that code may give: to a reject or a failure, in a variable ``reason``, or out of a filter."""
    trees = list(trees)
    names = dict(pair for tree in trees for pair in constants(tree.body))
    found: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and node.args and called(node) in GIVERS:
            found.update(literals(node.args[0], names))
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "reason":
            found.update(literals(node.value, names))
        elif isinstance(node, ast.ClassDef):  # a filter may give its name, self.name, as the reason
            own = {**names, **{f".{name}": text for name, text in constants(node.body)}}
            methods = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "reason"]
            for inner in (inner for method in methods for inner in ast.walk(method)):
                if isinstance(inner, ast.Return):
                    found.update(literals(inner.value, own))
    return found


def called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def code() -> list[ast.Module]:
    files = [path for folder in ("pipelines", "filters") for path in (REPOSITORY / folder).rglob("*.py")]
    # The samples know reasons only to say what their dirt must be rejected for.
    return [ast.parse(path.read_text(encoding="utf-8")) for path in files if "samples" not in path.parts]


def test_every_reason_in_the_code_is_in_the_documentation_and_the_other_way_round() -> None:
    found = given(code())
    assert found == documented(DOCS.read_text(encoding="utf-8")) | {
        *("context_too_short", "context_too_long", "context_not_text"),  # parts of a record, described below the table
    }
    assert [reason for reason in found if not REASON.fullmatch(reason)] == []


def test_reasons_are_found_however_they_are_given() -> None:
    tree = ast.parse("""
BAD = 'bad_record'
SLOW, DEAD = 'too_slow', 'is_dead'
class Letters:
    name: ClassVar[str] = 'no_letters'
    def reason(self, text):
        return self.name if text else None
def read(page):
    reason = 'no_text' if page else 'no_page'
    yield Reject(reason)
    yield Reject(BAD if page.kind == 'damaged' else 'too_large')
    yield source.Failure(SLOW)
    log.reject_pair(other or 'equal_pair', page)
""")
    expected = "bad_record too_slow no_letters no_text no_page too_large equal_pair"
    assert given([tree]) == set(expected.split())


@pytest.mark.parametrize(
    ("section", "reasons"),
    [("Pages", test_quality.REASONS), ("Pairs", set(test_pairs.REJECTED))],
    ids=["pages", "pairs"],
)
def test_the_table_names_exactly_the_reasons_that_filters_give(section: str, reasons: set[str]) -> None:
    parts = re.split(r"^## ", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert documented(next(part for part in parts if part.startswith(section))) == reasons
