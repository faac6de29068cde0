from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from ccpairs.errors import DamagedInput, WrongSource
from pipelines.inputs import InputFile
from pipelines.opt_out import OptOut
from pipelines.s2orc_records import Row, document_id, paper_key, seconds
from pipelines.source import OPTED_OUT, Outcome, Reject
from pipelines.sources.s2orc import S2ORC, Reader, S2orcExtract

ABSTRACT = "We measure how fast salt dissolves in water of seven temperatures; heat matters more than stirring does."
ABSTRACT_2 = "We measure how fast salt dissolves in ice-cold water, as [1] asked; heat matters more than stirring does."
CONTEXT = "Salt dissolves faster in water that is warm than in water that is stirred."

METADATA: dict[str, Any] = {
    "paper_id": "18980380",
    "title": "Heat and the dissolution of salt.",
    "authors": [{"first": "Ann", "middle": [], "last": "Other", "suffix": ""}],
    "abstract": "Abstract " + ABSTRACT,
    "year": 2015,
    "arxiv_id": None,
    "doi": "10.1000/18980380",
    "mag_id": "2427500000",
    "outbound_citations": ["11", "12", "11", "18980380"],
    "inbound_citations": ["99"],
    "has_pdf_parse": True,
    "s2_url": "https://api.semanticscholar.org/CorpusID:18980380",
}
PDF_PARSE: dict[str, Any] = {
    "paper_id": "18980380",
    "_pdf_hash": "1f2e",
    "abstract": [
        {
            "section": "Abstract",
            "text": ABSTRACT_2,
            "cite_spans": [{"start": 57, "end": 60, "text": "[1]", "ref_id": None}],
            "ref_spans": [],
        }
    ],
    "body_text": [
        {
            "section": "Introduction",
            "text": f"We stir. {CONTEXT[:-1]} (Other, 2001; Roe, 2002). We go on [3].",
            "cite_spans": [
                {"start": 83, "end": 96, "text": "(Other, 2001;", "ref_id": "BIBREF0"},
                {"start": 97, "end": 107, "text": "Roe, 2002)", "ref_id": "BIBREF1"},
                {"start": 120, "end": 123, "text": "[3]", "ref_id": None},
            ],
            "ref_spans": [],
        }
    ],
    "bib_entries": {
        "BIBREF0": {"ref_id": "b0", "title": "Warm water", "authors": [], "year": 2001, "link": "11"},
        "BIBREF1": {"ref_id": "b1", "title": "Cold water", "authors": [], "year": 2002, "link": None},
    },
    "ref_entries": {},
}
PAPER: dict[str, Any] = {
    "corpusid": 18980380,
    "externalids": {"ACL": None, "DBLP": None, "DOI": "10.1000/18980380"},
    "url": "https://www.semanticscholar.org/paper/1f2e",
    "title": "Heat and the dissolution of salt",
    "authors": [{"authorId": "1", "name": "A. Other"}],
    "year": 2015,
    "s2fieldsofstudy": None,
    "publicationdate": "2015-06-07",
    "journal": {"name": "", "pages": None, "volume": "abs/1506.1"},
}
ABSTRACTS: dict[str, Any] = {
    "corpusid": 18980380,
    "openaccessinfo": {"externalids": {"MAG": "24"}, "license": "CCBY", "url": "https://a.org/1.pdf", "status": "GOLD"},
    "abstract": "Abstract: " + ABSTRACT,
}
CITATION: dict[str, Any] = {
    "citationid": 7,
    "citingcorpusid": 18980380,
    "citedcorpusid": 11,
    "isinfluential": False,
    "contexts": [f"… {CONTEXT[:-1]} [7, 8].", None, "As in [7]."],
    "intents": [["background"], None, ["methodology"]],
}
TEXT = f"Heat and salt\n\n{ABSTRACT}\n\n{CONTEXT[:-1]} [7]. Then it stops."
MARK = TEXT.index("[7]")
BIBREF = json.dumps([{"attributes": {"ref_id": "b0"}, "start": MARK, "end": MARK + 3}])
V1: dict[str, Any] = {
    "corpusid": 18980380,
    "externalids": {"doi": None},
    "content": {
        "source": {"pdfurls": None, "pdfsha": "1f2e", "oainfo": None},
        "text": TEXT,
        "annotations": {
            "title": '[{"start":0,"end":13}]',
            "abstract": json.dumps([{"start": "15", "end": str(15 + len(ABSTRACT))}]),
            "author": None,
            "bibref": BIBREF,
            "bibentry": '[{"attributes":{"id":"b0","matched_paper_id":11},"start":1,"end":2},'
            '{"attributes":{"id":"b1"},"start":1,"end":2}]',
        },
    },
}
V2: dict[str, Any] = {
    "corpusid": 18980380,
    "title": "Heat and the dissolution of salt",
    "openaccessinfo": {"license": "CCBY"},
    "body": {"text": TEXT, "annotations": {"bib_ref": BIBREF}},
    "bibliography": {
        "text": "[7] Other. Warm water.",
        "annotations": {"bib_entry": '[{"attributes":{"id":"b0","matched_paper_id":11},"start":0,"end":9}]'},
    },
}
ODC = "ODC-By 1.0"

ROWS: dict[str, tuple[str, dict[str, Any], list[Row]]] = {
    "metadata": (
        "metadata_0.jsonl.gz",
        METADATA,
        [
            Row(18980380, "title", None, "Heat and the dissolution of salt", 1, license=ODC),
            Row(18980380, "abstract", None, ABSTRACT, 1, license=ODC),
            Row(18980380, "citation", 11),
            Row(18980380, "citation", 12),
        ],
    ),
    "pdf_parses": (
        "pdf_parses_0.jsonl.gz",
        PDF_PARSE,
        [
            Row(18980380, "abstract", None, ABSTRACT_2.replace("[1] ", ""), 2, license=ODC),
            Row(18980380, "context", 11, CONTEXT),
        ],
    ),
    "papers": (
        "papers-part0.jsonl.gz",
        PAPER,
        [
            Row(
                *(18980380, "title", None, "Heat and the dissolution of salt", 0),
                url="https://www.semanticscholar.org/paper/1f2e",
                created=1433635200,
            )
        ],
    ),
    "abstracts": (
        "20240101_074500_00012_abcde_abstracts.gz",
        ABSTRACTS,
        [Row(18980380, "abstract", None, ABSTRACT, license="CCBY")],
    ),
    "citations": (
        "citations-part3.jsonl.gz",
        CITATION,
        [Row(18980380, "citation", 11), Row(18980380, "context", 11, CONTEXT)],
    ),
    "s2orc, version 1": (
        "s2orc-part0.jsonl.gz",
        V1,
        [
            Row(18980380, "title", None, "Heat and salt", 2),
            Row(18980380, "abstract", None, ABSTRACT, 2),
            Row(18980380, "context", 11, CONTEXT),
        ],
    ),
    "s2orc, version 2": (
        "s2orc_v2-part0.jsonl.gz",
        V2,
        [
            Row(18980380, "title", None, "Heat and the dissolution of salt", 2, license="CCBY"),
            Row(18980380, "context", 11, CONTEXT),
        ],
    ),
}


def read(path: Path, *lines: Any, source: S2ORC | None = None) -> list[Outcome]:
    source = source or S2ORC()
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_bytes(gzip.compress("\n".join([*texts, ""]).encode()))
    return list(source.read(InputFile(str(path), source.form_of(path.name) or "")))


@pytest.mark.parametrize("case", ROWS)
def test_rows_of_each_form(tmp_path: Path, case: str) -> None:
    name, record, rows = ROWS[case]
    assert read(tmp_path / name, record) == [rows]


@pytest.mark.parametrize("case", ROWS)
def test_the_first_record_tells_the_form_where_the_name_does_not(tmp_path: Path, case: str) -> None:
    _, record, rows = ROWS[case]
    assert read(tmp_path / "sample.jsonl.gz", record) == [rows]


REJECTED = {
    "no id": (METADATA | {"paper_id": None}, "malformed_record"),
    "boilerplate": (METADATA | {"title": "Table of contents", "abstract": None}, "boilerplate_title"),
    "a title that is missing": (PAPER | {"title": None}, "no_title"),
    "an abstract that is missing": (ABSTRACTS | {"abstract": None}, "no_abstract"),
    "a short abstract": (ABSTRACTS | {"abstract": "We stir."}, "abstract_too_short"),
    "a citing paper without id": (CITATION | {"citingcorpusid": None}, "citation_without_id"),
    "a cited paper without id": (CITATION | {"citedcorpusid": None}, "citation_without_id"),
    "a paper that cites itself": (CITATION | {"citedcorpusid": 18980380}, "self_citation"),
    "a full text without citations": (PDF_PARSE | {"abstract": [], "bib_entries": {}}, "no_citation_contexts"),
    "damaged annotations": (V1 | {"content": {"text": "x", "annotations": {"bibref": '[{"sta'}}}, "malformed_record"),
    "a field of another type": (PAPER | {"title": {"en": "Heat"}}, "malformed_record"),
}


@pytest.mark.parametrize("case", REJECTED)
def test_rejected_records(tmp_path: Path, case: str) -> None:
    record, reason = REJECTED[case]
    (outcome,) = read(tmp_path / "records.jsonl.gz", record)
    assert isinstance(outcome, Reject)
    assert outcome.reason == reason


def test_a_bad_title_leaves_the_abstract_and_the_citations() -> None:
    outcome = Reader(S2ORC()).of_form("metadata")(json.dumps(METADATA | {"title": "Editorial"}).encode())
    assert outcome == ROWS["metadata"][2][1:]


def test_spans_outside_of_the_text_are_passed_over(tmp_path: Path) -> None:
    spans = [{"start": 80, "end": 9000, "ref_id": "BIBREF0"}, {"start": -5, "end": "x", "ref_id": "BIBREF0"}]
    body = [{"text": "We stir.", "cite_spans": spans}]
    (outcome,) = read(tmp_path / "records.jsonl.gz", PDF_PARSE | {"abstract": None, "body_text": body})
    assert outcome == Reject("no_citation_contexts", detail="18980380")


def test_damaged_lines_are_counted_and_blank_lines_are_not(tmp_path: Path) -> None:
    outcomes = read(tmp_path / "records.jsonl.gz", '{"corpusid": 1, "tit', "", PAPER, "[1, 2]", '{"corpusid":', PAPER)
    assert [outcome.reason if isinstance(outcome, Reject) else "kept" for outcome in outcomes] == [
        "malformed_record",
        "kept",
        "malformed_record",
        "malformed_record",
        "kept",
    ]


def test_a_truncated_file_raises(tmp_path: Path) -> None:
    path = tmp_path / "papers-part0.jsonl.gz"
    lines = "".join(json.dumps(PAPER | {"corpusid": number}) + "\n" for number in range(1000))
    path.write_bytes(gzip.compress(lines.encode())[:-200])
    with pytest.raises(DamagedInput, match="truncated"):
        list(S2ORC().read(InputFile(str(path), "papers")))


def test_records_of_something_else_are_the_wrong_source(tmp_path: Path) -> None:
    with pytest.raises(WrongSource, match=r"posts\.jsonl\.gz: its first record has neither paper_id"):
        read(tmp_path / "posts.jsonl.gz", {"id": "t3_1", "title": "A post"})
    with pytest.raises(WrongSource, match="corpusid"):
        S2ORC().sniff(InputFile("posts.jsonl.gz", "records"), b'{"id": "t3_1"}\n{"id"')


def test_sniffing_takes_a_record_that_is_longer_than_the_head() -> None:
    S2ORC().sniff(InputFile("s2orc-part0.jsonl.gz", "s2orc"), json.dumps(V1).encode()[:200])


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("metadata_12.jsonl.gz", "metadata"),
        ("pdf_parses_12.jsonl.gz", "pdf_parses"),
        ("papers-part0.jsonl.gz", "papers"),
        ("s2orc_v2-part0.jsonl.gz", "s2orc"),
        ("20230101_074500_00012_abcde_citations.gz", "citations"),
        ("20241112_074500_00012_abcde.gz", "records"),
        ("sample.jsonl", "records"),
        ("authors-part0.jsonl.gz", None),
        ("README.txt", None),
        ("Posts.xml", None),
    ],
)
def test_forms_by_name(name: str, form: str | None) -> None:
    assert S2ORC().form_of(name) == form


def test_the_folder_tells_the_form_where_the_first_record_is_damaged() -> None:
    source = S2ORC()
    file = InputFile("s3://bucket/papers/2024_00001_x.gz", "records")
    outcome_of = source.first_reader(Reader(source), file, b'{"corpu')
    assert outcome_of is not None
    assert outcome_of(json.dumps(PAPER).encode()) == ROWS["papers"][2]


def test_few_citations_are_kept_and_the_order_of_the_record_does_not_matter(tmp_path: Path) -> None:
    source = S2ORC(S2orcExtract(citations_per_paper=2))
    many = [str(number) for number in range(100, 130)]
    kept = []
    for order in (many, many[::-1]):
        (rows,) = read(tmp_path / "metadata_0.jsonl.gz", METADATA | {"outbound_citations": order}, source=source)
        kept.append([row.cited for row in rows if isinstance(row, Row) and row.kind == "citation"])
    assert kept[0] == kept[1]
    assert len(kept[0]) == 2


def test_opted_out_papers_and_domains_leave_no_text(tmp_path: Path) -> None:
    by_id = S2ORC(opt_out=OptOut(ids=frozenset({"18980380"})))
    for _, record, _ in ROWS.values():
        assert read(tmp_path / "records.jsonl.gz", record, source=by_id) == [Reject(OPTED_OUT)]
    by_domain = S2ORC(opt_out=OptOut(domains=frozenset({"a.org"})))
    assert read(tmp_path / "records.jsonl.gz", ABSTRACTS, source=by_domain) == [Reject(OPTED_OUT)]


def test_an_opted_out_paper_is_not_cited_either(tmp_path: Path) -> None:
    source = S2ORC(opt_out=OptOut(ids=frozenset({"11"})))
    assert read(tmp_path / "records.jsonl.gz", CITATION, source=source) == [Reject(OPTED_OUT)]
    (rows,) = read(tmp_path / "records.jsonl.gz", METADATA, source=source)
    assert [row.cited for row in rows if isinstance(row, Row)] == [None, None, 12]


@pytest.mark.parametrize(
    ("identifier", "key"),
    [(7, 7), ("7", 7), ("007", 7), (0, 0), (None, None), ("", None), (-1, None), (1 << 63, None)],
)
def test_paper_ids_are_numbers(identifier: int | str | None, key: int | None) -> None:
    assert paper_key(identifier) == key


def test_ids_that_are_no_numbers_meet_no_number() -> None:
    key = paper_key("0a1b2c")
    assert key is not None
    assert -(1 << 63) <= key < 0
    assert document_id(key) == f"xxh3:{key + (1 << 64):016x}"


@pytest.mark.parametrize(
    ("day", "created"), [("1970-01-02", 86400), ("1969-12-31", -86400), ("2015", None), ("", None), (None, None)]
)
def test_publication_dates(day: str | None, created: int | None) -> None:
    assert seconds(day) == created


REAL_FILES = {"metadata_sample": (1000, 40), "papers-part0": (12_000, 100), "abstracts-part0": (8604, 20)}


@pytest.mark.parametrize("name", REAL_FILES)
def test_real_files_give_few_rejects(real_data: Path, name: str) -> None:
    records, most_rejects = REAL_FILES[name]
    source, path = S2ORC(), real_data / "s2orc" / f"{name}.jsonl.gz"
    outcomes = list(source.read(InputFile(str(path), source.form_of(path.name) or "")))
    rejects = [outcome for outcome in outcomes if isinstance(outcome, Reject)]
    assert len(outcomes) == records
    assert len(rejects) < most_rejects
