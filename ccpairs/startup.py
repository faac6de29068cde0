"""What happens before a command imports anything of ours: is it our code that it would import?

Packages with names as plain as ``filters``, ``models`` and ``pipelines`` are easily hidden: ``python -m`` looks for
modules in the current folder first, and many a folder holds a ``models/``. Without this check the user would meet an
ImportError from deep inside, or worse, none.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import NoReturn

from ccpairs.errors import EXIT_USER

HOME = Path(__file__).resolve().parents[1]
"""The folder that holds our packages side by side: site-packages, or a checkout."""

PACKAGES = ("filters", "models", "pipelines")


def refuse_shadowed_packages() -> None:
    """Leave with one line on stderr and exit code 2 where a folder or file of the user's hides one of our packages.

    To be called before the first import of :data:`PACKAGES`.
    """
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None:
            _leave(f"the package '{name}' is missing from {HOME}; install ccpairs anew")
        # A folder without __init__.py has no origin, only a search path.
        place = Path(spec.origin or next(iter(spec.submodule_search_locations or ()))).resolve()
        if place.name == "__init__.py":
            place = place.parent
        if place != HOME / name:
            _leave(f"{place} hides the package '{name}' of ccpairs; {_way_out(place.parent)}")


def keep_children_out_of_the_current_folder() -> None:
    """Let worker processes, which Beam starts with ``python -m``, find our packages where this process finds them."""
    if Path.cwd() != HOME:  # in a checkout that is not installed, the current folder is where workers find us
        os.environ["PYTHONSAFEPATH"] = "1"


def _way_out(folder: Path) -> str:
    if folder != Path.cwd():
        return f"take {folder} out of PYTHONPATH"
    return "run from another folder, or type 'ccpairs build' in place of 'python -m ccpairs.build'"


def _leave(message: str) -> NoReturn:
    print(f"ccpairs: {message}", file=sys.stderr)
    raise SystemExit(EXIT_USER)
