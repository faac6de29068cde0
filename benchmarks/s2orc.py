"""S2ORC: records per second of user CPU on one core, for each form, beside gunzip + ``json.loads`` of the same lines.

    python -m benchmarks.s2orc [--records N]

The records are made here in the true layouts (with the fields that the source skips), so it needs no data.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipelines.inputs import InputFile
from pipelines.source import Joined, Onward, Reject
from pipelines.sources.s2orc import S2ORC

SENTENCES = (
    "We study how the temperature of the sample changes the rate at which the coating dissolves.",
    "Earlier work on this question used small groups and did not control for the age of the participants.",
    "Here we propose a method that needs no labelled data and runs in time linear in the number of edges.",
    "On three public collections the error falls by 12% against the strongest baseline (p < 0.01).",
    "The results suggest that the effect is caused by the salt content rather than by the heat itself.",
    "We discuss what this means for the design of sensors, and where the approach fails.",
)
AUTHORS = [{"first": f"A{i}", "middle": [], "last": f"Writer{i}", "suffix": ""} for i in range(5)]


def abstract_of(number: int) -> str:
    turned = SENTENCES[number % 6 :] + SENTENCES[: number % 6]
    return f"Abstract {' '.join(turned * 2)} Sample {number}."


def title_of(number: int) -> str:
    return f"Salt, heat and the dissolution of coatings in sample {number}"


def metadata(number: int) -> dict[str, Any]:
    return {
        "paper_id": str(number),
        "title": title_of(number),
        "authors": AUTHORS,
        "abstract": abstract_of(number) if number % 2 else None,
        "year": 1990 + number % 30,
        "doi": f"10.1000/{number}",
        "venue": "Proceedings",
        "mag_field_of_study": ["Chemistry"],
        "outbound_citations": [str(number * 7 % 9999 + i) for i in range(number % 13)],
        "inbound_citations": [str(number * 3 % 9999 + i) for i in range(number % 11)],
        "has_pdf_parse": False,
        "s2_url": f"https://api.semanticscholar.org/CorpusID:{number}",
    }


def papers(number: int) -> dict[str, Any]:
    return {
        "corpusid": number,
        "externalids": {"DOI": f"10.1000/{number}", "MAG": None, "ACL": None, "DBLP": None},
        "url": f"https://www.semanticscholar.org/paper/{number:040x}",
        "title": title_of(number),
        "authors": [{"authorId": str(i), "name": f"A. Writer{i}"} for i in range(5)],
        "year": 2001,
        "citationcount": number % 50,
        "s2fieldsofstudy": [{"category": "Chemistry", "source": "s2-fos-model"}],
        "publicationdate": "2001-02-03",
        "journal": {"name": "Journal", "pages": "1-10", "volume": "4"},
    }


def abstracts(number: int) -> dict[str, Any]:
    access = {"externalids": {"DOI": f"10.1000/{number}"}, "license": "CCBY", "url": None, "status": "GOLD"}
    return {"corpusid": number, "openaccessinfo": access, "abstract": abstract_of(number)}


def citations(number: int) -> dict[str, Any]:
    contexts = [f"… {SENTENCES[number % 6][:-1]} (Writer et al., 2001; Reader, 2003) [{number % 40}]. {SENTENCES[2]}"]
    return {
        "citationid": number,
        "citingcorpusid": number // 8,
        "citedcorpusid": number * 31 % 5000,
        "isinfluential": False,
        "contexts": contexts if number % 2 else [],
        "intents": [["methodology"]],
    }


def pdf_parses(number: int) -> dict[str, Any]:
    paragraph = " ".join(f"{sentence[:-1]} [{i}]." for i, sentence in enumerate(SENTENCES))
    marks = [paragraph.index(f"[{i}]") for i in range(6)]
    spans = [{"start": at, "end": at + 3, "text": f"[{i}]", "ref_id": f"BIBREF{i}"} for i, at in enumerate(marks)]
    part = {"section": "Methods", "text": paragraph, "cite_spans": spans, "ref_spans": []}
    entries = {f"BIBREF{i}": {"title": title_of(i), "authors": AUTHORS, "link": str(number + i)} for i in range(6)}
    return {"paper_id": str(number), "abstract": [], "body_text": [part] * 15, "bib_entries": entries}


def s2orc(number: int) -> dict[str, Any]:
    paragraph = " ".join(f"{sentence[:-1]} [{i}]." for i, sentence in enumerate(SENTENCES))
    text = "\n\n".join([title_of(number), *[paragraph] * 15])
    refs, at = [], 0
    for turn in range(90):
        at = text.index(f"[{turn % 6}]", at) + 3
        refs.append({"attributes": {"ref_id": f"b{turn % 6}"}, "start": at - 3, "end": at})
    entries = [{"attributes": {"id": f"b{i}", "matched_paper_id": number + i}, "start": 0, "end": 9} for i in range(6)]
    spans = {"bibref": json.dumps(refs), "bibentry": json.dumps(entries), "figure": None}
    return {"corpusid": number, "content": {"source": {}, "text": text, "annotations": spans}}


def user_seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def plain_json(path: Path) -> None:
    with gzip.open(path, "rb") as stream:
        for line in stream:
            json.loads(line)


def rows_of(source: S2ORC, form: str, path: Path) -> list[Any]:
    outcomes = source.read(InputFile(str(path), form))
    return [row for outcome in outcomes if isinstance(outcome, list) for row in outcome]


def pairs_of(source: S2ORC, rows: list[Any]) -> Iterator[Any]:
    import pyarrow as pa

    schema = source.extract_schema
    columns = zip(*rows, strict=True)
    table = pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
    sent = []
    for outcome in source.join_by_paper(table):
        if isinstance(outcome, Onward):
            sent.append(outcome.table)
        elif isinstance(outcome, Joined):
            yield from outcome.pairs
    for outcome in source.join_by_cited(pa.concat_tables(sent)):
        if not isinstance(outcome, Reject):
            yield from outcome.pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--records", type=int, default=20_000, help="records per form (a hundredth of it for full texts)"
    )
    records = parser.parse_args().records
    source, rows = S2ORC(), []
    print(f"{'form':12}{'records':>9}{'records/s':>12}{'json.loads/s':>14}{'ratio':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for make in (metadata, papers, abstracts, citations, pdf_parses, s2orc):
            form = make.__name__
            count = records // 100 if make in (pdf_parses, s2orc) else records
            path = Path(folder, f"{form}-part0.jsonl.gz")
            with gzip.open(path, "wt", compresslevel=6) as stream:
                stream.writelines(json.dumps(make(number)) + "\n" for number in range(1, count + 1))
            ours = count / user_seconds(lambda path=path, form=form: rows.extend(rows_of(source, form, path)))  # type: ignore[misc]
            theirs = count / user_seconds(lambda path=path: plain_json(path))  # type: ignore[misc]
            print(f"{form:12}{count:9,}{ours:12,.0f}{theirs:14,.0f}{ours / theirs:7.2f}")
    made: list[Any] = []
    seconds = user_seconds(lambda: made.extend(pairs_of(source, rows)))
    print(f"join of {len(rows):,} rows: {len(rows) / seconds:,.0f} rows/s, {len(made):,} pairs")


if __name__ == "__main__":
    main()
