from __future__ import annotations

import pytest

from ccpairs.addresses import (
    hide_in_arguments,
    hide_secrets,
    public_address,
    query_digest,
    query_of,
    secrets_in,
    split_user_info,
)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("https://host/a/x.gz", "https://host/a/x.gz"),
        ("https://host/x.gz?X-Amz-Signature=ab/cd&id=1#top", "https://host/x.gz"),
        ("https://user:pass@host:8080/x.gz", "https://host:8080/x.gz"),
        ("https://token@host/x.gz", "https://host/x.gz"),
        ("https://user:p@ss@host/x.gz", "https://host/x.gz"),
        ("https://user:pa/s?s@host/x.gz?a=b@c", "https://host/x.gz"),
        ("https://host:8080/x.gz?mail=me@example.com", "https://host:8080/x.gz"),
        ("https://host/@me/x.gz", "https://host/@me/x.gz"),
        ("https://host?token=a", "https://host"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("s3://KEY:SEC/RET+1@bucket/a/x.gz", "s3://bucket/a/x.gz"),
        ("s3://bucket/me@example.com/x.gz", "s3://bucket/me@example.com/x.gz"),
        ("s3://bucket/x.gz?region=eu-west-1&scheme=http", "s3://bucket/x.gz"),
        ("s3://bucket/why?/#1 100%.gz", "s3://bucket/why?/#1 100%.gz"),
        ("s3://bucket/RC_2015-0?.zst", "s3://bucket/RC_2015-0?.zst"),
        ("abfss://container:KEY@account.dfs.core.windows.net/x", "abfss://container@account.dfs.core.windows.net/x"),
        ("/data/why?token=a#1.gz", "/data/why?token=a#1.gz"),
        ("user:pass@host/x", "user:pass@host/x"),
    ],
)
def test_what_of_an_address_may_be_written(address: str, public: str) -> None:
    assert public_address(address) == public
    assert public_address(public) == public


def test_user_info_is_split_off_as_it_was_typed() -> None:
    assert split_user_info("https://me:p%40ss@host/x?q=1") == ("https://host/x?q=1", "me:p%40ss")
    assert split_user_info("https://host/x?q=me@host") == ("https://host/x?q=me@host", "")
    assert split_user_info("/data/me@host") == ("/data/me@host", "")


def test_the_query_of_an_address() -> None:
    assert query_of("https://host/x?a=1&b=2#c") == "a=1&b=2"
    assert query_of("/data/x?a=1") == ""


@pytest.mark.parametrize(
    "query",
    [
        "",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F1&X-Amz-Date=1&X-Amz-Expires=9&X-Amz-Signature=ab",
        "x-amz-security-token=1&X%2DAmz%2DSignature=2",
        "AWSAccessKeyId=A&Signature=b%2B&Expires=1",
        "Expires=1&Signature=a&Key-Pair-Id=K",
        "Policy=abc&Signature=a&Key-Pair-Id=K",
        "X-Goog-Algorithm=G&X-Goog-Signature=ab",
        "GoogleAccessId=a&Expires=1&Signature=b",
        "sv=2022-11-02&ss=b&srt=o&sp=r&se=2030-01-01&st=2020-01-01&spr=https&sr=b&sig=abc",
        "skoid=1&sktid=2&skt=3&ske=4&sks=b&skv=5&sig=abc",
        *(
            "token=a",
            "access_token=a",
            "auth=a",
            "apikey=a",
            "API_KEY=a",
            "sig=a",
            "signature=a",
            "jwt=a",
            "password=a",
        ),
    ],
)
def test_a_signature_is_no_part_of_what_an_address_means(query: str) -> None:
    for has_version in (True, False):
        assert query_digest(f"https://host/x?{query}", has_version=has_version) == ""
        one = query_digest("https://host/x?id=1", has_version=has_version)
        assert query_digest(f"https://host/x?id=1&{query}", has_version=has_version) == one != ""


@pytest.mark.parametrize(
    "query", ["id=1", "file=a.gz", "versionId=1", "page", "st=1", "policy=1", "unheard_of=1", "key=1"]
)
def test_other_parameters_tell_files_apart(query: str) -> None:
    one, other = (query_digest(f"https://host/x?{query}{end}", has_version=False) for end in ("", "2"))
    assert "" != one != other != ""
    assert one.isalnum()
    assert query not in one


def test_a_key_is_a_credential_where_something_else_tells_files_apart() -> None:
    assert query_digest("https://host/x?key=1", has_version=True) == ""


def test_secrets_in_messages() -> None:
    address = "https://me:SEC%52ET@host/x?token=SECRET2"
    secrets = secrets_in(["--input", f"reddit={address}", "--s3_session_token", "SECRET3"])
    text = (
        f"{address}: Max retries exceeded with url: /x?token=SECRET2 (SECRET at SECRET3), "
        "see https://cdn.host/y?sig=SECRET4."
    )
    assert hide_secrets(text, secrets) == (
        "https://…@host/x?…: Max retries exceeded with url: /x?… (… at …), see https://cdn.host/y?…."
    )


def test_the_form_of_user_info_that_a_message_gives_is_left() -> None:
    text = "as in https://USER:PASSWORD@HOST/FILE"
    assert hide_secrets(text, ["secret"]) == text


def test_other_text_is_left_as_it_is() -> None:
    text = "/data/why?a=b.gz and s3://bucket/RC_201?-0[12].zst: no such file; did you mean --input='x y'?"
    assert hide_secrets(text, secrets_in(["--input", "/data/why?a=b.gz"])) == text


def test_secrets_in_a_command() -> None:
    command = ["--input=https://host/x?token=SECRET", "s3://KEY:SECRET@bucket/*", "--s3_secret_access_key=SECRET", "-q"]
    assert hide_in_arguments(command) == [
        "--input=https://host/x?…",
        "s3://…@bucket/*",
        "--s3_secret_access_key=…",
        "-q",
    ]
    # As pathlib writes an address.
    assert hide_secrets("no folder /home/https:/me:SECRET@host/x") == "no folder /home/https:/…@host/x"
