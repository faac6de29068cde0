"""Mojibake: UTF-8 that somebody decoded as another encoding (``â€™`` for ``’``), mended by ftfy."""

from __future__ import annotations

import re

from ftfy import fix_encoding

# How the first byte of a UTF-8 sequence looks in a single-byte encoding, then how a second byte looks in windows-1252.
# The search costs a fiftieth of ftfy's own test, and few texts pass it.
_SUSPECT = re.compile(
    "[\u00c2-\u00ef\u0102-\u0111\u0139-\u0165\u0192\u03b2-\u03cf\u0420-\u045f]"
    "[\u0080-\u00bf\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u0152\u0153\u2013-\u203a\u20ac\u2122]"
)


def mend_mojibake(text: str) -> str:
    """Undo wrong decodings that ftfy is sure of; other text stays as it is."""
    return fix_encoding(text) if _SUSPECT.search(text) else text
