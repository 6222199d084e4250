"""The relations that staging, resolve and publish share, by name."""

from collections.abc import Mapping

from concert_assets.catalog.canonical import LOCAL_TIMESTAMPS
from concert_assets.catalog.model import Table

SCHEMA = "concert_dw"
STAGING = "concert_dw_staging"

STAGED_OBJECTS = f"{STAGING}.objects"
STAGED_COUNTS = f"{STAGING}.object_counts"
STAGED_RULES = f"{STAGING}.rule_counts"
STAGED_POSITION = f"{STAGING}.position"
STAGED_REJECTS = f"{STAGING}.rejects"

REJECTS_COLUMNS = {
    "object_id": "varchar(32)",
    "row_number": "bigint",
    "table_name": "varchar(64)",
    "rule": "varchar(64)",
    "column_name": "varchar(64)",
    "value": "varchar(4000)",
    "reason": "varchar(4000)",
    "row_json": "varchar(65535)",
}

# Tables that staging writes row by row; their schema is this.
STAGING_TABLES: Mapping[str, Mapping[str, str]] = {
    STAGED_OBJECTS: {
        "object_id": "varchar(32)",
        "delivery": "varchar(512)",
        "sequence": "bigint",
        "state": "varchar(16)",
        "is_released": "boolean",
        "table_name": "varchar(64)",
        "object_key": "varchar(1024)",
        "object_version": "varchar(256)",
        "sha256": "varchar(64)",
        "size_bytes": "bigint",
        "delivered_at": "timestamp",
        "data_end": "timestamp",
        "note": "varchar(4000)",
    },
    STAGED_COUNTS: {
        "object_id": "varchar(32)",
        "sequence": "bigint",
        "table_name": "varchar(64)",
        "rows_in": "bigint",
        "rows_rejected": "bigint",
        "rows_stated": "bigint",
    },
    STAGED_RULES: {
        "sequence": "bigint",
        "table_name": "varchar(64)",
        "rule": "varchar(64)",
        "column_name": "varchar(64)",
        "effect": "varchar(16)",
        "row_count": "bigint",
    },
    STAGED_POSITION: {"position": "bigint", "fingerprint": "varchar(64)"},
}


def staged(table: Table) -> str:
    """The relation of the accepted rows of all live deliveries."""
    return f"{STAGING}.{table.name}"


def held(table: Table) -> str:
    """The relation of the accepted rows of all held deliveries: origin alone."""
    return f"{STAGING}.held_{table.name}"


def candidate(name: str) -> str:
    """The table that resolve makes and publish puts in place of ``concert_dw.<name>``."""
    return f"{SCHEMA}.candidate__{name}"


def staged_columns(table: Table) -> dict[str, str]:
    """Names and catalog types of a staged relation."""
    columns = {"_object_id": "varchar(32)", "_row_number": "bigint"}
    columns |= {column.name: column.type for column in table.columns}
    return columns | {f"{c.name}_basis": "varchar(8)" for c in table.columns if c.name in LOCAL_TIMESTAMPS}


def create_table(name: str, columns: Mapping[str, str]) -> str:
    """The statement that creates a table where there is none."""
    body = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    return f"create table if not exists {name} ({body})"
