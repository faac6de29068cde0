"""The static encoder's vectors and its folder, from which sentence-transformers and model2vec read the same vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from ccpairs.errors import UserError
from models.encoders import Role, load_encoder
from models.static.encoder import MODULE, StaticEncoder, static_encoder
from models.static.words import WordReader
from tests.filters.odd_texts import ODD_TEXTS

TOKENS = ["[UNK]", "a", "b", "c", "##d", ":", "query", "passage"]
PLAIN: Mapping[Role, str] = {"query": "", "passage": ""}
PROMPTS: Mapping[Role, str] = {"query": "query: ", "passage": "passage: "}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    found = Tokenizer(WordPiece({token: index for index, token in enumerate(TOKENS)}, unk_token="[UNK]"))
    found.normalizer = BertNormalizer(lowercase=True, strip_accents=True)
    found.pre_tokenizer = BertPreTokenizer()
    return found


def axes(tokenizer: Tokenizer, prompts: Mapping[Role, str] = PLAIN) -> StaticEncoder:
    """One axis a token, so that a vector shows the counts of the tokens; nothing for the unknown one."""
    rows = np.eye(len(TOKENS), dtype=np.float32)
    rows[0] = 0
    return StaticEncoder(WordReader(tokenizer), rows, prompts)


def test_a_vector_is_the_mean_of_the_rows_at_length_one(tokenizer: Tokenizer) -> None:
    found = axes(tokenizer).encode(["A a b cd", "unknowable b"], "query")
    np.testing.assert_allclose(found[0], np.array([0, 2, 1, 1, 1, 0, 0, 0]) / np.sqrt(7), rtol=1e-6)
    np.testing.assert_allclose(found[1], [0, 0, 1, 0, 0, 0, 0, 0], rtol=1e-6)


def test_a_prompt_stands_before_the_text(tokenizer: Tokenizer) -> None:
    found = axes(tokenizer, PROMPTS)
    np.testing.assert_allclose(
        found.encode(["a"], "query")[0], np.array([0, 1, 0, 0, 0, 1, 1, 0]) / np.sqrt(3), rtol=1e-6
    )
    np.testing.assert_allclose(
        found.encode([""], "passage")[0], np.array([0, 0, 0, 0, 0, 1, 0, 1]) / np.sqrt(2), rtol=1e-6
    )


def test_a_text_that_says_nothing_is_the_zero_vector(tokenizer: Tokenizer) -> None:
    assert not axes(tokenizer).encode(["", "unknowable", " "], "query").any()


def test_rows_begin_by_the_inverse_document_frequency(tokenizer: Tokenizer) -> None:
    plain = static_encoder(tokenizer, 8).rows
    weighted = static_encoder(tokenizer, 8, texts=["a b", "a", "a a c", "zz a"]).rows
    share = [np.log(5 / (documents + 1)) / np.log(4) for documents in (4, 1, 1, 0)]
    np.testing.assert_allclose(weighted[1:5], plain[1:5] * np.array(share)[:, None], rtol=1e-5)


def test_no_texts(tokenizer: Tokenizer) -> None:
    assert axes(tokenizer).encode([], "query").shape == (0, len(TOKENS))


@pytest.mark.parametrize("name", list(ODD_TEXTS))
def test_odd_texts_have_vectors_of_length_one_or_none(tokenizer: Tokenizer, name: str) -> None:
    found = static_encoder(tokenizer, 16).encode([ODD_TEXTS[name], "a"], "passage")
    lengths = np.linalg.norm(found, axis=1)
    assert np.isfinite(found).all()
    assert abs(lengths[1] - 1) < 1e-6
    assert lengths[0] == 0 or abs(lengths[0] - 1) < 1e-6


def test_the_number_of_threads_changes_nothing(tokenizer: Tokenizer) -> None:
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(["a", "b", "c", "cd", "zz"], rng.integers(0, 60))) for _ in range(2_000)]
    rows = rng.standard_normal((len(TOKENS), 33), np.float32)
    one, *others = (
        StaticEncoder(WordReader(tokenizer, n), rows, threads=n).encode(texts, "query") for n in (1, 2, 3, 7)
    )
    assert [np.array_equal(one, other) for other in others] == [True] * 3
    alone = [StaticEncoder(WordReader(tokenizer), rows).encode([text], "query")[0] for text in texts[:20]]
    assert np.array_equal(one[:20], alone)


def test_a_saved_encoder_comes_back_whole(tokenizer: Tokenizer, tmp_path: Path) -> None:
    encoder = static_encoder(tokenizer, 16)
    encoder.save(tmp_path / "model")
    again = load_encoder(tmp_path / "model")
    assert (again.fingerprint, again.dimension) == (encoder.fingerprint, 16)
    assert np.array_equal(again.encode(["a b", ""], "query"), encoder.encode(["a b", ""], "query"))


def test_the_fingerprint_tells_weights_and_prompts_apart(tokenizer: Tokenizer) -> None:
    reader, rows = WordReader(tokenizer), np.ones((len(TOKENS), 4), np.float32)
    other = rows.copy()
    other[3, 2] = 1.5
    found = [StaticEncoder(reader, rows), StaticEncoder(reader, other), StaticEncoder(reader, rows, PROMPTS)]
    assert len({encoder.fingerprint for encoder in found}) == 3
    assert StaticEncoder(reader, rows.copy()).fingerprint == found[0].fingerprint


def test_modules_have_the_class_paths_that_every_release_knows(tokenizer: Tokenizer, tmp_path: Path) -> None:
    static_encoder(tokenizer, 4).save(tmp_path)
    assert [(module["path"], module["type"]) for module in json.loads((tmp_path / "modules.json").read_text())] == [
        ("0_StaticEmbedding", "sentence_transformers.models.StaticEmbedding"),
        ("1_Normalize", "sentence_transformers.models.Normalize"),
    ]


TEXTS = ["A cd, b: query", "", "naïve café 漢字 😀 c", "passage: a", "a\x00b", "unknowable"]


@pytest.mark.parametrize("prompts", [PROMPTS, PLAIN], ids=["prompts", "no prompts"])
def test_sentence_transformers_gives_the_same_vectors(
    tokenizer: Tokenizer, tmp_path: Path, prompts: Mapping[Role, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    rows = static_encoder(tokenizer, 32).rows
    encoder = StaticEncoder(WordReader(tokenizer), rows, prompts)
    encoder.save(tmp_path)
    model = sentence_transformers.SentenceTransformer(str(tmp_path), device="cpu")
    np.testing.assert_allclose(model.encode_query(TEXTS), encoder.encode(TEXTS, "query"), atol=1e-5)
    np.testing.assert_allclose(model.encode_document(TEXTS), encoder.encode(TEXTS, "passage"), atol=1e-5)
    by_name = model.encode(TEXTS, prompt_name="passage")
    np.testing.assert_allclose(by_name, encoder.encode(TEXTS, "passage"), atol=1e-5)
    assert model.similarity_fn_name == "cosine"


def test_model2vec_gives_the_same_vectors(tokenizer: Tokenizer, tmp_path: Path) -> None:
    model2vec = pytest.importorskip("model2vec")
    encoder = static_encoder(tokenizer, 32)
    encoder.save(tmp_path)
    found = model2vec.StaticModel.from_pretrained(tmp_path).encode(TEXTS)
    np.testing.assert_allclose(found, encoder.encode(TEXTS, "query"), atol=1e-5)


def test_a_folder_that_is_no_model_is_named(tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        load_encoder(tmp_path / "absent")
    with pytest.raises(UserError, match=r"no model here; it has neither a modules.json"):
        load_encoder(tmp_path)
    (tmp_path / "modules.json").write_text("{")
    with pytest.raises(UserError, match=r"modules.json: not the list of modules"):
        load_encoder(tmp_path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({f"{MODULE}/model.safetensors": b"x"}, "no weights that can be read"),
        ({f"{MODULE}/model.safetensors": None}, "no weights that can be read"),
        ({f"{MODULE}/tokenizer.json": None}, "not a tokenizer.json that can be read"),
        ({"config_sentence_transformers.json": b"{"}, "cannot be read"),
        ({"config_sentence_transformers.json": None}, "cannot be read"),
    ],
)
def test_a_damaged_folder_is_named(
    tokenizer: Tokenizer, tmp_path: Path, damage: dict[str, bytes | None], message: str
) -> None:
    static_encoder(tokenizer, 4).save(tmp_path)
    for name, content in damage.items():
        (tmp_path / name).unlink()
        if content is not None:
            (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        load_encoder(tmp_path)


def test_weights_of_another_vocabulary_are_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    static_encoder(tokenizer, 4).save(tmp_path)
    path = tmp_path / MODULE / "tokenizer.json"
    content = json.loads(path.read_text())
    content["model"]["vocab"]["further"] = 8
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="8 vectors, but its tokenizer has 9 tokens"):
        load_encoder(tmp_path)
