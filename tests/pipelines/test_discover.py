from __future__ import annotations

import gzip
import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from ccpairs.errors import DamagedInput, UserError
from pipelines import discover, http_requests
from pipelines.discover import Found, find_inputs
from pipelines.sources.communityqa import CommunityQA
from pipelines.sources.reddit import Reddit
from pipelines.sources.stackexchange import StackExchange

COMMENT = b'{"id": "c1", "link_id": "t3_a", "body": "Salt."}\n'
POST = b'{"id": "a", "title": "Why is the sea salty?"}\n'
PAIR = b'["Why is the sea salty?", "Rivers carry salt to it."]\n'


@pytest.fixture
def dumps(tmp_path: Path) -> Path:
    """A folder as people have them: dumps of several sources in sub-folders, with other files between them."""
    contents = {
        "reddit/RS_2015-01.ndjson": POST,
        "reddit/RC_2015-01.ndjson": COMMENT,
        "reddit/RC_2015-02.ndjson": COMMENT,
        "reddit/README.txt": b"about these files",
        "reddit/.RC_2015-03.ndjson": COMMENT,
        "qa/faq.jsonl": PAIR,
        "qa/more/faq2.jsonl.gz": gzip.compress(PAIR),
    }
    for name, data in contents.items():
        path = tmp_path / "dumps" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "dumps"


def names(found: Found, folder: Path) -> list[str]:
    return [Path(file.uri).relative_to(folder).as_posix() for file in found.files]


def refused(uris: Sequence[str], prefix: str = "") -> str:
    """The one line with which the Reddit source refuses what was named."""
    with pytest.raises(UserError) as caught:
        find_inputs(Reddit(), uris, prefix=prefix)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


def test_a_file(dumps: Path) -> None:
    path = dumps / "reddit" / "RC_2015-01.ndjson"
    (file,) = find_inputs(Reddit(), [str(path)], limit=10).files
    assert (file.uri, file.form, file.size, file.limit) == (str(path), "comments", len(COMMENT), 10)
    assert file.version == str(path.stat().st_mtime_ns)


def test_a_relative_path_and_the_absolute_one_are_the_same_file(dumps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(dumps)
    path = dumps / "qa" / "faq.jsonl"
    found = find_inputs(CommunityQA(), ["qa/faq.jsonl", str(path), "qa/../qa/faq.jsonl", "qa/*.jsonl", "qa"])
    assert names(found, dumps) == ["qa/faq.jsonl", "qa/more/faq2.jsonl.gz"]


def test_a_folder_with_its_sub_folders_in_the_order_of_the_names(dumps: Path) -> None:
    assert names(find_inputs(CommunityQA(), [str(dumps / "qa")]), dumps) == ["qa/faq.jsonl", "qa/more/faq2.jsonl.gz"]


def test_in_a_folder_files_of_other_sources_are_passed_over_and_listed(
    dumps: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "ccpairs"):
        found = find_inputs(Reddit(), [str(dumps)])
    assert names(found, dumps) == [f"reddit/{name}.ndjson" for name in ("RC_2015-01", "RC_2015-02", "RS_2015-01")]
    # By its name faq.jsonl might be Reddit's; its first record says that it is not.
    assert found.ignored == tuple(
        str(dumps / name) for name in ("qa/faq.jsonl", "qa/more/faq2.jsonl.gz", "reddit/README.txt")
    )
    assert [record.getMessage()[:22] for record in caplog.records] == [
        "passed over: faq.jsonl",
        "passed over: faq2.json",
    ]


def test_a_glob(dumps: Path) -> None:
    found = find_inputs(Reddit(), [str(dumps / "reddit" / "R?_2015-0[12]*")])
    assert names(found, dumps) == [f"reddit/{name}.ndjson" for name in ("RC_2015-01", "RC_2015-02", "RS_2015-01")]
    assert found.files[0].size == len(COMMENT)


def test_a_name_with_the_signs_of_a_glob(tmp_path: Path) -> None:
    path = tmp_path / "RC_[2015] why?.ndjson"
    path.write_bytes(COMMENT)
    assert [file.uri for file in find_inputs(Reddit(), [str(path)]).files] == [str(path)]


def test_the_order_of_the_arguments_does_not_matter(dumps: Path) -> None:
    uris = [str(path) for path in sorted((dumps / "reddit").glob("R[CS]*"))]
    assert find_inputs(Reddit(), uris) == find_inputs(Reddit(), uris[::-1]) == find_inputs(Reddit(), uris * 2)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_list(dumps: Path, compress: Callable[[bytes], bytes]) -> None:
    listing = dumps / "list.txt.gz"
    lines = ["# months", "", "  # indented", "RC_2015-02.ndjson", str(dumps / "reddit" / "RS_2015-01.ndjson") + "  "]
    listing.write_bytes(compress("\r\n".join(lines).encode()))
    found = find_inputs(Reddit(), [f"@{listing}"], prefix=f"{dumps}/reddit/")
    assert names(found, dumps) == ["reddit/RC_2015-02.ndjson", "reddit/RS_2015-01.ndjson"]


def test_a_list_of_addresses_is_taken_at_its_word(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("RC_2015-01.zst\nhttps://other.example/RS_2015-01.zst\n")
    found = find_inputs(Reddit(), [f"@{tmp_path / 'list'}"], prefix="https://host.example/reddit/")
    assert [(file.uri, file.form, file.size) for file in found.files] == [
        ("https://host.example/reddit/RC_2015-01.zst", "comments", None),
        ("https://other.example/RS_2015-01.zst", "posts", None),
    ]


def test_a_list_may_name_folders_and_globs(dumps: Path) -> None:
    (dumps / "list").write_text("qa/more\nqa/*.jsonl\n")
    found = find_inputs(CommunityQA(), [f"@{dumps / 'list'}"], prefix=f"{dumps}/")
    assert names(found, dumps) == ["qa/faq.jsonl", "qa/more/faq2.jsonl.gz"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            b"<!DOCTYPE html><html><title>Sign in</title>\n",
            "looks like an HTML page titled 'Sign in'; check its address",
        ),
        (b'{"message": "Not Found"}', "looks like a JSON document about an error ('Not Found'); check its address"),
        (b"<Error><Code>NoSuchKey</Code></Error>", "looks like an error of an object store (NoSuchKey); get a new"),
        (b"version https://git-lfs.github.com/spec/v1\noid x\n", "looks like a Git LFS pointer; get the file itself"),
        ("/data/a.jsonl\n".encode("utf-16"), "looks like text in UTF-16; convert it to UTF-8"),
        ("/data/a.jsonl\n".encode("utf-16-le"), "looks like text in UTF-16; convert it to UTF-8"),
    ],
)
def test_a_list_that_is_something_else(data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(data)
    assert refused([f"@{tmp_path}/list"]).startswith(f"the list of inputs {tmp_path}/list {says}")


def test_a_list_of_names_between_zero_bytes(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"/data/a.jsonl\0/data/b.jsonl\0")
    said = f"cannot read the list of inputs {tmp_path}/list: it holds zero bytes; write a name a line"
    assert refused([f"@{tmp_path}/list"]) == said


@pytest.mark.parametrize("scheme", ["https://host", "s3://bucket"])
def test_an_address_that_is_not_utf8(scheme: str, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(f"{scheme}/".encode() + b"\xe9.jsonl\n")
    said = f"{scheme}/\\xe9.jsonl: the address is not UTF-8; percent-encode its letters (as in %C3%A9)"
    assert refused([f"@{tmp_path}/list"]) == refused([f"{scheme}/\udce9.jsonl"]) == said


def test_a_list_that_begins_with_a_mark(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"\xef\xbb\xbf/gone.jsonl\r\n")
    assert refused([f"@{tmp_path}/list"]).startswith("/gone.jsonl: ")


def test_lists_that_cannot_be_used(tmp_path: Path) -> None:
    assert refused([f"@{tmp_path}/gone"]).startswith(f"cannot read the list of inputs {tmp_path}/gone: ")
    (tmp_path / "empty").write_text("# nothing\n")
    assert refused([f"@{tmp_path}/empty"]) == f"the list of inputs {tmp_path}/empty names nothing"
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert refused([f"@{tmp_path}/binary"]).startswith(
        f"the list of inputs {tmp_path}/binary looks like text in UTF-16; "
    )
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"a\n" * 1000)[:-9])
    assert "ends too early" in refused([f"@{tmp_path}/cut.gz"])


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "RC_2015-01.zst"
    assert refused([str(path)]) == f"{path}: No such file or directory; check the path given to --input"


def test_a_glob_without_a_match(tmp_path: Path) -> None:
    assert (
        refused([f"{tmp_path}/RC_*.zst"]) == f"{tmp_path}/RC_*.zst: no such file, and no file matches; check the path"
    )


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "no such file, and no file matches" in refused([str(tmp_path)])


def test_a_folder_with_nothing_for_the_source(dumps: Path) -> None:
    (dumps / "other").mkdir()
    (dumps / "other" / "Posts.xml").write_bytes(b"<posts/>")
    assert refused([str(dumps / "other")]).startswith(
        f"{dumps / 'other'}: nothing in it that the source reddit reads; it reads posts, NDJSON"
    )


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "RC_2015-01.zst"
    path.touch()
    for uri in (str(path), str(tmp_path), f"{tmp_path}/*"):
        assert refused([uri]) == f"{path} is empty (1 such); remove it from the input, or fetch it again"


@pytest.mark.parametrize(
    "data", [gzip.compress(b""), b"\n \n\n", gzip.compress(b"\n" * 1000)], ids=["no text", "blank", "blank lines"]
)
def test_a_file_that_holds_nothing(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "RC_2015-01.gz"
    path.write_bytes(data)
    assert refused([str(path)]) == f"{path} holds nothing; remove it from the input, or fetch it again"


def test_an_unknown_type_names_what_the_source_reads(tmp_path: Path) -> None:
    path = tmp_path / "notes.docx"
    path.write_bytes(b"PK")
    message = refused([str(path)])
    assert message.startswith(f"{path}: the source reddit reads posts, NDJSON (RS_*.zst")
    assert "by its name" not in message


def test_a_file_of_another_source_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "beer.stackexchange.com.7z"
    path.write_bytes(b"7z\xbc\xaf\x27\x1c")
    assert refused([str(path)]).endswith("; by its name it is for --source stackexchange")


def test_a_file_of_another_source_by_its_first_record(dumps: Path) -> None:
    message = refused([str(dumps / "qa" / "faq.jsonl")])
    assert message.startswith("faq.jsonl: its first record has neither link_id and body")
    # It was named itself, so it is refused wherever else it turns up.
    assert refused([str(dumps), str(dumps / "qa" / "faq.jsonl")]) == message


def test_a_damaged_file_is_found_and_fails_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "RC_2015-01.gz"
    path.write_bytes(gzip.compress(COMMENT * 1000)[:15])
    (file,) = find_inputs(Reddit(), [str(path)]).files
    with pytest.raises(DamagedInput, match="ends too early"):
        list(file.lines())


def test_a_corrupt_file_that_looks_like_another_source_fails_with_the_true_reason(tmp_path: Path) -> None:
    path = tmp_path / "RC_2015-01.gz"
    path.write_bytes(gzip.compress(COMMENT * 5, compresslevel=0).replace(b"link_id", b"lunk_id", 1))
    (file,) = find_inputs(Reddit(), [str(path)]).files
    with pytest.raises(DamagedInput, match=r"the file is corrupt \(CRC check failed"):
        list(file.lines())


def test_a_7z_archive_is_looked_into_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "beer.stackexchange.com.7z"
    path.write_bytes(b"7z\xbc\xaf\x27\x1c rest")
    assert len(find_inputs(StackExchange(), [str(path)]).files) == 1


def test_only_so_many_files_are_looked_into(dumps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discover, "FILES_LOOKED_INTO", 0)
    assert "qa/faq.jsonl" in names(find_inputs(Reddit(), [str(dumps)]), dumps)


class Handler(BaseHTTPRequestHandler):
    """Serves one compressed file; other paths show what servers do."""

    data: ClassVar[bytes] = gzip.compress(COMMENT * 3, mtime=0)
    asked: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, *, with_body: bool) -> None:
        self.asked.append(f"{self.command} {self.path}")
        signed = self.path.startswith("/signed/")
        if self.path.startswith("/gone/") or (signed and not with_body):
            self.send_error(403 if signed else 404)
            return
        self.send_response(200)
        cut = self.path.startswith("/cut/")
        self.send_header("Content-Length", str(len(self.data) + 100 * cut))
        self.send_header("ETag", '"v1"')
        self.end_headers()
        if with_body:
            self.wfile.write(self.data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(http_requests, "FIRST_WAIT_SECONDS", 0.001)
    Handler.asked.clear()


def test_an_address_is_asked_about_and_read_when_its_turn_comes(server: str) -> None:
    (file,) = find_inputs(Reddit(), [f"{server}/reddit/RC_2015-01.gz"]).files
    assert Handler.asked == ["HEAD /reddit/RC_2015-01.gz"]
    assert (file.form, file.size, file.version) == ("comments", len(Handler.data), '"v1"')
    assert list(file.lines()) == [COMMENT.rstrip()] * 3
    assert file.meter.raw_bytes == len(Handler.data)
    assert file.meter.sha256 is not None


def test_an_address_signed_for_a_download(server: str) -> None:
    url = f"{server}/signed/RC_2015-01.gz?Expires=1&Signature=ab/cd*%2B[1]"
    (file,) = find_inputs(Reddit(), [url]).files
    assert (file.form, file.size, file.version) == ("comments", len(Handler.data), '"v1"')
    assert len(list(file.lines())) == 3


def test_one_file_at_two_addresses_is_read_once(server: str) -> None:
    addresses = [f"{server}/signed/RC_2015-01.gz?Signature={signature}" for signature in "ab"]
    (file,) = find_inputs(Reddit(), [*addresses, addresses[0]]).files
    assert (file.uri, file.version) == (f"{server}/signed/RC_2015-01.gz", '"v1"')
    assert find_inputs(Reddit(), addresses[::-1]).files == (file,)


def test_addresses_that_differ_in_what_they_mean_are_two_files(server: str, tmp_path: Path) -> None:
    addresses = [f"{server}/reddit/RC_2015-01.gz?id={number}&sig=a" for number in (1, 2)]
    assert sorted(file.address for file in find_inputs(Reddit(), addresses).files) == addresses
    (tmp_path / "list").write_text("\n".join(addresses))
    assert len(find_inputs(Reddit(), [f"@{tmp_path / 'list'}"]).files) == 2


def test_addresses_of_which_nothing_tells_whether_they_are_one_file(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("https://host/RC_1.zst?token=a\nhttps://host/RC_1.zst?token=b\n")
    assert refused([f"@{tmp_path / 'list'}"]) == (
        "https://host/RC_1.zst is named 2 times with different credentials, and its server does not say whether it is "
        "one file; name it once"
    )
    (tmp_path / "list").write_text("https://host/RC_1.zst?token=a\n" * 2)
    assert len(find_inputs(Reddit(), [f"@{tmp_path / 'list'}"]).files) == 1


def test_a_prefix_with_a_password(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("RC_1.zst\n")
    (file,) = find_inputs(Reddit(), [f"@{tmp_path / 'list'}"], prefix="https://me:SECRET@host/").files
    assert (file.uri, file.address) == ("https://host/RC_1.zst", "https://me:SECRET@host/RC_1.zst")


def test_an_address_that_leads_nowhere(server: str) -> None:
    url = f"{server}/gone/RC_2015-01.gz"
    assert refused([url]) == f"{url}: the server answered 404 Not Found; check the address"


def test_a_server_that_does_not_answer() -> None:
    url = "http://127.0.0.1:9/RC_2015-01.gz"
    assert refused([url]).startswith(f"{url}: 127.0.0.1:9 refuses the connection (3 attempts); ")


def test_a_file_that_goes_before_its_turn_comes(server: str) -> None:
    (file,) = find_inputs(Reddit(), [f"{server}/reddit/RC_2015-01.gz"]).files
    gone = type(file)(f"{server}/gone/RC_2015-01.gz", file.form)
    with pytest.raises(DamagedInput, match=r"RC_2015-01\.gz: the server answered 404 Not Found"):
        list(gone.lines())


def test_a_download_that_breaks_off(server: str) -> None:
    (file,) = find_inputs(Reddit(), [f"{server}/cut/RC_2015-01.gz"]).files
    with pytest.raises(DamagedInput, match=r"RC_2015-01\.gz: the server sent 64 of 164 bytes \("):
        list(file.lines())


def test_a_place_that_is_none() -> None:
    assert refused(["gopher://host/RC_1.zst"]).startswith("gopher://host/RC_1.zst: ")


def test_found_inputs_are_plain_data(dumps: Path) -> None:
    (file,) = find_inputs(Reddit(), [str(dumps / "reddit" / "RC_2015-01.ndjson")]).files
    assert json.dumps([file.uri, file.form, file.size, file.version, file.begin, file.end, file.limit])
