"""What the warehouse says of rows, quality and figures, as the plain facts that reports are made from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from concert_assets.catalog.analytics import (
    ARTIST_PERFORMANCE,
    DAILY_SALES_SUMMARY,
    MARTS,
    PREDICTIONS,
    TICKET_SALES_FORECAST,
    VENUE_POPULARITY,
    VENUE_RANKING,
)
from concert_assets.catalog.canonical import CONCERTS, TABLES, TICKET_SALES
from concert_assets.catalog.identity import IDENTITY_MAP
from concert_assets.catalog.operational import LOAD_LEDGER, QUALITY_RESULTS, ROW_OUTCOMES
from concert_assets.defs.mart_facts import mart_figures
from concert_assets.resources.redshift.protocol import Parameters, Session
from concert_assets.warehousing.names import STAGED_COUNTS, STAGED_OBJECTS, staged

if TYPE_CHECKING:
    from concert_assets.reporting.facts import FigureFacts, LedgerFacts

_COUNTED = (*TABLES, LOAD_LEDGER, ROW_OUTCOMES, IDENTITY_MAP, *MARTS, *PREDICTIONS)


def _rows(session: Session, names: tuple[str, ...], sql: str, parameters: Parameters | None = None) -> list[Any]:
    return [dict(zip(names, row, strict=True)) for row in session.query(sql, parameters)]


def ledger_facts(session: Session, run_id: str) -> "LedgerFacts":
    """Ledger, outcomes and counts as published, and the quality results of a run, or of the last that judged."""
    from concert_assets.reporting.facts import LedgerFacts

    has_ledger = session.table_exists(LOAD_LEDGER.qualified)
    ledger = (
        _rows(
            session,
            LOAD_LEDGER.column_names,
            f"select {', '.join(LOAD_LEDGER.column_names)} from {LOAD_LEDGER.qualified} "
            "order by sequence, object_key, table_name",
        )
        if has_ledger
        else []
    )
    outcomes = (
        _rows(
            session,
            ("table_name", "outcome", "rule", "count"),
            f"select table_name, outcome, rule, count(*) from {ROW_OUTCOMES.qualified} "
            "group by table_name, outcome, rule order by table_name, outcome, rule",
        )
        if has_ledger
        else []
    )
    accepted = (
        {
            name: int(rows)
            for name, rows in session.query(
                f"select c.table_name, sum(c.rows_in - c.rows_rejected) from {STAGED_COUNTS} as c inner join "
                f"{STAGED_OBJECTS} as o on o.object_id = c.object_id and o.sequence = c.sequence and o.state = 'live' "
                "group by c.table_name"
            )
        }
        if session.table_exists(STAGED_COUNTS)
        else {}
    )
    return LedgerFacts(
        ledger=ledger,
        quality=quality_rows(session, run_id),
        outcomes=outcomes,
        table_counts=table_counts(session) | _counts(session, [staged(table) for table in TABLES]),
        accepted=accepted,
    )


def quality_rows(session: Session, run_id: str = "") -> list[dict[str, Any]]:
    """The quality results of a run, or those of the last run that judged; and what was last found of the models."""
    if not session.table_exists(QUALITY_RESULTS.qualified):
        return []
    names, found = QUALITY_RESULTS.column_names, []
    for scopes, run in (("scope <> 'model'", run_id), ("scope = 'model'", "")):
        select = f"select {', '.join(names)} from {QUALITY_RESULTS.qualified} where {scopes} and run_id = "
        order = " order by table_name, scope, rule"
        last = f"(select run_id from {QUALITY_RESULTS.qualified} where {scopes} order by checked_at desc limit 1)"
        own = _rows(session, names, f"{select}:run_id{order}", {"run_id": run}) if run else []
        found += own or _rows(session, names, f"{select}{last}{order}")
    return found


def table_counts(session: Session) -> dict[str, int]:
    """Rows of every table that is there."""
    return _counts(session, [table.qualified for table in _COUNTED])


def _counts(session: Session, names: Sequence[str]) -> dict[str, int]:
    return {
        name: int(session.query(f"select count(*) from {name}")[0][0]) for name in names if session.table_exists(name)
    }


def figure_facts(session: Session) -> "FigureFacts":
    """What the figures on concerts and sales are drawn from."""
    from concert_assets.reporting.facts import CurvePoint, DaySales, FigureFacts, TopArtist, TopVenue

    days: list[Any] = []
    venues: list[Any] = []
    artists: list[Any] = []
    curve: list[Any] = []
    if session.table_exists(DAILY_SALES_SUMMARY.qualified):
        days = session.query(
            f"select sale_date, tickets, cast(gross_revenue_usd as double precision), orders "
            f"from {DAILY_SALES_SUMMARY.qualified} order by sale_date"
        )
    if session.table_exists(VENUE_POPULARITY.qualified):
        venues = session.query(
            "select name, coalesce(city, '') || case when state is null then '' else ', ' || state end, "
            "coalesce(venue_type, ''), capacity, concerts_completed, tickets_sold, sell_through_share, "
            f"cast(revenue_usd as double precision), popularity_score from {VENUE_POPULARITY.qualified} "
            "order by popularity_score desc nulls last, concerts_completed desc, venue_id limit 10"
        )
    if session.table_exists(ARTIST_PERFORMANCE.qualified):
        artists = session.query(
            "select name, coalesce(primary_genre, ''), concerts_completed, tickets_sold, sell_through_share, "
            f"cast(revenue_usd as double precision) from {ARTIST_PERFORMANCE.qualified} "
            "order by revenue_usd desc nulls last, concerts_completed desc, artist_id limit 10"
        )
    if session.table_exists(TICKET_SALES.qualified):
        curve = session.query(
            "select days_before, cast(sum(sum(tickets)) over (order by days_before desc rows unbounded preceding) "
            "as double precision) / cast(sum(sum(tickets)) over () as double precision) from (select datediff(day, "
            "cast(s.purchase_timestamp as date), cast(c.event_date as date)) as days_before, s.quantity as tickets "
            f"from {TICKET_SALES.qualified} as s inner join {CONCERTS.qualified} as c on c.concert_id = s.concert_id "
            "where c.status = 'completed') as t group by days_before order by days_before"
        )
    reason = "no ticket sale is published"
    return FigureFacts(
        daily_sales=[DaySales(day, int(tickets), float(usd), int(orders)) for day, tickets, usd, orders in days],
        top_venues=[TopVenue(*row) for row in venues],
        top_artists=[TopArtist(*row) for row in artists],
        purchase_curve=[CurvePoint(int(day), float(share)) for day, share in curve],
        skipped={name: reason for name, rows in (("daily_sales", days), ("purchase_curve", curve)) if not rows},
        marts=mart_figures(session),
    )


def top_predictions(session: Session, limit: int = 10) -> tuple[list[Any], list[Any]]:
    """The head of the venue ranking and of the forecasts by date, with names for people."""
    rankings: list[Any] = []
    forecasts: list[Any] = []
    if session.table_exists(VENUE_RANKING.qualified):
        names = VENUE_RANKING.column_names
        rankings = _rows(
            session,
            (*names, "venue_name", "city"),
            f"select {', '.join(f'r.{name}' for name in names)}, v.name, v.city from {VENUE_RANKING.qualified} as r "
            f"left join concert_dw.venues as v on v.venue_id = r.venue_id order by r.rank limit {limit}",
        )
    if session.table_exists(TICKET_SALES_FORECAST.qualified):
        names = TICKET_SALES_FORECAST.column_names
        forecasts = _rows(
            session,
            (*names, "event_date", "artist_name", "venue_name", "capacity", "tickets_sold"),
            f"select {', '.join(f'f.{name}' for name in names)}, c.event_date, a.name, v.name, v.capacity, "
            f"c.tickets_sold from {TICKET_SALES_FORECAST.qualified} as f "
            "left join concert_dw.concerts as c on c.concert_id = f.concert_id "
            "left join concert_dw.artists as a on a.artist_id = c.artist_id "
            "left join concert_dw.venues as v on v.venue_id = c.venue_id "
            f"order by f.horizon_days, f.concert_id limit {limit}",
        )
    return rankings, forecasts
