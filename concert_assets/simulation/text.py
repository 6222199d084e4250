"""Numbers and instants as a delivery writes them: money with two decimals, instants as YYYY-MM-DDTHH:MM:SSZ."""

from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concert_assets.simulation.calendar import DAY
from concert_assets.simulation.exact import Ints

# A small delivered table, column by column in the catalog's order; None is a missing value.
Columns = dict[str, list[str | None]]


def decimal_texts(cents: Ints) -> list[str | None]:
    """Hundredths as text with two decimals."""
    return [f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}" for value in cents.tolist()]


def integer_texts(values: Ints) -> list[str | None]:
    """Whole numbers as text; a negative value stands for a missing one."""
    return [str(value) if value >= 0 else None for value in values.tolist()]


def timestamp_texts(seconds: Ints) -> list[str | None]:
    """Instants (seconds since 1970, UTC) as text."""
    texts: list[str | None] = timestamp_array(seconds).to_pylist()
    return texts


def date_texts(days: Ints) -> list[str | None]:
    """Days since 1970-01-01 as YYYY-MM-DD."""
    return list(np.datetime_as_string(days.astype("datetime64[D]")).tolist())


def timestamp_array(seconds: Ints) -> pa.StringArray:
    """Instants (seconds since 1970, UTC) as an Arrow array of text, by table look-up."""
    days = seconds // DAY
    first = int(days.min()) if len(days) else 0
    last = int(days.max()) if len(days) else 0
    day_table = np.datetime_as_string(np.arange(first, last + 1).astype("datetime64[D]")).astype("S10")
    rows = np.empty(len(seconds), dtype=[("day", "S10"), ("time", "S10")])
    rows["day"] = day_table[days - first]
    rows["time"] = _times()[seconds - days * DAY]
    return fixed_width_array(rows)


def numbered_array(prefix: str, numbers: Ints, digits: int = 9) -> pa.StringArray:
    """Identifiers: the prefix (one letter) and the number with leading zeros, ``digits`` a multiple of 3."""
    rows = np.empty(len(numbers), dtype=[("prefix", "S1")] + [(f"g{at}", "S3") for at in range(0, digits, 3)])
    rows["prefix"] = prefix.encode()
    rest = numbers
    for at in range(digits - 3, -1, -3):
        upper = rest // 1000
        rows[f"g{at}"] = _thousands()[rest - upper * 1000]
        rest = upper
    return fixed_width_array(rows)


def fixed_width_array(rows: NDArray[np.void]) -> pa.StringArray:
    """An Arrow array of text over rows of equal width, without copying them."""
    width = rows.dtype.itemsize
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(len(rows), pa.py_buffer(offsets), pa.py_buffer(rows.view(np.uint8)))


@lru_cache(maxsize=1)
def _times() -> NDArray[np.bytes_]:
    return np.array([f"T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}Z" for s in range(DAY)], dtype="S10")


@lru_cache(maxsize=1)
def _thousands() -> NDArray[np.bytes_]:
    return np.array([f"{number:03d}" for number in range(1000)], dtype="S3")
