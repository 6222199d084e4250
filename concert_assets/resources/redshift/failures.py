"""What may go wrong on the way to Redshift: which failures may pass, which stay, and their words without secrets."""

import re
from typing import Any

from concert_assets.resources.redshift.protocol import WarehouseBusy

_SERIALIZATION = {"40001", "40P01"}  # PostgreSQL's codes; Redshift says 1023 in words, under a code for all its errors
_SERIALIZATION_WORDS = re.compile(r"\b1023\b[\s\S]*serializable isolation violation", re.IGNORECASE)
_ENDED = {"57P01", "57P02", "57P03"}  # the server was told to end the connection, or is about to start
_CANCELLED = "57014"


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


def is_cancelled(error: Exception) -> bool:
    """Whether the statement was ended by a deadline."""
    return getattr(error, "pgcode", None) == _CANCELLED


def without(secret: str, text: str) -> str:
    """A text on one line with the secret struck out."""
    text = " ".join(text.split())
    return text.replace(secret, "***") if secret else text
