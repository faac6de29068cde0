"""ccpairs: clean (query, passage) pairs from public text dumps.

What other programs import is here: :func:`read_pairs` and :func:`read_manifest`. Importing it needs pyarrow alone.
"""

from __future__ import annotations

from ccpairs.errors import UserError
from ccpairs.manifest import Manifest, ShardInfo, read_manifest
from ccpairs.pair import JUDGED_SCHEMA, PAIR_SCHEMA, Pair
from ccpairs.shards import PairReader, read_pairs
from ccpairs.version import __version__

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
