"""The tables that analysts read beside the canonical ones: marts and predictions."""

from concert_assets.catalog.canonical import ARTISTS, VENUES
from concert_assets.catalog.dimensions import VENUE_TYPES
from concert_assets.catalog.model import Column, Table
from concert_assets.catalog.tickets import TICKET_TIERS


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

# How marts compare shows, written as the files in sql/mart write it.
SIZE_CLASSES = ("under 500", "500-1499", "1500-4999", "5000-14999", "15000-39999", "40000 or more")
PACES = ("behind", "on_pace", "ahead", "not_on_sale", "not_comparable")
_VENUE_TYPE = Column("venue_type", "varchar(16)", "Kind of venue", values=VENUE_TYPES)

SALES_PACING = Table(
    name="sales_pacing",
    description="Tickets sold to date of every scheduled concert against comparable shows at the same days out.",
    key=("concert_id",),
    columns=(
        Column("concert_id", "varchar(64)", "Concert", required=True),
        Column("artist_id", "varchar(64)", "Headlining artist", required=True),
        Column("venue_id", "varchar(64)", "Venue", required=True),
        Column("event_date", "date", "Day of the concert", "UTC", required=True),
        Column("on_sale_date", "date", "First day tickets are on sale; where unknown, they are taken to be on sale"),
        Column("days_out", "integer", "Days from the day that the data reach to until the concert", "days"),
        _VENUE_TYPE,
        Column("size_class", "varchar(16)", "Class of the capacity", "persons", values=SIZE_CLASSES),
        Column("capacity", "integer", "Largest audience the venue admits", "persons"),
        Column("tickets_sold", "integer", "Tickets sold to date, as the concert's row states them", "tickets"),
        Column("sell_through_share", "double precision", "Tickets sold to date / capacity", "share 0-1"),
        Column(
            "comparable_basis",
            "varchar(16)",
            "Which of the 200 latest completed shows on sale so many days out are compared with: those of the same "
            "venue type and size class; of the same type, then all, where fewer than 20 shows or 100 ordered tickets "
            "are known",
            values=("type_and_size", "type", "all", "none"),
        ),
        Column("comparable_shows", "integer", "Shows compared with", "concerts"),
        *(
            Column(
                f"comparable_p{percentile}_share",
                "double precision",
                f"{name} of what share of their capacity the comparable shows had sold at the same days out",
                "share 0-1",
            )
            for percentile, name in ((25, "25th percentile"), (50, "Median"), (75, "75th percentile"))
        ),
        Column("tickets_ahead", "integer", "Tickets sold to date less those of the median; negative behind", "tickets"),
        Column(
            "pace",
            "varchar(16)",
            "Below the 25th percentile, up to the 75th, above it, or why that is not said: sales have not begun; "
            "tickets, capacity or enough comparable shows are unknown",
            values=PACES,
        ),
    ),
)

SELL_THROUGH = Table(
    name="sell_through",
    description="Completed concerts, tickets sold and capacity offered by month, venue type and city, to be added up.",
    key=("event_month", "venue_type", "city", "state", "country"),
    columns=(
        Column("event_month", "date", "First day of the month of the concerts", "time of the venue", required=True),
        _VENUE_TYPE,
        *(VENUES.column(name) for name in ("city", "state", "country")),
        Column("concerts", "bigint", "Concerts held", "concerts"),
        Column("concerts_counted", "bigint", "Those whose tickets and capacity are both known", "concerts"),
        Column("concerts_sold_out", "bigint", "Those counted that sold their whole capacity", "concerts"),
        Column("tickets_sold", "bigint", "Tickets sold of the concerts counted", "tickets"),
        Column("capacity_offered", "bigint", "Capacity of the concerts counted", "persons"),
        Column("sell_through_share", "double precision", "Tickets sold / capacity offered", "share 0-1"),
        Column("revenue_usd", "decimal(18,2)", "Gross ticket revenue of the concerts held", "USD"),
    ),
)

PRICE_TIERS = Table(
    name="price_tiers",
    description="Tickets, gross revenue, face value and price paid by venue type and ticket tier, of the orders known.",
    key=("venue_type", "ticket_tier"),
    columns=(
        _VENUE_TYPE,
        Column("ticket_tier", "varchar(16)", "Ticket tier", values=TICKET_TIERS),
        Column("concerts_offering", "bigint", "Concerts for which the tier has a face value", "concerts"),
        Column("mean_face_value_usd", "double precision", "Mean of these face values", "USD"),
        Column("concerts_sold", "bigint", "Concerts with orders of the tier", "concerts"),
        Column("orders", "bigint", "Orders placed", "orders"),
        Column("tickets", "bigint", "Tickets ordered", "tickets"),
        Column("gross_revenue_usd", "decimal(18,2)", "Value of all orders", "USD"),
        Column("mean_ticket_price_usd", "double precision", "Price paid per ticket", "USD"),
        Column("tickets_share", "double precision", "Tickets / tickets of the venue type", "share 0-1"),
        Column("gross_revenue_share", "double precision", "Gross revenue / that of the venue type", "share 0-1"),
    ),
)

NET_REVENUE = Table(
    name="net_revenue",
    description="Gross and net revenue of every month, by when tickets were bought and by when money came and went.",
    key=("revenue_month",),
    columns=(
        Column("revenue_month", "date", "First day of the month", "UTC", required=True),
        Column("orders", "bigint", "Orders placed in the month", "orders"),
        Column("tickets", "bigint", "Tickets ordered in the month", "tickets"),
        Column("gross_revenue_usd", "decimal(18,2)", "Value of the orders placed in the month", "USD"),
        Column("refunded_usd", "decimal(18,2)", "Value of those of them that were refunded, whenever", "USD"),
        Column("chargeback_usd", "decimal(18,2)", "Value of those of them that were charged back, whenever", "USD"),
        Column("net_revenue_usd", "decimal(18,2)", "Gross less these refunds and chargebacks", "USD"),
        Column("refunds_paid_usd", "decimal(18,2)", "Refunds paid in the month, whenever the order was placed", "USD"),
        Column(
            "chargebacks_paid_usd",
            "decimal(18,2)",
            "Chargebacks of the month, whenever the order was placed",
            "USD",
        ),
        Column("net_received_usd", "decimal(18,2)", "Gross less what was paid back in the month", "USD"),
        Column(
            "undated_refunds_usd",
            "decimal(18,2)",
            "Refunds and chargebacks of the month's orders whose date is unknown; no month's payments hold them",
            "USD",
        ),
    ),
)

COLD_START_COMPARABLES = Table(
    name="cold_start_comparables",
    description="The five nearest artists, a show of each, for every scheduled concert of an artist without shows.",
    key=("concert_id", "comparable_rank"),
    columns=(
        Column("concert_id", "varchar(64)", "Scheduled concert", required=True),
        Column("comparable_rank", "integer", "1 is the nearest", required=True),
        Column("artist_id", "varchar(64)", "Artist without a completed show", required=True),
        Column("event_date", "date", "Day of the scheduled concert", "UTC", required=True),
        Column(
            "comparable_basis",
            "varchar(16)",
            "Which of the 500 latest completed shows were looked at: those of the same venue type and size class; of "
            "the same type, then all, where fewer than five artists have such",
            values=("type_and_size", "type", "all"),
        ),
        Column(
            "distance",
            "double precision",
            "Popularity gap / 10 + larger / smaller capacity - 1 + 1 where the genre differs; 0 is alike in all",
        ),
        Column("comparable_artist_id", "varchar(64)", "Artist compared with", required=True),
        Column("comparable_artist_name", "varchar(512)", "Name of that artist"),
        Column("comparable_concert_id", "varchar(64)", "The nearest show of that artist", required=True),
        Column("comparable_event_date", "date", "Day of that show", "UTC"),
        Column("comparable_capacity", "integer", "Capacity of its venue", "persons"),
        Column("tickets_sold", "integer", "Tickets that it sold", "tickets"),
        Column("sell_through_share", "double precision", "Tickets that it sold / capacity", "share 0-1"),
        Column("revenue_usd", "decimal(14,2)", "Gross ticket revenue that it made", "USD"),
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
        Column("as_of", "date", "Day that the data of the forecast reach to"),
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
        Column("as_of", "date", "Day that the data of the forecast reach to"),
    ),
)

MARTS = (
    VENUE_POPULARITY,
    ARTIST_PERFORMANCE,
    DAILY_SALES_SUMMARY,
    SALES_PACING,
    SELL_THROUGH,
    PRICE_TIERS,
    NET_REVENUE,
    COLD_START_COMPARABLES,
)
PREDICTIONS = (VENUE_RANKING, TICKET_SALES_FORECAST)
