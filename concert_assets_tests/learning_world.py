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


def make_world(artists: int = 60, venues: int = 30, concerts: int = 900, seed: int = 1) -> World:
    """Six years of concerts around ``AS_OF``: demand follows artist, venue quality and price, and is cut at capacity."""
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
    sold = np.minimum(capacity[venue] * 0.6 * np.exp(fill), capacity[venue]).astype(int)
    days = pd.Timestamp(AS_OF) + pd.to_timedelta(offset, unit="D")
    is_past = offset < 0
    status = np.where(is_past, "completed", "scheduled").astype(object)
    status[rng.random(concerts) < 0.03] = "cancelled"
    # A sample of the orders: half of them in the last two weeks before the show.
    orders = rng.integers(0, concerts, concerts * 6)
    before = np.where(
        rng.random(len(orders)) < 0.5, rng.integers(0, 14, len(orders)), rng.integers(0, 120, len(orders))
    )
    before = np.minimum(before, lead[orders])
    bought = days[orders] - pd.to_timedelta(before, unit="D")
    is_placed = bought < pd.Timestamp(AS_OF)
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
                "sale_id": [f"s{i:07d}" for i in range(len(orders))],
                "concert_id": [f"c{i:06d}" for i in orders],
                "quantity": rng.integers(1, 5, len(orders)),
                "purchase_timestamp": bought,
                "sale_status": "completed",
            }
        )[is_placed],
    )


def query(world: World, name: str, as_of: date = AS_OF) -> pd.DataFrame:
    """The rows of one feature statement, run on DuckDB as the embedded warehouse runs it."""
    with duckdb.connect() as connection:
        connection.execute("set integer_division = true; set timezone = 'UTC'; create schema concert_dw")
        for table in TABLES[:5]:
            frame = getattr(world, table.name).reindex(columns=list(table.column_names))
            connection.register("given", frame)
            listed = ", ".join(f"cast({column.name} as {column.type}) as {column.name}" for column in table.columns)
            connection.execute(f"create table {table.qualified} as select {listed} from given")
            connection.unregister("given")
        sql = read_sql(f"feature/{name}")
        return connection.execute(
            translate(sql, "redshift", "duckdb"), bind(sql, "redshift", "duckdb", {"as_of": as_of})
        ).df()
