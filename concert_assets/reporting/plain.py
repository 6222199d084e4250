"""Values made plain: anything the facts may hold as what JSON can hold, and settings without their secrets."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

SECRET_MARKS = ("password", "passwd", "secret", "token", "credential", "access_key", "private_key", "signing_key")
WITHHELD = "withheld"
ERROR_LIMIT = 20_000  # characters of an error that a report keeps


def instant(value: datetime) -> str:
    """An instant in ISO 8601, UTC, to the millisecond; a naive one is taken as UTC."""
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return aware.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def number(value: Decimal) -> int | float | str | None:
    """A decimal as a JSON number where a reader gets the same digits back, else as text; None if it is no number.

    A double holds 15 decimal digits with certainty; a longer amount would be changed silently.
    """
    if not value.is_finite():
        return None
    if value == value.to_integral_value() and abs(value) < 2**53:
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else format(value, "f")


def plain(value: Any) -> Any:
    """The value as dicts with text keys, lists, text, numbers, booleans and None.

    Instants become ISO 8601 in UTC, durations seconds, NaN and infinities None; numpy's scalars become Python's.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, (date, timedelta)):
        return _time(value)
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # numpy's arrays and scalars, without importing numpy
        return plain(value.tolist())
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [plain(item) for item in (sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)]
    return None if _is_missing(value) else str(value)


def withheld(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings made plain, with every value whose name marks it as a secret replaced, at any depth."""

    def clean(name: str, value: Any) -> Any:
        if any(mark in name.lower() for mark in SECRET_MARKS):
            return WITHHELD
        return {key: clean(key, item) for key, item in value.items()} if isinstance(value, dict) else value

    return {name: clean(name, value) for name, value in plain(settings).items()}


def sample_rows(value: Any) -> list[Any]:
    """A quality result's sample as a list, given as a list, as JSON text of one, or as any one value."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return [value]
    rows = plain(value)
    return rows if isinstance(rows, list) else [rows]


def shortened(text: str | None, limit: int = ERROR_LIMIT) -> str | None:
    """The text, cut in the middle where it is longer than ``limit``: an error's first and last lines tell most."""
    if text is None or len(text) <= limit:
        return text
    half = (limit - 40) // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters left out …\n{text[-half:]}"


def _time(value: date | timedelta) -> Any:
    if _is_missing(value):
        return None
    if isinstance(value, timedelta):
        return value.total_seconds()
    return instant(value) if isinstance(value, datetime) else value.isoformat()


def _is_missing(value: Any) -> bool:
    """Whether the value is unequal to itself, as NaN and pandas' NaT are."""
    try:
        return bool(value != value)
    except TypeError:  # pandas' NA refuses to be a truth value
        return True
