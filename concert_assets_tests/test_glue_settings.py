"""Settings of Glue that are wrong or missing: one line each, with the setting and AWS's code, and nothing started."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from concert_assets.resources.glue.failures import refusal, struck
from concert_assets.resources.glue.protocol import GlueJobFailed, GlueUnavailable
from concert_assets.resources.s3.protocol import StoreUnavailable
from concert_assets_tests.support_glue import GlueDouble, glue_double
from concert_assets_tests.support_glue_jobs import launch, resource
from concert_assets_tests.support_moto import ENVIRONMENT, MotoServer


@pytest.fixture
def double(moto: MotoServer, tmp_path: Path) -> Iterator[GlueDouble]:
    moto.empty()
    with glue_double(moto.url, tmp_path / "runs") as double:
        yield double


def told(double: GlueDouble, folder: Path, **settings: Any) -> str:
    """The line of a launch that settings make impossible."""
    done = launch(resource(double, folder, "", **settings), {})
    assert isinstance(done.failure, GlueUnavailable | StoreUnavailable)
    assert "\n" not in str(done.failure)
    assert double.orphans() == []
    return str(done.failure)


def test_missing_credentials(double: GlueDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which keeps the credentials it has found
    assert "boto3 finds no AWS credentials" in told(double, tmp_path)
    assert double.runs == []


def test_a_profile_that_is_not_there(double: GlueDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    line = told(double, tmp_path)
    assert "ProfileNotFound" in line
    assert "CONCERT_DEPLOYMENT" in line
    assert "AWS_PROFILE" in line


def test_missing_region(double: GlueDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    line = told(double, tmp_path, region="")
    assert "CONCERT_REGION" in line
    assert "NoRegionError" in line


def test_an_endpoint_that_is_none(double: GlueDouble, tmp_path: Path) -> None:
    assert "CONCERT_ENDPOINT_URL is no place" in told(double, tmp_path, endpoint_url="nowhere")


def test_a_bucket_that_is_not_there(double: GlueDouble, tmp_path: Path) -> None:
    line = told(double, tmp_path, processed_bucket="nobody-has-it")
    assert "CONCERT_PROCESSED_BUCKET" in line
    assert "NoSuchBucket" in line or "404" in line


def test_a_role_that_glue_cannot_assume(double: GlueDouble, tmp_path: Path) -> None:
    line = told(double, tmp_path, role="nonsense")
    assert "CONCERT_GLUE_ROLE" in line
    assert "InvalidInputException" in line


@pytest.mark.parametrize("operation", ["GetJob", "CreateJob", "StartJobRun", "GetJobRuns", "GetJobRun"])
def test_access_denied(double: GlueDouble, tmp_path: Path, operation: str) -> None:
    double.fate("RUNNING")
    double.plan(operation, "AccessDeniedException")
    line = told(double, tmp_path)
    assert f"do not allow {operation}" in line
    assert "CONCERT_GLUE_JOB (AccessDeniedException)" in line


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"])
def test_credentials_that_aws_refuses(double: GlueDouble, tmp_path: Path, code: str) -> None:
    double.fate("RUNNING")
    double.plan("GetJobRun", code)
    line = told(double, tmp_path)
    assert "CONCERT_DEPLOYMENT is aws, but Glue refuses the AWS credentials" in line
    assert code in line


def test_throttling_without_end_is_given_up(double: GlueDouble, tmp_path: Path) -> None:
    double.plan("StartJobRun", "ThrottlingException", 100_000)
    done = launch(resource(double, tmp_path, "", patience_seconds=0.5), {})
    assert isinstance(done.failure, GlueJobFailed)
    assert "StartJobRun" in str(done.failure)
    assert "ThrottlingException" in str(done.failure)
    assert "CONCERT_REGION" in str(done.failure)
    assert double.runs == []


def test_the_deadline_ends_patience(double: GlueDouble, tmp_path: Path) -> None:
    double.plan("GetJob", "ThrottlingException", 100_000)
    done = launch(resource(double, tmp_path, "", deadline_seconds=0.5, patience_seconds=600), {})
    assert "ThrottlingException for 0 s (CONCERT_GLUE_DEADLINE_SECONDS)" in str(done.failure)


def test_a_role_that_may_not_be_passed_is_told_from_other_rights() -> None:
    def denied(what: str) -> str:
        user = "User: arn:aws:sts::1:assumed-role/someone is not authorized to perform: "
        answer = {"Error": {"Code": "AccessDeniedException", "Message": user + what}}
        return str(refusal(ClientError(answer, "CreateJob"), "CreateJob", "j"))

    assert "look at CONCERT_GLUE_ROLE" in denied("iam:PassRole on resource: arn:aws:iam::1:role/glue")
    assert "CONCERT_GLUE_JOB" in denied("glue:CreateJob")


@pytest.mark.parametrize(
    ("line", "is_left"),
    [
        ("key AKIAIOSFODNN7EXAMPLE of x", "key *** of x"),
        ("Password: hunter2, next", "Password: ***, next"),
        ('"aws_session_token": "abc/def+="', '"aws_session_token": "***"'),
        ("https://b.s3/k?X-Amz-Signature=0af&X-Amz-Expires=9", "https://b.s3/k?X-Amz-Signature=***&X-Amz-Expires=9"),
        ("jdbc at redshift://me:secret@host:5439/db", "jdbc at redshift://***@host:5439/db"),
        ("given canary here", "given *** here"),
        ("a row of\n  three   words", "a row of three words"),
    ],
)
def test_secrets_are_struck_out(line: str, is_left: str) -> None:
    assert struck(line, ("canary", ENVIRONMENT["AWS_SECRET_ACCESS_KEY"])) == is_left
