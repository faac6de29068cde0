from __future__ import annotations

import pytest

from filters.mojibake import mend_mojibake


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("It isnâ€™t â€œcleanâ€\x9d", "It isn’t “clean”"),
        ("GrÃ¶ÃŸe", "Größe"),
        ("cafÃ©", "café"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет"),
        ("naïve café, Größe, L’Âge d’or", "naïve café, Größe, L’Âge d’or"),
        ("AVANÇADO “São Paulo”", "AVANÇADO “São Paulo”"),
        ("Привет – мир", "Привет – мир"),
        ("", ""),
    ],
)
def test_mojibake(text: str, mended: str) -> None:
    assert mend_mojibake(text) == mended
