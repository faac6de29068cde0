"""Texts to train, calibrate and try a language model on, from whatever holds some.

``text``    lines, a text each (plain or .gz, .bz2, .xz, .zst)
``json``    JSON lines with a text in one field (``--column``, else passage, text or raw_content)
``parquet`` rows with a text in one column, such as shards of pairs; rows that are marked with another language than
            the wanted one are passed over
``pages``   MediaWiki exports (``enwiki-latest-pages-articles.xml.bz2``): sections of articles
``reddit``  posts and comments as they are dumped (``RS_YYYY-MM.zst``, ``RC_YYYY-MM.zst``), their Markdown removed
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from ccpairs.errors import DamagedInput, UserError
from ccpairs.pair import Pair
from filters.markdown import markdown_to_text
from filters.text import decode_escaped_entities, plain
from filters.user_names import hide_user_names
from pipelines.content_kind import check_records
from pipelines.inputs import InputFile
from pipelines.json_records import BAD_RECORD, join_texts, record_decoder
from pipelines.source import MALFORMED, Outcome, Reject, Source, option
from pipelines.sources.wikipedia import PAGES_NAME, Wikipedia, WikipediaSettings

COLUMNS = ("passage", "text", "raw_content")
BATCH = 8_192
_PACKED = r"(?:\.(?:gz|bz2|xz|zst))?"
NAMES = {
    "pages": PAGES_NAME,
    "reddit": re.compile(r"R[SC]_.*\.zst"),
    "json": re.compile(rf".*\.(?:json|jsonl|ndjson){_PACKED}", re.IGNORECASE),
    "parquet": re.compile(r".*\.parquet", re.IGNORECASE),
    "text": re.compile(rf".*\.(?:txt|text|tok){_PACKED}", re.IGNORECASE),
}


@dataclass(frozen=True)
class TextSettings:
    column: str = option("", "fields or columns that hold the text, by commas; the first that is there is taken")
    sections: str = option("opening", "of an article, its opening or all of it", choices=("opening", "all"))
    language: str = option("", "pass over rows that are marked with another language")


class TextFiles(Source):
    """A row is one text: a tuple of one string."""

    name = "texts"
    about = "texts of any kind"
    unit = "text"
    forms: ClassVar[Mapping[str, str]] = {
        "text": "text, a line each (NAME.txt; plain, .gz, .bz2, .xz, .zst)",
        "json": "JSON lines (NAME.jsonl)",
        "parquet": "Parquet, such as shards of pairs (NAME.parquet)",
        "pages": "MediaWiki exports (NAME.xml, NAME.xml.bz2)",
        "reddit": "Reddit's posts and comments (RS_DATE.zst, RC_DATE.zst)",
    }
    extract_settings = TextSettings
    extract_schema = pa.schema([("text", pa.string())])

    def form_of(self, name: str) -> str | None:
        if name.startswith("_") or name.endswith(".rejects.parquet"):  # manifests, and what a build left out
            return None
        return next((form for form, pattern in NAMES.items() if pattern.fullmatch(name)), None)

    def sniff(self, file: InputFile, head: bytes) -> None:
        """Any file may hold text."""

    @property
    def columns(self) -> Sequence[str]:
        return self.extract.column.split(",") if self.extract.column else COLUMNS

    def read(self, file: InputFile) -> Iterator[Outcome]:
        if file.form == "pages":
            yield from self._sections(file)
        elif file.form == "parquet":
            for texts in self._columns(file):
                yield [(text,) for text in texts]
        elif file.form == "json":
            yield from self._fields(file, self.columns, lambda text: plain(decode_escaped_entities(text)))
        elif file.form == "reddit":
            yield from self._fields(file, ("selftext", "body"), lambda text: markdown_to_text(hide_user_names(text)))
        else:
            for line in file.lines():
                yield [(line.decode("utf-8", "replace"),)]

    def _sections(self, file: InputFile) -> Iterator[Outcome]:
        wikipedia = Wikipedia(extract=WikipediaSettings(max_section_chars=1 << 24))
        for outcome in wikipedia.read(file):
            if isinstance(outcome, list):
                pairs = map(Pair._make, outcome)
                every = self.extract.sections == "all"
                yield [(pair.passage,) for pair in pairs if every or pair.pair_type == "title_passage"]

    def _fields(self, file: InputFile, columns: Sequence[str], cleaned: Callable[[str], str]) -> Iterator[Outcome]:
        decode = record_decoder(dict[str, Any])
        for number, line in enumerate(file.lines(), 1):
            if not line.strip():
                continue
            try:
                record = decode(line)
            except BAD_RECORD as error:
                yield Reject(MALFORMED, detail=str(error), position=f"line {number}")
                continue
            text = join_texts(next((record[name] for name in columns if name in record), None))
            if isinstance(text, str):
                yield [(cleaned(text),)]
            else:
                yield Reject(MALFORMED, detail=f"no {' or '.join(columns)}", position=f"line {number}")

    def _columns(self, file: InputFile) -> Iterator[list[str]]:
        try:
            with file.open_raw() as raw:
                rows = pq.ParquetFile(raw)
                size = file.size or 0
                names = rows.schema_arrow.names
                column = next((name for name in self.columns if name in names), None)
                if column is None:
                    expected = " or ".join(self.columns)
                    raise UserError(f"{file.uri}: no column {expected}; --column takes one of {', '.join(names)}")
                wanted = [column, "language"] if self.extract.language and "language" in names else [column]
                read = 0
                for batch in rows.iter_batches(BATCH, columns=wanted):
                    read += batch.num_rows
                    file.meter.raw_bytes = size * read // rows.metadata.num_rows
                    texts = batch.column(column).to_pylist()
                    languages = batch.column("language").to_pylist() if len(wanted) > 1 else [None] * len(texts)
                    ours = (None, self.extract.language)
                    yield [text for text, language in zip(texts, languages, strict=True) if text and language in ours]
        except pa.ArrowInvalid as error:
            raise DamagedInput(f"{file.uri}: is no sound Parquet file ({error}); fetch it again") from None


@dataclass
class Tally:
    """What was read."""

    texts: int = 0
    repeated: int = 0
    malformed: int = 0


def read_texts(source: TextFiles, files: Iterable[InputFile], tally: Tally, *, distinct: bool) -> Iterator[str]:
    """The texts of the files, in order; with ``distinct`` each only once.

    Raises ``DamagedInput`` for a file that cannot be read to its end. Telling texts apart takes some 100 MB of memory
    for a million texts.
    """
    seen: set[int] = set()
    for file in files:
        read = malformed = 0
        first = None
        for outcome in source.read(file):
            read += 1
            if not isinstance(outcome, list):
                malformed += 1
                first = first or (outcome.detail if isinstance(outcome, Reject) else None)
                continue
            for (text,) in outcome:
                if distinct:
                    digest = xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))
                    if digest in seen:
                        tally.repeated += 1
                        continue
                    seen.add(digest)
                tally.texts += 1
                yield text
        tally.malformed += malformed
        check_records(file, "line", read=read, kept=read - malformed, malformed=malformed, first=first)
        file.check_unchanged()
