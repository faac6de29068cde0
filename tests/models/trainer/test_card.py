"""The card tells data, settings and scores, and no path of the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.trainer.card import append_facts
from models.trainer.settings import Settings

FACTS: dict[str, Any] = {
    "settings": Settings().with_values({"model.init": "/home/somebody/bert"}, "test").told(),
    "data": {
        "reddit": {
            "rows": 6963, "used": 13926, "weight": 0.25, "stage": "pairs", "settings_hash": "abc",
            "licences": {"unknown": 6963},
        },
        "mine": {"rows": 5, "used": 5, "weight": 0.5, "licences": {}},
        "s2orc": {"rows": 45, "used": 45, "weight": 0.25, "licences": {f"L{n}": 9 - n for n in range(9)}},
    },
    "result": {"steps": 27, "batch_size": 1024, "last_loss": 0.25, "scores": {"nDCG@10/scifact": 0.51234}},
}  # fmt: skip


def test_the_card(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Text encoder\n")
    append_facts(tmp_path, FACTS)
    card = (tmp_path / "README.md").read_text()
    assert card.startswith("# Text encoder\n")
    assert "| reddit | 6,963 | 13,926 | 0.2500 | pairs | abc |" in card
    assert "- reddit: unknown (6,963)\n- mine: not stated in the data\n- s2orc: L0 (9), L1 (8)" in card
    assert "L7 (2), and 1 more\n" in card
    assert "27 steps of 1,024 pairs, InfoNCE; the last loss was 0.2500." in card
    assert "| loss.temperature | 0.01 |" in card
    assert "| nDCG@10 on scifact | 0.5123 |" in card
    assert "| model.init | bert |" in card
    assert "somebody" not in card
