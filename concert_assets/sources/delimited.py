"""Delimited text with a header line, CSV in all its dialects, every value read as text by Arrow's parser."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import BinaryIO

import pyarrow as pa
from pyarrow import csv as arrow_csv

from concert_assets.sources.batches import PriceMaps, RawTable
from concert_assets.sources.columns import Columns
from concert_assets.sources.dialects import SNIFFED_BYTES, Dialect, sniff
from concert_assets.sources.model import (
    MAX_ROW_TEXT,
    PRICE_MAP,
    Batches,
    Limits,
    Notes,
    RawObject,
    RowFault,
    UnreadableObject,
    table_of,
)
from concert_assets.sources.quotes import Marks, StrictQuotes, line_ends
from concert_assets.sources.streams import BLOCK_BYTES, TextStream, one_line

# Who writes \N for null or \n for a line end means neither letter, and what he means is not for us to guess.
_ESCAPED = re.compile(rb"\\(.?)", re.DOTALL)
_LETTER = re.compile(rb"[0-9A-Za-z]")


def read(obj: RawObject, stream: BinaryIO, limits: Limits, notes: Notes) -> Batches:
    """Yield the rows of a CSV object: any line end, a field that is empty or ``""`` is null.

    Encoding and dialect are found out (see ``encodings`` and ``dialects``) and remarked where they are not UTF-8, comma
    and doubled double quotes. A row with another number of fields than the header, or of one line with a quote that is
    never closed or closes before more text, is a row with an error; blank lines count for nothing. Raises
    UnreadableObject for a header that lacks a required column or has one twice, for an escape whose meaning is not
    known, and where such a quote makes one row of several lines, since they may have been as many rows.
    """
    table = table_of(obj)
    columns = Columns(table)
    text = TextStream(stream, limits, notes, may_be_windows_1252=True)
    dialect, header, rest, start = _header(text, columns, limits)
    if dialect.remark:
        notes.remarks.append(dialect.remark)
    matched = columns.match(header)
    if matched.twice:
        raise UnreadableObject(f"{table.name}: column {matched.twice[0].strip()!r} stands twice in the header")
    columns.require(matched.chosen, header)
    for name in matched.unknown:
        notes.unknown(table.name, name.strip() or f"(unnamed, column {header.index(name) + 1})")
    raw, prices = RawTable(obj, table), PriceMaps(obj)
    places = {name: str(header.index(spelling)) for name, spelling in matched.chosen.items()}
    marks = Marks(dialect, len(header))
    ended = _Ended(rest, text, StrictQuotes(dialect, marks, start), dialect)
    rows = _Rows(ended, marks, len(header), list(places.values()), limits, dialect)
    for batch, faults in _refused_by_line(rows, ended, stream, limits):
        found = {name: batch.column(place) for name, place in places.items()}
        maps = found.pop(PRICE_MAP, None)
        yield table.name, raw.batch(found, batch.num_rows, faults)
        if maps is not None:
            nulls = pa.nulls(batch.num_rows, pa.string())
            concerts, updated = (found.get(name, nulls) for name in ("concert_id", "updated_at"))
            yield from prices.batches(maps.to_pylist(), concerts, updated)


def _header(stream: TextStream, columns: Columns, limits: Limits) -> tuple[Dialect, list[str], bytes, int]:
    """The dialect, the names of the header, which may hold line ends within quotes, the bytes read beyond it and
    the place of the first of them.
    """
    data = b""
    start = 0
    while more := stream.read(max(SNIFFED_BYTES, min(BLOCK_BYTES, limits.max_line_bytes))):
        data = (whole := data + more).lstrip(b"\r\n")
        start += len(whole) - len(data)
        dialect = sniff(data[:SNIFFED_BYTES], columns)
        header = dialect.record().match(data)
        # A header that reaches the end of what was read may go on, and so may the line end that is its last byte.
        if header is not None and header.end() < len(data):
            break
        if len(data) > limits.max_line_bytes:
            raise UnreadableObject(f"the header is longer than {limits.max_line_bytes:,} bytes")
    if not data.strip():
        raise UnreadableObject("there is no header, only blank lines")
    if header is None:
        raise UnreadableObject("the header has a quote that is never closed, or text after a closing quote")
    if header.end() > limits.max_line_bytes:
        raise UnreadableObject(f"the header is longer than {limits.max_line_bytes:,} bytes")
    try:
        return dialect, dialect.fields(header[0].decode("utf-8")), data[header.end() :], start + header.end()
    except csv.Error as error:
        raise UnreadableObject(f"the header cannot be read: {error}") from error


def _refused_by_line(
    rows: "_Rows", ended: "_Ended", stream: BinaryIO, limits: Limits
) -> Iterator[tuple[pa.RecordBatch, list[RowFault]]]:
    """The rows; where a quote or an escape ends them, the object is read once more to tell its line."""
    try:
        yield from rows
    except _WrongQuote as error:
        ended.stop()
        text = TextStream(stream, limits, Notes(), may_be_windows_1252=True)
        line, left, before = 1, error.place, b""
        while left and (data := text.read(min(left, BLOCK_BYTES))):
            line += line_ends(data, before)
            left, before = left - len(data), data[-1:]
        raise UnreadableObject(f"{error.reason}: see line {line:,}") from error


class _WrongQuote(Exception):
    """The object is refused for a quote or an escape."""

    def __init__(self, reason: str, place: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place


class _Ended(io.RawIOBase):
    """The rows after the header with their marks, and then a row of our own."""

    def __init__(self, rest: bytes, stream: TextStream, quotes: StrictQuotes, dialect: Dialect) -> None:
        super().__init__()
        self._stream: TextStream | None = stream
        self.quotes = quotes
        self._lock = Lock()  # Arrow reads ahead in a thread of its own
        self._is_ended = False
        self._has_escape = bool(dialect.escape)
        self._is_escaped = False  # the block before ended with the escape
        self._check_escapes(rest)
        self._rest = quotes.passed(rest)

    def readable(self) -> bool:
        """True: this is an input stream."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end.

        A short read would end a block of Arrow's: it takes a block that is but the line feed after a carriage return
        for the end of the file, and the rows after it would be lost.
        """
        with self._lock:
            return b"".join(self._parts(BLOCK_BYTES if size < 0 else size))

    def stop(self) -> None:
        """Leave the object's own stream to others: there is no more to be read from here."""
        with self._lock:
            self._rest, self._is_ended = b"", True
            self._stream = None

    def _parts(self, size: int) -> Iterator[bytes]:
        while size > 0:
            if not self._rest and self._stream is not None:
                data = self._stream.read(size)
                self._check_escapes(data)
                self._rest = self.quotes.passed(data)
            if not self._rest:
                if self._is_ended:
                    break
                self._rest, self._is_ended = self.quotes.end(), True
            part, self._rest = self._rest[:size], self._rest[size:]
            size -= len(part)
            yield part

    def _check_escapes(self, data: bytes) -> None:
        """Raise UnreadableObject for a letter or digit behind the escape."""
        if not self._has_escape:
            return
        escaped = _ESCAPED.findall(data, 1 if self._is_escaped else 0)
        found = next(filter(_LETTER.match, [data[:1] * self._is_escaped, *escaped]), None)
        if found is not None:
            raise UnreadableObject(
                f"a backslash stands before {found.decode()!r}; only quotes and the like are escaped"
            )
        self._is_escaped = bool(escaped) and not escaped[-1]


class _Rows:
    """Arrow's batches of good rows, each with the faults that stand between and right after them."""

    def __init__(
        self, stream: _Ended, marks: Marks, width: int, wanted: Sequence[str], limits: Limits, dialect: Dialect
    ) -> None:
        self._stream = stream
        self._marks = marks
        self._dialect = dialect
        self._width = width
        self._wanted = list(wanted)
        self._limits = limits
        self._number = 0  # rows yielded, good and bad
        self._bad: deque[tuple[int, str, str]] = deque()  # row number, reason, text
        self._refusal: Exception | None = None

    def __iter__(self) -> Iterator[tuple[pa.RecordBatch, list[RowFault]]]:
        none = pa.RecordBatch.from_pylist([], schema=pa.schema([(name, pa.string()) for name in self._wanted]))
        try:
            with self._opened() as reader:
                for batch in reader:
                    if batch.num_rows:
                        yield from self._placed(batch)
        except pa.ArrowInvalid as error:
            if self._refusal is not None:
                raise self._refusal from error
            if "straddling" in str(error):
                reason = f"a row is longer than {self._limits.max_line_bytes:,} bytes"
                if (place := self._stream.quotes.open_quote(self._limits.max_line_bytes)) is not None:
                    raise _WrongQuote(f"{reason}, for a quoted field is not closed", place) from error
                raise UnreadableObject(reason) from error
            raise UnreadableObject(f"the CSV cannot be read: {one_line(error)}") from error
        yield from self._placed(none)

    def _opened(self) -> arrow_csv.CSVStreamingReader:
        names = [str(place) for place in range(self._width)]
        return arrow_csv.open_csv(
            self._stream,
            read_options=arrow_csv.ReadOptions(
                column_names=names, use_threads=False, block_size=self._limits.max_line_bytes
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._dialect.delimiter,
                quote_char=self._dialect.quote,
                escape_char=self._dialect.escape or False,
                newlines_in_values=True,
                invalid_row_handler=self._invalid,
            ),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=self._wanted,
                column_types={name: pa.string() for name in self._wanted},
                null_values=[""],
                strings_can_be_null=True,
            ),
        )

    def _invalid(self, row: arrow_csv.InvalidRow) -> str:
        if row.text == self._marks.last_row:
            return "skip"
        if len(self._bad) >= self._limits.max_pending_errors:
            self._refusal = UnreadableObject(f"more than {self._limits.max_pending_errors:,} rows on end are malformed")
            return "error"
        text, reason = row.text, f"{row.actual_columns} fields where the header has {self._width}"
        if (taken := self._marks.taken(row.text)) is not None:
            text, reason, place = taken
            text = text.rstrip("\r\n")
            lines = 1 + line_ends(text.encode())
            if lines > 1:
                self._refusal = _WrongQuote(f"{reason}, which makes one row of {lines:,} lines", place)
                return "error"
        self._bad.append((row.number, f"malformed_csv: {reason}", text[:MAX_ROW_TEXT]))
        return "skip"

    def _placed(self, batch: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, list[RowFault]]]:
        """The batch in pieces; bad rows up to the one right after a piece go with it."""
        start = 0
        while start < batch.num_rows or (self._bad and self._bad[0][0] == self._number + 1):
            piece = batch.slice(start, self._limits.batch_rows)
            start += piece.num_rows
            end = self._number + piece.num_rows
            faults = []
            while self._bad and self._bad[0][0] <= end + 1:
                number, reason, text = self._bad.popleft()
                faults.append(RowFault(number - self._number - 1, reason, text))
                end += 1
            self._number = end
            yield piece, faults
