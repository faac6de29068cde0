from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.errors import UserError
from pipelines.opt_out import OptOut, load_opt_out, parse_opt_out


def frozen(*values: str) -> frozenset[str]:
    return frozenset(values)


ENTRIES: dict[str, OptOut] = {
    "id:t3_ABC12": OptOut(ids=frozen("t3_abc12")),
    "t3_abc12": OptOut(ids=frozen("t3_abc12")),
    "id: beer/123": OptOut(ids=frozen("beer/123")),
    "beer/123": OptOut(ids=frozen("beer/123")),
    "https://Example.com/Page": OptOut(ids=frozen("https://example.com/page")),
    "https://example.com/a#b": OptOut(ids=frozen("https://example.com/a#b")),
    "domain:Example.COM": OptOut(domains=frozen("example.com")),
    "example.com": OptOut(domains=frozen("example.com")),
    "domain:*.example.com": OptOut(domains=frozen("example.com")),
    "domain:https://example.com/": OptOut(domains=frozen("example.com")),
    "domain:example.com.": OptOut(domains=frozen("example.com")),
    "domain:www.example.com": OptOut(domains=frozen("www.example.com")),
    "subreddit:AskScience": OptOut(subreddits=frozen("askscience")),
    "subreddit:r/AskScience": OptOut(subreddits=frozen("askscience")),
    "r/AskScience": OptOut(subreddits=frozen("askscience")),
    "/r/AskScience/": OptOut(subreddits=frozen("askscience")),
    "author:Some_Name": OptOut(authors=frozen("some_name")),
    "author:u/Some_Name": OptOut(authors=frozen("some_name")),
    "/user/Some_Name/": OptOut(authors=frozen("some_name")),
    "u/Some_Name": OptOut(authors=frozen("some_name")),
    "/u/some_name": OptOut(authors=frozen("some_name")),
    "  id:1  # asked in May": OptOut(ids=frozen("1")),
    "# a comment": OptOut(),
    "": OptOut(),
    "   ": OptOut(),
}


@pytest.mark.parametrize("line", ENTRIES)
def test_entries(line: str) -> None:
    assert parse_opt_out(line) == ENTRIES[line]


def test_a_list_in_any_line_ends() -> None:
    assert parse_opt_out("# who asked\r\nid:1\r\nid:2\nexample.com") == OptOut(frozen("1", "2"), frozen("example.com"))


def test_a_byte_order_mark_is_no_part_of_the_first_entry(tmp_path: Path) -> None:
    path = tmp_path / "opt-out.txt"
    path.write_bytes(b"\xef\xbb\xbfid:t3_abc\n")
    assert load_opt_out(str(path)) == OptOut(ids=frozen("t3_abc"))


@pytest.mark.parametrize("line", ["name:somebody", "user:somebody", "ids:1"])
def test_an_unknown_kind_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_opt_out(f"id:1\n\n{line}\n")
    kind = line.split(":")[0]
    assert str(caught.value) == (
        f"opt-out list, line 3: unknown kind '{kind}'; use one of id, domain, subreddit, author"
    )


@pytest.mark.parametrize("line", ["id:", "domain: ", "r/", "u/ # nobody"])
def test_a_kind_without_a_value_is_refused(line: str) -> None:
    with pytest.raises(UserError, match=r"^opt-out list, line 1: .*names nothing"):
        parse_opt_out(line)


def test_an_empty_list_is_falsy_and_has_no_digest() -> None:
    assert not OptOut()
    assert OptOut().digest() == ""
    assert OptOut(authors=frozen("a"))


def test_ids_match_whole_and_in_any_case() -> None:
    opt_out = parse_opt_out("id:t3_abc")
    assert opt_out.doc("t3_ABC")
    assert not opt_out.doc("t3_abcd")
    assert not opt_out.doc("abc")


@pytest.mark.parametrize(
    ("url", "out"),
    [
        ("https://example.com/", True),
        ("http://example.com", True),
        ("https://EXAMPLE.com:8080/a?b=c", True),
        ("https://user@blog.example.com/a", True),
        ("//example.com/a", True),
        ("example.com/a", True),
        ("https://example.com./a", True),
        ("https://notexample.com/", False),
        ("https://example.com.evil.org/", False),
        ("https://other.org/example.com", False),
        ("https://other.org/?u=//example.com/", False),
        ("https://a.org/page", True),
        ("https://a.org/Page", True),
        ("https://a.org/other", False),
        ("http://[broken", False),
        ("", False),
        (None, False),
    ],
)
def test_urls(url: str | None, out: bool) -> None:
    assert parse_opt_out("example.com\nhttps://a.org/page").url(url) is out


def test_subreddits_and_authors() -> None:
    opt_out = parse_opt_out("r/askscience\nu/somebody")
    assert opt_out.subreddit("AskScience")
    assert opt_out.author("SomeBody")
    assert not opt_out.subreddit("somebody")
    assert not opt_out.author("askscience")
    assert not opt_out.subreddit(None)
    assert not opt_out.author(None)


@given(st.permutations(["id:1", "id:2", "example.com", "r/a", "u/b"]))
def test_the_digest_is_of_the_entries_whatever_their_order(lines: list[str]) -> None:
    opt_out = parse_opt_out("\n".join(lines))
    assert opt_out.digest() == parse_opt_out("id:1\nid:2\nexample.com\nr/a\nu/b").digest()
    assert opt_out.digest() != parse_opt_out("\n".join(lines[1:])).digest()


def test_the_digest_tells_kinds_apart() -> None:
    lines = ["id:a", "domain:a", "subreddit:a", "author:a"]
    assert len({parse_opt_out(line).digest() for line in lines}) == 4


@given(st.text(max_size=40), st.text(max_size=20))
def test_any_text_is_entries_or_one_clear_error(text: str, name: str) -> None:
    try:
        opt_out = parse_opt_out(text)
    except UserError:
        return
    for asked in (opt_out.doc(name), opt_out.url(name), opt_out.subreddit(name), opt_out.author(name)):
        assert isinstance(asked, bool)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            b"<!DOCTYPE html><html><title>Sign in</title>\n",
            "the opt-out list {} looks like an HTML page titled 'Sign in'",
        ),
        (b'{"message": "Not Found"}', "the opt-out list {} looks like a JSON document about an error ('Not Found')"),
        (
            b"<Error><Code>NoSuchKey</Code></Error>",
            "the opt-out list {} looks like an error of an object store (NoSuchK",
        ),
        (b"version https://git-lfs.github.com/spec/v1\noid x\n", "the opt-out list {} looks like a Git LFS pointer; "),
        ("example.com\n".encode("utf-16-le"), "the opt-out list {} looks like text in UTF-16; convert it to UTF-8"),
        (b"Not Found\n", "opt-out list, line 1: 'not found' is no entry; write id: before an id with spaces"),
    ],
)
def test_a_list_that_is_something_else_is_refused(data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(data)
    with pytest.raises(UserError) as caught:
        load_opt_out(str(tmp_path / "list"))
    assert str(caught.value).startswith(says.format(tmp_path / "list"))


def test_an_id_with_spaces_says_that_it_is_one() -> None:
    assert parse_opt_out("id:two words").doc("Two words")


def test_a_list_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^cannot read the opt-out list .*gone\.txt: "):
        load_opt_out(str(tmp_path / "gone.txt"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00id")
    with pytest.raises(UserError, match=r"^the opt-out list .*binary looks like text in UTF-16; "):
        load_opt_out(str(tmp_path / "binary"))
