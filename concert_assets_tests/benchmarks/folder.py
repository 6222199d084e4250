"""The least that the platform's functions need around them: objects as plain files, a DuckDB connection as a session.

Nothing here is durable, atomic or locked: what those cost is part of what the benchmark compares.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa

from concert_assets.sql.files import bind, translate


class PlainFolder:
    """Sink of the generator and object store of curation in one: ``<root>/<bucket>/<key>``."""

    def __init__(self, root: Path, prefix: str = "") -> None:
        self.root = root
        self.prefix = prefix

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        with self.open_write("", self.prefix + key) as stream:
            yield stream

    @contextmanager
    def open_write(self, bucket: str, key: str) -> Iterator[BinaryIO]:
        path = self.root / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            yield stream

    @contextmanager
    def fetch(self, bucket: str, key: str) -> Iterator[Path]:
        yield self.root / bucket / key

    def create(self, bucket: str, key: str, data: bytes) -> None:
        with self.open_write(bucket, key) as stream:
            stream.write(data)

    def uri(self, bucket: str, key: str) -> str:
        return str(self.root / bucket / key)


class PlainSession:
    """A connection that is spoken to in Redshift's dialect."""

    def __init__(self, path: Path) -> None:
        self.connection = duckdb.connect(str(path), config={"memory_limit": "1GB"})
        self.connection.execute("set timezone = 'UTC'")
        self.connection.execute("set integer_division = true")

    def _run(self, sql: str, parameters: Mapping[str, Any] | None) -> duckdb.DuckDBPyConnection:
        values = bind(sql, "redshift", "duckdb", parameters) if parameters else None
        return self.connection.execute(translate(sql, "redshift", "duckdb"), values)

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        self._run(sql, parameters)

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return self._run(sql, parameters).fetchall()

    def query_frame(self, sql: str, parameters: Mapping[str, Any] | None = None, *, is_large: bool = False) -> Any:
        return self._run(sql, parameters).df()

    def dicts(self, sql: str) -> list[dict[str, Any]]:
        cursor = self._run(sql, None)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            batch = pa.table({name: pa.array([row[i] for row in rows]) for i, name in enumerate(columns)})
            self.connection.register("_rows", batch)
            self.connection.execute(f"insert into {table} ({', '.join(columns)}) select * from _rows")
            self.connection.unregister("_rows")

    def stage(self, relation: str, columns: Mapping[str, str], uris: Sequence[str]) -> None:
        empty = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns.items())
        found = f"select {', '.join(columns)} from read_parquet({list(uris)!r})"
        body = found if uris else f"select * from (select {empty}) where false"
        self.connection.execute(f"create or replace view {relation} as {body}")

    def replace_table(self, table: str, replacement: str) -> None:
        self.connection.execute(f"drop table if exists {table}")
        self.connection.execute(f"alter table {replacement} rename to {table.rpartition('.')[2]}")

    def table_exists(self, table: str) -> bool:
        where = "where table_schema || '.' || table_name = ?"
        return bool(self.connection.execute(f"select 1 from information_schema.tables {where}", [table]).fetchall())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.connection.execute("begin transaction")
        yield
        self.connection.execute("commit")

    def publication_made(self) -> None:
        self.connection.execute("checkpoint")


def fingerprints(warehouse: Path, tables: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Rows of each table and a hash of them that does not depend on their order."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = {}
        for table in tables:
            ((rows, digest),) = connection.execute(
                f"select count(*), coalesce(bit_xor(hash(t)), 0) from {table} as t"
            ).fetchall()
            found[table] = (rows, digest)
    return found
