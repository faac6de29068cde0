"""Wikipedia: sections of articles, as (entity + section title, passage) pairs.

Formats:

* ``pages``: MediaWiki exports (``enwiki-latest-pages-articles.xml``, plain or compressed; see
  :mod:`pipelines.wiki_dump`). A multistream dump with its index beside it is read in parallel.
* ``kilt``: the KILT knowledge source, JSON lines: ``wikipedia_id``, ``wikipedia_title`` and ``text``, a list of
  paragraphs of which the first is the title; ``Section::::History.:Origins.`` is a heading with its path and
  ``BULLET::::- ...`` a list item.

The query is the title of the article and the path of headings that leads to the section (``Iron: History: Antiquity``),
or the title alone for the text before the first heading. The passage is the beginning of the section's own text. All
sections of a page are one document, ``DBNAME/PAGEID`` (``enwiki/14734``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote, unquote, urlsplit

import msgspec

from ccpairs.errors import DamagedInput, WrongSource
from ccpairs.pair import Pair
from filters.scripts import letters_worth
from filters.sentences import cut_at_sentences
from filters.text import plain
from filters.wikitext import CUSTOMARY, Namespaces, Section, read_article
from filters.wikitext_inline import mended
from filters.wikitext_prose import Line, is_list_of_sources, section_text
from filters.wikitext_words import is_disambiguation_title, is_source_heading
from pipelines.inputs import InputFile
from pipelines.json_records import BAD_RECORD, head_records, record_decoder
from pipelines.source import MALFORMED, OPTED_OUT, Outcome, Partial, Reject, Source, option
from pipelines.wiki_dump import BadPage, Page, Wiki, check_root, read_wiki, split_ranges

PAGES_NAME = re.compile(r"(?P<stem>.+)\.xml(-p\d+p\d+)?(\.(bz2|gz|zst|xz))?", re.IGNORECASE)
KILT_NAME = re.compile(r".+\.jsonl?(\.(bz2|gz|zst|xz))?", re.IGNORECASE)
# What lies beside pages-articles on the dump servers, and what another source reads.
OTHER_FILES = re.compile(
    r".*(?:stub-(?:meta|articles)|-abstract\d*|pages-logging|pages-meta-history|siteinfo).*|dump(?:status|runinfo)\.json"
    r"|(?:.+[-_.])?(?:Badges|Comments|PostHistory|PostLinks|Posts|Tags|Users|Votes)\.xml(\.\w+)?",
    re.IGNORECASE | re.DOTALL,
)
SITE = re.compile(r"([a-z][a-z0-9_]*wiki)(?![a-z])", re.IGNORECASE)
OLD_REDIRECT = re.compile(r"\s*#[^\W\d_]{4,24}\s*:?\s*\[\[")
"""How a redirect begins, for the dumps of before 2011, which do not mark it."""
KILT_SITE = "enwiki"
LICENSE_CHANGE = datetime(2023, 6, 7, tzinfo=UTC).timestamp()
"""When Wikipedia's terms of use went from CC BY-SA 3.0 to 4.0."""


def at_least_one(text: str) -> int:
    if int(text) < 1:
        raise ValueError("a number from 1")
    return int(text)


@dataclass(frozen=True)
class WikipediaSettings:
    max_section_chars: int = option(
        1000, "cut a section's text at a sentence end to this many characters", parse=at_least_one
    )
    min_section_letters: int = option(
        50, "leave out sections with less text (in letters; a Han character counts three)", parse=at_least_one
    )


class KiltHistory(msgspec.Struct):
    timestamp: Any = None
    url: Any = None


class KiltPage(msgspec.Struct):
    """The fields of a KILT record that are read."""

    wikipedia_id: str | int
    wikipedia_title: str
    text: list[str]
    categories: Any = None
    history: KiltHistory | None = None


@dataclass(frozen=True)
class Origin:
    """What the pairs of one page share."""

    title: str
    doc: str
    url: str | None
    license: str | None
    created: int | None


class Wikipedia(Source):
    name = "wikipedia"
    about = "Wikipedia dumps (pages-articles XML, KILT): (entity + section title, passage)"
    unit = "page"
    forms: ClassVar[Mapping[str, str]] = {
        "pages": "pages and their text, XML (WIKI-DATE-pages-articles.xml; plain, .bz2, multistream .bz2, .gz, .zst)",
        "kilt": "KILT knowledge source, JSON lines (kilt_knowledgesource.json; plain, .gz, .bz2, .zst)",
    }
    extract_settings = WikipediaSettings
    extract_version = 2
    rows_per_input_byte = 1.2

    def form_of(self, name: str) -> str | None:
        if OTHER_FILES.fullmatch(name):
            return None
        if PAGES_NAME.fullmatch(name):
            return "pages"
        return "kilt" if KILT_NAME.fullmatch(name) else None

    def sniff(self, file: InputFile, head: bytes) -> None:
        if file.form == "pages":
            check_root(head, file.name)
            return
        records = [record for record in head_records(head) if isinstance(record, dict)]
        if any("wikipedia_title" in record for record in records):
            return
        first, end, _ = head.lstrip().partition(b"\n")
        if first[:1] != b"{" or (end and b'"wikipedia_title"' not in first):
            what = first[:40].decode("utf-8", "replace")
            raise WrongSource(
                f"{file.name}: should hold a KILT page a line (wikipedia_title, text), but begins with {what!r}; "
                "give the right --source"
            )

    def split(self, file: InputFile) -> Sequence[tuple[int, int]]:
        if file.form != "pages":
            return ()
        try:
            return split_ranges(file)
        except DamagedInput:
            return ()  # an index that is damaged is not needed, and a damaged dump says so when it is read

    def read(self, file: InputFile) -> Iterator[Outcome]:
        if file.form == "kilt":
            yield from self.read_kilt(file)
            return
        wiki, pages = read_wiki(file)
        reader = DumpReader(self, wiki, site_of(wiki, file))
        for page in pages:
            yield reader.outcome(page)

    def read_kilt(self, file: InputFile) -> Iterator[Outcome]:
        decode = record_decoder(KiltPage)
        for number, line in enumerate(file.lines(), 1):
            if line and not line.isspace():
                try:
                    page = decode(line)
                except BAD_RECORD as error:
                    yield Reject(MALFORMED, detail=str(error), position=f"line {number}")
                    continue
                yield self.kilt_outcome(page)

    def kilt_outcome(self, page: KiltPage) -> Outcome:
        """The pairs of a KILT page, or why it has none."""
        title = plain(page.wikipedia_title)
        doc = f"{KILT_SITE}/{page.wikipedia_id}"
        url = article_url("https://en.wikipedia.org/wiki/", page.wikipedia_title)
        if self.opted_out(doc, url):
            return Reject(OPTED_OUT)
        if is_disambiguation_title(title) or "disambiguation pages" in str(page.categories).lower():
            return Reject("disambiguation_page", title)
        created = created_of(page.history.timestamp) if page.history else None
        origin = Origin(title, doc, url, license_of(created), created)
        sources: list[Section] = []
        sections = list(kilt_sections(page.text, self.wanted_chars, sources))
        return self.pairs(origin, sections, sources)

    @property
    def wanted_chars(self) -> int:
        """Characters of a section that its passage is cut from."""
        return 2 * int(self.extract.max_section_chars)

    def opted_out(self, doc: str, url: str | None) -> bool:
        return bool(self.opt_out) and (self.opt_out.doc(doc) or self.opt_out.url(url))

    def is_long_enough(self, text: str) -> bool:
        least = int(self.extract.min_section_letters)
        return len(text) >= least or letters_worth(text) >= least

    def pairs(self, origin: Origin, sections: Iterable[Section], sources: Sequence[Section]) -> Outcome:
        """A pair for each section that says something; a reject where none does.

        ``sources`` are the sections that are left out, as they only list sources; they are counted.
        """
        most = self.extract.max_section_chars
        pairs = [
            Pair(
                query=": ".join((origin.title, *section.path)),
                passage=cut_at_sentences(section.text[: self.wanted_chars], most)[0],
                pair_type="section_passage" if section.path else "title_passage",
                query_doc=origin.doc,
                passage_doc=origin.doc,
                url=origin.url,
                license=origin.license,
                created=origin.created,
            )
            for section in sections
            if self.is_long_enough(section.text)
        ]
        if not pairs:
            return Reject("no_prose", origin.title)
        left_out = [
            Reject("list_of_sources", ": ".join((origin.title, *section.path)), section.text) for section in sources
        ]
        return Partial(pairs, left_out) if left_out else pairs


class DumpReader:
    """What one dump's header means for its pages."""

    def __init__(self, source: Wikipedia, wiki: Wiki, site: str) -> None:
        self.source, self.site = source, site
        self.base, _, main_page = (wiki.base or "").rpartition("/")
        self.main_page = unquote(main_page).replace("_", " ") or None
        self.licensed = (urlsplit(wiki.base or "").hostname or "").endswith(".wikipedia.org")
        files, categories = (wiki.namespaces.get(number) for number in (6, 14))
        named = files and categories
        self.other_namespaces = {name.casefold() for number, name in wiki.namespaces.items() if number and name}
        self.namespaces = Namespaces.named([str(files)], [str(categories)]) if named else CUSTOMARY

    def outcome(self, page: Page | BadPage) -> Outcome:
        """The pairs of a page, or why it has none."""
        if isinstance(page, BadPage):
            return Reject(MALFORMED if page.reason == "malformed" else "page_too_large", detail=page.detail)
        if page.namespace != 0:
            # Without its title: that of a user's page is a user's name.
            return Reject("not_an_article", detail=f"namespace {page.namespace}")
        title = plain(page.title)
        if page.title.partition(":")[0].casefold() in self.other_namespaces and ":" in page.title:
            return Reject("not_an_article", detail="namespace by its title")  # dumps of before 2011 have no <ns>
        if page.redirect or OLD_REDIRECT.match(page.text):
            return Reject("redirect", title)
        doc = f"{self.site}/{page.id}"
        url = article_url(self.base + "/", page.title) if self.base else None
        if self.source.opted_out(doc, url):
            return Reject(OPTED_OUT)
        if page.model != "wikitext":
            return Reject("not_wikitext", title, detail=f"model {page.model}")
        if page.title == self.main_page:
            return Reject("main_page", title)
        if is_disambiguation_title(title):
            return Reject("disambiguation_page", title)
        article = read_article(page.text, self.namespaces, self.source.wanted_chars)
        if article.disambiguation:
            return Reject("disambiguation_page", title)
        created = created_of(page.timestamp)
        license = license_of(created) if self.licensed else None
        return self.source.pairs(Origin(title, doc, url, license, created), article.sections, article.sources)


def kilt_sections(paragraphs: Sequence[str], max_chars: int, sources: list[Section] | None = None) -> Iterator[Section]:
    """The sections of a KILT page that have text of their own; ``paragraphs`` is its ``text``, title first.

    Those that only list sources are added to ``sources``.
    """
    path: tuple[str, ...] = ()
    lines: list[Line] = []
    for paragraph in [*paragraphs[1:], "Section::::"]:
        if not paragraph.startswith("Section::::"):
            item = paragraph.startswith("BULLET::::")
            text = mended(paragraph.removeprefix("BULLET::::").lstrip(" -*#") if item else paragraph)
            lines.append(Line(text, item))
            continue
        if text := section_text(lines, max_chars):
            weighed = ((line, len(line.text), "://" in line.text) for line in lines)
            is_kept = not any(map(is_source_heading, path)) or not is_list_of_sources(weighed)
            if is_kept:
                yield Section(path, text)
            elif sources is not None:
                sources.append(Section(path, text))
        heading = paragraph.removeprefix("Section::::").strip().removesuffix(".")
        path = tuple(filter(None, map(mended, heading.split(".:"))))
        lines = []


def site_of(wiki: Wiki, file: InputFile) -> str:
    """The wiki's name in its database (``enwiki``): from the header, else from the file's name, else that name."""
    if wiki.dbname:
        return wiki.dbname
    found = SITE.match(file.name)
    if found:
        return found[1].lower()
    match = PAGES_NAME.fullmatch(file.name)
    return match["stem"] if match else file.name


def article_url(base: str, title: str) -> str:
    return base + quote(title.replace(" ", "_"), safe="/:@!$*(),;'~-._")


def license_of(created: int | None) -> str | None:
    """The licence under which Wikipedia published a revision; None where its time is unknown."""
    if created is None:
        return None
    return "CC BY-SA 4.0" if created >= LICENSE_CHANGE else "CC BY-SA 3.0"


def created_of(timestamp: Any) -> int | None:
    """Unix seconds of an ISO 8601 time in UTC; None for what is none."""
    try:
        return int(datetime.fromisoformat(str(timestamp)[:19]).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None
