"""Every SQL statement of the platform keeps to the portable subset, and what leaves it is found."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

import concert_assets.sql
from concert_assets.catalog.analytics import MARTS, PREDICTIONS
from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.model import Table
from concert_assets.catalog.operational import LOAD_LEDGER
from concert_assets.defs.warehouse_facts import figure_facts, ledger_facts, top_predictions
from concert_assets.deliveries.log import DeliveredObject, DeliveryLog, object_id
from concert_assets.glue_jobs.curation import curate_delivery
from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.glue_jobs.statement import curation_statement
from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.sql.files import read_sql, sql_names
from concert_assets.warehousing.names import create_table
from concert_assets.warehousing.publish import judge, publish
from concert_assets.warehousing.resolve import (
    audited,
    candidate_statement,
    fitted,
    repeated_statement,
    set_rules,
    unfit_statement,
)
from concert_assets.warehousing.staging import curated_state, stage
from concert_assets_tests.sql_subset import Schema, breaches, raw_schema, types_of, warehouse_schema

CURATED, WAREHOUSE = "curated", ("mart", "feature", "resolve")
BY_STATEMENT: dict[str, Table] = {"resolve/load_ledger": LOAD_LEDGER} | {f"mart/{table.name}": table for table in MARTS}


RAW, WAREHOUSED = raw_schema(), warehouse_schema()


# --- the files


def test_every_file_is_looked_at() -> None:
    folder = Path(next(iter(concert_assets.sql.__path__)))
    named = {name for room in (CURATED, *WAREHOUSE) for name in sql_names(room)}
    assert {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.sql")} == named
    assert len(named) > 10


@pytest.mark.parametrize("name", sql_names(CURATED))
def test_a_curated_file_keeps_to_the_subset(name: str) -> None:
    assert breaches(read_sql(name), "spark", RAW, is_file=True) == []


@pytest.mark.parametrize("name", [name for room in WAREHOUSE for name in sql_names(room)])
def test_a_warehouse_file_keeps_to_the_subset_and_casts_its_outputs(name: str) -> None:
    assert breaches(read_sql(name), "redshift", WAREHOUSED, is_file=True, casts_outputs=True) == []


@pytest.mark.parametrize("name", sorted(BY_STATEMENT))
def test_a_file_makes_the_columns_that_the_catalog_states(name: str) -> None:
    query = sqlglot.parse_one(read_sql(name), read="redshift")
    made = [(item.alias, item.this.to) for item in query.selects]
    stated = BY_STATEMENT[name].columns
    assert made == [(column.name, exp.DataType.build(column.type, dialect="redshift")) for column in stated]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_sort_key_names_columns_and_no_direction(table: Table) -> None:
    assert set(table.sort_key) <= set(table.column_names)


# --- the statements composed of the catalog


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_curation_statement_keeps_to_the_subset(table: Table) -> None:
    assert breaches(curation_statement(table), "spark", RAW) == []
    assert breaches(curation_statement(table, is_quick=True), "spark", RAW) == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_statements_of_resolve_keep_to_the_subset(table: Table) -> None:
    statements = [fitted(table), audited(table), repeated_statement(table)]
    statements += [unfit_statement(table)] if set_rules(table) else []
    assert [breaches(sql, "redshift", WAREHOUSED) for sql in statements] == [[]] * len(statements)
    assert breaches(candidate_statement(table), "redshift", WAREHOUSED, casts_outputs=True) == []


class Listening:
    """A session that keeps every statement it is given."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.heard: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def execute(self, sql: str, parameters: Any = None) -> None:
        self.heard.add(sql)
        self._session.execute(sql, parameters)

    def query(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        self.heard.add(sql)
        rows: list[tuple[Any, ...]] = self._session.query(sql, parameters)
        return rows


# One oversold concert, so that the audit looks for the rows at fault too.
WORLD: dict[str, dict[str, Any]] = {
    "artists": {"artist_id": "a", "name": "Ada"},
    "venues": {"venue_id": "v", "name": "Shed", "capacity": 1},
    "concerts": {
        "concert_id": "c",
        "artist_id": "a",
        "venue_id": "v",
        "event_date": "2025-05-01T20:00:00Z",
        "status": "completed",
    },
    "ticket_sales": {
        "sale_id": "s",
        "concert_id": "c",
        "quantity": 2,
        "unit_price": "5.00",
        "total_price": "10.00",
        "purchase_timestamp": "2025-04-01T10:00:00Z",
        "sale_status": "completed",
    },
}


def deliver(log: DeliveryLog) -> None:
    """One delivery with an object a table."""
    objects = []
    for table, row in WORLD.items():
        data = json.dumps(row).encode()
        key = f"deliveries/world/{table}.jsonl"
        log.store.write(log.bucket, key, data)
        digest = hashlib.sha256(data).hexdigest()
        objects.append(DeliveredObject(object_id("world", table, digest), key, table, "jsonl", len(data), digest))
    log.deliver("world", objects, source="test")


def test_all_that_the_warehouse_is_sent_keeps_to_the_subset(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path / "objects")
    log = DeliveryLog(store, "raw")
    deliver(log)
    (entry,) = log.entries()
    manifest = curate_delivery(DuckDBEngine(), store, "raw", "processed", entry.content_id, "1", entry.objects)
    with DuckDBWarehouse(tmp_path).session() as session:
        listening = Listening(session)
        stage(listening, curated_state([entry], lambda _: manifest, "1"), lambda key: store.uri("processed", key))
        verdict = judge(listening, "first")
        assert [result.rule for result in verdict.blocking] == ["sales_within_capacity"]
        held_entry = log.judge(log.find("world"), "hold", "oversold")
        stage(
            listening,
            curated_state([entry, held_entry], lambda _: manifest, "1"),
            lambda key: store.uri("processed", key),
        )
        assert publish(listening, "second").number == 1
        for table in MARTS:
            statement = f"create table {table.qualified} as {read_sql(f'mart/{table.name}')}"
            listening.execute(statement, {"as_of": date(2025, 5, 1)})
        for table in PREDICTIONS:
            listening.execute(create_table(table.qualified, types_of(table)))
        ledger_facts(listening, "second")
        figure_facts(listening)
        top_predictions(listening)
    assert len(listening.heard) > 90
    assert {sql: found for sql in listening.heard if (found := breaches(sql, "redshift", WAREHOUSED))} == {}


# --- each rule finds what it is for

TABLE = {"concert_dw": {"t": {"id": "varchar(8)", "n": "integer", "m": "bigint", "d": "decimal(10,2)", "at": "date"}}}


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select cast(x.n as integer) as n frm concert_dw.t as x", "cannot be parsed as redshift"),
        ("select 1 as n; select 2 as n", "2 statements where there is to be one"),
        ("vacuum concert_dw.t", "is no statement that can be translated"),
        ("select dayofweek(t.at) as n from concert_dw.t as t", "function dayofweek"),
        ("select months_between(t.at, t.at) as n from concert_dw.t as t", "function months_between"),
        ("select size(t.id) as n from concert_dw.t as t", "function size"),
        ("select unix_timestamp(t.at) as n from concert_dw.t as t", "function unix_timestamp"),
        ("select str_to_map(t.id) as n from concert_dw.t as t", "function str_to_map"),
        ("select pmod(t.n, 7) as n from concert_dw.t as t", "function pmod"),
        ("select cast(avg(t.d) as decimal(10, 2)) as n from concert_dw.t as t", "function avg"),
        ("select json_extract_path_text(t.id, 'a') as n from concert_dw.t as t", "function json_extract_path_text"),
        ("select t.id -> 'a' as n from concert_dw.t as t", "operator"),
        ("select t.n from concert_dw.t as t where t.n is not distinct from 1", "operator NullSafeEQ"),
        ("select t.n from concert_dw.t as t where t.id like 'a%'", "operator Like"),
        ("select t.n from concert_dw.t as t where t.at < current_date", "the clock"),
        ("select cast(t.at as timestamptz) as n from concert_dw.t as t", "type TIMESTAMP WITH TIME ZONE"),
        ("select cast(t.n as real) as n from concert_dw.t as t", "type REAL"),
        ("create table concert_dw.u sortkey (n desc) as select t.n from concert_dw.t as t", "belongs to the backend"),
        ("select t.m / t.n as n from concert_dw.t as t", "divides whole numbers"),
        ("select sum(t.n) / count(*) as n from concert_dw.t as t", "divides whole numbers"),
        ("select t.d / :share as n from concert_dw.t as t", "divides what has no known type"),
        ("select cast(t.d as integer) as n from concert_dw.t as t", "needs floor()"),
        ("select cast(t.n * 0.5 as bigint) as n from concert_dw.t as t", "needs floor()"),
        ("select cast(t.id as integer) as n from concert_dw.t as t", "no regex guards"),
        ("select cast(:a + :b as integer) as n from concert_dw.t as t", "casts what has no known type"),
    ],
)
def test_a_breach_is_found(sql: str, said: str) -> None:
    assert said in "; ".join(breaches(sql, "redshift", TABLE))


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select cast(t.n as integer) as n from concert_dw.t as t WHERE t.n > 1", "WHERE is not in lower case"),
        ("select COUNT(*) as n from concert_dw.t as t", "COUNT is not in lower case"),
        ("select * from concert_dw.t", "select * hides"),
        ("select t.* from concert_dw.t as t", "t.* hides"),
        ("with u as (select x.* from concert_dw.t as x) select u.n from u", "x.* hides"),
        ("select t.n as n, cast(t.m as bigint) as m from concert_dw.t as t", "output n is not cast"),
        ("select cast(t.n as integer) + 1 as n from concert_dw.t as t", "output n is not cast"),
        ("create table concert_dw.u as select t.n from concert_dw.t as t", "output n is not cast"),
    ],
)
def test_a_breach_of_a_file_is_found(sql: str, said: str) -> None:
    assert said in "; ".join(breaches(sql, "redshift", TABLE, is_file=True, casts_outputs=True))


@pytest.mark.parametrize(
    "guard",
    [
        "cast(raw as int)",
        "try_cast(raw as date)",
        "cast(substring(raw, 1, 2) as int)",
        "case when raw rlike '[0-9]+' then cast(raw as int) end",
        "case when raw rlike '^[0-9]+$' or raw = '' then cast(raw as int) end",
        "case when raw rlike '^[0-9]+$' then 0 else cast(raw as int) end",
        "case when other rlike '^[0-9]+$' then cast(raw as int) end",
        "case when not (raw rlike '^[0-9]+$') then cast(raw as int) end",
    ],
)
def test_a_cast_without_a_guard_is_found(guard: str) -> None:
    found = breaches(f"select {guard} as value from texts", "spark", {"texts": {"raw": "string", "other": "string"}})
    assert len(found) == 1
    assert "no regex guards" in found[0]


@pytest.mark.parametrize("replacement", ["$1", "\\\\1", "a$"])
def test_a_replacement_that_refers_to_groups_is_found(replacement: str) -> None:
    sql = f"select regexp_replace(raw, '(a)b', '{replacement}') as value from texts"
    assert "refers to groups" in "; ".join(breaches(sql, "spark", RAW))


@pytest.mark.parametrize(
    ("sql", "dialect", "schema"),
    [
        ("select case when raw rlike '^[0-9]+$' then cast(raw as int) end as value from texts", "spark", RAW),
        ("with u as (select cast(t.n as integer) as n from concert_dw.t as t) select u.n from u", "redshift", TABLE),
        ("select cast(t.n as double precision) / t.m as n from concert_dw.t as t", "redshift", TABLE),
        ("select cast(floor(t.d) as integer) as n from concert_dw.t as t", "redshift", TABLE),
        ("insert into concert_dw.t (n, m) select t.n, t.m from concert_dw.t as t", "redshift", TABLE),
    ],
)
def test_what_is_in_the_subset_passes(sql: str, dialect: str, schema: Schema) -> None:
    assert breaches(sql, dialect, schema) == []


def test_names_of_tables_are_no_functions() -> None:
    statements: Sequence[str] = [
        "create table if not exists concert_dw.u (n integer)",
        "drop table if exists concert_dw.u",
    ]
    assert [breaches(sql, "redshift", TABLE) for sql in statements] == [[], []]
