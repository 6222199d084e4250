"""The five canonical tables that deliveries bring and the warehouse publishes, in the order of their references."""

from concert_assets.catalog.model import Column, Reference, Rule, Table
from concert_assets.catalog.timezones import TIMEZONES

VENUE_TYPES = ("club", "theater", "hall", "arena", "amphitheater", "stadium", "outdoor", "other")
CONCERT_STATUSES = ("scheduled", "completed", "cancelled", "postponed")
SALE_STATUSES = ("completed", "refunded", "chargeback")
TICKET_TIERS = ("general", "premium", "vip", "early_bird", "standing", "seated")

# Which raw object and which row of it a row came from. Carried by every staged and published row.
ORIGIN = (
    Column("_object_id", "varchar(32)", "Raw object the row came from, as numbered in the load ledger", required=True),
    Column("_row_number", "bigint", "Row of that object, counted from 1 per table", required=True),
)
UPDATED_AT = Column(
    "updated_at", "timestamp", "When the source last changed the row; the newest version of a key wins", "UTC"
)

ARTISTS = Table(
    name="artists",
    description="Performing artists, ensembles and conductors, one row per artist.",
    key=("artist_id",),
    columns=(
        Column("artist_id", "varchar(64)", "Identifier given by the source", required=True, aliases=("id",)),
        Column("name", "varchar(512)", "Name under which the artist performs", required=True, aliases=("artist_name",)),
        Column("primary_genre", "varchar(64)", "Main genre", aliases=("genre",)),
        Column("genres", "varchar(2000)", "All genres, a JSON list of text"),
        Column(
            "popularity_score",
            "decimal(5,2)",
            "Popularity at delivery",
            "score 0-100",
            minimum="0",
            maximum="100",
            aliases=("popularity",),
        ),
        Column("formation_date", "date", "Date the artist was formed or first performed"),
        Column("members", "varchar(4000)", "Names of members, a JSON list of text"),
        Column("spotify_id", "varchar(64)", "Identifier in Spotify's catalogue"),
        UPDATED_AT,
    ),
    distribution_key="artist_id",
)

VENUES = Table(
    name="venues",
    description="Places where concerts are held, one row per venue.",
    key=("venue_id",),
    columns=(
        Column("venue_id", "varchar(64)", "Identifier given by the source", required=True, aliases=("id",)),
        Column("name", "varchar(512)", "Name of the venue", required=True, aliases=("venue_name",)),
        Column("venue_type", "varchar(16)", "Kind of venue", values=VENUE_TYPES, is_word=True, aliases=("type",)),
        Column("address", "varchar(512)", "Street address"),
        Column("city", "varchar(256)", "City", aliases=("location.city",)),
        Column(
            "state",
            "varchar(64)",
            "State or region, the postal abbreviation in the United States",
            aliases=("location.state",),
        ),
        Column("country", "varchar(64)", "Country, ISO 3166-1 alpha-2 where known", aliases=("location.country",)),
        Column("postal_code", "varchar(32)", "Postal code", aliases=("zip", "location.postal_code")),
        Column(
            "timezone",
            "varchar(64)",
            "IANA time zone; local times of the venue's concerts are read in it",
            values=TIMEZONES,
        ),
        Column(
            "latitude",
            "double precision",
            "Latitude, WGS 84",
            "degrees",
            minimum="-90",
            maximum="90",
            aliases=("lat", "location.latitude"),
        ),
        Column(
            "longitude",
            "double precision",
            "Longitude, WGS 84",
            "degrees",
            minimum="-180",
            maximum="180",
            aliases=("lon", "lng", "location.longitude"),
        ),
        Column("capacity", "integer", "Largest audience the venue admits", "persons", minimum="1", maximum="1000000"),
        UPDATED_AT,
    ),
    distribution_key="venue_id",
)

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
            "on_sale_date <= cast(event_date as date)",
            "tickets go on sale no later than the day of the concert",
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
            "refunded_at >= purchase_timestamp",
            "a refund does not precede its purchase",
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

TABLES = (ARTISTS, VENUES, CONCERTS, TICKET_PRICES, TICKET_SALES)
BY_NAME = {table.name: table for table in TABLES}


def published_columns(table: Table) -> tuple[Column, ...]:
    """The columns of a published table: what is delivered, what is derived, and the row's origin."""
    return (*table.columns, *table.derived, *ORIGIN)


# Timestamps that a source may give in the venue's local time. Staging says beside each on what basis it was read.
LOCAL_TIMESTAMPS = ("event_date", "purchase_timestamp", "refunded_at")
TIME_BASES = ("utc", "local", "date")
