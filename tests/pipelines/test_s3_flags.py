"""Beam's flags for s3 become the variables that everything reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ccpairs.errors import UserError
from pipelines.s3_flags import use_s3_flags

NAMES = [
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE"),
]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)


def variables() -> dict[str, str]:
    return {name: os.environ[name] for name in NAMES if name in os.environ}


def test_each_flag_has_its_variable_and_goes_no_further() -> None:
    flags = [
        *("--s3_access_key_id=KEY", "--s3_secret_access_key", "SECRET", "--s3_session_token=TOKEN"),
        *("--s3_region_name=eu-west-1", "--s3_endpoint_url=https://host:9000/", "--runner=FlinkRunner", "--x", "1"),
    ]
    assert use_s3_flags(flags) == ["--runner=FlinkRunner", "--x", "1"]
    assert variables() == {
        "AWS_ACCESS_KEY_ID": "KEY",
        "AWS_SECRET_ACCESS_KEY": "SECRET",
        "AWS_SESSION_TOKEN": "TOKEN",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_S3": "https://host:9000/",
    }


def test_without_flags_the_variables_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://host")
    assert use_s3_flags(["--runner=FlinkRunner"]) == ["--runner=FlinkRunner"]
    assert variables() == {"AWS_ENDPOINT_URL": "http://host"}


def test_a_session_token_belongs_to_its_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "OLD")
    use_s3_flags(["--s3_access_key_id=KEY", "--s3_secret_access_key=SECRET"])
    assert "AWS_SESSION_TOKEN" not in variables()


@pytest.mark.parametrize(
    ("flags", "endpoint"),
    [
        (["--s3_endpoint_url=host:9000"], "https://host:9000"),
        (["--s3_endpoint_url=host:9000", "--s3_disable_ssl"], "http://host:9000"),
        (["--s3_endpoint_url=https://host:9000", "--s3_disable_ssl"], "https://host:9000"),
        (["--s3_disable_ssl", "--s3_region_name=eu-west-1"], "http://s3.eu-west-1.amazonaws.com"),
    ],
)
def test_the_endpoint_has_a_scheme(flags: list[str], endpoint: str) -> None:
    use_s3_flags(flags)
    assert variables()["AWS_ENDPOINT_URL_S3"] == endpoint


def test_certificates(tmp_path: Path) -> None:
    (tmp_path / "authority.pem").touch()
    use_s3_flags([f"--s3_verify={tmp_path}/authority.pem"])
    assert variables() == {"AWS_CA_BUNDLE": f"{tmp_path}/authority.pem"}
    with pytest.raises(UserError, match=r"^--s3_verify=false: certificates are always verified; name the authority"):
        use_s3_flags(["--s3_verify=false"])
    with pytest.raises(UserError, match=r"gone\.pem: no such file"):
        use_s3_flags(["--s3_verify=/gone.pem"])
