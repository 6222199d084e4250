"""The rows' part of the pipeline report: what was delivered, what became of it, per table, object and delivery."""

from collections.abc import Iterable, Mapping
from typing import Any

from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.operational import OUTCOMES
from concert_assets.reporting.facts import LedgerFacts, Row
from concert_assets.reporting.plain import plain

WITHDRAWN = ("replaced", "retracted")  # states of a delivery whose rows no longer count
REFUSED = "refused"  # state of an object that could not be read, within a delivery of any state
STAGING_SCHEMA = "concert_dw_staging"
PUBLISHED_SCHEMA = "concert_dw"
_ORDER = {table.name: position for position, table in enumerate(TABLES)}


def table_order(name: str) -> tuple[int, str]:
    """Sort key of a table's name: canonical tables in the order of their references, others after them by name."""
    return _ORDER.get(name, len(_ORDER)), name


def rows_report(facts: LedgerFacts) -> dict[str, Any]:
    """The parts "totals", "tables", "outcomes", "table_counts", "ledger" and "deliveries" of the pipeline report."""
    ledger = sorted((plain(row) for row in facts.ledger), key=_ledger_order)
    live = [row for row in ledger if row.get("state") not in WITHDRAWN]
    names = sorted({str(row.get("table_name")) for row in live}, key=table_order)
    tables = {name: _table(name, live, facts) for name in names}
    return {
        "totals": _totals(tables.values()),
        "tables": tables,
        "outcomes": sorted((plain(row) for row in facts.outcomes), key=_outcome_order),
        "table_counts": {name: int(count) for name, count in sorted(facts.table_counts.items())},
        "ledger": [{**row, **_balance(row.get("rows_in"), _outcomes([row]))} for row in ledger],
        "deliveries": _deliveries(ledger),
    }


def _table(name: str, live: list[dict[str, Any]], facts: LedgerFacts) -> dict[str, Any]:
    """One table's counts at each stage. Each is read where it was counted; none is the difference of two others."""
    rows = [row for row in live if row.get("table_name") == name]
    delivered = sum(row.get("rows_in") or 0 for row in rows)
    outcomes = _outcomes(rows)
    return {
        "delivered": delivered,
        "accepted": _count(facts.accepted, name),
        "staged": _count(facts.table_counts, f"{STAGING_SCHEMA}.{name}"),
        **outcomes,
        "in_warehouse": _count(facts.table_counts, f"{PUBLISHED_SCHEMA}.{name}"),
        **_balance(delivered, outcomes),
    }


def _totals(tables: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The tables' counts added up; a stage that one table lacks has no total."""
    rows = list(tables)
    totals: dict[str, Any] = {"delivered": sum(row["delivered"] for row in rows)}
    for stage in ("accepted", "staged"):
        counts = [row[stage] for row in rows]
        totals[stage] = sum(counts) if counts and None not in counts else None
    outcomes = {name: sum(row[name] for row in rows) for name in OUTCOMES}
    return {**totals, **outcomes, **_balance(totals["delivered"], outcomes)}


def _deliveries(ledger: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The deliveries in log order, each with its objects, rows, state and the reasons that its ledger rows note."""
    groups: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for row in ledger:
        groups.setdefault((row.get("sequence"), row.get("delivery")), []).append(row)
    return [
        {
            "delivery": delivery,
            "sequence": sequence,
            "delivered_at": rows[0].get("delivered_at"),
            "state": _state(rows),
            "objects": len({row.get("object_id") for row in rows}),
            "tables": sorted({str(row.get("table_name")) for row in rows}, key=table_order),
            "size_bytes": sum({row.get("object_id"): row.get("size_bytes") or 0 for row in rows}.values()),
            "rows_in": sum(row.get("rows_in") or 0 for row in rows),
            **{f"rows_{name}": count for name, count in _outcomes(rows).items()},
            "objects_refused": len({row.get("object_id") for row in rows if row.get("state") == REFUSED}),
            "notes": list(dict.fromkeys(row["note"] for row in rows if row.get("note"))),
        }
        for (sequence, delivery), rows in groups.items()
    ]


def _state(rows: list[dict[str, Any]]) -> Any:
    """The state of the delivery that the ledger rows make up; refused only where none of its objects was readable."""
    return next((row.get("state") for row in rows if row.get("state") != REFUSED), REFUSED)


def _outcomes(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {name: sum(row.get(f"rows_{name}") or 0 for row in rows) for name in OUTCOMES}


def _balance(delivered: int | None, outcomes: Mapping[str, int]) -> dict[str, Any]:
    """Whether every delivered row has an outcome, and how many are missing one (negative: some have two)."""
    unaccounted = (delivered or 0) - sum(outcomes.values())
    return {"unaccounted": unaccounted, "is_balanced": unaccounted == 0}


def _count(counts: Mapping[str, int], name: str) -> int | None:
    return int(counts[name]) if name in counts else None


def _ledger_order(row: Row) -> tuple[int, str, tuple[int, str]]:
    return row.get("sequence") or 0, str(row.get("object_key")), table_order(str(row.get("table_name")))


def _outcome_order(row: Row) -> tuple[tuple[int, str], int, int]:
    outcome = str(row.get("outcome"))
    rank = OUTCOMES.index(outcome) if outcome in OUTCOMES else len(OUTCOMES)
    return table_order(str(row.get("table_name"))), rank, -(row.get("count") or 0)
