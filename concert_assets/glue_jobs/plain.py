"""Plain rows: those whose every text has the canonical spelling of its type already, so that reading it is a cast.

Nearly all rows of a large file are plain. What :mod:`concert_assets.glue_jobs.statement` does for a text in any
spelling (trimming, matching, mending) changes nothing in these, and takes many times as long as the cast. So plain rows
that break no rule are accepted by a statement of their own; every other row is judged by the full one, which alone
refuses. A differential test holds the two to agree.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concert_assets.catalog.canonical import LOCAL_TIMESTAMPS, TICKET_SALES
from concert_assets.catalog.model import Column, Table
from concert_assets.glue_jobs.reading import BASIS_SUFFIX, steps, text_of
from concert_assets.glue_jobs.statement import output_columns, row_rules

# The one table that comes by the million.
TABLES_WITH_PLAIN_ROWS = (TICKET_SALES,)
IS_PLAIN = "_is_plain"
POSITION = "_position"

Flags = NDArray[np.bool_]

_ZERO, _POINT, _SPACE, _T, _Z = (ord(sign) for sign in "0. TZ")
# Each byte may exceed the least by so much: years 1000 to 2999, hours to 23 or 29 (judged apart), no second 60. Days
# that do not exist fail the cast.
_LEAST = np.frombuffer(b"1000-00-00T00:00:00Z", np.uint8)
_RANGE = np.array([1, 9, 9, 9, 0, 1, 9, 0, 3, 9, 255, 2, 9, 0, 5, 9, 0, 5, 9, 0], np.uint8)
_MOST_INTEGER_DIGITS = 9
_MOST_DECIMAL_BYTES = 18


def plain_rows(table: Table, chunk: pa.Table) -> Flags | None:
    """Which rows of a chunk of raw rows are plain, shape (rows,); None for a table whose rows never are."""
    if table not in TABLES_WITH_PLAIN_ROWS:
        return None
    found = [np.zeros(0, np.bool_)]
    for batch in chunk.to_batches():
        plain = batch["_row_error"].is_null().to_numpy(zero_copy_only=False)
        for column in table.columns:
            plain = plain & _are_plain(column, batch[column.name])
        found.append(plain)
    return np.concatenate(found)


def _are_plain(column: Column, array: pa.Array) -> Flags:
    """Which values are null, or spelled as every reading of the column's type leaves them."""
    empty: Flags = np.array(array.is_null())
    if empty.all():
        return empty
    if column.values:
        allowed = pc.is_in(array, value_set=pa.array(column.values, pa.string()))
        empty |= allowed.to_numpy(zero_copy_only=False)
        return empty
    if column.is_text and steps(column):
        return empty  # a list, or a word that has synonyms
    kind = column.type.partition("(")[0]
    return empty | _JUDGES[kind](_Texts(array))


class _Texts:
    """The bytes of an array of text, where each text begins, and how many bytes it has."""

    def __init__(self, array: pa.Array) -> None:
        _, offsets, data = array.buffers()
        self.offsets = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
        self.data = np.frombuffer(b"" if data is None else data, np.uint8)
        self.sizes = np.diff(self.offsets)
        self.array = array

    def byte(self, place: int) -> NDArray[np.uint8]:
        """One byte of each text, from its first (0) or last (-1) on; any byte at all where the text is too short."""
        places = self.offsets[:-1] + place if place >= 0 else self.offsets[1:] + place
        if not len(self.data):
            return np.zeros(len(places), np.uint8)
        return self.data[np.clip(places, 0, len(self.data) - 1)]

    def no_digits(self) -> NDArray[np.int32]:
        """How many bytes of each text are no digits."""
        first, last = self.offsets[0], self.offsets[-1]
        counted = np.zeros(last - first + 1, np.int32)
        np.cumsum(self.data[first:last] - _ZERO > 9, out=counted[1:])  # a byte below the zero wraps around
        found: NDArray[np.int32] = np.diff(counted[self.offsets - first])
        return found

    def of_size(self, size: int) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
        """The texts of ``size`` bytes: where they stand, and their bytes, shape (texts, size)."""
        rows = np.flatnonzero(self.sizes == size)
        if len(rows) == len(self.sizes):
            return rows, self.data[self.offsets[0] : self.offsets[-1]].reshape(-1, size)
        return rows, self.data[self.offsets[rows][:, None] + np.arange(size, dtype=np.int32)]


def _is_plain_text(texts: _Texts) -> Flags:
    """Letters of ASCII that no trimming touches."""
    is_ascii: Flags = pc.string_is_ascii(texts.array).fill_null(False).to_numpy(zero_copy_only=False)
    return is_ascii & (texts.sizes > 0) & (texts.byte(0) > _SPACE) & (texts.byte(-1) > _SPACE)


def _is_plain_integer(texts: _Texts) -> Flags:
    """Digits alone, few enough for the type."""
    is_short = (texts.sizes > 0) & (texts.sizes <= _MOST_INTEGER_DIGITS)
    found: Flags = is_short & (texts.no_digits() == 0)
    return found


def _is_plain_decimal(texts: _Texts) -> Flags:
    """Digits with two decimals."""
    is_short = (texts.sizes > 3) & (texts.sizes <= _MOST_DECIMAL_BYTES)
    found: Flags = is_short & (texts.no_digits() == 1) & (texts.byte(-3) == _POINT)
    return found


def _is_plain_timestamp(texts: _Texts) -> Flags:
    """Date and time to the second, with ``T`` or a space between them and, where it is UTC, ``Z`` after them."""
    is_plain = np.zeros(len(texts.sizes), np.bool_)
    for size in (19, 20):
        rows, found = texts.of_size(size)
        is_right = (found - _LEAST[:size] <= _RANGE[:size]).all(axis=1)
        is_right &= (found[:, 10] == _T) | (found[:, 10] == _SPACE)
        is_plain[rows] = is_right & ((found[:, 11] < _ZERO + 2) | (found[:, 12] < _ZERO + 4))
    return is_plain


_JUDGES: dict[str, Callable[[_Texts], Flags]] = {
    "varchar": _is_plain_text,
    "integer": _is_plain_integer,
    "decimal": _is_plain_decimal,
    "timestamp": _is_plain_timestamp,
}


@cache
def plain_statement(table: Table) -> str:
    """The accepted ones of the plain rows of ``raw_<table>``, with their position in it, in Spark SQL.

    A row that breaks a rule, or whose text the cast does not take, is left out.
    """
    typed = ["_object_id", "_row_number", IS_PLAIN, POSITION]
    holds = [IS_PLAIN]
    for column in table.columns:
        if text_of(column) == column.name:
            typed.append(column.name)
            continue
        kind = {"integer": "int", "timestamp": "timestamp_ntz"}.get(column.type, column.type)
        value = column.name if column.is_text else f"try_cast({column.name} as {kind})"
        typed += [f"{value} as {column.name}", f"{column.name} as {text_of(column)}"]
        holds.append(f"({column.name} is not null or {text_of(column)} is null)")
        if column.name in LOCAL_TIMESTAMPS:
            basis = f"case length({column.name}) when 20 then 'utc' when 19 then 'local' end"
            typed.append(f"{basis} as {column.name}{BASIS_SUFFIX}")
    holds += [f"coalesce({rule.predicate}, true)" for rule in row_rules(table)]
    return (
        f"with typed as (select {', '.join(typed)} from raw_{table.name}) "
        f"select {', '.join(output_columns(table))}, {POSITION} from typed where {' and '.join(holds)}"
    )


def accepted_at(rows: int, accepted: Any) -> Flags:
    """Which of so many rows are among the accepted ones of the plain statement."""
    is_accepted = np.zeros(rows, np.bool_)
    is_accepted[accepted[POSITION].to_numpy()] = True
    return is_accepted
