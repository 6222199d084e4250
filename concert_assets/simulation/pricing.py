"""What a ticket costs: the average price of a house and the face value of each of its tiers."""

from datetime import date

import numpy as np

from concert_assets.simulation import exact
from concert_assets.simulation.artists import FOLLOWING_CENTRE
from concert_assets.simulation.calendar import day_number
from concert_assets.simulation.exact import Floats, Ints
from concert_assets.simulation.market import VENUE_KINDS

MOST_TIERS = max(len(kind.tiers) for kind in VENUE_KINDS)
# Log price per unit of log following over the act that is usual in the kind of venue, and yearly rise of prices.
STAR_POWER = 0.06
_YEARLY_RISE = 0.04
PRICE_SPREAD = 0.18


def house_price(
    kind: Ints, following: Floats, day: Ints, genre_effect: Floats, u: Floats, as_of: date
) -> tuple[Floats, Floats]:
    """The average price of each concert and the price usual for such an act, place and time, both in USD."""
    years = (day - day_number(as_of)) / 365.25
    level = np.array([kind.price for kind in VENUE_KINDS])[kind]
    usual = exact.log(level) + STAR_POWER * (following - FOLLOWING_CENTRE - _usual_following(kind))
    usual = usual + _YEARLY_RISE * (years + 1.0) + genre_effect
    price = exact.exp(usual + PRICE_SPREAD * np.clip(exact.normal(u), -2.5, 2.5))
    return np.round(price, 2), np.round(exact.exp(usual), 2)


def face_values(kind: Ints, price_usd: Floats) -> Ints:
    """Face value of every tier in cents, shape (concerts, tiers); 0 where the kind of venue has fewer tiers.

    Tiers are multiples of one base, chosen so that a full house pays ``price_usd`` on average. Prices end on whole
    dollars, from 50 dollars on in steps of 2.50.
    """
    multiples = np.zeros((len(VENUE_KINDS), MOST_TIERS))
    for row, known in enumerate(VENUE_KINDS):
        mean = sum(tier.share * tier.multiple for tier in known.tiers)
        multiples[row, : len(known.tiers)] = [tier.multiple / mean for tier in known.tiers]
    wanted = np.round(price_usd[:, None] * multiples[kind] * 100).astype(np.int64)
    step = np.where(wanted < 5_000, 100, 250)
    return np.where(wanted > 0, np.maximum((wanted + step // 2) // step * step, 500), 0)


def _usual_following(kind: Ints) -> Floats:
    """Log of the middle capacity of the kind of venue over the middle artist's following."""
    middles = [
        float(0.5 * (exact.log(float(known.smallest)) + exact.log(float(known.largest)))) - FOLLOWING_CENTRE
        for known in VENUE_KINDS
    ]
    return np.array(middles)[kind]
