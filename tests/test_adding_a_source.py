"""The sources in docs/adding-a-source.md, as a reader would add them: they build, and every line is accounted for."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

import ccpairs
from ccpairs import build
from pipelines import sources

DOCS = Path(__file__).parents[1] / "docs" / "adding-a-source.md"
BLOCK = re.compile(r"```python\n# pipelines/sources/(\w+)\.py\n(.*?)```", re.DOTALL)

RECIPES = [
    {"id": 1, "name": "Leek  soup", "steps": ["Wash two leeks well.", "Boil them for an hour."], "rating": 5},
    {"id": 2, "name": "Dry toast", "steps": ["Leave the bread in the toaster all night."], "rating": 3},
    {"id": 3, "name": "Nothing at all", "steps": [], "rating": 5},
    {"id": 4, "name": "Rice", "steps": ["Wash the rice, then steam it slowly."], "page": "https://rice.example/4"},
]
FORUM = [
    {"id": 1, "title": "How long do I boil an egg?"},
    {"id": 2, "title": "Has nobody an answer to this question?"},
    {"id": 3},
    {"id": 11, "post": 1, "text": "About five minutes, if you like it soft.", "votes": 2},
    {"id": 12, "post": 1, "text": "Ten minutes, and then into cold water.", "votes": 7},
    {"id": 13, "post": 9, "text": "Whatever the question was, no.", "votes": 1},
]


@pytest.fixture(autouse=True)
def _sources_of_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write each source out of the page and add its line to the registry."""
    blocks = BLOCK.findall(DOCS.read_text(encoding="utf-8"))
    assert [name for name, _ in blocks] == ["recipes", "forum"]
    for name, code in blocks:
        (tmp_path / f"documented_{name}.py").write_text(code, encoding="utf-8")
        monkeypatch.setitem(sources.MODULES, name, f"documented_{name}:{name.capitalize()}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONSAFEPATH", "1")  # the command sets it; this puts it back


def built(folder: Path, source: str, lines: list[bytes], *flags: str) -> Path:
    """Write a dump, build it, and give the folder of its candidates."""
    dump = folder / f"all.{source}.jsonl.gz"
    dump.write_bytes(gzip.compress(b"\n".join(lines)))
    output = folder / "output"
    assert build.main(["--source", source, "--input", str(dump), "--output", str(output), "--quiet", *flags]) == 0
    return output / "candidates" / source


def test_recipes_build(tmp_path: Path) -> None:
    lines = [*(json.dumps(recipe).encode() for recipe in RECIPES), b'{"id": 5, "name"', b"  "]
    opt_out = tmp_path / "opt-out.txt"
    opt_out.write_text("domain:rice.example\n")
    folder = built(tmp_path, "recipes", lines, "--min-rating", "4", "--opt-out", str(opt_out))
    found = [(pair["query"], pair["passage"], pair["votes"]) for pair in ccpairs.read_pairs(str(folder))]
    assert found == [("Leek soup", "Wash two leeks well. Boil them for an hour.", 5)]
    extract = ccpairs.read_manifest(str(folder)).counts[0]
    assert (extract.read, extract.kept) == (5, 1)
    assert extract.rejected == {"low_rating": 1, "malformed_record": 1, "no_steps": 1, "opted_out": 1}


def test_forum_joins(tmp_path: Path) -> None:
    folder = built(tmp_path, "forum", [json.dumps(record).encode() for record in FORUM])
    pairs = list(ccpairs.read_pairs(str(folder)))
    assert [(pair["query"], pair["passage"]) for pair in pairs] == [
        ("How long do I boil an egg?", "Ten minutes, and then into cold water.")
    ]
    assert [(pair["query_doc"], pair["passage_doc"], pair["votes"]) for pair in pairs] == [("post/1", "answer/12", 7)]
    extract, join, _ = ccpairs.read_manifest(str(folder)).counts
    assert (extract.read, extract.rejected) == (6, {"no_title": 1})
    assert (join.read, join.kept) == (5, 2)
    assert join.rejected == {"no_answer": 1, "not_best_answer": 1, "post_missing": 1}


def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dump = tmp_path / "all.recipes.jsonl"
    dump.write_text('{"id": 1, "title": "How long do I boil an egg?"}\n')
    assert build.main(["--source", "recipes", "--input", str(dump), "--output", str(tmp_path / "output")]) == 2
    assert "its first records have no steps" in capsys.readouterr().err
