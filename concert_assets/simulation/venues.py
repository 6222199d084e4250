"""The venues of the world: kind, size, place, hidden quality, and the near-duplicates that name one of them twice."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from concert_assets.simulation import exact, names
from concert_assets.simulation.calendar import DAY, day_number
from concert_assets.simulation.cities import CITIES
from concert_assets.simulation.demand import QUALITY_SIGMA
from concert_assets.simulation.exact import Floats, Ints
from concert_assets.simulation.market import VENUE_KINDS
from concert_assets.simulation.near_duplicates import near_venue_name
from concert_assets.simulation.text import Columns, integer_texts, timestamp_texts

ZONES: tuple[str, ...] = tuple(dict.fromkeys(city.timezone for city in CITIES))
# Spread of the pull of a room in booking, and how much of its quality is in it.
BOOKING_SIGMA = 0.8
BOOKING_QUALITY = 2.0


@dataclass(frozen=True)
class Venues:
    """Venues as arrays: the first ``count`` rows are the real ones, those after them near-duplicates.

    ``identity`` is the row of the real venue that each row is. ``kind`` (index into ``VENUE_KINDS``), ``city`` (into
    ``CITIES``), ``zone`` (into ``ZONES``), ``capacity`` (persons), ``quality`` and ``booking`` (log weights) hold for
    real venues alone and have shape (count,). ``updated`` is the time of change of every row (seconds since 1970, UTC)
    and ``columns`` is the delivery's text.
    """

    count: int
    identity: Ints
    kind: Ints
    city: Ints
    zone: Ints
    capacity: Ints
    quality: Floats
    booking: Floats
    updated: Ints
    columns: Columns


def make_venues(count: int, near: int, as_of: date, generator: np.random.Generator, people: names.People) -> Venues:
    """Draw ``count`` venues and ``near`` near-duplicates of different ones; ``near`` is at most ``count``."""
    key = int(generator.integers(0, 2**62))
    uniform = generator.random((9, count))
    # every kind gets its share of the venues, as exactly as their number allows
    slots = (exact.Permutation(count, key)(np.arange(count)) + uniform[0]) / count
    kind = exact.cumulative_choice(slots, np.array([kind.share for kind in VENUE_KINDS]))
    city = exact.cumulative_choice(uniform[1], np.array([float(city.people) for city in CITIES]))
    zone = np.array([ZONES.index(place.timezone) for place in CITIES])[city]
    smallest = np.array([float(kind.smallest) for kind in VENUE_KINDS])[kind]
    largest = np.array([float(kind.largest) for kind in VENUE_KINDS])[kind]
    capacity = _rounded(smallest * exact.exp(uniform[2] * (exact.log(largest) - exact.log(smallest))))
    quality = np.round(QUALITY_SIGMA * exact.normal(uniform[3]), 6)
    booking = np.round(BOOKING_SIGMA * exact.normal(uniform[4]) + BOOKING_QUALITY * quality, 6)
    latitude = np.round((uniform[5] - 0.5) * 0.16, 5)
    longitude = np.round((uniform[6] - 0.5) * 0.16, 5)
    updated = day_number(as_of) * DAY - 1 - np.floor(uniform[7] * 400 * DAY).astype(np.int64)

    chosen = exact.Permutation(count, key + 7)(np.arange(near))
    identity = np.concatenate([np.arange(count), chosen])
    hashes = exact.mix(np.arange(len(identity), dtype=np.uint64), key & 0xFFFF).tolist()
    kinds = [VENUE_KINDS[index].name for index in kind.tolist()]
    places = [CITIES[index] for index in city.tolist()]
    known = names.venue_names(kinds, [place.name for place in places], key & 0xFFFF)
    near_names = [near_venue_name(known[row], hashes[count + number]) for number, row in enumerate(chosen.tolist())]
    rows = identity.tolist()
    streets = people.streets
    columns: Columns = {
        "venue_id": [f"V{number + 1:07d}" for number in range(len(identity))],
        "name": [*known, *near_names],
        "venue_type": [kinds[row] for row in rows],
        "address": [f"{1 + hashes[row] % 2400} {streets[(hashes[row] >> 16) % len(streets)]}" for row in rows],
        "city": [places[row].name for row in rows],
        "state": [places[row].state for row in rows],
        "country": ["US"] * len(rows),
        "postal_code": [f"{places[row].zip_prefix}{(hashes[row] >> 40) % 100:02d}" for row in rows],
        "timezone": [places[row].timezone for row in rows],
        "latitude": [f"{places[row].latitude + float(latitude[row]):.5f}" for row in rows],
        "longitude": [f"{places[row].longitude + float(longitude[row]):.5f}" for row in rows],
        "capacity": integer_texts(capacity[identity]),
        "updated_at": timestamp_texts(updated[identity]),
    }
    return Venues(count, identity, kind, city, zone, capacity, quality, booking, updated[identity], columns)


def _rounded(persons: Floats) -> Ints:
    """Capacities as houses state them: to 10, from 2,000 on to 50, from 20,000 on to 500."""
    step = np.where(persons < 2_000, 10, np.where(persons < 20_000, 50, 500))
    return np.maximum(np.round(persons / step).astype(np.int64), 1) * step
