"""What the tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real sample files, one folder per source; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("CCPAIRS_REAL_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real sample files at {folder}; name their folder in CCPAIRS_REAL_DATA")
    return folder
