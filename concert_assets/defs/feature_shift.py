"""The future-shift test: the features of a sample of concerts, once more with every later fact moved."""

from datetime import date
from typing import TYPE_CHECKING

from concert_assets.catalog.canonical import BY_NAME, CONCERTS, TICKET_PRICES, published_columns
from concert_assets.catalog.model import Table
from concert_assets.defs.features import feature_rows_over, undone
from concert_assets.resources.redshift.protocol import Session
from concert_assets.warehousing.names import SCHEMA

if TYPE_CHECKING:
    from concert_assets.learning.leaks import Shift

# Features of a sample are true features of a smaller world, so a few concerts test the statement as well as all.
MOST_CONCERTS = 1_500
# This much of the completed concerts lies before the day from which facts are moved.
_BEFORE = 0.7

_SAMPLE = f"{SCHEMA}.shift__sample"
_SALES = BY_NAME["ticket_sales"]
# What tells the rows of a model's features apart, as far as it has these columns.
_KEY = ("concert_id", "horizon", "venue_id", "snapshot_day")
_TABLES = (CONCERTS, TICKET_PRICES, _SALES)
# What becomes of a column where its fact is dated on or after :day. :n numbers the sampled concerts.
_MOVED: dict[str, dict[str, str]] = {
    CONCERTS.name: {
        "tickets_sold": "cast(floor(t.tickets_sold * 0.25) as integer) + cast(s.n % 7 as integer)",
        "revenue": "cast(1000 + s.n as decimal(14,2))",
        "status": "case when t.status = 'completed' and s.n % 3 = 0 then 'cancelled' else t.status end",
    },
    TICKET_PRICES.name: {"face_value": "cast(t.face_value * 2 + 5 as decimal(10,2))"},
    _SALES.name: {
        "quantity": "t.quantity + 3",
        "sale_status": "'refunded'",
    },
}
# Which facts are dated on or after the day. A price is told when the concert is announced; what is announced on the day
# itself is known to a forecast of that day.
_LATER = {
    CONCERTS.name: "cast(c.event_date as date) >= cast(:day as date)",
    TICKET_PRICES.name: "c.on_sale_date > cast(:day as date)",
    _SALES.name: "t.purchase_timestamp >= cast(:day as timestamp)",
}
# Facts that are taken away: shows announced after the day, and orders placed on or after it.
_DROPPED = {
    CONCERTS.name: "c.on_sale_date > cast(:day as date) and s.n % 2 = 0",
    TICKET_PRICES.name: "1 = 0",
    _SALES.name: "t.purchase_timestamp >= cast(:day as timestamp) and s.n % 2 = 0",
}


def shifted(table: Table) -> str:
    """The statement that selects the sampled rows of a table with all that is dated on or after ``:day`` moved."""
    moved = _MOVED[table.name]
    columns = [
        f"cast(case when {_LATER[table.name]} then {moved[column.name]} else t.{column.name} end as {column.type})"
        f" as {column.name}"
        if column.name in moved
        else f"cast(t.{column.name} as {column.type}) as {column.name}"
        for column in published_columns(table)
    ]
    return (
        f"select {', '.join(columns)} from {table.qualified} as t"
        f" inner join {_SAMPLE} as s on t.concert_id = s.concert_id"
        f" inner join {CONCERTS.qualified} as c on t.concert_id = c.concert_id"
        f" where not coalesce({_DROPPED[table.name]}, false)"
    )


def sampled(table: Table) -> str:
    """The statement that selects the sampled rows of a table as they are."""
    columns = ", ".join(f"cast(t.{c.name} as {c.type}) as {c.name}" for c in published_columns(table))
    return f"select {columns} from {table.qualified} as t inner join {_SAMPLE} as s on t.concert_id = s.concert_id"


def future_shift_of(session: Session, model: str, as_of: date) -> "Shift | None":
    """Which features of a model later facts move; None where no concert was held. Nothing is left behind."""
    from concert_assets.learning.features import TICKET_SALES, VENUE_POPULARITY, day_number, typed
    from concert_assets.learning.leaks import future_shift

    features = {"ticket_sales": TICKET_SALES, "venue_popularity": VENUE_POPULARITY}[model]
    target = "tickets_sold" if model == "ticket_sales" else "target_score"
    with undone(session):
        ((total,),) = session.query(f"select count(*) from {CONCERTS.qualified}")
        session.execute(
            f"create table {_SAMPLE} as select q.concert_id, q.n from (select t.concert_id, row_number() over"
            f" (order by t.concert_id) as n from {CONCERTS.qualified} as t) as q where q.n % :step = 0",
            {"step": -(-int(total) // MOST_CONCERTS)},
        )
        held = session.query(
            f"select cast(t.event_date as date) from {CONCERTS.qualified} as t inner join {_SAMPLE} as s"
            " on t.concert_id = s.concert_id where t.status = 'completed' order by t.event_date"
        )
        if not held:
            return None
        day = held[int(len(held) * _BEFORE)][0]
        frames = []
        for name, select in (("kept", sampled), ("moved", shifted)):
            relations = {table.name: f"{SCHEMA}.shift__{name}_{table.name}" for table in _TABLES}
            for table in _TABLES:
                parameters = {"day": day} if select is shifted else None
                session.execute(f"create table {relations[table.name]} as {select(table)}", parameters)
            frames.append(typed(feature_rows_over(session, model, as_of, relations), features))
        before, after = frames
        return future_shift(
            before,
            after,
            key=[name for name in _KEY if name in before.columns],
            columns=features.columns,
            target=target,
            cutoff=features.order[0],
            day=day_number(day),
        )
