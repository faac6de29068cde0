"""News: titles and highlights of articles, each with a passage of the article.

Formats:

``NAME.warc.gz``      CC-NEWS of https://commoncrawl.org (``crawl-data/CC-NEWS/YYYY/MM/warc.paths.gz``): the pages of
                      news sites; read as Common Crawl's are, by the same code.
``NAME.jsonl.gz``     articles as JSON, an object a line, or one object or array a file (``NAME.json``). Title in
                      ``title``; text, a line a paragraph, in ``text`` (CC-News), ``maintext`` (news-please) or
                      ``article`` (CNN/DailyMail); highlights in ``highlights``, a line each; ``url`` or ``id``;
                      ``date``, ``date_publish`` or ``published``; ``language``.
``HASH.story``        CNN/DailyMail as published: the paragraphs of an article, blank lines between them, then its
                      highlights, each after a line ``@highlight``.
``cnn_stories.tgz``   the archive that those come in.

A title goes with the first passages of its text (``title_passage``). Each highlight goes with the one passage that
tells what it sums up (``highlight_passage``), as :class:`~filters.passages.PassageWords` finds it: editors write
highlights from all over an article, so most of them are not answered by its opening. CNN/DailyMail has no titles.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import msgspec

from ccpairs.errors import DamagedInput, WrongSource
from ccpairs.pair import Pair
from filters.passages import PassageWords, running_text
from filters.text import decode_escaped_entities, plain
from filters.titles import choose_title
from pipelines.inputs import InputFile
from pipelines.json_records import BAD_RECORD, BOM, head_records, record_decoder
from pipelines.pages import Refused, judge
from pipelines.source import MALFORMED, OPTED_OUT, Outcome, Reject
from pipelines.warc import RESPONSE
from pipelines.web import About, WebSource, pair, sniff_archive, unix_time

PACKED = r"(?:\.(?:gz|bz2|xz|zst))?"
NAMES = {
    "warc": re.compile(rf".*(?<!\.wet)(?<!\.wat)\.w?arc{PACKED}", re.IGNORECASE),
    "articles": re.compile(rf".*\.jsonl?{PACKED}", re.IGNORECASE),
    "story": re.compile(rf".*\.story{PACKED}", re.IGNORECASE),
    "stories": re.compile(rf".*stories.*\.(?:tgz|tar{PACKED})", re.IGNORECASE),
}
TEXT_KEY = re.compile(rb'"(?:maintext|text|article)"\s*:')
BY_NAME = re.compile(rb'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\{[^{}]*' + TEXT_KEY.pattern)
"""A document of articles that are members of one object, each under an address or another name."""
MAX_WHOLE = 1 << 28
"""Bytes of a JSON file that is one document and must be read whole; longer ones must come as lines."""

HIGHLIGHT = "@highlight"
# "By . Jo Doe . PUBLISHED: . 09:30 EST, 1 May 2012 . | . UPDATED: . 11:02 EST, 1 May 2012 . ", all on one line.
DAILY_MAIL_HEAD = re.compile(
    r"By \. .{1,300}?(?<= \. )"
    r"(?:(?:(?:PUBLISHED|UPDATED|CREATED):? ?\. .{1,60}? \. |Last updated at .{1,60}? \. )(?:\| \. )?)+"
)
CNN_HEAD = re.compile(r"(?:[^()\n]{1,60} )?\(CNN[^()\n]{0,20}\) ?(?:--|[-–—])? ?")
SCROLL_DOWN = re.compile(
    r"Scroll down for (?:the )?videos?\b[^.\n]{0,30}?(?: ?\.(?: |$)|$)", re.IGNORECASE | re.MULTILINE
)
LONE_STOP = re.compile(r" +\.(?=\s|$)")
UPDATE_MARK = re.compile(r"NEW: +")


class Article(msgspec.Struct):
    """What is read of an article; other fields are passed over."""

    title: str | None = None
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    maintext: str | msgspec.UnsetType | None = msgspec.UNSET
    article: str | msgspec.UnsetType | None = msgspec.UNSET
    highlights: str | list[str] | None = None
    url: str | None = None
    id: str | int | None = None
    date: str | int | float | None = None
    date_publish: str | int | float | None = None
    published: str | int | float | None = None
    language: str | None = None

    @property
    def body(self) -> str | None:
        """The text; empty where its field is, None where there is no such field."""
        texts = [text for text in (self.maintext, self.text, self.article) if text is not msgspec.UNSET]
        return next(filter(None, texts), "") if texts else None


class News(WebSource):
    name = "news"
    about = "news (CC-NEWS, articles as JSON, CNN/DailyMail): (title, passage), (highlight, passage)"
    unit = "article"
    extract_version = 2
    forms: ClassVar[Mapping[str, str]] = {
        "warc": "web archives (CC-NEWS-TIME-NUMBER.warc.gz)",
        "articles": "articles as JSON, an object a line or one array (NAME.jsonl.gz, NAME.json)",
        "story": "an article of CNN/DailyMail (HASH.story)",
        "stories": "their archive (cnn_stories.tgz, dailymail_stories.tgz)",
    }

    def form_of(self, name: str) -> str | None:
        return next((form for form, pattern in NAMES.items() if pattern.fullmatch(name)), None)

    def sniff(self, file: InputFile, head: bytes) -> None:
        if file.form == "warc":
            sniff_archive(file, head, RESPONSE)
        elif file.form == "articles":
            if not head.lstrip().startswith((b"{", b"[")) and not any(
                isinstance(record, dict) for record in head_records(head)
            ):
                raise WrongSource(f"{file.name}: begins with {head[:20]!r}; articles are JSON objects")
            if b'"raw_content"' in head:
                raise WrongSource(f"{file.name}: holds pages of CCNet; read it with --source commoncrawl")
            if b"\n" in head.strip() and not TEXT_KEY.search(head):
                raise WrongSource(
                    f'{file.name}: its first objects have neither "text", "maintext" nor "article"; rename the field'
                )
            if BY_NAME.match(head):
                raise WrongSource(
                    f"{file.name}: its articles are members of one object; make an array of them (jq '[.[]]')"
                )
        elif file.form == "story" and b"\x00" in head:
            raise WrongSource(f"{file.name}: is no text; is it another kind of file, renamed?")

    def read(self, file: InputFile) -> Iterator[Outcome]:
        if file.form == "warc":
            yield from self.read_responses(file)
        elif file.form == "articles":
            yield from self.read_articles(file)
        else:
            for name, story in stories(file, self.extract.max_page_mb << 20):
                yield Reject("page_too_large", position=name) if story is None else self.story(story, name)

    def read_articles(self, file: InputFile) -> Iterator[Outcome]:
        """One outcome per object of a JSON file."""
        decode = record_decoder(Article)
        stem = file.name.split(".json")[0]
        for position, record in objects(file):
            try:
                article = decode(record)
            except BAD_RECORD as error:
                yield Reject(MALFORMED, detail=str(error), position=position)
            else:
                yield self.article(article, f"{stem}:{position.split()[1]}", position)

    def article(self, article: Article, name: str, position: str) -> Outcome:
        """The pairs of an article, or why it has none; ``name`` is its id where it states none."""
        body = article.body
        if body is None:
            return Reject(MALFORMED, detail="neither text, maintext nor article", position=position)
        doc = article.url or str(article.id or name)
        if self.opt_out and (self.opt_out.url(article.url) or self.opt_out.doc(doc)):
            return Reject(OPTED_OUT)
        if not body.strip():
            return Reject("no_main_text", choose_title(article.title, url=article.url), position=position)
        highlights = article.highlights or []
        if isinstance(highlights, str):
            highlights = highlights.split("\n")
        title, body, *highlights = map(decode_escaped_entities, (article.title or "", body, *highlights))
        known = About(
            doc, article.url, first_time(article.date, article.date_publish, article.published), article.language
        )
        return self.pairs(choose_title(title, url=article.url), highlights, body.split("\n"), known, position)

    def story(self, text: bytes, name: str) -> Outcome:
        """The pairs of a ``.story`` file, or why it has none."""
        stem = name.rsplit("/", 1)[-1].split(".story")[0]
        if self.opt_out and self.opt_out.doc(stem):
            return Reject(OPTED_OUT)
        try:
            body, *highlights = re.split(rf"^{HIGHLIGHT}\s*$", text.decode(), flags=re.MULTILINE)
        except UnicodeDecodeError as error:
            return Reject(MALFORMED, detail=str(error), position=name)
        return self.pairs(None, highlights, body.split("\n"), About(stem), name)

    def pairs(
        self, title: str | None, highlights: Sequence[str], lines: Sequence[str], about: About, position: str
    ) -> Outcome:
        """The title with the first passages, each highlight with its own."""
        queries = list(dict.fromkeys(filter(None, map(clean_highlight, highlights))))
        # All passages are made, for highlights come from everywhere.
        rules = msgspec.structs.replace(self.rules, per_page=0)
        paragraphs = running_text([LONE_STOP.sub(".", line) for line in without_heads(lines)])
        judged = judge(title or next(iter(queries), None), paragraphs, rules)
        if isinstance(judged, Refused):
            return Reject(judged.reason, judged.title, judged.excerpt, about.url, position)
        made: list[Pair] = []
        if title:
            first = judged.passages[: self.rules.per_page or None]
            made += [pair(title, passage, "title_passage", about) for passage in first]
        words = PassageWords(judged.passages)
        for query in queries:
            passage = words.closest(query)
            if passage is not None:
                made.append(pair(query, passage, "highlight_passage", about))
        return made or Reject("highlight_not_in_text", judged.title, judged.passages[0], about.url, position)


def clean_highlight(text: str) -> str:
    """A highlight as plain text, without the mark of what was added last and with its full stop where it belongs."""
    return LONE_STOP.sub(".", UPDATE_MARK.sub("", plain(text), count=1))


def without_heads(lines: Sequence[str]) -> list[str]:
    """The lines of an article without what CNN and the Daily Mail put before every text."""
    text = "\n".join(line.strip() for line in lines).strip()
    for head in (DAILY_MAIL_HEAD, CNN_HEAD):
        match = head.match(text)
        if match is not None:
            text = text[match.end() :]
    return SCROLL_DOWN.sub("", text).split("\n")


def first_time(*values: str | int | float | None) -> int | None:
    """Unix seconds of the first value that is a time, as text or as seconds."""
    for value in values:
        time = unix_time(value) if isinstance(value, str) else value
        if time is not None and abs(time) < 1 << 33:
            return int(time)
    return None


def objects(file: InputFile) -> Iterator[tuple[str, bytes]]:
    """The JSON objects of a file and where they stand: its lines, or the members of the one document that it is.

    A document begins with ``[``, or with a ``{`` alone on its line. Raises ``DamagedInput`` where a document does not
    end, is no JSON, or is too long to be read whole.
    """
    with file.open() as stream:
        begin = stream.read(1 << 16).removeprefix(BOM).lstrip()
    if not begin.startswith(b"[") and begin.split(b"\n", 1)[0].strip() != b"{":
        for number, line in enumerate(file.lines(), 1):
            if line and not line.isspace():
                yield f"line {number}", line
        return
    with file.open() as stream:
        document = stream.read(MAX_WHOLE + 1)
        while len(document) <= MAX_WHOLE and (more := stream.read(MAX_WHOLE + 1 - len(document))):
            document += more
    document = document.removeprefix(BOM)
    if len(document) > MAX_WHOLE:
        raise DamagedInput(
            f"{file.name}: one JSON document of more than {MAX_WHOLE:,} bytes; make an object a line of it"
        )
    try:
        found = [msgspec.Raw(document)]
        if begin.startswith(b"["):
            found = msgspec.json.decode(document, type=list[msgspec.Raw])
        else:
            msgspec.json.decode(document, type=msgspec.Raw)
    except (ValueError, RecursionError) as error:
        raise DamagedInput(f"{file.name}: is one JSON document, and not sound ({error}); fetch it again") from error
    file.meter.records = len(found)
    for number, member in enumerate(found, 1):
        yield f"object {number}", bytes(member)


def stories(file: InputFile, max_bytes: int) -> Iterator[tuple[str, bytes | None]]:
    """Names and texts of the stories in a file (None for one longer than the limit)."""
    file.meter.records = 0
    with file.open() as stream:
        if file.form == "story":
            file.meter.records = 1
            text = b"".join(iter(lambda: stream.read(1 << 16), b""))
            yield file.name, text if len(text) <= max_bytes else None
            return
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    name = member.name.rsplit("/", 1)[-1]
                    # "._" begins what macOS keeps beside a file.
                    if member.isfile() and name.endswith(".story") and not name.startswith("._"):
                        file.meter.records += 1
                        content = archive.extractfile(member) if member.size <= max_bytes else None
                        yield member.name, content.read() if content is not None else None
        except tarfile.TarError as error:
            raise DamagedInput(f"{file.name}: the archive is damaged ({error}); fetch it again") from error
        # tarfile takes a header that it cannot read for the end.
        if any(any(block) for block in iter(lambda: stream.read(1 << 20), b"")):
            raise DamagedInput(f"{file.name}: the archive is damaged in the middle; fetch it again")
