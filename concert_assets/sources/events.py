"""What the readers of event archives share: rows gathered table by table, and JSON events taken apart."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from concert_assets.catalog.model import Table
from concert_assets.sources.batches import RawTable, text_array
from concert_assets.sources.json_values import EXACT_JSON, forbidden, is_deeper, json_text
from concert_assets.sources.model import Batches, Limits, RawObject, RowFault

Row = dict[str, str | None]


class Fault(Exception):
    """A row that could not be taken apart; the message says why, and ``rule`` by which rule it is refused."""

    def __init__(self, message: str, rule: str = "malformed_concert") -> None:
        """Say what was expected and what came."""
        super().__init__(message)
        self.rule = rule


class Gathered:
    """Rows of one object, gathered until there are enough for a batch."""

    def __init__(self, obj: RawObject, limits: Limits) -> None:
        """Start at row 1 of every table."""
        self._obj = obj
        self._size = limits.batch_rows
        self._raw: dict[str, RawTable] = {}
        self._rows: dict[str, list[Row | tuple[str, str]]] = {}
        self._known: set[tuple[str, str | None]] = set()

    def add(self, table: Table, row: Row) -> None:
        """Add a row."""
        self._of(table).append(row)

    def add_once(self, table: Table, row: Row) -> None:
        """Add a row unless the object brought one of that key before."""
        key = (table.name, row[table.key[0]])
        if key not in self._known:
            self._known.add(key)
            self.add(table, row)

    def add_fault(self, table: Table, fault: Fault, text: str) -> None:
        """Add a row that could not be taken apart, with its text."""
        self._of(table).append((f"{fault.rule}: {fault}", text))

    def full(self) -> Batches:
        """The batches of tables that have rows enough for one."""
        for name, rows in self._rows.items():
            if len(rows) >= self._size:
                yield from self._batches(name)

    def rest(self) -> Batches:
        """The batches of all rows left."""
        for name in self._rows:
            yield from self._batches(name)

    def _of(self, table: Table) -> list[Row | tuple[str, str]]:
        self._raw.setdefault(table.name, RawTable(self._obj, table))
        return self._rows.setdefault(table.name, [])

    def _batches(self, name: str) -> Batches:
        raw, rows = self._raw[name], self._rows[name]
        self._rows[name] = []
        for start in range(0, len(rows), self._size):
            part = rows[start : start + self._size]
            good = [row for row in part if isinstance(row, dict)]
            faults = [RowFault(position, *row) for position, row in enumerate(part) if isinstance(row, tuple)]
            columns = {column: text_array([row.get(column) for row in good]) for column in raw.table.column_names}
            yield name, raw.batch(columns, len(good), faults)


def parsed(text: str, limits: Limits) -> Any:
    """The JSON value of a text; Fault where it is none, gives a name twice, or is nested too deep."""
    try:
        value = EXACT_JSON.decode(text.strip(" \t\r\n"))
    except json.JSONDecodeError as error:
        raise Fault(f"{error.msg} at character {error.pos + 1}", "malformed_json") from None
    except ValueError as error:
        raise Fault(str(error), "column_given_twice") from None
    except RecursionError:
        value, too_deep = None, True
    else:
        too_deep = is_deeper(value, limits.max_nesting)
    if too_deep:
        raise Fault(f"it is nested deeper than {limits.max_nesting} levels", "malformed_json")
    return value


def mapping(value: Any, name: str) -> dict[str, Any]:
    """A JSON object, empty where there is none; Fault where it is something else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Fault(f"{name} is {json_text(value)[:100]}; an object is expected")
    return value


def mappings(value: Any, name: str) -> list[dict[str, Any]]:
    """A JSON list of objects, empty where there is none; Fault where it is something else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Fault(f"{name} is {json_text(value)[:100]}; a list is expected")
    return [mapping(item, f"an item of {name}") for item in value]


def text(value: Any, name: str) -> str | None:
    """Text or the text of a number, white space collapsed; None where there is none; Fault where it is neither."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise Fault(f"{name} is {json_text(value)[:100]}; text is expected")
    reason = forbidden(value)
    if reason is not None:
        raise Fault(f"{name}: {reason}", "forbidden_character")
    return " ".join(value.split()) or None


def is_true(value: Any, name: str) -> bool:
    """A JSON boolean, false where there is none; Fault where it is something else."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise Fault(f"{name} is {json_text(value)[:100]}; true or false is expected")
    return value


def prefixed(prefix: str, identifier: str | None) -> str | None:
    """The identifier of a source made one that no other source gives."""
    return None if identifier is None else f"{prefix}-{identifier}"


def made_of(prefix: str, *parts: str) -> str:
    """An identifier made of the content alone, so that every object names the same thing alike."""
    return f"{prefix}-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:12]}"


def lines_of(blocks: Iterator[str]) -> Iterator[str]:
    """The lines of blocks of whole lines, but for blank ones."""
    for block in blocks:
        for line in block.split("\n"):
            if line.strip(" \t\r"):
                yield line.rstrip("\r")
