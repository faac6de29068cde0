"""Beam's flags for s3 (``--s3_endpoint_url`` …) as the variables that Arrow, and everything else, reads.

Worker processes of this machine inherit the variables. The flags themselves go no further: an engine would show them.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from apache_beam.options.pipeline_options import S3Options

from ccpairs.errors import UserError

VARIABLES = {
    "s3_access_key_id": "AWS_ACCESS_KEY_ID",
    "s3_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "s3_session_token": "AWS_SESSION_TOKEN",
    "s3_region_name": "AWS_REGION",
}


def use_s3_flags(flags: Sequence[str]) -> list[str]:
    """Set the variables that the flags for s3 mean; returns the other flags. Raises ``UserError``."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    S3Options._add_argparse_args(parser)
    try:
        given, rest = parser.parse_known_args(list(flags))
    except argparse.ArgumentError as error:
        raise UserError(f"{error}; it is a flag of Apache Beam, see docs/engines.md") from None
    if given.s3_access_key_id and not given.s3_session_token:
        os.environ.pop("AWS_SESSION_TOKEN", None)  # it belongs to other keys
    for name, variable in VARIABLES.items():
        if value := getattr(given, name):
            os.environ[variable] = value
    scheme = "http" if given.s3_disable_ssl else "https"
    endpoint = given.s3_endpoint_url
    if not endpoint and given.s3_disable_ssl and not os.environ.get("AWS_ENDPOINT_URL_S3"):
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        endpoint = os.environ.get("AWS_ENDPOINT_URL") or f"s3.{region}.amazonaws.com"
    if endpoint:
        os.environ["AWS_ENDPOINT_URL_S3"] = endpoint if "://" in endpoint else f"{scheme}://{endpoint}"
    verify = given.s3_verify or ""
    if verify.lower() in ("false", "0", "no"):
        raise UserError(
            "--s3_verify=false: certificates are always verified; name the authority by --s3_verify=PATH.pem"
        )
    if verify and verify.lower() not in ("true", "1", "yes"):
        if not os.path.exists(verify):
            raise UserError(f"--s3_verify={verify}: no such file; name the certificates of the authority (PEM)")
        os.environ["AWS_CA_BUNDLE"] = os.path.abspath(verify)
    return rest
