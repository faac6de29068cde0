"""Pages of the web as Common Crawl and CCNet store them: WARC, WET, and CCNet's JSON. No page is in two of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from pipelines.samples.archives import Archive, digest
from pipelines.samples.containers import gzipped, joined, write_file
from pipelines.samples.facts import Entity, Fact, knowledge
from pipelines.samples.noise import damaged_json, json_line, keyboard_mash, word_salad
from pipelines.samples.other_languages import FOREIGN, Foreign
from pipelines.samples.report import PAIRS, SampleFile
from pipelines.samples.web_pages import COOKIES, MENU, SITES, address, page
from pipelines.samples.web_text import Story, answered, overview
from pipelines.samples.wording import Voice, deck

LOREM = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore "
    "magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo."
)
STUB = (
    "This page about {n} will be written soon. Until then please have a look at our other pages, or drop us a line "
    "if you would like to help."
)
Texts: TypeAlias = "tuple[str, Sequence[str]]"
"""The title of a page and its paragraphs."""
Add: TypeAlias = Callable[[str, Sequence[str]], str]
"""Adds a page to a file and counts it; returns its address."""


def write(folder: str, voice: Voice) -> list[SampleFile]:
    """Write ``commoncrawl/*.warc.gz``, ``*.warc.wet.gz`` and ``*.json.gz``."""
    entities, facts = voice.shuffled(knowledge()), deck(voice)
    foreign = voice.shuffled(same_language(FOREIGN))
    return [
        _ccnet(folder, voice, entities[290:], facts, foreign[:8]),
        _warc(folder, voice, entities[:190], facts, foreign[8:18]),
        _wet(folder, voice, entities[190:290], facts, foreign[18:]),
    ]


def same_language(texts: Sequence[Foreign]) -> list[Texts]:
    """A page from each text and the next of its language: one alone would be a stub."""
    pages: list[Texts] = []
    for language in dict.fromkeys(each.language for each in texts):
        own = [each for each in texts if each.language == language]
        pages += [
            (each.question, (each.answer, other.answer)) for each, other in zip(own, own[1:] + own[:1], strict=True)
        ]
    return pages


def stories(
    voice: Voice, entities: Sequence[Entity], facts: Iterator[tuple[Entity, Fact]], questions: int
) -> list[Story]:
    """A page about each thing, and so many that answer a question."""
    made = [overview(voice, entity) for entity in entities]
    made += [answered(voice, *next(facts)) for _ in range(questions)]
    return voice.shuffled(made)


def later_dirt(
    voice: Voice,
    file: SampleFile,
    add: Add,
    facts: Iterator[tuple[Entity, Fact]],
    foreign: Sequence[Texts],
    swapped: int,
) -> None:
    """Pages that a reader must look at to see what is wrong with them."""
    for _ in range(swapped // 2):
        one, other = answered(voice, *next(facts)), answered(voice, *next(facts))
        file.note("swapped pair", None, add(one.title, other.paragraphs))
        file.note("swapped pair", None, add(other.title, one.paragraphs))
    for _ in range(swapped // 2):
        entity, fact = next(facts)
        texts = [word_salad(voice, text) for text in overview(voice, entity).paragraphs]
        file.note("gibberish", None, add(voice.question(fact), texts))
    for title, paragraphs in foreign:
        file.note("other language", None, add(title, paragraphs))


def unfit(voice: Voice, entity: Entity) -> Iterator[tuple[str, str, str, Sequence[str]]]:
    """Kind, reason, title and paragraphs of pages that no reader would miss."""
    name = entity.name
    yield "stub", "too_few_words", f"{name} in one line", [STUB.format(n=entity.inside)]
    yield "page that fills a layout", "lorem_ipsum", f"Template for {entity.inside}", [LOREM, LOREM[60:], LOREM[120:]]
    loud = [voice.say(entity, fact).upper() for fact in entity.facts]
    yield (
        "page in capitals",
        "upper_case_words",
        f"Buy the book about {entity.inside}",
        [" ".join(loud), " ".join(loud[1:])],
    )
    code = "var page = {{ id: {0}, show: function () {{ return { {0} }; }} }}; if (page) {{ page.show({{ a: {0} }}); }}"
    lines = [code.replace("{{", "{").replace("}}", "}").replace("{0}", str(number)) for number in range(8)]
    yield "program text", "curly_brackets", f"Script of the page about {entity.inside}", lines
    names = voice.sample([other.name for other in knowledge()], 90)
    yield "list of names", "sentence_ends", f"Index of {entity.field}", [" ".join(names[:45]), " ".join(names[45:])]
    phrase = f"Cheap books about {entity.inside} in our online shop. "
    yield "search words", "unique_words", f"Cheap books about {entity.inside}", [(phrase * 14).strip()]


# --- WARC


def _warc(
    folder: str,
    voice: Voice,
    entities: Sequence[Entity],
    facts: Iterator[tuple[Entity, Fact]],
    foreign: Sequence[Texts],
) -> SampleFile:
    name = "CC-MAIN-20200117000000-20200117030000-00000.warc.gz"
    file = SampleFile("commoncrawl", f"commoncrawl/{name}", "warc")
    archive = Archive(voice, name, "Sample of a wide crawl")
    made = stories(voice, entities, facts, 130)
    titles = [story.title for story in made]
    sent: dict[str, bytes] = {}

    def add(title: str, paragraphs: Sequence[str]) -> str:
        site = voice.pick(SITES)
        url = address(site, title, file.records)
        file.clean()
        text = page(voice, site, title, paragraphs, voice.sample(titles, 4))
        sent[url] = text.encode()
        if file.records % 17 == 0:
            archive.response(url, gzipped(text.encode()), headers=[("Content-Encoding", "gzip")])
        elif file.records % 13 == 0 and "charset=" in text and _is_latin(text):
            latin = text.replace('charset="utf-8"', 'charset="iso-8859-1"').encode("latin-1")
            archive.response(url, latin, content_type="text/html; charset=ISO-8859-1")
        else:
            archive.response(url, text.encode())
        return url

    for story in made:
        url = add(story.title, story.paragraphs)
        if file.records % 40 == 0:
            archive.revisit(url)
    for url in list(sent)[:10]:
        archive.response(f"{url}?print=1", sent[url])
        file.clean()
        file.note("page under a second address", "duplicate_pair", stage=PAIRS)
    later_dirt(voice, file, add, facts, foreign, 14)
    for entity in voice.sample(entities, 3):
        for kind, reason, title, paragraphs in unfit(voice, entity):
            add(title, paragraphs)
            file.records -= 1
            file.dirty(kind, reason)
    _no_pages(archive, file, entities)
    write_file(os.path.join(folder, file.path), archive.content())
    return file


def _no_pages(archive: Archive, file: SampleFile, entities: Sequence[Entity]) -> None:
    """Responses that are no pages, or pages that say nothing."""
    for number, entity in enumerate(entities[:6]):
        base = f"https://{SITES[number].host}"
        text = f"<html><head><title>Not found</title></head><body><p>No page about {entity.inside}.</p></body></html>"
        archive.response(f"{base}/lost/{number}", text.encode(), status="404 Not Found")
        file.dirty("page that is gone", "http_status")
        archive.response(f"{base}/moved/{number}", b"", status="301 Moved Permanently", headers=[("Location", base)])
        file.dirty("page that has moved", "http_status")
        archive.response(f"{base}/{number}.pdf", b"%PDF-1.4 sample", content_type="application/pdf")
        file.dirty("document", "not_html")
        archive.response(f"{base}/api/{number}.json", b'{"answer": 42}', content_type="application/json")
        file.dirty("data", "not_html")
        empty = f"<html><head><title>Gallery of {entity.inside}</title></head><body><nav>Menu</nav></body></html>"
        archive.response(f"{base}/empty/{number}", empty.encode())
        file.dirty("page without text", "no_main_text")
        body = "".join(f"<p>{text}</p>" for text in overview(archive.voice, entity).paragraphs)
        archive.response(f"{base}/untitled/{number}", f"<html><body><div>{body}</div></body></html>".encode())
        file.dirty("page without title", "no_title")


def _is_latin(text: str) -> bool:
    """Whether ISO 8859-1 has all of its letters, and some that ASCII has not."""
    return not text.isascii() and all(ord(letter) < 256 for letter in text)


# --- WET


def _wet(
    folder: str,
    voice: Voice,
    entities: Sequence[Entity],
    facts: Iterator[tuple[Entity, Fact]],
    foreign: Sequence[Texts],
) -> SampleFile:
    name = "CC-MAIN-20200117000000-20200117030000-00001.warc.wet.gz"
    file = SampleFile("commoncrawl", f"commoncrawl/{name}", "wet")
    archive = Archive(voice, name, "Sample of extracted texts")
    texts: dict[str, str] = {}

    def add(title: str, paragraphs: Sequence[str]) -> str:
        site = voice.pick(SITES)
        url = address(site, title, 2000 + file.records)
        file.clean()
        shown = voice.pick((f"{title} | {site.name}", title))
        lines = [shown, site.name, *MENU, title, *paragraphs, "Share", "Read next", "Newsletter", "Accept all"]
        texts[url] = "\n".join(lines) + "\n"
        archive.conversion(url, texts[url])
        return url

    made = stories(voice, entities, facts, 70)
    for story in made:
        add(story.title, story.paragraphs)
    for url in list(texts)[:5]:
        archive.conversion(f"{url}?print=1", texts[url])
        file.clean()
        file.note("page under a second address", "duplicate_pair", stage=PAIRS)
    later_dirt(voice, file, add, facts, foreign, 8)
    for entity in voice.sample(entities, 3):
        for kind, reason, title, paragraphs in unfit(voice, entity):
            if reason in ("too_few_words", "lorem_ipsum", "upper_case_words"):
                add(title, paragraphs)
                file.records -= 1
                file.dirty(kind, reason)
        url = address(SITES[0], entity.name, file.records)
        archive.conversion(url, "\n".join(["Gallery of " + entity.inside, *MENU, "Next", "Back"]))
        file.dirty("page of menus", "no_main_text")
    write_file(os.path.join(folder, file.path), archive.content())
    return file


# --- CCNet


def _ccnet(
    folder: str,
    voice: Voice,
    entities: Sequence[Entity],
    facts: Iterator[tuple[Entity, Fact]],
    foreign: Sequence[Texts],
) -> SampleFile:
    file = SampleFile("commoncrawl", "commoncrawl/en_head_0000.json.gz", "ccnet")
    lines: list[bytes] = []

    def add(title: str, paragraphs: Sequence[str]) -> str:
        left = [voice.pick(COOKIES)] if voice.chance(0.1) else []  # a banner that nobody has cut off
        record = ccnet_page(voice, title, [*paragraphs, *left], 4000 + len(lines))
        file.clean()
        lines.append(json_line(record))
        return str(record["url"])

    made = stories(voice, entities, facts, 70)
    for story in made:
        add(story.title, story.paragraphs)
    for line in lines[:4]:
        lines.append(line.replace(b'","date_download"', b'?print=1","date_download"'))
        file.clean()
        file.note("page under a second address", "duplicate_pair", stage=PAIRS)
    later_dirt(voice, file, add, facts, foreign, 8)
    for number, story in enumerate(made[:8]):
        record = ccnet_page(voice, story.title, story.paragraphs, 8000 + number)
        if number % 2:
            lines.append(damaged_json(voice, record, "raw_content"))
            file.dirty("damaged line", "malformed_record")
        else:
            lines.append(json_line(ccnet_page(voice, story.title, [keyboard_mash(voice, 120)], 8000 + number)))
            file.dirty("page of random letters", "sentence_ends")
    write_file(os.path.join(folder, file.path), gzipped(joined(lines)))
    return file


def ccnet_page(voice: Voice, title: str, paragraphs: Sequence[str], number: int) -> dict[str, Any]:
    """A page as CCNet writes it; the title is its first line."""
    site = voice.pick(SITES)
    text = "\n".join([title, *paragraphs])
    return {
        "url": address(site, title, number),
        "date_download": f"2020-01-{17 + number % 12}T0{number % 10}:12:4{number % 10}Z",
        "digest": digest(text.encode()),
        "length": len(text),
        "nlines": text.count("\n") + 1,
        "source_domain": site.host,
        "title": title,
        "raw_content": text,
        "cc_segment": "sample/00002.warc.wet.gz",
        "original_nlines": text.count("\n") + 20,
        "language": next((each.language for each in FOREIGN if each.question == title), "en"),
        "language_score": round(0.8 + 0.19 * voice.random.random(), 2),
        "perplexity": round(voice.random.uniform(180, 330), 1),
        "bucket": "head",
    }
