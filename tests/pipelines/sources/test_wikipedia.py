from __future__ import annotations

import bz2
import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.errors import DamagedInput, WrongSource
from ccpairs.pair import Pair
from filters.text import plain
from pipelines.inputs import InputFile
from pipelines.opt_out import parse_opt_out
from pipelines.source import Reject
from pipelines.sources.wikipedia import DumpReader, Wikipedia, WikipediaSettings
from pipelines.wiki_dump import BadPage, Page, Wiki

NAMESPACES = {1: "Talk", 6: "File", 14: "Category"}
WIKI = Wiki("enwiki", "https://en.wikipedia.org/wiki/Main_Page", "en", NAMESPACES)
TEXT = "Iron is a metal that rusts in wet air and is drawn to magnets."
CREATED = int(datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp())


def source(opt_out: str = "", **settings: Any) -> Wikipedia:
    return Wikipedia(WikipediaSettings(**settings), opt_out=parse_opt_out(opt_out))


def outcome(text: str = TEXT, *, wiki: Wiki = WIKI, opt_out: str = "", settings: Any = None, **fields: Any) -> Any:
    values: dict[str, Any] = {"id": 7, "title": "Iron", "namespace": 0, "redirect": False, "model": "wikitext"}
    page = Page(**{**values, "timestamp": "2020-01-02T03:04:05Z", "text": text, **fields})
    return DumpReader(source(opt_out, **(settings or {})), wiki, "enwiki").outcome(page)


def queries(pairs: Any) -> list[str]:
    return [pair.query for pair in pairs]


def test_pairs_of_a_page() -> None:
    shared: dict[str, Any] = {
        "query_doc": "enwiki/7",
        "passage_doc": "enwiki/7",
        "url": "https://en.wikipedia.org/wiki/Iron",
        "license": "CC BY-SA 3.0",
        "created": CREATED,
    }
    assert outcome(f"'''{TEXT}'''\n== Use ==\n{TEXT}\n=== In ''war'' ===\n{TEXT}") == [
        Pair("Iron", TEXT, "title_passage", **shared),
        Pair("Iron: Use", TEXT, "section_passage", **shared),
        Pair("Iron: Use: In war", TEXT, "section_passage", **shared),
    ]


def test_long_sections_are_cut_at_a_sentence() -> None:
    pairs = outcome("One is one. " * 20 + "Two.", settings={"max_section_chars": 30})
    assert [pair.passage for pair in pairs] == ["One is one. One is one."]


def test_short_sections_are_left_out() -> None:
    text = f"{TEXT}\n== Use ==\nIt is used."
    assert queries(outcome(text)) == ["Iron"]
    assert queries(outcome(text, settings={"min_section_letters": 5})) == ["Iron", "Iron: Use"]


def test_a_han_character_says_more_than_a_letter() -> None:
    assert queries(outcome("铁是一种会在潮湿空气中生锈的金属。" + "磁铁吸引它。", title="铁")) == ["铁"]


def test_the_licence_follows_the_time_and_is_null_where_unknown() -> None:
    def license(**values: Any) -> str | None:
        return str(outcome(**values)[0].license) if outcome(**values)[0].license else None

    assert license(timestamp="2023-06-06T23:59:59Z") == "CC BY-SA 3.0"
    assert license(timestamp="2023-06-07T00:00:00Z") == "CC BY-SA 4.0"
    assert license(timestamp=None) is None
    assert license(timestamp="yesterday") is None
    assert license(wiki=Wiki("awiki", "https://wiki.example.org/wiki/Main", "en", NAMESPACES)) is None
    assert license(wiki=Wiki()) is None


def test_urls() -> None:
    (pair,) = outcome(title='AC/DC: Who? "50 %" ж', wiki=WIKI)
    assert pair.url == "https://en.wikipedia.org/wiki/AC/DC:_Who%3F_%2250_%25%22_%D0%B6"
    (pair,) = outcome(wiki=Wiki())
    assert pair.url is None


REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "talk page": ({"namespace": 1, "title": "Talk:Iron"}, "not_an_article"),
    "talk page of an old dump": ({"title": "Talk:Iron"}, "not_an_article"),
    "redirect": ({"redirect": True}, "redirect"),
    "redirect of an old dump": ({"text": "#REDIRECT [[Iron]]"}, "redirect"),
    "redirect in another language": ({"text": "#перенаправление [[Железо]]"}, "redirect"),
    "main page": ({"title": "Main Page"}, "main_page"),
    "disambiguation by its title": ({"title": "Iron (disambiguation)"}, "disambiguation_page"),
    "disambiguation by its template": ({"text": TEXT + "{{disambig}}"}, "disambiguation_page"),
    "style sheet": ({"model": "css"}, "not_wikitext"),
    "nothing": ({"text": ""}, "no_prose"),
    "only a list": ({"text": "* " + "\n* ".join(["a thing of iron"] * 20)}, "no_prose"),
    "only a table": ({"text": "{|\n|" + TEXT + "\n|}"}, "no_prose"),
    "only sources": ({"text": "== References ==\n" + TEXT}, "no_prose"),
}


@pytest.mark.parametrize("case", REJECTED)
def test_rejects(case: str) -> None:
    fields, reason = REJECTED[case]
    assert outcome(**fields).reason == reason


def test_articles_with_a_colon_in_their_title_stay() -> None:
    assert queries(outcome(title="Star Wars: Episode IV")) == ["Star Wars: Episode IV"]


def test_titles_of_other_namespaces_are_not_kept_for_they_may_be_names_of_users() -> None:
    assert outcome(namespace=2, title="User:Someone") == Reject("not_an_article", detail="namespace 2")


def test_bad_pages() -> None:
    reader = DumpReader(source(), WIKI, "enwiki")
    assert reader.outcome(BadPage("malformed", "why")) == Reject("malformed_record", detail="why")
    assert reader.outcome(BadPage("too_large", "why")) == Reject("page_too_large", detail="why")


@pytest.mark.parametrize("entry", ["id:enwiki/7", "domain:wikipedia.org", "https://en.wikipedia.org/wiki/Iron"])
def test_opt_out(entry: str) -> None:
    assert outcome(opt_out=entry) == Reject("opted_out")


@given(st.text(max_size=60), st.text(max_size=200))
def test_any_page_has_one_outcome(title: str, text: str) -> None:
    found = outcome(text + TEXT, title=title)
    if not isinstance(found, Reject):
        for pair in found:
            assert pair.passage == plain(pair.passage) != ""


# --- files


PAGE = """<page><title>{title}</title><ns>{ns}</ns><id>{id}</id><revision><timestamp>2020-01-02T03:04:05Z</timestamp>
<text>{text}</text></revision></page>
"""
HEADER = "<mediawiki><siteinfo><dbname>enwiki</dbname></siteinfo>\n"


def dump(*pages: tuple[int, int, str]) -> str:
    body = "".join(PAGE.format(id=id, ns=ns, title=f"Iron {id}", text=text) for id, ns, text in pages)
    return HEADER + body + "</mediawiki>\n"


def write(path: Path, content: bytes | str, form: str = "pages") -> InputFile:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return InputFile(str(path), form, path.stat().st_size)


def test_one_outcome_per_page(tmp_path: Path) -> None:
    text = dump((1, 0, TEXT), (2, 1, TEXT), (3, 0, "")).replace("<id>3</id>", "<id>x</id>")
    file = write(tmp_path / "enwiki-pages-articles.xml.bz2", bz2.compress(text.encode("utf-16")))
    outcomes = list(source().read(file))
    assert [getattr(each, "reason", "kept") for each in outcomes] == ["kept", "not_an_article", "malformed_record"]
    assert file.meter.records == 3


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("simplewiki-20200101-pages-articles.xml", "simplewiki"),
        ("roa_rupwiki-latest-pages-articles4.xml-p1p20.bz2", "roa_rupwiki"),
        ("export.xml", "export"),
    ],
)
def test_the_site_by_the_files_name_where_the_header_has_none(tmp_path: Path, name: str, site: str) -> None:
    file = write(tmp_path / name, dump((1, 0, TEXT)).replace("<dbname>enwiki</dbname>", ""))
    (pairs,) = source().read(file)
    assert isinstance(pairs, list)
    assert pairs[0].query_doc == f"{site}/1"


FORMS = {
    "enwiki-latest-pages-articles.xml.bz2": "pages",
    "enwiki-20200101-pages-articles-multistream.xml.bz2": "pages",
    "enwiki-20200101-pages-articles-multistream1.xml-p1p41242.bz2": "pages",
    "Wikipedia-20200101.xml": "pages",
    "ltgwiki.xml.gz": "pages",
    "kilt_knowledgesource.json": "kilt",
    "kilt.jsonl.gz": "kilt",
    "enwiki-20200101-pages-articles-multistream-index.txt.bz2": None,
    "enwiki-20200101-pages-articles-multistream-index1.txt-p1p41242.bz2": None,
    "enwiki-20200101-stub-articles.xml.gz": None,
    "enwiki-20200101-abstract.xml.gz": None,
    "enwiki-20200101-pages-logging.xml.gz": None,
    "enwiki-20200101-pages-meta-history1.xml-p1p2.bz2": None,
    "enwiki-20200101-page.sql.gz": None,
    "dumpstatus.json": None,
    "Posts.xml": None,
    "beer.stackexchange.com-Posts.xml.gz": None,
    "README.md": None,
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(name: str) -> None:
    assert source().form_of(name) == FORMS[name]


def test_sniffing() -> None:
    pages, kilt = InputFile("a.xml", "pages"), InputFile("a.json", "kilt")
    source().sniff(pages, dump((1, 0, TEXT)).encode())
    source().sniff(pages, dump((1, 0, TEXT)).encode("utf-16")[:101])
    source().sniff(pages, b'<?xml version="1.0" encoding="utf-8"?>\n<mediawiki>')
    source().sniff(pages, b'<?xml version="1.0" encoding="koi8-r"?><mediawiki>')  # fails when it is read
    source().sniff(kilt, kilt_line().encode()[:60])
    with pytest.raises(WrongSource, match="should begin with <mediawiki>"):
        source().sniff(pages, b"<posts>\n")
    with pytest.raises(WrongSource, match="should hold a KILT page a line"):
        source().sniff(kilt, b'{"link_id": 1}\n')


def test_split_needs_an_index_that_fits(tmp_path: Path) -> None:
    packed = bz2.compress(dump((1, 0, TEXT)).encode())
    file = write(tmp_path / "xwiki-pages-articles-multistream.xml.bz2", packed)
    assert source().split(file) == []
    index = tmp_path / "xwiki-pages-articles-multistream-index.txt.bz2"
    index.write_bytes(bz2.compress(b"0:1:Iron 1\n"))
    assert source().split(file) == [(0, file.size)]
    index.write_bytes(b"BZh9 damaged")
    assert source().split(file) == ()
    assert source().split(InputFile("kilt.jsonl", "kilt", 10)) == ()


# --- KILT


def kilt_line(**fields: Any) -> str:
    values = {
        "wikipedia_id": "7",
        "wikipedia_title": "Iron",
        "text": [
            "Iron\n",
            f"{TEXT} (; born 1815)\n",
            "Section::::History.\n",
            "Section::::History.:Iron age.\n",
            f"{TEXT}\n",
            "BULLET::::- nails\n",
            "BULLET::::- bells\n",
            "Section::::Use.\n",
            "BULLET::::- " + "\nBULLET::::- ".join(["nails"] * 3) + "\n",
            "Section::::See also.\n",
            f"{TEXT}\n",
        ],
        "categories": "Metals,Magnets",
        "anchors": [{"text": "metal", "href": "Metal", "paragraph_id": 1, "start": 10, "end": 15}],
        "history": {"revid": "908489046", "timestamp": "2020-01-02T03:04:05Z", "pre_dump": True},
    }
    return json.dumps({**values, **fields})


def kilt(tmp_path: Path, *lines: str, opt_out: str = "") -> list[Any]:
    file = write(tmp_path / "kilt_knowledgesource.json", "\n".join(lines) + "\n", "kilt")
    outcomes = list(source(opt_out).read(file))
    assert file.meter.records == len(outcomes)
    return outcomes


def test_kilt_pages(tmp_path: Path) -> None:
    shared: dict[str, Any] = {
        "query_doc": "enwiki/7",
        "passage_doc": "enwiki/7",
        "url": "https://en.wikipedia.org/wiki/Iron",
        "license": "CC BY-SA 3.0",
        "created": CREATED,
    }
    assert kilt(tmp_path, kilt_line()) == [
        [
            Pair("Iron", f"{TEXT} (born 1815)", "title_passage", **shared),
            Pair("Iron: History: Iron age", f"{TEXT} nails; bells.", "section_passage", **shared),
        ]
    ]


def test_kilt_rejects(tmp_path: Path) -> None:
    outcomes = kilt(
        tmp_path,
        kilt_line(text=["Iron\n"]),
        kilt_line(text=[]),
        kilt_line(wikipedia_title="Iron (disambiguation)"),
        kilt_line(categories="Metals,Disambiguation pages"),
        "",
        '{"wikipedia_id": "7"}',
        kilt_line()[:-10],
        kilt_line(text="Iron"),
        "[" * 100_000,
        kilt_line(history=None),
    )
    assert [getattr(each, "reason", "kept") for each in outcomes] == [
        *("no_prose", "no_prose", "disambiguation_page", "disambiguation_page"),
        *("malformed_record", "malformed_record", "malformed_record", "malformed_record", "kept"),
    ]
    assert [each.position for each in outcomes[4:8]] == ["line 6", "line 7", "line 8", "line 9"]
    assert kilt(tmp_path, kilt_line(), opt_out="id:enwiki/7") == [Reject("opted_out")]


@given(st.lists(st.text(max_size=40) | st.sampled_from(["Section::::A.", "Section::::A.:B.", "BULLET::::- a", TEXT])))
def test_any_kilt_text(paragraphs: list[str]) -> None:
    from pipelines.sources.wikipedia import kilt_sections

    for section in kilt_sections(paragraphs, 1000):
        assert section.text == plain(section.text) != ""


# --- real dumps


def counts(file: Path) -> tuple[Counter[str], list[Pair]]:
    outcomes = list(source().read(InputFile(str(file), "pages", file.stat().st_size)))
    found: Counter[str] = Counter()
    pairs: list[Pair] = []
    for each in outcomes:
        if isinstance(each, Reject):
            found[each.reason] += 1
        else:
            assert isinstance(each, list)
            found["kept"] += 1
            pairs += each
    return found, pairs


def test_real_articles(real_data: Path) -> None:
    found, pairs = counts(real_data / "wikipedia" / "enwiki-shortened-pages-articles.xml.bz2")
    assert found == {"kept": 97, "redirect": 99, "disambiguation_page": 8, "not_an_article": 1, "no_prose": 1}
    assert len(pairs) > 1600
    residue = re.compile(r"\[\[|\]\]|\{\{|\}\}|''|==|\|-|<ref|</|&nbsp;|File:|Category:|\( | \)|\(\)| ,")
    assert [pair.query for pair in pairs if residue.search(pair.passage + pair.query)] == []
    assert all(50 <= len(pair.passage) <= 1000 for pair in pairs)
    by_query = {pair.query: pair.passage for pair in pairs}
    assert by_query["Abraham Lincoln"].startswith("Abraham Lincoln (February 12, 1809 – April 15, 1865) was the 16th")
    assert "Achilles: References" not in by_query


def test_real_utf_16_and_whole_wiki(real_data: Path) -> None:
    found, pairs = counts(real_data / "wikipedia" / "bgwiki-utf16-pages-articles.xml.bz2")
    assert found == {"kept": 1, "not_an_article": 2}
    assert pairs[0].query == "Григориански календар"
    found, _ = counts(real_data / "wikipedia" / "ltgwiki-pages-articles.xml.bz2")
    assert sum(found.values()) == 2004


def test_real_dump_cut_off(real_data: Path, tmp_path: Path) -> None:
    packed = (real_data / "wikipedia" / "enwiki-shortened-pages-articles.xml.bz2").read_bytes()
    file = write(tmp_path / "enwiki-pages-articles.xml.bz2", packed[: len(packed) * 2 // 3])
    with pytest.raises(DamagedInput, match="truncated"):
        list(source().read(file))
