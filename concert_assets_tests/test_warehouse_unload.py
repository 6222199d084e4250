"""Large reads by UNLOAD: the same frame as by a cursor; and what UNLOAD and COPY are refused, with nothing left behind."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
from concert_assets.resources.redshift.failures import Interrupted, Unavailable
from concert_assets.resources.redshift.protocol import Session, Warehouse, WarehouseBusy
from concert_assets.resources.redshift.unloading import UNLOADS, unload_prefix, unloaded
from concert_assets.resources.redshift.values import frame_of_table
from concert_assets.resources.s3.aws import S3ObjectStore
from concert_assets_tests.support_faults import fault_line
from concert_assets_tests.support_moto import MotoServer
from concert_assets_tests.support_redshift import HOSTILE, PostgresServer, PostgresWarehouse, running
from concert_assets_tests.support_rendered import PART_ROWS, ROLE

TABLE = "concert_dw.things"
TYPES = {
    "id": "integer", "n": "bigint", "small": "smallint", "price": "decimal(12,2)", "wide": "decimal(38,10)",
    "share": "double precision", "name": "varchar(64)", "born": "date", "moment": "timestamp", "is_new": "boolean",
    "nothing": "decimal(12,2)",
}  # fmt: skip
WIDE = Decimal("1234567890123456789012345678.0123456789")
ROWS = [
    (1, 2**40, -3, Decimal("10.25"), WIDE, 0.1, "pläin", date(2024, 2, 29), datetime(2024, 5, 1, 20, 0, 1, 500), True, None),
    (2, -1, 3, Decimal("-0.01"), Decimal("1E-10"), -1e300, "", date(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), False, None),
    (3, *[None] * 10),
    (4, 0, 0, Decimal("0.00"), Decimal("0.3"), 5e-324, "it's \\ $1", date(9999, 12, 31), datetime(1, 1, 1), None, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as found:
        yield found


@pytest.fixture
def store(moto: MotoServer) -> S3ObjectStore:
    return moto.empty()


@pytest.fixture
def redshift(server: PostgresServer, store: S3ObjectStore) -> PostgresWarehouse:
    return server.warehouse(store)


@pytest.fixture(params=["duckdb", "redshift"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    """A session with the table; nothing is left of what it read."""
    is_embedded = request.param == "duckdb"
    warehouse: Warehouse = DuckDBWarehouse(tmp_path) if is_embedded else request.getfixturevalue("redshift")
    with warehouse.session() as found:
        found.execute("create schema concert_dw")
        found.execute(f"create table {TABLE} ({', '.join(f'{name} {kind}' for name, kind in TYPES.items())})")
        found.insert_rows(TABLE, list(TYPES), ROWS)
        yield found
    if not is_embedded:
        assert list(request.getfixturevalue("store").list("processed", UNLOADS)) == []


def both(session: Session, sql: str, parameters: dict[str, Any] | None = None) -> pd.DataFrame:
    """The frame of a query, which is the same by either way but for the order of its rows."""
    small = session.query_frame(sql, parameters)
    large = session.query_frame(sql, parameters, is_large=True)
    by = list(small.columns)[:1]
    assert_frame_equal(*(frame.sort_values(by, ignore_index=True) for frame in (small, large)), check_exact=True)
    return large


@pytest.mark.parametrize(
    "where", ["", "where id < 3", "where id = 3", "where id > 3", "where id > 99", "where share > 0"]
)
def test_a_large_read_gives_the_frame_of_a_small_one(session: Session, where: str) -> None:
    frame = both(session, f"select * from {TABLE} {where}")
    assert list(frame.columns) == list(TYPES)


def test_every_value_is_what_was_inserted(session: Session) -> None:
    frame = both(session, f"select * from {TABLE}").sort_values("id")
    assert list(frame["price"][:2]) == [10.25, -0.01]
    assert frame["wide"][0] == pytest.approx(float(WIDE), rel=1e-15)  # DuckDB's own is a bit off
    assert list(frame["moment"][frame["moment"].notna()]) == [row[8] for row in ROWS if row[8]]
    assert [frame[name].isna().sum() for name in TYPES][:10] == [0, *[1] * 8, 2]


@pytest.mark.parametrize("text", HOSTILE)
def test_values_and_texts_of_a_large_read_are_data(session: Session, text: str) -> None:
    session.insert_rows(TABLE, ["id", "name"], [(7, text)])
    quoted = text.replace("'", "''").replace("\\", "\\\\")
    assert list(both(session, f"select name, id from {TABLE} where name = :name", {"name": text})["id"]) == [7]
    assert list(both(session, "select cast(:name as varchar(64)) as name", {"name": text})["name"]) == [text]
    if "\\" not in text:  # no dialect but Redshift's has backslashes escape; the portable subset has none of them
        assert list(both(session, f"select name from {TABLE} where name = '{quoted}'")["name"]) == [text]


def test_a_large_read_comes_whole_of_several_objects(session: Session) -> None:
    session.insert_rows(TABLE, ["id", "price"], [(number, Decimal(number) / 4) for number in range(10, 3 * PART_ROWS)])
    frame = both(session, f"select id, price from {TABLE} where id >= :least", {"least": 10})
    assert len(frame) == 3 * PART_ROWS - 10
    assert frame["price"].sum() == sum(range(10, 3 * PART_ROWS)) / 4


def test_a_large_read_within_a_transaction_sees_what_that_has_done(session: Session) -> None:
    with session.transaction():
        session.execute(f"delete from {TABLE} where id > :id", {"id": 1})
        assert len(both(session, f"select id from {TABLE}")) == 1


@pytest.mark.parametrize("fault", ["no such table", "a part that is gone", "fewer rows than written"])
def test_a_large_read_that_fails_leaves_nothing(
    redshift: PostgresWarehouse, store: S3ObjectStore, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unload = redshift.backend.unload
    left = []

    def faulty(cursor: Any, query: str, prefix_uri: str) -> int:
        rows = unload(cursor, query, prefix_uri)
        left.extend(item.key for item in store.list("processed", UNLOADS))
        if fault == "a part that is gone":
            store.delete("processed", left[0])
        return rows + (fault == "fewer rows than written")

    monkeypatch.setattr(redshift.backend, "unload", faulty)
    table = "concert_dw.nothing" if fault == "no such table" else "information_schema.schemata"
    with redshift.session() as session, pytest.raises(Exception, match=r"nothing|no object|but \d+ are there"):
        session.query_frame(f"select * from {table}", is_large=True)
    assert bool(left) is (fault != "no such table")
    fault_line(f"UNLOAD: {fault}", "an error, nothing is read", 0, len(list(store.list("processed", UNLOADS))))


def test_a_connection_that_drops_while_it_unloads_is_made_anew(
    redshift: PostgresWarehouse, server: PostgresServer, store: S3ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    unload = redshift.backend.unload
    prefixes = []

    def faulty(cursor: Any, query: str, prefix_uri: str) -> int:
        prefixes.append(prefix_uri)
        rows = unload(cursor, query, prefix_uri)
        if len(prefixes) == 1:
            server.administer(
                f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{redshift.database}'"
            )
            cursor.execute("select 1")
        return rows

    monkeypatch.setattr(redshift.backend, "unload", faulty)
    with redshift.session() as session:
        frame = session.query_frame("select 1 as one", is_large=True)
    assert list(frame["one"]) == [1]
    assert len(set(prefixes)) == 2
    orphans = len(list(store.list("processed", UNLOADS)))
    fault_line("UNLOAD: the connection drops", "unloaded again elsewhere", abs(len(frame) - 1), orphans)


def test_a_connection_that_drops_while_it_copies_leaves_all_as_before(
    redshift: PostgresWarehouse, server: PostgresServer, store: S3ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = redshift.backend.copy

    def faulty(cursor: Any, table: str, manifest_uri: str) -> None:
        copy(cursor, table, manifest_uri)
        server.administer(
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{redshift.database}'"
        )
        cursor.execute("select 1")

    with redshift.session() as session:
        session.execute("create schema concert_dw")
        session.stage(TABLE, {"id": "integer"}, [one_row(store)])
        monkeypatch.setattr(redshift.backend, "copy", faulty)
        with pytest.raises(Interrupted, match="dropped"):
            session.stage(TABLE, {"id": "integer"}, [one_row(store)] * 2)
        held = session.query(f"select id from {TABLE}")
    orphans = len(list(store.list("processed"))) - 1
    fault_line("COPY: the connection drops", "Interrupted, as before", abs(len(held) - 1), orphans)


def one_row(store: S3ObjectStore) -> str:
    """The URI of an object with one row of one column."""
    with store.open_write("processed", "x.parquet") as stream:
        pq.write_table(pa.table({"id": pa.array([1], pa.int32())}), stream)
    return store.uri("processed", "x.parquet")


def test_what_others_unload_is_left_alone(store: S3ObjectStore) -> None:
    with unload_prefix(store, "processed") as mine, unload_prefix(store, "processed") as other:
        assert mine != other
        store.write("processed", f"{UNLOADS}kept", b"")
        store.write("processed", mine.removeprefix("s3://processed/") + "part", b"")
    assert [item.key for item in store.list("processed", UNLOADS)] == [f"{UNLOADS}kept"]


def test_rows_that_no_manifest_tells_of_are_no_empty_result(store: S3ObjectStore) -> None:
    assert unloaded(store, "s3://processed/none/", 0) is None
    with pytest.raises(Exception, match="no object 'none/manifest'"):
        unloaded(store, "s3://processed/none/", 1)
    store.write("processed", "none/manifest", b'{"entries": []}')
    with pytest.raises(WarehouseBusy, match="unloaded 1 rows to s3://processed/none/, but 0 are there"):
        unloaded(store, "s3://processed/none/", 1)


def test_narrower_types_of_objects_are_those_of_a_cursor() -> None:
    table = pa.table(
        {"a": pa.array([1], pa.int8()), "b": pa.array([0.5], pa.float32()), "c": pa.array([1], pa.timestamp("ms"))}
    )
    assert [str(kind) for kind in frame_of_table(table).dtypes] == ["int32", "float64", "datetime64[us]"]


# What Redshift says when it is refused, as its users have reported it, and what we make of it.
DETAIL = "\nDETAIL:  \n  -----\n  error:  {}\n  code:      {}\n  context:   {}\n  query:     101\n  -----"
S3_ERROR = "S3ServiceException:{},Status {},Error {},Rid 0A1B,ExtRid c2VjcmV0,CanRetry 1"
REFUSALS = {
    "role not attached": ("User arn:aws:redshift:us-east-1:1:dbuser:c/me is not authorized to assume IAM Role " + ROLE, Unavailable, ["CONCERT_REDSHIFT_ROLE", "sts:AssumeRole"]),
    "role that does not trust": ("exception name : UnauthorizedException, error type : 138, message: Not authorized to get credentials of role " + ROLE, Unavailable, ["CONCERT_REDSHIFT_ROLE", "sts:AssumeRole"]),
    "role without rights on the manifest": (S3_ERROR.format("Access Denied", 403, "AccessDenied"), Unavailable, ["CONCERT_REDSHIFT_ROLE", "CONCERT_PROCESSED_BUCKET", "AccessDenied"]),
    "role without rights on objects": ("Spectrum Scan Error" + DETAIL.format("Spectrum Scan Error", 15007, "Forbidden: HTTP response error code: 403 Message: AccessDenied Access Denied"), Unavailable, ["CONCERT_REDSHIFT_ROLE", "AccessDenied"]),
    "role without rights on the key": (S3_ERROR.format("User is not authorized to perform: kms:GenerateDataKey on resource", 403, "AccessDenied"), Unavailable, ["CONCERT_BUCKET_KEY", "AccessDenied"]),
    "bucket of another region": (S3_ERROR.format("The bucket you are attempting to access must be addressed using the specified endpoint.", 301, "PermanentRedirect"), Unavailable, ["CONCERT_REGION", "PermanentRedirect"]),
    "no such bucket": (S3_ERROR.format("The specified bucket does not exist", 404, "NoSuchBucket"), Unavailable, ["CONCERT_PROCESSED_BUCKET", "NoSuchBucket"]),
    "throttled": (S3_ERROR.format("Please reduce your request rate.", 503, "SlowDown"), WarehouseBusy, ["SlowDown"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSALS)
@pytest.mark.parametrize("action", ["copy", "unload"])
def test_what_redshift_is_refused_is_one_line_and_nothing_is_half_done(
    redshift: PostgresWarehouse, store: S3ObjectStore, action: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, expected, named = REFUSALS[fault]

    def refused(cursor: Any, *_: Any, **__: Any) -> None:
        cursor.execute("do $$ begin raise exception using errcode = 'XX000', message = current_setting('a.b'); end $$")

    uris = [one_row(store)]
    with redshift.session() as session:
        session.execute("create schema concert_dw")
        session.stage(TABLE, {"id": "integer"}, uris)
        session.query("select set_config('a.b', :words, false) as a", {"words": words})
        monkeypatch.setattr(redshift.backend, action, refused)
        with pytest.raises(expected) as caught:
            session.stage(TABLE, {"id": "integer"}, uris * 2) if action == "copy" else session.query_frame(
                f"select id from {TABLE}", is_large=True
            )
        assert type(caught.value) is expected
        assert isinstance(caught.value.__cause__, psycopg2.Error)
        assert [name for name in (*named, "\n") if (name in str(caught.value)) is (name == "\n")] == []
        held = session.query(f"select id from {TABLE}")  # as before, and the session goes on
    orphans = len(list(store.list("processed"))) - 1
    fault_line(f"{action.upper()}: {fault}", f"{expected.__name__}, {named[-1]}", len({*held} ^ {(1,)}), orphans)


def test_a_user_without_rights_in_the_database_is_told_so(redshift: PostgresWarehouse, server: PostgresServer) -> None:
    server.administer("create role nobody_here")
    with redshift.session() as session:
        session.execute("set role nobody_here")
        with pytest.raises(Unavailable, match=r"^Redshift refuses with 42501: .*CONCERT_REDSHIFT_DATABASE$"):
            session.execute("create schema concert_dw")
