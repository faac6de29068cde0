"""S2ORC: papers and the citations between them, from the 2020 release and from today's Semantic Scholar data sets.

Pairs: (title, abstract), (title, cited title), (abstract, cited abstract) and (what was said where it was cited, cited
title). Which side of the two citation pairs is the query is chosen by a hash of the two ids. The layouts stand in
``pipelines/s2orc_records.py``; files of both families can be built together, as they share their ids.

Each record becomes narrow rows (a title, an abstract, a citation, a context); the join of ``pipelines/s2orc_join.py``
brings them together by citing paper and then by cited paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ccpairs.errors import WrongSource
from filters.citations import ContextFilter, Span, citation_context, without_marks
from filters.scholarly import AbstractFilter, TitleFilter, clean_abstract, clean_title
from pipelines import s2orc_join
from pipelines.inputs import InputFile
from pipelines.join import ONWARD, JoinPlan, PairedUp
from pipelines.json_records import BAD_RECORD, head_records, record_decoder
from pipelines.s2orc_records import (
    ABSTRACT,
    CITATION,
    CONTEXT,
    EXTRACT_SCHEMA,
    NO_FORM,
    RECORDS,
    TITLE,
    Abstract,
    Citation,
    FullText,
    Metadata,
    Paper,
    Paragraph,
    PdfParse,
    Row,
    annotated_spans,
    document_id,
    form_named_in,
    form_of_keys,
    form_of_name,
    form_of_record,
    paper_key,
    seconds,
    span_of,
)
from pipelines.source import MALFORMED, OPTED_OUT, Outcome, Reject, Source, option

LICENSE_2020 = "ODC-By 1.0"
"""The 2020 release as a whole; today's records each state the licence of the paper, or none."""

MENTIONS_READ = 8
"""How many mentions of one cited paper are looked at; the best of them are chosen among these."""

MAX_OTHERS = 100
"""Records of another kind at the start of a file; one more means that the file is another source's."""


def wrong_source(file: InputFile) -> WrongSource:
    return WrongSource(f"{file.name}: {NO_FORM}")


@dataclass(frozen=True)
class S2orcExtract:
    citations_per_paper: int = option(5, "at most so many cited papers per citing paper, lowest hash of both ids first")
    contexts_per_citation: int = option(2, "at most so many citation contexts per citing and cited paper, by hash")
    min_abstract_chars: int = option(100, "drop shorter abstracts")
    max_abstract_chars: int = option(8192, "drop longer abstracts (whole papers and books)")


@dataclass(frozen=True)
class S2orcPairs:
    citation_pairs: bool = option(True, "also pair citing with cited papers (a second shuffle)")
    citations_per_cited_paper: int = option(100, "at most so many citing papers per cited paper, lowest hash first")


class S2ORC(Source):
    name = "s2orc"
    about = "papers of Semantic Scholar: (title, abstract), and pairs along citations"
    unit = "line"
    forms: ClassVar[Mapping[str, str]] = {
        "metadata": "metadata of the 2020 release (metadata_*.jsonl.gz)",
        "pdf_parses": "full texts of the 2020 release (pdf_parses_*.jsonl.gz)",
        "papers": "today's papers (papers-part*.jsonl.gz, *papers*.gz)",
        "abstracts": "today's abstracts (abstracts-part*.jsonl.gz, *abstracts*.gz)",
        "citations": "today's citations (citations-part*.jsonl.gz, *citations*.gz)",
        "s2orc": "today's full texts (s2orc-part*.jsonl.gz, s2orc_v2-part*.jsonl.gz)",
        "records": "any of these under another name (.gz, .jsonl); the first record tells which",
    }
    extract_settings = S2orcExtract
    pair_settings = S2orcPairs
    extract_schema = EXTRACT_SCHEMA
    extract_version = 2

    def form_of(self, name: str) -> str | None:
        return form_of_name(name)

    def sniff(self, file: InputFile, head: bytes) -> None:
        records = list(head_records(head))
        if records and not any(map(form_of_keys, records)):
            raise wrong_source(file)

    def read(self, file: InputFile) -> Iterator[Outcome]:
        reader = Reader(self)
        outcome_of: Callable[[bytes], Outcome] | None = None
        others = 0  # records of another source before the first of ours
        for line in file.lines():
            if not line or line.isspace():
                continue
            if outcome_of is None:
                try:
                    outcome_of = self.first_reader(reader, file, line)
                except WrongSource:
                    others += 1
                if others > MAX_OTHERS:
                    raise wrong_source(file)
                if outcome_of is None:
                    yield Reject(MALFORMED, detail="not a JSON record")
                    continue
            yield outcome_of(line)
        if outcome_of is None and others:
            raise wrong_source(file)

    @staticmethod
    def first_reader(reader: Reader, file: InputFile, line: bytes) -> Callable[[bytes], Outcome] | None:
        """The reader for a file by its first sound record, whatever its name says; None while lines are damaged."""
        form = form_of_record(line) or (form_named_in(file.parent) if file.form == "records" else file.form)
        return reader.of_form(form) if form is not None else None

    def join(self, rows: Any, plan: JoinPlan) -> Sequence[PairedUp]:
        by_paper = rows | plan.together("bring titles, abstracts and citations of a paper together")
        citing = by_paper | plan.pair_up("pair titles with abstracts, choose citations", self.join_by_paper)
        if not self.pair.citation_pairs:
            return [citing]
        # A citation carries the texts of its paper, so more travels now than came out of the extracts.
        wider = replace(plan, partitions=plan.partitions * (1 + self.extract.citations_per_paper // 2))
        by_cited = citing[ONWARD] | wider.together("bring citations to the cited paper", self.lowest_citations)
        return [citing, by_cited | plan.pair_up("pair citing with cited papers", self.join_by_cited)]

    def join_by_paper(self, table: Any) -> Iterator[Any]:
        return s2orc_join.join_by_paper(
            table,
            self.extract.citations_per_paper,
            self.extract.contexts_per_citation,
            onward=self.pair.citation_pairs,
        )

    def lowest_citations(self, table: Any) -> Any:
        return s2orc_join.lowest_citations(table, self.pair.citations_per_cited_paper)

    def join_by_cited(self, table: Any) -> Iterator[Any]:
        return s2orc_join.join_by_cited(table, self.pair.citations_per_cited_paper)

    def most_pairs(self, kinds: Mapping[str, int], rows: int) -> int:
        titles, abstracts = kinds.get(TITLE, 0), kinds.get(ABSTRACT, 0)
        contexts = kinds.get(CONTEXT, 0)
        pairs = min(titles, abstracts)
        if self.pair.citation_pairs:
            citations = min(
                kinds.get(CITATION, 0) + contexts,
                self.extract.citations_per_paper * (titles + abstracts + contexts),
                self.pair.citations_per_cited_paper * (titles + abstracts),
            )
            pairs += 2 * citations + contexts
        return pairs


class Reader:
    """Turns the lines of each form into outcomes."""

    def __init__(self, source: S2ORC) -> None:
        self._settings: S2orcExtract = source.extract
        self._opt_out = source.opt_out
        self._titles = TitleFilter()
        self._abstracts = AbstractFilter(source.extract.min_abstract_chars, source.extract.max_abstract_chars)
        self._contexts = ContextFilter()

    def of_form(self, form: str) -> Callable[[bytes], Outcome]:
        """A function from one line to its outcome."""
        decode: Callable[[bytes], Any] = record_decoder(RECORDS[form])
        outcome_of: Callable[[Any], Outcome] = getattr(self, form)

        def outcome(line: bytes) -> Outcome:
            try:
                return outcome_of(decode(line))
            except BAD_RECORD as error:
                return Reject(MALFORMED, detail=str(error))

        return outcome

    def metadata(self, record: Metadata) -> Outcome:
        key = paper_key(record.paper_id)
        if key is None:
            return _no_id("paper_id")
        if self._opted_out(key):
            return Reject(OPTED_OUT)
        rows, reject = self._texts(key, record.title, record.abstract, 1, LICENSE_2020)
        if not rows:
            return reject
        cited = self._cited(key, map(paper_key, record.outbound_citations or ()))
        rows += [Row(key, CITATION, other) for other in cited]
        return rows

    def papers(self, record: Paper) -> Outcome:
        key = paper_key(record.corpusid)
        if key is None:
            return _no_id("corpusid")
        if self._opted_out(key, record.url):
            return Reject(OPTED_OUT)
        title = clean_title(record.title or "")
        if reason := self._titles.reason(title):
            return Reject(reason, title)
        return [Row(key, TITLE, None, title, 0, record.url or None, None, seconds(record.publicationdate))]

    def abstracts(self, record: Abstract) -> Outcome:
        key, access = paper_key(record.corpusid), record.openaccessinfo
        if key is None:
            return _no_id("corpusid")
        if self._opted_out(key, access.url if access else None):
            return Reject(OPTED_OUT)
        abstract = clean_abstract(record.abstract or "")
        if reason := self._abstracts.reason(abstract):
            return Reject(reason, None, abstract)
        return [Row(key, ABSTRACT, None, abstract, license=(access.license or None) if access else None)]

    def citations(self, record: Citation) -> Outcome:
        key, cited = paper_key(record.citingcorpusid), paper_key(record.citedcorpusid)
        if key is None or cited is None:
            return Reject("citation_without_id", detail="citing" if key is None else "cited")
        if key == cited:
            return Reject("self_citation", detail=document_id(key))
        if self._opted_out(key) or self._opted_out(cited):
            return Reject(OPTED_OUT)
        rows = [Row(key, CITATION, cited)]
        excerpts = (without_marks(excerpt) for excerpt in (record.contexts or ())[:MENTIONS_READ] if excerpt)
        return rows + self._context_rows(key, cited, excerpts)

    def pdf_parses(self, record: PdfParse) -> Outcome:
        key = paper_key(record.paper_id)
        if key is None:
            return _no_id("paper_id")
        if self._opted_out(key):
            return Reject(OPTED_OUT)
        front, body = record.abstract or [], record.body_text or []
        abstract = " ".join(_without_spans(paragraph) for paragraph in front)
        rows, _ = self._texts(key, None, abstract, 2, LICENSE_2020)
        links = {name: paper_key(entry.link) for name, entry in (record.bib_entries or {}).items()}
        mentions: dict[int, list[tuple[Paragraph, Span]]] = {}
        for paragraph in [*front, *body]:
            for mark in paragraph.cite_spans or ():
                other = links.get(mark.ref_id or "")
                span = span_of(mark.start, mark.end, len(paragraph.text or ""))
                if other is not None and span is not None:
                    mentions.setdefault(other, []).append((paragraph, span))
        for cited in self._cited(key, mentions):
            found = mentions[cited][:MENTIONS_READ]
            contexts = (citation_context(part.text or "", span, _marks(part)) for part, span in found)
            rows += self._context_rows(key, cited, contexts)
        return rows or Reject("no_citation_contexts", detail=document_id(key))

    def s2orc(self, record: FullText) -> Outcome:
        key, access = paper_key(record.corpusid), record.openaccessinfo
        if key is None:
            return _no_id("corpusid")
        if self._opted_out(key, access.url if access else None):
            return Reject(OPTED_OUT)
        document = record.body or record.content
        text = (document.text if document else None) or ""
        marks = annotated_spans(document, "bibref", "bib_ref")
        spans = [span for span, _ in marks]
        title = record.title or " ".join(text[a:b] for (a, b), _ in annotated_spans(document, "title")[:1])
        abstract = " ".join(text[a:b] for (a, b), _ in annotated_spans(document, "abstract"))
        rows, _ = self._texts(key, title, abstract, 2, access.license if access else None)
        entries = annotated_spans(record.bibliography or document, "bibentry", "bib_entry")
        links = {str(entry.get("id")): paper_key(entry.get("matched_paper_id")) for _, entry in entries}
        mentions: dict[int, list[Span]] = {}
        for span, attributes in marks:
            other = links.get(str(attributes.get("ref_id")))
            if other is not None:
                mentions.setdefault(other, []).append(span)
        for cited in self._cited(key, mentions):
            contexts = (citation_context(text, span, spans) for span in mentions[cited][:MENTIONS_READ])
            rows += self._context_rows(key, cited, contexts)
        return rows or Reject("no_citation_contexts", detail=document_id(key))

    def _texts(
        self, key: int, title: str | None, abstract: str | None, rank: int, license: str | None
    ) -> tuple[list[Row], Reject]:
        """The rows of a title and an abstract that are fit, and what to say where neither is."""
        heading = clean_title(title) if title else ""
        text = clean_abstract(abstract) if abstract else ""
        no_title, no_abstract = self._titles.reason(heading), self._abstracts.reason(text)
        rows = []
        if no_title is None:
            rows.append(Row(key, TITLE, None, heading, rank, license=license))
        if no_abstract is None:
            rows.append(Row(key, ABSTRACT, None, text, rank, license=license))
        return rows, Reject(no_title or "no_title", heading or None, text or None)

    def _cited(self, key: int, keys: Iterable[int | None]) -> list[int]:
        """The cited papers that a record keeps: other papers, not opted out, those with the lowest hashes."""
        others = {other for other in keys if other is not None and other != key}
        if self._opt_out:
            others = {other for other in others if not self._opted_out(other)}
        return s2orc_join.lowest_edges(key, others, self._settings.citations_per_paper)

    def _context_rows(self, key: int, cited: int, contexts: Iterable[str]) -> list[Row]:
        fit = {context for context in contexts if self._contexts.reason(context) is None}
        chosen = s2orc_join.lowest_texts(fit, self._settings.contexts_per_citation)
        return [Row(key, CONTEXT, cited, context) for context in chosen]

    def _opted_out(self, key: int, url: str | None = None) -> bool:
        return bool(self._opt_out) and (self._opt_out.doc(document_id(key)) or self._opt_out.url(url))


def _no_id(name: str) -> Reject:
    return Reject(MALFORMED, detail=f"no {name}")


def _marks(paragraph: Paragraph) -> list[Span]:
    length = len(paragraph.text or "")
    spans = (span_of(mark.start, mark.end, length) for mark in paragraph.cite_spans or ())
    return [span for span in spans if span is not None]


def _without_spans(paragraph: Paragraph) -> str:
    """The text of a paragraph with its citation marks cut out."""
    text, kept, at = paragraph.text or "", [], 0
    for start, end in sorted(_marks(paragraph)):
        kept.append(text[at:start])
        at = max(at, end)
    return without_marks("".join([*kept, text[at:]]))
