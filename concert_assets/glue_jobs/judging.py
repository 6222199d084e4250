"""What becomes of a chunk of raw rows: the accepted ones, typed, and the refused ones with the reason."""

import json
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from concert_assets.catalog.model import Table
from concert_assets.glue_jobs.outputs import REJECTS_SCHEMA, Tally, accepted_schema
from concert_assets.glue_jobs.plain import IS_PLAIN, POSITION, accepted_at, plain_rows, plain_statement
from concert_assets.glue_jobs.statement import curation_statement, output_columns, text_of


class Engine(Protocol):
    """What curation asks of an engine."""

    def run(self, statement: str, relations: dict[str, pa.Table]) -> pa.Table:
        """The rows that a Spark SQL statement yields over Arrow tables."""
        ...


def judge_chunk(engine: Engine, table: Table, chunk: pa.Table, tally: Tally) -> tuple[pa.Table, pa.Table]:
    """The accepted and the refused rows of a chunk of at least one raw row; all are counted in ``tally``."""
    raw = f"raw_{table.name}"
    accepted = []
    plain = plain_rows(table, chunk)
    if plain is not None and plain.any():
        positions = pa.array(np.arange(chunk.num_rows, dtype=np.int32))
        flagged = chunk.append_column(IS_PLAIN, pa.array(plain)).append_column(POSITION, positions)
        found = engine.run(plain_statement(table), {raw: flagged})
        accepted.append(found.select(output_columns(table)).cast(accepted_schema(table)))
        tally.add_accepted(table, found)
        chunk = chunk.filter(pa.array(~accepted_at(chunk.num_rows, found)))
    if not chunk.num_rows:
        return accepted[0], REJECTS_SCHEMA.empty_table()
    judged = engine.run(curation_statement(table), {raw: chunk})
    tally.add(table, judged)
    is_accepted = pc.is_null(judged["_rule"])
    accepted.append(judged.filter(is_accepted).select(output_columns(table)).cast(accepted_schema(table)))
    return pa.concat_tables(accepted), _rejects(table, judged.filter(pc.invert(is_accepted)))


def _rejects(table: Table, refused: pa.Table) -> pa.Table:
    """Refused rows as evidence: the rule, what it found, and the row as it came."""
    texts = {column.name: text_of(column) for column in table.columns}
    kept = refused.select(["_row_text", *texts.values()]).to_pylist()
    rows = [
        json.dumps(
            {name: row[text] for name, text in texts.items() if row[text] is not None}
            if row["_row_text"] is None
            else {"_row_text": row["_row_text"]},
            ensure_ascii=False,
        )
        for row in kept
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
