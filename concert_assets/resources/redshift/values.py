"""Values on their way to Redshift and back: Python's for psycopg2, a cursor's rows as a frame."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_DECIMAL, _DATE, _TIMESTAMP = 1700, 1082, 1114  # PostgreSQL's numbers of the types, which Redshift keeps
_STATEMENT_BYTES = 4 << 20  # Redshift takes 16 MB


def _plain(value: Any) -> Any:
    """A value as psycopg2 takes it: numpy's scalars as Python's, pandas' NaT and NA as nothing."""
    if type(value).__name__ in ("NaTType", "NAType"):
        return None
    return value.item() if type(value).__module__ == "numpy" else value


def insertions(cursor: Any, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[bytes]:
    """Statements that append the rows to a table, each of as many rows as stay below Redshift's limit."""
    head = f"insert into {table} ({', '.join(columns)}) values ".encode()
    pattern = f"({', '.join(['%s'] * len(columns))})"
    texts: list[bytes] = []
    size_bytes = 0
    for row in rows:
        text = cursor.mogrify(pattern, [_plain(value) for value in row])
        if texts and size_bytes + len(text) > _STATEMENT_BYTES:
            yield head + b", ".join(texts)
            texts, size_bytes = [], 0
        texts.append(text)
        size_bytes += len(text)
    yield head + b", ".join(texts)


def frame_of(description: Any, rows: Sequence[tuple[Any, ...]]) -> "pd.DataFrame":
    """Rows as a frame with the types of the cursor; a column without a value keeps its type."""
    import pyarrow as pa

    kinds = {
        16: pa.bool_(), 20: pa.int64(), 21: pa.int32(), 23: pa.int32(), 700: pa.float64(), 701: pa.float64(),
        _DECIMAL: pa.float64(), _DATE: pa.date32(), _TIMESTAMP: pa.timestamp("us"),
    }  # fmt: skip
    values = list(zip(*rows, strict=True)) if rows else [()] * len(description)
    arrays = []
    for column, of_column in zip(description, values, strict=True):
        if column.type_code == _DECIMAL:
            of_column = tuple(None if value is None else float(value) for value in of_column)
        arrays.append(pa.array(of_column, kinds.get(column.type_code, pa.string())))
    return _frame(pa.table(arrays, [column.name for column in description]))


def frame_of_table(table: "pa.Table") -> "pd.DataFrame":
    """Rows that Redshift wrote as Parquet, as a frame with the types that a cursor's rows have."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        column = table.column(place)
        if pa.types.is_decimal(field.type):
            # By way of text, for Arrow's own cast divides, and is a bit off where a number has many digits.
            column = column.cast(pa.string()).cast(pa.float64())
        elif pa.types.is_timestamp(field.type):
            column = column.cast(pa.timestamp("us"))
        elif pa.types.is_int8(field.type) or pa.types.is_int16(field.type):
            column = column.cast(pa.int32())
        elif pa.types.is_float32(field.type):
            column = column.cast(pa.float64())
        table = table.set_column(place, field.name, column)
    return _frame(table)


def _frame(table: "pa.Table") -> "pd.DataFrame":
    frame: pd.DataFrame = table.to_pandas(date_as_object=False)
    return frame
