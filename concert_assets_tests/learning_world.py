"""A small synthetic concert world for the tests of learning, and a warehouse in memory that runs the feature SQL on it."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from concert_assets.catalog.canonical import TABLES
from concert_assets.sql.files import bind, read_sql, translate

AS_OF = date(2026, 1, 1)
_CAPACITY = {"club": 400, "theater": 1500, "hall": 2500, "arena": 14000}
_ORDERS = 8


@dataclass(frozen=True)
class World:
    """The canonical frames that the features read."""

    artists: pd.DataFrame
    venues: pd.DataFrame
    concerts: pd.DataFrame
    ticket_prices: pd.DataFrame
    ticket_sales: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["concert_id"]))

    def with_concerts(self, **columns: Any) -> "World":
        return replace(self, concerts=self.concerts.assign(**columns))


def make_world(
    artists: int = 60, venues: int = 30, concerts: int = 900, seed: int = 1, ledger: float = 0.3, demand: float = 0.6
) -> World:
    """Six years of concerts around ``AS_OF``: demand follows artist, venue quality and price, and is cut at capacity.

    ``ledger`` is the share of orders that are delivered: at 1 those of a completed concert add up to its tickets.
    ``demand`` is the share of the room that an unknown artist fills, on a log scale: the higher, the more sell out.
    """
    rng = np.random.default_rng(seed)
    artist_ids = [f"a{i:04d}" for i in range(artists)]
    venue_ids = [f"v{i:04d}" for i in range(venues)]
    popularity = rng.beta(1.5, 3, artists) * 100
    kinds = rng.choice(list(_CAPACITY), venues, p=[0.4, 0.3, 0.2, 0.1])
    capacity = np.array([_CAPACITY[kind] for kind in kinds]) * rng.uniform(0.6, 1.5, venues)
    capacity = capacity.astype(int)
    quality = rng.normal(0, 0.3, venues)
    weight = rng.pareto(1.5, venues) + 0.2
    artist = rng.integers(0, artists, concerts)
    venue = rng.choice(venues, concerts, p=weight / weight.sum())
    offset = np.sort(rng.integers(-5 * 365, 365, concerts))
    lead = rng.integers(20, 120, concerts)
    price = np.round(20 + popularity[artist] * rng.uniform(0.5, 1.0, concerts), 2)
    fill = -1.2 + 0.035 * popularity[artist] + quality[venue] - 0.004 * price + rng.normal(0, 0.25, concerts)
    sold = np.minimum(capacity[venue] * demand * np.exp(fill), capacity[venue]).astype(int)
    days = pd.Timestamp(AS_OF) + pd.to_timedelta(offset, unit="D")
    is_past = offset < 0
    status = np.where(is_past, "completed", "scheduled").astype(object)
    status[rng.random(concerts) < 0.03] = "cancelled"
    # Orders have a generator of their own: how many are delivered changes nothing else. Half come in the last two weeks.
    buying = np.random.default_rng([seed, 1])
    quantity = buying.multinomial(sold, np.full(_ORDERS, 1 / _ORDERS)).ravel()
    late = buying.random(len(quantity)) < 0.5
    before = np.where(late, buying.integers(0, 14, len(quantity)), buying.integers(0, 120, len(quantity)))
    before = np.minimum(before, np.repeat(lead, _ORDERS))
    bought = days.repeat(_ORDERS) - pd.to_timedelta(before, unit="D") + pd.Timedelta(hours=9)
    is_delivered = (bought < pd.Timestamp(AS_OF)) & (quantity > 0) & (buying.random(len(quantity)) < ledger)
    return World(
        artists=pd.DataFrame(
            {
                "artist_id": artist_ids,
                "name": artist_ids,
                "primary_genre": rng.choice(["rock", "jazz", "folk"], artists),
                "popularity_score": np.round(popularity, 2),
            }
        ),
        venues=pd.DataFrame(
            {
                "venue_id": venue_ids,
                "name": venue_ids,
                "venue_type": kinds,
                "city": rng.choice(["Ames", "Bath", "Cork"], venues),
                "country": "US",
                "capacity": capacity,
            }
        ),
        concerts=pd.DataFrame(
            {
                "concert_id": [f"c{i:06d}" for i in range(concerts)],
                "artist_id": np.array(artist_ids)[artist],
                "venue_id": np.array(venue_ids)[venue],
                "event_date": days + pd.Timedelta(hours=20),
                "on_sale_date": (days - pd.to_timedelta(lead, unit="D")).date,
                "status": status,
                "tickets_sold": np.where(is_past, sold, sold // 4),
                "revenue": np.round(np.where(is_past, sold, sold // 4) * price, 2),
            }
        ),
        ticket_prices=pd.DataFrame(
            {
                "concert_id": np.repeat([f"c{i:06d}" for i in range(concerts)], 2),
                "ticket_tier": ["general", "vip"] * concerts,
                "face_value": np.round(np.repeat(price, 2) * np.tile([1.0, 2.0], concerts), 2),
            }
        ),
        ticket_sales=pd.DataFrame(
            {
                "sale_id": [f"s{i:07d}" for i in range(len(quantity))],
                "concert_id": np.repeat([f"c{i:06d}" for i in range(concerts)], _ORDERS),
                "quantity": quantity,
                "purchase_timestamp": bought,
                "sale_status": "completed",
            }
        )[is_delivered],
    )


def shows(*rows: tuple[str, str, str, str, str | None, str, int | None]) -> pd.DataFrame:
    """Concerts: concert, artist, venue, event date, on-sale date, status, tickets sold at 10 USD."""
    names = ["concert_id", "artist_id", "venue_id", "event_date", "on_sale_date", "status", "tickets_sold"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(event_date=pd.to_datetime(frame["event_date"]), revenue=frame["tickets_sold"] * 10.0)


def tiny_world(
    concerts: pd.DataFrame,
    prices: list[tuple[str, str, float]] | None = None,
    orders: list[tuple[str, str, int]] | None = None,
) -> World:
    """Two artists and three venues, small enough to count by hand; ``orders``: concert, time of purchase, quantity."""
    sales = pd.DataFrame(orders or [], columns=["concert_id", "purchase_timestamp", "quantity"])
    return World(
        artists=pd.DataFrame(
            {"artist_id": ["a", "b"], "name": ["A", "B"], "primary_genre": ["jazz", None], "popularity_score": [60, 20]}
        ),
        venues=pd.DataFrame(
            {
                "venue_id": ["v", "w", "x"],
                "name": ["V", "W", "X"],
                "venue_type": ["club", "hall", None],
                "city": ["Ulm", "Ulm", None],
                "country": ["DE", "DE", None],
                "capacity": [100, 200, None],
            }
        ),
        concerts=concerts,
        ticket_prices=pd.DataFrame(prices or [], columns=["concert_id", "ticket_tier", "face_value"]),
        ticket_sales=sales.assign(
            purchase_timestamp=pd.to_datetime(sales["purchase_timestamp"]),
            # Whatever became of an order later, it was placed.
            sale_status=["refunded" if number % 2 else "completed" for number in range(len(sales))],
        ),
    )


def query(world: World, name: str, as_of: date = AS_OF) -> pd.DataFrame:
    """The rows of one feature statement, run on DuckDB as the embedded warehouse runs it."""
    with duckdb.connect() as connection:
        connection.execute("set integer_division = true; set timezone = 'UTC'; create schema concert_dw")
        for table in TABLES[:5]:
            columns = (*table.columns, *table.derived)
            frame = getattr(world, table.name).reindex(columns=[column.name for column in columns])
            connection.register("given", frame)
            listed = ", ".join(f"cast({column.name} as {column.type}) as {column.name}" for column in columns)
            connection.execute(f"create table {table.qualified} as select {listed} from given")
            connection.unregister("given")
        sql = read_sql(f"feature/{name}")
        return connection.execute(
            translate(sql, "redshift", "duckdb"), bind(sql, "redshift", "duckdb", {"as_of": as_of})
        ).df()
