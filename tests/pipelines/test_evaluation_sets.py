from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from ccpairs.errors import UserError
from ccpairs.pair import Pair
from filters.decontamination import ContaminationRules, EvaluationText, EvaluationTexts
from pipelines import evaluation_sets
from pipelines.evaluation_sets import open_evaluation_sets, prepare_index


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    folder = tmp_path / "trees"
    (folder / "qrels").mkdir(parents=True)
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "what is an oak"}\n')
    (folder / "corpus.jsonl").write_text(
        '{"_id": "d1", "title": "Oaks", "text": "Trees with acorns and hard wood."}\n'
        '{"_id": "d2", "title": "Maples", "text": "Trees with syrup in the trunk."}\n'
    )
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\n")
    return folder


QUERY = EvaluationText("trees/queries/q1", "what is an oak", is_query=True)
OAKS = EvaluationText("trees/corpus/d1", "Trees with acorns and hard wood.", "Oaks")
MAPLES = EvaluationText("trees/corpus/d2", "Trees with syrup in the trunk.", "Maples")


def test_queries_and_documents_of_a_folder(trees: Path) -> None:
    assert list(open_evaluation_sets([str(trees)]).texts()) == [QUERY, OAKS, MAPLES]


def test_only_documents_that_answer_a_query(trees: Path) -> None:
    assert list(open_evaluation_sets([str(trees)], "judged").texts()) == [QUERY, OAKS]


def test_a_set_without_judgements_has_no_judged_documents(trees: Path) -> None:
    shutil.rmtree(trees / "qrels")
    assert len(list(open_evaluation_sets([str(trees)]).texts())) == 3
    with pytest.raises(UserError, match=r"has no qrels/\*\.tsv, so none of its documents is judged"):
        open_evaluation_sets([str(trees)], "judged")


def test_files_of_texts(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\ufeffwhat is an oak\n\n  a tree  \n")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"text": "one"}\n{"text": "two", "title": "T", "_id": 7}\n'))
    found = list(open_evaluation_sets([str(tmp_path / "b.jsonl.gz"), str(tmp_path / "a.txt")]).texts())
    assert found == [
        EvaluationText("a.txt/1", "what is an oak", is_query=True),
        EvaluationText("a.txt/3", "a tree", is_query=True),
        EvaluationText("b.jsonl.gz/1", "one", is_query=True),
        EvaluationText("b.jsonl.gz/7", "two", "T", is_query=True),
    ]


@pytest.mark.parametrize(
    ("name", "data", "line"),
    [
        ("none", None, "no folder or file"),
        ("texts.jsonl", b'{"text": "a"}\n{"query": "a"}\n', "line 2 is damaged"),
        ("texts.txt", b"\xff\xfe\x00\x01", "line 1 is not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, name: str, data: bytes | None, line: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=line) as caught:
        list(open_evaluation_sets([str(tmp_path / name)]).texts())
    assert "\n" not in str(caught.value)


def test_sets_of_the_same_name_are_told_apart(trees: Path, tmp_path: Path) -> None:
    shutil.copytree(trees, tmp_path / "other" / "trees")
    both = open_evaluation_sets([str(tmp_path / "other" / "trees"), str(trees), str(trees)])
    assert {text.name for text in both.texts() if text.is_query} == {
        "other/trees/queries/q1",
        f"{tmp_path.name}/trees/queries/q1",
    }


def test_the_index_finds_what_the_sets_hold(trees: Path, tmp_path: Path) -> None:
    made = prepare_index(open_evaluation_sets([str(trees)]), str(tmp_path / "work"))
    assert made.path == str(tmp_path / "work" / f"evaluation-texts-{made.fingerprint}.bin")
    assert (made.texts, made.ngrams) == (3, 0)
    (found, clean) = EvaluationTexts.load(made.path).matches(
        [Pair("What is an oak?", "It is a tree.", ""), Pair("What is a beech?", "It is a tree.", "")]
    )
    assert found is not None
    assert (*found, clean) == ("contaminated_exact", "query: trees/queries/q1, whole text", None)
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == [Path(made.path).name]


def test_an_index_is_built_once(trees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare_index(open_evaluation_sets([str(trees)]), str(tmp_path))
    monkeypatch.setattr(evaluation_sets, "build_index", None)
    assert prepare_index(open_evaluation_sets([str(trees)]), str(tmp_path)) == first


def test_a_damaged_index_is_built_again(trees: Path, tmp_path: Path) -> None:
    first = prepare_index(open_evaluation_sets([str(trees)]), str(tmp_path))
    whole = Path(first.path).read_bytes()
    Path(first.path).write_bytes(whole[:-1])
    assert prepare_index(open_evaluation_sets([str(trees)]), str(tmp_path)) == first
    assert Path(first.path).read_bytes() == whole


def test_the_fingerprint_tells_content_names_and_rules_but_no_place(trees: Path, tmp_path: Path) -> None:
    rules = ContaminationRules()
    first = open_evaluation_sets([str(trees)]).fingerprint(rules)
    shutil.copytree(trees, tmp_path / "elsewhere" / "trees")
    shutil.copytree(trees, tmp_path / "woods")
    assert open_evaluation_sets([str(tmp_path / "elsewhere" / "trees")]).fingerprint(rules) == first
    others = [
        open_evaluation_sets([str(tmp_path / "woods")]).fingerprint(rules),
        open_evaluation_sets([str(trees)]).fingerprint(ContaminationRules(ngrams=False)),
        open_evaluation_sets([str(trees)], "judged").fingerprint(rules),
    ]
    (trees / "queries.jsonl").write_text('{"_id": "q1", "text": "what is an elm"}\n')
    others.append(open_evaluation_sets([str(trees)]).fingerprint(rules))
    assert len({first, *others}) == 5


def test_the_order_of_the_arguments_makes_no_difference(trees: Path, tmp_path: Path) -> None:
    shutil.copytree(trees, tmp_path / "woods")
    places = [str(trees), str(tmp_path / "woods")]
    one = prepare_index(open_evaluation_sets(places), str(tmp_path / "one"))
    other = prepare_index(open_evaluation_sets(places[::-1]), str(tmp_path / "other"))
    assert Path(one.path).read_bytes() == Path(other.path).read_bytes()
    assert one.fingerprint == other.fingerprint


def test_an_index_needs_a_local_folder(trees: Path) -> None:
    with pytest.raises(UserError, match="so --output must be a local folder"):
        prepare_index(open_evaluation_sets([str(trees)]), "s3://bucket/work")


def test_runs_on_disk_give_the_same_index(trees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [f"word{at * at % 97}" for at in range(400)]
    with (trees / "corpus.jsonl").open("a") as stream:
        stream.writelines(f'{{"_id": "{at}", "text": "{" ".join(words[at : at + 40])}"}}\n' for at in range(300))
    sets = open_evaluation_sets([str(trees)])
    expected = Path(prepare_index(sets, str(tmp_path / "memory")).path).read_bytes()
    monkeypatch.setattr(evaluation_sets, "SMALL_ARRAY", 0)
    monkeypatch.setattr(evaluation_sets, "TEXTS_IN_BATCH", 7)
    monkeypatch.setattr("filters.decontamination._RUN", 500)
    made = prepare_index(sets, str(tmp_path / "disk"))
    assert Path(made.path).read_bytes() == expected
    assert made.ngrams > 1_000


def test_a_real_set(real_data: Path, tmp_path: Path) -> None:
    made = prepare_index(open_evaluation_sets([str(real_data / "beir" / "adi")]), str(tmp_path))
    assert made.texts == 35 + 82
    assert made.ngrams > 4_000
