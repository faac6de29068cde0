"""Inputs in object stores, against an S3 server on loopback."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccpairs import storage
from ccpairs.errors import DamagedInput, UserError
from pipelines.discover import Found, find_inputs
from pipelines.inputs import InputFile
from pipelines.objects import find_objects
from pipelines.sources.communityqa import CommunityQA
from tests.s3_server import S3, refusing_s3, running_s3

PAIR = b'["Why is the sea salty?", "Rivers carry salt to it."]\n'
ODD = ["#1 100%.jsonl", "a b.jsonl", "a%20b.jsonl", "a+b.jsonl", "why?.jsonl", "[x].jsonl", "ü.jsonl", "a&b=c.jsonl"]


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with running_s3() as running:
        running.fill(
            "dumps",
            {
                "top.jsonl": PAIR,
                "qa/": b"",
                "qa/RC_1.jsonl": PAIR,
                "qa/RC_2.jsonl.gz": gzip.compress(PAIR * 3),
                "qa/.hidden.jsonl": PAIR,
                "qa/notes.docx": b"PK",
                "qa/more/": b"",
                "qa/more/x.jsonl": PAIR * 2,
                "qa/more/deep/y.jsonl": PAIR,
                "qa-other/z.jsonl": PAIR,
                "empty/": b"",
                **{f"odd/{name}": PAIR for name in ODD},
            },
        )
        yield running


@pytest.fixture(autouse=True)
def variables(server: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "*")


def found(*addresses: str) -> Found:
    return find_inputs(CommunityQA(), addresses)


def keys(*addresses: str) -> list[str]:
    return [file.uri.removeprefix("s3://dumps/") for file in found(*addresses).files]


def refused(*addresses: str) -> str:
    with pytest.raises(UserError) as caught:
        found(*addresses)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_an_object() -> None:
    (file,) = found("s3://dumps/qa/RC_2.jsonl.gz").files
    assert (file.uri, file.size) == ("s3://dumps/qa/RC_2.jsonl.gz", len(gzip.compress(PAIR * 3)))
    assert file.version is not None
    assert list(file.lines()) == [PAIR.rstrip()] * 3
    assert file.meter.sha256 is not None


FOLDER = ["qa/RC_1.jsonl", "qa/RC_2.jsonl.gz", "qa/more/deep/y.jsonl", "qa/more/x.jsonl"]


@pytest.mark.parametrize("address", ["s3://dumps/qa", "s3://dumps/qa/"])
def test_a_folder_with_its_sub_folders(address: str) -> None:
    assert keys(address) == FOLDER
    assert found(address).ignored == ("s3://dumps/qa/notes.docx",)


@pytest.mark.parametrize("address", ["s3://dumps", "s3://dumps/"])
def test_a_bucket(address: str) -> None:
    assert keys(address) == sorted([*(f"odd/{name}" for name in ODD), *FOLDER, "qa-other/z.jsonl", "top.jsonl"])


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("*", ["top.jsonl"]),
        ("qa/*.jsonl", ["qa/.hidden.jsonl", "qa/RC_1.jsonl"]),
        ("qa/RC_*", ["qa/RC_1.jsonl", "qa/RC_2.jsonl.gz"]),
        ("qa/RC_[!2]*", ["qa/RC_1.jsonl"]),
        ("qa/RC_?.jsonl", ["qa/RC_1.jsonl"]),
        ("qa*/*.jsonl", ["qa-other/z.jsonl", "qa/.hidden.jsonl", "qa/RC_1.jsonl"]),
        ("*/more/*.jsonl", ["qa/more/x.jsonl"]),
        ("q*/m*/deep/y.jsonl", ["qa/more/deep/y.jsonl"]),
        ("qa/**.jsonl", ["qa/.hidden.jsonl", "qa/RC_1.jsonl", "qa/more/deep/y.jsonl", "qa/more/x.jsonl"]),
        ("**/[xy].jsonl", ["qa/more/deep/y.jsonl", "qa/more/x.jsonl"]),
        ("odd/a*", ["odd/a b.jsonl", "odd/a%20b.jsonl", "odd/a&b=c.jsonl", "odd/a+b.jsonl"]),
    ],
)
def test_a_pattern(pattern: str, matches: list[str]) -> None:
    assert keys(f"s3://dumps/{pattern}") == matches


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_listed_and_opened_as_they_are(name: str) -> None:
    for address in (f"s3://dumps/odd/{name}", "s3://dumps/odd/"):
        (file,) = [file for file in found(address).files if file.name == name]
        assert file.uri == f"s3://dumps/odd/{name}"
        assert list(file.lines()) == [PAIR.rstrip()]


def test_a_list(tmp_path: Path, server: S3) -> None:
    (tmp_path / "list").write_text("qa/RC_1.jsonl\nqa/more/\nodd/a*\n")
    listed = find_inputs(CommunityQA(), [f"@{tmp_path / 'list'}"], prefix="s3://dumps/").files
    assert [file.uri.removeprefix("s3://dumps/") for file in listed][-3:] == [
        *("qa/RC_1.jsonl", "qa/more/deep/y.jsonl", "qa/more/x.jsonl")
    ]
    assert len(listed) == 7
    server.client.put_object(Bucket="dumps", Key="lists/list", Body=b"s3://dumps/top.jsonl\n")
    assert keys("@s3://dumps/lists/list") == ["top.jsonl"]


def test_keys_and_endpoint_in_the_address(server: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    host = server.endpoint.removeprefix("http://")
    (file,) = found(f"s3://KEY:SEC/RET@dumps/qa/RC_1*?scheme=http&endpoint_override={host}").files
    assert (file.uri, bool(file.query)) == ("s3://dumps/qa/RC_1.jsonl", True)
    assert list(file.lines()) == [PAIR.rstrip()]
    assert refused("s3://dumps/x.jsonl?token=SECRET") == (
        "s3://dumps: unknown option 'token' in the address; known are endpoint_override, region, scheme"
    )


def test_what_is_not_there() -> None:
    for name in ("gone.jsonl", "qa/RC_3*", "empty/", "qa/RC"):
        assert refused(f"s3://dumps/{name}") == (
            f"s3://dumps/{name}: no such file, and no file matches; check the path"
        )
    for name in ("x.jsonl", "x/", "*.jsonl", "", "x/*/y"):
        assert refused(f"s3://nobucket/{name}").startswith(f"s3://nobucket/{name}: no such bucket")


@pytest.mark.parametrize("name", ["/x.jsonl", "qa//x.jsonl", "x.jsonl,s3://dumps/y.jsonl"])
def test_a_name_with_an_empty_part(name: str) -> None:
    said = f"s3://dumps/{name}: a name with an empty part (//) cannot be used; check the address"
    assert refused(f"s3://dumps/{name}") == said
    with pytest.raises(UserError, match="a name with an empty part"):
        storage.exists(f"s3://dumps/{name}")


def test_an_object_that_goes_before_its_turn_comes() -> None:
    with pytest.raises(DamagedInput, match=r"^s3://dumps/gone\.jsonl: cannot be opened \(.*Path does not exist"):
        list(InputFile("s3://dumps/gone.jsonl", "lines").lines())


def test_an_object_that_changes_while_it_is_read(server: S3) -> None:
    server.client.put_object(Bucket="dumps", Key="change/x.jsonl", Body=PAIR)
    file = InputFile("s3://dumps/change/x.jsonl", "lines")
    stream = file.open_raw()
    assert stream.read(1) == PAIR[:1]
    time.sleep(1.01)  # the server's clock has seconds
    server.client.put_object(Bucket="dumps", Key="change/x.jsonl", Body=PAIR)
    with pytest.raises(DamagedInput, match=r"^x\.jsonl: changed while it was read; run the command again$"):
        stream.read()


def test_no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    message = refused("s3://dumps/qa/RC_1.jsonl")
    assert message.startswith("s3://dumps/qa/RC_1.jsonl: access denied; check the keys")
    assert message.endswith("and what they may do; AWS_ACCESS_KEY_ID is not set")


def test_keys_of_a_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text("[other]\naws_access_key_id = testing\naws_secret_access_key = testing\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "other")
    assert keys("s3://dumps/top.jsonl") == ["top.jsonl"]


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (403, "AccessDenied", "access denied: so it is; check the keys (AWS_ACCESS_KEY_ID, "),
        (403, "InvalidAccessKeyId", "invalid access key id: so it is; check the keys"),
        (403, "SignatureDoesNotMatch", "signature does not match: so it is; check the keys"),
        (400, "ExpiredToken", "ExpiredToken: so it is; the session has ended; check the keys"),
        (
            301,
            "PermanentRedirect",
            "PermanentRedirect: so it is; the bucket is in another region; name it in AWS_REGION",
        ),
        (404, "NoSuchBucket", "no such bucket"),
        (503, "SlowDown", "slow down: so it is; run the command again later"),
    ],
)
def test_why_a_server_refuses(status: int, code: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing_s3(status, code) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        for name in ("x.jsonl", "folder/", "*.jsonl") if status < 500 else ("*.jsonl",):
            assert refused(f"s3://dumps/{name}").startswith(f"s3://dumps/{name}: {says}")


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert refused("s3://dumps/*.jsonl") == (
        "s3://dumps/*.jsonl: network connection: Could not connect to server; "
        "check the endpoint (AWS_ENDPOINT_URL, http:// or https://) and the network"
    )


def test_the_bucket_is_missing() -> None:
    assert refused("s3://") == "s3://: the name of a bucket is missing"


def test_what_an_object_is_known_by() -> None:
    ((address, info),), named = find_objects("s3://dumps/qa/RC_1.jsonl")
    assert (address, info.size, named) == ("s3://dumps/qa/RC_1.jsonl", len(PAIR), True)
