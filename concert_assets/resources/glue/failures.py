"""What AWS answers about Glue jobs, in one line: which failures may pass, and which setting is behind the others."""

import re
from collections.abc import Sequence

from botocore.exceptions import (  # type: ignore[import-untyped]
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)

from concert_assets.resources.clients import CREDENTIAL_CODES
from concert_assets.resources.glue.protocol import GlueUnavailable

NO_ROOM = {"ConcurrentRunsExceededException", "ResourceNumberLimitExceededException"}
_MAY_PASS = {
    "ConcurrentModificationException",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceException",
    "OperationTimeoutException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    ProfileNotFound,
    TokenRetrievalError,
)
_CONNECTION = (ConnectionError, HTTPClientError)
_MOST_TOLD = 300
# In logs of any program: access keys by their form, what follows the usual names of secrets, and logins in URLs.
_SECRETS = (
    re.compile(r"()\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"),
    re.compile(
        r"(?i)\b([\w-]*(?:passw(?:or)?d|secret|token|signature|credential)[\w-]*[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]+"
    ),
    re.compile(r"(://)[^\s/@:]+:[^\s/@]+(?=@)"),
)


def code_of(error: BaseException) -> str:
    """The code that AWS answered with, or the name of the error where it did not answer."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "")) or "unknown"
    return type(error).__name__


def may_pass(error: BaseException) -> bool:
    """Whether the same call may succeed a little later."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code_of(error) in _MAY_PASS or status == 429 or status >= 500
    return isinstance(error, _CONNECTION)


def struck(text: str, secrets: Sequence[str] = ()) -> str:
    """A text on one line, with secrets struck out: the given ones and what looks like one."""
    line = " ".join(text.split())
    for secret in secrets:
        line = line.replace(secret, "***")
    for pattern in _SECRETS:
        line = pattern.sub(r"\1***", line)
    return line


def refusal(error: BaseException, operation: str, job: str, secrets: Sequence[str] = ()) -> GlueUnavailable:
    """What an error that stays says of the settings, in one line."""
    code = code_of(error)
    if isinstance(error, _NO_CREDENTIALS):
        return GlueUnavailable(
            f"CONCERT_DEPLOYMENT is aws, but boto3 finds no AWS credentials for Glue ({code}); "
            "log in, or name a profile in AWS_PROFILE"
        )
    if isinstance(error, NoRegionError | InvalidRegionError):
        return GlueUnavailable(f"CONCERT_REGION names no AWS region, so Glue cannot be asked ({code})")
    if isinstance(error, ValueError):  # boto3's word for an endpoint that is none
        return GlueUnavailable(
            f"CONCERT_ENDPOINT_URL is no place to ask for Glue ({code}): {struck(str(error), secrets)}"
        )
    if code in CREDENTIAL_CODES:
        return GlueUnavailable(
            f"CONCERT_DEPLOYMENT is aws, but Glue refuses the AWS credentials that boto3 finds ({code}); "
            "log in again, and look at CONCERT_REGION"
        )
    told = error.response.get("Error", {}).get("Message", "") if isinstance(error, ClientError) else str(error)
    text = struck(told, secrets)[:_MOST_TOLD]
    if "AccessDenied" in code and "iam:passrole" not in told.lower():
        return GlueUnavailable(
            f"the AWS credentials do not allow {operation} for job {job}, CONCERT_GLUE_JOB ({code}): {text}"
        )
    look_at = "CONCERT_GLUE_ROLE" if "role" in told.lower() else "CONCERT_GLUE_JOB and CONCERT_GLUE_WORKERS"
    return GlueUnavailable(f"Glue refuses {operation} for job {job} with {code}; look at {look_at}: {text}")
