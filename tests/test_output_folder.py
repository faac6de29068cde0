"""The folder that a command writes: one command at a time, and nothing removed that is not ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccpairs import output_folder
from ccpairs.errors import UserError
from ccpairs.output_folder import (
    clear_shards,
    commands_of,
    folder_of_ours,
    hold_output,
    is_output,
    output_uri,
    refuse_foreign,
    refuse_inside,
)

HOLD = r"""
import os, sys, time
from ccpairs.output_folder import hold_output
with hold_output(sys.argv[1], "build"):
    if len(sys.argv) > 2 and os.fork() == 0:
        os.write(1, b"%d\n" % os.getpid())  # a worker, which outlives its parent
        time.sleep(60)
    os.write(1, b"held\n")
    time.sleep(60)
"""


def holder(output: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(output), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that writes ``tmp_path / "out"``."""
    process = holder(tmp_path / "out")
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_command_is_refused(
    tmp_path: Path, held: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_folder, "SECONDS_TO_END", 0.2)
    out = tmp_path / "out"
    with (
        pytest.raises(
            UserError,
            match=rf"^{out} is being written by process {held.pid} \(ccpairs build, started [\d-]{{10}} [\d:]{{8}}\); "
            r"wait for it or choose another --output$",
        ),
        hold_output(str(out), "judge"),
    ):
        pass


def test_a_dead_process_holds_nothing(tmp_path: Path, held: subprocess.Popen[str]) -> None:
    held.kill()
    with hold_output(f"{tmp_path}/out", "build"):
        assert json.loads((tmp_path / "out" / "_ccpairs").read_text())["running"]["pid"] == os.getpid()


def test_a_worker_that_outlives_its_parent_holds_nothing(tmp_path: Path) -> None:
    process = holder(tmp_path / "out", "fork")
    assert process.stdout is not None
    lines = {process.stdout.readline().strip() for _ in range(2)}
    worker = int(max(lines - {"held"}))
    process.kill()
    process.wait()
    try:
        begun = time.monotonic()
        with hold_output(f"{tmp_path}/out", "build"):
            assert time.monotonic() - begun < 1
    finally:
        os.kill(worker, 9)
        process.stdout.close()


def test_a_command_may_hold_its_output_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_folder, "SECONDS_TO_END", 0.1)
    with hold_output(f"{tmp_path}/out", "build"):
        with hold_output(f"{tmp_path}/out/.", "build"):
            pass
        other = "from ccpairs.output_folder import hold_output as hold\nwith hold(%r, 'build'): pass"
        done = subprocess.run(
            [sys.executable, "-c", other % f"{tmp_path}/out"], capture_output=True, text=True, check=False
        )
        assert f"is being written by process {os.getpid()} (ccpairs build" in done.stderr


def test_the_mark_stays_and_says_which_commands_wrote(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for command in ("judge", "build", "judge"):
        with hold_output(str(out), command):
            pass
    assert json.loads((out / "_ccpairs").read_text())["commands"] == ["build", "judge"]
    assert "running" not in json.loads((out / "_ccpairs").read_text())
    assert commands_of(str(out)) == ("build", "judge")
    assert commands_of(str(tmp_path)) == ()


@pytest.mark.parametrize("left", [b"", b'{"ccpairs": "0.1', b"\0\0\0"])
def test_a_mark_that_a_kill_cut_short(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "_ccpairs").write_bytes(left)
    with hold_output(str(tmp_path), "build"):
        pass
    assert commands_of(str(tmp_path)) == ("build",)


def test_a_file_of_the_users_with_the_name_of_the_mark_stays(tmp_path: Path) -> None:
    (tmp_path / "_ccpairs").write_text("my notes")
    with pytest.raises(UserError, match="is not ccpairs' own file of this name"), hold_output(str(tmp_path), "build"):
        pass
    assert (tmp_path / "_ccpairs").read_text() == "my notes"


@pytest.mark.parametrize("fails", [True, False])
def test_an_output_that_is_removed_meanwhile(tmp_path: Path, fails: bool) -> None:
    out = tmp_path / "out"

    def write() -> None:
        with hold_output(str(out), "build"):
            shutil.rmtree(out)
            if fails:
                (out / "x").write_text("")

    with pytest.raises(UserError, match=rf"^{out}, or its _ccpairs, was removed while ccpairs build wrote it; type"):
        write()


def test_other_errors_pass_through(tmp_path: Path) -> None:
    def write() -> None:
        with hold_output(f"{tmp_path}/out", "build"):
            raise KeyError("x")

    with pytest.raises(KeyError):
        write()


def test_outputs_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for output, reason in {
        f"{tmp_path}/file": "it is a file",
        f"{tmp_path}/file/out": "Not a directory",
        f"{tmp_path}/{'x' * 300}": "File name too long",
        "/proc/out": "No such file or directory",
    }.items():
        with pytest.raises(UserError) as caught, hold_output(output, "build"):
            pass
        assert str(caught.value) == f"cannot write to {output}: {reason}; choose another --output"


def test_what_killed_runs_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / "_work" / "notes").mkdir(parents=True)
    (tmp_path / "_work" / "notes" / ".tmp-x.1.2.3").touch()
    (tmp_path / "_work" / "link").symlink_to(tmp_path)
    (tmp_path / ".tmp-x").touch()
    with hold_output(str(tmp_path), "build"):
        pass
    assert not list((tmp_path / "_work" / "notes").iterdir())
    assert (tmp_path / ".tmp-x").exists()  # beside the folders that are ours, and reached through a link only


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("", "--output is empty; name a folder"),
        ("  ", "--output is empty; name a folder"),
        ("s3://bucket/out?region=eu", "cannot use s3://bucket/out: an address that is written down"),
        ("s3://bucket/out#x", "cannot use s3://bucket/out: an address that is written down"),
        ("htp://host/out", "cannot use htp://host/out: htp:// is not known here"),
        ("hf://a/b", "cannot use hf://a/b: hf:// is not known here"),
        ("file://host/out", "file://host/out: names a file on the host 'host'"),
        (os.fsdecode(b"out\xff"), "--output out\\xff: the name is not UTF-8"),
    ],
)
def test_what_cannot_be_an_output(uri: str, says: str) -> None:
    with pytest.raises(UserError) as caught:
        output_uri(uri)
    assert str(caught.value).startswith(says)


def test_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    for uri, output in {
        "out/": "out/",
        "./a?b": "./a?b",
        "~/out": "/home/someone/out",
        "file:///a%20b": "/a b",
        "//out": "/out",
    }.items():
        assert output_uri(uri) == output


def test_what_lies_in_an_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out" / "candidates" / "reddit").mkdir(parents=True)
    (tmp_path / "link").symlink_to("out/candidates/reddit")
    for uri, folder in {
        "out/candidates/reddit/x.zst": "out/candidates",
        "out/candidates": "out/candidates",
        "link/x.zst": "out/candidates",
        "out/./dumps/../_work/x": "out/_work",
        "file://" + str(tmp_path / "out/pairs/x"): "out/pairs",
        "out/sample-dumps/reddit": None,
        "out/candidates-2/x": None,
        "out": None,
        "s3://bucket/out/candidates/x": None,
    }.items():
        assert folder_of_ours(uri, "out") == folder, uri
    assert folder_of_ours("s3://bucket/out/candidates/x", "s3://bucket/out") == "s3://bucket/out/candidates"
    assert folder_of_ours("out/candidates/x", "out", ("pairs",)) is None
    with pytest.raises(UserError, match=r"^--input link/x lies in out/candidates, which ccpairs writes; move it, or"):
        refuse_inside("link/x", "--input", "out")


def test_outputs_are_known_by_their_mark_or_by_a_manifest(tmp_path: Path) -> None:
    marked, old, other = (tmp_path / name for name in ("marked", "old", "other"))
    marked.mkdir()
    (marked / "_ccpairs").touch()
    (old / "candidates" / "reddit").mkdir(parents=True)
    (old / "candidates" / "reddit" / "_manifest.json").touch()
    (other / "candidates" / "notes").mkdir(parents=True)
    assert [is_output(str(folder)) for folder in (marked, old, other, tmp_path / "none")] == [True, True, False, False]


def test_only_our_own_shards_are_removed(tmp_path: Path) -> None:
    ours = ["reddit-00000-of-00002.parquet", "reddit-00001-of-00002.parquet", "_manifest.json", ".tmp-x.1.2.3"]
    for name in (*ours, ".DS_Store"):
        (tmp_path / name).touch()
    clear_shards(str(tmp_path), "reddit", keep={ours[0]})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".DS_Store", ours[0]]


@pytest.mark.parametrize("name", ["notes.txt", "mine.parquet", "news-00000-of-00001.parquet", "folder"])
def test_a_folder_with_files_of_others_stays_as_it_is(tmp_path: Path, name: str) -> None:
    ours = ["_manifest.json", "reddit-00000-of-00001.parquet"]
    for each in ours:
        (tmp_path / each).touch()
    (tmp_path / name).mkdir() if name == "folder" else (tmp_path / name).touch()
    with pytest.raises(UserError) as caught:
        clear_shards(str(tmp_path), "reddit")
    assert str(caught.value) == (
        f"{tmp_path} holds {name}, which ccpairs did not write; move it away, or choose another --output"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*ours, name])


def test_files_of_others_are_counted(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.txt").touch()
    (tmp_path / os.fsdecode(b"9\xff")).touch()
    with pytest.raises(UserError, match=r"holds 0.txt and 3 more, which ccpairs did not write"):
        refuse_foreign(str(tmp_path), "reddit")


def test_a_link_in_the_place_of_a_folder_of_shards_keeps_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "reddit-00000-of-00001.parquet").touch()
    (tmp_path / "reddit").symlink_to("elsewhere")
    clear_shards(str(tmp_path / "reddit"), "reddit")
    assert (tmp_path / "reddit").is_symlink()
    assert list((tmp_path / "elsewhere").iterdir()) == []
