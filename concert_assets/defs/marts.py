"""``mart/*``: the tables that analysts read, each one statement over the published tables."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from concert_assets.catalog.analytics import (
    ARTIST_PERFORMANCE,
    COLD_START_COMPARABLES,
    DAILY_SALES_SUMMARY,
    MARTS,
    NET_REVENUE,
    PRICE_TIERS,
    SALES_PACING,
    SELL_THROUGH,
    VENUE_POPULARITY,
)
from concert_assets.catalog.canonical import ARTISTS, CONCERTS, TICKET_PRICES, TICKET_SALES, VENUES
from concert_assets.catalog.model import Table
from concert_assets.defs.automation import WITH_ITS_INPUTS
from concert_assets.defs.common import has_data, has_data_spec, keys, result, spec
from concert_assets.defs.failure_hook import REPORT_ON_FAILURE
from concert_assets.defs.features import data_as_of
from concert_assets.defs.lineage import mart_lineage
from concert_assets.defs.retries import retried
from concert_assets.resources.redshift.resource import Redshift
from concert_assets.sql.files import read_sql

# Which published tables a mart reads.
_READS = {
    VENUE_POPULARITY: (CONCERTS, VENUES),
    ARTIST_PERFORMANCE: (ARTISTS, CONCERTS, VENUES),
    DAILY_SALES_SUMMARY: (TICKET_SALES,),
    SALES_PACING: (CONCERTS, TICKET_SALES, VENUES),
    SELL_THROUGH: (CONCERTS, VENUES),
    PRICE_TIERS: (CONCERTS, TICKET_PRICES, TICKET_SALES, VENUES),
    NET_REVENUE: (TICKET_SALES,),
    COLD_START_COMPARABLES: (ARTISTS, CONCERTS, VENUES),
}
# What a mart says where these do not hold what it is made from.
WITHOUT = {
    VENUE_POPULARITY: "no venue is published",
    ARTIST_PERFORMANCE: "no artist is published",
    DAILY_SALES_SUMMARY: "no ticket sale is published",
    SALES_PACING: "no concert is scheduled for a day after those that the data reach to",
    SELL_THROUGH: "no concert is completed",
    PRICE_TIERS: "neither a ticket price nor a ticket sale is published",
    NET_REVENUE: "no ticket sale is published",
    COLD_START_COMPARABLES: "no scheduled concert is of an artist without shows, or no completed one compares with it",
}


def _mart(table: Table) -> dg.AssetsDefinition:
    key = dg.AssetKey(["mart", table.name])
    statement = read_sql(f"mart/{table.name}")
    is_dated = ":as_of" in statement  # days are counted from the day that the data reach to

    @dg.multi_asset(
        name=f"mart_{table.name}",
        specs=[
            spec(
                "mart",
                table.name,
                table.description,
                kinds={"redshift", "sql"},
                code=("catalog", f"sql/mart/{table.name}.sql", *(("sql/feature/as_of.sql",) if is_dated else ())),
                deps=keys("warehouse", _READS[table]),
                columns=table.columns,
                table=table.qualified,
                automation=WITH_ITS_INPUTS,
            )
        ],
        check_specs=[has_data_spec(key)],
        hooks={REPORT_ON_FAILURE},
    )
    @retried
    def mart(
        redshift: dg.ResourceParam[Redshift], journal: dg.ResourceParam[Any]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        replacement = f"{table.schema}.new__{table.name}"
        with redshift.session() as session, session.transaction():
            session.execute(f"drop table if exists {replacement}")
            day = {"as_of": data_as_of(session)} if is_dated else None
            session.execute(f"create table {replacement} as {statement}", day)
            ((rows,),) = session.query(f"select count(*) from {replacement}")
            session.replace_table(table.qualified, replacement)
        reason = "" if rows else WITHOUT[table]
        yield result(
            key,
            int(rows),
            redshift.location(table.qualified),
            skipped_reason=reason,
            checks=[has_data(key, reason)],
            lineage=mart_lineage(table),
        )

    return mart


marts = [_mart(table) for table in MARTS]
