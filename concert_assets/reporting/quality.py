"""The quality part of the pipeline report: rule results in reading order, and scores per table and overall."""

from collections.abc import Mapping, Sequence
from typing import Any

from concert_assets.catalog.canonical import BY_NAME
from concert_assets.reporting.facts import Row
from concert_assets.reporting.plain import plain, sample_rows
from concert_assets.reporting.rows import table_order

SAMPLES = 5  # failing rows kept per rule
OVERALL = "overall"


def quality_report(rows: Sequence[Row], scores: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Results with failing rules first, errors before warnings, and scores 0-100 by scope, per table and overall."""
    results = sorted((_result(row) for row in rows), key=_order)
    return {"scores": plain(scores) if scores else _scores(results), "results": results}


def describe(table: str, rule: str) -> str | None:
    """What the rule demands, in the catalog's words, or None for a rule that the catalog does not imply."""
    known = BY_NAME.get(table)
    if known is None:
        return None
    for declared in known.rules():
        if declared.name == rule:
            return declared.description
    for reference in known.references:
        if reference.rule_name == rule:
            return f"{reference.column} must be the key of a published row of {reference.table}"
    if known.key and rule == "_".join((*known.key, "unique")):
        return f"one row per {' and '.join(known.key)}"
    column, _, demand = rule.rpartition("_")
    if demand == "readable" and column in known.column_names:
        return f"{column} must be readable as {known.column(column).type}"
    return None


def _result(row: Row) -> dict[str, Any]:
    values = plain(row)
    table, rule = str(values.get("table_name")), str(values.get("rule"))
    return {
        "table_name": table,
        "rule": rule,
        "description": values.get("description") or describe(table, rule),
        "category": values.get("category"),
        "scope": values.get("scope") or "candidate",
        "severity": str(values.get("severity") or "error").lower(),
        "failing_rows": values.get("failing_rows") or 0,
        "total_rows": values.get("total_rows") or 0,
        "is_passed": bool(values.get("is_passed")),
        "score": values.get("score"),
        "sample": sample_rows(row.get("sample"))[:SAMPLES],
    }


def _scores(results: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    by_table: dict[str, dict[str, list[float]]] = {}
    for result in results:
        if result["score"] is not None:
            by_table.setdefault(result["scope"], {}).setdefault(result["table_name"], []).append(result["score"])
    scores: dict[str, dict[str, float]] = {}
    for scope, tables in sorted(by_table.items()):
        means = {name: sum(tables[name]) / len(tables[name]) for name in sorted(tables, key=table_order)}
        scores[scope] = {**means, OVERALL: sum(means.values()) / len(means)}
    return scores


def _order(result: dict[str, Any]) -> tuple[Any, ...]:
    return (
        result["is_passed"],
        result["severity"] != "error",
        result["scope"],
        table_order(result["table_name"]),
        -result["failing_rows"],
        result["rule"],
    )
