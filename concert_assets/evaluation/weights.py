"""How strongly acts and rooms pull bookings, as far as the bookings of the past tell: shrunken counts.

Counts of bookings are Poisson around an exposure times a weight whose log is normal beforehand. The exposure of one
depends on the weights of the others, so both are found in turn (a fixed point, from the prior on).
"""

from dataclasses import dataclass

import numpy as np

from concert_assets.evaluation.filtering import Beliefs
from concert_assets.evaluation.rooms import Rooms
from concert_assets.simulation.artists import BOOKING_POWER, BOOKING_SIGMA, FOLLOWING_CENTRE
from concert_assets.simulation.booking import CANDIDATES
from concert_assets.simulation.exact import Floats, Ints
from concert_assets.simulation.venues import BOOKING_QUALITY
from concert_assets.simulation.venues import BOOKING_SIGMA as VENUE_SIGMA

_STEPS = np.linspace(-4.0, 4.0, 41)
_ROUNDS = 4
_RIVALS = 48  # sets of other candidates that each venue is compared with


@dataclass(frozen=True)
class Weights:
    """Log booking weights on a grid: ``at`` and the probability ``share`` of its points, shape (n, points)."""

    at: Floats
    share: Floats

    def mean(self) -> Floats:
        """The mean weight, not its log; shape (n,)."""
        return np.asarray((self.share * np.exp(self.at)).sum(axis=1))

    def draw(self, generator: np.random.Generator) -> Floats:
        """One log weight each; shape (n,)."""
        rows = np.arange(len(self.at))
        place = (np.cumsum(self.share, axis=1) < generator.random((len(rows), 1))).sum(axis=1)
        step = self.at[:, 1] - self.at[:, 0]
        found = self.at[rows, np.minimum(place, self.at.shape[1] - 1)]
        return np.asarray(found + (generator.random(len(rows)) - 0.5) * step)


def artist_weights(beliefs: Beliefs, bookings: Ints) -> Weights:
    """The weights of artists given how often each was booked; both of shape (artists,)."""
    mean = BOOKING_POWER * (beliefs.following - FOLLOWING_CENTRE)
    variance = BOOKING_SIGMA**2 + BOOKING_POWER**2 * beliefs.following_variance
    at = mean[:, None] + np.sqrt(variance)[:, None] * _STEPS
    weights = _given(at, bookings, np.zeros_like(at))
    for _ in range(_ROUNDS):
        weights = _given(at, bookings, bookings.sum() * np.exp(at) / weights.mean().sum())
    return weights


def venue_weights(
    beliefs: Beliefs, bookings: Ints, rooms: Rooms, act_weight: Floats, generator: np.random.Generator
) -> Weights:
    """The weights of venues given how often each was booked, and the acts' weights; shapes (venues,), (artists,).

    Promoters look a few times for a room of the right size and take the one that pulls most, which falls on each with
    the probability of its weight. Who else is looked at is drawn from the acts that may come.
    """
    mean = BOOKING_QUALITY * beliefs.quality
    variance = VENUE_SIGMA**2 + BOOKING_QUALITY**2 * beliefs.quality_variance
    at = mean[:, None] + np.sqrt(variance)[:, None] * _STEPS
    looks = bookings.sum() * CANDIDATES * rooms.considered_by(beliefs.following, act_weight)
    rivals = _rivals(rooms, beliefs.following, act_weight, generator)
    weights = _given(at, bookings, np.zeros_like(at))
    for _ in range(_ROUNDS):
        others = weights.mean()[rivals].sum(axis=2)
        chosen = np.stack([(np.exp(x)[:, None] / (np.exp(x)[:, None] + others)).mean(axis=1) for x in at.T], axis=1)
        weights = _given(at, bookings, looks[:, None] * chosen)
    return weights


def _given(at: Floats, count: Ints, expected: Floats) -> Weights:
    """The posterior of a Poisson count of this expectation at each point; the prior alone where all are nought."""
    told = count[:, None] * np.log(np.maximum(expected, 1e-12)) - expected if expected.any() else 0.0
    log_share = told - 0.5 * _STEPS**2 + np.zeros_like(at)
    share = np.exp(log_share - log_share.max(axis=1, keepdims=True))
    return Weights(at, share / share.sum(axis=1, keepdims=True))


def _rivals(rooms: Rooms, following: Floats, weight: Floats, generator: np.random.Generator) -> Ints:
    """Venues looked at beside each venue, drawn; shape (venues, sets, candidates - 1)."""
    venues, points = rooms.considered.shape
    by_point = np.cumsum(rooms.considered * rooms.shares(following, weight), axis=1)
    uniform = generator.random((_RIVALS, venues)) * by_point[:, -1]
    point = np.stack([(by_point < u[:, None]).sum(axis=1) for u in uniform], axis=1)
    point = np.minimum(point, points - 1)
    found = np.empty((venues, _RIVALS, CANDIDATES - 1), dtype=np.int64)
    for one in np.unique(point):
        places = np.nonzero(point == one)
        reached = np.cumsum(rooms.considered[:, one])
        draws = generator.random((len(places[0]), CANDIDATES - 1)) * reached[-1]
        found[places] = np.minimum(np.searchsorted(reached, draws, side="right"), venues - 1)
    return found
