from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given

from models.lm.normalisers import CCNET, NORMALISERS, ccnet
from tests.filters.odd_texts import ODD_TEXTS, TEXTS


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("", ""),
        ("  The Cat.\n", "the cat."),
        ("In 1984, page 5", "in 0000, page 0"),
        ("Ärger über Ångström, naïve façade", "arger uber angstrom, naive facade"),
        ("“Quoted” – it’s … so—there", '"quoted" - it\'s ... so - there'),
        ("two\nlines\tand a tab", "twolinesand a tab"),  # CCNet removes control characters, line ends among them
        ("全角，。！（１２）【％】", "全角,.!(00)[%]"),
        ("Привет Ёлка", "привет елка"),
        ("١٢٣ ४५", "000 00"),
        ("İstanbul", "istanbul"),
        ("« guillemets » 「brackets」", '" guillemets " "brackets"'),
        ("soft\xadhyphen \x85 next\x7f", "soft\xadhyphen  next"),
        ("tab at the end of ASCII\x1f", "tab at the end of ascii"),
    ],
)
def test_what_ccnet_makes_of_a_text(text: str, normalised: str) -> None:
    assert ccnet(text) == normalised


def step_by_step(text: str) -> str:
    """The steps as CCNet takes them, one after the other, on one character at a time."""
    lower = unicodedata.normalize("NFD", text.strip().lower())
    bare = [character for character in lower if unicodedata.category(character) != "Mn"]
    zeros = ["0" if unicodedata.category(character) == "Nd" else character for character in bare]
    ours = {"—": " - ", "…": "...", "–": "-", "’": "'", "“": '"', "”": '"', "，": ",", "．": ". ", "％": "%", "►": "-"}
    mapped = "".join(ours.get(character, character) for character in zeros)
    return "".join(character for character in mapped if not (ord(character) < 32 or 127 <= ord(character) < 160))


@given(TEXTS)
def test_one_pass_does_what_the_steps_do(text: str) -> None:
    others = "„«»「」《》´∶：？！（）；～━〈〉【】。、"
    if not set(text) & set(others):
        assert ccnet(text) == step_by_step(text)


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_odd_texts_are_normalised_once_and_for_all(text: str) -> None:
    once = ccnet(text)
    assert ccnet(once) in (once, once.strip())


def test_names_and_versions_are_what_sidecars_state() -> None:
    assert NORMALISERS == {"ccnet": CCNET}
    assert (CCNET.name, CCNET.version) == ("ccnet", 1)
