"""The contract of a warehouse session, held by DuckDB and, over PostgreSQL's wire, by what speaks to Redshift."""

import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
from concert_assets.resources.redshift.protocol import Session
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets_tests.support_redshift import HOSTILE, NamedFolderStore, PostgresServer, World, running

TABLE = "concert_dw.things"
TYPES = {
    "id": "integer", "n": "bigint", "price": "decimal(12,2)", "share": "double precision", "name": "varchar(64)",
    "born": "date", "moment": "timestamp", "is_new": "boolean",
}  # fmt: skip
ROWS = [
    (1, 2**40, Decimal("10.25"), 0.5, "plain", date(2024, 2, 29), datetime(2024, 5, 1, 20, 0, 1, 500), True),
    (2, -1, Decimal("-0.01"), -1e300, "", date(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), False),
    (3, None, None, None, None, None, None, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as found:
        yield found


@pytest.fixture(params=["duckdb", "redshift"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "duckdb":
        return World(DuckDBWarehouse(tmp_path), FolderObjectStore(tmp_path / "objects"))
    store = NamedFolderStore(tmp_path / "objects")
    found: PostgresServer = request.getfixturevalue("server")
    return World(found.warehouse(store), store)


@pytest.fixture
def session(world: World) -> Iterator[Session]:
    with world.warehouse.session() as found:
        found.execute("create schema if not exists concert_dw")
        found.execute("create schema if not exists concert_dw_staging")
        yield found


def make(session: Session, name: str = TABLE, rows: list[Any] | None = None) -> None:
    session.execute(f"create table if not exists {name} ({', '.join(f'{n} {kind}' for n, kind in TYPES.items())})")
    session.insert_rows(name, list(TYPES), ROWS if rows is None else rows)


def test_every_type_comes_back_as_it_was_inserted(session: Session) -> None:
    make(session)
    found = session.query(f"select {', '.join(TYPES)} from {TABLE} order by id")
    assert found == ROWS
    assert [[type(value) for value in row] for row in found] == [[type(value) for value in row] for row in ROWS]


def test_no_rows_are_no_error(session: Session) -> None:
    make(session, rows=[])
    assert session.query(f"select id from {TABLE}") == []


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_data_in_rows_and_in_parameters(session: Session, text: str) -> None:
    make(session, rows=[(1, *[None] * 3, text, *[None] * 3)])
    assert session.query(f"select name from {TABLE} where name = :name", {"name": text}) == [(text,)]
    assert session.query("select cast(:name as varchar(64)) as name", {"name": text}) == [(text,)]
    assert list(session.query_frame(f"select name from {TABLE} where name = :name", {"name": text})["name"]) == [text]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select id from {t} where id = :id and name like 'pl%'", [(1,)]),
        ("select ':id' as a, '%(id)s' as b, '100 %' as c, id from {t} where id = :id", [(":id", "%(id)s", "100 %", 1)]),
        ("select id % 2 as rest from {t} where id = :id", [(1,)]),
        ("select id from {t} where id in (:id, :other) order by id", [(1,), (2,)]),
        ("select cast(id as bigint) as id from {t} where id = :id or (id = :id and id = :id)", [(1,)]),
        ("select 'it''s :id' as a from {t} where id = :id", [("it's :id",)]),
    ],
)
def test_names_are_bound_and_nothing_that_looks_like_them(session: Session, sql: str, expected: Any) -> None:
    make(session)
    values = {"id": 1, "other": 2, "unused": 3}
    assert session.query(sql.format(t=TABLE), values) == expected
    frame = session.query_frame(sql.format(t=TABLE), values)
    assert [tuple(row) for row in frame.itertuples(index=False)] == expected


def test_a_parameter_without_a_value_is_named(session: Session) -> None:
    make(session)
    with pytest.raises(KeyError, match="missing"):
        session.query(f"select id from {TABLE} where id = :missing", {"id": 1})


@pytest.mark.parametrize("value", [None, 7, 1.5, Decimal("1.50"), True, date(2024, 1, 2), datetime(2024, 1, 2, 3)])
def test_values_of_every_type_are_bound(session: Session, value: Any) -> None:
    kind = {int: "bigint", float: "double precision", Decimal: "decimal(12,2)", bool: "boolean"}
    kind |= {date: "date", datetime: "timestamp", type(None): "bigint"}
    session.execute(f"create table {TABLE} (x {kind[type(value)]})")
    session.execute(f"insert into {TABLE} (x) select cast(:x as {kind[type(value)]}) as x", {"x": value})
    assert session.query(f"select x from {TABLE}") == [(value,)]


def test_a_frame_has_the_columns_types_and_an_order(session: Session) -> None:
    make(session)
    frame = session.query_frame(f"select * from {TABLE} order by id")
    assert list(frame.columns) == list(TYPES)
    assert frame["id"].dtype.kind == "i"
    assert (frame["price"].dtype.kind, frame["share"].dtype.kind) == ("f", "f")
    assert (frame["born"].dtype.kind, frame["moment"].dtype.kind) == ("M", "M")
    assert list(frame["price"][:2]) == [10.25, -0.01]
    assert math.isnan(frame["price"][2])
    assert [frame[name].isna().sum() for name in TYPES] == [0] + [1] * 7
    assert frame["moment"][0] == datetime(2024, 5, 1, 20, 0, 1, 500)


def test_a_frame_without_rows_has_its_columns_and_types(session: Session) -> None:
    make(session, rows=[])
    frame = session.query_frame(f"select id, price, moment from {TABLE}")
    assert list(frame.columns) == ["id", "price", "moment"]
    assert [frame[name].dtype.kind for name in frame] == ["i", "f", "M"]
    assert len(frame) == 0


def test_a_large_frame_and_many_rows_come_whole(session: Session) -> None:
    session.execute(f"create table {TABLE} (id integer, name varchar(65535))")
    session.insert_rows(TABLE, ["id", "name"], [(number, "x" * 60_000) for number in range(150)])
    session.execute(f"insert into {TABLE} select a.id * 1000 + b.id * 10 + c.id + 1000, null from {TABLE} as a, "
                    f"{TABLE} as b, {TABLE} as c where b.id < 100 and c.id < 9")  # fmt: skip
    frame = session.query_frame(f"select id from {TABLE} order by id")
    assert len(frame) == 150 + 150 * 100 * 9
    assert frame["id"].is_monotonic_increasing
    assert session.query(f"select count(*), sum(octet_length(name)) from {TABLE}") == [(135_150, 9_000_000)]


def test_what_fails_within_a_transaction_leaves_nothing(session: Session) -> None:
    make(session)
    with pytest.raises(RuntimeError, match="stop"), session.transaction():  # noqa: PT012
        session.execute(f"delete from {TABLE}")
        session.execute("create table concert_dw.other (id integer)")
        make(session, "concert_dw.candidate__things")
        session.replace_table(TABLE, "concert_dw.candidate__things")
        raise RuntimeError("stop")
    assert session.query(f"select count(*) from {TABLE}") == [(3,)]
    assert not session.table_exists("concert_dw.other")
    with session.transaction():
        session.execute(f"delete from {TABLE} where id = 1")
    assert session.query(f"select count(*) from {TABLE}") == [(2,)]


def test_a_statement_that_fails_undoes_its_transaction_and_the_session_goes_on(session: Session) -> None:
    make(session)
    with pytest.raises(Exception, match="missing_table"), session.transaction():  # noqa: PT012
        session.execute(f"delete from {TABLE}")
        session.query("select id from concert_dw.missing_table")
    assert session.query(f"select count(*) from {TABLE}") == [(3,)]


def test_no_transaction_is_within_another(session: Session) -> None:
    with pytest.raises(Exception, match="transaction"), session.transaction(), session.transaction():
        pass
    with session.transaction():
        make(session)
    assert session.table_exists(TABLE)


def test_what_is_committed_is_seen_by_the_next_session_and_what_is_not_is_not(world: World, session: Session) -> None:
    with session.transaction():
        make(session)
    if not isinstance(world.warehouse, DuckDBWarehouse):  # DuckDB's file admits one process and one session at a time
        with session.transaction():
            session.execute(f"delete from {TABLE}")
            with world.warehouse.session() as other:
                assert other.query(f"select count(*) from {TABLE}") == [(3,)]
    else:
        session.execute(f"delete from {TABLE}")
    assert session.query(f"select count(*) from {TABLE}") == [(0,)]


def test_a_table_takes_the_place_of_another_or_of_none(session: Session) -> None:
    for rows in (ROWS[:1], ROWS):
        make(session, "concert_dw.candidate__things", rows)
        session.replace_table(TABLE, "concert_dw.candidate__things")
        assert session.query(f"select count(*) from {TABLE}") == [(len(rows),)]
        assert not session.table_exists("concert_dw.candidate__things")


def test_tables_are_told_apart_by_schema(session: Session) -> None:
    make(session)
    assert session.table_exists(TABLE)
    assert not session.table_exists("concert_dw_staging.things")
    assert not session.table_exists("concert_dw.thing")


def test_the_hash_is_of_the_rows_whatever_their_order(session: Session) -> None:
    make(session)
    make(session, "concert_dw.others", ROWS[::-1])
    first = session.content_hash(TABLE)
    assert first == session.content_hash(TABLE) == session.content_hash("concert_dw.others")


@pytest.mark.parametrize(
    "change",
    [
        "delete from {t} where id = 3", "insert into {t} select * from {t} where id = 1", "update {t} set n = 0 where id = 3",
        "update {t} set name = null where id = 2", "update {t} set name = 'Plain' where id = 1",
        "update {t} set is_new = false where id = 1", "update {t} set price = 10.26 where id = 1",
        "update {t} set born = '2024-02-28' where id = 1", "update {t} set moment = '2024-05-01 20:00:01' where id = 1",
        "update {t} set share = 0.25 where id = 1", "update {t} set name = 'plain ' where id = 1",
    ],
)  # fmt: skip
def test_the_hash_changes_with_every_value(session: Session, change: str) -> None:
    make(session)
    before = session.content_hash(TABLE)
    session.execute(change.format(t=TABLE))
    assert session.content_hash(TABLE) != before


def test_the_hash_of_an_empty_table_is_one_too(session: Session) -> None:
    make(session, rows=[])
    empty = session.content_hash(TABLE)
    session.insert_rows(TABLE, list(TYPES), ROWS[2:])
    assert session.content_hash(TABLE) != empty


def test_a_location_names_the_table(world: World) -> None:
    assert world.warehouse.location(TABLE).endswith(f"#{TABLE}")
