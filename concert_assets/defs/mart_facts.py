"""What the marts say of pacing, sell-through, tiers, net revenue and cold starts, as facts to draw figures from."""

from itertools import groupby
from typing import TYPE_CHECKING, Any

from concert_assets.catalog.analytics import (
    COLD_START_COMPARABLES,
    NET_REVENUE,
    PRICE_TIERS,
    SALES_PACING,
    SELL_THROUGH,
)
from concert_assets.catalog.model import Table
from concert_assets.defs.marts import WITHOUT
from concert_assets.resources.redshift.protocol import Session

if TYPE_CHECKING:
    from concert_assets.reporting.mart_facts import Filled, MartFigures

_EACH_WAY = 5  # concerts furthest behind, and as many furthest ahead
_COLD_STARTS = 10


def mart_figures(session: Session) -> "MartFigures":
    """What is drawn from the marts that are there; an empty one says why."""
    from concert_assets.reporting.mart_facts import ColdStart, MartFigures, MonthRevenue, PacedConcert, TierPrice

    there = {table.name: session.table_exists(table.qualified) for table in WITHOUT}

    def rows(table: Table, sql: str) -> list[Any]:
        return session.query(sql) if there[table.name] else []

    paces = rows(SALES_PACING, f"select pace, count(*) from {SALES_PACING.qualified} group by pace order by pace")
    paced = rows(SALES_PACING, _paced("behind", "asc") + " union all " + _paced("ahead", "desc"))
    tiers = rows(
        PRICE_TIERS,
        "select coalesce(venue_type, ''), coalesce(ticket_tier, ''), tickets, "
        "cast(gross_revenue_usd as double precision), mean_ticket_price_usd, mean_face_value_usd, gross_revenue_share "
        f"from {PRICE_TIERS.qualified} order by venue_type nulls last, ticket_tier nulls last",
    )
    months = rows(
        NET_REVENUE,
        "select revenue_month, cast(gross_revenue_usd as double precision), cast(refunded_usd as double precision), "
        "cast(chargeback_usd as double precision), cast(net_revenue_usd as double precision), "
        "cast(refunds_paid_usd + chargebacks_paid_usd as double precision), "
        f"cast(net_received_usd as double precision) from {NET_REVENUE.qualified} order by revenue_month",
    )
    cold = rows(
        COLD_START_COMPARABLES,
        "select a.name, v.name, m.event_date, m.concert_id, m.comparable_artist_name, m.sell_through_share "
        f"from {COLD_START_COMPARABLES.qualified} as m "
        "inner join concert_dw.concerts as c on c.concert_id = m.concert_id "
        "inner join concert_dw.artists as a on a.artist_id = m.artist_id "
        "inner join concert_dw.venues as v on v.venue_id = c.venue_id "
        "where m.concert_id in (select q.concert_id from (select k.concert_id, "
        f"row_number() over (order by k.event_date, k.concert_id) as place "
        f"from {COLD_START_COMPARABLES.qualified} as k where k.comparable_rank = 1) as q "
        f"where q.place <= {_COLD_STARTS}) order by m.event_date, m.concert_id, m.comparable_rank",
    )
    by_month = _filled(session, there, "cast(event_month as varchar(10))", "name")
    empty = {
        SALES_PACING: paces,
        SELL_THROUGH: by_month,
        PRICE_TIERS: tiers,
        NET_REVENUE: months,
        COLD_START_COMPARABLES: cold,
    }
    return MartFigures(
        paces={pace: int(count) for pace, count in paces},
        paced=sorted((PacedConcert(*row) for row in paced), key=lambda item: (item.tickets_ahead, item.event_date)),
        by_month=by_month,
        by_type=_filled(session, there, "coalesce(venue_type, '')", "sum(concerts) desc, name"),
        by_city=_filled(session, there, "coalesce(city, '')", "sum(tickets_sold) desc nulls last, name limit 10"),
        tiers=[TierPrice(*row) for row in tiers],
        months=[MonthRevenue(*row) for row in months],
        cold_starts=[
            ColdStart(artist, venue, on, [(name or "", share) for *_, name, share in group])
            for (artist, venue, on, _), group in groupby(cold, key=lambda row: tuple(row[:4]))
        ],
        skipped={table.name: WITHOUT[table] for table, found in empty.items() if not found},
    )


def _paced(pace: str, order: str) -> str:
    """The concerts of one pace that are furthest off, with names for people."""
    return (
        "select a.name, v.name, m.event_date, m.days_out, m.tickets_sold, m.sell_through_share, "
        "m.comparable_p25_share, m.comparable_p50_share, m.comparable_p75_share, m.tickets_ahead, m.pace "
        "from (select p.*, row_number() over (partition by p.pace order by p.tickets_ahead "
        f"{order}, p.concert_id) as place from {SALES_PACING.qualified} as p) as m "
        "inner join concert_dw.artists as a on a.artist_id = m.artist_id "
        "inner join concert_dw.venues as v on v.venue_id = m.venue_id "
        f"where m.pace = '{pace}' and m.place <= {_EACH_WAY}"
    )


def _filled(session: Session, there: dict[str, bool], name: str, order: str) -> list["Filled"]:
    """The mart of sell-through added up by one of its columns."""
    from concert_assets.reporting.mart_facts import Filled

    if not there[SELL_THROUGH.name]:
        return []
    found = session.query(
        f"select {name} as name, sum(concerts), sum(concerts_sold_out), coalesce(sum(tickets_sold), 0), "
        f"coalesce(sum(capacity_offered), 0) from {SELL_THROUGH.qualified} group by {name} order by {order}"
    )
    return [Filled(label, *(int(value) for value in values)) for label, *values in found]
