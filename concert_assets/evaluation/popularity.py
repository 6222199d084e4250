"""How well a venue's score of the coming year could be forecast: the year is drawn again many times.

Shows that are announced by the snapshot stand; the others are drawn by the generator from the true latents (oracle) or
from latents drawn from what an observer believes (knowable). The generator itself draws them, five
years at a time, of which each begins 364 days before the other. Approximations: the volume of bookings is that of the
year before the snapshot, venues and artists are those published, what is believed of a venue's quality and of its pull
is drawn apart, acts' momenta are those of the drawn years, and so many years leave some noise in the mean.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from concert_assets.evaluation.filtering import NOISE_VARIANCE, Beliefs
from concert_assets.evaluation.published import Published
from concert_assets.evaluation.rooms import Rooms, rooms
from concert_assets.evaluation.tickets import Forecast, beliefs
from concert_assets.evaluation.weights import Weights, artist_weights, venue_weights
from concert_assets.simulation.artists import Artists
from concert_assets.simulation.calendar import DAY
from concert_assets.simulation.concerts import COMPLETED, Concerts, make_concerts
from concert_assets.simulation.exact import Floats, Ints
from concert_assets.simulation.market import CANCELLED_SHARE, POSTPONED_SHARE, VENUE_KINDS
from concert_assets.simulation.venues import Venues

YEAR_DAYS = 364
_YEARS = 5
# Days of bookings that a world has, of which five years are past: those to come are announced ever more rarely.
_ALL_DAYS = 365.25 * _YEARS + float(np.exp(-np.arange(365) / 110.0).sum())


@dataclass(frozen=True)
class Latents:
    """What is hidden of artists (following, momentum, pull) and venues (quality, pull), one entry a published row."""

    following: Floats
    momentum: Floats
    act_booking: Floats
    quality: Floats
    room_booking: Floats


@dataclass(frozen=True)
class ScoreCeilings:
    """What could be forecast of the score of each question's venue in the year from its snapshot on."""

    oracle: Forecast
    knowable: Forecast


@dataclass(frozen=True)
class _Announced:
    """Shows of a snapshot's year that are announced by then, with mean and variance of log demand."""

    venue: Ints
    capacity: Floats
    price_usd: Floats
    mean: Floats
    variance: Floats


@dataclass(frozen=True)
class _Believed:
    """What an observer believes at a snapshot, ready to draw from."""

    beliefs: Beliefs
    acts: Weights
    rooms: Weights

    def draw(self, generator: np.random.Generator) -> Latents:
        held = self.beliefs
        first, second = generator.standard_normal((2, len(held.following)))
        sd = np.sqrt(np.maximum(held.following_variance, 1e-12))
        along = held.covariance / sd
        rest = np.sqrt(np.maximum(held.momentum_variance - along**2, 0.0))
        spread = np.sqrt(np.maximum(held.quality_variance, 0.0))
        return Latents(
            following=held.following + sd * first,
            momentum=held.momentum + along * first + rest * second,
            act_booking=self.acts.draw(generator),
            quality=held.quality + spread * generator.standard_normal(len(spread)),
            room_booking=self.rooms.draw(generator),
        )


def score_ceilings(
    seen: Published,
    latents: Latents,
    log_expected_demand: Floats,
    venue: Ints,
    snapshot: Ints,
    *,
    seed: int,
    redraws: int = 16,
) -> ScoreCeilings:
    """Both ceilings of the venues' scores; ``venue`` are rows, ``snapshot`` days, both of shape (questions,).

    Ranks are among the venues asked for at a snapshot. ``latents`` and ``log_expected_demand`` (by concert) are the
    truth and enter the oracle's alone. ``redraws`` times five years are drawn for each.
    """
    if not len(venue):
        return ScoreCeilings(*(Forecast(np.zeros(0), np.zeros(0)) for _ in range(2)))
    days = np.unique(snapshot)
    shows = [_announced(seen, int(day)) for day in days]
    asked = np.concatenate([np.zeros(0, dtype=np.int64), *shows])
    asked_day = np.repeat(days, [len(rows) for rows in shows])
    mean, variance, held = beliefs(seen, asked, asked_day, days)
    known = [_shows(seen, rows, log_expected_demand[rows], np.full(len(rows), NOISE_VARIANCE)) for rows in shows]
    guessed = [
        _shows(seen, rows, mean[asked_day == day], variance[asked_day == day])
        for day, rows in zip(days, shows, strict=True)
    ]
    members = [np.flatnonzero(snapshot == day) for day in days]
    found: list[list[list[Floats]]] = [[[] for _ in days] for _ in range(2)]
    for number in range(redraws):
        # the latents are the same at every snapshot, and so may the drawn years be
        generator = np.random.default_rng([seed, 0, number])
        drawn = _draw(seen, latents, int(days[-1]), generator)
        for place, day in enumerate(days.tolist()):
            found[0][place] += _years(seen, drawn, known[place], day, venue[members[place]], generator)
    looked_at = rooms(seen.capacity)
    for place, day in enumerate(days.tolist()):
        believed = _believe(seen, held[day], looked_at, day, np.random.default_rng([seed, day, 0]))
        for number in range(redraws):
            generator = np.random.default_rng([seed, day, 1, number])
            drawn = _draw(seen, believed.draw(generator), day, generator)
            found[1][place] += _years(seen, drawn, guessed[place], day, venue[members[place]], generator)
    results = np.zeros((2, 2, len(venue)))
    for which, by_snapshot in enumerate(found):
        for rows, years in zip(members, by_snapshot, strict=True):
            results[which, :, rows] = np.stack([np.mean(years, axis=0), np.median(years, axis=0)], axis=1)
    return ScoreCeilings(Forecast(*results[0]), Forecast(*results[1]))


def scores(tickets: Floats, offered: Floats, revenue: Floats, shows: Floats) -> Floats:
    """The published score of venues that are ranked together, all of shape (venues,); ``feature/venue_popularity``."""
    utilisation = tickets / np.maximum(offered, 1)
    return 100 * (0.4 * utilisation + 0.3 * _percent_rank(revenue) + 0.3 * _percent_rank(shows))


def _percent_rank(values: Floats) -> Floats:
    """The share of the others that are below, as ``percent_rank()``."""
    return np.asarray(np.searchsorted(np.sort(values), values, side="left") / max(len(values) - 1, 1))


def _announced(seen: Published, day: int) -> Ints:
    """The shows of the year from the day on whose tickets went on sale before it."""
    is_coming = (seen.event_day >= day) & (seen.event_day < day + YEAR_DAYS)
    return np.flatnonzero(is_coming & (seen.on_sale_day < day))


def _shows(seen: Published, rows: Ints, mean: Floats, variance: Floats) -> _Announced:
    venue, price = seen.venue[rows], seen.price_usd[rows]
    usual = np.array([kind.price for kind in VENUE_KINDS])[seen.kind[venue]]
    return _Announced(
        venue=venue,
        capacity=seen.capacity[venue].astype(np.float64),
        price_usd=np.where(np.isfinite(price), price, usual),
        mean=mean,
        variance=variance,
    )


def _believe(seen: Published, held: Beliefs, looked_at: Rooms, day: int, generator: np.random.Generator) -> _Believed:
    past = seen.event_day < day
    acts = artist_weights(held, np.bincount(seen.artist[past], minlength=len(seen.popularity)))
    bookings = np.bincount(seen.venue[past], minlength=len(seen.capacity))
    return _Believed(held, acts, venue_weights(held, bookings, looked_at, acts.mean(), generator))


def _draw(seen: Published, latents: Latents, day: int, generator: np.random.Generator) -> Concerts:
    """Concerts drawn anew, of the five years that end as the year from the day on does, and of the year after."""
    a_year = int(((seen.event_day >= day - YEAR_DAYS) & (seen.event_day < day)).sum())
    count = max(round(a_year * _ALL_DAYS / YEAR_DAYS), 1)
    end = date(1970, 1, 1) + timedelta(days=day + YEAR_DAYS)
    return make_concerts(_artists(seen, latents), _venues(seen, latents), count, end, generator)


def _years(
    seen: Published, drawn: Concerts, announced: _Announced, day: int, venue: Ints, generator: np.random.Generator
) -> list[Floats]:
    """Scores of venues, each of shape (venues,), in the drawn years that begin as the snapshot's."""
    event_day = drawn.start // DAY
    is_held = drawn.status == COMPLETED
    begin = day
    found: list[Floats] = []
    while begin >= int(event_day[is_held].min(initial=day)) and len(found) < _YEARS:
        is_new = is_held & (event_day >= begin) & (event_day < begin + YEAR_DAYS) & (drawn.on_sale_day >= begin)
        rows = np.flatnonzero(is_new)
        stays = generator.random(len(announced.venue)) >= CANCELLED_SHARE + POSTPONED_SHARE
        error = np.sqrt(announced.variance) * generator.standard_normal(len(stays))
        sold = np.minimum(np.floor(np.exp(announced.mean + error) + 0.5), announced.capacity)[stays]
        at = np.concatenate([drawn.bookings.venue[rows], announced.venue[stays]])
        tickets = np.concatenate([drawn.sold[rows], sold])
        price = np.concatenate([drawn.price_usd[rows], announced.price_usd[stays]])
        sums = [
            np.bincount(at, weights=values.astype(np.float64), minlength=len(seen.capacity))[venue].astype(np.float64)
            for values in (tickets, seen.capacity[at], tickets * price, np.ones(len(at)))
        ]
        found.append(scores(*sums))
        begin -= YEAR_DAYS
    return found


def _artists(seen: Published, latents: Latents) -> Artists:
    count = len(seen.popularity)
    return Artists(
        count, np.arange(count), seen.genre, latents.following, latents.momentum, latents.act_booking,
        np.zeros(count, dtype=np.int64), {},
    )  # fmt: skip


def _venues(seen: Published, latents: Latents) -> Venues:
    count = len(seen.capacity)
    return Venues(
        count, np.arange(count), seen.kind, seen.city, seen.zone, seen.capacity, latents.quality,
        latents.room_booking, np.zeros(count, dtype=np.int64), {},
    )  # fmt: skip
