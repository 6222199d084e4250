"""From a belief about demand to a forecast of tickets: censored at capacity, conditional on the sales to date."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from concert_assets.evaluation.competition import expected_competition, final_competition
from concert_assets.evaluation.filtering import NOISE_VARIANCE, Beliefs, follow
from concert_assets.evaluation.pacing import Pace, pace
from concert_assets.evaluation.published import Published, known_terms
from concert_assets.evaluation.rooms import rooms
from concert_assets.simulation.exact import Floats, Ints

_POINTS = 61
_PASSES = 3
_CHUNK = 8_000


@dataclass(frozen=True)
class Forecast:
    """Mean and median of the tickets that will have been sold, arrays of shape (questions,)."""

    mean: Floats
    median: Floats


@dataclass(frozen=True)
class Ceilings:
    """What could be forecast of each question: by who knows every latent (``oracle``), and by the observer.

    ``belief_mean`` and ``belief_variance`` are the observer's of log demand, before the sales to date.
    """

    oracle: Forecast
    knowable: Forecast
    belief_mean: Floats
    belief_variance: Floats


def forecast_tickets(mean: Floats, variance: Floats, capacity: Floats, sold: Pace) -> Forecast:
    """The forecast of min(capacity, demand) for log demand normal before the sales to date; shape (questions,).

    The posterior is laid on a grid that is narrowed around it twice, since a full ledger tells far more than the prior.
    """
    parts = [
        _on_grid(mean[rows], variance[rows], capacity[rows], sold.part(rows))
        for rows in (slice(first, first + _CHUNK) for first in range(0, len(mean), _CHUNK))
    ]
    if not parts:
        return Forecast(np.zeros(0), np.zeros(0))
    return Forecast(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _on_grid(mean: Floats, variance: Floats, capacity: Floats, sold: Pace) -> tuple[Floats, Floats]:
    prior, room = np.sqrt(variance)[:, None], capacity[:, None]
    steps = np.linspace(-1.0, 1.0, _POINTS)
    centre, reach = mean[:, None], 5 * prior
    for number in range(_PASSES):
        at = centre + reach * steps
        log_weight = -0.5 * ((at - mean[:, None]) / prior) ** 2 + sold.log_likelihood(np.exp(at), room)
        weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
        weight = weight / weight.sum(axis=1, keepdims=True)
        if number + 1 < _PASSES:
            centre = (weight * at).sum(axis=1, keepdims=True)
            spread = np.sqrt((weight * (at - centre) ** 2).sum(axis=1, keepdims=True))
            reach = 6 * np.maximum(spread, 2 * reach / _POINTS)
    tickets = np.minimum(np.exp(at), room)
    risen = np.cumsum(weight, axis=1)
    place = (risen < 0.5).sum(axis=1)
    rows = np.arange(len(mean))
    # within the step in which half of the weight is passed, as if it were even there
    part = (risen[rows, place] - 0.5) / weight[rows, place]
    middle = at[rows, place] + (0.5 - part) * (at[:, 1] - at[:, 0])
    return (weight * tickets).sum(axis=1), np.minimum(np.exp(middle), capacity)


def ceilings(
    seen: Published, sales: pd.DataFrame, log_expected_demand: Floats, asked: Ints, asked_day: Ints
) -> Ceilings:
    """Both ceilings of questions: rows of concerts, and days at whose start is asked; shape (questions,).

    ``log_expected_demand``, shape (concerts,), is the truth and enters the oracle's alone. Both see the same ledger.
    """
    sold = pace(seen, sales, asked, asked_day)
    capacity = seen.capacity[seen.venue[asked]].astype(np.float64)
    mean, variance, _ = beliefs(seen, asked, asked_day, np.zeros(0, dtype=np.int64))
    noise = np.full(len(asked), NOISE_VARIANCE)
    return Ceilings(
        oracle=forecast_tickets(log_expected_demand[asked], noise, capacity, sold),
        knowable=forecast_tickets(mean, variance, capacity, sold),
        belief_mean=mean,
        belief_variance=variance,
    )


def beliefs(
    seen: Published, asked: Ints, asked_day: Ints, snapshots: Ints
) -> tuple[Floats, Floats, dict[int, Beliefs]]:
    """The observer's mean and variance of log demand, one a question, and what it believes at the snapshots' days."""
    first = int(min([*asked_day.tolist(), *snapshots.tolist()], default=0))
    found = follow(
        seen,
        known_terms(seen),
        rooms(seen.capacity),
        final_competition(seen, first),
        asked,
        asked_day,
        expected_competition(seen, asked, asked_day),
        snapshots,
    )
    return found.mean, found.variance, found.beliefs
