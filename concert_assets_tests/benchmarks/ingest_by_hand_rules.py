"""The rules of the delivery as the script ``ingest_by_hand`` knows them: written down by hand, not taken from the catalog."""

from concert_assets.catalog.timezones import TIMEZONES

TABLES = {
    "artists": """
        artist_id varchar(64) required; name varchar(512) required; primary_genre varchar(64); genres varchar(2000);
        popularity_score decimal(5,2) 0..100; formation_date date; members varchar(4000); spotify_id varchar(64);
        updated_at timestamp""",
    "venues": """
        venue_id varchar(64) required; name varchar(512) required; venue_type word; address varchar(512);
        city varchar(256); state varchar(64); country varchar(64); postal_code varchar(32); timezone zone;
        latitude double -90..90; longitude double -180..180; capacity integer 1..1000000; updated_at timestamp""",
    "concerts": """
        concert_id varchar(64) required; artist_id varchar(64) required; venue_id varchar(64) required;
        event_date timestamp required; on_sale_date date; status word required; tickets_sold integer 0..;
        total_attendance integer 0..; revenue decimal(14,2) 0..; updated_at timestamp""",
    "ticket_prices": """
        concert_id varchar(64) required; ticket_tier word required; face_value decimal(10,2) required 0..100000;
        updated_at timestamp""",
    "ticket_sales": """
        sale_id varchar(64) required; concert_id varchar(64) required; customer_id varchar(64); ticket_tier word;
        quantity integer required 1..20; unit_price decimal(10,2) required 0.01..100000;
        total_price decimal(12,2) required 0.01..; purchase_timestamp timestamp required; payment_method varchar(32);
        sale_status word required; refunded_at timestamp; updated_at timestamp""",
}
COLUMNS = {table: [line.split() for line in text.split(";")] for table, text in TABLES.items()}
WORDS = {
    "venue_type": "club, theater, hall, arena, amphitheater, stadium, outdoor, other",
    "status": "scheduled, completed, cancelled, postponed",
    "ticket_tier": "general, premium, vip, early_bird, standing, seated",
    "sale_status": "completed, refunded, chargeback",
    "timezone": ", ".join(TIMEZONES),
}
KEYS = {
    "artists": "artist_id",
    "venues": "venue_id",
    "concerts": "concert_id",
    "ticket_prices": "concert_id, ticket_tier",
    "ticket_sales": "sale_id",
}
# Columns of local times: beside each the file says how its time is told.
TIMES = {"concerts": ["event_date"], "ticket_sales": ["purchase_timestamp", "refunded_at"]}
FURTHER = {
    "concerts": (
        "attendance_within_tickets",
        "total_attendance",
        "total_attendance > tickets_sold",
        "no more persons attend than tickets were sold",
    ),
    "ticket_sales": (
        "total_price_arithmetic",
        "total_price",
        "total_price <> quantity * unit_price",
        "the total is quantity times unit price",
    ),
}
# What a row is held against beyond itself, over the accepted row ``t`` and its published parents.
JOINS = {
    "concerts": "left join artists as a on a.artist_id = t.artist_id left join venues as v on v.venue_id = t.venue_id",
    "ticket_prices": "left join concerts as c on c.concert_id = t.concert_id",
    "ticket_sales": "left join concerts as c on c.concert_id = t.concert_id",
}
LATE = "t.purchase_timestamp >= case when c.has_event_time then c.event_date else c.event_date + interval 36 hours end"
REFUND = (
    "t.refunded_at < t.purchase_timestamp and (t.refunded_at <> date_trunc('day', t.refunded_at) "
    "or t.refunded_at < date_trunc('day', t.purchase_timestamp))"
)
SALE_DAY = (
    "case when t.has_event_time and v.timezone is not null then timezone(v.timezone, timezone('UTC', t.event_date)) "
    "else t.event_date end::date"
)
REFUSED = {
    "concerts": [
        ("on_sale_before_show", "on_sale_date", f"t.on_sale_date > {SALE_DAY}",
         "tickets go on sale no later than the day of the concert at the venue"),
        ("completed_in_the_past", "status", "t.status = 'completed' and t.event_date >= timestamp '{as_of}'",
         "a completed concert lies before its delivery"),
        ("tickets_within_capacity", "tickets_sold", "t.tickets_sold > v.capacity",
         "no more tickets are sold than the venue admits"),
    ],
    "ticket_sales": [
        ("refund_after_purchase", "refunded_at", REFUND,
         "a refund does not precede its purchase; one without a time may fall on the day of it"),
        ("purchase_before_show", "purchase_timestamp", LATE, "tickets are bought before the concert starts"),
    ],
}  # fmt: skip
PARENTS = {
    "concerts": [("artist_id", "a", "artists"), ("venue_id", "v", "venues")],
    "ticket_prices": [("concert_id", "c", "concerts")],
    "ticket_sales": [("concert_id", "c", "concerts")],
}
Rules = list[tuple[str, str, str, str]]  # rule, column, condition that breaks it, reason


def listed(column: str) -> str:
    return ", ".join(f"'{word}'" for word in WORDS[column].split(", "))


def broken(table: str) -> Rules:
    """The rules of a table's own rows in the order in which they are applied."""
    rules: Rules = []
    for name, kind, *more in COLUMNS[table]:
        if "required" in more:
            rules.append((f"{name}_required", name, f"{name}__text is null", f"{name} must be given"))
            if kind == "word":
                said = f"{name} must be one of {WORDS[name]}"
                rules.append((f"{name}_allowed", name, f"{name} not in ({listed(name)})", said))
            elif not kind.startswith("varchar"):
                said = f"{name} must be readable as {kind}"
                rules.append((f"{name}_readable", name, f"{name} is null", said))
        if kind.startswith("varchar"):
            most = kind[8:-1]
            said = f"{name} must take no more than {most} bytes in UTF-8"
            rules.append((f"{name}_length", name, f"strlen({name}) > {most}", said))
        for least, most in (word.split("..") for word in more if ".." in word):
            beyond = f"{name} < {least}" + (f" or {name} > {most}" if most else "")
            rules.append((f"{name}_range", name, beyond, f"{name} must lie in {least} to {most or 'infinity'}"))
    return [*rules, FURTHER[table]] if table in FURTHER else rules


def read_as(name: str, kind: str, more: list[str]) -> str:
    text = f"{name}__text"
    if kind.startswith("varchar"):
        return text
    if kind in ("word", "zone"):
        word = f"lower({text})" if kind == "word" else text
        return word if "required" in more else f"case when {word} in ({listed(name)}) then {word} end"
    return f"try_cast({text} as {kind})"
