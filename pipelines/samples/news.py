"""News: pages in a CC-NEWS archive, articles as JSON in three layouts, and CNN/DailyMail's ``.story`` files."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

from pipelines.samples.archives import Archive
from pipelines.samples.commoncrawl import Texts, same_language, unfit
from pipelines.samples.containers import gzipped, joined, write_file
from pipelines.samples.facts import Entity, knowledge
from pipelines.samples.news_text import Article, article, articles
from pipelines.samples.noise import damaged_json, json_line, word_salad
from pipelines.samples.other_languages import FOREIGN
from pipelines.samples.report import PAIRS, SampleFile
from pipelines.samples.web_pages import Site, address, page
from pipelines.samples.wording import Voice

PAPERS = (
    Site("Riverton Herald", "www.riverton-herald.example"),
    Site("The Oakfield Courier", "oakfieldcourier.example"),
    Site("Southmere Daily", "daily.southmere.example"),
    Site("County Gazette", "www.county-gazette.example"),
)
Add = Callable[[str, Sequence[str]], str]


def write(folder: str, voice: Voice) -> list[SampleFile]:
    """Write all files below ``news/``. An entity is in the news at most twice, in two kinds of files."""
    entities, foreign = voice.shuffled(knowledge()), voice.shuffled(same_language(FOREIGN))
    return [
        _warc(folder, voice, entities[:110], foreign[:6]),
        _lines(folder, voice, entities[110:290], foreign[6:14]),
        _array(folder, voice, entities[290:350], foreign[14:18]),
        _highlights(folder, voice, entities[:140]),
        *_stories(folder, voice, entities[140:152]),
    ]


def _later_dirt(voice: Voice, file: SampleFile, add: Add, entities: Sequence[Entity], foreign: Sequence[Texts]) -> None:
    for one, other in zip(articles(voice, entities[:6:2]), articles(voice, entities[1:6:2]), strict=True):
        file.note("swapped pair", None, add(one.headline, other.paragraphs))
        file.note("swapped pair", None, add(other.headline, one.paragraphs))
    for made in articles(voice, entities[6:9]):
        file.note("gibberish", None, add(made.headline, [word_salad(voice, text) for text in made.paragraphs]))
    for title, paragraphs in foreign:
        file.note("other language", None, add(title, paragraphs))


# --- CC-NEWS


def _warc(folder: str, voice: Voice, entities: Sequence[Entity], foreign: Sequence[Texts]) -> SampleFile:
    name = "CC-NEWS-20200118000000-00000.warc.gz"
    file = SampleFile("news", f"news/{name}", "warc")
    archive = Archive(voice, name, "Sample of a news crawl")
    made = articles(voice, entities[:-9])
    headlines = [each.headline for each in made]
    sent: dict[str, bytes] = {}

    def add(title: str, paragraphs: Sequence[str]) -> str:
        paper = voice.pick(PAPERS)
        url = address(paper, title, file.records)
        sent[url] = page(voice, paper, title, paragraphs, voice.sample(headlines, 4)).encode()
        archive.response(url, sent[url])
        file.clean()
        return url

    for each in made:
        add(each.headline, each.paragraphs)
    for url in list(sent)[:6]:
        archive.response(f"{url}?print=1", sent[url])
        file.clean()
        file.note("page under a second address", "duplicate_pair", stage=PAIRS)
    _later_dirt(voice, file, add, entities[-9:], foreign)
    for kind, reason, title, paragraphs in unfit(voice, entities[0]):
        add(title, paragraphs)
        file.records -= 1
        file.dirty(kind, reason)
    for number in range(4):
        url = f"https://{PAPERS[number].host}/gone/{number}"
        archive.response(url, b"<html><body><p>This article is gone.</p></body></html>", status="410 Gone")
        file.dirty("page that is gone", "http_status")
        archive.response(f"{url}.xml", b"<rss></rss>", content_type="application/rss+xml")
        file.dirty("feed", "not_html")
    write_file(os.path.join(folder, file.path), archive.content())
    return file


# --- JSON


def _lines(folder: str, voice: Voice, entities: Sequence[Entity], foreign: Sequence[Texts]) -> SampleFile:
    """Articles as CC-News has them, an object a line."""
    file = SampleFile("news", "news/cc_news_0000.jsonl.gz", "articles")
    lines: list[bytes] = []

    def add(title: str, paragraphs: Sequence[str]) -> str:
        record = cc_news_record(voice, title, paragraphs, len(lines))
        lines.append(json_line(record))
        file.clean()
        return str(record["url"])

    made = articles(voice, entities[:-9])
    for each in made:
        add(each.headline, each.paragraphs)
    for each in made[:8]:  # papers that print what an agency sends them
        add(each.headline, each.paragraphs)
        file.note("article in a second paper", "duplicate_pair", stage=PAIRS)
    _later_dirt(voice, file, add, entities[-9:], foreign)
    for number, each in enumerate(articles(voice, entities[:8])):
        record = cc_news_record(voice, each.headline, each.paragraphs, 7000 + number)
        lines.append(damaged_json(voice, {**record, "title": each.headline}, "text"))
        file.dirty("damaged line", "malformed_record")
        lines.append(json_line({**record, "text": each.paragraphs[-1]}))
        file.dirty("article of two lines", "too_few_words")
        lines.append(json_line({**record, "title": "" if number % 2 else None}))
        file.dirty("article without title", "no_title")
    write_file(os.path.join(folder, file.path), gzipped(joined(lines)))
    return file


def cc_news_record(voice: Voice, title: str, paragraphs: Sequence[str], number: int) -> dict[str, Any]:
    paper = voice.pick(PAPERS)
    return {
        "title": title,
        "text": "\n".join(paragraphs),
        "domain": paper.host,
        "date": f"2020-01-{1 + number % 28:02} 0{number % 10}:15:00",
        "description": title,
        "url": address(paper, title, number),
        "image_url": f"https://{paper.host}/images/{number}.jpg",
    }


def _array(folder: str, voice: Voice, entities: Sequence[Entity], foreign: Sequence[Texts]) -> SampleFile:
    """Articles as news-please has them, one array in a file."""
    file = SampleFile("news", "news/newsplease_0000.json", "articles")
    records: list[dict[str, Any]] = []

    def add(title: str, paragraphs: Sequence[str]) -> str:
        paper = voice.pick(PAPERS)
        url = address(paper, title, 5000 + len(records))
        date = f"2020-01-{1 + len(records) % 28:02}T06:30:00Z"
        records.append(
            {"authors": [], "date_publish": date, "maintext": "\n".join(paragraphs), "title": title, "url": url}
        )
        file.clean()
        return url

    for each in articles(voice, entities[:-9]):
        add(each.headline, each.paragraphs)
    _later_dirt(voice, file, add, entities[-9:], foreign)
    for number in range(3):
        records.append({"authors": [], "maintext": None, "title": f"An article that was not found {number}"})
        file.dirty("article without text", "no_main_text")
    content = json.dumps(records, ensure_ascii=False, indent=1).encode()
    write_file(os.path.join(folder, file.path), content)
    return file


# --- CNN/DailyMail


def _highlights(folder: str, voice: Voice, entities: Sequence[Entity]) -> SampleFile:
    """Articles with highlights and without titles, an object a line."""
    file = SampleFile("news", "news/cnn_dailymail_0000.jsonl.gz", "articles")
    lines = []
    for each in articles(voice, entities):
        text = " ".join(each.paragraphs)
        lines.append(json_line({"article": text, "highlights": "\n".join(each.highlights), "id": story_name(each)}))
        file.clean()
    for number, entity in enumerate(entities[:6]):
        made = article(voice, entity)
        if number % 2:
            record = {"article": " ".join(made.paragraphs), "highlights": "", "id": f"{number:040x}"}
            lines.append(json_line(record))
            file.dirty("article without highlights", "no_title")
        else:
            record = {"article": made.paragraphs[0], "highlights": made.highlights[0], "id": f"{number:040x}"}
            lines.append(json_line(record))
            file.dirty("article of one line", "too_few_words")
    write_file(os.path.join(folder, file.path), gzipped(joined(lines)))
    return file


def _stories(folder: str, voice: Voice, entities: Sequence[Entity]) -> list[SampleFile]:
    """Files of one article each: paragraphs, then highlights, each after a line that announces it."""
    files = []
    for number, each in enumerate(articles(voice, entities)):
        file = SampleFile("news", f"news/stories/{story_name(each)}.story", "story")
        first, *rest = each.paragraphs
        paragraphs = [f"(CNN) -- {first}" if number % 2 else first, *rest]
        highlights = each.highlights
        if number == 0:
            paragraphs = paragraphs[:1]
            file.dirty("article of one line", "too_few_words")
        else:
            file.clean()
        blocks = [*paragraphs, *(f"@highlight\n\n{text.rstrip('.')}" for text in highlights)]
        write_file(os.path.join(folder, file.path), ("\n\n".join(blocks) + "\n").encode())
        files.append(file)
    return files


def story_name(made: Article) -> str:
    """A story is named by a hash."""
    return hashlib.sha1("\n".join(made.paragraphs).encode()).hexdigest()
