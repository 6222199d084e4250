"""What S3 answered, in the words of the protocol: not there, refused, may pass, or never will as it is set."""

from botocore.exceptions import (  # type: ignore[import-untyped]
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
    TokenRetrievalError,
)

from concert_assets.resources.s3.protocol import KeyRefused, ObjectNotFound, StoreBusy, StoreUnavailable

_NOT_THERE = {"404", "NoSuchKey"}
_KEY_REFUSED = {"InvalidURI", "KeyTooLongError"}  # S3 refuses ../ that leads out of the bucket
_MAY_PASS = {
    "ConditionalRequestConflict",
    "InternalError",
    "RequestTimeout",
    "RequestTimeTooSkewed",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "409",
    "500",
    "502",
    "503",
    "504",
}
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, TokenRetrievalError)
_CONNECTION = (ConnectionError, HTTPClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError)
# What to look at, by the code that S3 answers with.
_BUCKETS = "CONCERT_RAW_BUCKET and CONCERT_PROCESSED_BUCKET"
_LOOK_AT = {
    "NoSuchBucket": _BUCKETS,
    "PermanentRedirect": f"{_BUCKETS}, CONCERT_REGION",
    "301": f"{_BUCKETS}, CONCERT_REGION",
    "AuthorizationHeaderMalformed": "CONCERT_REGION",
    "IllegalLocationConstraintException": "CONCERT_REGION",
    "KMS.NotFoundException": "CONCERT_BUCKET_KEY",
    "KMS.DisabledException": "CONCERT_BUCKET_KEY",
}
_LOOK_FOR_CREDENTIALS = "AWS_PROFILE, AWS_ACCESS_KEY_ID and the role of this machine"
_CREDENTIALS = {"ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "TokenRefreshRequired"}


def code_of(error: BaseException) -> str:
    """The code that S3 answered with, empty where it did not answer."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def told(error: BaseException, bucket: str, key: str) -> Exception:
    """The same failure as the protocol has it, in one line, with the setting to look at and S3's code."""
    code = code_of(error)
    if code in _NOT_THERE:
        return ObjectNotFound(f"no object {key!r} in bucket {bucket!r}")
    if code in _KEY_REFUSED:
        return KeyRefused(f"S3 refuses key {key[:60]!r}: {code}")
    if isinstance(error, _NO_CREDENTIALS):
        return StoreUnavailable(
            f"bucket {bucket!r} cannot be asked: boto3 finds no AWS credentials; look at {_LOOK_FOR_CREDENTIALS}"
        )
    if isinstance(error, NoRegionError):
        return StoreUnavailable(f"bucket {bucket!r} cannot be asked: no region is known; set CONCERT_REGION")
    if code in _MAY_PASS or isinstance(error, _CONNECTION):
        why = code or type(error).__name__
        return StoreBusy(
            f"bucket {bucket!r} does not answer as it should ({why}), several times; if it stays so, look at "
            "CONCERT_ENDPOINT_URL, CONCERT_REGION and the network"
        )
    if code in _CREDENTIALS:
        return StoreUnavailable(
            f"bucket {bucket!r} refuses the AWS credentials that boto3 finds ({code}); look at {_LOOK_FOR_CREDENTIALS}"
        )
    if code:
        what = error.operation_name if isinstance(error, ClientError) else ""
        look_at = _LOOK_AT.get(code, f"{_BUCKETS}, CONCERT_ACCOUNT and the rights of the role on them")
        return StoreUnavailable(f"bucket {bucket!r} refuses {what} with {code}; look at {look_at}")
    return StoreUnavailable(
        f"bucket {bucket!r} cannot be asked: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    )
