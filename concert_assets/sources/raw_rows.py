"""Raw rows kept apart from the bytes that they were read from: one Parquet object for the rows of all tables.

It is what an erasure leaves of a delivered object: the same rows under the same numbers, without the person. The
columns are ``_table``, those of all canonical tables as text, row number, row error and row text. What else was to be
said of the object, also that it could not be read, stands in the file's metadata.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from concert_assets.catalog import canonical
from concert_assets.sources.model import (
    OBJECT_ID,
    ROW_ERROR,
    ROW_NUMBER,
    ROW_TEXT,
    Batches,
    Limits,
    Notes,
    RawObject,
    UnreadableObject,
    raw_schema,
)
from concert_assets.sources.streams import one_line

_TABLE = "_table"
_SAID = "concert_assets.raw_rows"
_COLUMNS = tuple(dict.fromkeys(name for table in canonical.TABLES for name in table.column_names))
_SCHEMA = pa.schema(
    [
        (_TABLE, pa.string()),
        *((name, pa.string()) for name in _COLUMNS),
        (ROW_NUMBER, pa.int64()),
        (ROW_ERROR, pa.string()),
        (ROW_TEXT, pa.string()),
    ]
)


class RawRowsWriter:
    """Writes the rows of one object."""

    def __init__(self, stream: BinaryIO) -> None:
        """``stream`` stays the caller's to close."""
        self._parquet = pq.ParquetWriter(pa.PythonFile(stream, mode="w"), _SCHEMA, compression="zstd")

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Append a batch of ``raw_schema``."""
        nulls = pa.nulls(batch.num_rows, pa.string())
        names = set(batch.schema.names)
        columns = {name: batch.column(name) if name in names else nulls for name in _SCHEMA.names}
        columns[_TABLE] = pa.repeat(pa.scalar(table, pa.string()), batch.num_rows)
        self._parquet.write_batch(pa.RecordBatch.from_pydict(columns, schema=_SCHEMA))

    def abandon(self) -> None:
        """End a file that was not closed and is not to be kept."""
        self._parquet.close()

    def close(self, notes: Notes, refused: str = "") -> None:
        """End the file with what is to be said of the object; ``refused`` is why it cannot be read."""
        said = {"refused": refused, "unknown_columns": notes.unknown_columns, "remarks": notes.remarks}
        self._parquet.add_key_value_metadata({_SAID: json.dumps(said, ensure_ascii=False)})
        self._parquet.close()


def read(obj: RawObject, stream: BinaryIO, limits: Limits, notes: Notes) -> Batches:
    """Yield the rows that were kept, under the object's id.

    Raises UnreadableObject for an object that could not be read when it was delivered, and for a damaged file.
    """
    with _refusals():
        file = pq.ParquetFile(stream)
        said = (file.metadata.metadata or {}).get(_SAID.encode())
    if said is None:
        raise UnreadableObject("the Parquet file holds no raw rows that were kept")
    told = json.loads(said)
    notes.unknown_columns.update(told["unknown_columns"])
    notes.remarks.extend(told["remarks"])
    if told["refused"]:
        raise UnreadableObject(told["refused"])
    with _refusals():
        for batch in file.iter_batches(limits.batch_rows):
            for table in canonical.TABLES:
                rows = batch.filter(pc.equal(batch[_TABLE], table.name))
                if rows.num_rows:
                    columns = {name: rows[name] for name in rows.schema.names}
                    columns[OBJECT_ID] = pa.repeat(pa.scalar(obj.object_id, pa.string()), rows.num_rows)
                    schema = raw_schema(table)
                    nulls = pa.nulls(rows.num_rows, pa.string())  # a column may be younger than the file
                    yield (
                        table.name,
                        pa.RecordBatch.from_arrays([columns.get(name, nulls) for name in schema.names], schema=schema),
                    )


@contextmanager
def _refusals() -> Iterator[None]:
    """Arrow's complaints about the file as the refusal of the object."""
    try:
        yield
    except (pa.ArrowException, OSError, KeyError) as error:
        raise UnreadableObject(f"the rows that were kept are damaged or cannot be read: {one_line(error)}") from error
