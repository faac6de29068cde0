from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.filters import test_pairs, test_quality

DOCS = Path(__file__).parents[2] / "docs" / "filters.md"


@pytest.mark.parametrize(
    ("section", "reasons"),
    [("Pages", test_quality.REASONS), ("Pairs", set(test_pairs.REJECTED))],
    ids=["pages", "pairs"],
)
def test_the_table_names_exactly_the_reasons_that_filters_give(section: str, reasons: set[str]) -> None:
    table = re.split(r"^## ", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    rows = next(part for part in table if part.startswith(section)).split("\n| ")[2:]
    assert {reason for row in rows for reason in re.findall(r"`(\w+)`", row.split("|")[0])} == reasons
