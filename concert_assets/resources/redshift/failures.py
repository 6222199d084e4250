"""What may go wrong on the way to Redshift: which failures may pass, which stay, and their words without secrets."""

import re
from typing import Any

from concert_assets.resources.redshift.protocol import WarehouseBusy

_SERIALIZATION = {"40001", "40P01"}  # PostgreSQL's codes; Redshift says 1023 in words, under a code for all its errors
_SERIALIZATION_WORDS = re.compile(r"\b1023\b[\s\S]*serializable isolation violation", re.IGNORECASE)
_ENDED = {"57P01", "57P02", "57P03"}  # the server was told to end the connection, or is about to start
_CANCELLED = "57014"
_NO_TABLE = "42P01"
_NO_RELATION = re.compile(r"relation with oid \d+", re.IGNORECASE)
_FORBIDDEN = "42501"
_DEPENDED_ON = "2BP01"
# COPY and UNLOAD tell S3's code within a text of their own, or of Spectrum's, which reads columnar objects for COPY.
_S3_CODE = re.compile(
    r"S3ServiceException:[\s\S]*?\bError (?P<code>[\w.]+)|HTTP response error code: \d+ Message: (?P<told>\w+)"
)
_NO_ROLE = re.compile(r"not authorized to (assume|get credentials of)( IAM)? role", re.IGNORECASE)
_MAY_PASS = {"InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown"}
_LOOK_AT = {
    "NoSuchBucket": "CONCERT_PROCESSED_BUCKET",
    "PermanentRedirect": "CONCERT_REGION, which is to be that of warehouse and buckets",
}


class Interrupted(WarehouseBusy):
    """A transaction was undone, or a statement outside of one did not end; it may be tried again."""


class Unavailable(Exception):
    """Redshift cannot be reached with these settings; trying again does not help."""


def is_dropped(error: Exception, connection: Any) -> bool:
    """Whether the connection is gone, through whichever end."""
    code = getattr(error, "pgcode", None) or ""
    return bool(connection.closed) or code in _ENDED or code.startswith("08")


def is_serialization_failure(error: Exception) -> bool:
    """Whether two transactions at once could not both be right, so that this one was undone (Redshift: 1023)."""
    code = getattr(error, "pgcode", None) or ""
    return code in _SERIALIZATION or bool(_SERIALIZATION_WORDS.search(str(error)))


def is_replaced(error: Exception) -> bool:
    """Whether a table was not there: never, or not any more, since a publication replaced it at that moment."""
    return getattr(error, "pgcode", None) == _NO_TABLE or bool(_NO_RELATION.search(str(error)))


def is_cancelled(error: Exception) -> bool:
    """Whether the statement was ended by a deadline."""
    return getattr(error, "pgcode", None) == _CANCELLED


def refusal(error: Exception) -> Exception | None:
    """What Redshift was refused, or refuses itself, in one line with code and setting; None where it is no refusal."""
    text = str(error)
    if _NO_ROLE.search(text):
        return Unavailable(
            "Redshift may not take the role CONCERT_REDSHIFT_ROLE (sts:AssumeRole); attach it to cluster or namespace "
            "and let it trust Redshift"
        )
    if found := _S3_CODE.search(text):
        code = found["code"] or found["told"]
        if code in _MAY_PASS:
            return WarehouseBusy(f"S3 did not answer Redshift as it should ({code}); it may be over later")
        key = "CONCERT_BUCKET_KEY and " if "kms:" in text.lower() else ""
        look_at = _LOOK_AT.get(code, f"{key}CONCERT_REDSHIFT_ROLE and its rights on CONCERT_PROCESSED_BUCKET")
        return Unavailable(f"S3 refuses Redshift what COPY or UNLOAD asks, with {code}; look at {look_at}")
    if getattr(error, "pgcode", None) == _FORBIDDEN:
        return Unavailable(
            f"Redshift refuses with {_FORBIDDEN}: {text.splitlines()[0]}; let whoever logs in create schemas in "
            "CONCERT_REDSHIFT_DATABASE"
        )
    if getattr(error, "pgcode", None) == _DEPENDED_ON:
        return Unavailable(
            f"Redshift drops no table that something else depends on ({_DEPENDED_ON}): {' '.join(text.split())}; drop "
            "that first, and make views with no schema binding"
        )
    return None


def without(secret: str, text: str) -> str:
    """A text on one line with the secret struck out."""
    text = " ".join(text.split())
    return text.replace(secret, "***") if secret else text
