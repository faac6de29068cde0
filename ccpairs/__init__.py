"""ccpairs: clean (query, passage) pairs from public text dumps.

What other programs import is here: :func:`read_pairs` and :func:`read_manifest`. Importing it needs pyarrow alone, and
not before one of the names is used: a command is ready for signals before pyarrow is loaded.
"""

from __future__ import annotations

from ccpairs.early_signals import handle_signals_of_commands

handle_signals_of_commands()  # before all other imports

import importlib  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

from ccpairs.errors import UserError  # noqa: E402
from ccpairs.version import __version__  # noqa: E402

if TYPE_CHECKING:
    from ccpairs.manifest import Manifest, ShardInfo, read_manifest
    from ccpairs.pair import JUDGED_SCHEMA, PAIR_SCHEMA, Pair
    from ccpairs.shards import PairReader, read_pairs

__all__ = [
    "JUDGED_SCHEMA",
    "PAIR_SCHEMA",
    "Manifest",
    "Pair",
    "PairReader",
    "ShardInfo",
    "UserError",
    "__version__",
    "read_manifest",
    "read_pairs",
]

_MODULES = {
    **dict.fromkeys(("Manifest", "ShardInfo", "read_manifest"), "ccpairs.manifest"),
    **dict.fromkeys(("JUDGED_SCHEMA", "PAIR_SCHEMA", "Pair"), "ccpairs.pair"),
    **dict.fromkeys(("PairReader", "read_pairs"), "ccpairs.shards"),
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
