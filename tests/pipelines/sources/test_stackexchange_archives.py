"""Archives that are not one StackExchange site: each failure says what to do."""

from __future__ import annotations

from pathlib import Path

import py7zr
import pytest

from ccpairs.errors import WrongSource
from pipelines.inputs import InputFile
from pipelines.sources.stackexchange import StackExchange


def read(path: Path) -> None:
    source = StackExchange()
    list(source.read(InputFile(str(path), source.form_of(path.name) or "")))


def test_an_archive_of_archives(tmp_path: Path) -> None:
    path = tmp_path / "stackoverflow.com.7z"
    with py7zr.SevenZipFile(path, "w") as writer:
        writer.writestr(b"7z", "stackoverflow.com-Posts.7z")
        writer.writestr(b"7z", "stackoverflow.com-Votes.7z")
    with pytest.raises(WrongSource) as raised:
        read(path)
    assert str(raised.value) == (
        "stackoverflow.com.7z: the archive holds further archives "
        "(stackoverflow.com-Posts.7z, stackoverflow.com-Votes.7z); unpack it and give those"
    )


def test_a_volume_of_a_split_archive(tmp_path: Path) -> None:
    path = tmp_path / "beer.7z.001"
    path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    with pytest.raises(WrongSource) as raised:
        read(path)
    assert str(raised.value) == (
        "beer.7z.001: is one volume of a split archive; join them first: cat beer.7z.* > beer.7z"
    )
    assert StackExchange().form_of("beer.7z.002") is None
