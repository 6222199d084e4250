"""Which rooms acts of a following are booked into, by the generator's rule."""

import math
from dataclasses import dataclass

import numpy as np

from concert_assets.simulation.booking import ASIDE, ROOM_MARGIN, ROOM_SPREAD
from concert_assets.simulation.exact import Floats, Ints

_CDF_AT = np.arange(-9.0, 9.0, 1e-3)
_CDF = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in _CDF_AT.tolist()])
# Followings from less than any act has to more.
LOWEST, HIGHEST, STEP = 1.5, 14.5, 0.025
_POINTS = LOWEST + STEP * np.arange(round((HIGHEST - LOWEST) / STEP) + 1)


@dataclass(frozen=True)
class Rooms:
    """What promoters look at: ``considered`` has shape (venues, points).

    It is the probability that one look for a room falls on a venue, for an act of each following of the points.
    """

    considered: Floats

    def considered_by(self, following: Floats, weight: Floats) -> Floats:
        """The probability, shape (venues,), that a look falls on each venue for acts drawn by their weights."""
        return np.asarray(self.considered @ self.shares(following, weight))

    @staticmethod
    def shares(following: Floats, weight: Floats) -> Floats:
        """The share, shape (points,), of the acts' weights at each point."""
        share = np.bincount(_points_of(following), weights=weight, minlength=len(_POINTS))
        return np.asarray(share / weight.sum(), dtype=np.float64)


def _points_of(following: Floats) -> Ints:
    """The points nearest to these followings."""
    places = np.rint((following - LOWEST) / STEP).astype(np.int64)
    return np.asarray(np.clip(places, 0, len(_POINTS) - 1))


def rooms(capacity: Ints) -> Rooms:
    """The rooms of these capacities, shape (venues,) in persons."""
    count = len(capacity)
    order = np.lexsort((np.arange(count), capacity))
    sizes = np.log(capacity[order].astype(np.float64))
    below = np.interp((sizes[None, :] - _POINTS[:, None] - ROOM_MARGIN) / ROOM_SPREAD, _CDF_AT, _CDF)
    ends = np.concatenate([np.zeros((len(_POINTS), 1)), below, np.ones((len(_POINTS), 1))], axis=1)
    considered = np.empty((count, len(_POINTS)))
    considered[order] = _aside(np.diff(ends, axis=1), count).T
    return Rooms(considered)


def _aside(place: Floats, count: int) -> Floats:
    """Spread places, shape (points, count + 1), evenly to both sides as promoters look, kept within the list."""
    half = int(ASIDE * count / 2 + 0.5)
    steps = np.arange(-half, half + 1)
    # the chance that a uniform on the width rounds to the step; the outermost steps are cut
    edges = np.clip(np.stack([steps - 0.5, steps + 0.5]), -ASIDE * count / 2, ASIDE * count / 2)
    share = (edges[1] - edges[0]) / (ASIDE * count)
    padded = np.pad(place, ((0, 0), (half, half)))
    total = np.concatenate([np.zeros((len(place), 1)), np.cumsum(padded, axis=1)], axis=1)
    inner = max(half - 1, 0)
    size = place.shape[1]

    def window(reach: int) -> Floats:
        """For every place, padded by ``half`` on both sides, the sum of those within ``reach`` of it."""
        at = np.arange(size + 2 * half)
        return np.asarray(total[:, np.minimum(at + reach + 1, len(at))] - total[:, np.maximum(at - reach, 0)])

    middle = share[half]
    spread = window(inner) * middle + (window(half) - window(inner)) * share[0] if half else padded
    # places beyond either end of the list fall on its ends
    spread[:, half] += spread[:, :half].sum(axis=1)
    kept = spread[:, half : half + count].copy()
    kept[:, -1] += spread[:, half + count :].sum(axis=1)
    return kept
