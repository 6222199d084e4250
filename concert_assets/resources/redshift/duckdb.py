"""The warehouse embedded: one DuckDB file, one process at a time, checked at every open."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from concert_assets.catalog.operational import PUBLICATIONS
from concert_assets.resources.redshift.protocol import Parameters, WarehouseBusy, WarehouseDamaged
from concert_assets.sql.files import bind, translate

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_PUBLICATION = f"select number, fingerprint, position from {PUBLICATIONS.qualified} order by number desc limit 1"


class DuckDBSession:
    """A :class:`~concert_assets.resources.redshift.protocol.Session` on DuckDB."""

    def __init__(
        self, connection: "duckdb.DuckDBPyConnection", note_publication: Callable[[int, str, int], None]
    ) -> None:
        """``connection`` stays the warehouse's to close."""
        self._connection = connection
        self._note_publication = note_publication

    def _run(self, sql: str, parameters: Parameters | None) -> "duckdb.DuckDBPyConnection":
        values = bind(sql, "redshift", "duckdb", parameters) if parameters else {}
        return self._connection.execute(translate(sql, "redshift", "duckdb"), values or None)

    def execute(self, sql: str, parameters: Parameters | None = None) -> None:
        """Run one statement."""
        self._run(sql, parameters)

    def query(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._run(sql, parameters).fetchall()

    def query_frame(self, sql: str, parameters: Parameters | None = None, *, is_large: bool = False) -> "pd.DataFrame":
        """The rows of a query as a frame; DuckDB has one way for few and many."""
        return self._run(sql, parameters).df()

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Append rows to a table through Arrow; DuckDB's executemany takes a millisecond a row."""
        if not rows:
            return
        import pyarrow as pa

        batch = pa.table({name: pa.array([row[i] for row in rows]) for i, name in enumerate(columns)})
        self._connection.register("_rows", batch)
        try:
            names = ", ".join(columns)
            self._connection.execute(f"insert into {table} ({names}) select {names} from _rows")
        finally:
            self._connection.unregister("_rows")

    def stage(self, relation: str, columns: Mapping[str, str], uris: Sequence[str]) -> None:
        """A view over the Parquet objects: they are the durable staging, nothing is copied."""
        empty = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns.items())
        if uris:
            files = ", ".join("'" + uri.replace("'", "''") + "'" for uri in uris)
            # By name, and with the whole schema beside it: objects curated before a column was there have nulls for it.
            body = (
                f"select {', '.join(columns)} from (select * from read_parquet([{files}], union_by_name = true) "
                f"union all by name select * from (select {empty}) where false)"
            )
        else:
            body = f"select * from (select {empty}) where false"
        self._connection.execute(f"create or replace view {relation} as {body}")

    def replace_table(self, table: str, replacement: str) -> None:
        """Drop and rename: no row is copied."""
        self._connection.execute(f"drop table if exists {table}")
        self._connection.execute(f"alter table {replacement} rename to {table.rpartition('.')[2]}")

    def table_exists(self, table: str) -> bool:
        """Whether there is a table or view of that name."""
        schema, _, name = table.rpartition(".")
        found = self._connection.execute(
            "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, name]
        )
        return found.fetchone() is not None

    def content_hash(self, table: str) -> str:
        """Number and sum of the rows' 64-bit hashes: a fraction of what md5 over text costs."""
        ((rows, total),) = self._connection.execute(f"select count(*), sum(hash(t)) from {table} as t").fetchall()
        return f"{rows:x}-{int(total or 0):x}"

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements within take effect together."""
        self._connection.execute("begin transaction")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def publication_made(self) -> None:
        """Checkpoint, then note the publication in a file of its own that the next open compares."""
        self._connection.execute("checkpoint")
        self._note_publication(*self._connection.execute(_PUBLICATION).fetchall()[0])


class DuckDBWarehouse:
    """The file ``warehouse.duckdb`` of a home, its lock and its witness."""

    def __init__(
        self,
        home: Path,
        memory_limit: str = "1GB",
        wait_seconds: float = 300.0,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Nothing is opened. ``wait_seconds`` is how long to wait for another process; ``say`` hears of the wait."""
        self.path = Path(home) / "warehouse.duckdb"
        self._home = Path(home)
        self._memory_limit = memory_limit
        self._wait_seconds = wait_seconds
        self._say = say or (lambda message: print(message, file=sys.stderr))  # noqa: T201
        self._lock = FileLock(str(self._home / "warehouse.lock"))
        self._holder = self._home / "warehouse.lock.holder"
        self._temporary = self._home / "tmp"

    def location(self, table: str) -> str:
        """The file and the table in it."""
        return f"{self.path}#{table}"

    @contextmanager
    def session(self) -> Iterator[DuckDBSession]:
        """A session under the home's lock, on a file that was found to hold what had been acknowledged."""
        import duckdb

        with self._locked():
            self._verify_present()
            try:
                connection = duckdb.connect(
                    str(self.path),
                    config={"memory_limit": self._memory_limit, "temp_directory": str(self._temporary)},
                )
            except duckdb.ProgrammingError:
                raise  # a setting, not the file
            except duckdb.Error as error:
                raise self._unopened(str(error).partition("\n")[0]) from error
            try:
                connection.execute("set timezone = 'UTC'")
                connection.execute("set integer_division = true")
                self._verify_publication(connection)
                yield DuckDBSession(connection, self._note_publication)
            finally:
                connection.close()

    def is_begun(self) -> bool:
        """Whether there is a file, or was one when it was last published."""
        return self.path.exists() or self._witness_path.exists()

    def discard(self) -> None:
        """Remove the file and its witness, so that the next run makes the warehouse anew from the log.

        What a killed process left of its temporary files goes with them.
        """
        with self._locked():
            for path in (self._witness_path, self.path, self.path.with_name(self.path.name + ".wal")):
                path.unlink(missing_ok=True)
            shutil.rmtree(self._temporary, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._home.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + self._wait_seconds
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            self._say(f"waiting for the warehouse of {self._home}, held by {self._describe_holder()}")
            try:
                self._lock.acquire(timeout=max(0.0, deadline - time.monotonic()), poll_interval=0.05)
            except Timeout as error:
                raise WarehouseBusy(
                    f"the warehouse of {self._home} is still held by {self._describe_holder()} after "
                    f"{self._wait_seconds:.0f} s; wait for it to end, or use another --home"
                ) from error
        try:
            self._holder.write_text(json.dumps({"pid": os.getpid(), "command": " ".join(sys.argv)[:200]}))
            yield
        finally:
            self._holder.unlink(missing_ok=True)
            self._lock.release()

    def _unopened(self, reason: str) -> WarehouseBusy | WarehouseDamaged:
        if "Could not set lock" in reason:  # a program that knows nothing of the home's own lock
            return WarehouseBusy(f"{self.path} is open in another program; close it there: {reason}")
        return WarehouseDamaged(
            f"{self.path} cannot be opened: {reason}; 'concert-assets rebuild' makes it anew from the log"
        )

    def _describe_holder(self) -> str:
        try:
            holder = json.loads(self._holder.read_text())
        except (OSError, ValueError):
            return "another process"
        return f"process {holder['pid']} ({holder['command']})"

    # The witness: a truncated or deleted write-ahead log opens without a word and with fewer rows, so what was
    # acknowledged is written down outside the file. The file may be one publication ahead (killed between the commit
    # and the note), never behind.
    @property
    def _witness_path(self) -> Path:
        return self._home / "warehouse.witness.json"

    def _witness(self) -> dict[str, Any] | None:
        try:
            witness: dict[str, Any] = json.loads(self._witness_path.read_text())
        except FileNotFoundError:
            return None
        return witness

    def published_position(self) -> int:
        """The position of the log that was published last; 0 where nothing is. Nothing is opened."""
        return int((self._witness() or {}).get("position", 0))

    def _note_publication(self, number: int, fingerprint: str, position: int) -> None:
        temporary = self._witness_path.with_suffix(".new")
        with temporary.open("w") as stream:
            json.dump({"number": number, "fingerprint": fingerprint, "position": position}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self._witness_path)

    def _verify_present(self) -> None:
        if self._witness() is not None and not self.path.exists():
            raise WarehouseDamaged(f"{self.path} is gone; run 'concert-assets rebuild' to make it anew from the log")

    def _verify_publication(self, connection: "duckdb.DuckDBPyConnection") -> None:
        witness = self._witness()
        if witness is None:
            return
        session = DuckDBSession(connection, self._note_publication)
        found = session.query(_PUBLICATION) if session.table_exists(PUBLICATIONS.qualified) else []
        number, fingerprint = found[0][:2] if found else (0, "")
        if number == witness["number"] + 1:
            # Its process died before it could note it. It stands, and the next one must not be two ahead.
            session.publication_made()
        elif (number, fingerprint) != (witness["number"], witness["fingerprint"]):
            raise WarehouseDamaged(
                f"{self.path} holds publication {number}, but {witness['number']} was acknowledged; "
                "run 'concert-assets rebuild' to make it anew from the log"
            )
