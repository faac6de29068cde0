"""The manifest: written and read back, refused where it is missing, damaged or of another version."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from ccpairs.errors import UserError
from ccpairs.manifest import (
    MANIFEST_NAME,
    InputInfo,
    Manifest,
    ShardInfo,
    StageCounts,
    parse_manifest,
    read_manifest,
)

MANIFEST = Manifest(
    source="reddit",
    stage="candidates",
    settings={"min_comment_score": 1, "post_text": "full"},
    settings_hash="a" * 32,
    inputs_hash="b" * 32,
    versions={"ccpairs": "0.1.0"},
    inputs=(
        InputInfo("/data/RC_1.zst", "comments", 10, "c" * 64, 5, 3, {"low_score": 2}),
        InputInfo("/data/RC_2.zst", "comments", error="RC_2.zst: the file ends too early"),
    ),
    counts=(StageCounts("extract", "line", 5, 3, {"low_score": 1}, {"extract_timeout": 1}, made=3),),
    pair_types={"title_comment": 3},
    shards=(ShardInfo("reddit-00000-of-00002.parquet", 1, 100, "d" * 64), ShardInfo("x", 2, 200, "e" * 64)),
    rejected=(ShardInfo("rejected-00000-of-00001.parquet", 2, 50, "f" * 64),),
)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_NAME).write_bytes(MANIFEST.to_json())
    assert read_manifest(str(tmp_path)) == MANIFEST
    assert read_manifest(f"{tmp_path}/") == MANIFEST


def test_it_is_text_that_people_can_read() -> None:
    text = dataclasses.replace(MANIFEST, settings={"title": "Übung"}).to_json().decode()
    assert '"title": "Übung"' in text
    assert text.endswith("}\n")
    assert len(text.splitlines()) > 40


def test_rows_are_those_of_the_shards() -> None:
    assert MANIFEST.rows == 3


def test_a_folder_without_one_is_not_finished(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read_manifest(str(tmp_path))
    assert (
        str(caught.value) == f"{tmp_path} has no _manifest.json, so it holds no finished shards; finish the build first"
    )


def test_a_folder_of_sources_names_them(tmp_path: Path) -> None:
    for name in ("reddit", "s2orc", "other"):
        (tmp_path / name).mkdir()
    for name in ("reddit", "s2orc"):
        (tmp_path / name / MANIFEST_NAME).write_bytes(MANIFEST.to_json())
    with pytest.raises(UserError, match=r"; did you mean one of reddit, s2orc inside it\?$"):
        read_manifest(str(tmp_path))


@pytest.mark.parametrize("place", ["gone", "file", "file/inside"])
def test_a_place_that_is_no_folder(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"has no _manifest\.json"):
        read_manifest(f"{tmp_path}/{place}")


def changed(**values: object) -> bytes:
    return json.dumps({**json.loads(MANIFEST.to_json()), **values}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        changed(inputs=None),
        changed(shards=[{"name": "x"}]),
        changed(unknown=1),
        MANIFEST.to_json()[:-20],
    ],
)
def test_a_damaged_one_is_refused(data: bytes) -> None:
    with pytest.raises(UserError, match=r"^out/_manifest\.json: the manifest is damaged \(.*\); run the build again$"):
        parse_manifest(data, "out/_manifest.json")


def test_one_of_another_version_is_refused() -> None:
    with pytest.raises(UserError, match=r"^out: written with schema version 99, this ccpairs reads 1$"):
        parse_manifest(changed(schema_version=99), "out")


def test_counts_that_add_up() -> None:
    StageCounts("extract", "line", 6, 3, {"low_score": 2}, {"extract_timeout": 1}).check()


@pytest.mark.parametrize("read", [5, 7])
def test_counts_that_do_not_add_up_are_our_bug(read: int) -> None:
    with pytest.raises(AssertionError, match=rf"^extract: read {read} but kept \+ rejected \+ failed = 6"):
        StageCounts("extract", "line", read, 3, {"low_score": 2}, {"extract_timeout": 1}).check()
