"""The canonical tables that deliveries bring and the warehouse publishes, in the order of their references."""

from concert_assets.catalog.dimensions import ARTISTS, ORIGIN, UPDATED_AT, VENUE_TYPES, VENUES
from concert_assets.catalog.identity import IDENTITY_ALIASES
from concert_assets.catalog.model import Column, Reference, Rule, Table
from concert_assets.catalog.tickets import SALE_STATUSES, TICKET_PRICES, TICKET_SALES, TICKET_TIERS

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
_CONCERT_STATUS_WORDS = (
    ("scheduled", ("upcoming", "planned", "confirmed", "announced", "on sale", "onsale", "rescheduled")),
    ("completed", ("complete", "past", "finished", "played", "held")),
    ("cancelled", ("canceled", "called off")),
    ("postponed", ("deferred",)),
)
CONCERTS = Table(
    name="concerts",
    description="Concerts past and to come, one row per artist, venue and date.",
    key=("concert_id",),
    columns=(
        Column(
            "concert_id",
            "varchar(64)",
            "Identifier given by the source",
            required=True,
            aliases=("id", "event_id", "concert", "show_id"),
        ),
        Column(
            "artist_id",
            "varchar(64)",
            "Headlining artist",
            required=True,
            aliases=("artist", "artist.id", "artist.artist_id", "headliner_id", "headliner", "performer_id"),
        ),
        Column("venue_id", "varchar(64)", "Venue", required=True, aliases=("venue", "venue.id", "venue.venue_id")),
        Column(
            "event_date",
            "timestamp",
            "Start of the concert; the date at midnight where no time is known",
            "UTC",
            required=True,
            aliases=("date", "concert_date", "event_datetime", "start_time", "starts_at", "show_date", "datetime"),
        ),
        Column(
            "on_sale_date",
            "date",
            "First day tickets are on sale",
            aliases=("onsale_date", "on_sale", "sale_start_date", "tickets_on_sale"),
        ),
        Column(
            "status",
            "varchar(16)",
            "State of the concert",
            required=True,
            values=CONCERT_STATUSES,
            is_word=True,
            synonyms=_CONCERT_STATUS_WORDS,
            aliases=("concert_status", "event_status"),
        ),
        Column(
            "tickets_sold",
            "integer",
            "Tickets sold to date",
            "tickets",
            minimum="0",
            aliases=("sold", "sold_tickets", "ticket_count"),
        ),
        Column(
            "total_attendance",
            "integer",
            "Persons admitted",
            "persons",
            minimum="0",
            aliases=("attendance", "attendees", "admitted"),
        ),
        Column(
            "revenue",
            "decimal(14,2)",
            "Gross ticket revenue to date at face value",
            "USD",
            minimum="0",
            aliases=("total_revenue", "gross", "gross_revenue", "ticket_revenue"),
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

TABLES = (ARTISTS, VENUES, CONCERTS, TICKET_PRICES, TICKET_SALES, IDENTITY_ALIASES)
BY_NAME = {table.name: table for table in TABLES}


def published_columns(table: Table) -> tuple[Column, ...]:
    """The columns of a published table: what is delivered, what is derived, and the row's origin."""
    return (*table.columns, *table.derived, *ORIGIN)


# Timestamps that a source may give in the venue's local time. Staging says beside each on what basis it was read.
LOCAL_TIMESTAMPS = ("event_date", "purchase_timestamp", "refunded_at")
TIME_BASES = ("utc", "local", "date")
