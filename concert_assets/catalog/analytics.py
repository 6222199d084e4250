"""The tables that analysts read beside the canonical ones: marts and predictions."""

from concert_assets.catalog.canonical import ARTISTS, VENUES
from concert_assets.catalog.model import Column, Table


def _interval(name: str, what: str, unit: str, kind: str) -> tuple[Column, ...]:
    return tuple(
        Column(f"{name}_{bound}_{level}", kind, f"{word} bound of the {level} % interval of {what}", unit)
        for level in (50, 90)
        for bound, word in (("low", "Lower"), ("high", "Upper"))
    )


VENUE_POPULARITY = Table(
    name="venue_popularity",
    description="Bookings, sell-through, revenue and popularity score of every venue over its completed concerts.",
    key=("venue_id",),
    columns=(
        *(VENUES.column(name) for name in ("venue_id", "name", "venue_type", "city", "state", "country", "capacity")),
        Column("concerts_completed", "bigint", "Concerts held", "concerts"),
        Column("concerts_scheduled", "bigint", "Concerts to come", "concerts"),
        Column("tickets_sold", "bigint", "Tickets sold of completed concerts at known capacity", "tickets"),
        Column("capacity_offered", "bigint", "Capacity of the completed concerts whose tickets are known", "persons"),
        Column("sell_through_share", "double precision", "Tickets sold / capacity offered", "share 0-1"),
        Column("attendance", "bigint", "Persons admitted", "persons"),
        Column("revenue_usd", "decimal(18,2)", "Gross ticket revenue of completed concerts", "USD"),
        Column("first_event_date", "date", "First concert known"),
        Column("last_event_date", "date", "Last concert known"),
        Column(
            "popularity_score",
            "double precision",
            "100 * (0.4 * sell-through + 0.3 * percent rank of revenue + 0.3 * percent rank of bookings)",
            "score 0-100",
        ),
    ),
)

ARTIST_PERFORMANCE = Table(
    name="artist_performance",
    description="Concerts, tickets, sell-through and revenue of every artist over the completed concerts.",
    key=("artist_id",),
    columns=(
        *(ARTISTS.column(name) for name in ("artist_id", "name", "primary_genre", "popularity_score")),
        Column("concerts_completed", "bigint", "Concerts held", "concerts"),
        Column("concerts_scheduled", "bigint", "Concerts to come", "concerts"),
        Column("concerts_cancelled", "bigint", "Concerts called off", "concerts"),
        Column("venues_played", "bigint", "Different venues booked", "venues"),
        Column("tickets_sold", "bigint", "Tickets sold of completed concerts at known capacity", "tickets"),
        Column("sell_through_share", "double precision", "Tickets sold / capacity offered", "share 0-1"),
        Column("attendance", "bigint", "Persons admitted", "persons"),
        Column("revenue_usd", "decimal(18,2)", "Gross ticket revenue of completed concerts", "USD"),
        Column("mean_ticket_price_usd", "double precision", "Revenue per ticket sold", "USD"),
        Column("last_event_date", "date", "Last concert held"),
    ),
)

DAILY_SALES_SUMMARY = Table(
    name="daily_sales_summary",
    description="Orders, tickets, gross and net revenue of every day (UTC) on which tickets were bought.",
    key=("sale_date",),
    columns=(
        Column("sale_date", "date", "Day of purchase", "UTC"),
        Column("orders", "bigint", "Orders placed", "orders"),
        Column("tickets", "bigint", "Tickets ordered", "tickets"),
        Column("gross_revenue_usd", "decimal(18,2)", "Value of all orders", "USD"),
        Column("refunded_usd", "decimal(18,2)", "Value of the orders refunded since", "USD"),
        Column("chargeback_usd", "decimal(18,2)", "Value of the orders charged back since", "USD"),
        Column("net_revenue_usd", "decimal(18,2)", "Gross less refunds and chargebacks", "USD"),
        Column("mean_tickets_per_order", "double precision", "Tickets per order", "tickets"),
        Column("mean_ticket_price_usd", "double precision", "Price paid per ticket", "USD"),
        Column("concerts", "bigint", "Different concerts sold", "concerts"),
    ),
)

VENUE_RANKING = Table(
    name="venue_ranking",
    description="Every venue, ranked by the popularity score forecast for the coming year.",
    key=("venue_id",),
    columns=(
        Column("venue_id", "varchar(64)", "Venue", required=True),
        Column("rank", "integer", "1 is the highest score; ties in the order of venue_id"),
        Column("predicted_score", "double precision", "Forecast of the year's popularity score", "score 0-100"),
        *_interval("score", "the score", "score 0-100", "double precision"),
        Column("model_version", "varchar(64)", "Model that made the forecast"),
        Column("as_of", "date", "Day up to which the model saw data"),
    ),
)

TICKET_SALES_FORECAST = Table(
    name="ticket_sales_forecast",
    description="Forecast of the tickets that every scheduled concert will have sold when it begins.",
    key=("concert_id",),
    columns=(
        Column("concert_id", "varchar(64)", "Concert", required=True),
        Column("horizon_days", "integer", "Days from as_of to the concert", "days"),
        Column("predicted_tickets", "integer", "Forecast of tickets sold", "tickets"),
        *_interval("tickets", "the tickets sold", "tickets", "integer"),
        Column("confidence_score", "double precision", "1 less the width of the 50 % interval / capacity", "share 0-1"),
        Column("model_version", "varchar(64)", "Model that made the forecast"),
        Column("as_of", "date", "Day up to which the model saw data"),
    ),
)

MARTS = (VENUE_POPULARITY, ARTIST_PERFORMANCE, DAILY_SALES_SUMMARY)
PREDICTIONS = (VENUE_RANKING, TICKET_SALES_FORECAST)
