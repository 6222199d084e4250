"""Column lineage for Dagster, derived from the SQL that makes the tables."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import dagster as dg

from concert_assets.catalog.canonical import BY_NAME, published_columns
from concert_assets.catalog.identity import IDENTITY_MAP
from concert_assets.catalog.model import Table
from concert_assets.sql.files import read_sql
from concert_assets.warehousing.names import SCHEMA, STAGING, candidate, staged, staged_columns
from concert_assets.warehousing.resolve import fitted


def _physical() -> dict[str, tuple[dg.AssetKey, Mapping[str, str]]]:
    """The tables that SQL reads, by qualified name: the asset each is, and its columns."""
    tables: dict[str, tuple[dg.AssetKey, Mapping[str, str]]] = {}
    for table in BY_NAME.values():
        columns = {column.name: column.type for column in published_columns(table)}
        tables[staged(table)] = (dg.AssetKey(["staging", table.name]), staged_columns(table))
        tables[table.qualified] = (dg.AssetKey(["warehouse", table.name]), columns)
        tables[candidate(table.name)] = (dg.AssetKey(["warehouse", table.name]), columns)
    columns = {column.name: column.type for column in IDENTITY_MAP.columns}
    tables[candidate(IDENTITY_MAP.name)] = (dg.AssetKey(["warehouse", IDENTITY_MAP.name]), columns)
    return tables


def _lineage(sql: str, names: list[str]) -> dg.TableColumnLineage:
    from sqlglot import exp
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    physical = _physical()
    schema: dict[str, Any] = {SCHEMA: {}, STAGING: {}}
    for name, (_, columns) in physical.items():
        room, _, table = name.partition(".")
        schema[room][table] = columns
    import sqlglot

    statement = qualify(sqlglot.parse_one(sql, read="redshift"), schema=schema, dialect="redshift")
    scope = build_scope(statement)
    found: dict[str, list[dg.TableColumnDep]] = {}
    for name in names:
        deps = set()
        # Untrimmed: the source of each step is not shown to anybody, and cutting it out takes most of the time.
        steps = lineage(name, statement, schema=schema, dialect="redshift", scope=scope, copy=False, trim_selects=False)
        for node in steps.walk():
            if isinstance(node.expression, exp.Table):
                key, columns = physical[f"{node.expression.db}.{node.expression.name}"]
                column = node.name.rpartition(".")[2].strip('"')
                if column in columns:
                    deps.add((key, column))
        found[name] = [dg.TableColumnDep(key, column) for key, column in sorted(deps, key=lambda d: (d[0].path, d[1]))]
    return dg.TableColumnLineage(found)


def staging_lineage(table: Table) -> dg.TableColumnLineage:
    """Staging holds the curated columns as they are."""
    curated = dg.AssetKey(["curated", table.name])
    return dg.TableColumnLineage({name: [dg.TableColumnDep(curated, name)] for name in table.column_names})


@cache
def warehouse_lineage(table: Table) -> dg.TableColumnLineage:
    """From staging, and from the parents, to a published table."""
    return _lineage(fitted(table), [column.name for column in published_columns(table)])


@cache
def mart_lineage(table: Table) -> dg.TableColumnLineage:
    """From the published tables to a mart."""
    return _lineage(read_sql(f"mart/{table.name}"), list(table.column_names))
