"""Imports run one way, name only what setup.py requires, and importing ``ccpairs`` needs pyarrow alone.

commands -> pipelines -> filters, models -> the contract. The contract is every module of ``ccpairs`` that is no
command. An import counts wherever it stands: in a function or under ``TYPE_CHECKING`` it ties two rooms together
just as well.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from ccpairs.__main__ import COMMANDS
from ccpairs.command_line import ENCODERS

HOME = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "contract": {"contract"},
    "filters": {"contract", "filters"},
    "models": {"contract", "models"},
    "pipelines": {"contract", "filters", "models", "pipelines"},
    "command": {"contract", "filters", "models", "pipelines", "command"},
}
WITHOUT_BEAM = {"contract", "filters", "models"}
NOT_FOR_FILTERS = {
    "asyncio", "glob", "io", "multiprocessing", "os", "pathlib", "random", "secrets", "shutil", "smart_open", "socket",
    "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip


def room_of(module: str) -> str | None:
    """The room a module of ours is in; None for other people's modules."""
    top, _, rest = module.partition(".")
    if top == "ccpairs":
        return "command" if rest.split(".")[0] in {*COMMANDS, "__main__"} else "contract"
    return top if top in MAY_IMPORT else None


def imports_of(module: str, text: str) -> Iterator[str]:
    """Every module or name that the text imports, dotted and absolute."""
    package = module.split(".")[:-1]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def complaints(module: str, text: str) -> list[str]:
    """What is wrong with the imports of one module of ours."""
    room = room_of(module)
    assert room is not None, module
    wrong = []
    for name in imports_of(module, text):
        other = room_of(name)
        if other is not None and other not in MAY_IMPORT[room]:
            wrong.append(f"{module} ({room}) imports {name} ({other})")
        if room in WITHOUT_BEAM and name.split(".")[0] == "apache_beam":
            wrong.append(f"{module} ({room}) imports {name}")
        if room == "filters" and any(f"{name}.".startswith(f"{banned}.") for banned in NOT_FOR_FILTERS):
            wrong.append(f"{module} (filters) imports {name}")
    if room == "filters":
        calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
        wrong += [
            f"{module} (filters) opens a file" for call in calls if isinstance(call, ast.Name) and call.id == "open"
        ]
    return wrong


@pytest.mark.parametrize(
    ("module", "text", "complaint"),
    [
        ("ccpairs.pair", "import pipelines.join", "ccpairs.pair (contract) imports pipelines.join (pipelines)"),
        ("ccpairs.pair", "from ccpairs import build", "ccpairs.pair (contract) imports ccpairs.build (command)"),
        ("ccpairs.pair", "from . import build", "ccpairs.pair (contract) imports ccpairs.build (command)"),
        ("ccpairs.pair", "import apache_beam as beam", "ccpairs.pair (contract) imports apache_beam"),
        ("filters.text", "from models import x", "filters.text (filters) imports models.x (models)"),
        ("filters.text", "def f():\n    import time", "filters.text (filters) imports time"),
        ("filters.text", "from os.path import join", "filters.text (filters) imports os.path.join"),
        ("filters.text", "open('list.txt')", "filters.text (filters) opens a file"),
        ("models.loss", "from filters.text import plain", "models.loss (models) imports filters.text.plain (filters)"),
        (
            "pipelines.sources.news",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ccpairs.build import main",
            "pipelines.sources.news (pipelines) imports ccpairs.build.main (command)",
        ),
        (
            "pipelines.sources.news",
            "from ...ccpairs.build import main",
            "pipelines.sources.news (pipelines) imports ccpairs.build.main (command)",
        ),
    ],
)
def test_a_wrong_import_is_seen(module: str, text: str, complaint: str) -> None:
    assert complaints(module, text) == [complaint]


def test_right_imports_are_left_alone() -> None:
    text = "import os\nimport apache_beam\nfrom ccpairs.pair import Pair\nfrom filters import text\nfrom . import join"
    assert complaints("pipelines.sources.news", text) == []


@pytest.mark.parametrize("package", ["ccpairs", "filters", "models", "pipelines"])
def test_every_module_imports_in_the_one_direction(package: str) -> None:
    files = sorted((HOME / package).rglob("*.py"))
    assert files
    wrong = []
    for file in files:
        parts = file.relative_to(HOME).with_suffix("").parts
        wrong += complaints(".".join(parts), file.read_text(encoding="utf-8"))
    assert wrong == []


@pytest.mark.parametrize("package", ["ccpairs", "filters", "models", "pipelines"])
def test_every_folder_of_modules_is_a_package(package: str) -> None:
    """Setuptools leaves out a folder without ``__init__.py``, so only those who install would miss it."""
    folders = {file.parent for file in (HOME / package).rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


STANDARD_LIBRARY = {*sys.stdlib_module_names, "compression"}  # the last since 3.14
OPTIONAL = {"trafilatura", "sentence_transformers", "mteb", "huggingface_hub"}
"""Imported only where the user chooses it; an extra of that name installs it, or users bring it."""


def required(*lists: str) -> set[str]:
    """Distributions in lists of setup.py: RUN is of every installation, MODELLING of the extras cpu and gpu."""
    tree = ast.parse((HOME / "setup.py").read_text(encoding="utf-8"))
    found = {
        ast.unparse(node.targets[0]): node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in lists
    }
    texts = [text for name in lists for text in ast.literal_eval(found[name])]
    return {normalised(re.split(r"[^A-Za-z0-9._-]", text)[0]) for text in texts}


def normalised(distribution: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@pytest.mark.parametrize("package", ["ccpairs", "filters", "models", "pipelines"])
def test_every_library_that_is_imported_is_required(package: str) -> None:
    """A library that another one happens to bring along is gone when that one no longer needs it."""
    homes, installed = packages_distributions(), required("RUN")
    if package == "models":
        installed |= required("MODELLING") | {"faiss-cpu"}
    missing = set()
    for file in (HOME / package).rglob("*.py"):
        for name in imports_of(f"{package}.{file.stem}", file.read_text(encoding="utf-8")):
            top = name.partition(".")[0]
            if top in STANDARD_LIBRARY or room_of(name) is not None or top in OPTIONAL:
                continue
            if not installed & {normalised(home) for home in homes.get(top, [top])}:
                missing.add(f"{file.relative_to(HOME)} imports {top}")
    assert sorted(missing) == []


REFUSE_THE_REST = """
import sys

class OnlyPyarrow:
    allowed = {*sys.stdlib_module_names, "pyarrow", "ccpairs"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in self.allowed:
            raise ModuleNotFoundError(f"{name} is refused", name=name)

sys.meta_path.insert(0, OnlyPyarrow())
"""


def test_importing_ccpairs_needs_only_pyarrow(tmp_path: Path) -> None:
    code = f"{REFUSE_THE_REST}\nsys.path.append({str(HOME)!r})\nimport ccpairs\nprint(ccpairs.read_pairs.__name__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("read_pairs\n", "")


def test_the_refusal_in_that_test_works(tmp_path: Path) -> None:
    code = f"{REFUSE_THE_REST}\nimport apache_beam"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "apache_beam is refused" in done.stderr


REFUSE_WHAT_ONLY_TESTS_INSTALL = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {
            "bm25s", "datasets", "datasketch", "faiss", "hypothesis", "ir_measures", "numba", "onnx", "pandas",
            "pytest", "sentence_transformers", "tensorboard", "tokenizers", "torch", "trafilatura", "transformers",
        }:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
"""


def test_pairs_are_made_without_what_only_the_tests_install(tmp_path: Path) -> None:
    """All that ``build`` can be asked for, in an installation without extras."""
    answers = (
        "Rivers carry salt from the rocks to the sea.",
        "The sun takes the water away, and the salt stays there.",
    )
    lines = [f'["Why is sea number {number} salty?", "{answer}"]\n' for number, answer in enumerate(answers)]
    (tmp_path / "pairs.jsonl").write_text("".join(lines))
    (tmp_path / "exam.txt").write_text("Why is sea number 1 salty?\n")
    output = tmp_path / "out"
    flags = ["--source", "communityqa", "--input", tmp_path / "pairs.jsonl", "--output", output, "--perplexity", "all"]
    flags += ["--near-duplicates", "--max-repeats", "3", "--decontaminate", tmp_path / "exam.txt", "--quiet"]
    code = f"{REFUSE_WHAT_ONLY_TESTS_INSTALL}\nfrom ccpairs.build import main\nsys.exit(main({[*map(str, flags)]}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "contaminated_exact 1" in done.stdout


REFUSE_ONE_AFTER_THE_OTHER = """
import sys
from ccpairs.__main__ import main

class NotInstalled:
    name = None

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == self.name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

refusal = NotInstalled()
sys.meta_path.insert(0, refusal)
for refusal.name in sys.argv[2:]:
    print(main(sys.argv[1].split()), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("command", "purpose", "also"),
    [
        ("judge --input none --output none", "judging", ["tensorboard"]),
        ("train --data none --output none --dev none", "training", ["tensorboard", "faiss", "ir_measures"]),
        ("evaluate --model none bm25 --data none", "evaluation", ["faiss", "ir_measures", "bm25s"]),
    ],
)
def test_each_module_that_is_missing_alone_is_named_with_its_extra(
    command: str, purpose: str, also: list[str], tmp_path: Path
) -> None:
    modules = [*ENCODERS, *also]
    code = f"import sys; sys.path.insert(0, {str(HOME)!r})\n{REFUSE_ONE_AFTER_THE_OTHER}"
    done = subprocess.run(
        [sys.executable, "-c", code, command, *modules], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    brings = "pip install 'ccpairs[cpu]' (or ccpairs[gpu]) brings it"
    wanted = [line for name in modules for line in (f"ccpairs: {purpose} needs {name}; {brings}", "2")]
    assert done.stderr.splitlines() == wanted
