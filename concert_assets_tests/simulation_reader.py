"""Reads simulated deliveries back with the standard library alone and judges every row anew, apart from the generator.

The judge knows the catalog's declarations and the platform's rules in prose; it shares no code with the simulation.
"""

import csv
import gzip
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq

from concert_assets.catalog.canonical import BY_NAME

Row = dict[str, Any]


class Folder:
    """A sink that keeps objects as files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opened: list[str] = []

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        self.opened.append(key)
        target = self.path / key
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as handle:
            yield handle

    def bytes(self) -> dict[str, bytes]:
        return {key: (self.path / key).read_bytes() for key in sorted(set(self.opened))}

    def table(self, key: str) -> list[Row]:
        return pq.read_table(self.path / key).to_pylist()


def read_object(path: Path) -> list[Row]:
    """The rows of an object as text; lists and maps as JSON text."""
    if path.name.endswith(".jsonl.gz"):
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        return [{name: _as_text(value) for name, value in _load(line).items()} for line in lines]
    if path.name.endswith(".csv.gz"):
        text = gzip.decompress(path.read_bytes()).decode()
        rows = csv.DictReader(io.StringIO(text, newline=""))
        return [{name: value or None for name, value in row.items()} for row in rows]
    return pq.read_table(path).to_pylist()


def _load(line: str) -> Row:
    return json.loads(line, parse_float=_Number, parse_int=_Number)


class _Number(str):
    """A JSON number as it was written."""


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return _dump(value)


def _dump(value: Any) -> str:
    if isinstance(value, _Number):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_dump(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_dump(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def price_rows(concerts: list[Row]) -> list[Row]:
    """The rows of ticket_prices that a list of concert rows brings, in their order."""
    return [
        {
            "concert_id": row["concert_id"],
            "ticket_tier": tier,
            "face_value": _as_text(price),
            "updated_at": row["updated_at"],
        }
        for row in concerts
        for tier, price in _load(row["ticket_prices"]).items()
    ]


def parsed(type_: str, text: str) -> Any:
    """The value of a text in a catalog type; ValueError where it has none."""
    if type_.startswith("varchar"):
        return text
    if type_ == "timestamp":
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text):
            raise ValueError(text)
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    if type_ == "date":
        return datetime.strptime(text, "%Y-%m-%d")
    if not re.fullmatch(r"-?\d+(\.\d+)?", text) or (type_ == "integer" and "." in text):
        raise ValueError(text)
    return Decimal(text)


def typed(table: str, row: Row) -> tuple[Row, list[str]]:
    """The row's values and the names of the row rules that it breaks, in the catalog's order."""
    values: Row = {}
    broken = []
    for column in BY_NAME[table].columns:
        text = row[column.name]
        values[column.name] = None
        if text is None:
            if column.required:
                broken.append(f"{column.name}_required")
            continue
        try:
            value = values[column.name] = parsed(column.type, text)
        except ValueError:
            broken.append(f"{column.name}_readable")
            continue
        low, high = column.minimum, column.maximum
        if (low and value < Decimal(low)) or (high and value > Decimal(high)):
            broken.append(f"{column.name}_range")
        if column.values and value not in column.values:
            broken.append(f"{column.name}_allowed")

    def known(*names: str) -> bool:
        return all(values[name] is not None for name in names)

    if table == "concerts":
        if known("total_attendance", "tickets_sold") and values["total_attendance"] > values["tickets_sold"]:
            broken.append("attendance_within_tickets")
        if known("on_sale_date", "event_date") and values["on_sale_date"].date() > values["event_date"].date():
            broken.append("on_sale_before_show")
    if table == "ticket_sales":
        if known("total_price", "quantity", "unit_price") and (
            values["total_price"] != values["quantity"] * values["unit_price"]
        ):
            broken.append("total_price_arithmetic")
        if known("refunded_at", "purchase_timestamp") and values["refunded_at"] < values["purchase_timestamp"]:
            broken.append("refund_after_purchase")
    return values, broken


Outcome = tuple[str, str]


class Judge:
    """What becomes of every row of a delivery: ``outcomes`` maps (object, table, row) to an outcome and a rule."""

    def __init__(self, folder: Path, keys: list[str]) -> None:
        self.outcomes: dict[tuple[str, str, int], Outcome] = {}
        self.broken: dict[tuple[str, str, int], list[str]] = {}
        self.published: dict[str, dict[tuple[Any, ...], Row]] = {}
        self.rows: dict[str, int] = defaultdict(int)
        read = {key: read_object(folder / key) for key in keys}
        for table in BY_NAME:
            source = "concerts" if table == "ticket_prices" else table
            placed = [
                ((key, table, number), row)
                for key, rows in read.items()
                if key.startswith(source)
                for number, row in enumerate(price_rows(rows) if table == "ticket_prices" else rows, start=1)
            ]
            if placed:
                self.rows[table] = len(placed)
            self._resolve(table, placed)

    def _resolve(self, table: str, placed: list[tuple[tuple[str, str, int], Row]]) -> None:
        catalog = BY_NAME[table]
        candidates: dict[tuple[Any, ...], list[tuple[tuple[str, str, int], Row]]] = defaultdict(list)
        for place, row in placed:
            values, broken = typed(table, row)
            if broken:
                self.outcomes[place], self.broken[place] = ("rejected", broken[0]), broken
            else:
                candidates[tuple(values[name] for name in catalog.key)].append((place, values))
        published: dict[tuple[Any, ...], Row] = {}
        for key, versions in candidates.items():
            versions.sort(key=lambda version: (version[1]["updated_at"], version[0][0], version[0][2]))
            *others, (place, values) = versions
            for other, older in others:
                same = {n: v for n, v in older.items() if n != "updated_at"} == {
                    n: v for n, v in values.items() if n != "updated_at"
                }
                name = "_".join(catalog.key) + "_unique"
                equal = same and (table == "ticket_prices" or older["updated_at"] == values["updated_at"])
                self.outcomes[other] = ("duplicate", name) if equal else ("superseded", "newest_wins")
            missing = [
                reference.rule_name
                for reference in catalog.references
                if (values[reference.column],) not in self.published[reference.table]
            ]
            if missing:
                self.outcomes[place] = ("pending", missing[0])
                continue
            if table == "concerts":
                venue = self.published["venues"][(values["venue_id"],)]
                if values["tickets_sold"] > venue["capacity"]:
                    self.outcomes[place] = ("rejected", "tickets_within_capacity")
                    continue
            if table == "ticket_sales":
                concert = self.published["concerts"][(values["concert_id"],)]
                if values["purchase_timestamp"] >= concert["event_date"]:
                    self.outcomes[place] = ("rejected", "purchase_before_show")
                    continue
            published[key] = values
        self.published[table] = published
