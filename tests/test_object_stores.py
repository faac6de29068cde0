from __future__ import annotations

import pytest

from ccpairs.errors import UserError
from ccpairs.object_stores import address_in, locate_object, reason_of


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "When listing objects under key '' in bucket 'b': AWS Error NO_SUCH_BUCKET during ListObjectsV2 operation: "
            "The specified bucket does not exist (Request ID: w4R2)",
            "no such bucket: The specified bucket does not exist; check the name of the bucket",
        ),
        (
            "AWS Error NETWORK_CONNECTION during GetObject operation: curlCode: 28, Timeout was reached; Details: "
            "Operation too slow. Less than 1 bytes/sec transferred the last 20 seconds",
            "network connection: Timeout was reached; check the endpoint (AWS_ENDPOINT_URL, http:// or https://) and "
            "the network",
        ),
        (
            "AWS Error UNKNOWN (HTTP status 400) during ListObjectsV2 operation: Unable to parse ExceptionName: "
            "AuthorizationHeaderMalformed Message: the region is wrong",
            "AuthorizationHeaderMalformed: the region is wrong; the bucket is in another region; name it in AWS_REGION",
        ),
        (
            "google::cloud::Status(UNAVAILABLE: Retry policy exhausted error_info={reason=, domain=})",
            "UNAVAILABLE: Retry policy exhausted",
        ),
        ("[Errno 2] Path does not exist 'b/x'. Detail: [errno 2] No such file", "[Errno 2] Path does not exist 'b/x'"),
        ("Connection\nreset", "Connection reset"),
    ],
)
def test_reasons_are_short_and_say_what_to_do(text: str, reason: str) -> None:
    assert reason_of(OSError(text)) == reason


def test_addresses_of_one_bucket_share_keys_and_options() -> None:
    address = "s3://KEY:SE/CRET@bucket/a/*?region=eu-west-1"
    assert address_in(address, "b c") == "s3://KEY:SE/CRET@bucket/b c?region=eu-west-1"
    assert address_in("abfs://box@account.host/a", "b") == "abfs://box@account.host/b"


def test_each_bucket_has_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    (one, path), (other, _) = locate_object("s3://bucket/a/b c#1.gz"), locate_object("s3://bucket/")
    assert path == "bucket/a/b c#1.gz"
    assert one is other
    assert one.region == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    assert locate_object("s3://bucket/")[0].region == "eu-west-2"


@pytest.mark.parametrize("address", ["abfs://me:SECRET@nowhere/x?y=SECRET", "s3://bucket/x?scheme=gopher&token=SECRET"])
def test_a_wrong_address_is_told_without_its_secrets(address: str) -> None:
    with pytest.raises(UserError) as caught:
        locate_object(address)
    assert "SECRET" not in str(caught.value)
