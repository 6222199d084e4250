"""The engine that runs curated SQL on Glue: Spark, fed and read through Arrow, on any number of workers."""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from concert_assets.glue_jobs.cutting import tasks

_PAYLOAD = "payload"
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    # The statements guard each cast or try it; nothing is to be refused, or taken, by a default that Glue may change.
    "spark.sql.ansi.enabled": "false",
    "spark.sql.adaptive.enabled": "true",
}


class SparkEngine:
    """Runs one Spark SQL statement over Arrow tables.

    Tables go to the workers as Arrow's own stream format inside rows of bytes, and results come back so, by
    ``mapInArrow``: types stay exact, and no disk need be common to driver and workers.
    """

    name = "spark"

    def __init__(self, master: str | None = None) -> None:
        """The session that Glue has made, or one on ``master``, such as ``local[2]``."""
        builder = SparkSession.builder.appName("concert_assets").config("spark.ui.enabled", "false")
        self._session = (builder.master(master) if master else builder).getOrCreate()
        for name, value in _SETTINGS.items():
            self._session.conf.set(name, value)

    @property
    def version(self) -> str:
        """The version of Spark."""
        return str(self._session.version)

    def run(self, statement: str, relations: dict[str, pa.Table]) -> pa.Table:
        """The rows that a statement yields over the named relations, in any order."""
        for name, table in relations.items():
            self._frame(table).createOrReplaceTempView(name)
        try:
            found = self._session.sql(statement)
            schema = to_arrow_schema(found.schema)
            rows = found.mapInArrow(_packed(schema), f"{_PAYLOAD} binary").collect()
        finally:
            for name in relations:
                self._session.catalog.dropTempView(name)
        tables = [pa.ipc.open_stream(row[0]).read_all() for row in rows]
        return pa.concat_tables([schema.empty_table(), *tables])

    def close(self) -> None:
        """End the session."""
        self._session.stop()

    def _frame(self, table: pa.Table) -> Any:
        parts = [(_stream(table.schema, part.to_batches()),) for part in tasks(table)]
        packed = self._session.sparkContext.parallelize(parts, len(parts)).toDF(f"{_PAYLOAD} binary")
        return packed.mapInArrow(_unpacked, from_arrow_schema(table.schema))


def _stream(schema: pa.Schema, batches: list[pa.RecordBatch]) -> bytearray:
    target = BytesIO()
    with pa.ipc.new_stream(target, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return bytearray(target.getvalue())


def _unpacked(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for payload in batch.column(0):
            yield from pa.ipc.open_stream(payload.as_py())


def _packed(schema: pa.Schema) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def pack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            # Whether a column may be null is told otherwise by each task; the values are what counts.
            stream = bytes(_stream(schema, [pa.RecordBatch.from_arrays(batch.columns, schema=schema)]))
            yield pa.RecordBatch.from_arrays([pa.array([stream], pa.binary())], [_PAYLOAD])

    return pack
