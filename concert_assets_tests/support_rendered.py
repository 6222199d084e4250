"""What PostgreSQL lacks of Redshift: its words rendered, COPY and UNLOAD done by hand, and a note of what was sent."""

import json
from functools import cache
from typing import Any

import psycopg2.extensions
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from psycopg2.extras import execute_values
from sqlglot import exp
from sqlglot.tokens import TokenType

from concert_assets.resources.redshift.backend import RedshiftBackend
from concert_assets.resources.redshift.loading import place_of
from concert_assets.resources.redshift.statements import _pyformat as pyformat
from concert_assets.resources.redshift.statements import copy_statement, unload_statement, with_older_zones
from concert_assets.resources.s3.protocol import ObjectStore

ROLE = "arn:aws:iam::123456789012:role/concert-copy"
DECLARE = "declare rows_of cursor for "
PART_ROWS = 2_000  # of an object that is unloaded
_OURS = ("select", "with", "insert", "create", "drop", "alter", "delete", "update")


class PostgresBackend(RedshiftBackend):
    """Redshift's statements for PostgreSQL; ``issued`` has what a cursor was given, as Redshift would get it.

    Of statements that differ in their values alone one is kept.
    """

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(ROLE)
        self._store = store
        self._words: dict[str, str] = {}
        self.issued: dict[str, str] = {}

    def statement(self, sql: str) -> str:
        said = super().statement(sql)
        # The files may begin with a comment.
        first = next(line for line in sql.splitlines() if not line.startswith("--")).split(maxsplit=1)[0]
        rendered = in_postgres(with_older_zones(sql)) if first in _OURS else said
        self._words |= {rendered: said, pyformat(rendered): pyformat(said)}
        return rendered

    def cursor(self, connection: Any, name: str | None = None) -> Any:
        """A cursor that notes what it is given, in Redshift's words."""
        backend = self

        class Noting(psycopg2.extensions.cursor):
            def execute(self, query: str | bytes, vars: Any = None) -> None:
                text = query if isinstance(query, str) else query.decode()
                prefix = text[: len(DECLARE)] * text.startswith(DECLARE)
                said = prefix + backend._words.get(text.removeprefix(prefix), text.removeprefix(prefix))
                shape = said.partition(" values ")[0]
                if shape not in backend.issued:
                    backend.issued[shape] = said if vars is None else self.mogrify(said, vars).decode()
                super().execute(query, vars)

        return Noting(connection, name)

    def copy(self, cursor: Any, table: str, manifest_uri: str) -> None:
        """What COPY does: each object of the manifest, whole, by position, every text within its bytes."""
        statement = copy_statement(table, manifest_uri, ROLE)
        self.issued[statement] = statement
        cursor = plain(cursor)
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
        statement = unload_statement(query, prefix_uri, ROLE, has_bucket_key=self._has_bucket_key)
        self.issued[statement] = statement
        cursor = plain(cursor)
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


def plain(cursor: Any) -> Any:
    """A cursor for what the stand-in does by itself, which Redshift is never sent."""
    return cursor.connection.cursor(cursor_factory=psycopg2.extensions.cursor)


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
