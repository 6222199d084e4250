"""Rows that come as objects with named fields, of JSON or XML: their fields matched to columns, put into batches."""

import json
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa

from concert_assets.sources.batches import PriceMaps, RawTable, text_array
from concert_assets.sources.columns import Columns, Matched
from concert_assets.sources.json_values import EXACT_JSON, as_text, forbidden, is_deeper, number_text
from concert_assets.sources.model import (
    MAX_NOTED_COLUMNS,
    PRICE_MAP,
    Batches,
    Limits,
    Notes,
    RawObject,
    RowFault,
    table_of,
)

JSON_SPACE = " \t\r\n"


class RowRefused(Exception):
    """A row that could not be taken apart; the message is the row error."""


class Records:
    """Turns rows with named fields into batches, and remembers which columns came."""

    def __init__(self, obj: RawObject, limits: Limits, notes: Notes) -> None:
        """Start at row 1."""
        table = table_of(obj)
        self.columns = Columns(table)
        self._raw = RawTable(obj, table)
        self._prices = PriceMaps(obj)
        self._limits = limits
        self._notes = notes
        self._present: set[str] = set()
        self._delivered: dict[str, None] = {}
        self._matched: dict[tuple[str, ...], Matched] = {}

    @property
    def count(self) -> int:
        """Rows so far."""
        return self._raw.rows

    def finish(self) -> None:
        """Raise UnreadableObject if rows came and none had a required column."""
        if self._delivered:
            self.columns.require(self._present, self._delivered)

    def quick(self, rows: list[dict[str, Any]]) -> Batches | None:
        """The batches of rows whose numbers are text like any other; None where a row needs the exact way."""
        size = self._limits.batch_rows
        parts = [rows[start : start + size] for start in range(0, len(rows), size)]
        columns = [found for part in parts if (found := self._quick_columns(part)) is not None]
        if len(columns) < len(parts):
            return None
        return chain.from_iterable(
            self._tables(found, len(part), ()) for found, part in zip(columns, parts, strict=True)
        )

    def of_json(self, texts: Sequence[str]) -> Batches:
        """The batches of rows given as the JSON text of one object each."""
        return self.exact(texts, lambda position: self._parsed(texts[position]))

    def exact(self, texts: Sequence[str], fields_of: Callable[[int], dict[str, Any]]) -> Batches:
        """The batches of rows each taken apart by itself.

        ``fields_of`` gives the fields of the row at a position and raises RowRefused; ``texts`` are kept with refusals.
        """
        rows: list[dict[str, Any]] = []
        faults: list[RowFault] = []
        for position, text in enumerate(texts):
            try:
                rows.append(self._row(fields_of(position), text))
            except RowRefused as fault:
                faults.append(RowFault(position, str(fault), text.rstrip("\r")))
        names = {name for row in rows for name in row}
        columns: dict[str, Sequence[Any]] = {}
        for name in names:
            values = [row.get(name) for row in rows]
            columns[name] = values if name == PRICE_MAP else text_array(values)
        yield from self._tables(columns, len(rows), faults)

    def _quick_columns(self, rows: list[dict[str, Any]]) -> dict[str, Sequence[Any]] | None:
        """The canonical columns of quickly read rows; None where a row needs the exact way."""
        names = list(rows[0]) + sorted(set().union(*rows).difference(rows[0]))
        matched = self.columns.match(names)
        if (
            matched.twice
            or any(map(self.columns.is_parent, names))
            or self.columns.match(matched.unknown).chosen  # an alias stands in for a name that only some rows have
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

    def _tables(self, columns: dict[str, Sequence[Any]], good: int, faults: Sequence[RowFault]) -> Batches:
        maps = columns.pop(PRICE_MAP, None)
        yield self._raw.table.name, self._raw.batch(columns, good, faults)
        if maps is not None:
            nulls = pa.nulls(good, pa.string())
            concerts, updated = (columns.get(name, nulls) for name in ("concert_id", "updated_at"))
            yield from self._prices.batches(maps, concerts, updated)

    def _row(self, fields: dict[str, Any], text: str) -> dict[str, Any]:
        """One row as canonical column to text, the price map left as it was parsed."""
        row = self._flat(fields)
        shape = tuple(row)
        matched = self._matched.get(shape)
        if matched is None:
            matched = self.columns.match(shape)
            if len(self._matched) < 1_000:
                self._matched[shape] = matched
            if not matched.twice:
                self._remember(shape, matched)
        if matched.twice:
            raise RowRefused(f"column_given_twice: {matched.twice[0][:100]!r} is given in two spellings")
        values: dict[str, Any] = {}
        for name, spelling in matched.chosen.items():
            value = row[spelling]
            to_text = number_text if name in self.columns.numbers else as_text
            values[name] = value if name == PRICE_MAP else to_text(value)
        if "\\u" in text:
            for name, value in values.items():
                reason = forbidden(value) if name != PRICE_MAP and value is not None else None
                if reason is not None:
                    raise RowRefused(f"forbidden_character: {name}: {reason}")
        return values

    def _parsed(self, text: str) -> dict[str, Any]:
        try:
            row = EXACT_JSON.decode(text.strip(JSON_SPACE))
        except json.JSONDecodeError as error:
            raise RowRefused(f"malformed_json: {error.msg} at character {error.pos + 1}") from None
        except ValueError as error:
            raise RowRefused(f"column_given_twice: {error}") from None
        except RecursionError:
            row = None
            too_deep = True
        else:
            too_deep = is_deeper(row, self._limits.max_nesting)
        if too_deep:
            raise RowRefused(f"malformed_json: it is nested deeper than {self._limits.max_nesting} levels")
        if not isinstance(row, dict):
            raise RowRefused("malformed_json: it is no JSON object")
        return row

    def _flat(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with objects that may hold canonical columns taken apart into ``parent.child``."""
        parents = [name for name, value in row.items() if type(value) is dict and self.columns.is_parent(name)]
        for parent in parents:
            for child, value in row.pop(parent).items():
                name = f"{parent}.{child}"
                if name in row:
                    raise RowRefused(f"column_given_twice: {name[:100]!r} is given nested and flat")
                row[name] = value
        return row

    def _remember(self, names: Sequence[str], matched: Matched) -> None:
        self._present.update(matched.chosen)
        for name in names[:MAX_NOTED_COLUMNS]:
            if len(self._delivered) < MAX_NOTED_COLUMNS:
                self._delivered.setdefault(name)
        for name in matched.unknown:
            self._notes.unknown(self._raw.table.name, name)
