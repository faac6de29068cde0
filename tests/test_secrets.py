"""Inputs at addresses with secrets: nothing that a build writes or prints holds them."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow.parquet as pq
import pytest

from ccpairs.__main__ import main as ccpairs_main
from ccpairs.build import main

LINE = b'["What is %s?", "It is the metal that is called %s in English."]\n'
SECRET = "SECRET"


class Handler(BaseHTTPRequestHandler):
    """Serves files to those who show a secret: a token, or a password."""

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, *, with_body: bool) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        login = "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()
        if self.headers.get("Authorization") != login and not query.get("token", [""])[0].startswith(SECRET):
            self.send_error(403)
            return
        metal = b" ".join([parts.path.rpartition("/")[2].encode(), *map(str.encode, query.get("id", []))])
        data = gzip.compress(LINE % (metal, metal) * 3, mtime=0)
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if with_body:
            self.wfile.write(data[:-9] if parts.path.startswith("/cut") else data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def texts_of(output: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file below a folder; Parquet files decompressed."""
    for path in sorted(output.rglob("*")):
        yield str(path.relative_to(output)), b""
        if path.is_file():
            yield str(path), path.read_bytes()
            if path.suffix == ".parquet":
                metadata = pq.read_metadata(path).metadata
                yield str(path), f"{pq.read_table(path).to_pylist()} {metadata}".encode()


def test_no_secret_is_written_or_printed(server: str, build: Callable[..., Any], tmp_path: Path) -> None:
    listing = tmp_path / "list"
    listing.write_text(f"http://{server}/listed.jsonl.gz?token={SECRET}5&X-Amz-Signature={SECRET}\n")
    output = tmp_path / "out"

    def run(signature: str) -> Any:
        signed = f"?token={SECRET}{signature}&X-Amz-Signature={SECRET}/{signature}"
        return build(
            *(output, "--source", "communityqa", "--rejected=all", "--input"),
            *(f"http://{server}/tin.jsonl.gz{signed}", f"http://me:{SECRET}@{server}/lead.jsonl.gz"),
            *(f"http://{server}/{name}/cut.jsonl.gz{signed}" for name in ("cut", "cut2")),
            *(f"http://{server}/one.jsonl.gz{signed}&id={number}" for number in (1, 2)),
            *(f"@{listing}", "--opt-out", f"http://{server}/opt-out.txt{signed}"),
            *("--direct_num_workers=2", "--direct_running_mode=multi_processing"),
            environment={"NO_PROXY": "*"},
        )

    first = run("1")
    assert first.code == 3, first.stderr
    manifest = json.loads((output / "candidates" / "communityqa" / "_manifest.json").read_bytes())
    names = [info["uri"].removeprefix(f"http://{server}/") for info in manifest["inputs"]]
    assert names == [
        *("cut/cut.jsonl.gz", "cut2/cut.jsonl.gz", "lead.jsonl.gz", "listed.jsonl.gz"),
        *("one.jsonl.gz", "one.jsonl.gz", "tin.jsonl.gz"),
    ]
    assert [info["read"] for info in manifest["inputs"]] == [0, 0, 3, 3, 3, 3, 3]
    passages = {row["passage"] for row in pq.read_table(output / "candidates" / "communityqa").to_pylist()}
    assert len(passages) == 5, "inputs that differ in their query are different inputs"
    # Same query but for the signature: only what failed is tried again.
    second = run("2")
    assert second.code == 3
    assert "5 of 7 extracts found done" in second.stderr
    assert "(found done)" in second.stdout
    for done in (first, second):
        assert SECRET not in done.stdout + done.stderr
    written = list(texts_of(output))
    assert len(written) > 30
    for name, content in written:
        assert SECRET not in name
        assert SECRET.encode() not in content, name


@pytest.mark.parametrize("argument", [f"https://me:{SECRET}@host/x", f"--input=https://host/x?token={SECRET}"])
def test_an_address_in_place_of_a_command(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ccpairs_main([argument]) == 2
    assert SECRET not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("scheme", "rest", "says"),
    [
        ("http://", f"/x.jsonl?tokn={SECRET}", "/x.jsonl"),
        (f"http://me:{SECRET}x@", "/x.jsonl", "/x.jsonl"),
        ("http://", f"/x.docx?token={SECRET}", "/x.docx: the source communityqa reads"),
        ("@http://", f"/list?tokn={SECRET}", "/list"),
    ],
)
def test_a_mistake_is_told_without_secrets(
    server: str,
    scheme: str,
    rest: str,
    says: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    code = main(["--source", "communityqa", "--input", scheme + server + rest, "--output", str(tmp_path / "out")])
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert server + says in captured.err
    assert SECRET not in captured.err
