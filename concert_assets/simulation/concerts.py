"""The concerts of the world: who plays where and when, at what price, what it could sell and what it sold."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from concert_assets.simulation import exact
from concert_assets.simulation.artists import Artists
from concert_assets.simulation.booking import Bookings, book
from concert_assets.simulation.calendar import DAY, day_number, month, utc_seconds, weekday
from concert_assets.simulation.cities import AVERAGE_PEOPLE, CITIES
from concert_assets.simulation.demand import (
    DemandTerms,
    city_term,
    competition_term,
    demand,
    noise,
    price_term,
    size_term,
)
from concert_assets.simulation.exact import Floats, Ints
from concert_assets.simulation.market import (
    CANCELLED_SHARE,
    GENRES,
    INDOOR_MONTH_EFFECT,
    OUTDOOR_MONTH_EFFECT,
    POSTPONED_SHARE,
    VENUE_KINDS,
    WEEKDAY_EFFECT,
)
from concert_assets.simulation.pricing import face_values, house_price
from concert_assets.simulation.purchase_curve import ONE, Curve, Draws
from concert_assets.simulation.venues import ZONES, Venues

SCHEDULED, COMPLETED, CANCELLED, POSTPONED = range(4)
STATUSES = ("scheduled", "completed", "cancelled", "postponed")
_YEAR = 365.25


@dataclass(frozen=True)
class Concerts:
    """Concerts as arrays of shape (concerts,), instants in seconds since 1970 (UTC).

    ``face_cents`` has shape (concerts, 4): the price of each of the venue kind's tiers, 0 where it has fewer.
    ``calls_off`` is the instant of a cancellation or postponement, 0 otherwise. ``wanted`` is the demand without the
    limit of the room, ``sold`` the tickets sold to date.
    """

    bookings: Bookings
    start: Ints
    on_sale_day: Ints
    status: Ints
    calls_off: Ints
    price_usd: Floats
    face_cents: Ints
    terms: DemandTerms
    log_demand: Floats
    log_noise: Floats
    wanted: Ints
    sold: Ints
    draws: Draws
    attendance: Ints
    updated: Ints


def make_concerts(
    artists: Artists, venues: Venues, count: int, as_of: date, generator: np.random.Generator
) -> Concerts:
    """Draw ``count`` concerts of these artists and venues, from five years before ``as_of`` to one year after."""
    now = day_number(as_of) * DAY
    bookings = book(artists, venues, count, as_of, generator)
    uniform = generator.random((8, count))
    artist, venue, day = bookings.artist, bookings.venue, bookings.day
    kind, capacity = venues.kind[venue], venues.capacity[venue]
    genre = artists.genre[artist]

    local_start = (19 * 3600) + np.floor(uniform[0] * 5).astype(np.int64) * 1800
    start = utc_seconds(day, local_start, venues.zone[venue], ZONES)
    usual_lead = np.array([kind.lead_days for kind in VENUE_KINDS])[kind]
    lead = np.maximum(np.floor(usual_lead * (0.45 + 1.1 * uniform[1])).astype(np.int64), 10)
    on_sale_day = day - lead
    opening = utc_seconds(on_sale_day, np.full(count, 10 * 3600), venues.zone[venue], ZONES)

    genre_price = np.array([price for *_, price in GENRES])[genre]
    price, usual = house_price(kind, artists.following[artist], day, genre_price, uniform[2], as_of)
    years = (day - (day_number(as_of) - 2.5 * _YEAR)) / _YEAR
    outdoor = np.array([kind.is_outdoor for kind in VENUE_KINDS])[kind]
    months = month(day)
    middle = [exact.exp(0.5 * (exact.log(float(k.smallest)) + exact.log(float(k.largest)))) for k in VENUE_KINDS]
    people = np.array([float(city.people) for city in CITIES])
    terms = DemandTerms(
        following=artists.following[artist],
        momentum=exact.rounded(artists.momentum[artist] * years),
        genre=np.array([effect for _, _, effect, _ in GENRES])[genre],
        city=city_term(people[venues.city[venue]], AVERAGE_PEOPLE),
        venue_kind=np.array([kind.appeal for kind in VENUE_KINDS])[kind],
        size=size_term(capacity.astype(np.float64), np.array(middle, dtype=np.float64)[kind]),
        quality=venues.quality[venue],
        price=price_term(price, usual),
        weekday=np.array(WEEKDAY_EFFECT)[weekday(day)],
        season=np.where(outdoor, np.array(OUTDOOR_MONTH_EFFECT)[months], np.array(INDOOR_MONTH_EFFECT)[months]),
        competition=competition_term(_crowding(venues.city[venue], day)),
    )
    log_demand = terms.log_demand()
    log_noise = noise(uniform[3])
    wanted = demand(log_demand, log_noise)

    status = np.where(start < now, COMPLETED, SCHEDULED)
    fate = np.floor(uniform[4] * 1_000_000).astype(np.int64)
    cancelled_below = round(CANCELLED_SHARE * 1_000_000)
    status = np.where(fate < cancelled_below, CANCELLED, status)
    postponed = (fate >= cancelled_below) & (fate < cancelled_below + round(POSTPONED_SHARE * 1_000_000))
    status = np.where(postponed, POSTPONED, status)
    called_off = (status == CANCELLED) | (status == POSTPONED)
    # the news comes up to five weeks before the show, and has come by the day of the delivery
    news = np.minimum(start, now) - 3_600 - np.floor(uniform[5] * 35 * DAY).astype(np.int64)
    calls_off = np.where(called_off, news, 0)

    curve = Curve(
        opening=opening,
        start=start,
        burst=np.round(np.array([kind.burst for kind in VENUE_KINDS]) * ONE).astype(np.int64)[kind],
        late=np.round(np.array([kind.late for kind in VENUE_KINDS]) * ONE).astype(np.int64)[kind],
        offset=day * DAY + local_start - start,
    )
    end = np.minimum(start, np.where(called_off, calls_off, now))
    full = np.maximum(curve.mass(start), 1)
    # a room that is wanted by more than it holds is sold out when the curve has brought that many
    fits = wanted <= capacity
    sold_out_share = np.where(fits, full, full // np.maximum(wanted, 1) * capacity)
    over = np.flatnonzero(~fits)
    end[over] = np.minimum(end[over], curve.of(over).time_of(sold_out_share[over]) + 1)
    draws = curve.until(end)
    mass = curve.mass(draws.end)
    to_date = np.where(mass >= full, wanted, _scaled(wanted, mass, full))
    sold = np.where(draws.end > opening, np.minimum(to_date, capacity), 0)
    sold = np.where(~fits & (mass >= sold_out_share), capacity, sold)

    stay_away = np.array([kind.no_show for kind in VENUE_KINDS])[kind] * (0.4 + 1.2 * uniform[6])
    attendance = np.where(status == COMPLETED, sold - np.round(stay_away * sold).astype(np.int64), -1)
    settled = np.minimum(start + DAY // 2 + np.floor(uniform[7] * 2 * DAY).astype(np.int64), now - 1)
    recent = now - 1 - np.floor(uniform[7] * 2 * DAY).astype(np.int64)
    updated = np.where(status == COMPLETED, settled, np.where(called_off, calls_off, recent))
    return Concerts(
        bookings, start, on_sale_day, status, calls_off, price, face_values(kind, price), terms, log_demand, log_noise,
        wanted, sold, draws, attendance, updated,
    )  # fmt: skip


def _scaled(wanted: Ints, mass: Ints, full: Ints) -> Ints:
    """``wanted * mass / full`` rounded down; shares are taken to 24 bits first, which keeps the product in range."""
    scaled: Ints = wanted * (mass >> 8) // np.maximum(full >> 8, 1)
    return scaled


def _crowding(city: Ints, day: Ints) -> Floats:
    """The number of other concerts in the same city and week, over the average of all concerts."""
    weeks = (day + 3) // 7
    keys = city * 1_000_000 + weeks
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    others = counts[inverse] - 1
    total = max(int(others.sum()), 1)
    ratio: Floats = np.round(others * (len(others) / total), 9)
    return ratio
