"""The version of ccpairs; setup.py reads it from here, manifests carry it."""

from __future__ import annotations

__version__ = "0.1.0"
