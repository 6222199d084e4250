"""Writing delivered tables as JSON lines, CSV or Parquet: the same text in every format, the same bytes everywhere.

A table comes as record batches whose columns are text or dictionaries of text. In JSON lines numbers are written bare
when they are numbers, and columns of JSON text as JSON; in CSV and Parquet everything is text. JSON lines and CSV are
compressed by the gzip in pyarrow (no time stamp in it), one member a batch: the system's zlib differs by machine.
"""

import hashlib
import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from concert_assets.catalog.canonical import BY_NAME
from concert_assets.simulation.settings import RawFormat

EXTENSIONS: dict[RawFormat, str] = {"jsonl": "jsonl.gz", "csv": "csv.gz", "parquet": "parquet"}
# Columns whose text is JSON.
JSON_COLUMNS = frozenset({"genres", "members", "ticket_prices"})
_GZIP_LEVEL = 1
_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"


class Sink(Protocol):
    """Where objects are written."""

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A file to write one object to, its key relative to the delivery; it appears whole when the context ends."""
        ...


@dataclass(frozen=True)
class WrittenObject:
    """One object that was written. ``rows`` counts its data rows, ``sha256`` is in hexadecimal."""

    key: str
    table: str
    format: RawFormat
    rows: int
    size_bytes: int
    sha256: str


class Measured(io.RawIOBase):
    """A writer that counts and hashes what passes through it."""

    def __init__(self, inner: BinaryIO) -> None:
        """``inner`` stays open when this is closed."""
        self._inner = inner
        self._hash = hashlib.sha256()
        self.size = 0
        self._is_abandoned = False

    def abandon(self) -> None:
        """Swallow what is still to come: the object has failed, and its writer must not write to a closed file."""
        self._is_abandoned = True

    def writable(self) -> bool:
        """Always true."""
        return True

    def write(self, data: Any) -> int:
        """Pass all of ``data`` on."""
        view = memoryview(data).cast("B")
        if self._is_abandoned:
            return view.nbytes
        self._inner.write(view)
        self._hash.update(view)
        self.size += view.nbytes
        return view.nbytes

    @property
    def sha256(self) -> str:
        """The hash of everything written so far."""
        return self._hash.hexdigest()


class ObjectWriter:
    """Writes the batches of one object; a context manager, finished when left without an error."""

    def __init__(self, sink: Sink, key: str, table: str, raw_format: RawFormat, schema: pa.Schema) -> None:
        """``schema`` is that of the batches to come."""
        self._sink = sink
        self._stack = ExitStack()
        self._key, self._table, self._format, self._schema = key, table, raw_format, schema
        self._rows = 0

    def __enter__(self) -> "ObjectWriter":
        """Open the object."""
        self._out = Measured(self._stack.enter_context(self._sink.open(self._key)))
        self._write: Callable[[pa.RecordBatch], None]
        if self._format == "parquet":
            writer = parquet_writer(self._out, self._schema)
            self._write = writer.write_batch
            # closed before the sink's context, which is told where closing fails
            self._stack.callback(writer.close)
        elif self._format == "csv":
            names = ",".join(f'"{name}"' for name in self._schema.names)
            self._out.write(_gzip(f"{names}\n".encode()))
            self._write = self._write_csv
        else:
            self._write = self._write_lines
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the object; after an error it is for the sink to drop it."""
        if kind is not None:
            self._out.abandon()
        self._stack.__exit__(kind, error, trace)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the rows of one batch."""
        self._rows += batch.num_rows
        self._write(batch)

    def result(self) -> WrittenObject:
        """What has been written, once the context has been left."""
        return WrittenObject(self._key, self._table, self._format, self._rows, self._out.size, self._out.sha256)

    def _write_csv(self, batch: pa.RecordBatch) -> None:
        plain = pa.RecordBatch.from_arrays([_text(column) for column in batch.columns], names=batch.schema.names)
        buffer = pa.BufferOutputStream()
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
        pyarrow.csv.write_csv(plain, buffer, options)
        self._out.write(_gzip(buffer.getvalue()))

    def _write_lines(self, batch: pa.RecordBatch) -> None:
        self._out.write(_gzip(json_lines(batch, self._table)))


def parquet_writer(out: Any, schema: pa.Schema) -> pq.ParquetWriter:
    """A Parquet writer with the settings that every object here is written with."""
    repeated = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    plain = pa.schema([(field.name, pa.string() if field.name in repeated else field.type) for field in schema])
    return pq.ParquetWriter(
        out,
        schema if repeated else plain,
        compression="zstd",
        compression_level=1,
        use_dictionary=repeated or False,
        store_schema=False,
        # these take a third of the writing time, and nobody filters a raw object
        write_statistics=False,
        write_batch_size=65_536,
    )


def write_parquet(sink: Sink, key: str, table: pa.Table) -> None:
    """Write one table as one Parquet object."""
    with sink.open(key) as handle, parquet_writer(Measured(handle), table.schema) as writer:
        writer.write_table(table)


def json_lines(batch: pa.RecordBatch, table: str) -> bytes:
    """The rows as JSON objects, one a line; missing values are written as null."""
    parts: list[Any] = []
    for position, (name, column) in enumerate(zip(batch.schema.names, batch.columns, strict=True)):
        lead = f'{"{" if position == 0 else ", "}"{name}": '
        parts.append(_json_values(column, name, _is_numeric(table, name), lead))
    lines = pc.binary_join_element_wise(*parts, pa.scalar("}\n"), "")
    # the text of an Arrow array lies in one piece: that is the object
    offsets, data = lines.buffers()[1], lines.buffers()[2]
    if not len(lines):
        return b""
    first, last = (memoryview(offsets).cast("i")[lines.offset + at] for at in (0, len(lines)))
    return memoryview(data)[first:last].tobytes() if data is not None else b""


def _json_values(column: Any, name: str, numeric: bool, lead: str) -> Any:
    """Each value as JSON with the text before it."""
    if pa.types.is_dictionary(column.type):
        values = _json_values(column.dictionary, name, numeric, lead)
        return pc.fill_null(values.take(column.indices), f"{lead}null")
    if name in JSON_COLUMNS:
        values = column
    else:
        values = pc.binary_join_element_wise('"', _escaped(column), pa.scalar('"'), "")
        if numeric:
            values = pc.if_else(pc.match_substring_regex(column, _NUMBER), column, values)
    return pc.fill_null(pc.binary_join_element_wise(pa.scalar(lead), values, ""), f"{lead}null")


def _escaped(column: Any) -> Any:
    """Text as it stands between the quotes of JSON. Only names hold such letters at all."""
    if not pc.any(pc.match_substring_regex(column, r'["\\\x00-\x1f]')).as_py():
        return column
    texts = column.to_pylist()
    return pa.array(
        [None if text is None else json.dumps(text, ensure_ascii=False)[1:-1] for text in texts], pa.string()
    )


def _is_numeric(table: str, name: str) -> bool:
    """Whether the catalog declares the column to be a number."""
    known = BY_NAME[table]
    return name in known.column_names and known.column(name).type.startswith(("integer", "bigint", "decimal", "double"))


def _text(column: Any) -> Any:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _gzip(data: Any) -> bytes:
    codec = pa.Codec("gzip", compression_level=_GZIP_LEVEL)
    compressed: bytes = codec.compress(data, asbytes=True)
    return compressed
