"""An encyclopedia: a multistream dump with its index, and a file of the KILT knowledge source."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pipelines.samples.articles import Article, article
from pipelines.samples.containers import joined, multistream_bz2, write_file
from pipelines.samples.facts import Entity, knowledge
from pipelines.samples.noise import damaged_json, json_line, keyboard_mash, word_salad
from pipelines.samples.other_languages import FOREIGN, Foreign
from pipelines.samples.report import PAIRS, SampleFile
from pipelines.samples.wording import Voice

STEM = "samplewiki-20200101-pages-articles-multistream"
SITE = "samplewiki"
BASE = "https://encyclopedia.example/wiki/"
PAGES_PER_STREAM = 100
DUMP_ARTICLES = 250
"""So many entities have their article in the dump, the others in the KILT file."""

NAMESPACES: Mapping[int, str] = {
    **{-2: "Media", -1: "Special", 0: "", 1: "Talk", 2: "User", 3: "User talk", 4: "Project", 6: "File"},
    **{8: "MediaWiki", 10: "Template", 12: "Help", 14: "Category", 15: "Category talk"},
}
HEADER = f"""<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/" version="0.10" xml:lang="en">
  <siteinfo>
    <sitename>Sample Encyclopedia</sitename>
    <dbname>{SITE}</dbname>
    <base>{BASE}Main_Page</base>
    <generator>MediaWiki 1.35.0</generator>
    <case>first-letter</case>
    <namespaces>
""" + "".join(
    f'      <namespace key="{key}" case="first-letter">{name}</namespace>\n' for key, name in NAMESPACES.items()
)
HEADER += "    </namespaces>\n  </siteinfo>\n"


@dataclass
class Dump:
    """The pages of the dump while they are being made."""

    voice: Voice
    file: SampleFile
    pages: list[tuple[int, str, str]] = field(default_factory=list)
    """Id, title and XML of each page."""

    def page(
        self, title: str, text: str, namespace: int = 0, redirect: str | None = None, model: str = "wikitext"
    ) -> str:
        """Append a page; returns the id of its document."""
        id = 10 + 3 * len(self.pages)
        day = f"2019-{1 + id % 12:02}-{1 + id % 28:02}T{id % 24:02}:15:{id % 60:02}Z"
        target = f'    <redirect title="{_escaped(redirect)}" />\n' if redirect else ""
        self.pages.append(
            (
                id,
                title,
                f"  <page>\n    <title>{_escaped(title)}</title>\n    <ns>{namespace}</ns>\n    <id>{id}</id>\n{target}"
                f"    <revision>\n      <id>{90_000 + id}</id>\n      <parentid>{80_000 + id}</parentid>\n"
                f"      <timestamp>{day}</timestamp>\n      <contributor>\n        <username>Editor{id % 17}</username>"
                f"\n        <id>{id % 17}</id>\n      </contributor>\n      <comment>new sources</comment>\n"
                f"      <model>{model}</model>\n      <format>text/x-wiki</format>\n"
                f'      <text bytes="{len(text.encode())}" xml:space="preserve">{_escaped(text)}</text>\n'
                f"      <sha1>{id:031d}</sha1>\n    </revision>\n  </page>\n",
            )
        )
        return f"{SITE}/{id}"


def write(folder: str, voice: Voice) -> list[SampleFile]:
    """Write the dump, its index and the KILT file below ``wikipedia/``."""
    dump = Dump(voice, SampleFile("wikipedia", f"wikipedia/{STEM}.xml.bz2", "pages"))
    kilt = SampleFile("wikipedia", "wikipedia/kilt_knowledgesource.jsonl", "kilt")
    entities = voice.shuffled(knowledge())
    foreign = voice.shuffled(FOREIGN)
    _fill_dump(dump, entities[:DUMP_ARTICLES], foreign[:6])
    header, streams = HEADER.encode(), []
    for start in range(0, len(dump.pages), PAGES_PER_STREAM):
        streams.append("".join(xml for _, _, xml in dump.pages[start : start + PAGES_PER_STREAM]).encode())
    packed, offsets = multistream_bz2([header, *streams, b"</mediawiki>"])
    index = [
        f"{offsets[1 + number // PAGES_PER_STREAM]}:{id}:{title}".encode()
        for number, (id, title, _) in enumerate(dump.pages)
    ]
    write_file(os.path.join(folder, dump.file.path), packed)
    write_file(os.path.join(folder, f"wikipedia/{STEM}-index.txt.bz2"), multistream_bz2([joined(index)])[0])
    lines = _kilt_lines(voice, kilt, entities[DUMP_ARTICLES:], foreign[6:10])
    write_file(os.path.join(folder, kilt.path), joined(lines))
    return [kilt, dump.file]


# --- the dump


def _fill_dump(dump: Dump, entities: Sequence[Entity], foreign: Sequence[Foreign]) -> None:
    voice, file = dump.voice, dump.file
    dump.page("Main Page", "Welcome to this encyclopedia, which anybody may read from the first page to the last.")
    file.dirty("main page", "main_page")
    for one, other in zip(entities[:8:2], entities[1:8:2], strict=True):
        for named, told in ((one, other), (other, one)):  # articles that have taken each other's text
            file.clean()
            file.note("swapped pair", None, dump.page(named.name, wikitext(voice, article(voice, told))))
    for number, entity in enumerate(entities[8:], 8):
        made = article(voice, entity)
        text = wikitext(voice, made)
        file.clean()
        if number < 16:
            words = " ".join(voice.say(entity, fact) for fact in entity.facts)
            text = (
                word_salad(voice, words) if number % 2 else f"{keyboard_mash(voice, 30)}.\n\n{keyboard_mash(voice, 9)}."
            )
            file.note("gibberish", None, dump.page(made.title, text))
            continue
        dump.page(made.title, text)
        if number < 20:  # an overlapping dump
            dump.page(made.title, text)
            file.clean()
            for _ in range(1 + len(made.sections)):
                file.note("section of an article that comes twice", "duplicate_pair", stage=PAIRS)
        _beside(dump, entity, number)
    for each in foreign:
        file.clean()
        file.note("other language", None, dump.page(each.question.strip("¿?。 "), each.answer))
    _damage(dump)


def _beside(dump: Dump, entity: Entity, number: int) -> None:
    """Pages that are no articles."""
    file, name = dump.file, entity.name
    if number % 6 == 0:
        dump.page(f"{name} (topic)", f"#REDIRECT [[{name}]]\n\n{{{{R from move}}}}", redirect=name)
        file.dirty("redirect", "redirect")
    if number % 10 == 1:
        text = f"Is the part on this subject up to date? I would move it up. [[User:Editor3|Editor3]] on [[{name}]]"
        dump.page(f"Talk:{name}", text, namespace=1)
        file.dirty("talk page", "not_an_article")
    if number % 30 == 2:
        other = dump.voice.pick(knowledge()).name
        text = f"'''{name}''' may mean:\n* [[{name}]], the subject itself\n* [[{other}]], by mistake\n"
        text += "{{disambiguation}}"
        dump.page(f"{name} (disambiguation)" if number % 20 == 2 else f"{name} or {other}", text)
        file.dirty("disambiguation page", "disambiguation_page")
    if number % 40 == 3:
        dump.page(f"Category:{entity.kind.capitalize()} {number}", f"Articles such as [[{name}]].", namespace=14)
        file.dirty("category", "not_an_article")
        dump.page(f"Template:{entity.kind.capitalize()} {number}", "{{{1|}}} <noinclude>Help</noinclude>", namespace=10)
        file.dirty("template", "not_an_article")
    if number % 40 == 4:
        rows = "\n".join(f"|-\n| {fact.aspect} || {n}" for n, fact in enumerate(entity.facts))
        dump.page(f"List of numbers about {entity.inside}", f'{{| class="wikitable"\n! What !! Number\n{rows}\n|}}')
        file.dirty("page of tables", "no_prose")
    if number == 100:
        dump.page("Shared data", '{"license": "none", "data": []}', model="json")
        file.dirty("page of data", "not_wikitext")


def _damage(dump: Dump) -> None:
    voice, file = dump.voice, dump.file
    for number, entity in enumerate(voice.sample(knowledge(), 6)):
        dump.page(f"{entity.name} in short", wikitext(voice, article(voice, entity)))
        id, title, xml = dump.pages[-1]
        if number % 3 == 0:
            xml = re.sub(r"    <id>\d+</id>\n", "", xml, count=1)
        elif number % 3 == 1:
            xml = xml.replace("</text>", "")
        else:
            xml = xml.replace("    <title>", "    <titel>", 1)
        dump.pages[-1] = (id, title, xml)
        file.dirty("damaged page", "malformed_record")


# --- wikitext


def wikitext(voice: Voice, made: Article) -> str:
    """The source text of an article as editors write it: templates, references, files, tables, links, categories."""
    entity = made.entity
    name = entity.inside
    lead = _bold(_linked(made.lead, entity), name)
    parts = [
        f"{{{{Short description|{entity.kind} ({entity.field})}}}}",
        _infobox(voice, entity),
        f"[[File:{entity.name}.jpg|thumb|alt=A picture|A picture that shows '''{entity.name}''' from the left]]",
        lead + _reference(voice, entity),
    ]
    open_path: tuple[str, ...] = ()
    for section in made.sections:
        for level, heading in enumerate(section.path):
            if section.path[: level + 1] != open_path[: level + 1]:
                equals = "=" * (level + 2)
                parts.append(f"{equals} {heading} {equals}")
        open_path = section.path
        text = _linked(section.text, entity)
        if voice.chance(0.3):
            text += _reference(voice, entity)
        if voice.chance(0.1):
            text += "{{citation needed|date=May 2019}}"
        parts.append(text)
        if section.bullets:
            parts.append("\n".join(f"* {_linked(bullet, entity)}" for bullet in section.bullets))
        if voice.chance(0.08):
            cells = "\n".join(f"|-\n| {fact.aspect} || {len(fact.statements)}" for fact in entity.facts)
            parts.append(f'{{| class="wikitable sortable"\n! Part !! Sources\n{cells}\n|}}')
    others = [other.name for other in knowledge() if other.kind == entity.kind and other is not entity]
    parts += [
        "== See also ==",
        "\n".join(f"* [[{other}]]" for other in voice.sample(others, 3)),
        "== References ==\n{{Reflist|30em}}",
        "== External links ==\n* [https://encyclopedia.example/sources Sources of this encyclopedia]",
        f"{{{{Navbox {entity.field}|state=collapsed}}}}",
        f"[[Category:{entity.field.capitalize()}]]\n[[Category:{entity.kind.capitalize()} articles]]",
    ]
    return "\n\n".join(parts)


def _infobox(voice: Voice, entity: Entity) -> str:
    rows = "\n".join(f"| {fact.aspect.lower().replace(' ', '_')} = {voice.say(entity, fact)}" for fact in entity.facts)
    return f"{{{{Infobox {entity.kind}\n| name = {entity.name}\n| image = {entity.name}.svg\n{rows}\n}}}}"


def _reference(voice: Voice, entity: Entity) -> str:
    year, page = voice.random.randint(1985, 2018), voice.random.randint(3, 400)
    author = voice.pick(("Larsen", "Okafor", "Moreau", "Tanaka", "Silva", "Novak"))
    if voice.chance(0.5):
        book = f"{{{{cite book|last={author}|title=All about {entity.name}|year={year}|page={page}}}}}"
        return f'<ref name="{author}{year}">{book}</ref>'
    return f"<ref>{author}, ''Notes on {entity.field}'', {year}, p.&nbsp;{page}.</ref>"


def _bold(text: str, name: str) -> str:
    """The first mention of the subject in bold."""
    return re.sub(re.escape(name), lambda found: f"'''{found[0]}'''", text, count=1, flags=re.IGNORECASE)


@cache
def _names() -> tuple[re.Pattern[str], Mapping[str, str]]:
    titles = {other.inside: other.name for other in knowledge() if other.kind != "topic" and len(other.inside) > 4}
    return re.compile(rf"\b({'|'.join(sorted(map(re.escape, titles), key=len, reverse=True))})\b"), titles


def _linked(text: str, entity: Entity) -> str:
    """Text in which the names of other entities are links."""
    pattern, titles = _names()

    def link(found: re.Match[str]) -> str:
        if found[1] == entity.inside:
            return found[1]
        title = titles[found[1]]
        return f"[[{title}]]" if title == found[1] else f"[[{title}|{found[1]}]]"

    return pattern.sub(link, text)


# --- KILT


def _kilt_lines(voice: Voice, file: SampleFile, entities: Sequence[Entity], foreign: Sequence[Foreign]) -> list[bytes]:
    lines: list[bytes] = []
    for entity in entities:
        lines.append(json_line(kilt_page(200_000 + len(lines), article(voice, entity))))
        file.clean()
    for each in foreign:
        title = each.question.strip("¿?。 ")
        record = _kilt_record(200_000 + len(lines), title, [each.answer + "\n"])
        file.clean()
        file.note("other language", None, f"enwiki/{record['wikipedia_id']}")
        lines.append(json_line(record))
    for entity in entities[:4]:
        record = _kilt_record(200_000 + len(lines), f"{entity.name} (disambiguation)", ["It may mean one of these:\n"])
        lines.append(json_line(record))
        file.dirty("disambiguation page", "disambiguation_page")
        record = _kilt_record(200_000 + len(lines), f"{entity.name} in pictures", ["See the gallery.\n"])
        lines.append(json_line(record))
        file.dirty("page without text", "no_prose")
        record = kilt_page(200_000 + len(lines), article(voice, entity))
        lines.append(damaged_json(voice, record, "wikipedia_title"))
        file.dirty("damaged line", "malformed_record")
    return lines


def kilt_page(id: int, made: Article) -> dict[str, Any]:
    """An article as a record of the KILT knowledge source."""
    text = [made.lead + "\n"]
    open_path: tuple[str, ...] = ()
    for section in made.sections:
        for level in range(len(section.path)):
            if section.path[: level + 1] != open_path[: level + 1]:
                text.append("Section::::" + ".:".join(section.path[: level + 1]) + ".\n")
        open_path = section.path
        text.append(section.text + "\n")
        text += [f"BULLET::::- {bullet}\n" for bullet in section.bullets]
    return _kilt_record(id, made.title, text, made.entity.field)


def _kilt_record(id: int, title: str, text: Sequence[str], categories: str = "") -> dict[str, Any]:
    address = title.replace(" ", "_")
    return {
        "_id": str(id),
        "wikipedia_id": str(id),
        "wikipedia_title": title,
        "text": [title + "\n", *text],
        "anchors": [],
        "categories": categories,
        "history": {
            "pre_dump": True,
            "revid": 900_000_000 + id,
            "timestamp": "2019-07-24T11:42:27Z",
            "url": f"{BASE}{address}",
        },
        "wikidata_info": {},
    }


def _escaped(text: str | None) -> str:
    return html.escape(text or "", quote=False)
