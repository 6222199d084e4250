"""Concerts as the delivery tells them: their columns of text, with the prices of their tiers in a map."""

from functools import lru_cache
from typing import Any

import numpy as np

from concert_assets.simulation.artists import Artists
from concert_assets.simulation.concerts import STATUSES, Concerts
from concert_assets.simulation.exact import Ints
from concert_assets.simulation.market import VENUE_KINDS
from concert_assets.simulation.text import Columns, date_texts, decimal_texts, integer_texts, timestamp_texts
from concert_assets.simulation.venues import Venues

PRICES = "ticket_prices"


Entries = list[tuple[str, str | None]]


def concert_columns(
    concerts: Concerts, artists: Artists, venues: Venues, revenue_cents: Ints, prices: list[Entries]
) -> Columns:
    """One row a concert, in the catalog's order of columns and then the price map; ``prices`` by concert."""
    artist_ids, venue_ids = artists.columns["artist_id"], venues.columns["venue_id"]
    bookings = concerts.bookings
    return {
        "concert_id": [f"C{number + 1:08d}" for number in range(len(concerts.start))],
        "artist_id": [artist_ids[row] for row in bookings.artist_row.tolist()],
        "venue_id": [venue_ids[row] for row in bookings.venue_row.tolist()],
        "event_date": timestamp_texts(concerts.start),
        "on_sale_date": date_texts(concerts.on_sale_day),
        "status": [STATUSES[status] for status in concerts.status.tolist()],
        "tickets_sold": integer_texts(concerts.sold),
        "total_attendance": integer_texts(concerts.attendance),
        "revenue": decimal_texts(revenue_cents),
        "updated_at": timestamp_texts(concerts.updated),
        PRICES: [price_map(entries) for entries in prices],
    }


def price_entries(concerts: Concerts, venues: Venues) -> list[Entries]:
    """The tiers of each concert with their face values in USD, in the order of the map."""
    names = [[tier.name for tier in kind.tiers] for kind in VENUE_KINDS]
    kinds = venues.kind[concerts.bookings.venue].tolist()
    # there are a few hundred different prices
    different, places = np.unique(concerts.face_cents, return_inverse=True)
    texts = decimal_texts(different)
    rows: Any = places.reshape(concerts.face_cents.shape).tolist()
    return [
        [(name, texts[place]) for name, place in zip(names[kind], row, strict=False)]
        for kind, row in zip(kinds, rows, strict=True)
    ]


def price_map(entries: Entries) -> str:
    """The map as JSON. Numbers are bare, text that is none is quoted and a missing price is null."""
    return "{" + ", ".join(f'"{tier}": {_price(value)}' for tier, value in entries) + "}"


@lru_cache(maxsize=10_000)
def _price(value: str | None) -> str:
    if value is None:
        return "null"
    return value if value.lstrip("-").replace(".", "", 1).isdecimal() else f'"{value}"'
