"""What the documentation says of flags, columns, files and the way to read shards holds."""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from ccpairs import PAIR_SCHEMA, build, evaluate, judge, lm, refilter, train
from ccpairs.pair import JUDGEMENT
from pipelines.sources import MODULES, source_class
from tests.pipelines.judge.small_candidates import rows, write_candidates

REPOSITORY = Path(__file__).parents[1]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
FLAG = re.compile(r"(?<![\w/-])--[a-z][a-z0-9_-]*")
OTHERS = {
    *("--tag", "--target", "--build-arg"),  # docker
    *("--flink-master", "--job-port", "--artifact-port", "--expansion-port"),  # the job server
    *("--service_port", "--worker_pool"),  # Beam's pool of workers
    "--nproc-per-node",  # torchrun's
    *("--project", "--region"),  # Dataflow's, known where Beam's Google Cloud parts are installed
    *("--min-rating", "--max-steps-chars", "--flag", "--no-flag"),  # of the example of a source
    *("--tasks", "--batch", "--pairs"),  # of benchmarks
}


def known_flags() -> set[str]:
    ours = [build.make_parser([source_class(name) for name in MODULES]), refilter.make_parser()]
    ours += [evaluate.make_parser(), judge.make_parser(), lm.make_parser(), train.make_parser()]
    beams = argparse.ArgumentParser(add_help=False, conflict_handler="resolve")
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(beams)
    return {flag for parser in (*ours, beams) for flag in flags_of(parser)}


def flags_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The flags of a command and of the commands inside it."""
    yield from parser._option_string_actions
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from flags_of(inner)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_flag_exists(page: Path) -> None:
    assert set(FLAG.findall(page.read_text(encoding="utf-8"))) - known_flags() - OTHERS == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for path, anchor in re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        target = page.parent / path if path else page
        assert target.is_file(), path
        headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert not anchor or anchor in {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}


def test_every_source_has_its_section_and_every_option_its_place() -> None:
    pages = [(REPOSITORY / name).read_text(encoding="utf-8") for name in ("README.md", "docs/sources.md")]
    assert set(MODULES) <= set(re.findall(r"^## (\w+)$", pages[1], flags=re.MULTILINE))
    named = set(FLAG.findall("".join(pages)))
    ours = build.make_parser([source_class(name) for name in MODULES])._option_string_actions
    assert {flag for flag in ours if flag.startswith("--") and not flag.startswith("--no-")} - named == {
        "--help"
    } - named


def test_the_tables_of_columns_are_the_schemas() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    for schema in (PAIR_SCHEMA, pa.schema(JUDGEMENT)):
        table = [f"| `{field.name}` | {field.type} | {field.metadata[b'about'].decode()} |" for field in schema]
        assert "\n".join(table) in text


def test_the_readme_reads_pairs_as_it_says(tmp_path: Path) -> None:
    posts = [{"id": f"a{n}", "title": f"What is the best way to boil {n} eggs?"} for n in range(3)]
    comments = [
        {"id": f"b{n}", "link_id": f"t3_a{n % 3}", "body": f"In a pot with room for {n} eggs.", "score": 3 - n // 3 * 3}
        for n in range(4)  # the last has no votes and is rejected
    ]
    for name, records in (("RS_2016-01.json", posts), ("RC_2016-01.json", comments)):
        (tmp_path / name).write_text("".join(json.dumps(record) + "\n" for record in records))
    inputs = [str(tmp_path / "RS_2016-01.json"), str(tmp_path / "RC_2016-01.json")]
    command = [sys.executable, "-m", "ccpairs.build", "--source", "reddit", "--quiet"]
    command += ["--input", *inputs, "--output", str(tmp_path / "pairs")]
    subprocess.run(command, check=True, cwd=REPOSITORY, capture_output=True)
    (block,) = re.findall(
        r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    block += (
        "\nassert len(frame) == len(data) == len(pairs) == 3\nassert list(why.columns)[:2] == ['stage', 'reason']\n"
    )
    environment = {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    assert "3 pairs in 1 shards" in done.stdout


READERS = re.findall(
    r"^\| .* \| `((\w+)\..*pairs/candidates.*)` \|$",
    (REPOSITORY / "README.md").read_text(encoding="utf-8"),
    flags=re.MULTILINE,
)


@pytest.mark.parametrize(("line", "package"), READERS, ids=[package for _, package in READERS])
def test_every_reader_reads_as_the_readme_says(
    line: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = pytest.importorskip(package)
    if package == "pyarrow":
        importlib.import_module("pyarrow.dataset")
    write_candidates(tmp_path / "pairs", rows(30), shards=3)
    write_candidates(tmp_path / "pairs", rows(9), source="news")
    monkeypatch.chdir(tmp_path)
    if package == "datasets":
        monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    assert len(eval(line, {package: module})) == 39


def test_all_readers_are_tried() -> None:
    assert [package for _, package in READERS] == ["pyarrow", "pandas", "polars", "polars", "duckdb", "datasets"]


def extras() -> set[str]:
    tree = ast.parse((REPOSITORY / "setup.py").read_text(encoding="utf-8"))
    [keyword] = [each for each in ast.walk(tree) if isinstance(each, ast.keyword) and each.arg == "extras_require"]
    assert isinstance(keyword.value, ast.Dict)
    return {ast.literal_eval(key) for key in keyword.value.keys if key is not None}


@pytest.mark.parametrize("page", [*PAGES, REPOSITORY / "Dockerfile"], ids=lambda page: page.name)
def test_every_extra_exists(page: Path) -> None:
    named = re.findall(r"ccpairs\[([a-z,]+)\]|EXTRAS=([a-z0-9]+(?:,[a-z0-9]+)*)", page.read_text(encoding="utf-8"))
    assert {extra for pair in named for extra in "".join(pair).split(",")} <= extras()
