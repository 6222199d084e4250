"""The canonical tables that deliveries bring and the warehouse publishes, in the order of their references."""

from concert_assets.catalog.dimensions import ARTISTS, ORIGIN, UPDATED_AT, VENUE_TYPES, VENUES
from concert_assets.catalog.identity import IDENTITY_ALIASES
from concert_assets.catalog.model import Column, Reference, Rule, Table

__all__ = [
    "ARTISTS",
    "BY_NAME",
    "CONCERTS",
    "CONCERT_STATUSES",
    "IDENTITY_ALIASES",
    "LOCAL_TIMESTAMPS",
    "ORIGIN",
    "SALE_STATUSES",
    "TABLES",
    "TICKET_PRICES",
    "TICKET_SALES",
    "TICKET_TIERS",
    "TIME_BASES",
    "UPDATED_AT",
    "VENUES",
    "VENUE_TYPES",
    "published_columns",
]

CONCERT_STATUSES = ("scheduled", "completed", "cancelled", "postponed")
SALE_STATUSES = ("completed", "refunded", "chargeback")
TICKET_TIERS = ("general", "premium", "vip", "early_bird", "standing", "seated")

CONCERTS = Table(
    name="concerts",
    description="Concerts past and to come, one row per artist, venue and date.",
    key=("concert_id",),
    columns=(
        Column(
            "concert_id", "varchar(64)", "Identifier given by the source", required=True, aliases=("id", "event_id")
        ),
        Column("artist_id", "varchar(64)", "Headlining artist", required=True),
        Column("venue_id", "varchar(64)", "Venue", required=True),
        Column(
            "event_date",
            "timestamp",
            "Start of the concert; the date at midnight where no time is known",
            "UTC",
            required=True,
            aliases=("date", "concert_date"),
        ),
        Column("on_sale_date", "date", "First day tickets are on sale"),
        Column("status", "varchar(16)", "State of the concert", required=True, values=CONCERT_STATUSES, is_word=True),
        Column("tickets_sold", "integer", "Tickets sold to date", "tickets", minimum="0"),
        Column("total_attendance", "integer", "Persons admitted", "persons", minimum="0", aliases=("attendance",)),
        Column(
            "revenue",
            "decimal(14,2)",
            "Gross ticket revenue to date at face value",
            "USD",
            minimum="0",
            aliases=("total_revenue",),
        ),
        UPDATED_AT,
    ),
    references=(Reference("artist_id", "artists"), Reference("venue_id", "venues")),
    derived=(
        Column("has_event_time", "boolean", "Whether the time of event_date is known, not its date alone"),
        Column("event_timezone", "varchar(64)", "IANA time zone of the venue"),
    ),
    table_rules=(
        Rule(
            "attendance_within_tickets",
            "arithmetic",
            "total_attendance",
            "total_attendance <= tickets_sold",
            "no more persons attend than tickets were sold",
        ),
        Rule(
            "on_sale_before_show",
            "timeliness",
            "on_sale_date",
            "on_sale_date <= cast(case when has_event_time and event_timezone is not null "
            "then convert_timezone('UTC', event_timezone, event_date) else event_date end as date)",
            "tickets go on sale no later than the day of the concert at the venue",
            kind="set",
        ),
        Rule(
            "event_zone_known",
            "validity",
            "event_date",
            "not has_event_time or event_timezone is not null",
            "the time of a concert is told in a zone; without one it is taken as it stands",
            kind="audit",
            severity="warning",
        ),
        Rule(
            "completed_in_the_past",
            "timeliness",
            "status",
            "status <> 'completed' or event_date < data_end",
            "a completed concert lies before its delivery",
            kind="set",
        ),
        Rule(
            "tickets_within_capacity",
            "capacity",
            "tickets_sold",
            "tickets_sold <= venue_capacity",
            "no more tickets are sold than the venue admits",
            kind="set",
        ),
    ),
    distribution_key="concert_id",
    sort_key=("event_date",),
)

TICKET_PRICES = Table(
    name="ticket_prices",
    description="Face value of each ticket tier of a concert, one row per concert and tier.",
    key=("concert_id", "ticket_tier"),
    columns=(
        Column("concert_id", "varchar(64)", "Concert", required=True),
        Column(
            "ticket_tier",
            "varchar(16)",
            "Ticket tier",
            required=True,
            values=TICKET_TIERS,
            is_word=True,
            aliases=("tier", "price_tier"),
        ),
        Column(
            "face_value",
            "decimal(10,2)",
            "Price printed on a ticket of the tier",
            "USD",
            required=True,
            minimum="0",
            maximum="100000",
            aliases=("price",),
        ),
        UPDATED_AT,
    ),
    references=(Reference("concert_id", "concerts"),),
    distribution_key="concert_id",
)

TICKET_SALES = Table(
    name="ticket_sales",
    description="Ticket orders, one row per order line.",
    key=("sale_id",),
    columns=(
        Column(
            "sale_id", "varchar(64)", "Identifier given by the source", required=True, aliases=("id", "transaction_id")
        ),
        Column("concert_id", "varchar(64)", "Concert the tickets admit to", required=True, aliases=("event_id",)),
        Column(
            "customer_id",
            "varchar(64)",
            "Buyer, as pseudonymised by the source",
            aliases=("buyer_id",),
            is_personal=True,
        ),
        Column(
            "ticket_tier",
            "varchar(16)",
            "Ticket tier",
            values=TICKET_TIERS,
            is_word=True,
            aliases=("tier", "price_tier"),
        ),
        Column("quantity", "integer", "Tickets in the order", "tickets", required=True, minimum="1", maximum="20"),
        Column(
            "unit_price",
            "decimal(10,2)",
            "Price paid for one ticket",
            "USD",
            required=True,
            minimum="0.01",
            maximum="100000",
            aliases=("price",),
        ),
        Column(
            "total_price",
            "decimal(12,2)",
            "Price paid for the order",
            "USD",
            required=True,
            minimum="0.01",
            aliases=("total_amount",),
        ),
        Column(
            "purchase_timestamp",
            "timestamp",
            "When the order was placed",
            "UTC",
            required=True,
            aliases=("purchase_date", "sale_date"),
        ),
        Column("payment_method", "varchar(32)", "Means of payment"),
        Column(
            "sale_status",
            "varchar(16)",
            "State of the order",
            required=True,
            values=SALE_STATUSES,
            is_word=True,
            aliases=("status",),
        ),
        Column("refunded_at", "timestamp", "When the order was refunded or charged back", "UTC"),
        UPDATED_AT,
    ),
    references=(Reference("concert_id", "concerts"),),
    table_rules=(
        Rule(
            "total_price_arithmetic",
            "arithmetic",
            "total_price",
            "total_price = quantity * unit_price",
            "the total is quantity times unit price",
        ),
        Rule(
            "refund_after_purchase",
            "timeliness",
            "refunded_at",
            "refunded_at >= purchase_timestamp or (refunded_at = date_trunc('day', refunded_at) "
            "and refunded_at >= date_trunc('day', purchase_timestamp))",
            "a refund does not precede its purchase; one without a time may fall on the day of it",
            kind="set",
        ),
        Rule(
            "purchase_before_show",
            "timeliness",
            "purchase_timestamp",
            "purchase_timestamp < concert_sales_end",
            "tickets are bought before the concert starts",
            kind="set",
        ),
    ),
    distribution_key="concert_id",
    sort_key=("purchase_timestamp",),
)

TABLES = (ARTISTS, VENUES, CONCERTS, TICKET_PRICES, TICKET_SALES, IDENTITY_ALIASES)
BY_NAME = {table.name: table for table in TABLES}


def published_columns(table: Table) -> tuple[Column, ...]:
    """The columns of a published table: what is delivered, what is derived, and the row's origin."""
    return (*table.columns, *table.derived, *ORIGIN)


# Timestamps that a source may give in the venue's local time. Staging says beside each on what basis it was read.
LOCAL_TIMESTAMPS = ("event_date", "purchase_timestamp", "refunded_at")
TIME_BASES = ("utc", "local", "date")
