"""Request bodies, JSON or CSV, as rows of ``feature/ticket_sales``, or one line that says what is wrong with them."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from concert_assets.learning.features import TICKET_SALES

MOST_BYTES = 4 * 1024 * 1024  # what a serverless endpoint takes
MOST_ROWS = 2_000
JSON, CSV = "application/json", "text/csv"
# All that the platform itself forecasts from, in the order in which it reads them.
COLUMNS = tuple(
    dict.fromkeys((*TICKET_SALES.key, *TICKET_SALES.others, *TICKET_SALES.numbers, *TICKET_SALES.categories))
)
TEXTS = frozenset({*TICKET_SALES.key, *TICKET_SALES.categories, "status"})
_NEEDED = frozenset({"concert_id", "horizon", "status", "event_day", "cutoff_day", "days_out", "days_on_sale"})
_DAYS = ("event_day", "cutoff_day")
_LAST_DAY = 2_932_896  # 9999-12-31, counted from 1970-01-01
_LARGEST = 1e12
_MOST_SHOWN = 80
_NUMBER = re.compile(r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?")


class RequestRefused(Exception):
    """A request that has no answer: its HTTP status, 4xx, and one line that says why."""

    def __init__(self, status: int, reason: str) -> None:
        """Keep the status beside the reason."""
        super().__init__(reason)
        self.status = status


def rows_of(body: bytes, content_type: str) -> pd.DataFrame:
    """The rows of a body, one forecast each; RequestRefused.

    JSON is ``{"rows": [{column: value}]}``, CSV has a header and leaves empty what is not known. Every column of
    ``COLUMNS`` must be there and no other. Nothing is coerced: a number in quotes is no number in JSON.
    """
    if len(body) > MOST_BYTES:
        raise RequestRefused(413, f"the body has {len(body):,} bytes; {MOST_BYTES:,} are taken at most")
    readers = {JSON: _of_json, CSV: _of_csv}
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in readers:
        raise RequestRefused(415, f"the content type is {_shown(content_type)}; {JSON} or {CSV} is taken")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RequestRefused(400, "the body is not UTF-8") from None
    rows = readers[kind](text)
    if not 1 <= len(rows) <= MOST_ROWS:
        raise RequestRefused(400, f"the body has {len(rows):,} rows; 1 to {MOST_ROWS:,} are taken")
    for number, row in enumerate(rows, start=1):
        _check(number, row)
    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=object) for name in COLUMNS})


def _of_json(text: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise RequestRefused(400, f"the body is not JSON: {_line(error)}") from None
    if not isinstance(found, dict) or list(found) != ["rows"] or not isinstance(found["rows"], list):
        raise RequestRefused(400, 'the body is not of the form {"rows": [{"column": value}]}')
    for number, row in enumerate(found["rows"], start=1):
        if not isinstance(row, dict):
            raise RequestRefused(400, f"row {number} is not an object of columns and values")
        _check_names(f"row {number}", list(row))
    return found["rows"]


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _of_csv(text: str) -> list[Mapping[str, Any]]:
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise RequestRefused(400, f"the body is not CSV: {_line(error)}") from None
    header = lines[0] if lines else []
    _check_names("the header", header)
    for number, line in enumerate(lines[1:], start=1):
        if len(line) != len(header):
            raise RequestRefused(400, f"row {number} has {len(line)} values; the header has {len(header)}")
    return [{name: _of_text(name, value) for name, value in zip(header, line, strict=True)} for line in lines[1:]]


def _of_text(name: str, value: str) -> Any:
    if not value:
        return None
    return float(value) if name not in TEXTS and _NUMBER.fullmatch(value) else value


def _check_names(where: str, names: Sequence[str]) -> None:
    for kind, wrong in (
        ("lacks", [name for name in COLUMNS if name not in names]),
        ("has columns that are not known:", sorted(set(names) - set(COLUMNS))),
        ("has columns twice:", sorted({name for name in names if names.count(name) > 1})),
    ):
        if wrong:
            raise RequestRefused(400, f"{where} {kind} {_shown(', '.join(wrong), quoted=False)}")


def _check(number: int, row: Mapping[str, Any]) -> None:
    """Raise RequestRefused unless the platform could have such a row of a concert that is to come."""
    for name in COLUMNS:
        value = row[name]
        if value is None:
            if name in _NEEDED:
                raise RequestRefused(400, f"row {number}: {name} must be known")
        elif name in TEXTS:
            if not isinstance(value, str):
                raise RequestRefused(400, f"row {number}: {name} is {_shown(value)}; expected a text")
        elif not _is_number(value):
            raise RequestRefused(
                400, f"row {number}: {name} is {_shown(value)}; expected a number between -1e12 and 1e12"
            )
    for name in _DAYS:
        if not (0 <= row[name] <= _LAST_DAY and row[name] == math.floor(row[name])):
            raise RequestRefused(
                400, f"row {number}: {name} is {_shown(row[name])}; expected whole days from 1970-01-01"
            )
    if row["status"] != "scheduled":
        raise RequestRefused(400, f"row {number}: status is {_shown(row['status'])}; scheduled concerts are forecast")
    if row["event_day"] < row["cutoff_day"]:
        raise RequestRefused(400, f"row {number}: event_day lies before cutoff_day")
    if row["days_out"] < 0:
        raise RequestRefused(400, f"row {number}: days_out is {_shown(row['days_out'])}; expected 0 or more")
    if row["capacity"] is not None and row["capacity"] < 1:
        raise RequestRefused(400, f"row {number}: capacity is {_shown(row['capacity'])}; expected 1 or more")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _shown(value: Any, *, quoted: bool = True) -> str:
    """A value on one line, short: what came is told, whatever it was."""
    text = repr(value) if quoted else " ".join(value.split())
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:_MOST_SHOWN]
