"""The tables of what is charged for tickets: the prices of a concert, and the orders."""

from concert_assets.catalog.dimensions import UPDATED_AT
from concert_assets.catalog.model import Column, Reference, Rule, Table

SALE_STATUSES = ("completed", "refunded", "chargeback")
TICKET_TIERS = ("general", "premium", "vip", "early_bird", "standing", "seated")
_SALE_STATUS_WORDS = (
    ("completed", ("complete", "paid", "sold", "confirmed", "fulfilled", "captured", "success", "successful")),
    ("refunded", ("refund", "fully refunded")),
    ("chargeback", ("charge back", "charged back")),
)
_TIER_WORDS = (
    ("general", ("general admission", "ga", "gen adm", "standard", "regular")),
    ("premium", ("premium seating",)),
    ("vip", ("v.i.p.", "vip package")),
    ("early_bird", ("earlybird",)),
    ("standing", ("standing room", "standing room only", "sro")),
    ("seated", ("seat", "seating", "reserved", "reserved seating", "reserved seat")),
)

_TIER_NAMES = ("tier", "price_tier", "ticket_type", "ticket_class", "price_level")

TICKET_PRICES = Table(
    name="ticket_prices",
    description="Face value of each ticket tier of a concert, one row per concert and tier.",
    key=("concert_id", "ticket_tier"),
    columns=(
        Column("concert_id", "varchar(64)", "Concert", required=True, aliases=("event_id", "concert", "show_id")),
        Column(
            "ticket_tier",
            "varchar(16)",
            "Ticket tier",
            required=True,
            values=TICKET_TIERS,
            is_word=True,
            synonyms=_TIER_WORDS,
            aliases=_TIER_NAMES,
        ),
        Column(
            "face_value",
            "decimal(10,2)",
            "Price printed on a ticket of the tier",
            "USD",
            required=True,
            minimum="0",
            maximum="100000",
            aliases=("price", "ticket_price", "amount"),
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
            "sale_id",
            "varchar(64)",
            "Identifier given by the source",
            required=True,
            aliases=("id", "transaction_id", "order_id", "ticket_sale_id"),
        ),
        Column(
            "concert_id",
            "varchar(64)",
            "Concert the tickets admit to",
            required=True,
            aliases=("event_id", "concert", "show_id"),
        ),
        Column(
            "customer_id",
            "varchar(64)",
            "Buyer, as pseudonymised by the source",
            aliases=("buyer_id", "buyer", "customer", "user_id"),
            is_personal=True,
        ),
        Column(
            "ticket_tier",
            "varchar(16)",
            "Ticket tier",
            values=TICKET_TIERS,
            is_word=True,
            synonyms=_TIER_WORDS,
            aliases=_TIER_NAMES,
        ),
        Column(
            "quantity",
            "integer",
            "Tickets in the order",
            "tickets",
            required=True,
            minimum="1",
            maximum="20",
            aliases=("qty", "num_tickets", "ticket_count", "tickets"),
        ),
        Column(
            "unit_price",
            "decimal(10,2)",
            "Price paid for one ticket",
            "USD",
            required=True,
            minimum="0.01",
            maximum="100000",
            aliases=("price", "ticket_price", "price_per_ticket"),
        ),
        Column(
            "total_price",
            "decimal(12,2)",
            "Price paid for the order",
            "USD",
            required=True,
            minimum="0.01",
            aliases=("total_amount", "total", "amount", "order_total"),
        ),
        Column(
            "purchase_timestamp",
            "timestamp",
            "When the order was placed",
            "UTC",
            required=True,
            aliases=(
                "purchase_date",
                "sale_date",
                "purchased_at",
                "purchase_time",
                "order_date",
                "sold_at",
                "timestamp",
            ),
        ),
        Column("payment_method", "varchar(32)", "Means of payment", aliases=("payment", "payment_type", "paid_by")),
        Column(
            "sale_status",
            "varchar(16)",
            "State of the order",
            required=True,
            values=SALE_STATUSES,
            is_word=True,
            synonyms=_SALE_STATUS_WORDS,
            aliases=("status", "order_status"),
        ),
        Column(
            "refunded_at",
            "timestamp",
            "When the order was refunded or charged back",
            "UTC",
            aliases=("refund_date", "refunded_on", "refund_time"),
        ),
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
