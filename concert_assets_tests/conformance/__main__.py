"""Runs every curated statement, and the whole of curation, on DuckDB and on Spark, and compares row by row.

Run as ``make conformance``, which sets up PySpark apart from the main environment; it needs Java 17. Exits with 1 where
anything differs, and where a statement that is different on purpose is not found to be.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from concert_assets.catalog.canonical import TABLES, TICKET_SALES
from concert_assets.catalog.model import Table
from concert_assets.deliveries.curated import CuratedFile, CuratedManifest
from concert_assets.glue_jobs.curation import CHUNK_ROWS, curate_delivery
from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.glue_jobs.judging import Engine
from concert_assets.glue_jobs.normal_form import normalised
from concert_assets.glue_jobs.plain import IS_PLAIN, POSITION, plain_rows, plain_statement
from concert_assets.glue_jobs.raw_objects import raw_rows, units
from concert_assets.glue_jobs.spark import SparkEngine
from concert_assets.glue_jobs.statement import curation_statement
from concert_assets.sources.model import Notes, raw_schema
from concert_assets_tests.benchmarks.ingest_platform import RAW, entry_of, generate, store_of
from concert_assets_tests.conformance.compare import differences
from concert_assets_tests.support_spellings import HOSTILE, PLAIN_ROWS

_MOST_SHOWN = 20
Statement = tuple[str, str, dict[str, pa.Table]]


def hostile_rows(table: Table) -> pa.Table:
    """Raw rows of a table: a plain one, and it again with each hostile text in each column."""
    plain = PLAIN_ROWS[table.name]
    rows = [plain, *(plain | {column.name: text} for column in table.columns for text in HOSTILE)]
    numbered = [row | {"_object_id": "o", "_row_number": number} for number, row in enumerate(rows, 1)]
    return pa.Table.from_pylist(numbered, schema=raw_schema(table))


def statements() -> Iterator[Statement]:
    """Every statement that curation composes, by name, with the hostile rows that it is asked of."""
    for table in TABLES:
        rows, raw = hostile_rows(table), f"raw_{table.name}"
        read = {raw: normalised(table, rows)}
        yield f"{table.name}, quick", curation_statement(table, is_quick=True), read
        yield f"{table.name}, full", curation_statement(table), read
        plain = plain_rows(table, rows)
        if plain is not None:
            flagged = rows.append_column(IS_PLAIN, pa.array(plain))
            flagged = flagged.append_column(POSITION, pa.array(range(rows.num_rows), pa.int32()))
            yield f"{table.name}, plain", plain_statement(table), {raw: flagged}


def raw_statements(home: Path) -> Iterator[Statement]:
    """The quick and the full statement of ticket sales over all raw ones of the home's delivery, chunk by chunk.

    Curation itself accepts nearly all of them the plain way, so that these two would see a few alone.
    """
    waiting: list[pa.RecordBatch] = []
    for unit in units(entry_of(home).objects):
        notes = {item.object_id: Notes() for item in unit}
        for name, batch in raw_rows(store_of(home), RAW, unit, notes):
            if name == TICKET_SALES.name:
                waiting.append(batch)
            if sum(part.num_rows for part in waiting) >= CHUNK_ROWS:
                yield from _of_sales(waiting)
                waiting = []
    if waiting:
        yield from _of_sales(waiting)


def _of_sales(batches: list[pa.RecordBatch]) -> Iterator[Statement]:
    read = {f"raw_{TICKET_SALES.name}": normalised(TICKET_SALES, pa.Table.from_batches(batches))}
    yield f"{TICKET_SALES.name}, quick, as it came", curation_statement(TICKET_SALES, is_quick=True), read
    yield f"{TICKET_SALES.name}, full, as it came", curation_statement(TICKET_SALES), read


def curated(engine: Engine, home: Path, name: str) -> CuratedManifest:
    """The manifest of the home's delivery, curated into a bucket of that name."""
    entry = entry_of(home)
    return curate_delivery(engine, store_of(home), RAW, name, entry.content_id, "conformance", entry.objects)


def rows_of(home: Path, bucket: str, files: tuple[CuratedFile, ...]) -> pa.Table:
    """The rows of objects, as one table."""
    parts = [pq.read_table(pa.BufferReader(store_of(home).read(bucket, item.key))) for item in files]
    return pa.concat_tables(parts) if parts else pa.table({})


class Comparison:
    """Counts what was compared and prints it."""

    def __init__(self, engines: dict[str, Engine]) -> None:
        self.engines = engines
        self.rows = self.statements = self.unlike = 0

    def compare(self, what: str, make: Callable[[str], pa.Table]) -> list[str]:
        """What differs between the tables that ``make`` yields for the names of the two engines."""
        seconds, made = [], []
        for name in self.engines:
            started = time.perf_counter()
            made.append(make(name))
            seconds.append(time.perf_counter() - started)
        found = differences(*made)
        self.rows += made[0].num_rows
        print(
            f"{what:32}{made[0].num_rows:>11,} {len(found):>11,} " + " ".join(f"{s:8.1f}" for s in seconds), flush=True
        )
        for line in found[:_MOST_SHOWN]:
            print(f"  {line}")
        return found

    def statement(self, statement: Statement) -> list[str]:
        """What differs between the engines' answers to one statement."""
        name, sql, relations = statement
        self.statements += 1
        return self.compare(name, lambda engine: self.engines[engine].run(sql, relations))


def main() -> int:
    """Compare, print, and say by the exit code whether all is the same."""
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__)
    parser.add_argument("--sales", type=int, default=1_000_000, help="simulated sales to curate (default 1 million)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of PySpark, which uses what its own dependencies have given up
    # Workers of this interpreter: whichever python3 is found first need not have Arrow.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = SparkEngine("local[2]")
    check = Comparison({"duckdb": DuckDBEngine(), "spark": spark})
    print(f"DuckDB and Spark {spark.version}")
    print(f"{'statement':32}{'rows':>11} {'differences':>11} {'DuckDB s':>8} {'Spark s':>8}")
    asked = list(statements())
    found = [line for each in asked for line in check.statement(each)]
    _, sql, relations = next(each for each in asked if each[0] == "ticket_sales, plain")
    other = {"duckdb": sql, "spark": sql.replace("try_cast(quantity as int)", "try_cast(quantity as int) + 1")}
    if other["spark"] == sql:
        raise AssertionError("the statement that is different on purpose is not")
    red = check.compare("different on purpose", lambda engine: check.engines[engine].run(other[engine], relations))
    home = Path(tempfile.mkdtemp(prefix="concert-conformance-"))
    try:
        generate(home, options.sales, "jsonl")
        found += [line for each in raw_statements(home) for line in check.statement(each)]
        made: dict[str, CuratedManifest] = {}
        for engine in check.engines:
            started = time.perf_counter()
            made[engine] = curated(check.engines[engine], home, engine)
            print(f"the whole delivery on {engine}: {time.perf_counter() - started:.1f} s", flush=True)
        for table in TABLES:
            if made["duckdb"].accepted(table.name):
                found += check.compare(
                    f"{table.name}, accepted",
                    lambda engine, t=table: rows_of(home, engine, made[engine].accepted(t.name)),
                )
        found += check.compare("refused", lambda engine: rows_of(home, engine, made[engine].rejects()))
        counts = [sorted(map(str, map(asdict, (*m.counts, *m.rule_counts)))) for m in made.values()]
        if counts[0] != counts[1]:
            found.append("counts of the manifests")
    finally:
        shutil.rmtree(home)
        spark.close()
    print(f"{check.statements} statements, {check.rows:,} rows compared, {len(found):,} differences")
    if not red:
        print("a statement that is different on purpose was not found to be")
    return 1 if found or not red else 0


if __name__ == "__main__":
    sys.exit(main())
