"""Commands whose inputs and outputs lie in an object store, against an S3 server on loopback."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ccpairs import storage
from ccpairs.build import main as build_main
from ccpairs.judge import main as judge_main
from tests.s3_server import S3, running_s3

METALS = b"".join(
    b'["What is metal %d?", "It is the metal of number %d, which is soft and grey."]\n' % (number, number)
    for number in range(50)
)


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with running_s3() as running:
        running.fill("dumps", {"a.jsonl": METALS[:2000], "b.jsonl.gz": gzip.compress(METALS)})
        running.fill("pairs", {})
        yield running


@pytest.fixture
def variables(server: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "*")


def mistake(command: Callable[[list[str]], int], arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    code = command(arguments)
    (line,) = capsys.readouterr().err.splitlines()
    assert code == 2
    return str(line)


def test_from_store_to_store_by_flags_in_two_processes(server: S3, build: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(METALS[:2000])
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(METALS))
    common = ["--source=communityqa", "--num-shards=2", "--rejected=all"]
    local = build(tmp_path / "out", *common, "--input", tmp_path)
    there = build(
        *("s3://pairs/my pairs", *common, "--input", "s3://dumps/*.jsonl*"),
        *(f"--s3_endpoint_url={server.endpoint}", "--s3_access_key_id=testing", "--s3_region_name=us-east-1"),
        *("--s3_secret_access_key=testing/SECRET", "--direct_num_workers=2", "--direct_running_mode=multi_processing"),
        environment={"NO_PROXY": "*", "AWS_EC2_METADATA_DISABLED": "true"},
    )
    assert (local.code, there.code) == (0, 0), there.stderr
    stored = {
        key.removeprefix("my pairs/"): server.client.get_object(Bucket="pairs", Key=key)["Body"].read()
        for key in server.keys("pairs")
        if key.startswith("my pairs/")
    }
    shards = {
        key: hashlib.sha256(data).hexdigest()
        for key, data in stored.items()
        if key.startswith(("candidates/", "rejected/")) and key.endswith(".parquet")
    }
    manifest = json.loads(stored["candidates/communityqa/_manifest.json"])
    for info in manifest["shards"]:
        found = pq.read_table(io.BytesIO(stored[f"candidates/communityqa/{info['name']}"]))
        wanted = pq.read_table(local.output / "candidates/communityqa" / info["name"])
        assert found.to_pylist() == wanted.to_pylist()
        assert info["sha256"] == shards[f"candidates/communityqa/{info['name']}"]
    assert shards == local.shards() != {}
    assert b'"uri": "s3://dumps/b.jsonl.gz"' in stored["candidates/communityqa/_manifest.json"]
    assert not [key for key, data in stored.items() if b"SECRET" in data or "SECRET" in key]
    assert "SECRET" not in there.stdout + there.stderr


@pytest.mark.usefixtures("variables")
def test_a_damaged_object_fails_alone_and_leaves_no_extract(server: S3, capsys: pytest.CaptureFixture[str]) -> None:
    server.fill("some", {"good.jsonl": METALS, "cut.jsonl.gz": gzip.compress(METALS)[:-20]})
    arguments = ["--source=communityqa", "--input=s3://some/", "--output=s3://some/out"]
    assert build_main(arguments) == 3
    assert "s3://some/cut.jsonl.gz: the file ends too early (truncated)" in capsys.readouterr().err
    extracts = [key for key in server.keys("some") if key.startswith("out/extracts/") and "cut" in key]
    assert [Path(key).suffixes[-2:] for key in extracts] == [[".failed", ".json"]]


@pytest.mark.usefixtures("variables")
def test_an_output_that_fails_midway_is_not_there() -> None:
    def fail_midway() -> None:
        with storage.atomic_output("s3://pairs/half/x") as stream:
            stream.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_midway()
    assert not storage.exists("s3://pairs/half/x")
    with storage.atomic_output("s3://pairs/half/x") as stream:
        stream.write(b"whole")
    assert storage.read_bytes("s3://pairs/half/x") == b"whole"


@pytest.mark.usefixtures("variables")
def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_bytes(METALS)
    build = ["--source=communityqa", "--input", str(tmp_path / "a.jsonl"), "--output"]
    line = mistake(build_main, [*build, "s3://nobucket/out"], capsys)
    assert line.startswith("ccpairs: cannot write to s3://nobucket/out: ")
    assert line.endswith("; choose another --output")
    line = mistake(build_main, [*build, "s3://KEY:SECRET@pairs/out"], capsys)
    assert line.startswith("ccpairs: cannot use s3://pairs/out: an address that is written down takes no user info")
    assert "SECRET" not in line
    line = mistake(build_main, ["--source=communityqa", "--input=s3://nobucket/*", "--output", str(tmp_path)], capsys)
    assert line.startswith("ccpairs: s3://nobucket/*: no such bucket")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    line = mistake(judge_main, ["--input=s3://pairs/out", "--output", str(tmp_path / "judged")], capsys)
    assert line.startswith("ccpairs: network connection: Could not connect to server; check the endpoint")
