"""Concerts as the delivery tells them: their columns of text, with the prices of their tiers in a map."""

from collections.abc import Sequence

from concert_assets.simulation.artists import Artists
from concert_assets.simulation.concerts import STATUSES, Concerts
from concert_assets.simulation.exact import Ints
from concert_assets.simulation.market import VENUE_KINDS
from concert_assets.simulation.text import Columns, date_texts, decimal_texts, integer_texts, timestamp_texts
from concert_assets.simulation.venues import Venues

PRICES = "ticket_prices"


def concert_columns(concerts: Concerts, artists: Artists, venues: Venues, revenue_cents: Ints) -> Columns:
    """One row a concert, in the catalog's order of columns and then the price map."""
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
        PRICES: [price_map(prices) for prices in price_entries(concerts, venues)],
    }


def price_entries(concerts: Concerts, venues: Venues) -> list[list[tuple[str, str | None]]]:
    """The tiers of each concert with their face values in USD, in the order of the map."""
    names = [[tier.name for tier in kind.tiers] for kind in VENUE_KINDS]
    kinds = venues.kind[concerts.bookings.venue].tolist()
    return [
        [(name, f"{cents // 100}.{cents % 100:02d}") for name, cents in zip(names[kind], row, strict=False)]
        for kind, row in zip(kinds, concerts.face_cents.tolist(), strict=True)
    ]


def price_map(entries: Sequence[tuple[str, str | None]]) -> str:
    """The map as JSON. Numbers are bare, text that is none is quoted and a missing price is null."""
    return "{" + ", ".join(f'"{tier}": {_price(value)}' for tier, value in entries) + "}"


def _price(value: str | None) -> str:
    if value is None:
        return "null"
    return value if value.lstrip("-").replace(".", "", 1).isdecimal() else f'"{value}"'
