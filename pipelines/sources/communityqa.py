"""Community questions and answers in the files of SBERT's embedding-training-data.

Format: JSON, one record a line (gz, zst or plain), in one of four forms:

* ``["question", "answer"]``: a pair (``pair``);
* ``["anchor", "positive", "negative"]``: the anchor and the positive (``triplet``);
* ``{"set": ["text", "text", ...]}``: texts that say the same; neighbours in the order of their hashes (``set``);
* ``{"query": "text", "pos": ["text", ...], "neg": [...]}``: the query and each positive (``query_pos``).

``pos`` may be a single text and ``neg`` is optional. Negatives are left out: which texts compete with a passage is for
the judge to find. All texts of a line are one document, ``FILE:LINE``, so they never compete with each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, TypeGuard

import xxhash

from ccpairs.errors import WrongSource
from ccpairs.pair import Pair
from filters.html_text import fragment_to_text, is_html
from filters.sentences import cut_at_sentences
from filters.text import decode_escaped_entities, plain
from pipelines.inputs import InputFile
from pipelines.json_records import BAD_RECORD, decode_any, head_records, join_texts
from pipelines.source import MALFORMED, OPTED_OUT, Outcome, Reject, Source, option

FILE_NAME = re.compile(r"(?P<stem>.+?)\.jsonl?(\.(gz|zst|bz2|xz))?", re.IGNORECASE)
# Keys of records that other sources read.
STRANGERS = {
    **dict.fromkeys(("link_id", "selftext", "subreddit"), "reddit"),
    **dict.fromkeys(("paper_id", "corpusid", "citingcorpusid"), "s2orc"),
    **dict.fromkeys(("wikipedia_title",), "wikipedia"),
    **dict.fromkeys(("raw_content", "source_domain"), "commoncrawl"),
    **dict.fromkeys(("maintext", "highlights"), "news"),
}


class NotAForm(ValueError):
    """A line that is JSON, but none of the four forms."""


def at_least_one(text: str) -> int:
    if int(text) < 1:
        raise ValueError("a number from 1")
    return int(text)


@dataclass(frozen=True)
class CommunityQASettings:
    pairs_per_line: int = option(
        5, "most pairs from one line (a set, or a query with many positives), chosen by hash", parse=at_least_one
    )
    max_qa_chars: int = option(4096, "cut texts at a sentence end to this many characters", parse=at_least_one)


class CommunityQA(Source):
    name = "communityqa"
    about = "question-answer files of SBERT's embedding-training-data (pairs, triplets, sets, query with positives)"
    unit = "line"
    forms: ClassVar[Mapping[str, str]] = {"lines": "JSON lines (.jsonl or .json; plain, .gz, .zst, .bz2)"}
    extract_settings = CommunityQASettings
    extract_version = 2
    rows_per_input_byte = 4.5

    def form_of(self, name: str) -> str | None:
        return "lines" if FILE_NAME.fullmatch(name) else None

    def sniff(self, file: InputFile, head: bytes) -> None:
        # The last line may be cut; if it is the only one, it need not decode.
        lines = [line for line in head.split(b"\n") if line.strip()]
        problem = ""
        for record in head_records(head):
            try:
                texts_of(record)
                return
            except NotAForm as error:
                keys = record if isinstance(record, dict) else ()
                source = next((STRANGERS[key] for key in keys if key in STRANGERS), None)
                problem = problem or f"holds {error}" + (f"; is it for --source {source}?" if source else "")
        if not problem:
            if len(lines) == 1 and lines[0].lstrip()[:1] in (b"[", b"{"):
                return
            problem = "is not JSON with a record a line"
        if lines:
            raise WrongSource(
                f"{file.name}: {problem}; communityqa reads [a, b], [a, b, c], {{set}} and {{query, pos}}"
            )

    def read(self, file: InputFile) -> Iterator[Outcome]:
        match = FILE_NAME.fullmatch(file.name)
        stem = match["stem"] if match else file.name
        for number, line in enumerate(file.lines(), 1):
            if line and not line.isspace():
                yield self.outcome(line, f"{stem}:{number}", f"line {number}")

    def outcome(self, line: bytes, doc: str, position: str) -> Outcome:
        """The pairs of a line, or why it has none."""
        try:
            pair_type, texts, candidates = texts_of(decode_any(line))
        except BAD_RECORD as error:
            return Reject(MALFORMED, detail=str(error), position=position)
        if self.opt_out and self.opt_out.doc(doc):
            return Reject(OPTED_OUT)
        pairs: Iterable[tuple[str, str]]
        if pair_type == "set":
            members = sorted(self.cleaned(texts), key=text_hash)
            if len(members) < 2:
                return Reject("single_text", passage=members[0] if members else None, position=position)
            pairs = pairwise(members)
        else:
            query = clean(texts[0], self.extract.max_qa_chars)
            passages = sorted(self.cleaned(candidates), key=text_hash)
            if not query or not passages:
                passage = passages[0] if passages else None
                return Reject("empty_passage" if query else "empty_query", query or None, passage, position=position)
            pairs = ((query, passage) for passage in passages)
        chosen = list(pairs)[: self.extract.pairs_per_line]
        return [Pair(query, passage, pair_type, doc, doc) for query, passage in chosen]

    def cleaned(self, texts: Iterable[str]) -> set[str]:
        """The distinct texts that are left after cleaning."""
        return {clean(text, self.extract.max_qa_chars) for text in texts} - {""}


def texts_of(record: Any) -> tuple[str, list[str], list[str]]:
    """(pair type, texts, passages that go with the first text) of a record; raises ``NotAForm``."""
    if isinstance(record, list):
        record = [join_texts(text) for text in record]
        if len(record) in (2, 3) and are_texts(record):
            return ("pair", "triplet")[len(record) - 2], record[:1], record[1:2]
        raise NotAForm(f"a list of {len(record)}, not of two or three texts")
    if isinstance(record, dict):
        members, query, positives = record.get("set"), record.get("query"), record.get("pos")
        if are_texts(members):
            return "set", members, []
        if isinstance(positives, str):
            positives = [positives]
        if isinstance(query, str) and are_texts(positives):
            return "query_pos", [query], positives
        raise NotAForm(f"an object with the keys {', '.join(list(record)[:6])}")
    raise NotAForm(f"a {type(record).__name__}")


def are_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def clean(text: str, max_chars: int) -> str:
    """Plain text with entities decoded, of at most so many characters; markup goes where the whole text is HTML."""
    if is_html(text):
        text = fragment_to_text(text.replace("&amp;amp;", "&amp;"))
    else:
        text = plain(decode_escaped_entities(text))
    return text if len(text) <= max_chars else cut_at_sentences(text[: 2 * max_chars], max_chars)[0]


def text_hash(text: str) -> tuple[int, str]:
    return xxhash.xxh3_64_intdigest(text.encode()), text
