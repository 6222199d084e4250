"""Faults between us and Redshift: dropped connections and serialization failures, and a result that is there once."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

import psycopg2
import pytest

from concert_assets.catalog.operational import PUBLICATIONS
from concert_assets.resources.redshift.failures import Interrupted
from concert_assets.resources.redshift.protocol import WarehouseBusy
from concert_assets.resources.redshift.session import RedshiftSession
from concert_assets.warehousing.names import create_table
from concert_assets_tests.support_redshift import NamedFolderStore, PostgresServer, PostgresWarehouse, running

LEDGER = PUBLICATIONS.qualified
THINGS, CANDIDATE = "concert_dw.things", "concert_dw.candidate__things"
COMMIT = b"commit\0"


class Wire:
    """A loopback proxy before the server that cuts a connection at the words of a test."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.words = b""
        self.lets_through = False  # whether the server still gets the words; the answer is lost in either case
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, words: bytes, *, lets_through: bool, times: int = 1) -> None:
        """Cut the next connections that send these words."""
        self.words, self.lets_through, self.cuts = words, lets_through, times

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(ours,), daemon=True).start()

    def _serve(self, ours: socket.socket) -> None:
        with ours, socket.create_connection(("127.0.0.1", self._server_port)) as theirs:
            answers = threading.Thread(target=self._answer, args=(theirs, ours), daemon=True)
            answers.start()
            while data := self._receive(ours):
                if self.cuts and self.words in data.lower():
                    self.cuts -= 1
                    ours.shutdown(socket.SHUT_RDWR)  # before the server can answer
                    if self.lets_through:
                        theirs.sendall(data)
                        answers.join(10)  # it ends at the server's answer, which nobody takes
                    break
                theirs.sendall(data)
            with suppress(OSError):
                theirs.shutdown(socket.SHUT_RDWR)  # closing alone would wait for the thread that reads it

    @staticmethod
    def _receive(side: socket.socket) -> bytes:
        try:
            return side.recv(1 << 16)
        except OSError:
            return b""

    def _answer(self, theirs: socket.socket, ours: socket.socket) -> None:
        with suppress(OSError):  # one of the two has gone, and then so does the other
            while data := self._receive(theirs):
                ours.sendall(data)
            ours.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as found:
        yield found


@pytest.fixture
def wire(server: PostgresServer) -> Iterator[Wire]:
    with closing(Wire(server.port)) as found:
        yield found


@pytest.fixture
def warehouse(server: PostgresServer, wire: Wire, tmp_path: Path) -> PostgresWarehouse:
    found = server.warehouse(NamedFolderStore(tmp_path), port=wire.port)
    with found.session() as session:
        session.execute("create schema concert_dw")
        session.execute(create_table(LEDGER, {c.name: c.type for c in PUBLICATIONS.columns}))
    return found


class Work:
    """A publication as the platform makes it: it asks the ledger first, and its transaction holds ledger and table."""

    def __init__(self, fingerprint: str = "f1") -> None:
        self.fingerprint = fingerprint
        self.transactions = 0

    def __call__(self, session: RedshiftSession) -> bool:
        """Publish where it is not published; tells whether this call did."""
        if session.query(f"select 1 from {LEDGER} where fingerprint = :f", {"f": self.fingerprint}):
            return False
        self.transactions += 1
        with session.transaction():
            session.execute(f"create table {CANDIDATE} (id integer)")
            session.insert_rows(CANDIDATE, ["id"], [(1,), (2,)])
            session.replace_table(THINGS, CANDIDATE)
            ((last,),) = session.query(f"select coalesce(max(number), 0) from {LEDGER}")
            row = (last + 1, 5, self.fingerprint, "run", datetime(2024, 1, 1))
            session.insert_rows(LEDGER, PUBLICATIONS.column_names, [row])
        session.publication_made()
        return True


def published(warehouse: PostgresWarehouse) -> list[tuple[object, ...]]:
    """The ledger's lines; the table is there with both rows, and no candidate, as often as there is a line."""
    with warehouse.session() as session:
        lines = session.query(f"select number, fingerprint from {LEDGER} order by number")
        assert session.table_exists(THINGS) is bool(lines)
        assert not session.table_exists(CANDIDATE)
        if lines:
            assert session.query(f"select count(*) from {THINGS}") == [(2,)]
    return lines


@pytest.mark.parametrize("lets_through", [False, True])
@pytest.mark.parametrize(
    "words", [b"select 1 from concert_dw.publications", b"lock table", b"candidate__things", b"rename to",
              b"insert into concert_dw.publications", COMMIT],
)  # fmt: skip
def test_a_drop_at_any_statement_publishes_once(
    warehouse: PostgresWarehouse, wire: Wire, words: bytes, lets_through: bool
) -> None:
    work = Work()
    wire.cut(words, lets_through=lets_through)
    assert warehouse.repeat(work)
    assert wire.cuts == 0, "the fault was not injected"
    assert published(warehouse) == [(1, "f1")]
    assert not warehouse.repeat(work)
    assert published(warehouse) == [(1, "f1")]


def test_a_drop_after_the_commit_is_known_to_have_published(warehouse: PostgresWarehouse, wire: Wire) -> None:
    work = Work()
    wire.cut(COMMIT, lets_through=True)
    with warehouse.session() as session:
        assert work(session), "the call that published says so, though it had no answer"
        assert session.query("select 1 as one") == [(1,)]
    assert work.transactions == 1
    assert published(warehouse) == [(1, "f1")]


def test_a_drop_before_the_commit_is_known_to_have_undone_it(warehouse: PostgresWarehouse, wire: Wire) -> None:
    wire.cut(COMMIT, lets_through=False)
    with warehouse.session() as session:
        with pytest.raises(Interrupted, match="dropped"):
            Work()(session)
        assert session.query(f"select 1 from {LEDGER}") == []
    assert published(warehouse) == []


def test_drops_without_an_end_are_an_error_with_an_end(warehouse: PostgresWarehouse, wire: Wire) -> None:
    wire.cut(COMMIT, lets_through=False, times=99)
    with pytest.raises(WarehouseBusy):
        warehouse.repeat(Work())
    wire.cut(b"", lets_through=False, times=0)
    assert published(warehouse) == []


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
    work = Work()
    assert warehouse.repeat(work)
    assert work.transactions == 3
    assert published(warehouse) == [(1, "f1")]


def test_other_errors_are_not_tried_again(warehouse: PostgresWarehouse) -> None:
    tries = []

    def work(session: RedshiftSession) -> None:
        tries.append(1)
        session.execute("insert into concert_dw.missing (a) values (1)")

    with pytest.raises(psycopg2.errors.UndefinedTable):
        warehouse.repeat(work)
    assert tries == [1]


@pytest.mark.parametrize(
    "options",
    ["", "-c default_transaction_isolation=serializable", "-c default_transaction_isolation=repeatable\\ read"],
)
def test_publications_at_once_come_one_after_another(
    server: PostgresServer, warehouse: PostgresWarehouse, tmp_path: Path, options: str
) -> None:
    others = server.warehouse(NamedFolderStore(tmp_path), warehouse.database, options=options)
    made: list[bool] = []
    threads = [
        threading.Thread(target=lambda name=f"f{number % 3}": made.append(others.repeat(Work(name))))
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    lines = published(warehouse)
    assert [number for number, _ in lines] == list(range(1, len(lines) + 1)), "no number is given twice"
    assert {name for _, name in lines} == {"f0", "f1", "f2"}
    assert sum(made) == len(lines)


def test_a_writer_that_does_not_end_is_waited_for_no_longer_than_asked(
    server: PostgresServer, warehouse: PostgresWarehouse, tmp_path: Path
) -> None:
    other = server.warehouse(NamedFolderStore(tmp_path), warehouse.database, wait_seconds=0.2)
    with warehouse.session() as session, session.transaction(), other.session() as waiting:
        with pytest.raises(WarehouseBusy, match="another run writes to the warehouse"), waiting.transaction():
            pass
        assert waiting.query(f"select count(*) from {LEDGER}") == [(0,)], "readers wait for nobody"
