"""What becomes of raw rows: the accepted ones, typed, and the refused ones with the reason."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.model import Table
from concert_assets.glue_jobs.normal_form import normalised
from concert_assets.glue_jobs.outputs import REJECTS_SCHEMA, Tally, accepted_schema
from concert_assets.glue_jobs.plain import IS_PLAIN, POSITION, accepted_at, plain_rows, plain_statement
from concert_assets.glue_jobs.statement import IS_OPEN, curation_statement, output_columns

MOST_LEFT_ROWS = 50_000


class Engine(Protocol):
    """What curation asks of an engine."""

    def run(self, statement: str, relations: dict[str, pa.Table]) -> pa.Table:
        """The rows that a Spark SQL statement yields over Arrow tables, in any order."""
        ...


def judge(
    engine: Engine, chunks: Iterable[tuple[Table, pa.Table]], tally: Tally
) -> Iterator[tuple[Table, pa.Table, pa.Table]]:
    """The accepted and the refused rows of chunks of raw rows, by table; all are counted in ``tally``.

    Of each chunk the plain rows are accepted at once. What is left is gathered, since the full statement takes longer
    to prepare than for some thousand rows.
    """
    left: dict[str, list[pa.Table]] = defaultdict(list)
    for table, chunk in chunks:
        accepted, rest = _accept_plain(engine, table, chunk)
        if accepted.num_rows:
            tally.add_accepted(table, accepted)
            yield table, accepted, REJECTS_SCHEMA.empty_table()
        waiting = left[table.name]
        waiting.append(rest)
        if sum(part.num_rows for part in waiting) >= MOST_LEFT_ROWS:
            yield table, *_judge(engine, table, pa.concat_tables(left.pop(table.name)), tally)
    for table in TABLES:
        if sum(part.num_rows for part in left[table.name]):
            yield table, *_judge(engine, table, pa.concat_tables(left[table.name]), tally)


def _accept_plain(engine: Engine, table: Table, chunk: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The plain rows that break no rule, typed, and all other rows as they came."""
    plain = plain_rows(table, chunk)
    if plain is None or not plain.any():
        return accepted_schema(table).empty_table(), chunk
    positions = pa.array(np.arange(chunk.num_rows, dtype=np.int32))
    flagged = chunk.append_column(IS_PLAIN, pa.array(plain)).append_column(POSITION, positions)
    found = engine.run(plain_statement(table), {f"raw_{table.name}": flagged})
    rest = chunk.filter(pa.array(~accepted_at(chunk.num_rows, found)))
    return found.select(output_columns(table)).cast(accepted_schema(table)), rest


def _judge(engine: Engine, table: Table, chunk: pa.Table, tally: Tally) -> tuple[pa.Table, pa.Table]:
    judged = _read(engine, table, normalised(table, chunk), tally)
    tally.add(table, judged)
    is_accepted = pc.is_null(judged["_rule"])
    accepted = judged.filter(is_accepted).select(output_columns(table)).cast(accepted_schema(table))
    return accepted, _rejects(table, judged.filter(pc.invert(is_accepted)), chunk)


def _read(engine: Engine, table: Table, chunk: pa.Table, tally: Tally) -> pa.Table:
    """The rows of the full statement, which is asked only for those that the quick one leaves open."""
    raw = f"raw_{table.name}"
    read = engine.run(curation_statement(table, is_quick=True), {raw: chunk})
    is_open = read[IS_OPEN]
    read = read.drop_columns([IS_OPEN])
    if not pc.any(is_open).as_py():
        return read
    numbers = read["_row_number"].filter(is_open).combine_chunks()
    is_settled = pc.invert(pc.is_in(read["_row_number"], value_set=numbers))
    opened = chunk.filter(pc.is_in(chunk["_row_number"], value_set=numbers))
    settled = engine.run(curation_statement(table), {raw: opened})
    tally.slash_dates.add(table, settled)
    return pa.concat_tables([read.filter(is_settled), settled])


def _rejects(table: Table, refused: pa.Table, chunk: pa.Table) -> pa.Table:
    """Refused rows as evidence: the rule, what it found, and the row as it came in ``chunk``.

    The engine keeps no order, so a row is found again by its origin.
    """
    origin = ["_object_id", "_row_number"]
    near = chunk.filter(pc.is_in(chunk["_row_number"], value_set=refused["_row_number"].combine_chunks()))
    came = {
        (row.pop("_object_id"), row.pop("_row_number")): row
        for row in near.select([*origin, "_row_text", *table.column_names]).to_pylist()
    }
    rows = [
        json.dumps(
            {name: text for name, text in row.items() if text is not None and name != "_row_text"}
            if row["_row_text"] is None
            else {"_row_text": row["_row_text"]},
            ensure_ascii=False,
        )
        for row in (came[found["_object_id"], found["_row_number"]] for found in refused.select(origin).to_pylist())
    ]
    return pa.table(
        [
            refused["_object_id"],
            refused["_row_number"],
            pa.array([table.name] * refused.num_rows, pa.string()),
            refused["_rule"],
            refused["_column"],
            refused["_value"],
            refused["_reason"],
            pa.array(rows, pa.string()),
        ],
        schema=REJECTS_SCHEMA,
    )
