"""A session on Redshift: queries, transactions, and what became of a commit that the connection dropped in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from concert_assets.catalog.operational import PUBLICATIONS
from concert_assets.resources.redshift.backend import Backend
from concert_assets.resources.redshift.connection import Connection
from concert_assets.resources.redshift.failures import Interrupted, Unavailable, is_cancelled
from concert_assets.resources.redshift.loading import by_shape, emptied, landing, manifest_of
from concert_assets.resources.redshift.noted import Noted
from concert_assets.resources.redshift.protocol import Parameters, WarehouseBusy
from concert_assets.resources.redshift.statements import WRITER, bound, hash_statement
from concert_assets.resources.redshift.unloading import unload_prefix, unloaded
from concert_assets.resources.redshift.values import frame_of, frame_of_table, insertions
from concert_assets.resources.s3.protocol import ObjectStore

if TYPE_CHECKING:
    import pandas as pd

_FETCH_ROWS = 1_000  # a cluster of one node refuses to give more; results that are large come by UNLOAD
_PUBLICATION = f"select number, fingerprint, position from {PUBLICATIONS.qualified} order by number desc limit 1"


class RedshiftSession(Connection):
    """A :class:`~concert_assets.resources.redshift.protocol.Session` on Redshift.

    Transactions of two sessions run one after another, for they replace the same relations: each takes the lock of a
    table of its own first. Where the connection drops, a query outside a transaction is sent again, a transaction is
    undone, and of a commit without an answer the ledger tells what became.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        backend: Backend,
        store: ObjectStore,
        bucket: str,
        noted: Noted,
        wait_seconds: float,
        statement_seconds: float,
    ) -> None:
        """``wait_seconds`` is how long to wait for another writer; ``bucket`` is where large results go through."""
        super().__init__(connect, backend, statement_seconds)
        self._store = store
        self._bucket = bucket
        self._noted = noted
        self._wait_seconds = wait_seconds
        self._publication: dict[str, Any] | None = None

    def execute(self, sql: str, parameters: Parameters | None = None) -> None:
        """Run one statement. One outside a transaction is not sent again: it may have taken effect."""
        if self._connection.closed and not self._in_transaction:
            self.close_and_open()
        self._send(sql, parameters)

    def query(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        text, values = bound(sql, self._backend.statement(sql), parameters)

        def fetch(cursor: Any) -> list[tuple[Any, ...]]:
            cursor.execute(text, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

        rows: list[tuple[Any, ...]] = self._repeatable(lambda: self._send(sql, work=fetch))
        return rows

    def query_frame(self, sql: str, parameters: Parameters | None = None, *, is_large: bool = False) -> "pd.DataFrame":
        """The rows of a query as a frame: through a cursor of the server's, many of them by UNLOAD."""
        get = self._unload_frame if is_large else self._fetch_frame
        frame: pd.DataFrame = self._repeatable(lambda: get(sql, parameters))
        return frame

    def _unload_frame(self, sql: str, parameters: Parameters | None) -> "pd.DataFrame":
        """The rows by way of Parquet objects, which the slices of Redshift write side by side, in no order."""
        text, values = bound(sql, self._backend.statement(sql), parameters)
        with unload_prefix(self._store, self._bucket) as prefix:

            def unload(cursor: Any) -> int:
                query = cursor.mogrify(text, values).decode()
                return self._backend.unload(cursor, query, prefix)

            table = unloaded(self._store, prefix, self._send("", work=unload))
        # Without a row there is no object that could tell the types; a cursor has them.
        return self._fetch_frame(sql, parameters) if table is None else frame_of_table(table)

    def _fetch_frame(self, sql: str, parameters: Parameters | None) -> "pd.DataFrame":
        import pandas as pd

        text, values = bound(sql, self._backend.statement(sql), parameters)
        parts: list[pd.DataFrame] = []
        description: Any = None

        def fetch(cursor: Any) -> int:
            nonlocal description
            cursor.execute(f"fetch forward {_FETCH_ROWS} from rows_of")
            description = cursor.description
            rows = cursor.fetchall()
            if rows or not parts:
                parts.append(frame_of(description, rows))
            return len(rows)

        # A cursor lives within a transaction; one that only reads needs no lock.
        with nullcontext() if self._in_transaction else self._begun():
            self._send("", work=lambda cursor: cursor.execute(f"declare rows_of cursor for {text}", values))
            while self._send(sql, work=fetch):  # until there is none: the server may give fewer than it is asked for
                pass
            self._send("close rows_of")
        return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Append rows to a table, in statements of many rows that stay below Redshift's limit."""
        if not rows:
            return

        def insert(cursor: Any) -> None:
            for statement in insertions(cursor, table, columns, rows):
                cursor.execute(statement)

        with self._whole():
            self._send("", work=insert)
            if table == PUBLICATIONS.qualified:
                self._publication = dict(zip(columns, rows[-1], strict=True))

    def stage(self, relation: str, columns: Mapping[str, str], uris: Sequence[str]) -> None:
        """COPY the objects into a table, by way of a temporary one where their columns are others or elsewhere."""
        shapes = by_shape(self._store, columns, uris)
        with self._whole():
            for statement in emptied(relation, columns):
                self._send(statement)
            for shape, objects in shapes.items():
                with manifest_of(self._store, objects) as uri:
                    target, before, after = landing(relation, columns, shape)
                    for statement in before:
                        self._send(statement)
                    self._send("", work=partial(self._backend.copy, table=target, manifest_uri=uri))
                    for statement in after:
                        self._send(statement)
            self._send(f"analyze {relation}")

    def replace_table(self, table: str, replacement: str) -> None:
        """Other rows in the same table, so that grants on it and views over it stay and readers wait for nothing.

        A table that is new, or whose columns have changed, is dropped and made by renaming.
        """
        with self._whole():
            columns = self._columns(table)
            if columns and columns == self._columns(replacement):
                names = ", ".join(str(name) for name, *_ in columns)
                self._send(f"delete from {table}")  # and not truncate, which commits in Redshift
                self._send(f"insert into {table} ({names}) select {names} from {replacement}")
                self._send(f"drop table {replacement}")
                self._send(f"analyze {table}")
            else:
                self._send(f"drop table if exists {table}")
                self._send(f"alter table {replacement} rename to {table.rpartition('.')[2]}")

    def table_exists(self, table: str) -> bool:
        """Whether there is a table or view of that name."""
        schema, _, name = table.rpartition(".")
        return bool(
            self.query(
                "select 1 from information_schema.tables where table_schema = :schema and table_name = :name",
                {"schema": schema, "name": name},
            )
        )

    def content_hash(self, table: str) -> str:
        """Number of rows and sums of their hashes."""
        columns = [(str(name), str(kind)) for name, kind, *_ in self._columns(table)]
        ((rows, *sums),) = self.query(hash_statement(table, columns))
        return "-".join(f"{int(part):x}" for part in (rows, *sums))

    def _columns(self, table: str) -> list[tuple[Any, ...]]:
        """Name and type of each column, in their order; none where there is no such table."""
        schema, _, name = table.rpartition(".")
        return self.query(
            "select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale "
            "from information_schema.columns where table_schema = :schema and table_name = :name "
            "order by ordinal_position",
            {"schema": schema, "name": name},
        )

    def _whole(self) -> AbstractContextManager[None]:
        """Several statements as one: those of the transaction that is open, or one of their own."""
        return nullcontext() if self._in_transaction else self.transaction()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements within take effect together, after those of other writers."""
        if self._in_transaction:
            raise RuntimeError("a transaction is open; there is none within another")
        self._repeatable(self._make_lock)
        with self._begun(WRITER):
            yield

    def publication_made(self) -> None:
        """Note what the ledger has; the commit has made it durable."""
        self._noted.write(*self.query(_PUBLICATION)[0])

    def _make_lock(self) -> None:
        import psycopg2  # type: ignore[import-untyped]

        for is_last in (False, False, True):
            if self.table_exists(WRITER):
                return
            try:
                self._send(f"create schema if not exists {WRITER.partition('.')[0]}")
                self._send(f"create table if not exists {WRITER} (nothing integer)")
            except psycopg2.Error:
                if is_last:  # before that it may be that another process made it at this moment, which is an error too
                    raise

    @contextmanager
    def _begun(self, lock: str = "") -> Iterator[None]:
        self._repeatable(lambda: self._begin(lock))
        self._in_transaction, self._publication = True, None
        try:
            yield
        except BaseException:
            with suppress(Interrupted):  # a connection that is gone has undone it
                if not self._connection.closed:
                    self._send("rollback")
            raise
        else:
            self._commit()
        finally:
            self._in_transaction = False

    def _begin(self, lock: str) -> None:
        """Begin, holding the lock before anything is read."""
        import psycopg2

        self._send("begin")
        if not lock:
            return
        try:
            self._send(self._deadline(self._wait_seconds))
            with self._cancelled_after(self._wait_seconds + 1):  # should the server's deadline not count the wait
                self._send(f"lock table {lock}")
            self._send(self._deadline(self._statement_seconds))
        except (psycopg2.Error, Unavailable) as error:
            self._send("rollback")
            if is_cancelled(error):
                raise WarehouseBusy(
                    f"another run writes to the warehouse and did not end within {self._wait_seconds:.0f} s; "
                    "wait for it to end"
                ) from error
            raise

    def _commit(self) -> None:
        try:
            if self._connection.closed:
                raise Interrupted("the connection to Redshift dropped; what it had not committed is undone")
            self._send("commit")
        except Interrupted:
            self._in_transaction = False
            # Where the ledger has it, the answer to the commit was lost and not the commit.
            if self._publication is None or not self._is_in_ledger(self._publication):
                raise

    def _is_in_ledger(self, made: Mapping[str, Any]) -> bool:
        """Whether a publication took effect, asked behind the lock: whoever sent it may still be at it."""
        self.close_and_open()
        self._begin(WRITER)
        try:
            if not self.table_exists(PUBLICATIONS.qualified):
                return False
            found = self.query(
                f"select 1 from {PUBLICATIONS.qualified} "
                "where number = :number and fingerprint = :fingerprint and run_id = :run_id",
                made,
            )
            return bool(found)
        finally:
            self._send("rollback")
