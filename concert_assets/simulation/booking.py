"""Who is booked where and on which day: acts find rooms of their size, popular rooms and weekends fill first."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from concert_assets.simulation import exact
from concert_assets.simulation.artists import Artists
from concert_assets.simulation.calendar import day_number, month, weekday, years_from
from concert_assets.simulation.exact import Floats, Ints
from concert_assets.simulation.market import INDOOR_MONTH_SHARE, OUTDOOR_MONTH_SHARE, VENUE_KINDS, WEEKDAY_SHARE
from concert_assets.simulation.venues import Venues

# An act is booked into a room somewhat larger than what it usually sells; the promoter's guess has this spread.
ROOM_MARGIN = 0.52
ROOM_SPREAD = 0.35
CANDIDATES = 4
# How far promoters look to both sides in the list of rooms by size, as a share of all rooms.
ASIDE = 0.08
# Concerts to come are announced further ahead ever more rarely: the e-folding time in days.
_ANNOUNCED_DAYS = 110.0
# Share of the concerts of an artist or venue that go under the near-duplicate, where there is one.
_NEAR_SHARE = 0.15


@dataclass(frozen=True)
class Bookings:
    """Concerts as booked, arrays of shape (concerts,).

    ``artist`` and ``venue`` are rows of the real artist and venue, ``artist_row`` and ``venue_row`` those that the
    delivery names, which may be near-duplicates; ``day`` is the local day, counted from 1970-01-01.
    """

    artist: Ints
    venue: Ints
    artist_row: Ints
    venue_row: Ints
    day: Ints


def book(artists: Artists, venues: Venues, count: int, as_of: date, generator: np.random.Generator) -> Bookings:
    """Draw ``count`` bookings. No act and no room has two on one day unless there is hardly a free day left."""
    uniform = generator.random((5, count))
    artist = exact.cumulative_choice(uniform[0], exact.exp(artists.booking))
    venue = _rooms(artists.following[artist], venues, generator)
    outdoor = np.array([kind.is_outdoor for kind in VENUE_KINDS])[venues.kind[venue]]
    first, last = day_number(years_from(as_of, -5)), day_number(years_from(as_of, 1))
    days = np.arange(first, last)
    ahead = exact.exp(-np.maximum(days - day_number(as_of), 0) / _ANNOUNCED_DAYS)
    base = np.array(WEEKDAY_SHARE)[weekday(days)] * ahead
    indoors = base * np.array(INDOOR_MONTH_SHARE)[month(days)] * 100
    outdoors = base * np.array(OUTDOOR_MONTH_SHARE)[month(days)] * 100

    def draw(u: Floats, open_air: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Ints:
        return first + np.where(open_air, exact.cumulative_choice(u, outdoors), exact.cumulative_choice(u, indoors))

    day = draw(uniform[1], outdoor)
    for _ in range(8):
        clash = np.flatnonzero(_repeated(artist, day) | _repeated(venue, day))
        if not clash.size:
            break
        day[clash] = draw(generator.random(clash.size), outdoor[clash])
    return Bookings(
        artist,
        venue,
        _named(artist, artists.identity, artists.count, uniform[2]),
        _named(venue, venues.identity, venues.count, uniform[3]),
        day,
    )


def _rooms(following: Floats, venues: Venues, generator: np.random.Generator) -> Ints:
    """A room for each act: of a few of about the right size, the one that pulls most."""
    order = np.lexsort((np.arange(venues.count), venues.capacity))
    sizes = np.round(exact.log(venues.capacity[order].astype(np.float64)) * 1_000_000).astype(np.int64)
    best = np.zeros(len(following), dtype=np.int64)
    best_pull = np.full(len(following), -(2**62), dtype=np.int64)
    for _ in range(CANDIDATES):
        uniform = generator.random((3, len(following)))
        target = following + ROOM_MARGIN + ROOM_SPREAD * exact.normal(uniform[0])
        place = np.searchsorted(sizes, np.round(target * 1_000_000).astype(np.int64))
        aside = np.round((uniform[2] - 0.5) * ASIDE * venues.count).astype(np.int64)
        room = order[np.clip(place + aside, 0, venues.count - 1)]
        # the largest of weights plus Gumbel noise falls on each with the probability of its weight
        gumbel = -exact.log(-exact.log(np.clip(uniform[1], 1e-12, 1 - 1e-12)))
        pull = np.round((venues.booking[room] + gumbel) * 1_000_000).astype(np.int64)
        better = pull > best_pull
        best, best_pull = np.where(better, room, best), np.where(better, pull, best_pull)
    return best


def _repeated(owner: Ints, day: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which concerts come after another of the same owner on the same day."""
    keys = owner * 100_000 + day
    order = np.argsort(keys, kind="stable")
    again = np.zeros(len(keys), dtype=bool)
    again[order[1:]] = keys[order[1:]] == keys[order[:-1]]
    return again


def _named(rows: Ints, identity: Ints, count: int, u: Floats) -> Ints:
    """The rows that the delivery names: some of an original's concerts go to its near-duplicate."""
    alias = np.full(count, -1, dtype=np.int64)
    alias[identity[count:]] = np.arange(count, len(identity))
    return np.where((alias[rows] >= 0) & (u < _NEAR_SHARE), alias[rows], rows)
