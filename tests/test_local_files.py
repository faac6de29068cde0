"""What a path names: links, loops, globs, addresses of files, and what is no regular file."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ccpairs.errors import UserError
from ccpairs.local_files import FolderWalk, as_text, expand_glob, local_path, look_at, one_line, open_regular


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two folders with links between them, a link to a folder above, and one that leads nowhere."""
    for name in ("dumps/y.zst", "dumps/a/x.zst", "dumps/a/b/z.zst", "dumps/.hidden.zst", "other/o.zst"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    (tmp_path / "dumps" / "link").symlink_to("../other")
    (tmp_path / "dumps" / "again").symlink_to("a")
    (tmp_path / "dumps" / "self").symlink_to(".")
    (tmp_path / "dumps" / "a" / "up").symlink_to("..")
    (tmp_path / "dumps" / "gone.zst").symlink_to("nowhere")
    return tmp_path


def below(folder: Path, paths: list[str]) -> list[str]:
    return [os.path.relpath(path, folder) for path in paths]


def test_a_walk_follows_links_and_enters_each_folder_once(tree: Path) -> None:
    walk = FolderWalk(str(tree / "dumps"))
    assert sorted(below(tree, [file.path for file in walk.files()])) == [
        "dumps/a/b/z.zst",
        "dumps/a/x.zst",
        "dumps/link/o.zst",
        "dumps/y.zst",
    ]
    assert below(tree, walk.dangling) == ["dumps/gone.zst"]


def test_a_walk_passes_over_what_it_is_told_to_also_through_links(tree: Path) -> None:
    walk = FolderWalk(str(tree / "dumps"), lambda real: real in (str(tree / "other"), str(tree / "dumps" / "a")))
    assert below(tree, [file.path for file in walk.files()]) == ["dumps/y.zst"]


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("dumps/*.zst", ["dumps/gone.zst", "dumps/y.zst"]),
        ("dumps/link/?.zst", ["dumps/link/o.zst"]),
        ("dumps/**/z.zst", ["dumps/a/b/z.zst"]),
        ("dumps/**/[xy].zst", ["dumps/a/x.zst", "dumps/y.zst"]),
        ("**/o.zst", ["other/o.zst"]),
        ("dumps/**.hidden.zst", []),
        ("dumps/.h*", ["dumps/.hidden.zst"]),
        ("nowhere/*/x", []),
    ],
)
def test_globs(tree: Path, pattern: str, paths: list[str]) -> None:
    found, closed = expand_glob(f"{tree}/{pattern}")
    assert (below(tree, found), closed) == (paths, [])


def test_a_folder_with_the_signs_of_a_glob_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "dumps [1]*").mkdir()
    (tmp_path / "dumps [1]*" / "x.zst").touch()
    assert expand_glob(f"{tmp_path}/dumps [1]*/*.zst")[0] == [f"{tmp_path}/dumps [1]*/x.zst"]


def test_local_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    for uri, path in {
        "x": f"{tmp_path}/x",
        "./a//../x/": f"{tmp_path}/x",
        "//x//y": "/x/y",
        "~/x": "/home/someone/x",
        "file:///a%20b/c%25": "/a b/c%",
        "file://localhost/x": "/x",
        "file:/x?y#z": "/x?y#z",
        "C:\\dumps": f"{tmp_path}/C:\\dumps",
    }.items():
        assert local_path(uri) == path


def test_the_parent_of_a_link_is_that_of_where_it_leads(tree: Path) -> None:
    assert local_path(f"{tree}/dumps/link/../x") == f"{tree}/x"


def test_a_file_address_of_another_host() -> None:
    with pytest.raises(UserError, match=r"^file://host/x: names a file on the host 'host'; write file:///PATH"):
        local_path("file://host/x")


def test_what_is_no_regular_file_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for name, kind in {"fifo": "FIFO", "socket": "socket", "/dev/zero": "device", ".": "folder"}.items():
            path = str(tmp_path / name)
            assert look_at(path).problem == f"is a {kind}, not a regular file; write its content to a file"
            with pytest.raises(OSError, match=f"it is a {kind}, not a regular file"):
                open_regular(path)


def test_a_regular_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    file = look_at(str(tmp_path / "x"))
    assert (file.size, file.version, file.problem) == (3, str((tmp_path / "x").stat().st_mtime_ns), None)
    with open_regular(file.path) as stream:
        assert stream.read() == b"abc"


def test_names_in_messages() -> None:
    name = os.fsdecode(b"a\nb\xff\tc \xe2\x80\xa8 \xc3\xa9")
    assert one_line(name) == "a\\nb\\xff\\tc \\u2028 é"
    assert as_text(name) == "a\nb\\xff\tc \u2028 é"
    assert one_line("\ud800") == as_text("\ud800") == "\\ud800"
