"""Local files as inputs: each once, through links, and none that ccpairs wrote itself."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from ccpairs.errors import DamagedInput, UserError
from pipelines.discover import find_inputs
from pipelines.inputs import InputFile
from pipelines.sources.reddit import Reddit

COMMENT = b'{"id": "c1", "link_id": "t3_a", "body": "Salt."}\n'


@pytest.fixture
def dumps(tmp_path: Path) -> Path:
    for name in ("dumps/RC_1.json", "dumps/more/RC_2.json", "other/RC_3.json", "out/extracts/reddit/RC_4.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(COMMENT)
    return tmp_path / "dumps"


def found(*uris: object, output: object = None) -> list[str]:
    """The names of the files that are found, with their folders."""
    files = find_inputs(Reddit(), list(map(str, uris)), output=None if output is None else str(output)).files
    return [os.path.join(file.parent, file.name) for file in files]


def refused(*uris: object, output: object = None) -> str:
    with pytest.raises(UserError) as caught:
        found(*uris, output=output)
    return str(caught.value)


def test_folders_behind_links_are_read(dumps: Path) -> None:
    (dumps / "link").symlink_to("../other")
    (dumps / "loop").symlink_to("..")
    assert found(dumps, output=dumps.parent / "out") == ["dumps/RC_1.json", "link/RC_3.json", "more/RC_2.json"]


def test_a_glob_reads_folders_behind_links_and_folders_that_match(dumps: Path) -> None:
    (dumps / "link").symlink_to("../other")
    assert found(dumps / "*" / "RC_*") == ["link/RC_3.json", "more/RC_2.json"]
    assert found(dumps / "*") == found(dumps / "**") == ["dumps/RC_1.json", "link/RC_3.json", "more/RC_2.json"]


@pytest.mark.parametrize("turn", [1, -1])
def test_a_file_that_is_reached_twice_is_read_once(
    dumps: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    (dumps / "RC_0.json").symlink_to("RC_1.json")
    monkeypatch.chdir(dumps.parent)
    uris = ["dumps/RC_1.json", dumps / "RC_0.json", "other", f"file://{dumps.parent}/other//RC_3.json"][::turn]
    with caplog.at_level(logging.INFO, "ccpairs"):
        assert found(*uris) == ["dumps/RC_1.json", "other/RC_3.json"]
    assert [record.getMessage() for record in caplog.records] == [
        f"read once, though the input leads there more than once: {dumps}/RC_1.json (also as {dumps}/RC_0.json), "
        f"{dumps.parent}/other/RC_3.json (2 times)"
    ]


def test_a_link_with_a_better_name_than_its_file(dumps: Path) -> None:
    (dumps / "blob").write_bytes(COMMENT)
    (dumps / "RC_9.json").symlink_to("blob")
    assert "dumps/RC_9.json" in found(dumps)


def test_links_that_lead_nowhere_are_told(dumps: Path, caplog: pytest.LogCaptureFixture) -> None:
    (dumps / "RC_8.json").symlink_to("nowhere")
    (dumps / "RC_9.json").symlink_to("RC_9.json")
    for uri in (dumps, dumps / "RC*"):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "ccpairs"):
            assert "dumps/RC_1.json" in found(uri)
        assert [record.getMessage() for record in caplog.records] == [
            f"passed over: links that lead nowhere: {dumps}/RC_8.json, {dumps}/RC_9.json"
        ]
    assert refused(dumps / "RC_8.json") == (
        f"{dumps}/RC_8.json: No such file or directory; check the path given to --input"
    )


def test_what_ccpairs_wrote_is_passed_over_with_a_line(dumps: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = dumps.parent
    (root / "old" / "candidates" / "reddit").mkdir(parents=True)
    for name in ("_manifest.json", "RC_5.json"):  # an output of an earlier release, without a mark
        (root / "old" / "candidates" / "reddit" / name).write_bytes(COMMENT)
    (root / "out" / "RC_6.json").write_bytes(COMMENT)  # the user's own
    (dumps / "RC_7.json").symlink_to("../out/extracts/reddit/RC_4.json")
    with caplog.at_level(logging.WARNING, "ccpairs"):
        assert found(root, output=root / "out") == [
            *("dumps/RC_1.json", "more/RC_2.json", "other/RC_3.json", "out/RC_6.json")
        ]
    assert [record.getMessage() for record in caplog.records] == [
        f"passed over: what ccpairs wrote in {root}/old, {root}/out"
    ]


def test_without_an_output_of_the_command_shards_are_files_like_any_other(dumps: Path) -> None:
    assert found(dumps.parent / "out") == ["reddit/RC_4.json"]


def test_sample_dumps_in_the_output_are_read_where_they_are_named(dumps: Path) -> None:
    samples = dumps.parent / "out" / "sample-dumps" / "reddit"
    samples.mkdir(parents=True)
    (samples / "RC_1.json").write_bytes(COMMENT)
    assert found(samples, output=dumps.parent / "out") == ["reddit/RC_1.json"]


@pytest.mark.parametrize("uri", ["out/extracts", "out/extracts/reddit/RC_4.json", "link/RC_4.json", "out/candidates/x"])
def test_an_input_in_what_the_command_writes_is_refused(dumps: Path, uri: str) -> None:
    root = dumps.parent
    (root / "link").symlink_to("out/extracts/reddit")
    folder = "candidates" if "candidates" in uri else "extracts"
    assert refused(root / uri, output=root / "out") == (
        f"--input {root}/{uri} lies in {root}/out/{folder}, which ccpairs writes; move it, or choose another --output"
    )


def test_what_cannot_be_read_is_found_with_its_problem(dumps: Path) -> None:
    os.mkfifo(dumps / "RC_8.json")
    (dumps / os.fsdecode(b"RC_9\xff.json")).write_bytes(COMMENT)
    files = {file.name: file for file in find_inputs(Reddit(), [str(dumps)]).files}
    assert files["RC_8.json"].problem == "is a FIFO, not a regular file; write its content to a file"
    assert files["RC_9\\xff.json"].problem == "the name is not UTF-8; rename the file or its folder"
    assert files["RC_1.json"].problem is None
    with pytest.raises(DamagedInput, match=r"RC_8\.json: is a FIFO"):
        files["RC_8.json"].open_raw()


def test_a_list_with_a_name_that_is_not_utf8(dumps: Path) -> None:
    (dumps / os.fsdecode(b"RC_9\xff.json")).write_bytes(COMMENT)
    (dumps.parent / "list").write_bytes(b"RC_1.json\nRC_9\xff.json\n")
    files = find_inputs(Reddit(), [f"@{dumps.parent}/list"], prefix=f"{dumps}/").files
    assert [file.problem is None for file in files] == [True, False]


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("", "--input is empty; name files, folders, globs or addresses"),
        ("htp://host/RC_1.json", "htp://host/RC_1.json: htp:// is not read; did you mean http://?"),
        ("ftp://host/RC_1.json", "ftp://host/RC_1.json: ftp:// is not read; give a path, or an address of http, "),
        (
            "hf://host/RC_1.json",
            "hf://host/RC_1.json: hf:// is not read; give a path, or an address of http, https, s3",
        ),
        ("file://host/RC_1.json", "file://host/RC_1.json: names a file on the host 'host'"),
    ],
)
def test_addresses_that_are_not_read(uri: str, says: str) -> None:
    assert refused(uri).startswith(says)


def test_a_list_with_an_address_that_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("htp://host/RC_1.json\n")
    assert refused(f"@{tmp_path}/list").startswith("htp://host/RC_1.json: htp:// is not read; did you mean http://?")


@pytest.mark.parametrize("change", ["grows", "shrinks", "goes", "is replaced"])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, change: str) -> None:
    path = tmp_path / "RC_1.json"
    path.write_bytes(COMMENT * 10)
    (file,) = find_inputs(Reddit(), [str(path)]).files
    file.check_unchanged()
    if change == "goes":
        path.unlink()
    elif change == "is replaced":
        path.unlink()
        path.write_bytes(COMMENT * 10)
    else:
        path.write_bytes(COMMENT * (20 if change == "grows" else 5))
    with pytest.raises(DamagedInput, match=r"RC_1\.json: (changed|was removed) while it was read"):
        file.check_unchanged()


def test_problems_travel_to_the_workers(tmp_path: Path) -> None:
    from pipelines.extract import ExtractTask

    task = ExtractTask("reddit", InputFile("/x", "posts", problem="is a FIFO"), "/out/x")
    assert ExtractTask.from_json(task.to_json()) == task
