"""What a user meets who gives the command something that cannot be read, or asks for something that cannot be done."""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ccpairs.build import main
from pipelines.inputs import InputFile
from pipelines.samples.containers import long_window_zstd


def cut(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def flipped(data: bytes) -> bytes:
    """The bytes with a stretch in the middle turned over."""
    middle = len(data) // 2
    return data[:middle] + bytes(each ^ 0xFF for each in data[middle : middle + 64]) + data[middle + 64 :]


def plain(path: Path) -> bytes:
    with InputFile(str(path), "").open() as stream:
        return stream.read(-1)


def one(folder: Path, pattern: str) -> Path:
    return sorted(folder.rglob(pattern))[0]


GOOD = {
    "reddit": "RS_*.zst",
    "communityqa": "*.jsonl.gz",
    "stackexchange": "*.7z",
    "wikipedia": "*.jsonl",
    "commoncrawl": "*.warc.gz",
}


@pytest.fixture(scope="module")
def damaged(samples: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Path, bytes]]:
    """Name -> (source, path of a damaged file, its sound bytes); a sound file of each source stands beside them."""
    folder = tmp_path_factory.mktemp("damaged")
    dumps = samples.folder
    sound = {
        ("reddit", "RC_2020-02.zst"): one(dumps, "RC_*.zst").read_bytes(),
        ("reddit", "RC_2020-03.gz"): gzip.compress(plain(one(dumps, "RC_*.zst")), mtime=0),
        ("communityqa", "pairs.jsonl.bz2"): bz2.compress(plain(one(dumps / "communityqa", "*.jsonl.gz"))),
        ("stackexchange", "cut.stackexchange.com.7z"): one(dumps, "*.7z").read_bytes(),
        ("stackexchange", "corrupt.stackexchange.com.7z"): one(dumps, "*.7z").read_bytes(),
        ("stackexchange", "xml.stackexchange.com/Posts.xml"): one(dumps, "Posts.xml").read_bytes(),
        ("wikipedia", "cutwiki-pages-articles.xml"): plain(one(dumps / "wikipedia", "*.xml.bz2")),
        ("wikipedia", "flippedwiki-pages-articles.xml.bz2"): bz2.compress(plain(one(dumps / "wikipedia", "*.xml.bz2"))),
        ("commoncrawl", "cut.warc.gz"): one(dumps / "commoncrawl", "*.warc.gz").read_bytes(),
    }
    found = {}
    for (source, name), data in sound.items():
        path = folder / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(flipped(data) if name.startswith(("corrupt", "flipped", "RC_2020-03")) else cut(data))
        found[name] = (source, path, data)
    for source, pattern in GOOD.items():
        good = one(dumps / source, pattern)
        shutil.copy(good, folder / source / good.name)
    return found


def test_damaged_files_fail_alone_and_a_rerun_tries_only_them(
    damaged: dict[str, tuple[str, Path, bytes]], build: Callable[..., Any], tmp_path: Path
) -> None:
    root = next(iter(damaged.values()))[1].parents[1]
    sources = sorted({source for source, _, _ in damaged.values()})
    arguments = ["--source", ",".join(sources), "--input", *(f"{name}={root / name}" for name in sources)]
    first = build(tmp_path / "out", *arguments)
    assert first.code == 3, first.stderr
    assert "Traceback" not in first.stderr
    named = [line for line in first.stderr.splitlines() if line.startswith("  ")]
    for source, path, _ in damaged.values():
        assert any(line.startswith(f"  {source}: {path}: ") for line in named), f"{path} is not named: {first.stderr}"
    assert len(named) == len(damaged)
    extracts = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("extracts/*/*.parquet")}
    assert len(extracts) >= len(sources), "the sound files must be done"
    for _, path, data in damaged.values():
        path.write_bytes(data)
    second = build(tmp_path / "out", *arguments)
    assert second.code == 0, second.stderr
    for path, time in extracts.items():
        assert path.stat().st_mtime_ns == time, f"{path} was made again"
    clean = build(tmp_path / "clean", *arguments)
    assert clean.code == 0
    assert clean.shards() == second.shards()


def test_a_damaged_record_is_a_reject_with_its_place(build: Callable[..., Any], tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    lines = [b'["What is tin?", "Tin is a soft metal with the symbol Sn."]'] * 3
    lines[1] = b'["What is tin?", "Tin is'
    (tmp_path / "qa.jsonl").write_bytes(b"\n".join(lines))
    done = build(tmp_path / "out", "--source", "communityqa", "--input", tmp_path / "qa.jsonl")
    assert done.code == 0
    rejects = pq.read_table(tmp_path / "out" / "rejected" / "communityqa").to_pylist()
    malformed = [row for row in rejects if row["reason"] == "malformed_record"]
    assert [(row["input"], row["position"]) for row in malformed] == [("qa.jsonl", "line 2")]


def test_a_decompression_bomb_ends_at_a_limit(build: Callable[..., Any], tmp_path: Path) -> None:
    line = b'{"id":"a","link_id":"t3_a","body":"' + b"a" * 1000 + b'","score":1}\n'
    bomb = tmp_path / "RC_2020-01.gz"
    with gzip.open(bomb, "wb", compresslevel=9) as out:
        for _ in range(600):
            out.write(line * 1000)
    assert bomb.stat().st_size < 3 << 20
    done = build(tmp_path / "out", "--source", "reddit", "--input", bomb)
    assert done.code == 3
    assert "decompression bomb" in done.stderr


def test_an_entity_bomb_is_harmless(build: Callable[..., Any], tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    row = '<row Id="1" PostTypeId="1" Title="&a11;" Body="&lt;p&gt;&a11;&lt;/p&gt;" Score="3" />'
    folder = tmp_path / "bomb.stackexchange.com"
    folder.mkdir()
    (folder / "Posts.xml").write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE posts [<!ENTITY a0 "lol">{entities}]>\n'
        f"<posts>\n  {row}\n</posts>"
    )
    done = build(tmp_path / "out", "--source", "stackexchange", "--input", folder)
    assert done.code == 2
    assert "Posts.xml: should hold <posts>, but it is no XML table" in done.stderr
    assert "Traceback" not in done.stderr
    assert "lollol" not in done.stdout + done.stderr


PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body><p>Please sign in.</p>\n</body></html>\n"
IN_PLACE_OF = {
    "reddit": ["RC_2020-01.zst", "RS_2020-01.ndjson"],
    "stackexchange": ["beer.stackexchange.com.7z", "Posts.xml", "tea.stackexchange.com-PostLinks.xml.bz2"],
    "wikipedia": ["xwiki-1-pages-articles.xml.bz2", "kilt_knowledgesource.json"],
    "s2orc": ["metadata_0.jsonl.gz", "papers-part0.jsonl.gz"],
    "commoncrawl": ["a.warc.gz", "a.warc.wet.gz", "en_head_0000.json.gz"],
    "news": ["CC-NEWS-1.warc.gz", "articles.jsonl", "0a.story", "cnn_stories.tgz"],
    "communityqa": ["faq.jsonl.gz"],
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder of error pages that are named like dumps, and the address that serves it."""
    folder = tmp_path_factory.mktemp("pages")
    for source, names in IN_PLACE_OF.items():
        (folder / source).mkdir()
        for name in names:
            (folder / source / name).write_bytes(PAGE)

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def failures_of(built: Any, place: str) -> dict[str, str]:
    """Source and name of each input that failed -> why."""
    assert built.code == 3, built.stderr
    assert "Traceback" not in built.stderr
    lines = [line.removeprefix("  ") for line in built.stderr.splitlines() if line.startswith("  ")]
    parts = [line.split(f": {place}/", 1)[1].split(": ", 1) for line in lines]
    return dict(parts)


def test_a_page_in_place_of_a_dump_fails_alike_from_a_disk_and_from_a_server(
    pages: tuple[Path, str], build: Callable[..., Any], tmp_path: Path
) -> None:
    folder, address = pages
    expected = sorted(f"{source}/{name}" for source, names in IN_PLACE_OF.items() for name in names)
    inputs = {place: [f"{name.split('/')[0]}={place}/{name}" for name in expected] for place in (str(folder), address)}
    found = {
        place: failures_of(
            build(
                *(tmp_path / f"out{number}", "--source", ",".join(IN_PLACE_OF), "--direct_num_workers=1", "--input"),
                *names,
                environment={"NO_PROXY": "*"},
            ),
            place,
        )
        for number, (place, names) in enumerate(inputs.items())
    }
    for failures in found.values():
        assert sorted(failures) == expected
        for name, why in failures.items():
            assert why == (
                "looks like an HTML page titled 'Sign in' and begins with '<!DOCTYPE html> <html><head><title>Sign "
                "in</title></head> <…'; check its address, and fetch it again"
            ), name


def test_a_page_in_a_folder_is_not_passed_over(build: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "dumps").mkdir()
    (tmp_path / "dumps" / "good.jsonl").write_bytes(b'["What is tin?", "Tin is a soft metal."]\n')
    (tmp_path / "dumps" / "page.jsonl").write_bytes(PAGE)
    built = build(tmp_path / "out", "--source", "communityqa", "--input", tmp_path / "dumps")
    assert list(failures_of(built, str(tmp_path / "dumps"))) == ["page.jsonl"]
    assert len(built.shards()) > 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"id,body\n1,Tin is soft.\n",
            "2 of 2 lines are malformed (the first: not a JSON object); it looks like plain",
        ),
        (
            b'[\n{"id":"a","link_id":"t3_a","body":"Tin"},\n{"id":"b","link_id":"t3_a","body":"Tin"},\n{"id":"c","link_id":"t3_a","body":""},\n]\n',
            "it looks like one JSON array",
        ),
        (b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n", "it looks like a PDF document"),
        ('{"id":"a","link_id":"t3_a","body":"Tin is soft."}\n'.encode("utf-16"), "it looks like text in UTF-16"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n", "looks like a Git LFS pointer"),
        (
            b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
            "an error of an object store (AccessDenied)",
        ),
    ],
)
def test_a_file_of_another_kind_says_what_it_is(
    content: bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "RC_2020-01.ndjson").write_bytes(content)
    code = main(["--source=reddit", "--input", str(tmp_path / "RC_2020-01.ndjson"), "--output", str(tmp_path / "out")])
    captured = capsys.readouterr()
    assert code == 3
    assert says in captured.err


@pytest.fixture
def comments(tmp_path: Path) -> Path:
    path = tmp_path / "RC_2020-01.ndjson"
    path.write_text('{"id":"a","link_id":"t3_a","body":"Tin is soft.","score":1}\n')
    return path


def user_error(arguments: list[object], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr of a command that a user can mend."""
    code = main([str(each) for each in arguments])
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert code == 2, captured
    assert len(lines) == 1, captured
    assert lines[0].startswith("ccpairs: ")
    return lines[0]


def test_unknown_source(capsys: pytest.CaptureFixture[str]) -> None:
    line = user_error(["--source", "redit"], capsys)
    assert "redit" in line
    assert "choose from reddit, stackexchange" in line


def test_no_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--source is missing; choose from reddit" in user_error([], capsys)


def test_missing_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = user_error(
        ["--source", "reddit", "--input", tmp_path / "RC_2020-01.zst", "--output", tmp_path / "o"], capsys
    )
    assert "RC_2020-01.zst: No such file" in line
    assert "check the path" in line


def test_glob_without_a_match(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = user_error(["--source", "reddit", "--input", tmp_path / "RC_*.zst", "--output", tmp_path / "o"], capsys)
    assert "no file matches" in line


def test_empty_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "RC_2020-01.zst").touch()
    line = user_error(
        ["--source", "reddit", "--input", tmp_path / "RC_2020-01.zst", "--output", tmp_path / "o"], capsys
    )
    assert "is empty" in line
    assert "remove it" in line


def test_input_that_holds_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "RC_2020-01.zst").write_bytes(long_window_zstd(b""))
    line = user_error(
        ["--source", "reddit", "--input", tmp_path / "RC_2020-01.zst", "--output", tmp_path / "o"], capsys
    )
    assert "holds nothing" in line


def test_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dumps").mkdir()
    line = user_error(["--source", "reddit", "--input", tmp_path / "dumps", "--output", tmp_path / "o"], capsys)
    assert "dumps" in line


def test_unknown_file_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.pdf").write_bytes(b"%PDF-1.4")
    line = user_error(["--source", "reddit", "--input", tmp_path / "notes.pdf", "--output", tmp_path / "o"], capsys)
    assert "the source reddit reads posts, NDJSON" in line


def test_wrong_source(comments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    renamed = comments.rename(tmp_path / "pairs.jsonl")
    line = user_error(["--source", "communityqa", "--input", renamed, "--output", tmp_path / "o"], capsys)
    assert "--source reddit" in line


def test_output_is_a_file(comments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").touch()
    line = user_error(["--source", "reddit", "--input", comments, "--output", tmp_path / "out"], capsys)
    assert "cannot write to" in line
    assert "choose another --output" in line


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that not even root may write to")
def test_output_that_may_not_be_written(comments: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = user_error(["--source", "reddit", "--input", comments, "--output", "/proc/out"], capsys)
    assert "cannot write to /proc/out" in line
    assert "choose another --output" in line


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--comments-per-pots", "3"], "did you mean --comments-per-post?"),
        (["--passages-per-page", "3"], "--passages-per-page is a flag of the source commoncrawl"),
        (["--comments-per-post", "some"], "expected"),
        (["--limit", "0"], "expected a whole number from 1"),
        (["--num-shards", "3", "--rows-per-shard", "3"], "not allowed with"),
        (["--opt-out", "/nowhere/list.txt"], "cannot read the opt-out list"),
        (["--rejected", "some"], "invalid choice"),
    ],
)
def test_flags(flags: list[str], says: str, comments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--source", "reddit", "--input", comments, "--output", tmp_path / "o", *flags]
    assert says in user_error(command, capsys)


def test_several_sources_need_to_know_which_input_is_whose(
    comments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--source", "reddit,news", "--input", comments, "--output", tmp_path / "o"]
    assert f"reddit={comments}" in user_error(command, capsys)


def test_dry_run_reads_and_writes_nothing(comments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--source", "reddit", "--input", str(comments), "--output", str(tmp_path / "o"), "--dry-run"])
    said = capsys.readouterr().out
    assert code == 0
    assert str(comments) in said
    assert "comments" in said
    assert not (tmp_path / "o").exists()
