"""Faults between us and Redshift: dropped connections and serialization failures, and a result that is there once."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from concert_assets.catalog.operational import PUBLICATIONS
from concert_assets.resources.redshift.failures import Interrupted
from concert_assets.resources.redshift.protocol import Session, WarehouseBusy
from concert_assets.warehousing.publish import judge, publish
from concert_assets_tests.support_core import CLEAN, PUBLISHED, SALE, Core, another
from concert_assets_tests.support_faults import Wire, fault_line
from concert_assets_tests.support_redshift import NamedFolderStore, PostgresServer, PostgresWarehouse, running

LEDGER = PUBLICATIONS.qualified
THINGS = "concert_dw.things"
COMMIT = b"commit\0"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as found:
        yield found


@pytest.fixture
def wire(server: PostgresServer) -> Iterator[Wire]:
    with closing(Wire(server.port)) as found:
        yield found


Tables = dict[str, Counter[tuple[object, ...]]]


@dataclass(frozen=True)
class Staged:
    """A database with one publication and the next staged and judged, and what is to be published, before and after."""

    database: str
    before: Tables
    after: Tables


def tables(warehouse: PostgresWarehouse) -> Tables:
    """The rows of all published tables."""
    with warehouse.session() as session:
        return {name: Counter(session.query(f"select * from concert_dw.{name}")) for name in PUBLISHED}


@pytest.fixture(scope="module")
def staged(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    home = tmp_path_factory.mktemp("home")
    core = Core(home)
    core.store = NamedFolderStore(home / "objects")
    warehouse = server.warehouse(core.store)
    core.warehouse = warehouse  # type: ignore[assignment]
    core.deliver("first", **CLEAN)
    core.settle()
    core.deliver("second", artists=[another("a2"), another("a3")], ticket_sales=[SALE, SALE | {"sale_id": "s2"}])
    core.curate()
    with warehouse.session() as session:
        core.stage(session)
        assert judge(session, "run").is_passed
    copy = server.warehouse(core.store, server.database(template=warehouse.database))
    assert publication(copy)
    found = Staged(warehouse.database, tables(warehouse), tables(copy))
    assert found.before["artists"].total() + 2 == found.after["artists"].total()
    return found


@pytest.fixture
def warehouse(server: PostgresServer, wire: Wire, staged: Staged, tmp_path: Path) -> PostgresWarehouse:
    return server.warehouse(NamedFolderStore(tmp_path), server.database(template=staged.database), port=wire.port)


@pytest.fixture(autouse=True)
def outcome(
    request: pytest.FixtureRequest, warehouse: PostgresWarehouse, server: PostgresServer, staged: Staged
) -> Iterator[None]:
    """After each fault all tables are those of one publication or those of the next, and nothing is left at work."""
    yield
    server.administer("select pg_sleep(0.1)")  # the server hears of a connection that was cut
    ((orphans,),) = server.administer(
        f"select count(*) from pg_stat_activity where datname = '{warehouse.database}' and xact_start is not null"
    )
    with warehouse.session() as session:
        last = numbers(session)[-1]
    found, expected = tables(warehouse), staged.after if last == 2 else staged.before
    amiss = sum(((found[name] - expected[name]) + (expected[name] - found[name])).total() for name in PUBLISHED)
    name, _, fault = request.node.name.partition("[")
    happened = f"publication {last} stands whole: {name.removeprefix('test_').replace('_', ' ')}"
    fault_line(f"Redshift: {fault.removesuffix(']').replace('-', ', ') or '(as told)'}", happened, amiss, orphans)


def numbers(session: Session) -> list[int]:
    return [number for (number,) in session.query(f"select number from {LEDGER} order by number")]


def publication(warehouse: PostgresWarehouse, attempts: list[int] | None = None) -> bool:
    """Publish as a step does, which is tried again where it was interrupted; tells whether the last try did it."""
    tried = attempts if attempts is not None else []
    while True:
        tried.append(1)
        try:
            with warehouse.session() as session:
                return publish(session, "run").is_new
        except Interrupted:
            if len(tried) == 4:
                raise


@pytest.mark.parametrize("lets_through", [False, True], ids=["the server has not heard", "the server has heard"])
@pytest.mark.parametrize(
    "words", [b"select position, fingerprint", b"begin", b"lock table", b"order by number desc", b"delete from",
              b"insert into concert_dw.artists", b"drop table", b"analyze", b"insert into concert_dw.publications", COMMIT],
    ids=lambda words: "the connection drops at " + words.decode().strip("\0"),
)  # fmt: skip
def test_a_drop_at_any_statement_publishes_once(
    warehouse: PostgresWarehouse, wire: Wire, words: bytes, lets_through: bool
) -> None:
    wire.cut(words, lets_through=lets_through)
    assert publication(warehouse)
    assert wire.cuts == 0, "the fault was not injected"
    assert not publication(warehouse)
    with warehouse.session() as session:
        assert numbers(session) == [1, 2]


def test_a_drop_after_the_commit_is_known_to_have_published(warehouse: PostgresWarehouse, wire: Wire) -> None:
    wire.cut(COMMIT, lets_through=True)
    with warehouse.session() as session:
        assert publish(session, "run").is_new, "the call that published says so, though it had no answer"
        assert session.query("select 1 as one") == [(1,)]
        assert numbers(session) == [1, 2]
    assert warehouse.published_position() == 2


def test_a_drop_before_the_commit_is_known_to_have_undone_it(warehouse: PostgresWarehouse, wire: Wire) -> None:
    wire.cut(COMMIT, lets_through=False)
    with warehouse.session() as session:
        with pytest.raises(Interrupted, match="dropped"):
            publish(session, "run")
        assert numbers(session) == [1]


def test_drops_without_an_end_are_an_error_with_an_end(warehouse: PostgresWarehouse, wire: Wire) -> None:
    wire.cut(COMMIT, lets_through=False, times=99)
    with pytest.raises(WarehouseBusy):
        publication(warehouse)
    wire.cut(b"", lets_through=False, times=0)


def test_a_session_that_the_server_ends_goes_on_outside_a_transaction_and_fails_within(
    warehouse: PostgresWarehouse, server: PostgresServer
) -> None:
    def end() -> None:
        server.administer(
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{warehouse.database}'"
        )

    with warehouse.session() as session:
        end()
        assert session.query("select 1 as one") == [(1,)]
        end()
        assert list(session.query_frame("select 1 as one")["one"]) == [1]
        end()
        with session.transaction():
            session.execute(f"create table {THINGS} (id integer)")
        with pytest.raises(Interrupted), session.transaction():  # noqa: PT012
            session.execute(f"drop table {THINGS}")
            end()
            with pytest.raises(Interrupted):
                session.execute("create table concert_dw.lost (id integer)")
            session.execute("create table concert_dw.outside (id integer)")
        assert session.table_exists(THINGS)
        assert not session.table_exists("concert_dw.outside")


@pytest.mark.parametrize(
    ("code", "message"),
    [("40001", "could not serialize access"), ("XX000", "1023\\nDETAIL:  Serializable isolation violation on table - 100")],
    ids=["40001", "1023"],
)  # fmt: skip
def test_a_serialization_failure_is_tried_again_and_publishes_once(
    warehouse: PostgresWarehouse, server: PostgresServer, code: str, message: str
) -> None:
    with closing(server.connect(warehouse.database)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("create sequence tries")
        cursor.execute(
            "create function fail() returns trigger language plpgsql as $$ begin if nextval('tries') < 3 then "
            f"raise exception using errcode = '{code}', message = E'{message}'; end if; return new; end $$"
        )
        cursor.execute(
            f"create constraint trigger fails after insert on {LEDGER} deferrable initially deferred "
            "for each row execute function fail()"
        )
    tried: list[int] = []
    assert publication(warehouse, tried)
    assert len(tried) == 3


@pytest.mark.parametrize(
    "options",
    ["", "-c default_transaction_isolation=serializable", "-c default_transaction_isolation=repeatable\\ read"],
    ids=[
        "three publish at once, read committed",
        "three publish at once, serializable",
        "three publish at once, snapshot",
    ],
)
def test_of_publications_at_once_one_is_made(
    server: PostgresServer,
    warehouse: PostgresWarehouse,
    tmp_path: Path,
    options: str,
) -> None:
    others = server.warehouse(NamedFolderStore(tmp_path), warehouse.database, options=options)
    met = threading.Barrier(3)
    made: list[bool | str] = []

    def run() -> None:
        with others.session():
            met.wait(30)
        try:
            made.append(publication(others))
        except Exception as error:  # whatever it is, it is compared below
            made.append(repr(error))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(made, key=str) == [False, False, True]
    with warehouse.session() as session:
        assert numbers(session) == [1, 2]


def test_a_writer_that_does_not_end_is_waited_for_no_longer_than_asked(
    server: PostgresServer, warehouse: PostgresWarehouse, tmp_path: Path
) -> None:
    other = server.warehouse(NamedFolderStore(tmp_path), warehouse.database, wait_seconds=0.2)
    with warehouse.session() as session, session.transaction(), other.session() as waiting:
        with pytest.raises(WarehouseBusy, match="another run writes to the warehouse"), waiting.transaction():
            pass
        assert waiting.query(f"select count(*) from {LEDGER}") == [(1,)], "readers wait for nobody"
