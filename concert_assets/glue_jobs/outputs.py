"""What a curation writes and counts: Parquet objects with their hashes, rows by object, rows by rule."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.model import Table
from concert_assets.deliveries.curated import CuratedFile, RuleCount, TableCount
from concert_assets.deliveries.hashing import HashingWriter
from concert_assets.glue_jobs.reading import text_of
from concert_assets.glue_jobs.slash_dates import SlashDates
from concert_assets.glue_jobs.statement import emptied_columns, output_columns, readable_rule
from concert_assets.resources.s3.protocol import ObjectStore

REJECTS_SCHEMA = pa.schema(
    [
        ("object_id", pa.string()),
        ("row_number", pa.int64()),
        ("table_name", pa.string()),
        ("rule", pa.string()),
        ("column_name", pa.string()),
        ("value", pa.string()),
        ("reason", pa.string()),
        ("row_json", pa.string()),
    ]
)


def arrow_type(sql_type: str) -> pa.DataType:
    """The Arrow type in which curated Parquet holds a catalog type."""
    base, _, arguments = sql_type.partition("(")
    if base == "decimal":
        precision, scale = (int(part) for part in arguments.rstrip(")").split(","))
        return pa.decimal128(precision, scale)
    return {
        "varchar": pa.string(),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "double precision": pa.float64(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
        "boolean": pa.bool_(),
    }[base]


def accepted_schema(table: Table) -> pa.Schema:
    """The schema of a table's accepted rows in curated Parquet."""
    types = {"_object_id": pa.string(), "_row_number": pa.int64()}
    types |= {column.name: arrow_type(column.type) for column in table.columns}
    return pa.schema([(name, types.get(name, pa.string())) for name in output_columns(table)])


def _repeating(table: Table) -> list[str]:
    """The columns whose values come again and again; for the others a dictionary is built only to be dropped."""
    unlike = {"_row_number", *(table.key if len(table.key) == 1 else ())}
    unlike |= {column.name for column in table.columns if column.type == "timestamp" or column.is_personal}
    return [name for name in output_columns(table) if name not in unlike]


@dataclass
class _Output:
    kind: Literal["accepted", "rejects"]
    table: str
    key: str
    hashing: HashingWriter
    parquet: Any
    rows: int = 0


class Outputs:
    """The Parquet objects of one curation: one a table for accepted rows, one for all refused rows."""

    def __init__(self, stack: ExitStack, store: ObjectStore, bucket: str, prefix: str) -> None:
        """Objects become visible when ``stack`` ends without an error, and vanish otherwise."""
        self._stack = stack
        self._store = store
        self._bucket = bucket
        self._prefix = prefix
        self._open: dict[str, _Output] = {}
        self.files: list[CuratedFile] = []

    def write(self, table: Table, accepted: pa.Table, rejects: pa.Table) -> None:
        """Append a table's accepted rows to their object and its refused rows to that of all refused rows."""
        self._append("accepted", table.name, accepted, _repeating(table))
        if rejects.num_rows:
            self._append("rejects", "", rejects, ["object_id", "table_name", "rule", "column_name", "reason"])

    def _append(self, kind: Literal["accepted", "rejects"], table: str, rows: pa.Table, repeating: list[str]) -> None:
        name = table or kind
        if name not in self._open:
            # A folder of its own: a partition in the Data Catalog is all that lies in a folder.
            key = f"{self._prefix}{name}/{name}.parquet"
            hashing = HashingWriter(self._stack.enter_context(self._store.open_write(self._bucket, key)))
            writer = pq.ParquetWriter(
                pa.PythonFile(hashing, mode="w"), rows.schema, compression="zstd", use_dictionary=repeating
            )
            self._stack.callback(writer.close)  # before the stream beneath it, also where the stack ends with an error
            self._open[name] = _Output(kind, table, key, hashing, writer)
        output = self._open[name]
        output.parquet.write_table(rows)
        output.rows += rows.num_rows

    def finish(self) -> None:
        """Complete every object and list it in ``files``."""
        for output in self._open.values():
            output.parquet.close()
            self.files.append(
                CuratedFile(
                    output.kind,
                    output.table,
                    output.key,
                    output.rows,
                    output.hashing.size_bytes,
                    output.hashing.sha256,
                )
            )


@dataclass
class Tally:
    """Rows counted by object and table, and by rule; and what their dates with slashes tell."""

    accepted: Counter[tuple[str, str]] = field(default_factory=Counter)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    rules: Counter[tuple[str, str, str, Literal["refused", "emptied"]]] = field(default_factory=Counter)
    slash_dates: SlashDates = field(default_factory=SlashDates)

    def expect(self, object_id: str, table: str) -> None:
        """List an object for a table even where it brings no row."""
        self.accepted[object_id, table] += 0

    def add(self, table: Table, judged: pa.Table) -> None:
        """Count the rows of one judged chunk."""
        is_accepted = pc.is_null(judged["_rule"])
        self._count(self.accepted, table, judged.filter(is_accepted))
        self._count(self.rejected, table, judged.filter(pc.invert(is_accepted)))
        refused = judged.filter(pc.invert(is_accepted)).select(["_rule", "_column"]).to_pylist()
        for row in refused:
            self.rules[table.name, row["_rule"], row["_column"] or "", "refused"] += 1
        for column in emptied_columns(table):
            is_emptied = pc.and_(pc.is_valid(judged[text_of(column)]), pc.is_null(judged[column.name]))
            emptied = pc.sum(pc.and_(is_emptied, is_accepted)).as_py() or 0
            if emptied:
                self.rules[table.name, readable_rule(column).name, column.name, "emptied"] += emptied

    def add_accepted(self, table: Table, rows: pa.Table) -> None:
        """Count rows that are known to be accepted with nothing emptied."""
        self._count(self.accepted, table, rows)

    @staticmethod
    def _count(counter: Counter[tuple[str, str]], table: Table, rows: pa.Table) -> None:
        for value in pc.value_counts(rows["_object_id"]).to_pylist():
            counter[value["values"], table.name] += value["counts"]

    def table_counts(self) -> Iterator[TableCount]:
        """Rows of each object and table; in = accepted + rejected because each row is counted in one of them."""
        order = {table.name: position for position, table in enumerate(TABLES)}
        for object_id, table in sorted({*self.accepted, *self.rejected}, key=lambda item: (item[0], order[item[1]])):
            accepted, rejected = self.accepted[object_id, table], self.rejected[object_id, table]
            yield TableCount(object_id, table, accepted + rejected, accepted, rejected)

    def rule_counts(self) -> Iterator[RuleCount]:
        """Rows of each rule."""
        for (table, rule, column, effect), rows in sorted(self.rules.items()):
            yield RuleCount(table, rule, column, effect, rows)
