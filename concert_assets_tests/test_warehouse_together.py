"""Two at once on Redshift: a candidate that another run replaces, who reads while and after one publishes, a wait's end."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from concert_assets.catalog.operational import PUBLICATIONS
from concert_assets.resources.redshift.failures import Unavailable
from concert_assets.resources.redshift.protocol import WarehouseBusy
from concert_assets.warehousing.publish import NotPublishable, judge, publish
from concert_assets_tests.support_core import CLEAN, PUBLISHED, Core, another, artists
from concert_assets_tests.support_redshift import NamedFolderStore, PostgresServer, running


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as found:
        yield found


@pytest.fixture
def core(server: PostgresServer, tmp_path: Path) -> Core:
    found = Core(tmp_path)
    found.store = NamedFolderStore(tmp_path / "objects")
    found.warehouse = server.warehouse(found.store)  # type: ignore[assignment]
    return found


def test_a_candidate_that_was_replaced_after_its_audit_is_judged_before_it_is_published(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    core.deliver("first", **CLEAN)
    core.curate()
    with core.warehouse.session() as session, core.warehouse.session() as other:
        core.stage(session)
        assert judge(session, "run").is_passed
        transaction = session.transaction

        @contextmanager
        def after_another_run() -> Iterator[None]:
            core.deliver("bad", artists=artists(good=2, bad=40))
            core.curate()
            core.stage(other)
            assert not judge(other, "another").is_passed
            with transaction():
                yield

        monkeypatch.setattr(session, "transaction", after_another_run)
        with pytest.raises(NotPublishable, match="artists"):
            publish(session, "run")
        assert not other.table_exists(PUBLICATIONS.qualified)


def test_a_reader_that_meets_a_publication_waits_for_nothing_and_reads_what_was_before_it(
    core: Core, server: PostgresServer
) -> None:
    core.deliver("first", **CLEAN)
    core.settle()
    count = "select count(*) from concert_dw.artists"
    database = core.warehouse.database  # type: ignore[attr-defined]
    impatient = server.warehouse(core.store, database, statement_seconds=5.0)
    with core.warehouse.session() as session, impatient.session() as reader:
        before = reader.query(count)
        with session.transaction():
            session.execute("create table concert_dw.next as select * from concert_dw.artists where false")
            session.replace_table("concert_dw.artists", "concert_dw.next")
            assert reader.query(count) == before != [(0,)]
        assert reader.query(count) == [(0,)]
        with pytest.raises(psycopg2.Error, match="no_such_table"):
            reader.query("select 1 from concert_dw.no_such_table")


def test_a_reader_that_meets_a_change_of_columns_reads_what_was_published(core: Core, server: PostgresServer) -> None:
    core.deliver("first", **CLEAN)
    core.settle()
    count = "select count(*) from concert_dw.artists"
    with core.warehouse.session() as session, core.warehouse.session() as reader, ThreadPoolExecutor(1) as pool:
        ((before,),) = reader.query(count)
        with session.transaction():
            session.execute("create table concert_dw.next as select name from concert_dw.artists where false")
            session.replace_table("concert_dw.artists", "concert_dw.next")
            found = pool.submit(reader.query, count)
            wait_until_one_waits(server)
        assert before > 0
        assert found.result(timeout=30) == [(0,)]


def test_grants_on_published_tables_and_views_over_them_outlive_a_publication(
    core: Core, server: PostgresServer
) -> None:
    core.deliver("first", **CLEAN)
    core.settle()
    database = core.warehouse.database  # type: ignore[attr-defined]
    with closing(server.connect(database)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("create role analyst")
        cursor.execute("grant usage on schema concert_dw to analyst")
        for name in PUBLISHED:
            cursor.execute(f"grant select on concert_dw.{name} to analyst")
        cursor.execute("create view public.names as select name from concert_dw.artists")
        cursor.execute("grant select on public.names to analyst")
    core.deliver("second", artists=[another("a2"), another("a3")])
    core.settle()
    with core.warehouse.session() as session:
        ((published,),) = session.query("select count(*) from concert_dw.artists")
        session.execute("set role analyst")
        for name in PUBLISHED:
            session.query(f"select count(*) from concert_dw.{name}")
        assert session.query("select count(*) from public.names") == [(published,)]
    assert published == 3
    # Made anew from nothing, tables are dropped: what depends on one is named, and all stays as it was.
    before = core.warehouse.published_position()
    with pytest.raises(Unavailable, match=r"2BP01.*names.*drop that first") as refused:
        core.warehouse.discard()
    assert "\n" not in str(refused.value)
    assert core.warehouse.published_position() == before > 0
    with core.warehouse.session() as session:
        assert session.query("select count(*) from concert_dw.artists") == [(3,)]
        session.execute("drop view public.names")
    core.warehouse.discard()
    assert core.warehouse.published_position() == 0


@pytest.mark.parametrize(
    "columns",
    [
        "id integer, price decimal(12,2), name varchar(9), n bigint",
        "id integer, price decimal(12,2), name varchar(8)",
        "id integer, price decimal(12,2), n bigint, name varchar(8)",
        "id integer, price decimal(12,3), name varchar(8), n bigint",
        "id integer, price decimal(12,2), name varchar(8), n integer",
    ],
)
def test_a_table_whose_columns_change_is_made_anew(core: Core, columns: str) -> None:
    wanted = "select column_name, data_type, character_maximum_length, numeric_scale from information_schema.columns " \
        "where table_name = 'things' order by ordinal_position"  # fmt: skip
    with core.warehouse.session() as session:
        session.execute("create schema concert_dw")
        session.execute("create table concert_dw.things (id integer, price decimal(12,2), name varchar(8), n bigint)")
        before = session.query(wanted)
        session.execute(f"create table concert_dw.next ({columns})")
        session.replace_table("concert_dw.things", "concert_dw.next")
        assert session.query(wanted) != before
        assert not session.table_exists("concert_dw.next")


def wait_until_one_waits(server: PostgresServer) -> None:
    for _ in range(500):
        if server.administer("select 1 from pg_stat_activity where wait_event_type = 'Lock'"):
            return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


def test_a_wait_for_the_writer_ends_where_the_server_knows_no_deadline(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = server.warehouse(NamedFolderStore(tmp_path), wait_seconds=0.1)
    with warehouse.session() as session, session.transaction(), warehouse.session() as waiting:
        monkeypatch.setattr(waiting, "_deadline", lambda seconds: "set statement_timeout to 0")
        with pytest.raises(WarehouseBusy, match="another run writes to the warehouse"), waiting.transaction():
            pass
