"""The world drawn from its settings, before anything of it is delivered."""

import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from concert_assets.simulation.artists import Artists, make_artists
from concert_assets.simulation.calendar import DAY, day_number
from concert_assets.simulation.concert_rows import Entries, concert_columns, price_entries
from concert_assets.simulation.concerts import Concerts, make_concerts
from concert_assets.simulation.names import People
from concert_assets.simulation.orders import OrderBook, open_book
from concert_assets.simulation.sales import SalesLedger
from concert_assets.simulation.settings import FULL, SettingsError, SimulationSettings
from concert_assets.simulation.text import Columns
from concert_assets.simulation.venues import Venues, make_venues

# Near-duplicates per real artist and venue, where defects are injected at all.
NEAR_DUPLICATE_SHARE = 0.01
# From so many concerts on, orders grow in proportion to concerts and need not be counted to be foretold.
_MANY_CONCERTS = 20_000


@dataclass(frozen=True)
class World:
    """A simulated world before anything of it is delivered. ``sales`` is the number of orders to deliver."""

    settings: SimulationSettings
    now: int
    artists: Artists
    venues: Venues
    concerts: Concerts
    book: OrderBook
    ledger: SalesLedger
    sales: int
    concert_columns: Columns
    prices: list[Entries]
    defect_seed: np.random.SeedSequence


@dataclass(frozen=True)
class _Shows:
    """All of a world but its sales."""

    now: int
    artists: Artists
    venues: Venues
    concerts: Concerts
    book: OrderBook
    key: int
    defect_seed: np.random.SeedSequence


def build_world(settings: SimulationSettings) -> World:
    """Draw the world of these settings; SettingsError where one of them cannot be."""
    settings.validate()
    shows = _draw(settings, settings.concerts)
    sales = _sales(settings, shows.book.total)
    prices = price_entries(shows.concerts, shows.venues)
    columns = concert_columns(shows.concerts, shows.artists, shows.venues, shows.book.revenue_cents, prices)
    return World(
        settings=settings,
        now=shows.now,
        artists=shows.artists,
        venues=shows.venues,
        concerts=shows.concerts,
        book=shows.book,
        ledger=SalesLedger(shows.book, shows.concerts, shows.now, shows.key),
        sales=sales,
        concert_columns=columns,
        prices=prices,
        defect_seed=shows.defect_seed,
    )


def check_settings(settings: SimulationSettings) -> None:
    """Raise SettingsError where a setting cannot be, or where the concerts cannot sell as many orders as asked for.

    Cheaper than building the world: nothing is put into words.
    """
    settings.validate()
    if settings.sales not in (0, FULL):
        _sales(settings, _draw(settings, settings.concerts).book.total)


def _draw(settings: SimulationSettings, count: int) -> _Shows:
    """The world with so many concerts, the caller's to change."""
    return copy.deepcopy(_drawn(settings, count))


@lru_cache(maxsize=1)  # settings are checked first, and the world is drawn from the same ones next
def _drawn(settings: SimulationSettings, count: int) -> _Shows:
    """The world with so many concerts. Each table draws from a stream of its own."""
    streams = np.random.SeedSequence(settings.seed).spawn(5)
    generators = [np.random.Generator(np.random.PCG64(stream)) for stream in streams[:4]]
    people = People(settings.seed)
    near = min(settings.defect_rate, NEAR_DUPLICATE_SHARE)
    artists = make_artists(settings.artists, round(near * settings.artists), settings.as_of, generators[0], people)
    venues = make_venues(settings.venues, round(near * settings.venues), settings.as_of, generators[1], people)
    concerts = make_concerts(artists, venues, count, settings.as_of, generators[2])
    key = int(generators[3].integers(0, 2**62))
    book = open_book(venues.kind[concerts.bookings.venue], concerts.face_cents, concerts.sold, key & 0xFFFF)
    return _Shows(day_number(settings.as_of) * DAY, artists, venues, concerts, book, key, streams[4])


def _sales(settings: SimulationSettings, sellable: int) -> int:
    """The number of orders to deliver; SettingsError where the concerts cannot sell that many."""
    wanted: int | Literal["full"] = settings.sales
    if wanted == FULL:
        return sellable
    if wanted > sellable:
        needed, found = settings.concerts, sellable
        while found < wanted:
            # a tenth more than in proportion, and tried, since few concerts may sell anything
            needed = max(-(-wanted * needed * 11 // (10 * max(found, 1))), needed + 1)
            if needed > _MANY_CONCERTS:
                break
            found = _draw(settings, needed).book.total
        raise SettingsError(
            "--sales",
            wanted,
            f"at most {sellable}, which is all that {settings.concerts} concerts sell; it takes about {needed} concerts"
            f" (--concerts {needed}) to sell {wanted}",
        )
    return wanted
