from __future__ import annotations

import bz2
import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.errors import DamagedInput, WrongSource
from pipelines import wiki_dump
from pipelines.inputs import InputFile, Meter
from pipelines.wiki_dump import BadPage, Page, PageScanner, parse_page, read_wiki, split_ranges

HEADER = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>enwiki</dbname>
    <base>https://en.wikipedia.org/wiki/Main_Page</base>
    <namespaces>
      <namespace key="-1" case="first-letter">Special</namespace>
      <namespace key="0" case="first-letter" />
      <namespace key="6" case="first-letter">File</namespace>
      <namespace key="14" case="first-letter">Category &amp; more</namespace>
    </namespaces>
  </siteinfo>
"""
END = "</mediawiki>\n"


def page(id: int, title: str = "Iron", text: str = "Iron is a metal.") -> str:
    return f"""  <page>
    <title>{title}</title>
    <ns>0</ns>
    <id>{id}</id>
    <revision>
      <id>{id + 1000}</id>
      <timestamp>2020-01-02T03:04:05Z</timestamp>
      <contributor><username>Someone</username><id>7</id></contributor>
      <model>wikitext</model>
      <text bytes="16" xml:space="preserve">{text}</text>
    </revision>
  </page>
"""


def write(folder: Path, content: str | bytes, name: str = "enwiki-pages-articles.xml") -> InputFile:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return InputFile(str(path), "pages", path.stat().st_size)


def pages_in(file: InputFile) -> list[Page | BadPage]:
    pages = list(read_wiki(file)[1])
    assert file.meter.records == len(pages)
    return pages


def ids_in(file: InputFile) -> list[int | str]:
    return [page.id if isinstance(page, Page) else page.reason for page in pages_in(file)]


def test_header_and_pages(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER + page(1, "AT&amp;T", "a &lt; b &amp;amp; &quot;c&quot;") + page(2) + END)
    wiki, pages = read_wiki(file)
    assert (wiki.dbname, wiki.base, wiki.language) == ("enwiki", "https://en.wikipedia.org/wiki/Main_Page", "en")
    assert wiki.namespaces == {-1: "Special", 6: "File", 14: "Category & more"}
    assert list(pages) == [
        Page(1, "AT&T", 0, False, "wikitext", "2020-01-02T03:04:05Z", 'a < b &amp; "c"'),
        Page(2, "Iron", 0, False, "wikitext", "2020-01-02T03:04:05Z", "Iron is a metal."),
    ]


def test_header_without_siteinfo(tmp_path: Path) -> None:
    wiki, pages = read_wiki(write(tmp_path, "<mediawiki>" + page(1) + END))
    assert (wiki.dbname, wiki.base, wiki.namespaces) == (None, None, {})
    assert len(list(pages)) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("compress", [bytes, bz2.compress, gzip.compress])
def test_encodings_and_compressions(tmp_path: Path, encoding: str, compress: type[bytes]) -> None:
    text = HEADER + page(1, "Желязо", "鐵 is iron. 😀") + END
    assert [page for page in pages_in(write(tmp_path, compress(text.encode(encoding)))) if isinstance(page, Page)] == [
        Page(1, "Желязо", 0, False, "wikitext", "2020-01-02T03:04:05Z", "鐵 is iron. 😀")
    ]


def test_other_encodings_are_refused_with_the_way_out(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="koi8-r"?>' + HEADER + page(1) + END
    with pytest.raises(DamagedInput, match=r"is in koi8-r; convert it to UTF-8"):
        read_wiki(write(tmp_path, text))


def test_utf_16_that_ends_inside_a_character(tmp_path: Path) -> None:
    with pytest.raises(DamagedInput, match="utf-16"):
        pages_in(write(tmp_path, (HEADER + page(1) + END).encode("utf-16") + b"\x00"))


def parsed(chunk: str) -> Page | BadPage:
    return parse_page(chunk.encode())


def test_fields_of_a_page() -> None:
    chunk = "<title>A</title><ns>14</ns><id>5</id><redirect title='B' /><revision><id>9</id><text/></revision>"
    assert parsed(chunk) == Page(5, "A", 14, True, "wikitext", None, "")
    deleted = "<title>A</title><id>5</id><revision><model>css</model><text deleted='deleted' /></revision>"
    assert parsed(deleted) == Page(5, "A", 0, False, "css", None, "")


def test_the_latest_revision_counts() -> None:
    chunk = "<title>A</title><id>5</id>" + "".join(
        f"<revision><timestamp>{year}</timestamp><text>of {year}</text></revision>" for year in (2001, 2002)
    )
    assert parsed(chunk) == Page(5, "A", 0, False, "wikitext", "2002", "of 2002")


@pytest.mark.parametrize(
    "chunk",
    [
        "<title>A</title><id>5</id>",
        "<title>A</title><id>5</id><revision><text>cut",
        "<title>A</title><id>5</id><revision><text>a<b></text></revision>",
        "<title>A</title><id>x</id><revision><text>a</text></revision>",
        "<id>5</id><revision><text>a</text></revision>",
        "<title>A</title><revision><id>5</id><text>a</text></revision>",
        "<title>A</title><id>5</id><revision><text>&bomb;</text></revision>",
        "<title>A</title><id>5</id><revision><text>&#xD800;</text></revision>",
    ],
)
def test_malformed_pages(chunk: str) -> None:
    found = parsed(chunk)
    assert isinstance(found, BadPage)
    assert found.reason == "malformed"


def test_text_that_is_not_utf_8_is_malformed() -> None:
    found = parse_page(b"<title>A</title><id>5</id><revision><text>\xff</text></revision>")
    assert isinstance(found, BadPage)


def test_a_malformed_page_costs_that_page_alone(tmp_path: Path) -> None:
    lost_end = page(2).replace("</page>", "")
    lost_beginning = page(4).replace("<page>", "")
    broken = page(6).replace("</text>", "")
    text = HEADER + page(1) + lost_end + page(3) + lost_beginning + page(5) + broken + page(7) + END
    assert ids_in(write(tmp_path, text)) == [1, "malformed", 3, "malformed", 5, "malformed", 7]


def test_a_page_that_is_too_large_costs_that_page_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiki_dump, "MAX_PAGE", 2000)
    monkeypatch.setattr(wiki_dump, "BLOCK", 500)
    text = HEADER + page(1) + page(2, text="a" * 5000) + page(3) + END
    assert ids_in(write(tmp_path, text)) == [1, "too_large", 3]
    with pytest.raises(DamagedInput, match="ends inside a page"):
        pages_in(write(tmp_path, text[:-3000]))


BOMB = '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "text", [BOMB + HEADER + page(1) + END, HEADER + BOMB + page(1) + END, HEADER + page(1) + BOMB]
)
def test_document_types_are_not_read(tmp_path: Path, text: str) -> None:
    with pytest.raises(DamagedInput, match="document type"):
        pages_in(write(tmp_path, text))


@pytest.mark.parametrize("text", ["", "{}", "<posts>\n</posts>", "<html><p>mediawiki</p></html>", "a" * 3_000_000])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(WrongSource, match="should begin with <mediawiki>"):
        read_wiki(write(tmp_path, text))


WHOLE = HEADER + page(1) + page(2) + END


@pytest.mark.parametrize("cut", range(len(HEADER) + 10, len(WHOLE) - len(END) + 5, 97))
def test_a_dump_that_is_cut_off(tmp_path: Path, cut: int) -> None:
    with pytest.raises(DamagedInput, match="truncated"):
        pages_in(write(tmp_path, WHOLE[:cut]))


def test_a_compressed_dump_that_is_cut_off_or_corrupt(tmp_path: Path) -> None:
    packed = bz2.compress((HEADER + "".join(map(page, range(2000))) + END).encode())
    with pytest.raises(DamagedInput, match="ends too early"):
        pages_in(write(tmp_path, packed[: len(packed) // 2]))
    middle = len(packed) // 2
    with pytest.raises(DamagedInput, match="corrupt"):
        pages_in(write(tmp_path, packed[:middle] + bytes(64) + packed[middle + 64 :]))


def in_blocks(text: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    stream = io.BytesIO(text)
    for size in sizes:
        yield stream.read(size)
    yield stream.read()


@given(st.lists(st.integers(1, 400), max_size=30))
def test_blocks_may_be_cut_anywhere(sizes: list[int]) -> None:
    text = (HEADER + page(1) + page(2).replace("</page>", "") + page(3, text="Ж" * 50) + END).encode()
    scanner = PageScanner(filter(None, in_blocks(text, sizes)), "dump", Meter())
    assert scanner.header().decode() == HEADER + "  "
    found = [chunk if isinstance(chunk, BadPage) else parse_page(chunk) for chunk in scanner]
    assert [page.id if isinstance(page, Page) else page.reason for page in found] == [1, "malformed", 3]


# --- multistream


def multistream(folder: Path, streams: Sequence[Sequence[int]], *, index: str | None = ".txt.bz2") -> InputFile:
    """A dump with the pages of these ids in each stream, and its index."""
    content = bz2.compress(HEADER.encode())
    lines = []
    for ids in streams:
        lines += [f"{len(content)}:{id}:Title: {id}\n" for id in ids]
        content += bz2.compress("".join(page(id, text=f"{id} " * 30) for id in ids).encode())
    content += bz2.compress(END.encode())
    if index:
        packed = "".join(lines).encode()
        name = f"xwiki-1-pages-articles-multistream-index{index}"
        (folder / name).write_bytes(bz2.compress(packed) if index.endswith("bz2") else packed)
    return write(folder, content, "xwiki-1-pages-articles-multistream.xml.bz2")


def piece(file: InputFile, begin: int, end: int) -> InputFile:
    return InputFile(file.uri, file.form, file.size, begin=begin, end=end)


@pytest.fixture
def tiny_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiki_dump, "SMALLEST_SPLIT", 1)


@pytest.mark.usefixtures("tiny_splits")
@pytest.mark.parametrize("index", [".txt.bz2", ".txt"])
def test_splits_lose_and_double_no_page(tmp_path: Path, index: str) -> None:
    streams = [range(start, start + 1 + start % 7) for start in range(0, 700, 10)]
    file = multistream(tmp_path, streams, index=index)
    ranges = split_ranges(file)
    assert len(ranges) > 8
    assert [begin for begin, _ in ranges[1:]] == [end for _, end in ranges[:-1]]
    assert (ranges[0][0], ranges[-1][1]) == (0, file.size)
    apart = [ids_in(piece(file, begin, end)) for begin, end in ranges]
    assert all(apart)
    assert [id for ids in apart for id in ids] == [id for ids in streams for id in ids] == ids_in(file)


@pytest.mark.usefixtures("tiny_splits")
@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=40))
def test_splits_of_any_streams(sizes: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    streams = [range(number * 10, number * 10 + size) for number, size in enumerate(sizes)]
    file = multistream(tmp_path_factory.mktemp("dump"), streams)
    ids = [id for begin, end in split_ranges(file) for id in ids_in(piece(file, begin, end))]
    assert ids == [id for ids in streams for id in ids]


@pytest.mark.usefixtures("tiny_splits")
def test_every_split_knows_the_header(tmp_path: Path) -> None:
    file = multistream(tmp_path, [[1], [2], [3]])
    ranges = split_ranges(file)
    assert len(ranges) == 3
    assert {read_wiki(piece(file, *range_))[0].dbname for range_ in ranges} == {"enwiki"}


def test_small_dumps_are_not_split(tmp_path: Path) -> None:
    file = multistream(tmp_path, [[1], [2], [3]])
    assert split_ranges(file) == [(0, file.size)]


def test_dumps_without_their_index_are_read_whole(tmp_path: Path) -> None:
    file = multistream(tmp_path, [[1], [2]], index=None)
    assert split_ranges(file) == []
    assert ids_in(file) == [1, 2]
    other = write(tmp_path, bz2.compress(WHOLE.encode()), "xwiki-1-pages-articles.xml.bz2")
    assert split_ranges(other) == []


def test_names_of_indexes() -> None:
    folder = "gs://bucket/enwiki-1-pages-articles"
    for name, index in (("", "-index.txt"), ("12", "-index12.txt")):
        for part in ("", "-p1p41242"):
            dump = InputFile(f"{folder}-multistream{name}.xml{part}.bz2", "pages")
            assert wiki_dump.index_addresses(dump) == (
                f"{folder}-multistream{index}{part}.bz2",
                f"{folder}-multistream{index}{part}",
            )
    assert wiki_dump.index_addresses(InputFile(f"{folder}.xml.bz2", "pages")) == ()


def test_what_opens_a_dump_opens_its_index() -> None:
    dump = InputFile("https://me:SECRET@host/xwiki-multistream.xml.bz2?token=xwiki-multistream.xml.bz2", "pages")
    assert wiki_dump.index_addresses(dump) == (
        "https://me:SECRET@host/xwiki-multistream-index.txt.bz2?token=xwiki-multistream.xml.bz2",
        "https://me:SECRET@host/xwiki-multistream-index.txt?token=xwiki-multistream.xml.bz2",
    )


@pytest.mark.usefixtures("tiny_splits")
def test_an_index_that_is_not_of_the_dump(tmp_path: Path) -> None:
    file = multistream(tmp_path, [[1], [2], [3]])
    (tmp_path / "xwiki-1-pages-articles-multistream-index.txt.bz2").write_bytes(
        bz2.compress(b"20:1:A\n70:2:B\n90:3:C\n")
    )
    wrong = split_ranges(file)[1]
    with pytest.raises(DamagedInput, match="its index belongs to another file"):
        read_wiki(piece(file, *wrong))


@pytest.mark.parametrize("index", [b"", b"no index\n", b"99999999:1:A\n"])
def test_indexes_that_cannot_be_used(tmp_path: Path, index: bytes) -> None:
    file = multistream(tmp_path, [[1], [2], [3]])
    (tmp_path / "xwiki-1-pages-articles-multistream-index.txt.bz2").write_bytes(bz2.compress(index))
    with pytest.raises(DamagedInput, match="index"):
        split_ranges(file)


@pytest.mark.usefixtures("tiny_splits")
def test_a_multistream_dump_that_is_cut_off(tmp_path: Path) -> None:
    file = multistream(tmp_path, [[1], [2], [3]])
    ranges = split_ranges(file)
    content = Path(file.uri).read_bytes()
    for length in (len(content) - 20, ranges[-1][0] + 30):
        Path(file.uri).write_bytes(content[:length])
        with pytest.raises(DamagedInput):
            pages_in(piece(file, ranges[-1][0], len(content)))
        with pytest.raises(DamagedInput):
            pages_in(InputFile(file.uri, "pages", length))
    assert ids_in(piece(file, *ranges[0])) == [1]
