from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd

from ccpairs.errors import DamagedInput, UserError
from pipelines.discover import find_inputs
from pipelines.texts import Tally, TextFiles, TextSettings, read_texts

EXPORT = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="en">
<siteinfo><dbname>enwiki</dbname></siteinfo>
<page><title>Iron</title><ns>0</ns><id>1</id><revision><id>2</id><model>wikitext</model>
<text>'''Iron''' is a [[metal]] that has been used by people since antiquity for tools.

== History ==
The oldest objects of iron that we know of were made from the metal of meteorites.</text></revision></page>
</mediawiki>"""


def read(*paths: Path, distinct: bool = False, tally: Tally | None = None, **settings: str) -> list[str]:
    source = TextFiles(TextSettings(**settings))
    files = find_inputs(source, [str(path) for path in paths]).files
    return list(read_texts(source, files, tally or Tally(), distinct=distinct))


@pytest.mark.parametrize(
    ("name", "pack"), [("a.txt", bytes), ("a.txt.gz", gzip.compress), ("a.txt.zst", zstd.compress)]
)
def test_lines_of_text(tmp_path: Path, name: str, pack: type[bytes]) -> None:
    (tmp_path / name).write_bytes(pack("one\n\nzwei \xfc\n".encode()))
    assert read(tmp_path / name) == ["one", "", "zwei ü"]


def test_fields_of_json_lines(tmp_path: Path) -> None:
    lines = [
        '{"text": "a &amp; b", "title": "t"}',
        '{"passage": "first", "text": "second"}',
        "{",
        '{"text": 3}',
        '{"x": ""}',
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    tally = Tally()
    assert read(tmp_path / "a.jsonl", tally=tally) == ["a & b", "first"]
    assert (tally.texts, tally.malformed) == (2, 3)
    assert read(tmp_path / "a.jsonl", column="title,text") == ["t", "second"]


def test_markdown_of_reddit(tmp_path: Path) -> None:
    posts = [{"title": "t", "selftext": "a **bold** [link](http://x.org) &gt; b"}, {"body": "plain"}]
    packed = zstd.compress("\n".join(map(json.dumps, posts)).encode())
    (tmp_path / "RS_2013-08.zst").write_bytes(packed)
    assert read(tmp_path / "RS_2013-08.zst") == ["a bold link > b", "plain"]


def test_a_column_of_shards_in_the_wanted_language(tmp_path: Path) -> None:
    table = pa.table(
        {"passage": ["one", "eins", None, "two"], "language": ["en", "de", "en", None], "query": ["q"] * 4}
    )
    pq.write_table(table, tmp_path / "s-00000-of-00001.parquet")
    (tmp_path / "_manifest.json").write_text("{}")
    pq.write_table(pa.table({"passage": ["left out"]}), tmp_path / "s.rejects.parquet")
    assert read(tmp_path) == ["one", "eins", "two"]
    assert read(tmp_path, language="en") == ["one", "two"]
    assert read(tmp_path, column="query", language="de") == ["q", "q"]
    with pytest.raises(UserError, match="no column body; --column takes one of passage, language, query"):
        read(tmp_path, column="body")


def test_sections_of_articles(tmp_path: Path) -> None:
    (tmp_path / "enwiki-latest-pages-articles.xml.bz2").write_bytes(bz2.compress(EXPORT.encode()))
    opening = "Iron is a metal that has been used by people since antiquity for tools."
    history = "The oldest objects of iron that we know of were made from the metal of meteorites."
    assert read(tmp_path) == [opening]
    assert read(tmp_path, sections="all") == [opening, history]


def test_a_text_that_comes_again_is_left_out_on_request(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("same\nonly in " + name)
    tally = Tally()
    assert read(tmp_path, distinct=True, tally=tally) == ["same", "only in a.txt", "only in b.txt"]
    assert (tally.texts, tally.repeated) == (3, 1)


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DamagedInput, match="no sound Parquet file"):
        read(tmp_path / "a.parquet")
