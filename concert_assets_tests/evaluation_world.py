"""Small generated worlds as they would be published without a defect, beside their truth, for tests of the ceilings."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from concert_assets.evaluation.popularity import Latents
from concert_assets.evaluation.published import Published, observe
from concert_assets.evaluation.truth import Truth
from concert_assets.simulation.drawing import World, build_world
from concert_assets.simulation.settings import SimulationSettings

HORIZONS = (60, 30, 14, 7, 1)


@dataclass(frozen=True)
class Home:
    """The published frames of a world, and the world itself."""

    world: World
    artists: pd.DataFrame
    venues: pd.DataFrame
    concerts: pd.DataFrame
    prices: pd.DataFrame
    sales: pd.DataFrame

    @property
    def seen(self) -> Published:
        return observe(self.artists, self.venues, self.concerts, self.prices, self.world.settings.as_of)

    @property
    def truth(self) -> Truth:
        artists, venues = self.world.artists, self.world.venues
        latents = Latents(artists.following, artists.momentum, artists.booking, venues.quality, venues.booking)
        return Truth(self.world.concerts.log_demand, latents)

    def with_frames(self, **frames: pd.DataFrame) -> "Home":
        return replace(self, **frames)


def make_home(orders_share: float = 0.05, **settings: Any) -> Home:
    """A world of 4,000 concerts unless told otherwise, with this share of its orders delivered."""
    chosen = SimulationSettings(
        **{"artists": 400, "venues": 200, "concerts": 4_000, "sales": 0, "defect_rate": 0.0} | settings
    )
    world = build_world(chosen)
    concerts = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in world.concert_columns.items()})
    concerts["event_date"] = pd.to_datetime(concerts["event_date"], utc=True).dt.tz_localize(None)
    concerts["on_sale_date"] = pd.to_datetime(concerts["on_sale_date"])
    prices = [
        {"concert_id": concert_id, "ticket_tier": tier, "face_value": float(value or "nan")}
        for concert_id, entries in zip(concerts["concert_id"], world.prices, strict=True)
        for tier, value in entries
    ]
    orders = list(world.ledger.chunks(round(world.book.total * orders_share)))
    return Home(
        world=world,
        artists=pd.DataFrame(world.artists.columns),
        venues=pd.DataFrame(world.venues.columns).astype({"capacity": "int64"}),
        concerts=concerts,
        prices=pd.DataFrame(prices),
        sales=pd.DataFrame(
            {
                "concert_id": concerts["concert_id"].to_numpy()[np.concatenate([part.concert for part in orders])],
                "purchase_timestamp": np.concatenate([part.purchase for part in orders]).astype("datetime64[s]"),
            }
        ),
    )


def questions(seen: Published, since: float = 0.8) -> dict[str, tuple[Any, Any]]:
    """Rows of concerts and days to ask at, by horizon, for the last concerts by announcement that were played."""
    played = np.flatnonzero(seen.is_held)
    late = played[seen.on_sale_day[played] >= np.quantile(seen.on_sale_day[played], since)]
    asked = {"announcement": (late, seen.on_sale_day[late])}
    for days in HORIZONS:
        rows = late[seen.event_day[late] - days > seen.on_sale_day[late]]
        asked[str(days)] = (rows, seen.event_day[rows] - days)
    return asked
