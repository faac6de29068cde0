"""A virtual environment with what ``pip install .`` installs and none of the extras, made offline by links."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

HOME = Path(__file__).resolve().parents[1]


def make_base_install(folder: Path) -> Path:
    """Make the environment in ``folder`` and return its Python; the packages of the checkout are importable there."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    made: set[Path] = set()
    for each in closure(base_requirements()):
        for file in each.files or ():
            if file.parts[0] != ".." and not (packages / file).exists():  # no script, and no file that two of them hold
                link = packages / file
                if link.parent not in made:
                    link.parent.mkdir(parents=True, exist_ok=True)
                    made.add(link.parent)
                os.symlink(str(each.locate_file(file)), link)
    (packages / "checkout.pth").write_text(f"{HOME}\n", encoding="utf-8")
    return folder / "bin" / "python"


def base_requirements() -> list[str]:
    """What setup.py requires of every installation."""
    tree = ast.parse((HOME / "setup.py").read_text(encoding="utf-8"))
    (run,) = (
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RUN"
    )
    found: list[str] = ast.literal_eval(run)
    return found


def closure(requirements: list[str]) -> list[Distribution]:
    """The installed distributions that the requirements need, and those that they need in turn."""
    found: dict[str, Distribution] = {}
    done: set[tuple[str, str]] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        for extra in ("", *sorted(requirement.extras)):
            if (requirement.name, extra) in done or not _applies(requirement, ""):
                continue
            done.add((requirement.name, extra))
            each = distribution(requirement.name)
            found[each.name] = each
            inner = [Requirement(text) for text in each.requires or ()]
            waiting += [one for one in inner if _applies(one, extra)]
    return list(found.values())


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})
