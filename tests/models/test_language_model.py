from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kenlm
import numpy as np
import pytest
import sentencepiece
import xxhash
from hypothesis import given, settings

from ccpairs.errors import UserError
from models.language_id import LanguageIdentifier, default_model_path
from models.lm import LanguageModel, bundled_model
from models.lm.ccnet_models import import_ccnet
from models.lm.normalisers import ccnet
from models.lm.sidecar import read_sidecar
from tests.filters.odd_texts import ODD_TEXTS, TEXTS

PROSE = [
    "The museum was built in the nineteenth century and has been open to visitors since the end of the war.",
    "If you have any questions about the treatment, you should talk to your doctor before you take the medicine.",
    "We went to the store to buy some bread, but it was closed because of the holiday.",
]
SHUFFLED = [
    "century open and the the built war to the museum nineteenth was since of visitors been end has in the The.",
    "medicine. should you you the the before to treatment, doctor If questions have about your you take talk any",
    "bread, to of was but closed store We buy went holiday. the it to because the some",
]


@pytest.fixture(scope="session")
def bundled() -> Path:
    directory = bundled_model()
    assert directory is not None
    return directory


@pytest.fixture(scope="session")
def model(bundled: Path) -> LanguageModel:
    return LanguageModel.load(bundled)


@pytest.fixture
def copy(bundled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundled, tmp_path / "model"))


def change(directory: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    path = directory / "model.json"
    sidecar = json.loads(path.read_text())
    edit(sidecar)
    path.write_text(json.dumps(sidecar))


def refusal(directory: Path) -> str:
    with pytest.raises(UserError) as caught:
        LanguageModel.load(directory)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_perplexity_is_ccnets_formula(model: LanguageModel, bundled: Path) -> None:
    lm, pieces = kenlm.Model(str(bundled / "en.arpa.bin")), sentencepiece.SentencePieceProcessor()
    pieces.load(str(bundled / "en.sp.model"))
    for text in [*PROSE, *SHUFFLED, "naïve “café” 2021"]:
        tokens = pieces.encode_as_pieces(ccnet(text))
        expected = 10.0 ** (-lm.score(" ".join(tokens)) / (len(tokens) + 1))
        assert model.perplexity([text]) == [float(np.float32(round(expected, 1)))]


def test_prose_is_likelier_than_its_words_in_another_order(model: LanguageModel) -> None:
    for prose, shuffled in zip(model.perplexity(PROSE), model.perplexity(SHUFFLED), strict=True):
        assert prose is not None
        assert shuffled is not None
        assert 2 * prose < shuffled


def test_real_articles_are_likelier_than_their_words_in_another_order(model: LanguageModel, real_data: Path) -> None:
    bodies = json.loads((real_data / "news" / "article-bodies.json").read_text(encoding="utf-8")).values()
    openings = [" ".join(body.split()[:100]) for body in bodies]
    languages = LanguageIdentifier(default_model_path()).identify(openings)
    articles = [text for text, (language, _) in zip(openings, languages, strict=True) if language == "en"]
    assert len(articles) > 50
    prose = model.perplexity(articles)
    disorder = model.perplexity(map(other_order, articles))
    pairs = [(a, b) for a in prose if a is not None for b in disorder if b is not None]
    assert sum(a < b for a, b in pairs) / len(pairs) > 0.95


def other_order(text: str) -> str:
    numbered = enumerate(text.split())
    return " ".join(
        word for _, word in sorted(numbered, key=lambda pair: xxhash.xxh3_64_intdigest(repr(pair).encode()))
    )


def test_a_text_with_nothing_in_it_has_no_perplexity(model: LanguageModel) -> None:
    assert model.perplexity(["", " \n\t", "\x00\x07", "a"])[:3] == [None, None, None]
    assert model.perplexity(["a"])[0] is not None


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_texts_have_a_perplexity_or_none(model: LanguageModel, name: str) -> None:
    [value] = model.perplexity([ODD_TEXTS[name]])
    assert value is None or 1 <= value < float("inf")


@given(TEXTS)
@settings(max_examples=300)
def test_any_text_has_a_perplexity_or_none_and_always_the_same(text: str) -> None:
    directory = bundled_model()
    assert directory is not None
    model = LanguageModel.load(directory) if not _LOADED else _LOADED[0]
    _LOADED[:] = [model]
    [value] = model.perplexity([text])
    assert model.perplexity([text, "Between.", text]) == [value, *model.perplexity(["Between."]), value]


_LOADED: list[LanguageModel] = []


def test_what_the_bundled_model_says_of_itself(model: LanguageModel) -> None:
    sidecar = model.sidecar
    assert (model.language, sidecar.order, sidecar.normaliser.name, sidecar.license) == (
        "en",
        4,
        "ccnet",
        "CC BY-SA 4.0",
    )
    assert sidecar.percentiles is not None
    assert sorted(sidecar.percentiles.values) == list(range(1, 100))
    assert model.percentile(30) < model.percentile(60) < model.percentile(90)
    assert bundled_model("xx") is None


def test_the_fingerprint_tells_models_apart_and_no_more(model: LanguageModel, copy: Path) -> None:
    assert len(model.fingerprint) == 16
    change(copy, lambda sidecar: sidecar.update(corpus="other words about it", percentiles=None))
    assert read_sidecar(copy).fingerprint == model.fingerprint
    change(copy, lambda sidecar: sidecar["kenlm"].update(sha256="0" * 64))
    assert read_sidecar(copy).fingerprint != model.fingerprint


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda sidecar: sidecar["normaliser"].update(name="dolma"), "made with the normaliser dolma 1"),
        (lambda sidecar: sidecar["normaliser"].update(version=2), "made with the normaliser ccnet 2"),
        (lambda sidecar: sidecar.update(order=5), "the sidecar says order 5, and the KenLM model has 4"),
        (lambda sidecar: sidecar.update(format=2), "has format 2"),
        (lambda sidecar: sidecar.pop("language"), "is damaged (Object missing required field `language`)"),
        (lambda sidecar: sidecar["kenlm"].update(bytes=9_000_000), "has 5,240,390 bytes and should have 9,000,000"),
        (lambda sidecar: sidecar["kenlm"].update(sha256="0" * 64), "its SHA-256 is not the one in model.json"),
        (lambda sidecar: sidecar["kenlm"].update(name="../en.arpa.bin"), "is no file name"),
    ],
)
def test_a_sidecar_that_does_not_fit_is_refused(
    copy: Path, edit: Callable[[dict[str, Any]], object], says: str
) -> None:
    change(copy, edit)
    assert says in refusal(copy)


def test_a_model_without_percentiles_says_how_to_get_some(copy: Path) -> None:
    change(copy, lambda sidecar: sidecar.update(percentiles=None))
    with pytest.raises(UserError, match="ccpairs lm calibrate"):
        LanguageModel.load(copy).percentile(60)


@pytest.mark.parametrize("name", ["en.arpa.bin", "en.sp.model"])
def test_missing_and_truncated_files_are_refused(copy: Path, name: str) -> None:
    whole = (copy / name).read_bytes()
    (copy / name).write_bytes(whole[: len(whole) // 2])
    assert "(truncated); fetch the model again" in refusal(copy)
    (copy / name).unlink()
    assert "missing, and model.json names it" in refusal(copy)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    assert "no language model (no model.json)" in refusal(tmp_path)
    assert "no language model" in refusal(tmp_path / "nowhere")
    (tmp_path / "model.json").write_bytes(b"\xff{")
    assert "is damaged" in refusal(tmp_path)


class TestImport:
    def test_the_published_cut_offs_come_along(self, bundled: Path, model: LanguageModel, tmp_path: Path) -> None:
        import_ccnet(bundled / "en.arpa.bin", bundled / "en.sp.model", tmp_path / "made", "en")
        made = LanguageModel.load(tmp_path / "made")
        assert (made.percentile(30), made.percentile(60)) == (340.0, 520.0)
        assert made.perplexity(PROSE) == model.perplexity(PROSE)
        with pytest.raises(UserError, match="no percentile 61; it has 10, 20"):
            made.percentile(61)

    def test_cutoffs_are_read_by_language(self, bundled: Path, tmp_path: Path) -> None:
        table = tmp_path / "cutoff.csv"
        table.write_text(",de,en\n0,1.5,2.5\n30,200.5,341.25\n60,300.0,525.0\n100,9e5,8e5\n")
        import_ccnet(bundled / "en.arpa.bin", bundled / "en.sp.model", tmp_path / "made", "de", table)
        assert LanguageModel.load(tmp_path / "made").sidecar.percentiles.values == {30: 200.5, 60: 300.0}  # type: ignore[union-attr]
        with pytest.raises(UserError, match="no column 'fr'"):
            import_ccnet(bundled / "en.arpa.bin", bundled / "en.sp.model", tmp_path / "other", "fr", table)

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "is no KenLM binary"),
            (b"\\data\\\nngram 1=3\n", "is an ARPA file"),
            (b"mmap lm http://kheafield.com/code format version 4\n\0" + bytes(200), "another format version"),
            (b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(4000), "is no sound KenLM model"),
        ],
    )
    def test_what_is_no_kenlm_model_is_refused(self, bundled: Path, tmp_path: Path, content: bytes, says: str) -> None:
        damaged = tmp_path / "en.arpa.bin"
        damaged.write_bytes(content)
        with pytest.raises(UserError) as caught:
            import_ccnet(damaged, bundled / "en.sp.model", tmp_path / "made", "en")
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "made").exists()

    @pytest.mark.parametrize("keep", [60, 130, 5_000, 1_000_000])
    def test_a_truncated_kenlm_model_is_refused(self, bundled: Path, tmp_path: Path, keep: int) -> None:
        damaged = tmp_path / "en.arpa.bin"
        damaged.write_bytes((bundled / "en.arpa.bin").read_bytes()[:keep])
        with pytest.raises(UserError, match="is no sound KenLM model"):
            import_ccnet(damaged, bundled / "en.sp.model", tmp_path / "made", "en")

    def test_a_damaged_sentencepiece_model_is_refused(self, bundled: Path, tmp_path: Path) -> None:
        damaged = tmp_path / "en.sp.model"
        damaged.write_bytes((bundled / "en.sp.model").read_bytes()[:1000])
        with pytest.raises(UserError, match="is no sound SentencePiece model"):
            import_ccnet(bundled / "en.arpa.bin", damaged, tmp_path / "made", "en")
