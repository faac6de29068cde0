"""The containers of the sample dumps are those of the real ones, and equal seeds give equal bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import re
import sys
from pathlib import Path
from typing import Any

import py7zr
import pytest
from fastwarc.warc import ArchiveIterator

from pipelines.samples import SampleReport, write_samples
from pipelines.samples.__main__ import main

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MULTISTREAM = "wikipedia/samplewiki-20200101-pages-articles-multistream"


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_in_whatever_company(tmp_path: Path, samples: Any) -> None:
    write_samples(str(tmp_path / "all"))
    assert files_of(tmp_path / "all") == files_of(samples.folder)
    write_samples(str(tmp_path / "one"), sources=["stackexchange"])
    made = files_of(tmp_path / "one")
    del made["dirt.json"]
    assert made
    assert made.items() <= files_of(samples.folder).items()


@pytest.mark.parametrize("name", ["RS_2020-01.zst", "RC_2020-01.zst"])
def test_reddit_needs_the_long_window(name: str, samples: Any) -> None:
    packed = (samples.folder / "reddit" / name).read_bytes()
    assert packed[:4] == b"\x28\xb5\x2f\xfd"
    assert not packed[4] & 0b0010_0000  # several segments: the header names a window
    assert packed[5] >> 3 == 31 - 10
    with pytest.raises(zstd.ZstdError):
        zstd.decompress(packed)
    lines = zstd.decompress(packed, options={zstd.DecompressionParameter.window_log_max: 31}).split(b"\n")
    assert len(lines) - 1 == samples.report.file(f"reddit/{name}").records


def test_the_stackexchange_archive_has_the_eight_tables(samples: Any) -> None:
    with py7zr.SevenZipFile(samples.folder / "stackexchange" / "curiosity.stackexchange.com.7z") as archive:
        names = archive.getnames()
        assert archive.archiveinfo().method_names == ["BZip2"]
    assert names == [
        *("Badges.xml", "Comments.xml", "PostHistory.xml", "PostLinks.xml"),
        *("Posts.xml", "Tags.xml", "Users.xml", "Votes.xml"),
    ]


def test_the_index_says_in_which_stream_each_page_is(samples: Any) -> None:
    dump = (samples.folder / f"{MULTISTREAM}.xml.bz2").read_bytes()
    index = bz2.decompress((samples.folder / f"{MULTISTREAM}-index.txt.bz2").read_bytes()).decode()
    pages: dict[int, list[tuple[str, str]]] = {}
    for line in index.splitlines():
        offset, id, title = line.split(":", 2)
        pages.setdefault(int(offset), []).append((id, title))
    assert len(pages) > 2
    for begin, listed in pages.items():
        stream = bz2.BZ2Decompressor().decompress(dump[begin:]).decode()
        assert 0 < len(listed) <= 100
        assert stream.count("<page>") == stream.count("</page>") == len(listed)
        assert all(f"<id>{id}</id>" in stream for id, title in listed if "in short" not in title)  # those are damaged
    assert bz2.decompress(dump).startswith(b"<mediawiki ")
    assert bz2.decompress(dump).endswith(b"</mediawiki>")


@pytest.mark.parametrize("pattern", ["commoncrawl/*.warc.gz", "commoncrawl/*.wet.gz", "news/*.warc.gz"])
def test_web_archives_hold_a_gzip_member_for_each_record(pattern: str, samples: Any) -> None:
    (path,) = samples.folder.glob(pattern)
    packed = path.read_bytes()
    records = list(ArchiveIterator(io.BytesIO(packed), parse_http=False))
    kinds = [str(record.record_type) for record in records]
    assert kinds[0] == "warcinfo"
    assert (
        kinds.count("conversion" if "wet" in path.name else "response")
        == samples.report.file(str(path.relative_to(samples.folder))).records
    )
    assert len({record.record_id for record in records}) == len(records)
    for start, end in zip(*[[record.stream_pos for record in records][i:] for i in (0, 1)], strict=False):
        assert gzip.decompress(packed[start:end]).startswith(b"WARC/1.0\r\n")


def test_nothing_in_gzip_files_tells_the_time(samples: Any) -> None:
    for path in samples.folder.rglob("*.gz"):
        assert path.read_bytes()[4:8] == b"\0\0\0\0"


def test_the_report_is_written_beside_the_dumps(samples: Any) -> None:
    report = SampleReport.from_json((samples.folder / "dirt.json").read_text(encoding="utf-8"))
    assert report == samples.report
    assert {file.path for file in report.files} <= set(files_of(samples.folder))


def test_the_command_writes_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "new"), "--source", "communityqa"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^communityqa/pairs\.jsonl\.gz: \d+ records of communityqa, \d+ to be kept$", said, re.MULTILINE)
    assert "duplicate_pair (pairs)" in said
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["communityqa", "dirt.json"]


def test_an_unknown_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no samples for a source 'redit'"):
        write_samples(str(tmp_path), sources=["redit"])
