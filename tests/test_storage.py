"""Files appear whole or not at all, on every kind of storage."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest
from pyarrow import fs as arrow_fs

from ccpairs import storage
from ccpairs.errors import UserError
from ccpairs.storage import atomic_output


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_under_its_name_when_it_is_whole(tmp_path: Path) -> None:
    with atomic_output(f"{tmp_path}/new/folder/part.bin") as stream:
        stream.write(b"one")
        (temporary,) = names(tmp_path / "new" / "folder")
        assert temporary.startswith(".tmp-part.bin.")
        stream.write(b" two")
    assert names(tmp_path / "new" / "folder") == ["part.bin"]
    assert (tmp_path / "new" / "folder" / "part.bin").read_bytes() == b"one two"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def write() -> None:
        with atomic_output(f"{tmp_path}/part.bin") as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(error):
        write()
    assert names(tmp_path) == []


def test_an_error_leaves_what_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "part.bin").write_bytes(b"old")

    def write() -> None:
        with atomic_output(f"{tmp_path}/part.bin") as stream:
            stream.write(b"half")
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        write()
    assert names(tmp_path) == ["part.bin"]
    assert (tmp_path / "part.bin").read_bytes() == b"old"


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    storage.write_bytes(f"{tmp_path}/part.bin", b"old")
    with atomic_output(f"{tmp_path}/part.bin") as stream:
        stream.write(b"new")
        assert (tmp_path / "part.bin").read_bytes() == b"old"
    assert (tmp_path / "part.bin").read_bytes() == b"new"


def test_writers_of_the_same_file_do_not_meet(tmp_path: Path) -> None:
    barrier = threading.Barrier(4)
    errors: list[BaseException] = []

    def write(number: int) -> None:
        try:
            barrier.wait(10)
            for _ in range(20):
                storage.write_bytes(f"{tmp_path}/part.bin", bytes([number]) * 100_000)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert names(tmp_path) == ["part.bin"]
    assert len(set((tmp_path / "part.bin").read_bytes())) == 1


def test_other_storage_is_written_to_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = arrow_fs._MockFileSystem()
    monkeypatch.setattr(storage, "locate", lambda uri: (memory, uri.removeprefix("memory://")))
    storage.write_bytes("memory://bucket/folder/part.bin", b"data")
    assert storage.read_bytes("memory://bucket/folder/part.bin") == b"data"
    assert storage.names_in("memory://bucket/folder") == ["part.bin"]
    assert storage.sizes_in("memory://bucket/folder") == {"part.bin": 4}
    storage.remove("memory://bucket/folder")
    assert not storage.exists("memory://bucket/folder")


def test_names_sizes_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"22")
    (tmp_path / "a").mkdir()
    assert storage.names_in(str(tmp_path)) == ["a", "b.txt"]
    assert storage.sizes_in(str(tmp_path)) == {"b.txt": 2}
    assert storage.read_bytes(f"{tmp_path}/b.txt") == b"22"
    assert storage.exists(f"{tmp_path}/a")


def test_what_is_not_there(tmp_path: Path) -> None:
    gone = f"{tmp_path}/gone"
    assert not storage.exists(gone)
    assert storage.names_in(gone) == []
    assert storage.sizes_in(gone) == {}
    storage.remove(gone)
    with pytest.raises(FileNotFoundError):
        storage.read_bytes(gone)


def test_folders_are_made_and_removed_with_all_that_is_in_them(tmp_path: Path) -> None:
    storage.make_folder(f"{tmp_path}/a/b")
    storage.make_folder(f"{tmp_path}/a/b")
    storage.write_bytes(f"{tmp_path}/a/b/c", b"")
    storage.remove(f"{tmp_path}/a")
    assert names(tmp_path) == []


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    for name in (".tmp-part.parquet.1.2.3", ".tmp-x", "part.parquet", ".hidden"):
        (tmp_path / name).touch()
    assert storage.remove_temporary(str(tmp_path)) == 2
    assert names(tmp_path) == [".hidden", "part.parquet"]
    assert storage.remove_temporary(f"{tmp_path}/gone") == 0


def test_what_a_killed_run_left_in_folders_below_is_removed_when_asked_for(tmp_path: Path) -> None:
    below = tmp_path / "a" / ".tmp-folder"
    below.mkdir(parents=True)
    for place in (tmp_path, below):
        (place / ".tmp-part.1.2.3").touch()
        (place / "part").touch()
    assert storage.remove_temporary(str(tmp_path)) == 1
    assert storage.remove_temporary(str(tmp_path), below=True) == 1
    assert (names(tmp_path), names(below)) == (["a", "part"], ["part"])
    assert storage.remove_temporary(f"{tmp_path}/gone", below=True) == 0


def test_local_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    for uri, path in {
        "out": f"{os.getcwd()}/out",
        "./out/../x": f"{os.getcwd()}/x",
        "~/out": "/home/someone/out",
        "/out": "/out",
        "file:///out": "/out",
    }.items():
        system, found = storage.locate(uri)
        assert isinstance(system, arrow_fs.LocalFileSystem)
        assert found == path


def test_a_file_address_is_written_atomically_too(tmp_path: Path) -> None:
    with atomic_output(f"file://{tmp_path}/part.bin") as stream:
        stream.write(b"x")
        assert names(tmp_path)[0].startswith(".tmp-")
    assert names(tmp_path) == ["part.bin"]


@pytest.mark.parametrize("uri", ["gopher://host/out", "://"])
def test_a_place_that_is_none(uri: str) -> None:
    with pytest.raises(UserError, match=r"^cannot use ") as caught:
        storage.locate(uri)
    assert uri in str(caught.value)


@pytest.mark.parametrize(
    "uri", ["s3://KEY:SECRET@bucket/out", "s3://bucket/out?endpoint_override=SECRET", "gs://bucket/out#SECRET"]
)
def test_an_address_with_secrets_or_options_is_refused(uri: str) -> None:
    with pytest.raises(UserError, match=r"^cannot use (s3|gs)://bucket/out: .*AWS_ACCESS_KEY_ID") as caught:
        storage.locate(uri)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "uri"),
    [
        (("out", "a", "b"), "out/a/b"),
        (("out/", "a"), "out/a"),
        (("s3://bucket/", "a"), "s3://bucket/a"),
        (("s3://", "a"), "s3:///a"),
        (("/", "a"), "/a"),
        (("out/",), "out/"),
    ],
)
def test_join(parts: tuple[str, ...], uri: str) -> None:
    assert storage.join(*parts) == uri


def test_the_digest_of_a_file(tmp_path: Path) -> None:
    data = bytes(range(256)) * (storage.DIGESTED_AT_ONCE // 256) + b"and more"
    (tmp_path / "file").write_bytes(data)
    assert storage.sha256(str(tmp_path / "file")) == hashlib.sha256(data).hexdigest()
    with pytest.raises(FileNotFoundError):
        storage.sha256(str(tmp_path / "none"))
