"""JSON lines: one JSON object a line. A block is read in one go where that is provably the same as line by line."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa

from concert_assets.sources.batches import PriceMaps, RawTable, text_array
from concert_assets.sources.columns import Columns, Matched
from concert_assets.sources.json_values import EXACT_JSON, as_text, forbidden, is_deeper
from concert_assets.sources.model import (
    MAX_NOTED_COLUMNS,
    PRICE_MAP,
    Batches,
    Limits,
    Notes,
    RawObject,
    RowFault,
    UnreadableObject,
    table_of,
)
from concert_assets.sources.streams import BLOCK_BYTES, TextStream

# The C scanner with numbers left as text. It cannot tell "1" from 1 nor see a name given twice.
_QUICK_SCAN: Callable[[str, int], tuple[Any, int]] = vars(
    json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
)["scan_once"]
# An escaped quote spoils the count of names, the other escapes may stand for characters that no warehouse holds.
_EXACT_ESCAPES = ('\\"', "\\u0000", "\\ud", "\\uD")
_BLANK = " \t\r"
# Deeper objects, if not empty, have names that the quick way does not count, and so are read the exact way.
_QUICK_DEPTH = 3


class _Fault(Exception):
    """A line that could not be taken apart; the message is the row error."""


def read(obj: RawObject, stream: BinaryIO, limits: Limits, notes: Notes) -> Batches:
    """Yield the rows of a JSON lines object. Blank lines count for nothing.

    A line that is no JSON object is a row with an error. Raises UnreadableObject also after batches were yielded: when
    the stream breaks off, and at the end when a required column was in no row.
    """
    lines = _Lines(obj, limits, notes)
    for block in blocks(TextStream(stream, limits), limits):
        yield from lines.batches(block)
    lines.finish()


def blocks(stream: TextStream, limits: Limits) -> Iterator[str]:
    """The text in pieces of whole lines, each without its last line end."""
    size = min(BLOCK_BYTES, limits.max_line_bytes)
    tail = b""
    while data := stream.read(size):
        cut = data.rfind(b"\n")
        if cut < 0:
            tail += data
        else:
            yield (tail + data[:cut]).decode("utf-8")
            tail = data[cut + 1 :]
        if len(tail) > limits.max_line_bytes:
            raise UnreadableObject(f"a line is longer than {limits.max_line_bytes:,} bytes")
    if tail:
        yield tail.decode("utf-8")


def quick_rows(block: str) -> list[dict[str, Any]] | None:
    """The objects of a block, numbers as text, read in one go; None where lines might not be objects one to one.

    Why equal counts prove it: every line starts with ``{``; no string spans lines, since a line end within a string is
    refused; no object spans lines, since after a comma it would need a name where ``{`` stands; no array does, since
    there is none. So each line holds one value or more. Nor is a name given twice: with no blank after a quote and no
    quote within a string, ``":`` occurs at least once for each name, and each name kept was one.
    """
    if not block.startswith("{") or _needs_exact(block):
        return None
    count = block.count("\n") + 1
    if block.count("\n{") != count - 1:
        return None
    text = "[" + block.replace("\n", "\n,") + "]"
    try:
        rows, end = _QUICK_SCAN(text, 0)
    except (StopIteration, ValueError, RecursionError):
        return None
    if end != len(text) or len(rows) != count:
        return None
    given, kept = block.count('":'), sum(map(len, rows))
    if given != kept:
        inner = [value for row in rows for value in row.values() if type(value) is dict]
        if given != kept + sum(map(len, inner)):
            return None
    return list(rows)


def _needs_exact(block: str) -> bool:
    """Whether an array might span lines, or the names could not be counted, or a character be one to refuse.

    Single characters are looked for first, since that is many times faster and they are mostly absent.
    """
    return (
        "[" in block
        or "\t" in block
        or '" ' in block
        or ("\r" in block and '"\r' in block)
        or ("\\" in block and any(escape in block for escape in _EXACT_ESCAPES))
    )


class _Lines:
    """Turns blocks of lines into batches, and remembers which columns came."""

    def __init__(self, obj: RawObject, limits: Limits, notes: Notes) -> None:
        table = table_of(obj)
        self._columns = Columns(table)
        self._raw = RawTable(obj, table)
        self._prices = PriceMaps(obj)
        self._limits = limits
        self._notes = notes
        self._present: set[str] = set()
        self._delivered: dict[str, None] = {}
        self._matched: dict[tuple[str, ...], Matched] = {}

    def batches(self, block: str) -> Batches:
        """The batches of one block."""
        size = self._limits.batch_rows
        if block.count("\n") < size and self._limits.max_nesting > _QUICK_DEPTH:
            rows = quick_rows(block)
            columns = None if rows is None else self._quick_columns(rows)
            if rows is not None and columns is not None:
                yield from self._tables(columns, len(rows), ())
                return
        lines = [line for line in block.split("\n") if line.strip(_BLANK)]
        for start in range(0, len(lines), size):
            yield from self._exact(lines[start : start + size])

    def finish(self) -> None:
        """Refuse the object if there was nothing in it, or no row had a required column."""
        if self._delivered:
            self._columns.require(self._present, self._delivered)
        elif self._raw.rows == 0:
            raise UnreadableObject("the object holds no rows, only blank lines")

    def _quick_columns(self, rows: list[dict[str, Any]]) -> dict[str, Sequence[Any]] | None:
        """The canonical columns of quickly read rows; None where a row needs the exact way."""
        names = list(rows[0]) + sorted(set().union(*rows).difference(rows[0]))
        matched = self._columns.match(names)
        if (
            matched.twice
            or any(map(self._columns.is_parent, names))
            or self._columns.match(matched.unknown).chosen  # an alias stands in for a name that only some rows have
        ):
            return None
        columns: dict[str, Sequence[Any]] = {}
        for name, spelling in matched.chosen.items():
            try:
                values = [row[spelling] for row in rows]
            except KeyError:  # absent in some rows; asking so is slower
                values = [row.get(spelling) for row in rows]
            if name == PRICE_MAP:
                maps = [value for value in values if type(value) is dict]
                if any(type(value) is dict for price_map in maps for value in price_map.values()):
                    return None
                columns[name] = values
                continue
            try:
                columns[name] = pa.array(values, pa.string())
            except (pa.ArrowTypeError, pa.ArrowInvalid):  # true, false or an object
                return None
        self._remember(names, matched)
        return columns

    def _exact(self, lines: list[str]) -> Batches:
        """The batch of these lines, each taken apart by itself."""
        rows: list[dict[str, Any]] = []
        faults: list[RowFault] = []
        for position, line in enumerate(lines):
            try:
                rows.append(self._row(line))
            except _Fault as fault:
                faults.append(RowFault(position, str(fault), line.rstrip("\r")))
        names = {name for row in rows for name in row}
        columns: dict[str, Sequence[Any]] = {}
        for name in names:
            values = [row.get(name) for row in rows]
            columns[name] = values if name == PRICE_MAP else text_array(values)
        yield from self._tables(columns, len(rows), faults)

    def _tables(self, columns: dict[str, Sequence[Any]], good: int, faults: Sequence[RowFault]) -> Batches:
        maps = columns.pop(PRICE_MAP, None)
        yield self._raw.table.name, self._raw.batch(columns, good, faults)
        if maps is not None:
            nulls = pa.nulls(good, pa.string())
            concerts, updated = (columns.get(name, nulls) for name in ("concert_id", "updated_at"))
            yield from self._prices.batches(maps, concerts, updated)

    def _row(self, line: str) -> dict[str, Any]:
        """One line as canonical column to text, the price map left as it was parsed."""
        row = self._flat(self._parsed(line))
        shape = tuple(row)
        matched = self._matched.get(shape)
        if matched is None:
            matched = self._columns.match(shape)
            if len(self._matched) < 1_000:
                self._matched[shape] = matched
            if not matched.twice:
                self._remember(shape, matched)
        if matched.twice:
            raise _Fault(f"column_given_twice: {matched.twice[0][:100]!r} is given in two spellings")
        values: dict[str, Any] = {}
        for name, spelling in matched.chosen.items():
            value = row[spelling]
            values[name] = value if name == PRICE_MAP else as_text(value)
        if "\\u" in line:
            for name, value in values.items():
                reason = forbidden(value) if name != PRICE_MAP and value is not None else None
                if reason is not None:
                    raise _Fault(f"forbidden_character: {name}: {reason}")
        return values

    def _parsed(self, line: str) -> dict[str, Any]:
        try:
            row = EXACT_JSON.decode(line.strip(_BLANK))
        except json.JSONDecodeError as error:
            raise _Fault(f"malformed_json: {error.msg} at character {error.pos + 1}") from None
        except ValueError as error:
            raise _Fault(f"column_given_twice: {error}") from None
        except RecursionError:
            row = None
            too_deep = True
        else:
            too_deep = is_deeper(row, self._limits.max_nesting)
        if too_deep:
            raise _Fault(f"malformed_json: it is nested deeper than {self._limits.max_nesting} levels")
        if not isinstance(row, dict):
            raise _Fault("malformed_json: the line is no JSON object")
        return row

    def _flat(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with objects that may hold canonical columns taken apart into ``parent.child``."""
        parents = [name for name, value in row.items() if type(value) is dict and self._columns.is_parent(name)]
        for parent in parents:
            for child, value in row.pop(parent).items():
                name = f"{parent}.{child}"
                if name in row:
                    raise _Fault(f"column_given_twice: {name[:100]!r} is given nested and flat")
                row[name] = value
        return row

    def _remember(self, names: Sequence[str], matched: Matched) -> None:
        self._present.update(matched.chosen)
        for name in names[:MAX_NOTED_COLUMNS]:
            if len(self._delivered) < MAX_NOTED_COLUMNS:
                self._delivered.setdefault(name)
        for name in matched.unknown:
            self._notes.unknown(self._raw.table.name, name)
