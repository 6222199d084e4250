"""The quality part of the pipeline report: rule results in reading order, and scores per table and overall."""

from collections.abc import Sequence
from typing import Any

from concert_assets.reporting.facts import Row
from concert_assets.reporting.plain import plain, sample_rows
from concert_assets.reporting.rows import table_order

SAMPLES = 5  # failing rows kept per rule
OVERALL = "overall"
FAULTLESS = "faultless_rows"  # the audit's rule that no other rule is broken
ALL_TABLES = "all"  # what the audit writes as the table's name where a rule looks at all of them


def quality_report(rows: Sequence[Row]) -> dict[str, Any]:
    """Results with failing rules first, errors before warnings, and scores 0-100 by scope, per table and overall."""
    results = sorted((_result(row) for row in rows), key=_order)
    return {"scores": _scores(results), "results": results}


def _result(row: Row) -> dict[str, Any]:
    values = plain(row)
    table, rule = str(values.get("table_name")), str(values.get("rule"))
    return {
        "table_name": table,
        "rule": rule,
        "description": values.get("description"),
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
    """A table's score is that of its rule ``faultless_rows``, the overall one that of the same rule over all tables.

    Where the audit has no such rule it is the mean of the rules' scores, and the mean of the tables' scores.
    """
    rules: dict[str, dict[str, list[float]]] = {}
    scores: dict[str, dict[str, float]] = {}
    for result in results:
        scope, name, score = result["scope"], result["table_name"], result["score"]
        if score is None:
            continue
        if result["rule"] == FAULTLESS:
            scores.setdefault(scope, {})[OVERALL if name == ALL_TABLES else name] = score
        elif name != ALL_TABLES:
            rules.setdefault(scope, {}).setdefault(name, []).append(score)
    for scope, tables in rules.items():
        means = {name: sum(tables[name]) / len(tables[name]) for name in sorted(tables, key=table_order)}
        by_table = {name: scores.get(scope, {}).get(name, mean) for name, mean in means.items()}
        overall = scores.get(scope, {}).get(OVERALL, sum(by_table.values()) / len(by_table))
        scores[scope] = {**by_table, OVERALL: overall}
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
