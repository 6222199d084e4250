"""The demand function: how many tickets a concert could sell, from what is known and what is hidden about it.

Pure functions and frozen constants. What a model can reach at best on this world follows from this module, so a change
here makes every earlier figure incomparable: the constants and the noise are held by a test.
"""

from dataclasses import dataclass

import numpy as np

from concert_assets.simulation import exact
from concert_assets.simulation.exact import Floats, Ints

# Standard deviation of log demand that nothing explains, and where its tails are cut.
NOISE_SIGMA = 0.25
NOISE_CUT = 3.0
# Log demand per unit of log price over the usual price of the kind of venue.
PRICE_ELASTICITY = -0.8
# Log demand per unit of log market size over the average market.
CITY_EFFECT = 0.20
# Log demand per unit of log capacity over the middle capacity of the kind of venue.
SIZE_EFFECT = 0.10
# Log demand per concert in the same city and week beyond the average, as a ratio to that average, cut at the ratio.
COMPETITION_EFFECT = -0.05
COMPETITION_CUT = 4.0
# Spread of the hidden quality of a venue and of an artist's yearly momentum, in log demand.
QUALITY_SIGMA = 0.15
MOMENTUM_SIGMA = 0.10


@dataclass(frozen=True)
class DemandTerms:
    """What log demand is the sum of. Every field is an array of shape (concerts,) in units of log tickets.

    ``following`` is the log of the tickets the artist sells on a middling night; the others are effects that centre
    near zero. ``quality`` and part of ``following`` and ``momentum`` are hidden from the delivered data.
    """

    following: Floats
    momentum: Floats
    genre: Floats
    city: Floats
    venue_kind: Floats
    size: Floats
    quality: Floats
    price: Floats
    weekday: Floats
    season: Floats
    competition: Floats

    def log_demand(self) -> Floats:
        """The sum of the terms, in the order of the fields: log of the expected demand before noise."""
        total = np.zeros_like(self.following)
        for name in self.__dataclass_fields__:
            total = total + getattr(self, name)
        return np.round(total, 9)


def price_term(price_usd: Floats, usual_price_usd: Floats) -> Floats:
    """The effect of asking more or less than is usual in that kind of venue for that kind of act."""
    return PRICE_ELASTICITY * (exact.log(price_usd) - exact.log(usual_price_usd))


def city_term(people: Floats, average_people: float) -> Floats:
    """The effect of the size of the market; ``people`` in any unit, the same for both."""
    return CITY_EFFECT * (exact.log(people) - exact.log(average_people))


def size_term(capacity: Floats, middle_capacity: Floats) -> Floats:
    """The effect of a larger room than is usual for its kind; capacities in persons."""
    return SIZE_EFFECT * (exact.log(capacity) - exact.log(middle_capacity))


def competition_term(ratio: Floats) -> Floats:
    """The effect of other concerts; ``ratio`` is their number in the city and week over the average, never negative."""
    return COMPETITION_EFFECT * (np.minimum(ratio, COMPETITION_CUT) - 1.0)


def noise(u: Floats) -> Floats:
    """Log noise from uniforms in (0, 1): normal with ``NOISE_SIGMA``, cut at ``NOISE_CUT`` standard deviations."""
    return NOISE_SIGMA * np.clip(exact.normal(u), -NOISE_CUT, NOISE_CUT)


def demand(log_demand: Floats, log_noise: Floats) -> Ints:
    """Tickets that would be sold in a room without limits, at least 0."""
    return np.floor(exact.exp(np.round(log_demand + log_noise, 9)) + 0.5).astype(np.int64)


def expected_tickets(log_demand: Floats, capacity: Ints, points: int = 400) -> Floats:
    """The mean of tickets sold over the noise, given everything else: E[min(capacity, demand)].

    The best forecast (in squared error) that anyone could make who knew every term; shape (concerts,), in tickets.
    The mean is taken over ``points`` equally likely slices of the noise.
    """
    middle = exact.exp(log_demand)
    total = np.zeros(len(log_demand))
    for factor in exact.exp(noise((np.arange(points) + 0.5) / points)).tolist():
        total = total + np.minimum(middle * factor, capacity)
    return total / points
