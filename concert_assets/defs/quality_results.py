"""``quality/*``: results of every rule on what came and on what is about to be published, as a table and as checks.

The rows are written first and the blocking checks fail after, so that the evidence outlives the failure.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from concert_assets.catalog.canonical import BY_NAME, IDENTITY_ALIASES, TABLES
from concert_assets.catalog.model import Category, Table
from concert_assets.catalog.operational import QUALITY_RESULTS
from concert_assets.defs.common import WAREHOUSE_CODE, keys, result, spec
from concert_assets.defs.failure_hook import REPORT_ON_FAILURE
from concert_assets.defs.holds import hold
from concert_assets.defs.retries import retried
from concert_assets.deliveries.log import DeliveryLog
from concert_assets.resources.redshift.resource import Redshift
from concert_assets.resources.s3.resource import S3
from concert_assets.warehousing.audit_rules import ALL_TABLES, FAULTLESS, Result
from concert_assets.warehousing.publish import judge
from concert_assets.warehousing.resolve import set_rules

_MEANING: dict[Category, str] = {
    "row_count": "Rows are published where rows came",
    "completeness": "Required values are given",
    "uniqueness": "Every business key stands once, every artist and venue under one id",
    "validity": "Values are readable, allowed and in range, and no delivery is mostly refused",
    "referential_integrity": "Parents are published; what aliases name is known",
    "arithmetic": "Sums and counts agree",
    "capacity": "No more tickets than the venue admits",
    "timeliness": "Events come in their order",
    "conservation": "Every row that came has exactly one outcome",
}


def _categories(table: Table) -> list[Category]:
    own: set[Category] = {rule.category for rule in (*table.rules("row"), *set_rules(table))}
    own |= {"row_count", "uniqueness", "validity", "conservation"}
    if table is BY_NAME["ticket_sales"]:
        own.add("capacity")  # the audit of overselling looks at all orders of a concert
    if table is IDENTITY_ALIASES:
        own.add("referential_integrity")  # the audit tells of aliases that name nothing known
    return [category for category in _MEANING if category in own]


def _check(table: Table, category: Category, results: Sequence[Result]) -> dg.AssetCheckResult:
    broken = [item for item in results if not item.is_passed]
    is_blocking = any(item.severity == "error" for item in broken)
    told = "; ".join(f"{item.rule}: {item.failing_rows:,} of {item.total_rows:,}" for item in broken)
    return dg.AssetCheckResult(
        passed=not broken,
        asset_key=dg.AssetKey(["quality", table.name]),
        check_name=category,
        severity=dg.AssetCheckSeverity.ERROR if is_blocking else dg.AssetCheckSeverity.WARN,
        description=told or _MEANING[category],
        metadata={
            "failing_rows": sum(item.failing_rows for item in broken),
            "rules": dg.MetadataValue.table(
                records=[
                    dg.TableRecord(
                        {
                            "rule": item.rule,
                            "scope": item.scope,
                            "severity": item.severity,
                            "failing_rows": item.failing_rows,
                            "total_rows": item.total_rows,
                            "score": item.score,
                            "sample": "; ".join(item.sample),
                        }
                    )
                    for item in results
                ],
                schema=dg.TableSchema(
                    columns=[
                        dg.TableColumn("rule"),
                        dg.TableColumn("scope"),
                        dg.TableColumn("severity"),
                        dg.TableColumn("failing_rows", "int"),
                        dg.TableColumn("total_rows", "int"),
                        dg.TableColumn("score", "float"),
                        dg.TableColumn("sample"),
                    ]
                ),
            ),
        },
    )


@dg.multi_asset(
    name="quality",
    specs=[
        spec(
            "quality",
            table.name,
            f"Results of the quality rules on {table.name.replace('_', ' ')} before publication.",
            kinds={"redshift", "sql"},
            code=WAREHOUSE_CODE,
            deps=keys("staging", TABLES),
            columns=QUALITY_RESULTS.columns,
            table=QUALITY_RESULTS.qualified,
        )
        for table in TABLES
    ],
    check_specs=[
        dg.AssetCheckSpec(
            category, asset=dg.AssetKey(["quality", table.name]), description=_MEANING[category], blocking=True
        )
        for table in TABLES
        for category in _categories(table)
    ],
    hooks={REPORT_ON_FAILURE},
)
@retried
def quality_results(
    context: dg.AssetExecutionContext,
    s3: dg.ResourceParam[S3],
    redshift: dg.ResourceParam[Redshift],
    journal: dg.ResourceParam[Any],
) -> Iterator[dg.MaterializeResult[Any]]:
    """Resolve what is staged, audit it, and hold the deliveries that brought a failure."""
    with redshift.session() as session:
        verdict = judge(session, context.run_id)
    hold(DeliveryLog(s3.store, s3.raw_bucket), verdict.holds, context.log.error)
    if not verdict.is_passed and not any(r.table in BY_NAME for r in verdict.blocking):
        raise dg.Failure("; ".join(f"{r.rule}: {r.description}" for r in verdict.blocking))
    overall = next(item.score for item in verdict.results if item.table == ALL_TABLES)
    for table in TABLES:
        own = [item for item in verdict.results if item.table == table.name]
        score = next(item.score for item in own if item.rule == FAULTLESS)
        yield result(
            dg.AssetKey(["quality", table.name]),
            len(own),
            redshift.location(QUALITY_RESULTS.qualified),
            score=score,
            overall_score=overall,
            rules_broken=sum(not item.is_passed for item in own),
            checks=[
                _check(table, category, [item for item in own if item.category == category and item.rule != FAULTLESS])
                for category in _categories(table)
            ],
        )
