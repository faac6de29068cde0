"""Papers and their citations, in the files of the 2020 release of S2ORC and in those of today's data sets."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from pipelines.samples.containers import gzipped, joined, write_file
from pipelines.samples.facts import Entity, knowledge
from pipelines.samples.noise import damaged_json, json_line, keyboard_mash, word_salad
from pipelines.samples.other_languages import FOREIGN
from pipelines.samples.papers import Library, Paper, mention
from pipelines.samples.report import JOIN, PAIRS, SampleFile
from pipelines.samples.wording import Voice

ENTITIES_OF_2020 = 170
"""So many entities have their papers in the release of 2020, the others in today's data sets."""
FIRST_ID_OF_2020, FIRST_ID_OF_TODAY = 40_000_000, 250_000_000

MATTER = ("Front Matter", "Table of Contents", "List of Reviewers", "Author Index", "Editorial Board", "Book Reviews")
"""Titles that catalogues hold and that are no paper's."""


class Lines:
    """A file of JSON lines while it is being made."""

    def __init__(self, voice: Voice, name: str, form: str) -> None:
        self.voice = voice
        self.file = SampleFile("s2orc", f"s2orc/{name}.jsonl.gz", form)
        self.lines: list[bytes] = []

    def clean(self, record: dict[str, Any]) -> None:
        self.lines.append(json_line(record))
        self.file.clean()

    def dirty(self, record: dict[str, Any], kind: str, reason: str) -> None:
        self.lines.append(json_line(record))
        self.file.dirty(kind, reason)

    def damaged(self, record: dict[str, Any], needed: str) -> None:
        self.lines.append(damaged_json(self.voice, record, needed))
        self.file.dirty("damaged line", "malformed_record")

    def write(self, folder: str) -> SampleFile:
        write_file(os.path.join(folder, self.file.path), gzipped(joined(self.lines)))
        return self.file


def write(folder: str, voice: Voice) -> list[SampleFile]:
    """Write the files of both releases below ``s2orc/``."""
    entities = voice.shuffled(knowledge())
    files = [
        *_release_of_2020(voice, entities[:ENTITIES_OF_2020]),
        *_data_sets_of_today(voice, entities[ENTITIES_OF_2020:]),
    ]
    return [lines.write(folder) for lines in files]


def _papers(library: Library, entities: Sequence[Entity]) -> list[Paper]:
    """Two papers about each thing, one about a topic."""
    made = []
    for entity in entities:
        aspects = {fact.aspect: fact for fact in entity.asked}
        made += [library.paper(entity, fact) for fact in library.voice.sample(list(aspects.values()), 2)]
    return made


def _loners(library: Library, entities: Sequence[Entity], count: int) -> list[Paper]:
    """Papers that cite nobody and that nobody cites."""
    return [library.paper(entity, library.voice.pick(entity.asked)) for entity in library.voice.sample(entities, count)]


def _later_dirt(library: Library, entities: Sequence[Entity], lines: Lines) -> list[Paper]:
    """Papers with the abstract of another, with gibberish, or in another language; noted in the file of abstracts."""
    voice = library.voice
    loners = _loners(library, entities, 26)
    for one, other in zip(loners[:10:2], loners[1:10:2], strict=True):
        one.abstract, other.abstract = other.abstract, one.abstract
        for paper in (one, other):
            lines.file.note("swapped pair", None, str(paper.id))
    for number, paper in enumerate(loners[10:18]):
        text = f"{paper.abstract} {' '.join(voice.say(paper.entity, fact) for fact in paper.entity.facts)}"
        paper.abstract = word_salad(voice, text) if number % 2 else keyboard_mash(voice, 45)
        lines.file.note("gibberish", None, str(paper.id))
    # Japanese abstracts of this length would not pass for one; they are measured in characters.
    spaced = [each for each in FOREIGN if each.language != "ja"]
    spaced = spaced[: len(spaced) // 2] if library.next_id < FIRST_ID_OF_TODAY else spaced[len(spaced) // 2 :]
    for paper, each in zip(loners[18:], voice.sample(spaced, 8), strict=True):
        paper.title, paper.abstract = each.question, each.answer
        lines.file.note("other language", None, str(paper.id))
    return loners


def _copies(library: Library, entities: Sequence[Entity], lines: Lines) -> list[Paper]:
    """Papers that stand in the catalogue under two ids."""
    made = _loners(library, entities, 6)
    again = []
    for paper in made:
        copy = library.paper(paper.entity, paper.fact)
        copy.title, copy.abstract = paper.title.upper() if paper.id % 2 else paper.title, paper.abstract
        again.append(copy)
        lines.file.note("paper with two ids", "duplicate_pair", stage=PAIRS)
    return [*made, *again]


def _published(voice: Voice, abstract: str) -> str:
    """An abstract as publishers hand it in: some carry a heading or markup."""
    kind = voice.random.randrange(12)
    if kind == 0:
        return f"Abstract {abstract}"
    if kind == 1:
        return f"<jats:title>Abstract</jats:title><jats:p>{abstract}</jats:p>"
    return abstract


# --- the release of 2020


def _release_of_2020(voice: Voice, entities: Sequence[Entity]) -> list[Lines]:
    metadata, parses = Lines(voice, "metadata_0", "metadata"), Lines(voice, "pdf_parses_0", "pdf_parses")
    library = Library(voice, FIRST_ID_OF_2020)
    papers = _papers(library, entities)
    library.cite(papers)
    alone = [*_later_dirt(library, entities, metadata), *_copies(library, entities, metadata)]
    for paper in voice.shuffled([*papers, *alone]):
        metadata.clean(metadata_record(paper, _published(voice, paper.abstract)))
    for number, paper in enumerate(papers):
        if paper.cites and number % 2:
            with_abstract = number % 20 == 1
            parses.clean(parsed_pdf(voice, paper, with_abstract=with_abstract))
            if with_abstract:
                parses.file.note("abstract that the catalogue has too", "repeated_paper_text", stage=JOIN)
    for paper in _loners(library, entities, 5):
        metadata.clean(metadata_record(paper, None))
        metadata.file.note("paper without abstract", "no_abstract", stage=JOIN)
    for number, paper in enumerate(_loners(library, entities, 6)):
        record = metadata_record(paper, None)
        metadata.dirty({**record, "title": MATTER[number]}, "front matter", "boilerplate_title")
        metadata.dirty({**record, "title": ""}, "paper without title", "no_title")
        metadata.damaged(record, "paper_id") if number % 2 else metadata.dirty(
            {**record, "paper_id": None}, "paper without id", "malformed_record"
        )
        parses.dirty(parsed_pdf(voice, paper), "full text without citations", "no_citation_contexts")
    cited = papers[0]
    for paper in _loners(library, entities, 4):
        record = metadata_record(paper, paper.abstract)
        metadata.clean({**record, "outbound_citations": [str(9_000_000 + paper.id % 1000)]})
        metadata.file.note("citation of a paper that is elsewhere", "cited_paper_missing", stage=JOIN)
        paper.cites = [cited]
        line = json_line(parsed_pdf(voice, paper))
        parses.lines.append(line[: len(line) // 2])
        parses.file.dirty("damaged line", "malformed_record")
    return [metadata, parses]


def metadata_record(paper: Paper, abstract: str | None) -> dict[str, Any]:
    return {
        "paper_id": str(paper.id),
        "title": paper.title,
        "authors": [{"first": "A", "middle": [], "last": "Writer", "suffix": ""}],
        "abstract": abstract,
        "year": paper.year,
        "arxiv_id": None,
        "acl_id": None,
        "pmc_id": None,
        "pubmed_id": None,
        "doi": None,
        "venue": f"Journal of {paper.entity.field.title()}",
        "journal": None,
        "mag_field_of_study": [paper.entity.field.title()],
        "outbound_citations": [str(cited.id) for cited in paper.cites],
        "inbound_citations": [],
        "has_outbound_citations": bool(paper.cites),
        "has_pdf_parse": bool(paper.cites),
        "s2_url": f"https://api.semanticscholar.org/CorpusID:{paper.id}",
    }


def parsed_pdf(voice: Voice, paper: Paper, *, with_abstract: bool = False) -> dict[str, Any]:
    """The full text of a paper: a paragraph for each citation, and the bibliography that the marks lead to."""
    body, entries = [], {}
    for number, cited in enumerate(paper.cites):
        found = mention(voice, paper, cited, f"[{number + 1}]")
        span = {"start": found.start, "end": found.end, "text": f"[{number + 1}]", "ref_id": f"BIBREF{number}"}
        body.append({"section": "Introduction", "text": found.text, "cite_spans": [span], "ref_spans": []})
        entries[f"BIBREF{number}"] = {
            "title": cited.title,
            "authors": [],
            "year": cited.year,
            "venue": "",
            "link": str(cited.id),
        }
    body.append({"section": "Conclusion", "text": paper.abstract, "cite_spans": [], "ref_spans": []})
    front = [{"section": "Abstract", "text": paper.abstract, "cite_spans": [], "ref_spans": []}]
    return {
        "paper_id": str(paper.id),
        "_pdf_hash": f"{paper.id:040x}",
        "abstract": front if with_abstract else [],
        "body_text": body,
        "bib_entries": entries,
        "ref_entries": {},
    }


# --- today's data sets


def _data_sets_of_today(voice: Voice, entities: Sequence[Entity]) -> list[Lines]:
    titles, abstracts = Lines(voice, "papers-part0", "papers"), Lines(voice, "abstracts-part0", "abstracts")
    citations, texts = Lines(voice, "citations-part0", "citations"), Lines(voice, "s2orc-part0", "s2orc")
    library = Library(voice, FIRST_ID_OF_TODAY)
    papers = _papers(library, entities)
    library.cite(papers)
    alone = [*_later_dirt(library, entities, abstracts), *_copies(library, entities, abstracts)]
    for paper in voice.shuffled([*papers, *alone]):
        titles.clean(paper_record(paper, paper.title))
        abstracts.clean(abstract_record(paper, _published(voice, paper.abstract)))
    for number, paper in enumerate(papers):
        in_full = bool(paper.cites) and number % 6 == 0
        for cited in paper.cites:
            said = [] if in_full else [mention(voice, paper, cited, voice.pick(("[7]", "(Larsen, 2004)"))).excerpt]
            record = citation_record(paper.id, cited.id, said if voice.chance(0.6) else [])
            citations.clean(record)
            if not record["contexts"] and cited.id % 10 == 0:
                citations.clean(record)
                citations.file.note("citation that comes twice", "repeated_citation", stage=JOIN)
        if in_full:
            texts.clean(full_text(voice, paper))
            for what in ("title", "abstract"):
                texts.file.note(f"{what} that the catalogue has too", "repeated_paper_text", stage=JOIN)
    for paper in _loners(library, entities, 5):
        titles.clean(paper_record(paper, paper.title))
        titles.file.note("paper without abstract", "no_abstract", stage=JOIN)
    for paper in _loners(library, entities, 4):
        abstracts.clean(abstract_record(paper, paper.abstract))
        abstracts.file.note("abstract without paper", "no_title", stage=JOIN)
    _dirt_of_today(library, _loners(library, entities, 6), papers[0], (titles, abstracts, citations, texts))
    return [abstracts, citations, titles, texts]


def _dirt_of_today(library: Library, loners: Sequence[Paper], known: Paper, files: tuple[Lines, ...]) -> None:
    titles, abstracts, citations, texts = files
    for number, paper in enumerate(loners):
        titles.dirty(paper_record(paper, MATTER[number]), "front matter", "boilerplate_title")
        titles.dirty(paper_record(paper, None), "paper without title", "no_title")
        titles.dirty(paper_record(paper, "12-34 / 56 (7) 89: 10"), "title of figures", "title_not_text")
        titles.damaged({**paper_record(paper, paper.title), "corpusid": str(paper.id)}, "corpusid")
        abstracts.dirty(abstract_record(paper, None), "empty abstract", "no_abstract")
        abstracts.dirty(abstract_record(paper, "No abstract available."), "placeholder", "boilerplate_abstract")
        abstracts.dirty(abstract_record(paper, "A short note on sources."), "abstract of a line", "abstract_too_short")
        abstracts.damaged(
            {**abstract_record(paper, paper.abstract), "corpusid": str(paper.id)}, "corpusid"
        ) if number % 2 else abstracts.dirty(
            {**abstract_record(paper, paper.abstract), "corpusid": -4}, "paper without id", "malformed_record"
        )
        citations.dirty(citation_record(known.id, None, []), "citation of an unknown paper", "citation_without_id")
        citations.dirty(citation_record(None, known.id, []), "citation by an unknown paper", "citation_without_id")
        citations.dirty(citation_record(paper.id, paper.id, []), "paper that cites itself", "self_citation")
        citations.clean(citation_record(paper.id, known.id, []))
        citations.file.note("citation by a paper that is elsewhere", "citing_paper_missing", stage=JOIN)
        record = full_text(library.voice, paper)
        for name in ("title", "abstract"):
            del record["content"]["annotations"][name]
        texts.dirty(record, "full text without citations", "no_citation_contexts")
        record["content"]["annotations"]["bibref"] = '[{"start": 3, "end": 9'
        texts.dirty(record, "damaged annotations", "malformed_record")


def paper_record(paper: Paper, title: str | None) -> dict[str, Any]:
    return {
        "corpusid": paper.id,
        "externalids": {},
        "url": f"https://www.semanticscholar.org/paper/{paper.id:040x}",
        "title": title,
        "authors": [],
        "venue": f"Journal of {paper.entity.field.title()}",
        "year": paper.year,
        "referencecount": len(paper.cites),
        "citationcount": 0,
        "isopenaccess": True,
        "publicationdate": f"{paper.year}-0{1 + paper.id % 9}-1{paper.id % 10}" if paper.id % 4 else None,
    }


def abstract_record(paper: Paper, abstract: str | None) -> dict[str, Any]:
    access: dict[str, Any] | None = None
    if paper.id % 3:
        access = {"externalids": {}, "license": "CCBY", "url": None, "status": "GOLD"}
    return {"corpusid": paper.id, "openaccessinfo": access, "abstract": abstract}


def citation_record(citing: int | None, cited: int | None, contexts: list[str]) -> dict[str, Any]:
    return {
        "citationid": (citing or 0) % 100_000 * 100_000 + (cited or 0) % 100_000,
        "citingcorpusid": citing,
        "citedcorpusid": cited,
        "isinfluential": False,
        "contexts": contexts,
        "intents": None,
    }


def full_text(voice: Voice, paper: Paper) -> dict[str, Any]:
    """The text of a paper with its annotations, which are JSON inside strings."""
    text = f"{paper.title}\n{paper.abstract}\n"
    title, abstract = (0, len(paper.title)), (len(paper.title) + 1, len(text) - 1)
    marks, entries, ends = [], [], []
    for number, cited in enumerate(paper.cites):
        found = mention(voice, paper, cited, f"[{number + 1}]")
        at = len(text)
        marks.append({"start": at + found.start, "end": at + found.end, "attributes": {"ref_id": f"b{number}"}})
        text += found.text + "\n"
        ends.append((at, len(text) - 1))
    for number, cited in enumerate(paper.cites):
        at = len(text)
        text += f"[{number + 1}] {cited.title}, {cited.year}.\n"
        attributes = {"id": f"b{number}", "matched_paper_id": cited.id}
        entries.append({"start": at, "end": len(text) - 1, "attributes": attributes})
    spans: dict[str, list[dict[str, Any]]] = {
        "title": [{"start": title[0], "end": title[1]}],
        "abstract": [{"start": abstract[0], "end": abstract[1]}],
        "paragraph": [{"start": start, "end": end} for start, end in ends],
        "bibref": marks,
        "bibentry": entries,
    }
    annotations = {name: json.dumps(found) if found else None for name, found in spans.items()}
    return {
        "corpusid": paper.id,
        "externalids": {},
        "content": {"source": {"oainfo": None}, "text": text, "annotations": annotations},
        "updated": "2023-06-01T00:00:00Z",
    }
