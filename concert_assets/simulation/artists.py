"""The artists of the world: following, momentum, names, and the near-duplicates that name one of them twice."""

import json
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from concert_assets.simulation import exact, names
from concert_assets.simulation.calendar import DAY, day_number
from concert_assets.simulation.demand import MOMENTUM_SIGMA
from concert_assets.simulation.exact import Floats, Ints
from concert_assets.simulation.market import GENRES
from concert_assets.simulation.near_duplicates import near_name
from concert_assets.simulation.text import Columns, decimal_texts, timestamp_texts

# Log of the tickets that the middle artist sells on a middling night, and its spread below and above: the upper tail is
# heavy, and an act that draws hardly anyone is not booked at all.
FOLLOWING_CENTRE = 5.5
FOLLOWING_SIGMA_BELOW = 0.75
FOLLOWING_SIGMA_ABOVE = 1.65
# How strongly bookings follow the following.
BOOKING_POWER = 0.42
BOOKING_SIGMA = 0.65
_BAND_SHARE = 0.6
# The popularity score: the middle one, what it follows of rank and of momentum, and its noise.
POPULARITY_CENTRE = 46.0
POPULARITY_SPREAD = 17.0
POPULARITY_MOMENTUM = 40.0
POPULARITY_NOISE = 4.0


@dataclass(frozen=True)
class Artists:
    """Artists as arrays: the first ``count`` rows are the real ones, those after them near-duplicates.

    ``identity`` is the row of the real artist that each row is; ``following`` (log tickets) and ``momentum`` (change of
    it in a year) hold for real artists alone and have shape (count,). ``updated`` is the time of change of every row
    (seconds since 1970, UTC) and ``columns`` is the delivery's text.
    """

    count: int
    identity: Ints
    genre: Ints
    following: Floats
    momentum: Floats
    booking: Floats
    updated: Ints
    columns: Columns


def make_artists(count: int, near: int, as_of: date, generator: np.random.Generator, people: names.People) -> Artists:
    """Draw ``count`` artists and ``near`` near-duplicates of different ones; ``near`` is at most ``count``."""
    key = int(generator.integers(0, 2**62))
    uniform = generator.random((8, count))
    # one artist in each slice of the distribution: the few at the top carry the figures of the whole world
    ranks = exact.Permutation(count, key)(np.arange(count))
    z = exact.normal((ranks + 0.25 + 0.5 * uniform[0]) / count)
    sigma = np.where(z < 0, FOLLOWING_SIGMA_BELOW, FOLLOWING_SIGMA_ABOVE)
    following = np.round(FOLLOWING_CENTRE + sigma * z, 6)
    momentum = np.round(MOMENTUM_SIGMA * exact.normal(uniform[1]), 6)
    genre = exact.cumulative_choice(uniform[2], np.array([share for _, share, _, _ in GENRES]))
    is_band = uniform[3] < _BAND_SHARE
    noise = POPULARITY_NOISE * exact.normal(uniform[4])
    scores = POPULARITY_CENTRE + POPULARITY_SPREAD * z + noise + POPULARITY_MOMENTUM * momentum
    popularity = np.clip(np.round(scores * 100), 0, 10_000).astype(np.int64)
    founded = (day_number(as_of) - 730 - np.floor(uniform[5] * uniform[5] * 365 * 45)).astype(np.int64)
    updated = day_number(as_of) * DAY - 1 - np.floor(uniform[6] * 60 * DAY).astype(np.int64)
    booking = np.round(BOOKING_POWER * (following - FOLLOWING_CENTRE) + BOOKING_SIGMA * exact.normal(uniform[7]), 6)

    chosen = exact.Permutation(count, key + 7)(np.arange(near))
    identity = np.concatenate([np.arange(count), chosen])
    hashes = exact.mix(np.arange(len(identity), dtype=np.uint64), key & 0xFFFF).tolist()
    known: list[str | None] = [*names.act_names(people, is_band.tolist(), key)]
    listed = [*known, *(near_name(known[row], hashes[count + number]) for number, row in enumerate(chosen.tolist()))]
    members = [
        [people.name((hashes[row] >> 8) + 7919 * seat) for seat in range(3 + hashes[row] % 3)] if band else [known[row]]
        for row, band in enumerate(is_band.tolist())
    ]
    rows = identity.tolist()
    styles = [
        [GENRES[main][0]] + [GENRES[(main + 1 + hashes[row] % 9) % len(GENRES)][0]] * (hashes[row] % 3 > 0)
        for row, main in enumerate(genre.tolist())
    ]
    columns: Columns = {
        "artist_id": [f"A{number + 1:07d}" for number in range(len(identity))],
        "name": listed,
        "primary_genre": [GENRES[main][0] for main in genre[identity].tolist()],
        "genres": [json.dumps(styles[row]) for row in rows],
        "popularity_score": decimal_texts(popularity[identity]),
        "formation_date": [(date(1970, 1, 1) + timedelta(days=day)).isoformat() for day in founded[identity].tolist()],
        "members": [json.dumps(members[row], ensure_ascii=False) for row in rows],
        "spotify_id": [None if value % 12 == 0 else f"{value:022x}"[-22:] for value in hashes],
        "updated_at": timestamp_texts(updated[identity]),
    }
    return Artists(count, identity, genre, following, momentum, booking, updated[identity], columns)
