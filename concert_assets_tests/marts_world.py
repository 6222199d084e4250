"""Published tables made of a few rows by hand, and a warehouse in memory that runs a mart's statement on them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from concert_assets.catalog.analytics import MARTS
from concert_assets.catalog.canonical import TABLES, published_columns
from concert_assets.defs.features import data_as_of
from concert_assets.resources.redshift.duckdb import DuckDBSession
from concert_assets.sql.files import read_sql

AS_OF = date(2025, 6, 30)
Row = dict[str, Any]


def day(number: int) -> date:
    """So many days after the day that the data reach to; before it where negative."""
    return AS_OF + timedelta(days=number)


def venue(name: str = "v", venue_type: str | None = "club", capacity: int | None = 100, **other: Any) -> Row:
    return {"venue_id": name, "name": name.upper(), "venue_type": venue_type, "capacity": capacity} | other


def artist(name: str = "a", genre: str | None = None, popularity: float | None = None) -> Row:
    return {"artist_id": name, "name": name.upper(), "primary_genre": genre, "popularity_score": popularity}


def show(name: str, on: int, sold: int | None, status: str = "completed", **other: Any) -> Row:
    """A concert ``on`` so many days after the day that the data reach to, by default of artist a at venue v."""
    base = {"concert_id": name, "artist_id": "a", "venue_id": "v", "event_date": day(on), "status": status}
    return base | {"tickets_sold": sold, "on_sale_date": day(on - 200)} | other


def order(concert: str, at: date | datetime, tickets: int = 1, price: float = 10.0, **other: Any) -> Row:
    """A completed order; its id is given when the tables are made."""
    base = {"concert_id": concert, "purchase_timestamp": at, "quantity": tickets, "unit_price": price}
    return base | {"total_price": tickets * price, "sale_status": "completed"} | other


def _told(value: Any) -> Any:
    """Days and instants as text, since Arrow holds no column of both."""
    return str(value) if isinstance(value, date) else value


@contextmanager
def published(**tables: Iterable[Mapping[str, Any]]) -> Iterator[DuckDBSession]:
    """A session on a warehouse in memory that holds these rows of published tables, and no more."""
    with duckdb.connect() as connection:
        connection.execute("set integer_division = true; set timezone = 'UTC'; create schema concert_dw")
        for table in TABLES:
            rows = list(tables.get(table.name, ()))
            if table.name == "ticket_sales":
                rows = [{"sale_id": f"s{number}"} | dict(row) for number, row in enumerate(rows)]
            given = list(dict.fromkeys(name for row in rows for name in row))
            columns = [
                f"cast({column.name if column.name in given else 'null'} as {column.type}) as {column.name}"
                for column in published_columns(table)
            ]
            values = {name: [_told(row.get(name)) for row in rows] for name in given or ["none"]}
            connection.register("given", pa.table(values))
            connection.execute(f"create table {table.qualified} as select {', '.join(columns)} from given")
            connection.unregister("given")
        yield DuckDBSession(connection, lambda *_: None)


def make(name: str, *, as_of: date | None = None, **tables: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The rows of one mart over these rows of published tables, as the embedded warehouse makes them.

    Where it is not given, the day that the data reach to is that of ``feature/as_of``.
    """
    with published(**tables) as session:
        day = {"as_of": as_of or data_as_of(session)}
        session.execute(f"create table concert_dw.made as {read_sql(f'mart/{name}')}", day)
        (mart,) = (table for table in MARTS if table.name == name)
        names = mart.column_names
        found = session.query(f"select {', '.join(names)} from concert_dw.made")
        return [dict(zip(names, values, strict=True)) for values in found]
