"""What all assets share: how their specs are made from the catalog, and how results tell rows, schema and place."""

import importlib
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import dagster as dg

from concert_assets.catalog.code import code_version
from concert_assets.catalog.model import OWNER, Column, Table

CURATION_CODE = ("catalog", "sql/curated", "sources", "glue_jobs")
WAREHOUSE_CODE = ("catalog", "sql/resolve", "warehousing")


def column_schema(columns: Sequence[Column]) -> dg.TableSchema:
    """Columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type,
                f"{column.description} ({column.unit})" if column.unit else column.description,
                constraints=dg.TableColumnConstraints(nullable=not column.required),
            )
            for column in columns
        ]
    )


def spec(
    stage: str,
    name: str,
    description: str,
    *,
    kinds: set[str],
    code: Sequence[str],
    deps: Sequence[dg.AssetKey] = (),
    columns: Sequence[Column] = (),
    table: str = "",
    metadata: Mapping[str, Any] | None = None,
    automation: dg.AutomationCondition[Any] | None = None,
    freshness: dg.FreshnessPolicy | None = None,
) -> dg.AssetSpec:
    """The spec of one asset: its stage is its group, its schema comes from the catalog."""
    shown: dict[str, Any] = dict(metadata or {})
    if columns:
        shown["dagster/column_schema"] = column_schema(columns)
    if table:
        shown["dagster/table_name"] = table
    return dg.AssetSpec(
        key=dg.AssetKey([stage, name]),
        deps=list(deps),
        description=description,
        group_name=stage,
        kinds=kinds,
        owners=[OWNER],
        code_version=code_version(*code),
        metadata=shown,
        automation_condition=automation,
        freshness_policy=freshness,
    )


def keys(stage: str, tables: Sequence[Table]) -> list[dg.AssetKey]:
    """The keys of a stage's tables."""
    return [dg.AssetKey([stage, table.name]) for table in tables]


def result(
    key: dg.AssetKey,
    rows: int | None,
    location: str,
    *,
    skipped_reason: str = "",
    checks: Sequence[dg.AssetCheckResult] = (),
    lineage: dg.TableColumnLineage | None = None,
    data_version: str = "",
    **metadata: Any,
) -> dg.MaterializeResult[Any]:
    """A materialization: how many rows, where they lie, and why there are none where there are none.

    ``data_version`` stands for the content; where it is empty, Dagster makes one of those of the inputs and the code.
    """
    told: dict[str, Any] = {"dagster/uri": location, **metadata}
    if rows is not None:
        told["dagster/row_count"] = rows
    if lineage is not None:
        told["dagster/column_lineage"] = lineage
    if skipped_reason:
        told["skipped_reason"] = skipped_reason
    return dg.MaterializeResult(
        asset_key=key,
        metadata=told,
        check_results=list(checks),
        data_version=dg.DataVersion(data_version) if data_version else None,
    )


def import_meanwhile(*modules: str) -> None:
    """Import what later steps need while this process waits for another one.

    The learning libraries take some three seconds to import. A module that cannot be imported is left to the step that
    needs it, which then says so.
    """

    def import_all() -> None:
        for module in modules:
            with suppress(ImportError):
                importlib.import_module(module)

    threading.Thread(target=import_all, name="import-meanwhile", daemon=True).start()


HAS_DATA = "has_data"


def has_data_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """A check that warns where a part does not apply to the data, so that an empty table is not taken for a result."""
    return dg.AssetCheckSpec(HAS_DATA, asset=key, description="The data have what this asset is made from")


def has_data(key: dg.AssetKey, skipped_reason: str) -> dg.AssetCheckResult:
    """The result of that check."""
    return dg.AssetCheckResult(
        passed=not skipped_reason,
        asset_key=key,
        check_name=HAS_DATA,
        severity=dg.AssetCheckSeverity.WARN,
        description=skipped_reason or "",
    )
