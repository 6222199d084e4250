"""The core on what speaks to Redshift: the same tables as DuckDB's, and statements that two Redshift grammars read."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlfluff.core import FluffConfig, Linter
from sqlglot import exp

from concert_assets.catalog.timezones import OLDER_NAMES
from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.resources.redshift.loading import NotLoadable
from concert_assets.resources.redshift.statements import bound
from concert_assets.sql.files import prepare, read_sql, sql_names
from concert_assets_tests.support_core import CLEAN, CONCERT, PUBLISHED, SALE, Core, another, table_hashes
from concert_assets_tests.support_moto import MotoServer
from concert_assets_tests.support_redshift import (
    NamedFolderStore,
    PostgresServer,
    PostgresWarehouse,
    World,
    parquet,
    running,
)
from concert_assets_tests.support_rendered import DECLARE

ENGINE = DuckDBEngine()
# What sqlglot hands through or takes for something else; sqlfluff reads it, and sqlglot the query of a cursor.
UNREAD = {"lock", "fetch", "close", "unload"}
KNOWN = (
    exp.Alter, exp.Analyze, exp.Commit, exp.Copy, exp.Create, exp.Delete, exp.Drop, exp.Insert, exp.Query, exp.Rollback,
    exp.Set, exp.Transaction,
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as found:
        yield found


def drive(core: Core) -> None:
    """Deliveries that bring every outcome, a replacement and a retraction, published one after another."""
    core.deliver("first", **CLEAN | {"ticket_sales": [SALE, SALE, SALE | {"sale_id": "s2", "concert_id": "c9"}]})
    core.deliver(
        "second", artists=[another("a2", popularity_score=101), another("a3"), another("a3", updated_at="2024-01-01")]
    )
    core.settle()
    core.deliver("third", concerts=[CONCERT | {"concert_id": "c9", "event_date": "2024-06-01T20:00:00"}])
    core.deliver("second", artists=[another("a4"), another("a5", name="  ünï: 100 % 'x' :id ")])
    core.settle()
    core.log.judge(core.delivery("second"), "retraction", "")
    core.settle()


def on_redshift(home: Path, server: PostgresServer) -> tuple[Core, PostgresWarehouse]:
    core = Core(home, ENGINE)
    core.store = NamedFolderStore(home / "objects")
    warehouse = server.warehouse(core.store)
    core.warehouse = warehouse  # type: ignore[assignment]
    return core, warehouse


@pytest.fixture(scope="module")
def driven(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Core, PostgresWarehouse]:
    core, warehouse = on_redshift(tmp_path_factory.mktemp("home"), server)
    drive(core)
    return core, warehouse


def test_the_same_deliveries_publish_the_same_tables_as_on_duckdb(
    driven: tuple[Core, PostgresWarehouse], tmp_path: Path
) -> None:
    embedded = Core(tmp_path, ENGINE)
    drive(embedded)
    with embedded.warehouse.session() as one, driven[1].session() as other:
        names = [name for name in PUBLISHED if name != "load_ledger"]
        assert table_hashes(other, names) == table_hashes(one, names)
        columns = "delivery, table_name, sha256, state, rows_in, rows_published, rows_pending, published_position"
        ledgers = [sorted(session.query(f"select {columns} from concert_dw.load_ledger")) for session in (one, other)]
        assert ledgers[0] == ledgers[1]
    assert embedded.warehouse.published_position() == driven[1].published_position() == 5


def all_sent(warehouse: PostgresWarehouse, world: World) -> list[str]:
    """What cursors are given by what the core has no need of, and the statements of the files that are sent as they are."""
    with warehouse.session() as session:
        for is_large in (False, True):
            session.query_frame(
                "select * from concert_dw.artists where artist_id = :id", {"id": "a1"}, is_large=is_large
            )
        session.content_hash("concert_dw.ticket_sales")
        uris = [world.put("x.parquet", parquet(name=["a"], id=[1], n=[2]))]
        session.stage("concert_dw_staging.x", {"id": "integer", "name": "varchar(4)"}, uris)
        with pytest.raises(RuntimeError), session.transaction():  # noqa: PT012
            session.insert_rows("concert_dw_staging.x", ["id", "name"], [(2, "it's"), (None, None)])
            raise RuntimeError
        for columns in ("id, name", "id", "id"):
            session.execute(f"create table concert_dw_staging.y as select {columns} from concert_dw_staging.x")
            session.replace_table("concert_dw_staging.z", "concert_dw_staging.y")
    warehouse.discard()
    files = [as_sent(read_sql(name)) for folder in ("mart", "feature") for name in sql_names(folder)]
    return [*warehouse.backend.issued.values(), *files]


def as_sent(sql: str) -> str:
    """A file's statement with values in place of its names, as psycopg2 sends it."""
    text, values = bound(sql, sql, dict.fromkeys(prepare(sql, "redshift", "redshift")[1], 1))
    return text % dict.fromkeys(values, "'v'") if values else text


def read_by_sqlglot(sql: str) -> bool:
    """Whether sqlglot reads it as a statement of a kind that it knows."""
    return all(isinstance(parsed, KNOWN) for parsed in sqlglot.parse(sql, read="redshift"))


def test_every_statement_that_is_sent_reads_as_redshift_in_two_grammars(
    driven: tuple[Core, PostgresWarehouse], server: PostgresServer
) -> None:
    core, warehouse = driven
    other = server.warehouse(core.store, server.database(template=warehouse.database))
    sent = [*warehouse.backend.issued.values(), *all_sent(other, World(other, core.store))]
    linter = Linter(config=FluffConfig(overrides={"dialect": "redshift", "large_file_skip_byte_limit": 0}))
    amiss = [f"{found.desc()}: {sql}" for sql in sent for found in linter.parse_string(sql).violations]
    assert amiss == []
    unread = {sql.split(maxsplit=1)[0] for sql in sent if not read_by_sqlglot(sql.removeprefix(DECLARE))}
    assert unread == UNREAD
    kinds = {
        " ".join(sql.split(maxsplit=2)[:2]) if sql.startswith(("create", "drop")) else sql.split()[0] for sql in sent
    }
    assert kinds >= {
        "alter", "analyze", "begin", "close", "commit", "copy", "create schema", "create table", "create temporary",
        "declare", "delete", "drop table", "fetch", "insert", "lock", "rollback", "select", "set", "unload", "with",
    }  # fmt: skip
    assert len(sent) > 200
    assert {sql for sql in sent if sql.startswith("fetch")} == {"fetch forward 1000 from rows_of"}
    assert any(sql.startswith("insert") and " values (2, 'it''s'), (NULL, NULL)" in sql for sql in sent)


def test_a_renamed_zone_is_read_by_its_older_name(server: PostgresServer, tmp_path: Path) -> None:
    warehouse = server.warehouse(NamedFolderStore(tmp_path))
    local = datetime(2024, 7, 1, 20)
    with warehouse.session() as session:
        for name in (*OLDER_NAMES, "Europe/London"):
            utc = local.replace(tzinfo=ZoneInfo(name)).astimezone(UTC).replace(tzinfo=None)
            asked = {"zone": name, "local": local}
            query = "select convert_timezone(z.zone, 'UTC', z.moment) from (select cast(:zone as varchar(64)) as zone, " \
                "cast(:local as timestamp) as moment) as z"  # fmt: skip
            assert session.query(query, asked) == [(utc,)]
    (sent,) = [sql for sql in warehouse.backend.issued.values() if "convert_timezone" in sql]
    assert "case z.zone when 'America/Nuuk' then 'America/Godthab' " in sent


def test_objects_are_loaded_from_s3_and_no_manifest_is_left(server: PostgresServer, moto: MotoServer) -> None:
    store = moto.empty()
    with store.open_write("processed", "a/it's ü.parquet") as stream:
        pq.write_table(parquet(id=[1, 2], name=["a", None]), stream)
    with server.warehouse(store).session() as session:
        session.execute("create schema concert_dw_staging")
        session.stage(
            "concert_dw_staging.x", {"name": "varchar(4)", "id": "bigint"}, [store.uri("processed", "a/it's ü.parquet")]
        )
        assert session.query("select id, name from concert_dw_staging.x order by id") == [(1, "a"), (2, None)]
        assert session.query("select reltuples from pg_class where relname = 'x'") == [(2.0,)], "analyzed"
    assert [item.key for item in store.list("processed")] == ["a/it's ü.parquet"]


@pytest.mark.parametrize(
    ("column", "kind", "said"),
    [
        (
            {"name": ["ok", "ä" * 5]},
            "varchar(9)",
            r"row 2 of column name takes 10 bytes in UTF-8, but varchar\(9\) holds 9",
        ),
        ({"price": [None]}, "decimal(10,1)", r"column price holds decimal\(12, 2\), expected decimal\(10,1\)"),
        ({"n": [1]}, "integer", "column n holds bigint, expected integer"),
    ],
)
def test_what_does_not_fit_is_said_before_it_is_loaded(
    server: PostgresServer, tmp_path: Path, column: dict[str, list[object]], kind: str, said: str
) -> None:
    store = NamedFolderStore(tmp_path)
    warehouse = server.warehouse(store)
    uri = World(warehouse, store).put("x.parquet", parquet(**column))
    (name,) = column
    with warehouse.session() as session:
        session.execute("create schema concert_dw_staging")
        with pytest.raises(NotLoadable, match=said):
            session.stage("concert_dw_staging.x", {name: kind}, [uri])
        assert not session.table_exists("concert_dw_staging.x")
    assert not any(sql.startswith("copy") for sql in warehouse.backend.issued)
